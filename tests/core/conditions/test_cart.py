"""Conditions on the cart: each with a cart that meets it and one that just does not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_upsell.core.conditions import Lines
from flask_upsell.core.context import Context, Line
from flask_upsell.core.trees import grow, problems

from ..build import context, line, product, scene

GRILL = product("grill", 20_000, "Garden/Grills", brand="Ember", tags=["heavy", "new"], attributes={"Fuel": "gas"})
TONGS = product("tongs", 1500, "Garden", brand="Ember", attributes={"Length": "40 cm"})
SHED = product("shed", 90_000, "Garden2", brand="Fir", tags=["heavy"], attributes={"Fuel": "none"})
PLAIN = product("plain", 500)

A_GRILL, SOME_TONGS, A_SHED, A_PLAIN = (
    line("grill", 20_000),
    line("tongs", 1500, 2),
    line("shed", 90_000),
    line("plain"),
)


def holds(code: str, arguments: dict[str, Any], about: Context) -> bool:
    return grow({code: arguments}).holds(scene(about, GRILL, TONGS, SHED, PLAIN))


# --- which lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "fitting", "other"),
    [
        ({"product": ["tongs", "grill"]}, A_GRILL, A_SHED),
        ({"variant": ["xl", "l"]}, line("plain", variant="l"), line("plain", variant="m")),
        ({"variant": ["l"]}, line("plain", variant="l"), line("plain")),
        ({"category": ["Garden"]}, A_GRILL, A_SHED),
        ({"category": ["Garden"]}, SOME_TONGS, A_PLAIN),
        ({"category": ["Garden/Grills"]}, A_GRILL, SOME_TONGS),
        ({"category": ["Kitchen", "Garden2"]}, A_SHED, A_GRILL),
        ({"tag": ["new", "used"]}, A_GRILL, A_SHED),
        ({"brand": ["Ember"]}, A_GRILL, A_SHED),
        ({"brand": ["Ember"]}, SOME_TONGS, A_PLAIN),
        ({"attribute": {"Fuel": ["gas", "coal"]}}, A_GRILL, A_SHED),
        ({"attribute": {"Fuel": ["gas"]}}, A_GRILL, SOME_TONGS),
        ({"attribute": {"Fuel": ["gas", "none"], "Length": ["40 cm"]}}, None, A_GRILL),
        ({"price": {"min": [[1500, "EUR"]]}}, SOME_TONGS, line("tongs", 1499, 9)),
        ({"price": {"max": [[1500, "EUR"]]}}, SOME_TONGS, line("tongs", 1501)),
        ({"quantity": {"min": 2}}, SOME_TONGS, A_GRILL),
        ({"quantity": {"max": 1}}, A_GRILL, SOME_TONGS),
        ({"category": ["Garden"], "tag": ["heavy"]}, A_GRILL, SOME_TONGS),
        ({"category": ["Garden"], "tag": ["heavy"]}, A_GRILL, A_SHED),
        ({"brand": ["Ember"], "quantity": {"min": 2}}, SOME_TONGS, A_GRILL),
        ({"category": ["Garden"]}, A_GRILL, line("unpublished")),
        ({"product": ["unpublished"]}, line("unpublished"), A_GRILL),
    ],
)
def test_a_line_fits_when_it_has_one_value_of_each_field(
    asked: dict[str, Any], fitting: Line | None, other: Line
) -> None:
    if fitting is not None:
        assert holds("lines", asked, context(fitting))
    assert not holds("lines", asked, context(other))
    assert not holds("lines", asked, context())


def test_a_price_is_asked_in_the_carts_currency() -> None:
    asked = {"price": {"min": [[1, "EUR"]]}}
    assert holds("lines", asked, context(A_PLAIN))
    assert not holds("lines", asked, context(A_PLAIN, currency="USD"))


def test_a_line_is_of_the_page_not_of_the_cart() -> None:
    about = context(A_SHED, anchors=[line("grill", ref="")])
    assert holds("lines", {"product": ["grill"]}, about)
    assert not holds("lines", {"product": ["shed"]}, about)


HEAVY = {"tag": ["heavy"]}
PAIR = {"match": "all", "product": ["grill", "shed"]}


@pytest.mark.parametrize(
    ("asked", "lines", "met"),
    [
        ({**HEAVY, "match": "any"}, [A_PLAIN, A_GRILL], True),
        ({**HEAVY, "match": "any"}, [A_PLAIN, SOME_TONGS], False),
        ({**HEAVY, "match": "none"}, [A_PLAIN, SOME_TONGS], True),
        ({**HEAVY, "match": "none"}, [], True),
        ({**HEAVY, "match": "none"}, [A_PLAIN, A_GRILL], False),
        ({**HEAVY, "match": "only"}, [A_SHED, A_GRILL], True),
        ({**HEAVY, "match": "only"}, [A_SHED, A_GRILL, A_PLAIN], False),
        ({**HEAVY, "match": "only"}, [], False),
        ({**HEAVY, "match": "at_least"}, [A_SHED], True),
        ({**HEAVY, "match": "at_least"}, [SOME_TONGS], False),
        ({"brand": ["Ember"], "match": "at_least", "units": 3}, [SOME_TONGS, A_GRILL, A_SHED], True),
        ({"brand": ["Ember"], "match": "at_least", "units": 3}, [SOME_TONGS, A_SHED], False),
        (PAIR, [A_GRILL, A_PLAIN, A_SHED], True),
        (PAIR, [A_GRILL, A_PLAIN], False),
        (PAIR, [], False),
        ({"match": "all", "variant": ["s", "l"]}, [line("plain", variant="l"), line("plain", variant="s")], True),
        ({"match": "all", "variant": ["s", "l"]}, [line("plain", variant="l"), line("plain")], False),
        ({"match": "all", "category": ["Garden", "Garden2"]}, [A_GRILL, A_SHED], True),
        ({"match": "all", "category": ["Garden", "Garden2"]}, [A_GRILL, SOME_TONGS], False),
        ({"match": "all", "category": ["Garden", "Garden/Grills"]}, [A_GRILL], True),
        ({"match": "all", "tag": ["new", "heavy"]}, [A_GRILL], True),
        ({"match": "all", "tag": ["new", "heavy"]}, [A_SHED], False),
        ({"match": "all", "brand": ["Ember", "Fir"]}, [SOME_TONGS, A_SHED], True),
        ({"match": "all", "brand": ["Ember", "Fir"]}, [SOME_TONGS, A_GRILL], False),
        # Each value on a line that has one of every field.
        ({"match": "all", "tag": ["heavy"], "brand": ["Ember", "Fir"]}, [A_GRILL, A_SHED], True),
        ({"match": "all", "tag": ["heavy"], "brand": ["Ember", "Fir"]}, [SOME_TONGS, A_SHED], False),
        ({"match": "all", "quantity": {"min": 2}}, [SOME_TONGS], True),
        ({"match": "all", "quantity": {"min": 3}}, [SOME_TONGS], False),
    ],
)
def test_how_many_lines_must_fit(asked: dict[str, Any], lines: list[Line], met: bool) -> None:
    assert holds("lines", asked, context(*lines)) is met


WHICH = "say which lines: product, variant, category, tag, brand, price, quantity, …"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"product": ["a"], "match": "at_least", "units": 2}, []),
        ({}, [("lines.product", WHICH)]),
        ({"match": "at_least", "units": 2}, [("lines.product", WHICH)]),
        (
            {"product": ["a"], "match": "some"},
            [("lines.match", "'some' is none of any, all, none, only, at_least")],
        ),
        ({"tag": ["a"], "match": "at_least", "units": 0}, [("lines.units", "at least 1")]),
        ({"tag": ["a"], "units": 2}, [("lines.units", "belongs to match: at_least")]),
        ({"price": {}}, [("lines.price.min", "give min, max or both")]),
        ({"price": {"max": [[-1, "EUR"]]}}, [("lines.price.max", "an amount is 0 or more")]),
        ({"quantity": {"min": 2, "max": 1}}, [("lines.quantity.max", "is less than min")]),
        ({"attribute": {"Fuel": ["gas"]}}, []),
        ({"product": "a"}, [("lines.product", "Expected `array`, got `str`")]),
        ({"colour": ["red"]}, [("lines", "Object contains unknown field `colour`")]),
    ],
)
def test_what_is_wrong_with_lines(asked: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert problems({"lines": asked}) == found


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({"product": ["a", "b"], "brand": ["x"]}, {"p:a", "p:b"}),
        ({"brand": ["x"], "tag": ["y"]}, {"b:x"}),
        ({"tag": ["y"], "category": ["z"]}, {"t:y"}),
        ({"category": ["z", "z/y"]}, {"c:z", "c:z/y"}),
        ({"category": ["z"], "match": "only"}, {"c:z"}),
        ({"category": ["z"], "match": "none"}, None),
        ({"quantity": {"min": 2}}, None),
    ],
)
def test_what_a_cart_must_have_for_lines_to_hold(asked: dict[str, Any], keys: set[str] | None) -> None:
    assert msgspec.convert(asked, Lines).triggers() == keys


# --- the cart as a whole ---------------------------------------------------------------------------------------------

#: (code, arguments, a cart that meets it, one that just does not)
WHOLE: list[tuple[str, dict[str, Any], Context, Context]] = [
    ("subtotal", {"min": [[3000, "EUR"]]}, context(SOME_TONGS), context(line("tongs", 1499, 2))),
    ("subtotal", {"max": [[3000, "EUR"]]}, context(SOME_TONGS), context(SOME_TONGS, line("plain", 1))),
    ("subtotal", {"max": [[3000, "EUR"]]}, context(), context(currency="JPY")),
    ("line_count", {"min": 2}, context(A_GRILL, A_SHED), context(SOME_TONGS)),
    ("line_count", {"max": 1}, context(SOME_TONGS), context(A_GRILL, A_SHED)),
    ("line_count", {"max": 0}, context(line("plain", 1, 0)), context(A_PLAIN)),
    ("currency", {"is": ["USD", "EUR"]}, context(), context(currency="JPY")),
    ("placement", {"is": ["checkout"]}, context(placement="checkout"), context(placement="cart")),
    ("payment", {"is": ["card", "sepa"]}, context(payment="sepa"), context()),
    ("shipping", {"is": ["express"]}, context(shipping="express"), context(shipping="parcel")),
    ("coupon", {}, context(coupons=["SPRING"]), context()),
    ("coupon", {"present": False}, context(), context(coupons=["SPRING"])),
    ("coupon", {"codes": ["A", "B"]}, context(coupons=["C", "B"]), context(coupons=["C"])),
    ("coupon", {"codes": ["A"], "present": False}, context(coupons=["C"]), context(coupons=["C", "A"])),
    ("coupon", {"codes": ["A"], "present": False}, context(), context(coupons=["A"])),
    ("discount_share", {"min": 10}, context(SOME_TONGS, discount=300), context(SOME_TONGS, discount=299)),
    ("discount_share", {"max": 10}, context(SOME_TONGS, discount=300), context(SOME_TONGS, discount=301)),
    ("discount_share", {"max": 10}, context(SOME_TONGS), context()),
]


@pytest.mark.parametrize(("code", "asked", "meeting", "other"), WHOLE)
def test_a_condition_on_the_cart_just_holds_and_just_does_not(
    code: str, asked: dict[str, Any], meeting: Context, other: Context
) -> None:
    assert holds(code, asked, meeting)
    assert not holds(code, asked, other)


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({"subtotal": {}}, [("subtotal.min", "give min, max or both")]),
        ({"subtotal": {"min": [[1, "X"]]}}, [("subtotal.min", "currency: 'X' is not an ISO 4217 code such as 'EUR'")]),
        ({"subtotal": {"min": [["1", "EUR"]]}}, [("subtotal.min[0][0]", "Expected `int`, got `str`")]),
        ({"line_count": {"min": 3, "max": 2}}, [("line_count.max", "is less than min")]),
        ({"currency": {"is": []}}, [("currency.is", "name at least one")]),
        ({"placement": {}}, [("placement", "Object missing required field `is`")]),
        ({"payment": {"is": [1]}}, [("payment.is[0]", "Expected `str`, got `int`")]),
        ({"shipping": {"is": "express"}}, [("shipping.is", "Expected `array`, got `str`")]),
        ({"coupon": {"present": "yes"}}, [("coupon.present", "Expected `bool`, got `str`")]),
        ({"discount_share": {"max": 100}}, []),
        ({"discount_share": {"max": 101}}, [("discount_share.max", "at most 100")]),
        ({"discount_share": {}}, [("discount_share.min", "give min, max or both")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_condition_on_the_cart(tree: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert problems(tree) == found
