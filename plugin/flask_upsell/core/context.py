"""Everything that one decision may look at: cart, shopper, placement, policy and time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Capability(StrEnum):
    """What a store can do beyond showing its cart and products. What it cannot do is not offered."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"
    LINE_PRICE = "line_price"
    ORDERS = "orders"


class Visitor(msgspec.Struct, frozen=True, gc=False):
    """Who is looking. `key` is opaque and stable for one cart; "" while the store knows nobody yet."""

    key: str
    customer: str | None = None
    groups: frozenset[str] = frozenset()


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line of a cart or order; `ref` is "" for a product that is only looked at. `unit_price` in minor units."""

    ref: str
    product: str
    quantity: int
    unit_price: int
    variant: str | None = None


class Cart(msgspec.Struct, frozen=True, gc=False):
    """The shopper's cart; `currency` is that of every line's price."""

    currency: str
    lines: tuple[Line, ...] = ()
    coupons: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True, gc=False):
    """The merchant's limits. `price_gap_floor` in minor units: a difference up to it is always small enough.
    `complement_times`: how many times what it goes with a complement may cost; 0 means any price.
    """

    max_offers: int = 2
    max_upgrades: int = 1
    price_gap_percent: int = 25
    price_gap_floor: int = 0
    complement_times: int = 4


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a decision is made from.

    `anchors` are the lines that the page is about: the cart's, the product that is looked at, or what was just
    ordered. `now` is an aware instant (UTC); `declined` holds products this visitor said no to in this session.
    """

    placement: str
    cart: Cart
    anchors: tuple[Line, ...]
    now: datetime
    visitor: Visitor = Visitor("")
    declined: frozenset[str] = frozenset()
    shown_elsewhere: frozenset[str] = frozenset()
    capabilities: frozenset[Capability] = frozenset(Capability)
    policy: Policy = Policy()
