"""Counted while learning: how much there was to learn from. What it means for the merchant is said at the desk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .likely import FEWEST

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SQL = Path(__file__).with_name("sql")


class Counted(msgspec.Struct, frozen=True):
    """Of the orders that were learned from. `baskets` are orders of two or more products; `begun` and `ended` are Unix
    times; `known_orders` have a customer; `again` are baskets of the last part of the history whose customer had
    ordered before it, of which fitting needs `fewest`.

    `lines` are products of orders, of which: those of products that were ordered `min_support` times (`often`), that
    lead to something learned (`paired`), that have a category (`sorted`), a dearer one of it within the price gap
    (`stepped`), and one that was learned (`upgraded`). `pairs`: how many pairs were learned.
    """

    orders: int
    baskets: int
    begun: int
    ended: int
    known_orders: int
    again: int
    lines: int
    often: int
    paired: int
    sorted: int
    stepped: int
    upgraded: int
    pairs: int
    min_support: int
    min_certainty: float
    fewest: int = FEWEST


def count(connection: DuckDBPyConnection, min_support: int, min_certainty: float) -> Counted:
    """`connection` holds mined evidence."""
    connection.execute((SQL / "readiness.sql").read_text())
    cursor = connection.execute("SELECT * FROM readiness")
    row = cursor.fetchone() or ()
    names = [name for name, *_ in cursor.description]
    found = dict(zip(names, row, strict=True))
    numbers = {name: int(value) for name, value in found.items()}
    return Counted(**numbers, min_support=min_support, min_certainty=min_certainty)
