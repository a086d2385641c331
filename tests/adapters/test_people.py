"""Erasing a person, on SQLite and PostgreSQL: nothing of theirs is left, and all that others are counted with is."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.audit import SQLAudit
from flask_upsell.adapters.diary import SQLDiary
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.lesson_tables import recents
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.people import SQLPeople
from flask_upsell.core.context import Line
from flask_upsell.core.followup import Plan, State
from flask_upsell.core.offer import Kind
from flask_upsell.core.ports import Acceptance, Order, Want
from flask_upsell.core.rule import Limits, Perk
from tests.conftest import ROOT

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LIMITS = Limits(total=100, per_day=100, per_customer=5)


class Books:
    """A ledger in which people did all that leaves a row."""

    def __init__(self, engine: Engine, instance: str = "upsell") -> None:
        self.engine = engine
        self.ledger = SQLLedger(engine, instance)
        self.limits, self.diary = SQLLimits(engine, instance), SQLDiary(engine, instance)
        self.people, self.audit = SQLPeople(engine, instance), SQLAudit(engine, instance)

    def live(self, who: str, visitor: str = "", orders: int = 2) -> None:
        """`who` (a pseudonym) orders so often what `visitor` accepted, has one thing in the cart, and unsubscribes."""
        visitor = visitor or f"{who}-cart"
        for number in range(orders):
            order = f"{who}-order-{number}"
            self._accept(visitor, f"{order}-accepted")
            want = Want(f"{order}-accepted", "tea", LIMITS, who, date(2026, 5, 4), 100, "EUR", order)
            assert self.limits.grant([want]) == []
            placed = Order(order, "EUR", (Line("", "bag", 1, 1000),), who)
            perks = {"tea": Perk(code="X")}
            assert self.ledger.record_order(placed, visitor, NOW, customer=who, perks=perks) == 1
            self.diary.plan(Plan(order, who, "de", NOW))
        self._accept(visitor, f"{who}-open")
        self.ledger.start(visitor, f"{who}-key", "request")
        self.diary.leave(who, NOW)

    def _accept(self, visitor: str, id: str) -> None:
        line = Line(f"{id}-line", "old", 1, 500)
        self.ledger.record_acceptances(
            [
                Acceptance(
                    id, visitor, "cart", Kind.UPGRADE, "o", "bag", 1, 900, "EUR", "Bag",
                    line=f"{id}-line", replaced=line, rule="tea", normal=1000,
                )
            ],
            NOW,
        )  # fmt: skip

    def dump(self, *without: str) -> str:
        """Every value of every row."""
        found = []
        with self.engine.connect() as connection:
            for table in t.metadata.sorted_tables:
                if table.name not in without:
                    found += [f"{table.name}: {tuple(row)}" for row in connection.execute(select(table))]
        return "\n".join(found)

    def sums(self) -> dict[tuple[str, str], int]:
        """Of each allowance what it says less the sum of what was redeemed: 0 for each."""
        left = {}
        r, n = t.redemptions.c, t.allowances.c
        with self.engine.connect() as connection:
            for row in connection.execute(select(t.allowances)):
                kind, _, what = row.scope.partition(":")
                which = {"total": True, "day": r.day == date(2026, 5, 4), "customer": r.customer == what}[kind]
                query = select(func.count()).where(r.instance == row.instance, r.rule == row.rule, which)
                left[row.rule, row.scope] = row.used - connection.execute(query).scalar_one()
            assert connection.execute(select(func.count(n.scope))).scalar_one() == len(left)
        return left


@pytest.fixture
def books(engine: Engine) -> Books:
    made = Books(engine)
    made.live("ada")
    made.live("bob")
    return made


def test_nothing_of_a_person_is_left_and_everybody_else_stays(books: Books) -> None:
    """Planted bugs that it shows: the table of promises is forgotten; allowances keep the customer in their scope; only
    the visitor that was given is looked for, not who placed the orders."""
    others = [each for each in books.dump("upsell_audit", "upsell_audit_head").splitlines() if "bob" in each]
    removed = books.people.erase(["ada"], [], NOW)
    assert removed == {
        "upsell_acceptance": 3,
        "upsell_allowance": 1,
        "upsell_consent": 0,
        "upsell_follow_up": 2,
        "upsell_imported_line": 0,
        "upsell_promise": 2,
        "upsell_recent": 2,
        "upsell_redemption": 2,
        "upsell_request": 1,
    }
    # What an order came to is the order's: its reference, what is in it, and which acceptance that was. Who asked for
    # no mails is remembered; so is in the audit that it was said.
    remembered = ("upsell_audit", "upsell_audit_head", "upsell_unsubscribed", "upsell_conversion", "upsell_outbox")
    # Nor is she in the secrets, though chance may spell her name there.
    left = books.dump(*remembered, "upsell_secret")
    of_orders = [each for each in left.splitlines() if "ada" in each]
    tables = ("upsell_redemption", "upsell_acceptance", "upsell_recent")
    assert all(any(name in each for name in tables) for each in of_orders)
    assert not any("ada-cart" in each or "'ada'" in each or "-line" in each for each in of_orders)
    assert "('upsell', 'ada'" in books.dump("upsell_audit")
    assert [each for each in books.dump("upsell_audit", "upsell_audit_head").splitlines() if "bob" in each] == others
    (row,) = books.audit.history(what="erased")
    assert row.subject == "ada"
    assert '"upsell_redemption":2' in row.after
    assert not books.audit.verify().problem


def test_what_others_are_counted_with_stays_right(books: Books) -> None:
    """Planted bug that it shows: redemptions are deleted."""
    before = books.limits.used("tea")
    assert before == {"total": 4, "day:2026-05-04": 4, "customer:ada": 2, "customer:bob": 2}
    counted, conversions = books.ledger.sold({"tea": NOW - timedelta(days=1)}), books.ledger.fold()
    books.people.erase(["ada"], [], NOW)
    after = books.limits.used("tea")
    assert sorted(after.values()) == sorted(before.values())
    assert "customer:ada" not in after
    assert set(books.sums().values()) == {0}
    assert books.ledger.sold({"tea": NOW - timedelta(days=1)}) == counted == {"tea": 4}
    assert conversions and {each.converted for each in books.ledger.counts() if each.converted} == {4}
    # Who comes back under the same key begins anew; the total does not.
    again = Want("new", "tea", LIMITS, "ada", date(2026, 5, 4), 100, "EUR", "9")
    assert books.limits.grant([again]) == []
    assert books.limits.used("tea")["total"] == 5
    assert set(books.sums().values()) == {0}


def test_erasing_again_finds_nothing_and_who_never_was_neither(books: Books) -> None:
    books.people.erase(["ada"], [], NOW)
    for who in ("ada", "nobody", ""):
        before = books.dump()
        assert not any(books.people.erase([who], [], NOW).values()), who
        assert books.dump() == before, "not even a row of the audit"
    assert books.people.erase([], ["no order"], NOW).values() is not None


def test_an_objection_is_forgotten_by_choice_only(books: Books) -> None:
    books.people.erase(["ada"], [], NOW)
    plan = Plan("9", "ada", "", NOW)
    assert books.diary.barred(plan, NOW) is State.UNSUBSCRIBED
    assert books.people.erase(["ada"], [], NOW, forget_objection=True) == {
        **dict.fromkeys(("upsell_acceptance", "upsell_allowance", "upsell_recent", "upsell_redemption"), 0),
        **dict.fromkeys(
            ("upsell_consent", "upsell_follow_up", "upsell_imported_line", "upsell_promise", "upsell_request"), 0
        ),
        "upsell_unsubscribed": 1,
    }
    assert books.diary.barred(plan, NOW) is None


def test_what_was_accepted_is_found_by_orders_alone(engine: Engine) -> None:
    """Of a customer who redeemed nothing and is not written to, only the store knows the orders."""
    books = Books(engine)
    books.live("eve", "cart-7")
    with engine.begin() as connection:
        for table in (t.redemptions, t.promises, t.follow_ups, t.allowances, recents):
            connection.execute(table.delete())
    assert not any(books.people.erase(["eve"], [], NOW).values())
    orders = [f"eve-order-{number}" for number in range(2)] + [f"other-{number}" for number in range(1200)]
    assert books.people.erase(["eve"], orders, NOW)["upsell_acceptance"] == 3
    assert "cart-7" not in books.dump()


def test_a_cart_of_a_guest_is_erased_by_its_own_key(books: Books) -> None:
    assert books.people.erase(["bob-cart"], [], NOW)["upsell_acceptance"] == 3
    assert "bob-cart" not in books.dump("upsell_audit")


def test_instances_are_erased_one_by_one(books: Books) -> None:
    other = Books(books.engine, "upsell_b2b")
    with books.engine.begin() as connection:
        row = {"instance": "upsell_b2b", "customer": "ada", "left_at": NOW}
        connection.execute(insert(t.unsubscribed).values(**row))
    other.people.erase(["ada"], [], NOW, forget_objection=True)
    assert books.limits.used("tea")["customer:ada"] == 2
    assert books.diary.barred(Plan("9", "ada", "", NOW), NOW) is State.UNSUBSCRIBED


def test_a_mail_that_is_just_being_sent_when_its_customer_is_erased_ends_without_an_error(books: Books) -> None:
    claimed = books.diary.claim(Plan("bob-order-0", "bob", "de", NOW), NOW)
    assert claimed is not None
    books.people.erase(["bob"], [], NOW, forget_objection=True)
    assert books.diary.begin(claimed, NOW) is State.CLAIMED, "it is not sent"
    books.diary.finish(claimed, NOW)
    assert books.diary.fail(claimed, NOW, NOW) is State.UNCLEAR
    assert books.diary.states() == {"due": 2}, "those of ada"


DIE = """
import os, sys
from datetime import UTC, datetime
from sqlalchemy import event
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.people import SQLPeople

for number in range(1, 100):
    child = os.fork()
    if not child:
        engine = make_engine(sys.argv[1])
        people, seen = SQLPeople(engine, "upsell"), []
        people._audit.ready()

        @event.listens_for(engine, "before_cursor_execute")
        def die(*_):
            seen.append(1)
            if len(seen) == number:
                os._exit(9)

        people.erase(["ada"], [], datetime.now(UTC))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    sys.stdin.readline()
"""


def test_killed_before_its_end_it_did_nothing(books: Books, database_url: str) -> None:
    """At every statement in turn, and at last not at all.

    Planted bug that it shows: a commit between two tables.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "plugin")}
    command, before, codes = [sys.executable, "-c", DIE, database_url], books.dump(), [-1]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        while codes[-1]:
            codes.append(int(process.stdout.readline()))
            assert not codes[-1] or books.dump() == before, f"killed at statement {len(codes) - 1}"
            process.stdin.write("\n")
            process.stdin.flush()
        process.kill()
    assert set(codes[1:-1]) == {9} and len(codes) > 12
    assert "'ada'" not in books.dump("upsell_audit", "upsell_unsubscribed")
    assert set(books.sums().values()) == {0}
    assert len(books.audit.history(what="erased")) == 1
