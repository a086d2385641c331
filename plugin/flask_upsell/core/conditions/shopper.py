"""Conditions on the shopper: what the store declares of them, and what they said in this session."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

import msgspec

from ..product import within
from .base import Condition, Facet, Numbers, OneOf, Scene, YesNo, condition


@condition
class Country(OneOf, frozen=True, kw_only=True):
    """The shopper's country, ISO 3166: "DE"."""

    code, looks_at = "country", Facet.SHOPPER

    def check(self, scene: Scene) -> bool:
        return scene.context.visitor.country in self.is_


@condition
class Language(OneOf, frozen=True, kw_only=True):
    """The page's language: "de" holds for "de-AT" too."""

    code, looks_at = "language", Facet.SHOPPER

    def check(self, scene: Scene) -> bool:
        spoken = (scene.context.visitor.language or "").replace("_", "-").lower()
        return bool(spoken) and any(
            (spoken + "-").startswith(each.replace("_", "-").lower() + "-") for each in self.is_
        )


@condition
class Group(OneOf, frozen=True, kw_only=True):
    """A declared customer group."""

    code, looks_at = "group", Facet.SHOPPER

    def check(self, scene: Scene) -> bool:
        return not scene.context.visitor.groups.isdisjoint(self.is_)


@condition
class SignedIn(YesNo, frozen=True, kw_only=True):
    """Whether the store knows the customer."""

    code, looks_at = "signed_in", Facet.SHOPPER

    def check(self, scene: Scene) -> bool:
        return (scene.context.visitor.customer is not None) is self.is_


@condition
class FirstOrder(YesNo, frozen=True, kw_only=True):
    """Whether this would be the customer's first order; guests of whom nothing is known are neither."""

    code, looks_at = "first_order", Facet.SHOPPER | Facet.HISTORY

    def check(self, scene: Scene) -> bool:
        orders = scene.context.visitor.orders
        return orders is not None and (orders == 0) is self.is_


@condition
class OrderCount(Condition, Numbers, frozen=True, kw_only=True):
    """How many orders the customer placed before."""

    code, looks_at = "order_count", Facet.SHOPPER | Facet.HISTORY

    def check(self, scene: Scene) -> bool:
        orders = scene.context.visitor.orders
        return orders is not None and self.hold(orders)

    def problems(self) -> list[tuple[str, str]]:
        return Numbers.problems(self)


@condition
class LastOrder(Condition, Numbers, frozen=True, kw_only=True):
    """How many whole days ago the customer's last order was."""

    code, looks_at = "days_since_last_order", Facet.SHOPPER | Facet.CLOCK | Facet.HISTORY

    def check(self, scene: Scene) -> bool:
        last = scene.context.visitor.last_order
        return last is not None and self.hold(max(0, (scene.context.now - last) // timedelta(days=1)))

    def problems(self) -> list[tuple[str, str]]:
        return Numbers.problems(self)


@condition
class HasBought(Condition, frozen=True, kw_only=True):
    """Whether the customer bought one of these before."""

    code, looks_at = "has_bought", Facet.SHOPPER | Facet.HISTORY
    product: tuple[str, ...] = ()
    category: tuple[str, ...] = ()

    def check(self, scene: Scene) -> bool:
        visitor = scene.context.visitor
        if visitor.bought is not None and not visitor.bought.isdisjoint(self.product):
            return True
        categories = visitor.bought_categories or frozenset()
        return any(within(each, wanted) for wanted in self.category for each in categories)

    def problems(self) -> list[tuple[str, str]]:
        return [] if self.product or self.category else [("product", "name products or categories")]


@condition
class Source(OneOf, frozen=True, kw_only=True):
    """The campaign that led here (UTM source)."""

    code, looks_at = "source", Facet.SESSION | Facet.HISTORY

    def check(self, scene: Scene) -> bool:
        return scene.context.source in self.is_


@condition
class Answer(Condition, frozen=True, kw_only=True):
    """What the shopper answered to a rule's question in this session."""

    code, looks_at = "answer", Facet.SESSION
    question: str
    is_: tuple[str, ...] = msgspec.field(name="is")

    def check(self, scene: Scene) -> bool:
        return any((self.question, each) in scene.context.answers for each in self.is_)

    def problems(self) -> list[tuple[str, str]]:
        return [] if self.is_ else [("is", "name at least one")]


@condition
class Perked(OneOf, frozen=True, kw_only=True):
    """Whether one of these rules promised the customer something for the next time."""

    code, looks_at = "perk", Facet.SHOPPER

    def check(self, scene: Scene) -> bool:
        return not scene.context.visitor.perks.isdisjoint(self.is_)


@condition
class Sample(Condition, frozen=True, kw_only=True):
    """A random part of the visitors: the same visitor is always in or always out. `seed` makes samples independent."""

    code, looks_at = "sample", Facet.KEY
    percent: int
    seed: str = ""

    def check(self, scene: Scene) -> bool:
        key = scene.context.visitor.key
        digest = blake2b(f"{self.seed}\0{key}".encode(), digest_size=8).digest()
        return bool(key) and int.from_bytes(digest) % 10_000 < self.percent * 100

    def problems(self) -> list[tuple[str, str]]:
        return [] if 0 <= self.percent <= 100 else [("percent", "from 0 to 100")]
