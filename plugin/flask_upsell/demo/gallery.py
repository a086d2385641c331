"""`/upsell-gallery`: every widget in every state, for people who theme it. `?show=ar&theme=dark` shows one of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

from flask import current_app, render_template, request
from markupsafe import Markup

from ..core.context import Line
from ..core.kind import Kind
from ..core.offer import Asked, Decision, Item, Offer, Progress, Quote, Reason, offer_id
from ..core.product import Product, Reviews, Variant
from ..core.rule import Copy
from ..web.speech import Languages
from ..web.view import Notice
from ..web.widget import Widget
from .store import store

THEMES = ("light", "dark")


def _product(ref: str, title: str, price: int, **more: object) -> Product:
    picture = more.pop("image", f"/picture/{ref}.svg")
    return Product(ref, title, price, "EUR", url=f"/search?q={ref}", image=picture, **more)  # type: ignore[arg-type]


CASE = _product("PC-0601", "Felt phone case", 2_490)
PHONE = _product("PH-6128", "Pebble 6", 39_900, attributes={"Memory": "128 GB", "Screen": "6.1 in", "Battery": "19 h"})
PLUS = _product(
    "PH-6256", "Pebble 6 Plus", 48_900, attributes={"Memory": "256 GB", "Screen": "6.4 in", "Battery": "24 h"},
    reviews=Reviews(4.6, 128, "The battery lasts the whole weekend."),
)  # fmt: skip
PRO = _product(
    "PH-6512", "Pebble 6 Pro", 59_900, attributes={"Memory": "512 GB", "Screen": "6.7 in", "Battery": "30 h"}
)
SWIMSUIT = _product(
    "SM-0044", "Laguna swimsuit", 4_490,
    variants=tuple([Variant(f"s{size}", f"Size {size}", 4_490 if size < 44 else 4_790) for size in range(34, 58, 2)]),
)  # fmt: skip
COAL, TOOLS = _product("CH-0030", "Beech charcoal, 3 kg", 890), _product("GT-0003", "Grill tools, set of three", 3_490)
GRILL, CARD = _product("GR-0570", "Ember kettle grill", 18_900), _product("MS-0001", "Message card", 290)
MONTHLY = _product("ST-0101", "Tern Basic, monthly", 499, period_months=1, attributes={"Picture": "Full HD"})
YEARLY = _product("ST-0112", "Tern Basic, yearly", 4_990, period_months=12, attributes={"Picture": "Full HD"})
PREMIUM = _product(
    "ST-0201", "Tern Premium, monthly", 999, period_months=1, attributes={"Picture": "4K", "Screens": "4"}
)
CLUB = Product("programme:club", "The Larkhill club", 0, "EUR", url="/club")
ENDLESS = _product("X-1", "Donaudampfschifffahrtsgesellschaftskapitän" * 7, 10**9, image=None)
ARABIC = _product("X-2", "حقيبة سفر صغيرة (أزرق)", 0, image="/picture/none.svg")
WIDE = _product("X-3", "Ultra " * 50, 1_000_000, image=None)


class Shown(NamedTuple):
    """One state of one widget."""

    name: str
    decision: Decision
    notice: Notice | None = None
    thanks: tuple[str, ...] = ()
    busy: bool = False


def _offer(kind: Kind, product: Product, base: Product, **more: object) -> Offer:
    quantity = more.pop("quantity", 1)
    replaces = base.price if kind is Kind.UPGRADE and more.pop("replaces", True) else None
    given: dict[str, object] = {
        "id": offer_id(kind, base.ref, product.ref),
        "kind": kind,
        "product": product,
        "quote": Quote("EUR", product.price, quantity, replaces),  # type: ignore[arg-type]
        "reason": Reason(kind, 38, 412, base.title),
        "trigger": Line("1", base.ref, quantity, base.price),  # type: ignore[arg-type]
        "base": base,
        "score": 1.0,
    }
    return Offer(**{**given, **more})  # type: ignore[arg-type]


def _decision(*offers: Offer, placement: str = "cart", **more: object) -> Decision:
    return Decision(placement, "gallery", offers, (), **more)  # type: ignore[arg-type]


def _states() -> Iterator[Shown]:
    case = _offer(Kind.COMPLEMENT, CASE, PHONE)
    plus = _offer(Kind.UPGRADE, PLUS, PHONE)
    yield Shown("Add this", _decision(case))
    yield Shown("Add this, with a choice and a merchant's words", _decision(
        _offer(Kind.COMPLEMENT, SWIMSUIT, CASE, reason=Reason(Kind.COMPLEMENT, 0, 0, "Beach towel"),
               copy=Copy(headline="For the beach", benefits=("Dries in an hour", "Made from old nets")))
    ))  # fmt: skip
    yield Shown("Add this, at a lower price", _decision(
        _offer(Kind.COMPLEMENT, CASE, PHONE, quote=Quote("EUR", 1_990, 1, normal=2_490, was=2_290))))  # fmt: skip
    yield Shown("Upgrade to", _decision(plus))
    yield Shown("Upgrade to, two pieces, and a complement", _decision(
        _offer(Kind.UPGRADE, PLUS, PHONE, quantity=2), case))  # fmt: skip
    yield Shown("Or choose, on the product's page", _decision(_offer(Kind.UPGRADE, PLUS, PHONE, replaces=False)))
    yield Shown("A plan for longer", _decision(_offer(Kind.UPGRADE, YEARLY, MONTHLY)))
    yield Shown("Good, better, best", _decision(
        _offer(Kind.UPGRADE, PLUS, PHONE, levels=(Item(PRO, Quote("EUR", PRO.price, 1, PHONE.price)),))))  # fmt: skip
    yield Shown("Good, better, best, plans", _decision(
        _offer(Kind.UPGRADE, YEARLY, MONTHLY, levels=(Item(PREMIUM, Quote("EUR", PREMIUM.price, 1, MONTHLY.price)),))
    ))  # fmt: skip
    yield Shown("Together", _decision(_offer(
        Kind.BUNDLE, COAL, GRILL, quote=Quote("EUR", 3_942, 1, normal=4_380, was=4_380),
        items=(Item(COAL, Quote("EUR", 801, 1, normal=890)), Item(TOOLS, Quote("EUR", 3_141, 1, normal=3_490))),
        reason=Reason(Kind.BUNDLE, 0, 0, GRILL.title))))  # fmt: skip
    yield Shown("Nearly there", _decision(
        _offer(Kind.COMPLEMENT, COAL, TOOLS, progress=Progress("free_shipping", 5_000, 4_290, "EUR"))))  # fmt: skip
    yield Shown("There", _decision(reached=Progress("free_shipping", 5_000, 5_180, "EUR")))
    yield Shown("A gift", _decision(_offer(
        Kind.COMPLEMENT, CARD, CASE, quote=Quote("EUR", 0, 1, normal=290),
        reason=Reason(Kind.COMPLEMENT, 0, 0, CASE.title))))  # fmt: skip
    yield Shown("A programme", _decision(_offer(
        Kind.PROGRAMME, CLUB, GRILL, quote=Quote("EUR", 0, 1), reason=Reason(Kind.PROGRAMME, 0, 0, GRILL.title),
        terms="Free, and you can leave at any time.")))  # fmt: skip
    answers = (("people", "People"), ("landscapes", "Landscapes"))
    yield Shown("One question", _decision(question=Asked("photographs", "What do you photograph most?", answers)))
    yield Shown(
        "After the order", _decision(case, placement="confirmation"), None,
        ("Thank you! Take 10 % off your next order with WELCOME10",),
    )  # fmt: skip
    yield Shown("Adding", _decision(case), busy=True)
    yield Shown("Added", _decision(plus), Notice("Added: Felt phone case.", "done", "undo"))
    yield Shown("Changed: asked again", _decision(case), Notice(
        "The price of Felt phone case has changed. Please look again.", "sorry"))  # fmt: skip
    yield Shown("Refused", _decision(), Notice("Felt phone case is sold out.", "sorry"))
    yield Shown("Hard: endless words, no pictures, a great price", _decision(
        _offer(Kind.UPGRADE, ENDLESS, WIDE), _offer(Kind.COMPLEMENT, WIDE, ENDLESS)))  # fmt: skip
    yield Shown("Hard: the other direction, a missing picture, no price", _decision(
        _offer(Kind.COMPLEMENT, ARABIC, ENDLESS, reason=Reason(Kind.COMPLEMENT, 3, 9, ARABIC.title))))  # fmt: skip


STATES = tuple(_states())


@store.get("/upsell-gallery")
def show_gallery() -> str:
    """All states in one language, in light and dark; `?show=all` all languages."""
    widget = cast(Widget, current_app.jinja_env.globals["upsell"])
    every: Languages = widget.languages
    asked = request.args.get("show", "")
    languages = every.names if asked == "all" else (every.speech(asked or None).language,)
    themes = [theme for theme in THEMES if request.args.get("theme", theme) == theme] or THEMES
    stages = [
        (theme, language, every.speech(language).direction, [
            (shown.name, _drawn(widget, shown, language, f"{theme}-{language}-{number}".lower()))
            for number, shown in enumerate(STATES)
        ])
        for language in languages
        for theme in themes
    ]  # fmt: skip
    return render_template("store/gallery.html", stages=stages, languages=every.names, head=widget.head())


def _drawn(widget: Widget, shown: Shown, language: str, place: str) -> Markup:
    html = widget.preview(shown.decision, language, notice=shown.notice, thanks=shown.thanks, place=place)
    if not shown.busy:
        return html
    pressed = Markup('upsell-accept upsell-waiting" aria-disabled="true"')
    return html.replace(Markup('upsell-accept"'), pressed).replace(Markup(" dir="), Markup(' aria-busy="true" dir='), 1)
