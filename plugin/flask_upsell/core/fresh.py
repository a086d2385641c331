"""What orders since the last learning add to what it counted, and the ports to where they are kept: the same figures as
when all orders are counted anew. Weights of the model stay as they were learned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from math import sqrt
from typing import Protocol

import msgspec

from .affinity import Affinity
from .lessons import Lead
from .taste import KEPT, Habits

#: A pair that was met less often says nothing (learn/sql/links.sql).
MET = 2


class Counting(msgspec.Struct, frozen=True):
    """How a learning counted `orders` orders: see the settings of these names. `links`: pairs without evidence of their
    own are kept too."""

    orders: int
    min_support: int
    min_lift: float
    min_certainty: float
    max_basket: int
    neighbours: int
    links: bool

    def proven(self, pairs: Iterable[Affinity]) -> tuple[Affinity, ...]:
        """Those of what one product leads to that have evidence, weighed by it, strongest first: as
        learn/sql/complements.sql has it."""
        found = [
            msgspec.structs.replace(each, weight=each.together / (sqrt(1.0 * each.base * each.consequent_orders) + 10))
            for each in pairs
            if each.together >= self.min_support and self._certain(each)
        ]
        found.sort(key=lambda each: (-each.weight, each.consequent))
        rounded = [msgspec.structs.replace(each, weight=round(each.weight, 6), expected=0.0) for each in found]
        return tuple(rounded[: self.neighbours])

    def _certain(self, pair: Affinity) -> bool:
        one, other, n = pair.base, pair.consequent_orders, pair.orders
        if 1.0 * pair.together * n < self.min_lift * one * other:
            return False
        chance = 1.0 * one * other / n
        return pair.together - chance >= self.min_certainty * sqrt(chance * (1 - 1.0 * one / n) * (1 - 1.0 * other / n))


class Since(msgspec.Struct, frozen=True):
    """Orders since a learning: all, those with each product, and those with two: {one: {other: orders}}."""

    orders: int
    bought: Mapping[str, int]
    together: Mapping[str, Mapping[str, int]]


class Edition(msgspec.Struct, frozen=True):
    """What is live in the book: the `version` with its amendments, of which `learning` it is, and from when to when it
    was being written."""

    version: str
    learning: str
    began_at: datetime
    ended_at: datetime

    @property
    def name(self) -> str:
        """The version, however often it was amended."""
        return self.version.partition(".")[0]


class Noted(msgspec.Struct, frozen=True):
    """An order that nobody has looked at. `asked`: whether the store is to be asked, since something became of it.
    `customer`: a pseudonym, "" for guests."""

    ref: str
    products: tuple[str, ...]
    customer: str
    asked: bool


def added(
    lead: Lead, orders: int, bought: Mapping[str, int], base: int, together: Mapping[str, int], by: Counting
) -> tuple[Lead, tuple[Affinity, ...]]:
    """(what one product leads to now, the part that has evidence). All counts are of all orders: `base` those with the
    product, `bought` with each one that it leads to, `together` with both, which may name others too."""
    known = {each.consequent: each for each in lead.leads.complements}
    names = [*known, *(ref for ref, times in together.items() if ref not in known and times >= MET)]
    now = []
    for ref in names:
        was = known.get(ref)
        weight, expected = (was.weight, was.expected) if was is not None else (0.0, 0.0)
        now.append(Affinity(ref, weight, together.get(ref, 0), base, bought.get(ref, 0), orders, expected))
    proven = by.proven(now)
    sure = frozenset([each.consequent for each in proven])
    complements = [each for each in now if by.links or each.consequent in sure]
    complements.sort(key=lambda each: (-each.weight, -each.together, each.consequent))
    leads = msgspec.structs.replace(lead.leads, complements=tuple(complements))
    return Lead(leads, lead.upgrades, sure), proven


#: One order of a shopper: when (Unix time), and its products.
Basket = tuple[int, tuple[str, ...]]


def joined(habits: Habits, baskets: Sequence[Basket], orders: Mapping[str, int]) -> Habits:
    """A shopper's habits with their orders since; `orders`: how many orders of all shoppers have each product of these.
    What all of their orders say together stays as it was learned."""
    every = sorted([*baskets, *habits.baskets], key=lambda each: -each[0])[:KEPT]
    kept = {ref for _, refs in every for ref in refs}
    known = {ref: count for ref, count in {**orders, **habits.orders}.items() if ref in kept}
    return msgspec.structs.replace(habits, baskets=tuple(every), orders=known)


class Recent(Protocol):
    """Products of orders since the last learning. `learning`: the live one; orders that it has seen do not count."""

    def write(self, learning: str, found: Iterable[tuple[str, Sequence[int]]]) -> None:
        """Keep in which orders a learning found each product: its own numbers for them, rising; a stream."""

    def ask(self, order: str, connection: object = None) -> None:
        """Something became of this order: look at it again."""

    def see(self, learning: str, orders: Collection[str] | None = None, until: datetime | None = None) -> None:
        """This learning has seen these orders, or all that are there, or those until then: they are over when it goes
        live."""

    def unseen(self, learning: str) -> Iterable[list[str]]:
        """Orders that this learning has not seen, some at a time."""

    def clear(self, learning: str) -> int:
        """Remove what it has seen."""

    def unjudged(self, learning: str, most: int) -> list[Noted]:
        """The oldest orders that nobody has looked at."""

    def judge(self, found: Mapping[str, Collection[str]]) -> None:
        """Count these products of each of these orders, and no others."""

    def bots(self, learning: str, customers: Collection[str], most: int) -> set[str]:
        """Those of these who are no shoppers, going by more than so many products since (learn/sql/bots.sql)."""

    def claim(self, learning: str, edition: Edition, token: str, most: int) -> list[str]:
        """Products whose orders are not folded into this edition, those that wait longest first; for `fold` they go by
        this token."""

    def claim_people(self, learning: str, edition: Edition, token: str, most: int) -> list[str]:
        """Customers (pseudonyms) whose orders are not folded into this edition; as `claim`."""

    def folded(self, token: str, edition: Edition) -> None:
        """What went by this token is in this edition."""

    def touched(self, learning: str, most: int) -> list[str]:
        """All that was ordered, whether it counts or not; [] when that is more than so much."""

    def products(self, learning: str) -> set[str]:
        """All that count."""

    def people(self, learning: str) -> set[str]:
        """All customers whose orders count."""

    def baskets(self, learning: str, customers: Collection[str]) -> dict[str, list[Basket]]:
        """The orders of these customers that count, the newest first."""

    def since(self, learning: str, refs: Collection[str], others: Collection[str]) -> Since:
        """Orders that count: `together` with each of `refs`; `bought` for these, for `others` and what was together."""

    def bought(self, learning: str, refs: Collection[str]) -> dict[str, int]:
        """In how many orders the learning found each of these."""

    def numbers(self, learning: str, refs: Collection[str]) -> dict[str, list[int]]:
        """Which orders these were, by the learning's own numbers."""

    def keep(self, learning: str, found: Mapping[str, tuple[Affinity, ...]]) -> bool:
        """Put these pairs in the place of what products had evidence for; False when this learning is live no more."""

    def waiting(self) -> bool:
        """Whether anything is to be folded."""
