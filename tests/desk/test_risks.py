"""What is risky in a change of the rules."""

from __future__ import annotations

from typing import Any

import pytest

from flask_upsell import Product, Variant
from flask_upsell.core.money import Money
from flask_upsell.core.rule import (
    Bundle,
    Copy,
    Discount,
    Floor,
    Ladder,
    Learned,
    Limits,
    Off,
    Products,
    Rule,
    Schedule,
    Status,
)
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.desk.risks import Danger, Reach, judge

CUP = Product("cup", "Cup", 1000, "EUR", cost=600)
POT = Product("pot", "Pot", 4000, "EUR", variants=(Variant("s", "Small", 2000),))
FEW = Limits(total=10)


def euros(cents: int) -> tuple[Money, ...]:
    return (Money(cents, "EUR"),)


def percent(much: int, **more: Any) -> Discount:
    return Discount(off=Off.PERCENT, percent=much * 100, **more)


def rule(discount: Discount | None, **more: Any) -> Rule:
    return Rule(**{"name": "tea", "offer": Products(refs=("cup", "pot")), "discount": discount, "limits": FEW, **more})


def dangers(
    after: Rule, before: Rule | None = None, known: tuple[Product, ...] = (CUP, POT), count: int | None = 2
) -> list[str]:
    old = RuleBook(rules=(before,) if before is not None else ())
    return [each.code.value for each in judge(old, RuleBook(rules=(after,)), lambda *_: Reach(known, count), 30, 50)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (percent(30), []),
        (Discount(off=Off.PERCENT, percent=3001), ["above_percent"]),
        (percent(41, floor=Floor(cost=True)), ["above_percent"]),
        (percent(41), ["above_percent", "below_cost"]),
        (Discount(off=Off.GIFT), ["above_percent", "below_cost"]),
        (Discount(off=Off.FREE_SHIPPING), []),
        (Discount(off=Off.AMOUNT, amount=euros(300)), []),
        # 301 of 1000 is more than 30 %, however little of 4000.
        (Discount(off=Off.AMOUNT, amount=euros(301)), ["above_percent"]),
        (Discount(off=Off.PRICE, price=euros(1000)), ["above_percent"]),
        (Discount(off=Off.PRICE, price=euros(599)), ["above_percent", "below_cost"]),
        # What its floor refuses is not offered, so nothing of it is given away.
        (Discount(off=Off.AMOUNT, amount=euros(450), floor=Floor(cost=True)), []),
    ],
)
def test_discounts(given: Discount, found: list[str]) -> None:
    """Planted bugs that it shows: amounts are not looked at; the floor is not."""
    assert dangers(rule(given)) == found


def test_the_cheapest_variant_counts() -> None:
    """Planted bug that it shows: variants are not looked at."""
    assert dangers(rule(Discount(off=Off.AMOUNT, amount=euros(700))), known=(POT,), count=1) == ["above_percent"]


def test_a_bundle_is_judged_as_a_whole() -> None:
    bundle = Bundle(refs=("cup", "pot"))
    assert dangers(rule(Discount(off=Off.AMOUNT, amount=euros(1500)), offer=bundle)) == []
    assert dangers(rule(Discount(off=Off.AMOUNT, amount=euros(2100)), offer=bundle)) == ["above_percent", "below_cost"]
    assert dangers(rule(Discount(off=Off.AMOUNT, amount=euros(9)), offer=bundle), known=(), count=2) == []


def test_no_limit_and_many_products() -> None:
    assert dangers(rule(percent(5), limits=Limits())) == ["no_limit"]
    for limits in (Limits(per_customer=1), Limits(per_day=3), Limits(budget=euros(5000))):
        assert dangers(rule(percent(5), limits=limits)) == []
    assert dangers(rule(None, limits=Limits(), offer=Learned())) == []
    assert dangers(rule(percent(5)), count=50) == []
    assert dangers(rule(percent(5)), count=51) == ["many_products"]
    assert dangers(rule(percent(5), offer=Learned()), known=(), count=None) == ["many_products"]
    amount = Discount(off=Off.AMOUNT, amount=euros(100))
    assert dangers(rule(amount, offer=Learned()), known=(), count=None) == ["above_percent", "many_products"]


def test_floors_and_limits_that_were_taken_away() -> None:
    """Planted bug that it shows: only what the rule is now is looked at."""
    held = rule(percent(10, floor=Floor(cost=True, price=euros(500))), limits=Limits(total=9, budget=euros(900)))
    assert dangers(rule(percent(11), limits=Limits(total=9)), held) == ["floor_gone", "limit_gone"]
    assert dangers(rule(percent(11, floor=Floor(cost=True, price=euros(499))), limits=held.limits), held) == [
        "floor_gone"
    ]
    assert dangers(rule(percent(11, floor=Floor(margin_percent=5, price=euros(500))), limits=held.limits), held) == []
    assert dangers(rule(percent(11)), rule(percent(10, floor=Floor(margin_percent=0)))) == ["floor_gone"]
    assert dangers(rule(None), held) == []


def test_what_was_live_like_this_is_not_asked_again() -> None:
    """Planted bug that it shows: a rule that is paused is not judged, so that resuming it puts it live unseen; one
    that is resumed is not judged again."""
    much = rule(percent(50, floor=Floor(cost=True)))
    assert dangers(rule(much.discount, label="Tea!", priority=3, copy={"en": Copy(headline="Tea")}), much) == []
    assert dangers(rule(much.discount, status=Status.PAUSED), much) == []
    assert dangers(rule(much.discount, status=Status.PAUSED)) == ["above_percent"]
    for asleep in (Status.PAUSED, Status.DRAFT, Status.ENDED):
        assert dangers(much, rule(much.discount, status=asleep)) == ["above_percent"]
        assert dangers(rule(percent(5)), rule(percent(5), status=asleep)) == []
    assert dangers(rule(much.discount, when=None, placements=("cart",)), much) == ["above_percent"]
    assert dangers(much, rule(None)) == ["above_percent"]


def test_seasons_and_ladders_are_part_of_the_rules_that_name_them() -> None:
    """Planted bug that it shows: only the rule itself is compared."""
    much = rule(percent(50), offer=Ladder(name="cups"), schedule=Schedule(seasons=("spring",)))
    before = RuleBook(rules=(much,), seasons=(Season(name="spring"),), ladders={"cups": ("a", "b")})
    for after in (
        RuleBook(rules=(much,), seasons=(Season(name="spring", zone="UTC"),), ladders=before.ladders),
        RuleBook(rules=(much,), seasons=before.seasons, ladders={"cups": ("a", "c")}),
    ):
        found = judge(before, after, lambda *_: Reach((), 1), 30, 50)
        assert [(each.code, each.rule) for each in found] == [(Danger.ABOVE_PERCENT, "tea")]
        assert "50 %" in str(found[0].sentence)
    assert judge(before, before, lambda *_: Reach((), 1), 30, 50) == []
