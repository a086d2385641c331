"""What merchants set without the developer, in SQL."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Engine, delete, select

from .audit import Entry, SQLAudit, actor
from .desk_tables import options as t
from .dialects import insert_into, start_writing


class SQLOptions:
    """One instance's. Values are JSON; what is not set is not there. Every change is a row of the audit."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.engine, self._instance, self._audit = engine, instance, audit

    def load(self) -> dict[str, object]:
        """Name -> value of all that are set."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(t.c.name, t.c.value).where(t.c.instance == self._instance)).all()
        return {row.name: msgspec.json.decode(row.value) for row in rows}

    def changed(self) -> dict[str, tuple[str, datetime]]:
        """Name -> (who, when) of the last change of all that are set."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(t.c.name, t.c.who, t.c.at).where(t.c.instance == self._instance)).all()
        return {row.name: (row.who, row.at) for row in rows}

    def set(self, name: str, value: object, at: datetime) -> None:
        """None: what it is without being set."""
        self._audit.ready()
        c, after = t.c, "" if value is None else msgspec.json.encode(value).decode()
        with self.engine.begin() as connection:
            start_writing(connection)
            this = (c.instance == self._instance, c.name == name)
            before = connection.execute(select(c.value).where(*this)).scalar_one_or_none() or ""
            if before == after:
                return
            if value is None:
                connection.execute(delete(t).where(*this))
            else:
                row = {"value": after, "who": actor().who, "at": at}
                made = insert_into(connection, t).values(instance=self._instance, name=name, **row)
                connection.execute(made.on_conflict_do_update(index_elements=["instance", "name"], set_=row))
            self._audit.append(connection, Entry("option changed", name, before, after), at=at)
