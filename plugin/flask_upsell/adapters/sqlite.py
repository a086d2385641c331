"""The ledger's SQLite: a reader never waits (WAL), a power cut loses nothing (full sync), who writes is waited for."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

#: How long somebody else who writes is waited for (seconds), and how often it is looked again where SQLite does not.
PATIENCE, AGAIN = 5.0, 0.005


def patient(url: URL) -> Engine:
    """An engine for this file."""
    engine = create_engine(url, connect_args={"timeout": PATIENCE}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def _write_ahead(cursor: Any) -> None:
    """WAL, which a new file gets once. Who opens it at the same moment is refused by SQLite at once, whatever the
    timeout: so the waiting is done here."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(AGAIN)
