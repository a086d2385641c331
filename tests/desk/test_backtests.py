"""Backtests: asked at the desk, done by the job, cancelled; what was chosen is what learning uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from flask_upsell import MemoryStore, jobs
from flask_upsell.adapters.audit import acting
from flask_upsell.adapters.memory import MemoryQueue
from flask_upsell.core.ports import OrderLine
from flask_upsell.desk import Desk
from flask_upsell.desk.backtests import MOST_MINUTES, OPTION, SILENT
from flask_upsell.errors import BadInput, LearnError
from flask_upsell.learn.likely import USUAL
from flask_upsell.learn.mining import Parameters
from flask_upsell.learn.tuning import Trial, Tuned
from tests.conftest import MakeApp
from tests.learn.histories import couples, goods
from tests.web.shop import parts_of

LINES = couples(300)
Open = Callable[..., tuple[Flask, Desk]]


@pytest.fixture
def open_desk(make_app: MakeApp) -> Open:
    def make(**config: Any) -> tuple[Flask, Desk]:
        app = make_app(MemoryStore(goods(LINES), orders=list(LINES)), **config)
        parts_of(app).offers.queue = MemoryQueue()
        return app, parts_of(app).desk

    return make


def test_it_is_done_by_the_job_and_kept(open_desk: Open) -> None:
    app, desk = open_desk()
    with acting("emil"):
        id = desk.backtests.start(2)
    queue = desk.offers.queue
    assert isinstance(queue, MemoryQueue) and queue.jobs == [("backtest", (id,))]
    assert desk.backtests.get(id).state == "queued" and desk.backtests.last() is None
    with pytest.raises(BadInput, match="another test is running"):
        desk.backtests.start()
    with app.app_context():
        told = jobs.backtest("upsell", id)
    run = desk.backtests.get(id)
    assert run.result is not None and (run.state, run.asked.who, run.done) == ("done", "emil", 46)
    assert told["cases"] == run.result.cases == 46 and desk.backtests.last() == run
    assert {row.method: row.hit_3.value for row in run.result.complements}["visitors"] == 1.0
    # The job that comes twice does nothing, and nothing was chosen.
    with app.app_context():
        assert jobs.backtest("upsell", id) == {}
    assert desk.backtests.chosen() == Tuned()


def test_what_was_chosen_is_what_learning_uses(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Tuned({"min_support": 3.0, "ridge": 50.0}, (Trial("ridge", 50.0, 0.5, True),))
    monkeypatch.setattr("flask_upsell.learn.backtest.tune", lambda *_, **__: found)
    app, desk = open_desk()
    with acting("emil"):
        id = desk.backtests.start(choose=True)
    with app.app_context():
        jobs.backtest("upsell", id)
    assert desk.backtests.chosen().chosen == found.chosen
    result = desk.backtests.get(id).result
    assert result is not None and result.chosen_now and result.tuned == found
    assert desk.options.all().keys().isdisjoint({OPTION}) and desk.options.changed()[OPTION][0] == "emil"
    with app.app_context():
        figures = jobs.learn("upsell")
    assert figures["readiness"]["min_support"] == 3
    assert desk.backtests.sizes(tuned=True).ridge == 50.0 and desk.backtests.sizes(tuned=False) == USUAL
    desk.backtests.forget()
    assert desk.backtests.chosen() == Tuned() and desk.backtests.sizes(tuned=True) == USUAL


def test_the_setting_can_say_that_nothing_chosen_is_used(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app, desk = open_desk(UPSELL_LEARN_TUNED=False)
    desk.backtests._options.set(OPTION, {"min_support": 3.0}, datetime.now(UTC))
    with app.app_context():
        assert jobs.learn("upsell")["readiness"]["min_support"] == 5
    given = list[Tuned]()

    def noted(*_: Any, used: Tuned, **__: Any) -> Any:
        given.append(used)
        raise LearnError("enough")

    monkeypatch.setattr("flask_upsell.desk.backtests.backtest", noted)
    for tuned in (False, True):
        with pytest.raises(LearnError):
            desk.backtests.here(Parameters(), 1, choose=False, tuned=tuned, report=lambda *_: None)
    assert [each.chosen for each in given] == [{}, {"min_support": 3.0}]
    assert desk.backtests.recent()[0].step == "enough"


def test_what_was_cancelled_ends_with_its_next_step(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: the job does not look at the row."""
    app, desk = open_desk()
    monkeypatch.setattr("flask_upsell.desk.runs.TELL_EVERY", 0.0)
    id, given = desk.backtests.start(), 0

    def cancelling(since: datetime | None = None) -> Iterator[OrderLine]:
        nonlocal given
        for line in LINES:
            given += 1
            if given == 9:
                assert desk.backtests.cancel(id)
            yield line

    monkeypatch.setattr(desk.offers.store, "orders", cancelling)
    monkeypatch.setattr("flask_upsell.learn.backtest.learn", lambda *_: pytest.fail("it went on"))
    with app.app_context():
        assert jobs.backtest("upsell", id) == {}
    assert desk.backtests.get(id).state == "cancelled" and not desk.backtests.cancel(id)
    assert desk.backtests.last() is None


def test_a_run_whose_worker_is_gone_is_broken_off(open_desk: Open) -> None:
    _, desk = open_desk()
    id = desk.backtests.start()
    desk.backtests._kept.tell(id, "Mining baskets", 0, 1, {})
    assert desk.backtests.get(id).state == "running"
    later = datetime.now(UTC) + SILENT + timedelta(seconds=1)
    desk.offers.clock = lambda: later
    assert desk.backtests.get(id).state == "broken"
    desk.backtests.start()


def test_what_goes_wrong_is_told(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    _, desk = open_desk()
    for minutes in (0, MOST_MINUTES + 1):
        with pytest.raises(BadInput, match=f"from 1 to {MOST_MINUTES}"):
            desk.backtests.start(minutes)
    with pytest.raises(BadInput, match="is gone"):
        desk.backtests.get("nothing")

    def failing(since: datetime | None = None) -> Iterator[OrderLine]:
        raise OperationalError("select", {}, Exception("a person's name"))

    monkeypatch.setattr(desk.offers.store, "orders", failing)
    id = desk.backtests.start()
    with pytest.raises(OperationalError):
        desk.backtests.run(id, Parameters(), tuned=True)
    assert desk.backtests.get(id).state == "failed" and "OperationalError" in desk.backtests.get(id).step
    monkeypatch.setattr(desk.offers.queue, "enqueue", lambda *_, **__: None)
    assert "Redis" in desk.backtests.get(desk.backtests.start()).step
    monkeypatch.setattr(type(desk.offers.store), "capabilities", frozenset())
    with pytest.raises(BadInput, match="no orders to learn from"):
        desk.backtests.start()
