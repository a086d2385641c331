"""A whole store in memory: for a store's own tests, and the reference for the contract suite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from ...core.context import Capability, Cart, Line, Visitor
from ...core.money import format_money
from ...core.ports import Done, Order, OrderLine, Refused
from ...core.product import Product


class MemoryStore:
    """Products, carts and orders in dicts. `visitor_key` says whose cart it is now; set it as a request would."""

    def __init__(
        self,
        products: Iterable[Product] = (),
        *,
        currency: str = "EUR",
        orders: Iterable[OrderLine] = (),
        visitor_key: str = "visitor",
        customer: str | None = None,
        locale: str = "en",
        capabilities: frozenset[Capability] = frozenset(Capability),
        urls: Mapping[str, str] | None = None,
    ) -> None:
        self.shelf = {product.ref: product for product in products}
        self.currency = currency
        self.past: list[OrderLine] = list(orders)
        self.placed: dict[str, Order] = {}
        self.visitor_key, self.customer, self.locale = visitor_key, customer, locale
        self.carts: dict[str, list[Line]] = {}
        #: What else is known of the visitor: the fields of `Visitor`.
        self.facts: dict[str, Any] = {}
        self.coupons: tuple[str, ...] = ()
        self._capabilities = capabilities
        self._urls = dict(urls or {})
        self._refs = count(1)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._capabilities

    def visitor(self) -> Visitor:
        return Visitor(self.visitor_key, self.customer, **self.facts)

    def cart(self, given: object = None) -> Cart:
        if isinstance(given, Cart):
            return given
        return Cart(self.currency, tuple(self._lines), self.coupons)

    @property
    def _lines(self) -> list[Line]:
        return self.carts.setdefault(self.visitor_key, [])

    def products(self, refs: Sequence[str]) -> list[Product]:
        return [self.shelf[ref] for ref in refs if ref in self.shelf]

    def add(self, product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        found = self._sellable(product, variant, quantity)
        if isinstance(found, Refused):
            return found
        line = Line(str(next(self._refs)), product, quantity, found if unit_price is None else unit_price, variant)
        self._lines.append(line)
        return Done(line.ref)

    def replace(
        self, line: str, product: str, variant: str | None, quantity: int, unit_price: int | None = None
    ) -> Done | Refused:
        place = self._place(line)
        if place is None:
            return Refused("That line is not in the cart any more.")
        found = self._sellable(product, variant, quantity)
        if isinstance(found, Refused):
            return found
        self._lines[place] = Line(line, product, quantity, found if unit_price is None else unit_price, variant)
        return Done(line)

    def remove(self, line: str) -> Done | Refused:
        place = self._place(line)
        if place is None:
            return Refused("That line is not in the cart any more.")
        del self._lines[place]
        return Done("")

    def _place(self, line: str) -> int | None:
        return next((i for i, each in enumerate(self._lines) if each.ref == line), None)

    def _sellable(self, ref: str, variant: str | None, quantity: int) -> int | Refused:
        product = self.shelf.get(ref)
        if product is None or product.hidden:
            return Refused("This product is not sold any more.")
        chosen = product.variant(variant) if variant else None
        if variant and chosen is None:
            return Refused("This choice is not sold any more.")
        stock = chosen.stock if chosen else product.stock
        if quantity < 1 or (stock is not None and stock < quantity):
            return Refused("There is not enough in stock.")
        return chosen.price if chosen else product.price

    def catalogue(self) -> Iterator[Product]:
        return iter(list(self.shelf.values()))

    def orders(self, since: datetime | None = None) -> Iterator[OrderLine]:
        return (line for line in list(self.past) if since is None or line.placed_at >= since)

    def order(self, ref: str, connection: object = None) -> Order | None:
        return self.placed.get(ref)

    def place_order(self, ref: str, at: datetime) -> Order:
        """Turn the visitor's cart into an order, as a host's checkout would."""
        order = Order(ref, self.currency, tuple(self._lines), self.customer)
        self.placed[ref] = order
        self.past.extend(
            OrderLine(ref, line.product, line.quantity, line.unit_price, at, self.customer) for line in order.lines
        )
        return order

    def empty_cart(self) -> None:
        self._lines.clear()

    def format_money(self, minor: int, currency: str) -> str:
        return format_money(minor, currency, self.locale)

    def csrf_field(self) -> str | None:
        return None

    def urls(self) -> Mapping[str, str]:
        return self._urls
