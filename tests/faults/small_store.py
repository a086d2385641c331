"""A store in SQL with one visitor, in the ledger's own database, and the pipeline of one of its processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from flask_upsell import Columns, SQLAlchemyStore
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.claims import LEASE
from flask_upsell.adapters.ledger import SQLLedger, make_engine
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.memory import MemoryQueue, MemoryShelf, MemorySwitch, MemoryTally
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.context import Policy
from flask_upsell.core.kind import Kind
from flask_upsell.core.rule import Bundle, Discount, Limits, Off, Products, Rule, Second
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.offers import Offers
from flask_upsell.till import Outcome, Wanted
from flask_upsell.web.shown import Page, wanted
from tests.patience import wait_for_locks

VISITOR = "cart-1"


class Base(DeclarativeBase):
    pass


class Goods(Base):
    __tablename__ = "shop_goods"
    sku: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[int]
    category: Mapped[str]


class CartLine(Base):
    __tablename__ = "shop_cart_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[int]


class Order(Base):
    __tablename__ = "shop_order"
    number: Mapped[str] = mapped_column(primary_key=True)
    placed_at: Mapped[datetime]
    cancelled: Mapped[bool] = mapped_column(default=False)


class OrderLine(Base):
    __tablename__ = "shop_order_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[int]


GOODS = {
    "tea": ("Tea", 1000, "Tea"),
    "cup": ("Cup", 2000, "Cups"),
    "jar": ("Jar", 1200, "Jars"),
    "pot": ("Pot", 1200, "Tea"),
}
PERCENT = Discount(off=Off.PERCENT, percent=1000)
WITH_TEA: dict[str, Any] = {"lines": {"category": ["Tea"]}}
OFFERS: dict[str, Any] = {
    "product": Products(refs=("cup",)),
    "upgrade": Products(refs=("pot",), kind=Kind.UPGRADE),
    "bundle": Bundle(refs=("cup", "jar")),
    "second": Second(),
}


def rule(kind: str, limits: Limits = Limits(total=1000)) -> Rule:  # noqa: B008 (frozen)
    """10 % off what goes with tea."""
    return Rule(name="tea", offer=OFFERS[kind], when=WITH_TEA, discount=PERCENT, limits=limits)


def prepare(url: str, goods: Mapping[str, tuple[str, int, str]] = GOODS) -> None:
    """The store's tables, with its goods: reference -> title, price, category. The ledger's are there."""
    engine = wait_for_locks(make_engine(url))
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for sku, (title, price, category) in goods.items():
            connection.execute(insert(Goods).values(sku=sku, title=title, price=price, category=category))
    engine.dispose()


class Shop:
    """A process of the store. `engine`: one that is there already, with what it has compiled."""

    def __init__(
        self,
        url: str,
        kind: str,
        limits: Limits | None = None,
        visitor: str = VISITOR,
        engine: Engine | None = None,
    ) -> None:
        self.engine = engine or wait_for_locks(make_engine(url))
        self.session = Session(self.engine, expire_on_commit=False)
        self.visitor = visitor
        self.store = SQLAlchemyStore(
            session=lambda: self.session, currency="EUR", grants=True, cart_key=lambda: self.visitor,
            product=Columns(Goods, ref="sku", title="title", price="price", category="category"),
            cart_line=Columns(CartLine, ref="id", cart="cart", product="sku", quantity="quantity", unit_price="price"),
            order=Columns(Order, ref="number", placed_at="placed_at"),
            order_line=Columns(OrderLine, order="number", product="sku", quantity="quantity", unit_price="price"),
        )  # fmt: skip
        self.ledger = SQLLedger(self.engine, "upsell")
        shelf = MemoryShelf()
        self.offers = Offers(
            store=self.store, shelf=shelf, ledger=self.ledger, tally=MemoryTally(), queue=MemoryQueue(),
            rules=SQLRules(self.engine, "upsell"), limits=SQLLimits(self.engine, "upsell"),
            switch=MemorySwitch(), policy=Policy(complement_times=0),
            secret="a secret of the tests, long enough to sign with",
        )  # fmt: skip
        shelf.publish(self.store.catalogue(), [])
        shelf.publish_rules(RuleBook(rules=(rule(kind, limits or Limits(total=1000)),)), "UTC", frozenset())
        self.session.commit()

    def close(self) -> None:
        self.session.close()
        self.engine.dispose()

    # --- what a shopper does ---------------------------------------------------------------------------------------

    def begin(self, *skus: str) -> None:
        """A cart of these, and nothing else anywhere."""
        with self.engine.begin() as connection:
            for host in (CartLine, Order, OrderLine):
                connection.execute(delete(host))
            for table in (t.requests, t.acceptances, t.conversions, t.outbox, t.counts, t.allowances, t.redemptions):
                connection.execute(delete(table))
            for sku in skus:
                values = {"cart": self.visitor, "sku": sku, "quantity": 1, "price": GOODS[sku][1]}
                connection.execute(insert(CartLine).values(**values))

    def wanted(self) -> Wanted:
        offer = self.offers.suggest("cart").offers[0]
        self.session.commit()
        return msgspec.json.decode(msgspec.json.encode(wanted(offer, Page("cart"))[0]), type=Wanted)

    def accept(self, wanted: Wanted, key: str) -> Outcome:
        return self.offers.accept(wanted, key)

    def undo(self, id: str) -> Outcome:
        return self.offers.undo(id)

    def order(self, number: str = "1001") -> list[str]:
        """Place what is in the cart; why discounts were not granted."""
        found = self.session.get(Order, number)
        if found is not None:
            self.session.commit()
            return []
        lines = self.session.scalars(select(CartLine).where(CartLine.cart == self.visitor)).all()
        self.session.add(Order(number=number, placed_at=datetime.now(UTC).replace(tzinfo=None)))
        for line in lines:
            self.session.add(OrderLine(number=number, sku=line.sku, quantity=line.quantity, price=line.price))
            self.session.delete(line)
        self.session.flush()
        refused = self.offers.discounts.grant(number, self.session.connection())
        if refused:
            self.session.rollback()
            self.offers.settle({each.id: each.reason for each in refused})
            return [str(each.reason) for each in refused]
        self.offers.record_order(number, self.visitor, self.session.connection())
        self.session.commit()
        return []

    def wait(self) -> None:
        """The lease of all that is claimed goes by."""
        shift = LEASE + timedelta(seconds=1)
        now = datetime.now(UTC) - shift
        with self.engine.begin() as connection:
            connection.execute(update(t.requests).values(created_at=now))
            claimed = update(t.acceptances).where(t.acceptances.c.claimed_at.is_not(None))
            connection.execute(claimed.values(claimed_at=now))

    # --- what came of it -------------------------------------------------------------------------------------------

    def cart(self) -> list[tuple[str, int, int]]:
        """(product, quantity, unit price), by product."""
        with self.reading() as session:
            rows = session.execute(select(CartLine.sku, CartLine.quantity, CartLine.price).order_by(CartLine.sku))
            return [(sku, quantity, price) for sku, quantity, price in rows]

    def ordered(self) -> list[tuple[str, int, int]]:
        with self.reading() as session:
            rows = session.execute(select(OrderLine.sku, OrderLine.quantity, OrderLine.price).order_by(OrderLine.sku))
            return [(sku, quantity, price) for sku, quantity, price in rows]

    def figures(self) -> dict[str, int]:
        """What the ledger has, all told."""
        live = t.redemptions.c.released_at.is_(None)
        with self.reading() as session:
            counted = session.execute(select(t.acceptances.c.state, func.count()).group_by(t.acceptances.c.state))
            states = {row[0]: row[1] for row in counted}
            used = select(t.allowances.c.used).where(t.allowances.c.scope == "total")
            return {
                **states,
                "conversions": session.scalar(select(func.count()).select_from(t.conversions)) or 0,
                "redemptions": session.scalar(select(func.count()).select_from(t.redemptions).where(live)) or 0,
                "used": session.scalar(used) or 0,
            }

    def counted(self) -> dict[str, int]:
        """The report, all told."""
        self.ledger.fold()
        rows = self.ledger.counts()
        return {name: sum(getattr(row, name) for row in rows) for name in ("accepted", "undone", "converted")}

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with Session(self.engine) as session:
            yield session
