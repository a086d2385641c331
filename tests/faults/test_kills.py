"""Processes and backends are killed at random while shoppers order: what was ordered is counted, once.

The victims: web processes, a worker, RQ in it and the work-horse that runs a job, Valkey (its data gone or kept), and
PostgreSQL. All are started again at once. The truth is the store's own: orders whose lines have the offer at its price.
Who shopped with a process that was killed comes again, presses the button again and orders, as shoppers do.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.core.rule import Limits
from flask_upsell.web.worker import alive
from tests.conftest import migrate
from tests.faults.backends import Postgres, Server, lives, own_postgres, own_valkey
from tests.faults.load import percentile
from tests.faults.small_store import CartLine, Order, OrderLine, Shop, prepare, rule
from tests.faults.sql_shop import Shopper, close_shop, ledger_of, parts_of, put_up, sql_shop

ROOT = Path(__file__).parents[2]
Figure = Callable[[str, object, str], None]
PROCESSES = ("web", "web again", "worker")
#: Valkey is twice in it: with its data, and without.
VICTIMS = (*PROCESSES, "rq", "horse", "valkey", "empty valkey")
#: Seconds until something must have happened, on a busy machine too.
PATIENCE = 120
#: How long until an order is counted (seconds), of 99 in 100.
LAG = 15.0


def children(pid: int) -> list[int]:
    """Ids of the processes that this one started and that have not ended."""
    with suppress(OSError):
        return list(filter(lives, map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())))
    return []


class Running:
    """Two web processes and a worker; each is started again when it was killed."""

    def __init__(self, url: str, valkey: Server, postgres: Postgres | None, chance: random.Random) -> None:
        self._valkey, self._postgres, self._chance = valkey, postgres, chance
        self.began: set[str] = set()
        self.offered: set[str] = set()
        self._acts: Counter[int] = Counter()
        self.killed: Counter[str] = Counter()
        self._pids: queue.Queue[int] = queue.Queue()
        command = [sys.executable, "-m", "tests.faults.kills_worker", url, valkey.url]
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed with the rest)
        self._nursery = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True, cwd=ROOT
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        self._groups: list[int] = []
        self._made: dict[str, int] = {}

    def start(self) -> None:
        for name in PROCESSES:
            self._made[name] = self._start(name)

    def _listen(self) -> None:
        assert self._nursery.stdout is not None
        for row in self._nursery.stdout:
            said = json.loads(row)
            if "child" in said:
                self._pids.put(said["child"])
            else:
                self.began |= {said["began"]} if "began" in said else set()
                self.offered |= {said["offered"]} if "offered" in said else set()
                self._acts[said.get("acts", 0)] += 1

    def _start(self, name: str) -> int:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(name.split()[0] + "\n")
        self._nursery.stdin.flush()
        pid = self._pids.get(timeout=120)
        self._groups.append(pid)
        return pid

    def kill(self, name: str, *, patient: bool) -> None:
        """When somebody has begun to shop since the last time; `patient`: and was offered something, which takes its
        time after Valkey was emptied."""
        seen = self.offered if patient else self.began
        before = len(seen)
        self.wait(lambda: len(seen) > before, "nobody shops")
        if name.startswith("web"):
            self._wait_for_act(self._made[name])
        time.sleep(self._chance.uniform(0, 0.05))
        if name == "postgresql":
            assert self._postgres is not None
            self._postgres.kill()
            self._postgres.restart()
        elif name.endswith("valkey"):
            self._valkey.kill()
            if name.startswith("empty"):
                self._valkey.lose()
            self._valkey.start()
        elif name in PROCESSES:
            with suppress(ProcessLookupError):
                os.kill(self._made[name], signal.SIGKILL)
            self._made[name] = self._start(name)
        else:
            self._kill_below_worker(horse=name == "horse")
        self.killed[name] += 1

    def _wait_for_act(self, pid: int) -> None:
        before = self._acts[pid]
        self.wait(lambda: self._acts[pid] > before or not alive(pid), "nobody clicks or orders")

    def _kill_below_worker(self, *, horse: bool) -> None:
        """RQ, or its child that runs a job just then: of a worker that is there, for the old one ends with its RQ."""

        def kill_it() -> bool:
            victims = children(self._made["worker"])
            if horse:
                victims = [below for each in victims for below in children(each)]
                time.sleep(self._chance.uniform(0, 0.03) if victims else 0)
            for victim in filter(lives, victims):
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    return True
            return False

        self.wait(kill_it, "the worker does nothing")

    def wait(self, true: Callable[[], object], what: str) -> None:
        """Until it is true. A worker whose RQ was killed ends by itself, and is started again in the meantime."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, what
            if not alive(self._made["worker"]):
                self._made["worker"] = self._start("worker")
            time.sleep(0.001)  # a horse lives for a hundredth of a second

    def end(self, *names: str) -> None:
        for name in names:
            with suppress(ProcessLookupError):
                os.kill(self._made[name], signal.SIGKILL)

    def close(self) -> None:
        if self._said.closed:
            return
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self._groups.clear()
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        self._nursery.wait(60)
        self._listening.join(60)
        assert self._nursery.stdout is not None
        self._nursery.stdout.close()
        # Shown when the test fails.
        self._said.seek(0)
        print(*deque(self._said, 200), sep="")
        self._said.close()


class Lag:
    """Looks again and again which orders are there, and which of them are in the counts."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self._ended = threading.Event()
        self._ordered: dict[str, float] = {}
        self._counted: dict[str, float] = {}
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        offered = select(OrderLine.number).where(OrderLine.sku == "cup", OrderLine.price == 1800)
        # A row is marked in the transaction in which it is added to the counts.
        counted = select(t.outbox.c.event).where(
            t.outbox.c.event.startswith("order:"), t.outbox.c.folded_at.is_not(None)
        )
        ended = False
        while not ended:
            ended = self._ended.wait(0.03)
            with suppress(SQLAlchemyError), self._engine.connect() as connection:
                # What is counted is asked first: then its order is there.
                done, now = connection.execute(counted).scalars().all(), time.monotonic()
                for number in connection.execute(offered).scalars():
                    self._ordered.setdefault(number, now)
                for event in done:
                    self._counted.setdefault(event.removeprefix("order:"), now)

    def close(self) -> list[float]:
        """Seconds, of each order that had the offer and is counted."""
        self._ended.set()
        self._thread.join(30)
        self._engine.dispose()
        return [max(0.0, self._counted[each] - at) for each, at in self._ordered.items() if each in self._counted]


def come_again(app: Flask, url: str) -> None:
    """Those whose order is not there: half a minute later they press again and order."""
    first = Shop(url, "product", visitor="nobody")
    first.wait()
    with first.reading() as session:
        left = set(session.scalars(select(CartLine.cart)))
        assert not left & set(session.scalars(select(Order.number))), "an order took its cart along"
    first.close()
    for visitor in sorted(left):
        shopper = Shopper(app, visitor)
        shopper.accept()
        assert shopper.order() == 200


class Kept(NamedTuple):
    """Order numbers, each as often as it is there."""

    offered: Counter[str]  # orders that have the offer at its price
    cancelled: Counter[str]  # those of them that were cancelled
    converted: Counter[str]
    redeemed: Counter[str]  # and not released


def kept(engine: Engine) -> Kept:
    """What the store has, and what the ledger has of it."""
    offered = select(Order.number).join(OrderLine, OrderLine.number == Order.number)
    offered = offered.where(OrderLine.sku == "cup", OrderLine.price == 1800)
    r = t.redemptions.c
    queries = (
        offered,
        offered.where(Order.cancelled),
        select(t.conversions.c.order_ref),
        select(r.order_ref).where(r.released_at.is_(None)),
    )
    with engine.connect() as connection:
        return Kept(*[Counter(connection.execute(query).scalars()) for query in queries])


def left_undoing(engine: Engine) -> list[str]:
    """Undos that are begun and neither ended nor made up for: the same was accepted again, and ordered. Whose process
    died after the line was taken out is ended when the shopper comes again."""
    a, other = t.acceptances.c, t.acceptances.alias().c
    again = select(other.id).where(other.visitor == a.visitor, other.product == a.product, other.state == "ordered")
    with engine.connect() as connection:
        return list(connection.execute(select(a.id).where(a.state == "undoing", ~again.exists())).scalars())


def happened(engine: Engine) -> Counter[str]:
    """What all rows of the outbox add up to."""
    sums: Counter[str] = Counter()
    with engine.connect() as connection:
        for counts in connection.execute(select(t.outbox.c.counts)).scalars():
            for count in counts:
                sums.update({name: count[name] for name in t.COUNTED if count.get(name)})
    return sums


@contextmanager
def prepared(url: str, valkey: Server) -> Iterator[Flask]:
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
    prepare(url)
    app = sql_shop(url, valkey.url)
    put_up(app, [rule("product", Limits(total=10**6))])
    yield app
    close_shop(app)


def run(
    url: str, victims: list[str], figure: Figure, postgres: Postgres | None = None, *, patient: bool
) -> list[float]:
    """Kill these in turn; seconds from each order until it was counted."""
    with ExitStack() as stack:
        valkey = stack.enter_context(own_valkey(appendonly="yes"))
        # It loads while the tables are made.
        running = Running(url, valkey, postgres, random.Random(20261122))
        stack.callback(running.close)
        app = stack.enter_context(prepared(url, valkey))
        ledger = ledger_of(app)
        lag = Lag(url)
        try:
            running.start()
            for victim in victims:
                running.kill(victim, patient=patient)
            running.end("web", "web again")
            running.wait(lambda: not ledger.waiting(), "the worker does not fold what is left")
            offers = parts_of(app).offers
            if patient:
                running.wait(offers.shelf.published, "nobody publishes the book again")
            else:  # a sweep asks for it once in half a minute, and the job may have been killed
                with app.app_context():
                    offers.publish()
            come_again(app, url)
            running.wait(lambda: not ledger.waiting(), "the sweep does not find what nobody asked for")
        finally:
            running.close()
            seconds = lag.close()
        shop = Shop(url, "product", visitor="nobody")
        figures, report, sums = shop.figures(), Counter[str](), happened(shop.engine)
        for row in ledger.counts():
            report.update({name: number for name in t.COUNTED if (number := getattr(row, name))})
        there, left = kept(shop.engine), left_undoing(shop.engine)
        shop.close()
    ordered = there.offered.total()
    killed = ", ".join(f"{number} {name}" for name, number in sorted(running.killed.items()))
    figure("killed", killed, "")
    figure("began; ordered the offer; cancelled it", f"{len(running.began)}; {ordered}; {there.cancelled.total()}", "")
    lost, double = there.offered - there.converted, there.converted - there.offered
    figure("conversions lost; double", f"{lost.total()}; {double.total()}", "0; 0")
    assert running.killed == Counter(victims)
    assert ordered > len(victims) / 4, "the offer was there, and wanted"
    assert there.converted == there.offered
    assert there.redeemed == there.offered - there.cancelled
    assert figures["used"] == there.redeemed.total()
    assert (report["converted"], report["revenue"]) == (ordered, 1800 * ordered)
    assert report["undone"] == figures.get("undone", 0)
    # What was shown is counted beside the outbox.
    assert {name: number for name, number in report.items() if name != "shown"} == sums
    assert not figures.get("intended") and not left
    assert len(seconds) == ordered
    return seconds


def deck(kills: int, *victims: str) -> list[str]:
    """So many victims in a random order, each of them as often as the others."""
    every = [victims[number % len(victims)] for number in range(kills)]
    random.Random(kills).shuffle(every)
    return every


def tell(seconds: list[float], figure: Figure, long: bool) -> None:
    p99 = percentile(seconds, 0.99)
    figure(
        "seconds until it is counted, p50, p99, max",
        f"{percentile(seconds, 0.5):.2f}, {p99:.2f}, {max(seconds):.2f}",
        f"p99 {LAG}",
    )
    assert not long or p99 <= LAG


@pytest.mark.soak
def test_no_conversion_is_lost_or_double(fast_folder: Path, amount: Callable[[int, int], int], figure: Figure) -> None:
    """Planted bug that it shows, in its long form: a conversion that is written after the order was committed."""
    long = bool(amount(0, 1))
    seconds = run(f"sqlite:///{fast_folder / 'shop.db'}", deck(amount(20, 200), *VICTIMS), figure, patient=long)
    tell(seconds, figure, long)


@pytest.mark.soak
def test_no_conversion_is_lost_or_double_beside_a_postgresql_that_is_killed_too(
    amount: Callable[[int, int], int], figure: Figure
) -> None:
    long = bool(amount(0, 1))
    with own_postgres() as postgres:
        every = (*VICTIMS, "postgresql") if long else ("worker", "postgresql", "web")
        seconds = run(postgres.url, deck(amount(3, 200), *every), figure, postgres, patient=long)
    tell(seconds, figure, long)
