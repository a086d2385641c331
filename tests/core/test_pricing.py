"""The one place where an offer's price is made."""

from __future__ import annotations

from typing import Any

import pytest

from flask_upsell.core.context import Capability, Context, Line
from flask_upsell.core.money import Money
from flask_upsell.core.offer import Candidate, Code, Kind, Quote
from flask_upsell.core.pricing import not_given, quote, quote_bundle, reduced
from flask_upsell.core.product import Product, Variant
from flask_upsell.core.rule import Class, Discount, Floor, Limits, Off

from .build import affinity, context, line, product, rule


def of(kind: Kind, what: Product, on: Line) -> Quote:
    made = quote(Candidate(kind, what.ref, on, affinity(what.ref), 0.5), what, context(on))
    assert isinstance(made, Quote)
    return made


def test_a_complement_is_one_unit_at_its_price() -> None:
    made = of(Kind.COMPLEMENT, product("case", 2900), line("phone", 60_000, 3))
    assert made == Quote("EUR", 2900, 1, None)
    assert (made.difference, made.total) == (2900, 2900)


def test_an_upgrade_keeps_the_quantity_and_costs_the_difference() -> None:
    made = of(Kind.UPGRADE, product("plus", 72_000), line("phone", 60_000, 3))
    assert made == Quote("EUR", 72_000, 3, 60_000)
    assert (made.difference, made.total) == (12_000, 36_000)


def test_an_upgrade_of_a_reduced_line_costs_the_difference_to_what_is_paid_now() -> None:
    assert of(Kind.UPGRADE, product("plus", 72_000), line("phone", 59_000)).difference == 13_000


def test_an_upgrade_of_a_free_line_costs_its_price() -> None:
    made = of(Kind.UPGRADE, product("basic", 499, months=1), line("free", 0))
    assert (made.replaces, made.difference, made.total) == (0, 499, 499)


def test_an_upgrade_of_what_is_only_looked_at_replaces_nothing() -> None:
    made = of(Kind.UPGRADE, product("plus", 72_000), line("phone", 60_000, ref=""))
    assert (made.replaces, made.difference, made.total) == (None, 72_000, 72_000)


def test_the_currency_is_the_products() -> None:
    assert of(Kind.COMPLEMENT, product("case", 2900, currency="JPY"), line("phone")).currency == "JPY"


# --- with a rule's discount ------------------------------------------------------------------------------------------

TENTH = Discount(off=Off.PERCENT, percent=1000)
PHONE = line("phone", 60_000, 2)
ABOUT = context(PHONE)


def reduced_by(
    discount: Discount | None, what: Product, kind: Kind = Kind.COMPLEMENT, about: Context = ABOUT, **rest: Any
) -> Quote | Code:
    brought = rule(discount=discount, **rest)
    return quote(Candidate(kind, what.ref, about.anchors[0], None, 0, brought), what, about)


def test_a_discounted_complement_says_what_it_costs_else() -> None:
    made = reduced_by(TENTH, product("case", 2900))
    assert made == Quote("EUR", 2610, 1, None, 2900)
    assert isinstance(made, Quote)
    assert (made.off, made.difference, made.total) == (290, 2610, 2610)


def test_a_discounted_upgrade_has_every_unit_discounted() -> None:
    made = reduced_by(TENTH, product("plus", 72_000), Kind.UPGRADE)
    assert made == Quote("EUR", 64_800, 2, 60_000, 72_000)
    assert isinstance(made, Quote)
    assert (made.off, made.difference, made.total) == (14_400, 4800, 9600)


def test_without_a_discount_there_is_no_normal_price() -> None:
    made = reduced_by(None, product("case", 2900))
    assert made == Quote("EUR", 2900, 1, None)
    assert isinstance(made, Quote)
    assert made.off == 0
    assert not_given(rule(), context(PHONE, capabilities=[])) is None
    assert reduced(rule(), product("case"), 2900, 1) == 2900


def test_free_shipping_is_told_to_the_store_and_takes_nothing_off() -> None:
    for capabilities in (list(Capability), [Capability.ADD]):
        about = context(PHONE, capabilities=capabilities)
        made = reduced_by(Discount(off=Off.FREE_SHIPPING), product("case", 2900), about=about)
        assert made == Quote("EUR", 2900, 1, None, free_shipping=True)


def test_each_variant_has_its_own_discounted_price() -> None:
    shirt = product("shirt", 2000, variants=[Variant("s", "Small", 2000), Variant("l", "Large", 2505)])
    assert reduced_by(TENTH, shirt) == Quote("EUR", 1800, 1, None, 2000, variants=(("s", 1800), ("l", 2254)))


FLOOR = Discount(off=Off.AMOUNT, amount=(Money(500, "EUR"),), floor=Floor(price=(Money(1500, "EUR"),)))


@pytest.mark.parametrize(
    ("discount", "what", "code"),
    [
        (FLOOR, product("case", 2000), None),
        (FLOOR, product("case", 1999), Code.BELOW_FLOOR),
        (FLOOR, product("case", 2000, variants=[Variant("s", "S", 2000), Variant("l", "L", 1999)]), Code.BELOW_FLOOR),
        (FLOOR, product("case", 2000, variants=[Variant("s", "S", 2000), Variant("l", "L", 2001)]), None),
        (Discount(off=Off.PERCENT, percent=1000, floor=Floor(cost=True)), product("case", 100, cost=90), None),
        (
            Discount(off=Off.PERCENT, percent=1000, floor=Floor(cost=True)),
            product("case", 100, cost=91),
            Code.BELOW_FLOOR,
        ),
        (Discount(off=Off.PERCENT, percent=1000, floor=Floor(cost=True)), product("case", 100), Code.UNKNOWN_COST),
        (Discount(off=Off.AMOUNT, amount=(Money(1, "USD"),)), product("case", 100), Code.OTHER_CURRENCY),
        (TENTH, product("case", 5), None),
        (TENTH, product("case", 4), Code.NO_SAVING),
    ],
)
def test_a_discount_that_cannot_be_kept_is_a_reason_not_to_offer(
    discount: Discount, what: Product, code: Code | None
) -> None:
    made = reduced_by(discount, what)
    assert (made if isinstance(made, Code) else None) is code


def test_a_line_has_one_price_so_its_units_must_cost_the_same() -> None:
    second = Discount(off=Off.PERCENT, percent=5000, most_units=1)
    assert reduced_by(second, product("plus", 72_000), Kind.UPGRADE) is Code.UNEVEN
    assert isinstance(reduced_by(second, product("plus", 72_000)), Quote), "one unit is even"


@pytest.mark.parametrize(
    ("cannot", "about", "discount", "without"),
    [
        (None, {}, {}, None),
        (Capability.LINE_PRICE, {}, {}, Code.CANNOT_PRICE),
        (Capability.GRANT, {}, {}, None),
        (None, {"coupons": ["A"]}, {}, Code.WITH_COUPON),
        (None, {"coupons": ["A"]}, {"with_coupon": True}, None),
        # What the store takes off beside a coupon is the coupon's.
        (None, {"coupons": ["A"], "discount": 100}, {"with_coupon": True}, None),
        (None, {"discount": 100}, {}, Code.NO_COMBINING),
        (None, {"discount": 100}, {"with_coupon": True}, Code.NO_COMBINING),
        (None, {"discount": 100}, {"combines": (Class.PRODUCT, Class.SHIPPING)}, Code.NO_COMBINING),
        (None, {"discount": 100}, {"combines": (Class.ORDER,)}, None),
    ],
)
def test_where_a_discount_is_not_given_the_offer_stands_at_its_full_price(
    cannot: Capability | None, about: dict[str, Any], discount: dict[str, Any], without: Code | None
) -> None:
    asked = context(PHONE, capabilities=set(Capability) - {cannot}, **about)
    made = reduced_by(Discount(off=Off.PERCENT, percent=1000, **discount), product("case", 2900), about=asked)
    if without is None:
        assert made == Quote("EUR", 2610, 1, None, 2900)
    else:
        assert made == Quote("EUR", 2900, 1, None, without=without)


@pytest.mark.parametrize("limits", [Limits(total=9), Limits(per_day=1), Limits(budget=(Money(1, "EUR"),))])
@pytest.mark.parametrize("off", [TENTH, Discount(off=Off.FREE_SHIPPING)])
def test_what_is_limited_is_given_where_grants_are_counted(limits: Limits, off: Discount) -> None:
    """Else nobody would know when it is used up."""
    blind = context(PHONE, capabilities=set(Capability) - {Capability.GRANT})
    made = reduced_by(off, product("case", 2900), about=blind, limits=limits)
    assert made == Quote("EUR", 2900, 1, None, without=Code.CANNOT_GRANT)
    given = reduced_by(off, product("case", 2900), limits=limits)
    assert isinstance(given, Quote)
    assert given.without is None


# --- with two rules' discounts ---------------------------------------------------------------------------------------

FIVE = Discount(off=Off.AMOUNT, amount=(Money(500, "EUR"),))
FREE = Discount(off=Off.FREE_SHIPPING)


def by_two(
    one: Discount | None,
    other: Discount | None,
    what: Product,
    kind: Kind = Kind.COMPLEMENT,
    about: Context = ABOUT,
    **rest: Any,
) -> Quote | Code:
    first, second = rule("one", discount=one), rule("other", discount=other, **rest)
    return quote(Candidate(kind, what.ref, about.anchors[0], None, 0, first, beside=second), what, about)


def test_two_discounts_are_both_off_the_normal_price() -> None:
    assert by_two(TENTH, FIVE, product("case", 2900)) == Quote("EUR", 2110, 1, None, 2900)
    assert by_two(FIVE, TENTH, product("plus", 72_000), Kind.UPGRADE) == Quote("EUR", 64_300, 2, 60_000, 72_000)
    assert reduced(rule("one", discount=TENTH), product("case"), 2900, 1, rule("other", discount=FIVE)) == 2110


def test_one_beside_that_has_no_discount_takes_nothing_off() -> None:
    assert by_two(TENTH, None, product("case", 2900)) == Quote("EUR", 2610, 1, None, 2900)
    assert by_two(None, TENTH, product("case", 2900)) == Quote("EUR", 2900, 1)


def test_whichever_of_two_ships_free() -> None:
    free = Quote("EUR", 2610, 1, None, 2900, free_shipping=True)
    assert by_two(TENTH, FREE, product("case", 2900)) == by_two(FREE, TENTH, product("case", 2900)) == free


def test_two_discounts_are_off_each_variant() -> None:
    shirt = product("shirt", 2000, variants=[Variant("s", "Small", 2000), Variant("l", "Large", 2505)])
    assert by_two(TENTH, FIVE, shirt) == Quote("EUR", 1300, 1, None, 2000, variants=(("s", 1300), ("l", 1754)))
    small = product("shirt", 2000, variants=[Variant("s", "Small", 500)])
    assert by_two(TENTH, FIVE, small) is Code.BELOW_FLOOR


def test_two_discounts_that_break_a_floor_together_are_a_reason_not_to_offer() -> None:
    above = Discount(off=Off.PERCENT, percent=1000, floor=Floor(price=(Money(2110, "EUR"),)))
    for two in ((above, FIVE), (FIVE, above)):
        assert by_two(*two, product("case", 2900)) == Quote("EUR", 2110, 1, None, 2900)
        assert by_two(*two, product("case", 2898)) is Code.BELOW_FLOOR


@pytest.mark.parametrize(
    ("cannot", "about", "one", "other", "without"),
    [
        (Capability.LINE_PRICE, {}, FREE, TENTH, Code.CANNOT_PRICE),
        (Capability.LINE_PRICE, {}, TENTH, FREE, Code.CANNOT_PRICE),
        (Capability.GRANT, {}, TENTH, FIVE, Code.CANNOT_GRANT),
        (None, {"coupons": ["A"]}, Discount(off=Off.PERCENT, percent=1000, with_coupon=True), FIVE, Code.WITH_COUPON),
        (None, {"discount": 1}, Discount(off=Off.GIFT, combines=(Class.ORDER,)), FIVE, Code.NO_COMBINING),
    ],
)
def test_where_one_of_two_is_not_given_neither_is(
    cannot: Capability | None, about: dict[str, Any], one: Discount, other: Discount, without: Code
) -> None:
    asked = context(PHONE, capabilities=set(Capability) - {cannot}, **about)
    made = by_two(one, other, product("case", 2900), about=asked, limits=Limits(total=9))
    assert made == Quote("EUR", 2900, 1, None, without=without)


# --- bundles ---------------------------------------------------------------------------------------------------------

PEN, BOOK = product("pen", 300), product("book", 1500)


def bundled(discount: Discount | None, *products: Product, about: Context = ABOUT, **rest: Any) -> object:
    refs = tuple(each.ref for each in products)
    brought = rule(discount=discount, **rest)
    return quote_bundle(Candidate(Kind.BUNDLE, "+".join(refs), PHONE, None, 0, brought, refs), products, about)


def test_a_bundle_costs_what_its_products_cost_one_of_each() -> None:
    plain = Quote("EUR", 300, 1), Quote("EUR", 1500, 1), Quote("EUR", 1800, 1)
    assert bundled(None, PEN, BOOK) == plain
    assert quote_bundle(Candidate(Kind.BUNDLE, "pen+book", PHONE, None, 0), [PEN, BOOK], ABOUT) == plain


def test_a_discount_is_off_the_sum_and_each_product_has_its_share() -> None:
    assert bundled(TENTH, PEN, BOOK) == (
        Quote("EUR", 270, 1, normal=300),
        Quote("EUR", 1350, 1, normal=1500),
        Quote("EUR", 1620, 1, normal=1800),
    )


def test_a_product_of_which_nothing_is_taken_has_no_normal_price() -> None:
    cent = Discount(off=Off.AMOUNT, amount=(Money(1, "EUR"),))
    assert bundled(cent, PEN, BOOK) == (
        Quote("EUR", 300, 1),
        Quote("EUR", 1499, 1, normal=1500),
        Quote("EUR", 1799, 1, normal=1800),
    )


def test_a_bundle_may_be_sent_free() -> None:
    assert bundled(Discount(off=Off.FREE_SHIPPING), PEN, BOOK) == tuple(
        Quote("EUR", price, 1, free_shipping=True) for price in (300, 1500, 1800)
    )


def test_where_its_discount_is_not_given_a_bundle_stands_at_its_full_price_and_says_so_once() -> None:
    made = bundled(TENTH, PEN, BOOK, about=context(PHONE, coupons=["A"]))
    assert made == (Quote("EUR", 300, 1), Quote("EUR", 1500, 1), Quote("EUR", 1800, 1, without=Code.WITH_COUPON))


@pytest.mark.parametrize(
    ("discount", "cost", "code"),
    [
        (Discount(off=Off.PERCENT, percent=1000, floor=Floor(cost=True)), 271, Code.BELOW_FLOOR),
        (Discount(off=Off.PERCENT, percent=1000, floor=Floor(cost=True)), None, Code.UNKNOWN_COST),
        (Discount(off=Off.PRICE, price=(Money(1800, "EUR"),)), 0, Code.NO_SAVING),
    ],
)
def test_a_discount_that_cannot_be_kept_is_a_reason_not_to_offer_the_bundle(
    discount: Discount, cost: int | None, code: Code
) -> None:
    assert bundled(discount, product("pen", 300, cost=cost), product("book", 1500, cost=0)) is code
