"""How strongly two products belong together, with the evidence that says so."""

from __future__ import annotations

from functools import cached_property

import msgspec

BILLION = 10**9
#: Orders that are added to those with a product, so that a few of them prove little.
SHRUNK = 20


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


class Affinities(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """All that leads on from one product, strongest first.

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
