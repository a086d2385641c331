"""Limits on SQLite and PostgreSQL: never one use too many, and none lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.core.money import Money
from flask_upsell.core.ports import Refusal, Want
from flask_upsell.core.rule import Learned, Limits, Rule
from flask_upsell.errors import BadInput
from tests.adapters.hosts import host_table, place, placed

ROOT = Path(__file__).parents[2]
DAY = date(2026, 5, 4)


@pytest.fixture
def limits(engine: Engine) -> SQLLimits:
    return SQLLimits(engine, "upsell")


def want(id: str = "a1", rule: str = "tea", limits: Limits | None = None, **more: Any) -> Want:
    """A use of 3.00 EUR by "ada" in order 1001; without limits, of a rule that may be used twice."""
    given = {"customer": "ada", "day": DAY, "amount": 300, "currency": "EUR", "order": "1001"}
    return Want(id=id, rule=rule, limits=limits or Limits(total=2), **{**given, **more})


def refused(found: list[Refusal]) -> list[tuple[str, str]]:
    return [(each.id, each.scope) for each in found]


def live(engine: Engine) -> int:
    """Redemptions that were not released."""
    query = select(func.count()).select_from(t.redemptions).where(t.redemptions.c.released_at.is_(None))
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()


# --- each limit ----------------------------------------------------------------------------------------------------


def test_a_limit_in_all_refuses_what_is_above_it(limits: SQLLimits) -> None:
    assert limits.grant([want("a1")]) == limits.grant([want("a2", customer="bob")]) == []
    (no,) = limits.grant([want("a3", customer="eve")])
    assert (no.id, no.rule, no.scope) == ("a3", "tea", "total")
    assert no.reason
    assert (limits.used("tea"), live(limits.engine)) == ({"total": 2}, 2)


def test_a_limit_of_a_customer_is_his_own(limits: SQLLimits) -> None:
    once = Limits(per_customer=1)
    assert limits.grant([want("a1", limits=once)]) == []
    assert refused(limits.grant([want("a2", limits=once)])) == [("a2", "customer:ada")]
    assert limits.grant([want("a3", limits=once, customer="bob")]) == []
    assert limits.used("tea") == {"customer:ada": 1, "customer:bob": 1}


def test_a_limit_of_a_day_begins_anew_the_next_day(limits: SQLLimits) -> None:
    once = Limits(per_day=1)
    assert limits.grant([want("a1", limits=once)]) == []
    assert refused(limits.grant([want("a2", limits=once, customer="bob")])) == [("a2", "day:2026-05-04")]
    assert limits.grant([want("a3", limits=once, day=date(2026, 5, 5))]) == []
    assert limits.used("tea") == {"day:2026-05-04": 1, "day:2026-05-05": 1}


def test_a_budget_is_spent_to_the_cent_in_each_currency(limits: SQLLimits) -> None:
    budget = Limits(budget=(Money(700, "EUR"), Money(500, "USD")))
    assert limits.grant([want("a1", limits=budget), want("a2", limits=budget)]) == []
    assert refused(limits.grant([want("a3", limits=budget, amount=101)])) == [("a3", "budget:EUR")]
    assert limits.grant([want("a4", limits=budget, amount=100)]) == []
    assert limits.grant([want("a5", limits=budget, currency="USD", amount=500)]) == []
    assert refused(limits.grant([want("a6", limits=budget, currency="USD", amount=1)])) == [("a6", "budget:USD")]
    assert limits.used("tea") == {"budget:EUR": 700, "budget:USD": 500}


def test_in_a_currency_without_a_budget_there_is_no_money(limits: SQLLimits) -> None:
    """Red when a currency that the budget does not name is taken for unlimited."""
    budget = Limits(budget=(Money(700, "EUR"),))
    assert refused(limits.grant([want(limits=budget, currency="USD")])) == [("a1", "budget:USD")]


def test_a_limit_of_none_grants_none(limits: SQLLimits) -> None:
    assert refused(limits.grant([want(limits=Limits(total=0))])) == [("a1", "total")]


def test_without_limits_all_is_granted_and_only_written_down(limits: SQLLimits) -> None:
    assert limits.grant([want(f"a{number}", limits=Limits()) for number in range(5)]) == []
    assert (limits.used("tea"), live(limits.engine)) == ({}, 5)
    assert limits.grant([]) == []


def test_a_refused_want_gives_back_what_its_other_limits_had_taken(limits: SQLLimits) -> None:
    """Red without the savepoint of each want."""
    both = Limits(total=10, per_customer=1, per_day=10, budget=(Money(1000, "EUR"),))
    assert limits.grant([want("a1", limits=both)]) == []
    assert refused(limits.grant([want("a2", limits=both)])) == [("a2", "customer:ada")]
    assert limits.used("tea") == {"total": 1, "customer:ada": 1, "day:2026-05-04": 1, "budget:EUR": 300}
    assert live(limits.engine) == 1
    assert limits.grant([want("a2", limits=both, customer="bob")]) == [], "what was refused may be wanted again"


def test_a_limit_that_comes_later_counts_what_was_redeemed_before(limits: SQLLimits) -> None:
    """Red when a row begins at nothing: a cap on a rule that runs too well would begin anew."""
    limits.grant([want("a1", limits=Limits()), want("a2", limits=Limits(), currency="USD", customer="bob")])
    limits.grant([want("a3", limits=Limits()), want("a4", limits=Limits(), day=date(2026, 5, 3))])
    limits.release(["a3"])
    limits.grant([want("b1", "coffee", limits=Limits())])
    SQLLimits(limits.engine, "upsell_b2b").grant([want("c1", limits=Limits())])
    all_four = Limits(total=9, per_customer=9, per_day=9, budget=(Money(9999, "EUR"),))
    assert limits.grant([want("a5", limits=all_four, amount=50)]) == []
    assert limits.used("tea") == {"total": 4, "customer:ada": 3, "day:2026-05-04": 3, "budget:EUR": 650}


def test_a_limit_that_is_lifted_for_a_while_counts_on(limits: SQLLimits) -> None:
    """Red when only limited scopes are counted."""
    limits.grant([want("a1")])
    limits.grant([want("a2", limits=Limits())])
    assert limits.used("tea") == {"total": 2}
    assert refused(limits.grant([want("a3")])) == [("a3", "total")]


def test_rules_and_instances_have_limits_of_their_own(limits: SQLLimits) -> None:
    once = Limits(total=1)
    other = SQLLimits(limits.engine, "upsell_b2b")
    assert limits.grant([want("a1", limits=once), want("a2", "coffee", limits=once)]) == []
    assert other.grant([want("a1", limits=once)]) == []
    assert other.release(["a2"]) == 0
    assert (limits.used("coffee"), other.used("coffee")) == ({"total": 1}, {})


# --- once ----------------------------------------------------------------------------------------------------------


def test_the_same_acceptance_counts_once(limits: SQLLimits) -> None:
    """Red when a redemption that is there already does not end the grant."""
    assert [limits.grant([want()]) for _ in range(5)] == [[]] * 5
    assert limits.grant([want(), want()]) == []
    assert (limits.used("tea"), live(limits.engine)) == ({"total": 1}, 1)


@pytest.mark.parametrize(
    "other", [{"order": "1002"}, {"amount": 301}, {"currency": "USD"}, {"rule": "coffee"}], ids=str
)
def test_an_acceptance_that_was_redeemed_otherwise_is_refused(limits: SQLLimits, other: dict[str, Any]) -> None:
    """Red when any redemption of the acceptance counts as this one: a second order would go uncounted."""
    limits.grant([want()])
    assert refused(limits.grant([want(**other)])) == [("a1", "redeemed")]
    assert (limits.used("tea")["total"], live(limits.engine)) == (1, 1)


def test_a_release_gives_uses_and_budget_back_once(limits: SQLLimits) -> None:
    """Red when `release` does not ask whether a redemption was released."""
    all_four = Limits(total=9, per_customer=9, per_day=9, budget=(Money(9999, "EUR"),))
    limits.grant([want("a1", limits=all_four), want("a2", limits=all_four, amount=50)])
    assert [limits.release(["a1", "unknown"]) for _ in range(3)] == [1, 0, 0]
    assert limits.used("tea") == {"total": 1, "customer:ada": 1, "day:2026-05-04": 1, "budget:EUR": 50}
    assert limits.release([]) == 0


def test_what_was_released_may_be_granted_again_and_counts_again(limits: SQLLimits) -> None:
    limits.grant([want("a1"), want("a2")])
    limits.release(["a1"])
    assert limits.grant([want("a3")]) == []
    assert refused(limits.grant([want("a1", order="1002")])) == [("a1", "total")]
    limits.release(["a3"])
    assert limits.grant([want("a1", order="1002", amount=200)]) == []
    assert (limits.used("tea"), live(limits.engine)) == ({"total": 2}, 2)


def test_a_cancelled_order_is_released_even_when_a_count_was_lost(limits: SQLLimits) -> None:
    limits.grant([want("a1", limits=Limits(budget=(Money(900, "EUR"),)))])
    with limits.engine.begin() as connection:
        connection.execute(update(t.allowances).values(used=100))
    assert limits.release(["a1"]) == 1
    assert limits.used("tea") == {"budget:EUR": 0}


@pytest.mark.parametrize(
    "bad", [{"amount": -1}, {"currency": "EURO"}, {"currency": ""}, {"customer": ""}, {"day": None}], ids=str
)
def test_a_bad_want_is_refused_by_the_database_and_grants_nothing(limits: SQLLimits, bad: dict[str, Any]) -> None:
    """Red for -1 without its CHECK: a negative amount would fill the budget up again."""
    budget = Limits(total=9, budget=(Money(900, "EUR"),))
    with pytest.raises((DBAPIError, BadInput, TypeError)):
        limits.grant([want("a1", "coffee"), want("a2", limits=budget, **bad)])
    assert (limits.used("tea"), limits.used("coffee"), live(limits.engine)) == ({}, {}, 0)


# --- telling -------------------------------------------------------------------------------------------------------


def test_rules_whose_total_or_whole_budget_is_used_up_are_exhausted(limits: SQLLimits) -> None:
    two = Limits(budget=(Money(300, "EUR"), Money(300, "USD")))
    by_name = {
        "total": Limits(total=1),
        "room": Limits(total=2),
        "budget": Limits(budget=(Money(300, "EUR"),)),
        "cent left": Limits(budget=(Money(301, "EUR"),)),
        "one of two": two,
        "two of two": two,
        "day": Limits(per_day=1, per_customer=1),
        "free": Limits(),
    }
    rules = [Rule(name=name, offer=Learned(), limits=each) for name, each in by_name.items()]
    assert limits.exhausted(rules) == set()
    assert limits.grant([want(name, name, each) for name, each in by_name.items()]) == []
    limits.grant([want("other", "two of two", two, currency="USD")])
    assert limits.exhausted(rules) == {"total", "budget", "two of two"}
    assert limits.exhausted([Rule(name="never", offer=Learned(), limits=Limits(total=0))]) == {"never"}
    assert SQLLimits(limits.engine, "upsell_b2b").exhausted(rules) == set()
    limits.release(["total"])
    assert limits.exhausted(rules) == {"budget", "two of two"}


# --- in the order's own transaction --------------------------------------------------------------------------------


@pytest.fixture
def host(limits: SQLLimits) -> Iterator[SQLLimits]:
    """The limits in a database that has a table of the host's too."""
    with host_table(limits.engine):
        yield limits


@pytest.mark.parametrize("first", ["write", "read", "nothing"])
def test_grants_come_and_go_with_the_order(host: SQLLimits, first: str) -> None:
    """Red for "read" and "nothing" without `start_writing`: SQLite commits a savepoint outside of a transaction."""
    for end, kept in (("rollback", 0), ("commit", 1)):
        with host.engine.connect() as connection:
            if first == "write":
                place(connection, "1001")
            elif first == "read":
                connection.execute(text("SELECT * FROM host_placed")).all()
            assert host.grant([want()], connection) == []
            assert live(host.engine) == 0, "nobody else sees it before the order is committed"
            getattr(connection, end)()
        assert (live(host.engine), host.used("tea").get("total", 0)) == (kept, kept)


def test_a_release_comes_and_goes_with_the_cancelling(host: SQLLimits) -> None:
    host.grant([want()])
    for end, left in (("rollback", 1), ("commit", 0)):
        with host.engine.connect() as connection:
            assert host.release(["a1"], connection) == 1
            getattr(connection, end)()
        assert (live(host.engine), host.used("tea")) == (left, {"total": left})


def test_a_refused_want_beside_a_granted_one_leaves_the_order_usable(host: SQLLimits) -> None:
    none = Limits(total=0, per_day=5)
    with host.engine.begin() as connection:
        place(connection, "1001")
        found = host.grant([want("a3", "milk"), want("a1", "coffee", limits=none), want("a2")], connection)
        assert refused(found) == [("a1", "total")]
        place(connection, "1002")
    assert placed(host.engine) == ["1001", "1002"]
    assert (host.used("tea"), host.used("milk")) == ({"total": 1}, {"total": 1})
    assert host.used("coffee") == {"day:2026-05-04": 0, "total": 0}


def test_an_error_inside_leaves_the_order_usable_and_grants_nothing(host: SQLLimits) -> None:
    """Red without the savepoint around all: PostgreSQL then refuses every further statement of the order."""
    with host.engine.begin() as connection:
        place(connection, "1001")
        with pytest.raises(IntegrityError):
            host.grant([want("a1"), want("a2", "zen", amount=-1)], connection)
        place(connection, "1002")
    assert placed(host.engine) == ["1001", "1002"]
    assert (live(host.engine), host.used("tea")) == (0, {})


def test_a_connection_to_another_database_is_not_written(host: SQLLimits, tmp_path: Path) -> None:
    other = make_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with other.begin() as connection:
        assert host.grant([want()], connection) == []
        connection.rollback()
    assert live(host.engine) == 1
    other.dispose()


# --- at once -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tests.adapters.limits_worker"]
    made = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(4)
    ]
    yield made
    for each in made:
        each.communicate(timeout=120)


def say(worker: subprocess.Popen[str], word: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(word + "\n")
    worker.stdin.flush()


def hear(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


#: Limits, and what of each scope may be granted: 200 orders of seven customers want 30 cents each on one day.
KINDS: dict[str, tuple[Limits, int, dict[str, int]]] = {
    "total": (Limits(total=50), 50, {"total": 50}),
    "per_day": (Limits(per_day=50), 50, {"day:2026-05-04": 50}),
    "per_customer": (Limits(per_customer=3), 21, {f"customer:c{n}": 3 for n in range(7)}),
    "budget": (Limits(budget=(Money(1000, "EUR"),)), 33, {"budget:EUR": 990}),
    "together": (
        Limits(total=20, per_customer=3, per_day=40, budget=(Money(1000, "EUR"),)),
        20,
        {"total": 20, "day:2026-05-04": 20, "budget:EUR": 600},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_200_orders_in_four_processes_exactly_the_limit_is_granted(
    host: SQLLimits, database_url: str, workers: list[subprocess.Popen[str]], kind: str
) -> None:
    """Though each tenth order is rolled back.

    Shown red with `room = true()` in `_take`: 180 grants of a limit of 50.
    """
    given, granted, used = KINDS[kind]
    job = {"url": database_url, "rule": kind, "limits": msgspec.to_builtins(given)}
    for number, worker in enumerate(workers):
        say(worker, json.dumps({**job, "numbers": list(range(number, 200, 4))}))
    assert [hear(worker) for worker in workers] == ["ready"] * 4
    for worker in workers:
        say(worker, "go")
    ids = [id for worker in workers for id in json.loads(hear(worker))]
    assert len(ids) == len(set(ids)) == granted == live(host.engine)
    customers = Counter(f"customer:c{int(id) % 7}" for id in ids) if given.per_customer else {}
    assert {scope: n for scope, n in host.used(kind).items() if n} == {**customers, **used}
    assert len(placed(host.engine)) == 180


def test_orders_that_want_the_same_in_another_order_do_not_wait_for_each_other(host: SQLLimits) -> None:
    """Shown red (deadlocks on PostgreSQL) with `with_for_update` taken out of `_lock`."""
    barrier = threading.Barrier(4)
    errors: list[BaseException] = []
    both = Limits(per_day=999, per_customer=999)
    asked = [(rule, date(2026, 5, day)) for rule in ("milk", "tea") for day in (4, 5, 6)]

    def shop(number: int) -> None:
        barrier.wait()
        try:
            for turn in range(12):
                wants = [
                    want(f"{number}.{turn}.{place}", rule, both, day=day, customer=f"c{number}")
                    for place, (rule, day) in enumerate(asked[:: 1 if number % 2 else -1])
                ]
                with host.engine.connect() as connection:
                    assert host.grant(wants, connection) == []
                    getattr(connection, "rollback" if turn % 2 else "commit")()
                host.release([each.id for each in wants[:2]])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=shop, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    by_day = [n for rule in ("milk", "tea") for scope, n in host.used(rule).items() if scope.startswith("day:")]
    assert sum(by_day) == live(host.engine) == 4 * 6 * 4
