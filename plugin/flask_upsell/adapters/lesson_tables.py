"""Tables of what was learned beside the evidence of pairs, of orders since, and of who agreed to their use."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Float, Index, Integer, LargeBinary, String, Table

from .checks import unique_where
from .tables import UTCDateTime, metadata

#: A row for each learning that is live, or being written. `revision` is raised by each erasure.
learnings = Table(
    "upsell_learning",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("lessons", BigInteger, nullable=False, server_default="0"),
    Column("figures", JSON, nullable=False),
    Column("model", LargeBinary),
    Column("began_at", UTCDateTime, nullable=False),
    CheckConstraint("state IN ('writing', 'live', 'gone')", name="state"),
    CheckConstraint("state <> 'live' OR model IS NOT NULL", name="whole"),
    unique_where("uq_upsell_learning_live", "state = 'live'", "instance"),
)

#: What a product leads to, what one of the crowd bought, a customer's habits: msgpack, deflated. `customer` is a
#: pseudonym, "" for products.
lessons = Table(
    "upsell_lesson",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("learning", String(64), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("customer", String(64), nullable=False, server_default=""),
    Column("body", LargeBinary, nullable=False),
    CheckConstraint("kind IN ('lead', 'crowd', 'habits')", name="kind"),
    CheckConstraint("(kind = 'lead') = (customer = '')", name="customer"),
    Index("ix_upsell_lesson_customer", "instance", "customer"),
)

#: In which orders a learning found a product: their numbers, which are nobody's but its own; msgpack, deflated.
counted = Table(
    "upsell_counted",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("learning", String(64), primary_key=True),
    Column("product", String(200), primary_key=True),
    Column("orders", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    CheckConstraint("orders > 0", name="orders"),
)

#: Products of orders since the last learning; "" is the order itself. `state`: nobody looked at it yet (`asked`: the
#: store is to be asked, too), it counts or it does not. `seen_by`: the learning that counts it too; `folded_in`:
#: the book's version that it is in; `folded_at` is NEVER until then. `customer`: a pseudonym, "" for guests.
recents = Table(
    "upsell_recent",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("order_ref", String(200), primary_key=True),
    Column("product", String(200), primary_key=True),
    Column("customer", String(64), nullable=False, server_default=""),
    Column("state", String(10), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("seen_by", String(64), nullable=False, server_default=""),
    Column("folded_in", String(64), nullable=False, server_default=""),
    Column("folded_at", UTCDateTime, nullable=False),
    CheckConstraint("state IN ('new', 'asked', 'in', 'out')", name="state"),
    Index("ix_upsell_recent_product", "instance", "product", "state"),
    Index("ix_upsell_recent_folded", "instance", "folded_at"),
    Index("ix_upsell_recent_customer", "instance", "customer"),
)

#: Customers (pseudonyms) whose last order was placed under their consent.
consents = Table(
    "upsell_consent",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("customer", String(64), primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    CheckConstraint("customer <> ''", name="customer"),
)

#: Pairs that go together in a part of the year only; see core.seasonal.Seasonal.
seasonal = Table(
    "upsell_seasonal",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("antecedent", String(200), primary_key=True),
    Column("consequent", String(200), primary_key=True),
    Column("start", String(5), nullable=False),
    Column("end", String(5), nullable=False),
    Column("together", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("lift", Float, nullable=False),
    Column("outside_together", BigInteger, nullable=False),
    Column("outside_base", BigInteger, nullable=False),
    Column("outside_lift", Float, nullable=False),
    Column("years", Integer, nullable=False),
    Column("certainty", Float, nullable=False),
    Index("ix_upsell_seasonal_certainty", "instance", "certainty"),
)
