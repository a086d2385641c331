"""Keys of machines in SQL. A key itself is nowhere: only its hash, which finds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_hex

import msgspec
from sqlalchemy import Engine, insert, select, update

from ..core.roles import Role
from .audit import Entry, SQLAudit, actor
from .desk_tables import machine_keys as t
from .dialects import start_writing

#: A key that is used often is written down so often.
TELL_USE_EVERY = timedelta(minutes=1)


class Machine(msgspec.Struct, frozen=True):
    """A key's holder. `who` made it; times UTC. `revoked_at`: since when it opens nothing any more."""

    id: str
    name: str
    role: Role
    who: str
    made_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


COLUMNS = [t.c[name] for name in Machine.__struct_fields__]


class SQLMachines:
    """One instance's. Making and revoking are rows of the audit."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.engine, self._instance, self._audit = engine, instance, audit

    def all(self) -> list[Machine]:
        """The last made first."""
        query = select(*COLUMNS).where(t.c.instance == self._instance).order_by(t.c.made_at.desc(), t.c.id)
        with self.engine.connect() as connection:
            return [_read(row) for row in connection.execute(query)]

    def make(self, name: str, role: Role, hash: str, at: datetime) -> Machine:
        self._audit.ready()
        made = Machine(token_hex(6), name, role, actor().who[:100], at)
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(insert(t).values(instance=self._instance, hash=hash, **msgspec.structs.asdict(made)))
            self._audit.append(connection, Entry("key made", made.id, "", _told(made)), at=at)
        return made

    def revoke(self, id: str, at: datetime) -> Machine | None:
        """The key as it is now; None when there is none. One that was revoked stays as it was."""
        self._audit.ready()
        this = (t.c.instance == self._instance, t.c.id == id)
        with self.engine.begin() as connection:
            start_writing(connection)
            done = connection.execute(update(t).where(*this, t.c.revoked_at.is_(None)).values(revoked_at=at)).rowcount
            row = connection.execute(select(*COLUMNS).where(*this)).first()
            if row is None:
                return None
            if done:
                self._audit.append(connection, Entry("key revoked", id, _told(_read(row)), ""), at=at)
        return _read(row)

    def of(self, hash: str, at: datetime) -> Machine | None:
        """Whose key has this hash and is not revoked; that it was used now is written down."""
        query = select(*COLUMNS).where(t.c.instance == self._instance, t.c.hash == hash, t.c.revoked_at.is_(None))
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        found = _read(row)
        if found.used_at is None or at - found.used_at >= TELL_USE_EVERY:
            with self.engine.begin() as connection:
                start_writing(connection)
                this = (t.c.instance == self._instance, t.c.id == found.id)
                connection.execute(update(t).where(*this).values(used_at=at))
        return found


def _told(machine: Machine) -> str:
    return msgspec.json.encode({"name": machine.name, "role": machine.role}).decode()


def _read(row: object) -> Machine:
    return msgspec.convert(row, Machine, from_attributes=True)
