"""Rules as sentences: every shipped rule, every condition, and a store's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from markupsafe import Markup

from flask_upsell.core.conditions import CONDITIONS, Condition, Scene
from flask_upsell.core.money import Money, format_money
from flask_upsell.core.named import conditions
from flask_upsell.core.rule import Discount, Limits, Off, Products, Rule, Schedule
from flask_upsell.web.phrases import PHRASES, Pen, condition_phrase
from flask_upsell.web.sentences import rule_sentence
from flask_upsell.web.speech import Speech
from tests.web.test_drafted import shipped

SPEECH = Speech()
PEN = Pen(SPEECH, format_money)


@pytest.fixture
def moon() -> Iterator[type[Condition]]:
    """A store's own condition."""

    class Moon(Condition, frozen=True, kw_only=True):
        code = "moon_phase"
        phase: tuple[str, ...] = ()
        above: int = 0

        def check(self, scene: Scene) -> bool:
            return True

    CONDITIONS["moon_phase"] = Moon
    yield Moon
    del CONDITIONS["moon_phase"]


def plain(rule: Rule, **names: Any) -> str:
    return str(rule_sentence(rule, SPEECH, format_money, **names).striptags())


def test_as_the_merchant_would_say_it() -> None:
    rule = Rule(
        name="gifts",
        schedule=Schedule(seasons=("valentine",)),
        when={"lines": {"category": ["Chocolate"]}},
        offer=Products(refs=("WP", "MS")),
        discount=Discount(off=Off.PERCENT, percent=1000),
        limits=Limits(per_customer=1),
    )
    told = rule_sentence(
        rule, SPEECH, format_money, {"WP": "Wrapping paper", "MS": "Card"}, {"valentine": "Valentine's"}
    )
    assert told == Markup(
        "In <em>Valentine&#39;s</em>, when the cart has any <em>Chocolate</em>, offer <em>Wrapping paper</em> and "
        "<em>Card</em> at <em>10 % off</em>, once per customer."
    )


def test_what_is_written_in_a_rule_is_no_html() -> None:
    rule = Rule(name="x", offer=Products(refs=("<script>",)), when={"country": {"is": ["<b>"]}})
    assert "&lt;script&gt;" in rule_sentence(rule, SPEECH, format_money)
    assert "<b>" not in rule_sentence(rule, SPEECH, format_money)


def test_every_condition_has_a_phrase() -> None:
    """Planted bug that it shows: a condition without one is told by its code."""
    assert {code for code, kind in CONDITIONS.items() if kind.__module__.startswith("flask_upsell.")} == set(PHRASES)


def test_every_shipped_rule_is_a_sentence() -> None:
    met = set()
    for rule in shipped().rules:
        told = plain(rule)
        assert told.endswith("."), rule.name
        assert not told.startswith(("None", ",")), told
        assert "{" not in told, told
        assert "None" not in told, told
        for tree in (rule.audience, rule.when):
            for code, given in conditions(tree):
                met.add(code)
                assert condition_phrase(code, given, PEN) in rule_sentence(rule, SPEECH, format_money)
    assert met == set(PHRASES)


@pytest.mark.parametrize(
    ("code", "given", "words"),
    [
        ("lines", {"category": ["Tea"]}, "the cart has any Tea"),
        ("lines", {"product": ["a"], "match": "none"}, "the cart has no a"),
        ("lines", {"match": "all", "category": ["A", "B"]}, "the cart has all of A and B"),
        ("lines", {"match": "at_least", "units": 3, "tag": ["x"]}, "the cart has at least 3 of product tagged x"),
        ("lines", {"category": ["A"], "price": {"min": [[2000, "EUR"]]}}, "any A costing at least €20.00 each"),
        ("subtotal", {"min": [[2000, "EUR"], [3000, "JPY"]]}, "the cart is worth at least €20.00 or ¥3,000"),
        ("subtotal", {"min": [[1000, "EUR"]], "max": [[2000, "EUR"]]}, "from €10.00 to €20.00"),
        ("country", {"is": ["A", "B", "C", "D", "E", "F"]}, "in A, B, C, D or 2 more"),
        ("moon_phase", {"phase": ["full", "new"], "above": 3}, "moon phase holds: phase full, new and above 3"),
        ("moon_phase", {}, "moon phase holds"),
        ("gone_since", {"is": [True]}, "gone since holds: is true"),
    ],
)
def test_conditions_in_words(moon: type[Condition], code: str, given: Any, words: str) -> None:
    assert words in condition_phrase(code, given, PEN).striptags()


def test_nested_conditions_keep_their_meaning() -> None:
    tree = {
        "all": [
            {"lines": {"category": ["Tea"]}},
            {"any": [{"country": {"is": ["DE"]}}, {"country": {"is": ["AT"]}}]},
            {"none": [{"group": {"is": ["staff"]}}]},
        ]
    }
    rule = Rule(name="x", when=tree, offer=Products(refs=("a",)))
    assert plain(rule) == (
        "When the cart has any Tea, (either the shopper is in DE or the shopper is in AT) and it is not so that the "
        "shopper is one of staff, offer a."
    )


def test_prices_and_caps() -> None:
    euros = (Money(2500, "EUR"),)
    given = {"amount": Discount(off=Off.AMOUNT, amount=euros), "price": Discount(off=Off.PRICE, price=euros)}
    assert plain(Rule(name="x", offer=Products(refs=("a",)), discount=given["amount"])) == "Offer a at €25.00 less."
    assert plain(Rule(name="x", offer=Products(refs=("a",)), discount=given["price"])) == "Offer a for €25.00."
