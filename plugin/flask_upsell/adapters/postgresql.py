"""How long a page waits for the ledger's PostgreSQL: no longer than `deadline.within` leaves, whatever it does.

Two bounds. The server's own (statement_timeout) ends what waits for a lock and leaves the connection as it is. A server
that hangs, or a network that swallows all, ends nothing: then this side stops waiting and drops the connection. What
was sent before may still be done when the server goes on, so whoever was waiting for a commit does not know.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from typing import Any

from sqlalchemy import Connection, Engine, event, func, select

from .deadline import budget

#: So much longer than the server this side waits (seconds), for its answer says more and costs no connection.
GRACE = 0.2
LATE = "the database did not answer in time"


def in_time(engine: Engine) -> None:
    """Bound what is asked through this engine, where psycopg is its driver; others have timeouts of their own."""
    if engine.dialect.driver != "psycopg":
        return
    import psycopg

    class InTime(psycopg.Connection[Any]):
        """Where there is no budget, as in a worker, it waits like any other."""

        def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
            page = budget()
            if page is None or page.ledger == math.inf:
                return super().wait(gen, *args, **kwargs)
            started = time.monotonic()
            try:
                return super().wait(_until(gen, started + page.ledger + GRACE), *args, **kwargs)
            except TimeoutError as error:
                self.pgconn.finish()
                raise psycopg.OperationalError(LATE) from error
            finally:
                page.ledger = max(0.0, page.ledger - (time.monotonic() - started))

    @event.listens_for(engine, "do_connect")
    def connect(dialect: object, record: object, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        page = budget()
        if page is None or page.ledger == math.inf:
            return InTime.connect(*args, **given)
        if page.ledger <= 0:
            raise psycopg.OperationalError(LATE)
        started = time.monotonic()
        try:
            # Whole seconds, and two at least: libpq's rule.
            return InTime.connect(*args, **{"connect_timeout": math.ceil(page.ledger), **given})
        finally:
            page.ledger = max(0.0, page.ledger - (time.monotonic() - started))

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        page = budget()
        if page is not None and page.ledger != math.inf:
            # Of this transaction only: a pooler may give the server's connection to somebody else after it.
            bound = str(max(1, math.ceil(page.ledger * 1000)))
            connection.execute(select(func.set_config("statement_timeout", bound, True)))


def _until(asked: Generator[Any, Any, Any], end: float) -> Generator[Any, Any, Any]:
    """The same waiting, which psycopg looks at every tenth of a second; TimeoutError at its `end`."""
    try:
        wanted = next(asked)
        while True:
            ready = yield wanted
            wanted = asked.send(ready)
            if time.monotonic() >= end:
                raise TimeoutError
    except StopIteration as done:
        return done.value
    finally:
        asked.close()
