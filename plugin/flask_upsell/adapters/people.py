"""What the ledger holds of a person, and how it is cut off from them: in one transaction, leaving all sums right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from secrets import token_hex

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, delete, null, select, union, update

from . import tables as t
from .audit import Entry, SQLAudit
from .desk_tables import imported_lines
from .dialects import start_writing
from .lesson_tables import consents, recents

#: As many values as any database takes in one statement.
AT_ONCE = 500
#: Rows of which nothing else depends: they go.
GONE = (
    (t.requests, "visitor"),
    (t.promises, "customer"),
    (t.follow_ups, "customer"),
    (imported_lines, "customer"),
    (consents, "customer"),
)


class SQLPeople:
    """One instance's rows of people, who are pseudonyms here."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit | None = None) -> None:
        self.engine = engine
        self._instance = instance
        self._audit = audit or SQLAudit(engine, instance)

    def erase(
        self, who: Iterable[str], orders: Iterable[str], at: datetime, *, forget_objection: bool = False
    ) -> dict[str, int]:
        """All that is kept of these pseudonyms, and of the visitors who placed these orders; returns rows by table.

        What others are counted with stays, under a name that was never anybody's: redemptions, and acceptances.
        That a person wants no mails is kept unless `forget_objection`. Safe to repeat; killed midway it did nothing.
        """
        self._audit.ready()
        given = sorted(set(who))
        done: dict[str, int] = {}
        with self.engine.begin() as connection:
            start_writing(connection)
            people = sorted({*given, *self._visitors(connection, given, orders)})
            for person in people:
                self._anonymise(connection, person, f"erased-{token_hex(12)}", done)
            for table, column in (*GONE, *(((t.unsubscribed, "customer"),) if forget_objection else ())):
                for some in _chunks(people):
                    mine = self._mine(table, table.c[column].in_(some))
                    done[table.name] = done.get(table.name, 0) + connection.execute(delete(table).where(*mine)).rowcount
            if any(done.values()):
                counted = msgspec.json.encode({name: rows for name, rows in done.items() if rows}, order="sorted")
                entries = [Entry("erased", person, "", counted.decode()) for person in given[:1]]
                self._audit.append(connection, *entries, at=at)
        return done

    def _visitors(self, connection: Connection, people: list[str], orders: Iterable[str]) -> set[str]:
        """Who accepted what these people redeemed, or what was ordered with these orders and theirs."""
        a, c, r = t.acceptances.c, t.conversions.c, t.redemptions.c
        found: set[str] = set()
        of_theirs: set[str] = set(orders)
        for some in _chunks(people):
            refs = [
                select(table.c.order_ref).where(*self._mine(table, table.c.customer.in_(some), table.c.customer != ""))
                for table in (t.redemptions, t.promises, t.follow_ups, recents)
            ]
            of_theirs.update(connection.execute(union(*refs)).scalars())
            redeemed = select(r.id).where(*self._mine(t.redemptions, r.customer.in_(some)))
            found.update(self._who(connection, a.id.in_(redeemed)))
        for some in _chunks(sorted(of_theirs - {""})):
            converted: Select[str] = select(c.acceptance).where(*self._mine(t.conversions, c.order_ref.in_(some)))
            found.update(self._who(connection, a.id.in_(converted)))
        return found

    def _who(self, connection: Connection, which: ColumnElement[bool]) -> Iterator[str]:
        query = select(t.acceptances.c.visitor).where(*self._mine(t.acceptances, which)).distinct()
        yield from connection.execute(query).scalars()

    def _anonymise(self, connection: Connection, person: str, nobody: str, done: dict[str, int]) -> None:
        """Allowances first, as when granting. What they count and the rows that it is the sum of change together."""
        limited = self._mine(t.allowances, t.allowances.c.scope == f"customer:{person}")
        redeemed = self._mine(t.redemptions, t.redemptions.c.customer == person)
        accepted = self._mine(t.acceptances, t.acceptances.c.visitor == person)
        ordered = self._mine(recents, recents.c.customer == person, recents.c.customer != "")
        for table, change in (
            (t.allowances, update(t.allowances).where(*limited).values(scope=f"customer:{nobody}")),
            # What was ordered counts on, as learning counts it: nobody's.
            (recents, update(recents).where(*ordered).values(customer="")),
            (t.redemptions, update(t.redemptions).where(*redeemed).values(customer=nobody)),
            # Lines are rows of the store's carts, which lead back to their owners.
            (t.acceptances, update(t.acceptances).where(*accepted).values(visitor=nobody, line="", replaced=null())),
        ):
            done[table.name] = done.get(table.name, 0) + connection.execute(change).rowcount

    def _mine(self, table: Table, *which: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
        return (table.c.instance == self._instance, *which)


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
