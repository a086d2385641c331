"""Trials of rules on carts of the past: every figure is counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from flask_upsell.core.book import Book
from flask_upsell.core.money import Money
from flask_upsell.core.product import Product
from flask_upsell.core.rule import Bundle, Discount, Limits, Off, Products, Rule, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.trial import EXAMPLES, REASONS, Shopper, Trial, named
from flask_upsell.core.windows import Yearly

#: A Monday noon in Rome.
AT = datetime(2026, 2, 2, 11, tzinfo=UTC)
KNOWN = {
    ref: Product(ref, ref.title(), price, "EUR", category=ref.title())
    for ref, price in {"tea": 1000, "cup": 500, "pot": 900, "tin": 300, "box": 200}.items()
}
BOOK = Book("1", KNOWN)
WITH_TEA: dict[str, Any] = {"lines": {"product": ["tea"]}}


def rule(name: str, *refs: str, **more: Any) -> Rule:
    return Rule(**{"name": name, "offer": Products(refs=refs), "when": WITH_TEA, **more})


def percent(hundredths: int) -> Discount:
    return Discount(off=Off.PERCENT, percent=hundredths)


def trial(book: RuleBook, live: RuleBook, tried: dict[str, str], **more: Any) -> Trial:
    return Trial(book, live, tried, zone="Europe/Rome", **more)


TEN = rule("ten", "cup", discount=percent(1000), most=1, priority=5)
CARTS = [("tea", 1, 1000)], [("tea", 2, 1000), ("cup", 1, 500)], [("pot", 1, 900)], [("gone", 1, 100)]


def test_what_would_have_been_shown_given_and_displaced() -> None:
    """Live is one rule that shows tin and box; the new one shows a cup at 10 % off before it, so that only one of the
    two places is left."""
    live = RuleBook(rules=(rule("old", "tin", "box"),))
    tried = trial(RuleBook(rules=(*live.rules, TEN)), live, {"ten": ""})
    for number, lines in enumerate(CARTS):
        tried.add(lines, AT + timedelta(hours=number), BOOK)
    found = tried.figures()
    assert (found.carts, found.unknown, found.first, found.last) == (3, 1, AT, AT + timedelta(hours=2))
    # The second cart has a cup already, the third no tea.
    assert (found.met, found.shown, found.offers) == (2, 1, 1)
    assert [(each.rule, each.met, each.shown, each.before, each.limit) for each in found.rules] == [
        ("ten", 2, 1, 0, None)
    ]
    assert (found.off, found.off_all, found.off_live, found.budget) == ({"EUR": 50}, {"EUR": 50}, {}, {})
    assert [(each.ref, each.title, each.carts) for each in found.products] == [("cup", "Cup", 1)]
    assert (found.gone, found.come) == ({"old": 1}, {})
    (example,) = found.examples
    assert (example.lines, example.more, example.currency) == (((1, "Tea", 1000),), 0, "EUR")
    assert (example.placed_at, example.offers) == (AT, (("Cup", "complement", 450, 500),))
    reasons = {each.rule: each.codes for each in found.reasons}
    assert reasons == {
        "ten": {"applied": 1, "nothing_left": 1, "conditions": 1},
        "old": {"applied": 2, "conditions": 1},
    }
    assert [each.rule for each in found.reasons] == ["ten", "old"]
    assert found.asked == 3


def test_a_change_is_compared_with_what_is_live_under_whatever_name() -> None:
    live = RuleBook(rules=(rule("old", "cup", discount=percent(2000), most=1), rule("other", "tin")))
    changed = rule("new", "pot", "box", discount=percent(1000))
    tried = trial(RuleBook(rules=(changed, live.rules[1])), live, {"new": "old"})
    tried.add(CARTS[0], AT, BOOK)
    tried.add(CARTS[1], AT, BOOK)
    found = tried.figures()
    assert [(each.rule, each.shown, each.before) for each in found.rules] == [("new", 2, 1)]
    # Pot 90 and box 20, twice; the cup was 100 off, and is in the second cart already.
    assert (found.off, found.off_all, found.off_live) == ({"EUR": 220}, {"EUR": 220}, {"EUR": 100})
    assert found.gone == {"other": 2}


def test_what_is_taken_away_is_gone_and_others_take_its_place() -> None:
    live = RuleBook(rules=(rule("first", "cup", "pot", stop=True), rule("second", "tin")))
    tried = trial(RuleBook(rules=live.rules[1:]), live, {})
    tried.add(CARTS[0], AT, BOOK)
    found = tried.figures()
    assert (found.shown, found.gone, found.come, found.rules) == (0, {"first": 1}, {"second": 1}, ())


def test_it_is_tried_as_if_it_was_active_at_the_time_of_each_order_and_by_whom_it_is_asked() -> None:
    """Planted bugs that it shows: the clock is now; the store's zone is UTC."""
    days = Season(name="days", yearly=(Yearly(start="02-02", end="02-02"),))
    sleeping = rule(
        "night", "cup", status=Status.DRAFT, schedule=Schedule(seasons=("days",)), audience={"group": {"is": ["vip"]}}
    )
    book = RuleBook(rules=(sleeping,), seasons=(days,))
    for shopper, shown in ((Shopper(group="vip"), 1), (Shopper(), 0)):
        tried = trial(book, RuleBook(), {"night": ""}, shopper=shopper)
        # 23:30 and 00:30 in Rome: the day begins between them.
        tried.add(CARTS[0], datetime(2026, 2, 1, 22, 30, tzinfo=UTC), BOOK)
        tried.add(CARTS[0], datetime(2026, 2, 1, 23, 30, tzinfo=UTC), BOOK)
        found = tried.figures()
        assert found.shown == shown
        assert [each.codes.get("out_of_season") for each in found.reasons] == [1]


def test_budgets_are_the_most_that_is_given() -> None:
    limited = replace(TEN, limits=Limits(total=3, budget=(Money(70, "EUR"),)))
    tried = trial(RuleBook(rules=(limited,)), RuleBook(), {"ten": ""})
    for _ in range(2):
        tried.add(CARTS[0], AT, BOOK)
    found = tried.figures()
    assert (found.off, found.budget, found.rules[0].limit) == ({"EUR": 100}, {"EUR": 70}, 3)


def test_bundles_gifts_and_free_shipping_count_as_what_they_take_off() -> None:
    both = Rule(name="both", offer=Bundle(refs=("cup", "pot")), when=WITH_TEA, discount=percent(1000), any_price=True)
    free = rule("free", "tin", discount=Discount(off=Off.FREE_SHIPPING))
    gift = rule("gift", "box", discount=Discount(off=Off.GIFT))
    for one, off, free_ones in ((both, 140, 0), (free, 0, 1), (gift, 200, 0)):
        tried = trial(RuleBook(rules=(one,)), RuleBook(), {one.name: ""})
        tried.add(CARTS[0], AT, BOOK)
        found = tried.figures()
        assert (found.shown, found.off.get("EUR", 0), found.free) == (1, off, free_ones), one.name
    assert found.products[0].title == "Box"


@pytest.mark.parametrize(("placement", "shown"), [("cart", 0), ("confirmation", 1)])
def test_a_cart_is_tried_where_it_is_asked(placement: str, shown: int) -> None:
    after = rule("after", "cup", placements=("confirmation",))
    tried = trial(RuleBook(rules=(after,)), RuleBook(), {"after": ""}, placement=placement)
    tried.add(CARTS[0], AT, BOOK)
    assert tried.figures().shown == shown


def test_many_orders_leave_few_examples_and_reasons() -> None:
    rules = tuple(rule(f"r{number}", "cup") for number in range(50))
    tried = trial(RuleBook(rules=rules), RuleBook(), {"r0": ""}, orders=REASONS // 50 * 10)
    for _ in range(70):
        tried.add(CARTS[0], AT, BOOK)
    found = tried.figures()
    assert (found.carts, found.asked, len(found.examples)) == (70, 7, 4)
    assert EXAMPLES >= 4


def test_rules_that_use_a_season_or_ladder() -> None:
    book = RuleBook(
        rules=(
            rule("a", "cup", schedule=Schedule(seasons=("spring",))),
            rule("b", "cup", schedule=Schedule(seasons=("spring",)), status=Status.PAUSED),
            rule("c", "cup"),
        )
    )
    assert list(named(book, {"spring"})) == ["a"]
    assert list(named(book)) == []
