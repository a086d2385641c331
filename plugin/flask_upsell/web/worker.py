"""The worker's process: one child runs RQ's jobs; this one says that it lives, sweeps what was left, and ends with it.

The child forks for every job, so it has no thread that could hold a lock at that moment; beating and sweeping are done
by the parent.
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
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError

from .. import faults, jobs
from ..adapters.audit import acting, telling
from ..adapters.clients import worker_client
from ..adapters.parking import parker, unpark
from ..adapters.queue import OurWorker, RQQueue, worker_name
from ..jobs import Parts

#: How often (seconds) the parent looks for work that nobody queued.
SWEEP_SECONDS = 2.0
#: How often one of all parents looks for orders to follow up.
FOLLOW_UP_SECONDS = 60
#: How often one of all parents looks how old the book is, and from when on it is published again: prices must be seen
#: every day, or no reduction can say what it is measured by.
BOOK_SECONDS, BOOK_AGE = 30, timedelta(hours=20)
#: How often one of all parents asks for what is too old to be removed.
TIDY_SECONDS = 24 * 3600


def work(app: Flask, here: Parts, exit_with: int | None = None) -> None:
    """Run jobs until a signal, or until the process `exit_with` is gone."""
    child = multiprocessing.get_context("fork").Process(target=_run_jobs, args=(app, here, os.getpid()), daemon=False)
    child.start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    client = worker_client(here.settings.queue_url, "jobs")
    tally = worker_client(here.settings.redis_url, "tally")
    _tell_settings(here)
    queue = here.offers.queue
    assert isinstance(queue, RQQueue)
    me = worker_name(os.getpid())
    unparked = False
    while not stop.is_set() and child.is_alive():
        if exit_with is not None and not alive(exit_with):
            break
        try:
            queue.beat(client, me)
            work_left = here.offers.ledger.waiting() or tally.exists(f"{here.identifier}:{{tally}}:open")
            if work_left and _is_first(client, here, "sweep", int(SWEEP_SECONDS) + 1):
                queue.enqueue("fold")
            if _is_first(client, here, "tidy", TIDY_SECONDS):
                queue.enqueue("tidy")
            if not unparked:
                unpark(client, here.settings.queue, find_job)
                unparked = True
            if _is_first(client, here, "book", BOOK_SECONDS) and wants_book(here):
                queue.enqueue("publish")
            letters = here.follow_ups
            if letters is not None and _is_first(client, here, "follow_up", FOLLOW_UP_SECONDS) and letters.waiting():
                queue.enqueue("follow_up")
            here.offers.keep_switch()
        except (RedisError, OSError) as error:
            faults.note("redis_worker", "the worker waits for Redis: %s", error)
        except Exception as error:
            faults.note("sweep", "the sweep failed: %s: %s", type(error).__name__, error)
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


def _tell_settings(here: Parts) -> None:
    """Write into the audit what this worker does by which settings, where they changed."""
    try:
        with acting("worker"):
            here.audit.note_settings(telling(here.settings))
    except Exception as error:
        faults.note("audit", "the settings are not in the audit: %s", type(error).__name__)


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
    return last is not None and last.state == "done"


def _is_first(client: Redis, here: Parts, work: str, seconds: int) -> bool:
    """Several workers sweep: whether this one is to ask for the work, for all of them and for so many seconds."""
    return bool(client.set(f"{here.identifier}:{{jobs}}:{work}", "1", nx=True, ex=seconds))


def _run_jobs(app: Flask, here: Parts, parent: int) -> None:
    here.forked()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    park = parker(find_job)
    with app.app_context():
        while True:
            try:
                client = worker_client(here.settings.queue_url, "jobs")
                # RQ blocks on the queue for minutes: its connection needs no timeout of ours.
                worker = OurWorker(
                    [here.settings.queue], connection=client, serializer="json", exception_handlers=[park]
                )
                worker.work(logging_level="WARNING")
                if worker.asked_to_stop:
                    return
                faults.note("worker", "RQ's worker ended by itself, and begins again")
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
