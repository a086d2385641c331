"""Background runs of all jobs, as they are looked at: how far each is, and how it ended."""

from __future__ import annotations

from sqlalchemy import Engine, Row, select
from sqlalchemy.sql import Select

from ..core.ports import Progress
from .tables import runs as t

COLUMNS = [t.c[name] for name in Progress.__struct_fields__]


class SQLRunList:
    """One instance's. Others write them."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def all(self, job: str = "", most: int = 1000) -> list[Progress]:
        """The last begun first."""
        query = self._mine().order_by(t.c.started_at.desc(), t.c.id).limit(most)
        if job:
            query = query.where(t.c.job == job)
        with self.engine.connect() as connection:
            return [_read(row) for row in connection.execute(query)]

    def find(self, id: str) -> Progress | None:
        with self.engine.connect() as connection:
            row = connection.execute(self._mine().where(t.c.id == id)).first()
        return _read(row) if row is not None else None

    def _mine(self) -> Select[tuple[object, ...]]:
        return select(*COLUMNS).where(t.c.instance == self._instance)


def _read(row: Row[tuple[object, ...]]) -> Progress:
    return Progress(**row._mapping)
