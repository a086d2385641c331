"""Runs of all jobs, as they are looked at."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.runlist import SQLRunList


def test_runs_are_listed_and_found(engine: Engine) -> None:
    ours, others = (SQLLedger(engine, name, timedelta(days=7)) for name in ("upsell", "b2b"))
    for id, job in (("a", "learn"), ("b", "simulate"), ("c", "learn")):
        ours.progress(id, job, "done", "Live", 1, 1, {"orders": 3})
    others.progress("d", "learn", "queued", "", 0, 0, {})
    runs = SQLRunList(engine, "upsell")
    assert {run.id for run in runs.all()} == {"a", "b", "c"}
    assert {run.id for run in runs.all("learn")} == {"a", "c"}
    assert len(runs.all(most=1)) == 1
    found = runs.find("b")
    assert found is not None
    assert (found.job, found.state, found.figures) == ("simulate", "done", {"orders": 3})
    assert runs.find("d") is None
