"""Discounts in the cart and in an order: priced again, taken back when their reason goes, counted when ordered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from flask_upsell import Capability, MemoryStore, Order, Product, Variant
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.memory import MemoryQueue, MemoryShelf, MemoryTally, memory_ledger
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.context import Policy
from flask_upsell.core.kind import Kind
from flask_upsell.core.money import Money
from flask_upsell.core.ports import Shelf
from flask_upsell.core.rule import Discount, Limits, Off, Orphan, Products, Rule, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.offers import Offers
from flask_upsell.till import Outcome, Wanted

NOW = datetime(2027, 2, 10, 12, tzinfo=UTC)
TEA = Product("tea", "Tea", 1000, "EUR", category="Tea")
CUP = Product("cup", "Cup", 2000, "EUR", category="Cups", cost=500)
POT = Product("pot", "Pot", 1200, "EUR", category="Tea")
SHIRT = Product(
    "shirt", "Shirt", 2000, "EUR", variants=(Variant("s", "Small", 2000), Variant("l", "Large", 2400, 0)), cost=100
)
PERCENT = Discount(off=Off.PERCENT, percent=1000)
WITH_TEA: dict[str, Any] = {"lines": {"category": ["Tea"]}}


def cup_rule(**more: Any) -> Rule:
    """10 % off a cup that goes with tea."""
    return Rule(**{"name": "cup", "offer": Products(refs=("cup",)), "when": WITH_TEA, "discount": PERCENT, **more})


@dataclass
class Shop:
    """A store with a visitor, its pipeline, and a clock that is set."""

    now: datetime = NOW
    store: MemoryStore = field(default_factory=lambda: MemoryStore([TEA, CUP, POT, SHIRT], visitor_key="ada"))
    ledger: SQLLedger = field(default_factory=memory_ledger)

    def __post_init__(self) -> None:
        self.offers = self.process(MemoryShelf())
        self.offers.shelf.publish(self.store.catalogue(), [])

    def process(self, shelf: Shelf) -> Offers:
        """The pipeline of a process of its own."""
        engine = self.ledger.engine
        return Offers(
            store=self.store, shelf=shelf, ledger=self.ledger, tally=MemoryTally(), queue=MemoryQueue(),
            rules=SQLRules(engine, "upsell"), limits=SQLLimits(engine, "upsell"), policy=Policy(complement_times=0),
            secret="a secret of the tests, long enough to sign with", zone="Europe/Rome", clock=lambda: self.now,
        )  # fmt: skip

    def rule(self, *rules: Rule) -> None:
        self.offers.rules.save(RuleBook(rules=rules), self.now)
        self.offers.publish_rules()

    def fill(self, *refs: str) -> None:
        for ref in refs:
            self.store.add(ref, None, 1)

    def wanted(self, place: int = 0, placement: str = "cart", products: list[str] | None = None) -> Wanted:
        """What the shopper is shown, as its token remembers it."""
        offer = self.offers.suggest(placement, products=products).offers[place]
        quote, line = offer.quote, offer.trigger
        return Wanted(
            offer.id, offer.kind, placement, offer.product.ref, offer.product.title, quote.unit_price, quote.currency,
            quote.quantity, line=line.ref if quote.replaces is not None else "",
            replaced=line.product if quote.replaces is not None else "", replaces=quote.replaces or 0,
            variants=dict(quote.variants), rule=offer.rule, trigger=line.product,
        )  # fmt: skip

    def accept(self, key: str = "k1", **more: Any) -> Outcome:
        return self.offers.accept(self.wanted(**more), key)

    def prices(self) -> list[tuple[str, int]]:
        return [(line.product, line.unit_price) for line in self.store.cart().lines]

    def order(self, ref: str = "1001") -> list[str]:
        """Place what is in the cart; why discounts were not granted."""
        cart = self.store.cart()
        self.store.placed[ref] = Order(ref, cart.currency, cart.lines)
        refusals = self.offers.till.grant(ref)
        if not refusals:
            self.offers.record_order(ref, "ada")
        else:
            self.offers.till.settle({refusal.id: refusal.reason for refusal in refusals})
        return [refusal.reason for refusal in refusals]


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.ledger.engine.dispose()


# --- accepting at the rule's price ---------------------------------------------------------------------------------


def test_the_cart_holds_the_price_that_was_shown(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    assert shop.wanted().unit_price == 1800
    outcome = shop.accept()
    assert outcome.status == "done" and outcome.acceptance is not None
    accepted = outcome.acceptance
    assert (accepted.unit_price, accepted.normal, accepted.off, accepted.rule) == (1800, 2000, 200, "cup")
    assert shop.prices() == [("tea", 1000), ("cup", 1800)]


@pytest.mark.parametrize("change", ["rule paused", "season over", "tea gone", "coupon", "price", "smaller discount"])
def test_what_does_not_hold_any_more_is_asked_again_at_the_new_price(shop: Shop, change: str) -> None:
    """Shown red with `wanted.unit_price` charged."""
    rule = cup_rule(schedule=Schedule(end="2027-02-11T00:00"))
    shop.rule(rule)
    shop.fill("tea", "shirt")
    wanted, new = shop.wanted(), 2000
    if change == "rule paused":
        shop.offers.set_rule("cup", Status.PAUSED)
    elif change == "season over":
        shop.now += timedelta(days=1)
    elif change == "tea gone":
        shop.store.remove(shop.store.cart().lines[0].ref)
    elif change == "coupon":
        shop.store.coupons = ("WELCOME",)
    elif change == "price":
        shop.store.shelf["cup"] = msgspec.structs.replace(CUP, price=3000)
        new = 2700
    else:
        shop.rule(cup_rule(discount=Discount(off=Off.AMOUNT, amount=(Money(100, "EUR"),))))
        new = 1900
    outcome = shop.offers.accept(wanted, "k1")
    assert outcome.status == "changed"
    assert "cup" not in dict(shop.prices())
    if change not in ("tea gone", "rule paused", "season over", "coupon"):
        shop.offers.amend(["cup"])
        assert shop.wanted().unit_price == new
        assert shop.accept("k2").status == "done"


def test_an_upgrade_at_a_discount_and_its_undo(shop: Shop) -> None:
    shop.rule(Rule(name="pot", offer=Products(refs=("pot",), kind=Kind.UPGRADE), when=WITH_TEA, discount=PERCENT))
    shop.fill("tea")
    before = shop.store.cart()
    outcome = shop.accept()
    assert shop.prices() == [("pot", 1080)]
    assert outcome.acceptance is not None
    assert shop.offers.undo(outcome.acceptance.id).status == "undone"
    assert shop.store.cart() == before


def test_a_variant_costs_its_own_price_less_the_discount(shop: Shop) -> None:
    shop.store.shelf["shirt"] = msgspec.structs.replace(
        SHIRT, variants=(Variant("s", "Small", 2000), Variant("l", "Large", 2400))
    )
    shop.offers.publish()
    shop.rule(cup_rule(offer=Products(refs=("shirt",))))
    shop.fill("tea")
    wanted = shop.wanted()
    assert wanted.variants == {"s": 1800, "l": 2160}
    assert shop.offers.accept(wanted, "k1", "l").status == "done"
    assert shop.prices() == [("tea", 1000), ("shirt", 2160)]


def test_a_discount_that_was_shown_for_a_product_page_is_given(shop: Shop) -> None:
    shop.rule(cup_rule(when={"all": [WITH_TEA, {"subtotal": {"max": [[1000, "EUR"]]}}]}))
    shop.fill("shirt", "shirt")
    wanted = shop.wanted(placement="product", products=["tea"])
    assert wanted.unit_price == 1800
    assert shop.offers.accept(wanted, "k1").status == "done"


def test_a_store_that_cannot_price_a_line_offers_at_the_full_price(shop: Shop) -> None:
    shop.store._capabilities = frozenset(Capability) - {Capability.LINE_PRICE}
    shop.rule(cup_rule())
    shop.fill("tea")
    assert shop.wanted().unit_price == 2000
    assert shop.accept().status == "done"
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]


def test_a_limited_discount_needs_a_store_that_asks_for_it(shop: Shop) -> None:
    shop.store._capabilities = frozenset(Capability) - {Capability.GRANT}
    shop.rule(cup_rule(limits=Limits(total=5)))
    shop.fill("tea")
    assert shop.wanted().unit_price == 2000


# --- when the reason goes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("orphan", "left"), [(Orphan.REPRICE, [("cup", 2000)]), (Orphan.DROP, [])])
def test_without_what_triggered_it_the_discount_goes(shop: Shop, orphan: Orphan, left: list[tuple[str, int]]) -> None:
    """Shown red with `_orphaned` answering ""."""
    shop.rule(cup_rule(discount=msgspec.structs.replace(PERCENT, orphan=orphan)))
    shop.fill("tea")
    shop.accept()
    assert shop.offers.till.settle() == []
    shop.store.remove(shop.store.cart().lines[0].ref)
    assert len(shop.offers.till.settle()) == 1
    assert shop.prices() == left
    assert shop.offers.till.settle() == []


def test_a_season_that_ends_takes_its_discount_with_it(shop: Shop) -> None:
    shop.rule(cup_rule(schedule=Schedule(end="2027-02-11T00:00")))
    shop.fill("tea")
    shop.accept()
    shop.now += timedelta(days=1)
    assert shop.offers.till.settle() == ["Cup is at its normal price: the offer has ended."]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]


def test_what_the_shopper_added_alone_is_left_alone(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    outcome = shop.accept()
    assert outcome.acceptance is not None
    shop.store.replace(outcome.acceptance.line, "cup", None, 1, 1500)  # the store's own doing
    shop.store.remove(shop.store.cart().lines[0].ref)
    assert shop.offers.till.settle() == []
    assert shop.prices() == [("cup", 1500)]


def test_without_a_visitor_or_a_book_nothing_is_settled(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    shop.accept()
    shop.store.remove(shop.store.cart().lines[0].ref)
    shop.offers.till.shelf = MemoryShelf()
    assert shop.offers.till.settle() == []
    shop.store.visitor_key = ""
    assert shop.offers.till.settle() == []
    assert shop.offers.till.grant("1001") == []


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


def test_an_ended_rule_grants_nothing(shop: Shop) -> None:
    shop.rule(cup_rule())
    shop.fill("tea")
    shop.accept()
    shop.offers.set_rule("cup", Status.ENDED)
    assert shop.order() == ["the offer has ended"]
    assert shop.prices() == [("tea", 1000), ("cup", 2000)]


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
    assert shop.offers.till.grant("1001") == []
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
