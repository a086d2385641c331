"""What the linter said of the rules, and of which revision of them."""

from __future__ import annotations

import zlib
from datetime import date, datetime

import msgspec
from sqlalchemy import Engine, func, select

from ..core.finding import Finding
from .desk_tables import linted as t
from .dialects import insert_into
from .tables import rules

_read = msgspec.json.Decoder(list[Finding]).decode


class Linted(msgspec.Struct, frozen=True):
    """`findings` of the book of this revision on this day (of the store); looked for at `at`."""

    revision: int
    day: date
    at: datetime
    findings: list[Finding]

    @property
    def key(self) -> tuple[int, date]:
        return self.revision, self.day


class SQLLinted:
    """One instance's: the last ones only."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def rules(self) -> int:
        """How many rules there are."""
        query = select(func.count()).select_from(rules).where(rules.c.instance == self._instance)
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def key(self) -> tuple[int, date] | None:
        """Of which revision and day they are."""
        with self.engine.connect() as connection:
            row = connection.execute(select(t.c.revision, t.c.day).where(t.c.instance == self._instance)).first()
        return (row.revision, row.day) if row is not None else None

    def last(self) -> Linted | None:
        with self.engine.connect() as connection:
            row = connection.execute(select(t).where(t.c.instance == self._instance)).first()
        if row is None:
            return None
        return Linted(row.revision, row.day, row.at, _read(zlib.decompress(row.findings)))

    def keep(self, found: Linted) -> None:
        """Instead of the last ones, unless those are of a later revision: the slower of two workers may come last."""
        values = {
            "revision": found.revision,
            "day": found.day,
            "at": found.at,
            "findings": zlib.compress(msgspec.json.encode(found.findings)),
        }
        with self.engine.begin() as connection:
            made = insert_into(connection, t).values(instance=self._instance, **values)
            connection.execute(
                made.on_conflict_do_update(
                    index_elements=["instance"], set_=values, where=t.c.revision <= found.revision
                )
            )
