"""The part of the published book that one decision needs, and its form outside this process.

Values are JSON, decoded by schema. `SCHEMA` is raised when a Struct changes so that an older reader could misread it:
it is part of the key, so readers and writers of different schemas never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from .affinity import NONE, Affinities
from .product import Product, parents
from .rules import EMPTY_RULES, RuleSet
from .taste import Bought, Habits, Model

SCHEMA = 1

encode = msgspec.json.Encoder().encode
decode_product = msgspec.json.Decoder(Product).decode
decode_list = msgspec.json.Decoder(tuple[str, ...]).decode
decode_affinities = msgspec.json.Decoder(Affinities).decode
decode_model = msgspec.json.Decoder(Model).decode
decode_bought = msgspec.json.Decoder(Bought).decode
decode_habits = msgspec.json.Decoder(Habits).decode


def _at_hand(first: Sequence[str], later: Sequence[str]) -> None:
    """All products are there already."""


def _listed(keys: Sequence[str]) -> None:
    """All of them are there already."""


class Book(msgspec.Struct, frozen=True, gc=False):
    """One version's products and affinities by product reference; missing ones were not published.

    `lists` has the most bought products of "c:CATEGORY" and "t:TAG". `rules` are the merchant's, of their own version.
    `expect(first, later)` is told which products a decision is going to look at, and which it may have to look at;
    `list_ahead(keys)` which lists. `model` weighs what was learned; without one, pairs are summed. `crowd` and `habits`
    are what customers bought, by number and by pseudonym; `ask_ahead(numbers)` is told whom of the crowd a decision
    asks.
    """

    version: str
    products: Mapping[str, Product] = {}
    affinities: Mapping[str, Affinities] = {}
    lists: Mapping[str, tuple[str, ...]] = {}
    rules: RuleSet = EMPTY_RULES
    expect: Callable[[Sequence[str], Sequence[str]], None] = _at_hand
    list_ahead: Callable[[Sequence[str]], None] = _listed
    model: Model | None = None
    crowd: Mapping[str, Bought] = {}
    habits: Mapping[str, Habits] = {}
    ask_ahead: Callable[[Sequence[str]], None] = _listed

    def leads_to(self, ref: str) -> Affinities:
        return self.affinities.get(ref, NONE)


class Lists:
    """Makes the book's lists while products and affinities are written: for each category, its parents and each tag
    the most bought products."""

    def __init__(self) -> None:
        self._refs: dict[str, list[str]] = {}
        self._orders: dict[str, int] = {}

    def add(self, product: Product) -> None:
        if product.hidden or product.excluded or product.sensitive:
            return
        for tag in product.tags:
            self._refs.setdefault("t:" + tag, []).append(product.ref)
        for category in parents(product.category):
            self._refs.setdefault("c:" + category, []).append(product.ref)

    def learn(self, leads: Affinities) -> None:
        for affinity in (*leads.complements, *leads.upgrades):
            known = self._orders.get(affinity.consequent, 0)
            self._orders[affinity.consequent] = max(known, affinity.consequent_orders)

    def best(self, most: int = 50) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(key, references), the most bought first; what nobody bought comes in the catalogue's order."""
        orders = self._orders
        for key, refs in self._refs.items():
            yield key, tuple(sorted(refs, key=lambda ref: -orders.get(ref, 0))[:most])


EMPTY = Book(version="")
