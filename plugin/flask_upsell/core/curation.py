"""What a merchant decides beside the rules: which learned pairs are offered, and what is said of products; and the door
to where that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import sqrt
from typing import Protocol

import msgspec

from .affinity import NONE, Affinities, Affinity
from .kind import Kind
from .lessons import Lead
from .product import Product
from .taste import Learned

#: What is learned goes live by itself when it is at least so sure, in percent, unless a merchant says otherwise.
AUTO_APPROVE = 0
#: Nothing is so sure.
NEVER_BY_ITSELF = 100
#: The bound of a share that holds in 97.5 of 100 cases (a 95 % interval has two).
DEVIATIONS = 1.959964


def sure(kind: Kind, found: Affinity) -> int:
    """How sure an affinity is, 0 to 99 percent: the part of what was seen that is neither luck nor chance.

    Of the share of orders that had both, the lower bound of its 95 % interval (Wilson) is what is no luck; what chance
    alone would bring (the consequent's share of all orders) is taken from that. An upgrade is chosen instead of others,
    so chance is not in it.
    """
    if found.base <= 0 or found.together <= 0:
        return 0
    share, n, z = found.confidence, found.base, DEVIATIONS
    spread = z * sqrt(max(share * (1 - share), 0) / n + z * z / (4 * n * n))
    lowest = (share + z * z / (2 * n) - spread) / (1 + z * z / n)
    chance = found.consequent_orders / found.orders if kind is Kind.COMPLEMENT and found.orders else 0.0
    return max(0, min(99, int(100 * (lowest - chance) / share)))


class Note(msgspec.Struct, frozen=True):
    """What the merchant says of a product; see the fields of Product."""

    excluded: bool = False
    sensitive: bool = False
    fits: tuple[str, ...] = ()


NO_NOTE = Note()


def noted(product: Product, note: Note) -> Product:
    """The product with what the merchant says of it, whatever a store may have written there."""
    if (product.excluded, product.sensitive, product.fits) == (note.excluded, note.sensitive, note.fits):
        return product
    return msgspec.structs.replace(product, excluded=note.excluded, sensitive=note.sensitive, fits=note.fits)


Pair = tuple[str, str]


class Said(msgspec.Struct, frozen=True):
    """What was decided of one product and others: complements that are `approved` and `rejected`, `upgrades` that are
    approved, and what it is `never` offered with."""

    approved: list[str]
    upgrades: list[str]
    rejected: list[str]
    never: list[str]


NOTHING_SAID = Said([], [], [], [])


class Verdicts(msgspec.Struct, frozen=True, dict=True):
    """What was decided of pairs (antecedent, consequent), by their kind. `never`: neither for the other, of no kind;
    each pair stands there both ways."""

    approved: Mapping[Kind, frozenset[Pair]] = {}
    rejected: Mapping[Kind, frozenset[Pair]] = {}
    never: frozenset[Pair] = frozenset()
    #: How sure (percent) what nobody decided must be.
    least: int = AUTO_APPROVE

    @property
    def strict(self) -> bool:
        """Whether only pairs are offered that have evidence, and are sure enough or approved."""
        return self.least > 0

    def may(self, kind: Kind, antecedent: str, found: Affinity, proven: bool = True) -> bool:
        """Whether it is offered. `proven`: it has evidence of its own, so somebody could approve it."""
        pair = (antecedent, found.consequent)
        if pair in self.never or pair in self.rejected.get(kind, ()):
            return False
        if not self.strict or pair in self.approved.get(kind, ()):
            return True
        return proven and self.least < NEVER_BY_ITSELF and sure(kind, found) >= self.least

    def shown(self, antecedent: str, lead: Lead, sensitive: frozenset[str], out: frozenset[str]) -> Affinities:
        """Of all that leads on from a product, what is offered: nothing from what is sensitive, nor to what is kept
        `out` of offers. What was approved is offered though it is not learned (any more)."""
        if antecedent in sensitive:
            return NONE

        def of(kind: Kind, found: tuple[Affinity, ...], proven: frozenset[str]) -> tuple[Affinity, ...]:
            may = [each for each in found if each.consequent not in out]
            return tuple([each for each in may if self.may(kind, antecedent, each, each.consequent in proven)])

        leads, said = lead.leads, self.said.get(antecedent, NOTHING_SAID)
        approved = [ref for ref in said.approved if ref not in out]
        upgrades = of(Kind.UPGRADE, leads.upgrades, lead.upgrades)
        known = {each.consequent for each in upgrades}
        more = [Affinity(ref, 0.0, 0, 0, 0, 0) for ref in said.upgrades if ref not in known and ref not in out]
        complements = of(Kind.COMPLEMENT, leads.complements, lead.complements)
        turns = {ref: turn for ref, turn in leads.turns.items() if ref in known}
        decided = (tuple(approved), tuple(said.rejected), tuple(said.never))
        return Affinities((*upgrades, *more), complements, leads.buyers, *decided, turns)

    @cached_property
    def said(self) -> dict[str, Said]:
        """What was decided, by antecedent; "never" before all else."""
        found: dict[str, Said] = {}
        for pairs, where in (
            (self.never, "never"),
            (self.approved.get(Kind.COMPLEMENT, ()), "approved"),
            (self.approved.get(Kind.UPGRADE, ()), "upgrades"),
            (self.rejected.get(Kind.COMPLEMENT, ()), "rejected"),
        ):
            for one, other in sorted(pairs):
                if where == "never" or (one, other) not in self.never:
                    getattr(found.setdefault(one, Said([], [], [], [])), where).append(other)
        return found


class Curation(Protocol):
    """What publishing asks. All of it are streams."""

    def catalogue(self, products: Iterable[Product]) -> Iterator[Product]:
        """The store's own catalogue, and behind it what was imported from files and is not in it."""

    def published(self, products: Iterable[Product]) -> Iterator[Product]:
        """The whole catalogue on its way into the book, each with what the merchant says of it; the catalogue's search
        is brought up to date on the way."""

    def changed(self, products: Sequence[Product], live: Mapping[str, Product]) -> list[Product]:
        """The same of some products that have changed; never raises. `live`: the book's, for what is not known now."""

    def shown(self, leads: Iterable[tuple[str, Lead]]) -> Iterator[tuple[str, Affinities]]:
        """Of what was learned, what may be offered; and what was decided of products that led to nothing."""

    def fit(self, learned: Learned) -> Learned:
        """The model, the crowd and habits without what must not say or be said anything; `strict` as the merchant wants
        it, or as it was learned."""
