"""A table of the host's own beside ours: what is placed there comes and goes with the host's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text


@contextmanager
def host_table(engine: Engine) -> Iterator[None]:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS host_placed"))
        connection.execute(text("CREATE TABLE host_placed (ref VARCHAR(40) PRIMARY KEY)"))
    yield
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE host_placed"))


def place(connection: Connection, ref: str) -> None:
    connection.execute(text("INSERT INTO host_placed VALUES (:ref)"), {"ref": ref})


def placed(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT ref FROM host_placed ORDER BY ref")).scalars())
