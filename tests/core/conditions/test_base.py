"""What conditions are made of: the list of them, what they see, and their bounds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_upsell.core.conditions import CONDITIONS, Amounts, Condition, Facet, Numbers, condition
from flask_upsell.core.money import Money
from flask_upsell.errors import BadInput

from ..build import context, line, product, scene


@pytest.fixture
def own() -> Iterator[type[Condition]]:
    """A store's own condition, and the list as it was afterwards."""

    @condition
    class Own(Condition, frozen=True, kw_only=True):
        code = "own"

    yield Own
    del CONDITIONS["own"]


def test_a_stores_own_condition_is_known_by_its_code(own: type[Condition]) -> None:
    assert CONDITIONS["own"] is own
    assert condition(own) is own, "a module that is loaded twice is no mistake"


def test_two_conditions_cannot_have_one_code(own: type[Condition]) -> None:
    class Another(Condition, frozen=True, kw_only=True):
        code = "own"

    with pytest.raises(BadInput, match=r"a condition 'own' exists already \(tests\.core\.conditions\.test_base\..*Own"):
        condition(Another)
    assert CONDITIONS["own"] is own


def test_a_plain_condition_has_nothing_wrong_and_no_triggers_and_must_be_written(own: type[Condition]) -> None:
    plain = own()
    assert (plain.problems(), plain.triggers(), plain.looks_at) == ([], None, Facet.CART)
    with pytest.raises(NotImplementedError):
        plain.check(scene(context()))


# --- what they see ---------------------------------------------------------------------------------------------------


def test_a_scene_has_the_lines_that_the_page_is_about_with_their_products() -> None:
    phone, looked_at = product("phone"), line("phone", 300, ref="")
    seen = scene(context(line("cable", 200, 2), anchors=[looked_at, line("mast", 50)]), phone)
    assert seen.lines == [(looked_at, phone), (line("mast", 50), None)]
    assert seen.subtotal == 350
    assert seen.until is None


def test_a_line_of_no_units_is_none() -> None:
    seen = scene(context(line("phone", 300, 2), line("cable", 200, 0)))
    assert [each.product for each, _ in seen.lines] == ["phone"]
    assert seen.subtotal == 600


# --- bounds ----------------------------------------------------------------------------------------------------------

TEN, TWENTY = (Money(10, "EUR"), Money(100, "JPY")), (Money(20, "EUR"),)


@pytest.mark.parametrize(
    ("bounds", "amount", "currency", "within"),
    [
        (Amounts(min=TEN), 10, "EUR", True),
        (Amounts(min=TEN), 9, "EUR", False),
        (Amounts(min=TEN), 100, "JPY", True),
        (Amounts(min=TEN), 99, "JPY", False),
        (Amounts(min=TEN), 10**9, "USD", False),
        (Amounts(max=TWENTY), 20, "EUR", True),
        (Amounts(max=TWENTY), 21, "EUR", False),
        (Amounts(max=TWENTY), 0, "JPY", False),
        (Amounts(min=TEN, max=TWENTY), 15, "EUR", True),
        (Amounts(min=TEN, max=TWENTY), 9, "EUR", False),
        (Amounts(min=TEN, max=TWENTY), 21, "EUR", False),
        (Amounts(min=TEN, max=TWENTY), 150, "JPY", False),
    ],
)
def test_amounts_hold_from_min_to_max_in_a_currency_that_they_have(
    bounds: Amounts, amount: int, currency: str, within: bool
) -> None:
    assert bounds.hold(amount, currency) is within


@pytest.mark.parametrize(
    ("bounds", "number", "within"),
    [
        (Numbers(min=2), 2, True),
        (Numbers(min=2), 1, False),
        (Numbers(max=3), 3, True),
        (Numbers(max=3), 4, False),
        (Numbers(max=0), 0, True),
        (Numbers(max=0), 1, False),
        (Numbers(min=2, max=2), 2, True),
        (Numbers(min=2, max=3), 1, False),
        (Numbers(min=2, max=3), 4, False),
    ],
)
def test_numbers_hold_from_min_to_max(bounds: Numbers, number: int, within: bool) -> None:
    assert bounds.hold(number) is within


BOTH = [("min", "give min, max or both")]


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        (Amounts(min=TEN, max=TWENTY), []),
        (Amounts(min=TWENTY, max=TWENTY), []),
        (Amounts(min=(Money(0, "EUR"),)), []),
        (Amounts(), BOTH),
        (Amounts(min=(Money(-1, "EUR"),)), [("min", "an amount is 0 or more")]),
        (Amounts(max=(Money(1, "XQQ"),)), [("max", "currency: 'XQQ' is not an ISO 4217 code such as 'EUR'")]),
        (Amounts(min=TWENTY, max=(Money(5, "JPY"), Money(19, "EUR"))), [("max", "is less than min in EUR")]),
        (Numbers(min=0), []),
        (Numbers(min=2, max=2), []),
        (Numbers(), BOTH),
        (Numbers(min=3, max=2), [("max", "is less than min")]),
        (Numbers(min=-1), [("min", "a number is 0 or more")]),
        (Numbers(min=-1, max=1), [("min", "a number is 0 or more")]),
    ],
)
def test_what_is_wrong_with_bounds(bounds: Amounts | Numbers, found: list[tuple[str, str]]) -> None:
    assert bounds.problems() == found
