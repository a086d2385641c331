"""The rules in SQL: one row for each rule, season and ladder, and one for the whole book's revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, Select, Table, delete, insert, literal, select, union_all, update

from ..core.rule import Rule, Status
from ..core.rulebook import Changes, RuleBook
from ..core.season import Season
from ..core.words import objection, reason
from ..errors import BadInput, RuleError
from . import tables as t
from .audit import Entry, SQLAudit
from .dialects import insert_into
from .revisions import SQLRevisions

#: Kind -> its table and what a row's body holds.
PARTS: dict[str, tuple[Table, Any]] = {
    "rule": (t.rules, Rule),
    "season": (t.seasons, Season),
    "ladder": (t.ladders, tuple[str, ...]),
}


class SQLRules:
    """See core.ports.Rules. Every change is a row of the audit, and a revision with the whole book as it then is, in
    the same transaction."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit | None = None) -> None:
        self.engine = engine
        self._instance = instance
        self._audit = audit or SQLAudit(engine, instance)
        self._revisions = SQLRevisions(engine, instance)

    def load(self) -> RuleBook:
        # One statement: several would see the work of a saving between them.
        query = union_all(
            *(
                select(literal(kind).label("kind"), table.c.name, table.c.position, table.c.body).where(
                    table.c.instance == self._instance
                )
                for kind, (table, _) in PARTS.items()
            )
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by("kind", "position")).all()
        found: dict[str, dict[str, Any]] = {kind: {} for kind in PARTS}
        for row in rows:
            found[row.kind][row.name] = _read(row.kind, row.name, row.body)
        return RuleBook(
            rules=tuple(found["rule"].values()), seasons=tuple(found["season"].values()), ladders=found["ladder"]
        )

    def revision(self) -> int:
        with self.engine.connect() as connection:
            return connection.execute(self._revision()).scalar_one_or_none() or 0

    def changed(self) -> dict[str, datetime]:
        c = t.rules.c
        with self.engine.connect() as connection:
            rows = connection.execute(select(c.name, c.updated_at).where(c.instance == self._instance)).all()
        return {row.name: row.updated_at for row in rows}

    def changed_at(self) -> datetime | None:
        query = select(t.rulebooks.c.updated_at).where(t.rulebooks.c.instance == self._instance)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def save(self, book: RuleBook, at: datetime, expected: int | None = None, writers: Sequence[str] = ()) -> Changes:
        added: list[str] = []
        changed: list[str] = []
        removed: list[str] = []
        entries: list[Entry] = []
        with self._writing() as (connection, revision):
            if expected is not None and expected != revision:
                raise RuleError(
                    objection(
                        "the rules are at revision {revision} now, not at {expected} any more",
                        revision=revision,
                        expected=expected,
                    ),
                    stale=True,
                )
            for kind, parts in _parts(book).items():
                before = self._rows(connection, kind)
                new, other, gone = _compare(before, parts)
                if new or other or gone:
                    self._replace(connection, kind, before, parts, {*new, *other}, revision + 1, at)
                added += [f"{kind} {name}" for name in new]
                changed += [f"{kind} {name}" for name in other]
                removed += [f"{kind} {name}" for name in gone]
                entries += _entries(kind, before, parts, [*new, *other, *gone])
            if entries:
                revision = self._advance(connection, revision, at)
            changes = Changes(revision, tuple(added), tuple(changed), tuple(removed))
            if entries:
                self._revisions.keep(connection, changes, msgspec.json.encode(book), at, writers)
                self._audit.append(connection, *entries, at=at)
        return changes

    def set_status(self, name: str, status: Status, at: datetime) -> Changes:
        c = t.rules.c
        this = (c.instance == self._instance, c.name == name)
        with self._writing() as (connection, revision):
            body = connection.execute(select(c.body).where(*this)).scalar_one_or_none()
            if body is None:
                raise BadInput("rule", objection("no rule is named {name}", name=repr(name)))
            rule: Rule = _read("rule", name, body)
            if rule.status is status:
                return Changes(revision)
            revision = self._advance(connection, revision, at)
            columns = _columns(msgspec.structs.replace(rule, status=status))
            connection.execute(update(t.rules).where(*this).values(**columns, revision=revision, updated_at=at))
            changes = Changes(revision, changed=(f"rule {name}",))
            self._revisions.keep(connection, changes, self._written(connection), at)
            self._audit.append(connection, Entry("rule changed", name, body, columns["body"]), at=at)
        return changes

    # --- one writer at a time --------------------------------------------------------------------------------------

    def _revision(self) -> Select[int]:
        return select(t.rulebooks.c.revision).where(t.rulebooks.c.instance == self._instance)

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, int]]:
        """A transaction that holds the book's row, and the revision in it. It writes first: see `dialects`."""
        self._audit.ready()
        with self.engine.begin() as connection:
            connection.execute(
                insert_into(connection, t.rulebooks)
                .values(instance=self._instance, revision=0)
                .on_conflict_do_nothing(index_elements=["instance"])
            )
            yield connection, connection.execute(self._revision().with_for_update()).scalar_one()

    def _advance(self, connection: Connection, revision: int, at: datetime) -> int:
        book = update(t.rulebooks).where(t.rulebooks.c.instance == self._instance)
        connection.execute(book.values(revision=revision + 1, updated_at=at))
        return revision + 1

    def _rows(self, connection: Connection, kind: str) -> dict[str, Row[Any]]:
        table = PARTS[kind][0]
        query = select(table).where(table.c.instance == self._instance).order_by(table.c.position)
        return {row.name: row for row in connection.execute(query)}

    def _written(self, connection: Connection) -> bytes:
        """The book's JSON as its rows have it: one of them that cannot be read keeps nobody from pausing another."""
        rules, seasons, ladders = (
            {name: msgspec.Raw(row.body.encode()) for name, row in self._rows(connection, kind).items()}
            for kind in ("rule", "season", "ladder")
        )
        return msgspec.json.encode(
            {"rules": list(rules.values()), "seasons": list(seasons.values()), "ladders": ladders}
        )

    def _replace(
        self,
        connection: Connection,
        kind: str,
        before: Mapping[str, Row[Any]],
        parts: Mapping[str, Any],
        touched: set[str],
        revision: int,
        at: datetime,
    ) -> None:
        """All rows of a kind, as positions move; those that are not touched keep their revision and time."""
        table = PARTS[kind][0]
        connection.execute(delete(table).where(table.c.instance == self._instance))
        rows = [
            {
                "instance": self._instance,
                "name": name,
                "position": position,
                "revision": revision if name in touched else before[name].revision,
                "updated_at": at if name in touched else before[name].updated_at,
                **_columns(part),
            }
            for position, (name, part) in enumerate(parts.items())
        ]
        if rows:
            connection.execute(insert(table), rows)


def _parts(book: RuleBook) -> dict[str, dict[str, Any]]:
    """Kind -> name -> part, in the order that is kept; ladders have none of their own."""
    return {
        "rule": {rule.name: rule for rule in book.rules},
        "season": {season.name: season for season in book.seasons},
        "ladder": dict(sorted(book.ladders.items())),
    }


def _columns(part: Any) -> dict[str, str]:
    columns = {"body": msgspec.json.encode(part).decode()}
    return {**columns, "status": part.status.value} if isinstance(part, Rule) else columns


def _read(kind: str, name: str, body: str) -> Any:
    try:
        return msgspec.json.decode(body, type=PARTS[kind][1])
    except (ValueError, RecursionError) as error:
        raise RuleError(
            objection("{kind} {name} cannot be read: {error}", kind=kind, name=repr(name), error=reason(error)),
            rule=name,
        ) from error


def _compare(before: Mapping[str, Row[Any]], parts: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Names that are new, changed and gone. Texts are compared: a row that cannot be read can so be replaced."""
    stayed = [name for name in parts if name in before]
    moved = {now for now, then in zip(stayed, [name for name in before if name in parts], strict=True) if now != then}
    return (
        [name for name in parts if name not in before],
        [name for name in stayed if name in moved or before[name].body != _columns(parts[name])["body"]],
        [name for name in before if name not in parts],
    )


def _entries(kind: str, before: Mapping[str, Row[Any]], parts: Mapping[str, Any], names: Iterable[str]) -> list[Entry]:
    """What the audit says of parts that are new, changed, moved or gone."""
    places = {name: place for place, name in enumerate(parts)}
    found = []
    for name in names:
        then = before[name].body if name in before else ""
        now = _columns(parts[name])["body"] if name in parts else ""
        if then == now:
            where = [msgspec.json.encode({"position": at}).decode() for at in (before[name].position, places[name])]
            found.append(Entry(f"{kind} moved", name, *where))
        else:
            how = "added" if not then else "removed" if not now else "changed"
            found.append(Entry(f"{kind} {how}", name, then, now))
    return found
