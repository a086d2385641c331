"""The tables of the desk, where merchants work: drafts, earlier rulebooks, verdicts on suggestions, what is said of
products, options, the catalogue as it is searched, results by day, keys of machines."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from .checks import letters, unique_where
from .tables import COUNTED, UTCDateTime, metadata

#: What somebody is writing. `origin`: the name of the live part that it changes, "" for a new one, which had `base` as
#: its revision then; `body`: JSON of the written form, as it was typed, finished or not; `version` counts savings;
#: `writers`: JSON list of all who saved it, so that none of them can be its second person.
drafts = Table(
    "upsell_draft",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("id", String(16), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("origin", String(100), nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("action", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("body", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", String(100), nullable=False),
    Column("writer", String(100), nullable=False),
    Column("writers", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime, nullable=False),
    CheckConstraint("kind IN ('rule', 'season', 'ladder')", name="kind"),
    CheckConstraint("action IN ('put', 'remove')", name="action"),
    CheckConstraint("state IN ('open', 'review')", name="state"),
    CheckConstraint("version > 0", name="version"),
    # One draft for each live part, whoever begins it.
    unique_where("uq_upsell_draft_origin", "origin <> ''", "instance", "kind", "origin"),
)

#: A draft's last forms, to go back to and forth: JSON lists of bodies, the nearest last. `tab`: the page that saved it.
draft_steps = Table(
    "upsell_draft_step",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("id", String(16), primary_key=True),
    Column("back", Text, nullable=False),
    Column("forth", Text, nullable=False),
    Column("tab", String(32), nullable=False),
)

#: Rulebooks as they were saved, whoever saved them: zlib of their JSON. `writers`: JSON list of who wrote what was new.
revisions = Table(
    "upsell_revision",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
    Column("who", String(100), nullable=False),
    Column("why", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("writers", Text, nullable=False),
    Column("book", LargeBinary, nullable=False),
    CheckConstraint("revision > 0", name="revision"),
)

#: What the linter found last in the live rules, of which revision and on which day of the store: zlib of JSON.
linted = Table(
    "upsell_linted",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("findings", LargeBinary, nullable=False),
)

#: What somebody decided of a pair that was learned, or of any two products. Of a kind, or ("never") of all kinds.
verdicts = Table(
    "upsell_verdict",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("antecedent", String(200), primary_key=True),
    Column("consequent", String(200), primary_key=True),
    Column("verdict", String(10), nullable=False),
    Column("who", String(100), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    CheckConstraint("kind IN ('complement', 'upgrade', 'seasonal', 'never')", name="kind"),
    CheckConstraint("verdict IN ('approved', 'rejected')", name="verdict"),
    CheckConstraint("kind <> 'never' OR verdict = 'rejected'", name="never"),
)

#: How many learned pairs of a kind are how sure, so that nobody has to count them.
levels = Table(
    "upsell_pair_level",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("sure", Integer, primary_key=True, autoincrement=False),
    Column("pairs", BigInteger, nullable=False),
    CheckConstraint("pairs > 0", name="pairs"),
)

#: What the merchant says of a product, beside what the store says. `excluded`: never offered. `sensitive`: nothing is
#: offered for it either, and it is in nobody's reasons. `fits`: JSON list of attributes that must be the same in the
#: line that it is offered for.
product_notes = Table(
    "upsell_product_note",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("ref", String(200), primary_key=True),
    Column("excluded", Boolean, nullable=False),
    Column("sensitive", Boolean, nullable=False),
    Column("fits", Text, nullable=False),
    Column("who", String(100), nullable=False),
    Column("at", UTCDateTime, nullable=False),
)

#: Settings that a merchant may change without the developer. `value`: JSON.
options = Table(
    "upsell_option",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
    Column("who", String(100), nullable=False),
    Column("at", UTCDateTime, nullable=False),
)

#: The catalogue as it was published last, to be searched.
catalogue = Table(
    "upsell_product",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("ref", String(200), primary_key=True),
    Column("title", Text, nullable=False),
    Column("category", String(500), nullable=False),
    Column("brand", String(200), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("stock", BigInteger),
    Column("hidden", Boolean, nullable=False),
    Column("image", Text, nullable=False),
    Column("url", Text, nullable=False),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint(letters("currency"), name="currency"),
    Index("ix_upsell_product_category", "instance", "category", "ref"),
)

#: Categories (and what they lie within), tags and brands of the catalogue, and how many products have them.
facets = Table(
    "upsell_facet",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("products", BigInteger, nullable=False),
    CheckConstraint("kind IN ('category', 'tag', 'brand')", name="kind"),
)

#: Lower-case words of titles, references, brands and categories, by their beginnings.
words = Table(
    "upsell_word",
    metadata,
    Column("instance", String(40), primary_key=True),
    # By bytes, so that an index finds what begins with some letters, whatever the database's language.
    Column("word", String(60).with_variant(String(60, collation="C"), "postgresql"), primary_key=True),
    Column("ref", String(200), primary_key=True),
    Index("ix_upsell_word_ref", "instance", "ref", "word"),
)

#: The counts again, by day in the store's zone and by rule ("" for what was learned), without products.
days = Table(
    "upsell_day",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("placement", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("rule", String(100), primary_key=True),
    Column("currency", String(3), primary_key=True),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in COUNTED),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in COUNTED), name="counted"),
    CheckConstraint(f"currency = '' AND revenue = 0 OR {letters('currency')}", name="currency"),
)

#: Order lines that were imported from a file, to learn from. `customer`: a pseudonym.
imported_lines = Table(
    "upsell_imported_line",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("order_ref", String(200), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("product", String(200), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("customer", String(64), nullable=False),
    Column("placed_at", UTCDateTime, nullable=False),
    CheckConstraint("unit_price >= 0", name="unit_price"),
    Index("ix_upsell_imported_line_placed_at", "instance", "placed_at"),
)

#: Products that were imported from a file, for stores that give no catalogue. `body`: JSON.
imported_products = Table(
    "upsell_imported_product",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("ref", String(200), primary_key=True),
    Column("body", Text, nullable=False),
)

#: What was read of a file, until somebody who has seen what it would change imports it. `content`: zlib of JSON, of
#: orders without names; `run`: the background run that imports it, or "".
uploads = Table(
    "upsell_upload",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("id", String(16), primary_key=True),
    Column("what", String(10), nullable=False),
    Column("name", String(200), nullable=False),
    Column("who", String(100), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("run", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    CheckConstraint("what IN ('rules', 'ladders', 'pairs', 'products', 'orders')", name="what"),
)

#: Keys of machines for the API: only a hash is kept. `role`: what they may do.
machine_keys = Table(
    "upsell_machine_key",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("id", String(16), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(10), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("who", String(100), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
    Column("revoked_at", UTCDateTime),
    CheckConstraint("role IN ('viewer', 'editor', 'approver', 'owner')", name="role"),
    Index("ix_upsell_machine_key_hash", "instance", "hash", unique=True),
)

#: What the API answered to a key of idempotency, so that a request that is sent again is answered the same.
api_requests = Table(
    "upsell_api_request",
    metadata,
    Column("instance", String(40), primary_key=True),
    Column("who", String(100), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer),
    Column("answer", Text),
    Column("etag", String(80)),
    Column("created_at", UTCDateTime, nullable=False, index=True),
)
