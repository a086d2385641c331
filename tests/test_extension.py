"""`Upsell` and its app: factories, several apps, several instances, settings, signals."""

from __future__ import annotations

import gc
import socket
import threading
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, has_request_context, render_template_string, request, request_finished
from redis import Redis
from sqlalchemy import Integer, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from flask_upsell import (
    Columns,
    FollowUp,
    MemoryStore,
    Order,
    SettingsError,
    SQLAlchemyStore,
    Upsell,
    cart_changed,
    checkout_started,
    extension,
    faults,
    grant,
    jobs,
    offer_accepted,
    offer_declined,
    offers_shown,
    order_placed,
    perk_granted,
    perks,
    product_changed,
)
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.tables import acceptances
from flask_upsell.core.followup import Plan, State
from flask_upsell.core.ports import Promise
from flask_upsell.core.rule import Discount, Limits, Off, Perk, Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.jobs import parts
from flask_upsell.web.memory import Memory
from tests.conftest import SECRET, MakeApp, migrate
from tests.web.markup import slot, slots
from tests.web.shop import BOOK, GOODS, SessionStore, Visitor, add_pages, counts, parts_of, publish, put_rules


@pytest.fixture(autouse=True)
def no_faults_yet() -> Iterator[None]:
    faults.seen.clear()
    yield
    faults.seen.clear()


def config(redis_url: str, tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {
        "SECRET_KEY": SECRET,
        "UPSELL_REDIS_URL": redis_url,
        "UPSELL_REDIS_SECONDS": 1.0,
        "UPSELL_BOOK_SECONDS": 0.0,
        "UPSELL_SLOW_SECONDS": 0,
        "UPSELL_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        **more,
    }


def prepared(app: Flask, store: MemoryStore, name: str = "upsell") -> Flask:
    migrate(parts_of(app, name).offers.ledger.engine)  # type: ignore[attr-defined]
    publish(app, name=name)
    return app


def shop_of(make_app: MakeApp, **more: Any) -> tuple[Flask, SessionStore]:
    store = SessionStore(GOODS, urls={"cart": "/cart"})
    app = make_app(store, UPSELL_REDIS_SECONDS=1.0, **more)
    add_pages(app, store)
    publish(app)
    return app, store


# Making it


def test_one_object_in_a_factory_serves_many_apps(redis_url: str, tmp_path: Path) -> None:
    stores: list[SessionStore] = []

    def store_of(app: Flask) -> SessionStore:
        stores.append(SessionStore(GOODS, locale=app.config["LOCALE"]))
        return stores[-1]

    upsell = Upsell(store=store_of)

    def create_app(number: int, **more: Any) -> Flask:
        app = Flask(f"app{number}")
        app.config.update(config(redis_url, tmp_path, **more))
        app.config["UPSELL_DATABASE_URL"] = f"sqlite:///{tmp_path / f'{number}.db'}"
        upsell.init_app(app)
        add_pages(app, stores[-1])
        return prepared(app, stores[-1])

    one, two = create_app(1, LOCALE="de", UPSELL_MAX_OFFERS=3), create_app(2, LOCALE="en", UPSELL_MAX_OFFERS=1)
    assert parts_of(one).offers.store is stores[0]
    assert parts_of(two).offers.store is stores[1]
    ada, bob = Visitor(one).put("laptop"), Visitor(two).put("laptop")
    assert ada.see().products == ["plus", "bag", "card"]
    assert "799,00\xa0€" in ada.see().card("plus").text
    assert bob.see().products == ["plus"]
    assert "€799.00" in bob.see().card("plus").text
    ada.press("accept", "bag")
    assert [line[0] for line in stores[0].lines()] == ["laptop", "bag"]
    assert [line[0] for line in stores[1].lines()] == ["laptop"]
    assert (counts(one)["accepted"], counts(two)["accepted"]) == (1, 0)


def test_an_app_that_nobody_holds_is_gone(redis_url: str, tmp_path: Path) -> None:
    """A store's own tests make one for each. Planted bug that it shows: signals hold their receivers, and these the app
    (`weak=False`)."""

    def served() -> weakref.ref[Flask]:
        app, store = Flask("short"), SessionStore(GOODS)
        app.config.update(config(redis_url, tmp_path, UPSELL_ADMIN_USER=lambda: None))
        Upsell(app, store=store)
        add_pages(app, store)
        prepared(app, store)
        assert slot(Visitor(app).put("laptop").press("accept", "bag").text).tone == "done"
        assert counts(app)["accepted"] == 1, "while it is there the store is heard"
        parts_of(app).close()
        return weakref.ref(app)

    gone = served()
    gc.collect()
    assert gone() is None


def test_a_plain_app(redis_url: str, tmp_path: Path) -> None:
    app, store = Flask("plain"), SessionStore(GOODS)
    app.config.update(config(redis_url, tmp_path))
    upsell = Upsell(app, store=store)
    add_pages(app, store)
    prepared(app, store)
    assert upsell.identifier == "upsell"
    assert Visitor(app).put("laptop").see().products == ["plus", "bag"]
    with app.app_context():
        assert parts() is app.extensions["upsell"]


def test_the_store_may_come_with_init_app(redis_url: str, tmp_path: Path) -> None:
    app, store = Flask("late"), MemoryStore(GOODS)
    app.config.update(config(redis_url, tmp_path))
    Upsell().init_app(app, store=store)
    assert parts_of(app).offers.store is store


def test_several_instances_in_one_app(redis_url: str, tmp_path: Path) -> None:
    app = Flask("both")
    app.config.update(
        config(redis_url, tmp_path, UPSELL_MAX_OFFERS=3, UPSELL_B2B_MAX_OFFERS=1, UPSELL_PRICE_GAP_PERCENT=30)
    )
    shop, trade = SessionStore(GOODS), SessionStore(GOODS)
    Upsell(app, store=shop)
    Upsell(app, store=trade, name="b2b")
    add_pages(app, shop)
    app.add_url_rule("/trade", "trade", lambda: render_template_string("{{ upsell_b2b('cart') }}"))
    prepared(app, shop)
    publish(app, name="upsell_b2b")
    first, second = parts_of(app).settings, parts_of(app, "upsell_b2b").settings
    assert (first.url_prefix, second.url_prefix) == ("/upsell", "/upsell-b2b")
    assert (first.queue, second.queue) == ("upsell", "upsell_b2b")
    assert (first.max_offers, second.max_offers) == (3, 1)
    assert (first.price_gap_percent, second.price_gap_percent) == (30, 30)

    visitor = Visitor(app).put("laptop")
    trade.carts["cart-0"] = list(shop.carts["cart-0"])
    assert visitor.see("/cart").products == ["plus", "bag", "card"]
    business = visitor.see("/trade")
    assert business.products == ["plus"]
    form = business.cards[0].forms["accept"]
    assert form.url == "/upsell-b2b/accept"
    # A token of one is nothing to the other.
    form.url = "/upsell/accept"
    assert slot(visitor.send(form).text).tone == "sorry"
    form.url = "/upsell-b2b/accept"
    assert slot(visitor.send(form).text).tone == "done"
    assert [line[0] for line in shop.lines()] == ["laptop"]
    assert [line[0] for line in trade.lines()] == ["plus"]
    assert (counts(app)["accepted"], counts(app, "upsell_b2b")["accepted"]) == (0, 1)
    client = Redis.from_url(redis_url)
    keys = {key.decode() for key in client.keys("*")}  # type: ignore[union-attr]
    client.close()
    assert {"upsell:{book}:1:current", "upsell_b2b:{book}:1:current"} <= keys
    with visitor.client.get("/upsell-b2b/static/upsell.js") as answer:
        assert answer.status_code == 200
    assert {"upsell", "upsell_b2b"} <= set(app.cli.commands)


def test_a_prefix_for_one_instance_is_not_that_of_the_other(redis_url: str, tmp_path: Path) -> None:
    """Two instances at one address would take each other's forms."""
    app = Flask("both")
    app.config.update(config(redis_url, tmp_path, UPSELL_URL_PREFIX="/offers"))
    Upsell(app, store=MemoryStore(GOODS))
    Upsell(app, store=MemoryStore(GOODS), name="b2b")
    assert parts_of(app).settings.url_prefix == "/offers"
    assert parts_of(app, "upsell_b2b").settings.url_prefix != "/offers"


def test_a_second_registration_says_what_to_do(make_app: MakeApp) -> None:
    app = make_app()
    with pytest.raises(SettingsError, match=r"already.*Upsell\(name='b2b'\)"):
        Upsell(app, store=MemoryStore())


def test_a_missing_store_says_what_to_do() -> None:
    app = Flask("none")
    app.config["SECRET_KEY"] = SECRET
    with pytest.raises(SettingsError, match=r"Upsell\(store="):
        Upsell(app)
    assert "upsell" not in app.extensions


@pytest.mark.parametrize("thing", [object(), 7, "store"])
def test_what_is_no_store_says_what_to_do(thing: Any) -> None:
    app = Flask("none")
    app.config["SECRET_KEY"] = SECRET
    with pytest.raises(SettingsError, match="store"):
        Upsell(app, store=thing)


@pytest.mark.parametrize("more", [{}, {"SECRET_KEY": ""}, {"SECRET_KEY": None}])
def test_a_missing_secret_says_what_to_do(more: dict[str, Any]) -> None:
    app = Flask("none")
    app.config.update(more)
    with pytest.raises(SettingsError, match=r"(?s)SECRET_KEY.*secrets\.token_hex"):
        Upsell(app, store=MemoryStore())
    assert "upsell" not in app.extensions
    assert "upsell" not in app.blueprints


@pytest.mark.parametrize("name", ["B2B", "b-2", "2b", "b b", "../x", "a" * 21, "ü"])
def test_a_bad_name_says_what_to_write(name: str) -> None:
    with pytest.raises(SettingsError, match="lower-case letters"):
        Upsell(name=name)


def test_a_bad_setting_stops_the_app(redis_url: str, tmp_path: Path) -> None:
    app = Flask("bad")
    app.config.update(config(redis_url, tmp_path, UPSELL_MAX_OFFERS=4))
    with pytest.raises(SettingsError, match="UPSELL_MAX_OFFERS: write a whole number from 0 to 3, not 4"):
        Upsell(app, store=MemoryStore())
    assert "upsell" not in app.extensions


def test_init_app_opens_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown red with a `ping` in `_connect`."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    app = Flask("quiet")
    app.config.update(config("redis://127.0.0.1:1/0", tmp_path))
    before = threading.active_count()
    Upsell(app, store=MemoryStore(GOODS))
    assert not (tmp_path / "ledger.db").exists()
    assert threading.active_count() == before


def test_while_it_is_off_nothing_is_shown_taken_or_counted(make_app: MakeApp) -> None:
    app, store = shop_of(make_app)
    form = Visitor(app).put("laptop").see().card("bag").forms["accept"]
    before = counts(app)
    off, other = shop_of(make_app, UPSELL_ENABLED=False)
    visitor = Visitor(off).put("laptop")
    page = visitor.client.get("/cart").text
    assert "<main></main>" in page
    assert "upsell" not in page.replace("upsell-", "")
    assert slots(visitor.client.get("/upsell/slot/cart").text) == []
    # An offer of a page that was open before.
    visitor.send(form)
    assert [line[0] for line in other.lines()] == ["laptop"]
    visitor.client.post("/order")
    assert counts(off) == before
    assert not faults.seen
    assert store.lines()


# What the store sends


class Base(DeclarativeBase):
    pass


class Goods(Base):
    __tablename__ = "goods"
    sku: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[int]


class InCart(Base):
    __tablename__ = "in_cart"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int] = mapped_column(Integer)
    price: Mapped[int]


class Ordered(Base):
    __tablename__ = "orders"
    number: Mapped[str] = mapped_column(primary_key=True)
    placed_at: Mapped[datetime]


class OrderedLine(Base):
    __tablename__ = "order_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[int]


@pytest.fixture
def sql_shop(make_app: MakeApp, tmp_path: Path) -> Iterator[tuple[Flask, Session]]:
    """A shop whose database is the ledger's too, with an accepted bag in the cart "c"."""
    engine = make_engine(f"sqlite:///{tmp_path / 'upsell.db'}")
    Base.metadata.create_all(engine)
    session = Session(engine, expire_on_commit=False)
    session.add_all(Goods(sku=p.ref, title=p.title, price=p.price) for p in GOODS)
    session.add(InCart(cart="c", sku="laptop", quantity=1, price=64900))
    session.commit()
    store = SQLAlchemyStore(
        session=lambda: session,
        currency="EUR",
        product=Columns(Goods, ref="sku", title="title", price="price"),
        cart_line=Columns(InCart, ref="id", cart="cart", product="sku", quantity="quantity", unit_price="price"),
        order=Columns(Ordered, ref="number", placed_at="placed_at"),
        order_line=Columns(OrderedLine, order="order", product="sku", quantity="quantity", unit_price="price"),
        cart_key=lambda: "c",
    )
    app = make_app(store, UPSELL_REDIS_SECONDS=1.0)
    publish(app)
    app.add_url_rule("/cart", "cart", lambda: render_template_string("{{ upsell('cart') }}"))

    def place(then: str, share: str) -> str:
        session.add(Ordered(number="o1", placed_at=datetime(2026, 11, 21, 12)))
        session.add(OrderedLine(order="o1", sku="bag", quantity=1, price=5900))
        session.flush()
        connection = session.connection() if share == "shared" else None
        order_placed.send(app, order="o1", connection=connection)
        if then == "commit":
            session.commit()
        else:
            session.rollback()
        return then

    app.add_url_rule("/place/<then>/<share>", "place", place, methods=["POST"])
    assert slot(Visitor(app).press("accept", "bag").text).tone == "done"
    yield app, session
    session.close()
    engine.dispose()


@pytest.mark.parametrize("share", ["shared", "apart"])
def test_an_order_is_counted_once_whether_its_transaction_is_shared_or_not(
    sql_shop: tuple[Flask, Session], share: str
) -> None:
    app, _ = sql_shop
    assert app.test_client().post(f"/place/commit/{share}").text == "commit"
    assert counts(app) | {"shown": 0} == {
        "shown": 0, "accepted": 1, "declined": 0, "undone": 0, "converted": 1, "revenue": 5900}  # fmt: skip
    assert not faults.seen


@pytest.mark.parametrize("share", ["shared", "apart"])
def test_an_order_that_is_rolled_back_is_no_conversion(sql_shop: tuple[Flask, Session], share: str) -> None:
    """Shown red with a transaction of our own in `record_order` where the store's is shared."""
    app, _ = sql_shop
    assert app.test_client().post(f"/place/rollback/{share}").text == "rollback"
    assert counts(app)["converted"] == 0
    # It can still be ordered.
    app.test_client().post(f"/place/commit/{share}")
    assert counts(app)["converted"] == 1


def test_an_order_without_a_connection_is_recorded_after_the_request(make_app: MakeApp) -> None:
    app, _ = shop_of(make_app)
    seen: list[int] = []

    @app.after_request
    def look(response: Any) -> Any:
        seen.append(counts(app)["converted"])
        return response

    visitor = Visitor(app).put("laptop")
    visitor.press("accept", "bag")
    seen.clear()
    visitor.client.post("/order")
    assert seen == [0]
    assert counts(app)["converted"] == 1


def test_an_order_outside_a_request_is_recorded_at_once(make_app: MakeApp) -> None:
    store = MemoryStore(GOODS)
    app = make_app(store, UPSELL_REDIS_SECONDS=1.0)
    add_pages(app, store)
    publish(app)
    visitor = Visitor(app).put("laptop")
    visitor.press("accept", "bag")
    with app.app_context():
        store.place_order("by hand", datetime.now(UTC))
        order_placed.send(app, order="by hand")
        order_placed.send(app, order="by hand")
    assert counts(app)["converted"] == 1


def test_an_order_that_the_store_does_not_know_is_a_log_line(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app, _ = shop_of(make_app)
    with app.app_context():
        order_placed.send(app, order="unknown")
    assert "order 'unknown': the store does not know it" in caplog.text
    assert sum(faults.seen.values()) == 1


def test_a_changed_product_is_asked_for_and_amended(make_app: MakeApp, redis_url: str) -> None:
    app, store = shop_of(make_app)
    client = Redis.from_url(redis_url)
    bag = store.shelf.pop("bag")
    with app.app_context():
        product_changed.send(app, products=["bag", "card"])
        assert client.llen("rq:queue:upsell") == 1
        parts().offers.amend(["bag", "card"])
    client.close()
    visitor = Visitor(app).put("laptop")
    assert visitor.see().products == ["plus", "card"]
    store.shelf["bag"] = bag
    with app.app_context():
        parts().offers.amend(["bag"])
    assert visitor.see().products == ["plus", "bag"]


class Unwilling(SessionStore):
    """Raises whatever it is asked about orders or visitors."""

    broken = False

    def order(self, ref: str, connection: object = None) -> Any:
        raise RuntimeError("no orders today")

    def visitor(self) -> Any:
        if self.broken:
            raise RuntimeError("no visitors today")
        return super().visitor()


@pytest.mark.parametrize("broken", [True, False])
@pytest.mark.parametrize(
    ("signal", "given"),
    [
        (order_placed, {"order": "o1"}),
        (order_placed, {"order": "o1", "connection": object()}),
        (order_placed, {"order": None}),
        (order_placed, {}),
        (product_changed, {"products": ["bag"]}),
        (product_changed, {"products": 7}),
        (product_changed, {}),
        (cart_changed, {"what": "else"}),
        (checkout_started, {}),
    ],
)
def test_nothing_is_raised_into_the_store(make_app: MakeApp, signal: Any, given: dict[str, Any], broken: bool) -> None:
    """Shown red with `harmless` taken off `ordered`."""
    store = Unwilling(GOODS)
    app = make_app(store, UPSELL_REDIS_SECONDS=1.0)

    @app.post("/send")
    def send() -> str:
        signal.send(app, **given)
        return "sent"

    store.broken = broken
    assert app.test_client().post("/send").text == "sent"
    with app.app_context():
        signal.send(app, **given)
    if signal is order_placed:
        assert sum(faults.seen.values()) >= 2


def test_nothing_is_raised_into_the_store_without_redis(tmp_path: Path) -> None:
    app = Flask("alone")
    app.config.update(config(f"unix://{tmp_path}/nobody.sock", tmp_path))
    store = MemoryStore(GOODS)
    Upsell(app, store=store)
    migrate(parts_of(app).offers.ledger.engine)  # type: ignore[attr-defined]
    with app.app_context():
        cart_changed.send(app)
        product_changed.send(app, products=["bag"])
        checkout_started.send(app)
    assert faults.seen["redis_queue"] == 1


def test_the_signals_of_one_app_are_not_heard_by_another(make_app: MakeApp, redis_url: str) -> None:
    one, _ = shop_of(make_app)
    shop_of(make_app)
    client = Redis.from_url(redis_url)
    client.delete("rq:queue:upsell")
    with one.app_context():
        product_changed.send(one, products=["bag"])
    assert client.llen("rq:queue:upsell") == 1
    client.close()


# What the store can hear


def test_shown_accepted_and_declined_are_heard(make_app: MakeApp) -> None:
    app, _ = shop_of(make_app)
    heard: list[tuple[str, Any]] = []

    def shown(sender: Flask, decision: Any) -> None:
        heard.append(("shown", [offer.product.ref for offer in decision.offers]))

    def accepted(sender: Flask, acceptance: Any) -> None:
        heard.append(("accepted", (acceptance.product, acceptance.placement, acceptance.unit_price)))

    def declined(sender: Flask, product: str, kind: str, placement: str) -> None:
        heard.append(("declined", (product, str(kind), placement)))

    with (
        offers_shown.connected_to(shown, sender=app),
        offer_accepted.connected_to(accepted, sender=app),
        offer_declined.connected_to(declined, sender=app),
    ):
        visitor = Visitor(app).put("laptop")
        visitor.press("accept", "bag")
        visitor.press("decline", "plus")
        visitor.client.get("/product/lonely")
    assert heard == [
        ("shown", ["plus", "bag"]),
        ("accepted", ("bag", "cart", 5900)),
        ("shown", ["plus", "card"]),
        ("shown", ["plus", "card"]),
        ("declined", ("plus", "upgrade", "cart")),
        ("shown", ["card", "socks"]),
    ]


def test_an_engine_of_the_stores_own_is_left_alone(tmp_path: Path, redis_url: str) -> None:
    """Ours is another one, even on the same database: disposing of one does not close the other."""
    app = Flask("own")
    app.config.update(config(redis_url, tmp_path))
    Upsell(app, store=MemoryStore())
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.connect() as connection:
        parts_of(app).forked()
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()


# Discounts of an order


def test_an_order_whose_discount_is_used_up_is_refused_and_the_cart_repriced(make_app: MakeApp) -> None:
    store = SessionStore(GOODS, urls={"cart": "/cart"})
    app = make_app(store)
    add_pages(app, store)
    publish(app)
    rule = Rule(
        name="bag", offer=Products(refs=("bag",)), when={"lines": {"product": ["laptop"]}}, limits=Limits(total=1),
        discount=Discount(off=Off.PERCENT, percent=1000), priority=1,
    )  # fmt: skip
    offers = parts_of(app).offers
    offers.rules.save(RuleBook(rules=(rule,)), datetime.now(UTC))
    offers.publish_rules()

    @app.post("/buy/<number>")
    def buy(number: str) -> str:
        store.placed[number] = Order(number, "EUR", store.cart().lines)
        if refused := grant(number):
            del store.placed[number]
            return refused[0]
        order_placed.send(app, order=number)
        return "bought"

    shoppers = [Visitor(app).put("laptop") for _ in range(2)]
    for shopper in shoppers:
        assert slot(shopper.press("accept", "bag").text).tone == "done"
    assert shoppers[0].client.post("/buy/1").text == "bought"
    assert shoppers[1].client.post("/buy/2").text == (
        "An offer in your cart is not given any more: this offer was taken as often as it was there."
    )
    assert store.lines("cart-0") == [("laptop", 1, 64900), ("bag", 1, 5310)]
    assert store.lines("cart-1") == [("laptop", 1, 64900), ("bag", 1, 5900)]
    assert shoppers[1].client.post("/buy/3").text == "bought"
    assert offers.limits.used("bag") == {"total": 1}


# Perks of an order


CODE = Perk(code="NEXT10", words={"en": "Your code: {code}"})


@pytest.fixture
def rewarded(sql_shop: tuple[Flask, Session]) -> Iterator[tuple[Visitor, Session, list[Promise]]]:
    """The shop of `sql_shop`, in which a rule brought the accepted bag and gives a code for it; and what is heard."""
    app, session = sql_shop
    session.delete(session.query(InCart).filter_by(sku="bag").one())
    session.commit()
    with parts_of(app).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(acceptances.delete())
    put_rules(app, Rule(name="bags", offer=Products(refs=("bag",)), perk=CODE, stop=True))
    visitor = Visitor(app)
    assert slot(visitor.press("accept", "bag").text).tone == "done"
    heard: list[Promise] = []

    def hear(sender: Flask, promise: Promise) -> None:
        heard.append(promise)

    with perk_granted.connected_to(hear, sender=app):
        yield visitor, session, heard


def promised(app: Flask) -> list[Promise]:
    return parts_of(app).offers.ledger.promised("o1")


@pytest.mark.parametrize("share", ["shared", "apart"])
def test_a_perk_is_granted_once_the_order_is_committed(
    rewarded: tuple[Visitor, Session, list[Promise]], share: str
) -> None:
    visitor, _, heard = rewarded
    app = visitor.client.application
    during: list[int] = []
    request_finished.connect(lambda *_, **__: during.append(len(heard)), sender=app, weak=False)
    assert visitor.client.post(f"/place/commit/{share}").text == "commit"
    assert during == [0], "not before the request is over"
    assert heard == promised(app)
    assert [(promise.rule, promise.order, promise.perk) for promise in heard] == [("bags", "o1", CODE)]
    assert not faults.seen


@pytest.mark.parametrize("share", ["shared", "apart"])
def test_an_order_that_is_rolled_back_earns_nothing(
    rewarded: tuple[Visitor, Session, list[Promise]], share: str
) -> None:
    """Shown red with a transaction of its own in `record_order` where the store's is shared."""
    visitor, _, heard = rewarded
    app = visitor.client.application
    assert visitor.client.post(f"/place/rollback/{share}").text == "rollback"
    assert (heard, promised(app)) == ([], [])
    assert visitor.client.post(f"/place/commit/{share}").text == "commit"
    assert len(heard) == len(promised(app)) == 1


def test_what_an_order_earned_stands_on_its_confirmation(rewarded: tuple[Visitor, Session, list[Promise]]) -> None:
    visitor, _, _ = rewarded
    visitor.client.post("/place/commit/shared")
    page = "/upsell/slot/confirmation?product=bag"
    for _ in range(2):
        assert "Your code: NEXT10" in visitor.client.get(page).text
    assert "NEXT10" not in visitor.client.get("/cart").text


def test_the_next_order_has_thanks_of_its_own(rewarded: tuple[Visitor, Session, list[Promise]]) -> None:
    """Shown red without `thank` for an order that earned nothing: the first one's code stands there again."""
    visitor, session, _ = rewarded
    app = visitor.client.application
    visitor.client.post("/place/commit/shared")
    with app.test_client() as client:
        cookie = visitor.client.get_cookie("session")
        assert cookie is not None
        client.set_cookie("session", cookie.value)
        with client.session_transaction() as kept:
            assert kept["upsell"]["thanks"] == ["Your code: NEXT10"]
    session.add(Ordered(number="o2", placed_at=datetime(2026, 11, 22, 12)))
    session.add(OrderedLine(order="o2", sku="card", quantity=1, price=2290))
    session.commit()
    with app.test_request_context("/", headers={"Cookie": f"session={cookie.value}"}):
        assert Memory("upsell").thanks == ("Your code: NEXT10",)
        order_placed.send(app, order="o2", connection=session.connection())
        session.commit()
        app.process_response(app.response_class())
        assert Memory("upsell").thanks == ()


def test_nobody_is_thanked_for_an_order_that_was_rolled_back(
    rewarded: tuple[Visitor, Session, list[Promise]],
) -> None:
    """Red when the session is told what an order earned before it is committed: the code is in the shopper's cookie."""
    visitor, _, _ = rewarded
    visitor.client.post("/place/rollback/shared")
    assert "NEXT10" not in visitor.client.get("/upsell/slot/confirmation?product=bag").text
    assert not visitor.remembered().get("upsell", {}).get("thanks")


@pytest.mark.parametrize("where", ["in one request", "in two requests"])
def test_an_order_that_is_told_twice_is_granted_its_perk_once(make_app: MakeApp, where: str) -> None:
    """A store that books points would book them twice. Red when what is promised is told without asking whether it
    was recorded only now."""
    app, store = shop_of(make_app)
    put_rules(app, Rule(name="bags", offer=Products(refs=("bag",)), perk=CODE, stop=True))
    heard: list[Promise] = []

    def hear(sender: Flask, promise: Promise) -> None:
        heard.append(promise)

    @app.post("/twice/<int:times>")
    def twice(times: int) -> str:
        if "o1" not in store.placed:
            store.place_order("o1", datetime.now(UTC))
        for _ in range(times):
            order_placed.send(app, order="o1")
        return "placed"

    visitor = Visitor(app).put("laptop")
    visitor.press("accept", "bag")
    with perk_granted.connected_to(hear, sender=app):
        for _ in range(1 if where == "in one request" else 2):
            visitor.client.post(f"/twice/{2 if where == 'in one request' else 1}")
    assert len(heard) == 1


def test_a_perk_outside_a_request_is_granted_when_its_order_is_committed(
    rewarded: tuple[Visitor, Session, list[Promise]],
) -> None:
    """An order that is placed by a job, in a transaction that is shared. Red when it is told at once: what is not
    committed nobody else sees, and SQLite waits for it in vain."""
    visitor, session, heard = rewarded
    app = visitor.client.application
    with app.app_context():
        session.add(Ordered(number="o1", placed_at=datetime(2026, 11, 21, 12)))
        session.add(OrderedLine(order="o1", sku="bag", quantity=1, price=5900))
        session.flush()
        order_placed.send(app, order="o1", connection=session.connection())
        session.commit()
    assert len(promised(app)) == 1
    assert not faults.seen
    assert heard == promised(app)


def test_the_customers_perks_are_told_to_the_store(make_app: MakeApp) -> None:
    app, store = shop_of(make_app)
    put_rules(app, Rule(name="bags", offer=Products(refs=("bag",)), perk=Perk(gift="card"), stop=True))
    store.customer = "olga"
    visitor = Visitor(app).put("laptop")
    visitor.press("accept", "bag")
    visitor.client.post("/order")
    with app.app_context():
        assert perks("olga") == {"bags"}
        assert perks("vera") == perks("") == perks("cart-0") == frozenset()
        assert perks("olga", name="b2b") == frozenset()


def test_while_it_is_off_there_are_no_perks(make_app: MakeApp) -> None:
    app, _ = shop_of(make_app, UPSELL_ENABLED=False)
    with app.app_context():
        assert perks("olga") == frozenset()
        assert perks("olga", name="none") == frozenset()


def test_a_condition_of_another_package_is_registered(monkeypatch: pytest.MonkeyPatch, make_app: MakeApp) -> None:
    loaded: list[str] = []

    class Point:
        name, value = "weather", "their.package:Weather"

        def load(self) -> None:
            loaded.append(self.name)
            if len(loaded) > 1:
                raise ImportError("no module named their")

    monkeypatch.setattr(extension, "entry_points", lambda group: [Point()] if "conditions" in group else [])
    extension._load_conditions.cache_clear()
    make_app(MemoryStore(GOODS))
    assert loaded == ["weather"]
    extension._load_conditions.cache_clear()
    with pytest.raises(SettingsError, match=r"weather.*their.package:Weather.*no module named their"):
        make_app(MemoryStore(GOODS))
    extension._load_conditions.cache_clear()


# Follow-ups of orders


class BuyersOrder(Base):
    __tablename__ = "buyers_orders"
    number: Mapped[str] = mapped_column(primary_key=True)
    placed_at: Mapped[datetime]
    buyer: Mapped[str | None]


@pytest.fixture
def buyers(make_app: MakeApp, database_url: str) -> Iterator[tuple[Flask, list[FollowUp]]]:
    """A shop on the ledger's own database, whose orders have buyers who read German; and the mails that it sent."""
    engine = make_engine(database_url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine, expire_on_commit=False)

    def db() -> Session:
        if "db" not in g:
            g.db = sessions()
        made: Session = g.db
        return made

    with sessions() as first:
        first.add_all(Goods(sku=p.ref, title=p.title, price=p.price) for p in GOODS)
        first.commit()
    sent: list[FollowUp] = []
    store = SQLAlchemyStore(
        session=db,
        currency="EUR",
        product=Columns(Goods, ref="sku", title="title", price="price", url="/product/{sku}"),
        order=Columns(BuyersOrder, ref="number", placed_at="placed_at", customer="buyer"),
        order_line=Columns(OrderedLine, order="order", product="sku", quantity="quantity", unit_price="price"),
        facts=lambda: {"language": request.args["language"]} if has_request_context() else {},
    )
    app = make_app(
        store,
        UPSELL_DATABASE_URL=database_url,
        UPSELL_REDIS_SECONDS=1.0,
        UPSELL_FOLLOW_UP=sent.append,
        UPSELL_FOLLOW_UP_DAYS=2,
        UPSELL_SITE_URL="https://shop.example",
    )
    # Functions at the end of a context run in the order of the last one first; a store's own was there before ours.
    app.teardown_appcontext_funcs.insert(0, lambda _: g.pop("db").close() if "db" in g else None)
    with app.app_context():
        parts().offers.shelf.publish(store.catalogue(), BOOK.items())

    @app.post("/place/<number>/<then>/<share>")
    def place(number: str, then: str, share: str) -> str:
        db().add(BuyersOrder(number=number, placed_at=datetime(2026, 11, 21, 12), buyer=request.args.get("buyer")))
        db().add(OrderedLine(order=number, sku="laptop", quantity=1, price=64900))
        db().flush()
        order_placed.send(app, order=number, connection=db().connection() if share == "shared" else None)
        getattr(db(), then)()
        return then

    yield app, sent
    parts_of(app).close()
    Base.metadata.drop_all(engine)
    engine.dispose()


def due_in(app: Flask, days: float) -> list[str]:
    offers = parts_of(app).offers
    return [plan.order for plan in parts_of(app).diary.due(offers.clock() + timedelta(days=days), 10)]


@pytest.mark.parametrize("share", ["shared", "apart"])
def test_a_customers_order_is_followed_up_in_the_language_it_was_made_in(
    buyers: tuple[Flask, list[FollowUp]], share: str
) -> None:
    """From the order to the mail, as a store sees it. Red when the language is asked for after the request."""
    app, sent = buyers
    client = app.test_client()
    for number, then in (("o1", "rollback"), ("o1", "commit"), ("o2", "commit")):
        buyer = "&buyer=42" if number == "o1" else ""
        assert client.post(f"/place/{number}/{then}/{share}?language=de-AT{buyer}").text == then
        assert due_in(app, 2.1) == ([] if then == "rollback" else ["o1"]), "an order that is not there, and a guest's"
    assert due_in(app, 1.9) == []
    offers = parts_of(app).offers
    clock = offers.clock
    offers.clock = lambda: clock() + timedelta(days=2.1)
    with app.app_context():
        states = [[each.state for each in jobs.run_follow_ups(parts())] for _ in range(2)]
    assert states == [[State.SENT], []]
    (mail,) = sent
    assert (mail.customer, mail.order, mail.language) == ("42", "o1", "de-AT")
    assert mail.subject == "Passt gut zu „Laptop“"
    assert "* Canvas bag\n  €\xa059,00\n  https://shop.example/product/bag\n" in mail.text
    assert faults.seen == ({} if share == "shared" else {"afterwards": 1}), "the order that is not there"
    assert client.post(mail.unsubscribe.removeprefix("https://shop.example")).status_code == 200
    assert parts_of(app).diary.barred(Plan("o9", offers.pseudonym("42"), "", clock()), clock()) is State.UNSUBSCRIBED


def test_a_follow_up_that_cannot_be_planned_costs_no_order(
    buyers: tuple[Flask, list[FollowUp]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown red (PostgreSQL) without the savepoint of `in_order`: the order's transaction is refused at its commit."""
    app, _ = buyers
    pseudonym = parts_of(app).offers.pseudonym
    monkeypatch.setattr(parts_of(app).offers, "pseudonym", lambda key: "" if key == "42" else pseudonym(key))
    assert app.test_client().post("/place/o1/commit/shared?language=de&buyer=42").text == "commit"
    with app.app_context():
        assert parts().offers.store.order("o1") is not None
    assert due_in(app, 3) == []
    assert faults.seen == {"follow_up": 1, "consents": 1}


def test_who_sends_no_mails_records_nothing(make_app: MakeApp) -> None:
    """The default. And a store that is switched off as a whole writes to nobody either."""
    for given in ({}, {"UPSELL_ENABLED": False, "UPSELL_FOLLOW_UP": print, "UPSELL_SITE_URL": "https://shop.example"}):
        app, store = shop_of(make_app, **given)
        store.customer = "42"
        visitor = Visitor(app).put("laptop")
        visitor.client.post("/order")
        assert parts_of(app).follow_ups is None
        assert parts_of(app).diary.states() == {}


def test_a_second_instance_does_not_write_too(make_app: MakeApp) -> None:
    sent: list[FollowUp] = []
    app, store = shop_of(make_app, UPSELL_FOLLOW_UP=sent.append, UPSELL_SITE_URL="https://shop.example")
    store.customer = "42"
    Upsell(app, store=store, name="b2b")
    Visitor(app).put("laptop").client.post("/order")
    assert parts_of(app).diary.states() == {"due": 1}
    assert parts_of(app, "upsell_b2b").diary.states() == {}
    parts_of(app, "upsell_b2b").close()
