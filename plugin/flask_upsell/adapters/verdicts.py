"""What was decided of learned pairs, and the pairs with their evidence, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Float,
    Select,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)

from ..core.affinity import Affinity
from ..core.curation import DEVIATIONS, NEVER_BY_ITSELF, Verdicts
from ..core.kind import Kind
from .audit import Entry, SQLAudit, actor
from .desk_tables import catalogue as p
from .desk_tables import verdicts as t
from .dialects import insert_into, start_writing
from .tables import affinities as a

NEVER = "never"
KINDS = (Kind.COMPLEMENT, Kind.UPGRADE)


class State(StrEnum):
    """Where a suggestion stands: nobody decided and it is not sure enough; nobody did, and it goes live by itself;
    somebody did."""

    WAITING = "waiting"
    LIVE = "live"
    APPROVED = "approved"
    REJECTED = "rejected"


class Verdict(msgspec.Struct, frozen=True):
    """What somebody decided. `kind`: "complement", "upgrade", or "never" for both ways and all kinds; `verdict`:
    "approved" or "rejected"."""

    kind: str
    antecedent: str
    consequent: str
    verdict: str
    who: str
    why: str
    at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.antecedent, self.consequent


class Pair(msgspec.Struct, frozen=True):
    """A learned pair with where it stands. `price` of the consequent, minor units; None when it was not published."""

    kind: Kind
    antecedent: str
    affinity: Affinity
    state: State
    verdict: Verdict | None = None
    price: int | None = None
    currency: str = ""

    @property
    def consequent(self) -> str:
        return self.affinity.consequent


class SQLVerdicts:
    """One instance's. Every change is a row of the audit."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.engine, self._instance, self._audit = engine, instance, audit

    # --- deciding ----------------------------------------------------------------------------------------------------

    def decide(self, keys: Sequence[tuple[str, str, str]], verdict: str, why: str, at: datetime) -> list[Verdict]:
        """Say so of these (kind, antecedent, consequent); "" takes back what was said. Returns what was said of them
        before, those without anything with the verdict "". "never" is kept once, its references in order."""
        self._audit.ready()
        before, entries = [], []
        with self.engine.begin() as connection:
            start_writing(connection)
            for kind, one, other in dict.fromkeys(keys):
                key = (kind, *sorted((one, other))) if kind == NEVER else (kind, one, other)
                this = self._this(key)
                row = connection.execute(select(t).where(this)).first()
                was = _verdict(row) if row is not None else None
                before.append(was or Verdict(*key, "", "", "", at))
                if verdict == (was.verdict if was is not None else "") and (was is None or why == was.why):
                    continue
                if not verdict:
                    connection.execute(delete(t).where(this))
                else:
                    values = {"verdict": verdict, "who": actor().who, "why": why, "at": at}
                    names = dict(zip(("kind", "antecedent", "consequent"), key, strict=True))
                    made = insert_into(connection, t).values(instance=self._instance, **names, **values)
                    columns = ["instance", "kind", "antecedent", "consequent"]
                    connection.execute(made.on_conflict_do_update(index_elements=columns, set_=values))
                after = {"verdict": verdict, "why": why} if verdict else None
                entries.append(_entry(key, was, after))
            self._audit.append(connection, *entries, at=at)
        return before

    def _this(self, key: Sequence[str]) -> ColumnElement[bool]:
        kind, one, other = key
        return and_(
            t.c.instance == self._instance, t.c.kind == kind, t.c.antecedent == one, t.c.consequent == other
        )

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
            return [_verdict(row) for row in connection.execute(query.limit(most))]

    def last(self) -> datetime | None:
        """When somebody decided something last (that still stands)."""
        with self.engine.connect() as connection:
            return connection.execute(select(func.max(t.c.at)).where(t.c.instance == self._instance)).scalar_one()

    def pairs(
        self,
        least: int,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        products: Collection[str] | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> list[Pair]:
        """What was learned, what is likely to bring in most first: the share of orders that take it, times its price.
        `products`: only pairs with one of them."""
        value = cast(a.c.together, Float) / a.c.base * func.coalesce(p.c.price, 0)
        standing = _standing(least).label("state")
        query = self._filtered(select(a, p.c.price, p.c.currency, standing), least, state, kind, products)
        query = query.order_by(value.desc(), a.c.kind, a.c.antecedent, a.c.consequent).offset(offset).limit(limit)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
            said = self._said(connection, [(row.kind, row.antecedent, row.consequent) for row in rows])
        return [_pair(row, said) for row in rows]

    def count(
        self,
        least: int,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        products: Collection[str] | None = None,
    ) -> int:
        with self.engine.connect() as connection:
            query = self._filtered(select(func.count()).select_from(a), least, state, kind, products, priced=False)
            return int(connection.execute(query).scalar_one())

    def _filtered(
        self,
        query: Select[Any],
        least: int,
        state: State | None,
        kind: Kind | None,
        products: Collection[str] | None,
        *,
        priced: bool = True,
    ) -> Select[Any]:
        query = query.where(a.c.instance == self._instance)
        if priced:
            same = and_(p.c.instance == a.c.instance, p.c.ref == a.c.consequent)
            query = query.outerjoin(p, same)
        if state is not None:
            query = query.where(_standing(least) == state.value)
        if kind is not None:
            query = query.where(a.c.kind == kind.value)
        if products is not None:
            refs = list(products)
            query = query.where(or_(a.c.antecedent.in_(refs), a.c.consequent.in_(refs)))
        return query

    def _said(self, connection: Connection, keys: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], Verdict]:
        """What was decided of these, of the pair itself before what was of the two products."""
        refs = {ref for _, one, other in keys for ref in (one, other)}
        query = select(t).where(t.c.instance == self._instance, t.c.antecedent.in_(refs), t.c.consequent.in_(refs))
        every = {each.key: each for each in map(_verdict, connection.execute(query))} if refs else {}
        found = {}
        for kind, one, other in keys:
            never = every.get((NEVER, *sorted((one, other))))
            said = never or every.get((kind, one, other))
            if said is not None:
                found[kind, one, other] = said
        return found


def _decided(verdict: str) -> ColumnElement[bool]:
    same = (t.c.instance == a.c.instance, t.c.kind == a.c.kind)
    pair = (t.c.antecedent == a.c.antecedent, t.c.consequent == a.c.consequent)
    return exists().where(*same, *pair, t.c.verdict == verdict).correlate(a)


def _never() -> ColumnElement[bool]:
    def way(one: Any, other: Any) -> ColumnElement[bool]:
        return exists().where(
            t.c.instance == a.c.instance, t.c.kind == NEVER, t.c.antecedent == one, t.c.consequent == other
        ).correlate(a)

    return or_(way(a.c.antecedent, a.c.consequent), way(a.c.consequent, a.c.antecedent))


def _standing(least: int) -> ColumnElement[str]:
    """As core.curation.Verdicts decides it."""
    return case(
        (_never(), literal(State.REJECTED.value)),
        (_decided("rejected"), literal(State.REJECTED.value)),
        (_decided("approved"), literal(State.APPROVED.value)),
        (_sure(least), literal(State.LIVE.value)),
        else_=literal(State.WAITING.value),
    )


def _sure(least: int) -> ColumnElement[bool]:
    """Whether core.curation.sure is at least so much. That the lower bound of a share is at least q is asked without
    the bound itself: whether the share is as far above q as luck does not take it."""
    if not least:
        return literal(1) == 1
    if least >= NEVER_BY_ITSELF:
        return literal(1) == 0
    share = cast(a.c.together, Float) / a.c.base
    chance = case((a.c.kind == Kind.COMPLEMENT.value, cast(a.c.consequent_orders, Float) / a.c.orders), else_=0.0)
    q = share * (least / 100) + chance
    return and_(share >= q, (share - q) * (share - q) * a.c.base >= DEVIATIONS**2 * q * (1 - q))


def _pair(row: Any, said: dict[tuple[str, str, str], Verdict]) -> Pair:
    found = Affinity(row.consequent, row.weight, row.together, row.base, row.consequent_orders, row.orders)
    verdict = said.get((row.kind, row.antecedent, row.consequent))
    return Pair(Kind(row.kind), row.antecedent, found, State(row.state), verdict, row.price, row.currency or "")


def _verdict(row: Any) -> Verdict:
    return Verdict(row.kind, row.antecedent, row.consequent, row.verdict, row.who, row.why, row.at)


def _entry(key: Sequence[str], was: Verdict | None, after: object) -> Entry:
    pair = dict(zip(("kind", "antecedent", "consequent"), key, strict=True))

    def text(said: object) -> str:
        return msgspec.json.encode({**pair, **said}).decode() if isinstance(said, dict) else ""

    before = {"verdict": was.verdict, "why": was.why} if was is not None else None
    return Entry("verdict changed", f"{key[1]} > {key[2]}", text(before), text(after))
