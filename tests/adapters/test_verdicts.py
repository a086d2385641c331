"""Verdicts on learned pairs, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from flask_upsell import Product
from flask_upsell.adapters.audit import SQLAudit, acting
from flask_upsell.adapters.curation import SQLCuration
from flask_upsell.adapters.verdicts import SQLVerdicts
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.curation import Note
from flask_upsell.core.lessons import Lead
from flask_upsell.core.taste import Habits, Learned
from flask_upsell.learn.likely import ROUGH

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
PRICES = {"p1": 1000, "p2": 5000, "p3": 200, "p4": 100}


@pytest.fixture
def verdicts(engine: Engine) -> SQLVerdicts:
    return SQLVerdicts(engine, "upsell", SQLAudit(engine, "upsell"))


def test_every_verdict_is_in_the_audit(verdicts: SQLVerdicts, engine: Engine) -> None:
    key = ("complement", "p1", "p2")
    with acting("emil"):
        assert verdicts.decide([(key, "approved", ""), (key, "approved", "")], NOW) == 1
        assert verdicts.decide([(key, "approved", "")], NOW) == 0, "that is what it was"
        assert verdicts.decide([(key, "rejected", "No")], NOW + timedelta(minutes=1)) == 1
        assert verdicts.decide([(key, "", "")], NOW, only=NOW) == 0, "somebody said more since"
        assert verdicts.decide([(key, "", "")], NOW) == 1
    rows = SQLAudit(engine, "upsell").history(what="verdict changed", who="emil")
    assert [row.subject for row in rows] == ["p1 > p2"] * 3
    assert [("approved" in row.after, "rejected" in row.after, row.after) for row in rows][2] == (False, False, "")
    assert SQLAudit(engine, "upsell").verify().problem == ""


def test_what_is_said_of_products_goes_into_the_book(engine: Engine) -> None:
    """Planted bug that it shows: what only is excluded is no reason any more."""
    curation = SQLCuration(engine, "upsell", SQLAudit(engine, "upsell"))
    goods = [Product(ref, ref, price, "EUR") for ref, price in PRICES.items()]
    with acting("emil"):
        curation.notes.set("p1", Note(excluded=True), NOW)
        curation.notes.set("p2", Note(sensitive=True), NOW)
        assert curation.notes.set("p3", Note(fits=("Model",)), NOW) == Note()
        assert curation.notes.set("p3", Note(fits=("Model",)), NOW) == Note(fits=("Model",))
    told = {each.ref: each for each in curation.published(iter(goods))}
    assert [each.excluded for each in told.values()] == [True, False, False, False]
    assert [each.sensitive for each in told.values()] == [False, True, False, False]
    assert told["p3"].fits == ("Model",)
    assert [each.excluded for each in curation.changed(goods[:1], {})] == [True]
    leads = Affinities((), (Affinity("p3", 1.0, 5, 20, 60, 6000), Affinity("p1", 1.0, 5, 20, 60, 6000)))
    shown = dict(curation.shown([(ref, Lead.proven(leads)) for ref in ("p1", "p2", "p4")]))
    assert {ref: [each.consequent for each in found.complements] for ref, found in shown.items()} == {
        "p1": ["p3"], "p4": ["p3"],
    }  # fmt: skip
    curation.notes.set("p1", Note(), NOW)
    assert set(curation.notes.all()) == {"p2", "p3"}
    assert len(SQLAudit(engine, "upsell").history(what="product changed")) == 4


def test_no_taste_is_told_that_was_made_of_what_is_sensitive(engine: Engine) -> None:
    """Nor what they are drawn to. Planted bug that it shows: only the orders are taken out."""
    curation, taste = SQLCuration(engine, "upsell", SQLAudit(engine, "upsell")), bytes(range(16))
    ann = Habits(((5, ("p1", "p2")),), {"p1": 3, "p2": 2}, taste, (("p3", 0.5),))
    bob = Habits(((5, ("p1",)),), {"p1": 3}, taste, (("p2", 0.7), ("p4", 0.5)))
    both = [("ann", ann), ("bob", bob)]
    assert dict(curation.fit(Learned(ROUGH, (), iter(both))).habits) == dict(both)
    with acting("emil"):
        curation.notes.set("p2", Note(sensitive=True), NOW)
    assert dict(curation.fit(Learned(ROUGH, (), iter(both))).habits) == {
        "ann": Habits(((5, ("p1",)),), {"p1": 3}),
        "bob": Habits(((5, ("p1",)),), {"p1": 3}, taste, (("p4", 0.5),)),
    }


def test_what_was_said_holds_while_the_ledger_is_away(engine: Engine) -> None:
    """Planted bug that it shows: without the ledger what is excluded is offered again."""
    curation = SQLCuration(engine, "upsell", SQLAudit(engine, "upsell"))
    with engine.begin() as connection:
        for table in ("upsell_product_note", "upsell_product"):
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_away")
    live = {"a": Product("a", "a", 1, "EUR", excluded=True)}
    changed = curation.changed([Product("a", "a", 2, "EUR"), Product("b", "b", 2, "EUR")], live)
    assert [(each.price, each.excluded) for each in changed] == [(2, True), (2, False)]
    with engine.begin() as connection:
        for table in ("upsell_product_note", "upsell_product"):
            connection.exec_driver_sql(f"ALTER TABLE {table}_away RENAME TO {table}")
