"""A small store for tests of the shopper's routes: cart in the session, pages with placements, a published book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, has_request_context, render_template_string, request, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_upsell import Done, MemoryStore, Product, Refused, Variant, order_placed
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.jobs import Parts
from tests.web.markup import Form, Slot, slot

BAG = Product("bag", "Canvas bag", 5900, "EUR", url="/product/bag", category="Bags")
CARD = Product("card", "Memory card", 2290, "EUR", url="/product/card", category="Cards")
SOCKS = Product(
    "socks",
    "Socks",
    900,
    "EUR",
    category="Socks",
    variants=(Variant("s", "Small", 900), Variant("l", "Large", 950), Variant("xl", "Huge", 990, stock=0)),
)
LAPTOP = Product("laptop", "Laptop", 64900, "EUR", url="/product/laptop", category="Laptops", attributes={"GB": "8"})
PLUS = Product("plus", "Laptop Plus", 79900, "EUR", url="/product/plus", category="Laptops", attributes={"GB": "16"})
PLAN = Product("plan", "Plan", 999, "EUR", category="Plans", period_months=1)
LONELY = Product("lonely", "A lonely thing", 500, "EUR")
GOODS = (BAG, CARD, SOCKS, LAPTOP, PLUS, PLAN, LONELY)


def evidence(consequent: str, weight: float) -> Affinity:
    return Affinity(consequent, weight, 38, 412, 60, 6000)


BOOK: dict[str, Affinities] = {
    "laptop": Affinities((evidence("plus", 9.0),), (evidence("bag", 5.0), evidence("card", 4.0))),
    "plus": Affinities((), (evidence("bag", 5.0), evidence("card", 4.0))),
    "bag": Affinities((), (evidence("socks", 1.0),)),
}


class SessionStore(MemoryStore):
    """A store whose visitors are sessions, as a real one's: a cart has a key from the first add on."""

    @property
    def visitor_key(self) -> str:
        return str(session.get("cart", "")) if has_request_context() else ""

    @visitor_key.setter
    def visitor_key(self, value: str) -> None:
        if has_request_context():
            session["cart"] = value

    def add(self, product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        if not self.visitor_key:
            self.visitor_key = f"cart-{sum(key != '' for key in self.carts)}"
        return super().add(product, variant, quantity, unit_price)

    def lines(self, key: str = "cart-0") -> list[tuple[str, int, int]]:
        """(product, quantity, unit price) of each line of a cart."""
        return [(line.product, line.quantity, line.unit_price) for line in self.carts.get(key, [])]


def add_pages(app: Flask, store: MemoryStore, name: str = "upsell") -> None:
    """The pages of the store: `/put/REF`, `/cart`, `/checkout`, `/product/REF`, `/order` and `/plain`."""

    @app.get("/put/<ref>")
    def put(ref: str) -> str:
        store.add(ref, request.args.get("variant"), int(request.args.get("quantity", "1")))
        return "there"

    def page(placement: str, **given: object) -> str:
        text = "<title>{{ placement }}</title><main>{{ " + name + "(placement, **given) }}</main>"
        return render_template_string(text, placement=placement, given=given)

    app.add_url_rule("/", "front", lambda: "the front page")
    app.add_url_rule("/cart", "cart", lambda: page("cart"))
    app.add_url_rule("/checkout", "checkout", lambda: page("checkout"))
    app.add_url_rule("/product/<ref>", "product", lambda ref: page("product", product=ref))
    app.add_url_rule("/order", "order", lambda: page("confirmation", products=request.args.getlist("ref")))

    @app.post("/order")
    def place_order() -> str:
        number = f"order-{len(store.placed)}"
        store.place_order(number, datetime.now(UTC))
        order_placed.send(app, order=number)
        store.empty_cart()
        return number


def publish(
    app: Flask, goods: Iterable[Product] = GOODS, book: Mapping[str, Affinities] = BOOK, name: str = "upsell"
) -> str:
    return parts_of(app, name).offers.shelf.publish(goods, book.items())


def parts_of(app: Flask, name: str = "upsell") -> Parts:
    found = app.extensions[name]
    assert isinstance(found, Parts)
    return found


def counts(app: Flask, name: str = "upsell") -> dict[str, int]:
    """What the report would sum up to, all products together."""
    offers = parts_of(app, name).offers
    offers.tally.flush()
    offers.fold()
    rows = offers.ledger.counts()
    return {
        each: sum(getattr(row, each) for row in rows)
        for each in ("shown", "accepted", "declined", "undone", "converted", "revenue")
    }


class Visitor:
    """A browser with its cookies."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def put(self, ref: str, quantity: int = 1) -> Visitor:
        assert self.client.get(f"/put/{ref}?quantity={quantity}").status_code == 200
        return self

    def see(self, path: str = "/cart") -> Slot:
        answer = self.client.get(path)
        assert answer.status_code == 200
        return slot(answer.text)

    def send(self, form: Form | None, *, script: bool = True, **changed: Any) -> TestResponse:
        """Send a form as our script does, or as a browser without scripts."""
        assert form is not None
        headers = {"Sec-Fetch-Site": "same-origin", **({"X-Upsell": "1"} if script else {})}
        return self.client.post(form.url, data={**form.fields, **changed}, headers=headers)

    def press(self, action: str, product: str, path: str = "/cart", *, script: bool = True) -> TestResponse:
        """Look at a page and press a button of one of its offers."""
        return self.send(self.see(path).card(product).forms[action], script=script)

    def remembered(self) -> dict[str, Any]:
        with self.client.session_transaction() as kept:
            return dict(kept)
