"""Twelve ways in which Redis fails, under open-loop load: each page is answered, hardly later than without the plugin,
and byte for byte the store's own outside of our slot."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager as Context
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from flask_upsell import faults
from flask_upsell.core.affinity import Affinities
from tests.faults.backends import Server, own_valkey
from tests.faults.conftest import DEFAULT, HASTY, MakeShop, hurry, watched
from tests.faults.load import Timed, open_loop, percentile
from tests.faults.proxy import Cut, Delay, Drip, Garbage, Hang, Mode, Pass, Proxy, Refuse
from tests.patience import PATIENT, wait_for_redis
from tests.web.markup import slot, slots
from tests.web.shop import GOODS, Visitor, evidence, parts_of, publish

PER_SECOND = 250
#: A slow attempt for each thread that was asking already, three before the breaker opens, then one a second.
AT_ONCE, FAILURES = 12, 3
#: Goals of the long form, which has the machine for itself (seconds): added to the slowest of a hundred pages, and to
#: the slowest of all; until what is published then is shown.
P99, LONGEST, RECOVERY = 0.002, 0.025, 2.0
#: A neighbour on the machine slows some seconds, by tens of milliseconds; what is ours slows all of them. So a run is
#: cut into blocks, of which the middle one counts, and there are three runs at most.
ROUNDS, BLOCKS = 3, 20


class Added(NamedTuple):
    """How much slower pages are with us than without (seconds), in the middle one of the blocks of a run."""

    p99: float
    longest: float

    @classmethod
    def of(cls, answers: Sequence[Timed[tuple[bool, int, str]]]) -> Added:
        p99, longest, size = [], [], -(-len(answers) // BLOCKS)
        for start in range(0, len(answers), size):
            block = answers[start : start + size]
            with_us = [timed.seconds for timed in block if timed.got[0]]
            without = [timed.seconds for timed in block if not timed.got[0]]
            if with_us and without:
                p99.append(percentile(with_us, 0.99) - percentile(without, 0.99))
                longest.append(max(with_us) - max(without))
        return cls(median(p99), median(longest))

    @property
    def little(self) -> bool:
        return self.p99 <= P99 and self.longest <= LONGEST


Fault = Callable[[Server, Proxy], Context[None]]


@contextlib.contextmanager
def hung(server: Server, proxy: Proxy) -> Iterator[None]:
    server.hang()
    yield
    server.go_on()


@contextlib.contextmanager
def dead(server: Server, proxy: Proxy) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextlib.contextmanager
def out_of_memory(server: Server, proxy: Proxy) -> Iterator[None]:
    server.is_full()
    yield
    server.is_full(False)


@contextlib.contextmanager
def read_only(server: Server, proxy: Proxy) -> Iterator[None]:
    server.follow_nobody(stale=True)
    yield
    server.lead()


@contextlib.contextmanager
def without_master(server: Server, proxy: Proxy) -> Iterator[None]:
    server.follow_nobody(stale=False)
    yield
    server.lead()


def through(mode: Mode) -> Fault:
    @contextlib.contextmanager
    def fault(server: Server, proxy: Proxy) -> Iterator[None]:
        proxy.mode = mode
        yield
        proxy.mode = Pass()

    return fault


FAULTS: dict[str, Fault] = {
    "hung": hung,
    "black hole": through(Hang()),
    "refused": through(Refuse()),
    "dead": dead,
    "slow": through(Delay(0.05)),
    "dripping": through(Drip(0.005)),
    "cut": through(Cut(3)),
    "garbage": through(Garbage()),
    "out of memory": out_of_memory,
    "read only": read_only,
    "loading": lambda server, proxy: server.loading(),
    "without master": without_master,
    "crowded": lambda server, proxy: server.crowded(),
}


def add_page(app: Flask) -> None:
    """A page of the store with a slot in the middle of it."""
    text = (
        "<!doctype html><title>Cart</title><header>Larkhill</header><main>{{ upsell('cart') }}</main><footer>©</footer>"
    )
    app.add_url_rule("/page", "page", lambda: render_template_string(text))


def around(text: str) -> str:
    """A page without what our slot holds."""
    before, _, rest = text.partition("<main>")
    _, _, after = rest.partition("</main>")
    return f"{before}<main></main>{after}"


def get(client: FlaskClient) -> tuple[int, str]:
    answer = client.get("/page")
    return answer.status_code, answer.text


@pytest.fixture
def server() -> Iterator[Server]:
    with own_valkey(**{"enable-debug-command": "yes"}) as made:
        yield made


@pytest.mark.soak
@pytest.mark.parametrize("name", FAULTS)
def test_a_page_is_answered_while_redis_fails(
    server: Server,
    make_shop: MakeShop,
    amount: Callable[[int, int], int],
    figure: Callable[[str, object, str], None],
    name: str,
) -> None:
    """What is countable always; how long it takes, in the long form.

    Planted bug that it shows: a breaker that always allows: a slow attempt for each page.
    """
    number, long = amount(160, 10_000), bool(amount(0, 1))
    with Proxy(str(server.socket)) as proxy:
        app, off = make_shop(UPSELL_REDIS_URL=proxy.url, **HASTY), make_shop(UPSELL_ENABLED=False)
        for each in (app, off):
            add_page(each)
        publish(make_shop())
        wait_for_redis(app)
        until_shown(app, ["plus", "bag"])
        hurry(app)
        breaker = watched(app)
        plain = get(off.test_client())[1]
        faults.seen.clear()

        def ask(this: int) -> tuple[bool, int, str]:
            on = this % 2 == 0
            return on, *get((app if on else off).test_client())

        with FAULTS[name](server, proxy):
            started, rounds, added = time.monotonic(), 0, Added(P99 + 1, LONGEST + 1)
            while rounds < (ROUNDS if long else 1) and not added.little:
                answers = open_loop(ask, number, PER_SECOND, AT_ONCE)
                rounds, added = rounds + 1, Added.of(answers)
                assert {timed.got[1] for timed in answers} == {200}
                assert {around(timed.got[2]) for timed in answers} == {around(plain)}
                for timed in answers:
                    shown = [product for found in slots(timed.got[2]) for product in found.products]
                    assert shown == (["plus", "bag"] if timed.got[0] else []) or timed.got[2] == plain
            taken = time.monotonic() - started
            attempts, resets = sum(faults.seen.values()), breaker.resets
            visitor = Visitor(app)
            form = visitor.see("/cart").card("bag").forms
            assert slot(visitor.send(form["decline"]).text).tone == "done"
            accepted = slot(Visitor(app).send(form["accept"]).text)
            assert (accepted.tone, accepted.notice) == ("done", "Added: Canvas bag.")
        wait_for_redis(app, DEFAULT if long else PATIENT)
        recovery = recovered(make_shop, app)
        figure("requests, answers other than 200", f"{rounds * number:,}, 0", "0")
        figure("added p99, max (ms)", f"{added.p99 * 1000:.1f}, {added.longest * 1000:.1f}", "2, 25")
        figure("failed attempts", attempts, f"{AT_ONCE + FAILURES} + 1/s")
        figure("recovery (s)", f"{recovery:.1f}", "2")
        # Some faults let an answer through now and then, and each lets a few try again.
        assert attempts <= 2 * (AT_ONCE + FAILURES) * (1 + resets)
        if long:
            assert attempts <= 2 * (AT_ONCE + FAILURES + taken)
            assert added.little, f"{added} in the last of {rounds} rounds"
            assert recovery <= RECOVERY


def test_a_book_that_drips_in_is_not_waited_for(server: Server, make_shop: MakeShop) -> None:
    """A process that never saw it: some hundred bytes, each in time, and all of them too late. Planted bug that it
    shows: a time limit for each byte instead of one for the whole answer."""
    publish(make_shop())
    with Proxy(str(server.socket)) as proxy:
        app, off = make_shop(UPSELL_REDIS_URL=proxy.url, UPSELL_REDIS_SECONDS=0.2), make_shop(UPSELL_ENABLED=False)
        for each in (app, off):
            add_page(each)
        proxy.mode = Drip(0.04)
        status, text = get(app.test_client())
        assert (status, around(text)) == (200, around(get(off.test_client())[1]))
        assert [product for found in slots(text) for product in found.products] == []
        assert faults.seen["redis_read"] >= 1


def until_shown(app: Flask, wanted: list[str], seconds: float = 120) -> None:
    """A breaker that is open closes soon after its Redis is back."""
    end = time.monotonic() + seconds
    while (shown := [product for found in slots(get(app.test_client())[1]) for product in found.products]) != wanted:
        assert time.monotonic() < end, shown
        time.sleep(0.02)


def recovered(make_shop: MakeShop, app: Flask) -> float:
    """Seconds until a page shows what is published now."""
    started = time.monotonic()
    publish(make_shop(), GOODS, {"laptop": Affinities((), (evidence("card", 9.0),))})
    store = parts_of(app).offers.store
    store.carts["visitor"] = store.carts["visitor"][:1]  # type: ignore[attr-defined]
    until_shown(app, ["card"])
    return time.monotonic() - started


def test_a_clock_that_jumps_changes_no_price_and_no_page(make_shop: MakeShop) -> None:
    """An hour back and forth, and to 2038."""
    app = make_shop()
    publish(app)
    offers = parts_of(app).offers
    for year, hour in ((2026, 12), (2026, 13), (2026, 11), (2038, 4), (2026, 12)):
        offers.clock = lambda year=year, hour=hour: datetime(year, 1, 19, hour, 14, 8, tzinfo=UTC)  # type: ignore[misc]
        visitor = Visitor(app)
        assert visitor.see("/cart").products == ["plus", "bag"]
        accepted = slot(visitor.press("accept", "bag").text)
        assert accepted.tone == "done"
        assert slot(visitor.send(accepted.undo).text).tone == "done"
    assert not faults.seen
    offers.fold()
    assert sum(count.undone for count in offers.ledger.counts()) == 5
