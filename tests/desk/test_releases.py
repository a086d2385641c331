"""Drafts go live, books come back: two people for what is risky, and nobody's work is lost unseen."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from flask_upsell import Person, Role
from flask_upsell.adapters.audit import acting
from flask_upsell.core.rule import Category, Discount, Ladder, Learned, Limits, Off, Products, Rule, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.desk import Desk
from flask_upsell.desk.drafts import Draft, Part
from flask_upsell.desk.releases import Clash
from flask_upsell.desk.risks import Risk
from flask_upsell.errors import BadInput, BookError, RiskError, StaleError
from tests.conftest import MakeApp
from tests.web.shop import BOOK as LEARNED
from tests.web.shop import GOODS, SessionStore, parts_of, publish

ADA, BOB, EVE = (Person(name, Role.APPROVER) for name in ("ada", "bob", "eve"))
TEA, CUP = Rule(name="tea", offer=Learned()), Rule(name="cup", offer=Learned())
HALF = Rule(name="half", offer=Products(refs=("bag",)), discount=Discount(off=Off.PERCENT, percent=5000))


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app(SessionStore(GOODS))
    publish(app, GOODS, LEARNED)
    return app


@pytest.fixture
def desk(app: Flask) -> Desk:
    desk = parts_of(app).desk
    desk.offers.rules.save(RuleBook(rules=(TEA, CUP)), desk.offers.clock())
    return desk


def drafted(desk: Desk, name: str, origin: str = "", by: str = "ada", kind: str = "rule") -> Draft:
    with acting(by):
        return desk.drafts.begin(kind, {"name": name}, origin)


def names(desk: Desk) -> list[str]:
    return [rule.name for rule in desk.offers.rules.load().rules]


def test_a_draft_goes_live_and_is_gone(desk: Desk) -> None:
    new = drafted(desk, "pot")
    done = desk.releases.publish([(new, Rule(name="pot", offer=Learned()))], ADA, "new pots")
    assert (done.revision, done.added, names(desk), desk.drafts.all()) == (2, ("rule pot",), ["tea", "cup", "pot"], [])
    live = desk.offers.shelf.read(()).rules.book
    assert [rule.name for rule in live.rules] == ["tea", "cup", "pot"]
    last = desk.releases.live().last
    assert last is not None
    assert (last.who, last.why, last.writers) == ("ada", "new pots", ("ada",))
    assert desk.audit.history(what="rule added")[-1].who == "ada"
    assert not desk.releases.behind()


def test_what_is_risky_takes_a_second_person(desk: Desk) -> None:
    """Planted bugs that it shows: only the author is asked about; only who saved it last; nobody is."""
    mine = drafted(desk, "half", by="ada")
    with acting("bob"):
        mine = desk.drafts.save(mine.id, mine.version, mine.written)
    with acting("emil"):
        mine = desk.drafts.save(mine.id, mine.version, mine.written)
    for person in (ADA, BOB):
        with pytest.raises(RiskError) as caught:
            desk.releases.publish([(mine, HALF)], person, "why not")
        assert {each.code for each in caught.value.risks if isinstance(each, Risk)} == {"above_percent", "no_limit"}
    assert (names(desk), len(desk.drafts.all())) == (["tea", "cup"], 1)
    assert desk.releases.publish([(mine, HALF)], EVE, "fine").revision == 2
    assert desk.releases.all()[0].writers == ("ada", "bob", "emil")
    with pytest.raises(BadInput, match="takes an approver"):
        desk.releases.publish([(mine, HALF)], Person("zoe", Role.EDITOR))


def test_what_is_risky_is_an_option(desk: Desk) -> None:
    desk.options.set("risky_percent", 50)
    limited = Rule(name="half", offer=HALF.offer, discount=HALF.discount, limits=Limits(total=5))
    assert desk.releases.publish([(drafted(desk, "half"), limited)], ADA).revision == 2


def test_what_changed_live_meanwhile_is_not_overwritten(desk: Desk) -> None:
    """Planted bug that it shows: what a draft began with is not compared."""
    mine = drafted(desk, "tea", "tea")
    other = drafted(desk, "cup", "cup")
    desk.offers.set_rule("tea", Status.PAUSED)
    better = Rule(name="tea", offer=Category(name="Bags"))
    with pytest.raises(StaleError) as caught:
        desk.releases.publish([(mine, better)], ADA)
    assert caught.value.current == [Clash(mine, TEA, Rule(name="tea", offer=Learned(), status=Status.PAUSED))]
    assert desk.releases.publish([(other, Rule(name="cups", offer=Learned()))], ADA).revision == 3
    kept = desk.drafts.rebase(mine.id, mine.version)
    assert desk.releases.clashes([kept]) == []
    assert desk.releases.publish([(kept, better)], ADA).revision == 4
    assert (names(desk), desk.drafts.all()) == (["tea", "cups"], [])


def test_what_a_draft_began_with_may_not_be_kept_any_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_upsell.adapters.revisions.KEPT", 1)
    mine = drafted(desk, "tea", "tea")
    desk.offers.set_rule("cup", Status.PAUSED)
    assert desk.releases.clashes([mine]) == [Clash(mine, None, TEA, known=False)]
    with pytest.raises(BadInput, match="not kept"):
        desk.releases.book(1)
    assert desk.releases.book(0) == RuleBook()


def test_a_draft_that_was_saved_meanwhile_does_not_go_live(desk: Desk) -> None:
    """Planted bug that it shows: the version is not compared."""
    seen = drafted(desk, "pot")
    now = desk.drafts.save(seen.id, seen.version, {"name": "pots"})
    with pytest.raises(StaleError) as caught:
        desk.releases.publish([(seen, Rule(name="pot", offer=Learned()))], ADA)
    assert caught.value.current == now
    desk.drafts.drop(seen.id)
    with pytest.raises(BadInput, match="published or thrown away"):
        desk.releases.publish([(now, Rule(name="pot", offer=Learned()))], ADA)
    with pytest.raises(BadInput, match="at least one"):
        desk.releases.publish([], ADA)


def test_of_two_who_publish_at_once_one_wins(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: the book is saved without the revision that it was made from."""
    mine = drafted(desk, "tea", "tea")
    load, both, waited = desk.offers.rules.load, threading.Barrier(2), set[int]()

    def slow() -> RuleBook:
        found = load()
        if threading.get_ident() not in waited:
            waited.add(threading.get_ident())
            both.wait(timeout=20)
        return found

    monkeypatch.setattr(desk.offers.rules, "load", slow)
    ended: dict[str, Any] = {}

    def act(person: Person) -> None:
        part: Part = Rule(name="tea", offer=Category(name=person.name))
        try:
            ended[person.name] = desk.releases.publish([(mine, part)], person).revision
        except Exception as error:
            ended[person.name] = error

    threads = [threading.Thread(target=act, args=(person,)) for person in (ADA, BOB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    won = [name for name, end in ended.items() if end == 2]
    assert len(won) == 1, ended
    assert sum(isinstance(end, StaleError | BadInput) for end in ended.values()) == 1
    assert load().rules[0].offer == Category(name=won[0])
    assert desk.offers.rules.revision() == 2


def test_what_others_publish_beside_it_keeps_nobody_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, load, done = drafted(desk, "tea", "tea"), desk.offers.rules.load, []

    def beside() -> RuleBook:
        found = load()
        if not done:
            done.append(desk.offers.rules.set_status("cup", Status.PAUSED, desk.offers.clock()))
        return found

    monkeypatch.setattr(desk.offers.rules, "load", beside)
    assert desk.releases.publish([(mine, Rule(name="teas", offer=Learned()))], ADA).revision == 3
    assert [(rule.name, rule.status) for rule in load().rules] == [("teas", "active"), ("cup", "paused")]


def test_what_rules_name_must_be_there(desk: Desk) -> None:
    lent = Rule(name="lent", offer=Learned(), schedule=Schedule(seasons=("lent",)))
    steps = Rule(name="steps", offer=Ladder(name="bags"))
    for part, what in ((lent, "season 'lent'"), (steps, "ladder 'bags'")):
        with pytest.raises(BadInput, match=what):
            desk.releases.publish([(drafted(desk, part.name), part)], ADA)
    season = drafted(desk, "lent", kind="season")
    draft = next(each for each in desk.drafts.all() if each.name == "lent" and each.kind == "rule")
    desk.releases.publish([(draft, lent), (season, Season(name="lent"))], ADA)
    gone = desk.drafts.begin("season", {}, "lent", remove=True)
    with pytest.raises(BadInput, match="season 'lent'"):
        desk.releases.publish([(gone, None)], ADA)


def test_a_book_of_before_comes_back(desk: Desk) -> None:
    desk.releases.publish([(drafted(desk, "cup", "cup"), None)], ADA, "no cups")
    done = desk.releases.rollback(1, BOB, "cups after all")
    assert (done.revision, names(desk)) == (3, ["tea", "cup"])
    assert [rule.name for rule in desk.offers.shelf.read(()).rules.book.rules] == ["tea", "cup"]
    with pytest.raises(BadInput, match="not kept"):
        desk.releases.rollback(9, BOB)
    with pytest.raises(BadInput, match="approver"):
        desk.releases.rollback(1, Person("zoe", Role.EDITOR))


def test_a_riskier_book_is_not_brought_back_by_who_wrote_it(desk: Desk) -> None:
    """Planted bug that it shows: whoever may publish may bring anything back."""
    desk.releases.publish([(drafted(desk, "half", by="ada"), HALF)], BOB)
    desk.releases.rollback(1, EVE, "too much")
    with pytest.raises(RiskError):
        desk.releases.rollback(2, ADA, "but I like it")
    assert desk.releases.rollback(2, BOB, "approved before").revision == 4
    assert desk.releases.rollback(3, ADA, "less is always possible").revision == 5


def test_what_was_saved_while_redis_was_away_is_put_live_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> str:
        raise BookError("Redis does not answer")

    monkeypatch.setattr(desk.offers.shelf, "publish_rules", away)
    mine = drafted(desk, "pot")
    with pytest.raises(BookError):
        desk.releases.publish([(mine, Rule(name="pot", offer=Learned()))], ADA)
    assert (names(desk), desk.drafts.all(), desk.releases.behind()) == (["tea", "cup", "pot"], [], True)
    monkeypatch.undo()
    desk.releases.put_live()
    assert not desk.releases.behind()


def test_the_switch(desk: Desk) -> None:
    desk.releases.switch(False, ADA, "complaints")
    off = desk.offers.switch.state()
    assert off is not None
    assert (off.by, off.why) == ("ada", "complaints")
    desk.releases.switch(True, BOB)
    assert not desk.off
    assert [(row.who, row.what) for row in desk.audit.history(what="switched")] == [
        ("ada", "switched off"),
        ("bob", "switched on"),
    ]
