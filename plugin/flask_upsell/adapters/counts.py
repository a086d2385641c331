"""The ledger's outbox and counts: what happened is one row of the outbox, in the same transaction as what it belongs
to, and is added to the counts exactly once, whoever folds it and however often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..core.ports import Count, Shown
from . import tables as t
from .days import Key, add_days, keys_of

FOLD_AT_ONCE = 500


class Counts:
    """The half of the ledger that counts. `zone`: the store's, whose days are counted."""

    def __init__(self, engine: Engine, instance: str, zone: str = "UTC") -> None:
        self.engine = engine
        self._instance = instance
        self._zone = ZoneInfo(zone)

    def _put(self, connection: Connection, event: str, at: datetime, counts: list[dict[str, Any]]) -> None:
        connection.execute(insert(t.outbox).values(instance=self._instance, event=event, counts=counts, created_at=at))

    def fold(self) -> int:
        folded = 0
        while True:
            now = datetime.now(UTC)
            c = t.outbox.c
            days: Counter[Key] = Counter()
            with self.engine.begin() as connection:
                rows = connection.execute(
                    select(c.id, c.counts, c.created_at)
                    .where(c.instance == self._instance, c.folded_at.is_(None))
                    .order_by(c.id)
                    .limit(FOLD_AT_ONCE)
                ).all()
                for row in rows:
                    mine = connection.execute(
                        update(t.outbox).where(c.id == row.id, c.folded_at.is_(None)).values(folded_at=now)
                    )
                    if mine.rowcount == 1:
                        folded += 1
                        day = row.created_at.astimezone(self._zone).date()
                        for count in row.counts:
                            self._add(connection, count)
                            days.update(dict(keys_of(count, day)))
                add_days(connection, self._instance, days)
            if len(rows) < FOLD_AT_ONCE:
                break
        return folded

    def waiting(self) -> int:
        with self.engine.connect() as connection:
            return connection.execute(
                select(func.count())
                .select_from(t.outbox)
                .where(t.outbox.c.instance == self._instance, t.outbox.c.folded_at.is_(None))
            ).scalar_one()

    def oldest(self) -> datetime | None:
        c = t.outbox.c
        query = select(func.min(c.created_at)).where(c.instance == self._instance, c.folded_at.is_(None))
        with self.engine.connect() as connection:
            found: datetime | None = connection.execute(query).scalar_one()
        return found

    def add_shown(self, batch: str, shown: Mapping[Shown, int], at: datetime | None = None) -> None:
        day = (at or datetime.now(UTC)).astimezone(self._zone).date()
        days: Counter[Key] = Counter()
        try:
            with self.engine.begin() as connection:
                connection.execute(
                    insert(t.batches).values(instance=self._instance, name=batch, folded_at=datetime.now(UTC))
                )
                for (placement, kind, product, *rule), times in shown.items():
                    count = count_of(placement, kind, product, rule="".join(rule), shown=times)
                    self._add(connection, count)
                    days.update(dict(keys_of(count, day)))
                add_days(connection, self._instance, days)
        except IntegrityError as error:
            if "batch" not in str(error.orig).lower():
                raise

    def _add(self, connection: Connection, count: Mapping[str, Any]) -> None:
        c = t.counts.c
        key = {"instance": self._instance, **{k: count[k] for k in ("placement", "kind", "product", "currency")}}
        added = {name: count[name] for name in t.COUNTED if count.get(name)}
        where = [c[name] == value for name, value in key.items()]
        change = update(t.counts).where(*where).values({name: c[name] + value for name, value in added.items()})
        if not added or connection.execute(change).rowcount:
            return
        try:
            with connection.begin_nested():
                connection.execute(insert(t.counts).values(**key, **added))
        except IntegrityError:  # somebody else was first
            connection.execute(change)

    def counts(self, product: str = "") -> list[Count]:
        c = t.counts.c
        mine = (c.instance == self._instance, c.product == product) if product else (c.instance == self._instance,)
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(t.counts).where(*mine).order_by(c.placement, c.kind, c.product, c.currency)
            ).all()
        return [Count(**{k: v for k, v in row._mapping.items() if k != "instance"}) for row in rows]


def count_of(
    placement: str, kind: str, product: str, currency: str = "", *, rule: str = "", **counted: int
) -> dict[str, Any]:
    named = {"rule": rule} if rule else {}
    return {"placement": placement, "kind": str(kind), "product": product, "currency": currency, **named, **counted}
