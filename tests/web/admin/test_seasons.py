"""Seasons: a year as a picture and a table, drafts of each, the library, publishing by who may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from flask_upsell.core.rule import Products, Rule, Schedule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Windows, Yearly
from flask_upsell.desk import Desk
from flask_upsell.web.admin import seasons as pages
from tests.web.admin.conftest import Clerk, MakeClerk
from tests.web.shop import parts_of

LOVE = Season(
    name="love",
    label="Valentine <3",
    yearly=(Yearly(start="02-01", end="02-14"),),
    countries={"BR": Windows(yearly=(Yearly(start="06-01", end="06-12"),))},
)
CARNIVAL = Season(name="carnival", yearly=(Yearly(start="02-10", end="02-20"),))
SWEETS = Rule(name="sweets", label="Sweets", offer=Products(refs=("bag",)), schedule=Schedule(seasons=("love",)))


@pytest.fixture
def desk(app: Flask) -> Desk:
    parts = parts_of(app)
    parts.offers.rules.save(RuleBook(seasons=(LOVE, CARNIVAL), rules=(SWEETS,)), datetime.now(UTC))
    return parts.desk


def draft_of(desk: Desk, clerk: Clerk, **fields: Any) -> str:
    answer = clerk.post("/seasons/draft", **fields)
    assert answer.status_code == 303
    return answer.headers["Location"].rpartition("/")[2]


def test_a_year_is_a_picture_and_the_same_table(desk: Desk, clerk: MakeClerk) -> None:
    page = clerk("viewer").get("/seasons?year=2027").text
    svg = page[page.index('<svg viewBox="0 0 1102') : page.index("</svg>", page.index("timeline"))]
    table = page[page.index("<table") :]
    for words in ("Valentine &lt;3", "Feb 1 \u2013 Feb 14", "carnival", "Sweets"):
        assert words in svg and words in table
    assert 'class="crowd"' in svg and "style=" not in svg
    assert ">2026</a>" in page and ">2028</a>" in page
    brazil = clerk("viewer").get("/seasons?year=2027&country=BR").text
    assert "Jun 1 \u2013 Jun 12" in brazil and '<option value="BR" selected>Brazil' in brazil
    for odd in ("?year=1", "?year=99999", "?year=x", "?country=<"):
        assert clerk("viewer").get(f"/seasons{odd}").status_code == 200
    # A viewer has no buttons that he may not press.
    assert "/seasons/draft" not in page and "/seasons/draft" in clerk("editor").get("/seasons").text


def test_a_season_is_edited_as_a_draft_and_put_live(desk: Desk, clerk: MakeClerk) -> None:
    emil, anna = clerk("editor", "emil"), clerk("approver", "anna")
    id = draft_of(desk, emil, source="live", name="love")
    form = emil.get(f"/seasons/{id}").text
    assert 'value="02-01"' in form and "Brazil: Jun 1" in form and "<li>Sweets</li>" in form
    fields: dict[str, Any] = {
        "name": "love",
        "label": "Love",
        "version": "1",
        "own-yearly-0-start": "02-03",
        "own-yearly-0-end": "02-14",
    }
    assert emil.post(f"/seasons/{id}", do="save", **fields).status_code == 303
    assert [each.label for each in desk.offers.rules.load().seasons] == ["Valentine <3", ""]
    assert emil.post(f"/seasons/{id}/publish").status_code == 403
    assert anna.post(f"/seasons/{id}/publish").status_code == 303
    (love, _) = desk.offers.rules.load().seasons
    assert (love.label, love.yearly, love.countries) == ("Love", (Yearly(start="02-03", end="02-14"),), {})
    assert desk.drafts.all() == []
    assert emil.get(f"/seasons/{id}").status_code == 422


def test_rows_are_added_by_buttons_and_what_is_wrong_stands_at_its_field(desk: Desk, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    id = draft_of(desk, emil, source="new")
    added = emil.post(f"/seasons/{id}", do="add own nth", name="thanks", version="1")
    assert (added.status_code, 'name="own-nth-0-week"' in added.text) == (200, True)
    nth: dict[str, Any] = {"week": "4", "weekday": "TH", "month": "11", "shift": "1", "days": "900"}
    fields: dict[str, Any] = {
        "name": "love",
        "version": "2",
        **{f"own-nth-0-{name}": value for name, value in nth.items()},
    }
    wrong = emil.post(f"/seasons/{id}", do="save", **fields)
    assert wrong.status_code == 422 and 'id="w-own-nth-0-days"' in wrong.text and 'value="900"' in wrong.text
    # What was typed is kept as a draft, and what is live is not touched.
    assert desk.drafts.get(id).version == 3
    taken = emil.post(f"/seasons/{id}", do="save", **{**fields, "version": "3", "own-nth-0-days": "4"})
    assert taken.status_code == 422 and "is there twice" in taken.text
    good = emil.post(f"/seasons/{id}", do="save", **{**fields, "version": "4", "own-nth-0-days": "4", "name": "thanks"})
    assert good.status_code == 303
    assert desk.drafts.get(id).written["rrule"] == [
        {"rule": "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "shift": "1", "days": "4"}
    ]


def test_two_at_once_are_told(desk: Desk, clerk: MakeClerk) -> None:
    """Planted bug that it shows: the version in the form is not compared."""
    emil, edda = clerk("editor", "emil"), clerk("editor", "edda")
    id = draft_of(desk, emil, source="live", name="carnival")
    assert draft_of(desk, edda, source="live", name="carnival") == id
    fields: dict[str, Any] = {"name": "carnival", "version": "1"}
    fields |= {"own-yearly-0-start": "02-11", "own-yearly-0-end": "02-20"}
    assert emil.post(f"/seasons/{id}", do="save", **fields).status_code == 303
    late = edda.post(f"/seasons/{id}", do="save", **{**fields, "label": "Edda's"})
    assert late.status_code == 409
    assert "emil has saved this draft meanwhile" in late.text and "Edda&#39;s" in late.text
    assert 'name="version" value="2"' in late.text
    assert edda.post(f"/seasons/{id}", do="save", **{**fields, "label": "Edda's", "version": "2"}).status_code == 303
    assert edda.post(f"/seasons/{id}", do="save", **{**fields, "version": "x"}).status_code == 409


def test_the_preview_says_when_it_comes_and_what_is_odd(desk: Desk, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    id = draft_of(desk, emil, source="live", name="love")

    def preview(**fields: Any) -> str:
        answer = emil.post(f"/seasons/{id}/preview", part=True, name="love", **fields)
        assert answer.status_code == 200 and "<html" not in answer.text
        return answer.text

    assert preview(**{"own-yearly-0-start": "12-20", "own-yearly-0-end": "01-06"}).count("18 days") == 5
    assert "Not finished yet:" in preview(**{"own-yearly-0-start": "12-20"})
    never = preview(**{"own-rule-0-rule": "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;UNTIL=20200101"})
    assert "It never comes" in never and "sweets: " in never
    assert "By the clock of Asia/Tokyo" in preview(
        **{"own-yearly-0-start": "12-20", "own-yearly-0-end": "12-21", "zone": "Asia/Tokyo"}
    )
    assert desk.drafts.get(id).version == 1


def test_the_library_copies_and_removals_are_drafts(desk: Desk, clerk: MakeClerk) -> None:
    emil, anna = clerk("editor"), clerk("approver")
    assert len(pages.library()) > 15
    id = draft_of(desk, emil, source="library", name="black-friday")
    assert desk.drafts.get(id).written["rrule"]
    page = emil.get("/seasons").text
    assert "Add Halloween" in page and "Add Black Friday" not in page
    assert anna.post(f"/seasons/{id}/publish").status_code == 303
    assert emil.post("/seasons/draft", source="library", name="black-friday").status_code == 422
    copy = draft_of(desk, emil, source="copy", name="love")
    assert (desk.drafts.get(copy).name, desk.drafts.get(copy).origin) == ("love-2", "")
    assert emil.post("/seasons/draft", source="remove", name="carnival").headers["Location"] == "/upsell/admin/seasons"
    assert "to be removed" in emil.get("/seasons").text
    (removal,) = [each for each in desk.drafts.all() if each.action == "remove"]
    anna.post(f"/seasons/{removal.id}/publish")
    assert [each.name for each in desk.offers.rules.load().seasons] == ["love", "black-friday"]
    draft_of(desk, emil, source="live", name="love")
    busy = emil.post("/seasons/draft", source="remove", name="love")
    assert "/seasons/" in busy.headers["Location"] and desk.drafts.of("season", "love").action == "put"  # type: ignore[union-attr]
    emil.post(f"/seasons/{copy}/drop")
    assert "love-2" not in [each.name for each in desk.drafts.all()]
    assert emil.post("/seasons/draft", source="live", name="nothing").status_code == 422
