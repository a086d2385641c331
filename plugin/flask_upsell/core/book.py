"""The part of the published book that one decision needs, and its form outside this process.

Values are JSON, decoded by schema. `SCHEMA` is raised when a Struct changes so that an older reader could misread it:
it is part of the key, so readers and writers of different schemas never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from .affinity import NONE, Affinities
from .product import Product

SCHEMA = 1

encode = msgspec.json.Encoder().encode
decode_product = msgspec.json.Decoder(Product).decode
decode_affinities = msgspec.json.Decoder(Affinities).decode


def _at_hand(first: Sequence[str], later: Sequence[str]) -> None:
    """All products are there already."""


class Book(msgspec.Struct, frozen=True, gc=False):
    """One version's products and affinities by product reference; missing ones were not published.

    `expect(first, later)` is told which products a decision is going to look at, and which it may have to look at.
    """

    version: str
    products: Mapping[str, Product] = {}
    affinities: Mapping[str, Affinities] = {}
    expect: Callable[[Sequence[str], Sequence[str]], None] = _at_hand

    def leads_to(self, ref: str) -> Affinities:
        return self.affinities.get(ref, NONE)


EMPTY = Book(version="")
