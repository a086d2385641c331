"""The edge to the store: whatever is raised in here is counted and logged, and the store's page goes on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from math import inf
from typing import ParamSpec, TypeVar

from .. import faults
from ..adapters.deadline import within

P = ParamSpec("P")
T = TypeVar("T")

#: So many slow hooks within a minute, or so many in a row that raise, and nothing is shown for a minute.
SLOW_TIMES, RAISED_TIMES = 3, 10
MINUTE = 60.0


def harmless(reason: str, instead: T) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The decorated function returns `instead` when it raises; nothing reaches the store."""

    def wrap(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                _note(reason, function, error)
                return instead

        return guarded

    return wrap


def _note(reason: str, function: Callable[..., object], error: Exception) -> None:
    faults.note(reason, "%s failed: %s: %s", function.__qualname__, type(error).__name__, error, error=error)


class Edge:
    """The edge of one instance in one process. All that a hook asks of Redis takes `wait` seconds at most, of the
    ledger's own PostgreSQL `ledger` seconds; a hook that takes longer than `slow` seconds (0: however long) or raises,
    again and again, is not called for a minute."""

    def __init__(
        self, wait: float, slow: float, clock: Callable[[], float] = time.monotonic, *, ledger: float = inf
    ) -> None:
        self._wait, self._slow, self._clock, self._ledger = wait, slow, clock, ledger
        self._breaches: deque[float] = deque(maxlen=SLOW_TIMES)
        self._raised = 0
        self._off_until = float("-inf")

    @property
    def off(self) -> bool:
        """Whether nothing is shown for now."""
        return self._clock() < self._off_until

    def budget(self) -> AbstractContextManager[None]:
        """In here, all that is asked of Redis, or of the ledger, together may take as long as in one hook."""
        return within(self._wait, self._ledger)

    def patience(self) -> AbstractContextManager[None]:
        """In here it is the ledger alone that may take no longer than in one hook: for what is no page of the store."""
        return within(inf, self._ledger)

    def shows(
        self, reason: str, instead: T, left_out: Callable[..., None] = lambda *_, **__: None
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A hook that shows something, and so need not be called: `instead` while it is off, or when it raises.
        `left_out` is told what it was called with while it is off."""

        def wrap(function: Callable[P, T]) -> Callable[P, T]:
            @wraps(function)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
                started = self._clock()
                if started < self._off_until:
                    harmless(reason, None)(left_out)(*args, **kwargs)
                    return instead
                raised, shown = False, instead
                try:
                    with self.budget():
                        shown = function(*args, **kwargs)
                except Exception as error:
                    raised = True
                    _note(reason, function, error)
                self._took(self._clock() - started, raised)
                return shown

            return guarded

        return wrap

    def serves(self, reason: str, instead: T) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A hook that has to be called, for money hangs on it: never off."""

        def wrap(function: Callable[P, T]) -> Callable[P, T]:
            @harmless(reason, instead)
            @wraps(function)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
                with self.budget():
                    return function(*args, **kwargs)

            return guarded

        return wrap

    def _took(self, seconds: float, raised: bool) -> None:
        now = self._clock()
        self._raised = self._raised + 1 if raised else 0
        if self._slow and seconds > self._slow:
            self._breaches.append(now)
            faults.note("slow", "the offers of a page took %.3f seconds", seconds)
        often = len(self._breaches) == SLOW_TIMES and now - self._breaches[0] < MINUTE
        if often or self._raised >= RAISED_TIMES:
            self._off_until = now + MINUTE
            self._breaches.clear()
            self._raised = 0
            faults.note(
                "switched_off", "no offers for %.0f seconds: %s", MINUTE, "too slow" if often else "nothing but errors"
            )
