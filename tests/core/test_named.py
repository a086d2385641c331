"""What rules name in the catalogue, and the conditions in their trees."""

from __future__ import annotations

from typing import Any

import pytest

from flask_upsell.core.named import Goods, conditions, named, sources, touched
from flask_upsell.core.rule import Bundle, Category, Gap, Ladder, Learned, Nothing, Perk, Products, Tagged
from flask_upsell.core.rulebook import RuleBook

from .build import asking, product, rule

TEA, NEW = {"category": ["Tea"]}, {"tag": ["new"], "match": "only"}


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        (None, []),
        ({}, []),
        ({"lines": TEA}, [("lines", TEA)]),
        ({"all": []}, []),
        ({"any": [{"lines": TEA}, {"none": [{"all": [{"lines": NEW}]}]}]}, [("lines", TEA), ("lines", NEW)]),
        # Nobody knows these; whoever uses the rule is told so.
        ({"moon": {}}, [("moon", {})]),
        ({"moon": "full"}, []),
    ],
)
def test_the_conditions_of_a_tree_are_those_of_all_its_branches(tree: Any, found: list[Any]) -> None:
    assert list(conditions(tree)) == found


def test_a_rule_names_what_it_offers_asks_for_and_promises_each_once() -> None:
    asked = {
        "any": [{"lines": {"product": ["a", "c"], "category": ["Tea"]}}, {"own": {"tag": ["new", 7], "is": ["x"]}}]
    }
    bought = {"has_bought": {"product": ["a", "d"]}}
    written = rule("r", Products(refs=("a", "b")), when=asked, audience=bought, perk=Perk(gift="b"))
    assert list(named(written)) == [
        ("product", "a"),
        ("product", "b"),
        ("product", "d"),
        ("product", "c"),
        ("category", "Tea"),
        ("tag", "new"),
    ]
    assert list(named(rule("r", Learned(), perk=Perk(gift="tin")))) == [("product", "tin")]
    assert list(named(rule("r", Learned(), perk=Perk(points=1)))) == list(named(asking())) == []


@pytest.mark.parametrize(
    ("offer", "found"),
    [
        (Bundle(refs=("a", "b")), [("product", "a"), ("product", "b")]),
        (Category(name="Tea"), [("category", "Tea")]),
        (Tagged(name="new"), [("tag", "new")]),
        (Gap(threshold=(), refs=("a",)), [("product", "a")]),
        (Gap(threshold=(), category="Tea", tag_="new"), [("category", "Tea"), ("tag", "new")]),
        (Gap(threshold=()), []),
        (Ladder(name="l"), []),
        (Nothing(), []),
    ],
)
def test_what_an_offer_names(offer: Any, found: list[Any]) -> None:
    assert list(sources(rule("r", offer))) == found


def test_a_book_names_what_its_rules_and_ladders_name() -> None:
    rules = (rule("r", Tagged(name="new")), rule("s", Category(name="Tea"), perk=Perk(gift="tin")), asking())
    assert touched(RuleBook(rules=rules, ladders={"l": ("a", "b")})) == ({"a", "b", "tin"}, {"Tea"}, {"new"})


def test_the_goods_are_found_by_what_rules_name_them_by() -> None:
    tin, tea = product("tin", category="Tea/Tins", tags=["new"]), product("tea", category="Tea")
    goods, book = Goods({"tin": tin, "tea": tea}), RuleBook(ladders={"l": ("tea", "gone", "tin")})
    for offer, found in (
        (Products(refs=("tea", "gone")), [tea]),
        (Bundle(refs=("tin", "tea")), [tin, tea]),
        (Category(name="Tea"), [tin, tea]),
        (Tagged(name="new"), [tin]),
        (Ladder(name="l"), [tin]),
        (Ladder(name="m"), []),
        (Learned(), []),
    ):
        assert goods.offered(rule("r", offer), book) == found
