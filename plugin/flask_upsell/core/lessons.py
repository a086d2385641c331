"""What was learned, as it is kept to be published again: by product, by member of the crowd and by customer; and the
ports to where that is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from .affinity import Affinities
from .taste import Bought, Habits, Model


class Lead(msgspec.Struct, frozen=True, array_like=True):
    """What one product leads to. `upgrades` and `complements` name those of it that have evidence of their own: what a
    merchant is asked to approve."""

    leads: Affinities
    upgrades: frozenset[str] = frozenset()
    complements: frozenset[str] = frozenset()

    @classmethod
    def proven(cls, leads: Affinities) -> Lead:
        """All of it has evidence."""
        found = [frozenset([each.consequent for each in some]) for some in (leads.upgrades, leads.complements)]
        return cls(leads, *found)


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One of the crowd. `customer`: a pseudonym; `asked_for`: products whose `buyers` name this member."""

    number: int
    customer: str
    bought: Bought
    asked_for: tuple[str, ...] = ()


class Lesson(msgspec.Struct, frozen=True):
    """One learning that is kept. `revision` is raised by each erasure; `figures` are of when it was learned."""

    id: str
    revision: int
    model: Model
    figures: dict[str, Any]


class Forgotten(msgspec.Struct, frozen=True):
    """What the live book must forget of people: `customers` are pseudonyms; `members`, numbers of the crowd of this
    `learning`, with the products whose `buyers` name them. `rows`: how many were kept of them."""

    learning: str
    customers: tuple[str, ...]
    members: Mapping[int, tuple[str, ...]] = {}
    rows: int = 0


class Lessons(Protocol):
    """Where it is kept: beside the live one, another is written and then made live at once."""

    def begin(self, run: str, at: datetime) -> str:
        """Start to write one for a run and return its id; what earlier tries of that run left goes, and what others
        left long ago."""

    def write(self, id: str, leads: Iterable[tuple[str, Lead]]) -> None:
        """Add what products lead to; a stream."""

    def write_people(self, id: str, crowd: Iterable[Member], habits: Iterable[tuple[str, Habits]]) -> None:
        """Add the crowd, and habits by pseudonym; streams."""

    def finish(self, id: str, model: Model, figures: Mapping[str, Any]) -> None:
        """Make it live; raises LearnError and changes nothing when it is not whole."""

    def drop(self, id: str) -> None:
        """Remove one that does not become live."""

    def live(self) -> Lesson | None: ...

    def leads(self, id: str) -> Iterator[tuple[str, Lead]]: ...

    def some(self, id: str, refs: Collection[str]) -> dict[str, Lead]:
        """What these lead to; those that lead to nothing are left out."""

    def crowd(self, id: str) -> Iterator[tuple[str, Bought]]:
        """By number."""

    def habits(self, id: str) -> Iterator[tuple[str, Habits]]:
        """By pseudonym."""

    def own(self, id: str, customers: Collection[str]) -> dict[str, Habits]:
        """Those of these customers whose habits were learned."""

    def forget(self, customers: Collection[str]) -> Forgotten:
        """Remove what is kept of these pseudonyms, in one transaction. One that is being written will not have them,
        whatever is still added to it."""


class Consents(Protocol):
    """Which customers (pseudonyms) agreed that their past orders are used."""

    def note(self, customer: str, given: bool, at: datetime, connection: object = None) -> bool:
        """Keep what a customer said with an order, in its transaction; whether a yes was taken back."""

    def given(self, customers: Sequence[str]) -> set[str]:
        """Those of these who agreed."""
