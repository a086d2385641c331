"""Our tables: the ledger's, the rules' and the diary's.

Money is in minor units, times are UTC, `instance` keeps Upsells that share a database apart.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from ..core.followup import State
from .checks import letters, unique_where


class UTCDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out, also on databases that forget the zone (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        aware: datetime = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware


BigId = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

COUNTED = ("shown", "accepted", "declined", "undone", "converted", "revenue")

requests = Table(
    "upsell_request",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("visitor", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("before", JSON),
    Column("answer", JSON),
    Column("created_at", UTCDateTime, nullable=False, index=True),
)

#: What counts clicks while Redis is away; `minute` since 1970. Rows of two minutes ago are of no use.
rates = Table(
    "upsell_rate",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("taken", Integer, nullable=False),
    CheckConstraint("taken > 0", name="taken"),
)

acceptances = Table(
    "upsell_acceptance",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("instance", String(40), nullable=False),
    Column("visitor", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("placement", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("offer", String(32), nullable=False),
    Column("product", String(200), nullable=False),
    Column("variant", String(200)),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("title", Text, nullable=False),
    Column("line", String(200), nullable=False),
    Column("replaced", JSON),
    Column("rule", String(100), nullable=False, server_default=""),
    Column("normal", BigInteger, nullable=False, server_default="0"),
    Column("bundle", String(32), nullable=False, server_default=""),
    Column("beside", String(100), nullable=False, server_default=""),
    Column("key", String(64), nullable=False, server_default=""),
    Column("accepted_at", UTCDateTime, nullable=False),
    Column("claimed_at", UTCDateTime),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("unit_price >= 0", name="unit_price"),
    CheckConstraint("normal >= 0 AND (normal = 0 OR unit_price <= normal)", name="normal"),
    CheckConstraint("state IN ('intended', 'accepted', 'undoing', 'undone', 'ordered')", name="state"),
    CheckConstraint(letters("currency"), name="currency"),
    Index("ix_upsell_acceptance_visitor", "instance", "visitor", "state"),
    unique_where("uq_upsell_acceptance_key", "key <> ''", "instance", "visitor", "key", "product"),
    # One click at a time: of what it intends the first stands for all of a bundle.
    unique_where(
        "uq_upsell_acceptance_intended",
        "state = 'intended' AND visitor <> '' AND (bundle = '' OR bundle = id)",
        "instance",
        "visitor",
    ),
)

conversions = Table(
    "upsell_conversion",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("instance", String(40), nullable=False),
    Column("order_ref", String(200), nullable=False),
    Column("acceptance", String(32), nullable=False),
    Column("placement", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("product", String(200), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("revenue", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("ordered_at", UTCDateTime, nullable=False),
    UniqueConstraint("instance", "acceptance", name="uq_upsell_conversion_acceptance"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("revenue >= 0", name="revenue"),
    CheckConstraint(letters("currency"), name="currency"),
)

outbox = Table(
    "upsell_outbox",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("instance", String(40), nullable=False),
    Column("event", String(240), nullable=False),
    Column("counts", JSON, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("folded_at", UTCDateTime),
    UniqueConstraint("instance", "event", name="uq_upsell_outbox_event"),
    Index("ix_upsell_outbox_folded_at", "folded_at"),
)

counts = Table(
    "upsell_count",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("placement", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("product", String(200), primary_key=True),
    Column("currency", String(3), primary_key=True),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in COUNTED),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in COUNTED), name="counted"),
    # What costs nothing is counted without a currency.
    CheckConstraint(f"currency = '' AND revenue = 0 OR {letters('currency')}", name="currency"),
)

batches = Table(
    "upsell_batch",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("folded_at", UTCDateTime, nullable=False),
)

#: What was learned. `sure` (percent, core.curation) and `worth` (minor units: the share of orders that take it, times
#: its price as it was published last) are what a list of them is filtered and sorted by.
affinities = Table(
    "upsell_affinity",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("antecedent", String(200), primary_key=True),
    Column("consequent", String(200), primary_key=True),
    Column("weight", Float, nullable=False),
    Column("together", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("consequent_orders", BigInteger, nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("sure", Integer, nullable=False, server_default="0"),
    Column("worth", Float, nullable=False, server_default="0"),
    # Each has all that a list asks for, so that it is read alone.
    Index("ix_upsell_affinity_worth", "instance", "worth", "antecedent", "consequent", "kind", "sure"),
    Index("ix_upsell_affinity_consequent", "instance", "consequent", "worth", "antecedent", "kind", "sure"),
)

runs = Table(
    "upsell_run",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("instance", String(40), nullable=False),
    Column("job", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("step", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    Index("ix_upsell_run_job", "instance", "job", "started_at"),
)

rulebooks = Table(
    "upsell_rulebook",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("updated_at", UTCDateTime),
    CheckConstraint("revision >= 0", name="revision"),
)


def _part(name: str, *more: Column[Any] | CheckConstraint) -> Table:
    """A kind of part of the rulebook: `body` is its JSON, `revision` the book's when it was last changed."""
    return Table(
        name,
        metadata,
        Column("instance", String(40), primary_key=True),
        Column("name", String(100), primary_key=True),
        Column("position", Integer, nullable=False),
        *more,
        Column("body", Text, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("updated_at", UTCDateTime, nullable=False),
    )


rules = _part(
    "upsell_rule",
    Column("status", String(10), nullable=False),
    CheckConstraint("status IN ('draft', 'active', 'paused', 'ended')", name="status"),
)
seasons = _part("upsell_season")
ladders = _part("upsell_ladder")

promises = Table(
    "upsell_promise",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("order_ref", String(200), primary_key=True),
    Column("rule", String(100), primary_key=True),
    Column("customer", String(64), nullable=False),
    Column("perk", JSON, nullable=False),
    Column("promised_at", UTCDateTime, nullable=False),
    CheckConstraint("customer <> ''", name="customer"),
    Index("ix_upsell_promise_customer", "instance", "customer"),
)

#: `used` is always the sum of the redemptions that the scope covers and that were not released.
allowances = Table(
    "upsell_allowance",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("rule", String(100), primary_key=True),
    Column("scope", String(80), primary_key=True),
    Column("used", BigInteger, nullable=False),
    CheckConstraint("used >= 0", name="used"),
)

redemptions = Table(
    "upsell_redemption",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("rule", String(100), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("day", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("order_ref", String(200), nullable=False),
    Column("granted_at", UTCDateTime, nullable=False),
    Column("released_at", UTCDateTime),
    CheckConstraint("customer <> ''", name="customer"),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint(letters("currency"), name="currency"),
    Index("ix_upsell_redemption_customer", "instance", "rule", "customer"),
    Index("ix_upsell_redemption_day", "instance", "rule", "day"),
)

#: A row for each order whose customer may be written to. `next_at`: when it is tried, at first when it is due;
#: `sent_at`: when sending began, then when it was done.
follow_ups = Table(
    "upsell_follow_up",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("order_ref", String(200), primary_key=True),
    Column("customer", String(64), nullable=False),
    Column("language", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("next_at", UTCDateTime, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("claim", String(32), nullable=False, server_default=""),
    Column("claimed_at", UTCDateTime),
    Column("sent_at", UTCDateTime),
    CheckConstraint("customer <> ''", name="customer"),
    CheckConstraint("tries >= 0", name="tries"),
    CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in State)})", name="state"),
    Index("ix_upsell_follow_up_next", "instance", "state", "next_at"),
    Index("ix_upsell_follow_up_customer", "instance", "customer"),
)

unsubscribed = Table(
    "upsell_unsubscribed",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("customer", String(64), primary_key=True),
    Column("left_at", UTCDateTime, nullable=False),
    CheckConstraint("customer <> ''", name="customer"),
)

#: A row while everything is switched off.
switches = Table(
    "upsell_switch",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("off_at", UTCDateTime, nullable=False),
    Column("by", String(100), nullable=False),
    Column("why", Text, nullable=False),
)
