"""How strongly two products belong together, with the evidence that says so."""

from __future__ import annotations

from functools import cached_property

import msgspec

BILLION = 10**9
#: Orders that are added to those with a product, so that a few of them prove little.
SHRUNK = 20
#: How many numbers a taste has, signed bytes, and how long it is.
DIRECTIONS, FULL = 16, 127


class Affinity(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """From one product (the antecedent) to `consequent`.

    Complement: `together` of the `base` orders with the antecedent also had the consequent.
    Upgrade: `together` of the `base` orders in the antecedent's category had the consequent.
    `consequent_orders` of all `orders` had the consequent. `weight` is what ranking sums over a cart. `expected`: how
    many of SHRUNK orders with the antecedent would have the consequent, going by the categories of the two.
    An array in JSON: a book has millions of them.
    """

    consequent: str
    weight: float
    together: int
    base: int
    consequent_orders: int
    orders: int
    expected: float = 0.0

    @property
    def support(self) -> float:
        """Share of all orders with both."""
        return self.together / self.orders

    @property
    def confidence(self) -> float:
        """Share of the base orders that had the consequent."""
        return self.together / self.base

    @property
    def lift(self) -> float:
        """Confidence over the consequent's own share: above 1 is more than chance."""
        return self.confidence * self.orders / self.consequent_orders


def signed(vector: bytes) -> tuple[int, ...]:
    """Its numbers, -128 to 127."""
    return tuple(memoryview(vector).cast("b"))


class Turn(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How a step up is chosen by taste: it is e^(`even` + `slope` · t) times as likely, t being how alike (-1 to 1) the
    shopper's taste is and `vector`, that of those who own it."""

    even: float
    slope: float
    vector: bytes


class Affinities(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """All that leads on from one product, strongest first.

    `turns`: of upgrades, how a shopper's taste tells on them, as far as that is known.
    `buyers`: customers whose orders show how the product is bought: (number, how much it says for them). Of
    complements, what a merchant said: `approved` come first, learned or not; `rejected` are not offered for this
    product, and those of `never` not while it is there, whatever else leads to them.
    """

    upgrades: tuple[Affinity, ...] = ()
    complements: tuple[Affinity, ...] = ()
    buyers: tuple[tuple[int, float], ...] = ()
    approved: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    turns: dict[str, Turn] = {}

    @cached_property
    def evidence(self) -> dict[str, Affinity]:
        """The complements by reference."""
        return {affinity.consequent: affinity for affinity in self.complements}

    @cached_property
    def links(self) -> list[tuple[str, float, float, int]]:
        """Each complement with its weight, its shrunk share of the orders with this product, and its own orders."""
        return [
            (to.consequent, to.weight, (to.together + to.expected) / (to.base + SHRUNK), to.consequent_orders)
            for to in self.complements
        ]

    @cached_property
    def leanings(self) -> dict[str, tuple[float, float, tuple[int, ...]]]:
        """The turns as they are counted with: (even, slope of the sum over both vectors, vector)."""
        return {ref: (turn.even, turn.slope / FULL**2, signed(turn.vector)) for ref, turn in self.turns.items()}

    @property
    def base(self) -> int:
        """Orders with this product, as far as they are known."""
        return self.complements[0].base if self.complements else 0

    @cached_property
    def weights(self) -> dict[str, int]:
        """The weight of each complement in billionths, kept because every cart with this product sums them.

        Whole numbers: a sum of floats depends on the order of the lines in its last digit.
        """
        return {affinity.consequent: round(affinity.weight * BILLION) for affinity in self.complements}


NONE = Affinities()
