"""What the desk says at first sight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert

from flask_upsell.adapters import tables as t
from flask_upsell.core.ports import OrderLine
from flask_upsell.core.rule import Learned, Rule, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.switch import Off
from flask_upsell.core.windows import Yearly
from flask_upsell.desk import Desk
from flask_upsell.desk.overview import Coming, Start, State
from tests.conftest import MakeApp
from tests.web.shop import BOOK, GOODS, SessionStore, parts_of, publish

NOW = datetime(2026, 5, 4, 22, 30, tzinfo=UTC)  # half past midnight in Berlin


@pytest.fixture
def store() -> SessionStore:
    return SessionStore(GOODS)


@pytest.fixture
def app(make_app: MakeApp, store: SessionStore) -> Flask:
    return make_app(store, UPSELL_ZONE="Europe/Berlin")


@pytest.fixture
def desk(app: Flask) -> Desk:
    desk = parts_of(app).desk
    desk.offers.clock = lambda: NOW
    return desk


def test_figures_are_of_the_last_thirty_days(desk: Desk) -> None:
    ledger = desk.offers.ledger
    ledger.add_shown("1", {("cart", "complement", "bag"): 7}, NOW)
    ledger.add_shown("2", {("cart", "complement", "bag"): 3}, NOW - timedelta(hours=1))
    ledger.add_shown("3", {("cart", "complement", "bag"): 9}, NOW - timedelta(days=30))
    sold = {"placement": "cart", "kind": "upgrade", "product": "bag", "converted": 1, "accepted": 1, "revenue": 5}
    with desk.engine.begin() as connection:
        counts = [{**sold, "currency": "USD"}, {**sold, "currency": "EUR", "revenue": 9}]
        row = {"instance": "upsell", "event": "order:1", "counts": counts, "created_at": NOW}
        connection.execute(insert(t.outbox).values(**row))
    ledger.fold()
    figures = desk.overview.figures()
    assert (len(figures.days), figures.days[-1].isoformat()) == (30, "2026-05-05")
    assert (figures.shown[-2:], sum(figures.shown), sum(figures.accepted), sum(figures.orders)) == ([3, 7], 10, 2, 0)
    assert [(currency, sum(each)) for currency, each in figures.earned.items()] == [("EUR", 9), ("USD", 5)]


def test_what_is_live_and_what_comes(desk: Desk) -> None:
    """Planted bug that it shows: opening hours count as beginnings and ends."""
    book = RuleBook(
        rules=(
            Rule(name="always", offer=Learned()),
            Rule(name="spring", offer=Learned(), priority=2, schedule=Schedule(seasons=("spring",))),
            Rule(name="nights", offer=Learned(), schedule=Schedule(weekdays=("sat",))),
            Rule(name="may", offer=Learned(), schedule=Schedule(start="2026-05-06T00:00", end="2026-05-08T12:00")),
            Rule(name="paused", offer=Learned(), status=Status.PAUSED),
            Rule(name="odd", offer=Learned(), schedule=Schedule(start="soon")),
        ),
        seasons=(
            Season(name="spring", yearly=(Yearly(start="05-01", end="05-09"),)),
            Season(name="winter", yearly=(Yearly(start="12-01", end="02-28"),)),
        ),
    )
    today = desk.overview.today(book)
    assert ([rule.name for rule in today.rules], today.seasons) == (["spring", "always"], ["spring"])
    assert [(each.at.isoformat()[:16], each.kind, each.name, each.begins) for each in today.coming] == [
        ("2026-05-05T22:00", "rule", "may", True),
        ("2026-05-08T10:00", "rule", "may", False),
        ("2026-05-09T22:00", "season", "spring", False),
        ("2026-05-09T22:00", "rule", "spring", False),
    ]
    assert isinstance(today.coming[0], Coming)


def test_what_needs_attention(desk: Desk, app: Flask) -> None:
    def needs(suggestions: int = 0) -> list[tuple[str, bool]]:
        found = desk.overview.needs(suggestions)
        return [(str(each.sentence), each.grave) for each in found]

    none = [
        ("No worker was seen: start one with “flask upsell worker”.", True),
        ("No book is published, so no offer is shown: learn first.", True),
    ]
    assert needs() == none
    publish(app, GOODS, BOOK)
    desk.offers.clock = lambda: datetime.now(UTC) + timedelta(hours=30)
    desk.offers.ledger.record_decline("cart", "upgrade", "bag", datetime.now(UTC))
    desk.offers.rules.save(RuleBook(seasons=(Season(name="unused"),)), NOW)
    draft = desk.drafts.begin("rule", {"name": "tea"})
    desk.drafts.submit(draft.id, 1)
    desk.offers.switch.set(Off(NOW, "ada", "complaints"))
    assert needs(2) == [
        ("All offers are switched off by ada: complaints", True),
        none[0],
        ("The book is 30 hours old: prices in it may be of another day.", False),
        ("Results are counted 1800 minutes late: a worker counts them.", False),
        ("One draft waits for review.", False),
        ("2 suggestions wait for a verdict.", False),
        ("One thing in the rules was probably not meant.", False),
    ]


def test_redis_that_does_not_answer_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OSError("away")

    monkeypatch.setattr(desk.offers.shelf, "published", away)
    found = desk.overview.needs()
    assert [(str(each.sentence)[:22], each.grave) for each in found] == [("Redis does not answer:", True)]


def test_a_new_shop_is_led_to_its_first_offer(desk: Desk, store: SessionStore) -> None:
    start = desk.overview.start
    nothing, done = State.OPEN, State.DONE
    assert start() == Start(nothing, nothing, nothing, nothing)
    store.past.append(OrderLine("1", "bag", 1, 5900, NOW))
    assert start() == Start(done, nothing, nothing, nothing)
    assert desk.overview.learn()
    assert start() == Start(done, State.RUNNING, nothing, nothing)
    desk.offers.ledger.progress("later", "learn", "done", "Live", 1, 1, {})
    desk.offers.rules.save(RuleBook(rules=(Rule(name="tea", offer=Learned()),)), NOW)
    assert start() == Start(done, done, done, nothing)
    desk.offers.ledger.add_shown("1", {("cart", "complement", "bag"): 1}, NOW)
    assert start() is None
