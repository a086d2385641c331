"""The ledger on SQLite and PostgreSQL: what must not be lost, and must not be counted twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.ledger import SQLLedger, make_engine
from flask_upsell.adapters.memory import memory_ledger
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.claims import Click
from flask_upsell.core.context import Line
from flask_upsell.core.offer import Kind
from flask_upsell.core.ports import Acceptance, Count, Order, Promise, Started
from flask_upsell.core.rule import Perk
from flask_upsell.errors import BadInput
from tests.adapters.hosts import host_table, place, placed

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def ledger(engine: Engine) -> SQLLedger:
    return SQLLedger(engine, "upsell", timedelta(hours=1))


def acceptance(id: str = "a1", product: str = "bag", **more: Any) -> Acceptance:
    """A complement of 10.00 EUR in the cart of "ada"."""
    given = {"visitor": "ada", "placement": "cart", "kind": Kind.COMPLEMENT, "offer": "o1", "quantity": 1}
    return Acceptance(**{**given, "id": id, "product": product, "unit_price": 1000, "currency": "EUR", **more})


def order(ref: str = "1001", *products: str, quantity: int = 1, currency: str = "EUR") -> Order:
    """An order of these products, or of the bag."""
    lines = tuple(Line(str(i), each, quantity, 1000) for i, each in enumerate(products or ("bag",)))
    return Order(ref, currency, lines)


def together(count: int, act: Callable[[int], object]) -> list[object]:
    """What each of `count` threads returned or raised, all let go at once."""
    barrier = threading.Barrier(count)
    results: list[object] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = act(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def rows(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


# --- idempotency ---------------------------------------------------------------------------------------------------


def test_a_key_is_first_once_and_has_its_answer_later(ledger: SQLLedger) -> None:
    assert ledger.start("ada", "k", "r").first
    assert ledger.start("ada", "k", "r") == Started(first=False, answer=None)
    assert ledger.answer("ada", "k") is None
    assert ledger.record_acceptances([], NOW, Click("ada", "k"), {"status": "done", "text": "ä"})
    assert ledger.answer("ada", "k") == {"status": "done", "text": "ä"}
    again = ledger.start("ada", "k", "r")
    assert (again.first, again.answer) == (False, {"status": "done", "text": "ä"})


def test_a_key_of_another_request_is_bad_input(ledger: SQLLedger) -> None:
    ledger.start("ada", "k", "r")
    with pytest.raises(BadInput, match="key"):
        ledger.start("ada", "k", "another")


def test_a_forgotten_key_is_first_again(ledger: SQLLedger) -> None:
    ledger.start("ada", "k", "r")
    ledger.forget("ada", "k")
    assert ledger.start("ada", "k", "another").first
    ledger.forget("nobody", "k")
    assert not ledger.start("ada", "k", "another").first


def test_keys_of_other_visitors_and_instances_are_other_keys(ledger: SQLLedger) -> None:
    assert ledger.start("ada", "k", "r").first
    assert ledger.start("bob", "k", "r").first
    assert SQLLedger(ledger.engine, "upsell_b2b").start("ada", "k", "r").first


def test_of_twenty_threads_with_one_key_exactly_one_is_first(ledger: SQLLedger) -> None:
    """Red when the refusal of the second INSERT is not heeded."""
    for number in range(5):
        started = together(20, lambda _, number=number: ledger.start("ada", f"k{number}", "r").first)  # type: ignore[misc]
        assert sorted(started, key=str) == [False] * 19 + [True]


# --- acceptances ---------------------------------------------------------------------------------------------------


def test_an_acceptance_is_given_back_as_it_was_to_its_visitor_only(ledger: SQLLedger) -> None:
    whole = acceptance(
        kind=Kind.UPGRADE, title="Täsche", variant="red", line="7", replaced=Line("7", "sack", 2, 700, "blue")
    )
    ledger.record_acceptances([whole], NOW)
    assert ledger.acceptance("a1", "ada") == whole
    assert ledger.acceptance("a1", "bob") is None
    assert ledger.acceptance("a2", "ada") is None
    assert SQLLedger(ledger.engine, "upsell_b2b").acceptance("a1", "ada") is None


def test_an_undo_happens_once(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance()], NOW)
    assert ledger.record_undo("a1", NOW) is True
    assert ledger.record_undo("a1", NOW) is False
    assert ledger.record_undo("unknown", NOW) is False
    assert ledger.acceptance("a1", "ada") is None
    assert ledger.fold() == 2
    assert ledger.counts() == [Count("cart", "complement", "bag", accepted=1, undone=1)]


def test_of_ten_threads_that_undo_one_acceptance_one_does(ledger: SQLLedger) -> None:
    """Red when `record_undo` does not ask for the state in its UPDATE."""
    ledger.record_acceptances([acceptance()], NOW)
    undone = together(10, lambda _: ledger.record_undo("a1", NOW))
    assert sorted(undone, key=str) == [False] * 9 + [True]
    ledger.fold()
    assert [c.undone for c in ledger.counts()] == [1]


def test_an_acceptance_and_its_count_are_one_transaction(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance()], NOW)
    with pytest.raises(IntegrityError):
        ledger.record_acceptances([acceptance()], NOW)
    assert (rows(ledger.engine, t.acceptances), ledger.waiting()) == (1, 1)


def test_declines_are_counted_each(ledger: SQLLedger) -> None:
    for _ in range(3):
        ledger.record_decline("cart", "upgrade", "bag", NOW)
    oldest = ledger.oldest()
    assert oldest is not None and oldest.tzinfo is not None
    assert (ledger.waiting(), ledger.fold(), ledger.waiting()) == (3, 3, 0)
    assert ledger.oldest() is None
    assert ledger.counts() == [Count("cart", "upgrade", "bag", declined=3)]


@pytest.mark.parametrize(
    "bad", [{"quantity": 0}, {"quantity": -1}, {"unit_price": -1}, {"currency": "EURO"}, {"currency": ""}], ids=str
)
def test_a_bad_acceptance_is_refused_by_the_database(ledger: SQLLedger, bad: dict[str, Any]) -> None:
    with pytest.raises((DBAPIError, BadInput)):
        ledger.record_acceptances([acceptance(**bad)], NOW)
    assert (rows(ledger.engine, t.acceptances), ledger.waiting()) == (0, 0)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (t.acceptances, {"state": "paid"}),
        (t.acceptances, {"title": None}),
        (t.conversions, {"quantity": 0}),
        (t.conversions, {"revenue": -1}),
        (t.conversions, {"currency": None}),
    ],
    ids=str,
)
def test_a_bad_row_is_refused_by_the_database(ledger: SQLLedger, table: Any, values: dict[str, Any]) -> None:
    good: dict[str, Any] = {"instance": "upsell", "placement": "cart", "kind": "upgrade", "product": "bag"}
    good |= {"quantity": 1, "currency": "EUR"}
    if table is t.acceptances:
        good |= {"id": "x", "visitor": "ada", "state": "accepted", "offer": "o", "unit_price": 0}
        good |= {"title": "", "line": "", "accepted_at": NOW}
    else:
        good |= {"order_ref": "1", "acceptance": "x", "revenue": 0, "ordered_at": NOW}
    with pytest.raises(IntegrityError), ledger.engine.begin() as connection:
        connection.execute(insert(table).values({**good, **values}))
    with ledger.engine.begin() as connection:
        connection.execute(insert(table).values(good))


# --- orders --------------------------------------------------------------------------------------------------------


def converted(ledger: SQLLedger) -> list[tuple[str, int, int, str]]:
    """(product, converted, revenue, currency) of the folded counts."""
    ledger.fold()
    return [(c.product, c.converted, c.revenue, c.currency) for c in ledger.counts() if c.converted]


def test_an_ordered_acceptance_is_a_conversion_with_its_revenue(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance(quantity=2)], NOW)
    assert ledger.record_order(order(quantity=2), "ada", NOW) == 1
    assert converted(ledger) == [("bag", 1, 2000, "EUR")]
    assert ledger.acceptance("a1", "ada") is None
    assert ledger.record_undo("a1", NOW) is False


def test_an_order_is_recorded_once_however_often_it_is_sent(ledger: SQLLedger) -> None:
    """Red when the event of an order in the outbox is not unique."""
    ledger.record_acceptances([acceptance()], NOW)
    assert [ledger.record_order(order(), "ada", NOW) for _ in range(3)] == [1, 0, 0]
    ledger.record_acceptances([acceptance("a2")], NOW)
    assert ledger.record_order(order(), "ada", NOW) == 0
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]
    assert rows(ledger.engine, t.conversions) == 1


def test_of_ten_threads_that_record_one_order_one_does(ledger: SQLLedger) -> None:
    """Red when the refusal of the second INSERT reaches the caller."""
    ledger.record_acceptances([acceptance()], NOW)
    assert sorted(together(10, lambda _: ledger.record_order(order(), "ada", NOW)), key=str) == [0] * 9 + [1]
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]


def test_orders_of_many_shoppers_at_once_lose_no_conversion(ledger: SQLLedger) -> None:
    """Red when a transaction reads before it writes on SQLite: two such transactions lock each other out at once."""

    def shop(number: int) -> int:
        visitor = f"v{number}"
        for i in range(8):
            ledger.record_acceptances([acceptance(f"{number}.{i}", visitor=visitor)], NOW)
            assert ledger.record_order(order(f"{number}.{i}"), visitor, NOW) == 1
        return number

    assert together(8, shop) == list(range(8))
    assert converted(ledger) == [("bag", 64, 64_000, "EUR")]


@pytest.mark.parametrize(("seconds", "counted"), [(0, 1), (3599, 1), (3601, 0)])
def test_only_orders_within_the_attribution_window_count(ledger: SQLLedger, seconds: int, counted: int) -> None:
    ledger.record_acceptances([acceptance()], NOW)
    assert ledger.record_order(order(), "ada", NOW + timedelta(seconds=seconds)) == counted


def test_the_revenue_of_an_upgrade_is_the_difference(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance(kind=Kind.UPGRADE, quantity=3, replaced=Line("1", "sack", 3, 700))], NOW)
    ledger.record_order(order(quantity=3), "ada", NOW)
    assert converted(ledger) == [("bag", 1, 900, "EUR")]


def test_an_upgrade_that_became_cheaper_than_what_it_replaced_earned_nothing(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance(kind=Kind.UPGRADE, replaced=Line("1", "sack", 1, 1700))], NOW)
    ledger.record_order(order(), "ada", NOW)
    assert converted(ledger) == [("bag", 1, 0, "EUR")]


def test_no_more_counts_than_was_ordered(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance("a1", quantity=5)], NOW)
    ledger.record_acceptances([acceptance("a2", quantity=1)], NOW + timedelta(seconds=1))
    assert ledger.record_order(order(quantity=1), "ada", NOW + timedelta(seconds=2)) == 1
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]
    assert ledger.acceptance("a1", "ada") is not None and ledger.acceptance("a2", "ada") is None


def test_of_what_was_accepted_twice_that_counts_whose_price_was_paid(ledger: SQLLedger) -> None:
    """Planted bug that it shows: the last one counts, whatever was paid."""
    ledger.record_acceptances([acceptance("a1", unit_price=1000)], NOW)
    ledger.record_acceptances([acceptance("a2", unit_price=700)], NOW + timedelta(seconds=1))
    assert ledger.record_order(order(), "ada", NOW + timedelta(seconds=2)) == 1
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]
    assert ledger.acceptance("a2", "ada") is not None


def test_no_more_counts_than_was_accepted(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance(quantity=1)], NOW)
    ledger.record_order(order("1", "bag", "bag", quantity=4), "ada", NOW)
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]


@pytest.mark.parametrize("quantity", [0, -1, -(10**9)])
def test_a_returned_product_is_no_conversion(ledger: SQLLedger, quantity: int) -> None:
    ledger.record_acceptances([acceptance()], NOW)
    assert ledger.record_order(order(quantity=quantity), "ada", NOW) == 0
    assert ledger.acceptance("a1", "ada") is not None


def test_an_order_in_another_currency_another_visitor_or_product_is_no_conversion(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance()], NOW)
    assert ledger.record_order(order("1", currency="USD"), "ada", NOW) == 0
    assert ledger.record_order(order("2"), "bob", NOW) == 0
    assert ledger.record_order(order("3", "sack"), "ada", NOW) == 0
    assert ledger.record_order(Order("4", "EUR", ()), "ada", NOW) == 0
    assert SQLLedger(ledger.engine, "upsell_b2b").record_order(order("5"), "ada", NOW) == 0
    assert ledger.record_order(order("6"), "ada", NOW) == 1


def test_what_was_undone_is_no_conversion(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance()], NOW)
    ledger.record_undo("a1", NOW)
    assert ledger.record_order(order(), "ada", NOW) == 0


# --- bundles -------------------------------------------------------------------------------------------------------


def pair(first: str = "b1", second: str = "b2", **more: Any) -> list[Acceptance]:
    """A bundle of a bag and a sack, by the rule "set"."""
    given = {"kind": Kind.BUNDLE, "bundle": first, "rule": "set", **more}
    return [acceptance(first, "bag", **given), acceptance(second, "sack", **given)]


def test_a_bundle_is_found_by_its_first_and_by_its_visitor_only(ledger: SQLLedger) -> None:
    both = pair()
    ledger.record_acceptances(both, NOW)
    ledger.record_acceptances([acceptance("a1", "hat", rule="set")], NOW)
    assert ledger.bundle("b1", "ada") == both
    assert ledger.acceptance("b2", "ada") == both[1]
    assert ledger.bundle("b2", "ada") == ledger.bundle("b1", "bob") == []
    assert SQLLedger(ledger.engine, "upsell_b2b").bundle("b1", "ada") == []
    ledger.record_undo("b1", NOW)
    assert ledger.bundle("b1", "ada") == both[1:]


def test_a_bundle_is_recorded_as_a_whole_or_not_at_all(ledger: SQLLedger) -> None:
    """Red when each acceptance is a transaction of its own."""
    ledger.record_acceptances([acceptance("b2")], NOW)
    with pytest.raises(IntegrityError):
        ledger.record_acceptances(pair(), NOW)
    with pytest.raises(DBAPIError):
        ledger.record_acceptances([*pair("c1", "c2"), acceptance("c3", quantity=0)], NOW)
    assert (rows(ledger.engine, t.acceptances), ledger.waiting()) == (1, 1)
    assert ledger.bundle("b1", "ada") == ledger.bundle("c1", "ada") == []


def test_each_product_of_a_bundle_is_counted_and_converted(ledger: SQLLedger) -> None:
    ledger.record_acceptances(pair(), NOW)
    assert ledger.record_order(order("1", "bag", "sack"), "ada", NOW) == 2
    assert converted(ledger) == [("bag", 1, 1000, "EUR"), ("sack", 1, 1000, "EUR")]
    assert {(each.product, each.accepted) for each in ledger.counts() if each.accepted} == {("bag", 1), ("sack", 1)}


def test_what_a_rule_sold_is_counted_in_units_and_a_bundle_is_one(ledger: SQLLedger) -> None:
    """Red when each product of a bundle is summed up: 5 instead of 4."""
    ledger.record_acceptances([acceptance("a1", quantity=3, rule="set"), acceptance("a2", rule="other")], NOW)
    ledger.record_acceptances(pair(), NOW)
    assert ledger.sold({"set": NOW}) == {"set": 0}, "accepted, but not ordered"
    ledger.record_order(order("1", "bag", "sack", quantity=9), "ada", NOW)
    assert ledger.sold({"set": NOW, "other": NOW, "none": NOW}) == {"set": 4, "other": 1, "none": 0}
    assert ledger.sold({}) == {}


def test_what_was_sold_counts_from_an_instant_on_and_for_this_instance(ledger: SQLLedger) -> None:
    for hours in range(3):
        at = NOW + timedelta(hours=hours)
        ledger.record_acceptances([acceptance(f"a{hours}", rule="r")], at)
        assert ledger.record_order(order(str(hours)), "ada", at) == 1
    for hours, units in ((0, 3), (1, 2), (2, 1), (3, 0)):
        assert ledger.sold({"r": NOW + timedelta(hours=hours)}) == {"r": units}
    assert SQLLedger(ledger.engine, "upsell_b2b").sold({"r": NOW}) == {"r": 0}


# --- promises ------------------------------------------------------------------------------------------------------

CODE = Perk(code="NEXT10", words={"en": "Thanks: {code}", "de": "Danke: {code}"})
GIFT = Perk(gift="mug")


def test_an_order_is_promised_what_its_rules_give(ledger: SQLLedger) -> None:
    every = [acceptance("a1", "bag", rule="code"), acceptance("a2", "hat", rule="gift"), acceptance("a3", "cap")]
    ledger.record_acceptances(every, NOW)
    perks = {"gift": GIFT, "code": CODE, "other": Perk(points=7)}
    placed = order("1001", "bag", "hat", "cap")
    assert ledger.record_order(placed, "ada", NOW, customer="c-ada", perks=perks) == 3
    both = [Promise("code", "1001", "c-ada", CODE), Promise("gift", "1001", "c-ada", GIFT)]
    assert ledger.promised("1001") == ledger.promises("c-ada") == both
    assert ledger.promised("1002") == ledger.promises("c-bob") == ledger.promises("") == []
    other = SQLLedger(ledger.engine, "upsell_b2b")
    assert other.promised("1001") == other.promises("c-ada") == []


def test_a_rule_promises_once_for_an_order_however_much_of_it_was_ordered(ledger: SQLLedger) -> None:
    """Red when each conversion writes a promise: the second row of the same order and rule is refused, and with it all
    that the order earned."""
    ledger.record_acceptances(pair(), NOW)
    ledger.record_acceptances([acceptance("a1", "hat", rule="set")], NOW)
    placed = order("1001", "bag", "sack", "hat")
    assert ledger.record_order(placed, "ada", NOW, customer="c", perks={"set": CODE}) == 3
    assert ledger.record_order(placed, "ada", NOW, customer="c", perks={"set": CODE}) == 0
    assert ledger.promised("1001") == [Promise("set", "1001", "c", CODE)]


def test_another_order_is_promised_for_itself(ledger: SQLLedger) -> None:
    for number in ("1", "2"):
        at = NOW + timedelta(seconds=int(number))
        ledger.record_acceptances([acceptance(f"a{number}", rule="code")], at)
        ledger.record_order(order(number), "ada", at, customer="c", perks={"code": CODE})
    assert [promise.order for promise in ledger.promises("c")] == ["1", "2"]


def test_nothing_is_promised_for_what_was_not_ordered_or_to_nobody(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance("a1", "bag", rule="code"), acceptance("a2", "hat", rule="code")], NOW)
    assert ledger.record_order(order("1", "sack"), "ada", NOW, customer="c", perks={"code": CODE}) == 0
    assert ledger.record_order(order("2", "bag"), "bob", NOW, customer="c", perks={"code": CODE}) == 0
    assert ledger.record_order(order("3", "bag"), "ada", NOW, customer="", perks={"code": CODE}) == 1
    ledger.record_undo("a2", NOW)
    assert ledger.record_order(order("4", "hat"), "ada", NOW, customer="c", perks={"code": CODE}) == 0
    assert rows(ledger.engine, t.promises) == 0


def test_of_ten_threads_that_record_one_order_one_promises(ledger: SQLLedger) -> None:
    ledger.record_acceptances([acceptance(rule="code")], NOW)
    written = together(10, lambda _: ledger.record_order(order(), "ada", NOW, customer="c", perks={"code": CODE}))
    assert sorted(written, key=str) == [0] * 9 + [1]
    assert rows(ledger.engine, t.promises) == 1


# --- in the host's own transaction ---------------------------------------------------------------------------------


@pytest.fixture
def host(ledger: SQLLedger) -> Iterator[SQLLedger]:
    """The ledger in a database that has a table of the host's too, and an acceptance of "ada"."""
    ledger.record_acceptances([acceptance()], NOW)
    with host_table(ledger.engine):
        yield ledger


def test_conversions_are_committed_with_the_order(host: SQLLedger) -> None:
    with host.engine.begin() as connection:
        place(connection, "1001")
        assert host.shares(connection)
        assert host.record_order(order(), "ada", NOW, connection) == 1
        assert rows(host.engine, t.conversions) == 0, "nobody else sees them before the order is committed"
    assert placed(host.engine) == ["1001"]
    assert rows(host.engine, t.conversions) == 1
    assert converted(host) == [("bag", 1, 1000, "EUR")]


def test_conversions_vanish_with_the_order(host: SQLLedger) -> None:
    """Red when `record_order` uses a transaction of its own in spite of the connection."""
    with host.engine.connect() as connection:
        place(connection, "1001")
        assert host.record_order(order(), "ada", NOW, connection) == 1
        connection.rollback()
    assert placed(host.engine) == []
    assert rows(host.engine, t.conversions) == 0
    assert host.acceptance("a1", "ada") is not None
    assert host.record_order(order(), "ada", NOW) == 1


def test_promises_live_and_die_with_the_order(host: SQLLedger) -> None:
    """Red when `record_order` uses a transaction of its own in spite of the connection."""
    host.record_acceptances([acceptance("a2", "hat", rule="code")], NOW)
    for then in ("rollback", "commit"):
        with host.engine.connect() as connection:
            place(connection, "1001")
            assert (
                host.record_order(order("1001", "hat"), "ada", NOW, connection, customer="c", perks={"code": CODE}) == 1
            )
            assert host.promised("1001") == host.promises("c") == [], (
                "nobody else sees them before the order is committed"
            )
            getattr(connection, then)()
        assert len(host.promised("1001")) == len(host.promises("c")) == (then == "commit")


def test_a_failure_inside_leaves_the_hosts_transaction_usable(host: SQLLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red without `begin_nested`: PostgreSQL then refuses every further statement of the order's transaction."""

    def broken(self: SQLLedger, connection: Connection, *_: object) -> None:
        connection.execute(text("SELECT * FROM no_such_table"))

    monkeypatch.setattr(SQLLedger, "_put", broken)
    with host.engine.begin() as connection:
        place(connection, "1001")
        with pytest.raises(DBAPIError):
            host.record_order(order(), "ada", NOW, connection)
        place(connection, "1002")
    monkeypatch.undo()
    assert placed(host.engine) == ["1001", "1002"]
    assert rows(host.engine, t.conversions) == 0
    assert host.record_order(order(), "ada", NOW) == 1


def test_an_order_sent_twice_inside_its_transaction_leaves_it_usable(host: SQLLedger) -> None:
    with host.engine.begin() as connection:
        place(connection, "1001")
        assert [host.record_order(order(), "ada", NOW, connection) for _ in range(2)] == [1, 0]
        place(connection, "1002")
    assert placed(host.engine) == ["1001", "1002"]
    assert converted(host) == [("bag", 1, 1000, "EUR")]


def test_a_connection_to_another_database_is_not_written(host: SQLLedger, tmp_path: Path) -> None:
    other = make_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE host_placed (ref VARCHAR(20))"))
        assert not host.shares(connection) and not host.shares(object()) and not host.shares(None)
        assert host.record_order(order(), "ada", NOW, connection) == 1
        connection.rollback()
    assert rows(host.engine, t.conversions) == 1
    other.dispose()


# --- what was learned ----------------------------------------------------------------------------------------------


def affinity(consequent: str, weight: float) -> Affinity:
    return Affinity(consequent, weight, 5, 10, 6, 100)


def test_affinities_come_back_grouped_and_strongest_first(ledger: SQLLedger) -> None:
    saved = [
        (Kind.COMPLEMENT, "b", affinity("x", 0.5)),
        (Kind.COMPLEMENT, "a", affinity("z", 0.5)),
        (Kind.UPGRADE, "a", affinity("u", 0.1)),
        (Kind.COMPLEMENT, "a", affinity("y", 0.5)),
        (Kind.COMPLEMENT, "a", affinity("x", 0.9)),
        (Kind.UPGRADE, "B", affinity("a", 1.0)),
    ]
    assert ledger.save_affinities(saved) == 6
    stream = ledger.affinities()
    assert isinstance(stream, Iterator)
    found = list(stream)
    assert len(found) == 3, "one group for each antecedent"
    assert dict(found) == {
        "a": Affinities((affinity("u", 0.1),), (affinity("x", 0.9), affinity("y", 0.5), affinity("z", 0.5))),
        "b": Affinities((), (affinity("x", 0.5),)),
        "B": Affinities((affinity("a", 1.0),), ()),
    }


def test_affinities_replace_the_older_ones_of_this_instance(ledger: SQLLedger) -> None:
    other = SQLLedger(ledger.engine, "upsell_b2b")
    other.save_affinities([(Kind.UPGRADE, "a", affinity("theirs", 1))])
    ledger.save_affinities([(Kind.UPGRADE, "a", affinity("old", 1))])
    ledger.save_affinities([(Kind.UPGRADE, "a", affinity("new", 1))])
    assert [leads.upgrades[0].consequent for _, leads in ledger.affinities()] == ["new"]
    assert [leads.upgrades[0].consequent for _, leads in other.affinities()] == ["theirs"]
    assert ledger.save_affinities([]) == 0
    assert list(ledger.affinities()) == []


@pytest.mark.parametrize("after", [1, 5000, 5001])
def test_affinities_are_saved_all_or_not_at_all(ledger: SQLLedger, after: int) -> None:
    """Red when each chunk is a transaction of its own."""

    def broken() -> Iterator[tuple[Kind, str, Affinity]]:
        for number in range(after):
            yield Kind.UPGRADE, f"a{number}", affinity("new", 1)
        raise RuntimeError("the mining failed")

    ledger.save_affinities([(Kind.UPGRADE, "a", affinity("old", 1))])
    with pytest.raises(RuntimeError):
        ledger.save_affinities(broken())
    assert [leads.upgrades[0].consequent for _, leads in ledger.affinities()] == ["old"]


def test_more_affinities_than_one_chunk(ledger: SQLLedger) -> None:
    assert ledger.save_affinities((Kind.UPGRADE, f"a{n}", affinity("b", 1)) for n in range(10_001)) == 10_001
    assert sum(1 for _ in ledger.affinities()) == 10_001


# --- runs, health --------------------------------------------------------------------------------------------------


def test_a_run_tells_how_far_it_is(ledger: SQLLedger) -> None:
    assert ledger.last_progress("learn") is None
    ledger.progress("r1", "learn", "queued", "Waiting", 0, 0, {})
    ledger.progress("r1", "learn", "running", "Mining", 3, 9, {})
    now = ledger.last_progress("learn")
    assert now is not None and (now.id, now.state, now.step, now.done, now.total) == ("r1", "running", "Mining", 3, 9)
    assert now.ended_at is None and abs(datetime.now(UTC) - now.started_at) < timedelta(minutes=1)
    ledger.progress("r1", "learn", "done", "Live", 1, 1, {"orders": 7, "dropped": {"x": 1}})
    done = ledger.last_progress("learn")
    assert done is not None and done.figures == {"orders": 7, "dropped": {"x": 1}}
    assert done.started_at == now.started_at and done.ended_at is not None and done.ended_at >= done.started_at
    ledger.progress("r2", "learn", "failed", "LearnError: no", 0, 0, {})
    last = ledger.last_progress("learn")
    assert last is not None and (last.id, last.state) == ("r2", "failed") and last.ended_at is not None
    assert ledger.last_progress("publish") is None
    assert SQLLedger(ledger.engine, "upsell_b2b").last_progress("learn") is None


def test_ping_needs_the_tables(database_url: str) -> None:
    engine = make_engine(database_url)
    with pytest.raises(DBAPIError):
        SQLLedger(engine, "upsell").ping()
    t.metadata.create_all(engine)
    SQLLedger(engine, "upsell").ping()
    engine.dispose()


def test_the_twin_in_memory_is_the_same_ledger() -> None:
    twin = memory_ledger()
    twin.ping()
    twin.record_acceptances([acceptance()], NOW)
    assert twin.record_order(order(), "ada", NOW) == 1
    assert converted(twin) == [("bag", 1, 1000, "EUR")]
    assert memory_ledger().waiting() == 0
