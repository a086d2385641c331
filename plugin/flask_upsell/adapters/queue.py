"""Background work on RQ: JSON only, arguments are texts, every job is safe to repeat."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from socket import gethostname
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rq import Queue, Retry, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job

from .. import faults
from .breaker import Breaker

#: What may be asked for: functions of flask_upsell.jobs.
JOBS = frozenset(
    {
        "learn",
        "publish",
        "amend",
        "fold",
        "follow_up",
        "tidy",
        "forget",
        "simulate",
        "import_orders",
        "lint",
        "backtest",
    }
)
_PATH = "flask_upsell.jobs."
_OURS = frozenset([_PATH + job for job in JOBS])
#: A worker says every few seconds that it lives; after this many seconds of silence it counts as gone.
HEARTBEAT_SECONDS = 15
#: A job that was asked for once and was lost on its way may be asked for again after so many seconds.
ASKED_SECONDS = 5


class OurJob(Job):
    """A job of ours and nothing else, whoever wrote it into Redis. RQ itself calls any function that a job names,
    before, in and after it, and sends what it made to any address."""

    @property
    def func(self) -> Callable[..., Any]:
        """The function to call. Raises PermissionError for what is no job of ours; RQ keeps it as a failed one."""
        name, texts = self.func_name, all(isinstance(each, str) for each in self.args)
        if name not in _OURS or self.instance or self.kwargs or not texts:
            faults.note("foreign_job", "a job that is none of ours was not run: %.100r", name)
            raise PermissionError(f"{name!r:.100} is no job of ours")
        found: Callable[..., Any] = Job.func.fget(self)  # type: ignore[attr-defined]
        return found

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:
        """See RQ. What is there but cannot be read is as if it was not: RQ's worker would end with it."""
        try:
            return super().fetch(id, connection=connection, serializer=serializer)
        except (ResponseError, ValueError, TypeError) as error:
            faults.note("foreign_job", "a job that cannot be read was not run: %s: %s", type(error).__name__, error)
            raise NoSuchJobError(id) from error

    def send_webhooks(self, *_: object, **__: object) -> None:
        """To nobody."""


class OurWorker(Worker):
    """Runs jobs of ours only; `asked_to_stop` tells why its work ended."""

    job_class = OurJob
    asked_to_stop = False

    def request_stop(self, *given: Any) -> None:
        """Hear a signal."""
        self.asked_to_stop = True
        super().request_stop(*given)  # type: ignore[no-untyped-call]


class RQQueue:
    """Enqueues `flask_upsell.jobs.<job>(identifier, *args)`."""

    def __init__(
        self, web: Redis, breaker: Breaker, *, name: str, identifier: str, patient: Redis | None = None
    ) -> None:
        self._queue = Queue(name, connection=web, serializer="json")
        self._web, self._breaker, self._identifier = web, breaker, identifier
        # Health is no page: it may wait a second on a busy machine.
        self._patient = patient or web
        self.heartbeat = f"{identifier}:{{jobs}}:workers"

    def enqueue(self, job: str, *args: str, patient: bool = False) -> str | None:
        if not patient and not self._breaker.allow():
            return None
        queue = Queue(self._queue.name, connection=self._patient, serializer="json") if patient else self._queue
        try:
            queued = queue.enqueue(
                _PATH + job,
                self._identifier,
                *args,
                retry=Retry(max=3),
                job_timeout=6 * 3600,
                result_ttl=600,
                failure_ttl=86_400,
            )
        except (RedisError, OSError) as error:
            self._breaker.failed()
            faults.note("redis_queue", "job %s is not queued, the worker's sweep will find the work: %s", job, error)
            return None
        self._breaker.succeeded()
        return str(queued.id)

    def enqueue_once(self, job: str) -> None:
        if not self._breaker.allow():
            return
        try:
            first = self._web.set(self._asked(job), "1", nx=True, ex=ASKED_SECONDS)
        except (RedisError, OSError) as error:
            self._breaker.failed()
            faults.note("redis_queue", "job %s is not queued, the worker's sweep will find the work: %s", job, error)
            return
        if first:
            self.enqueue(job)

    def begin(self, job: str) -> None:
        # Where it cannot be said it is soon forgotten.
        with suppress(RedisError, OSError):
            self._patient.delete(self._asked(job))

    def _asked(self, job: str) -> str:
        return f"{self._identifier}:{{jobs}}:asked:{job}"

    def beat(self, client: Redis, worker: str) -> None:
        """Say that this worker lives. Each has an entry of its own: one that ends takes no other's along."""
        client.zadd(self.heartbeat, {worker: time.time() + HEARTBEAT_SECONDS})
        client.expire(self.heartbeat, 2 * HEARTBEAT_SECONDS)

    def end(self, client: Redis, worker: str) -> None:
        client.zrem(self.heartbeat, worker)

    def worker_seen(self) -> bool:
        return bool(self._patient.zcount(self.heartbeat, time.time(), "+inf"))

    def depth(self) -> int:
        return int(self._patient.llen(self._queue.key))

    def hears(self, worker: str) -> bool:
        """Whether this one worker has been heard of, whoever else is."""
        return self._patient.zscore(self.heartbeat, worker) is not None


def worker_name(pid: int) -> str:
    """What the worker with this process id on this machine calls itself."""
    return f"{gethostname()}:{pid}"
