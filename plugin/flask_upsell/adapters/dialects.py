"""What SQLite and PostgreSQL spell differently when rows are written."""

from __future__ import annotations

from sqlalchemy import Connection, Table
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
