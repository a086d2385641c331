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

from flask import Flask
from redis.exceptions import RedisError

from .. import faults
from ..adapters.audit import acting, telling
from ..adapters.clients import worker_client
from ..adapters.parking import parker
from ..adapters.queue import OurWorker, worker_name
from ..jobs import Parts
from .sweep import SWEEP_SECONDS, Sweep, find_job


def work(app: Flask, here: Parts, exit_with: int | None = None) -> None:
    """Run jobs until a signal, or until the process `exit_with` is gone."""
    child = multiprocessing.get_context("fork").Process(target=_run_jobs, args=(app, here, os.getpid()), daemon=False)
    child.start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _tell_settings(here)
    sweep = Sweep(here, worker_name(os.getpid()))
    while not stop.is_set() and child.is_alive():
        if exit_with is not None and not alive(exit_with):
            break
        with app.app_context():
            sweep()
        stop.wait(SWEEP_SECONDS)
    with contextlib.suppress(RedisError, OSError):  # else it expires by itself
        sweep.end()
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
