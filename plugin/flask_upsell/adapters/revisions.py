"""Rulebooks as they were saved, whoever saved them: written in the transaction of the saving itself."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select

from ..core.rulebook import Changes, RuleBook
from ..core.words import objection, reason
from ..errors import BadInput
from .audit import actor
from .desk_tables import revisions as t

#: The last so many are kept; older ones go when a newer one is written.
KEPT = 200


class Revision(msgspec.Struct, frozen=True):
    """A saving: who (adapters.audit) did it when and why, and the names of what he changed. `writers` wrote
    that: who saved it, or those whose drafts he put live."""

    revision: int
    at: datetime
    who: str
    why: str
    changes: Changes
    writers: tuple[str, ...]


class SQLRevisions:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def keep(
        self, connection: Connection, changes: Changes, book: bytes, at: datetime, writers: Sequence[str] = ()
    ) -> None:
        """Write down the whole book (JSON) as this saving leaves it, in its transaction."""
        acts = actor()
        row = {
            "who": acts.who[:100],
            "why": acts.why,
            "changes": msgspec.json.encode(changes).decode(),
            "writers": msgspec.json.encode(list(writers) or [acts.who]).decode(),
            "book": zlib.compress(book),
        }
        connection.execute(insert(t).values(instance=self._instance, revision=changes.revision, at=at, **row))
        old = t.c.revision <= changes.revision - KEPT
        connection.execute(delete(t).where(t.c.instance == self._instance, old))

    def all(self) -> list[Revision]:
        """The last one first, without their books."""
        columns = (t.c.revision, t.c.at, t.c.who, t.c.why, t.c.changes, t.c.writers)
        query = select(*columns).where(t.c.instance == self._instance)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(t.c.revision.desc())).all()
        return [_read(row) for row in rows]

    def book(self, revision: int) -> RuleBook | None:
        """The book as this saving left it; None when it is not kept."""
        which = (t.c.instance == self._instance, t.c.revision == revision)
        with self.engine.connect() as connection:
            found: bytes | None = connection.execute(select(t.c.book).where(*which)).scalar_one_or_none()
        if found is None:
            return None
        try:
            return RuleBook.decode(zlib.decompress(found))
        except zlib.error as error:
            raise BadInput(
                "revision",
                objection(
                    "the book of revision {revision} cannot be read: {error}", revision=revision, error=reason(error)
                ),
            ) from error


def _read(row: Any) -> Revision:
    changes, writers = msgspec.json.decode(row.changes, type=Changes), tuple(msgspec.json.decode(row.writers))
    return Revision(row.revision, row.at, row.who, row.why, changes, writers)
