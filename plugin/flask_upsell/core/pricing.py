"""Quote: what an offer costs in this context. The one place where an offer's price is made."""

from __future__ import annotations

from .context import Line
from .offer import Kind, Quote
from .product import Product


def quote(kind: Kind, product: Product, line: Line) -> Quote:
    """Minor units of the product's currency. An upgrade keeps its line's quantity; a complement is one unit."""
    if kind is Kind.UPGRADE:
        return Quote(product.currency, product.price, line.quantity, line.unit_price if line.ref else None)
    return Quote(product.currency, product.price, 1)
