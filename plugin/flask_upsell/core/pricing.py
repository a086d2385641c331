"""Quote: what an offer costs in this context. The one place where an offer's price is made."""

from __future__ import annotations

from collections.abc import Sequence

from .context import Capability, Context
from .discount import apply, beside, may_combine, together
from .offer import Candidate, Code, Kind, Quote
from .product import Product
from .rule import Class, Limits, Rule

UNLIMITED = Limits()


def quote(candidate: Candidate, product: Product, context: Context) -> Quote | Code:
    """Minor units of the product's currency. An upgrade keeps its line's quantity; a complement is one unit.

    Where a rule's discount may not be given (a store that cannot price a line, a coupon, discounts that do not combine)
    the offer stands at the full price, and the quote says why. A discount that would break its floor, or would be none,
    is a reason not to offer.
    """
    line = candidate.trigger
    quantity, replaces = 1, None
    if candidate.kind is Kind.UPGRADE:
        quantity, replaces = line.quantity, line.unit_price if line.ref else None
    plain = Quote(product.currency, product.price, quantity, replaces)
    rule = candidate.rule
    if rule is None or rule.discount is None:
        return plain
    also = candidate.beside
    without = not_given(rule, context) or (not_given(also, context) if also is not None else None)
    if without is not None:
        return Quote(plain.currency, plain.unit_price, quantity, replaces, without=without)
    price = reduced(rule, product, product.price, quantity, also)
    if isinstance(price, Code):
        return price
    variants = {each.ref: reduced(rule, product, each.price, quantity, also) for each in product.variants}
    if any(isinstance(each, Code) for each in variants.values()):
        return next(each for each in variants.values() if isinstance(each, Code))
    return Quote(
        plain.currency,
        price,
        quantity,
        replaces,
        product.price if price != product.price else None,
        _ships_free(rule) or _ships_free(also),
        tuple([(ref, each) for ref, each in variants.items() if not isinstance(each, Code)]),
    )


def quote_bundle(candidate: Candidate, products: Sequence[Product], context: Context) -> tuple[Quote, ...] | Code:
    """What each product of a bundle costs in it, then all together. A discount is taken off their sum."""
    rule, currency = candidate.rule, products[0].currency
    prices = [product.price for product in products]
    plain = tuple([Quote(currency, price, 1) for price in prices])
    if rule is None or rule.discount is None:
        return (*plain, Quote(currency, sum(prices), 1))
    without = not_given(rule, context)
    if without is not None:
        return (*plain, Quote(currency, sum(prices), 1, without=without))
    reduced = together(rule.discount, prices, currency, [product.cost for product in products])
    if isinstance(reduced, Code):
        return reduced
    free = rule.discount.off.ships_free
    return tuple(
        [
            Quote(currency, price, 1, normal=normal if price != normal else None, free_shipping=free)
            for price, normal in [*zip(reduced, prices, strict=True), (sum(reduced), sum(prices))]
        ]
    )


def not_given(rule: Rule, context: Context) -> Code | None:
    """Why a rule's discount is not given in this context, whatever the product."""
    discount, cart = rule.discount, context.cart
    if discount is None:
        return None
    if Capability.LINE_PRICE not in context.capabilities and not discount.off.ships_free:
        return Code.CANNOT_PRICE
    if rule.limits != UNLIMITED and Capability.GRANT not in context.capabilities:
        return Code.CANNOT_GRANT
    # What the store takes off beside a coupon is the coupon's.
    store_classes = frozenset([Class.ORDER]) if cart.discount and not cart.coupons else frozenset[Class]()
    return may_combine(discount, coupon=bool(cart.coupons), store_classes=store_classes)


def _ships_free(rule: Rule | None) -> bool:
    return rule is not None and rule.discount is not None and rule.discount.off.ships_free


def reduced(rule: Rule, product: Product, unit_price: int, quantity: int, also: Rule | None = None) -> int | Code:
    """What one unit costs with a rule's discount, and perhaps another's beside it: from the store's price now, never
    from a discounted one."""
    if rule.discount is None:
        return unit_price
    if also is not None and also.discount is not None:
        return beside(rule.discount, also.discount, unit_price, product.currency, quantity, cost=product.cost)
    priced = apply(rule.discount, unit_price, product.currency, quantity, cost=product.cost)
    if isinstance(priced, Code):
        return priced
    price = priced.even_price
    return Code.UNEVEN if price is None else price
