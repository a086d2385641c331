"""A page waits for the ledger's PostgreSQL no longer than its budget; a worker as long as it takes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import inf

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from flask_upsell.adapters import postgresql
from flask_upsell.adapters.deadline import budget, within
from flask_upsell.adapters.ledger import make_engine

FOREVER = text("SELECT pg_sleep(3600)")
BOUND = text("SHOW statement_timeout")


@pytest.fixture
def ledger(postgres: str) -> Iterator[Engine]:
    made = make_engine(postgres)
    yield made
    made.dispose()


def test_all_statements_of_a_page_share_what_is_left(ledger: Engine) -> None:
    """Planted bug that it shows: each statement has the whole time."""
    with within(inf, 2.0):
        with ledger.connect() as connection:
            assert connection.execute(BOUND).scalar() in ("2s", *[f"{ms}ms" for ms in range(1000, 2000)])
        with pytest.raises(OperationalError), ledger.connect() as connection:
            connection.execute(FOREVER)
        page = budget()
        assert page is not None and page.ledger < 0.5
        page.ledger = 0.0
        ledger.dispose()
        with pytest.raises(OperationalError, match=postgresql.LATE):
            ledger.connect()


def test_the_server_ends_it_and_the_connection_is_good(ledger: Engine) -> None:
    """So a lock costs no connection. Planted bug that it shows: no GRACE."""
    with ledger.connect() as connection:
        before = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    with within(inf, 0.3), pytest.raises(OperationalError, match="statement timeout"), ledger.connect() as connection:
        connection.execute(FOREVER)
    with ledger.connect() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == before


def test_who_is_no_page_has_time(ledger: Engine) -> None:
    """Also on a connection that a page had before. Planted bug that it shows: SET in place of SET LOCAL."""
    with within(inf, 2.0), ledger.begin() as connection:
        connection.execute(BOUND)
    with ledger.connect() as connection:
        assert connection.execute(BOUND).scalar() == "0"
    with within(0.01), ledger.connect() as connection:
        assert connection.execute(BOUND).scalar() == "0"


def test_an_answer_that_drips_has_an_end() -> None:
    """Planted bug that it shows: the end is looked at only when there was nothing to read."""

    def drips() -> Generator[int, int, None]:
        while True:
            yield 1

    waiting = postgresql._until(drips(), 0.0)
    next(waiting)
    with pytest.raises(TimeoutError):
        for ready in range(1, 100):
            waiting.send(ready)
