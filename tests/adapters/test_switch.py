"""The kill switch: in SQL, in memory, and asked without waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flask_upsell import faults
from flask_upsell.adapters.audit import SQLAudit, acting
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.memory import MemorySwitch
from flask_upsell.adapters.switch import ASK_EVERY, SQLSwitch
from flask_upsell.adapters.tables import metadata
from flask_upsell.core.switch import Off, Switch

OFF = Off(datetime(2026, 11, 22, 12, tzinfo=UTC), "ada", "the prices are wrong")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def switch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Switch]:
    if request.param == "memory":
        yield MemorySwitch()
        return
    postgres = request.param == "postgresql"
    engine = make_engine(request.getfixturevalue("postgres") if postgres else f"sqlite:///{tmp_path / 'x.db'}")
    metadata.create_all(engine)
    yield SQLSwitch(engine, "upsell")
    metadata.drop_all(engine)
    engine.dispose()


def test_it_is_off_with_who_and_why_until_it_is_on(switch: Switch) -> None:
    assert switch.state() is None
    switch.set(OFF)
    switch.set(OFF)
    assert switch.state() == OFF
    switch.set(None)
    switch.set(None)
    assert switch.state() is None


def test_instances_have_their_own(engine: Engine) -> None:
    one, other = SQLSwitch(engine, "upsell"), SQLSwitch(engine, "upsell_b2b")
    one.set(OFF)
    assert other.state() is None
    other.set(None)
    assert one.state() == OFF


def asked(switch: SQLSwitch) -> bool:
    """What it says when its thread is done."""
    switch.lately()
    for thread in threading.enumerate():
        if thread.name == "upsell-switch":
            thread.join(60)
    return switch.lately()


def test_lately_is_what_sql_said_some_seconds_ago(engine: Engine) -> None:
    """Planted bug that it shows: `_asked` is never set again, so what was asked first holds for ever."""
    now = [100.0]
    switch = SQLSwitch(engine, "upsell", lambda: now[0])
    assert asked(switch) is False
    switch.set(OFF)
    assert asked(switch) is False, "it was asked just now"
    now[0] += ASK_EVERY
    assert asked(switch) is True
    switch.set(None)
    now[0] += ASK_EVERY
    assert asked(switch) is False


def test_without_a_database_the_last_word_holds_and_nobody_waits(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/no/such/folder.db")
    switch = SQLSwitch(engine, "upsell")
    started, goes_on, state = threading.get_ident(), threading.Event(), switch.state

    def slow() -> Off | None:
        assert threading.get_ident() != started, "the page waits"
        goes_on.wait(60)
        return state()

    monkeypatch.setattr(switch, "state", slow)
    assert switch.lately() is False
    goes_on.set()
    assert asked(switch) is False
    assert faults.seen["switch"] == 1


def test_each_change_is_in_the_audit_and_nothing_else_is(engine: Engine) -> None:
    switch, audit = SQLSwitch(engine, "upsell"), SQLAudit(engine, "upsell")
    for off in (None, OFF, OFF, None, None):
        with acting("ada", "the prices are wrong"):
            switch.set(off)
    found = [(row.who, row.what, row.why) for row in audit.history()]
    assert found == [
        ("ada", "switched off", "the prices are wrong"),
        ("ada", "switched on", "the prices are wrong"),
    ]
    assert audit.verify().problem == ""
