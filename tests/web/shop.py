"""A small store for tests of the shopper's routes: cart in the session, pages with placements, a published book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Flask, has_request_context, render_template_string, request, session
from flask.testing import FlaskClient
from msgspec.structs import replace
from werkzeug.test import TestResponse

from flask_upsell import Done, MemoryStore, Product, Refused, Variant, cart_changed, order_placed
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.prices import Past, Spell
from flask_upsell.core.rule import Bundle, Discount, Off, Programme, Question, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.jobs import Parts
from tests.web import markup
from tests.web.markup import Form, Slot

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
    """The pages of the store: `/put/REF`, `/take/REF`, `/cart`, `/checkout`, `/product/REF` and `/order`."""

    @app.get("/put/<ref>")
    def put(ref: str) -> str:
        store.add(ref, request.args.get("variant"), int(request.args.get("quantity", "1")))
        return "there"

    @app.get("/take/<ref>")
    def take(ref: str) -> str:
        store.remove(next(line.ref for line in store.cart().lines if line.product == ref))
        cart_changed.send(app)
        return "taken"

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


def remembered(goods: Iterable[Product] = GOODS) -> list[Product]:
    """Products whose prices have always been what they are, as a price ledger would know them."""
    return [replace(each, past=Past(0, 2**33, (Spell(each.price, 0, 2**33),))) for each in goods]


def publish(
    app: Flask, goods: Iterable[Product] = GOODS, book: Mapping[str, Affinities] = BOOK, name: str = "upsell"
) -> str:
    offers = parts_of(app, name).offers
    offers.publish_rules()
    return offers.shelf.publish(goods, book.items())


def parts_of(app: Flask, name: str = "upsell") -> Parts:
    found = app.extensions[name]
    assert isinstance(found, Parts)
    return found


def put_rules(app: Flask, *rules: Rule, name: str = "upsell") -> None:
    """Put up these rules, and no others."""
    offers = parts_of(app, name).offers
    offers.rules.save(RuleBook(rules=rules), datetime.now(UTC))
    offers.publish_rules()


WITH_LAPTOP: dict[str, Any] = {"lines": {"product": ["laptop"]}}
ASK = Question(
    words={"en": "For whom is it?", "de": "Für wen ist es?"},
    answers={"me": {"en": "For me", "de": "Für mich"}, "gift": {"en": "A gift", "de": "Ein Geschenk"}},
)


def set_of(*refs: str, **more: Any) -> Rule:
    """These together, 10 % less, to go with a laptop; by default a bag and a memory card."""
    given = {"name": "set", "offer": Bundle(refs=refs or ("bag", "card")), "when": WITH_LAPTOP, "stop": True}
    return Rule(**{**given, "discount": Discount(off=Off.PERCENT, percent=1000), **more})


def club(**more: Any) -> Rule:
    """A points card behind a link, to go with a laptop."""
    made = Programme(
        url="/club", title={"en": "Points card", "de": "Punktekarte"}, terms={"en": "Free.", "de": "Kostenlos."}
    )
    return Rule(**{"name": "club", "offer": made, "when": WITH_LAPTOP, "stop": True, **more})


@dataclass
class Shown(Slot):
    """A slot with what a question, an order's thanks and a programme put into it."""

    question: str = ""
    #: By the answer that is sent; "" skips.
    answers: dict[str, Form] = field(default_factory=dict)
    thanks: list[str] = field(default_factory=list)
    #: Where the links of each card lead.
    links: dict[str, list[str]] = field(default_factory=dict)


class _Reader(markup._Reader):
    """Reads more than markup's, and knows that a bundle's card has a list within the list."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self._within = 0
        self._asking = self._thanking = self._answering = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        style = found.get("class", "").split()
        if tag == "upsell-slot":
            self.shown.append(Shown(found["placement"], found["data-refresh"], "hidden" in found))
            self.slots.append(self.shown[-1])
        elif "upsell-thanks" in style:
            self._thanking = True
        elif self._thanking and tag == "p":
            self.shown[-1].thanks.append("")
        elif found.get("id", "").endswith("-question"):
            self._asking = True
        else:
            if tag == "a" and self._card is not None:
                self.shown[-1].links.setdefault(self._card.product, []).append(found["href"])
            self._within += tag == "li" and self._card is not None
            self._answering |= found.get("data-upsell-action") == "answer"
            super().handle_starttag(tag, attrs)
            if self._answering and self._form is not None and found.get("name") == "answer":
                self.shown[-1].answers[found["value"]] = self._form

    def handle_endtag(self, tag: str) -> None:
        if tag == "li" and self._within:
            self._within -= 1
            return
        if tag == "div":
            self._thanking = False
        if tag == "p":
            self._asking = False
        if tag == "form":
            self._answering = False
        super().handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if self._thanking and self.shown[-1].thanks:
            self.shown[-1].thanks[-1] += data
        elif self._asking:
            self.shown[-1].question += data
        else:
            super().handle_data(data)


def look(html: str) -> Shown:
    """The one slot that must be there, with all that is in it."""
    reader = _Reader()
    reader.feed(html)
    assert len(reader.shown) == 1, html[:500]
    return reader.shown[0]


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

    def see(self, path: str = "/cart") -> Shown:
        answer = self.client.get(path)
        assert answer.status_code == 200
        return look(answer.text)

    def send(self, form: Form | None, *, script: bool = True, **changed: Any) -> TestResponse:
        """Send a form as our script does, or as a browser without scripts."""
        assert form is not None
        headers = {"Sec-Fetch-Site": "same-origin", **({"X-Upsell": "1"} if script else {})}
        return self.client.post(form.url, data={**form.fields, **changed}, headers=headers)

    def press(
        self, action: str, product: str, path: str = "/cart", *, script: bool = True, tick: Sequence[str] | None = None
    ) -> TestResponse:
        """Look at a page and press a button of one of its offers. `tick`: values of boxes; None ticks them all."""
        card = self.see(path).card(product)
        ticked: dict[str, list[str]] = {}
        for name, value in card.boxes if action == "accept" else ():
            if tick is None or value in tick:
                ticked.setdefault(name, []).append(value)
        return self.send(card.forms[action], script=script, **ticked)

    def remembered(self) -> dict[str, Any]:
        with self.client.session_transaction() as kept:
            return dict(kept)
