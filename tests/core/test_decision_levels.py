"""Steps side by side, thresholds that are near or reached: what an offer carries beside its own product."""

from __future__ import annotations

from typing import Any

import pytest

from flask_upsell.core.context import Capability, Policy
from flask_upsell.core.decision import decide
from flask_upsell.core.money import Money
from flask_upsell.core.offer import Decision, Progress
from flask_upsell.core.product import Product
from flask_upsell.core.rule import Discount, Floor, Gap, Ladder, Off, Products

from .build import ALL, book, context, dropped, leads, line, offered, product, rule, ruleset

STEPS = {"good": 1000, "better": 1200, "best": 1500, "top": 1800}
SHELF = [product(ref, price, "Things") for ref, price in STEPS.items()]
COMPARE = Ladder(name="things", compare=True)


def compared(*shelf: Product, about: Any = None, **more: Any) -> Decision:
    """What a rule that compares steps offers for the first of them."""
    given = {"any_price": True, "stop": True, **more}
    rules = ruleset(rule("r", given.pop("offer", COMPARE), **given), ladders={"things": tuple(STEPS)})
    return decide(about or context(line("good")), book(shelf or SHELF, {}, rules=rules))


def levels(decision: Decision) -> list[tuple[str, int, int]]:
    (offer,) = decision.offers
    return [(level.product.ref, level.quote.unit_price, level.quote.difference) for level in offer.levels]


def test_the_second_step_stands_beside_the_first() -> None:
    made = compared()
    assert offered(made) == ["better"]
    assert levels(made) == [("best", 1500, 500)]
    assert made.trace == (), "what stands beside it was not dropped"


def test_what_is_not_to_be_compared_is_one_step() -> None:
    made = compared(offer=Ladder(name="things", steps=3))
    assert (offered(made), levels(made)) == (["better"], [])
    assert dropped(made) == [("best", "outranked"), ("top", "outranked")]


def test_more_than_two_steps_are_compared_when_the_rule_says_so() -> None:
    made = compared(offer=Ladder(name="things", steps=3, compare=True))
    assert levels(made) == [("best", 1500, 500), ("top", 1800, 800)]


@pytest.mark.parametrize(
    ("about", "shelf"),
    [
        (context(line("good"), declined=["best"]), SHELF),
        (context(line("good"), elsewhere=["best"]), SHELF),
        (context(line("good"), line("best"), anchors=[line("good")]), SHELF),
        (context(line("good")), [each for each in SHELF if each.ref != "best"]),
        (context(line("good")), [*SHELF[:2], product("best", 1500, "Things", stock=0)]),
        (context(line("good")), [*SHELF[:2], product("best", 900, "Things")]),
    ],
)
def test_a_step_that_cannot_be_offered_does_not_stand_beside_it(about: Any, shelf: list[Product]) -> None:
    made = compared(*shelf, about=about)
    assert (offered(made), levels(made)) == (["better"], [])


def test_when_the_first_step_cannot_be_offered_the_second_stands_alone() -> None:
    made = compared(about=context(line("good"), declined=["better"]))
    assert (offered(made), levels(made)) == (["best"], [])
    assert dropped(made) == [("better", "declined")]


def test_steps_keep_within_the_price_gap() -> None:
    assert levels(compared(any_price=False)) == []
    assert levels(compared(any_price=False, gap_percent=50)) == [("best", 1500, 500)]


def test_each_step_has_the_rules_discount() -> None:
    tenth = Discount(off=Off.PERCENT, percent=1000)
    assert levels(compared(discount=tenth)) == [("best", 1350, 350)]
    capped = Discount(off=Off.PRICE, price=(Money(1100, "EUR"),))
    assert levels(compared(discount=capped)) == [("best", 1100, 100)]


def test_a_step_that_another_offer_shows_does_not_stand_beside_it() -> None:
    first = rule("first", Products(refs=("best",)), any_price=True, priority=1)
    second = rule("second", COMPARE, any_price=True, stop=True)
    shelf = book(SHELF, {}, rules=ruleset(first, second, ladders={"things": tuple(STEPS)}))
    made = decide(context(line("good")), shelf)
    assert sorted(offered(made)) == ["best", "better"]
    assert [offer.levels for offer in made.offers] == [(), ()]


def test_each_line_has_steps_of_its_own_quantity() -> None:
    (offer,) = compared(about=context(line("good", quantity=3))).offers
    assert [level.quote.total for level in offer.levels] == [1500]


def test_a_decision_without_an_explanation_has_the_same_levels() -> None:
    rules = ruleset(rule("r", COMPARE, any_price=True), ladders={"things": tuple(STEPS)})
    shelf = book(SHELF, {}, rules=rules)
    about = context(line("good"))
    assert decide(about, shelf, explain=False).offers == decide(about, shelf).offers


def test_learned_upgrades_are_not_compared() -> None:
    learned = {"good": leads(None, {"better": 0.5, "best": 0.4})}
    made = decide(context(line("good"), policy=Policy(price_gap_percent=100)), book(SHELF, learned))
    assert [offer.levels for offer in made.offers] == [()]


# --- thresholds ------------------------------------------------------------------------------------------------------

PENS = [product("pen", 300), product("ink", 700), product("paper", 1000)]
FREE = Gap(threshold=(Money(1300, "EUR"),), refs=("pen", "ink"))


def near(*prices: int, source: Gap = FREE, **more: Any) -> Decision:
    rules = ruleset(rule("near", source, most=1, **more))
    lines = [line("paper", price, ref=str(place)) for place, price in enumerate(prices)]
    return decide(context(*lines), book(PENS, {}, rules=rules))


def test_an_offer_that_closes_a_gap_says_how_near_it_is() -> None:
    (offer,) = near(1000).offers
    assert (offer.product.ref, offer.progress) == ("pen", Progress("free_shipping", 1300, 1000, "EUR"))
    assert offer.progress is not None and offer.progress.missing == 300
    assert near(1000).reached is None


@pytest.mark.parametrize(("there", "missing"), [(1299, 1), (1300, 0), (1301, 0)])
def test_a_threshold_that_is_reached_is_told(there: int, missing: int) -> None:
    made = near(there)
    assert made.reached == (None if missing else Progress("free_shipping", 1300, there, "EUR"))
    assert bool(made.offers) is bool(missing)


def test_a_gift_is_another_reward() -> None:
    gift = Gap(threshold=FREE.threshold, refs=FREE.refs, reward="gift")
    made = near(2000, source=gift)
    assert made.reached is not None and (made.reached.reward, made.reached.missing) == ("gift", 0)


def test_in_another_currency_nothing_is_near_or_reached() -> None:
    assert near(2000, source=Gap(threshold=(Money(1300, "JPY"),), refs=("pen",))).reached is None


def test_a_rule_that_does_not_apply_has_reached_nothing() -> None:
    assert near(2000, when={"lines": {"product": ["other"]}}).reached is None
    assert decide(context(line("paper", 2000)), book(PENS, {}, rules=ruleset())).reached is None


def test_the_first_rule_with_a_threshold_speaks() -> None:
    low = rule("low", FREE, priority=1)
    high = rule("high", Gap(threshold=(Money(5000, "EUR"),), refs=("pen",)))
    made = decide(context(line("paper", 2000)), book(PENS, {}, rules=ruleset(low, high)))
    assert made.reached is not None and made.reached.threshold == 1300
    higher = rule("higher", high.offer, priority=2)
    made = decide(context(line("paper", 2000)), book(PENS, {}, rules=ruleset(low, higher)))
    assert made.reached is None, "there is something to reach yet"


def test_nothing_is_near_where_the_store_cannot_add() -> None:
    rules = ruleset(rule("near", FREE))
    about = context(line("paper", 1000), capabilities=ALL - {Capability.ADD})
    assert decide(about, book(PENS, {}, rules=rules)).offers == ()


def test_a_step_whose_discount_breaks_the_floor_does_not_stand_beside_it() -> None:
    tenth = Discount(off=Off.PERCENT, percent=1000, floor=Floor(cost=True))
    shelf = [
        SHELF[0], product("better", 1200, "Things", cost=500), product("best", 1500, "Things", cost=1351)
    ]  # fmt: skip
    made = compared(*shelf, discount=tenth)
    assert (offered(made), levels(made)) == (["better"], [])


def test_what_costs_nothing_by_a_rule_is_a_gift() -> None:
    gift = rule("gift", Products(refs=("pen",)), discount=Discount(off=Off.GIFT))
    (given,) = decide(context(line("paper", 1000)), book(PENS, {}, rules=ruleset(gift))).offers
    sale = ruleset(rule("r", Products(refs=("pen",))))
    (sold,) = decide(context(line("paper", 1000)), book(PENS, {}, rules=sale)).offers
    assert (given.gift, sold.gift) == (True, False)
