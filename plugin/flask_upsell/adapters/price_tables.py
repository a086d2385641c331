"""The price ledger's table."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, Table

from ..core.prices import Source
from .checks import letters
from .tables import BigId, UTCDateTime, metadata

#: A row for each change of a price; `until` is when it was last seen.
prices = Table(
    "upsell_price",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("instance", String(40), nullable=False),
    Column("product", String(200), nullable=False),
    Column("variant", String(200), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("since", UTCDateTime, nullable=False),
    Column("until", UTCDateTime, nullable=False),
    Column("source", String(10), nullable=False),
    Column("rule", String(100), nullable=False, server_default=""),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint(letters("currency"), name="currency"),
    CheckConstraint("until >= since", name="until"),
    CheckConstraint(f"source IN ({', '.join(repr(source.value) for source in Source)})", name="source"),
    Index("ix_upsell_price_product", "instance", "product", "until"),
)
