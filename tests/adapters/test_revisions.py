"""Rulebooks as they were saved: each is kept, whoever saved it, in the transaction of the saving."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, update

from flask_upsell.adapters import desk_tables as d
from flask_upsell.adapters.audit import acting
from flask_upsell.adapters.revisions import KEPT, SQLRevisions
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.rule import Learned, Rule, Status
from flask_upsell.core.rulebook import Changes, RuleBook
from flask_upsell.core.season import Season
from flask_upsell.errors import BadInput

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TEA, CUP = Rule(name="tea", offer=Learned()), Rule(name="cup", offer=Learned())
BOOK = RuleBook(rules=(TEA, CUP), seasons=(Season(name="spring"),), ladders={"cups": ("a", "b")})


def test_every_saving_keeps_the_book(engine: Engine) -> None:
    """Planted bugs that it shows: pausing keeps no book; what is not saved is kept."""
    rules, kept = SQLRules(engine, "upsell"), SQLRevisions(engine, "upsell")
    with acting("ada", "a new year"):
        rules.save(BOOK, NOW)
    rules.save(BOOK, NOW)
    with acting("bob"):
        rules.set_status("tea", Status.PAUSED, NOW)
    rules.save(RuleBook(), NOW, writers=("emil", "eve"))
    assert [(each.revision, each.who, each.why, each.writers) for each in kept.all()] == [
        (3, "program", "", ("emil", "eve")),
        (2, "bob", "", ("bob",)),
        (1, "ada", "a new year", ("ada",)),
    ]
    assert kept.all()[1].changes == Changes(2, changed=("rule tea",))
    assert (kept.book(1), kept.book(3), kept.book(4)) == (BOOK, RuleBook(), None)
    paused = kept.book(2)
    assert paused is not None
    assert (paused.rules[0].status, paused.rules[1:], paused.ladders) == (Status.PAUSED, (CUP,), BOOK.ladders)
    assert SQLRevisions(engine, "upsell_b2b").all() == []


def test_the_last_ones_are_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_upsell.adapters.revisions.KEPT", 3)
    rules, kept = SQLRules(engine, "upsell"), SQLRevisions(engine, "upsell")
    for step in range(5):
        rules.save(RuleBook(ladders={"cups": (str(step),)}), NOW)
    assert [each.revision for each in kept.all()] == [5, 4, 3]
    assert KEPT == 200


def test_a_book_that_cannot_be_read_says_so(engine: Engine) -> None:
    SQLRules(engine, "upsell").save(BOOK, NOW)
    with engine.begin() as connection:
        connection.execute(update(d.revisions).values(book=b"x"))
    with pytest.raises(BadInput, match="revision 1 cannot be read"):
        SQLRevisions(engine, "upsell").book(1)
