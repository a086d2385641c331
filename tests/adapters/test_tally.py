"""Counts of what was shown: one suite over both tallies, and what only Redis can do to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.crc import key_slot
from sqlalchemy import Engine

from flask_upsell import faults
from flask_upsell.adapters import tally as tally_module
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import web_client, worker_client
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.memory import MemoryTally, memory_ledger
from flask_upsell.adapters.tally import RedisTally
from flask_upsell.core.ports import Tally

A, B = ("cart", "upgrade", 'a "b" 😀'), ("checkout", "complement", "b")
Make = Callable[[], Tally]


def redis_tally(url: str, breaker: Breaker | None = None, **more: float) -> RedisTally:
    return RedisTally(web_client(url, 30), worker_client(url), breaker or Breaker(), every=more.get("every", 0.0))


def fold(tally: Tally, ledger: SQLLedger) -> None:
    """Fold all that waits, as a worker does; what never ends fails."""
    for _ in range(10):
        batch = tally.take()
        if batch is None:
            return
        ledger.add_shown(*batch)
        tally.drop(batch[0])
    pytest.fail("there is always one more batch")


class TallyContract:
    """Subclasses give a fixture `tally`, empty, and `again`: the same tally seen by another process."""

    def test_nothing_shown_is_nothing_to_take(self, tally: Tally, again: Make) -> None:
        tally.add([])
        tally.flush()
        assert tally.take() is None
        assert again().take() is None

    def test_what_was_shown_is_taken_once_with_its_counts(self, tally: Tally, again: Make) -> None:
        tally.add([A, B])
        tally.add([A])
        tally.flush()
        batch = again().take()
        assert batch is not None and dict(batch[1]) == {A: 2, B: 1}
        again().drop(batch[0])
        assert again().take() is None

    def test_a_batch_stays_until_it_is_dropped_and_later_shows_wait(self, tally: Tally, again: Make) -> None:
        tally.add([A])
        tally.flush()
        first = again().take()
        tally.add([B])
        tally.flush()
        assert again().take() == first
        assert first is not None
        again().drop(first[0])
        second = again().take()
        assert second is not None and second[0] != first[0] and dict(second[1]) == {B: 1}

    def test_dropping_twice_or_what_never_was_is_nothing(self, tally: Tally, again: Make) -> None:
        tally.drop("no-such")
        tally.add([A])
        tally.flush()
        batch = again().take()
        assert batch is not None
        again().drop(batch[0])
        again().drop(batch[0])
        assert again().take() is None

    def test_a_worker_killed_between_fold_and_drop_counts_once(self, tally: Tally, again: Make) -> None:
        """Red when a batch gets a new name each time it is taken."""
        ledger = memory_ledger()
        tally.add([A, A, B])
        tally.flush()
        killed = again().take()
        assert killed is not None
        ledger.add_shown(*killed)
        fold(again(), ledger)
        assert {(c.placement, c.kind, c.product): c.shown for c in ledger.counts()} == {A: 2, B: 1}

    def test_a_worker_killed_before_the_fold_loses_nothing(self, tally: Tally, again: Make) -> None:
        ledger = memory_ledger()
        tally.add([A])
        tally.flush()
        assert again().take() is not None
        tally.add([A])
        tally.flush()
        fold(again(), ledger)
        assert [c.shown for c in ledger.counts()] == [2]


class TestMemory(TallyContract):
    """The suite in memory."""

    @pytest.fixture
    def tally(self) -> Tally:
        return MemoryTally()

    @pytest.fixture
    def again(self, tally: Tally) -> Make:
        return lambda: tally


class TestValkey(TallyContract):
    """The suite on a real Valkey."""

    @pytest.fixture
    def tally(self, redis_url: str) -> Tally:
        return redis_tally(redis_url)

    @pytest.fixture
    def again(self, redis_url: str, tally: Tally) -> Make:
        return lambda: redis_tally(redis_url)


def test_a_batch_left_in_redis_is_counted_once_in_sql(engine: Engine, redis_url: str) -> None:
    ledger = SQLLedger(engine, "upsell")
    redis_tally(redis_url).add([A] * 7)
    names = set()
    for _ in range(3):
        batch = redis_tally(redis_url).take()
        assert batch is not None
        ledger.add_shown(*batch)
        names.add(batch[0])
    assert len(names) == 1
    redis_tally(redis_url).drop(*names)
    assert redis_tally(redis_url).take() is None
    assert [c.shown for c in ledger.counts()] == [7]


def test_it_hands_over_once_a_while_in_one_round_trip(redis_url: str) -> None:
    now = [100.0]
    tally = RedisTally(web_client(redis_url, 30), worker_client(redis_url), Breaker(), every=1.0, clock=lambda: now[0])
    client: Any = Redis.from_url(redis_url)
    tally.add([A])
    key = client.keys("*")[0]
    assert client.hvals(key) == [b"1"]
    tally.add([A])
    now[0] += 0.9
    tally.add([A, B])
    assert client.hvals(key) == [b"1"]
    now[0] += 0.1
    tally.add([B])
    assert sorted(client.hvals(key)) == [b"2", b"3"]
    client.close()


def test_all_keys_live_in_one_slot_of_a_cluster(redis_url: str) -> None:
    tally = redis_tally(redis_url)
    tally.add([A])
    tally.take()
    tally.add([B])
    client: Any = Redis.from_url(redis_url)
    keys = client.keys("*")
    assert len(keys) == 3
    assert len({key_slot(key) for key in keys}) == 1
    client.close()


def test_without_redis_counts_wait_and_nothing_raises(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker()
    tally = RedisTally(web_client("unix:///nowhere.sock", 0.01), worker_client(redis_url), breaker, every=0.0)
    before = faults.seen["redis_tally"]
    for _ in range(50):
        tally.add([A])
    assert breaker.open
    assert faults.seen["redis_tally"] == before + 3
    monkeypatch.setattr(tally, "_web", web_client(redis_url, 30))
    breaker.succeeded()
    tally.add([B])
    batch = tally.take()
    assert batch is not None and dict(batch[1]) == {A: 50, B: 1}


def test_what_waits_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "MOST_WAITING", 10)
    dead = web_client("unix:///nowhere.sock", 0.01)
    tally = RedisTally(dead, dead, Breaker(), every=0.0)
    for i in range(1000):
        tally.add([("cart", "upgrade", f"p{i}")])
    assert len(tally._waiting) <= 11


def test_an_unreadable_count_is_left_out_and_counted(redis_url: str) -> None:
    tally = redis_tally(redis_url)
    tally.add([A])
    client: Any = Redis.from_url(redis_url)
    client.hset("upsell:{tally}:open", mapping={b"\xff": 1, b'["a"]': 1, b"null": 1, b'["a","b","c"]': b"x"})
    before = faults.seen["tally_unreadable"]
    batch = tally.take()
    assert batch is not None and dict(batch[1]) == {A: 1}
    assert faults.seen["tally_unreadable"] == before + 4
    client.close()


def test_threads_lose_no_count(redis_url: str) -> None:
    """Red when `flush` empties the waiting counts outside the lock."""
    tally = redis_tally(redis_url)

    def show() -> None:
        for _ in range(300):
            tally.add([A])

    threads = [threading.Thread(target=show) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.flush()
    batch = tally.take()
    assert batch is not None and dict(batch[1]) == {A: 1200}


def test_two_workers_take_the_same_batch_or_none(redis_url: str) -> None:
    """Red when `take` copies the open counts without renaming them."""
    ledger, lock = memory_ledger(), threading.Lock()
    shower, barrier = redis_tally(redis_url), threading.Barrier(2)

    def work() -> None:
        tally = redis_tally(redis_url)
        barrier.wait()
        for _ in range(150):
            if batch := tally.take():
                with lock:
                    ledger.add_shown(*batch)
                tally.drop(batch[0])

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        shower.add([A])
    for thread in threads:
        thread.join()
    fold(shower, ledger)
    assert [c.shown for c in ledger.counts()] == [300]
