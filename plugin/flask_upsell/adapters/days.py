"""Results by day, in the store's zone: the counts again, by rule instead of by product."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Engine, func, literal, select, union_all

from . import tables as t
from .desk_tables import days
from .dialects import insert_into

#: (day, placement, kind, rule, currency, what is counted).
Key = tuple[date, str, str, str, str, str]


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What happened on a `day` of the store, of one currency: what is not money has none. `revenue` in minor units."""

    day: date
    currency: str = ""
    shown: int = 0
    accepted: int = 0
    declined: int = 0
    undone: int = 0
    converted: int = 0
    revenue: int = 0


def keys_of(count: Mapping[str, Any], day: date) -> list[tuple[Key, int]]:
    """What a count of the outbox is, by day. Rows of before had no rule."""
    rest = (count["placement"], count["kind"], count.get("rule", ""), count["currency"])
    return [((day, *rest, name), count[name]) for name in t.COUNTED if count.get(name)]


def add_days(connection: Connection, instance: str, added: Mapping[Key, int]) -> None:
    """Add to the days, in an order that is the same for all, so that no two wait for each other. Call it last."""
    rows: dict[tuple[date, str, str, str, str], dict[str, int]] = {}
    for (day, placement, kind, rule, currency, name), number in added.items():
        rows.setdefault((day, placement, kind, rule, currency), {})[name] = number
    for row in sorted(rows):
        names = dict(zip(("day", "placement", "kind", "rule", "currency"), row, strict=True))
        made = insert_into(connection, days).values(instance=instance, **names, **rows[row])
        more = {name: days.c[name] + made.excluded[name] for name in rows[row]}
        connection.execute(made.on_conflict_do_update(index_elements=["instance", *names], set_=more))


class SQLDays:
    """One instance's. `zone`: the store's."""

    def __init__(self, engine: Engine, instance: str, zone: str) -> None:
        self.engine, self._instance, self._zone = engine, instance, ZoneInfo(zone)

    def since(self, first: date, rule: str | None = None) -> list[Day]:
        """By day and currency from `first` on, of all rules or of one; days on which nothing was are not there."""
        c = days.c
        which = [c.instance == self._instance, c.day >= first, *([] if rule is None else [c.rule == rule])]
        sums = [func.sum(c[name]).label(name) for name in t.COUNTED]
        query = select(c.day, c.currency, *sums).where(*which).group_by(c.day, c.currency)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(c.day, c.currency)).all()
        return [Day(day=row.day, currency=row.currency, **{n: int(getattr(row, n)) for n in t.COUNTED}) for row in rows]

    def orders(self, first: date, number: int) -> dict[date, int]:
        """How many orders with something that was offered, on each of so many days from `first` on."""
        c = t.conversions.c
        every = [first + timedelta(days=step) for step in range(number)]
        if not every:
            return {}
        counts = [
            select(literal(place).label("place"), func.count(c.order_ref.distinct()).label("orders")).where(
                c.instance == self._instance, c.ordered_at >= self._start(day), c.ordered_at < self._start(next_to(day))
            )
            for place, day in enumerate(every)
        ]
        with self.engine.connect() as connection:
            found = {row.place: row.orders for row in connection.execute(union_all(*counts))}
        return {day: found.get(place, 0) for place, day in enumerate(every)}

    def _start(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)


def next_to(day: date) -> date:
    return day + timedelta(days=1)
