"""Runs in the ledger: told of by a worker, cancelled by a person; SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from flask_upsell.adapters.runs import SQLRuns

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_a_run_from_its_beginning_to_its_end(engine: Engine) -> None:
    runs = SQLRuns(engine, "upsell", "simulate")
    runs.begin("r1", {"asked": 1}, AT)
    begun = runs.find("r1")
    assert begun is not None
    assert (begun.state, begun.figures, begun.started_at, begun.ended_at) == ("queued", {"asked": 1}, AT, None)
    assert runs.tell("r1", "reading", 3, 10, {"told": 2})
    told = runs.find("r1")
    assert told is not None and (told.state, told.step, told.done, told.total) == ("running", "reading", 3, 10)
    # What failed is tried again by the queue.
    assert runs.end("r1", "failed", "no store", AT, {})
    assert runs.tell("r1", "reading", 0, 0, {})
    assert runs.end("r1", "done", "", AT + timedelta(seconds=5), {"found": 7}, 10)
    done = runs.find("r1")
    assert done is not None and (done.state, done.done, done.figures) == ("done", 10, {"found": 7})
    assert not runs.tell("r1", "reading", 1, 1, {}) and not runs.cancel("r1", AT)


def test_what_was_cancelled_stays_so(engine: Engine) -> None:
    """Planted bug that it shows: a worker that tells how far it is makes it "running" again."""
    runs = SQLRuns(engine, "upsell", "simulate")
    runs.begin("r1", {}, AT)
    assert runs.cancel("r1", AT) and not runs.cancel("r1", AT)
    assert not runs.tell("r1", "reading", 1, 2, {})
    assert not runs.end("r1", "done", "", AT, {"found": 1})
    found = runs.find("r1")
    assert found is not None and (found.state, found.figures) == ("cancelled", {})


def test_each_sees_its_own_the_last_first(engine: Engine) -> None:
    runs, others = SQLRuns(engine, "upsell", "simulate"), SQLRuns(engine, "upsell_b2b", "simulate")
    for number in range(4):
        runs.begin(f"r{number}", {}, AT + timedelta(minutes=number))
    others.begin("o1", {}, AT)
    assert [each.id for each in runs.recent(3)] == ["r3", "r2", "r1"]
    assert [each.id for each in others.recent(9)] == ["o1"]
    assert others.find("r1") is None and not others.cancel("r1", AT)
    assert SQLRuns(engine, "upsell", "learn").recent(9) == []
