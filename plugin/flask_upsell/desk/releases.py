"""What goes live, and what was live before."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Engine, insert, select

from ..adapters.audit import actor
from ..adapters.desk_tables import revisions as t
from ..core.roles import Person
from ..core.rulebook import Changes, RuleBook
from ..errors import BadInput
from ..offers import Offers
from .drafts import Draft, Drafts, Part, merged


class Revision(msgspec.Struct, frozen=True):
    revision: int
    at: datetime
    who: str
    why: str
    changes: Changes


class Releases:
    def __init__(self, engine: Engine, instance: str, offers: Offers, drafts: Drafts) -> None:
        self.engine, self._instance, self._offers, self._drafts = engine, instance, offers, drafts

    def publish(self, changes: Sequence[tuple[Draft, Part]], by: Person, why: str = "") -> Changes:
        revision = self._offers.rules.revision()
        done = self._save(merged(self._offers.rules.load(), changes), revision, why)
        for draft, _ in changes:
            self._drafts.drop(draft.id)
        return done

    def all(self) -> list[Revision]:
        c = t.c
        query = select(c.revision, c.at, c.who, c.why, c.changes).where(c.instance == self._instance)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(c.revision.desc())).all()
        return [Revision(*row[:4], msgspec.json.decode(row.changes, type=Changes)) for row in rows]

    def book(self, revision: int) -> RuleBook:
        query = select(t.c.book).where(t.c.instance == self._instance, t.c.revision == revision)
        with self.engine.connect() as connection:
            found = connection.execute(query).scalar_one_or_none()
        if found is None:
            raise BadInput("revision", f"there is no revision {revision}")
        return RuleBook.decode(zlib.decompress(found))

    def rollback(self, revision: int, by: Person, why: str = "") -> Changes:
        return self._save(self.book(revision), self._offers.rules.revision(), why)

    def _save(self, book: RuleBook, expected: int, why: str) -> Changes:
        at = self._offers.clock()
        done = self._offers.rules.save(book, at, expected)
        if done.revision != expected:
            told = msgspec.json.encode(done).decode()
            packed = zlib.compress(msgspec.json.encode(book))
            row = {"revision": done.revision, "at": at, "who": actor().who, "why": why, "changes": told, "book": packed}
            with self.engine.begin() as connection:
                connection.execute(insert(t).values(instance=self._instance, **row))
        self._offers.publish_rules()
        return done
