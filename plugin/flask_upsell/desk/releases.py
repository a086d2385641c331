"""Putting drafts live: merged into the book as it is, saved, published, and gone as drafts."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.roles import Person
from ..core.rulebook import Changes
from ..offers import Offers
from .drafts import Draft, Drafts, Part, merged


class Releases:
    """One instance's."""

    def __init__(self, drafts: Drafts, offers: Offers) -> None:
        self._drafts, self._offers = drafts, offers

    def publish(self, changes: Sequence[tuple[Draft, Part]], by: Person, why: str = "") -> Changes:
        """Raises BadInput for what does not fit among what is live."""
        book = merged(self._offers.rules.load(), changes)
        done = self._offers.rules.save(book, self._offers.clock())
        self._offers.publish_rules()
        for draft, _ in changes:
            self._drafts.drop(draft.id)
        return done
