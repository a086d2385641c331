"""Rank: the order in which candidates are judged, and which of them get a place."""

from __future__ import annotations

from .context import Policy
from .offer import Candidate, Code, Kind
from .product import Product


def rank(candidates: list[Candidate]) -> list[Candidate]:
    """Upgrades first, then by score. Ties are broken by reference, so that a decision never flickers."""
    return sorted(candidates, key=lambda c: (c.kind is Kind.COMPLEMENT, -c.score, c.ref, c.trigger.ref))


class Places:
    """The places of one placement, filled from the best candidate down: few of each kind, different kinds of thing.

    A second complement of one category (two cases for one phone) waits until nothing else wants its place.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.chosen: list[Candidate] = []
        self.waiting: list[Candidate] = []
        self._upgraded: set[str] = set()
        self._taken: set[str] = set()
        self._categories: set[str] = set()

    @property
    def full(self) -> bool:
        return len(self.chosen) >= self.policy.max_offers

    def place(self, candidate: Candidate, product: Product) -> Code | None:
        """None when it got a place or waits for one, else why it did not."""
        if candidate.ref in self._taken:
            return Code.DUPLICATE
        if self.full:
            return Code.OUTRANKED
        if candidate.kind is Kind.UPGRADE:
            line = candidate.trigger.ref or candidate.trigger.product
            if len(self._upgraded) >= self.policy.max_upgrades or line in self._upgraded:
                return Code.OUTRANKED
            self._upgraded.add(line)
            self.chosen.append(candidate)
        elif product.category and product.category in self._categories:
            self.waiting.append(candidate)
        else:
            self._categories.add(product.category or "")
            self.chosen.append(candidate)
        self._taken.add(candidate.ref)
        return None

    def settle(self) -> list[Candidate]:
        """Give what is free to those who waited; returns those who still got none."""
        room = max(self.policy.max_offers - len(self.chosen), 0)
        self.chosen.extend(self.waiting[:room])
        return self.waiting[room:]
