"""What the linter found, kept for all processes, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import Engine

from flask_upsell.adapters.linted import Linted, SQLLinted
from flask_upsell.core.finding import Finding, Flaw
from flask_upsell.core.words import say

NOW, TODAY = datetime(2026, 5, 4, 12, tzinfo=UTC), date(2026, 5, 4)
FOUND = [Finding(Flaw.OVER, "tea", "", say("This rule ended on {day}. Größe \U0001f375", day="1 May"))]


def test_the_last_ones_are_kept(engine: Engine) -> None:
    """Planted bug that it shows: of two workers the slower one, which has the older rules, comes last."""
    kept, others = SQLLinted(engine, "upsell"), SQLLinted(engine, "upsell_b2b")
    assert (kept.last(), kept.key(), kept.rules()) == (None, None, 0)
    kept.keep(Linted(7, TODAY, NOW, FOUND))
    kept.keep(Linted(6, TODAY, NOW, []))
    assert kept.last() == Linted(7, TODAY, NOW, FOUND)
    kept.keep(Linted(7, date(2026, 5, 5), NOW, []))
    assert kept.key() == (7, date(2026, 5, 5))
    assert others.last() is None
