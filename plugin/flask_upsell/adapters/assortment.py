"""Products that were imported from files, for stores that give no catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, func, select

from ..core.product import Product
from ..errors import StaleError
from .audit import Entry, SQLAudit
from .desk_tables import imported_products as t
from .desk_tables import uploads
from .dialects import insert_into, start_writing

#: Values of one statement; rows of one.
REFS, ROWS = 500, 5000
_read = msgspec.json.Decoder(Product).decode


class SQLAssortment:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.engine, self._instance, self._audit = engine, instance, audit

    def count(self) -> int:
        query = select(func.count()).select_from(t).where(t.c.instance == self._instance)
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def all(self) -> Iterator[Product]:
        """By their references; a stream."""
        query = select(t.c.body).where(t.c.instance == self._instance).order_by(t.c.ref)
        with self.engine.connect() as connection:
            for body in connection.execution_options(yield_per=ROWS).execute(query).scalars():
                yield _read(body)

    def put(
        self,
        upload: str,
        name: str,
        products: Sequence[Product],
        gone: Collection[str],
        before: Mapping[str, Product],
        at: datetime,
    ) -> bool:
        """Write these and remove `gone`; False when the upload was imported before. Raises StaleError when what is
        there is not what it was (`before`)."""
        self._audit.ready()
        u = uploads.c
        with self.engine.begin() as connection:
            start_writing(connection)
            query = select(t.c.ref, t.c.body).where(t.c.instance == self._instance)
            if {row.ref: _read(row.body) for row in connection.execute(query)} != dict(before):
                raise StaleError("somebody else imported products meanwhile")
            this = (u.instance == self._instance, u.id == upload)
            if connection.execute(delete(uploads).where(*this)).rowcount != 1:
                return False
            rows = [{"instance": self._instance, "ref": each.ref, "body": _written(each)} for each in products]
            made = insert_into(connection, t)
            put = made.on_conflict_do_update(index_elements=["instance", "ref"], set_={"body": made.excluded.body})
            for start in range(0, len(rows), ROWS):
                connection.execute(put, rows[start : start + ROWS])
            refs = list(gone)
            for start in range(0, len(refs), REFS):
                connection.execute(delete(t).where(*self._these(refs[start : start + REFS])))
            figures: dict[str, Any] = {"written": len(rows), "removed": len(refs)}
            entry = Entry("products imported", name, "", msgspec.json.encode(figures).decode())
            self._audit.append(connection, entry, at=at)
        return True

    def remove(self, at: datetime) -> int:
        """All of them; returns how many there were."""
        self._audit.ready()
        with self.engine.begin() as connection:
            start_writing(connection)
            count: int = connection.execute(delete(t).where(t.c.instance == self._instance)).rowcount
            if count:
                entry = Entry("imported products removed", "", msgspec.json.encode({"products": count}).decode())
                self._audit.append(connection, entry, at=at)
        return count

    def _these(self, refs: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
        return t.c.instance == self._instance, t.c.ref.in_(refs)


def _written(product: Product) -> str:
    return msgspec.json.encode(product).decode()
