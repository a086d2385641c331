"""What was decided of learned pairs, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Engine, and_, delete, select

from ..core.curation import Verdicts
from ..core.kind import Kind
from .audit import Entry, SQLAudit, actor
from .desk_tables import verdicts as t
from .dialects import insert_into, start_writing

NEVER = "never"
#: Kind, antecedent, consequent; and with a verdict and a reason.
Key = tuple[str, str, str]
Decision = tuple[Key, str, str]
KINDS = (Kind.COMPLEMENT, Kind.UPGRADE)


class Verdict(msgspec.Struct, frozen=True):
    """What somebody decided. `kind`: "complement", "upgrade", "seasonal" (approved: a rule was begun), or "never" for
    both ways and all kinds; `verdict`: "approved" or "rejected"."""

    kind: str
    antecedent: str
    consequent: str
    verdict: str
    who: str
    why: str
    at: datetime

    @property
    def key(self) -> Key:
        return self.kind, self.antecedent, self.consequent


class SQLVerdicts:
    """One instance's. Every change is a row of the audit."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.engine, self._instance, self._audit = engine, instance, audit

    # --- deciding ----------------------------------------------------------------------------------------------------

    def decide(self, decisions: Sequence[Decision], at: datetime, *, only: datetime | None = None) -> int:
        """Say this of these pairs, a verdict of "" takes back what was said; returns how many changed. "never" is kept
        once, its references in order. `only`: pairs of which something was said at another instant are left alone."""
        self._audit.ready()
        entries = []
        with self.engine.begin() as connection:
            start_writing(connection)
            for (kind, one, other), verdict, why in dict.fromkeys(decisions):
                key = (kind, *in_order(one, other)) if kind == NEVER else (kind, one, other)
                this = self._this(key)
                row = connection.execute(select(t).where(this)).first()
                was = read_verdict(row) if row is not None else None
                same = (verdict, why) == ((was.verdict, was.why) if was is not None else ("", why))
                if same or (only is not None and was is not None and was.at != only):
                    continue
                if not verdict:
                    connection.execute(delete(t).where(this))
                else:
                    values = {"verdict": verdict, "who": actor().who, "why": why, "at": at}
                    names = dict(zip(("kind", "antecedent", "consequent"), key, strict=True))
                    made = insert_into(connection, t).values(instance=self._instance, **names, **values)
                    columns = ["instance", "kind", "antecedent", "consequent"]
                    connection.execute(made.on_conflict_do_update(index_elements=columns, set_=values))
                entries.append(_entry(key, was, {"verdict": verdict, "why": why} if verdict else None))
            self._audit.append(connection, *entries, at=at)
        return len(entries)

    def _this(self, key: Key) -> ColumnElement[bool]:
        kind, one, other = key
        return and_(t.c.instance == self._instance, t.c.kind == kind, t.c.antecedent == one, t.c.consequent == other)

    # --- reading -----------------------------------------------------------------------------------------------------

    def load(self, least: int) -> Verdicts:
        """All of them: they are few beside what was learned."""
        found: dict[tuple[str, str], set[tuple[str, str]]] = {}
        never: set[tuple[str, str]] = set()
        columns = (t.c.kind, t.c.antecedent, t.c.consequent, t.c.verdict)
        with self.engine.connect() as connection:
            for kind, one, other, verdict in connection.execute(select(*columns).where(t.c.instance == self._instance)):
                if kind == NEVER:
                    never |= {(one, other), (other, one)}
                else:
                    found.setdefault((verdict, kind), set()).add((one, other))
        by = {
            verdict: {kind: frozenset(found.get((verdict, kind.value), ())) for kind in KINDS}
            for verdict in ("approved", "rejected")
        }
        return Verdicts(by["approved"], by["rejected"], frozenset(never), least)

    def all(self, most: int = 500) -> list[Verdict]:
        """The last ones first."""
        query = select(t).where(t.c.instance == self._instance).order_by(t.c.at.desc(), t.c.kind, t.c.antecedent)
        with self.engine.connect() as connection:
            return [read_verdict(row) for row in connection.execute(query.limit(most))]


def in_order(one: str, other: str) -> tuple[str, str]:
    """As what is said of two products is kept."""
    return (one, other) if one < other else (other, one)


def read_verdict(row: Any) -> Verdict:
    """Of a row of their table."""
    return Verdict(row.kind, row.antecedent, row.consequent, row.verdict, row.who, row.why, row.at)


def of_pair(known: Mapping[Key, Verdict], key: Key) -> Verdict | None:
    """What was decided of the two products, before what was of the pair."""
    kind, one, other = key
    return known.get((NEVER, *in_order(one, other))) or known.get((kind, one, other))


def _entry(key: Sequence[str], was: Verdict | None, after: object) -> Entry:
    pair = dict(zip(("kind", "antecedent", "consequent"), key, strict=True))

    def text(said: object) -> str:
        return msgspec.json.encode({**pair, **said}).decode() if isinstance(said, dict) else ""

    before = {"verdict": was.verdict, "why": was.why} if was is not None else None
    return Entry("verdict changed", f"{key[1]} > {key[2]}", text(before), text(after))
