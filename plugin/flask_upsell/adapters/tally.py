"""What was shown, counted in this process and handed to Redis about once a second. It may vanish; money never does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from .. import faults
from ..core.ports import Shown
from .breaker import Breaker

_decode = msgspec.json.Decoder(Annotated[tuple[str, ...], msgspec.Meta(min_length=3, max_length=4)]).decode
#: More different offers than this in one second are not kept apart by anybody.
MOST_WAITING = 10_000


class RedisTally:
    """Counts what was shown; `upsell:{tally}:open` collects, batches wait to be folded into SQL."""

    def __init__(
        self,
        web: Redis,
        worker: Redis,
        breaker: Breaker,
        *,
        prefix: str = "upsell",
        every: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web, self._worker, self._breaker = web, worker, breaker
        self._open, self._batches = f"{prefix}:{{tally}}:open", f"{prefix}:{{tally}}:batches"
        self._batch = f"{prefix}:{{tally}}:batch:"
        self._every, self._clock = every, clock
        self._flushed = float("-inf")
        self._waiting: Counter[Shown] = Counter()
        self._lock = threading.Lock()

    def add(self, shown: Iterable[Shown]) -> None:
        with self._lock:
            waiting = self._waiting
            for each in shown:
                waiting[each] = waiting.get(each, 0) + 1
        if self._clock() - self._flushed >= self._every:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits, in one round trip. On failure it waits on, up to a bound."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counter()
            self._flushed = self._clock()
        if not waiting:
            return
        if self._breaker.allow():
            try:
                with self._web.pipeline(transaction=False) as pipe:
                    for shown, times in waiting.items():
                        pipe.hincrby(self._open, msgspec.json.encode(shown).decode(), times)
                    pipe.execute()
                self._breaker.succeeded()
                return
            except (RedisError, OSError) as error:
                self._breaker.failed()
                faults.note("redis_tally", "shown offers are not counted: %s", error)
        with self._lock:
            room = MOST_WAITING - len(self._waiting)
            self._waiting.update(dict(list(waiting.items())[: max(room, 0)]))

    def take(self) -> tuple[str, Mapping[Shown, int]] | None:
        """The oldest batch: one that was left by a killed worker, else all that was shown since the last one."""
        worker = self._worker
        names: list[Any] = sorted(worker.smembers(self._batches))
        if names:
            name = names[0].decode()
        else:
            name = f"{time.time_ns()}-{uuid4().hex[:8]}"
            try:
                with worker.pipeline() as pipe:
                    pipe.rename(self._open, self._batch + name)
                    pipe.sadd(self._batches, name)
                    pipe.execute()
            except ResponseError:  # nothing was shown
                worker.srem(self._batches, name)
                return None
        counts: dict[Shown, int] = {}
        for raw, times in worker.hgetall(self._batch + name).items():
            try:
                counts[_decode(raw)] = int(times)
            except (msgspec.DecodeError, ValueError) as error:
                faults.note("tally_unreadable", "a count of shown offers is not readable: %s", error)
        return name, counts

    def drop(self, batch: str) -> None:
        with self._worker.pipeline() as pipe:
            pipe.delete(self._batch + batch)
            pipe.srem(self._batches, batch)
            pipe.execute()
