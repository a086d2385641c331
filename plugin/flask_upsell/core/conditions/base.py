"""What conditions are made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Flag, auto
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import msgspec

from ...errors import BadInput
from ..context import MOST_LINES, Context, Line
from ..money import Money, exponent
from ..product import Product
from ..rule import Part
from ..words import objection

C = TypeVar("C", bound="type[Condition]")


class Facet(Flag):
    """What of the context, beside the cart, a condition looks at: decisions are kept for contexts that agree in it.

    HISTORY: what the shopper did before this cart. Such a condition does not hold for who has not agreed to that.
    """

    CART = 0
    SHOPPER = auto()
    SESSION = auto()
    KEY = auto()
    CLOCK = auto()
    HISTORY = auto()


class Scene:
    """What conditions look at: the context, and what is known of the products in it.

    `until`: the first instant at which a schedule that was looked at may answer otherwise.
    """

    def __init__(self, context: Context, products: Mapping[str, Product]) -> None:
        self.context, self.products = context, products
        self.until: datetime | None = None
        # The rules that apply, each with the lines that it is about; known when the first candidate is.
        self.applying: list[Any] = []

    def hold(self, until: datetime) -> None:
        """What is decided is certain no longer than until then."""
        if self.until is None or until < self.until:
            self.until = until

    @cached_property
    def lines(self) -> list[tuple[Line, Product | None]]:
        """The (first) lines that the page is about, with their products."""
        known = self.products
        anchors = self.context.anchors[:MOST_LINES]
        return [(line, known.get(line.product)) for line in anchors if line.quantity > 0]

    @cached_property
    def subtotal(self) -> int:
        return sum(line.unit_price * line.quantity for line in self.context.anchors if line.quantity > 0)


class Condition(Part, frozen=True, kw_only=True):
    """Base of all: frozen arguments and a pure `check`."""

    code: ClassVar[str]
    looks_at: ClassVar[Facet] = Facet.CART

    def check(self, scene: Scene) -> bool:
        raise NotImplementedError

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong with the arguments: (argument, sentence)."""
        return []

    def triggers(self) -> frozenset[str] | None:
        """Keys of which a cart must have one for this to hold ("p:", "c:", "t:", "b:" and a name); None: any cart."""
        return None


CONDITIONS: dict[str, type[Condition]] = {}


def condition(cls: C) -> C:
    """Register a condition class under its code."""
    known = CONDITIONS.get(cls.code)
    if known is not None and known is not cls:
        raise BadInput(
            "code",
            objection(
                "a condition {code} exists already ({module}.{qualname})",
                code=repr(cls.code),
                module=known.__module__,
                qualname=known.__qualname__,
            ),
        )
    CONDITIONS[cls.code] = cls
    return cls


class Amounts(Part, frozen=True, kw_only=True):
    """From `min` up to and including `max`, in money: one for each currency; without one for the cart's, it fails."""

    min: tuple[Money, ...] = ()
    max: tuple[Money, ...] = ()

    def hold(self, amount: int, currency: str) -> bool:
        low = amount_in(self.min, currency)
        high = amount_in(self.max, currency)
        if (self.min and low is None) or (self.max and high is None):
            return False
        return (low is None or amount >= low) and (high is None or amount <= high)

    def problems(self) -> list[tuple[str, str]]:
        found = []
        for name, given in (("min", self.min), ("max", self.max)):
            for money in given:
                try:
                    exponent(money.currency)
                except BadInput as error:
                    found.append((name, str(error)))
                if money.amount < 0:
                    found.append((name, objection("an amount is 0 or more")))
        if not self.min and not self.max:
            found.append(("min", objection("give min, max or both")))
        for money in self.max:
            low = amount_in(self.min, money.currency)
            if low is not None and low > money.amount:
                found.append(("max", objection("is less than min in {currency}", currency=money.currency)))
        return found


class Numbers(Part, frozen=True, kw_only=True):
    """From `min` up to and including `max`."""

    min: int | None = None
    max: int | None = None

    def hold(self, number: int) -> bool:
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)

    def problems(self) -> list[tuple[str, str]]:
        if self.min is None and self.max is None:
            return [("min", objection("give min, max or both"))]
        if self.min is not None and self.max is not None and self.min > self.max:
            return [("max", objection("is less than min"))]
        return [
            (name, "a number is 0 or more")
            for name, given in (("min", self.min), ("max", self.max))
            if given is not None and given < 0
        ]


def amount_in(amounts: tuple[Money, ...], currency: str) -> int | None:
    return next((money.amount for money in amounts if money.currency == currency), None)


class OneOf(Condition, frozen=True, kw_only=True):
    """Base of those that compare one text with a list."""

    is_: tuple[str, ...] = msgspec.field(name="is")

    def problems(self) -> list[tuple[str, str]]:
        return [] if self.is_ else [("is", objection("name at least one"))]


class YesNo(Condition, frozen=True, kw_only=True):
    """Base of those that are so or not."""

    is_: bool = msgspec.field(name="is", default=True)
