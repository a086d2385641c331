"""What comes from files, in SQL: uploads that wait for their import, order lines, decisions on pairs, drafts; each
written in one transaction, or not at all. And what goes out into files, as streams."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from ..errors import StaleError
from . import tables as t
from .audit import Entry, SQLAudit, actor
from .desk_tables import catalogue, drafts, imported_lines, uploads, verdicts
from .dialects import insert_into, start_writing

#: Values of one statement; rows of one.
REFS, ROWS = 500, 5000
#: Kind, antecedent, consequent.
Key = tuple[str, str, str]
#: Order, product, quantity, price of one (minor units), customer (a pseudonym), instant.
Line = tuple[str, str, int, int, str, datetime]


class Upload(msgspec.Struct, frozen=True):
    """A file that was read and waits. `run`: the background run that imports it, "" for none."""

    id: str
    what: str
    name: str
    who: str
    at: datetime
    run: str
    content: bytes


class Imported(msgspec.Struct, frozen=True):
    """The order lines that are there; `first` and `last` are when the orders were placed."""

    orders: int = 0
    lines: int = 0
    first: datetime | None = None
    last: datetime | None = None


class SQLImports:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.engine, self._instance, self._audit = engine, instance, audit

    def _mine(self, table: Table, *which: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
        return (table.c.instance == self._instance, *which)

    # --- uploads -----------------------------------------------------------------------------------------------------

    def keep(self, what: str, name: str, content: bytes, at: datetime) -> str:
        """Keep what was read, in place of what this person had uploaded of the kind before; returns its id."""
        id, who, u = token_hex(8), actor().who, uploads.c
        row = {"what": what, "name": name[:200], "who": who, "at": at, "run": "", "content": zlib.compress(content, 1)}
        with self.engine.begin() as connection:
            start_writing(connection)
            before = self._mine(uploads, u.who == who, u.what == what, u.run == "")
            connection.execute(delete(uploads).where(*before))
            connection.execute(insert(uploads).values(instance=self._instance, id=id, **row))
        return id

    def upload(self, id: str) -> Upload | None:
        with self.engine.connect() as connection:
            row = connection.execute(select(uploads).where(*self._mine(uploads, uploads.c.id == id))).first()
        if row is None:
            return None
        return Upload(row.id, row.what, row.name, row.who, row.at, row.run, zlib.decompress(row.content))

    def drop(self, id: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(uploads).where(*self._mine(uploads, uploads.c.id == id)))

    def claim(self, id: str, run: str) -> bool:
        """Say that this run imports it; False when another one does, or it is gone. "": none does any more."""
        free = () if not run else (uploads.c.run == "",)
        with self.engine.begin() as connection:
            which = self._mine(uploads, uploads.c.id == id, *free)
            return connection.execute(update(uploads).where(*which).values(run=run)).rowcount == 1

    def _take(self, connection: Connection, id: str) -> bool:
        """Remove an upload as part of what imports it: so it is imported once, whoever else tries."""
        return connection.execute(delete(uploads).where(*self._mine(uploads, uploads.c.id == id))).rowcount == 1

    # --- orders ------------------------------------------------------------------------------------------------------

    def lines_of(self, orders: Collection[str]) -> dict[str, list[Line]]:
        """The lines that are there of these orders, REFS of them at most."""
        c = imported_lines.c
        columns = (c.order_ref, c.product, c.quantity, c.unit_price, c.customer, c.placed_at)
        query = select(*columns).where(*self._mine(imported_lines, c.order_ref.in_(list(orders))))
        found: dict[str, list[Line]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(query.order_by(c.order_ref, c.position)):
                found.setdefault(row[0], []).append(tuple(row))
        return found

    def put_orders(self, id: str, name: str, lines: Sequence[Line], figures: Mapping[str, int], at: datetime) -> bool:
        """Write these lines in place of those that are there of the same orders; False when the upload was imported
        before. The lines of an order follow each other."""
        self._audit.ready()
        c = imported_lines.c
        refs = list(dict.fromkeys(line[0] for line in lines))
        with self.engine.begin() as connection:
            start_writing(connection)
            if not self._take(connection, id):
                return False
            for start in range(0, len(refs), REFS):
                some = refs[start : start + REFS]
                connection.execute(delete(imported_lines).where(*self._mine(imported_lines, c.order_ref.in_(some))))
            names, position, before = ("order_ref", "product", "quantity", "unit_price", "customer", "placed_at"), 0, ""
            rows: list[dict[str, Any]] = []
            for line in lines:
                position, before = (position + 1 if line[0] == before else 0), line[0]
                rows.append(dict(zip(names, line, strict=True), instance=self._instance, position=position))
                if len(rows) == ROWS:
                    connection.execute(insert(imported_lines), rows)
                    rows = []
            if rows:
                connection.execute(insert(imported_lines), rows)
            self._audit.append(connection, Entry("orders imported", name, "", _text(figures)), at=at)
        return True

    def remove_orders(self, at: datetime) -> Imported:
        """All of them; returns what there was."""
        self._audit.ready()
        with self.engine.begin() as connection:
            start_writing(connection)
            before = self._imported(connection)
            if before.lines:
                connection.execute(delete(imported_lines).where(*self._mine(imported_lines)))
                figures = {"orders": before.orders, "lines": before.lines}
                self._audit.append(connection, Entry("imported orders removed", "", _text(figures)), at=at)
        return before

    def imported(self) -> Imported:
        with self.engine.connect() as connection:
            return self._imported(connection)

    def _imported(self, connection: Connection) -> Imported:
        c = imported_lines.c
        columns = (func.count(c.order_ref.distinct()), func.count(), func.min(c.placed_at), func.max(c.placed_at))
        return Imported(*connection.execute(select(*columns).where(*self._mine(imported_lines))).one())

    def any_lines(self) -> bool:
        with self.engine.connect() as connection:
            return (
                connection.execute(
                    select(imported_lines.c.order_ref).where(*self._mine(imported_lines)).limit(1)
                ).first()
                is not None
            )

    def lines(self) -> Iterator[Line]:
        """All of them; a stream."""
        c = imported_lines.c
        columns = (c.order_ref, c.product, c.quantity, c.unit_price, c.customer, c.placed_at)
        with self.engine.connect() as connection:
            rows = connection.execution_options(yield_per=ROWS).execute(
                select(*columns).where(*self._mine(imported_lines))
            )
            for row in rows:
                yield tuple(row)

    # --- products ----------------------------------------------------------------------------------------------------

    def known(self, refs: Collection[str]) -> set[str]:
        """Those of these references that were published."""
        every, found = list(refs), set[str]()
        with self.engine.connect() as connection:
            for start in range(0, len(every), REFS):
                some = catalogue.c.ref.in_(every[start : start + REFS])
                found.update(connection.execute(select(catalogue.c.ref).where(*self._mine(catalogue, some))).scalars())
        return found

    def currency(self) -> str:
        """That of the published catalogue; "" while there is none."""
        with self.engine.connect() as connection:
            return (
                connection.execute(select(catalogue.c.currency).where(*self._mine(catalogue)).limit(1)).scalar() or ""
            )

    # --- pairs -------------------------------------------------------------------------------------------------------

    def decided(self) -> dict[Key, tuple[str, str]]:
        """(verdict, reason) of all that somebody decided."""
        with self.engine.connect() as connection:
            return self._decided(connection)

    def _decided(self, connection: Connection) -> dict[Key, tuple[str, str]]:
        c = verdicts.c
        query = select(c.kind, c.antecedent, c.consequent, c.verdict, c.why).where(*self._mine(verdicts))
        return {(row[0], row[1], row[2]): (row[3], row[4]) for row in connection.execute(query)}

    def put_pairs(
        self, id: str, said: Mapping[Key, tuple[str, str]], before: Mapping[Key, tuple[str, str]], at: datetime
    ) -> bool:
        """Write what differs; "" takes a decision back. False when the upload was imported before. Raises StaleError
        when the decisions on these pairs are not what they were (`before`)."""
        self._audit.ready()
        who, c, entries = actor().who, verdicts.c, list[Entry]()
        put, gone = list[dict[str, str]](), list[dict[str, str]]()
        with self.engine.begin() as connection:
            start_writing(connection)
            now = self._decided(connection)
            if any(now.get(key) != before.get(key) for key in said):
                raise StaleError("somebody else decided some of these pairs meanwhile")
            if not self._take(connection, id):
                return False
            for key, (verdict, why) in said.items():
                was = now.get(key)
                if (was or ("", ""))[0] == verdict and (not verdict or was == (verdict, why)):
                    continue
                kind, one, other = key
                if verdict:
                    put.append({"kind": kind, "antecedent": one, "consequent": other, "verdict": verdict, "why": why})
                else:
                    gone.append({"k": kind, "a": one, "b": other})
                pair = {"kind": kind, "antecedent": one, "consequent": other}
                texts = [
                    _text({**pair, "verdict": each[0], "why": each[1]}) if each and each[0] else ""
                    for each in (was, (verdict, why))
                ]
                entries.append(Entry("verdict changed", f"{one} > {other}", *texts))
            if put:
                made = insert_into(connection, verdicts)
                changed = {name: made.excluded[name] for name in ("verdict", "who", "why", "at")}
                columns = ["instance", "kind", "antecedent", "consequent"]
                row = {"instance": self._instance, "who": who, "at": at}
                statement = made.on_conflict_do_update(index_elements=columns, set_=changed)
                connection.execute(statement, [{**row, **each} for each in put])
            if gone:
                which = (c.kind == bindparam("k"), c.antecedent == bindparam("a"), c.consequent == bindparam("b"))
                connection.execute(delete(verdicts).where(*self._mine(verdicts, *which)), gone)
            self._audit.append(connection, *entries, at=at)
        return True

    # --- drafts ------------------------------------------------------------------------------------------------------

    def put_drafts(
        self, id: str, name: str, made: Sequence[tuple[str, str, str, dict[str, Any]]], base: int, at: datetime
    ) -> bool:
        """Drafts of (kind, origin, action, written form), all new; False when the upload was imported before. Raises
        StaleError when somebody has begun one for the same live part."""
        self._audit.ready()
        who = actor().who
        common = {
            "instance": self._instance, "base": base, "state": "open", "note": "", "author": who, "writer": who,
            "writers": _text([who]), "version": 1, "made_at": at, "updated_at": at,
        }  # fmt: skip
        rows = [
            {**common, "id": token_hex(6), "kind": kind, "origin": origin, "action": action, "body": _text(written)}
            for kind, origin, action, written in made
        ]
        try:
            with self.engine.begin() as connection:
                start_writing(connection)
                if not self._take(connection, id):
                    return False
                for start in range(0, len(rows), REFS):
                    connection.execute(insert(drafts), rows[start : start + REFS])
                self._audit.append(connection, Entry("rules imported", name, "", _text({"drafts": len(rows)})), at=at)
        except IntegrityError:
            raise StaleError("somebody else has begun to change one of these rules meanwhile") from None
        return True

    # --- into files --------------------------------------------------------------------------------------------------

    def pairs(self) -> Iterator[tuple[Any, ...]]:
        """(antecedent, consequent, kind, verdict, reason, who, when, together, base, consequent_orders, orders): what
        was learned, then what was decided of pairs that were not; a stream."""
        a, v = t.affinities, verdicts
        same = and_(
            v.c.instance == a.c.instance, v.c.kind == a.c.kind, v.c.antecedent == a.c.antecedent,
            v.c.consequent == a.c.consequent,
        )  # fmt: skip
        said = (v.c.verdict, v.c.why, v.c.who, v.c.at)
        evidence = (a.c.together, a.c.base, a.c.consequent_orders, a.c.orders)
        learned = select(a.c.antecedent, a.c.consequent, a.c.kind, *said, *evidence).outerjoin(v, same)
        learned = learned.where(a.c.instance == self._instance).order_by(
            a.c.antecedent, a.c.kind, a.c.weight.desc(), a.c.consequent
        )
        alone = select(v.c.antecedent, v.c.consequent, v.c.kind, *said).where(*self._mine(v), ~exists().where(same))
        alone = alone.order_by(v.c.antecedent, v.c.consequent, v.c.kind)
        with self.engine.connect() as connection:
            for row in connection.execution_options(yield_per=ROWS).execute(learned):
                yield tuple(row)
            for other in connection.execution_options(yield_per=ROWS).execute(alone):
                yield (*other, None, None, None, None)


def _text(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
