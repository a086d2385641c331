"""A shop with enough orders for a model, and habits planted in them. Also a worker's process that learns from it, to be
killed: `python -m tests.learned_shop DATABASE REDIS WAIT_AT`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask

from flask_upsell import MemoryStore, Product, Upsell, jobs
from flask_upsell.core.ports import OrderLine
from tests.conftest import ROOT, SECRET, migrate
from tests.web.shop import parts_of

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
THEMES, OF_EACH, CUSTOMERS, ORDERS = 8, 5, 40, 2100


def goods() -> list[Product]:
    """ "t0-0" … in eight themes of five, each of a category of its own; "milk", which many buy; "own-0" …, each one
    customer's."""
    refs = [f"t{theme}-{each}" for theme in range(THEMES) for each in range(OF_EACH)]
    refs += ["milk", *[f"own-{who}" for who in range(CUSTOMERS)]]
    return [Product(ref, ref, 1000, "EUR", url=f"/{ref}", category=f"Category of {ref}") for ref in refs]


def whom(order: int) -> str | None:
    """One order in five is nobody's."""
    return f"c{order % CUSTOMERS}" if order % 5 else None


def history(count: int = ORDERS, without: Iterable[str] = (), end: datetime = NOW) -> list[OrderLine]:
    """Two or three of a theme, often milk, and what this customer always buys. Who is in `without` is nobody."""
    dice, lines, nobody = Random(7), list[OrderLine](), set(without)
    for order in range(count):
        theme, customer = dice.randrange(THEMES), whom(order)
        refs = [f"t{theme}-{each}" for each in dice.sample(range(OF_EACH), dice.choice((2, 3)))]
        if dice.random() < 0.4:
            refs.append("milk")
        if customer is not None and dice.random() < 0.7:
            refs.append(f"own-{customer[1:]}")
        at = end - timedelta(days=1) - timedelta(hours=10 * (count - order))
        whose = None if customer in nobody else customer
        lines += [OrderLine(f"o{order:05}", ref, 1, 1000, at, whose) for ref in refs]
    return lines


def shop(lines: Iterable[OrderLine] | None = None, **more: Any) -> MemoryStore:
    return MemoryStore(goods(), orders=history() if lines is None else lines, **more)


def everybody(customers: Iterable[str]) -> list[str]:
    """All have agreed."""
    return list(customers)


def open_shop(store: MemoryStore, database: str, redis: str, **config: Any) -> Flask:
    """A shop where it is NOW and everybody agreed, unless something else is said."""
    app = Flask("learned_shop")
    app.config.update(TESTING=True, SECRET_KEY=SECRET, UPSELL_DATABASE_URL=database, UPSELL_REDIS_URL=redis)
    app.config.update({"UPSELL_CONSENTED": everybody, **config})
    Upsell(app, store=store)
    parts_of(app).offers.clock = lambda: NOW
    return app


def learn(app: Flask, *args: str) -> dict[str, Any]:
    with app.app_context():
        return jobs.learn("upsell", *args)


def learned_ledger(path: Path, redis: str, store: MemoryStore, **config: Any) -> Path:
    """A ledger in which the store's orders are learned, in one file, to be copied."""
    app = open_shop(store, f"sqlite:///{path}", redis, **config)
    here = parts_of(app)
    migrate(here.offers.ledger.engine)  # type: ignore[attr-defined]
    learn(app, "first")
    with here.offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    here.close()
    return path


class Slow(MemoryStore):
    """It says when it has given half of its catalogue away to be published, and then waits to be killed."""

    wait = False

    def catalogue(self) -> Iterator[Product]:
        for number, product in enumerate(super().catalogue()):
            if self.wait and number == 20:
                _wait()
            yield product


def _wait() -> None:
    print("here", flush=True)
    time.sleep(600)


def killed(database: str, redis: str, wait_at: str) -> None:
    """A worker's process that was killed where `main` waits."""
    command = [sys.executable, "-m", "tests.learned_shop", database, redis, wait_at]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as worker:
        assert worker.stdout is not None and worker.stdout.readline() == "here\n"
        worker.kill()


def main(database: str, redis: str, wait_at: str) -> None:
    """Learn, and wait where that is asked for: "reading" orders, "keeping" what was learned, or "publishing" it. Or
    fold orders, and wait before the step that has this name."""
    store = Slow(goods(), orders=history())
    app = open_shop(store, database, redis)
    here = parts_of(app)

    def told(step: str, done: int, total: int) -> None:
        store.wait = wait_at == "publishing" and step == "Publishing"
        if (wait_at, step) in (("reading", "Reading orders"), ("keeping", "Keeping affinities")):
            _wait()

    fresh: Any = here.offers.publishing._fresh
    for port in (fresh.recent, fresh._shelf):
        if hasattr(port, wait_at):
            setattr(port, wait_at, lambda *_: _wait())
            with app.app_context():
                jobs.fold("upsell")
    with app.app_context():
        jobs.run_learning(here, "killed", told)


if __name__ == "__main__":
    main(*sys.argv[1:])
