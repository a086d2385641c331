"""The page that puts drafts live, as each role uses it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask import Flask

from flask_upsell.adapters.audit import acting
from flask_upsell.core.rule import Discount, Learned, Off, Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk import Desk
from flask_upsell.desk.drafts import Draft
from flask_upsell.errors import BookError
from flask_upsell.web.drafted import written
from tests.web.admin.conftest import MakeClerk
from tests.web.shop import parts_of

TEA = Rule(name="tea", offer=Learned(), label="Tea")
HALF = Rule(name="half", offer=Products(refs=("bag",)), discount=Discount(off=Off.PERCENT, percent=5000))


@pytest.fixture
def desk(app: Flask) -> Desk:
    desk = parts_of(app).desk
    desk.offers.rules.save(RuleBook(rules=(TEA,)), datetime.now(UTC))
    desk.offers.publish_rules()
    return desk


def drafted(desk: Desk, rule: Rule, origin: str = "", by: str = "emil") -> Draft:
    with acting(by):
        return desk.drafts.begin("rule", written("rule", rule.name, rule), origin)


def mark(draft: Draft) -> str:
    return f"{draft.id}:{draft.version}"


def names(desk: Desk) -> list[str]:
    return [rule.name for rule in desk.offers.rules.load().rules]


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_an_editor_submits_and_an_approver_publishes(desk: Desk, clerk: MakeClerk) -> None:
    draft = drafted(desk, HALF)
    editor, approver = clerk("editor", "emil"), clerk("approver", "anna")
    assert editor.post("/publish/submit", draft=mark(draft), note="<b>please</b>").status_code == 303
    page = approver.get("/publish").text
    assert "half waits for review" not in page
    assert "&lt;b&gt;please&lt;/b&gt;" in page
    assert "It takes off 50 %; more than 30 % is much." in words(page)
    assert "discount, percent" in page
    sent = desk.drafts.get(draft.id)
    assert approver.post("/publish/live", draft=mark(sent)).status_code == 422
    answer = approver.post("/publish/live", draft=mark(sent), why="spring")
    assert (answer.status_code, names(desk)) == (303, ["tea", "half"])
    page = words(approver.get("/publish").text)
    assert "It is live, as revision 2." in page
    assert "spring" in page and "rule half" in page


def test_the_author_of_what_is_risky_is_refused_and_keeps_what_he_typed(desk: Desk, clerk: MakeClerk) -> None:
    mine = drafted(desk, HALF, by="anna")
    answer = clerk("approver", "anna").post("/publish/live", draft=mark(mine), why="I like it")
    assert (answer.status_code, names(desk)) == (422, ["tea"])
    assert "This takes a second person" in answer.text
    assert 'value="I like it"' in answer.text
    assert f'value="{mark(mine)}" checked' in answer.text


def test_a_stale_tab_publishes_nothing(desk: Desk, clerk: MakeClerk) -> None:
    """Planted bug that it shows: the draft is published as it is now, not as it was looked at."""
    seen = drafted(desk, Rule(name="cup", offer=Learned()))
    with acting("eve"):
        desk.drafts.save(seen.id, seen.version, {**seen.written, "label": "Cups"})
    answer = clerk("approver", "anna").post("/publish/live", draft=mark(seen), why="x")
    assert (answer.status_code, names(desk)) == (409, ["tea"])
    assert "eve has saved cup while you were looking" in words(answer.text)
    for path in ("/publish/submit", "/publish/keep", "/publish/drop"):
        assert clerk("owner").post(path, draft=mark(seen)).status_code == 409
    assert clerk("owner").post("/publish/back", draft=mark(seen), note="x").status_code == 409
    assert clerk("owner").post("/publish/drop", draft="nothing").status_code == 422


def test_what_changed_live_is_shown_and_can_be_overruled(desk: Desk, clerk: MakeClerk) -> None:
    mine = drafted(desk, Rule(name="tea", offer=Learned(), label="Green tea"), "tea")
    new = Rule(name="tea", offer=Learned(), label="Black tea")
    desk.offers.rules.save(RuleBook(rules=(new,)), datetime.now(UTC))
    anna = clerk("approver", "anna")
    answer = anna.post("/publish/live", draft=mark(mine), why="x")
    assert answer.status_code == 409
    assert "<del>Tea</del>" in answer.text and "<ins>Black tea</ins>" in answer.text
    assert anna.post("/publish/keep", draft=mark(mine)).status_code == 303
    assert anna.post("/publish/live", draft=mark(desk.drafts.get(mine.id)), why="x").status_code == 303
    assert desk.offers.rules.load().rules[0].label == "Green tea"


def test_what_is_not_finished_says_what_is_wrong(desk: Desk, clerk: MakeClerk) -> None:
    with acting("emil"):
        draft = desk.drafts.begin(
            "rule", {"name": "x", "offer": {"category": "Tea"}, "discount": {"percent": "<much>"}}
        )
    anna = clerk("approver", "anna")
    assert "&lt;much&gt;" in anna.get("/publish").text
    answer = anna.post("/publish/live", draft=mark(draft), why="x")
    assert (answer.status_code, names(desk)) == (422, ["tea"])
    assert anna.post("/publish/live", why="x").status_code == 422


def test_a_draft_goes_back_with_a_note_or_away(desk: Desk, clerk: MakeClerk) -> None:
    draft = desk.drafts.submit(drafted(desk, HALF).id, 1)
    anna = clerk("approver", "anna")
    assert anna.post("/publish/back", draft=mark(draft), note=" ").status_code == 422
    assert anna.post("/publish/back", draft=mark(draft), note="Less, please").status_code == 303
    back = desk.drafts.get(draft.id)
    assert (back.state, back.note) == ("open", "Less, please")
    assert clerk("editor").post("/publish/drop", draft=mark(back)).status_code == 303
    assert desk.drafts.all() == []


def test_one_goes_back_to_a_revision(desk: Desk, clerk: MakeClerk) -> None:
    desk.offers.rules.save(RuleBook(rules=(Rule(name="tea", offer=Learned(), label="Chai"),)), datetime.now(UTC))
    anna = clerk("approver", "anna")
    assert "<del>Tea</del>" in anna.get("/publish/compare").text
    assert "<ins>Tea</ins>" in anna.get("/publish/compare?from=2&to=1").text
    assert "Nothing differs" in anna.get("/publish/compare?from=2&to=2").text
    assert anna.get("/publish/compare?from=2&to=99").status_code == 422
    page = anna.get("/publish/revision/1").text
    assert "<ins>Tea</ins>" in page and "Make this book live again" in page
    assert "Make this book live again" not in clerk("viewer").get("/publish/revision/1").text
    assert anna.post("/publish/revision/1").status_code == 422
    assert anna.post("/publish/revision/9", why="x").status_code == 422
    assert anna.post("/publish/revision/1", why="better").status_code == 303
    assert (desk.offers.rules.load().rules, desk.releases.all()[0].why) == ((TEA,), "better")


def test_a_riskier_book_takes_a_second_person_too(desk: Desk, clerk: MakeClerk) -> None:
    with acting("anna"):
        desk.offers.rules.save(RuleBook(rules=(TEA, HALF)), datetime.now(UTC))
        desk.offers.rules.save(RuleBook(rules=(TEA,)), datetime.now(UTC))
    answer = clerk("approver", "anna").post("/publish/revision/2", why="x")
    assert (answer.status_code, names(desk)) == (422, ["tea"])
    assert "riskier" in answer.text
    assert clerk("approver", "bob").post("/publish/revision/2", why="x").status_code == 303


def test_the_switch_asks_for_a_reason(desk: Desk, clerk: MakeClerk) -> None:
    anna = clerk("approver", "anna")
    assert anna.post("/publish/switch").status_code == 422
    assert not desk.off
    assert anna.post("/publish/switch", why="complaints").status_code == 303
    assert "complaints" in anna.get("/publish").text
    assert anna.post("/publish/switch", on="1").status_code == 303
    assert not desk.off


def test_while_redis_is_away_it_is_saved_and_told(
    desk: Desk, clerk: MakeClerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> str:
        raise BookError("Redis does not answer")

    anna, draft = clerk("approver", "anna"), drafted(desk, Rule(name="cup", offer=Learned()))
    monkeypatch.setattr(desk.offers.shelf, "publish_rules", away)
    assert anna.post("/publish/live", draft=mark(draft), why="x").status_code == 303
    page = anna.get("/publish").text
    assert "It is saved, but Redis does not answer" in page and "Put it live" in page
    assert anna.post("/publish/again").status_code == 303
    monkeypatch.undo()
    assert anna.post("/publish/again").status_code == 303
    assert "Shoppers do not see" not in anna.get("/publish").text
