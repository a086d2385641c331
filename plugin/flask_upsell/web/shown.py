"""What a placement shows, as its token remembers it and as it is counted."""

from __future__ import annotations

import msgspec

from ..core.offer import Offer, offer_id
from ..till import Piece, Wanted
from .cards import alone, choice_prices, titles


class Page(msgspec.Struct, frozen=True, array_like=True):
    """Where a widget stands: what it takes to render it again after an action. `back` is a path of this store."""

    placement: str
    products: list[str] | None = None
    back: str = ""


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """The content of a placement's token: its offers in their order. A form says which with "~" and its number.

    `decision` is what logs call the decision that they came from.
    """

    wanted: list[Wanted]
    page: Page
    decision: str = ""


class Asking(msgspec.Struct, frozen=True, array_like=True):
    """The content of a question's token: the rule that asks, and the keys of its answers."""

    rule: str
    answers: list[str]
    page: Page


def wanted(offer: Offer, page: Page) -> list[Wanted]:
    """The offer as its token remembers it, then its further levels."""
    first = _one(offer, page)
    if not offer.levels:
        return [first]
    rest = []
    for level in offer.levels:
        step = msgspec.structs.replace(offer, product=level.product, quote=level.quote)
        id = offer_id(offer.kind, offer.trigger.product, level.product.ref)
        rest.append(msgspec.structs.replace(_one(step, page), offer=id))
    every = [first, *rest]
    return [msgspec.structs.replace(one, also=[other.product for other in every if other is not one]) for one in every]


def parts(offer: Offer) -> list[str]:
    """All products that an offer shows."""
    return [item.product.ref for item in (*offer.items, *offer.levels)] + ([] if offer.items else [offer.ref])


def _one(offer: Offer, page: Page) -> Wanted:
    product, quote, line = offer.product, offer.quote, offer.trigger
    replaces = quote.replaces is not None
    return Wanted(
        offer=offer.id,
        kind=offer.kind,
        placement=page.placement,
        product=offer.ref,
        title=titles(offer),
        unit_price=quote.unit_price,
        currency=quote.currency,
        quantity=quote.quantity,
        line=line.ref if replaces else "",
        replaced=line.product if replaces else "",
        replaces=quote.replaces or 0,
        variants={each.ref: price for each, price in choice_prices(offer)} if product.variants else {},
        rule=offer.rule,
        trigger=line.product if offer.rule else "",
        beside=offer.beside,
        pieces=[
            Piece(item.product.ref, item.product.title, item.quote.unit_price, alone(item.quote))
            for item in offer.items
        ],
        months=product.period_months or 0,
    )


def counted(offer: Offer) -> list[tuple[str, ...]]:
    """(kind, product) of what an offer shows, and the rule when it came of one."""
    rule = (offer.rule,) if offer.rule else ()
    return [(offer.kind.value, product, *rule) for product in parts(offer)]
