"""An offer as the card that a template prints: its prices written out, its words chosen."""

from __future__ import annotations

from collections.abc import Callable

from ..core.offer import Kind, Offer
from ..core.product import Product, Variant, gained
from .view import Card, Choice, Piece

#: Where a product's link may lead; anything else (javascript:) is no link.
LINKS = ("/", "https://", "http://")
#: What chose an offer: evidence from orders, or a rule of the merchant's.
BY_ORDERS = (
    "Chosen from past orders of this store, by what you look at or have in your cart. Nobody paid for this place."
)
BY_PEOPLE = "Chosen by the people of this store to go with what you look at or have in your cart."
PERIODS = {1: "per month", 12: "per year"}

#: The store's way to write an amount (minor units) of a currency.
Money = Callable[[int, str], str]


def card(offer: Offer, token: str, key: str, money: Money) -> Card:
    product, quote, line, base = offer.product, offer.quote, offer.trigger, offer.base
    currency = quote.currency
    upgrade = offer.kind is Kind.UPGRADE
    replaces = quote.replaces is not None
    return Card(
        id=offer.id,
        kind=offer.kind.value,
        product=offer.ref,
        title=titles(offer),
        url=_link(product),
        image=product.image,
        price=money(quote.unit_price, currency),
        period=_period(product),
        quantity=quote.quantity,
        difference=_difference(offer, money) if upgrade else "",
        total=("+" if replaces else "") + money(quote.total, currency),
        reason=offer.reason.sentence,
        token=token,
        key=key,
        replaces=replaces,
        base_title=base.title if upgrade and base else line.product if upgrade else "",
        base_price=money(line.unit_price, currency) if upgrade else "",
        base_period=_period(base) if upgrade and base else "",
        base_image=base.image if upgrade and base else None,
        gained=gained(base, product) if upgrade and base else [],
        headline=offer.copy.headline if offer.copy else "",
        benefits=offer.copy.benefits if offer.copy else (),
        because=BY_ORDERS if offer.reason.base else BY_PEOPLE,
        choices=[Choice(variant.ref, variant.title, money(price, currency)) for variant, price in choice_prices(offer)],
        pieces=[
            Piece(item.product.title, _link(item.product), item.product.image, money(item.quote.unit_price, currency))
            for item in offer.items
        ],
        saving=money(quote.off, currency) if offer.items and quote.off else "",
        terms=offer.terms,
    )


def titles(offer: Offer) -> str:
    """The product's title; of a bundle all of them."""
    return " + ".join([item.product.title for item in offer.items]) or offer.product.title


def _link(product: Product) -> str:
    return product.url if product.url.startswith(LINKS) else ""


def choice_prices(offer: Offer) -> list[tuple[Variant, int]]:
    """What each choice of the product that can be bought costs in this offer."""
    own = dict(offer.quote.variants)
    choices = [variant for variant in offer.product.variants if variant.stock is None or variant.stock > 0]
    return [(variant, own.get(variant.ref, variant.price)) for variant in choices]


def _difference(offer: Offer, money: Money) -> str:
    """What one unit costs more; a longer period costs no more but less a month, and that is what is said."""
    product, base = offer.product, offer.base
    if base is not None and product.period_months and product.period_months != base.period_months:
        months = product.period_months
        return f"{money((offer.quote.unit_price + months // 2) // months, product.currency)} a month"
    return "+" + money(offer.quote.unit_price - offer.trigger.unit_price, product.currency)


def _period(product: Product) -> str:
    months = product.period_months
    return "" if not months else PERIODS.get(months, f"every {months} months")
