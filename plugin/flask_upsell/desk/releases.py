"""Putting drafts live."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.roles import Person
from ..core.rulebook import Changes
from ..errors import RuleError, StaleError
from ..offers import Offers
from .drafts import Draft, Drafts, Part, merged


class Releases:
    """One instance's."""

    def __init__(self, offers: Offers, drafts: Drafts) -> None:
        self._offers, self._drafts = offers, drafts

    def publish(self, changes: Sequence[tuple[Draft, Part]], by: Person, why: str = "") -> Changes:
        """Merge them into the live book, and publish it."""
        rules = self._offers.rules
        revision = rules.revision()
        try:
            made = rules.save(merged(rules.load(), changes), self._offers.clock(), expected=revision)
        except RuleError as error:
            if error.stale:
                raise StaleError(str(error)) from error
            raise
        self._offers.publish_rules()
        for draft, _ in changes:
            self._drafts.drop(draft.id)
        return made
