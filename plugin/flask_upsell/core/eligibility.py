"""Judge: may this candidate be offered in this context? Every "no" has a code (offer.SENTENCES has its sentence)."""

from __future__ import annotations

from .context import Capability, Context, Policy
from .offer import Candidate, Code, Kind, Placement
from .product import Product, gained


def judge(candidate: Candidate, product: Product | None, base: Product | None, context: Context) -> Code | None:
    """None when eligible, else the first reason against it. `product` is the offered one, `base` the trigger's."""
    if product is None:
        return Code.UNKNOWN_PRODUCT
    if product.hidden:
        return Code.HIDDEN
    if product.currency != context.cart.currency:
        return Code.OTHER_CURRENCY
    if candidate.kind is Kind.UPGRADE:
        return _judge_upgrade(candidate, product, base, context)
    if not product.has(1):
        return Code.OUT_OF_STOCK
    if Capability.ADD not in context.capabilities:
        return Code.CANNOT_ADD
    return None


def _judge_upgrade(candidate: Candidate, product: Product, base: Product | None, context: Context) -> Code | None:
    line = candidate.trigger
    if context.placement == Placement.CONFIRMATION:
        return Code.AFTER_ORDER
    if line.ref and Capability.REPLACE not in context.capabilities:
        return Code.CANNOT_REPLACE
    if not line.ref and Capability.ADD not in context.capabilities:
        return Code.CANNOT_ADD
    if product.variants:
        return Code.NEEDS_VARIANT
    if not product.has(line.quantity):
        return Code.OUT_OF_STOCK
    if product.price <= line.unit_price:
        return Code.NOT_DEARER
    if not within_gap(line.unit_price, base, product, context.policy):
        return Code.PRICE_GAP
    if base is not None and base.title == product.title and not gained(base, product):
        return Code.NOTHING_GAINED
    return None


def within_gap(unit_price: int, base: Product | None, product: Product, policy: Policy) -> bool:
    """Whether the step up is small enough: at most `price_gap_percent` of the line, or `price_gap_floor` if larger.

    Recurring prices are compared per month, so that a yearly plan is judged by what a month of it costs.
    """
    now, then, scale = unit_price, product.price, 1
    if base is not None and base.period_months and product.period_months:
        now, then = now * product.period_months, then * base.period_months
        scale = base.period_months * product.period_months
    return (then - now) * 100 <= max(now * policy.price_gap_percent, policy.price_gap_floor * scale * 100)
