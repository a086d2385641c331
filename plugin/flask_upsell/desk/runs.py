"""What is asked for at the desk and done by a worker: looked at, cancelled, and told of while it lasts."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from ..adapters.runs import SQLRuns
from ..core.ports import Progress, Report
from ..core.words import objection
from ..errors import BadInput
from ..offers import Offers

#: Progress is written so often (seconds).
TELL_EVERY = 0.5


class Run(msgspec.Struct, frozen=True):
    """`state`: "queued", "running", "done", "failed", "cancelled", or "broken" when nobody has told of it for too long.
    `step` is what is done now (`done` of `total`), or what went wrong."""

    id: str
    state: str
    step: str
    done: int
    total: int
    started_at: datetime
    ended_at: datetime | None

    @property
    def open(self) -> bool:
        return self.state in ("queued", "running")


class Unwanted(Exception):
    """Somebody has cancelled it."""


R = TypeVar("R", bound=Run)


class Runs(ABC, Generic[R]):
    """One instance's runs of one job. A worker that said nothing for as long as `silent` is gone."""

    def __init__(self, kept: SQLRuns, offers: Offers, silent: timedelta) -> None:
        self._kept, self._offers, self._silent = kept, offers, silent

    def get(self, id: str) -> R:
        """Raises BadInput when it is not there."""
        found = self._kept.find(id)
        if found is None:
            raise BadInput("run", objection("it is gone: old ones are removed after a while"))
        return self._seen(found)

    def recent(self, most: int = 20) -> list[R]:
        """The last begun first."""
        return [self._seen(each) for each in self._kept.recent(most)]

    def cancel(self, id: str) -> bool:
        """Whether there was something to cancel. The worker sees it when it tells how far it is."""
        return self._kept.cancel(id, self._offers.clock())

    def _seen(self, found: Progress) -> R:
        figures = found.figures
        told = datetime.fromisoformat(figures["told"]) if "told" in figures else found.started_at
        broken = found.state == "running" and self._offers.clock() - told > self._silent
        return self._read(msgspec.structs.replace(found, state="broken") if broken else found)

    @abstractmethod
    def _read(self, found: Progress) -> R:
        """The run with what was asked and what came out, which only its own kind knows."""

    def _teller(self, id: str, asked: object, also: Report | None = None) -> Report:
        """Writes how far it is, each step at once, and tells it `also`; raises Unwanted."""
        told, before, asked = 0.0, "", msgspec.to_builtins(asked)

        def tell(step: str, done: int, total: int) -> None:
            nonlocal told, before
            if also is not None:
                also(step, done, total)
            if step == before and time.monotonic() - told < TELL_EVERY:
                return
            told, before = time.monotonic(), step
            figures = {"asked": asked, "told": self._offers.clock().isoformat()}
            if not self._kept.tell(id, step, done, total, figures):
                raise Unwanted

        return tell
