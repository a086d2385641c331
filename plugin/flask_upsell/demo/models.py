"""The tables of an ordinary shop, which knows nothing of any extension.

Prices are integers in minor units of the store's one currency. Times are stored in UTC and are aware when read.
Sized for 70,000 products and 1.2 million order lines: every column that a page filters or joins by has an index, and
no relationship loads by itself. What a page needs, its query names; anything else raises instead of loading in a loop.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

# SQLite counts up by itself only for a column of type INTEGER.
BigKey = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC also where the database has no time zones; refuses naive values (ValueError)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, for writing and comparing."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware again; a naive value can only be the UTC that we wrote."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The store's own metadata, apart from that of every extension."""


class Product(Base):
    """Something for sale; `stock` None is unlimited, `hidden` products are neither shown nor sold."""

    __tablename__ = "products"
    # A page of the shop is cut from one of these alone, without a look at the rows that it skips.
    __table_args__ = (
        Index("ix_products_shelf", "hidden", "category", text("sold DESC"), "id"),
        Index("ix_products_all", "hidden", text("sold DESC"), "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), unique=True)
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    title: Mapped[str] = mapped_column(String(300))
    category: Mapped[str | None] = mapped_column(String(120), index=True)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    stock: Mapped[int | None]
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    summary: Mapped[str] = mapped_column(Text, default="")
    image_url: Mapped[str | None] = mapped_column(String(500))
    external_url: Mapped[str | None] = mapped_column(String(500))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    period_months: Mapped[int | None]
    picture: Mapped[str | None] = mapped_column(String(60))
    # How many order lines an import had of it: an imported shop shows its best sellers first.
    sold: Mapped[int] = mapped_column(default=0, server_default="0")


class Cart(Base):
    """What belongs to a cart as a whole; a cart without a row has no coupon."""

    __tablename__ = "carts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    coupon: Mapped[str | None] = mapped_column(String(40))


class CartLine(Base):
    """Pieces of one product in a cart at the price they were put in for; `options` belongs to whoever put them in."""

    __tablename__ = "cart_lines"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    cart_key: Mapped[str] = mapped_column(String(64), index=True)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"))
    quantity: Mapped[int]
    unit_price_minor: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    product: Mapped[Product] = relationship(lazy="raise")

    @property
    def total_minor(self) -> int:
        """What the line costs, in minor units."""
        return self.quantity * self.unit_price_minor


class Order(Base):
    """A placed order; `customer` is None for guests, `cart_key` names the cart that it came from."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    customer: Mapped[str | None] = mapped_column(String(64), index=True)
    cart_key: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str | None] = mapped_column(String(120))
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    coupon: Mapped[str | None] = mapped_column(String(40))

    lines: Mapped[list[OrderLine]] = relationship(back_populates="order", lazy="raise", order_by="OrderLine.id")


class OrderLine(Base):
    """Pieces of one product in an order, at the price that was charged for each."""

    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), index=True)
    quantity: Mapped[int]
    unit_price_minor: Mapped[int] = mapped_column(BigInteger)

    order: Mapped[Order] = relationship(back_populates="lines", lazy="raise")
    product: Mapped[Product] = relationship(lazy="raise")

    @property
    def total_minor(self) -> int:
        """What the line cost, in minor units."""
        return self.quantity * self.unit_price_minor
