"""Background runs as the desk sees them: begun by a person, told of by a worker, cancelled by anybody in between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select, update

from ..core.ports import Progress
from .tables import runs as t

#: What a worker may still go on with. One that failed is tried again by the queue.
OPEN = ("queued", "running", "failed")


class SQLRuns:
    """One instance's runs of one job. What was ended or cancelled stays so, whoever tells otherwise later."""

    def __init__(self, engine: Engine, instance: str, job: str) -> None:
        self.engine, self._instance, self._job = engine, instance, job

    def begin(self, id: str, figures: Mapping[str, Any], at: datetime) -> None:
        """Write down that it was asked for."""
        row = {"id": id, "instance": self._instance, "job": self._job, "state": "queued", "step": ""}
        with self.engine.begin() as connection:
            connection.execute(insert(t).values(**row, done=0, total=0, figures=dict(figures), started_at=at))

    def find(self, id: str) -> Progress | None:
        with self.engine.connect() as connection:
            row = connection.execute(select(t).where(*self._this(id))).first()
        return _read(row) if row is not None else None

    def recent(self, most: int) -> list[Progress]:
        """The last begun first."""
        mine = select(t).where(t.c.instance == self._instance, t.c.job == self._job)
        with self.engine.connect() as connection:
            rows = connection.execute(mine.order_by(t.c.started_at.desc(), t.c.id).limit(most)).all()
        return [_read(row) for row in rows]

    def tell(self, id: str, step: str, done: int, total: int, figures: Mapping[str, Any]) -> bool:
        """How far it is; whether anybody still wants it."""
        told = {"state": "running", "step": step, "done": done, "total": total, "ended_at": None}
        return self._write(id, OPEN, {**told, "figures": dict(figures)})

    def end(self, id: str, state: str, step: str, at: datetime, figures: Mapping[str, Any], done: int = 0) -> bool:
        """Keep what came out ("done"), or what went wrong ("failed"); whether anybody still wanted it."""
        told = {"state": state, "step": step, "done": done, "total": done, "ended_at": at}
        return self._write(id, OPEN, {**told, "figures": dict(figures)})

    def cancel(self, id: str, at: datetime) -> bool:
        """Whether there was something to cancel."""
        return self._write(id, ("queued", "running"), {"state": "cancelled", "ended_at": at})

    def _write(self, id: str, states: tuple[str, ...], values: Mapping[str, Any]) -> bool:
        # One conditional statement: between a look and a write somebody else could press the button.
        with self.engine.begin() as connection:
            done: int = connection.execute(
                update(t).where(*self._this(id), t.c.state.in_(states)).values(**values)
            ).rowcount
        return done == 1

    def _this(self, id: str) -> tuple[Any, ...]:
        return t.c.id == id, t.c.instance == self._instance, t.c.job == self._job


def _read(row: Any) -> Progress:
    return Progress(**{name: value for name, value in row._mapping.items() if name != "instance"})
