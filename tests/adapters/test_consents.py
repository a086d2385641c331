"""Who agreed that past orders are used: the last word counts; of both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from flask_upsell.adapters.consents import SQLConsents

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_only_who_said_yes_has_agreed(engine: Engine) -> None:
    consents, other = SQLConsents(engine, "upsell"), SQLConsents(engine, "upsell_b2b")
    assert consents.given(["ann", "bob"]) == set()
    assert not consents.note("ann", True, NOW) and not consents.note("ann", True, NOW)
    assert not consents.note("bob", False, NOW)
    assert consents.given(["ann", "bob"]) == {"ann"} and other.given(["ann"]) == set()
    assert consents.given([*map(str, range(1200)), "ann"]) == {"ann"}
    assert consents.note("ann", False, NOW), "it was taken back"
    assert consents.given(["ann"]) == set()


def test_it_lives_and_dies_with_the_order(engine: Engine) -> None:
    """Planted bug that it shows: a transaction of its own."""
    consents = SQLConsents(engine, "upsell")
    with engine.connect() as connection:
        consents.note("ann", True, NOW, connection)
        connection.rollback()
    assert consents.given(["ann"]) == set()
    with engine.begin() as connection:
        consents.note("ann", True, NOW, connection)
    assert consents.given(["ann"]) == {"ann"}
    with pytest.raises(Exception, match="customer"):
        consents.note("", True, NOW)
