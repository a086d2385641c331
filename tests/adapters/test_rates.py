"""Clicks of a minute: one suite over Redis and SQL; what is known while Redis is away; what both keep for how long."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from redis import Redis
from sqlalchemy import Engine, select

from flask_upsell import faults
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import web_client
from flask_upsell.adapters.rates import BothRates, RedisRates, SQLRates

NOBODY = "unix:///nobody.sock"
Take = Callable[[dict[str, int]], int | None]


class Clock:
    """Begins at the start of a minute."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def no_faults_yet() -> None:
    faults.seen.clear()


class RatesContract:
    """Subclasses give `take`, which knows nobody yet."""

    def test_so_many_are_taken_and_no_more(self, take: Take) -> None:
        assert [take({"ada": 3}) for _ in range(3)] == [0, 0, 0]
        assert take({"ada": 3})
        assert take({"bob": 3}) == 0

    def test_the_first_of_several_limits_holds(self, take: Take) -> None:
        assert [take({"ada": 9, "here": 2}) for _ in range(2)] == [0, 0]
        assert take({"ada": 9, "here": 2})
        assert take({"bob": 9, "here": 2})
        assert take({"bob": 9, "there": 2}) == 0

    def test_whoever_waits_as_long_as_told_is_taken_again(self, take: Take, clock: Clock) -> None:
        for start in (0, 1, 29, 59):
            clock.now += 600 + start
            while not (wait := take({"ada": 5})):
                clock.now += 1
            assert wait is not None and 0 < wait <= 120
            clock.now += wait
            assert take({"ada": 5}) == 0

    def test_in_no_sixty_seconds_are_many_more_taken(self, take: Take, clock: Clock) -> None:
        """Planted bug that it shows: only the clock's own minute counts, which takes twice as many around its turn."""
        taken = []
        for second in range(46, 200, 2):
            clock.now = 1_800_000_000.0 + second
            for _ in range(3):
                if take({"ada": 20}) == 0:
                    taken.append(second)
        most = max(sum(at <= each < at + 60 for each in taken) for at in range(200))
        assert 20 <= most <= 25, most

    def test_many_at_once_are_counted_one_by_one(self, take: Take) -> None:
        """Planted bug that it shows: the count is read, then written."""
        answers: list[int | None] = []
        barrier = threading.Barrier(8)

        def click() -> None:
            barrier.wait()
            answers.extend([take({"ada": 13}) for _ in range(4)])

        threads = [threading.Thread(target=click) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(answers), answers.count(0)) == (32, 13)


class TestRedisRates(RatesContract):
    @pytest.fixture
    def take(self, redis_url: str, clock: Clock) -> Take:
        return RedisRates(web_client(redis_url, 5.0), Breaker(), clock=clock).take


class TestSQLRates(RatesContract):
    @pytest.fixture
    def take(self, engine: Engine, clock: Clock) -> Take:
        return SQLRates(engine, "upsell", clock).take


class TestBothRates(RatesContract):
    @pytest.fixture
    def take(self, redis_url: str, engine: Engine, clock: Clock) -> Take:
        redis = RedisRates(web_client(redis_url, 5.0), Breaker(), clock=clock)
        return BothRates(redis, SQLRates(engine, "upsell", clock)).take


class TestBothRatesWithoutRedis(RatesContract):
    """What must hold holds: Redis dead is no way around a limit. Red when SQL is not asked."""

    @pytest.fixture
    def take(self, engine: Engine, clock: Clock) -> Take:
        both = BothRates(RedisRates(web_client(NOBODY, 0.1), Breaker()), SQLRates(engine, "upsell", clock))
        return lambda limits: both.take(limits, surely=True)


def test_what_need_not_be_known_is_allowed_while_redis_is_away(engine: Engine) -> None:
    both = BothRates(RedisRates(web_client(NOBODY, 0.1), Breaker()), SQLRates(engine, "upsell"))
    assert [both.take({"ada": 1}) for _ in range(20)] == [0] * 20
    assert 3 <= faults.seen["redis_rates"] <= 4, "then the breaker is open"
    with engine.connect() as connection:
        assert connection.execute(select(t.rates)).all() == []


def test_redis_forgets_by_itself(redis_url: str, clock: Clock) -> None:
    RedisRates(web_client(redis_url, 5.0), Breaker(), clock=clock).take({"ada": 1, "here": 1})
    client = Redis.from_url(redis_url)
    keys = client.keys("*")
    assert len(keys) == 2
    assert all(0 < client.ttl(key) <= 120 for key in keys)
    client.close()


@pytest.mark.parametrize("garbage", [b"", b"x", b"-1e9", b"\x80\x04K\x01.", b"9" * 400])
def test_garbage_in_redis_is_as_if_it_was_away(redis_url: str, clock: Clock, garbage: bytes) -> None:
    client = Redis.from_url(redis_url)
    for minute in (clock.now // 60, clock.now // 60 - 1):
        client.set(f"upsell:{{rate}}:ada:{int(minute)}", garbage)
    assert RedisRates(web_client(redis_url, 5.0), Breaker(), clock=clock).take({"ada": 1}) is None
    client.close()


def test_sql_keeps_two_minutes_and_instances_apart(engine: Engine, clock: Clock) -> None:
    ours, theirs = SQLRates(engine, "upsell", clock), SQLRates(engine, "upsell_b2b", clock)
    for _ in range(10):
        assert (ours.take({"ada": 1}), theirs.take({"ada": 1})) == (0, 0)
        assert ours.take({"ada": 1}) > 0
        clock.now += 121
        ours.take({"bob": 1})
    with engine.connect() as connection:
        rows = connection.execute(select(t.rates.c.instance, t.rates.c.minute)).all()
    assert len([row for row in rows if row.instance == "upsell"]) <= 3


def test_no_limit_asks_nobody() -> None:
    both = BothRates(None, None)  # type: ignore[arg-type]
    assert both.take({}, surely=True) == 0
