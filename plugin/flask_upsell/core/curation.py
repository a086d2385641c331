"""What a merchant decides beside the rules: which learned pairs are offered, and what is said of products; and the door
to where that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Protocol

import msgspec

from .affinity import NONE, Affinities, Affinity
from .kind import Kind
from .product import Product

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


class Verdicts(msgspec.Struct, frozen=True):
    """What was decided of pairs (antecedent, consequent), by their kind. `never`: neither for the other, of no kind;
    each pair stands there both ways."""

    approved: Mapping[Kind, frozenset[Pair]] = {}
    rejected: Mapping[Kind, frozenset[Pair]] = {}
    never: frozenset[Pair] = frozenset()
    #: How sure (percent) what nobody decided must be.
    least: int = AUTO_APPROVE

    def may(self, kind: Kind, antecedent: str, found: Affinity) -> bool:
        """Whether it is offered."""
        pair = (antecedent, found.consequent)
        if pair in self.never or pair in self.rejected.get(kind, ()):
            return False
        if not self.least or pair in self.approved.get(kind, ()):
            return True
        return self.least < NEVER_BY_ITSELF and sure(kind, found) >= self.least

    def shown(self, antecedent: str, leads: Affinities, sensitive: frozenset[str], out: frozenset[str]) -> Affinities:
        """Of all that leads on from a product, what is offered: nothing from what is sensitive, nor to what is kept
        `out` of offers."""
        if antecedent in sensitive:
            return NONE

        def of(kind: Kind, found: tuple[Affinity, ...]) -> tuple[Affinity, ...]:
            return tuple([each for each in found if each.consequent not in out and self.may(kind, antecedent, each)])

        return Affinities(of(Kind.UPGRADE, leads.upgrades), of(Kind.COMPLEMENT, leads.complements))


class Curation(Protocol):
    """What publishing asks. All of it are streams."""

    def catalogue(self, products: Iterable[Product]) -> Iterator[Product]:
        """The store's own catalogue, and behind it what was imported from files and is not in it."""

    def published(self, products: Iterable[Product]) -> Iterator[Product]:
        """The whole catalogue on its way into the book, each with what the merchant says of it; the catalogue's search
        is brought up to date on the way."""

    def changed(self, products: Sequence[Product], live: Mapping[str, Product]) -> list[Product]:
        """The same of some products that have changed; never raises. `live`: the book's, for what is not known now."""

    def shown(self, leads: Iterable[tuple[str, Affinities]]) -> Iterator[tuple[str, Affinities]]:
        """Of what was learned, what may be offered."""
