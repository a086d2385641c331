"""Faults are counted by reason, all of them, and logged without filling a disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy.exc import IntegrityError

from flask_upsell import faults
from flask_upsell.errors import BadInput, LearnError, TokenError

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


def fault(log: pytest.LogCaptureFixture, error: Exception) -> str:
    """What is logged of an error that was raised."""
    try:
        raise error
    except type(error) as raised:
        faults.note(REASON, "it failed: %s: %s", type(raised).__name__, raised, error=raised)
    return log.text


def test_a_traceback_only_when_an_error_is_given(log: pytest.LogCaptureFixture) -> None:
    said = fault(log, ValueError("ada@example.com"))
    assert "raise error" in said and "ValueError" in said
    log.clear()
    faults.note(REASON, "it failed")
    assert log.records[0].exc_info is None


class Theirs(Exception):
    """A store's, whose text nobody knows."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("ada@example.com"), faults.LEFT_OUT),
        (KeyError("ada@example.com"), faults.LEFT_OUT),
        (Theirs("ada@example.com"), faults.LEFT_OUT),
        (OSError("ada@example.com"), faults.LEFT_OUT),
        (FileNotFoundError(2, "No such file", "/home/ada@example.com"), "No such file or directory"),
        (BadInput("variant", "'ada@example.com' is none"), "variant is not usable"),
        (BadInput("ada@example.com", "unknown"), "a field is not usable"),
        (IntegrityError("INSERT", {"a": "ada@example.com"}, Exception("ada@example.com")), faults.LEFT_OUT),
        (TokenError("this token is too old"), "this token is too old"),
        (LearnError("this store gives no orders"), "this store gives no orders"),
        (redis.ConnectionError("Error 111 connecting to host:6379"), "Error 111 connecting to host:6379"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_error_says_of_people_is_not_logged(log: pytest.LogCaptureFixture, error: Exception, told: str) -> None:
    """Planted bugs that it shows: the text of an exception among the values, or in its traceback, is logged."""
    assert faults.told(error) == told
    said = fault(log, error)
    assert told in said
    assert "ada@example.com" not in said


def test_what_an_error_was_caused_by_is_not_logged_either(log: pytest.LogCaptureFixture) -> None:
    try:
        try:
            raise ValueError(f"{'ada'}@example.com")
        except ValueError as first:
            raise Theirs(f"{'eve'}@example.com") from first
    except Theirs as error:
        faults.note(REASON, "it failed: %s", error, error=error)
    assert "Theirs" in log.text
    assert "ada@example.com" not in log.text and "eve@example.com" not in log.text


def test_a_developer_is_told_all(log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "told_whole", True)
    said = fault(log, ValueError("'titel' is undefined"))
    assert said.count("'titel' is undefined") == 2


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
    with faults.about("upsell", "cart"):
        faults.note(REASON, "before")
        faults.decided("c0ffee")
        with faults.about("upsell_b2b"):
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
