"""The last orders of a store, out of a stream of lines in any order: sorted on disk, a few at a time in memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

import msgspec

from ..core.money import LARGEST
from ..core.ports import OrderLine

#: So far back is looked first; all there is only when that holds too few orders.
LOOKS = (timedelta(days=30), timedelta(days=400))
#: Lines that are written at once, and how often progress is told while they stream in.
CHUNK = 5_000


class PastOrder(msgspec.Struct, frozen=True):
    """An order as far as its lines say: (product, quantity, unit price in minor units). What came back is left out."""

    placed_at: datetime
    lines: tuple[tuple[str, int, int], ...]


class PastOrders:
    """`with PastOrders(store.orders, 1000, now, told) as past:` - the oldest of the last ones first.

    `told` hears how many lines were read; what it raises ends the reading. Everything temporary goes with the block.
    """

    def __init__(
        self,
        lines: Callable[[datetime | None], Iterable[OrderLine]],
        most: int,
        now: datetime,
        told: Callable[[int], None],
    ) -> None:
        self._lines, self._most, self._now, self._told = lines, most, now, told
        self._folder = tempfile.TemporaryDirectory(prefix="upsell-past-")
        self._database: sqlite3.Connection | None = None
        self._count = 0

    def __enter__(self) -> PastOrders:
        try:
            self._database = database = sqlite3.connect(Path(self._folder.name) / "past.db", isolation_level=None)
            # Lost with the process anyhow.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            for look in (*LOOKS, None):
                self._load(database, None if look is None else self._now - look)
                if self._count >= self._most:
                    break
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._database is not None:
            self._database.close()
        self._folder.cleanup()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[PastOrder]:
        assert self._database is not None
        rows = self._database.execute(
            "SELECT last.at, lines.ref, product, quantity, price FROM last JOIN lines ON lines.ref = last.ref "
            "ORDER BY last.at, lines.ref, place"
        )
        for (at, _), group in groupby(rows, key=itemgetter(0, 1)):
            yield PastOrder(datetime.fromtimestamp(at, UTC), tuple([(row[2], row[3], row[4]) for row in group]))

    def _load(self, database: sqlite3.Connection, since: datetime | None) -> None:
        database.execute("DROP TABLE IF EXISTS lines")
        database.execute("DROP TABLE IF EXISTS last")
        database.execute(
            "CREATE TABLE lines (ref TEXT, product TEXT, quantity INTEGER, price INTEGER, at REAL, place INTEGER)"
        )
        read = 0
        rows = _rows(self._lines(since))
        database.execute("BEGIN")
        while chunk := list(islice(rows, CHUNK)):
            database.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)", chunk)
            read += len(chunk)
            self._told(read)
        database.execute("COMMIT")
        database.execute("CREATE TABLE last (ref TEXT PRIMARY KEY, at REAL)")
        database.execute(
            "INSERT INTO last SELECT ref, MIN(at) FROM lines GROUP BY ref ORDER BY MIN(at) DESC, ref LIMIT ?",
            (self._most,),
        )
        self._count = database.execute("SELECT COUNT(*) FROM last").fetchone()[0]


def _rows(lines: Iterable[OrderLine]) -> Iterator[tuple[str, str, int, int, float, int]]:
    for place, line in enumerate(lines):
        if line.quantity > 0 and 0 <= line.unit_price <= LARGEST and _writable(line.order) and _writable(line.product):
            yield line.order, line.product, line.quantity, line.unit_price, line.placed_at.timestamp(), place


def _writable(ref: str) -> bool:
    """Whether it is Unicode: SQLite takes no half of a pair."""
    if ref.isascii():
        return True
    try:
        ref.encode()
    except UnicodeEncodeError:
        return False
    return True
