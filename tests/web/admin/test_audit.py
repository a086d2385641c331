"""The audit as a page and as a file."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from flask import Flask
from sqlalchemy import text

from flask_upsell.adapters.audit import acting
from flask_upsell.core.rule import Learned, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk import Desk
from flask_upsell.web.admin.audit import safe
from tests.web.admin.conftest import MakeClerk
from tests.web.shop import parts_of

AT = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)


@pytest.fixture
def desk(app: Flask) -> Desk:
    desk = parts_of(app).desk
    for place, (who, label) in enumerate([("ada", "Tea"), ("bob", "Chai"), ("=cmd|' /C calc'!A0", "<b>Mate</b>")]):
        with acting(who, "+why" if place else ""):
            book = RuleBook(rules=(Rule(name="tea", offer=Learned(), label=label),))
            desk.offers.rules.save(book, AT + timedelta(hours=place))
    return desk


def test_it_says_what_was_before_and_after(desk: Desk, clerk: MakeClerk) -> None:
    page = clerk("viewer").get("/audit?what=rule").text
    assert "<del>Tea</del>" in page and "<ins>Chai</ins>" in page
    assert "&lt;b&gt;Mate&lt;/b&gt;" in page and "<b>Mate" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("who=bob", ["Chai"]),
        ("what=rule+added", ["Tea"]),
        ("subject=tea&what=rule", ["Tea", "Chai", "Mate"]),
        ("subject=cup", []),
        # The last minute of a day in the store's zone (UTC here) belongs to it.
        ("until=2026-05-04&what=rule", ["Tea"]),
        ("since=2026-05-05&until=2026-05-05&what=rule", ["Chai", "Mate"]),
    ],
)
def test_it_is_filtered(desk: Desk, clerk: MakeClerk, query: str, found: list[str]) -> None:
    answer = clerk("viewer").get(f"/audit/file.csv?{query}").text
    rows = list(csv.DictReader(StringIO(answer)))
    assert [any(label in row["after"] for row in rows) for label in ("Tea", "Chai", "Mate")] == [
        label in found for label in ("Tea", "Chai", "Mate")
    ]
    page = clerk("viewer").get(f"/audit?{query}")
    assert ("Nothing fits" in page.text) == (not found)


def test_it_is_paged_by_number(desk: Desk, clerk: MakeClerk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_upsell.web.admin.audit.ON_A_PAGE", 2)
    monkeypatch.setattr("flask_upsell.web.admin.audit.AT_ONCE", 2)
    here = clerk("viewer")
    first = here.get("/audit?what=rule").text
    assert "before=2" in first and "Newer" not in first
    second = here.get("/audit?what=rule&before=2").text
    assert "after=1" in second and "Older" not in second
    third = here.get("/audit?what=rule&after=1").text
    assert "No. 2 to 3" in third and "before=2" in third and "Newer" not in third
    assert here.get("/audit/file.csv?what=rule").text.count("rule changed") == 2


def test_dates_that_are_none_are_told(desk: Desk, clerk: MakeClerk) -> None:
    answer = clerk("viewer").get("/audit?since=yesterday&who=ada")
    assert answer.status_code == 422
    assert "This is no date" in answer.text and 'value="ada"' in answer.text
    assert clerk("viewer").get("/audit/file.csv?until=9999-12-31").status_code == 422


def test_no_cell_is_a_formula(desk: Desk, clerk: MakeClerk) -> None:
    """Planted bug that it shows: cells are written as they are."""
    answer = clerk("viewer").get("/audit/file.csv?what=rule")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(StringIO(answer.text)))
    assert [(row[2], row[7]) for row in rows[1:]] == [("ada", ""), ("bob", "'+why"), ("'=cmd|' /C calc'!A0", "'+why")]
    for bad in ("=1", "+1", "-1", "@x", "\tx", "\rx"):
        assert safe(bad) == "'" + bad
    assert safe("1=1") == "1=1"


def test_whether_it_is_whole(desk: Desk, clerk: MakeClerk) -> None:
    here = clerk("viewer")
    assert "rows, all whole" in here.get("/audit/verify").text
    assert "an older state" in here.get("/audit/verify?head=beef").text
    with desk.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER upsell_audit_update"))
        connection.execute(text("UPDATE upsell_audit SET who = 'eve' WHERE number = 2"))
    assert "row 2 was changed" in here.get("/audit/verify").text
