"""The door to what a merchant decides beside the rules, and to where the catalogue is searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from .affinity import Affinities
from .product import Product


class Curation(Protocol):
    """What publishing asks. All of it are streams."""

    def published(self, products: Iterable[Product]) -> Iterator[Product]:
        """The whole catalogue on its way into the book, each with what the merchant says of it; the catalogue's search
        is brought up to date on the way."""

    def changed(self, products: Sequence[Product], live: Mapping[str, Product]) -> list[Product]:
        """The same of some products that have changed; never raises. `live`: the book's, for what is not known now."""

    def shown(self, leads: Iterable[tuple[str, Affinities]]) -> Iterator[tuple[str, Affinities]]:
        """Of what was learned, what may be offered."""
