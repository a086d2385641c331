"""The catalogue holds every example that the demo promises, in ladders that may be offered."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest

from flask_upsell.demo.catalogue import BY_REF, CATALOGUE, ladder

LADDERS = {
    "Laptops": 3,
    "Phones": 3,
    "Tablets": 1,
    "Cameras": 2,
    "Grills": 1,
    "Running shoes": 2,
    "Printers": 2,
    "Shampoo": 2,
    "Body wash": 2,
    "Chocolate": 2,
    "Swimwear": 1,
    "Surgical gloves": 2,
    "Dialysis machines": 1,
    "Service contracts": 3,
    "Streaming plans": 5,
    "Holidays": 3,
}
COMPLEMENTS = [
    "Laptop bags",
    "Office software",
    "Phone cases",
    "Headphones",
    "Touch pens",
    "Tablet covers",
    "Camera lenses",
    "Tripods",
    "Memory cards",
    "Charcoal",
    "Grill tools",
    "Cookbooks",
    "Running socks",
    "Insoles",
    "Scanners",
    "Conditioners",
    "Wrapping paper",
    "Message cards",
    "Flip-flops",
    "Sunscreen",
    "Beach towels",
    "Beach balls",
    "Surgical gowns",
    "Surgical caps",
    "Infusion pumps",
    "Tubing sets",
    "IV bags",
]


@pytest.mark.parametrize(("category", "levels"), LADDERS.items())
def test_each_need_has_its_levels(category: str, levels: int) -> None:
    assert len(ladder(category)) == levels


def test_each_complement_has_a_category_of_its_own() -> None:
    assert {item.category for item in CATALOGUE} == {*LADDERS, *COMPLEMENTS}
    assert all(len(ladder(category)) == 1 for category in COMPLEMENTS)


@pytest.mark.parametrize(
    "category", [name for name, levels in LADDERS.items() if levels > 1 and name != "Streaming plans"]
)
def test_a_step_is_dearer_by_a_quarter_at_most(category: str) -> None:
    for low, high in pairwise(ladder(category)):
        assert low.price < high.price
        assert high.price * 100 <= low.price * 125, (low.title, high.title)


def test_the_streaming_plans_are_as_agreed() -> None:
    plans = {(item.price, item.period_months) for item in ladder("Streaming plans")}
    assert plans == {(0, 1), (499, 1), (999, 1), (4990, 12), (9990, 12)}
    assert all(item.period_months is None for item in CATALOGUE if item.category != "Streaming plans")


def test_the_better_body_wash_costs_eighty_cents_more() -> None:
    assert [item.price for item in ladder("Body wash")] == [390, 470]


def test_every_product_can_be_told_apart_and_compared() -> None:
    for name in ("ref", "slug", "title", "picture"):
        assert len({getattr(item, name) for item in CATALOGUE}) == len(CATALOGUE), name
    keys = defaultdict(set)
    for item in CATALOGUE:
        keys[item.category].add(tuple(item.attributes))
        assert 3 <= len(item.attributes) <= 4, item.ref
        assert item.summary
        assert item.stock > 0
        assert item.price >= 0
        assert BY_REF[item.ref] is item
    assert all(len(different) == 1 for different in keys.values()), keys


def test_the_levels_of_a_need_differ_in_what_is_compared() -> None:
    for category, levels in LADDERS.items():
        assert len({tuple(item.attributes.values()) for item in ladder(category)}) == levels
