"""Judge: may this candidate be offered in this context? Every "no" has a code (offer.SENTENCES has its sentence)."""

from __future__ import annotations

from .context import Capability, Context, Policy
from .offer import Candidate, Code, Kind, Placement
from .product import Product, gained, goes_with
from .rule import Gap, Rule

#: The tag of products that are bought again and again.
CONSUMABLE = "consumable"


def judge(
    candidate: Candidate, product: Product | None, base: Product | None, context: Context, about: int
) -> Code | None:
    """None when eligible, else the first reason against it.

    `product` is the offered one, `base` the trigger's; `about`: what the page is about costs (`worth`).
    """
    if product is None:
        return Code.UNKNOWN_PRODUCT
    if product.hidden:
        return Code.HIDDEN
    if product.excluded:
        return Code.EXCLUDED
    if product.sensitive or (base is not None and base.sensitive):
        return Code.SENSITIVE
    if product.fits and not candidate.again and not goes_with(product, base):
        return Code.NOT_FITTING
    if product.currency != context.cart.currency:
        return Code.OTHER_CURRENCY
    # Of what is in the cart a second one is no worse for having been bought before.
    bought = context.visitor.bought if not candidate.again else None
    if bought is not None and product.ref in bought and CONSUMABLE not in product.tags and not product.period_months:
        return Code.OWNED
    if candidate.kind is Kind.UPGRADE:
        return _judge_upgrade(candidate, product, base, context)
    if context.placement == Placement.MAIL and not product.page:
        return Code.NOT_IN_MAIL
    if not product.has(2 if candidate.again else 1):
        return Code.OUT_OF_STOCK
    any_price = candidate.rule is not None and candidate.rule.any_price
    if not any_price and too_dear(product.price, about, context.policy):
        return Code.TOO_DEAR
    if Capability.ADD not in context.capabilities:
        return Code.CANNOT_ADD
    return None


def fits_mail(candidate: Candidate) -> bool:
    """Whether it is something for a mail at all: nothing can be pressed there, and there is no cart to fill up."""
    filling = candidate.rule is not None and isinstance(candidate.rule.offer, Gap)
    return candidate.kind in (Kind.COMPLEMENT, Kind.UPGRADE) and not filling


def _judge_upgrade(candidate: Candidate, product: Product, base: Product | None, context: Context) -> Code | None:
    line = candidate.trigger
    if context.placement in (Placement.CONFIRMATION, Placement.MAIL):
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
    if base is not None and base.period_months != product.period_months:
        if not same_for_longer(line.unit_price, base, product):
            return Code.OTHER_PERIOD
    elif not within_gap(line.unit_price, product.price, context.policy, candidate.rule):
        return Code.PRICE_GAP
    if base is not None and base.title == product.title and not gained(base, product):
        return Code.NOTHING_GAINED
    return None


def within_gap(now: int, then: int, policy: Policy, rule: Rule | None = None) -> bool:
    """Whether the step up is small enough: at most `price_gap_percent` of the line, or `price_gap_floor` if larger.

    A rule may have a guard of its own, or allow any price.
    """
    if rule is not None and rule.any_price:
        return True
    if rule is not None and rule.gap_percent is not None:
        return (then - now) * 100 <= now * rule.gap_percent
    return (then - now) * 100 <= max(now * policy.price_gap_percent, policy.price_gap_floor * 100)


def same_for_longer(now: int, base: Product, product: Product) -> bool:
    """Whether a plan is the same one for a longer period: a month of it costs less, but not so much less (30 %) that it
    must be something lesser. Level and period are never changed in one step."""
    if not base.period_months or not product.period_months or product.period_months <= base.period_months:
        return False
    # What both cost in the same number of months.
    stays, goes = now * product.period_months, product.price * base.period_months
    return stays * 7 <= goes * 10 and goes <= stays and stays > 0


def worth(context: Context) -> int:
    """What the page is about costs together, in minor units."""
    return sum(line.unit_price * line.quantity for line in context.anchors)


def too_dear(price: int, about: int, policy: Policy) -> bool:
    """Whether a complement costs more than `complement_times` what the page is about: no phone for a phone case."""
    times = policy.complement_times
    return bool(times and about and price > times * about)
