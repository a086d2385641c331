"""What a decision is made of: candidates, verdicts, offers and the trace."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import blake2s

import msgspec

from .affinity import Affinity
from .context import Line
from .kind import Basis as Basis
from .kind import Kind as Kind
from .kind import Placement as Placement
from .product import Product
from .rule import Copy, Rule, Second
from .words import Sentence, remark, say


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
    BELOW_FLOOR = "below_floor"
    NO_SAVING = "no_saving"
    WITH_COUPON = "with_coupon"
    NO_COMBINING = "no_combining"
    UNKNOWN_COST = "unknown_cost"
    OWNED = "owned"
    UNEVEN = "uneven"
    CANNOT_PRICE = "cannot_price"
    CANNOT_GRANT = "cannot_grant"
    RULE_FULL = "rule_full"
    SESSION_FULL = "session_full"
    BETTER_PRICE = "better_price"
    PAGE_FULL = "page_full"
    NOT_IN_MAIL = "not_in_mail"
    EXCLUDED = "excluded"
    SENSITIVE = "sensitive"
    NOT_FITTING = "not_fitting"


SENTENCES = {
    Code.IN_CART: remark("it is in the cart already"),
    Code.DECLINED: remark("the shopper said no to it in this session"),
    Code.UNKNOWN_PRODUCT: remark("the store does not publish this product"),
    Code.HIDDEN: remark("the store hides this product"),
    Code.OUT_OF_STOCK: remark("there is not enough stock"),
    Code.OTHER_CURRENCY: remark("its price is in another currency than the cart"),
    Code.NOT_DEARER: remark("it does not cost more than what is in the cart, so it is no upgrade"),
    Code.PRICE_GAP: remark("it costs more than the price-gap guard allows"),
    Code.OTHER_PERIOD: remark("it is paid for another period and is not the same thing for longer"),
    Code.TOO_DEAR: remark("it costs many times what it would go with"),
    Code.NOTHING_GAINED: remark("nothing can be shown that it has and the other one has not"),
    Code.CANNOT_ADD: remark("this store cannot add to the cart"),
    Code.CANNOT_REPLACE: remark("this store cannot replace a line"),
    Code.AFTER_ORDER: remark("the order is placed, so there is no line to replace"),
    Code.NEEDS_VARIANT: remark("a variant would have to be chosen first"),
    Code.SHOWN_ELSEWHERE: remark("another placement of this page shows it"),
    Code.DUPLICATE: remark("it is offered already, for another line or as a part of a bundle"),
    Code.SAME_KIND: remark("another one of its category is offered already"),
    Code.OUTRANKED: remark("others rank higher"),
    Code.BELOW_FLOOR: remark("its discount would go below the rule's floor"),
    Code.NO_SAVING: remark("its discount would take nothing off"),
    Code.WITH_COUPON: remark("the shopper has a coupon, which its discount may not be combined with"),
    Code.NO_COMBINING: remark("its discount may not be combined with the store's own"),
    Code.OWNED: remark("the customer bought it before, and it is no consumable"),
    Code.CANNOT_GRANT: remark("its discount is limited, and this store does not ask for it when an order is placed"),
    Code.CANNOT_PRICE: remark("this store cannot give a cart line a price of its own"),
    Code.UNEVEN: remark("its discount is not the same for every unit, and a cart line has one price"),
    Code.RULE_FULL: remark("its rule has filled its places already"),
    Code.PAGE_FULL: remark("the page shows enough offers already"),
    Code.NOT_IN_MAIL: remark("a mail only shows products that go with what was bought, and leads to their pages"),
    Code.EXCLUDED: remark("the merchant keeps it out of all offers"),
    Code.SENSITIVE: remark("it, or what it would go with, is marked as sensitive"),
    Code.NOT_FITTING: remark("it has not the same attributes as the product that it must fit"),
    Code.BETTER_PRICE: remark("another rule offers it at a better price"),
    Code.SESSION_FULL: remark("enough was offered in this session"),
    Code.UNKNOWN_COST: remark("its cost is not known, and the rule's floor depends on it"),
}


class RuleCode(StrEnum):
    """Why a rule did not apply, or that it did."""

    APPLIED = "applied"
    NOT_ACTIVE = "not_active"
    SPENT = "spent"
    GOAL_MET = "goal_met"
    OTHER_PLACEMENT = "other_placement"
    OUT_OF_SEASON = "out_of_season"
    AUDIENCE = "audience"
    CONDITIONS = "conditions"
    CONSENT = "consent"
    STOPPED = "stopped"
    NOTHING_LEFT = "nothing_left"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What became of a rule in a decision. `detail` says what was in the way, or how many offers it filled."""

    rule: str
    code: RuleCode
    detail: str = ""

    @property
    def sentence(self) -> str:
        return RULE_SENTENCES[self.code].format(self.detail)


RULE_SENTENCES = {
    RuleCode.APPLIED: "It applied: {}.",
    RuleCode.NOT_ACTIVE: "It is {}, and only active rules are looked at.",
    RuleCode.SPENT: "Its limits are used up.",
    RuleCode.GOAL_MET: "Its goal is met.",
    RuleCode.OTHER_PLACEMENT: "It is for other placements: {}.",
    RuleCode.OUT_OF_SEASON: "Its schedule does not hold at this time.",
    RuleCode.AUDIENCE: "It is for other shoppers: {}.",
    RuleCode.CONDITIONS: "The cart does not meet its conditions: {}.",
    RuleCode.CONSENT: "It asks for the shopper's history, which is not used without consent: {}.",
    RuleCode.STOPPED: "The rule {} matched and stops what is below it.",
    RuleCode.NOTHING_LEFT: "It matched, but none of its products could be offered.",
}


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """Something that could be offered for one line (the trigger), not yet judged.

    Learned ones have the evidence (`affinity`) and a score summed over all lines; `rule` is the one that brought it.
    `parts`: the products of a bundle, whose `ref` is all of theirs. `beside`: a rule whose discount stands beside that
    of `rule`.
    """

    kind: Kind
    ref: str
    trigger: Line
    affinity: Affinity | None
    score: float
    rule: Rule | None = None
    parts: tuple[str, ...] = ()
    beside: Rule | None = None
    basis: Basis = Basis.PAIR

    @property
    def again(self) -> bool:
        """Whether it is a second one of what is in the cart."""
        return self.rule is not None and isinstance(self.rule.offer, Second)


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """A candidate that was not offered, and why."""

    kind: Kind
    product: str
    trigger: str
    code: Code
    rule: str = ""

    @property
    def sentence(self) -> str:
        by = f" (rule {self.rule})" if self.rule else ""
        return f"{self.kind.capitalize()} {self.product} for {self.trigger}{by} was dropped: {SENTENCES[self.code]}."


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The price of an offer, in minor units: of one unit, of one unit now (upgrades), and of accepting it.

    `normal`: what one unit costs without the rule's discount; None when there is none. `free_shipping`: the store is
    told to send it free. `variants`: discounted prices by variant. `without`: why the rule's discount is not given.
    `was`: the lowest price of the 30 days before the reduction; None when it is not known, or was no more than this.
    """

    currency: str
    unit_price: int
    quantity: int
    replaces: int | None = None
    normal: int | None = None
    free_shipping: bool = False
    variants: tuple[tuple[str, int], ...] = ()
    without: Code | None = None
    was: int | None = None

    @property
    def off(self) -> int:
        """What the discount takes off, all units together."""
        return 0 if self.normal is None else (self.normal - self.unit_price) * self.quantity

    @property
    def difference(self) -> int:
        """What one unit costs more than what it replaces; its price where nothing is replaced."""
        return self.unit_price - (self.replaces or 0)

    @property
    def total(self) -> int:
        """What accepting adds to the cart."""
        return self.difference * self.quantity


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why the shopper sees it: from what chose it, nothing else. Without evidence (`base` 0) a rule or a merchant chose
    it, unless `basis` says what else did. Of what others bought only what several did is told. `about` is a product's
    title, of an upgrade by orders their category; "" where they have none."""

    kind: Kind
    together: int
    base: int
    about: str
    again: bool = False
    basis: Basis = Basis.PAIR

    @property
    def by_people(self) -> bool:
        """Whether people of the store chose it."""
        return not self.base and self.basis is Basis.PAIR

    @property
    def sentence(self) -> Sentence:
        if self.again:
            return say("One more of what is in your cart")
        if self.basis is Basis.HABIT:
            return say("You have bought this before")
        if self.basis is Basis.ALIKE:
            return say("Suggested by past orders like yours")
        if self.basis is Basis.POPULAR:
            return say("Often bought in this store")
        about, together, base = self.about, self.together, self.base
        if not base and self.kind is Kind.UPGRADE:
            return say("Our suggestion instead of {about}", about=about)
        if not base:
            return say("Our suggestion to go with {about}", about=about)
        if self.kind is Kind.UPGRADE and not about:
            return say("Chosen in {together} of {base} orders of products like it", together=together, base=base)
        if self.kind is Kind.UPGRADE:
            return say("Chosen in {together} of {base} orders of {about}", together=together, base=base, about=about)
        return say(
            "Bought together in {together} of {base} orders with {about}", together=together, base=base, about=about
        )


class Item(msgspec.Struct, frozen=True, gc=False):
    """One of the products of a bundle, and what it costs in it."""

    product: Product
    quote: Quote


class Progress(msgspec.Struct, frozen=True, gc=False):
    """How near a cart is to a threshold, in minor units of `currency`. `reward`: "free_shipping" or "gift"."""

    reward: str
    threshold: int
    there: int
    currency: str

    @property
    def missing(self) -> int:
        return max(0, self.threshold - self.there)


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A rule's question in the shopper's language; `answers`: (key, words)."""

    rule: str
    words: str
    answers: tuple[tuple[str, str], ...]


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What is shown: the product, its quote, the true reason, and the line and product that led to it.

    `items`: the products of a bundle; `product` is then the first of them and the quote that of all together. Of a
    programme `product` is no product of the store, but what the rule says of it, and `terms` what follows. `beside`: a
    second rule whose discount is in the quote. `levels`: further steps up, to be compared with this one; any of them
    can be accepted instead. `progress`: the threshold that the offer takes the cart to.
    """

    id: str
    kind: Kind
    product: Product
    quote: Quote
    reason: Reason
    trigger: Line
    base: Product | None
    score: float
    rule: str = ""
    copy: Copy | None = None
    items: tuple[Item, ...] = ()
    terms: str = ""
    beside: str = ""
    levels: tuple[Item, ...] = ()
    progress: Progress | None = None

    @property
    def gift(self) -> bool:
        """Whether a rule takes off all that it costs."""
        return self.quote.normal is not None and self.quote.unit_price == 0

    @property
    def ref(self) -> str:
        """The product's reference; of a bundle those of all its products."""
        return "+".join([item.product.ref for item in self.items]) or self.product.ref


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The ordered offers for one placement and the trace of what was dropped; `version` is the book's.

    `rules`: what became of each rule, when it was explained. `until`: from when on a schedule may decide otherwise.
    `question`: one to ask the shopper. `reached`: a threshold that the cart has reached. `number`: the same for
    decisions of one process that look alike, 0 when that is not known. `id`: what this one is called in logs, once it
    is shown.
    """

    placement: str
    version: str
    offers: tuple[Offer, ...]
    trace: tuple[Dropped, ...]
    rules: tuple[Verdict, ...] = ()
    until: datetime | None = None
    question: Asked | None = None
    number: int = 0
    reached: Progress | None = None
    id: str = ""


def offer_id(kind: Kind, trigger: str, product: str) -> str:
    """The same offer has the same id on every page and process."""
    return blake2s(f"{kind}\0{trigger}\0{product}".encode(), digest_size=8).hexdigest()
