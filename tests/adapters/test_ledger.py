"""The ledger on SQLite and PostgreSQL: what must not be lost, and must not be counted twice."""

from __future__ import annotations

import subprocess
import sys
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
from flask_upsell.core.context import Line
from flask_upsell.core.offer import Kind
from flask_upsell.core.ports import Acceptance, Count, Order, Started
from flask_upsell.errors import BadInput

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
    ledger.finish("ada", "k", {"status": "done", "text": "ä"})
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


def test_old_keys_go_after_three_days_and_younger_ones_stay(ledger: SQLLedger) -> None:
    row = {"instance": "upsell", "visitor": "ada", "request": "r", "answer": {"x": 1}}
    with ledger.engine.begin() as connection:
        for key, hours in (("old", 73), ("young", 71)):
            at = datetime.now(UTC) - timedelta(hours=hours)
            connection.execute(insert(t.requests).values(**row, key=key, created_at=at))
    ledger.fold()
    assert ledger.start("ada", "old", "r").first
    assert not ledger.start("ada", "young", "r").first


# --- acceptances ---------------------------------------------------------------------------------------------------


def test_an_acceptance_is_given_back_as_it_was_to_its_visitor_only(ledger: SQLLedger) -> None:
    whole = acceptance(
        kind=Kind.UPGRADE, title="Täsche", variant="red", line="7", replaced=Line("7", "sack", 2, 700, "blue")
    )
    ledger.record_acceptance(whole, NOW)
    assert ledger.acceptance("a1", "ada") == whole
    assert ledger.acceptance("a1", "bob") is None
    assert ledger.acceptance("a2", "ada") is None
    assert SQLLedger(ledger.engine, "upsell_b2b").acceptance("a1", "ada") is None


def test_an_undo_happens_once(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance(), NOW)
    assert ledger.record_undo("a1", NOW) is True
    assert ledger.record_undo("a1", NOW) is False
    assert ledger.record_undo("unknown", NOW) is False
    assert ledger.acceptance("a1", "ada") is None
    assert ledger.fold() == 2
    assert ledger.counts() == [Count("cart", "complement", "bag", accepted=1, undone=1)]


def test_of_ten_threads_that_undo_one_acceptance_one_does(ledger: SQLLedger) -> None:
    """Red when `record_undo` does not ask for the state in its UPDATE."""
    ledger.record_acceptance(acceptance(), NOW)
    undone = together(10, lambda _: ledger.record_undo("a1", NOW))
    assert sorted(undone, key=str) == [False] * 9 + [True]
    ledger.fold()
    assert [c.undone for c in ledger.counts()] == [1]


def test_an_acceptance_and_its_count_are_one_transaction(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance(), NOW)
    with pytest.raises(IntegrityError):
        ledger.record_acceptance(acceptance(), NOW)
    assert (rows(ledger.engine, t.acceptances), ledger.waiting()) == (1, 1)


def test_declines_are_counted_each(ledger: SQLLedger) -> None:
    for _ in range(3):
        ledger.record_decline("cart", "upgrade", "bag", NOW)
    assert (ledger.waiting(), ledger.fold(), ledger.waiting()) == (3, 3, 0)
    assert ledger.counts() == [Count("cart", "upgrade", "bag", declined=3)]


@pytest.mark.parametrize(
    "bad", [{"quantity": 0}, {"quantity": -1}, {"unit_price": -1}, {"currency": "EURO"}, {"currency": ""}], ids=str
)
def test_a_bad_acceptance_is_refused_by_the_database(ledger: SQLLedger, bad: dict[str, Any]) -> None:
    with pytest.raises(DBAPIError):
        ledger.record_acceptance(acceptance(**bad), NOW)
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
    ledger.record_acceptance(acceptance(quantity=2), NOW)
    assert ledger.record_order(order(quantity=2), "ada", NOW) == 1
    assert converted(ledger) == [("bag", 1, 2000, "EUR")]
    assert ledger.acceptance("a1", "ada") is None
    assert ledger.record_undo("a1", NOW) is False


def test_an_order_is_recorded_once_however_often_it_is_sent(ledger: SQLLedger) -> None:
    """Red when the event of an order in the outbox is not unique."""
    ledger.record_acceptance(acceptance(), NOW)
    assert [ledger.record_order(order(), "ada", NOW) for _ in range(3)] == [1, 0, 0]
    ledger.record_acceptance(acceptance("a2"), NOW)
    assert ledger.record_order(order(), "ada", NOW) == 0
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]
    assert rows(ledger.engine, t.conversions) == 1


def test_of_ten_threads_that_record_one_order_one_does(ledger: SQLLedger) -> None:
    """Red when the refusal of the second INSERT reaches the caller."""
    ledger.record_acceptance(acceptance(), NOW)
    assert sorted(together(10, lambda _: ledger.record_order(order(), "ada", NOW)), key=str) == [0] * 9 + [1]
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]


def test_orders_of_many_shoppers_at_once_lose_no_conversion(ledger: SQLLedger) -> None:
    """Red when a transaction reads before it writes on SQLite: two such transactions lock each other out at once."""

    def shop(number: int) -> int:
        visitor = f"v{number}"
        for i in range(8):
            ledger.record_acceptance(acceptance(f"{number}.{i}", visitor=visitor), NOW)
            assert ledger.record_order(order(f"{number}.{i}"), visitor, NOW) == 1
        return number

    assert together(8, shop) == list(range(8))
    assert converted(ledger) == [("bag", 64, 64_000, "EUR")]


@pytest.mark.parametrize(("seconds", "counted"), [(0, 1), (3599, 1), (3601, 0)])
def test_only_orders_within_the_attribution_window_count(ledger: SQLLedger, seconds: int, counted: int) -> None:
    ledger.record_acceptance(acceptance(), NOW)
    assert ledger.record_order(order(), "ada", NOW + timedelta(seconds=seconds)) == counted


def test_the_revenue_of_an_upgrade_is_the_difference(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance(kind=Kind.UPGRADE, quantity=3, replaced=Line("1", "sack", 3, 700)), NOW)
    ledger.record_order(order(quantity=3), "ada", NOW)
    assert converted(ledger) == [("bag", 1, 900, "EUR")]


def test_an_upgrade_that_became_cheaper_than_what_it_replaced_earned_nothing(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance(kind=Kind.UPGRADE, replaced=Line("1", "sack", 1, 1700)), NOW)
    ledger.record_order(order(), "ada", NOW)
    assert converted(ledger) == [("bag", 1, 0, "EUR")]


def test_no_more_counts_than_was_ordered(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance("a1", quantity=5), NOW)
    ledger.record_acceptance(acceptance("a2", quantity=1), NOW + timedelta(seconds=1))
    assert ledger.record_order(order(quantity=2), "ada", NOW + timedelta(seconds=2)) == 1
    assert converted(ledger) == [("bag", 1, 2000, "EUR")]
    assert ledger.acceptance("a2", "ada") is not None


def test_no_more_counts_than_was_accepted(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance(quantity=1), NOW)
    ledger.record_order(order("1", "bag", "bag", quantity=4), "ada", NOW)
    assert converted(ledger) == [("bag", 1, 1000, "EUR")]


@pytest.mark.parametrize("quantity", [0, -1, -(10**9)])
def test_a_returned_product_is_no_conversion(ledger: SQLLedger, quantity: int) -> None:
    ledger.record_acceptance(acceptance(), NOW)
    assert ledger.record_order(order(quantity=quantity), "ada", NOW) == 0
    assert ledger.acceptance("a1", "ada") is not None


def test_an_order_in_another_currency_another_visitor_or_product_is_no_conversion(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance(), NOW)
    assert ledger.record_order(order("1", currency="USD"), "ada", NOW) == 0
    assert ledger.record_order(order("2"), "bob", NOW) == 0
    assert ledger.record_order(order("3", "sack"), "ada", NOW) == 0
    assert ledger.record_order(Order("4", "EUR", ()), "ada", NOW) == 0
    assert SQLLedger(ledger.engine, "upsell_b2b").record_order(order("5"), "ada", NOW) == 0
    assert ledger.record_order(order("6"), "ada", NOW) == 1


def test_what_was_undone_is_no_conversion(ledger: SQLLedger) -> None:
    ledger.record_acceptance(acceptance(), NOW)
    ledger.record_undo("a1", NOW)
    assert ledger.record_order(order(), "ada", NOW) == 0


# --- in the host's own transaction ---------------------------------------------------------------------------------


@pytest.fixture
def host(ledger: SQLLedger) -> Iterator[SQLLedger]:
    """The ledger in a database that has a table of the host's too, and an acceptance of "ada"."""
    with ledger.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS host_placed"))
        connection.execute(text("CREATE TABLE host_placed (ref VARCHAR(20) PRIMARY KEY)"))
    ledger.record_acceptance(acceptance(), NOW)
    yield ledger
    with ledger.engine.begin() as connection:
        connection.execute(text("DROP TABLE host_placed"))


def place(connection: Connection, ref: str) -> None:
    connection.execute(text("INSERT INTO host_placed VALUES (:ref)"), {"ref": ref})


def placed(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT ref FROM host_placed ORDER BY ref")).scalars())


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


# --- folding -------------------------------------------------------------------------------------------------------


def fill(engine: Engine, count: int) -> None:
    """`count` outbox rows, each one decline and one conversion of 5 cents."""
    declined = {"placement": "cart", "kind": "upgrade", "product": "bag", "currency": "", "declined": 1}
    earned = {"placement": "cart", "kind": "upgrade", "product": "bag", "currency": "EUR", "converted": 1, "revenue": 5}
    with engine.begin() as connection:
        connection.execute(
            insert(t.outbox),
            [
                {"instance": "upsell", "event": f"x:{i}", "counts": [declined, earned], "created_at": NOW}
                for i in range(count)
            ],
        )


def test_rows_are_folded_once_in_more_than_one_batch(ledger: SQLLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_upsell.adapters.ledger.FOLD_AT_ONCE", 40)
    count = 2 * 40 + 1
    fill(ledger.engine, count)
    assert SQLLedger(ledger.engine, "upsell_b2b").fold() == 0
    assert [ledger.fold(), ledger.fold()] == [count, 0]
    assert ledger.counts() == [
        Count("cart", "upgrade", "bag", declined=count),
        Count("cart", "upgrade", "bag", converted=count, revenue=5 * count, currency="EUR"),
    ]


def test_two_folders_in_threads_fold_each_row_once(ledger: SQLLedger) -> None:
    """Red when the UPDATE that claims a row does not ask whether it is folded."""
    fill(ledger.engine, 300)
    folded = together(2, lambda _: ledger.fold())
    assert [n for n in folded if isinstance(n, BaseException)] == []
    assert sum(n for n in folded if isinstance(n, int)) == 300
    assert [(c.declined, c.converted, c.revenue) for c in ledger.counts()] == [(300, 0, 0), (0, 300, 1500)]


def test_two_folders_in_processes_fold_each_row_once(ledger: SQLLedger, database_url: str) -> None:
    """Red when the UPDATE that claims a row does not ask whether it is folded."""
    fill(ledger.engine, 300)
    script = (
        "import sys; from flask_upsell.adapters.ledger import SQLLedger, make_engine\n"
        "print(SQLLedger(make_engine(sys.argv[1]), 'upsell').fold())\n"
    )
    command = [sys.executable, "-c", script, database_url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in running) == 300
    assert [(c.declined, c.converted, c.revenue) for c in ledger.counts()] == [(300, 0, 0), (0, 300, 1500)]


def test_a_fold_that_fails_midway_counts_nothing(ledger: SQLLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ledger.engine, 20)
    add, calls = SQLLedger._add, [0]

    def broken(self: SQLLedger, connection: Connection, count: Any) -> None:
        calls[0] += 1
        if calls[0] == 13:
            raise RuntimeError("killed")
        add(self, connection, count)

    monkeypatch.setattr(SQLLedger, "_add", broken)
    with pytest.raises(RuntimeError):
        ledger.fold()
    assert (ledger.counts(), ledger.waiting()) == ([], 20)
    monkeypatch.undo()
    assert ledger.fold() == 20
    assert [c.declined for c in ledger.counts()] == [20, 0]


def test_a_batch_of_shows_counts_once(ledger: SQLLedger) -> None:
    shown = {("cart", "upgrade", "bag"): 3, ("cart", "upgrade", "batch"): 1}
    for _ in range(3):
        ledger.add_shown("1", shown)
    ledger.add_shown("2", shown)
    assert {(c.product, c.shown) for c in ledger.counts()} == {("bag", 6), ("batch", 2)}
    SQLLedger(ledger.engine, "upsell_b2b").add_shown("1", shown)
    assert {(c.product, c.shown) for c in ledger.counts()} == {("bag", 6), ("batch", 2)}


def test_batches_of_many_threads_lose_no_count(ledger: SQLLedger) -> None:
    """Red when `_add` reads a count and writes the sum, or when its first INSERT is not repeated as an UPDATE."""

    def show(number: int) -> None:
        for batch in range(5):
            ledger.add_shown(f"{number}.{batch}", {("cart", "upgrade", "bag"): 1})

    assert together(8, show) == [None] * 8
    assert [c.shown for c in ledger.counts()] == [40]


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
    twin.record_acceptance(acceptance(), NOW)
    assert twin.record_order(order(), "ada", NOW) == 1
    assert converted(twin) == [("bag", 1, 1000, "EUR")]
    assert memory_ledger().waiting() == 0
