"""What a worker's parent looks for every two seconds: work that was asked for while Redis was away, or never."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.exceptions import RedisError

from .. import faults, jobs
from ..adapters.clients import web_client
from ..adapters.parking import unpark
from ..adapters.press import Press
from ..adapters.queue import RQQueue
from ..jobs import Parts

#: How often (seconds) the parent looks for work that nobody queued.
SWEEP_SECONDS = 2.0
#: A Redis that hangs holds the sweep up no longer (seconds a command).
REDIS_SECONDS = 1.0
#: How long what happened may wait for a job; then it is folded here.
FOLD_SECONDS = 5.0
#: How often one of all parents looks for orders to follow up.
FOLLOW_UP_SECONDS = 60
#: How often one of all parents looks how old the book is, and from when on it is published again: prices must be seen
#: every day, or no reduction can say what it is measured by.
BOOK_SECONDS, BOOK_AGE = 30, timedelta(hours=20)
#: How often one of all parents asks for what is too old to be removed.
TIDY_SECONDS = 24 * 3600


class Sweep:
    """One look for work that nobody queued; it never raises."""

    def __init__(self, here: Parts, me: str) -> None:
        """`me`: the worker's name. The clients of `here` wait as long as a job may, so a sweep has its own."""
        settings, queue = here.settings, here.offers.queue
        assert isinstance(queue, RQQueue)
        self._here, self._queue, self._me = here, queue, me
        self._client = web_client(settings.queue_url, REDIS_SECONDS, "jobs")
        self._tally = web_client(settings.redis_url, REDIS_SECONDS, "tally")
        self._book = web_client(settings.redis_url, REDIS_SECONDS)
        self._press = Press(self._book, here.identifier, settings.book_keep_seconds)
        self._unparked = False
        #: Since when (monotonic seconds) something waits to be folded.
        self._waiting_since: float | None = None

    def __call__(self) -> None:
        there = self._harmless("redis_worker", self._ask)
        self._harmless("sweep", self._fold_here if there else self._fold_without_redis)

    def end(self) -> None:
        """Say that this worker is gone. Raises what redis-py raises."""
        self._queue.end(self._client, self._me)
        for client in (self._client, self._tally, self._book):
            client.close()

    def _harmless(self, reason: str, act: Callable[[], None]) -> bool:
        try:
            act()
        except (RedisError, OSError) as error:
            faults.note("redis_worker", "the worker waits for Redis: %s", error)
        except Exception as error:
            faults.note(reason, "the sweep failed: %s: %s", type(error).__name__, error)
        else:
            return True
        return False

    def _ask(self) -> None:
        here, queue = self._here, self._queue
        queue.beat(self._client, self._me)
        waits = here.offers.ledger.waiting() or here.offers.publishing.waiting()
        work_left = waits or self._tally.exists(f"{here.identifier}:{{tally}}:open")
        if work_left and self._is_first("sweep", int(SWEEP_SECONDS) + 1):
            queue.enqueue_once("fold")
        if not self._unparked:
            unpark(self._client, here.settings.queue, find_job)
            self._unparked = True
        if self._is_first("tidy", TIDY_SECONDS):
            queue.enqueue("tidy")
        if self._is_first("book", BOOK_SECONDS) and wants_book(here) and not queue.enqueue("publish", patient=True):
            self._client.delete(self._slot("book"))  # nobody was asked, so the next sweep may
        letters = here.follow_ups
        if letters is not None and self._is_first("follow_up", FOLLOW_UP_SECONDS) and letters.waiting():
            queue.enqueue("follow_up")
        if self._is_first("lint", int(SWEEP_SECONDS) + 1) and here.desk.linting.wanted():
            here.desk.linting.ask()
        # Redis may have been away, or have lost it.
        self._press.switch(here.offers.switch.state() is not None)

    def _is_first(self, work: str, seconds: int) -> bool:
        """Several workers sweep: whether this one is to ask for the work, for all of them and for so many seconds."""
        return bool(self._client.set(self._slot(work), "1", nx=True, ex=seconds))

    def _slot(self, work: str) -> str:
        return f"{self._here.identifier}:{{jobs}}:{work}"

    def _fold_here(self) -> None:
        """When jobs are not done: the child may be learning for an hour."""
        if not self._here.offers.ledger.waiting() and not self._here.offers.publishing.waiting():
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = time.monotonic()
        elif time.monotonic() - self._waiting_since >= FOLD_SECONDS:
            self._here.offers.fold()
            self._waiting_since = None

    def _fold_without_redis(self) -> None:
        """What was shown waits in Redis; what was ordered is in SQL."""
        self._waiting_since = None
        self._here.offers.ledger.fold()


def find_job(name: str) -> Callable[..., Any] | None:
    """The job of this name, as this version has it."""
    found = vars(jobs).get(name)
    return found if callable(found) and getattr(found, "__module__", "") == jobs.__name__ else None


def wants_book(here: Parts) -> bool:
    """Whether the book is of yesterday; or there is none that this version can read, though there is something to
    publish: another version's schema, or a Redis that was emptied."""
    published = here.offers.shelf.published()
    if published is not None:
        return datetime.now(UTC) - published[1] > BOOK_AGE
    last = here.offers.ledger.last_progress("learn")
    if last is not None and last.state == "done":
        return True
    # Learning that failed, or was refused, leaves what was learned before.
    return here.offers.lessons is not None and here.offers.lessons.live() is not None
