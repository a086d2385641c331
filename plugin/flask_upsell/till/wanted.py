"""What a shopper wants, and what came of it."""

from __future__ import annotations

import msgspec

from ..core.kind import Kind
from ..core.ports import Acceptance
from ..core.product import Product


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A product of a bundle as it was shown; its price in it."""

    product: str
    title: str
    unit_price: int


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What a shopper wants to accept or decline: the offer as it was shown. Prices in minor units of `currency`.

    `line` and `replaces` (its unit price, `replaced` its product) belong to upgrades of a cart line; `variants` has the
    price shown for each choice. `rule` brought it, for the product `trigger`. `pieces`: the products of a bundle, whose
    `product` is all of theirs and `unit_price` that of all together. `beside`: a second rule whose discount is in it.
    """

    offer: str
    kind: Kind
    placement: str
    product: str
    title: str
    unit_price: int
    currency: str
    quantity: int = 1
    line: str = ""
    replaced: str = ""
    replaces: int = 0
    variants: dict[str, int] = {}
    rule: str = ""
    trigger: str = ""
    pieces: list[Piece] = []
    beside: str = ""

    @property
    def again(self) -> bool:
        """Whether it is a second one of what is in the cart."""
        return self.kind is Kind.COMPLEMENT and self.product == self.trigger


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. `status`: done, undone, declined, changed (ask again: `live` is the product now) or refused.

    `repeated`: it was done before, by an earlier request with the same key.
    """

    status: str
    text: str
    acceptance: Acceptance | None = None
    live: Product | None = None
    repeated: bool = False
