"""What the linter says of the live rules: of few at once, of many by a worker, which looks again after each change."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from .. import faults
from ..adapters.linted import Linted, SQLLinted
from ..adapters.runs import SQLRuns
from ..core.finding import Finding
from ..core.lint import lint as lint
from ..core.ports import Progress
from ..offers import Offers

JOB = "lint"
#: Books of more rules are not compared as a whole while somebody waits.
MOST_AT_ONCE = 600
#: How often (seconds) a worker tells how far it is.
TELL_EVERY = 0.5
#: Who asked and has heard nothing for so long asks again.
PATIENCE = timedelta(minutes=10)
#: A book that is changed all the time is looked at so often in one run; the sweep asks for the rest.
ROUNDS = 5


class Told(msgspec.Struct, frozen=True):
    """`findings` of `revision`, 0 while nobody has looked yet. `current`: that is the live one, on this day; else `run`
    is how far the worker is."""

    findings: list[Finding]
    revision: int
    current: bool
    run: Progress | None = None


class _Unwanted(Exception):
    """Somebody has cancelled it."""


class Linting:
    """One instance's."""

    def __init__(self, kept: SQLLinted, runs: SQLRuns, offers: Offers) -> None:
        self._kept, self._runs, self._offers = kept, runs, offers
        self._zone = ZoneInfo(offers.zone)
        #: What was found last in this process, and of what.
        self._last: tuple[tuple[int, date] | None, list[Finding]] = (None, [])

    # --- at the desk -------------------------------------------------------------------------------------------------

    def told(self) -> Told:
        """What is known now. Of a large book that is what was stored; where it is old, a worker looks soon."""
        key = self._key()
        if self._last[0] == key:
            return Told(self._last[1], key[0], True)
        if self._kept.rules() <= MOST_AT_ONCE:
            book = self._offers.rules.load()
            self._last = (key, lint(book, zone=self._offers.zone, now=self._offers.clock()))
            return Told(self._last[1], key[0], True)
        last = self._kept.last()
        if last is not None and last.key == key:
            self._last = (key, last.findings)
            return Told(last.findings, key[0], True)
        found, revision = (last.findings, last.revision) if last is not None else ([], 0)
        return Told(found, revision, False, self._open())

    def wanted(self) -> bool:
        """Whether the worker has something to look at: many rules, that were changed or may have come to an end."""
        return self._kept.key() != self._key() and self._kept.rules() > MOST_AT_ONCE

    def ask(self) -> Progress | None:
        """Ask a worker, unless one was asked already; how far it is. None: Redis takes no work."""
        found, at = self._open(), self._offers.clock()
        if found is not None:
            return found
        id = uuid4().hex
        self._runs.begin(id, {}, at)
        if self._offers.queue.enqueue("lint", id, patient=True) is None:
            self._runs.end(id, "failed", "Redis takes no jobs", at, {})
            return None
        return self._runs.find(id)

    def _open(self) -> Progress | None:
        """The run that was asked for and is not over."""
        last = next(iter(self._runs.recent(1)), None)
        waits = last is not None and last.state in ("queued", "running")
        return last if waits and last is not None and self._offers.clock() - last.started_at < PATIENCE else None

    # --- in a worker -------------------------------------------------------------------------------------------------

    def run(self, run: str) -> dict[str, Any]:
        """Look at the rules as they are, and again at what was changed meanwhile; returns figures, {} when somebody has
        cancelled it."""
        figures: dict[str, Any] = {}
        try:
            for _ in range(ROUNDS):
                key = self._key()
                if self._kept.key() == key:
                    break
                figures = self._look(key, run)
        except _Unwanted:
            return {}
        except Exception as error:
            told = f"{type(error).__name__}: {faults.told(error)}"[:500]
            self._runs.end(run, "failed", told, self._offers.clock(), {})
            raise
        self._runs.end(run, "done", "Live", self._offers.clock(), figures, figures.get("rules", 0))
        return figures

    def _look(self, key: tuple[int, date], run: str) -> dict[str, Any]:
        book, now = self._offers.rules.load(), self._offers.clock()
        found = lint(book, zone=self._offers.zone, now=now, tell=self._telling(run))
        self._kept.keep(Linted(key[0], key[1], now, found))
        return {"rules": len(book.rules), "findings": len(found), "revision": key[0]}

    def _telling(self, run: str) -> Callable[[int, int], None]:
        told = [0.0]

        def tell(done: int, total: int) -> None:
            if done == total or time.monotonic() - told[0] >= TELL_EVERY:
                told[0] = time.monotonic()
                if not self._runs.tell(run, "comparing" if done == total else "looking", done, total, {}):
                    raise _Unwanted

        return tell

    def _key(self) -> tuple[int, date]:
        """The live book's revision, and today in the store's zone: what ended yesterday is found today."""
        return self._offers.rules.revision(), self._offers.clock().astimezone(self._zone).date()
