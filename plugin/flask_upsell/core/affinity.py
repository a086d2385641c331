"""How strongly two products belong together, with the evidence that says so."""

from __future__ import annotations

from functools import cached_property

import msgspec

BILLION = 10**9


class Affinity(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """From one product (the antecedent) to `consequent`.

    Complement: `together` of the `base` orders with the antecedent also had the consequent.
    Upgrade: `together` of the `base` orders in the antecedent's category had the consequent.
    `consequent_orders` of all `orders` had the consequent. `weight` is what ranking sums over a cart.
    An array in JSON: a book has millions of them.
    """

    consequent: str
    weight: float
    together: int
    base: int
    consequent_orders: int
    orders: int

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
    """All that leads on from one product, strongest first."""

    upgrades: tuple[Affinity, ...] = ()
    complements: tuple[Affinity, ...] = ()

    @cached_property
    def weights(self) -> dict[str, int]:
        """The weight of each complement in billionths, kept because every cart with this product sums them.

        Whole numbers: a sum of floats depends on the order of the lines in its last digit.
        """
        return {affinity.consequent: round(affinity.weight * BILLION) for affinity in self.complements}


NONE = Affinities()
