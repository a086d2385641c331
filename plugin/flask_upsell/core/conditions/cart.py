"""Conditions on the cart."""

from __future__ import annotations

from typing import Any

from ..context import Line
from ..product import Product, within
from ..words import objection
from .base import Amounts, Condition, Numbers, OneOf, Scene, condition

QUANTIFIERS = ("any", "all", "none", "only", "at_least")


@condition
class Lines(Condition, frozen=True, kw_only=True):
    """Lines of the cart. A line fits when it has one of the values of each field that is given.

    `match`: any line fits; all: each of the listed values is there; none fits; only: every line fits; at_least: the
    fitting lines have `units` units together.
    """

    code = "lines"
    match: str = "any"
    units: int = 1
    product: tuple[str, ...] = ()
    variant: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    price: Amounts | None = None
    quantity: Numbers | None = None
    attribute: dict[str, tuple[str, ...]] = {}

    def fits(self, line: Line, product: Product | None, currency: str) -> bool:
        """Whether this one line has what is asked for; what is not known of a product fits nothing."""
        if self.product and line.product not in self.product:
            return False
        if self.variant and line.variant not in self.variant:
            return False
        if self.quantity is not None and not self.quantity.hold(line.quantity):
            return False
        if self.price is not None and not self.price.hold(line.unit_price, currency):
            return False
        if self.category or self.tag or self.brand or self.attribute:
            return product is not None and self._fits_product(product)
        return True

    def _fits_product(self, product: Product) -> bool:
        return (
            (not self.category or any(within(product.category, wanted) for wanted in self.category))
            and (not self.tag or any(tag in self.tag for tag in product.tags))
            and (not self.brand or product.brand in self.brand)
            and all(product.attributes.get(name) in wanted for name, wanted in self.attribute.items())
        )

    def check(self, scene: Scene) -> bool:
        currency = scene.context.cart.currency
        fitting = [each for each in scene.lines if self.fits(*each, currency)]
        if self.match == "any":
            return bool(fitting)
        if self.match == "none":
            return not fitting
        if self.match == "only":
            return bool(fitting) and len(fitting) == len(scene.lines)
        if self.match == "at_least":
            return sum(line.quantity for line, _ in fitting) >= self.units
        return (
            bool(fitting)
            and all(
                any(has(line, product, value) for line, product in fitting)
                for has, values in self._listed()
                for value in values
            )
            and all(
                any(product is not None and product.attributes.get(name) == value for _, product in fitting)
                for name, values in self.attribute.items()
                for value in values
            )
        )

    def _listed(self) -> list[tuple[Any, tuple[str, ...]]]:
        return [
            (lambda line, _, value: line.product == value, self.product),
            (lambda line, _, value: line.variant == value, self.variant),
            (lambda _, product, value: product is not None and within(product.category, value), self.category),
            (lambda _, product, value: product is not None and value in product.tags, self.tag),
            (lambda _, product, value: product is not None and product.brand == value, self.brand),
        ]

    def problems(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        if self.match not in QUANTIFIERS:
            found.append(
                ("match", objection("{match} is none of {known}", match=repr(self.match), known=", ".join(QUANTIFIERS)))
            )
        if self.units < 1:
            found.append(("units", objection("at least 1")))
        if self.units != 1 and self.match != "at_least":
            found.append(("units", objection("belongs to match: at_least")))
        given = (self.product, self.variant, self.category, self.tag, self.brand, self.attribute)
        if not any(given) and self.price is None and self.quantity is None:
            found.append(
                ("product", objection("say which lines: product, variant, category, tag, brand, price, quantity, …"))
            )
        named = ("product", "variant", "category", "tag", "brand")
        found += [(name, objection("an empty name")) for name in named if "" in getattr(self, name)]
        for name, part in (("price", self.price), ("quantity", self.quantity)):
            if part is not None:
                found += [(f"{name}.{path}", sentence) for path, sentence in part.problems()]
        return found

    def triggers(self) -> frozenset[str] | None:
        if self.match == "none":
            return None
        for mark, values in (("p:", self.product), ("b:", self.brand), ("t:", self.tag), ("c:", self.category)):
            if values:
                return frozenset([mark + value for value in values])
        return None


@condition
class Subtotal(Condition, Amounts, frozen=True, kw_only=True):
    """What the lines cost together, before discounts."""

    code = "subtotal"

    def check(self, scene: Scene) -> bool:
        return self.hold(scene.subtotal, scene.context.cart.currency)

    def problems(self) -> list[tuple[str, str]]:
        return Amounts.problems(self)


@condition
class LineCount(Condition, Numbers, frozen=True, kw_only=True):
    """How many lines there are."""

    code = "line_count"

    def check(self, scene: Scene) -> bool:
        return self.hold(sum(line.quantity > 0 for line in scene.context.anchors))

    def problems(self) -> list[tuple[str, str]]:
        return Numbers.problems(self)


@condition
class Currency(OneOf, frozen=True, kw_only=True):
    """The cart's currency."""

    code = "currency"

    def check(self, scene: Scene) -> bool:
        return scene.context.cart.currency in self.is_


@condition
class Placement(OneOf, frozen=True, kw_only=True):
    """Where on the store's pages."""

    code = "placement"

    def check(self, scene: Scene) -> bool:
        return scene.context.placement in self.is_


@condition
class Payment(OneOf, frozen=True, kw_only=True):
    """The payment method chosen, in the store's own name for it."""

    code = "payment"

    def check(self, scene: Scene) -> bool:
        return scene.context.cart.payment in self.is_


@condition
class Shipping(OneOf, frozen=True, kw_only=True):
    """The shipping method chosen, in the store's own name for it."""

    code = "shipping"

    def check(self, scene: Scene) -> bool:
        return scene.context.cart.shipping in self.is_


@condition
class Coupon(Condition, frozen=True, kw_only=True):
    """Whether the cart has a coupon; `codes`: one of these."""

    code = "coupon"
    present: bool = True
    codes: tuple[str, ...] = ()

    def check(self, scene: Scene) -> bool:
        coupons = scene.context.cart.coupons
        has = any(each in self.codes for each in coupons) if self.codes else bool(coupons)
        return has is self.present


@condition
class DiscountShare(Condition, Numbers, frozen=True, kw_only=True):
    """How many percent of the subtotal the store takes off already."""

    code = "discount_share"

    def check(self, scene: Scene) -> bool:
        cart = scene.context.cart
        whole, off = sum(line.unit_price * line.quantity for line in cart.lines), cart.discount
        low, high = self.min, self.max
        return whole > 0 and (low is None or off * 100 >= low * whole) and (high is None or off * 100 <= high * whole)

    def problems(self) -> list[tuple[str, str]]:
        given = (("min", self.min), ("max", self.max))
        above = [(name, "at most 100") for name, number in given if number is not None and number > 100]
        return [*Numbers.problems(self), *above]
