"""From the price ledger to what an offer says of its reduction: days of a store, told by publishing and orders."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from flask_upsell import Order, Product, faults
from flask_upsell.core.affinity import Affinity
from flask_upsell.core.offer import Kind, Offer
from flask_upsell.core.prices import KEEP, LONGEST, Seen, Source
from flask_upsell.core.rule import Bundle, Days, Discount, Off, Products, Rule, Schedule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Yearly
from tests.till.shop import CUP, NOW, Shop, cup_rule, set_rule

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def days(shop: Shop, count: int) -> None:
    """The worker publishes every day."""
    for _ in range(count):
        shop.now += DAY
        shop.offers.publish()


@pytest.fixture
def shop() -> Shop:
    """Tea in the cart, 10 % off a cup of 20.00, and the price known for 40 days."""
    made = Shop(now=NOW - 40 * DAY)
    made.offers.publish()
    days(made, 40)
    made.fill("tea")
    made.rule(cup_rule())
    return made


def offered(shop: Shop, **more: Any) -> Offer:
    (found,) = shop.offers.suggest("cart", **more).offers
    return found


def was(shop: Shop) -> int | None:
    return offered(shop).quote.was


def amend(shop: Shop, price: int, ref: str = "cup") -> None:
    shop.change(ref, price=price)
    shop.offers.amend([ref])


def test_a_new_store_shows_the_lower_price_alone_until_it_knows_30_days() -> None:
    shop = Shop(now=NOW - 40 * DAY)
    shop.offers.publish()
    shop.fill("tea")
    shop.rule(cup_rule())
    assert (offered(shop).quote.unit_price, was(shop)) == (1800, None)
    days(shop, 29)
    shop.rule(cup_rule(label="again"))
    assert was(shop) is None
    days(shop, 2)
    assert was(shop) is None, "that it began before the price was known stays so"
    shop.rule(cup_rule(label="anew"))
    assert was(shop) == 2000


def test_the_lowest_price_of_30_days_counts_though_the_price_is_higher_now(shop: Shop) -> None:
    amend(shop, 1900)
    shop.now += HOUR
    amend(shop, 2400)
    shop.rule(cup_rule(label="anew"))
    quote = offered(shop).quote
    assert (quote.normal, quote.unit_price, quote.was) == (2400, 2160, None), "it was cheaper than it is now"
    days(shop, 29)
    shop.rule(cup_rule(discount=Discount(off=Off.PERCENT, percent=2500)))
    quote = offered(shop).quote
    assert (quote.normal, quote.unit_price, quote.was) == (2400, 1800, 1900)
    days(shop, 2)
    shop.rule(cup_rule())
    assert was(shop) == 2400


def test_a_lower_price_since_the_reduction_began_counts_at_once(shop: Shop) -> None:
    assert was(shop) == 2000
    shop.now += HOUR
    amend(shop, 1950)
    shop.now += HOUR
    amend(shop, 2000)
    assert was(shop) == 1950


def test_a_price_that_is_not_seen_any_more_is_not_claimed_though_the_decision_is_kept(shop: Shop) -> None:
    """Planted bug that it shows: a decision that is kept without an end."""
    shop.ledger.save_affinities([(Kind.COMPLEMENT, "tea", Affinity("pot", 1.0, 5, 9, 9, 20))])
    shop.offers.publish()
    shop.rule(cup_rule(stop=True))
    shop.now += 47 * HOUR
    assert was(shop) == 2000
    shop.now += 2 * HOUR
    assert (was(shop), offered(shop).quote.unit_price) == (None, 1800)
    shop.offers.publish()
    assert was(shop) is None, "there was a gap"


def test_what_is_reduced_for_months_is_its_price(shop: Shop) -> None:
    days(shop, LONGEST.days)
    assert was(shop) == 2000
    days(shop, 1)
    assert was(shop) is None


def test_a_hidden_product_has_no_price(shop: Shop) -> None:
    shop.change("cup", hidden=True)
    days(shop, 4)
    shop.change("cup", hidden=False)
    days(shop, 1)
    shop.rule(cup_rule(label="anew"))
    assert was(shop) is None


# --- our own offers --------------------------------------------------------------------------------------------------


def ordered(shop: Shop, key: str) -> None:
    """The cup is accepted at its lower price and ordered; then there is tea in the cart again."""
    assert shop.accept(key).status == "done"
    shop.order(key)
    shop.store.empty_cart()
    shop.fill("tea")


def prices_of(shop: Shop, source: Source = Source.ORDERED) -> list[tuple[int, str]]:
    return [(row.price, row.rule) for row in shop.past.history(["cup"])["cup"] if row.source is source]


def test_what_an_offer_cost_is_no_reason_against_itself_but_against_the_next_one(shop: Shop) -> None:
    """The rule goes on: its reduction began when it began. When it is changed, another one begins."""
    ordered(shop, "k1")
    days(shop, 1)
    assert (prices_of(shop), was(shop)) == ([(1800, "cup")], 2000)
    shop.rule(cup_rule(label="anew"))
    assert was(shop) is None, "18.00 was its price a day ago"
    shop.rule(cup_rule(discount=Discount(off=Off.PERCENT, percent=2000)))
    assert (offered(shop).quote.unit_price, was(shop)) == (1600, 1800)


def test_what_another_rule_cost_counts(shop: Shop) -> None:
    ordered(shop, "k1")
    days(shop, 1)
    shop.rule(cup_rule(name="other", discount=Discount(off=Off.PERCENT, percent=1500)))
    assert (offered(shop).quote.unit_price, was(shop)) == (1700, 1800)


@pytest.mark.parametrize("who", ["members", "a rule for members"])
def test_the_price_of_a_person_is_not_the_products(shop: Shop, who: str) -> None:
    shop.store.facts["groups"] = frozenset({"members"})
    if who != "members":
        shop.rule(cup_rule(audience={"group": {"is": ["members"]}}))
        wanted = shop.wanted()
        shop.offers.accept(wanted, "k")
        del shop.store.facts["groups"]
        shop.order("k")
    else:
        ordered(shop, "k")
    assert prices_of(shop) == []


def test_a_price_of_the_store_that_only_an_order_knew_counts(shop: Shop) -> None:
    """Sold at 15.00 without a word: a promotion of the store's own."""
    shop.store.add("cup", None, 1, 1500)
    shop.order("k")
    assert prices_of(shop) == [(1500, "")]
    shop.store.empty_cart()
    shop.fill("tea")
    days(shop, 1)
    assert was(shop) is None


def test_orders_at_the_stores_price_write_nothing(shop: Shop) -> None:
    shop.fill("cup", "pot")
    shop.order("k")
    assert prices_of(shop) == []


# --- seasons ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cheap", "expected"), [(NOW, None), (NOW - 24 * DAY, None), (NOW - 28 * DAY, 2000)])
def test_a_season_begins_with_its_first_day(shop: Shop, cheap: datetime, expected: int | None) -> None:
    """15 February, in Rome: 17.00 on 10 February or 17 January is within 30 days of it; seen on 13 January alone, it
    may have held until the 15th, and is not."""
    season = Season(name="spring", yearly=(Yearly(start="02-15", end="03-10"),))
    rule = cup_rule(schedule=Schedule(seasons=("spring",)))
    shop.offers.rules.save(RuleBook(rules=(rule,), seasons=(season,)), shop.now)
    shop.offers.publish_rules()
    shop.past.add([Seen("cup", "", "EUR", 1700, cheap, cheap, Source.CHANGED)])
    assert not shop.offers.suggest("cart").offers
    days(shop, 8)
    assert (offered(shop).quote.unit_price, was(shop)) == (1800, expected)
    days(shop, 20)
    assert was(shop) == expected, "the 30 days stay those before 15 February"


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(weekdays=("wed", "thu", "fri")),
        Schedule(except_days=(Days(start="2027-02-20", end="2027-02-20"),)),
    ],
)
def test_what_comes_back_again_and_again_was_the_price_already(shop: Shop, schedule: Schedule) -> None:
    """NOW is a Wednesday."""
    shop.rule(cup_rule(schedule=schedule))
    assert was(shop) == 2000, "the first time"
    days(shop, 14)
    assert was(shop) is None, "the second time"


# --- bundles ---------------------------------------------------------------------------------------------------------


def test_a_bundle_is_measured_by_the_lowest_prices_of_all_its_products(shop: Shop) -> None:
    """20.00 and 11.99 were 19.00 and 11.99: 28.79 together is 2.20 less."""
    amend(shop, 1900)
    shop.now += HOUR
    amend(shop, 2000)
    shop.rule(set_rule())
    quote = offered(shop).quote
    assert (quote.normal, quote.unit_price, quote.was) == (3199, 2879, 3099)


def test_a_bundle_with_a_product_of_which_nothing_is_known_claims_nothing(shop: Shop) -> None:
    shop.store.shelf["new"] = Product("new", "New", 900, "EUR")
    shop.offers.amend(["new"])
    shop.rule(set_rule(offer=Bundle(refs=("cup", "new"))))
    assert (offered(shop).quote.normal, was(shop)) == (2900, None)


def test_gifts_and_free_shipping_have_no_price_before(shop: Shop) -> None:
    for off in (Off.GIFT, Off.FREE_SHIPPING):
        shop.rule(cup_rule(discount=Discount(off=off)))
        assert was(shop) is None


def test_without_a_discount_nothing_is_reduced(shop: Shop) -> None:
    shop.rule(Rule(name="plain", offer=Products(refs=("cup",))))
    assert was(shop) is None


def test_a_product_that_is_known_better_than_the_book_knows_it_claims_nothing(shop: Shop) -> None:
    assert offered(shop, fresh={"cup": CUP}).quote.was is None
    assert was(shop) == 2000


# --- when the ledger fails -------------------------------------------------------------------------------------------


class Broken:
    """A ledger that is gone."""

    def __getattr__(self, name: str) -> Any:
        raise OSError("the database is gone")


def test_a_changed_product_is_shown_though_its_price_cannot_be_recorded(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.offers.record.prices = Broken()
    with caplog.at_level(logging.WARNING):
        amend(shop, 2100)
    assert (offered(shop).quote.unit_price, was(shop)) == (1890, None)
    assert faults.seen["prices"] and "changed prices are not on record" in caplog.text


def test_an_order_is_recorded_though_what_was_paid_cannot_be(shop: Shop) -> None:
    before = faults.seen["prices"]
    shop.accepted()
    shop.offers.record.prices = Broken()
    shop.order("k")
    assert faults.seen["prices"] == before + 1
    assert sum(count.converted for count in _folded(shop)) == 1


def _folded(shop: Shop) -> Any:
    shop.offers.fold()
    return shop.ledger.counts()


def test_an_order_asks_the_price_ledger_in_its_own_transaction(shop: Shop) -> None:
    asked: list[object] = []
    shop.accepted()
    cart = shop.store.cart()
    shop.store.placed["k"] = Order("k", cart.currency, cart.lines)
    shop.past.order = lambda seen, connection=None: asked.append(connection)  # type: ignore[method-assign]
    with shop.ledger.engine.connect() as connection, connection.begin():
        shop.offers.record_order("k", shop.store.visitor_key, connection)
    assert len(asked) == 1 and isinstance(asked[0], Connection)


def test_old_prices_are_forgotten_when_the_book_is_published(shop: Shop) -> None:
    amend(shop, 1900)
    shop.now += KEEP + DAY
    shop.offers.publish()
    assert prices_of(shop, Source.PUBLISHED) == [(1900, "")]
    assert prices_of(shop, Source.CHANGED) == []
