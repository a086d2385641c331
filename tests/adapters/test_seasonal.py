"""Seasonal suggestions as they are kept, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import Engine

from flask_upsell.adapters import seasonal
from flask_upsell.adapters.audit import SQLAudit
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.removal import drop_tables, tables_of
from flask_upsell.adapters.seasonal import SQLSeasonal
from flask_upsell.adapters.verdicts import NEVER, SQLVerdicts
from flask_upsell.core.kind import Kind
from flask_upsell.core.seasonal import Seasonal, Standing

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ONE = Seasonal("tea", "cup", "12-20", "01-06", 42, 310, 900, 5.25, 3, 2100, 0.5, 2, 30.0)


def another(antecedent: str, consequent: str, certainty: float = 20.0) -> Seasonal:
    return msgspec.structs.replace(ONE, antecedent=antecedent, consequent=consequent, certainty=certainty)


def test_they_come_back_as_they_were_the_surest_first(engine: Engine) -> None:
    rows = [another("a", "b"), ONE, another("cup", "tea", 31.5)]
    assert SQLLedger(engine, "upsell").save_seasonal(rows) == 3
    found = SQLSeasonal(engine, "upsell").all()
    assert [each.seasonal for each in found] == [rows[2], ONE, rows[0]]
    assert {(each.state, each.verdict, each.price) for each in found} == {(Standing.WAITING, None, None)}
    one = SQLSeasonal(engine, "upsell").of("tea", "cup")
    assert one is not None
    assert one.seasonal == ONE
    assert SQLSeasonal(engine, "upsell").of("tea", "b") is None


def test_each_learning_replaces_all_of_its_instance_or_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when each chunk is a transaction of its own."""
    monkeypatch.setattr(seasonal, "CHUNK", 2)
    ours, theirs = SQLLedger(engine, "upsell"), SQLLedger(engine, "upsell_b2b")
    theirs.save_seasonal([ONE])
    ours.save_seasonal([another("old", "b")])
    assert ours.save_seasonal(another(f"a{number}", "b") for number in range(5)) == 5

    def broken() -> Iterator[Seasonal]:
        yield from (another(f"new{number}", "b") for number in range(3))
        raise RuntimeError("the mining failed")

    with pytest.raises(RuntimeError):
        ours.save_seasonal(broken())
    assert sorted(each.antecedent for each in SQLSeasonal(engine, "upsell").all()) == ["a0", "a1", "a2", "a3", "a4"]
    assert [each.seasonal for each in SQLSeasonal(engine, "upsell_b2b").all()] == [ONE]
    drop_tables(engine, "upsell_b2b", tables_of(engine, "upsell_b2b"))
    assert SQLSeasonal(engine, "upsell_b2b").all() == []
    assert len(SQLSeasonal(engine, "upsell").all()) == 5
    assert ours.save_seasonal([]) == 0


def test_verdicts_are_of_the_pair_and_never_is_first(engine: Engine) -> None:
    verdicts = SQLVerdicts(engine, "upsell", SQLAudit(engine, "upsell"))
    SQLLedger(engine, "upsell").save_seasonal([ONE, another("cup", "tea"), another("a", "b"), another("c", "d")])
    said = [("seasonal", "tea", "cup"), ("complement", "a", "b"), ("seasonal", "d", "c")]
    verdicts.decide([(key, "rejected", "No") for key in said], NOW)
    verdicts.decide([(("seasonal", "cup", "tea"), "approved", "")], NOW)
    state = {(each.antecedent, each.consequent): each.state for each in SQLSeasonal(engine, "upsell").all()}
    assert state == {
        ("tea", "cup"): Standing.REJECTED, ("cup", "tea"): Standing.APPROVED,
        ("a", "b"): Standing.WAITING, ("c", "d"): Standing.WAITING,
    }  # fmt: skip
    verdicts.decide([((NEVER, "tea", "cup"), "rejected", "")], NOW)
    found = {each.antecedent: each for each in SQLSeasonal(engine, "upsell").all()}
    assert {found[ref].state for ref in ("tea", "cup")} == {Standing.REJECTED}
    assert verdicts.load(0).rejected[Kind.COMPLEMENT] == {("a", "b")}, "what is offered is another matter"
