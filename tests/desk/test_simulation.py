"""Simulations: asked at the desk, done by the job, cancelled and broken off."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from msgspec.structs import replace

from flask_upsell import MemoryStore, faults, jobs
from flask_upsell.adapters.audit import acting
from flask_upsell.adapters.memory import MemoryQueue
from flask_upsell.adapters.past import CHUNK
from flask_upsell.core.book import EMPTY
from flask_upsell.core.ports import OrderLine
from flask_upsell.core.rule import Discount, Off, Products, Rule, Schedule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.trial import Shopper
from flask_upsell.core.windows import Yearly
from flask_upsell.desk.drafts import Draft
from flask_upsell.desk.simulation import MOST_ORDERS, SILENT, Simulation
from flask_upsell.errors import BadInput, BookError
from flask_upsell.offers import Offers
from tests.conftest import MakeApp, products
from tests.web.shop import parts_of

AT = datetime.now(UTC) - timedelta(days=3)
P4: dict[str, Any] = {"lines": {"product": ["p4"]}}
OLD = Rule(name="old", offer=Products(refs=("p6", "p7")), when=P4)
NEW = Rule(
    name="new",
    offer=Products(refs=("p5",)),
    when=P4,
    priority=9,
    discount=Discount(off=Off.PERCENT, percent=2000),
    most=1,
)


def orders(count: int = 10) -> list[OrderLine]:
    """Each has a p4, every second one a p5 with it."""
    found = []
    for number in range(count):
        refs = ("p4", "p5") if number % 2 else ("p4",)
        found += [OrderLine(f"o{number}", ref, 1, 1000, AT + timedelta(minutes=number)) for ref in refs]
    return found


def draft(kind: str, name: str, origin: str = "", action: str = "put") -> Draft:
    now = datetime.now(UTC)
    return Draft("d1", kind, origin, 0, action, "open", {"name": name}, "", "ada", "ada", 3, now, now)


Open = Callable[..., tuple[Flask, Simulation, Offers]]


@pytest.fixture
def open_desk(make_app: MakeApp) -> Open:
    """A published store with orders and the rule `old`; jobs are remembered, not run."""

    def make(*lines: OrderLine, rules: RuleBook | None = None) -> tuple[Flask, Simulation, Offers]:
        app = make_app(MemoryStore(products(), orders=list(lines or orders())))
        offers, simulation = parts_of(app).offers, parts_of(app).desk.simulation
        offers.rules.save(rules or RuleBook(rules=(OLD,)), datetime.now(UTC))
        offers.publish()
        offers.queue = MemoryQueue()
        return app, simulation, offers

    return make


def test_a_draft_is_tried_by_the_job_and_its_figures_are_kept(open_desk: Open) -> None:
    app, simulation, offers = open_desk()
    with acting("emil"):
        id = simulation.start([(draft("rule", "new"), NEW)], [], 1000, shopper=Shopper(country="DE"))
    assert isinstance(offers.queue, MemoryQueue) and offers.queue.jobs == [("simulate", (id,))]
    queued = simulation.get(id)
    assert (queued.state, queued.open, queued.asked.names, queued.asked.who) == ("queued", True, ("new",), "emil")
    assert (queued.asked.changes[0].draft, queued.asked.changes[0].version) == ("d1", 3)
    with app.app_context():
        told = jobs.simulate("upsell", id)
    done = simulation.get(id)
    assert done.figures is not None and (done.state, done.done) == ("done", 10)
    found = done.figures
    assert (told["carts"], found.carts, found.met, found.shown) == (10, 10, 10, 5)
    assert (found.off, found.off_live, found.gone) == ({"EUR": 1000}, {}, {"old": 5})
    assert (found.first, found.last) == (AT, AT + timedelta(minutes=9))
    # What is live was not touched, and the job that comes twice does nothing.
    assert offers.rules.load().rules == (OLD,)
    with app.app_context():
        assert jobs.simulate("upsell", id) == {}


def test_only_the_last_orders_count(open_desk: Open) -> None:
    _, simulation, _ = open_desk()
    simulation.run(id := simulation.start([(draft("rule", "new"), NEW)], [], 3))
    found = simulation.get(id).figures
    assert found is not None and (found.carts, found.shown, found.first) == (3, 1, AT + timedelta(minutes=7))


def test_live_rules_are_tried_against_the_book_without_them(open_desk: Open) -> None:
    _, simulation, _ = open_desk(rules=RuleBook(rules=(OLD, NEW)))
    simulation.run(id := simulation.start([], ["new"], 100))
    found = simulation.get(id).figures
    assert found is not None and (found.shown, found.off, found.gone) == (5, {"EUR": 1000}, {"old": 5})


def test_a_season_is_tried_by_the_rules_that_use_it(open_desk: Open) -> None:
    seasonal = replace(NEW, schedule=Schedule(seasons=("days",)))
    live = RuleBook(rules=(seasonal,), seasons=(Season(name="days", yearly=(Yearly(start="01-01", end="01-01"),)),))
    _, simulation, _ = open_desk(rules=live)
    always = Season(name="days", yearly=(Yearly(start="01-01", end="12-31"),))
    simulation.run(id := simulation.start([(draft("season", "days", "days"), always)], [], 100))
    found = simulation.get(id).figures
    assert found is not None and [(each.rule, each.shown) for each in found.rules] == [("new", 5)]
    simulation.run(id := simulation.start([(draft("rule", "new", "new", "remove"), None)], [], 100))
    removed = simulation.get(id).figures
    assert removed is not None and (removed.shown, removed.rules) == (0, ())


def test_what_was_cancelled_ends_within_half_a_second(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: the job does not look at the row."""
    _, simulation, offers = open_desk()
    monkeypatch.setattr("flask_upsell.desk.runs.TELL_EVERY", 0.0)
    id = simulation.start([(draft("rule", "new"), NEW)], [], 1000)
    given = 0

    def endless(since: datetime | None = None) -> Iterator[OrderLine]:
        nonlocal given
        while True:
            yield from (replace(line, order=f"{given}-{line.order}") for line in orders(CHUNK))
            given += 1
            if given == 2:
                assert simulation.cancel(id)
            assert given < 9

    monkeypatch.setattr(offers.store, "orders", endless)
    assert simulation.run(id) == {}
    assert (simulation.get(id).state, given) == ("cancelled", 2)
    assert simulation.run(id) == {} and not simulation.cancel(id)


def test_a_run_whose_worker_is_gone_is_broken_off_until_somebody_takes_it_up(
    open_desk: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug that it shows: it is "running" for ever, and nothing else can be started."""
    _, simulation, offers = open_desk()
    id = simulation.start([(draft("rule", "new"), NEW)], [], 1000)

    class Killed(BaseException):
        """Nothing is written after it."""

    def killed(_: datetime | None = None) -> Iterator[OrderLine]:
        raise Killed

    monkeypatch.setattr(offers.store, "orders", killed)
    monkeypatch.setattr(simulation._kept, "end", lambda *_, **__: False)
    with pytest.raises(Killed):
        simulation.run(id)
    monkeypatch.undo()
    assert simulation.get(id).state == "running"
    with pytest.raises(BadInput, match="another simulation is running"):
        simulation.again(id)
    later = datetime.now(UTC) + SILENT + timedelta(seconds=1)
    offers.clock = lambda: later
    assert simulation.get(id).state == "broken"
    other = simulation.again(id)
    assert simulation.get(other).asked.names == ("new",)
    assert simulation.run(id)["carts"] == 10
    assert simulation.get(id).state == "done"


def test_what_goes_wrong_is_told(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    _, simulation, offers = open_desk()
    changes = [(draft("rule", "new"), NEW)]
    for given, words in (
        ((changes, [], 0), "from 1 to"),
        ((changes, [], MOST_ORDERS + 1), "from 1 to"),
        (([], [], 5), "choose what"),
        (([], ["nobody"], 5), "no live rule 'nobody'"),
        (([(draft("rule", "old"), replace(NEW, name="old"))], [], 5), "twice"),
        (([(draft("rule", "x", "gone"), replace(NEW, name="x"))], [], 5), "removed meanwhile"),
    ):
        with pytest.raises(BadInput, match=words):
            simulation.start(*given)
    with pytest.raises(BadInput, match="none of cart"):
        simulation.start(changes, [], 5, placement="mail")
    with pytest.raises(BadInput, match="is gone"):
        simulation.get("nothing")
    id = simulation.start(changes, [], 5)
    monkeypatch.setattr(offers.shelf.patient(), "read", lambda refs: type("Book", (), {"version": ""})())
    with pytest.raises(BookError):
        simulation.run(id)
    assert (simulation.get(id).state, "published" in simulation.get(id).step) == ("failed", True)
    with monkeypatch.context() as away:

        def read(refs: object) -> object:
            faults.seen["redis_read"] += 1
            return EMPTY

        away.setattr(offers.shelf, "patient", lambda: type("Shelf", (), {"read": staticmethod(read)}))
        id = simulation.start(changes, [], 5)
        with pytest.raises(BookError):
            simulation.run(id)
        assert "did not answer" in simulation.get(id).step, "no figures of half a book"
    monkeypatch.setattr(offers.queue, "enqueue", lambda *_: None)
    assert "Redis" in simulation.get(simulation.start(changes, [], 5)).step
    monkeypatch.setattr(type(offers.store), "capabilities", frozenset())
    with pytest.raises(BadInput, match="no past orders"):
        simulation.start(changes, [], 5)


def test_thousands_of_orders_in_little_memory(
    open_desk: Open,
    amount: Callable[[int, int], int],
    figure: Callable[[str, object, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are on disk: ten times the orders take no ten times the memory."""
    peaks = []
    for count in (amount(50, 10_000), amount(500, 100_000)):
        _, simulation, offers = open_desk()
        monkeypatch.setattr(offers.store, "orders", partial(iter_orders, count))
        id = simulation.start([(draft("rule", "new"), NEW)], [], count)
        tracemalloc.start()
        began = time.monotonic()
        simulation.run(id)
        seconds = time.monotonic() - began
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        found = simulation.get(id).figures
        assert found is not None and (found.carts, found.shown) == (count, count // 2)
        figure(f"{count} orders tried, orders a second while memory is traced", int(count / seconds), "-")
    assert peaks[1] < 2 * peaks[0] + 2_000_000
    figure("memory of the larger one, MB", round(peaks[1] / 1e6, 1), "< 2 x the smaller one")


def iter_orders(count: int, since: datetime | None = None) -> Iterator[OrderLine]:
    for number in range(count):
        for ref in ("p4", "p5") if number % 2 else ("p4",):
            yield OrderLine(f"o{number}", ref, 1, 1000, AT + timedelta(seconds=number))
