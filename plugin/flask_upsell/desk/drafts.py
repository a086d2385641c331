"""Drafts: what is written before it goes live. What is in them need not be finished; whether it can be used is asked by
`web.drafted`, which knows how rules are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ..adapters.drafts import Draft as Draft
from ..adapters.drafts import SQLDrafts
from ..core.rule import Rule
from ..core.rulebook import RuleBook
from ..core.season import Season
from ..core.words import objection
from ..errors import BadInput
from ..offers import Offers

#: What a draft becomes: a rule, a season, a ladder's steps; None for one that takes its live part away.
Part = Rule | Season | tuple[str, ...] | None
KINDS = ("rule", "season", "ladder")
#: Characters of a draft as JSON.
LONGEST = 200_000


class Drafts:
    """One instance's. Raises BadInput for what is not there, StaleError where somebody else was faster."""

    def __init__(self, kept: SQLDrafts, offers: Offers) -> None:
        self._kept, self._offers = kept, offers

    def all(self) -> list[Draft]:
        """The last saved first."""
        return self._kept.all()

    def get(self, id: str) -> Draft:
        found = self._kept.find(id)
        if found is None:
            raise BadInput("draft", objection("it was published or thrown away meanwhile"))
        return found

    def of(self, kind: str, origin: str) -> Draft | None:
        """The draft that changes this live part; there is one at most, whoever writes it."""
        return self._kept.of(kind, origin)

    def begin(self, kind: str, written: dict[str, Any], origin: str = "", *, remove: bool = False) -> Draft:
        """One for a new part, or (`origin`) for a live one, `written` as it is now: the one that is there already, when
        somebody has begun before. `remove`: to take the live part away."""
        if kind not in KINDS:
            raise BadInput("kind", objection("{kind} is none of {known}", kind=repr(kind), known=", ".join(KINDS)))
        _check(written)
        base = self._offers.rules.revision()
        return self._kept.make(kind, origin, base, written, self._offers.clock(), action="remove" if remove else "put")

    def save(self, id: str, version: int, written: dict[str, Any], note: str | None = None) -> Draft:
        """Keep what was typed, as of this `version` of the draft. A draft that waits for review is open again."""
        _check(written)
        more = {} if note is None else {"note": note[:2000]}
        return self._kept.save(id, version, self._offers.clock(), written=written, state="open", **more)

    def submit(self, id: str, version: int, note: str = "") -> Draft:
        """Ask for its review."""
        return self._kept.save(id, version, self._offers.clock(), state="review", note=note[:2000])

    def send_back(self, id: str, version: int, note: str) -> Draft:
        """Ask its author to look at it again."""
        return self._kept.save(id, version, self._offers.clock(), state="open", note=note[:2000])

    def rebase(self, id: str, version: int) -> Draft:
        """Say that it stands although its live part was changed meanwhile. Who says so is one of its writers."""
        return self._kept.save(id, version, self._offers.clock(), base=self._offers.rules.revision())

    def drop(self, id: str, version: int | None = None) -> bool:
        """Throw it away, only as it was at `version` when one is given; whether it was there. What is live stays."""
        return self._kept.drop(id, version)


def merged(book: RuleBook, changes: Iterable[tuple[Draft, Part]]) -> RuleBook:
    """The book with drafts in it, each made into the part that it will be. New ones come last; a part that a draft
    changes keeps its place, also under another name. Raises BadInput for names that are there twice, and for a part
    that is not there any more."""
    rules, seasons, ladders = list(book.rules), list(book.seasons), dict(book.ladders)
    for draft, part in changes:
        if draft.kind == "ladder":
            ladders = _with_ladder(ladders, draft, part)
        elif draft.kind == "season":
            seasons = _with(seasons, draft, part)
        else:
            rules = _with(rules, draft, part)
    return msgspec.structs.replace(book, rules=tuple(rules), seasons=tuple(seasons), ladders=ladders)


def _with(parts: list[Any], draft: Draft, part: Any) -> list[Any]:
    if not draft.origin:
        return [*parts, part] if part is not None else parts
    at = next((place for place, each in enumerate(parts) if each.name == draft.origin), None)
    if at is None:
        if part is None:
            return parts
        raise BadInput(
            draft.kind,
            objection(
                "{origin} was removed meanwhile; make a copy of this draft to keep it", origin=repr(draft.origin)
            ),
        )
    return [*parts[:at], *([part] if part is not None else []), *parts[at + 1 :]]


def _with_ladder(ladders: dict[str, tuple[str, ...]], draft: Draft, steps: Any) -> dict[str, tuple[str, ...]]:
    if draft.origin and draft.origin not in ladders and steps is not None:
        raise BadInput(
            "ladder",
            objection(
                "{origin} was removed meanwhile; make a copy of this draft to keep it", origin=repr(draft.origin)
            ),
        )
    rest = {name: each for name, each in ladders.items() if name != draft.origin}
    if steps is None:
        return rest
    if draft.name in rest:
        raise BadInput("ladders", objection("{name} is there twice", name=repr(draft.name)))
    return {**rest, draft.name: steps}


def _check(written: dict[str, Any]) -> None:
    if len(msgspec.json.encode(written)) > LONGEST:
        raise BadInput("draft", objection("it is longer than {longest} characters; split it", longest=f"{LONGEST:,}"))
