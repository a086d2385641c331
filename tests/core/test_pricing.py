"""The one place where an offer's price is made."""

from __future__ import annotations

from typing import Any

import pytest

from flask_upsell.core.context import Capability, Context, Line
from flask_upsell.core.money import Money
from flask_upsell.core.offer import Candidate, Code, Kind, Quote
from flask_upsell.core.pricing import not_given, quote, reduced
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
