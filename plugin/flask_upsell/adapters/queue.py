"""Background work on RQ: JSON only, arguments are texts, every job is safe to repeat."""

from __future__ import annotations

import time
from socket import gethostname

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry

from .. import faults
from .breaker import Breaker

#: A worker says every few seconds that it lives; after this many seconds of silence it counts as gone.
HEARTBEAT_SECONDS = 15


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

    def enqueue(self, job: str, *args: str) -> str | None:
        if not self._breaker.allow():
            return None
        try:
            queued = self._queue.enqueue(
                f"flask_upsell.jobs.{job}",
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
