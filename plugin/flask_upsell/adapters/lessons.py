"""What was learned, in SQL, so that a book can be published again from the ledger alone.

A learning is written under its own id, some rows at a time, so that no order waits for it; then it is made live in one
short transaction. Whatever is killed before that leaves the live one as it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from secrets import token_hex
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from ..core.lessons import Forgotten, Lead, Lesson, Member
from ..core.taste import Bought, Habits, Model
from ..errors import LearnError
from .dialects import start_writing
from .lesson_tables import counted, recents
from .lesson_tables import learnings as g
from .lesson_tables import lessons as t
from .recent import NEVER

LEAD, CROWD, HABITS = "lead", "crowd", "habits"
#: In the figures of one that is being written: who was forgotten meanwhile.
GONE = "gone"
#: Rows that are written, or removed, in one transaction; names in one query.
CHUNK = 500
#: A learning that did not become live for so long never will.
ABANDONED = timedelta(hours=12)

_encode = msgspec.msgpack.Encoder().encode
_lead = msgspec.msgpack.Decoder(Lead).decode
_member = msgspec.msgpack.Decoder(Member).decode
_habits = msgspec.msgpack.Decoder(Habits).decode
_model = msgspec.msgpack.Decoder(Model).decode


class SQLLessons:
    """See core.lessons.Lessons. One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    # --- writing -----------------------------------------------------------------------------------------------------

    def begin(self, run: str, at: datetime) -> str:
        self._sweep(run, at - ABANDONED)
        id = f"{run[:40]}:{token_hex(4)}"
        row = {"instance": self._instance, "id": id, "state": "writing", "figures": {}, "began_at": at}
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(insert(g).values(row))
        return id

    def write(self, id: str, leads: Iterable[tuple[str, Lead]]) -> None:
        self._write(id, LEAD, ((ref, "", lead) for ref, lead in leads))

    def write_people(self, id: str, crowd: Iterable[Member], habits: Iterable[tuple[str, Habits]]) -> None:
        self._write(id, CROWD, ((str(each.number), each.customer, each) for each in crowd))
        self._write(id, HABITS, ((name, name, each) for name, each in habits))

    def _write(self, id: str, kind: str, rows: Iterable[tuple[str, str, object]]) -> None:
        rest = iter(rows)
        while chunk := list(islice(rest, CHUNK)):
            each = {"instance": self._instance, "learning": id, "kind": kind}
            values = [
                {**each, "name": name, "customer": customer, "body": _packed(body)} for name, customer, body in chunk
            ]
            with self.engine.begin() as connection:
                start_writing(connection)
                connection.execute(insert(t), values)
                more = update(g).where(*self._this(id)).values(lessons=g.c.lessons + len(values))
                if not connection.execute(more).rowcount:
                    raise _gone(id)

    def finish(self, id: str, model: Model, figures: Mapping[str, Any]) -> None:
        with self.engine.begin() as connection:
            start_writing(connection)
            # Held until the end: whoever is forgotten from now on is taken out of the live one.
            written = connection.execute(
                select(g.c.lessons, g.c.figures).where(*self._this(id)).with_for_update()
            ).first()
            there = connection.execute(
                select(func.count()).select_from(t).where(t.c.instance == self._instance, t.c.learning == id)
            ).scalar_one()
            if written is None or written.lessons != there:
                raise _gone(id)
            live = (g.c.instance == self._instance, g.c.state == "live")
            over = recents.c.seen_by.in_(select(g.c.id).where(*live))
            connection.execute(delete(recents).where(recents.c.instance == self._instance, over))
            connection.execute(update(g).where(*live, g.c.id != id).values(state="gone"))
            values = {"state": "live", "model": _packed(model), "figures": dict(figures)}
            connection.execute(update(g).where(*self._this(id)).values(values))
            # What it has not seen is to be added to what it counted.
            later = (recents.c.instance == self._instance, recents.c.seen_by != id)
            connection.execute(update(recents).where(*later).values(folded_in="", folded_at=NEVER))
            self._forget(connection, written.figures.get(GONE, []))
        self._sweep()

    def drop(self, id: str) -> None:
        self._remove(id)

    def _sweep(self, run: str = "", before: datetime | None = None) -> None:
        """Remove what is live no more; and what began `before`, or in an earlier try of this run, and never was."""
        old = g.c.state == "gone"
        if before is not None:
            tried = g.c.id.startswith(f"{run[:40]}:", autoescape=True)
            old = old | ((g.c.state == "writing") & ((g.c.began_at < before) | tried))
        with self.engine.connect() as connection:
            ids = connection.execute(select(g.c.id).where(g.c.instance == self._instance, old)).scalars().all()
        for id in ids:
            self._remove(id)

    def _remove(self, id: str) -> None:
        """Its row first: who still writes it finds that out."""
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(delete(g).where(*self._this(id)))
        key = (t.c.kind, t.c.name)
        while True:
            mine = (t.c.instance == self._instance, t.c.learning == id)
            with self.engine.begin() as connection:
                start_writing(connection)
                some = connection.execute(select(*key).where(*mine).limit(CHUNK)).all()
                for kind in {row.kind for row in some}:
                    names = [row.name for row in some if row.kind == kind]
                    connection.execute(delete(t).where(*mine, t.c.kind == kind, t.c.name.in_(names)))
            if len(some) < CHUNK:
                break
        with self.engine.begin() as connection:
            start_writing(connection)
            mine = (counted.c.instance == self._instance, counted.c.learning == id)
            connection.execute(delete(counted).where(*mine))

    # --- reading -----------------------------------------------------------------------------------------------------

    def live(self) -> Lesson | None:
        with self.engine.connect() as connection:
            row = connection.execute(select(g).where(g.c.instance == self._instance, g.c.state == "live")).first()
        return None if row is None else Lesson(row.id, row.revision, _model(zlib.decompress(row.model)), row.figures)

    def leads(self, id: str) -> Iterator[tuple[str, Lead]]:
        for name, body in self._read(id, LEAD):
            yield name, _lead(zlib.decompress(body))

    def some(self, id: str, refs: Collection[str]) -> dict[str, Lead]:
        return {name: _lead(zlib.decompress(body)) for name, body in self._named(id, LEAD, refs)}

    def crowd(self, id: str) -> Iterator[tuple[str, Bought]]:
        for name, body in self._read(id, CROWD):
            yield name, _member(zlib.decompress(body)).bought

    def habits(self, id: str) -> Iterator[tuple[str, Habits]]:
        for name, body in self._read(id, HABITS):
            yield name, _habits(zlib.decompress(body))

    def own(self, id: str, customers: Collection[str]) -> dict[str, Habits]:
        return {name: _habits(zlib.decompress(body)) for name, body in self._named(id, HABITS, customers)}

    def _named(self, id: str, kind: str, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        every = list(names)
        mine = (t.c.instance == self._instance, t.c.learning == id, t.c.kind == kind)
        with self.engine.connect() as connection:
            for start in range(0, len(every), CHUNK):
                query = select(t.c.name, t.c.body).where(*mine, t.c.name.in_(every[start : start + CHUNK]))
                yield from map(tuple, connection.execute(query))

    def _read(self, id: str, kind: str) -> Iterator[tuple[str, bytes]]:
        mine = (t.c.instance == self._instance, t.c.learning == id, t.c.kind == kind)
        with self.engine.connect() as connection:
            for row in connection.execution_options(yield_per=CHUNK).execute(select(t.c.name, t.c.body).where(*mine)):
                yield row.name, row.body

    # --- erasing -----------------------------------------------------------------------------------------------------

    def forget(self, customers: Collection[str]) -> Forgotten:
        people = sorted(set(customers))
        with self.engine.begin() as connection:
            start_writing(connection)
            # Their rows may be on their way into one that is being written.
            coming = select(g.c.id, g.c.figures).where(g.c.instance == self._instance, g.c.state == "writing")
            for id, figures in connection.execute(coming.with_for_update()).all():
                gone = {**figures, GONE: sorted({*figures.get(GONE, []), *people})}
                connection.execute(update(g).where(*self._this(id)).values(figures=gone))
            members, rows = self._forget(connection, people)
            live = (
                connection.execute(
                    select(g.c.id).where(g.c.instance == self._instance, g.c.state == "live")
                ).scalar_one_or_none()
                or ""
            )
        return Forgotten(live, tuple(people), members, rows)

    def _forget(self, connection: Connection, people: Sequence[str]) -> tuple[dict[int, tuple[str, ...]], int]:
        """Remove their rows; (members of the live one with the products whose buyers named them, how many rows)."""
        members, rows = dict[int, tuple[str, ...]](), 0
        for start in range(0, len(people), CHUNK):
            theirs = (t.c.instance == self._instance, t.c.customer.in_(people[start : start + CHUNK]))
            named = connection.execute(select(t.c.learning, t.c.body).where(*theirs, t.c.kind == CROWD)).all()
            for learning, body in named:
                member = _member(zlib.decompress(body))
                self._unname(connection, learning, member)
                if self._is_live(connection, learning):
                    members[member.number] = member.asked_for
            for learning, gone in connection.execute(
                select(t.c.learning, func.count()).where(*theirs).group_by(t.c.learning)
            ).all():
                fewer = {"lessons": g.c.lessons - gone, "revision": g.c.revision + 1}
                connection.execute(update(g).where(*self._this(learning)).values(fewer))
            rows += connection.execute(delete(t).where(*theirs)).rowcount
        return members, rows

    def _unname(self, connection: Connection, learning: str, member: Member) -> None:
        """Take a member of the crowd out of what products lead to."""
        refs = list(member.asked_for)
        for start in range(0, len(refs), CHUNK):
            these = (t.c.instance == self._instance, t.c.learning == learning, t.c.kind == LEAD)
            some = t.c.name.in_(refs[start : start + CHUNK])
            for name, body in connection.execute(select(t.c.name, t.c.body).where(*these, some)).all():
                lead = _lead(zlib.decompress(body))
                buyers = tuple([each for each in lead.leads.buyers if each[0] != member.number])
                left = msgspec.structs.replace(lead, leads=msgspec.structs.replace(lead.leads, buyers=buyers))
                connection.execute(update(t).where(*these, t.c.name == name).values(body=_packed(left)))

    def _is_live(self, connection: Connection, learning: str) -> bool:
        return connection.execute(select(g.c.state).where(*self._this(learning))).scalar_one_or_none() == "live"

    def _this(self, id: str) -> tuple[Any, ...]:
        return g.c.instance == self._instance, g.c.id == id


def _packed(body: object) -> bytes:
    return zlib.compress(_encode(body), 1)


def _gone(id: str) -> LearnError:
    return LearnError(f"what was learned ({id}) is not whole: another learning took its place; learn again")
