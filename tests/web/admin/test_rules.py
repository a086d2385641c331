"""The list of rules as merchants use it."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_upsell.core.rule import Category, Discount, Off, Rule, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk import linting
from flask_upsell.web.admin import rules
from tests.web.admin.conftest import MakeClerk
from tests.web.shop import parts_of


@pytest.fixture(autouse=True)
def book(app: Flask) -> RuleBook:
    parts = (
        Rule(name="tea", label="Tea <time>", offer=Category(name="Tea"), priority=5, placements=("cart",)),
        Rule(name="cups", offer=Category(name="Cups"), schedule=Schedule(seasons=("easter",))),
        Rule(name="pots", offer=Category(name="Pots"), status=Status.PAUSED),
    )
    made = RuleBook(rules=parts)
    offers = parts_of(app).offers
    offers.rules.save(made, offers.clock())
    offers.publish_rules()
    return made


def status_of(app: Flask, name: str) -> str:
    return next(rule.status.value for rule in parts_of(app).offers.rules.load().rules if rule.name == name)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["tea", "cups", "pots"]),
        ("?q=cups", ["cups"]),
        ("?status=paused", ["pots"]),
        ("?label=time", ["tea"]),
        ("?season=easter", ["cups"]),
        ("?q=nowhere", []),
        ("?page=99", ["tea", "cups", "pots"]),
        ("?page=x", ["tea", "cups", "pots"]),
    ],
)
def test_what_is_looked_for_is_found(clerk: MakeClerk, query: str, found: list[str]) -> None:
    page = clerk("viewer").get(f"/rules{query}")
    assert page.status_code == 200
    assert [name for name in ("tea", "cups", "pots") if f'data-rule="{name}"' in page.text] == found
    assert ("Nothing found" in page.text) is not bool(found)
    assert "<time>" not in page.text.replace("<time datetime", "")


def test_who_may_put_live_pauses_at_once_and_others_write_drafts(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: an editor's pause is live at once."""
    assert clerk("editor").post("/rules/bulk", names=["tea"], do="pause").status_code == 303
    assert status_of(app, "tea") == "active"
    clerk("approver").post("/rules/bulk", names=["tea", "cups"], do="pause")
    assert (status_of(app, "tea"), status_of(app, "cups")) == ("paused", "paused")
    clerk("approver").post("/rules/bulk", names=["tea"], do="resume")
    assert status_of(app, "tea") == "active"
    page = clerk("viewer").get("/rules?status=draft").text
    assert "editor" in page
    assert 'data-rule="tea"' in page


def test_what_is_risky_to_resume_becomes_a_draft(app: Flask, clerk: MakeClerk) -> None:
    """As in the API. Planted bug that it shows: a rule's status is none of what is judged."""
    offers = parts_of(app).offers
    half = Rule(
        name="half", offer=Category(name="Tea"), discount=Discount(off=Off.PERCENT, percent=5000), status=Status.PAUSED
    )
    offers.rules.save(RuleBook(rules=(half,)), offers.clock())
    clerk("approver").post("/rules/bulk", names=["half"], do="resume")
    assert status_of(app, "half") == "paused"
    (draft,) = parts_of(app).desk.drafts.all()
    assert (draft.origin, draft.author, draft.written["status"]) == ("half", "approver", "active")
    clerk("owner").post(f"/rules/{draft.id}/publish")
    assert status_of(app, "half") == "active"


def test_a_rule_is_taken_away_by_a_draft(app: Flask, clerk: MakeClerk) -> None:
    anna = clerk("approver")
    anna.post("/rules/bulk", names=["tea"], do="remove")
    page = anna.get("/rules").text
    assert "to be removed" in page
    id = next(
        part.split('"')[0] for part in page.split('href="/upsell/admin/rules/')[1:] if part[:3] not in ("new", "one")
    )
    assert "takes the rule tea away" in anna.get(f"/rules/{id}").text
    anna.post(f"/rules/{id}/publish")
    assert [rule.name for rule in parts_of(app).offers.rules.load().rules] == ["cups", "pots"]


@pytest.mark.parametrize("given", [{}, {"names": ["tea"]}, {"names": ["nobody"], "do": "pause"}])
def test_what_cannot_be_done_is_told(app: Flask, clerk: MakeClerk, book: RuleBook, given: dict[str, list[str]]) -> None:
    anna = clerk("approver")
    assert anna.post("/rules/bulk", None, False, **given).status_code in (303, 422)
    assert parts_of(app).offers.rules.load() == book


def test_moving_by_buttons(app: Flask, clerk: MakeClerk) -> None:
    anna = clerk("approver")
    revision = str(parts_of(app).offers.rules.revision())
    anna.post("/rules/move", name="pots", way="up", revision=revision)
    assert [rule.name for rule in parts_of(app).offers.rules.load().rules] == ["tea", "pots", "cups"]
    anna.post("/rules/move", name="pots", way="down", revision=revision)
    assert "Somebody changed the rules meanwhile" in anna.get("/rules").text
    anna.post("/rules/move", name="nobody", way="up", revision=str(int(revision) + 1))
    assert "no rule is named" in anna.get("/rules").text


def test_a_rule_is_copied(app: Flask, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    assert emil.post("/rules/new", copy="tea").status_code == 303
    page = emil.get("/rules?status=draft").text
    assert "Not live yet" in page
    assert "Go on" in page
    for given in ({}, {"origin": "nobody"}, {"start": "nothing"}):
        assert emil.post("/rules/new", None, False, **given).status_code == 303


def test_many_rules_show_what_a_worker_found_in_them(
    app: Flask, clerk: MakeClerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of which revision it is, while the worker looks again. Planted bug that it shows: what is old looks new."""
    monkeypatch.setattr(linting, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(rules, "MOST_AT_ONCE", 1)
    desk, viewer = parts_of(app).desk, clerk("viewer")
    assert "a worker will look through them" in viewer.get("/rules").text
    assert "A worker is looking through the rules" in viewer.get("/").text
    asked = desk.linting.ask()
    assert asked is not None
    desk.linting.run(asked.id)
    assert "2 things look odd" in viewer.get("/rules").text, "the season of cups"
    assert 'id="linted"' not in viewer.get("/rules").text
    assert "All rules are looked through." in viewer.get("/rules/linted").text
    clerk("approver").post("/rules/bulk", names=["tea"], do="pause")
    page = viewer.get("/rules").text
    assert "What looks odd here is of revision 1." in page
    assert "2 things look odd" in page
    part = viewer.get("/rules/linted").text
    assert "a worker will look through them" in part
    assert "<html" not in part
