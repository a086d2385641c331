"""Where rules are kept, on SQLite and PostgreSQL: all or nothing, and nobody's change is lost unseen."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, delete, event, select, update
from sqlalchemy.exc import IntegrityError

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.memory import memory_ledger
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.money import Money
from flask_upsell.core.rule import (
    Copy,
    Discount,
    Gap,
    Ladder,
    Learned,
    Limits,
    Off,
    Products,
    Rule,
    Schedule,
    Status,
)
from flask_upsell.core.rulebook import Changes, RuleBook
from flask_upsell.core.season import Season
from flask_upsell.errors import BadInput, RuleError

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def rules(engine: Engine) -> SQLRules:
    return SQLRules(engine, "upsell")


def rule(name: str, **more: Any) -> Rule:
    return Rule(name=name, offer=Learned(), **more)


#: A bit of everything that a rule can say.
FULL = Rule(
    name="Tee für alle",
    offer=Gap(threshold=(Money(5000, "EUR"), Money(6000, "USD")), tag_="small"),
    label="Fill up",
    priority=7,
    placements=("cart",),
    schedule=Schedule(seasons=("spring",), weekdays=("mon",)),
    when={"all": [{"subtotal": {"min": [1000, "EUR"]}}, {"none": [{"lines": {"tags": ["x"]}}]}]},
    discount=Discount(off=Off.PERCENT, percent=1000, most=(Money(500, "EUR"),)),
    limits=Limits(total=5, budget=(Money(100, "EUR"),)),
    copy={"de": Copy(headline="Noch „ein“ Tee?", benefits=("heiß", "gut"))},
)
BOOK = RuleBook(
    rules=(rule("b"), FULL, rule("a", status=Status.PAUSED), Rule(name="up", offer=Ladder(name="bags"))),
    seasons=(Season(name="spring"), Season(name="autumn", label="Herbst")),
    ladders={"teas": ("t1", "t2"), "bags": ("small", "large")},
)


def with_rules(*given: Rule) -> RuleBook:
    return msgspec.structs.replace(BOOK, rules=given)


def rows(engine: Engine) -> dict[str, tuple[int, datetime, str]]:
    """Name -> revision, time and status of each rule."""
    with engine.connect() as connection:
        found = connection.execute(select(t.rules).where(t.rules.c.instance == "upsell"))
        return {row.name: (row.revision, row.updated_at, row.status) for row in found}


# --- the value -----------------------------------------------------------------------------------------------------


def test_a_book_is_the_same_after_json() -> None:
    assert RuleBook.decode(BOOK.encode()) == BOOK
    assert RuleBook.decode(BOOK.encode().decode()) == BOOK
    assert RuleBook.decode("{}") == RuleBook()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "truncated"),
        (b"\xff", "malformed"),
        (b'{"rules": [{"name": "\xff"}]}', "utf-8"),
        ('{"rules": [{"when": {"all": ' + "[" * 100_000, "recursion"),
        ('{"rulez": []}', "rulez"),
        ('{"rules": [{"name": "x", "offer": {"from": "nowhere"}}]}', r"rules\[0\].offer"),
        ('{"rules": [{"name": "x", "offer": {"from": "learned"}, "preselected": true}]}', "preselected"),
        ('{"ladders": {"": ["a"]}}', "no name"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_text_that_is_no_book_is_bad_input_that_says_where(text: str | bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        RuleBook.decode(text)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00", "\ud800"], ids=ascii)
def test_a_name_is_short_and_printable(name: str) -> None:
    for book in ({"rules": (rule(name),)}, {"seasons": (Season(name=name),)}, {"ladders": {name: ("a",)}}):
        with pytest.raises(BadInput, match="is no name"):
            RuleBook(**book)


def test_a_name_is_there_once() -> None:
    with pytest.raises(BadInput, match="rules: 'a' is there twice"):
        with_rules(rule("a"), rule("b"), rule("a"))
    with pytest.raises(BadInput, match="seasons"):
        RuleBook(seasons=(Season(name="x"), Season(name="x")))
    assert RuleBook(rules=(rule("x" * 100),), seasons=(Season(name="x" * 100),))


# --- saving --------------------------------------------------------------------------------------------------------


def test_at_first_there_is_an_empty_book_of_revision_zero(rules: SQLRules) -> None:
    assert (rules.load(), rules.revision(), rules.changed_at()) == (RuleBook(), 0, None)
    assert rules.save(RuleBook(), NOW, expected=0) == Changes(0)


def test_what_was_saved_is_loaded_as_it_was(rules: SQLRules) -> None:
    done = rules.save(BOOK, NOW)
    assert rules.load() == BOOK
    assert done.revision == rules.revision() == 1
    assert rules.changed_at() == NOW
    assert set(done.added) == {
        "rule a", "rule b", "rule up", "rule Tee für alle",
        "season spring", "season autumn", "ladder teas", "ladder bags",
    }  # fmt: skip
    assert (done.changed, done.removed) == ((), ())
    assert {name: row[2] for name, row in rows(rules.engine).items() if name in "ab"} == {"a": "paused", "b": "active"}


def test_the_longest_names_are_kept(rules: SQLRules) -> None:
    long = RuleBook(rules=(rule("ä" * 100),), seasons=(Season(name="ä" * 100),), ladders={"ä" * 100: ("p",)})
    rules.save(long, NOW)
    assert rules.load() == long


def test_saving_what_is_there_changes_nothing(rules: SQLRules) -> None:
    """Red when `save` advances the revision without asking whether there is a change."""
    rules.save(BOOK, NOW)
    before = rows(rules.engine)
    other_order = msgspec.structs.replace(BOOK, ladders=dict(reversed(BOOK.ladders.items())))
    for same in (BOOK, RuleBook.decode(BOOK.encode()), rules.load(), other_order):
        assert rules.save(same, LATER) == Changes(1)
    assert (rules.revision(), rows(rules.engine)) == (1, before)


def test_a_saving_says_what_it_did_and_leaves_the_rest_alone(rules: SQLRules) -> None:
    rules.save(BOOK, NOW)
    changed = RuleBook(
        rules=(rule("new"), rule("b"), msgspec.structs.replace(FULL, priority=8), BOOK.rules[3]),
        seasons=(BOOK.seasons[0],),
        ladders={"bags": ("small", "middle", "large"), "teas": ("t1", "t2")},
    )
    assert rules.save(changed, LATER) == Changes(
        2, ("rule new",), ("rule Tee für alle", "ladder bags"), ("rule a", "season autumn")
    )
    assert rules.load() == changed
    assert rows(rules.engine) == {
        "b": (1, NOW, "active"),
        "up": (1, NOW, "active"),
        "new": (2, LATER, "active"),
        "Tee für alle": (2, LATER, "active"),
    }
    assert rules.save(RuleBook(), LATER).revision == 3
    assert rules.load() == RuleBook()


def test_rules_that_changed_places_are_changed(rules: SQLRules) -> None:
    """Of equal priority the first is tried first. Red when only the texts are compared."""
    rules.save(with_rules(rule("a"), rule("b"), rule("c")), NOW)
    swapped = with_rules(rule("b"), rule("a"), rule("c"))
    assert rules.save(swapped, LATER) == Changes(2, changed=("rule b", "rule a"))
    assert rules.load() == swapped


def test_a_book_of_another_revision_is_not_replaced(rules: SQLRules) -> None:
    """Red when `expected` is not looked at: the second of two editors would undo the first one's work unseen."""
    rules.save(BOOK, NOW, expected=0)
    for stale in (0, 2):
        with pytest.raises(RuleError, match=f"revision 1 now, not at {stale}") as caught:
            rules.save(RuleBook(), NOW, expected=stale)
        assert caught.value.stale
    assert rules.load() == BOOK
    assert rules.save(RuleBook(), NOW, expected=1).revision == 2


def test_of_eight_editors_of_one_revision_one_saves(rules: SQLRules) -> None:
    """Shown red on PostgreSQL without `with_for_update` in `_writing`."""
    rules.save(BOOK, NOW)
    barrier = threading.Barrier(8)
    results: list[str] = []

    def edit(number: int) -> None:
        barrier.wait()
        try:
            rules.save(with_rules(rule(f"by {number}")), NOW, expected=1)
            results.append(f"by {number}")
        except RuleError as error:
            assert error.stale
            results.append("stale")

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("stale") == 7 and len(results) == 8
    assert rules.revision() == 2
    assert [each.name for each in rules.load().rules] == [each for each in results if each != "stale"]


def test_a_saving_that_fails_midway_changes_nothing(rules: SQLRules) -> None:
    rules.save(BOOK, NOW)

    def broken(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO upsell_ladder"):
            raise RuntimeError("killed")

    event.listen(rules.engine, "before_cursor_execute", broken)
    with pytest.raises(RuntimeError, match="killed"):
        rules.save(RuleBook(rules=(rule("new"),), ladders={"x": ("y",)}), LATER)
    event.remove(rules.engine, "before_cursor_execute", broken)
    assert (rules.load(), rules.revision()) == (BOOK, 1)


def test_a_book_is_loaded_as_of_one_moment(rules: SQLRules) -> None:
    """Red when `load` asks one table after the other: what is saved between them is half seen."""
    rules.save(BOOK, NOW)
    statements: list[str] = []

    def between(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        statements.append(statement)
        if len(statements) == 1:
            SQLRules(rules.engine, "upsell").save(RuleBook(), LATER)

    event.listen(rules.engine, "after_cursor_execute", between)
    loaded = rules.load()
    event.remove(rules.engine, "after_cursor_execute", between)
    assert loaded == BOOK
    assert rules.load() == RuleBook()


def test_instances_have_books_of_their_own(rules: SQLRules) -> None:
    other = SQLRules(rules.engine, "upsell_b2b")
    rules.save(BOOK, NOW)
    assert (other.load(), other.revision()) == (RuleBook(), 0)
    other.save(with_rules(rule("theirs")), NOW)
    other.save(RuleBook(), NOW)
    assert (rules.load(), rules.revision(), other.revision()) == (BOOK, 1, 2)
    with pytest.raises(BadInput):
        other.set_status("a", Status.ENDED, NOW)


# --- one rule ------------------------------------------------------------------------------------------------------


def test_a_status_is_changed_alone(rules: SQLRules) -> None:
    rules.save(BOOK, NOW)
    assert rules.set_status("b", Status.PAUSED, LATER) == Changes(2, changed=("rule b",))
    assert rules.load() == with_rules(rule("b", status=Status.PAUSED), *BOOK.rules[1:])
    assert rows(rules.engine)["b"] == (2, LATER, "paused")
    assert rows(rules.engine)["a"] == (1, NOW, "paused")
    assert rules.set_status("b", Status.PAUSED, LATER) == Changes(2)
    rules.set_status("b", Status.ACTIVE, LATER)
    assert (rules.load(), rules.revision()) == (BOOK, 3)
    with pytest.raises(BadInput, match="no rule is named 'z'"):
        rules.set_status("z", Status.PAUSED, LATER)
    assert rules.revision() == 3


def test_a_status_that_was_set_meanwhile_makes_a_book_stale(rules: SQLRules) -> None:
    rules.save(BOOK, NOW)
    rules.set_status("b", Status.PAUSED, LATER)
    with pytest.raises(RuleError):
        rules.save(BOOK, LATER, expected=1)


# --- rows that cannot be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ["{", "", "null", '{"name": "b"}', '{"name": "b", "offer": {"from": "learned"}, "later": 1}', "[" * 5000],
    ids=lambda value: value[:30],
)
def test_a_row_that_cannot_be_read_is_named_and_can_be_replaced(rules: SQLRules, body: str) -> None:
    rules.save(BOOK, NOW)
    with rules.engine.begin() as connection:
        connection.execute(update(t.rules).where(t.rules.c.name == "b").values(body=body))
    for act in (rules.load, lambda: rules.set_status("b", Status.PAUSED, NOW)):
        with pytest.raises(RuleError, match="rule 'b' cannot be read") as caught:
            act()
        assert (caught.value.rule, caught.value.stale) == ("b", False)
    rules.set_status("a", Status.ENDED, LATER)
    assert rules.save(BOOK, LATER).changed == ("rule b", "rule a")
    assert rules.load() == BOOK


def test_seasons_and_ladders_that_cannot_be_read_are_named_too(rules: SQLRules) -> None:
    for table, name, kind in ((t.seasons, "spring", "season"), (t.ladders, "bags", "ladder")):
        rules.save(BOOK, NOW)
        with rules.engine.begin() as connection:
            connection.execute(update(table).where(table.c.name == name).values(body="1"))
        with pytest.raises(RuleError, match=f"{kind} '{name}' cannot be read"):
            rules.load()
        with rules.engine.begin() as connection:
            connection.execute(delete(table))


def test_a_status_that_is_none_is_refused_by_the_database(rules: SQLRules) -> None:
    rules.save(BOOK, NOW)
    with pytest.raises(IntegrityError), rules.engine.begin() as connection:
        connection.execute(update(t.rules).values(status="live"))


def test_in_memory_it_is_the_same() -> None:
    twin = SQLRules(memory_ledger().engine, "upsell")
    assert twin.save(BOOK, NOW).revision == 1
    assert twin.load() == BOOK
    assert twin.save(RuleBook(rules=(Rule(name="x", offer=Products(refs=("p",))),)), NOW, expected=1).revision == 2
