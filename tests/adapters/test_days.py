"""Results by day, in the store's zone and by rule: as the counts, once."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, func, insert, select

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.days import Day, SQLDays
from flask_upsell.adapters.desk_tables import days
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.memory import memory_ledger
from tests.adapters.test_ledger import together

#: In Auckland it is the next day already.
NOON = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
TODAY, NEXT = date(2026, 5, 4), date(2026, 5, 5)


@pytest.fixture
def ledger(engine: Engine) -> SQLLedger:
    return SQLLedger(engine, "upsell", zone="Pacific/Auckland")


def rows(ledger: SQLLedger) -> set[tuple[object, ...]]:
    with ledger.engine.connect() as connection:
        found = connection.execute(select(days.c.day, days.c.rule, days.c.shown, days.c.declined))
        return {tuple(row) for row in found}


def test_what_happens_is_counted_on_the_days_of_the_store(ledger: SQLLedger) -> None:
    """Planted bug that it shows: days are those of UTC."""
    for rule in ("", "tea", "tea"):
        ledger.record_decline("cart", "complement", "bag", NOON, rule)
    ledger.record_decline("cart", "complement", "cup", NOON.replace(hour=11), "tea")
    ledger.fold()
    ledger.fold()
    ledger.add_shown("1", {("cart", "complement", "bag"): 2, ("cart", "complement", "bag", "tea"): 5}, NOON)
    ledger.add_shown("1", {("cart", "complement", "bag"): 2}, NOON)
    assert rows(ledger) == {(NEXT, "", 2, 1), (NEXT, "tea", 5, 2), (TODAY, "tea", 0, 1)}
    assert [(each.product, each.shown, each.declined) for each in ledger.counts()] == [("bag", 7, 3), ("cup", 0, 1)]
    read = SQLDays(ledger.engine, "upsell", "Pacific/Auckland")
    assert read.since(NEXT) == [Day(day=NEXT, shown=7, declined=3)]
    assert read.since(TODAY, "tea") == [Day(day=TODAY, declined=1), Day(day=NEXT, shown=5, declined=2)]
    assert SQLDays(ledger.engine, "upsell_b2b", "UTC").since(TODAY) == []


def test_rows_of_before_have_no_rule(ledger: SQLLedger) -> None:
    """Planted bug that it shows: the rule of a row is asked for without a default."""
    old = {"placement": "cart", "kind": "upgrade", "product": "bag", "currency": "EUR", "converted": 1, "revenue": 5}
    with ledger.engine.begin() as connection:
        row = {"instance": "upsell", "event": "order:1", "counts": [old, old], "created_at": NOON}
        connection.execute(insert(t.outbox).values(**row))
    ledger.fold()
    assert SQLDays(ledger.engine, "upsell", "UTC").since(NEXT) == [
        Day(day=NEXT, currency="EUR", converted=2, revenue=10)
    ]


def test_many_at_once_lose_nothing(ledger: SQLLedger) -> None:
    """Planted bug that it shows: a day's sum is read and written back."""

    def show(number: int) -> None:
        for batch in range(5):
            ledger.add_shown(f"{number}.{batch}", {("cart", "upgrade", "bag", "tea"): 1}, NOON)

    assert together(6, show) == [None] * 6
    with ledger.engine.connect() as connection:
        assert connection.execute(select(func.sum(days.c.shown))).scalar_one() == 30


def test_orders_by_day(ledger: SQLLedger) -> None:
    with ledger.engine.begin() as connection:
        for number, (order, at) in enumerate([("1", NOON), ("1", NOON), ("2", NOON), ("3", NOON.replace(hour=11))]):
            row = {"order_ref": order, "acceptance": str(number), "placement": "cart", "kind": "upgrade",
                   "product": "p", "quantity": 1, "revenue": 0, "currency": "EUR", "ordered_at": at}  # fmt: skip
            connection.execute(insert(t.conversions).values(instance="upsell", **row))
    read = SQLDays(ledger.engine, "upsell", "Pacific/Auckland")
    assert read.orders(TODAY, 3) == {TODAY: 1, NEXT: 2, date(2026, 5, 6): 0}
    assert read.orders(TODAY, 0) == {}


def test_in_memory_it_is_the_same() -> None:
    twin = memory_ledger()
    twin.record_decline("cart", "complement", "bag", NOON, "tea")
    twin.fold()
    assert rows(twin) == {(TODAY, "tea", 0, 1)}
