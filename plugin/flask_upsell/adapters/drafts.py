"""Drafts in SQL: rows that two people may write at once, of whom one is told."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, select, update

from ..core.words import objection
from ..errors import BadInput, StaleError
from .audit import actor
from .desk_tables import draft_steps
from .desk_tables import drafts as t
from .dialects import insert_into, start_writing

#: A draft is autosaved often and is not live: the audit hears of what is published from it.


class Draft(msgspec.Struct, frozen=True):
    """What somebody is writing of a `kind` ("rule", "season", "ladder").

    `origin`: the name of the live part that it changes, "" for a new one; `base`: the book's revision when it was
    begun. `action`: "put", or "remove" for one that takes the live part away. `state`: "open" or "review". `written`:
    the form that files have, every value a text, finished or not. `author` began it, `writer` saved it last, `writers`
    are all who ever did; `version` counts savings.
    """

    id: str
    kind: str
    origin: str
    base: int
    action: str
    state: str
    written: dict[str, Any]
    note: str
    author: str
    writer: str
    version: int
    made_at: datetime
    updated_at: datetime
    writers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called now."""
        name = self.written.get("name")
        return name if isinstance(name, str) and name.strip() else self.origin


class SQLDrafts:
    """One instance's. Whoever acts (adapters.audit) is the author or writer."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def all(self) -> list[Draft]:
        """The last saved first."""
        query = select(t).where(t.c.instance == self._instance).order_by(t.c.updated_at.desc(), t.c.id)
        with self.engine.connect() as connection:
            return [_read(row) for row in connection.execute(query)]

    def find(self, id: str) -> Draft | None:
        with self.engine.connect() as connection:
            row = connection.execute(select(t).where(t.c.instance == self._instance, t.c.id == id)).first()
        return _read(row) if row is not None else None

    def of(self, kind: str, origin: str) -> Draft | None:
        """The draft that changes this live part."""
        which = (t.c.instance == self._instance, t.c.kind == kind, t.c.origin == origin, t.c.origin != "")
        with self.engine.connect() as connection:
            row = connection.execute(select(t).where(*which).order_by(t.c.made_at)).first()
        return _read(row) if row is not None else None

    def make(
        self, kind: str, origin: str, base: int, written: dict[str, Any], at: datetime, action: str = "put"
    ) -> Draft:
        """Begin one; the one that is there already for the same live part, when somebody was first."""
        row = {
            "instance": self._instance, "id": token_hex(6), "kind": kind, "origin": origin, "base": base,
            "action": action, "state": "open", "body": _text(written), "note": "", "author": actor().who,
            "writer": actor().who, "writers": _names(actor().who), "version": 1, "made_at": at, "updated_at": at,
        }  # fmt: skip
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(insert_into(connection, t).values(**row).on_conflict_do_nothing())
        found = self.of(kind, origin) if origin else self.find(str(row["id"]))
        if found is None:
            raise BadInput("draft", objection("it is gone already"))
        return found

    def save(self, id: str, version: int, at: datetime, **values: Any) -> Draft:
        """Change `written`, `note`, `state` or `action` of the draft as it was at `version`.

        Raises StaleError, with the draft as it is, when somebody else has saved it meanwhile, and BadInput when it is
        gone.
        """
        columns = {("body" if name == "written" else name): value for name, value in values.items()}
        if "body" in columns:
            columns["body"] = _text(columns["body"])
        this = (t.c.instance == self._instance, t.c.id == id)
        with self.engine.begin() as connection:
            start_writing(connection)
            written = select(t.c.writers).where(*this, t.c.version == version)
            before = msgspec.json.decode(connection.execute(written).scalar_one_or_none() or "[]", type=list[str])
            who = {"writer": actor().who, "writers": _names(*before, actor().who)}
            done = connection.execute(
                update(t)
                .where(*this, t.c.version == version)
                .values(**columns, **who, version=version + 1, updated_at=at)
            ).rowcount
            row = connection.execute(select(t).where(*this)).first()
        if row is None:
            raise BadInput("draft", objection("it was published or thrown away meanwhile"))
        found = _read(row)
        if done != 1:
            raise StaleError(objection("{writer} has saved this draft meanwhile", writer=found.writer), current=found)
        return found

    def drop(self, id: str, version: int | None = None) -> bool:
        """Throw it away, only as it was at `version` when one is given; whether it was there."""
        which = [t.c.instance == self._instance, t.c.id == id, *([] if version is None else [t.c.version == version])]
        steps = draft_steps.c
        with self.engine.begin() as connection:
            gone: int = connection.execute(delete(t).where(*which)).rowcount
            if gone:
                connection.execute(delete(draft_steps).where(steps.instance == self._instance, steps.id == id))
        return gone == 1


def _names(*who: str) -> str:
    return msgspec.json.encode(list(dict.fromkeys(who))).decode()


def _text(written: dict[str, Any]) -> str:
    return msgspec.json.encode(written).decode()


def _read(row: Any) -> Draft:
    return Draft(
        row.id, row.kind, row.origin, row.base, row.action, row.state, msgspec.json.decode(row.body), row.note,
        row.author, row.writer, row.version, row.made_at, row.updated_at, tuple(msgspec.json.decode(row.writers)),
    )  # fmt: skip
