"""Everything that one decision may look at: cart, shopper, placement, policy and time."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime
from enum import StrEnum
from hashlib import blake2s

import msgspec

#: A wholesale cart of 5,000 lines is judged by its first lines; shoppers' carts are far smaller.
MOST_LINES = 200


class Capability(StrEnum):
    """What a store can do beyond showing its cart and products. What it cannot do is not offered.

    LINE_PRICE: give a cart line a price of its own. GRANT: it asks for the discounts of an order before it is placed
    (`flask_upsell.grant`), so that limited ones can be refused.
    """

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"
    LINE_PRICE = "line_price"
    GRANT = "grant"
    ORDERS = "orders"


class Visitor(msgspec.Struct, frozen=True, gc=False):
    """Who is looking. `key` is opaque and stable for one cart; "" while the store knows nobody yet.

    What a store does not tell stays None, and no rule that asks for it holds. `groups` are declared (members, staff),
    never computed from behaviour. `country` (ISO 3166) and `language` (BCP 47) are those of the page. `orders`: how
    many orders this customer placed; `last_order` when; `bought`: product references, `bought_categories` theirs.
    `source`: the campaign that led here (UTM source), where the shopper agreed that the store remembers it. `perks`:
    names of rules that promised this customer something for the next time (`flask_upsell.perks`).
    """

    key: str
    customer: str | None = None
    groups: frozenset[str] = frozenset()
    country: str | None = None
    language: str | None = None
    orders: int | None = None
    last_order: datetime | None = None
    bought: frozenset[str] | None = None
    bought_categories: frozenset[str] | None = None
    source: str = ""
    perks: frozenset[str] = frozenset()


def forgotten(visitor: Visitor) -> Visitor:
    """The same visitor without history: what was ordered, and the campaign that led here.

    What stays is declared (groups), of this page (country, language) or owed (perks).
    """
    history = (visitor.orders, visitor.last_order, visitor.bought, visitor.bought_categories)
    if not visitor.source and all(each is None for each in history):
        return visitor
    return msgspec.structs.replace(
        visitor, orders=None, last_order=None, bought=None, bought_categories=None, source=""
    )


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line of a cart or order; `ref` is "" for a product that is only looked at. `unit_price` in minor units."""

    ref: str
    product: str
    quantity: int
    unit_price: int
    variant: str | None = None


class Cart(msgspec.Struct, frozen=True, gc=False):
    """The shopper's cart; `currency` is that of every line's price.

    `discount`: what the store takes off by itself (coupons, its own promotions), in minor units. `payment` and
    `shipping`: the methods chosen, in the store's own names, "" before that.
    """

    currency: str
    lines: tuple[Line, ...] = ()
    coupons: tuple[str, ...] = ()
    discount: int = 0
    payment: str = ""
    shipping: str = ""

    def units(self, product: str) -> int:
        """How many of a product are in it, in all its lines."""
        return sum([line.quantity for line in self.lines if line.product == product])


class Policy(msgspec.Struct, frozen=True, gc=False):
    """The merchant's limits. `price_gap_floor` in minor units: a difference up to it is always small enough.
    `complement_times`: how many times what it goes with a complement may cost; 0 means any price. `max_page`: the most
    offers on a page, all its placements together. `max_session`: the most different products offered in a session, 0
    for any number. `varied`: complements that were learned are of
    different categories, and a line gets one upgrade; else several, to choose from.
    """

    max_offers: int = 2
    max_upgrades: int = 1
    price_gap_percent: int = 25
    price_gap_floor: int = 0
    complement_times: int = 1
    max_page: int = 3
    max_session: int = 20
    varied: bool = True


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a decision is made from.

    `anchors` are the lines that the page is about: the cart's, the product that is looked at, or what was just
    ordered. `now` is an aware instant (UTC); `declined` holds products this visitor said no to in this session.
    `source` is the campaign that led here (UTM source), `answers` what this visitor answered in this session: pairs of
    question and answer; `asked` are questions that were answered or skipped. `seen` has the marks (`mark`) of what was
    offered in this session before. Without `consent` no condition on history holds, and nothing of it is told here
    (`forgotten`). `known_as`: the name by which the book has this customer's past orders, "" for none; None: the
    store's own.
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
    source: str = ""
    answers: frozenset[tuple[str, str]] = frozenset()
    asked: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    consent: bool = True
    known_as: str | None = None

    @property
    def room(self) -> int | None:
        """How many more products may be offered in this session; None when that is no question here."""
        most = self.policy.max_session
        left = max(0, most - len(self.seen))
        return left if most and left < self.policy.max_offers else None


def mark(ref: str) -> str:
    """A product in as few characters as a session has room for; two of a thousand seldom have the same."""
    return urlsafe_b64encode(blake2s(ref.encode("utf-8", "surrogatepass"), digest_size=3).digest()).decode()
