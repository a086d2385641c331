"""Drafts as they were before: each saving is a step that can be taken back, and taken again."""

from __future__ import annotations

from typing import Any

from ..adapters.drafts import Draft
from ..adapters.steps import Forms, Kept, SQLSteps
from ..errors import StaleError
from .drafts import Drafts

#: How many steps are kept of a draft.
MOST = 20


class Steps:
    """One instance's. Raises what `Drafts.save` raises."""

    def __init__(self, kept: SQLSteps, drafts: Drafts) -> None:
        self._kept, self._drafts = kept, drafts

    def can(self, id: str) -> tuple[bool, bool]:
        """Whether there is a step back, and one forth."""
        kept = self._kept.load(id)
        return bool(kept.back), bool(kept.forth)

    def save(self, id: str, version: int, written: dict[str, Any], tab: str = "") -> Draft:
        """Keep what was typed; nothing happens when it is what is there. `tab`: the page that saves. It may save what
        it has saved a moment ago itself, without having heard of that yet."""
        before = self._drafts.get(id)
        if before.written == written:
            return before
        kept = self._kept.load(id)
        try:
            made = self._drafts.save(id, version, written)
        except StaleError as error:
            if not tab or kept.tab != tab or not isinstance(error.current, Draft):
                raise
            made = self._drafts.save(id, error.current.version, written)
        self._kept.keep(id, Kept(_last(kept.back, before.written), [], tab))
        return made

    def undo(self, id: str, version: int, tab: str = "") -> Draft:
        """One step back; the draft as it is when there is none."""
        kept = self._kept.load(id)
        return self._step(id, version, kept.back, kept.forth, tab, back=True)

    def redo(self, id: str, version: int, tab: str = "") -> Draft:
        """One step forth again."""
        kept = self._kept.load(id)
        return self._step(id, version, kept.forth, kept.back, tab, back=False)

    def _step(self, id: str, version: int, these: Forms, others: Forms, tab: str, *, back: bool) -> Draft:
        now = self._drafts.get(id)
        if not these:
            return now
        try:
            made = self._drafts.save(id, version, these[-1])
        except StaleError as error:
            if not tab or self._kept.load(id).tab != tab or not isinstance(error.current, Draft):
                raise
            made = self._drafts.save(id, error.current.version, these[-1])
        rest, more = these[:-1], _last(others, now.written)
        self._kept.keep(id, Kept(rest, more, tab) if back else Kept(more, rest, tab))
        return made


def _last(forms: Forms, form: dict[str, Any]) -> Forms:
    return [*forms, form][-MOST:]
