"""The price ledger in SQL: one row for each change of a price, prolonged while it is seen again.

Two workers that see the same change at the same moment may both write it; who reads joins such rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select, update

from ..core.prices import UNSEEN, Price, Seen, Source, recordable
from .dialects import in_order, start_writing
from .price_tables import prices as table

T = TypeVar("T")
#: How many products are looked up at once.
CHUNK = 500
DAY = timedelta(days=1)


class SQLPrices:
    """See core.prices.Prices."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine = engine
        self._instance = instance

    def see(self, prices: Iterable[Price], at: datetime, source: Source) -> int:
        written = 0
        for chunk in _chunks((price for price in prices if recordable(price)), CHUNK):
            now = {(price.product, price.variant, price.currency): price for price in chunk}
            with self.engine.begin() as connection:
                start_writing(connection)
                known = self._last(connection, {price.product for price in chunk}, at)
                same = [known[key].id for key, price in now.items() if key in known and known[key].price == price.price]
                if same:
                    again = update(table).where(table.c.id.in_(same), table.c.until < at).values(until=at)
                    connection.execute(again)
                new = [price for key, price in now.items() if key not in known or known[key].price != price.price]
                self._insert(connection, [_seen(price, at, source) for price in new])
            written += len(new)
        return written

    def _last(self, connection: Connection, products: Collection[str], at: datetime) -> dict[tuple[str, str, str], Any]:
        """The latest row of the store's own price by product, variant and currency, unless it is too old to go on."""
        c = table.c
        mine = (c.instance == self._instance, c.product.in_(products), c.until >= at - UNSEEN)
        query: Select[Any] = select(c.id, c.product, c.variant, c.currency, c.price)
        own = query.where(*mine, c.source != Source.ORDERED).order_by(c.since, c.until, c.id)
        return {(row.product, row.variant, row.currency): row for row in connection.execute(own)}

    def order(self, seen: Sequence[Seen], connection: object = None) -> None:
        wanted = [each for each in seen if recordable(each)]
        if not wanted:
            return
        c, day = table.c, min(each.since for each in wanted) - DAY
        with in_order(self.engine, connection) as writing:
            mine = (c.instance == self._instance, c.product.in_({each.product for each in wanted}), c.until > day)
            query = select(c.product, c.variant, c.currency, c.price, c.rule, c.since)
            there = {
                (row.product, row.variant, row.currency, row.price, row.rule, row.since.date())
                for row in writing.execute(query.where(*mine, c.source == Source.ORDERED))
            }
            new = [
                each
                for each in wanted
                if (each.product, each.variant, each.currency, each.price, each.rule, each.since.date()) not in there
            ]
            self._insert(writing, new)

    def add(self, seen: Iterable[Seen]) -> None:
        for chunk in _chunks(seen, CHUNK):
            with self.engine.begin() as connection:
                start_writing(connection)
                self._insert(connection, chunk)

    def _insert(self, connection: Connection, rows: Sequence[Seen]) -> None:
        if rows:
            connection.execute(
                insert(table), [{"instance": self._instance, **msgspec.structs.asdict(row)} for row in rows]
            )

    def history(self, products: Collection[str], since: datetime | None = None) -> dict[str, list[Seen]]:
        c, found = table.c, dict[str, list[Seen]]()
        with self.engine.connect() as connection:
            for chunk in _chunks(products, CHUNK):
                query = select(table).where(c.instance == self._instance, c.product.in_(chunk))
                if since is not None:
                    query = query.where(c.until >= since)
                for row in connection.execute(query.order_by(c.product, c.since, c.id)):
                    found.setdefault(row.product, []).append(_read(row))
        return found

    def tidy(self, before: datetime) -> int:
        c = table.c
        mine = select(func.max(c.id)).where(c.instance == self._instance, c.source != Source.ORDERED)
        newest = mine.group_by(c.product, c.variant, c.currency)
        old = (c.instance == self._instance, c.until < before, c.id.not_in(newest))
        with self.engine.begin() as connection:
            start_writing(connection)
            return connection.execute(delete(table).where(*old)).rowcount


def _seen(price: Price, at: datetime, source: Source) -> Seen:
    return Seen(price.product, price.variant, price.currency, price.price, at, at, source)


def _read(row: Row[Any]) -> Seen:
    return Seen(
        row.product, row.variant, row.currency, row.price, row.since, row.until, Source(row.source), row.rule
    )  # fmt: skip


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
