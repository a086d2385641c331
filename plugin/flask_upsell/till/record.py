"""Prices on record: what is seen of them when they are published, changed and paid, and what a product's past is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from .. import faults
from ..core.book import Book
from ..core.fairness import for_everybody
from ..core.ports import Ledger, Order, Store
from ..core.prices import KEEP, LOOK_BACK, Price, Prices, Seen, Source, differing, past
from ..core.product import Product

#: Products whose prices are looked up together when the book is published.
MOST_AT_ONCE = 500


class PriceRecord:
    """Needs the price ledger; without one nothing has a past, and no reduction says what it is measured by."""

    def __init__(
        self,
        prices: Prices | None,
        store: Store,
        ledger: Ledger,
        pseudonym: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self.prices, self.store, self.ledger = prices, store, ledger
        self.pseudonym, self.clock = pseudonym, clock

    def published(self, products: Iterable[Product]) -> Iterator[Product]:
        """The products, each with what is known of its prices; as they are now is put on record."""
        rest = iter(products)
        while chunk := list(islice(rest, MOST_AT_ONCE)):
            yield from self._with_past(chunk, Source.PUBLISHED)

    def _with_past(self, products: Sequence[Product], source: Source) -> list[Product]:
        if self.prices is None:
            return list(products)
        at = self.clock()
        self.prices.see([price for product in products for price in product.prices], at, source)
        known = self.prices.history([product.ref for product in products], at - LOOK_BACK)
        return [msgspec.structs.replace(each, past=past(known.get(each.ref, ()), each.currency)) for each in products]

    def changed(self, products: Sequence[Product]) -> list[Product]:
        """The same of products that have changed; never raises."""
        try:
            return self._with_past(products, Source.CHANGED)
        except Exception as error:  # what changed is shown, and no reduction of it says what it is measured by
            faults.note("prices", "changed prices are not on record: %s: %s", type(error).__name__, error)
            return list(products)

    def paid(self, order: Order, visitor_key: str, book: Book, connection: object) -> None:
        """What an order paid goes on record in its transaction; never raises. What was less than the store's own price
        counts as a price of the product, unless it was for a person: a customer of a declared group, or a rule that
        asks who somebody is."""
        if self.prices is None:
            return
        lines = [Price(each.product, each.variant or "", order.currency, each.unit_price) for each in order.lines]
        own = {(each.product, each.variant): each.price for ref in {each.product for each in lines}
               if (known := book.products.get(ref)) is not None for each in known.prices}  # fmt: skip
        less = differing(lines, own)
        if not less or self.store.visitor().groups:
            return
        try:
            by = {(each.product, each.unit_price): each for each in self.ledger.accepted(self.pseudonym(visitor_key))}
            at, seen = self.clock(), []
            for price in less:
                accepted = by.get((price.product, price.price))
                names = [name for name in (accepted.rule, accepted.beside) if name] if accepted is not None else []
                working = [book.rules.get(name) for name in names]
                if all(each is None or for_everybody(each.rule) for each in working):
                    rule = names[0] if names else ""
                    seen.append(
                        Seen(price.product, price.variant, price.currency, price.price, at, at, Source.ORDERED, rule)
                    )
            self.prices.order(seen, connection)
        except Exception as error:
            faults.note("prices", "what was paid is not on record: %s: %s", type(error).__name__, error)

    def tidy(self) -> None:
        """Drop what is too old to be of use."""
        if self.prices is not None:
            self.prices.tidy(self.clock() - KEEP)
