"""What is known of a product: the same value from a store (live) and in the book (as published)."""

from __future__ import annotations

import msgspec

from .prices import Past, Price

#: Where a link may lead.
LINKS = ("/", "https://", "http://")


class Variant(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A size or colour. `price` in minor units of the product's currency; `stock` None means not counted."""

    ref: str
    title: str
    price: int
    stock: int | None = None


class Reviews(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What buyers say: the average of 5, how many they are, and one short quote."""

    average: float
    count: int
    quote: str = ""


class Product(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A product as the shopper would see it now.

    `price` is one unit's price in minor units of `currency`; `stock` None means not counted; `hidden` products are
    never offered; `attributes` are what people compare ("Memory": "16 GB"); `period_months` is how often `price`
    recurs (1 monthly, 12 yearly), None for things that are paid once. `category` is a path: "Garden/Grills" is within
    "Garden". `cost` is what one unit costs the store, in minor units; it never leaves the server.

    The rest is not the store's to tell: publishing fills it in. `past` comes from the price ledger, the others from the
    merchant: `excluded` products are never offered; for `sensitive` ones nothing is offered either; `fits` names
    attributes that must be the same in the line that it is offered for.
    """

    ref: str
    title: str
    price: int
    currency: str
    url: str = ""
    image: str | None = None
    category: str | None = None
    stock: int | None = None
    hidden: bool = False
    variants: tuple[Variant, ...] = ()
    attributes: dict[str, str] = {}
    period_months: int | None = None
    brand: str | None = None
    tags: tuple[str, ...] = ()
    cost: int | None = None
    reviews: Reviews | None = None
    past: Past | None = None
    excluded: bool = False
    sensitive: bool = False
    fits: tuple[str, ...] = ()

    def has(self, quantity: int) -> bool:
        """Whether `quantity` can be sold: in one of the variants where there are any."""
        if self.variants:
            return any(v.stock is None or v.stock >= quantity for v in self.variants)
        return self.stock is None or self.stock >= quantity

    @property
    def page(self) -> str:
        """Where its link leads; "" for what is no link (javascript:)."""
        return self.url if self.url.startswith(LINKS) else ""

    def variant(self, ref: str) -> Variant | None:
        return next((v for v in self.variants if v.ref == ref), None)

    @property
    def prices(self) -> list[Price]:
        """What is asked for it now, its variants each by itself; nothing while it is hidden."""
        if self.hidden:
            return []
        variants = [Price(self.ref, each.ref, self.currency, each.price) for each in self.variants]
        return [Price(self.ref, "", self.currency, self.price), *variants]


def goes_with(product: Product, base: Product | None) -> bool:
    """Whether both have the same values of all attributes that must be the same; what is not told is not the same."""
    if not product.fits:
        return True
    theirs = base.attributes if base is not None else {}
    return all(name in theirs and product.attributes.get(name) == theirs[name] for name in product.fits)


def within(category: str | None, wanted: str) -> bool:
    """Whether a category is the wanted one or one of its children."""
    return category is not None and (category == wanted or category.startswith(wanted + "/"))


def parents(category: str | None) -> list[str]:
    """A category and what it lies within: "Garden/Grills", "Garden"."""
    found, rest = [], category or ""
    while rest:
        found.append(rest)
        rest = rest.rpartition("/")[0]
    return found


def gained(base: Product, better: Product, most: int = 4) -> list[tuple[str, str, str]]:
    """What the better one has that the base has not: (attribute, old or "", new), at most `most` rows."""
    rows = [
        (name, base.attributes.get(name, ""), new)
        for name, new in better.attributes.items()
        if base.attributes.get(name) != new
    ]
    return rows[:most]
