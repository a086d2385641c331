"""What SQLite and PostgreSQL spell differently when rows are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite


def start_writing(connection: Connection) -> None:
    """Be a writer from here on, before anything is read or a savepoint is set.

    On SQLite a reader that becomes a writer is refused at once, while a writer from the start waits; and a savepoint
    outside of a transaction would be committed when it is released, whatever becomes of the host's order.
    """
    if connection.dialect.name == "sqlite" and not getattr(
        connection.connection.driver_connection, "in_transaction", False
    ):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


@contextmanager
def in_order(engine: Engine, connection: object) -> Iterator[Connection]:
    """The order's own transaction, behind a savepoint: what goes wrong in here cannot spoil the order. Or one of ours,
    where `connection` is no connection or that of another database."""
    if isinstance(connection, Connection) and same_database(engine, connection):
        start_writing(connection)
        with connection.begin_nested():
            yield connection
    else:
        with engine.begin() as own:
            start_writing(own)
            yield own


def same_database(engine: Engine, connection: Connection) -> bool:
    ours, theirs = engine.url, connection.engine.url
    return (ours.get_backend_name(), ours.host, ours.port, ours.database) == (
        theirs.get_backend_name(),
        theirs.host,
        theirs.port,
        theirs.database,
    )
