"""Jobs of a newer version: a worker that does not know one parks it, and one that does takes it up again.

While a new version is rolled out, its web processes may ask an older worker for what it has never heard of. Such a job
goes to RQ's registry of failed jobs, is marked, and stays there for a month; each worker that starts requeues what is
marked and known to it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any

from redis import Redis
from rq import Queue
from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError
from rq.job import Job

from .. import faults

#: What jobs of ours are called.
JOBS = "flask_upsell.jobs."
#: How long (seconds) a parked job waits for a worker that knows it.
KEEP_SECONDS = 30 * 86_400
MARK = "upsell_parked"

#: A job's function by its name, None when there is none.
Find = Callable[[str], Callable[..., Any] | None]


def known(job: Job, find: Find) -> bool:
    """Whether this version has the job's function and can call it with these arguments."""
    try:
        name, args, kwargs = str(job.func_name), list(job.args), dict(job.kwargs)
    except (DeserializationError, TypeError, ValueError):
        return False
    function = find(name.removeprefix(JOBS)) if name.startswith(JOBS) else None
    if function is None:
        return False
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def parker(find: Find) -> Callable[[Job, type[BaseException], BaseException, TracebackType], bool]:
    """What RQ calls when a job failed, before it writes down that it did."""

    def park(job: Job, *_: object) -> bool:
        if not known(job, find):
            faults.note("job_unknown", "job %s (%s) is parked for a newer worker", job.id, _name(job))
            job.retries_left = 0
            job.failure_ttl = KEEP_SECONDS
            job.meta[MARK] = True
            job.save_meta()  # type: ignore[no-untyped-call]
        return True

    return park


def unpark(client: Redis, name: str, find: Find) -> int:
    """Requeue what was parked and is known here; returns how many."""
    queue = Queue(name, connection=client, serializer="json")
    registry: Any = queue.failed_job_registry
    taken = 0
    for id in registry.get_job_ids(cleanup=False):
        try:
            job = Job.fetch(id, connection=client, serializer="json")
            if job.get_meta(refresh=False).pop(MARK, None) and known(job, find):
                job.save_meta()  # type: ignore[no-untyped-call]
                registry.requeue(job)
                taken += 1
        except (NoSuchJobError, InvalidJobOperation):  # it expired, or another worker was first
            continue
    return taken


def _name(job: Job) -> str:
    try:
        return str(job.func_name)
    except DeserializationError:
        return "unreadable"
