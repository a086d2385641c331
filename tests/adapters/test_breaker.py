"""The breaker: closed, open, one try a while, closed again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from flask_upsell.adapters.breaker import Breaker


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(failures=3, reset=1.0, clock=clock)
    for _ in range(3):
        assert breaker.allow()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(failures=3, clock=Clock())
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        assert breaker.allow() and not breaker.open
        breaker.succeeded()
    breaker.failed()
    breaker.failed()
    breaker.failed()
    assert breaker.open and not breaker.allow()


def test_while_open_one_caller_a_second_may_try() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.99
    assert not breaker.allow()
    clock.now += 0.01
    assert [breaker.allow() for _ in range(5)] == [True, False, False, False, False]
    breaker.failed()
    clock.now += 0.99
    assert not breaker.allow()
    clock.now += 0.02
    assert breaker.allow()


def test_a_try_that_never_reports_back_does_not_close_it_for_ever() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.allow()
    clock.now += 1
    assert breaker.allow()


def test_one_success_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.allow()
    breaker.succeeded()
    assert not breaker.open
    assert all(breaker.allow() for _ in range(5))


def test_many_threads_at_once_let_only_a_few_through() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    barrier, allowed = threading.Barrier(20), []

    def ask() -> None:
        barrier.wait()
        allowed.append(breaker.allow())

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= sum(allowed) <= 5


class Backend:
    """Away until it is back; counts how often it was asked, and by whom."""

    def __init__(self) -> None:
        self.back = threading.Event()
        self.asked: list[str] = []

    def __call__(self) -> None:
        self.asked.append(threading.current_thread().name)
        if not self.back.is_set():
            raise ConnectionError("away")


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_with_a_probe_no_caller_ever_tries_for_it() -> None:
    """Planted bug that it shows: `allow` returns True after `reset` seconds though there is a probe."""
    backend = Backend()
    breaker = Breaker(reset=0.01, probe=backend)
    for _ in range(3):
        assert breaker.allow()
        breaker.failed()
    assert not any(breaker.allow() for _ in range(1000))
    until(lambda: len(backend.asked) > 5)
    assert not breaker.allow()
    backend.back.set()
    until(breaker.allow)
    assert not breaker.open
    assert set(backend.asked) == {"upsell-probe"}
    breaker.failed()
    assert breaker.allow(), "it starts anew: one failure does not open it"
    breaker.close()


def test_a_fork_of_an_open_one_tries_for_itself() -> None:
    """Its parent's thread is not there. Planted bug that it shows: `is_alive` is not asked."""
    backend = Backend()
    breaker = Breaker(reset=0.01, probe=backend)
    for _ in range(3):
        breaker.failed()
    assert not breaker.allow()
    child = os.fork()
    if not child:
        backend.back.set()
        ends = time.monotonic() + 60
        while not breaker.allow() and time.monotonic() < ends:
            time.sleep(0.005)
        os._exit(0 if breaker.allow() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert not breaker.allow()
    breaker.close()


def test_a_closed_one_leaves_no_thread() -> None:
    breaker = Breaker(reset=60, probe=Backend())
    for _ in range(3):
        breaker.failed()
    assert not breaker.allow()
    breaker.close()
    assert all(thread.name != "upsell-probe" for thread in threading.enumerate())
