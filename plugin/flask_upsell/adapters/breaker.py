"""A small in-process circuit breaker: after some failures in a row nobody waits for that backend any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Closed until `failures` in a row, then open; while open, one try each `reset` seconds finds out whether the
    backend is back.

    With a `probe`, which raises while it is not, a thread of its own tries, and no caller ever waits. Without one, the
    first caller after `reset` seconds may. Its state is a few attributes of one process: losing a race costs one more
    try, never a lock.
    """

    def __init__(
        self,
        failures: int = 3,
        reset: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        probe: Callable[[], object] | None = None,
    ) -> None:
        self._limit = failures
        self._reset = reset
        self._clock = clock
        self._failed = 0
        self._retry_at = 0.0
        self._probe = probe
        self._prober: threading.Thread | None = None
        self._ended = threading.Event()

    @property
    def open(self) -> bool:
        return self._failed >= self._limit

    def allow(self) -> bool:
        """Whether to try now. While open without a probe, a yes moves the next try `reset` seconds away."""
        if self._failed < self._limit:
            return True
        if self._probe is not None:
            # Asked again and again: a fork has no thread of its parent's.
            if self._prober is None or not self._prober.is_alive():
                self._start_probing()
            return False
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

    def close(self) -> None:
        """End the thread, if there is one."""
        self._ended.set()
        if self._prober is not None and self._prober.is_alive():
            self._prober.join(2)

    def _start_probing(self) -> None:
        self._prober = threading.Thread(target=self._try_until_it_is_back, name="upsell-probe", daemon=True)
        self._prober.start()

    def _try_until_it_is_back(self) -> None:
        assert self._probe is not None
        while self.open and not self._ended.wait(self._reset):
            try:
                self._probe()
            except Exception:  # noqa: S112 (why it is away was told when it went)
                continue
            self._failed = 0
