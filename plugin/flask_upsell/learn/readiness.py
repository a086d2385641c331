"""Counted while learning: how much there was to learn from. What it means for the merchant is said at the desk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .engines import Connection
from .fit import FEWEST

SQL = Path(__file__).with_name("sql")


class Counted(msgspec.Struct, frozen=True):
    """Of the orders that were learned from. `baskets` are orders of two or more products; `begun` and `ended` are Unix
    times; `known_orders` have a customer; `again` are baskets of the last part of the history whose customer had
    ordered before it, of which fitting needs `fewest`.

    `lines` are products of orders, of which: those of products that were ordered `min_support` times (`often`), that
    lead to something learned (`paired`), that have a category (`sorted`) or else a kind that learning found from their
    titles (`found`), a dearer one of the same within the price gap (`stepped`), and one that was learned (`upgraded`).
    `pairs`: how many pairs were learned.
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
    found: int = 0


def count(connection: Connection, min_support: int, min_certainty: float) -> Counted:
    """`connection` holds mined evidence."""
    connection.execute((SQL / "readiness.sql").read_text())
    found = connection.execute("SELECT * FROM readiness").fetchnumpy()
    numbers = {name: int(values[0]) for name, values in found.items()}
    return Counted(**numbers, min_support=min_support, min_certainty=min_certainty)
