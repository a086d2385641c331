"""Open-loop load: requests come at their times, whatever the ones before them take, so that no stall hides another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")
#: Seconds after the last request's time: what is not answered then never will be.
HANGS = 120.0


@dataclass
class Timed(Generic[T]):
    """What came of a request, and how long after its time (seconds)."""

    got: T
    seconds: float


def open_loop(act: Callable[[int], T], number: int, per_second: float, at_once: int = 12) -> list[Timed[T]]:
    """`act(0)` … `act(number - 1)`, so many a second; what `act` raises is raised."""
    start, numbers, lock = time.perf_counter() + 0.05, count(), threading.Lock()
    done: list[Timed[T]] = []
    errors: list[BaseException] = []

    def run() -> None:
        while not errors:
            with lock:
                this = next(numbers)
            if this >= number:
                return
            due = start + this / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                got = act(this)
            except BaseException as error:
                errors.append(error)
                return
            done.append(Timed(got, time.perf_counter() - due))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    ends = start + number / per_second + HANGS
    for thread in threads:
        thread.join(max(0.0, ends - time.perf_counter()))
    assert not any(thread.is_alive() for thread in threads), f"hangs: {len(done)} of {number} were answered"
    if errors:
        raise errors[0]
    return done


def percentile(seconds: Sequence[float], share: float) -> float:
    """The smallest one that so much of all is not above."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
