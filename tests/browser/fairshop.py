"""One shop with every kind of card, each brought by a product of its own; for tests of fair selling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask

from flask_upsell import Product, Upsell, Variant
from flask_upsell.adapters.migrate import upgrade
from flask_upsell.core.kind import Kind
from flask_upsell.core.money import Money
from flask_upsell.core.rule import (
    Bundle,
    Discount,
    Gap,
    Ladder,
    Off,
    Products,
    Programme,
    Question,
    Rule,
)
from flask_upsell.core.rulebook import RuleBook
from tests.browser.shop import STRICT, Shop, nonce, opened
from tests.conftest import SECRET
from tests.web.shop import SessionStore, parts_of, remembered

#: The product that brings each kind of card.
KINDS = {
    "complement": "desk", "choice": "trousers", "upgrade": "laptop", "levels": "phone", "bundle": "grill",
    "nearly": "cream", "gift": "camera", "plan": "plan", "programme": "tent",
}  # fmt: skip
LESS, LITTLE = Discount(off=Off.PERCENT, percent=1000), Discount(off=Off.PERCENT, percent=500)


def _goods() -> Iterator[Product]:
    for at, ref in enumerate(["desk", "trousers", "grill", "camera", "tent", "lens"]):
        yield Product(ref, ref.capitalize(), 20_000, "EUR", category=f"Base {at}")
    yield Product("cream", "Cream", 2_000, "EUR", category="Sun")
    for at, ref in enumerate(["lamp", "coal", "tools", "ball", "strap"]):
        yield Product(ref, ref.capitalize(), 1_000 + 100 * at, "EUR", category=f"Extra {at}", url=f"/product/{ref}")
    sizes = (Variant("s", "Small", 900), Variant("l", "Large", 950))
    yield Product("socks", "Socks", 900, "EUR", category="Socks", variants=sizes)
    for at, ref in enumerate(["laptop", "laptop-plus"]):
        yield Product(ref, ref.capitalize(), 60_000 + 6_000 * at, "EUR", category="Laptops", attributes={"GB": str(at)})
    for at, ref in enumerate(["phone", "phone-plus", "phone-pro"]):
        yield Product(ref, ref.capitalize(), 40_000 + 5_000 * at, "EUR", category="Phones", attributes={"GB": str(at)})
    for at, ref in enumerate(["plan", "plan-plus"]):
        more: dict[str, Any] = {"period_months": 1, "attributes": {"Screens": str(at)}}
        yield Product(ref, ref.capitalize(), 1_000 + 200 * at, "EUR", category="Plans", **more)


GOODS = tuple(_goods())


def rule(kind: str, offer: Any, **more: Any) -> Rule:
    when = {"lines": {"product": [KINDS.get(kind, kind)]}}
    return Rule(**{"name": kind, "offer": offer, "when": when, "stop": True, "any_price": True, **more})


CLUB = Programme(url="/club", title={"en": "Points card"}, terms={"en": "Free."})
ASK = Question(words={"en": "For whom is it?"}, answers={"me": {"en": "For me"}, "gift": {"en": "A gift"}})
RULES = (
    rule("complement", Products(refs=("lamp",)), discount=LESS),
    rule("choice", Products(refs=("socks",))),
    rule(
        "upgrade", Products(refs=("laptop-plus",), kind=Kind.UPGRADE), discount=Discount(off=Off.PERCENT, percent=500)
    ),
    rule("levels", Ladder(name="phones", compare=True)),
    rule("bundle", Bundle(refs=("coal", "tools")), discount=LESS),
    rule("nearly", Gap(threshold=(Money(2_500, "EUR"),), refs=("ball",))),
    rule("gift", Products(refs=("strap",)), discount=Discount(off=Off.GIFT)),
    rule("plan", Products(refs=("plan-plus",), kind=Kind.UPGRADE)),
    rule("programme", CLUB),
    rule("lens", None, ask=ASK),
)


@contextmanager
def fair_shop(folder: Path, redis_url: str) -> Iterator[Shop]:
    """Served under the strict policy; all prices have been known for long."""
    store = SessionStore(GOODS, urls={"cart": "/cart", "checkout": "/checkout"})
    store.facts = {"language": "en"}
    app = Flask("fair", root_path=str(folder))
    app.config.update(
        TESTING=True, SECRET_KEY=SECRET, UPSELL_REDIS_URL=redis_url, UPSELL_BOOK_SECONDS=0.0, UPSELL_REDIS_SECONDS=1.0,
        UPSELL_SLOW_SECONDS=0,
        UPSELL_DATABASE_URL=f"sqlite:///{folder / 'upsell.db'}", UPSELL_CSP_NONCE=nonce,
    )  # fmt: skip
    Upsell(app, store=store)
    upgrade(parts_of(app).offers.ledger.engine)  # type: ignore[attr-defined]
    book = RuleBook(rules=RULES, ladders={"phones": ("phone", "phone-plus", "phone-pro")})
    with opened(app, store, tuple(remembered(GOODS)), {}, STRICT) as shop:
        offers = parts_of(app).offers
        offers.rules.save(book, datetime.now(UTC))
        offers.publish_rules()
        yield shop
    parts_of(app).close()
