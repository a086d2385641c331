"""Clicks and undos that are claimed for a while: of a killed process they are taken over, of a living one not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from flask_upsell.adapters import tables as t
from flask_upsell.adapters.claims import LEASE
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.core.claims import Acceptance, Click
from flask_upsell.core.context import Line
from flask_upsell.core.offer import Kind
from flask_upsell.core.ports import Order
from flask_upsell.errors import BadInput

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DONE = {"status": "done"}


@pytest.fixture
def ledger(engine: Engine) -> SQLLedger:
    return SQLLedger(engine, "upsell")


def acceptance(id: str = "a1", product: str = "bag", **more: Any) -> Acceptance:
    given = {"visitor": "", "placement": "cart", "kind": Kind.COMPLEMENT, "offer": "o1", "quantity": 1}
    return Acceptance(**{**given, "id": id, "product": product, "unit_price": 1000, "currency": "EUR", **more})


def pass_by(ledger: SQLLedger, seconds: float) -> None:
    """So much time goes by for all that is claimed."""
    shift = timedelta(seconds=seconds)
    with ledger.engine.begin() as connection:
        for table, column in ((t.requests, t.requests.c.created_at), (t.acceptances, t.acceptances.c.claimed_at)):
            for row in connection.execute(table.select()).all():
                key = [c == row._mapping[c] for c in table.primary_key]
                old = row._mapping[column]
                if old is not None:
                    connection.execute(update(table).where(*key).values({column: old - shift}))


OVER = LEASE.total_seconds() + 1


def test_what_a_killed_process_left_is_claimed_once_when_its_lease_is_over(ledger: SQLLedger) -> None:
    """Planted bug that it shows: a lease that is not looked at, and a slow process is taken for dead at once."""
    assert ledger.start("ada", "k", "r", [acceptance(rule="tea")], {"1": 2}).first
    assert ledger.abandoned("ada") == []
    pass_by(ledger, OVER - 2)
    assert ledger.abandoned("ada") == []
    pass_by(ledger, 2)
    assert ledger.abandoned("bob") == ledger.abandoned("ada", "another") == []
    (left,) = ledger.abandoned("ada")
    assert (left.click, [each.id for each in left.intended], left.before) == (Click("ada", "k"), ["a1"], {"1": 2})
    assert ledger.abandoned("ada") == [], "somebody is at it now"


def test_a_lease_from_the_future_was_claimed_before_the_clock_was_set_back(ledger: SQLLedger) -> None:
    ledger.start("ada", "k", "r", [acceptance()])
    pass_by(ledger, -3600)
    assert len(ledger.abandoned("ada")) == 1


def test_a_slow_process_that_was_taken_for_dead_records_nothing(ledger: SQLLedger) -> None:
    """Planted bug that it shows: `record_acceptances` that inserts what is not there."""
    ledger.start("ada", "k", "r", [acceptance()])
    pass_by(ledger, OVER)
    (left,) = ledger.abandoned("ada")
    ledger.forget(*left.click)
    assert ledger.start("ada", "k", "r", [acceptance("a2")]).first
    assert ledger.record_acceptances([acceptance(line="1", visitor="ada")], NOW, Click("ada", "k"), DONE) is False
    assert ledger.waiting() == 0
    assert ledger.record_acceptances([acceptance("a2", line="2", visitor="ada")], NOW, Click("ada", "k"), DONE)
    assert (ledger.acceptance("a1", "ada"), ledger.waiting(), ledger.answer("ada", "k")) == (None, 1, DONE)
    ledger.forget("ada", "k")
    assert ledger.answer("ada", "k") == DONE, "what is done is not forgotten"


def test_a_visitor_is_busy_with_one_click_but_nobody_else_is(ledger: SQLLedger) -> None:
    assert ledger.start("ada", "k1", "r", [acceptance("a1")]).first
    assert ledger.start("ada", "k2", "r", [acceptance("a2")]).busy
    assert ledger.start("bob", "k2", "r", [acceptance("a3")]).first
    for number in range(3):
        assert ledger.start("", f"n{number}", "r", [acceptance(f"n{number}")]).first, "who has no cart is not one"
    ledger.forget("ada", "k1")
    assert ledger.start("ada", "k2", "r", [acceptance("a2")]).first


def test_a_click_without_a_cart_gets_its_visitor_when_it_is_done(ledger: SQLLedger) -> None:
    ledger.start("", "k", "r", [acceptance(rule="tea")])
    assert ledger.accepted("", unsure=True) != []
    assert ledger.accepted("ada", unsure=True) == []
    assert ledger.record_acceptances([acceptance(visitor="ada", line="1", rule="tea")], NOW, Click("", "k"), DONE)
    assert [each.line for each in ledger.accepted("ada")] == ["1"]
    pass_by(ledger, OVER)
    assert ledger.abandoned("") == ledger.abandoned("", "k") == []


def test_an_order_counts_what_a_killed_process_put_into_the_cart(ledger: SQLLedger) -> None:
    """Planted bug that it shows: `record_order` that looks at accepted ones only."""
    ledger.start("ada", "k", "r", [acceptance(rule="tea")])
    dearer = Order("1001", "EUR", (Line("1", "bag", 1, 2000),))
    assert ledger.record_order(dearer, "ada", datetime.now(UTC)) == 0, "that is not what was offered"
    order = Order("1002", "EUR", (Line("1", "bag", 1, 1000),))
    assert [each.id for each in ledger.accepted("ada", unsure=True)] == ["a1"]
    assert ledger.record_order(order, "ada", datetime.now(UTC)) == 1
    assert ledger.record_order(order, "ada", datetime.now(UTC)) == 0
    assert ledger.abandoned("ada") == []


def test_of_what_was_pressed_again_the_surest_comes_last(ledger: SQLLedger) -> None:
    """Whoever counts what was ordered begins with it (till.discounts)."""
    ledger.start("ada", "k1", "r", [acceptance("a1", rule="tea")])
    ledger.record_acceptances([acceptance("a2", visitor="ada", rule="tea")], NOW)
    ledger.record_acceptances([acceptance("a3", visitor="ada", rule="tea")], NOW + timedelta(seconds=1))
    ledger.record_acceptances([acceptance("a4", visitor="ada", rule="tea")], NOW + timedelta(seconds=2))
    assert ledger.claim_undo("a4")
    assert [each.id for each in ledger.accepted("ada", unsure=True)] == ["a1", "a4", "a2", "a3"]


def test_an_undo_of_a_killed_process_can_be_done_again(ledger: SQLLedger) -> None:
    """Planted bug that it shows: an undo that is claimed for ever."""
    ledger.record_acceptances([acceptance(visitor="ada", rule="tea")], NOW)
    assert ledger.claim_undo("a1")
    assert not ledger.claim_undo("a1")
    assert ledger.accepted("ada") == []
    assert len(ledger.accepted("ada", unsure=True)) == 1, "its discount is in the cart, perhaps"
    pass_by(ledger, OVER)
    assert ledger.claim_undo("a1")
    pass_by(ledger, OVER)
    ledger.abandoned("ada")
    assert len(ledger.accepted("ada")) == 1
    assert ledger.claim_undo("a1") and ledger.record_undo("a1", NOW) and not ledger.claim_undo("a1")


def test_a_currency_that_nobody_knows_is_refused(ledger: SQLLedger) -> None:
    """It has three letters, so the table would take it."""
    with pytest.raises(BadInput, match="ABC"):
        ledger.record_acceptances([acceptance(visitor="ada", currency="ABC")], NOW)
