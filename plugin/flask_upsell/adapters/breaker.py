"""A small in-process circuit breaker: after some failures in a row nobody waits for that backend any more."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Closed until `failures` in a row, then open; while open, one caller each `reset` seconds may try.

    Its state is a few attributes of one process: losing a race costs one more try, never a lock.
    """

    def __init__(self, failures: int = 3, reset: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._reset = reset
        self._clock = clock
        self._failed = 0
        self._retry_at = 0.0

    @property
    def open(self) -> bool:
        return self._failed >= self._limit

    def allow(self) -> bool:
        """Whether to try now. While open, a yes moves the next try `reset` seconds away."""
        if self._failed < self._limit:
            return True
        now = self._clock()
        if now < self._retry_at:
            return False
        self._retry_at = now + self._reset
        return True

    def succeeded(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        self._retry_at = self._clock() + self._reset
