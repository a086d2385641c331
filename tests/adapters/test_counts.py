"""The ledger's outbox and counts, on SQLite and PostgreSQL: what happened is counted once, whoever folds it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.counts import Counts
from flask_upsell.core.ports import Count, Shown
from tests.adapters.test_ledger import NOW, together


@pytest.fixture
def ledger(engine: Engine) -> Counts:
    return Counts(engine, "upsell")


def fill(engine: Engine, count: int) -> None:
    """`count` outbox rows, each one decline and one conversion of 5 cents."""
    declined = {"placement": "cart", "kind": "upgrade", "product": "bag", "currency": "", "declined": 1}
    earned = {"placement": "cart", "kind": "upgrade", "product": "bag", "currency": "EUR", "converted": 1, "revenue": 5}
    with engine.begin() as connection:
        connection.execute(
            insert(t.outbox),
            [
                {"instance": "upsell", "event": f"x:{i}", "counts": [declined, earned], "created_at": NOW}
                for i in range(count)
            ],
        )


def test_rows_are_folded_once_in_more_than_one_batch(ledger: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_upsell.adapters.counts.FOLD_AT_ONCE", 40)
    count = 2 * 40 + 1
    fill(ledger.engine, count)
    assert Counts(ledger.engine, "upsell_b2b").fold() == 0
    assert [ledger.fold(), ledger.fold()] == [count, 0]
    assert ledger.counts() == [
        Count("cart", "upgrade", "bag", declined=count),
        Count("cart", "upgrade", "bag", converted=count, revenue=5 * count, currency="EUR"),
    ]


def test_two_folders_in_threads_fold_each_row_once(ledger: Counts) -> None:
    """Red when the UPDATE that claims a row does not ask whether it is folded."""
    fill(ledger.engine, 300)
    folded = together(2, lambda _: ledger.fold())
    assert [n for n in folded if isinstance(n, BaseException)] == []
    assert sum(n for n in folded if isinstance(n, int)) == 300
    assert [(c.declined, c.converted, c.revenue) for c in ledger.counts()] == [(300, 0, 0), (0, 300, 1500)]


def test_two_folders_in_processes_fold_each_row_once(ledger: Counts, database_url: str) -> None:
    """Red when the UPDATE that claims a row does not ask whether it is folded."""
    fill(ledger.engine, 300)
    script = (
        "import sys\nfrom flask_upsell.adapters.counts import Counts\n"
        "from flask_upsell.adapters.ledger import make_engine\n"
        "print(Counts(make_engine(sys.argv[1]), 'upsell').fold())\n"
    )
    command = [sys.executable, "-c", script, database_url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in running) == 300
    assert [(c.declined, c.converted, c.revenue) for c in ledger.counts()] == [(300, 0, 0), (0, 300, 1500)]


def test_a_fold_that_fails_midway_counts_nothing(ledger: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ledger.engine, 20)
    add, calls = Counts._add, [0]

    def broken(self: Counts, connection: Connection, count: Any) -> None:
        calls[0] += 1
        if calls[0] == 13:
            raise RuntimeError("killed")
        add(self, connection, count)

    monkeypatch.setattr(Counts, "_add", broken)
    with pytest.raises(RuntimeError):
        ledger.fold()
    assert (ledger.counts(), ledger.waiting()) == ([], 20)
    monkeypatch.undo()
    assert ledger.fold() == 20
    assert [c.declined for c in ledger.counts()] == [20, 0]


def test_a_batch_of_shows_counts_once(ledger: Counts) -> None:
    shown: dict[Shown, int] = {("cart", "upgrade", "bag"): 3, ("cart", "upgrade", "batch"): 1}
    for _ in range(3):
        ledger.add_shown("1", shown)
    ledger.add_shown("2", shown)
    assert {(c.product, c.shown) for c in ledger.counts()} == {("bag", 6), ("batch", 2)}
    Counts(ledger.engine, "upsell_b2b").add_shown("1", shown)
    assert {(c.product, c.shown) for c in ledger.counts()} == {("bag", 6), ("batch", 2)}


def test_batches_of_many_threads_lose_no_count(ledger: Counts) -> None:
    """Red when `_add` reads a count and writes the sum, or when its first INSERT is not repeated as an UPDATE."""

    def show(number: int) -> None:
        for batch in range(5):
            ledger.add_shown(f"{number}.{batch}", {("cart", "upgrade", "bag"): 1})

    assert together(8, show) == [None] * 8
    assert [c.shown for c in ledger.counts()] == [40]
