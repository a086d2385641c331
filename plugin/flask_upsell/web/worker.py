"""The worker's process: one child runs RQ's jobs; this one says that it lives, sweeps what was left, and ends with it.

The child forks for every job, so it has no thread that could hold a lock at that moment; beating and sweeping are done
by the parent. What nobody folds, because Redis is gone or the child has a long job, the parent folds itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker

from .. import faults
from ..adapters.clients import web_client, worker_client
from ..adapters.queue import RQQueue, worker_name
from ..jobs import Parts

#: How often (seconds) the parent looks for work that nobody queued.
SWEEP_SECONDS = 2.0
#: How long what happened may wait for a job; then it is folded here.
FOLD_SECONDS = 5.0
#: A Redis that hangs holds the sweep up no longer.
REDIS_SECONDS = 1.0
#: How often one of all parents looks for orders to follow up.
FOLLOW_UP_SECONDS = 60


def work(app: Flask, here: Parts, exit_with: int | None = None) -> None:
    """Run jobs until a signal, or until the process `exit_with` is gone."""
    child = multiprocessing.get_context("fork").Process(target=_run_jobs, args=(app, here, os.getpid()), daemon=False)
    child.start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    client = web_client(here.settings.redis_url, REDIS_SECONDS)
    queue = here.offers.queue
    assert isinstance(queue, RQQueue)
    me = worker_name(os.getpid())
    sweep = Sweep(here, client, queue, me)
    while not stop.is_set() and child.is_alive():
        if exit_with is not None and not alive(exit_with):
            break
        with app.app_context():
            sweep()
        stop.wait(SWEEP_SECONDS)
    with contextlib.suppress(RedisError, OSError):  # else it expires by itself
        queue.end(client, me)
    # RQ ends after its job on the first signal and at once on the second; jobs are safe to repeat.
    for _ in range(2):
        if child.is_alive():
            child.terminate()
            child.join(5)
    if child.is_alive():
        child.kill()
    sys.exit(0 if stop.is_set() else child.exitcode or 0)


class Sweep:
    """One look for work that nobody queued; it never raises."""

    def __init__(self, here: Parts, client: Redis, queue: RQQueue, me: str) -> None:
        self._here, self._client, self._queue, self._me = here, client, queue, me
        #: Since when (monotonic seconds) something waits to be folded.
        self._waiting_since: float | None = None

    def __call__(self) -> None:
        there = self._harmless("redis_worker", self._ask)
        self._harmless("sweep", self._fold_here if there else self._fold_without_redis)

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
        work_left = here.offers.ledger.waiting() or self._client.exists(f"{here.identifier}:{{tally}}:open")
        if work_left and self._is_first("sweep", int(SWEEP_SECONDS) + 1):
            queue.enqueue("fold")
        letters = here.follow_ups
        if letters is not None and self._is_first("follow_up", FOLLOW_UP_SECONDS) and letters.waiting():
            queue.enqueue("follow_up")

    def _is_first(self, work: str, seconds: int) -> bool:
        """Several workers sweep: whether this one is to ask for the work, for all of them and for so many seconds."""
        return bool(self._client.set(f"{self._here.identifier}:{{jobs}}:{work}", "1", nx=True, ex=seconds))

    def _fold_here(self) -> None:
        """When jobs are not done: the child may be learning for an hour."""
        if not self._here.offers.ledger.waiting():
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


def _run_jobs(app: Flask, here: Parts, parent: int) -> None:
    here.forked()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with app.app_context():
        while True:
            try:
                client = worker_client(here.settings.redis_url)
                # RQ blocks on the queue for minutes: its connection needs no timeout of ours.
                worker = Worker([here.settings.queue], connection=client, serializer="json")
                worker.work(logging_level="WARNING")
                return
            except (RedisError, OSError) as error:
                faults.note("redis_worker", "the worker waits for Redis: %s", error)
                time.sleep(1)


def _end_with(parent: int) -> None:
    """Killed parents cannot say goodbye: their child looks for itself."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    os._exit(1)  # between two jobs nobody listens to the signal


def alive(pid: int) -> bool:
    """Whether a process of this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
