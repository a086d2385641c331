"""Rank: which of the candidates, which come best first, get a place."""

from __future__ import annotations

from .context import Policy
from .offer import Candidate, Code, Kind


class Places:
    """The places of one placement, filled from the best candidate down: few of each kind, each a different idea."""

    def __init__(self, policy: Policy, elsewhere: int = 0) -> None:
        """`elsewhere`: how many offers other placements of the page show."""
        self.policy = policy
        self._places = min(policy.max_offers, max(0, policy.max_page - elsewhere))
        self.chosen: list[Candidate] = []
        self._upgraded: set[str] = set()
        self._taken: set[str] = set()
        self._categories: set[str] = set()
        self._filled: dict[str, int] = {}

    @property
    def full(self) -> bool:
        return len(self.chosen) >= self._places

    def no_room(self, candidate: Candidate) -> Code | None:
        """Why a candidate could not get a place whatever it is; one that cannot need not be judged."""
        if self.full:
            return Code.PAGE_FULL if len(self.chosen) < self.policy.max_offers else Code.OUTRANKED
        if candidate.kind is Kind.UPGRADE and len(self._upgraded) >= self.policy.max_upgrades:
            return Code.OUTRANKED
        rule = candidate.rule
        return Code.RULE_FULL if rule is not None and self._filled.get(rule.name, 0) >= rule.most else None

    def place(self, candidate: Candidate, category: str | None) -> Code | None:
        """None when it got a place, else why it did not. `category`: that of the product, of which one is enough."""
        refs = candidate.parts or (candidate.ref,)
        if not self._taken.isdisjoint(refs):
            return Code.DUPLICATE
        if self.full:
            return Code.OUTRANKED
        if candidate.kind is Kind.UPGRADE:
            # Two upgrades of one line exclude each other.
            line = candidate.trigger.ref or candidate.trigger.product
            if len(self._upgraded) >= self.policy.max_upgrades or (line in self._upgraded and self.policy.varied):
                return Code.OUTRANKED
            self._upgraded.add(line)
        elif category and self.policy.varied:
            # What a merchant put side by side on purpose may be of one category.
            if category in self._categories and candidate.rule is None:
                return Code.SAME_KIND
            self._categories.add(category)
        if candidate.rule is not None:
            self._filled[candidate.rule.name] = self._filled.get(candidate.rule.name, 0) + 1
        self._taken.update(refs)
        self.chosen.append(candidate)
        return None
