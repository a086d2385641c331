"""Tastes learned by a real DuckDB: two camps that own different things point two ways."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from flask_upsell.core.affinity import DIRECTIONS, FULL
from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product
from flask_upsell.core.taste import Habits
from flask_upsell.learn import tastes as module
from flask_upsell.learn.mining import Mining, Parameters
from flask_upsell.learn.tastes import Tastes, tastes
from flask_upsell.learn.upgrades import USUAL, _count

AT = datetime(2026, 1, 1, tzinfo=UTC)


def silent(step: str, done: int, total: int) -> None: ...


def line(customer: str | None, product: str, day: int) -> OrderLine:
    return OrderLine(f"{customer}-{day}", product, 1, 1000, AT + timedelta(days=day), customer)


def camps(customers: int = 60) -> list[OrderLine]:
    """Who likes sweet things owns many of thirty, and hardly any of thirty bitter ones; all own salt, one a yacht."""
    chance, lines = random.Random(5), [line("c1", "yacht", 0), line(None, "gift", 0)]
    for number in range(customers):
        mine, other = ("sweet", "bitter") if number % 2 else ("bitter", "sweet")
        goods = [f"{mine}{each}" for each in chance.sample(range(30), 12)]
        goods += ["salt", f"{other}{chance.randrange(30)}"]
        lines += [line(f"c{number}", ref, day) for day, ref in enumerate(goods)]
    return lines


@contextmanager
def learned(lines: Iterable[OrderLine]) -> Iterator[Tastes]:
    lines = list(lines)
    goods = [
        Product(ref, f"The {ref}", 1000, "EUR", category="All") for ref in sorted({each.product for each in lines})
    ]
    with Mining(lines, goods, Parameters(), silent, evidence=False) as mined:
        connection = mined.connection
        connection.execute("CREATE TABLE placed AS SELECT order_no, customer, placed_at, size FROM baskets")
        _count(connection, int((AT + timedelta(days=900)).timestamp()), USUAL)
        yield tastes(connection, [each.ref for each in goods])


def alike(one: bytes, other: bytes) -> float:
    return float(np.frombuffer(one, np.int8).astype(float) @ np.frombuffer(other, np.int8)) / FULL**2


@pytest.mark.parametrize("block", [7, 1000])
def test_who_owns_alike_things_points_the_same_way(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for somebody who is not in the crowd, by two products; however many products are compared at a time."""
    monkeypatch.setattr(module, "BLOCK", block)
    monkeypatch.setattr(module, "CROWD", 40)
    with learned(camps()) as found:
        sweet, bitter = found.told(["sweet1", "sweet2"]), found.told(["bitter3"])
        assert len(sweet) == DIRECTIONS and alike(sweet, sweet) == pytest.approx(1, abs=0.05)
        same, apart = ([f"{camp}{each}" for each in range(3, 30)] for camp in ("sweet", "bitter"))
        assert alike(sweet, found.told(same)) > 0.3 + alike(sweet, found.told(apart))
        assert alike(bitter, found.told(apart)) > 0.1 + alike(bitter, found.told(same))


def test_what_one_or_nobody_owns_has_no_taste_and_says_nothing() -> None:
    """Planted bug that it shows: one owner is enough, whose taste is then told."""
    with learned(camps()) as found:
        assert found.told(["yacht"]) == found.told(["gift"]) == found.told(["nowhere"]) == found.told([]) == b""
        assert found.told(["sweet1", "yacht"]) == found.told(["sweet1"]) != b""
        vectors, there = found.rows(np.arange(200))
        assert not vectors[~there].any() and vectors[there].any(axis=1).all()


def test_the_same_history_has_the_same_tastes() -> None:
    one, other = camps(), camps()
    random.Random(2).shuffle(other)
    with learned(one) as first, learned(other) as second:
        for ref in ("sweet1", "bitter2", "salt"):
            assert first.told([ref]) == second.told([ref])


def test_habits_are_given_the_taste_of_their_own_orders() -> None:
    with learned(camps()) as found:
        ann = Habits(((5, ("sweet1", "yacht")), (3, ("sweet2",))), {"sweet1": 9, "sweet2": 8, "yacht": 1})
        given = dict(found.habits(iter([("ann", ann), ("bob", Habits())])))
        assert given["ann"] == Habits(ann.baskets, ann.orders, found.told(["sweet1", "sweet2"]))
        assert given["bob"] == Habits()


@pytest.mark.parametrize("lines", [[], [line("a", "plain", 0)], camps(10)])
def test_too_few_customers_or_products_have_none(lines: list[OrderLine]) -> None:
    with learned(lines) as found:
        assert found.told(["plain", "salt", "sweet1"]) == b""
        assert found.of([1]) is None
