"""Learned pairs with where they stand, as a list of them is read: by indexes, whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    union,
)

from ..core.affinity import Affinity
from ..core.curation import NEVER_BY_ITSELF
from ..core.kind import Kind
from .desk_tables import catalogue as p
from .desk_tables import levels
from .desk_tables import verdicts as t
from .tables import affinities as a
from .verdicts import KINDS, NEVER, Key, Verdict, of_pair, read_verdict

#: Nothing is so sure.
NONE_IS = 101
NAMES = [kind.value for kind in KINDS]
KEY = ("antecedent", "consequent", "kind")


class State(StrEnum):
    """Where a suggestion stands: nobody decided and it is not sure enough; nobody did, and it goes live by itself;
    somebody did."""

    WAITING = "waiting"
    LIVE = "live"
    APPROVED = "approved"
    REJECTED = "rejected"


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


class SQLPairs:
    """One instance's. `least` everywhere: how sure (percent) what nobody decided must be, to go live by itself."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def page(
        self,
        least: int,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        products: Collection[str] | None = None,
        offset: int = 0,
        limit: int = 50,
        total: int = 0,
    ) -> list[Pair]:
        """What was learned, what is likely to bring in most first: the share of orders that take it, times its price
        as it was published last. `products`: only pairs with one of them. `total`: how many there are in all, where
        that is known; what is nearer to the end is then looked for from there."""
        far = offset > total / 2 > 0
        if far:
            limit = max(0, min(limit, total - offset))
            offset = max(0, total - offset - limit)
        query = self.keys(least, state=state, kind=kind, products=products, offset=offset, limit=limit, far=far)
        k = query.subquery()
        same = and_(a.c.instance == self._instance, *(a.c[name] == k.c[name] for name in KEY))
        sold = and_(p.c.instance == self._instance, p.c.ref == k.c.consequent)
        rows_of = select(a, p.c.price, p.c.currency).select_from(k.join(a, same).outerjoin(p, sold))
        rows_of = rows_of.order_by(*_sorted(k))
        with self.engine.connect() as connection:
            rows = connection.execute(rows_of).all()
            said = self._said(connection, [(row.kind, row.antecedent, row.consequent) for row in rows])
        return [_pair(row, said, _threshold(least)) for row in rows]

    def count(
        self,
        least: int,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        products: Collection[str] | None = None,
    ) -> int:
        """How many `page` has in all. Without products that is read off how many pairs are how sure, which learning
        has counted."""
        threshold = _threshold(least)
        with self.engine.connect() as connection:

            def of(query: Select[Any]) -> int:
                return int(connection.execute(query).scalar_one())

            if products is not None or state in (State.APPROVED, State.REJECTED):
                found = self._found(least, state, kind, products)
                return of(select(func.count()).select_from(found.subquery()))
            if state is None:
                return of(self._counted(kind))
            sure_enough = state is State.LIVE
            every = of(self._counted(kind).where(_is_sure(levels, threshold, sure_enough)))
            if not every:
                return 0
            d = self._decided(None)
            same = and_(a.c.instance == self._instance, *(a.c[name] == d.c[name] for name in KEY))
            decided = select(func.count()).select_from(d.join(a, same)).where(_is_sure(a, threshold, sure_enough))
            return every - of(decided.where(a.c.kind == kind.value) if kind is not None else decided)

    def keys(
        self,
        least: int,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        products: Collection[str] | None = None,
        offset: int = 0,
        limit: int = 50,
        far: bool = False,
    ) -> Select[Any]:
        """The query for the pairs of a page, in their order (`far`: from the end); it is answered by one index."""
        found = self._found(least, state, kind, products)
        return found.order_by(*_sorted(found.selected_columns, far)).offset(offset).limit(limit)

    # --- what is asked -----------------------------------------------------------------------------------------------

    def _found(
        self, least: int, state: State | None, kind: Kind | None, products: Collection[str] | None
    ) -> Select[Any]:
        if state in (State.APPROVED, State.REJECTED):
            return self._found_decided(state, kind, products)
        s: FromClause = a if products is None else self._with(products)
        query = select(*(s.c[name] for name in KEY), s.c.worth)
        if products is None:
            query = query.where(s.c.instance == self._instance)
        if kind is not None:
            query = query.where(s.c.kind == kind.value)
        if state is not None:
            query = query.where(_is_sure(s, _threshold(least), state is State.LIVE), ~self._is_decided(s))
        return query

    def _found_decided(self, state: State, kind: Kind | None, products: Collection[str] | None) -> Select[Any]:
        d = self._decided(state)
        same = and_(a.c.instance == self._instance, *(a.c[name] == d.c[name] for name in KEY))
        query = select(*(a.c[name] for name in KEY), a.c.worth).select_from(d.join(a, same))
        if kind is not None:
            query = query.where(a.c.kind == kind.value)
        if products is not None:
            refs = list(products)
            query = query.where(or_(d.c.antecedent.in_(refs), d.c.consequent.in_(refs)))
        return query

    def _with(self, products: Collection[str]) -> FromClause:
        """Pairs that have one of these products, each side by its own index."""
        refs = list(products)
        columns = [a.c[name] for name in (*KEY, "worth", "sure")]
        first = select(*columns).where(a.c.instance == self._instance, a.c.kind.in_(NAMES), a.c.antecedent.in_(refs))
        second = select(*columns).where(a.c.instance == self._instance, a.c.consequent.in_(refs))
        return union(first, second).subquery()

    def _decided(self, state: State | None) -> FromClause:
        """Keys of pairs of which somebody decided so; None: of which anybody decided anything. As
        core.curation.Verdicts has it: "never" is first, for both ways and all kinds."""
        own = select(t.c.kind, t.c.antecedent, t.c.consequent).where(t.c.instance == self._instance)
        own = own.where(t.c.kind.in_(NAMES))
        if state is not None:
            own = own.where(t.c.verdict == state.value)
        if state is State.APPROVED:
            return (
                own.where(~_exists(t.alias(), self._instance, (NEVER,), t.c.antecedent, t.c.consequent))
                .where(~_exists(t.alias(), self._instance, (NEVER,), t.c.consequent, t.c.antecedent))
                .subquery()
            )
        never = [
            select(literal(name).label("kind"), one.label("antecedent"), other.label("consequent")).where(
                t.c.instance == self._instance, t.c.kind == NEVER
            )
            for name in NAMES
            for one, other in ((t.c.antecedent, t.c.consequent), (t.c.consequent, t.c.antecedent))
        ]
        return union(own, *never).subquery()

    def _is_decided(self, s: FromClause) -> ColumnElement[bool]:
        own = t.alias()
        this = and_(
            own.c.instance == self._instance,
            or_(own.c.kind == s.c.kind, own.c.kind == NEVER),
            own.c.antecedent == s.c.antecedent,
            own.c.consequent == s.c.consequent,
        )
        back = _exists(t.alias(), self._instance, (NEVER,), s.c.consequent, s.c.antecedent)
        return or_(exists().where(this), back)

    def _counted(self, kind: Kind | None) -> Select[Any]:
        query = select(func.coalesce(func.sum(levels.c.pairs), 0)).where(levels.c.instance == self._instance)
        return query.where(levels.c.kind == kind.value) if kind is not None else query

    def _said(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, Verdict]:
        """What was decided of these."""
        refs = {ref for _, one, other in keys for ref in (one, other)}
        query = select(t).where(t.c.instance == self._instance, t.c.kind.in_([*NAMES, NEVER]))
        query = query.where(t.c.antecedent.in_(refs), t.c.consequent.in_(refs))
        every = {each.key: each for each in map(read_verdict, connection.execute(query))} if refs else {}
        return {key: said for key in keys if (said := of_pair(every, key)) is not None}


def _exists(
    other: Any, instance: str, kinds: Sequence[str], one: ColumnElement[str], two: ColumnElement[str]
) -> ColumnElement[bool]:
    c = other.c
    return exists().where(c.instance == instance, c.kind.in_(kinds), c.antecedent == one, c.consequent == two)


def _sorted(columns: Any, far: bool = False) -> list[Any]:
    """What is worth most first: as the index has it, backwards; `far`: forwards."""
    c = getattr(columns, "c", columns)
    return [c[name] if far else c[name].desc() for name in ("worth", *KEY)]


def _threshold(least: int) -> int:
    return NONE_IS if least >= NEVER_BY_ITSELF else least


def _is_sure(table: FromClause, threshold: int, enough: bool) -> ColumnElement[bool]:
    return table.c.sure >= threshold if enough else table.c.sure < threshold


def _pair(row: Any, said: dict[Key, Verdict], threshold: int) -> Pair:
    found = Affinity(row.consequent, row.weight, row.together, row.base, row.consequent_orders, row.orders)
    verdict = said.get((row.kind, row.antecedent, row.consequent))
    if verdict is not None:
        state = State(verdict.verdict)
    else:
        state = State.LIVE if row.sure >= threshold else State.WAITING
    return Pair(Kind(row.kind), row.antecedent, found, state, verdict, row.price, row.currency or "")
