"""Seasonal suggestions in SQL: replaced by each learning, read with what was decided of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, and_, delete, insert, or_, select

from ..core.seasonal import SEASONAL, Seasonal, Standing
from .desk_tables import catalogue as p
from .desk_tables import verdicts as v
from .lesson_tables import seasonal as t
from .verdicts import NEVER, Key, Verdict, of_pair, read_verdict

#: Rows that are written at once; suggestions that are kept, the surest.
CHUNK, MOST = 500, 2000


class Found(msgspec.Struct, frozen=True):
    """A seasonal suggestion with where it stands. `price` of the consequent, minor units; None when it was not
    published."""

    seasonal: Seasonal
    state: Standing
    verdict: Verdict | None = None
    price: int | None = None
    currency: str = ""

    @property
    def kind(self) -> str:
        return SEASONAL

    @property
    def antecedent(self) -> str:
        return self.seasonal.antecedent

    @property
    def consequent(self) -> str:
        return self.seasonal.consequent


def replace(connection: Connection, instance: str, rows: Iterable[Seasonal]) -> int:
    """These instead of all that was learned; returns how many there are now."""
    connection.execute(delete(t).where(t.c.instance == instance))
    rest, count = iter(rows), 0
    while chunk := list(islice(rest, CHUNK)):
        connection.execute(insert(t), [{"instance": instance, **msgspec.structs.asdict(each)} for each in chunk])
        count += len(chunk)
    return count


class SQLSeasonal:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def all(self) -> list[Found]:
        """The surest first, up to MOST."""
        return self._read(MOST)

    def of(self, antecedent: str, consequent: str) -> Found | None:
        return next(iter(self._read(1, t.c.antecedent == antecedent, t.c.consequent == consequent)), None)

    def _read(self, most: int, *which: Any) -> list[Found]:
        sold = and_(p.c.instance == self._instance, p.c.ref == t.c.consequent)
        query = select(t, p.c.price, p.c.currency).outerjoin(p, sold).where(t.c.instance == self._instance, *which)
        query = query.order_by(t.c.certainty.desc(), t.c.antecedent, t.c.consequent).limit(most)
        said = select(v).where(v.c.instance == self._instance, or_(v.c.kind == SEASONAL, v.c.kind == NEVER))
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
            known = {each.key: each for each in map(read_verdict, connection.execute(said))} if rows else {}
        return [_found(row, known) for row in rows]


def _found(row: Any, known: dict[Key, Verdict]) -> Found:
    evidence = Seasonal(**{name: getattr(row, name) for name in Seasonal.__struct_fields__})
    verdict = of_pair(known, (SEASONAL, row.antecedent, row.consequent))
    state = Standing(verdict.verdict) if verdict is not None else Standing.WAITING
    return Found(evidence, state, verdict, row.price, row.currency or "")
