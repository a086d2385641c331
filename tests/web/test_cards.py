"""An offer as a card: its prices written out, its words chosen."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_upsell import Line, Product, Variant
from flask_upsell.core.money import format_money
from flask_upsell.core.offer import Item, Kind, Offer, Progress, Quote, Reason
from flask_upsell.core.product import Reviews
from flask_upsell.core.rule import Copy
from flask_upsell.web.cards import BY_ORDERS, BY_PEOPLE, LOOKS, NEW_CART, card, titles
from flask_upsell.web.speech import Speech
from flask_upsell.web.view import Card, Piece
from tests.web.shop import BAG, CARD, LAPTOP, PLAN, PLUS, SOCKS

LINE = Line("1", "laptop", 1, 64900)


def offer(kind: Kind = Kind.COMPLEMENT, product: Product = BAG, quote: Quote | None = None, **more: Any) -> Offer:
    """A bag for a laptop, as a rule brings it."""
    given = {"reason": Reason(kind, 0, 0, "Laptop"), "trigger": LINE, "base": LAPTOP, "score": 1.0, "rule": "bags"}
    return Offer("id", kind, product, quote or Quote("EUR", product.price, 1), **{**given, **more})


def bundle(**more: Any) -> Offer:
    """A bag at 53.10 and a card at 20.61: 10 % less."""
    items = (Item(BAG, Quote("EUR", 5310, 1, normal=5900)), Item(CARD, Quote("EUR", 2061, 1, normal=2290)))
    return offer(Kind.BUNDLE, BAG, Quote("EUR", 7371, 1, normal=8190, was=8190), **{"items": items, **more})


def printed(made: Offer, placement: str = "cart") -> Card:
    marks = [(f"token~{number}", f"key-{number}") for number in range(1 + len(made.levels))]
    return card(made, marks, lambda minor, currency: format_money(minor, currency, "en"), Speech(), placement)


def test_a_bundle_tells_all_its_products_and_what_they_cost_in_it() -> None:
    made = printed(bundle())
    assert (made.kind, made.product, made.title) == ("bundle", "bag+card", "Canvas bag + Memory card")
    assert (made.price, made.total, made.saving) == ("€73.71", "€73.71", "€8.19")
    assert made.pieces == [
        Piece("Canvas bag", "/product/bag", None, "€59.00"),
        Piece("Memory card", "/product/card", None, "€22.90"),
    ]
    assert (made.difference, made.base_title, made.choices, made.replaces) == ("", "", [], False)
    assert made.because == str(BY_PEOPLE)


def test_a_bundle_without_a_discount_saves_nothing() -> None:
    items = (Item(BAG, Quote("EUR", 5900, 1)), Item(CARD, Quote("EUR", 2290, 1)))
    made = printed(offer(Kind.BUNDLE, BAG, Quote("EUR", 8190, 1), items=items))
    assert (made.price, made.saving) == ("€81.90", "")


def test_a_reduction_says_the_lowest_price_before_it_or_nothing() -> None:
    """Whatever the store's price is now. Of a bundle the saving is measured by it."""
    known = Quote("EUR", 5310, 1, normal=5900, was=5600)
    assert printed(offer(quote=known)).was == "€56.00"
    assert printed(offer(quote=Quote("EUR", 5310, 1, normal=5900))).was == ""
    assert printed(offer(quote=Quote("EUR", 5900, 1))).was == ""
    items = bundle().items
    lower = offer(Kind.BUNDLE, BAG, Quote("EUR", 7371, 1, normal=8190, was=8000), items=items)
    assert (printed(lower).saving, printed(lower).was) == ("€6.29", "")
    unknown = offer(Kind.BUNDLE, BAG, Quote("EUR", 7371, 1, normal=8190), items=items)
    assert (printed(unknown).saving, printed(unknown).was) == ("", "")


def test_each_step_says_its_own_price_before() -> None:
    steps = (Item(CARD, Quote("EUR", 2061, 1, 1000, normal=2290, was=2200)),)
    made = printed(offer(Kind.UPGRADE, BAG, Quote("EUR", 5310, 1, 1000, normal=5900), levels=steps))
    assert [level.was for level in made.levels] == ["", "", "€22.00"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "club", " /club", "JAVASCRIPT:x", ""])
@pytest.mark.parametrize("kind", [Kind.BUNDLE, Kind.PROGRAMME, Kind.COMPLEMENT])
def test_only_paths_and_web_addresses_are_links(kind: Kind, url: str) -> None:
    """Shown red with the product's address as it is in a piece."""
    odd = msgspec.structs.replace(BAG, url=url)
    items = (Item(odd, Quote("EUR", 5900, 1)), Item(CARD, Quote("EUR", 2290, 1))) if kind is Kind.BUNDLE else ()
    made = printed(offer(kind, odd, items=items))
    assert made.url == ""
    assert [piece.url for piece in made.pieces] == (["", "/product/card"] if items else [])


def test_a_programme_leads_to_its_page_and_says_what_follows() -> None:
    product = Product("programme:club", "Points card", 0, "EUR", url="https://club.example/join", image="/club.png")
    made = printed(offer(Kind.PROGRAMME, product, terms="Free for a month, then 4.99 EUR a month."))
    assert (made.kind, made.product, made.title) == ("programme", "programme:club", "Points card")
    assert (made.url, made.image) == ("https://club.example/join", "/club.png")
    assert made.terms == "Free for a month, then 4.99 EUR a month."
    assert (made.pieces, made.saving, made.base_title, made.difference) == ([], "", "", "")


def test_a_complement_and_an_upgrade_have_no_pieces_and_no_terms() -> None:
    quote = Quote("EUR", 79900, 1, replaces=64900)
    upgrade = printed(offer(Kind.UPGRADE, PLUS, quote, reason=Reason(Kind.UPGRADE, 38, 412, "Laptops")))
    assert (upgrade.difference, upgrade.total, upgrade.base_title) == ("+€150.00", "+€150.00", "Laptop")
    assert upgrade.because == str(BY_ORDERS)
    complement = printed(offer(quote=Quote("EUR", 5310, 1, normal=5900)))
    assert (complement.title, complement.price, complement.saving) == ("Canvas bag", "€53.10", "")
    for made in (upgrade, complement):
        assert (made.pieces, made.saving, made.terms) == ([], "", "")


def test_what_recurs_is_said() -> None:
    periods = {1: "per month", 12: "per year", 3: "every 3 months"}
    for months, words in periods.items():
        assert printed(offer(product=msgspec.structs.replace(PLAN, period_months=months))).period == words
    assert printed(offer()).period == ""


def test_the_merchants_words_are_on_the_card_of_any_kind() -> None:
    copy = Copy(headline="For the trip", benefits=("Light", "Dry"))
    for made in (printed(offer(copy=copy)), printed(bundle(copy=copy))):
        assert (made.headline, made.benefits) == ("For the trip", ("Light", "Dry"))
    assert (printed(bundle()).headline, printed(bundle()).benefits) == ("", ())


def test_choices_are_those_that_can_be_bought_at_their_price_in_the_offer() -> None:
    quote = Quote("EUR", 810, 1, normal=900, variants=(("s", 810), ("l", 855), ("xl", 891)))
    made = printed(offer(product=SOCKS, quote=quote))
    assert [(choice.ref, choice.price) for choice in made.choices] == [("s", "€8.10"), ("l", "€8.55")]
    gone = msgspec.structs.replace(SOCKS, variants=(Variant("s", "Small", 900, 0),))
    assert printed(offer(product=gone)).choices == []


def test_the_title_of_a_bundle_is_all_of_theirs() -> None:
    assert titles(bundle()) == "Canvas bag + Memory card"
    assert titles(offer()) == "Canvas bag"


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (offer(), "complement"),
        (offer(quote=Quote("EUR", 0, 1, normal=5900)), "gift"),
        (offer(quote=Quote("EUR", 0, 1)), "complement"),
        (offer(progress=Progress("gift", 5000, 1000, "EUR")), "nearly"),
        (offer(quote=Quote("EUR", 0, 1, normal=5900), progress=Progress("gift", 5000, 1000, "EUR")), "gift"),
        (offer(Kind.UPGRADE, PLUS, Quote("EUR", 79900, 1, 64900)), "upgrade"),
        (offer(Kind.UPGRADE, PLUS, levels=(Item(BAG, Quote("EUR", 5900, 1)),)), "levels"),
        (bundle(), "bundle"),
        (offer(Kind.PROGRAMME), "programme"),
    ],
)
def test_which_template_shows_an_offer(made: Offer, wanted: str) -> None:
    assert printed(made).look == wanted
    assert wanted in LOOKS


def test_levels_tell_what_differs_between_any_of_them() -> None:
    best = msgspec.structs.replace(
        PLUS, ref="best", title="Best", attributes={"GB": "32", "Colour": "red", "Ports": "2"}
    )
    base = msgspec.structs.replace(LAPTOP, attributes={"GB": "8", "Ports": "2"})
    plus = msgspec.structs.replace(PLUS, attributes={"GB": "16", "Ports": "2"})
    quotes = Quote("EUR", 79900, 2, 64900), Quote("EUR", 99900, 2, 64900)
    made = printed(offer(Kind.UPGRADE, plus, quotes[0], base=base, levels=(Item(best, quotes[1]),)))
    assert [(level.title, level.current, level.price, level.difference, level.total) for level in made.levels] == [
        ("Laptop", True, "€649.00", "", ""),
        ("Laptop Plus", False, "€799.00", "+€150.00", "+€300.00"),
        ("Best", False, "€999.00", "+€350.00", "+€700.00"),
    ]
    assert [level.points for level in made.levels] == [[("GB", "8")], [("GB", "16")], [("GB", "32"), ("Colour", "red")]]
    assert [(level.token, level.key) for level in made.levels] == [("", ""), ("token~0", "key-0"), ("token~1", "key-1")]
    assert made.product == "plus+best"


def test_without_the_product_of_the_line_only_the_steps_stand() -> None:
    made = printed(offer(Kind.UPGRADE, PLUS, base=None, levels=(Item(BAG, Quote("EUR", 5900, 1)),)))
    assert [level.title for level in made.levels] == ["Laptop Plus", "Canvas bag"]


def test_a_longer_period_saves_what_the_shorter_one_costs_more() -> None:
    line = Line("1", "plan", 1, 999)
    for months, price, saved in (
        (12, 9990, "€19.98 less a year"),
        (3, 2500, "€4.97 less in 3 months"),
        (12, 11988, ""),
    ):
        longer = msgspec.structs.replace(PLAN, ref="longer", price=price, period_months=months)
        made = printed(offer(Kind.UPGRADE, longer, Quote("EUR", price, 1, 999), base=PLAN, trigger=line))
        assert made.saving == saved
    same = msgspec.structs.replace(PLAN, ref="better", price=1200)
    assert printed(offer(Kind.UPGRADE, same, Quote("EUR", 1200, 1, 999), base=PLAN, trigger=line)).saving == ""
    assert printed(offer(Kind.UPGRADE, same, Quote("EUR", 1200, 1, 999), base=LAPTOP, trigger=line)).saving == ""


def test_what_buyers_say_needs_buyers() -> None:
    for count, words in ((0, ""), (-1, ""), (1, "4.3 of 5 stars, 1 review"), (1200, "4.3 of 5 stars, 1,200 reviews")):
        rated = msgspec.structs.replace(BAG, reviews=Reviews(4.25001, count, "Light."))
        assert (printed(offer(product=rated)).rating, printed(offer(product=rated)).quote) == (words, "Light.")
    assert (printed(offer()).rating, printed(offer()).quote) == ("", "")


def test_the_confirmation_page_says_what_adding_does() -> None:
    assert printed(offer(), "confirmation").note == str(NEW_CART)
    assert [printed(offer(), place).note for place in ("cart", "product", "checkout")] == ["", "", ""]
    assert printed(offer(Kind.PROGRAMME), "confirmation").note == ""


@pytest.mark.parametrize(("language", "wanted"), [("en", "+€150.00"), ("ar", "\u200f\u200e+150.00\xa0\u20ac")])
def test_the_plus_stands_before_the_figures(language: str, wanted: str) -> None:
    """From right to left a plus before the whole amount would be seen behind its figures."""

    def money(minor: int, currency: str) -> str:
        return format_money(minor, currency, language)

    made = offer(Kind.UPGRADE, PLUS, Quote("EUR", PLUS.price, 1, LAPTOP.price), trigger=Line("1", "laptop", 1, 64900))
    shown = card(made, [("", "")], money, Speech(), "cart")
    assert shown.difference == wanted
    assert shown.total == wanted
