"""The diary on SQLite and PostgreSQL: each order once, each customer seldom, and whoever wants no mail gets none."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.diary import KEEP, SQLDiary
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.core.followup import LEASE, MOST_TRIES, REST, Plan, State
from tests.adapters.hosts import host_table, place, placed
from tests.conftest import ROOT

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def diary(engine: Engine) -> SQLDiary:
    return SQLDiary(engine, "upsell")


def plan(order: str = "1001", customer: str = "ada", *, due: datetime = NOW, language: str = "de-AT") -> Plan:
    return Plan(order, customer, language, due)


def claimed(diary: SQLDiary, given: Plan | None = None, at: datetime = NOW) -> Plan:
    """Planned, and claimed."""
    planned = given or plan()
    diary.plan(planned)
    mine = diary.claim(planned, at)
    assert mine is not None
    return mine


def sending(diary: SQLDiary, given: Plan | None = None, at: datetime = NOW) -> Plan:
    mine = claimed(diary, given, at)
    assert diary.begin(mine, at) is State.SENDING
    return mine


def sent(diary: SQLDiary, given: Plan | None = None, at: datetime = NOW) -> Plan:
    mine = sending(diary, given, at)
    diary.finish(mine, at)
    return mine


def refs(diary: SQLDiary, at: datetime = NOW) -> list[str]:
    return [each.order for each in diary.due(at, 100)]


def row(diary: SQLDiary, order: str = "1001") -> Any:
    with diary.engine.connect() as connection:
        return connection.execute(select(t.follow_ups).where(t.follow_ups.c.order_ref == order)).one()


# --- planning --------------------------------------------------------------------------------------------------------


def test_an_order_is_due_when_its_time_has_come(diary: SQLDiary) -> None:
    given = plan(due=NOW + timedelta(days=7))
    assert diary.plan(given)
    before = given.due - SECOND
    assert (refs(diary, before), diary.waiting(before)) == ([], False)
    assert (diary.due(given.due, 10), diary.waiting(given.due)) == ([given], True)
    assert diary.states() == {"due": 1}


def test_an_order_is_planned_once_however_often_it_is_sent(diary: SQLDiary) -> None:
    assert [diary.plan(plan()), diary.plan(plan(customer="bob"))] == [True, False]
    sent(diary)
    assert diary.plan(plan()) is False
    assert (refs(diary), diary.states()) == ([], {"sent": 1})


def test_the_oldest_come_first_and_no_more_than_asked_for(diary: SQLDiary) -> None:
    for number, order in enumerate(("c", "a", "b")):
        diary.plan(plan(order, due=NOW - number * SECOND))
    diary.plan(plan("0", due=NOW))
    assert refs(diary) == ["b", "a", "0", "c"]
    assert [each.order for each in diary.due(NOW, 2)] == ["b", "a"]


def test_instances_are_kept_apart(diary: SQLDiary) -> None:
    other = SQLDiary(diary.engine, "upsell_b2b")
    sent(diary)
    diary.leave("ada", NOW)
    assert (refs(other), other.states(), other.waiting(NOW)) == ([], {}, False)
    assert other.plan(plan())
    assert other.barred(plan(), NOW) is None
    sent(other)
    assert other.states() == {"sent": 1}


def test_a_language_that_is_none_does_not_cost_the_mail(diary: SQLDiary) -> None:
    diary.plan(plan(language="x" * 1000))
    assert diary.due(NOW, 1)[0].language == "x" * 40


@pytest.mark.parametrize(
    "bad",
    [{"customer": ""}, {"state": "lost"}, {"tries": -1}, {"language": None}, {"due_at": None}, {"next_at": None}],
    ids=str,
)
def test_a_bad_row_is_refused_by_the_database(diary: SQLDiary, bad: dict[str, Any]) -> None:
    good = {"instance": "upsell", "order_ref": "1", "customer": "ada", "language": "", "state": "due"}
    good |= {"due_at": NOW, "next_at": NOW}  # type: ignore[dict-item]
    with pytest.raises(IntegrityError), diary.engine.begin() as connection:
        connection.execute(insert(t.follow_ups).values({**good, **bad}))
    with diary.engine.begin() as connection:
        connection.execute(insert(t.follow_ups).values(good))


# --- in the order's transaction --------------------------------------------------------------------------------------


@pytest.fixture
def host(diary: SQLDiary) -> Iterator[SQLDiary]:
    """The diary in a database that has a table of the host's too."""
    with host_table(diary.engine):
        yield diary


@pytest.mark.parametrize("first", ["write", "read", "nothing"])
def test_a_plan_comes_and_goes_with_its_order(host: SQLDiary, first: str) -> None:
    """Shown red with a transaction of its own in spite of the connection."""
    for end, kept in (("rollback", []), ("commit", ["1001"])):
        with host.engine.connect() as connection:
            if first == "write":
                place(connection, "1001")
            elif first == "read":
                connection.execute(text("SELECT * FROM host_placed")).all()
            assert host.plan(plan(), connection)
            assert refs(host) == [], "nobody else sees it before the order is committed"
            getattr(connection, end)()
        assert refs(host) == kept


def test_a_plan_that_cannot_be_written_leaves_the_order_usable(host: SQLDiary) -> None:
    """Shown red without the savepoint: PostgreSQL then refuses every further statement of the order's transaction."""
    with host.engine.begin() as connection:
        place(connection, "1001")
        with pytest.raises(DBAPIError):
            host.plan(plan(customer=""), connection)
        place(connection, "1002")
    assert (placed(host.engine), refs(host)) == (["1001", "1002"], [])


def test_an_order_sent_twice_inside_its_transaction_leaves_it_usable(host: SQLDiary) -> None:
    with host.engine.begin() as connection:
        assert [host.plan(plan(), connection) for _ in range(2)] == [True, False]
        place(connection, "1001")
    assert (placed(host.engine), refs(host)) == (["1001"], ["1001"])


def test_a_connection_to_another_database_is_not_written(host: SQLDiary, tmp_path: Any) -> None:
    other = make_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with other.begin() as connection:
        assert host.plan(plan(), connection)
        connection.rollback()
    assert refs(host) == ["1001"]
    other.dispose()


# --- one at a time ---------------------------------------------------------------------------------------------------


def test_what_is_sent_is_sent_once(diary: SQLDiary) -> None:
    mine = claimed(diary)
    assert (mine.tries, refs(diary)) == (1, [])
    assert diary.begin(mine, NOW) is State.SENDING
    assert diary.begin(mine, NOW) is State.CLAIMED, "not a second time, whoever asks"
    diary.finish(mine, NOW + SECOND)
    assert (row(diary).state, row(diary).sent_at) == ("sent", NOW + SECOND)
    assert diary.begin(mine, NOW) is State.CLAIMED
    assert refs(diary, NOW + timedelta(days=400)) == []


def test_what_another_one_took_is_not_claimed(diary: SQLDiary) -> None:
    diary.plan(plan())
    (known,) = diary.due(NOW, 1)
    mine = diary.claim(known, NOW)
    assert mine is not None
    assert diary.claim(known, NOW) is None
    assert diary.claim(mine, NOW) is None
    assert diary.claim(plan("unknown"), NOW) is None


def test_what_is_not_due_yet_is_not_claimed(diary: SQLDiary) -> None:
    diary.plan(plan(due=NOW + SECOND))
    assert diary.claim(plan(due=NOW + SECOND), NOW) is None


@pytest.mark.parametrize("state", [State.NO_OFFER, State.NO_ORDER, State.LATE, State.UNSUBSCRIBED])
def test_what_is_not_to_be_sent_ends_with_its_reason(diary: SQLDiary, state: State) -> None:
    mine = claimed(diary)
    diary.close(mine, state)
    assert (diary.states(), refs(diary, NOW + LEASE)) == ({state.value: 1}, [])
    assert diary.begin(mine, NOW) is State.CLAIMED


def test_what_has_to_wait_was_not_tried(diary: SQLDiary) -> None:
    diary.postpone(claimed(diary), NOW + LEASE)
    assert refs(diary, NOW + LEASE - SECOND) == []
    (again,) = diary.due(NOW + LEASE, 1)
    assert (again.tries, again.due) == (0, NOW), "when it was due at first is still known"


@pytest.mark.parametrize("stage", [claimed, sending])
def test_what_failed_is_due_again_or_never(diary: SQLDiary, stage: Any) -> None:
    mine = stage(diary)
    assert diary.fail(mine, NOW, NOW + SECOND) is State.DUE
    assert (refs(diary), row(diary).sent_at) == ([], None)
    (again,) = diary.due(NOW + SECOND, 1)
    assert again.tries == 1
    second = diary.claim(again, NOW + SECOND)
    assert second is not None and second.tries == 2
    assert diary.fail(mine, NOW, NOW) is State.CLAIMED, "what the first one says now is of no account"
    assert diary.fail(second, NOW, None) is State.FAILED
    assert (refs(diary, NOW + KEEP), diary.states()) == ([], {"failed": 1})


def test_a_failed_one_is_no_mail_that_the_customer_got(diary: SQLDiary) -> None:
    diary.fail(sending(diary), NOW, None)
    assert diary.barred(plan("1002"), NOW) is None


# --- who gets none ---------------------------------------------------------------------------------------------------


def test_who_unsubscribed_gets_none(diary: SQLDiary) -> None:
    mine = claimed(diary)
    diary.leave("ada", NOW)
    diary.leave("ada", NOW + LEASE)
    assert diary.barred(plan(), NOW) is State.UNSUBSCRIBED
    assert diary.barred(plan(customer="bob"), NOW) is None
    assert diary.begin(mine, NOW) is State.UNSUBSCRIBED, "also who does so in the last moment"
    assert diary.states() == {"unsubscribed": 1}
    with diary.engine.connect() as connection:
        assert connection.execute(select(t.unsubscribed)).all() == [("upsell", "ada", NOW)]


@pytest.mark.parametrize(("age", "barred"), [(REST - SECOND, State.RECENT), (REST, None)])
def test_who_got_one_lately_gets_none(diary: SQLDiary, age: timedelta, barred: State | None) -> None:
    sent(diary)
    later = NOW + age
    second = plan("1002", due=later)
    assert diary.barred(second, later) is barred
    assert diary.barred(plan("1003", "bob"), later) is None
    mine = claimed(diary, second, later)
    assert diary.begin(mine, later) is (barred or State.SENDING)
    assert row(diary, "1002").state == (barred or State.SENDING)


def test_what_may_have_reached_the_customer_counts(diary: SQLDiary) -> None:
    sending(diary)
    assert diary.barred(plan("1002"), NOW) is State.RECENT
    assert diary.tidy(NOW + LEASE) == {"1001": State.UNCLEAR}
    assert diary.barred(plan("1002"), NOW + LEASE) is State.RECENT


# --- workers that end ------------------------------------------------------------------------------------------------


def test_what_was_claimed_and_left_behind_is_claimed_again(diary: SQLDiary) -> None:
    mine = claimed(diary)
    soon, later = NOW + LEASE - SECOND, NOW + LEASE
    assert (refs(diary, soon), diary.waiting(soon)) == ([], False)
    assert diary.waiting(later)
    (known,) = diary.due(later, 1)
    other = diary.claim(known, later)
    assert other is not None and other.tries == 2
    assert diary.begin(mine, later) is State.CLAIMED, "the first one was only slow, and finds that it is too late"
    diary.close(mine, State.NO_OFFER)
    diary.postpone(mine, NOW)
    assert diary.begin(other, later) is State.SENDING


def test_what_was_being_sent_is_not_sent_again_and_not_forgotten(diary: SQLDiary) -> None:
    mine = sending(diary)
    soon, later = NOW + LEASE - SECOND, NOW + LEASE
    assert (diary.tidy(soon), diary.waiting(soon)) == ({}, False)
    assert (refs(diary, later), diary.waiting(later)) == ([], True)
    assert diary.tidy(later) == {"1001": State.UNCLEAR}
    assert (diary.tidy(later), diary.waiting(later)) == ({}, False)
    diary.finish(mine, later)
    assert row(diary).state == "sent", "it was only slow"


def test_what_fails_after_all_gave_it_up_stays_unclear(diary: SQLDiary) -> None:
    """A store's function that hangs for hours and raises then may have sent. Shown red without the first change of
    `fail`: it is sent again."""
    mine = sending(diary)
    assert diary.fail(mine, NOW + LEASE, NOW + LEASE) is State.UNCLEAR
    assert refs(diary, NOW + KEEP) == []
    other = sending(diary, plan("1002", "bob"))
    diary.tidy(NOW + LEASE)
    assert diary.fail(other, NOW + LEASE, NOW) is State.UNCLEAR


def test_what_kills_its_workers_is_given_up(diary: SQLDiary) -> None:
    diary.plan(plan())
    at = NOW
    for number in range(MOST_TRIES):
        (known,) = diary.due(at, 1)
        assert known.tries == number
        assert diary.claim(known, at) is not None
        at += LEASE
    assert (refs(diary, at), diary.waiting(at)) == ([], True)
    assert diary.tidy(at) == {"1001": State.FAILED}
    assert diary.states() == {"failed": 1}


# --- at once ---------------------------------------------------------------------------------------------------------


class Worker:
    """A process of `diary_worker`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.adapters.diary_worker"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
        )

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module")
def workers() -> Iterator[list[Worker]]:
    made = [Worker() for _ in range(4)]
    yield made
    for each in made:
        each.process.communicate(timeout=120)


def sent_by(workers: list[Worker], url: str) -> list[str]:
    """What four processes send that are let go at once."""
    for number, worker in enumerate(workers):
        worker.say(json.dumps({"url": url, "at": NOW.isoformat(), "number": number, "count": len(workers)}))
    assert [worker.hear() for worker in workers] == ["ready"] * len(workers)
    for worker in workers:
        worker.say("go")
    return [order for worker in workers for order in json.loads(worker.hear())]


def test_of_four_processes_one_sends_each(diary: SQLDiary, database_url: str, workers: list[Worker]) -> None:
    """Planted bug that it shows: `claim` changes the row whatever its state and mark (`update` without `_free` and the
    mark)."""
    for number in range(120):
        diary.plan(plan(f"o{number:03}", f"c{number}"))
    orders = sent_by(workers, database_url)
    assert sorted(orders) == [f"o{number:03}" for number in range(120)]
    assert diary.states() == {"sent": 120}


def test_of_four_processes_one_writes_to_each_customer(
    diary: SQLDiary, database_url: str, workers: list[Worker]
) -> None:
    """Planted bug that it shows: `begin` without `with_for_update` (PostgreSQL), without `start_writing` (SQLite)."""
    for number in range(160):
        diary.plan(plan(f"o{number:03}", f"c{number % 40}"))
    orders = sent_by(workers, database_url)
    customers = [int(order[1:]) % 40 for order in orders]
    assert sorted(customers) == list(range(40))
    assert diary.states() == {"recent": 120, "sent": 40}


@pytest.mark.parametrize(("stage", "left"), [("claimed", State.SENT), ("sending", State.UNCLEAR)])
def test_a_process_that_is_killed_neither_loses_nor_doubles(
    diary: SQLDiary, database_url: str, workers: list[Worker], stage: str, left: State
) -> None:
    """Planted bug that it shows: what is SENDING is free to be claimed again after a while, as what is CLAIMED is."""
    diary.plan(plan())
    killed = Worker()
    killed.say(json.dumps({"url": database_url, "at": NOW.isoformat(), "stage": stage}))
    assert killed.hear() == "ready"
    killed.say("and die")
    killed.process.communicate(timeout=120)
    assert killed.process.returncode == -signal.SIGKILL
    assert row(diary).state == stage
    assert sent_by(workers, database_url) == [], "not at once"
    later = NOW + LEASE
    assert refs(diary, later) == (["1001"] if left is State.SENT else [])
    assert diary.tidy(later) == ({"1001": State.UNCLEAR} if left is State.UNCLEAR else {})
    for known in diary.due(later, 10):
        mine = diary.claim(known, later)
        assert mine is not None and diary.begin(mine, later) is State.SENDING
        diary.finish(mine, later)
    assert diary.states() == {left.value: 1}
