"""Faults are counted by reason, all of them, and logged without filling a disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from flask_upsell import faults

REASON = "a_reason_of_the_tests"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    del faults.seen[REASON]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "flask_upsell")
    return caplog


def test_a_fault_is_counted_and_logged_with_its_reason(log: pytest.LogCaptureFixture) -> None:
    faults.note(REASON, "the shelf is %s after %d ms", "gone", 10)
    assert faults.seen[REASON] == 1
    (record,) = log.records
    assert record.getMessage() == f"{REASON}: the shelf is gone after 10 ms (1 so far)"
    assert (record.name, record.levelno) == ("flask_upsell", logging.WARNING)
    assert getattr(record, "upsell_reason", None) == REASON
    assert not record.exc_info


def test_a_traceback_only_when_an_error_is_given(log: pytest.LogCaptureFixture) -> None:
    error = ConnectionError("gone")
    faults.note(REASON, "it failed", error=error)
    assert log.records[0].exc_info == (ConnectionError, error, None)


def test_percent_signs_of_a_value_are_text(log: pytest.LogCaptureFixture) -> None:
    faults.note(REASON, "product %r", "50 % off %s")
    assert log.records[0].getMessage() == f"{REASON}: product '50 % off %s' (1 so far)"


def test_an_outage_does_not_fill_a_disk(log: pytest.LogCaptureFixture) -> None:
    for _ in range(250):
        faults.note(REASON, "down")
    assert faults.seen[REASON] == 250
    said = [int(record.getMessage().split("(")[1].split()[0]) for record in log.records]
    assert said == [*range(1, 11), 100, 200]


def test_a_record_says_where_it_happened(log: pytest.LogCaptureFixture) -> None:
    with faults.within("upsell", "cart"):
        faults.note(REASON, "before")
        faults.decided("c0ffee")
        with faults.within("upsell_b2b"):
            faults.note(REASON, "another one's")
            faults.decided("d0d0", "checkout")
        faults.note(REASON, "after")
    faults.note(REASON, "outside")
    places = [(r.upsell_instance, r.upsell_placement, r.upsell_decision) for r in log.records]  # type: ignore[attr-defined]
    assert places == [("upsell", "cart", ""), ("upsell_b2b", "", ""), ("upsell", "cart", "c0ffee"), ("", "", "")]
    assert {r.upsell_reason for r in log.records} == {REASON}  # type: ignore[attr-defined]


def test_who_listens_hears_every_count_and_may_go() -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[tuple[str, int]] = []

        def hear(self, reason: str, more: int) -> None:
            self.heard.append((reason, more))

    listener = Listener()
    faults.seen.tell(listener.hear)
    faults.seen[REASON] += 1
    faults.seen[REASON] += 3
    faults.seen[REASON] = 0
    assert listener.heard == [(REASON, 1), (REASON, 3)]
    before = len(faults.seen.listeners)
    del listener
    faults.seen[REASON] += 1
    other = Listener()
    faults.seen.tell(other.hear)
    assert len(faults.seen.listeners) <= before, "what has gone is forgotten"
