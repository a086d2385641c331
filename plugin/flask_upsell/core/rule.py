"""What a merchant says: rules, and what they name (seasons are in `season`). Values only; `rules` makes them work.

The form in files, in SQL and in the published book is the same: these Structs as JSON. A tree of conditions is plain
data, `{"all": [{"subtotal": {"min": …}}, …]}`, because a host may add conditions of its own (`conditions`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from ..errors import BadInput
from .kind import Kind
from .money import Money
from .words import objection

#: {"all" | "any" | "none": [trees]} or {code of a condition: its arguments}.
Tree = dict[str, Any]
#: How deep trees may be nested; nobody reads deeper ones.
DEEPEST = 10


NO_OFFER = objection("is needed, unless the rule asks a question")


class Status(StrEnum):
    """Only an active rule is looked at; the others say why it is not."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Anything that is written in a rule: what is not known is refused, what is left out has its default."""


# --- when -----------------------------------------------------------------------------------------------------------


class Hours(Part, tag_field=None, frozen=True, kw_only=True):
    """From a time of day up to, not including, another one, "HH:MM"; over midnight when it ends before it starts."""

    start: str
    end: str


class Days(Part, frozen=True, kw_only=True):
    """From a local date to another, both included ("YYYY-MM-DD")."""

    start: str
    end: str


class Schedule(Part, frozen=True, kw_only=True):
    """When a rule holds. All that is given must hold; within `seasons`, any. Empty: always.

    `start` and `end`: local "YYYY-MM-DDTHH:MM", `end` not included. `weekdays`: "mon" … "sun". `zone`: an IANA zone;
    without one the store's. `except_days`: blackout dates.
    """

    seasons: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    weekdays: tuple[str, ...] = ()
    hours: tuple[Hours, ...] = ()
    except_days: tuple[Days, ...] = ()
    zone: str | None = None


# --- what -----------------------------------------------------------------------------------------------------------


class Source(Part, tag_field="from", frozen=True, kw_only=True):
    """Where a rule's candidates come from, best first."""


class Products(Source, tag="products", frozen=True, kw_only=True):
    """These products, in this order. As an upgrade each replaces the matched line."""

    refs: tuple[str, ...]
    kind: Kind = Kind.COMPLEMENT


class Category(Source, tag="category", frozen=True, kw_only=True):
    """The most bought products of a category (its children included)."""

    name: str
    kind: Kind = Kind.COMPLEMENT


class Tagged(Source, tag="tag", frozen=True, kw_only=True):
    """The most bought products with a tag."""

    name: str
    kind: Kind = Kind.COMPLEMENT


class Learned(Source, tag="learned", frozen=True, kw_only=True):
    """What learning found for the matched lines."""

    kind: Kind = Kind.COMPLEMENT


class Relative(Source, tag="relative", frozen=True, kw_only=True):
    """Products of the matched line's category that are like it: with the same values of `same` (attribute names, or
    "brand"), whose price is between `min_percent` and `max_percent` of the line's."""

    same: tuple[str, ...] = ()
    min_percent: int = 0
    max_percent: int | None = None
    kind: Kind = Kind.UPGRADE


class Ladder(Source, tag="ladder", frozen=True, kw_only=True):
    """The next step of a named ladder above the matched line's product; `steps`: how many steps at most. `compare`:
    two steps are shown side by side with the line, where both can be offered."""

    name: str
    steps: int = 1
    compare: bool = False


class Gap(Source, tag="gap", frozen=True, kw_only=True):
    """A product that closes the gap to a threshold and costs least above it, from a category, a tag or a list.

    `reward`: what reaching it gives: "free_shipping" or "gift".
    """

    threshold: tuple[Money, ...]
    reward: str = "free_shipping"
    category: str | None = None
    tag_: str | None = msgspec.field(default=None, name="tag")
    refs: tuple[str, ...] = ()


class Bundle(Source, tag="bundle", frozen=True, kw_only=True):
    """2 to 4 products as one offer: added together, at one price. It is not offered when one of them cannot be."""

    refs: tuple[str, ...]


class Programme(Source, tag="programme", frozen=True, kw_only=True):
    """Something to join instead of something to buy, behind a link: a points card, a membership, a free trial.

    `title` and `terms` by language, the first for all others; `terms` say what follows (what a trial costs afterwards).
    """

    url: str
    title: dict[str, str]
    terms: dict[str, str] = {}
    image: str | None = None


class Second(Source, tag="second", frozen=True, kw_only=True):
    """One more of a product of which the cart has one; with a discount, a second-item price."""


class Nothing(Source, tag="nothing", frozen=True, kw_only=True):
    """Show nothing more, and look no further."""


AnySource = Products | Category | Tagged | Learned | Relative | Ladder | Gap | Bundle | Programme | Second | Nothing


# --- at what price --------------------------------------------------------------------------------------------------


class Off(StrEnum):
    """How a discount works."""

    PERCENT = "percent"
    AMOUNT = "amount"
    PRICE = "price"
    FREE_SHIPPING = "free_shipping"
    GIFT = "gift"

    @property
    def ships_free(self) -> bool:
        return self is Off.FREE_SHIPPING


class Class(StrEnum):
    """What a discount is taken from; discounts of different classes combine only when both say so."""

    PRODUCT = "product"
    ORDER = "order"
    SHIPPING = "shipping"


class Orphan(StrEnum):
    """What becomes of a discounted line when what triggered it leaves the cart."""

    DROP = "drop"
    REPRICE = "reprice"


class Floor(Part, frozen=True, kw_only=True):
    """A price that no discount goes below; what would is not offered. Zero is always a floor.

    `cost`: the product's cost. `margin_percent`: at least so many percent of the price stay above the cost; a product
    without a known cost is not discounted under either. `price`: least price, one for each currency.
    """

    cost: bool = False
    margin_percent: int | None = None
    price: tuple[Money, ...] = ()


class Discount(Part, frozen=True, kw_only=True):
    """Off the offered units. `percent` in hundredths of a percent (1000 is 10 %); `amount`, `price` and caps for each
    currency that they hold in: in another one there is no discount and the offer is not shown.

    `most_units`: how many units of the line are discounted, the others cost what they cost.
    `most`: cap on what is taken off. `combines`: classes of the store's own discounts, `with_coupon` the shopper's
    coupon, `with_rules` names of rules whose discounts may stand beside this one on a line, if they name it too.
    """

    off: Off
    percent: int = 0
    amount: tuple[Money, ...] = ()
    price: tuple[Money, ...] = ()
    most: tuple[Money, ...] = ()
    most_units: int | None = None
    combines: tuple[Class, ...] = ()
    with_coupon: bool = False
    with_rules: tuple[str, ...] = ()
    floor: Floor = Floor()
    orphan: Orphan = Orphan.REPRICE


class Limits(Part, frozen=True, kw_only=True):
    """How often a rule's discount is granted; counted when an order is placed. `budget`: money taken off in all."""

    total: int | None = None
    per_customer: int | None = None
    per_day: int | None = None
    budget: tuple[Money, ...] = ()


# --- words and wishes -----------------------------------------------------------------------------------------------


class Copy(Part, frozen=True, kw_only=True):
    """What the shopper reads, in one language."""

    headline: str = ""
    benefits: tuple[str, ...] = ()


class Question(Part, frozen=True, kw_only=True):
    """A question that a shopper may answer, once a session. `words` by language, the first for all others; `answers`:
    2 to 4, each with its words. What was answered is the condition `answer`, under the rule's name."""

    words: dict[str, str]
    answers: dict[str, dict[str, str]]


class Goal(Part, frozen=True, kw_only=True):
    """`units` to be ordered through the rule from the local day `start` to `by`, both included ("YYYY-MM-DD").

    While fewer are than should be by then, in equal parts of the time, `lift` is added to the rule's priority. When all
    are, the rule rests.
    """

    units: int
    start: str
    by: str
    lift: int = 1000


class Perk(Part, frozen=True, kw_only=True):
    """A thank-you for having ordered what the rule offered; one of these. `code`: of the store's, for the next
    purchase. `gift`: a product that the customer gets next time (the condition `perk` then holds). `points`: for the
    store to book. `words` by language, the first for all others; without them it is told plainly."""

    code: str | None = None
    gift: str | None = None
    points: int | None = None
    words: dict[str, str] = {}


class Rule(Part, frozen=True, kw_only=True):
    """One rule. `priority`: higher first. `placements` empty: all. `audience` and `when` are trees of conditions.

    `offer` is None for a rule that only asks. `most`: how many offers it fills at most. `stop`: when it matched,
    nothing below it is tried. `gap_percent`: its own price-gap guard. `any_price`: its offers may cost more than the
    cart. `boost`: attributes or tags ("Clearance", "New"); products that have the first of them come first, and so on.
    """

    name: str
    offer: AnySource | None = None
    label: str = ""
    status: Status = Status.ACTIVE
    priority: int = 0
    placements: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    audience: Tree | None = None
    when: Tree | None = None
    discount: Discount | None = None
    limits: Limits = Limits()
    most: int = 2
    stop: bool = False
    gap_percent: int | None = None
    any_price: bool = False
    boost: tuple[str, ...] = ()
    goal: Goal | None = None
    ask: Question | None = None
    perk: Perk | None = None
    copy: dict[str, Copy] = {}

    def __post_init__(self) -> None:
        if self.offer is None and self.ask is None:
            raise BadInput("offer", NO_OFFER)
