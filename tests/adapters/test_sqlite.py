"""A SQLite file that several processes open at once, or that nobody can."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from flask_upsell.adapters import sqlite
from flask_upsell.adapters.ledger import make_engine


def test_a_new_file_is_opened_while_somebody_else_writes_to_it(tmp_path: Path) -> None:
    """Planted bug that it shows: with the switch to WAL tried once, SQLite says at once that the file is locked."""
    path = tmp_path / "new.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, other.execute, ["COMMIT"])
        release.start()
        engine = make_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        engine.dispose()
        release.join()


def test_who_cannot_open_a_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    (tmp_path / "text.db").write_text("What is written here is no database." * 100)
    with closing(sqlite3.connect(tmp_path / "held.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        for name, problem in (("held", "locked"), ("text", "not a database")):
            engine = make_engine(f"sqlite:///{tmp_path / name}.db")
            with pytest.raises(DBAPIError, match=problem):
                engine.connect()
            engine.dispose()
