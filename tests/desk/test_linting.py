"""What the linter says of the live rules: of few at once, of many by a worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from flask_upsell.adapters.memory import MemoryQueue
from flask_upsell.core.finding import Flaw
from flask_upsell.core.rule import Category, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk import Desk, linting
from flask_upsell.desk.linting import PATIENCE
from tests.conftest import MakeApp
from tests.web.shop import parts_of


def book(*names: str) -> RuleBook:
    """Rules that offer the same, so that the linter finds something in all but the first."""
    return RuleBook(rules=tuple(Rule(name=name, offer=Category(name="Tea"), priority=5) for name in names))


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def desk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk that leaves books of more than three rules to the worker."""
    monkeypatch.setattr(linting, "MOST_AT_ONCE", 3)
    desk = parts_of(app).desk
    desk.offers.queue = MemoryQueue()
    return desk


def save(desk: Desk, *names: str) -> None:
    desk.offers.rules.save(book(*names), desk.offers.clock())


def test_few_rules_are_looked_at_at_once(desk: Desk) -> None:
    save(desk, "a", "b")
    told = desk.linting.told()
    assert (told.current, [each.rule for each in told.findings if each.code is Flaw.OVERLAP]) == (True, ["b"])
    assert not desk.linting.wanted()
    save(desk, "a")
    assert [each.rule for each in desk.linting.told().findings] == []


def test_many_rules_are_looked_at_by_a_worker(desk: Desk) -> None:
    """What is shown says of which revision it is. Planted bug that it shows: what is old is shown as if it was new."""
    save(desk, "a", "b", "c", "d")
    told = desk.linting.told()
    assert (told.current, told.revision, told.findings, told.run) == (False, 0, [], None)
    assert desk.linting.wanted()
    asked = desk.linting.ask()
    assert asked is not None and desk.linting.ask() == asked, "once"
    assert isinstance(desk.offers.queue, MemoryQueue) and desk.offers.queue.jobs == [("lint", (asked.id,))]
    told = desk.linting.told()
    assert told.run is not None and told.run.state == "queued"
    assert desk.linting.run(asked.id) == {"rules": 4, "findings": 3, "revision": 1}
    told, run = desk.linting.told(), desk.runs.find(asked.id)
    assert (told.current, told.revision, len(told.findings), desk.linting.wanted()) == (True, 1, 3, False)
    assert run is not None and (run.state, run.done, run.figures["findings"]) == ("done", 4, 3)
    save(desk, "a", "b", "c", "d", "e")
    told = desk.linting.told()
    assert (told.current, told.revision, len(told.findings)) == (False, 1, 3)
    assert desk.linting.wanted()
    again = desk.linting.ask()
    assert again is not None and again.id != asked.id
    assert desk.linting.run(again.id)["findings"] == 4
    assert desk.linting.run(again.id) == {}, "it was done"


def test_what_ended_meanwhile_is_found_the_next_day(desk: Desk) -> None:
    """Planted bug that it shows: a book that nobody changes is looked at once for ever."""
    save(desk, "a", "b", "c", "d")
    asked = desk.linting.ask()
    assert asked is not None
    desk.linting.run(asked.id)
    now = desk.offers.clock()
    desk.offers.clock = lambda: now + timedelta(days=1)
    assert desk.linting.wanted()
    assert not desk.linting.told().current


def test_who_has_heard_nothing_asks_again(desk: Desk) -> None:
    """Planted bug that it shows: a run that was lost with Redis is waited for, for ever."""
    save(desk, "a", "b", "c", "d")
    first, now = desk.linting.ask(), desk.offers.clock()
    desk.offers.clock = lambda: now + PATIENCE
    again = desk.linting.ask()
    assert first is not None and again is not None and again.id != first.id


def test_rules_that_change_meanwhile_are_looked_at_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: what was found in the older book is stored as that of the newer one."""
    save(desk, "a", "b", "c", "d")
    looked, real = [0], linting.lint

    def lint(*given: object, **more: object) -> object:
        looked[0] += 1
        if looked[0] == 1:
            save(desk, "a", "b", "c", "d", "e")
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(linting, "lint", lint)
    asked = desk.linting.ask()
    assert asked is not None
    assert desk.linting.run(asked.id) == {"rules": 5, "findings": 4, "revision": 2}
    assert looked == [2]


def test_what_goes_wrong_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    save(desk, "a", "b", "c", "d")
    asked = desk.linting.ask()
    assert asked is not None

    def lint(*_: object, **__: object) -> object:
        raise ValueError("odd")

    monkeypatch.setattr(linting, "lint", lint)
    with pytest.raises(ValueError, match="odd"):
        desk.linting.run(asked.id)
    run = desk.runs.find(asked.id)
    assert run is not None and (run.state, run.step) == (
        "failed",
        "ValueError: (its text is left out: it may be about people)",
    )
