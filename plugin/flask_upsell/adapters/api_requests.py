"""Requests of the API that must not be done twice, in SQL: what was answered, for as long as a sender may try again."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, select, update

from .desk_tables import api_requests as t
from .dialects import insert_into, start_writing

#: Who has not ended by then has been killed; the next one may try.
GIVE_UP = timedelta(minutes=5)


class Answered(msgspec.Struct, frozen=True):
    """What a request was answered: a status, the body as JSON, and headers."""

    status: int
    body: str
    location: str = ""
    etag: str = ""


class Taken(StrEnum):
    """Why a request with this key is not to be done: another one is under way, or had the key for something else."""

    BUSY = "busy"
    OTHER = "other"


class SQLRequests:
    """One instance's. A request is known by who sends it and his key."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def begin(self, who: str, key: str, request: str, at: datetime) -> Answered | Taken | None:
        """None: go on, and `end` or `drop` it. `request` is a hash of what is asked for."""
        mine = self._mine(who, key)
        row = {"instance": self._instance, "who": who, "key": key, "request": request, "created_at": at}
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(delete(t).where(*mine, t.c.status.is_(None), t.c.created_at < at - GIVE_UP))
            made = insert_into(connection, t).values(**row)
            if connection.execute(made.on_conflict_do_nothing().returning(t.c.key)).first() is not None:
                return None
            found = connection.execute(select(t).where(*mine)).first()
        if found is None:
            return Taken.BUSY
        if found.request != request:
            return Taken.OTHER
        if found.status is None:
            return Taken.BUSY
        body, location = msgspec.json.decode(found.answer, type=tuple[str, str])
        return Answered(found.status, body, location, found.etag or "")

    def end(self, who: str, key: str, answered: Answered) -> None:
        """It was done, and answered so."""
        values = {
            "status": answered.status,
            "answer": msgspec.json.encode((answered.body, answered.location)).decode(),
            "etag": answered.etag[:80] or None,
        }
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(update(t).where(*self._mine(who, key)).values(values))

    def drop(self, who: str, key: str) -> None:
        """It was not done: the same may be asked again."""
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(delete(t).where(*self._mine(who, key), t.c.status.is_(None)))

    def _mine(self, who: str, key: str) -> tuple[ColumnElement[bool], ...]:
        return (t.c.instance == self._instance, t.c.who == who, t.c.key == key)
