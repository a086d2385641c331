"""Personal things in every field that a store or a browser gives, whole journeys, a fault in every call: none is found
in the database, Redis, the logs, the health page or a mail of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, session
from redis import Redis
from sqlalchemy import select

from flask_upsell import (
    Cart,
    Done,
    FollowUp,
    Order,
    OrderLine,
    Refused,
    cart_changed,
    erase,
    faults,
    grant,
    jobs,
    order_placed,
    perks,
    product_changed,
)
from flask_upsell import Visitor as Who
from flask_upsell.adapters.tables import metadata
from flask_upsell.core.rule import Discount, Limits, Off, Perk, Products, Rule
from tests.web.conftest import Serve
from tests.web.shop import ASK, GOODS, WITH_LAPTOP, SessionStore, Visitor, parts_of, put_rules

#: What each begins with, so that parts of one are found too.
MARK = "zqx"
KINDS = {
    "name": "{mark}{n} Müller-Śliwa", "mail": "{mark}{n}@post.example", "street": "{mark}{n}straße 7, 1090 Wien",
    "phone": "+43-{mark}{n}-5550123", "address": "2001:db8::{mark}{n}", "card": "4111-{mark}{n}-1111",
}  # fmt: skip
CANARIES = [
    pattern.format(mark=MARK, n=f"{number:02}") for number, pattern in enumerate([*KINDS.values()] * 9) if number < 50
]
(
    VISITOR, CUSTOMER, GROUP, COUPON, PAYMENT, SHIPPING, CAMPAIGN, CATEGORY_BEFORE, BOUGHT_BEFORE, COUNTRY, LANGUAGE,
    REGION, FAULT, QUERY, COOKIE, REFERER, AGENT, FORWARDED, HEADER, FIELD, PLACEMENT, ELSEWHERE, TOKEN, ANSWER,
    VARIANT, CUSTOMER_BEFORE, SQL_FAULT, NESTED_FAULT, SESSION, REFUSAL, *REST,
) = CANARIES  # fmt: skip


class Told(Exception):
    """What a store's own parts raise, with what they know."""


class Talkative(SessionStore):
    """Tells all it knows of a person, and raises with it where it is told to."""

    fails = ""

    def __getattribute__(self, name: str) -> Any:
        if name != "fails" and name == object.__getattribute__(self, "fails"):
            try:
                raise ValueError(f"duplicate key value {NESTED_FAULT}")
            except ValueError as error:
                raise Told(f"no account for {FAULT}, session {SESSION} [parameters: {SQL_FAULT}]") from error
        return super().__getattribute__(name)

    def visitor(self) -> Who:
        return Who(
            f"{VISITOR}{self.visitor_key}" if self.visitor_key else "",
            CUSTOMER,
            frozenset({GROUP, "club"}),
            COUNTRY,
            LANGUAGE,
            3,
            datetime(2026, 1, 1, tzinfo=UTC),
            frozenset({BOUGHT_BEFORE}),
            frozenset({CATEGORY_BEFORE}),
            CAMPAIGN,
            frozenset(),
        )

    def cart(self, given: object = None) -> Cart:
        cart = super().cart(given)
        return Cart(cart.currency, cart.lines, (COUPON,), 0, PAYMENT, SHIPPING)

    def order(self, ref: str, connection: object = None) -> Order | None:
        found = super().order(ref, connection)
        return Order(found.ref, found.currency, found.lines, CUSTOMER) if found is not None else None

    def orders(self, since: datetime | None = None) -> Iterator[OrderLine]:
        for number in range(20):
            for ref in ("laptop", "bag"):
                yield OrderLine(f"old-{number}", ref, 1, 100, datetime(2026, 1, 1, tzinfo=UTC), CUSTOMER_BEFORE)


class Refusing(Talkative):
    """Says no to a shopper by name."""

    def add(self, product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        if product == "card":
            return Refused(f"{REFUSAL} may not buy this")
        return super().add(product, variant, quantity, unit_price)


HEADERS = {
    "Referer": f"https://elsewhere.example/?q={REFERER}",
    "User-Agent": AGENT,
    "X-Forwarded-For": FORWARDED,
    "X-Customer": HEADER,
}


class Shopper(Visitor):
    """A browser that tells much in headers, cookies and addresses."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.client.environ_base.update(
            {
                f"HTTP_{name.upper().replace('-', '_')}": value.encode().decode("latin-1")
                for name, value in HEADERS.items()
            }
        )
        self.client.environ_base["REMOTE_ADDR"] = REST[0]
        self.client.set_cookie("account", COOKIE.encode("ascii", "replace").decode())

    def see(self, path: str = "/cart") -> Any:
        return super().see(f"{path}{'&' if '?' in path else '?'}mail={QUERY}&utm_source={CAMPAIGN}")


def journey(app: Flask, store: Talkative, call: str) -> None:
    """All that a shopper can do, once, while one call of the store fails."""
    shopper = Shopper(app).put("laptop")
    store.fails = call

    def quietly(act: Callable[[], object]) -> None:
        """A page may have no offers to press: the store failed."""
        with suppress(Exception):
            act()

    for path in ("/cart", "/checkout", "/product/laptop", "/order?ref=laptop"):
        quietly(lambda path=path: shopper.see(path))  # type: ignore[misc]
    quietly(lambda: shopper.send(shopper.see().answers["gift"], answer=ANSWER))
    quietly(lambda: shopper.press("accept", "bag", script=False))
    quietly(lambda: shopper.send(shopper.see().undo))
    quietly(lambda: shopper.press("accept", "bag"))
    quietly(lambda: shopper.send(shopper.see().card("bag").forms["accept"], variant=VARIANT, key=REST[1] * 9))
    quietly(lambda: shopper.press("decline", "card"))
    quietly(lambda: shopper.press("accept", "card"))
    for path in ("/cart", f"/upsell/slot/{PLACEMENT}", f"/upsell/slot/cart?not={ELSEWHERE}&product={REST[2]}"):
        quietly(lambda path=path: shopper.client.get(path))  # type: ignore[misc]
    for path in ("accept", "decline", "undo", "answer"):
        shopper.client.post(f"/upsell/{path}", data={"token": TOKEN, FIELD: FIELD}, headers={"X-Upsell": "1"})
    shopper.client.get(f"/upsell/unsubscribe?token={TOKEN}")
    quietly(lambda: shopper.client.post("/granted-order"))
    quietly(lambda: shopper.put("laptop"))
    quietly(lambda: shopper.press("accept", "bag"))
    quietly(lambda: shopper.client.get("/take/laptop"))
    quietly(lambda: shopper.put("laptop"))
    quietly(lambda: shopper.client.post("/granted-order"))
    with app.app_context():
        quietly(lambda: perks(CUSTOMER))
        for job in (jobs.fold, jobs.publish, jobs.learn, jobs.tidy):
            quietly(lambda job=job: job("upsell"))  # type: ignore[misc]
    parts = parts_of(app)
    now = parts.offers.clock
    parts.offers.clock = lambda: now() + timedelta(days=8)
    with app.app_context():
        quietly(lambda: jobs.follow_up("upsell"))
    parts.offers.clock = now


@pytest.fixture
def sent() -> list[FollowUp]:
    return []


@pytest.fixture
def talkative(serve: Serve, sent: list[FollowUp]) -> Callable[..., tuple[Flask, Talkative]]:
    def make(kind: type[Talkative] = Talkative, **config: Any) -> tuple[Flask, Talkative]:
        store = kind(GOODS, urls={"cart": "/cart"})

        def send(mail: FollowUp) -> None:
            sent.append(mail)
            if store.fails == "send":
                raise Told(f"the mailbox of {FAULT} is full")

        given = {"UPSELL_FOLLOW_UP": send, "UPSELL_SITE_URL": "https://shop.example", "UPSELL_MIN_SUPPORT": 1}
        app = serve(store, **given, **config)
        bag = Discount(off=Off.PERCENT, percent=1000, with_coupon=True)
        once = Limits(total=1000, per_customer=5)
        put_rules(
            app,
            Rule(name="bag", offer=Products(refs=("bag",)), when=WITH_LAPTOP, discount=bag, limits=once,
                 perk=Perk(code="AGAIN")),
            Rule(name="card", offer=Products(refs=("card",)), when=WITH_LAPTOP),
            Rule(name="ask", ask=ASK),
            Rule(name="known", offer=Products(refs=("lonely",)), audience={"has_bought": {"product": ["x"]}}),
        )  # fmt: skip

        @app.post("/granted-order")
        def place() -> str:
            number = f"order-{len(store.placed)}"
            store.place_order(number, datetime.now(UTC))
            grant(number)
            order_placed.send(app, order=number)
            cart_changed.send(app)
            product_changed.send(app, products=["bag"])
            session["last"] = SESSION
            store.empty_cart()
            return number

        return app, store

    return make


def redis_dump(url: str) -> str:
    """Every key and every value."""
    client, found = Redis.from_url(url), []
    read: dict[bytes, Callable[[bytes], object]] = {
        b"string": client.get, b"hash": client.hgetall, b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1), b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda key: client.xrange(key),
    }  # fmt: skip
    for key in client.scan_iter(count=1000):
        found.append(f"{key!r}: {read[client.type(key)](key)!r}")  # type: ignore[index]
    client.close()
    return "\n".join(found)


def sql_dump(app: Flask) -> str:
    found = []
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        for table in metadata.sorted_tables:
            found += [f"{table.name}: {tuple(row)!r}" for row in connection.execute(select(table))]
    return "\n".join(found)


def look_for(places: dict[str, str]) -> list[str]:
    """Lines in which something personal is, with the place."""
    seen = []
    for place, text in places.items():
        assert text.strip(), f"nothing was looked through in {place}"
        seen += [f"{place}: {line[:300]}" for line in text.splitlines() if MARK in line.lower()]
    return seen


#: What a store is asked, and our own parts that its exceptions pass through.
CALLS = (
    "", "visitor", "cart", "products", "add", "replace", "remove", "catalogue", "orders", "order", "format_money",
    "csrf_field", "urls", "capabilities", "send",
)  # fmt: skip


def test_there_are_fifty_of_them() -> None:
    assert len(CANARIES) == len(set(CANARIES)) == 50
    assert all(MARK in each for each in CANARIES)


def test_nothing_personal_is_found_anywhere(
    talkative: Callable[..., tuple[Flask, Talkative]],
    redis_url: str,
    sent: list[FollowUp],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    figure: Callable[[str, object, str], None],
) -> None:
    """Planted bugs that it shows: the text of a store's exception is logged, or kept in the progress of learning;
    acceptances keep the visitor's own key; a placement of the address is logged; whatever the store calls a language
    is kept with an order."""
    monkeypatch.setattr(faults, "told_whole", False)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
    hits: list[str] = []
    try:
        app, store = talkative()
        app.config["PROPAGATE_EXCEPTIONS"] = False
        for call in CALLS:
            faults.seen.clear()
            journey(app, store, call)
            store.fails = ""
            report = app.test_client().get("/upsell/healthz").text
            log = "\n".join(caplog.handler.format(record) for record in caplog.records if ours(record))
            places = {"SQL": sql_dump(app), "Redis": redis_dump(redis_url), "the log": log, "health": report}
            hits += [f"{call or 'no fault'}: {hit}" for hit in look_for(places)]
            caplog.clear()
        whole = sql_dump(app)
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    assert hits == []
    for table in ("upsell_acceptance", "upsell_redemption", "upsell_promise", "upsell_follow_up", "upsell_request"):
        assert f"{table}: " in whole, f"the journeys left no row in {table}"
    assert sent and sent[0].customer == CUSTOMER, "a mail is told whom it is for"
    assert MARK not in sent[0].html + sent[0].text + sent[0].subject
    figure("personal strings found", f"0 of {len(CANARIES)} in {len(CALLS)} journeys", "0")
    with app.app_context():
        erase(CUSTOMER)
    assert look_for({"SQL": sql_dump(app)}) == []


def ours(record: logging.LogRecord) -> bool:
    """What this package logs, and what databases and queues log of its work. The store's own pages are its own."""
    return record.name.partition(".")[0] in ("flask_upsell", "sqlalchemy", "rq", "redis", "alembic")


def test_a_stores_own_no_is_for_the_shopper_and_not_for_the_log(
    talkative: Callable[..., tuple[Flask, Talkative]], redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app, _ = talkative(Refusing)
    shopper = Shopper(app).put("laptop")
    assert REFUSAL in shopper.press("accept", "card").text
    log = "\n".join(caplog.handler.format(record) for record in caplog.records if ours(record))
    assert MARK not in sql_dump(app) + redis_dump(redis_url) + log


def test_a_fault_is_still_told_by_its_kind_and_place(
    talkative: Callable[..., tuple[Flask, Talkative]], caplog: pytest.LogCaptureFixture
) -> None:
    app, store = talkative()
    shopper = Shopper(app).put("laptop")
    store.fails = "cart"
    shopper.client.get("/cart")
    assert "render: " in caplog.text and "Told" in caplog.text
    assert "in suggest\n" in caplog.text, "where it came from"
