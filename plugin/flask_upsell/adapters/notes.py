"""What the merchant says of products, in SQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, or_, select

from ..core.curation import NO_NOTE, Note
from .audit import Entry, SQLAudit, actor
from .desk_tables import product_notes as t
from .dialects import insert_into, start_writing

#: Products of which something is said at once.
CHUNK = 500


class SQLNotes:
    """One instance's. Every change is a row of the audit; a product of which nothing is said has no row."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.engine, self._instance, self._audit = engine, instance, audit

    def of(self, refs: Collection[str]) -> dict[str, Note]:
        """What is said of these; those of which nothing is are left out."""
        wanted, found = [ref for ref in refs if _writable(ref)], dict[str, Note]()
        with self.engine.connect() as connection:
            for start in range(0, len(wanted), CHUNK):
                these = t.c.ref.in_(wanted[start : start + CHUNK])
                rows = connection.execute(select(t).where(t.c.instance == self._instance, these))
                found.update({row.ref: _note(row) for row in rows})
        return found

    def all(self) -> dict[str, Note]:
        """By reference; they are few beside the products."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(t).where(t.c.instance == self._instance).order_by(t.c.ref))
            return {row.ref: _note(row) for row in rows}

    def sensitive(self) -> frozenset[str]:
        query = select(t.c.ref).where(t.c.instance == self._instance, t.c.sensitive)
        with self.engine.connect() as connection:
            return frozenset(connection.execute(query).scalars())

    def kept_out(self) -> frozenset[str]:
        """Products that are never offered."""
        query = select(t.c.ref).where(t.c.instance == self._instance, or_(t.c.sensitive, t.c.excluded))
        with self.engine.connect() as connection:
            return frozenset(connection.execute(query).scalars())

    def set(self, ref: str, note: Note, at: datetime) -> Note:
        """Say this, and nothing else, of a product; returns what was said before."""
        self._audit.ready()
        this = (t.c.instance == self._instance, t.c.ref == ref)
        with self.engine.begin() as connection:
            start_writing(connection)
            row = connection.execute(select(t).where(*this)).first()
            before = _note(row) if row is not None else NO_NOTE
            if before == note:
                return before
            if note == NO_NOTE:
                connection.execute(delete(t).where(*this))
            else:
                fits = msgspec.json.encode(note.fits).decode()
                values = {"excluded": note.excluded, "sensitive": note.sensitive, "fits": fits}
                values |= {"who": actor().who, "at": at}
                made = insert_into(connection, t).values(instance=self._instance, ref=ref, **values)
                connection.execute(made.on_conflict_do_update(index_elements=["instance", "ref"], set_=values))
            self._audit.append(connection, Entry("product changed", ref, _text(before), _text(note)), at=at)
        return before


def _writable(ref: str) -> bool:
    try:
        ref.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in ref


def _note(row: Any) -> Note:
    return Note(row.excluded, row.sensitive, msgspec.json.decode(row.fits, type=tuple[str, ...]))


def _text(note: Note) -> str:
    return msgspec.json.encode(note).decode() if note != NO_NOTE else ""
