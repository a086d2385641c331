"""What a decision is made of: candidates, verdicts, offers and the trace."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2s

import msgspec

from .affinity import Affinity
from .context import Line
from .product import Product


class Kind(StrEnum):
    """How an offer relates to the cart."""

    COMPLEMENT = "complement"
    UPGRADE = "upgrade"


class Placement(StrEnum):
    """The named spots on a store's pages."""

    PRODUCT = "product"
    CART = "cart"
    CHECKOUT = "checkout"
    CONFIRMATION = "confirmation"


class Code(StrEnum):
    """Why a candidate was dropped."""

    IN_CART = "in_cart"
    DECLINED = "declined"
    UNKNOWN_PRODUCT = "unknown_product"
    HIDDEN = "hidden"
    OUT_OF_STOCK = "out_of_stock"
    OTHER_CURRENCY = "other_currency"
    NOT_DEARER = "not_dearer"
    PRICE_GAP = "price_gap"
    OTHER_PERIOD = "other_period"
    NOTHING_GAINED = "nothing_gained"
    TOO_DEAR = "too_dear"
    CANNOT_ADD = "cannot_add"
    CANNOT_REPLACE = "cannot_replace"
    AFTER_ORDER = "after_order"
    NEEDS_VARIANT = "needs_variant"
    SHOWN_ELSEWHERE = "shown_elsewhere"
    DUPLICATE = "duplicate"
    SAME_KIND = "same_kind"
    OUTRANKED = "outranked"


SENTENCES = {
    Code.IN_CART: "it is in the cart already",
    Code.DECLINED: "the shopper said no to it in this session",
    Code.UNKNOWN_PRODUCT: "the store does not publish this product",
    Code.HIDDEN: "the store hides this product",
    Code.OUT_OF_STOCK: "there is not enough stock",
    Code.OTHER_CURRENCY: "its price is in another currency than the cart",
    Code.NOT_DEARER: "it does not cost more than what is in the cart, so it is no upgrade",
    Code.PRICE_GAP: "it costs more than the price-gap guard allows",
    Code.OTHER_PERIOD: "it is paid for another period and is not the same thing for longer",
    Code.TOO_DEAR: "it costs many times what it would go with",
    Code.NOTHING_GAINED: "nothing can be shown that it has and the other one has not",
    Code.CANNOT_ADD: "this store cannot add to the cart",
    Code.CANNOT_REPLACE: "this store cannot replace a line",
    Code.AFTER_ORDER: "the order is placed, so there is no line to replace",
    Code.NEEDS_VARIANT: "a variant would have to be chosen first",
    Code.SHOWN_ELSEWHERE: "another placement of this page shows it",
    Code.DUPLICATE: "it is offered for another line already",
    Code.SAME_KIND: "another one of its category is offered already",
    Code.OUTRANKED: "others rank higher",
}


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """Something the book leads to from one line (the trigger), not yet judged. `score` is summed over all lines."""

    kind: Kind
    ref: str
    trigger: Line
    affinity: Affinity
    score: float


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """A candidate that was not offered, and why."""

    kind: Kind
    product: str
    trigger: str
    code: Code

    @property
    def sentence(self) -> str:
        return f"{self.kind.capitalize()} {self.product} for {self.trigger} was dropped: {SENTENCES[self.code]}."


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The price of an offer, in minor units: of one unit, of one unit now (upgrades), and of accepting it."""

    currency: str
    unit_price: int
    quantity: int
    replaces: int | None = None

    @property
    def difference(self) -> int:
        """What one unit costs more than what it replaces; its price where nothing is replaced."""
        return self.unit_price - (self.replaces or 0)

    @property
    def total(self) -> int:
        """What accepting adds to the cart."""
        return self.difference * self.quantity


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why the shopper sees it: from the evidence that chose it, nothing else."""

    kind: Kind
    together: int
    base: int
    about: str

    @property
    def sentence(self) -> str:
        if self.kind is Kind.UPGRADE:
            return f"Chosen in {self.together} of {self.base} orders of {self.about}"
        return f"Bought together in {self.together} of {self.base} orders with {self.about}"


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What is shown: the product, its quote, the true reason, and the line and product that led to it."""

    id: str
    kind: Kind
    product: Product
    quote: Quote
    reason: Reason
    trigger: Line
    base: Product | None
    score: float


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The ordered offers for one placement and the trace of what was dropped; `version` is the book's."""

    placement: str
    version: str
    offers: tuple[Offer, ...]
    trace: tuple[Dropped, ...]


def offer_id(kind: Kind, trigger: str, product: str) -> str:
    """The same offer has the same id on every page and process."""
    return blake2s(f"{kind}\0{trigger}\0{product}".encode(), digest_size=8).hexdigest()
