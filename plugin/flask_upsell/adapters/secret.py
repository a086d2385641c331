"""Secrets of the ledger's own: made once, at random, the same for every process, and never rotated with other keys."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex

from sqlalchemy import Engine, select

from .audit_tables import secrets
from .dialects import insert_into, start_writing


class SQLSecret:
    """Called, it gives the secret: read at its first use and kept in the process. Never on the way to a page."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name
        self._value = ""

    def __call__(self) -> str:
        """Raises what SQLAlchemy raises when the ledger is away: what needs the secret needs the ledger."""
        if not self._value:
            self._value = self._read()
        return self._value

    def _read(self) -> str:
        c = secrets.c
        mine = select(c.value).where(c.name == self.name)
        with self.engine.connect() as connection:
            found: str | None = connection.execute(mine).scalar_one_or_none()
        if found is None:  # the migration made one; somebody has deleted it
            with self.engine.begin() as connection:
                start_writing(connection)
                new = insert_into(connection, secrets).values(
                    name=self.name, value=token_hex(32), made_at=datetime.now(UTC)
                )
                # Whoever was first made the one that counts.
                connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
                found = connection.execute(mine).scalar_one()
        return found
