"""A process of shoppers whose orders redeem one rule at once. `test_limits` starts four.

Lines in: a job as JSON, then "go". Lines out: "ready", then as JSON the ids that were granted and committed.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Engine, event, text

from flask_upsell.adapters.dialects import start_writing
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.core.ports import Want
from flask_upsell.core.rule import Limits

#: Orders of one process that are open at once.
AT_ONCE = 5


def want(job: dict[str, Any], number: int) -> Want:
    """Of seven customers in turn, 30 cents off."""
    limits = msgspec.convert(job["limits"], Limits)
    return Want(str(number), job["rule"], limits, f"c{number % 7}", date(2026, 5, 4), 30, "EUR", f"order {number}")


def redeem(engine: Engine, job: dict[str, Any], number: int) -> str | None:
    """An order with its row and its grant in one transaction; each tenth one fails in the end and is rolled back."""
    this = want(job, number)
    with engine.connect() as connection:
        start_writing(connection)
        connection.execute(text("INSERT INTO host_placed VALUES (:ref)"), {"ref": f"{this.rule} {this.id}"})
        refused = SQLLimits(engine, "upsell").grant([this], connection)
        if number % 10 == 9:
            connection.rollback()
            return None
        connection.commit()
    return None if refused else this.id


def _patient(url: str) -> Engine:
    """SQLite lets no writer pass who came first: on a busy machine one of twenty waits for long."""
    engine = make_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=60000"))
    return engine


def main() -> None:
    engines: dict[str, Engine] = {}
    for row in sys.stdin:
        job = json.loads(row)
        engine = engines.setdefault(job["url"], _patient(job["url"]))
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        print("ready", flush=True)
        sys.stdin.readline()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            granted = list(pool.map(lambda number: redeem(engine, job, number), job["numbers"]))  # noqa: B023
        print(json.dumps([id for id in granted if id is not None]), flush=True)
        engine.dispose()


if __name__ == "__main__":
    main()
