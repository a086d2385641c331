"""Levels, gifts, thresholds, plans, ticks and languages, over HTTP: what is seen, pressed and then in the cart."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from flask import Flask, render_template_string

from flask_upsell import Product
from flask_upsell.core.kind import Kind
from flask_upsell.core.money import Money
from flask_upsell.core.product import Reviews
from flask_upsell.core.rule import Discount, Gap, Ladder, Off, Products, Rule
from flask_upsell.core.rulebook import RuleBook
from tests.web.markup import slots
from tests.web.shop import (
    GOODS,
    PLAN,
    PLUS,
    SessionStore,
    Visitor,
    look,
    parts_of,
    publish,
    put_rules,
    set_of,
)

PRO = Product("pro", "Laptop Pro", 99900, "EUR", url="/product/pro", category="Laptops", attributes={"GB": "32"})
WITH_PLAN: dict[str, Any] = {"lines": {"product": ["plan"]}}
STEPS = ("laptop", "plus", "pro")


def levels(app: Flask, store: SessionStore, **more: Any) -> None:
    """Good, better, best for whoever has the laptop."""
    store.shelf["pro"] = PRO
    publish(app, [*GOODS, PRO], {})
    compare = Rule(name="levels", offer=Ladder(name="laptops", compare=True), any_price=True, stop=True, **more)
    offers = parts_of(app).offers
    offers.rules.save(RuleBook(rules=(compare,), ladders={"laptops": STEPS}), offers.clock())
    offers.publish_rules()


def counted(app: Flask, what: str) -> dict[str, int]:
    """How often each product was shown, declined …"""
    offers = parts_of(app).offers
    offers.tally.flush()
    offers.fold()
    return {each.product: getattr(each, what) for each in offers.ledger.counts()}


# --- good, better, best --------------------------------------------------------------------------------------------


def test_three_levels_stand_side_by_side(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    levels(app, store)
    shown = shopper.see()
    assert shown.products == ["plus+pro"]
    card = shown.card("plus+pro")
    assert card.kind == "upgrade"
    for text in ("Laptop", "€649.00", "Your choice", "€799.00", "+€150.00", "€999.00", "+€350.00", "8", "16", "32"):
        assert text in card.text, text
    assert card.text.count("Choose") == 2 and card.text.count("No thanks") == 1


@pytest.mark.parametrize(("place", "line"), [(0, ("plus", 1, 79900)), (1, ("pro", 1, 99900))])
@pytest.mark.parametrize("script", [True, False])
def test_each_level_can_be_chosen(
    app: Flask, store: SessionStore, shopper: Visitor, place: int, line: tuple[str, int, int], script: bool
) -> None:
    """Shown red with the first level's token in all of them."""
    levels(app, store)
    form = shopper.see().card("plus+pro").accepts[place]
    shopper.send(form, script=script)
    assert store.lines() == [line]
    undo = shopper.see().undo
    shopper.send(undo, script=script)
    assert store.lines() == [("laptop", 1, 64900)]


def test_a_no_is_a_no_to_all_levels(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    """Shown red with the first of them remembered only: the dearest one came back alone."""
    levels(app, store)
    shopper.press("decline", "plus+pro")
    assert shopper.see().products == []
    assert counted(app, "declined") == {"plus": 1, "pro": 1}


def test_each_level_is_counted_as_shown(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    levels(app, store)
    shopper.see()
    assert counted(app, "shown") == {"plus": 1, "pro": 1}


def test_what_buyers_say_stands_with_each_level(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    store.shelf["pro"] = PRO
    rated = msgspec.structs.replace(PLUS, reviews=Reviews(4.64, 128, "Fast <b>and</b> quiet."))
    levels(app, store)
    publish(app, [*(each for each in GOODS if each.ref != "plus"), rated, PRO], {})
    text = shopper.client.get("/cart").text
    assert "4.6 of 5 stars, 128 reviews" in text and "Fast &lt;b&gt;and&lt;/b&gt; quiet." in text
    nobody = msgspec.structs.replace(PLUS, reviews=Reviews(0, 0))
    publish(app, [*(each for each in GOODS if each.ref != "plus"), nobody, PRO], {})
    assert "stars" not in shopper.client.get("/cart").text


# --- ticks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    ("ticked", "added"),
    [
        ((), []),
        (("0",), [("bag", 1, 5900)]),
        (("1",), [("card", 1, 2290)]),
        (("0", "1"), [("bag", 1, 5310), ("card", 1, 2061)]),
    ],
)
def test_what_is_ticked_is_added(
    app: Flask, store: SessionStore, shopper: Visitor, ticked: tuple[str, ...], added: list[Any], script: bool
) -> None:
    put_rules(app, set_of())
    answer = shopper.press("accept", "bag+card", script=script, tick=ticked)
    assert store.lines() == [("laptop", 1, 64900), *added]
    shown = look(answer.text) if script else shopper.see()
    assert shown.tone == ("done" if added else "sorry")
    if not added:
        assert shown.notice == "Please tick what you would like."
        assert "bag+card" in shown.products


@pytest.mark.parametrize("piece", ["9", "-1", "x", ["0"] * 9])
def test_a_place_that_no_bundle_has_changes_nothing(
    app: Flask, store: SessionStore, shopper: Visitor, piece: Any
) -> None:
    put_rules(app, set_of())
    answer = shopper.send(shopper.see().card("bag+card").forms["accept"], piece=piece)
    assert look(answer.text).tone == "sorry"
    assert store.lines() == [("laptop", 1, 64900)]


# --- plans ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [True, False])
def test_what_recurs_is_agreed_to_on_its_own(app: Flask, store: SessionStore, shopper: Visitor, script: bool) -> None:
    """Shown red with the server trusting the box that the browser requires."""
    put_rules(app, Rule(name="plan", offer=Products(refs=("plan",)), stop=True))
    card = shopper.see().card("plan")
    assert card.boxes == [("agreed", "1")] and "I agree to pay €9.99 per month" in card.text
    answer = shopper.press("accept", "plan", script=script, tick=())
    shown = look(answer.text) if script else shopper.see()
    assert (shown.tone, shown.notice) == ("sorry", "Please agree to the recurring payment.")
    assert store.lines() == [("laptop", 1, 64900)]
    shopper.press("accept", "plan", script=script)
    assert store.lines() == [("laptop", 1, 64900), ("plan", 1, 999)]


def test_a_longer_period_says_what_it_saves(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    yearly = msgspec.structs.replace(PLAN, ref="yearly", title="Plan, yearly", price=9990, period_months=12)
    store.shelf["yearly"] = yearly
    publish(app, [*GOODS, yearly], {})
    put_rules(app, Rule(name="r", offer=Products(refs=("yearly",), kind=Kind.UPGRADE), when=WITH_PLAN, stop=True))
    shopper.put("plan")
    text = shopper.see().card("yearly").text
    for words in ("€8.33 a month", "€19.98 less a year", "€99.90 per year instead of Plan, €9.99 per month"):
        assert words in text, words


# --- gifts, thresholds, after the order ----------------------------------------------------------------------------


def test_a_gift_is_free_and_taken_or_left(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    put_rules(app, Rule(name="gift", offer=Products(refs=("card",)), discount=Discount(off=Off.GIFT), stop=True))
    card = shopper.see().card("card")
    for words in ("A gift for you", "Free", "Yes, please", "No thanks"):
        assert words in card.text, words
    assert "€" not in card.text, "what costs nothing has no price"
    shopper.press("accept", "card")
    assert store.lines() == [("laptop", 1, 64900), ("card", 1, 0)]


def near(threshold: int, reward: str = "free_shipping") -> Rule:
    gap = Gap(threshold=(Money(threshold, "EUR"),), refs=("card", "bag"), reward=reward)
    return Rule(name="near", offer=gap, most=1, stop=True)


@pytest.mark.parametrize(
    ("reward", "missing", "there"),
    [
        ("free_shipping", "€11.00 more, and your order ships free", "You have reached €660.00: your order ships free."),
        ("gift", "€11.00 more, and a gift is yours", "You have reached €660.00: a gift is yours."),
    ],
)
def test_what_is_missing_and_that_it_is_reached(
    app: Flask, store: SessionStore, shopper: Visitor, reward: str, missing: str, there: str
) -> None:
    put_rules(app, near(66000, reward))
    text = shopper.client.get("/cart").text
    assert missing in text and '<progress class="upsell-progress" max="66000" value="64900"' in text
    assert there not in text
    answer = shopper.press("accept", "card").text
    assert there in answer and missing not in answer and "<progress" not in answer


def test_nothing_is_missing_beside_other_offers(app: Flask, shopper: Visitor) -> None:
    put_rules(app, Rule(name="r", offer=Products(refs=("card",)), stop=True))
    text = shopper.client.get("/cart").text
    assert "<progress" not in text and "reached" not in text


def test_after_the_order_it_is_said_that_nothing_is_charged(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    note = "This goes into a new cart. Nothing is charged now."
    put_rules(app, Rule(name="r", offer=Products(refs=("card",)), stop=True))
    assert note not in shopper.client.get("/cart").text
    shopper.client.post("/order")
    assert note in shopper.client.get("/order?ref=laptop").text
    shopper.press("accept", "card", "/order?ref=laptop")
    assert store.lines() == [("card", 1, 2290)]


# --- several slots, languages --------------------------------------------------------------------------------------


@pytest.fixture
def two_slots(app: Flask, visitor: Visitor) -> Visitor:
    """Whoever has a laptop, with a page of two slots: `/two`."""
    app.add_url_rule("/two", "two", lambda: render_template_string("{{ upsell('cart') }}{{ upsell('checkout') }}"))
    return visitor.put("laptop")


def test_two_slots_of_a_page_show_different_products(app: Flask, two_slots: Visitor) -> None:
    """Shown red with each slot decided by itself."""
    put_rules(app, Rule(name="r", offer=Products(refs=("bag", "card", "socks")), most=2))
    shown = [product for slot in slots(two_slots.client.get("/two").text) for product in slot.products]
    assert len(shown) == len(set(shown)) == 3, "two, and one more until the page has enough"


def test_a_bundle_is_beside_no_slot_that_shows_a_part_of_it(app: Flask, two_slots: Visitor) -> None:
    single = Rule(name="r", offer=Products(refs=("bag", "socks")), placements=("checkout",))
    put_rules(app, set_of(placements=("cart",)), single)
    first, second = slots(two_slots.client.get("/two").text)
    assert first.products == ["bag+card"] and "bag" not in second.products and "socks" in second.products


def test_a_bundle_is_one_of_the_offers_of_a_page(app: Flask, two_slots: Visitor) -> None:
    """Three are allowed. Shown red with each product of the bundle counted."""
    rest = Rule(name="r", offer=Products(refs=("socks", "plan")), placements=("checkout",))
    put_rules(app, set_of(placements=("cart",)), rest)
    assert [slot.products for slot in slots(two_slots.client.get("/two").text)] == [["bag+card"], ["socks", "plan"]]


@pytest.mark.parametrize(
    ("language", "direction", "words"),
    [
        ("de-AT", "ltr", "Nein, danke"),
        ("ar", "rtl", "لا، شكرًا"),
        ("nl", "ltr", "No thanks"),
        (None, "ltr", "No thanks"),
    ],
)
def test_a_shopper_reads_his_own_language(
    app: Flask,
    store: SessionStore,
    shopper: Visitor,
    language: str | None,
    direction: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = store.visitor
    monkeypatch.setattr(store, "visitor", lambda: msgspec.structs.replace(real(), language=language))
    for _ in range(2):
        text = shopper.client.get("/cart").text
        assert words in text and f'dir="{direction}"' in text
    shown = look(shopper.press("decline", "plus").text)
    assert (shown.notice == "All right, we will not suggest it again.") is (words == "No thanks")


def test_kept_pages_are_kept_for_each_language(
    app: Flask, store: SessionStore, shopper: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown red with the language left out of what kept HTML is known by."""
    real, chosen = store.visitor, [""]
    monkeypatch.setattr(store, "visitor", lambda: msgspec.structs.replace(real(), language=chosen[0]))
    for chosen[0] in ("de", "fr", "de", "en"):
        assert f'lang="{chosen[0]}"' in shopper.client.get("/cart").text
