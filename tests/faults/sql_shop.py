"""A store in SQL as a Flask app: a session cookie has the cart's key, and the routes place and cancel orders.

`Shopper` is a browser on it. Both stand on the tables of `small_store`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, render_template_string, request, session
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from flask_upsell import Columns, SQLAlchemyStore, Upsell, cart_changed, grant, order_cancelled, order_placed, release
from flask_upsell.adapters.ledger import SQLLedger, make_engine
from flask_upsell.core.rule import Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.jobs import Parts
from tests.conftest import SECRET
from tests.faults.small_store import CartLine, Goods, Order, OrderLine
from tests.web.markup import Form, Slot, slot

#: Seconds that a writer waits for others: SQLite lets nobody pass, and a busy machine has many.
PATIENCE = 600
#: How an order asks for its discounts: with its own connection, or without any.
INSIDE, ALONE = "inside", "alone"


def sql_shop(url: str, redis: str, ledger: str = "", **config: Any) -> Flask:
    """The app; it opens no connection. `ledger`: where that is, if not beside the store in `url`."""
    app = Flask("sql_shop")
    app.config.update(
        SECRET_KEY=SECRET,
        UPSELL_REDIS_URL=redis,
        UPSELL_DATABASE_URL=ledger or url,
        UPSELL_PSEUDONYM_KEY="a secret of the tests, long enough to sign with",
        UPSELL_COMPLEMENT_TIMES=0,
        UPSELL_CONSENT=lambda: True,
        UPSELL_BOOK_SECONDS=0.0,
        # A busy machine is no fault.
        UPSELL_REDIS_SECONDS=1.0,
        UPSELL_SLOW_SECONDS=0,
        UPSELL_RATE_VISITOR=0,
    )
    app.config.update(config)
    engine = make_engine(url)

    def db() -> Session:
        if "db" not in g:
            g.db = Session(engine, expire_on_commit=False)
        found: Session = g.db
        return found

    # The first to be named is the last to be called.
    @app.teardown_appcontext
    def close(_: BaseException | None) -> None:
        if "db" in g:
            g.pop("db").close()

    _add_routes(app, db)
    Upsell(app, store=SQLAlchemyStore(
        session=db, currency="EUR", grants=True, urls={"cart": "/cart"},
        cart_key=lambda: session.get("cart") if request else None,
        customer=lambda: session.get("customer") if request else None,
        product=Columns(Goods, ref="sku", title="title", price="price", category="category"),
        cart_line=Columns(CartLine, ref="id", cart="cart", product="sku", quantity="quantity", unit_price="price"),
        order=Columns(Order, ref="number", placed_at="placed_at"),
        order_line=Columns(OrderLine, order="number", product="sku", quantity="quantity", unit_price="price"),
    ))  # fmt: skip
    for each in (engine, ledger_of(app).engine):
        if each.dialect.name == "sqlite":
            event.listen(each, "connect", lambda raw, _: raw.execute(f"PRAGMA busy_timeout={PATIENCE * 1000}"))
    app.extensions["sql_shop"] = engine
    return app


def parts_of(app: Flask) -> Parts:
    found: Parts = app.extensions["upsell"]
    return found


def ledger_of(app: Flask) -> SQLLedger:
    found = parts_of(app).offers.ledger
    assert isinstance(found, SQLLedger)
    return found


def close_shop(app: Flask) -> None:
    parts_of(app).close()
    app.extensions["sql_shop"].dispose()


def put_up(app: Flask, rules: Iterable[Rule]) -> None:
    """The catalogue and these rules are live, as after a learning that found nothing."""
    with app.app_context():
        offers = parts_of(app).offers
        offers.rules.save(RuleBook(rules=tuple(rules)), datetime.now(UTC))
        offers.ledger.progress("first", "learn", "done", "Live", 1, 1, {})
        offers.publish()


def _add_routes(app: Flask, db: Any) -> None:
    @app.post("/come/<cart>")
    def come(cart: str) -> str:
        """Somebody with this cart, and what else it has from now on."""
        session["cart"], session["customer"] = cart, request.form.get("customer") or None
        for sku in request.form.getlist("sku"):
            db().add(CartLine(cart=cart, sku=sku, quantity=1, price=db().get(Goods, sku).price))
        db().commit()
        return ""

    @app.get("/cart")
    def cart() -> str:
        return render_template_string("<title>Cart</title>{{ upsell('cart') }}")

    @app.post("/take/<sku>")
    def take(sku: str) -> str:
        mine = CartLine.cart == session["cart"]
        for line in db().scalars(select(CartLine).where(mine, CartLine.sku == sku)):
            db().delete(line)
        db().commit()
        cart_changed.send(app)
        return ""

    @app.post("/order/<number>")
    def order(number: str) -> tuple[str, int]:
        """200: it is placed. 409: what it wants is not granted. 503: something of the store's own failed."""
        if db().get(Order, number) is not None:
            return "It is placed already.", 200
        db().add(Order(number=number, placed_at=datetime.now(UTC).replace(tzinfo=None)))
        for line in db().scalars(select(CartLine).where(CartLine.cart == session["cart"])).all():
            db().add(OrderLine(number=number, sku=line.sku, quantity=line.quantity, price=line.price))
            db().delete(line)
        db().flush()
        connection = db().connection() if request.form["how"] == INSIDE else None
        refused = grant(number, connection)
        if refused or "fails" in request.form:
            db().rollback()
            if not refused and connection is None:
                release(number)
            return "\n".join(refused), 409 if refused else 503
        order_placed.send(app, order=number, connection=connection)
        db().commit()
        return "", 200

    @app.post("/cancel/<number>")
    def cancel(number: str) -> str:
        db().get(Order, number).cancelled = True
        order_cancelled.send(app, order=number, connection=db().connection())
        db().commit()
        return ""


class Shopper:
    """A browser with the cookie of one cart. `act` and `order` say by their status how it ended."""

    def __init__(self, app: Flask, cart: str, *skus: str, customer: str = "") -> None:
        self.cart = cart
        self.client = app.test_client()
        came = self.client.post(f"/come/{cart}", data={"sku": list(skus), "customer": customer})
        assert came.status_code == 200, came.text

    def see(self) -> Slot:
        answer = self.client.get("/cart")
        assert answer.status_code == 200, answer.text
        return slot(answer.text)

    def send(self, form: Form | None, *, script: bool = True, **more: Any) -> TestResponse:
        """As our script does, or as a browser without scripts."""
        assert form is not None, "there is no such button"
        headers = {"Sec-Fetch-Site": "same-origin", **({"X-Upsell": "1"} if script else {})}
        return self.client.post(form.url, data={**form.fields, **more}, headers=headers)

    def accept(self, *, script: bool = True, tick: int | None = None) -> bool:
        """The one offer of the cart, with all or so many of its boxes ticked. Whether there is one."""
        cards = self.see().cards
        if not cards:
            return False
        boxes = cards[0].boxes[:tick]
        ticked = {name: [value for other, value in boxes if other == name] for name, _ in boxes}
        self.send(cards[0].forms["accept"], script=script, **ticked)
        return True

    def undo(self) -> None:
        self.send(self.see().undo)

    def take(self, sku: str) -> None:
        assert self.client.post(f"/take/{sku}").status_code == 200

    def order(self, number: str = "", how: str = INSIDE, **more: str) -> int:
        return self.client.post(f"/order/{number or self.cart}", data={"how": how, **more}).status_code

    def cancel(self, number: str = "") -> int:
        return self.client.post(f"/cancel/{number or self.cart}").status_code
