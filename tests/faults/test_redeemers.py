"""Shoppers of several processes want what there is too little of, over the routes and on every way there is to an
order: exactly as many get it as there is of it, and nobody else pays less."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.core.money import Money
from flask_upsell.core.rule import Bundle, Limits, Products, Rule, Status
from tests.faults.redeemers_worker import NEVER, PATHS, PAUSED
from tests.faults.small_store import PERCENT, Order, OrderLine, prepare
from tests.faults.sql_shop import close_shop, parts_of, put_up, sql_shop

ROOT = Path(__file__).parents[2]
KINDS = ("total", "customer", "day", "budget")
SET, SALE = "set", "sale"
#: How many orders each customer may have, of three or four that are wanted.
EACH = 2
#: What an offer takes off, and a rest of the budget with which nothing can be bought.
OFF, OFF_A_SET, REST = 200, 320, 50
GOODS = {
    **{f"tea-{name}": (f"Tea {name}", 1000, f"Tea {name}") for name in (*KINDS, SET, SALE)},
    **{f"cup-{name}": (f"Cup {name}", 2000, f"Cup {name}") for name in (*KINDS, SALE)},
    "jar": ("Jar", 1200, "Jars"),
    "mug": ("Mug", 2000, "Mugs"),
}


def rule(name: str, limits: Limits) -> Rule:
    """10 % off a cup, or off a jar and a mug together, with the tea of this name."""
    offer = Bundle(refs=("jar", "mug")) if name == SET else Products(refs=(f"cup-{name}",))
    return Rule(name=name, offer=offer, when={"lines": {"product": [f"tea-{name}"]}}, discount=PERCENT, limits=limits)


@dataclass
class Rush:
    """Who wants what, and how much there is: about half of it."""

    number: int
    redeemers: list[dict[str, Any]] = field(default_factory=list)
    granted: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        others = [("half", SET), (PAUSED, SALE), ("whole", SET), ("broken", SET)]
        for number in range(self.number):
            # Ten ways and the others are eleven, so that with four limits each meets each of them.
            place, turn = number % (len(PATHS) + 1), number % len(KINDS)
            path, limit = (PATHS[place], KINDS[turn]) if place < len(PATHS) else others[turn]
            customer = f"customer {number % max(1, self.number // 16)}"
            self.redeemers.append({"number": number, "path": path, "limit": limit, "customer": customer})
        wanted = [each for each in self.redeemers if each["path"] not in NEVER]
        self.wanted = Counter(each["limit"] for each in wanted)
        of = Counter(each["customer"] for each in wanted if each["limit"] == "customer")
        self.of_customers = sorted(min(EACH, number) for number in of.values())
        self.most = {name: (self.wanted[name] + 1) // 2 for name in (*KINDS, SET)}
        self.granted = {**self.most, "customer": sum(self.of_customers), SALE: 0}

    def rules(self) -> list[Rule]:
        def money(name: str, off: int) -> tuple[Money, ...]:
            return (Money(self.most[name] * off + REST, "EUR"),)

        return [
            rule("total", Limits(total=self.most["total"])),
            rule("customer", Limits(per_customer=EACH)),
            rule("day", Limits(per_day=self.most["day"])),
            rule("budget", Limits(budget=money("budget", OFF))),
            rule(SET, Limits(total=self.number, budget=money(SET, OFF_A_SET))),
            rule(SALE, Limits(total=self.number)),
        ]


@dataclass
class Sold:
    """What the stores have: by the order, whose price was reduced by which rule; and which were cancelled."""

    reduced: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    orders: int = 0

    def read(self, engine: Engine) -> None:
        with engine.connect() as connection:
            lines = connection.execute(select(OrderLine.number, OrderLine.sku, OrderLine.price)).all()
            orders = connection.execute(select(Order.number, Order.cancelled)).all()
        self.orders += len(orders)
        self.cancelled |= {number for number, cancelled in orders if cancelled}
        pieces: Counter[str] = Counter()
        for number, sku, price in lines:
            if price < GOODS[sku][1]:
                self.reduced[number] = sku.removeprefix("cup-") if sku.startswith("cup-") else SET
                pieces[number] += 1
        assert all(
            pieces[number] == (2 if name == SET else 1) for number, name in self.reduced.items() if number in pieces
        )


@pytest.fixture
def tmp_path(fast_folder: Path) -> Path:
    """Where SQLite's files are."""
    return fast_folder


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[str]:
    """A store's database that is not the ledger's."""
    url = f"sqlite:///{tmp_path / 'apart.db'}"
    prepare(url, GOODS)
    yield url


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes."""
    command = [sys.executable, "-m", "tests.faults.redeemers_worker"]
    number = 4 if request.config.getoption("--long") else 2
    made = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(number)
    ]
    yield made
    for process in made:
        process.communicate(timeout=60)


@pytest.mark.soak
def test_exactly_as_many_get_it_as_there_are(
    running: list[subprocess.Popen[str]],
    redis_url: str, engine: Engine, database_url: str, apart: str, amount: Callable[[int, int], int],
    figure: Callable[[str, object, str], None],
) -> None:  # fmt: skip
    """Planted bugs that it shows: an UPDATE of an allowance that does not ask whether there is room; on PostgreSQL also
    one that asked before, without a lock."""
    prepare(database_url, GOODS)
    processes = len(running)
    # Writers of SQLite wait for each other: in short half as many do.
    rush = Rush(processes * amount(12 if engine.dialect.name == "sqlite" else 24, 200))
    shop = sql_shop(database_url, redis_url)
    put_up(shop, rush.rules())
    # SQLite lets no second writer in while an order is open: without its connection it must be another file.
    alone = apart if engine.dialect.name == "sqlite" else database_url
    job = {
        "shop": database_url,
        "apart": apart,
        "alone": alone,
        "redis": redis_url,
        "now": datetime.now(UTC).isoformat(),
    }
    for place, process in enumerate(running):
        tell(process, json.dumps({**job, "redeemers": rush.redeemers[place::processes]}))
    assert [hear(process) for process in running] == ["ready"] * processes
    with shop.app_context():
        parts_of(shop).offers.set_rule(SALE, Status.PAUSED)
    for process in running:
        tell(process, "go")
    wrong = [each for process in running for each in json.loads(hear(process))]
    close_shop(shop)
    assert wrong == [], wrong[0]

    sold = Sold()
    for url in (database_url, apart):
        other = make_engine(url)
        sold.read(other)
        other.dispose()
    with engine.connect() as connection:
        rows = connection.execute(select(t.redemptions)).all()
        used = {(row.rule, row.scope): row.used for row in connection.execute(select(t.allowances))}
    live = [row for row in rows if row.released_at is None]
    granted = Counter(row.rule for row in live)
    spent = Counter[str]()
    for row in live:
        spent[row.rule] += row.amount
    over = {name: spent[name] - rush.most[name] * off - REST for name, off in (("budget", OFF), (SET, OFF_A_SET))}
    figure(
        "redeemers x processes; orders", f"{len(rush.redeemers) // processes} x {processes}; {sold.orders}", "200 x 4"
    )
    figure("granted of what was wanted", ", ".join(f"{granted[n]} of {rush.wanted[n]} {n}" for n in rush.granted), "")
    figure("budget overshoot, minor units", max(0, *over.values()), "0")

    assert sold.orders >= len(rush.redeemers) - sum(each["path"] == "fails" for each in rush.redeemers)
    assert dict(granted) == {name: number for name, number in rush.granted.items() if number}
    # Who pays less was granted it, and who was granted it pays less; what a cancelled order had is given back.
    kept = {number: name for number, name in sold.reduced.items() if number not in sold.cancelled}
    assert {row.order_ref: row.rule for row in live} == kept
    assert len(live) == len(kept)
    assert all(value <= 0 for value in over.values())
    of = Counter(row.customer for row in live if row.rule == "customer")
    assert sorted(of.values()) == rush.of_customers
    for name, scope in (("total", "total"), (SET, "total"), ("day", f"day:{live[0].day:%Y-%m-%d}")):
        assert used[name, scope] == rush.granted[name]
    assert (used["budget", "budget:EUR"], used[SET, "budget:EUR"]) == (spent["budget"], spent[SET])


def tell(process: subprocess.Popen[str], what: str) -> None:
    assert process.stdin is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    assert said, f"the process ended with {process.wait(10)}"
    return said
