"""Discounts in the cart and in an order: taken back when their reason goes, counted when ordered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from flask_upsell import Order
from flask_upsell.adapters.memory import MemoryShelf
from flask_upsell.core.money import Money
from flask_upsell.core.ports import Count
from flask_upsell.core.rule import Bundle, Limits, Orphan, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from tests.till.shop import NOW, PERCENT, Shop, cup_rule, set_rule

# --- when the reason goes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("orphan", "left"), [(Orphan.REPRICE, [("cup", 2000)]), (Orphan.DROP, [])])
def test_without_what_triggered_it_the_discount_goes(shop: Shop, orphan: Orphan, left: list[tuple[str, int]]) -> None:
    """Shown red with `_orphaned` answering ""."""
    shop.rule(cup_rule(discount=msgspec.structs.replace(PERCENT, orphan=orphan)))
    shop.fill("tea")
    shop.accept()
    assert shop.settle() == []
    shop.store.remove(shop.store.cart().lines[0].ref)
    assert len(shop.settle()) == 1
    assert shop.prices() == left
    assert shop.settle() == []


def test_a_season_that_ends_takes_its_discount_with_it(shop: Shop) -> None:
    shop.rule(cup_rule(schedule=Schedule(end="2027-02-11T00:00")))
    shop.fill("tea")
    shop.accept()
    shop.now += timedelta(days=1)
    assert shop.settle() == ["Cup is at its normal price: the offer has ended."]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]


def test_what_the_shopper_added_alone_is_left_alone(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    outcome = shop.accept()
    assert outcome.acceptance is not None
    shop.store.replace(outcome.acceptance.line, "cup", None, 1, 1500)  # the store's own doing
    shop.store.remove(shop.store.cart().lines[0].ref)
    assert shop.settle() == []
    assert shop.prices() == [("cup", 1500)]


def test_without_a_visitor_or_a_book_nothing_is_settled(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    shop.accept()
    shop.store.remove(shop.store.cart().lines[0].ref)
    shop.offers.discounts.shelf = MemoryShelf()
    assert shop.settle() == []
    shop.offers.discounts.shelf.publish(shop.store.catalogue(), [])
    assert shop.settle() == [], "a book without rules"
    shop.store.visitor_key = ""
    assert shop.settle() == []
    assert shop.offers.discounts.grant("1001") == []


# --- granting ------------------------------------------------------------------------------------------------------


def test_an_order_uses_the_limit_and_the_next_one_is_refused_and_repriced(shop: Shop) -> None:
    shop.rule(cup_rule(limits=Limits(total=1)))
    shop.fill("tea")
    shop.accept()
    shop.store.visitor_key = "bob"
    shop.fill("tea")
    shop.accept()
    shop.store.visitor_key = "ada"
    assert shop.order("1001") == []
    assert shop.offers.limits.used("cup") == {"total": 1}
    shop.store.visitor_key = "bob"
    assert shop.order("1002") == ["this offer was taken as often as it was there"]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]
    assert shop.order("1003") == []
    assert shop.offers.limits.used("cup") == {"total": 1}


def test_the_day_is_that_of_the_stores_zone(shop: Shop) -> None:
    shop.rule(cup_rule(limits=Limits(per_day=1)))
    shop.fill("tea")
    shop.accept()
    shop.now = datetime(2027, 2, 10, 23, 30, tzinfo=UTC)  # half past midnight in Rome
    assert shop.order() == []
    assert shop.offers.limits.used("cup") == {"day:2027-02-11": 1}


def test_what_was_undone_or_taken_out_uses_nothing(shop: Shop) -> None:
    shop.rule(cup_rule(limits=Limits(total=1)))
    shop.fill("tea")
    outcome = shop.accept()
    assert outcome.acceptance is not None
    shop.offers.undo(outcome.acceptance.id)
    shop.accept("k2")
    shop.store.remove(shop.store.cart().lines[1].ref)
    assert shop.order() == []
    assert shop.offers.limits.used("cup") == {}


def test_what_was_accepted_again_after_it_was_taken_out_is_granted_once(shop: Shop) -> None:
    """Planted bug that it shows: each acceptance counts all units that were ordered at its price. Then the second use
    is refused, or the limit and the budget are used up twice."""
    shop.rule(cup_rule(limits=Limits(total=5, per_customer=1, budget=(Money(10_000, "EUR"),))))
    shop.fill("tea")
    for key in ("k1", "k2", "k3"):
        shop.accepted(key)
        if key != "k3":
            shop.take_out("cup")
    assert shop.order() == []
    used = shop.offers.limits.used("cup")
    assert (used["total"], used["budget:EUR"]) == (1, 200)
    assert shop.offers.ledger.sold({"cup": shop.now - timedelta(days=1)}) == {"cup": 1}


def test_an_ended_rule_grants_nothing(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    shop.accept()
    shop.offers.set_rule("cup", Status.ENDED)
    assert shop.order() == ["the offer has ended"]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]


def test_without_a_book_an_order_is_granted_by_the_rules_as_they_are_kept(shop: Shop) -> None:
    """In a process that is new while Redis is away. Red with the live rules only: whoever has the offer in the cart
    cannot order until Redis is back, however often it is tried."""
    shop.rule(cup_rule(limits=Limits(total=1)))
    shop.fill("tea")
    shop.accept()
    shop.offers.discounts.shelf = MemoryShelf()
    assert shop.order() == []
    assert shop.offers.limits.used("cup") == {"total": 1}


@pytest.mark.parametrize("why", ["the offer has ended", "this offer was taken as often as it was there"])
def test_without_a_book_what_is_refused_is_repriced(shop: Shop, why: str) -> None:
    """Red when nothing is settled without the book: the order is refused again and again."""
    shop.rule(cup_rule())
    shop.fill("tea")
    shop.accept()
    now = cup_rule(status=Status.ENDED) if "ended" in why else cup_rule(limits=Limits(total=0))
    shop.offers.rules.save(RuleBook(rules=(now,)), shop.now)
    shop.offers.discounts.shelf = MemoryShelf()
    assert shop.order() == [why]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]
    assert shop.order() == []


def test_a_used_up_rule_is_not_offered_any_more_once_it_was_counted(shop: Shop) -> None:
    shop.rule(cup_rule(limits=Limits(total=1)))
    shop.fill("tea")
    shop.accept()
    shop.order()
    shop.offers.fold()
    shop.store.carts.clear()
    shop.fill("tea")
    assert shop.offers.suggest("cart").offers == ()


def test_the_store_line_that_was_ordered_at_another_price_is_not_ours(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    shop.accept()
    cart = shop.store.cart()
    lines = tuple(msgspec.structs.replace(line, unit_price=line.unit_price + 1) for line in cart.lines)
    shop.store.placed["1001"] = Order("1001", "EUR", lines)
    assert shop.offers.discounts.grant("1001") == []
    assert shop.offers.limits.used("cup") == {}


def test_a_budget_pays_for_what_is_ordered_not_for_what_was_accepted(shop: Shop) -> None:
    """Shown red with `each.off`: three cups at 2.00 less would cost the budget one."""
    shop.rule(cup_rule(limits=Limits(budget=(Money(1000, "EUR"),))))
    shop.fill("tea")
    outcome = shop.accept()
    assert outcome.acceptance is not None
    shop.store.replace(outcome.acceptance.line, "cup", None, 3, 1800)
    assert shop.order() == []
    assert shop.offers.limits.used("cup") == {"budget:EUR": 600}


def test_a_spent_rule_is_published_once_and_comes_back_when_there_is_room(shop: Shop) -> None:
    """Each counting is a process of its own. Shown red with what was spent remembered in `Offers`."""
    shop.rule(cup_rule(limits=Limits(total=1)))
    shop.fill("tea")
    outcome = shop.accept()
    assert outcome.acceptance is not None
    shop.order()
    versions = set()
    for _ in range(2):
        shop.ledger.record_decline("cart", "complement", "cup", shop.now)
        shop.process(shop.offers.shelf).fold()
        live = shop.offers.shelf.read(()).rules
        versions.add(live.version)
        assert live.spent == {"cup"}
    assert len(versions) == 1
    shop.offers.limits.release([outcome.acceptance.id])
    shop.ledger.record_decline("cart", "complement", "cup", shop.now)
    shop.process(shop.offers.shelf).fold()
    assert shop.offers.shelf.read(()).rules.spent == frozenset()


# --- bundles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gone", "left"), [("cup", ("jar", 1199)), ("jar", ("cup", 2000))])
@pytest.mark.parametrize("orphan", Orphan)
def test_a_bundle_that_is_not_whole_any_more_loses_its_price(
    shop: Shop, gone: str, left: tuple[str, int], orphan: Orphan
) -> None:
    """Shown red with `broken` that is always empty."""
    shop.rule(set_rule(discount=msgspec.structs.replace(PERCENT, orphan=orphan)))
    shop.fill("tea")
    shop.accept()
    assert shop.settle() == []
    shop.take_out(gone)
    how = "was taken out" if orphan is Orphan.DROP else "is at its normal price"
    assert shop.settle() == [f"{left[0].title()} {how}: not all of what it was offered with is in the cart."]
    assert shop.prices() == [("tea", 1000), *([left] if orphan is Orphan.REPRICE else [])]
    assert shop.settle() == []


def test_a_bundle_without_a_discount_is_nothing_to_settle(shop: Shop) -> None:
    shop.rule(set_rule(discount=None))
    shop.fill("tea")
    shop.accept()
    shop.take_out("cup")
    assert shop.settle() == []
    assert shop.prices() == [("tea", 1000), ("jar", 1199)]


def test_without_what_triggered_it_all_of_a_bundle_is_at_its_normal_price(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    shop.accept()
    shop.take_out("tea")
    assert sorted(shop.settle()) == [
        "Cup is at its normal price: what it went with is not in the cart.",
        "Jar is at its normal price: what it went with is not in the cart.",
    ]
    assert shop.prices() == [("cup", 2000), ("jar", 1199)]


def test_a_bundle_does_not_trigger_itself(shop: Shop) -> None:
    """The pot is tea ware, as the rule asks for. Red when only the line itself is left out of what is looked at: the
    pot then keeps the cup's price, though it loses its own."""
    shop.rule(set_rule(offer=Bundle(refs=("cup", "pot"))))
    shop.fill("tea")
    shop.accept()
    assert shop.prices() == [("tea", 1000), ("cup", 1800), ("pot", 1080)]
    shop.take_out("tea")
    shop.settle()
    assert shop.prices() == [("cup", 2000), ("pot", 1200)]


def test_a_bundle_is_one_use_of_a_limit(shop: Shop) -> None:
    """Shown red with each of a bundle asked for by itself: the second of them is refused."""
    shop.rule(set_rule(limits=Limits(total=1, budget=(Money(10_000, "EUR"),))))
    shop.fill("tea")
    shop.accept()
    assert shop.order() == []
    assert shop.offers.limits.used("set") == {"total": 1, "budget:EUR": 320}
    assert shop.offers.limits.exhausted(shop.offers.rules.load().rules) == {"set"}


def test_the_last_bundle_is_granted_once_and_the_other_is_repriced_as_a_whole(shop: Shop) -> None:
    shop.rule(set_rule(limits=Limits(total=1)))
    for visitor in ("bob", "ada"):
        shop.store.visitor_key = visitor
        shop.fill("tea")
        shop.accept(f"of {visitor}")
    assert shop.order("1001") == []
    shop.store.visitor_key = "bob"
    assert shop.order("1002") == ["this offer was taken as often as it was there"]
    assert shop.prices() == [("tea", 1000), ("cup", 2000), ("jar", 1199)]
    assert shop.order("1003") == []
    assert shop.offers.limits.used("set") == {"total": 1}


@pytest.mark.parametrize("how", ["taken out", "at another price"])
@pytest.mark.parametrize("piece", ["cup", "jar"])
def test_a_bundle_that_is_not_ordered_as_a_whole_is_not_granted(shop: Shop, piece: str, how: str) -> None:
    """Where a store changes its cart without saying so. Shown red without the look at what is ordered of a bundle."""
    shop.rule(set_rule(limits=Limits(total=5)))
    shop.fill("tea")
    shop.accept()
    if how == "taken out":
        shop.take_out(piece)
    else:
        line = next(line for line in shop.store.cart().lines if line.product == piece)
        shop.store.replace(line.ref, piece, None, 1, line.unit_price + 1)
    assert shop.order() == ["not all of what belongs together is ordered"]
    assert shop.offers.limits.used("set") == {}
    other = {"cup": ("jar", 1199), "jar": ("cup", 2000)}[piece]
    assert other in shop.prices(), "what is left is at its normal price"
    assert shop.order("1002") == []


def test_a_bundle_that_was_undone_or_taken_out_uses_nothing(shop: Shop) -> None:
    shop.rule(set_rule(limits=Limits(total=1)))
    shop.fill("tea")
    shop.offers.undo(shop.accepted().id)
    shop.accept("k2")
    shop.take_out("cup")
    shop.take_out("jar")
    assert shop.order() == []
    assert shop.offers.limits.used("set") == {}


def test_an_ordered_bundle_converts_each_of_its_products_and_is_one_unit_sold(shop: Shop) -> None:
    shop.rule(set_rule())
    shop.fill("tea")
    shop.accept()
    assert shop.order() == []
    shop.offers.fold()
    assert [each for each in shop.ledger.counts() if each.converted] == [
        Count("cart", "bundle", "cup", converted=1, revenue=1800, currency="EUR"),
        Count("cart", "bundle", "jar", converted=1, revenue=1079, currency="EUR"),
    ]
    assert shop.ledger.sold({"set": NOW}) == {"set": 1}
