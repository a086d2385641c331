"""Requests that must not be done twice: who is first does it, the others are told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from flask_upsell.adapters.api_requests import GIVE_UP, Answered, SQLRequests, Taken

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DONE = Answered(201, '{"id": 1}', "/there", '"1"')


@pytest.fixture
def requests(engine: Engine) -> SQLRequests:
    return SQLRequests(engine, "upsell")


def test_what_was_done_is_answered_again(requests: SQLRequests, engine: Engine) -> None:
    assert requests.begin("ada", "k", "hash", NOW) is None
    requests.end("ada", "k", DONE)
    assert requests.begin("ada", "k", "hash", NOW + 2 * GIVE_UP) == DONE
    assert requests.begin("ada", "k", "other", NOW) is Taken.OTHER
    assert requests.begin("bob", "k", "hash", NOW) is None
    assert SQLRequests(engine, "b2b").begin("ada", "k", "hash", NOW) is None


def test_what_was_not_done_may_be_tried_again(requests: SQLRequests) -> None:
    assert requests.begin("ada", "k", "hash", NOW) is None
    requests.drop("ada", "k")
    assert requests.begin("ada", "k", "other", NOW) is None
    requests.end("ada", "k", DONE)
    requests.drop("ada", "k")
    assert requests.begin("ada", "k", "other", NOW) == DONE


def test_who_was_killed_is_waited_for_a_while(requests: SQLRequests) -> None:
    assert requests.begin("ada", "k", "hash", NOW) is None
    assert requests.begin("ada", "k", "hash", NOW + GIVE_UP) is Taken.BUSY
    assert requests.begin("ada", "k", "hash", NOW + GIVE_UP + timedelta(seconds=1)) is None


def test_of_many_at_once_one_does_it(requests: SQLRequests) -> None:
    """Planted bug that it shows: `begin` looks first and writes then."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: requests.begin("ada", "k", "hash", NOW), range(16)))
    assert sorted(map(str, found)) == ["None", *["busy"] * 15]
