"""The part of the published book that one decision needs, and its form outside this process.

Values are JSON, decoded by schema. `SCHEMA` is raised when a Struct changes so that an older reader could misread it:
it is part of the key, so readers and writers of different schemas never meet.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .affinity import NONE, Affinities
from .product import Product

SCHEMA = 1

encode = msgspec.json.Encoder().encode
decode_product = msgspec.json.Decoder(Product).decode
decode_affinities = msgspec.json.Decoder(Affinities).decode


class Book(msgspec.Struct, frozen=True, gc=False):
    """One version's products and affinities by product reference; missing ones were not published."""

    version: str
    products: Mapping[str, Product] = {}
    affinities: Mapping[str, Affinities] = {}

    def leads_to(self, ref: str) -> Affinities:
        return self.affinities.get(ref, NONE)


EMPTY = Book(version="")
