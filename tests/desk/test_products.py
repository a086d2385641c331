"""The desk's view of products and suggestions, without pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from flask_upsell import MemoryStore, Product
from flask_upsell.core.affinity import Affinity
from flask_upsell.core.kind import Kind
from flask_upsell.core.rule import Category, Ladder, Products, Rule, Tagged
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk import Desk
from flask_upsell.errors import BadInput
from tests.conftest import MakeApp
from tests.web.shop import parts_of

GOODS = (
    Product("tea", "Green tea", 500, "EUR", category="Drinks/Tea", tags=("leaf",)),
    Product("pot", "Teapot", 2900, "EUR", category="Kitchen"),
)
RULES = (
    Rule(name="by-ref", offer=Products(refs=("tea",))),
    Rule(name="by-category", offer=Category(name="Drinks")),
    Rule(name="by-tag", offer=Tagged(name="leaf")),
    Rule(name="by-ladder", offer=Ladder(name="teas")),
    Rule(name="other", offer=Products(refs=("pot",)), when={"lines": {"category": ["Drink"]}}),
)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    made = make_app(MemoryStore(GOODS))
    offers = parts_of(made).offers
    offers.rules.save(RuleBook(rules=RULES, ladders={"teas": ("tea", "pot")}), offers.clock())
    offers.ledger.save_affinities([(Kind.COMPLEMENT, "tea", Affinity("pot", 1.0, 47, 412, 60, 6000))])
    offers.publish()
    return made


@pytest.fixture
def desk(app: Flask) -> Desk:
    return parts_of(app).desk


def test_the_rules_that_name_a_product_and_how(desk: Desk) -> None:
    about = desk.products.about("tea")
    assert about is not None
    assert [(each.rule.name, each.how) for each in about.rules] == [
        ("by-ref", "product"), ("by-category", "category"), ("by-tag", "tag"), ("by-ladder", "ladder"),
    ]  # fmt: skip
    assert (about.title, about.currency, about.ladders) == ("Green tea", "EUR", (("teas", ("tea", "pot")),))
    assert ([each.consequent for each in about.leads], about.led) == (["pot"], ())
    assert [each.price for each in about.prices] == [500]
    assert desk.products.about("nothing") is None


def test_a_product_that_the_store_has_no_more_is_still_known(app: Flask, desk: Desk) -> None:
    parts_of(app).offers.ledger.save_affinities([(Kind.UPGRADE, "gone", Affinity("tea", 1.0, 47, 412, 60, 6000))])
    about = desk.products.about("gone")
    assert about is not None
    assert (about.title, about.product, about.currency) == ("gone", None, "")


def test_how_many_suggestions_wait(desk: Desk) -> None:
    assert desk.verdicts.waiting() == 0
    desk.options.set("auto_approve", 90)
    assert desk.verdicts.waiting() == 1
    assert not desk.verdicts.unpublished()
    at = desk.verdicts.approve([("complement", "tea", "pot")], "  It  is\0 good ")
    assert (desk.verdicts.waiting(), desk.verdicts.unpublished()) == (0, True)
    assert [each.why for each in desk.verdicts.decided()] == ["It is good"]
    assert desk.verdicts.undo(at - timedelta(seconds=1)) == 0
    assert desk.verdicts.undo(at) == 1
    assert desk.verdicts.waiting() == 1


def test_what_a_product_cannot_be_told(desk: Desk) -> None:
    for ref, fits in (
        ("", ()),
        ("x" * 201, ()),
        ("a\0", ()),
        ("tea", ["a" * 101]),
        ("tea", [str(n) for n in range(11)]),
    ):
        with pytest.raises(BadInput):
            desk.notes.set(ref, excluded=True, sensitive=False, fits=fits)
    assert desk.notes.all() == {}


def test_what_can_be_looked_up(desk: Desk) -> None:
    assert [each.ref for each in desk.catalogue.search("gre")] == ["tea"]
    assert [each.name for each in desk.catalogue.categories("te")] == ["Drinks/Tea"]
    assert [each.name for each in desk.catalogue.tags()] == ["leaf"]
    assert desk.catalogue.brands() == []
    assert desk.catalogue.titles("tag", ["x"])["x"].title == "x"
    with pytest.raises(BadInput, match="cannot be picked"):
        desk.catalogue.choices("customer", "a")
