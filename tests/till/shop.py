"""A store in memory with a visitor, its pipeline and a clock that is set; what its rules offer, as shoppers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from flask_upsell import MemoryStore, Order, Product, Variant
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.memory import (
    MemoryPrices,
    MemoryQueue,
    MemoryShelf,
    MemorySwitch,
    MemoryTally,
    memory_ledger,
)
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.context import Policy
from flask_upsell.core.ports import Acceptance, Shelf
from flask_upsell.core.prices import Prices
from flask_upsell.core.rule import Bundle, Discount, Off, Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.words import Sentence
from flask_upsell.offers import Offers
from flask_upsell.till import Outcome, Wanted
from flask_upsell.web.shown import Page, wanted

NOW = datetime(2027, 2, 10, 12, tzinfo=UTC)
TEA = Product("tea", "Tea", 1000, "EUR", category="Tea")
CUP = Product("cup", "Cup", 2000, "EUR", category="Cups", cost=500)
POT = Product("pot", "Pot", 1200, "EUR", category="Tea")
JAR = Product("jar", "Jar", 1199, "EUR", category="Jars", cost=300)
SHIRT = Product(
    "shirt", "Shirt", 2000, "EUR", variants=(Variant("s", "Small", 2000), Variant("l", "Large", 2400, 0)), cost=100
)
PERCENT = Discount(off=Off.PERCENT, percent=1000)
WITH_TEA: dict[str, Any] = {"lines": {"category": ["Tea"]}}


def cup_rule(**more: Any) -> Rule:
    """10 % off a cup that goes with tea."""
    return Rule(**{"name": "cup", "offer": Products(refs=("cup",)), "when": WITH_TEA, "discount": PERCENT, **more})


def set_rule(**more: Any) -> Rule:
    """A cup and a jar together, 10 % less, to go with tea."""
    return cup_rule(**{"name": "set", "offer": Bundle(refs=("cup", "jar")), **more})


@dataclass
class Shop:
    """A store with a visitor, its pipeline, and a clock that is set."""

    now: datetime = NOW
    store: MemoryStore = field(default_factory=lambda: MemoryStore([TEA, CUP, POT, JAR, SHIRT], visitor_key="ada"))
    ledger: SQLLedger = field(default_factory=memory_ledger)
    past: Prices = field(default_factory=MemoryPrices)

    def __post_init__(self) -> None:
        self.offers = self.process(MemoryShelf())
        self.offers.shelf.publish(self.store.catalogue(), [])

    def process(self, shelf: Shelf) -> Offers:
        """The pipeline of a process of its own."""
        engine = self.ledger.engine
        return Offers(
            store=self.store, shelf=shelf, ledger=self.ledger, tally=MemoryTally(), queue=MemoryQueue(),
            rules=SQLRules(engine, "upsell"), limits=SQLLimits(engine, "upsell"), switch=MemorySwitch(),
            policy=Policy(complement_times=0), prices=self.past,
            secret="a secret of the tests, long enough to sign with", zone="Europe/Rome", clock=lambda: self.now,
        )  # fmt: skip

    def rule(self, *rules: Rule) -> None:
        self.offers.rules.save(RuleBook(rules=rules), self.now)
        self.offers.publish_rules()

    def fill(self, *refs: str) -> None:
        for ref in refs:
            self.store.add(ref, None, 1)

    def change(self, ref: str, **changed: Any) -> None:
        self.store.shelf[ref] = msgspec.structs.replace(self.store.shelf[ref], **changed)

    def wanted(self, place: int = 0, placement: str = "cart", products: list[str] | None = None) -> Wanted:
        """What the shopper is shown, as its token remembers it."""
        offer = self.offers.suggest(placement, products=products).offers[place]
        return msgspec.json.decode(msgspec.json.encode(wanted(offer, Page(placement))[0]), type=Wanted)

    def accept(self, key: str = "k1", **more: Any) -> Outcome:
        return self.offers.accept(self.wanted(**more), key)

    def accepted(self, key: str = "k1") -> Acceptance:
        """What was accepted; it must be done."""
        outcome = self.accept(key)
        assert outcome.status == "done" and outcome.acceptance is not None
        return outcome.acceptance

    def prices(self) -> list[tuple[str, int]]:
        return [(line.product, line.unit_price) for line in self.store.cart().lines]

    def take_out(self, ref: str) -> None:
        self.store.remove(next(line.ref for line in self.store.cart().lines if line.product == ref))

    def order(self, ref: str = "1001") -> list[str]:
        """Place what is in the cart; why discounts were not granted."""
        cart = self.store.cart()
        self.store.placed[ref] = Order(ref, cart.currency, cart.lines)
        refusals = self.offers.discounts.grant(ref)
        if not refusals:
            self.offers.record_order(ref, self.store.visitor_key)
        else:
            self.settle({refusal.id: refusal.reason for refusal in refusals})
        return [str(refusal.reason) for refusal in refusals]

    def settle(self, refused: Mapping[str, Sentence] | None = None) -> list[str]:
        return list(map(str, self.offers.discounts.settle(refused)))
