"""Drafts in SQL, on SQLite and PostgreSQL: nothing typed is lost, and of two writers one is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from flask_upsell.adapters.audit import acting
from flask_upsell.adapters.drafts import Draft, SQLDrafts
from flask_upsell.errors import BadInput, StaleError
from tests.adapters.test_ledger import together

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def drafts(engine: Engine) -> SQLDrafts:
    return SQLDrafts(engine, "upsell")


def test_what_was_typed_is_there_again(drafts: SQLDrafts) -> None:
    with acting("ada"):
        made = drafts.make("rule", "", 3, {"name": "", "when": {"all": [{"subtotal": {"min": "half"}}]}}, NOW)
    assert (made.author, made.writer, made.version, made.base, made.state) == ("ada", "ada", 1, 3, "open")
    with acting("bob"):
        saved = drafts.save(made.id, 1, NOW + timedelta(minutes=1), written={"name": "tea"}, note="for spring")
    assert (saved.author, saved.writer, saved.version, saved.note) == ("ada", "bob", 2, "for spring")
    assert drafts.find(made.id) == saved
    assert drafts.all() == [saved]
    assert (drafts.drop(made.id), drafts.drop(made.id), drafts.all()) == (True, False, [])


def test_of_two_who_save_one_is_told(drafts: SQLDrafts) -> None:
    """Planted bug that it shows: `save` does not ask for the version."""
    made = drafts.make("rule", "", 0, {}, NOW)
    results = together(6, lambda number: drafts.save(made.id, 1, NOW, written={"name": str(number)}))
    won = [each for each in results if isinstance(each, Draft)]
    assert len(won) == 1
    for lost in results:
        if lost is not won[0]:
            assert isinstance(lost, StaleError)
            assert lost.current == won[0]
    assert drafts.find(made.id) == won[0]


def test_a_live_part_has_one_draft(drafts: SQLDrafts) -> None:
    """Planted bug that it shows: the index of live parts is not unique."""
    results = together(6, lambda number: drafts.make("rule", "tea", 1, {"label": str(number)}, NOW))
    assert {each.id for each in results if isinstance(each, Draft)} == {drafts.all()[0].id}
    assert drafts.of("rule", "tea") == drafts.all()[0]
    assert drafts.of("season", "tea") is None
    assert drafts.make("rule", "", 0, {}, NOW).id != drafts.make("rule", "", 0, {}, NOW).id
    assert drafts.of("rule", "") is None
    assert SQLDrafts(drafts.engine, "upsell_b2b").all() == []


def test_what_is_gone_cannot_be_saved(drafts: SQLDrafts) -> None:
    with pytest.raises(BadInput, match="published or thrown away"):
        drafts.save("x", 1, NOW, written={})
