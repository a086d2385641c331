"""How long rows are kept, on SQLite and PostgreSQL: what is too old goes, what still counts stays."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select

from flask_upsell.adapters import retention
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.retention import NOBODY, SQLRetention

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEEP = timedelta(days=90)
OLD, YOUNG = NOW - KEEP - timedelta(seconds=1), NOW - KEEP + timedelta(seconds=1)
DAY = timedelta(days=1)


class Rows:
    """Writes rows as they are after a while."""

    def __init__(self, engine: Engine, instance: str = "upsell") -> None:
        self.engine, self._instance = engine, instance
        self.retention = SQLRetention(engine, instance)

    def put(self, table: Any, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(table).values(instance=self._instance, **values))

    def accepted(self, id: str, at: datetime, state: str = "ordered", **more: Any) -> None:
        given = {
            "id": id, "visitor": "v", "state": state, "placement": "cart", "kind": "upgrade", "offer": "o", "title": "",
            "product": "bag", "quantity": 1, "unit_price": 900, "normal": 1000, "currency": "EUR", "line": "l",
            "rule": "tea", "accepted_at": at,
        }  # fmt: skip
        self.put(t.acceptances, **{**given, **more})
        if {**given, **more}["state"] == "ordered":
            self.put(
                t.conversions, order_ref=id, acceptance=id, placement="cart", kind="upgrade", product="bag",
                quantity=1, revenue=1, currency="EUR", ordered_at=at,
            )  # fmt: skip

    def redeemed(self, id: str, at: datetime, rule: str = "tea", released: datetime | None = None) -> None:
        self.put(
            t.redemptions, id=id, rule=rule, customer="c", day=date(2026, 1, 1), amount=1, currency="EUR",
            order_ref=id, granted_at=at, released_at=released,
        )  # fmt: skip

    def tidy(self, *rules: str, **goals: datetime) -> dict[str, int]:
        """How many rows of which table went."""
        return +Counter(self.retention.tidy(NOW, KEEP, rules, goals))

    def ids(self, table: Any, column: str = "id") -> list[str]:
        with self.engine.connect() as connection:
            return sorted(connection.execute(select(table.c[column])).scalars())


@pytest.fixture
def rows(engine: Engine) -> Rows:
    return Rows(engine)


def test_what_is_too_old_goes_and_what_is_not_stays(rows: Rows) -> None:
    """Planted bug that it shows: the age of an event asked instead of that of its count, so that what waited goes
    uncounted."""
    for name, at in (("old", OLD), ("young", YOUNG)):
        rows.accepted(f"{name}-ordered", at)
        rows.accepted(f"{name}-undone", at, "undone")
        rows.accepted(f"{name}-plain", at, "accepted", rule="", normal=0)
        rows.put(t.runs, id=name, job="learn", state="done", step="", done=0, total=0, figures={}, started_at=at)
        rows.put(t.promises, order_ref=name, rule="gone", customer="c", perk={}, promised_at=at)
    for name, age, kept in (
        ("r", timedelta(hours=72), t.requests),
        ("o", 30 * DAY, t.outbox),
        ("b", 30 * DAY, t.batches),
    ):
        for which, at in (("old", NOW - age - DAY), ("young", NOW - age + DAY)):
            if kept is t.requests:
                rows.put(kept, visitor="v", key=f"{name}-{which}", request="", created_at=at)
            elif kept is t.outbox:
                rows.put(kept, event=f"{name}-{which}", counts=[], created_at=at, folded_at=at)
            else:
                rows.put(kept, name=f"{name}-{which}", folded_at=at)
    rows.put(t.outbox, event="not folded", counts=[], created_at=OLD, folded_at=None)
    for name, hours in (("intended-old", 73), ("intended-young", 71)):
        rows.accepted(name, YOUNG, "intended", visitor=name, claimed_at=NOW - timedelta(hours=hours))
    expected = {
        "upsell_acceptance": 4, "upsell_conversion": 1, "upsell_run": 1, "upsell_promise": 1, "upsell_request": 1,
        "upsell_outbox": 1, "upsell_batch": 1,
    }  # fmt: skip
    assert rows.tidy() == expected
    assert rows.ids(t.acceptances) == ["intended-young", "young-ordered", "young-plain", "young-undone"]
    assert rows.ids(t.conversions, "acceptance") == ["young-ordered"]
    assert rows.ids(t.outbox, "event") == ["not folded", "o-young"]
    assert rows.ids(t.runs) == ["young"]
    assert rows.tidy() == {}, "safe to repeat"


def test_a_discount_that_may_be_in_a_cart_is_kept_however_old(rows: Rows) -> None:
    """Without its row nobody would count it when it is ordered: granting fails closed.

    Planted bug that it shows: open acceptances go like the others.
    """
    rows.accepted("discounted", OLD, "accepted")
    rows.accepted("undoing", OLD, "undoing")
    rows.accepted("in a bundle", OLD, "accepted", normal=0, bundle="x")
    rows.accepted("at its normal price", OLD, "accepted", normal=900)
    assert rows.tidy("tea") == {"upsell_acceptance": 1}
    assert rows.ids(t.acceptances) == ["discounted", "in a bundle", "undoing"]


def test_what_a_goal_counts_is_kept_without_whose_it_was(rows: Rows) -> None:
    """Planted bug that it shows: conversions of a rule with a goal go like the others."""
    since = OLD - 10 * DAY
    rows.accepted("before", since - DAY)
    rows.accepted("counted", since + DAY)
    rows.accepted("other", since + DAY, rule="other")
    assert rows.tidy("tea", "other", tea=since) == {"upsell_conversion": 2, "upsell_acceptance": 3}
    assert rows.ids(t.acceptances) == rows.ids(t.conversions, "acceptance") == ["counted"]
    assert rows.ids(t.acceptances, "visitor") == [NOBODY]
    assert rows.tidy("tea", tea=since) == {}
    assert rows.tidy("tea") == {"upsell_conversion": 1, "upsell_acceptance": 1}, "the goal is over"


def test_redemptions_are_kept_as_long_as_their_rule_and_its_last_one(rows: Rows) -> None:
    """Planted bug that it shows: redemptions go after KEEP_DAYS, and limits that are new then count too few."""
    rows.redeemed("live", OLD)
    rows.redeemed("given back", OLD, released=OLD)
    rows.redeemed("gone", OLD, "gone")
    rows.redeemed("gone lately, old", OLD, "lately")
    rows.redeemed("gone lately, young", YOUNG, "lately")
    for rule in ("tea", "gone", "lately"):
        rows.put(t.allowances, rule=rule, scope="total", used=1)
    rows.put(t.allowances, rule="tea", scope=f"day:{OLD - DAY:%Y-%m-%d}", used=1)
    rows.put(t.allowances, rule="tea", scope=f"day:{NOW:%Y-%m-%d}", used=1)
    assert rows.tidy("tea") == {"upsell_redemption": 2, "upsell_allowance": 2}
    assert rows.ids(t.redemptions) == ["gone lately, old", "gone lately, young", "live"]
    assert rows.ids(t.allowances, "rule") == ["lately", "tea", "tea"]


def test_promises_stand_as_long_as_their_rule(rows: Rows) -> None:
    rows.put(t.promises, order_ref="1", rule="tea", customer="c", perk={}, promised_at=OLD)
    assert rows.tidy("tea") == {}
    assert rows.tidy() == {"upsell_promise": 1}


def test_the_last_run_of_each_job_stays(rows: Rows) -> None:
    for job, age in (("learn", 1), ("learn", 2), ("other", 3)):
        rows.put(
            t.runs, id=f"{job}-{age}", job=job, state="done", step="", done=0, total=0, figures={},
            started_at=OLD - age * DAY,
        )  # fmt: skip
    assert rows.tidy() == {"upsell_run": 1}
    assert rows.ids(t.runs) == ["learn-1", "other-3"]


def test_mails_that_were_decided_are_forgotten_and_those_to_come_are_not(rows: Rows) -> None:
    for order, state, at in (
        ("1", "sent", NOW - 91 * DAY),
        ("2", "due", NOW - 91 * DAY),
        ("3", "sent", NOW - 89 * DAY),
    ):
        rows.put(t.follow_ups, order_ref=order, customer="c", language="", state=state, due_at=at, next_at=at)
    rows.put(t.unsubscribed, customer="c", left_at=NOW - 5000 * DAY)
    assert rows.tidy() == {"upsell_follow_up": 1}
    assert rows.ids(t.follow_ups, "order_ref") == ["2", "3"]
    assert rows.ids(t.unsubscribed, "customer") == ["c"]


def test_many_rows_go_some_at_a_time(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement over a million rows would hold the database, and orders would wait."""
    monkeypatch.setattr(retention, "AT_ONCE", 10)
    for number in range(25):
        rows.accepted(str(number), OLD, "undone")
    statements = []

    @event.listens_for(rows.engine, "after_cursor_execute")
    def watch(_: object, cursor: Any, statement: str, *__: object) -> None:
        if statement.startswith("DELETE FROM upsell_acceptance"):
            statements.append(cursor.rowcount)

    assert rows.tidy() == {"upsell_acceptance": 25}
    assert statements == [10, 10, 5]


def test_other_instances_are_left_alone(rows: Rows) -> None:
    other = Rows(rows.engine, "upsell_b2b")
    other.accepted("theirs", OLD, "undone")
    other.redeemed("theirs", OLD, "gone")
    other.put(t.allowances, rule="gone", scope="total", used=1)
    assert rows.tidy() == {}
    with rows.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(t.acceptances)).scalar_one() == 1
    assert other.tidy() == {"upsell_acceptance": 1, "upsell_redemption": 1, "upsell_allowance": 1}
