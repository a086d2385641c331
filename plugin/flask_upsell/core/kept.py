"""Decisions that are kept: when two contexts are decided alike, and whose lines an upgrade then replaces."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .context import Context, Line
from .offer import Decision
from .rules import RuleSet


class Kept(msgspec.Struct, frozen=True):
    """A decision with the lines it was made for and the instant."""

    decision: Decision
    anchors: tuple[Line, ...]
    at: datetime

    def holds(self, now: datetime) -> bool:
        """Whether no schedule that was looked at can have changed its answer."""
        until = self.decision.until
        return until is None or self.at <= now < until


def same(context: Context, rules: RuleSet, weighed: bool = False) -> object | None:
    """All that a decision depends on beside the book and this store; None when it cannot be kept.

    `weighed`: whether the book has a model, which asks what this customer bought before. Lines without their
    references: another visitor's cart of the same products is decided alike. Of the visitor only what rules ask for.
    """
    asked = rules.same(context)
    if asked is None:
        return None
    cart, anchors = context.cart, context.anchors
    lines = tuple([(line.product, line.quantity, line.unit_price, line.variant) for line in anchors])
    others: frozenset[str] = frozenset()
    own: tuple[bool, ...] = ()
    beside: tuple[object, ...] = ()
    if anchors is not cart.lines:
        others = frozenset([line.product for line in cart.lines])
        own = tuple([line.ref != "" for line in anchors])
    if asked:
        rest = () if anchors is cart.lines else tuple([(line.quantity, line.unit_price) for line in cart.lines])
        beside = (cart.coupons, cart.discount, cart.payment, cart.shipping, rest)
    visitor, room = context.visitor, context.room
    whose = visitor.customer if weighed and context.consent else None
    return (
        context.placement, cart.currency, lines, others, own, beside, context.declined, context.shown_elsewhere,
        context.capabilities, visitor.bought, asked, context.seen if room is not None else None, whose,
    )  # fmt: skip


def rebound(kept: Kept, anchors: tuple[Line, ...]) -> Decision:
    """A kept decision for another cart of the same products in the same order: upgrades replace that cart's lines."""
    decision, before = kept.decision, kept.anchors
    if before is anchors:
        return decision
    # Whole lines: those of products that are looked at have no reference.
    here = dict(zip(before, anchors, strict=True))
    offers = [msgspec.structs.replace(offer, trigger=here[offer.trigger]) for offer in decision.offers]
    return msgspec.structs.replace(decision, offers=tuple(offers))
