"""The audit: who changed what, when and why, as rows that nobody can change unseen.

Each row's hash covers it and the row before it, under a key; the head says where the chain ends. Whoever changes
something appends to it in the same transaction, as the last thing there: so every change has its row, and one that is
rolled back has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, Select, func, insert, select, update

from .audit_tables import audit as rows
from .audit_tables import audit_heads as heads
from .dialects import insert_into, start_writing
from .secret import SQLSecret

#: What a row says of settings; it is looked for at the next start.
SETTINGS = "settings"
#: Who changes something where nobody says.
PROGRAM = "program"


class Actor(msgspec.Struct, frozen=True):
    """Who acts, and why: a name that the merchant knows his people by."""

    who: str = PROGRAM
    why: str = ""


_actor: ContextVar[Actor] = ContextVar("flask_upsell_actor")
NOBODY_SAID = Actor()


@contextmanager
def acting(who: str, why: str = "") -> Iterator[None]:
    """What is changed in here is changed by `who`."""
    token = _actor.set(Actor(who, why))
    try:
        yield
    finally:
        _actor.reset(token)


def actor() -> Actor:
    """Who is acting here."""
    return _actor.get(NOBODY_SAID)


class Entry(msgspec.Struct, frozen=True):
    """One change. `what` was done ("rule changed"), to which `subject` (a name; of a person the pseudonym), from
    `before` to `after` (JSON, "" for nothing)."""

    what: str
    subject: str = ""
    before: str = ""
    after: str = ""


class Audited(msgspec.Struct, frozen=True):
    """A row of the audit; `at` is UTC."""

    number: int
    at: datetime
    who: str
    what: str
    subject: str
    before: str
    after: str
    why: str
    hash: str


class Verified(msgspec.Struct, frozen=True):
    """`count` rows stand, the last of which has the hash `head`; `problem` names the first that does not, or is ""."""

    count: int
    head: str
    problem: str = ""


class SQLAudit:
    """One instance's. `keys`: secrets that sign rows, oldest first, the last one signs; without them one that the
    ledger keeps, which shows what was changed by mistake or without knowledge of it."""

    def __init__(self, engine: Engine, instance: str, keys: Sequence[str] = ()) -> None:
        self.engine = engine
        self._instance = instance
        self._given = tuple(keys)
        self._kept = SQLSecret(engine, "audit")
        self._keys: tuple[bytes, ...] = ()

    # --- writing -----------------------------------------------------------------------------------------------------

    def ready(self) -> None:
        """Read the key: before a transaction in which something is appended."""
        if not self._keys:
            self._keys = tuple([_derived(key) for key in (self._kept(), *self._given)])

    def append(self, connection: Connection, *entries: Entry, at: datetime | None = None) -> None:
        """Write these, in this order, in the transaction of the change itself and as its last statement: from here to
        its end other writers wait. Call `ready` before that transaction."""
        if not entries:
            return
        number, before = self._lock(connection)
        acts, made = actor(), []
        for entry in entries:
            number += 1
            row = {
                "number": number,
                "at": (at or datetime.now(UTC)).astimezone(UTC),
                "who": _clean(acts.who)[:100],
                "what": entry.what,
                "subject": _clean(entry.subject)[:200],
                "before": entry.before,
                "after": entry.after,
                "why": _clean(acts.why),
            }
            before = self._hash(self._keys[-1], row, before)
            made.append({**row, "instance": self._instance, "hash": before})
        connection.execute(insert(rows), made)
        mark = self._mark(self._keys[-1], number, before)
        mine = update(heads).where(heads.c.instance == self._instance)
        connection.execute(mine.values(number=number, hash=before, mark=mark))

    def _lock(self, connection: Connection) -> tuple[int, str]:
        """Where the chain ends; nobody else goes on from there until this transaction is over."""
        self.ready()
        first = insert_into(connection, heads).values(instance=self._instance, number=0, hash="", mark="")
        connection.execute(first.on_conflict_do_nothing(index_elements=["instance"]))
        head = connection.execute(self._head().with_for_update()).one()
        return head.number, head.hash

    def note_settings(self, values: Mapping[str, object]) -> bool:
        """Write the settings (none of them secret) if they differ from those that were written last."""
        self.ready()
        now = msgspec.json.encode(values, order="sorted").decode()
        last = (
            select(rows.c.after)
            .where(rows.c.instance == self._instance, rows.c.what == SETTINGS)
            .order_by(rows.c.number.desc())
            .limit(1)
        )
        with self.engine.begin() as connection:
            start_writing(connection)
            self._lock(connection)
            before: str = connection.execute(last).scalar_one_or_none() or ""
            if before == now:
                return False
            self.append(connection, Entry(SETTINGS, "", before, now))
        return True

    # --- reading -----------------------------------------------------------------------------------------------------

    def history(
        self,
        *,
        who: str = "",
        what: str = "",
        subject: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        after: int | None = None,
        most: int = 100,
    ) -> list[Audited]:
        """The last `most` rows that fit, oldest first; with `after` the first ones after that number. `what` may be the
        beginning of it: "rule". `until` is not included, nor is the number `before`."""
        c = rows.c
        query: Select[Any] = select(*_columns()).where(c.instance == self._instance)
        if who:
            query = query.where(c.who == who)
        if what:
            query = query.where(c.what.startswith(what, autoescape=True))
        if subject:
            query = query.where(c.subject == subject)
        if since is not None:
            query = query.where(c.at >= since)
        if until is not None:
            query = query.where(c.at < until)
        if before is not None:
            query = query.where(c.number < before)
        if after is not None:
            query = query.where(c.number > after)
        order = c.number.desc() if after is None else c.number
        with self.engine.connect() as connection:
            found = connection.execute(query.order_by(order).limit(most)).all()
        return [Audited(*row) for row in (found if after is not None else reversed(found))]

    def verify(self, noted: str = "") -> Verified:
        """Whether the chain is whole. `noted`: a head that was written down elsewhere, which must be among its rows:
        nothing in the database itself tells of a whole database that was put back."""
        self.ready()
        count, last, key, known = 0, "", 0, not noted
        with self.engine.connect() as connection:
            while True:
                head = connection.execute(self._head()).one_or_none()
                ends = head.number if head is not None else 0
                query = select(*_columns()).where(
                    rows.c.instance == self._instance, rows.c.number > count, rows.c.number <= ends
                )
                found = connection.execution_options(yield_per=1000).execute(query.order_by(rows.c.number))
                for row in found:
                    if row.number != count + 1:
                        break
                    made = self._key_of(row, last, key)
                    if made is None:
                        found.close()
                        return Verified(
                            count, last, f"row {row.number} was changed, or its key is not among AUDIT_KEYS"
                        )
                    count, last, key = row.number, row.hash, made
                    known = known or last == noted
                found.close()
                if count < ends:
                    return Verified(count, last, f"row {count + 1} is missing")
                if head is not None and ends and (wrong := self._wrong(head, last)):
                    return Verified(count, last, wrong)
                beyond = connection.execute(
                    select(func.min(rows.c.number)).where(rows.c.instance == self._instance, rows.c.number > ends)
                ).scalar_one()
                if beyond is None:
                    break
                now = connection.execute(self._head()).one_or_none()
                if now is None or now.number <= ends:  # else it was appended meanwhile
                    return Verified(count, last, f"row {beyond} is not what upsell_audit_head says comes next")
        if not known:
            return Verified(count, last, f"no row has the hash {noted}: an older state was put back")
        return Verified(count, last)

    def _wrong(self, head: Row[Any], last: str) -> str:
        """What is wrong with the head."""
        signed = [self._mark(key, head.number, last) == head.mark for key in self._keys]
        if head.hash != last or not any(signed):
            return f"after row {head.number}: upsell_audit_head was changed"
        if self._given and not any(signed[1:]):
            return (
                f"after row {head.number}: upsell_audit_head is not signed with one of AUDIT_KEYS. If they were set "
                "just now, start a worker: it writes a row with them"
            )
        return ""

    def _key_of(self, row: Row[Any], before: str, oldest: int) -> int | None:
        """Which key made it; keys only follow each other."""
        values = {name: getattr(row, name) for name in HASHED}
        for place in range(oldest, len(self._keys)):
            if self._hash(self._keys[place], values, before) == row.hash:
                return place
        return None

    # --- signing -----------------------------------------------------------------------------------------------------

    def _head(self) -> Select[Any]:
        return select(heads).where(heads.c.instance == self._instance)

    def _hash(self, key: bytes, row: Mapping[str, Any], before: str) -> str:
        at: datetime = row["at"]
        texts = [str(row[name]) for name in HASHED if name not in ("number", "at")]
        said = [self._instance, row["number"], at.astimezone(UTC).isoformat(timespec="microseconds"), *texts, before]
        return blake2b(msgspec.json.encode(said), key=key, digest_size=32).hexdigest()

    def _mark(self, key: bytes, number: int, hash: str) -> str:
        said = msgspec.json.encode(["head", self._instance, number, hash])
        return blake2b(said, key=key, digest_size=32).hexdigest()


#: What nobody is told: of keys only how many there are. Addresses may have a password in them.
SECRET = {"keys", "pseudonym_key", "audit_keys", "redis_url", "queue_url", "database_url"}
HASHED = ("number", "at", "who", "what", "subject", "before", "after", "why")


def telling(values: msgspec.Struct) -> dict[str, object]:
    """What the audit may tell of the settings: nothing secret of any, of functions their names."""
    told: dict[str, object] = {}
    for name, value in msgspec.structs.asdict(values).items():
        if name in SECRET:
            told[name] = len(value) if isinstance(value, tuple) else value is not None
        elif callable(value):
            told[name] = f"{getattr(value, '__module__', '?')}.{getattr(value, '__qualname__', type(value).__name__)}"
        else:
            told[name] = value if value is None or isinstance(value, bool | int | float) else str(value)
    return told


def _columns() -> list[Any]:
    return [rows.c[name] for name in (*HASHED, "hash")]


def _derived(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=32, person=b"upsell audit").digest()


def _clean(text: str) -> str:
    """What any database takes: no NUL, no halves of letters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
