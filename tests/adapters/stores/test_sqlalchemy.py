"""Two hosts' own models behind `SQLAlchemyStore`, on SQLite and on PostgreSQL.

One has integer keys, decimal prices in euros and no price on a cart line; the other SKUs, cents, a price and a choice.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import DateTime, Engine, ForeignKey, Numeric, String, create_engine, event, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from flask_upsell import Reviews, Variant, faults
from flask_upsell.adapters.stores.columns import Columns
from flask_upsell.adapters.stores.sqlalchemy import SQLAlchemyStore
from flask_upsell.core.context import Capability, Line
from flask_upsell.core.ports import Done, Refused
from flask_upsell.errors import BadInput, MappingError
from tests.adapters.stores_contract import BAG, GOODS, LAPTOP, NOON, Shop, StoreContract, added, only


class Base(DeclarativeBase):
    """The hosts' tables."""


class Item(Base):
    __tablename__ = "host_item"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    stock: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    shelf: Mapped[str | None]
    facts: Mapped[str | None]


class ItemLine(Base):
    __tablename__ = "host_item_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart_key: Mapped[str] = mapped_column(String(40))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("host_item.id"))
    pieces: Mapped[int]
    note: Mapped[str]


class Purchase(Base):
    __tablename__ = "host_purchase"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    created_at: Mapped[datetime | None]
    user_id: Mapped[int | None]


class PurchaseLine(Base):
    __tablename__ = "host_purchase_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("host_purchase.id"))
    item_id: Mapped[int | None]
    pieces: Mapped[int | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))


class Ware(Base):
    __tablename__ = "host_ware"
    sku: Mapped[str] = mapped_column(String(2000), primary_key=True)
    title: Mapped[str | None]
    cents: Mapped[int | None]
    stock: Mapped[int | None]
    hidden: Mapped[bool] = mapped_column(default=False)


class WareLine(Base):
    __tablename__ = "host_ware_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str | None]
    quantity: Mapped[int]
    cents: Mapped[int | None]
    choice: Mapped[str | None]


class Sale(Base):
    __tablename__ = "host_sale"
    number: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    customer: Mapped[str | None]


class SaleLine(Base):
    __tablename__ = "host_sale_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    sale: Mapped[str] = mapped_column(ForeignKey("host_sale.number"))
    sku: Mapped[str | None]
    quantity: Mapped[int | None]
    cents: Mapped[int | None]


#: Closed after each test: one that stays open would keep its locks.
SESSIONS: list[Session] = []


class Host:
    """What both hosts share: a session for the page, and one for somebody else."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.session = Session(engine)
        SESSIONS.append(self.session)
        self.visitor: str | None = "ada"

    def be(self, visitor: str | None) -> None:
        self.visitor = visitor

    def write(self, *rows: Base) -> None:
        """Somebody else writes rows, and commits."""
        with Session(self.engine) as session:
            session.add_all(rows)
            session.commit()


class Numbers(Host):
    """Integer keys, euros, no price on the line."""

    def __init__(self, engine: Engine, **more: Any) -> None:
        super().__init__(engine)
        for number, (title, price, stock, hidden) in GOODS.items():
            self.write(Item(id=number, name=title, price=Decimal(price) / 100, stock=stock, active=not hidden))
        given: dict[str, Any] = {
            "session": lambda: self.session,
            "currency": "EUR",
            "minor_units": False,
            "urls": {"cart": "/cart"},
            "cart_key": lambda: self.visitor,
            "new_line": lambda: {"note": "from an offer"},
            "product": Columns(
                Item, ref="id", title=Item.name, price="price", stock="stock", hidden=lambda item: not item.active
            ),
            "cart_line": Columns(ItemLine, ref="id", cart="cart_key", product="item_id", quantity="pieces"),
            "order": Columns(Purchase, ref="number", id="id", placed_at="created_at", customer="user_id"),
            "order_line": Columns(
                PurchaseLine, order="purchase_id", product="item_id", quantity="pieces", unit_price="price"
            ),
        }
        self.store = SQLAlchemyStore(**{**given, **more})

    def ref(self, number: int) -> str:
        return str(number)

    def reprice(self, number: int, price: int) -> None:
        with Session(self.engine) as session:
            session.get_one(Item, number).price = Decimal(price) / 100
            session.commit()

    def order(self, ref: str, lines: Sequence[tuple[int, int, int]], at: datetime, customer: str | None = None) -> None:
        with Session(self.engine) as session:
            placed = Purchase(number=ref, created_at=at.replace(tzinfo=None), user_id=customer and int(customer))
            session.add(placed)
            session.flush()
            for number, quantity, price in lines:
                session.add(
                    PurchaseLine(purchase_id=placed.id, item_id=number, pieces=quantity, price=Decimal(price) / 100)
                )
            session.commit()


class Skus(Host):
    """SKUs, cents, a price and a choice on the line."""

    def __init__(self, engine: Engine, **more: Any) -> None:
        super().__init__(engine)
        for number, (title, price, stock, hidden) in GOODS.items():
            self.write(Ware(sku=self.ref(number), title=title, cents=price, stock=stock, hidden=hidden))
        given: dict[str, Any] = {
            "session": lambda: self.session,
            "currency": "EUR",
            "urls": lambda: {"cart": "/cart"},
            "cart_key": lambda: self.visitor,
            "product": Columns(Ware, ref="sku", title="title", price="cents", stock="stock", hidden="hidden"),
            "cart_line": Columns(
                WareLine,
                ref="id",
                cart="cart",
                product="sku",
                quantity="quantity",
                unit_price="cents",
                variant="choice",
            ),
            "order": Columns(Sale, ref="number", placed_at="at", customer="customer"),
            "order_line": Columns(SaleLine, order="sale", product="sku", quantity="quantity", unit_price="cents"),
        }
        self.store = SQLAlchemyStore(**{**given, **more})

    def ref(self, number: int) -> str:
        return f"SKU {number}/ä"

    def reprice(self, number: int, price: int) -> None:
        with Session(self.engine) as session:
            session.get_one(Ware, self.ref(number)).cents = price
            session.commit()

    def order(self, ref: str, lines: Sequence[tuple[int, int, int]], at: datetime, customer: str | None = None) -> None:
        self.write(Sale(number=ref, at=at, customer=customer))
        self.write(*(SaleLine(sale=ref, sku=self.ref(n), quantity=quantity, cents=c) for n, quantity, c in lines))


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of a host, once of each kind."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    else:
        # A server that lives elsewhere: times without a zone must not depend on where.
        made = create_engine(
            request.getfixturevalue("postgres"),
            connect_args={"options": "-c timezone=America/New_York -c lock_timeout=5s"},
        )
        Base.metadata.drop_all(made)
    Base.metadata.create_all(made)
    yield made
    while SESSIONS:
        SESSIONS.pop().close()
    made.dispose()


@pytest.fixture
def numbers(engine: Engine) -> Numbers:
    return Numbers(engine)


@pytest.fixture
def skus(engine: Engine) -> Skus:
    return Skus(engine)


class TestNumbers(StoreContract):
    """The suite over integer keys."""

    @pytest.fixture
    def shop(self, numbers: Numbers) -> Shop:
        return numbers


class TestSkus(StoreContract):
    """The suite over SKUs."""

    @pytest.fixture
    def shop(self, skus: Skus) -> Shop:
        return skus


class Statements(list[str]):
    """The SQL that an engine ran inside the `with` block."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def _hear(self, *given: Any) -> None:
        self.append(given[2])

    def __enter__(self) -> Statements:
        event.listen(self._engine, "before_cursor_execute", self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._hear)


def left_out(read: Callable[[], object]) -> int:
    """How many faults were counted while reading."""
    before = sum(faults.seen.values())
    read()
    return sum(faults.seen.values()) - before


# --- the cart ------------------------------------------------------------------------------------------------------


def test_lines_that_the_page_has_loaded_cost_no_statement(skus: Skus) -> None:
    added(skus.store, skus.ref(BAG), 2)
    loaded = skus.session.query(WareLine).all()
    skus.session.refresh(loaded[0])
    with Statements(skus.engine) as statements:
        cart = skus.store.cart(loaded)
        assert skus.store.cart([]).lines == ()
    assert [(line.product, line.quantity, line.unit_price) for line in cart.lines] == [(skus.ref(BAG), 2, 1999)]
    assert statements == []
    with Statements(skus.engine) as statements:
        assert skus.store.cart() == cart
    assert len(statements) == 1


def test_a_cart_without_prices_takes_two_statements_however_long(numbers: Numbers) -> None:
    for _ in range(30):
        added(numbers.store, numbers.ref(LAPTOP))
    numbers.session.commit()
    with Statements(numbers.engine) as statements:
        assert [line.unit_price for line in numbers.store.cart().lines] == [99900] * 30
    assert len(statements) == 2


def test_a_choice_and_a_price_stay_on_the_line(skus: Skus) -> None:
    done = skus.store.add(skus.ref(BAG), "red", 2, 1500)
    assert isinstance(done, Done)
    assert only(skus.store) == Line(done.line, skus.ref(BAG), 2, 1500, "red")
    assert skus.store.replace(done.line, skus.ref(LAPTOP), None, 2) == Done(done.line)
    assert only(skus.store) == Line(done.line, skus.ref(LAPTOP), 2, 99900, None)
    assert skus.store.replace(done.line, skus.ref(BAG), "red", 2, 1500) == Done(done.line)
    assert only(skus.store) == Line(done.line, skus.ref(BAG), 2, 1500, "red")


def sized(ware: Ware) -> list[Variant]:
    """A bag has sizes; of the small ones three are left."""
    return [Variant("s", "Small", 1999, 3), Variant("l", "Large", 2499)] if ware.sku.startswith(f"SKU {BAG}/") else []


@pytest.fixture
def choosing(skus: Skus) -> Skus:
    """Wares with sizes, and with what buyers say of them."""
    columns = Columns(
        Ware, ref="sku", title="title", price="cents", stock="stock", hidden="hidden",
        variants=sized, reviews=lambda ware: Reviews(4.5, 12, "Good.") if sized(ware) else None,
    )  # fmt: skip
    skus.store._product = columns
    return skus


def test_what_buyers_say_and_can_choose_is_the_stores(choosing: Skus) -> None:
    bag, laptop = choosing.store.products([choosing.ref(BAG), choosing.ref(LAPTOP)])
    assert [(each.ref, each.price, each.stock) for each in bag.variants] == [("s", 1999, 3), ("l", 2499, None)]
    assert (bag.reviews, laptop.reviews, laptop.variants) == (Reviews(4.5, 12, "Good."), None, ())


def test_a_choice_costs_its_own_price_and_has_its_own_stock(choosing: Skus) -> None:
    """Shown red with the product's price and stock."""
    store, bag = choosing.store, choosing.ref(BAG)
    assert isinstance(done := store.add(bag, "l", 2), Done)
    assert only(store).unit_price == 2499
    assert isinstance(store.replace(done.line, bag, "s", 4), Refused)
    assert store.replace(done.line, bag, "s", 3) == Done(done.line)
    assert only(store) == Line(done.line, bag, 3, 1999, "s")
    assert store.add(bag, "xxl", 1) == Refused("This choice is not sold any more.")
    assert len(store.cart().lines) == 1


def test_what_is_added_is_committed_in_the_stores_own_tables(numbers: Numbers) -> None:
    line = added(numbers.store, numbers.ref(BAG), 2)
    with Session(numbers.engine) as other:
        row = other.get_one(ItemLine, int(line))
        assert (row.cart_key, row.item_id, row.pieces, row.note) == ("ada", BAG, 2, "from an offer")
    numbers.store.remove(line)
    with Session(numbers.engine) as other:
        assert other.get(ItemLine, int(line)) is None


def test_a_first_line_starts_a_cart(engine: Engine) -> None:
    def start() -> str:
        host.visitor = "fresh"
        return "fresh"

    host = Skus(engine, start_cart=start)
    host.be(None)
    added(host.store, host.ref(BAG))
    assert host.store.visitor().key == "fresh"
    assert only(host.store).product == host.ref(BAG)


def test_a_refused_line_starts_no_cart(engine: Engine) -> None:
    started: list[str] = []

    def start() -> str:
        started.append("x")
        return "x"

    host = Skus(engine, start_cart=start)
    host.be(None)
    assert isinstance(host.store.add(host.ref(BAG), None, 6), Refused)
    assert started == []


def test_without_a_cart_and_a_way_to_start_one_adding_is_refused(skus: Skus) -> None:
    skus.be(None)
    assert isinstance(skus.store.add(skus.ref(BAG), None, 1), Refused)
    assert isinstance(skus.store.remove("1"), Refused)


def test_a_line_that_the_database_refuses_raises_and_leaves_the_stores_session_usable(engine: Engine) -> None:
    host = Numbers(engine, new_line=dict)  # `note` is missing and may not be NULL
    with pytest.raises(Exception, match=r"(?i)null"):
        host.store.add(host.ref(BAG), None, 1)
    assert host.store.cart().lines == ()


def test_coupons_customer_and_csrf_field_come_from_the_store(engine: Engine) -> None:
    host = Skus(engine, coupons=lambda: ["SPRING"], customer=lambda: "c7", csrf_field=lambda: "<input>", locale="de")
    assert host.store.cart().coupons == ("SPRING",)
    assert host.store.visitor().customer == "c7"
    assert host.store.csrf_field() == "<input>"
    assert host.store.format_money(123456, "EUR") == "1.234,56\xa0€"


# --- rows that cannot be used --------------------------------------------------------------------------------------


def test_a_product_without_a_price_is_left_out_and_counted(numbers: Numbers, skus: Skus) -> None:
    numbers.write(Item(id=50, name="No price"), Ware(sku="null", title="No price"))
    for host, ref in ((numbers, "50"), (skus, "null")):
        store = host.store
        assert left_out(lambda store=store, ref=ref: store.products([ref])) == 1  # type: ignore[misc]
        assert store.products([ref]) == []
        assert left_out(lambda store=store: list(store.catalogue())) == 1  # type: ignore[misc]
        assert ref not in {p.ref for p in store.catalogue()}


def test_a_cart_line_without_a_product_is_left_out_and_counted(numbers: Numbers, skus: Skus) -> None:
    numbers.write(ItemLine(cart_key="ada", item_id=None, pieces=1, note=""), WareLine(cart="ada", quantity=1, cents=5))
    for host in (numbers, skus):
        added(host.store, host.ref(BAG))
        assert left_out(host.store.cart) == 1
        assert only(host.store).product == host.ref(BAG)


def test_a_cart_line_without_a_price_is_left_out_and_counted(skus: Skus) -> None:
    skus.write(WareLine(cart="ada", sku=skus.ref(LAPTOP), quantity=1, cents=None))
    added(skus.store, skus.ref(BAG))
    assert left_out(skus.store.cart) == 1
    assert only(skus.store).product == skus.ref(BAG)


def test_a_cart_line_whose_product_has_no_price_does_not_cost_nothing(numbers: Numbers) -> None:
    numbers.write(Item(id=50, name="No price"))
    numbers.write(ItemLine(cart_key="ada", item_id=50, pieces=1, note=""))
    added(numbers.store, numbers.ref(BAG))
    assert [line.unit_price for line in numbers.store.cart().lines if line.product != numbers.ref(BAG)] == []


@pytest.mark.parametrize("missing", ["item_id", "pieces", "price"])
def test_order_lines_with_a_hole_are_left_out_and_counted(numbers: Numbers, missing: str) -> None:
    numbers.order("1001", [(BAG, 1, 1999)], NOON)
    values: dict[str, Any] = {"item_id": LAPTOP, "pieces": 1, "price": Decimal(5), missing: None}
    numbers.write(PurchaseLine(purchase_id=1, **values))
    assert left_out(lambda: list(numbers.store.orders())) == 1
    assert [line.product for line in numbers.store.orders()] == [numbers.ref(BAG)]
    order = numbers.store.order("1001")
    assert order is not None and [line.product for line in order.lines] == [numbers.ref(BAG)]


def test_orders_without_a_date_are_left_out_and_counted(numbers: Numbers) -> None:
    numbers.order("1001", [(BAG, 1, 1999)], NOON)
    numbers.write(Purchase(id=77, number="1077"))
    numbers.write(PurchaseLine(purchase_id=77, item_id=BAG, pieces=1, price=Decimal(1)))
    assert left_out(lambda: list(numbers.store.orders())) == 1
    assert [line.order for line in numbers.store.orders()] == ["1001"]


# --- orders --------------------------------------------------------------------------------------------------------


def test_an_order_is_seen_through_the_transaction_that_places_it_and_by_nobody_else(numbers: Numbers) -> None:
    with numbers.engine.connect() as placing:
        purchase = insert(Purchase).values(id=5, number="1005", created_at=NOON.replace(tzinfo=None), user_id=7)
        placing.execute(purchase)
        placing.execute(insert(PurchaseLine).values(purchase_id=5, item_id=BAG, pieces=2, price=Decimal("19.99")))
        order = numbers.store.order("1005", placing)
        assert order is not None
        assert (order.customer, order.lines) == ("7", (Line("", numbers.ref(BAG), 2, 1999),))
        assert numbers.store.order("1005") is None
        numbers.session.rollback()
        placing.rollback()
    assert numbers.store.order("1005") is None


def test_orders_without_prices_can_be_learned_from(engine: Engine) -> None:
    lines = Columns(SaleLine, order="sale", product="sku", quantity="quantity")
    host = Skus(engine, order=Columns(Sale, ref="number", placed_at="at"), order_line=lines)
    host.order("1", [(BAG, 2, 1999)], NOON, "7")
    (line,) = host.store.orders()
    assert (line.product, line.quantity, line.unit_price, line.customer) == (host.ref(BAG), 2, 0, None)
    assert line.placed_at.astimezone(UTC) == NOON


def test_order_lines_are_never_all_in_memory_at_once(skus: Skus) -> None:
    """Red when `orders` reads `.all()`: forty thousand rows are held for the sake of the first one."""
    skus.order("1", [], NOON)
    with skus.engine.begin() as connection:
        rows = [{"sale": "1", "sku": f"{i:060}", "quantity": 1, "cents": 1} for i in range(40_000)]
        connection.execute(insert(SaleLine), rows)
    del rows
    stream = skus.store.orders()
    tracemalloc.start()
    try:
        assert next(stream).quantity == 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    if skus.engine.dialect.name == "postgresql":  # nor in the client's own memory, which is not Python's
        assert skus.session.scalar(text("SELECT COUNT(*) FROM pg_cursors")) == 1
    assert sum(line.quantity for line in stream) == 39_999


# --- what a store says it can --------------------------------------------------------------------------------------


def test_capabilities_follow_from_the_columns_that_are_named(engine: Engine) -> None:
    cart = {Capability.ADD, Capability.REPLACE, Capability.REMOVE}
    numbers, skus = Numbers(engine), Skus(engine)
    assert numbers.store.capabilities == cart | {Capability.ORDERS}
    assert skus.store.capabilities == cart | {Capability.ORDERS, Capability.LINE_PRICE}
    only_products = SQLAlchemyStore(
        session=lambda: skus.session, currency="EUR", product=Columns(Ware, ref="sku", title="title", price="cents")
    )
    assert only_products.capabilities == frozenset()
    assert only_products.cart().lines == ()
    assert list(only_products.orders()) == [] and only_products.order("1") is None
    with pytest.raises(MappingError, match="cart_line"):
        only_products.add(skus.ref(BAG), None, 1)


# --- mapping: no database ------------------------------------------------------------------------------------------

PRODUCT = Columns(Ware, ref="sku", title="title", price="cents")


def made(**given: Any) -> SQLAlchemyStore:
    """A store that is never asked anything."""

    def never() -> Session:
        raise AssertionError("no session is needed to make a store")

    return SQLAlchemyStore(**{"session": never, "currency": "EUR", "product": PRODUCT, **given})


def test_an_unknown_column_is_named_with_those_that_exist() -> None:
    with pytest.raises(MappingError, match=r"Ware has no column 'skuu' for 'ref'; it has: cents, hidden, sku"):
        Columns(Ware, ref="skuu", title="title", price="cents")


def test_a_missing_needed_column_is_named() -> None:
    with pytest.raises(MappingError, match="product: say which column of Ware is price, title"):
        made(product=Columns(Ware, ref="sku"))
    with pytest.raises(MappingError, match="cart_line: say which column of WareLine is cart"):
        made(cart_line=Columns(WareLine, ref="id", product="sku", quantity="quantity"))


def test_an_unknown_field_is_named_with_those_that_exist() -> None:
    with pytest.raises(MappingError, match=r"product: colour is not a field; these are: attributes, brand, category"):
        made(product=Columns(Ware, ref="sku", title="title", price="cents", colour="title"))


def test_order_and_order_line_belong_together() -> None:
    order = Columns(Sale, ref="number", placed_at="at")
    line = Columns(SaleLine, order="sale", product="sku", quantity="quantity")
    for half in ({"order": order}, {"order_line": line}):
        with pytest.raises(MappingError, match="belong together"):
            made(**half)
    assert Capability.ORDERS in made(order=order, order_line=line).capabilities


def test_an_unknown_currency_is_named_when_the_store_is_made() -> None:
    with pytest.raises(BadInput, match="'EURO' is not an ISO 4217 code"):
        made(currency="EURO")


def test_a_pattern_over_an_unknown_column_is_named_when_the_columns_are_given() -> None:
    with pytest.raises(MappingError, match="slug"):
        Columns(Ware, ref="sku", title="title", price="cents", url="/p/{slug}")


@pytest.mark.parametrize(("table", "field"), [("product", "ref"), ("cart_line", "product"), ("order", "placed_at")])
def test_a_function_or_pattern_where_a_column_is_searched_or_written_is_named(table: str, field: str) -> None:
    whole: dict[str, dict[str, Any]] = {
        "product": {"model": Ware, "ref": "sku", "title": "title", "price": "cents"},
        "cart_line": {"model": WareLine, "ref": "id", "cart": "cart", "product": "sku", "quantity": "quantity"},
        "order": {"model": Sale, "ref": "number", "placed_at": "at"},
    }
    line = Columns(SaleLine, order="sale", product="sku", quantity="quantity")
    more = {"order_line": line} if table == "order" else {}
    with pytest.raises(MappingError, match=field):
        made(**{table: Columns(**{**whole[table], field: lambda row: row})}, **more)


def test_patterns_and_functions_make_urls_pictures_and_attributes(engine: Engine) -> None:
    columns = Columns(
        Item,
        ref="id",
        title="name",
        price=Item.price,
        category=Item.shelf,
        url="/item/{id}-{name}",
        image=lambda item: f"/pictures/{item.id}.svg" if item.stock else None,
        attributes=lambda item: {"Facts": item.facts} if item.facts else None,
        period_months=lambda item: 12,
    )
    host = Numbers(engine, product=columns)
    host.write(Item(id=60, name="Lamp", price=Decimal("7.005"), stock=3, shelf="Light", facts="bright"))
    host.write(Item(id=61, name="Bulb", price=Decimal("0.10"), stock=0))
    lamp, bulb = sorted(host.store.products(["60", "61"]), key=lambda product: product.ref)
    assert (lamp.url, lamp.image, lamp.category) == ("/item/60-Lamp", "/pictures/60.svg", "Light")
    assert (lamp.attributes, lamp.period_months, lamp.price) == ({"Facts": "bright"}, 12, lamp.price)
    assert (bulb.url, bulb.image, bulb.category, bulb.attributes, bulb.price) == ("/item/61-Bulb", None, None, {}, 10)


def test_a_function_that_raises_costs_its_product_only(engine: Engine) -> None:
    def picture(item: Item) -> str:
        return {BAG: "/bag.svg"}[item.id]

    host = Numbers(engine, product=Columns(Item, ref="id", title="name", price="price", image=picture))
    assert left_out(lambda: host.store.products([host.ref(BAG), host.ref(LAPTOP)])) == 1
    assert [p.ref for p in host.store.products([host.ref(BAG), host.ref(LAPTOP)])] == [host.ref(BAG)]


@pytest.mark.parametrize(("currency", "price", "minor"), [("EUR", "0.07", 7), ("JPY", "80", 80), ("KWD", "1.5", 1500)])
def test_major_units_become_minor_units_of_the_currency(engine: Engine, currency: str, price: str, minor: int) -> None:
    host = Numbers(engine, currency=currency)
    host.write(Item(id=60, name="Thing", price=Decimal(price)))
    assert [p.price for p in host.store.products(["60"])] == [minor]
