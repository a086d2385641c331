"""Pseudonyms: always the same, and a page never waits for the ledger to make one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from flask_upsell import faults
from flask_upsell.till import Pseudonyms


@pytest.fixture(autouse=True)
def no_faults_yet() -> Iterator[None]:
    faults.seen.clear()
    yield
    faults.seen.clear()


def test_the_same_key_has_the_same_one() -> None:
    made = Pseudonyms("secret")
    assert made("ada") == made("ada") == Pseudonyms(lambda: "secret")("ada") != made("bob")
    assert made("ada") == made.at_hand("ada") != Pseudonyms("other")("ada")


def test_a_page_does_not_wait_for_the_secret() -> None:
    """Planted bug that it shows: `at_hand` reads the secret itself."""
    there = threading.Event()

    def secret() -> str:
        assert there.wait(60)
        return "secret"

    made = Pseudonyms(secret)
    assert made.at_hand("ada") is None and made.at_hand("ada") is None
    there.set()
    _end(made)
    assert made.at_hand("ada") == Pseudonyms("secret")("ada")


def test_a_ledger_that_is_away_is_asked_again_later() -> None:
    answers = iter([OSError("away"), None])

    def secret() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "secret"

    made = Pseudonyms(secret)
    assert made.at_hand("ada") is None
    _end(made)
    assert faults.seen["secret"] == 1 and made.at_hand("ada") is None
    _end(made)
    assert made.at_hand("ada") is not None


def _end(made: Pseudonyms) -> None:
    assert made._reading is not None
    made._reading.join(60)
