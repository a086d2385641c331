"""The last forms of drafts in SQL, to go back to and forth."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Engine, select

from .desk_tables import draft_steps as t
from .dialects import insert_into, start_writing

Forms = list[dict[str, Any]]


class Kept(msgspec.Struct, frozen=True):
    """`back` and `forth`: forms, the nearest last. `tab`: the page that saved the draft last."""

    back: Forms = []
    forth: Forms = []
    tab: str = ""


class SQLSteps:
    """One instance's. Who loses a race here loses a step, never what was typed."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def load(self, id: str) -> Kept:
        query = select(t).where(t.c.instance == self._instance, t.c.id == id)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return Kept()
        return Kept(msgspec.json.decode(row.back), msgspec.json.decode(row.forth), row.tab)

    def keep(self, id: str, kept: Kept) -> None:
        row = {
            "back": msgspec.json.encode(kept.back).decode(),
            "forth": msgspec.json.encode(kept.forth).decode(),
            "tab": kept.tab,
        }
        with self.engine.begin() as connection:
            start_writing(connection)
            made = insert_into(connection, t).values(instance=self._instance, id=id, **row)
            connection.execute(made.on_conflict_do_update(index_elements=["instance", "id"], set_=row))
