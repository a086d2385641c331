"""What a discount makes of products, one by one: the price, what it would be, and how low it may go."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

import msgspec

from ..core.discount import Priced, apply, lowest, together
from ..core.offer import Code
from ..core.product import Product
from ..core.rule import Bundle, Discount, Floor, Off, Rule
from ..core.rulebook import RuleBook
from ..offers import Offers
from .releases import Releases

#: Products that are shown when nobody chose some, and at most.
FEW, MOST = 3, 6


class Sample(msgspec.Struct, frozen=True):
    """One product, or a bundle as a whole, in minor units of `currency`. `now`: what one would cost with the discount,
    None when it takes nothing off it; `refused`: why it is not offered like that. `least`: how low its price may go, 0
    for no floor at all, None when that is not known. `cost`: what it costs the store, None when that is not known."""

    title: str
    currency: str
    price: int
    now: int | None
    least: int | None
    cost: int | None
    refused: Code | None = None

    @property
    def below_cost(self) -> bool:
        return self.now is not None and self.cost is not None and self.now < self.cost


def sample(discount: Discount, product: Product) -> Sample:
    line = apply(discount, product.price, product.currency, 1, cost=product.cost)
    bare = apply(_bare(discount), product.price, product.currency, 1, cost=None)
    least = lowest(discount.floor, product.currency, product.cost)
    return Sample(
        product.title,
        product.currency,
        product.price,
        bare.lowest if isinstance(bare, Priced) else None,
        None if isinstance(least, Code) else least,
        product.cost,
        None if isinstance(line, Priced) else line,
    )


def bundle(discount: Discount, products: Sequence[Product]) -> Sample:
    """Of one currency, at least one. A floor's price is for all of them, its cost and margin for each."""
    currency, costs = products[0].currency, [each.cost for each in products]
    prices = [each.price for each in products]
    reduced = together(discount, prices, currency, costs)
    bare = together(_bare(discount), prices, currency, costs)
    whole = lowest(Floor(price=discount.floor.price), currency, None)
    each = [lowest(msgspec.structs.replace(discount.floor, price=()), currency, cost) for cost in costs]
    known = [least for least in each if not isinstance(least, Code)]
    least = None if isinstance(whole, Code) or len(known) < len(each) else max(whole, sum(known))
    return Sample(
        " + ".join(each.title for each in products),
        currency,
        sum(prices),
        None if isinstance(bare, Code) else sum(bare),
        least,
        None if None in costs else sum(cost for cost in costs if cost is not None),
        reduced if isinstance(reduced, Code) else None,
    )


def _bare(discount: Discount) -> Discount:
    """Without its floor: what would come of it."""
    return msgspec.structs.replace(discount, floor=Floor())


class Samples:
    """Of one instance."""

    def __init__(self, offers: Offers, releases: Releases) -> None:
        self._offers, self._releases = offers, releases

    def of(self, discount: Discount, rule: Rule | None, book: RuleBook, chosen: Sequence[str] = ()) -> list[Sample]:
        """Of the products that were chosen, else of the first that the rule can offer, else of the store's first ones.
        One that the store does not have is left out."""
        if discount.off is Off.FREE_SHIPPING and discount.floor == Floor():
            return []
        if rule is not None and isinstance(rule.offer, Bundle) and not chosen:
            products = self._releases.reach(rule, book).known
            whole = len(products) == len(set(rule.offer.refs)) and len({each.currency for each in products}) == 1
            return [bundle(discount, products)] if whole else []
        found = self._chosen(chosen) if chosen else self._offered(rule, book)
        return [sample(discount, each) for each in found]

    def _chosen(self, refs: Sequence[str]) -> list[Product]:
        found: dict[str, Product] = {}
        with suppress(Exception):  # a store may raise anything
            found = {each.ref: each for each in self._offers.store.products(list(dict.fromkeys(refs))[:MOST])}
        return [found[ref] for ref in dict.fromkeys(refs) if ref in found]

    def _offered(self, rule: Rule | None, book: RuleBook) -> list[Product]:
        known = list(self._releases.reach(rule, book).known[:FEW]) if rule is not None else []
        if not known:
            with suppress(Exception):  # a store may raise anything
                known = [each for each in islice(self._offers.store.catalogue(), 20) if not each.hidden][:FEW]
        return known
