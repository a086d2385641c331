"""How often somebody does something in a minute: counted in Redis, and in SQL where it must hold without Redis.

A minute is the last sixty seconds, nearly: what was counted in the minute of the clock before this one counts as far as
it still reaches into them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, delete, select

from .. import faults
from . import tables as t
from .breaker import Breaker
from .dialects import insert_into, start_writing

MINUTE = 60
Clock = Callable[[], float]


class RedisRates:
    """Keys `upsell:{rate}:NAME:MINUTE`, which go after two minutes; one round trip."""

    def __init__(self, web: Redis, breaker: Breaker, *, prefix: str = "upsell", clock: Clock = time.time) -> None:
        self._web, self._breaker, self._clock = web, breaker, clock
        self._root = f"{prefix}:{{rate}}:"

    def take(self, limits: Mapping[str, int]) -> int | None:
        """See core.ports.Rates; None while Redis is away."""
        if not self._breaker.allow():
            return None
        minute, second = divmod(int(self._clock()), MINUTE)
        try:
            with self._web.pipeline(transaction=False) as pipe:
                for name in limits:
                    pipe.get(f"{self._root}{name}:{minute - 1}")
                    pipe.incr(f"{self._root}{name}:{minute}")
                    pipe.expire(f"{self._root}{name}:{minute}", 2 * MINUTE)
                answers = pipe.execute()
            waits = [
                _wait(limit, int(answers[3 * place] or 0), int(answers[3 * place + 1]), second)
                for place, limit in enumerate(limits.values())
            ]
        except (RedisError, OSError, ValueError) as error:
            self._breaker.failed()
            faults.note("redis_rates", "clicks are not counted in Redis: %s", error)
            return None
        self._breaker.succeeded()
        return max(waits, default=0)


class SQLRates:
    """The same in the ledger's database."""

    def __init__(self, engine: Engine, instance: str, clock: Clock = time.time) -> None:
        self.engine, self._instance, self._clock = engine, instance, clock

    def take(self, limits: Mapping[str, int]) -> int:
        minute, second = divmod(int(self._clock()), MINUTE)
        c, longest, first = t.rates.c, 0, False
        with self.engine.begin() as connection:
            start_writing(connection)
            for name, limit in limits.items():
                row = {"instance": self._instance, "name": name, "minute": minute}
                counted = insert_into(connection, t.rates).values(**row, taken=1)
                once_more = counted.on_conflict_do_update(index_elements=list(row), set_={"taken": c.taken + 1})
                taken = connection.execute(once_more.returning(c.taken)).scalar_one()
                before = select(c.taken).where(c.instance == self._instance, c.name == name, c.minute == minute - 1)
                longest = max(longest, _wait(limit, connection.execute(before).scalar() or 0, taken, second))
                first = first or taken == 1
        if first:
            self._forget(minute)
        return longest

    def _forget(self, minute: int) -> None:
        """In a transaction of its own: what is counted already stays counted whatever comes of this."""
        try:
            with self.engine.begin() as connection:
                start_writing(connection)
                connection.execute(
                    delete(t.rates).where(t.rates.c.instance == self._instance, t.rates.c.minute < minute - 1)
                )
        except Exception as error:
            faults.note("rates", "old counts of clicks are still there: %s", error)


class BothRates:
    """See core.ports.Rates: Redis, and SQL for what must be known while Redis is away."""

    def __init__(self, redis: RedisRates, sql: SQLRates) -> None:
        self._redis, self._sql = redis, sql

    def take(self, limits: Mapping[str, int], *, surely: bool = False) -> int:
        if not limits:
            return 0
        wait = self._redis.take(limits)
        if wait is None:
            return self._sql.take(limits) if surely else 0
        return wait


def _wait(limit: int, before: int, now: int, second: int) -> int:
    """Seconds until there is room, 0 while there is: of the minute before so much counts as is left of this one."""
    if before * (MINUTE - second) // MINUTE + now <= limit:
        return 0
    if now > limit:  # then this minute must become the one before
        return MINUTE - second + MINUTE - (limit - 1) * MINUTE // now
    return max(1, MINUTE - (limit - now) * MINUTE // before - second)
