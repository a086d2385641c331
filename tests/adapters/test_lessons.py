"""What was learned, in SQL of both databases: live as a whole or not at all, and who is forgotten is in none of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, select, update

from flask_upsell.adapters import lesson_tables as t
from flask_upsell.adapters import lessons as module
from flask_upsell.adapters.lessons import SQLLessons
from flask_upsell.core.affinity import Affinities, Affinity, Turn
from flask_upsell.core.lessons import Lead, Member
from flask_upsell.core.taste import Bought, Habits, Model
from flask_upsell.errors import LearnError
from flask_upsell.learn.likely import ROUGH

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MODEL = replace(ROUGH, crowd=(9, 8), popular=(("a", 5),))


def lead(*buyers: tuple[int, float]) -> Lead:
    turns = {"up": Turn(-0.5, 1.25, bytes(range(120, 136)))}
    leads = Affinities((), (Affinity("größe", 0.5, 5, 10, 6, 100),), buyers, turns=turns)
    return Lead(leads, frozenset(), frozenset(["größe"]))


LEADS = {"a": lead((0, 0.7), (1, 0.3)), "b": lead((1, 0.2)), "c": lead()}
CROWD = [
    Member(0, "ann", Bought((("a", 3, 5),)), ("a",)),
    Member(1, "bob", Bought((("a", 1, 5), ("b", 2, 2))), ("a", "b")),
]
ANN = Habits(((1_790_000_000, ("a", "b")),), {"a": 5}, bytes(range(120, 136)), (("größe", 0.25),))
HABITS = {"ann": ANN, "bob": Habits(((1_780_000_000, ("b",)),))}


@pytest.fixture
def lessons(engine: Engine) -> SQLLessons:
    return SQLLessons(engine, "upsell")


def written(lessons: SQLLessons, run: str = "run", at: datetime = NOW) -> str:
    id = lessons.begin(run, at)
    lessons.write(id, iter(LEADS.items()))
    lessons.write_people(id, iter(CROWD), iter(HABITS.items()))
    return id


def live(lessons: SQLLessons, run: str = "run", model: Model = MODEL) -> str:
    id = written(lessons, run)
    lessons.finish(id, model, {"coverage": 3})
    return id


def kept(engine: Engine) -> set[str]:
    """Ids of all learnings of which there are rows."""
    with engine.connect() as connection:
        rows = connection.execute(select(t.lessons.c.learning).union(select(t.learnings.c.id)))
        return set(rows.scalars())


def test_what_was_written_is_read(lessons: SQLLessons) -> None:
    assert lessons.live() is None
    id = live(lessons)
    lesson = lessons.live()
    assert lesson is not None and (lesson.id, lesson.model, lesson.figures) == (id, MODEL, {"coverage": 3})
    assert dict(lessons.leads(id)) == LEADS and dict(lessons.habits(id)) == HABITS
    assert lessons.own(id, ["bob", "cid"]) == {"bob": HABITS["bob"]} and lessons.own("another", ["bob"]) == {}
    assert dict(lessons.crowd(id)) == {"0": CROWD[0].bought, "1": CROWD[1].bought}


def test_one_is_live_at_a_time_and_the_older_one_goes(lessons: SQLLessons, engine: Engine) -> None:
    first, second = live(lessons, "one"), written(lessons, "two")
    lesson = lessons.live()
    assert lesson is not None and lesson.id == first
    lessons.finish(second, replace(MODEL, orders=7), {})
    lesson = lessons.live()
    assert lesson is not None and (lesson.id, lesson.model.orders) == (second, 7)
    assert kept(engine) == {second}


def test_what_is_not_whole_never_goes_live(lessons: SQLLessons, engine: Engine) -> None:
    """Planted bug that it shows: the rows are not counted."""
    first, second = live(lessons, "one"), written(lessons, "two")
    with engine.begin() as connection:
        connection.execute(update(t.learnings).where(t.learnings.c.id == second).values(lessons=8))
    with pytest.raises(LearnError, match="not whole"):
        lessons.finish(second, MODEL, {})
    lessons.drop(second)
    with pytest.raises(LearnError, match="not whole"):
        lessons.finish(second, MODEL, {})
    with pytest.raises(LearnError, match="not whole"):
        lessons.write(second, iter(LEADS.items()))
    lesson = lessons.live()
    assert lesson is not None and lesson.id == first and kept(engine) == {first}


def test_what_was_left_goes_with_the_next_try_or_after_a_while(lessons: SQLLessons, engine: Engine) -> None:
    """Planted bug that it shows: the live one goes with the next try of its own run."""
    first, killed, other = live(lessons, "run"), written(lessons, "run"), written(lessons, "other")
    again = lessons.begin("run", NOW)
    assert kept(engine) == {first, other, again} and killed != again
    lessons.begin("third", NOW + timedelta(days=1))
    assert first in kept(engine) and other not in kept(engine)


def test_many_rows_are_written_and_removed_some_at_a_time(
    lessons: SQLLessons, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    id = lessons.begin("run", NOW)

    def many() -> Iterator[tuple[str, Lead]]:
        for number in range(7):
            yield f"p{number}", lead()

    lessons.write(id, many())
    lessons.finish(id, MODEL, {})
    assert len(dict(lessons.leads(id))) == 7
    lessons.drop(id)
    assert kept(engine) == set()


def test_who_is_forgotten_before_they_are_written_is_nowhere(lessons: SQLLessons) -> None:
    """Planted bugs that it shows: only rows that are there go; who is forgotten next takes the place of the first."""
    id = lessons.begin("run", NOW)
    for gone in ("bob", "nobody"):
        assert lessons.forget([gone]).rows == 0
    lessons.write(id, iter(LEADS.items()))
    lessons.write_people(id, iter(CROWD), iter(HABITS.items()))
    lessons.finish(id, MODEL, {"coverage": 3})
    lesson = lessons.live()
    assert lesson is not None and lesson.figures == {"coverage": 3}
    assert set(dict(lessons.habits(id))) == {"ann"} and set(dict(lessons.crowd(id))) == {"0"}
    assert {number for _, lead in lessons.leads(id) for number, _ in lead.leads.buyers} == {0}


def test_who_is_forgotten_is_nowhere(lessons: SQLLessons, engine: Engine) -> None:
    """In the live one and in one that is being written. Planted bugs that it shows: `buyers` stay as they were; only
    the live one is looked at; the rows that went are still counted; another instance forgets too."""
    id, coming, others = live(lessons), written(lessons, "next"), SQLLessons(engine, "upsell_b2b")
    theirs = live(others)
    gone = lessons.forget(["bob", "nobody"])
    assert (gone.learning, gone.customers, dict(gone.members), gone.rows) == (
        id, ("bob", "nobody"), {1: ("a", "b")}, 4,
    )  # fmt: skip
    for each in (id, coming):
        assert set(dict(lessons.habits(each))) == {"ann"} and set(dict(lessons.crowd(each))) == {"0"}
        assert {ref: found.leads.buyers for ref, found in lessons.leads(each)} == {
            "a": ((0, 0.7),), "b": (), "c": (),
        }  # fmt: skip
    lesson = lessons.live()
    assert lesson is not None and lesson.revision == 1
    lessons.finish(coming, MODEL, {})
    assert lessons.forget(["bob"]).rows == 0
    assert dict(others.habits(theirs)) == HABITS and dict(others.leads(theirs)) == LEADS
