"""Rank: which of the candidates, which come best first, get a place."""

from __future__ import annotations

from .context import Policy
from .offer import Candidate, Code, Kind
from .product import Product


class Places:
    """The places of one placement, filled from the best candidate down: few of each kind, each a different idea."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.chosen: list[Candidate] = []
        self._upgraded: set[str] = set()
        self._taken: set[str] = set()
        self._categories: set[str] = set()

    @property
    def full(self) -> bool:
        return len(self.chosen) >= self.policy.max_offers

    def room(self, kind: Kind) -> bool:
        """Whether a candidate of this kind could get a place at all; one that cannot need not be judged."""
        return not self.full and (kind is not Kind.UPGRADE or len(self._upgraded) < self.policy.max_upgrades)

    def place(self, candidate: Candidate, product: Product) -> Code | None:
        """None when it got a place, else why it did not."""
        if candidate.ref in self._taken:
            return Code.DUPLICATE
        if self.full:
            return Code.OUTRANKED
        if candidate.kind is Kind.UPGRADE:
            # Two upgrades of one line exclude each other.
            line = candidate.trigger.ref or candidate.trigger.product
            if len(self._upgraded) >= self.policy.max_upgrades or line in self._upgraded:
                return Code.OUTRANKED
            self._upgraded.add(line)
        elif product.category:
            if product.category in self._categories:
                return Code.SAME_KIND
            self._categories.add(product.category)
        self._taken.add(candidate.ref)
        self.chosen.append(candidate)
        return None
