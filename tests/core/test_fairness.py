"""What a rule may ask before it reduces a price, and whose price that is."""

from __future__ import annotations

from typing import Any

import pytest

from flask_upsell.core.conditions import CONDITIONS
from flask_upsell.core.conditions.base import Facet
from flask_upsell.core.fairness import BEHAVIOUR, PERSONAL, check, for_everybody
from flask_upsell.core.rule import Discount, Nothing, Off, Products, Rule

LESS = Discount(off=Off.PERCENT, percent=1000)
ASKED: dict[str, dict[str, Any]] = {
    "has_bought": {"product": ["cup"]},
    "order_count": {"min": 3},
    "days_since_last_order": {"min": 90},
    "sample": {"percent": 50},
}
GROUP, COUNTRY = {"group": {"is": ["members"]}}, {"country": {"is": ["IT"]}}


def rule(**more: Any) -> Rule:
    return Rule(**{"name": "r", "offer": Products(refs=("cup",)), "discount": LESS, **more})


@pytest.mark.parametrize("code", sorted(BEHAVIOUR))
@pytest.mark.parametrize("field", ["audience", "when"])
@pytest.mark.parametrize("nested", [False, True])
def test_no_price_depends_on_what_a_shopper_did(code: str, field: str, nested: bool) -> None:
    asked: dict[str, Any] = {code: ASKED[code]}
    tree = {"all": [{"none": [asked]}, asked]} if nested else asked
    ((at, sentence),) = check(rule(**{field: tree}))
    assert at == field and code in sentence and "declared group" in sentence
    assert list(check(rule(discount=None, **{field: tree}))) == [], "what is shown may depend on it"


@pytest.mark.parametrize("code", sorted(BEHAVIOUR))
@pytest.mark.parametrize("more", [{"stop": True}, {"offer": Nothing()}])
def test_nor_on_rules_that_are_not_reached_for_what_a_shopper_did(code: str, more: dict[str, Any]) -> None:
    ((at, sentence),) = check(rule(discount=None, audience={code: ASKED[code]}, **more))
    assert at == "audience" and code in sentence and "stops those below it" in sentence
    assert list(check(rule(discount=None, audience=GROUP, **more))) == []


@pytest.mark.parametrize("off", list(Off))
def test_every_kind_of_discount_is_a_price(off: Off) -> None:
    assert list(check(rule(discount=Discount(off=off), audience={"has_bought": {"product": ["cup"]}})))


@pytest.mark.parametrize("tree", [None, GROUP, COUNTRY, {"first_order": {"is": True}}, {"perk": {"is": ["r"]}}])
def test_what_is_declared_or_promised_may_be_asked_for(tree: dict[str, Any] | None) -> None:
    assert list(check(rule(audience=tree))) == []


@pytest.mark.parametrize(
    ("tree", "public"),
    [
        (None, True),
        (COUNTRY, True),
        (GROUP, False),
        ({"first_order": {"is": True}}, False),
        ({"signed_in": {"is": True}}, False),
        ({"perk": {"is": ["r"]}}, False),
        ({"none": [GROUP]}, True),
        ({"none": [{"none": [GROUP]}]}, False),
        ({"none": [COUNTRY]}, True),
        ({"all": [COUNTRY, GROUP]}, False),
        ({"any": [COUNTRY, GROUP]}, True),
        ({"any": [{"first_order": {"is": True}}, GROUP]}, False),
        ({"all": [{"none": [GROUP]}, COUNTRY]}, True),
        ({"none": [{"any": [{"none": [GROUP]}, GROUP]}]}, False),
        ({"none": [{"all": [{"none": [GROUP]}, COUNTRY]}]}, True),
    ],
)
@pytest.mark.parametrize("field", ["audience", "when"])
def test_a_price_is_for_everybody_if_a_stranger_could_get_it(tree: Any, public: bool, field: str) -> None:
    assert for_everybody(rule(**{field: tree})) is public


def test_every_condition_on_a_person_was_thought_about() -> None:
    """A new condition that looks at the shopper, the session or the key has its place in `fairness`, or here."""
    markets = {"country", "language", "source", "answer"}
    looks = Facet.SHOPPER | Facet.SESSION | Facet.KEY
    asking = {
        code for code, kind in CONDITIONS.items() if kind.looks_at & looks and kind.__module__.startswith("flask")
    }
    assert asking == PERSONAL | markets
