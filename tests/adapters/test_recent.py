"""Orders since the last learning, in SQL of both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from flask_upsell.adapters import recent as module
from flask_upsell.adapters.dialects import start_writing
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.lesson_tables import recents as t
from flask_upsell.adapters.lessons import SQLLessons
from flask_upsell.adapters.recent import SQLRecent
from flask_upsell.adapters.retention import SQLRetention
from flask_upsell.core.affinity import Affinity
from flask_upsell.core.context import Line
from flask_upsell.core.fresh import Edition, Noted, Since
from flask_upsell.core.ports import Order
from flask_upsell.learn.likely import ROUGH

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
BOOK = Edition("1-a.3", "one", NOW, NOW)


@pytest.fixture
def recent(engine: Engine) -> SQLRecent:
    return SQLRecent(engine, "upsell")


def learned(engine: Engine, recent: SQLRecent) -> str:
    """The id of a learning that is live, and has found "a" in three orders and "b" in two."""
    lessons = SQLLessons(engine, "upsell")
    id = lessons.begin("run", NOW)
    recent.write(id, iter([("a", [1, 4, 300]), ("b", [4, 70_000])]))
    lessons.finish(id, ROUGH, {})
    return id


def order(engine: Engine, ref: str, *products: str, customer: str = "", instance: str = "upsell") -> None:
    lines = tuple([Line("", each, 1, 1000) for each in products])
    SQLLedger(engine, instance).record_order(
        Order(ref, "EUR", lines, customer or None), "visitor", NOW, customer=customer
    )


def states(engine: Engine) -> dict[tuple[str, str], str]:
    with engine.connect() as connection:
        return {(row.order_ref, row.product): row.state for row in connection.execute(select(t))}


def test_an_order_is_noted_once_with_what_can_be_learned_from(engine: Engine, recent: SQLRecent) -> None:
    """Planted bugs that it shows: what is no reference of ours spoils the order on PostgreSQL; a guest has a name."""
    order(engine, "one", "a", "b", "a", "x" * 201, "", customer="ann")
    order(engine, "one", "a")
    order(engine, "two", "größe")
    order(engine, "many", *[f"p{n}" for n in range(module.MOST_LINES + 1)])
    order(engine, "elsewhere", "a", instance="upsell_b2b")
    assert recent.unjudged("x", 9) == [Noted("one", ("a", "b"), "ann", False), Noted("two", ("größe",), "", False)]
    assert recent.unjudged("x", 1) == [Noted("one", ("a", "b"), "ann", False)]


def test_it_lives_and_dies_with_the_order(engine: Engine, recent: SQLRecent) -> None:
    lines = (Line("", "a", 1, 1000),)
    with engine.connect() as connection:
        start_writing(connection)
        SQLLedger(engine, "upsell").record_order(Order("one", "EUR", lines), "visitor", NOW, connection)
        connection.rollback()
    assert recent.unjudged("x", 9) == []


def test_what_counts_is_counted(engine: Engine, recent: SQLRecent) -> None:
    id = learned(engine, recent)
    for ref, products in {"1": "ab", "2": "abc", "3": "c", "4": "ac", "5": "d"}.items():
        order(engine, ref, *products)
    recent.judge({"1": ["a", "b"], "2": ["a", "b"], "3": ["c"], "4": [], "5": []})
    assert recent.products(id) == {"a", "b", "c"}
    assert sorted(recent.touched(id, 4)) == ["a", "b", "c", "d"] and recent.touched(id, 3) == []
    assert recent.since(id, ["a", "c"], ["d"]) == Since(3, {"a": 2, "b": 2, "c": 1}, {"a": {"b": 2}})
    assert recent.bought(id, ["a", "b", "c"]) == {"a": 3, "b": 2}
    assert recent.numbers(id, ["a", "b", "c"]) == {"a": [1, 4, 300], "b": [4, 70_000]}
    recent.ask("2")
    assert [each.asked for each in recent.unjudged(id, 9)] == [True]
    recent.judge({"2": ["b"]})
    assert recent.since(id, ["b"], []) == Since(3, {"a": 1, "b": 2}, {"b": {"a": 1}})


def test_what_one_learning_has_seen_is_over_with_it_and_not_before(engine: Engine, recent: SQLRecent) -> None:
    """Planted bugs that it shows: what a learning has seen that never goes live is gone; what the live one has seen
    counts again when the next one sees it."""
    lessons, first = SQLLessons(engine, "upsell"), learned(engine, recent)
    order(engine, "1", "a")
    recent.judge({"1": ["a"]})
    second = lessons.begin("second", NOW)
    recent.see(second)
    order(engine, "2", "a")
    order(engine, "3", "a")
    recent.judge({"2": ["a"], "3": ["a"]})
    assert [*recent.unseen(second)] == [["2", "3"]]
    recent.see(second, ["2"])
    assert recent.since(first, ["a"], []).orders == 3
    lessons.finish(second, ROUGH, {})
    assert recent.since(second, ["a"], []).orders == 1 and recent.waiting()
    third = lessons.begin("third", NOW)
    recent.see(third)
    assert recent.since(second, ["a"], []).orders == 1
    lessons.drop(third)
    assert recent.since(second, ["a"], []).orders == 1
    assert recent.clear(second) == 4 and recent.clear(second) == 0
    fourth = lessons.begin("fourth", NOW)
    recent.see(fourth, until=NOW - timedelta(seconds=1))
    assert [*recent.unseen(fourth)] == [["3"]]
    recent.see(fourth, until=NOW)
    lessons.finish(fourth, ROUGH, {})
    lessons.finish(lessons.begin("fifth", NOW), ROUGH, {})
    assert states(engine) == {}


def test_what_is_claimed_waits_until_it_is_folded(engine: Engine, recent: SQLRecent) -> None:
    """Planted bug that it shows: what came after the claim is taken for folded."""
    id = learned(engine, recent)
    order(engine, "1", "a", "b")
    assert recent.claim(id, BOOK, "~1", 9) == [], "nobody has looked at it"
    recent.judge({"1": ["a", "b"]})
    assert recent.claim(id, BOOK, "~1", 1) == ["a"] and recent.claim(id, BOOK, "~2", 9) == ["a", "b"]
    recent.folded("~1", BOOK)
    order(engine, "2", "a")
    recent.judge({"2": ["a"]})
    recent.folded("~2", BOOK)
    assert recent.claim(id, BOOK, "~3", 9) == ["a"]
    recent.folded("~3", BOOK)
    assert recent.claim(id, BOOK, "~4", 9) == [] and not recent.waiting()
    # Another version that began before it was folded has to have it too.
    now, hour = datetime.now(UTC), timedelta(hours=1)
    assert recent.claim(id, Edition("2-b.0", id, now + hour, now + hour), "~5", 9) == []
    assert recent.claim(id, Edition("2-b.0", id, now - hour, now), "~6", 9) == ["a", "b"]


def test_shoppers_are_claimed_as_products_are(engine: Engine, recent: SQLRecent) -> None:
    """Planted bugs that it shows: an order that is cancelled after it was folded stays with its shopper; lines that do
    not count do; who is nobody waits forever."""
    id = learned(engine, recent)
    order(engine, "1", "b", "a", customer="ann")
    order(engine, "2", "a")
    order(engine, "3", "c", "x", customer="bob")
    order(engine, "4", "d", customer="ann")
    assert recent.claim_people(id, BOOK, "~0", 9) == [] and recent.people(id) == set()
    recent.judge({"1": ["a", "b"], "2": ["a"], "3": ["c"], "4": ["d"]})
    at = int(NOW.timestamp())
    assert recent.people(id) == {"ann", "bob"}
    assert recent.baskets(id, ["ann", "bob", "cid"]) == {"ann": [(at, ("d",)), (at, ("a", "b"))], "bob": [(at, ("c",))]}
    assert recent.claim_people(id, BOOK, "~1", 1) == ["ann"]
    assert recent.claim_people(id, BOOK, "~2", 9) == ["ann", "bob"]
    assert recent.claim(id, BOOK, "~2", 9) == ["a", "b", "c", "d", "x"]
    recent.folded("~2", BOOK)
    assert not recent.waiting() and recent.claim_people(id, BOOK, "~3", 9) == []
    recent.ask("1")
    recent.judge({"1": []})
    assert recent.waiting() and recent.claim_people(id, BOOK, "~4", 9) == ["ann"]
    assert recent.baskets(id, ["ann"]) == {"ann": [(at, ("d",))]}
    assert recent.baskets("another", ["ann"]) and not recent.baskets(id, [])
    with engine.begin() as connection:
        connection.execute(update(t).values(seen_by=id))
    assert recent.people(id) == set() and recent.baskets(id, ["ann"]) == {}


def test_evidence_is_kept_while_its_learning_is_live(engine: Engine, recent: SQLRecent) -> None:
    id, ledger = learned(engine, recent), SQLLedger(engine, "upsell")
    one = (Affinity("b", 0.5, 5, 10, 8, 100, 0.2),)
    assert recent.keep(id, {"a": one, "c": ()}) and recent.keep(id, {"a": one})
    assert [(ref, each.complements[0].together) for ref, each in ledger.affinities()] == [("a", 5)]
    assert not recent.keep("another", {"a": ()}) and len(list(ledger.affinities())) == 1
    assert recent.keep(id, {"a": ()}) and list(ledger.affinities()) == []


def test_bots_do_not_count_whatever_was_said_before(engine: Engine, recent: SQLRecent) -> None:
    id = learned(engine, recent)
    order(engine, "1", "a", "b", customer="ann")
    order(engine, "2", "c", customer="ann")
    order(engine, "3", "a", customer="")
    recent.judge({"1": ["a", "b"], "2": ["c"], "3": ["a"]})
    assert recent.bots(id, {"ann"}, 3) == set() and recent.bots(id, {"bob"}, 2) == set()
    assert recent.since(id, ["a"], []).orders == 3
    assert recent.bots(id, {"ann"}, 2) == {"ann"}
    assert recent.since(id, ["a"], []).orders == 1


def test_nothing_is_kept_for_long(engine: Engine, recent: SQLRecent) -> None:
    order(engine, "1", "a")
    retention = SQLRetention(engine, "upsell")
    assert retention.tidy(NOW + timedelta(days=29), timedelta(days=90), set(), {})["upsell_recent"] == 0
    assert retention.tidy(NOW + timedelta(days=31), timedelta(days=90), set(), {})["upsell_recent"] == 2


def test_many_are_seen_and_removed_some_at_a_time(
    engine: Engine, recent: SQLRecent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    for number in range(5):
        order(engine, str(number), "a")
    id = learned(engine, recent)
    assert [*recent.unseen(id)] == [["0", "1"], ["2", "3"], ["4"]]
    with engine.begin() as connection:
        connection.execute(update(t).values(seen_by=id))
    assert recent.clear(id) == 10
