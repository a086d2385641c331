"""How many units have an accepted price: gifts, capped discounts, second ones; and two rules on one line."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_upsell import Order, Refused
from flask_upsell.core.context import Capability
from flask_upsell.core.money import Money
from flask_upsell.core.ports import Acceptance, Done
from flask_upsell.core.rule import Discount, Floor, Limits, Off, Orphan, Second
from tests.till.shop import PERCENT, Shop, cup_rule

MORE = "more is ordered than it was offered for"
ALONE = "what it went with is not in the cart"
BOUNDED = {
    "gift": Discount(off=Off.GIFT),
    "most_units": Discount(off=Off.PERCENT, percent=1000, most_units=1),
    "most": Discount(off=Off.PERCENT, percent=1000, most=(Money(200, "EUR"),)),
}


def raised(shop: Shop, accepted: Acceptance, quantity: int) -> None:
    """The shopper changes how many in the store's own cart."""
    done = shop.store.replace(accepted.line, accepted.product, None, quantity, accepted.unit_price)
    assert isinstance(done, Done)


def lines(shop: Shop) -> list[tuple[str, int, int]]:
    return [(line.product, line.quantity, line.unit_price) for line in shop.store.cart().lines]


@pytest.mark.parametrize("discount", BOUNDED.values(), ids=BOUNDED)
def test_what_is_for_one_stays_one_and_the_others_cost_what_they_cost(shop: Shop, discount: Discount) -> None:
    """Shown red without the split: three gifts for one."""
    shop.rule(cup_rule(discount=discount, any_price=True))
    shop.fill("tea")
    accepted = shop.accepted()
    raised(shop, accepted, 3)
    assert shop.settle() == ["Cup is offered for 1; the others are at their normal price."]
    assert lines(shop) == [("tea", 1, 1000), ("cup", 1, accepted.unit_price), ("cup", 2, 2000)]
    assert shop.settle() == []
    assert shop.order() == []


@pytest.mark.parametrize("discount", BOUNDED.values(), ids=BOUNDED)
def test_an_order_of_more_is_refused_whatever_its_lines(shop: Shop, discount: Discount) -> None:
    """Shown red with the last of two equal lines counted only: two gifts on two lines."""
    shop.rule(cup_rule(discount=discount))
    shop.fill("tea")
    shop.accept()
    tea, cup = shop.store.cart().lines
    for ordered in ([tea, msgspec.structs.replace(cup, quantity=2)], [tea, cup, cup]):
        shop.store.placed["1001"] = Order("1001", "EUR", tuple(ordered))
        assert [str(refusal.reason) for refusal in shop.offers.discounts.grant("1001")] == [MORE]


def test_a_discount_without_a_bound_is_for_as_many_as_the_shopper_likes(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    raised(shop, shop.accepted(), 4)
    assert shop.settle() == []
    assert lines(shop) == [("tea", 1, 1000), ("cup", 4, 1800)]
    assert shop.order() == []


@pytest.mark.parametrize("fails", ["add", "replace"])
def test_what_the_store_will_not_split_is_all_at_its_normal_price(
    shop: Shop, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown red with the added line left in the cart: four cups for three."""
    shop.rule(cup_rule(discount=BOUNDED["gift"]))
    shop.fill("tea")
    raised(shop, shop.accepted(), 3)
    real = getattr(shop.store, fails)

    def refuse(*given: Any) -> Any:
        # The store still sets a price for the line as it is.
        return real(*given) if given[-1] == 2000 else Refused("Not now.")

    monkeypatch.setattr(shop.store, fails, refuse)
    assert shop.settle() == ["Cup is at its normal price: it was offered for 1 only."]
    assert lines(shop) == [("tea", 1, 1000), ("cup", 3, 2000)]


# --- a second one --------------------------------------------------------------------------------------------------


@pytest.fixture
def second(shop: Shop) -> Shop:
    shop.rule(cup_rule(name="second", offer=Second(), when=None))
    shop.fill("cup")
    return shop


def test_a_second_one_is_a_line_of_its_own(second: Shop) -> None:
    second.accept()
    assert lines(second) == [("cup", 1, 2000), ("cup", 1, 1800)]
    assert second.offers.suggest("cart").offers == ()
    assert second.order() == []


def test_a_second_one_can_be_undone(second: Shop) -> None:
    assert second.offers.undo(second.accepted().id).status == "undone"
    assert lines(second) == [("cup", 1, 2000)]


@pytest.mark.parametrize("orphan", Orphan)
def test_without_the_first_one_there_is_no_second(second: Shop, orphan: Orphan) -> None:
    """Shown red without the look for another one in the cart: the rule has no conditions that could fail."""
    discount = msgspec.structs.replace(PERCENT, orphan=orphan)
    second.rule(cup_rule(name="second", offer=Second(), when=None, discount=discount))
    second.accept()
    second.take_out("cup")
    drop = orphan is Orphan.DROP
    said = "Cup was taken out" if drop else "Cup is at its normal price"
    assert second.settle() == [f"{said}: {ALONE}."]
    assert lines(second) == ([] if drop else [("cup", 1, 2000)])


def test_a_second_one_that_is_ordered_alone_is_not_granted(second: Shop) -> None:
    """Where a store changes its cart without saying so."""
    second.accept()
    second.take_out("cup")
    assert second.order() == [ALONE]


def test_of_second_ones_only_the_second_is_cheaper(second: Shop) -> None:
    raised(second, second.accepted(), 3)
    second.settle()
    assert lines(second) == [("cup", 1, 2000), ("cup", 1, 1800), ("cup", 2, 2000)]
    assert second.order() == []


@pytest.mark.parametrize("in_cart", [0, 2])
def test_a_second_one_is_refused_when_the_cart_has_not_one(second: Shop, in_cart: int) -> None:
    wanted = second.wanted()
    if in_cart:
        second.fill("cup")
    else:
        second.take_out("cup")
    outcome = second.offers.accept(wanted, "k1")
    assert (outcome.status, outcome.text) == ("refused", "This is for a second Cup, beside one in your cart.")
    assert len(lines(second)) == in_cart


def test_of_the_last_one_there_is_no_second(second: Shop) -> None:
    wanted = second.wanted()
    second.change("cup", stock=1)
    assert second.offers.accept(wanted, "k1").text == "Cup is sold out."


# --- two rules on one line -----------------------------------------------------------------------------------------


def pair(**more: Any) -> Any:
    """10 % and 3.00 off the same cup, each naming the other."""
    amount = Discount(off=Off.AMOUNT, amount=(Money(300, "EUR"),), with_rules=("cup",))
    percent = msgspec.structs.replace(PERCENT, with_rules=("amount",))
    return cup_rule(discount=percent, **more), cup_rule(name="amount", discount=amount, priority=-1, **more)


def test_two_rules_that_name_each_other_are_both_taken_off(shop: Shop) -> None:
    shop.rule(*pair())
    shop.fill("tea")
    accepted = shop.accepted()
    assert (accepted.rule, accepted.beside, accepted.unit_price) == ("cup", "amount", 1500)
    assert shop.settle() == []
    assert shop.order() == []


@pytest.mark.parametrize("falls", ["cup", "amount"])
def test_when_either_of_two_rules_falls_the_line_is_at_its_normal_price(shop: Shop, falls: str) -> None:
    """Shown red with the first of them asked only."""
    rules = pair()
    shop.rule(*rules)
    shop.fill("tea")
    wanted = shop.wanted()
    shop.accept()
    shop.rule(*[rule for rule in rules if rule.name != falls])
    assert shop.settle() == ["Cup is at its normal price: the offer has ended."]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]
    shop.take_out("cup")
    again = shop.offers.accept(wanted, "k2")
    assert again.status == "changed", "what was shown is not what it costs now"


@pytest.mark.parametrize("falls", ["cup", "amount"])
def test_an_order_is_refused_when_either_rule_has_ended(shop: Shop, falls: str) -> None:
    rules = pair()
    shop.rule(*rules)
    shop.fill("tea")
    shop.accept()
    shop.rule(*[rule for rule in rules if rule.name != falls])
    assert shop.order() == ["the offer has ended"]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]


def test_two_rules_on_a_line_are_each_counted_and_given_back_together(shop: Shop) -> None:
    shop.rule(*pair(limits=Limits(total=5, budget=(Money(10_000, "EUR"),))))
    shop.fill("tea")
    shop.accept()
    assert shop.order() == []
    for name in ("cup", "amount"):
        assert shop.offers.limits.used(name) == {"total": 1, "budget:EUR": 500}, "all that is taken off, never less"


@pytest.mark.parametrize("place", [0, 1])
def test_when_either_of_two_rules_is_used_up_the_line_is_at_its_normal_price(shop: Shop, place: int) -> None:
    """Shown red with the refusal of the second one known by an id of its own: the order was refused for ever."""
    rules = list(pair())
    rules[place] = msgspec.structs.replace(rules[place], limits=Limits(total=1))
    shop.rule(*rules)
    for visitor in ("bob", "ada"):
        shop.store.visitor_key = visitor
        shop.fill("tea")
        shop.accept(f"of {visitor}")
    assert shop.order("1001") == []
    shop.store.visitor_key = "bob"
    assert shop.order("1002") == ["this offer was taken as often as it was there"]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]
    assert shop.order("1003") == []
    assert shop.offers.limits.used(rules[place].name) == {"total": 1}


def test_two_rules_stop_at_either_floor(shop: Shop) -> None:
    """1500 is below 16.00: neither is shown together with the other, and each by itself holds."""
    percent, amount = pair()
    floored = msgspec.structs.replace(percent.discount, floor=Floor(price=(Money(1600, "EUR"),)))
    shop.rule(msgspec.structs.replace(percent, discount=floored), amount)
    shop.fill("tea")
    accepted = shop.accepted()
    assert (accepted.rule, accepted.beside, accepted.unit_price) == ("amount", "", 1700)


def test_two_rules_cannot_price_where_the_store_cannot(shop: Shop) -> None:
    shop.store._capabilities = frozenset(Capability) - {Capability.LINE_PRICE}
    shop.rule(*pair())
    shop.fill("tea")
    assert shop.accepted().unit_price == 2000
