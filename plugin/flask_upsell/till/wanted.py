"""What a shopper wants, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..core.kind import Kind
from ..core.ports import Acceptance
from ..core.product import Product
from ..core.words import Sentence, say


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A product of a bundle as it was shown: its price in it, and alone."""

    product: str
    title: str
    unit_price: int
    normal: int = 0


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What a shopper wants to accept or decline: the offer as it was shown. Prices in minor units of `currency`.

    `line` and `replaces` (its unit price, `replaced` its product) belong to upgrades of a cart line; `variants` has the
    price shown for each choice. `rule` brought it, for the product `trigger`. `pieces`: the products of a bundle, whose
    `product` is all of theirs and `unit_price` that of all together. `beside`: a second rule whose discount is in it.
    `also`: further steps up that were shown beside it, and are declined with it.
    `months`: how often the price recurs, 0 for what is paid once.
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
    also: list[str] = []
    months: int = 0

    @property
    def again(self) -> bool:
        """Whether it is a second one of what is in the cart."""
        return self.kind is Kind.COMPLEMENT and self.product == self.trigger


def of_bundle(wanted: Wanted, ticked: Sequence[int]) -> Wanted:
    """What a shopper ticked of a bundle. All of it is the bundle at its price; some of it costs what it costs alone."""
    chosen = [piece for place, piece in enumerate(wanted.pieces) if place in ticked]
    if len(chosen) == len(wanted.pieces):
        return wanted
    alone = [msgspec.structs.replace(piece, unit_price=piece.normal) for piece in chosen]
    return msgspec.structs.replace(wanted, pieces=alone, rule="")


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. `status`: done, undone, declined, changed (ask again: `live` is the product now), refused, or
    unsure (it may be done, and a later request finds out).

    `repeated`: it was done before, by an earlier request with the same key. `said` is for the shopper.
    """

    status: str
    said: Sentence
    acceptance: Acceptance | None = None
    live: Product | None = None
    repeated: bool = False

    @property
    def text(self) -> str:
        """What was said, in English."""
        return str(self.said)


DECLINED = Outcome("declined", say("All right, we will not suggest it again."))
