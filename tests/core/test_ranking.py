"""Who gets a place."""

from __future__ import annotations

import msgspec
import pytest

from flask_upsell.core.context import Policy
from flask_upsell.core.offer import Candidate, Code, Kind
from flask_upsell.core.ranking import Places
from flask_upsell.core.rule import Rule

from .build import complement, line, product, rule, upgrade


def test_places_are_as_many_as_the_policy_says() -> None:
    places = Places(Policy(max_offers=2))
    assert places.place(complement("a"), product("a").category) is None
    assert not places.full
    assert places.place(complement("b"), product("b").category) is None
    assert places.full
    assert places.place(complement("c"), product("c").category) is Code.OUTRANKED
    assert [each.ref for each in places.chosen] == ["a", "b"]


def test_no_place_at_all() -> None:
    places = Places(Policy(max_offers=0))
    assert places.full
    assert places.place(complement("a"), product("a").category) is Code.OUTRANKED
    assert places.chosen == []


def test_a_product_gets_one_place() -> None:
    places = Places(Policy())
    assert places.place(upgrade("better", line("phone")), product("better").category) is None
    assert places.place(upgrade("better", line("tablet")), product("better").category) is Code.DUPLICATE
    assert places.place(complement("better"), product("better").category) is Code.DUPLICATE


def test_upgrades_are_as_many_as_the_policy_says() -> None:
    places = Places(Policy(max_offers=3, max_upgrades=1))
    assert places.place(upgrade("a", line("phone")), product("a").category) is None
    assert places.place(upgrade("b", line("tablet")), product("b").category) is Code.OUTRANKED
    assert places.place(complement("b"), product("b").category) is None, "it may still be offered beside the line"


def test_no_upgrades_when_the_policy_says_none() -> None:
    assert Places(Policy(max_upgrades=0)).place(upgrade("a"), product("a").category) is Code.OUTRANKED


@pytest.mark.parametrize("ref", ["line-1", ""])
def test_one_upgrade_a_line(ref: str) -> None:
    """Once the first one is accepted, there is no line left for the second. "" is a product that is looked at."""
    places = Places(Policy(max_offers=3, max_upgrades=3))
    assert places.place(upgrade("a", line("phone", ref=ref)), product("a").category) is None
    assert places.place(upgrade("b", line("phone", ref=ref)), product("b").category) is Code.OUTRANKED
    assert places.place(upgrade("c", line("tablet", ref="line-2")), product("c").category) is None


def test_upgrades_of_different_lines_each_get_a_place() -> None:
    places = Places(Policy(max_offers=3, max_upgrades=3))
    assert places.place(upgrade("a", line("phone", ref="1")), product("a", category="Phones").category) is None
    assert places.place(upgrade("b", line("phone", ref="2")), product("b", category="Phones").category) is None
    assert places.place(upgrade("c", line("tablet", ref="")), product("c").category) is None
    assert places.full


def test_one_complement_of_a_category() -> None:
    places = Places(Policy(max_offers=2))
    assert places.place(complement("case-1"), product("case-1", category="Cases").category) is None
    assert places.place(complement("case-2"), product("case-2", category="Cases").category) is Code.SAME_KIND
    assert not places.full
    assert places.place(complement("charger"), product("charger", category="Chargers").category) is None
    assert [each.ref for each in places.chosen] == ["case-1", "charger"]


def test_an_upgrade_and_a_complement_may_be_of_one_category() -> None:
    places = Places(Policy(max_offers=2))
    assert places.place(upgrade("plus"), product("plus", category="Phones").category) is None
    assert places.place(complement("second-phone"), product("second-phone", category="Phones").category) is None


@pytest.mark.parametrize("category", [None, ""])
def test_products_without_a_category_are_all_different(category: str | None) -> None:
    places = Places(Policy(max_offers=2))
    assert places.place(complement("a"), product("a", category=category).category) is None
    assert places.place(complement("b"), product("b", category=category).category) is None
    assert [each.ref for each in places.chosen] == ["a", "b"]


def by(candidate: Candidate, brought: Rule) -> Candidate:
    return msgspec.structs.replace(candidate, rule=brought)


def test_what_a_rule_puts_side_by_side_may_be_of_one_category() -> None:
    places, cases = Places(Policy(max_offers=3)), rule()
    assert places.place(by(complement("case-1"), cases), product("case-1", category="Cases").category) is None
    assert places.place(by(complement("case-2"), cases), product("case-2", category="Cases").category) is None
    assert places.place(complement("case-3"), product("case-3", category="Cases").category) is Code.SAME_KIND


def test_a_rule_fills_as_many_places_as_it_says() -> None:
    places, one, two = Places(Policy(max_offers=4, max_page=4)), rule("one", most=1), rule("two", most=2)
    for ref, brought in (("a", one), ("b", two)):
        assert places.no_room(by(complement(ref), brought)) is None
        assert places.place(by(complement(ref), brought), product(ref).category) is None
    assert places.no_room(by(complement("c"), one)) is Code.RULE_FULL
    assert places.no_room(by(upgrade("c"), one)) is Code.RULE_FULL
    assert places.no_room(by(complement("c"), two)) is None
    assert places.no_room(complement("c")) is None, "what was learned belongs to no rule"


def test_what_a_rule_could_not_place_is_not_counted() -> None:
    places, one = Places(Policy(max_offers=3)), rule(most=1)
    assert places.place(complement("a"), product("a").category) is None
    assert places.place(by(complement("a"), one), product("a").category) is Code.DUPLICATE
    assert places.no_room(by(complement("b"), one)) is None


def test_upgrades_that_have_no_room_need_not_be_judged() -> None:
    places = Places(Policy(max_offers=2, max_upgrades=1))
    assert places.no_room(upgrade("a")) is None
    assert places.place(upgrade("a"), product("a").category) is None
    assert places.no_room(upgrade("b", line("tablet"))) is Code.OUTRANKED
    assert places.no_room(complement("b")) is None


@pytest.mark.parametrize(
    ("elsewhere", "room", "then"),
    [
        (0, 2, Code.OUTRANKED),
        (1, 2, Code.OUTRANKED),
        (2, 1, Code.PAGE_FULL),
        (3, 0, Code.PAGE_FULL),
        (9, 0, Code.PAGE_FULL),
    ],
)
def test_the_offers_of_other_placements_take_room_of_the_page(elsewhere: int, room: int, then: Code) -> None:
    places = Places(Policy(max_offers=2, max_page=3), elsewhere)
    placed = [
        ref
        for ref in ("a", "b", "c")
        if not places.no_room(complement(ref)) and not places.place(complement(ref), product(ref).category)
    ]
    assert len(placed) == room
    assert places.full
    assert places.no_room(complement("z")) is then


def bundle(*parts: str) -> Candidate:
    return Candidate(Kind.BUNDLE, "+".join(parts), line("phone"), None, 0, rule(most=9), parts)


def test_the_products_of_a_bundle_are_offered_with_it_and_nowhere_else() -> None:
    places = Places(Policy(max_offers=9, max_page=9))
    assert places.place(bundle("a", "b"), None) is None
    assert places.place(complement("b"), None) is Code.DUPLICATE
    assert places.place(upgrade("a"), None) is Code.DUPLICATE
    assert places.place(bundle("c", "b"), None) is Code.DUPLICATE
    assert places.place(complement("c"), None) is None, "the bundle with it got no place"
    assert places.place(bundle("c", "d"), None) is Code.DUPLICATE
    assert places.place(bundle("d", "e"), None) is None
    assert [each.ref for each in places.chosen] == ["a+b", "c", "d+e"]
