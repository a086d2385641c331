"""Decisions that are kept: when two carts are decided alike, and whose lines an upgrade then replaces."""

from __future__ import annotations

import msgspec

from .context import Capability, Cart, Line
from .offer import Decision


def same(
    placement: str,
    cart: Cart,
    anchors: tuple[Line, ...],
    declined: frozenset[str],
    elsewhere: frozenset[str],
    able: frozenset[Capability],
) -> object:
    """All that a decision depends on beside the book and this store: not who the visitor is, nor the time.

    Lines without their references: another visitor's cart of the same products is decided alike.
    """
    lines = tuple([(line.product, line.quantity, line.unit_price, line.variant) for line in anchors])
    others = () if anchors is cart.lines else frozenset([line.product for line in cart.lines])
    own = () if anchors is cart.lines else tuple([line.ref != "" for line in anchors])
    return placement, cart.currency, lines, others, own, declined, elsewhere, able


def rebound(known: tuple[Decision, tuple[Line, ...]], anchors: tuple[Line, ...]) -> Decision:
    """A kept decision for another cart of the same products in the same order: upgrades replace that cart's lines."""
    decision, before = known
    if before is anchors:
        return decision
    here = {line.ref: anchors[place] for place, line in enumerate(before)}
    offers = [msgspec.structs.replace(offer, trigger=here[offer.trigger.ref]) for offer in decision.offers]
    return Decision(decision.placement, decision.version, tuple(offers), decision.trace)
