"""Orders with all that is odd: returns, ties, unknown products, nobody's orders, huge baskets, equal instants; and what
goes together in a part of the year only."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product

START = datetime(2026, 1, 1, tzinfo=UTC)
#: What sorts, quotes and escapes differently in different languages.
STRANGE = [
    "Ünder",
    "zebra",
    "Zebra",
    "it's",
    'qu"ote',
    "back\\slash",
    "漢字",
    "🦊",
    "\uffee",
    " space ",
    "NULL",
    "a,b",
    "--",
]
CUSTOMERS = [None, *(f"k{number}" for number in range(40)), "Ö'Neil", "k\\1", "🦊"]
Row = tuple[str | None, str | None, int | None, str | None, datetime | None]


def products() -> list[Product]:
    """Ladders of prices in some categories, with ties; some without a category (their titles tell it, or nothing), some
    by the month or the year."""
    found = []
    for number, ref in enumerate([*STRANGE, *(f"p{each:03}" for each in range(107))]):
        category = None if number % 11 == 0 else ("Tea", "Cups", "It's \\ odd", "Ключ")[number % 4]
        price, months = 1000 + 90 * (number // 8), (None, None, None, 1, 12)[number % 5]
        title = f"{ref} {('green tea', 'blue cup', 'odd thing', 'ключ')[number % 4] if number % 22 else '🦊'}"
        found.append(Product(ref, title, price, "EUR", category=category, period_months=months))
    return found


def rows(orders: int) -> Iterator[Row]:
    chance, refs = random.Random(11), [product.ref for product in products()]
    for number in range(orders):
        # Many at the same instant, some on the same day, some before 1970 or in the year 2100.
        at: datetime | None = START + timedelta(days=number // 9, hours=chance.randrange(3))
        if number % 97 == 0:
            at = (
                datetime(1969, 12, 31, 23, 59, 59, 900_000, tzinfo=UTC)
                if number % 2
                else datetime(2100, 1, 1, tzinfo=UTC)
            )
        who, order = chance.choice(CUSTOMERS), f"{STRANGE[number % 13]}{number}" if number % 5 == 0 else f"o{number}"
        size = 70 if number % 101 == 0 else chance.choice((1, 1, 2, 2, 3, 5, 9))
        # The first ones are bought more often, and neighbours together.
        start = int(len(refs) * chance.random() ** 2)
        bought = {refs[(start + chance.randrange(size * 2)) % len(refs)] for _ in range(size)}
        for ref in sorted(bought):
            yield order, ref, chance.randint(1, 3), who, at
            if chance.random() < 0.06:
                yield order, ref, -chance.randint(1, 3), who, at
        if chance.random() < 0.1:
            yield order, "unknown", 1, who, at
        if chance.random() < 0.05:
            yield order, refs[start], 0, who, at
    yield from _seasonal(2 + orders // 9 // 365)
    yield from [
        (None, "p001", 1, "k1", START), ("o1", None, 1, "k1", START), ("", "p001", 1, "k1", START),
        ("o1", "x" * 201, 1, "k1", START), ("o2", "p001", None, "k1", START), ("o2", "p002", 10**9 + 1, "k1", START),
        ("o3", "p003", 1, "k2", None), ("o4", "p004", 1, "", START), ("o5", "p005", 1, "x" * 201, START),
        ("o6", "p006", 10**9, "k3", START),
    ]  # fmt: skip


def _seasonal(years: int) -> Iterator[Row]:
    """Every third day of two earlier years, and of those that the others fill, three orders, one on a leap day: over
    the new year "p098" and "p099" are bought together, else each alone."""
    for day in range(0, 365 * years, 3):
        at = START + timedelta(days=day - 738)
        together = (at.month, at.day) >= (12, 20) or (at.month, at.day) <= (1, 10)
        for number, refs in enumerate((("p098",), ("p099",), ("p097", "p098", "p099") if together else ("p097",))):
            for ref in refs:
                yield f"day {day} {number}", ref, 1, None, at


def write(path: Path, orders: int) -> None:
    columns = list(zip(*rows(orders), strict=True))
    kinds = (pa.string(), pa.string(), pa.int64(), pa.string(), pa.timestamp("us", tz="UTC"))
    names = ("order_ref", "product_ref", "quantity", "customer", "placed_at")
    pq.write_table(
        pa.table({name: pa.array(some, kind) for name, some, kind in zip(names, columns, kinds, strict=True)}), path
    )


def imported() -> list[OrderLine]:
    """Lines of orders that are there too, and of others."""
    at = START + timedelta(days=3)
    lines: list[Any] = [("o1", "p001", None), ("o7", "p002", "k1")]
    lines += [(f"file {number // 2}", f"p{number % 7:03}", f"k{number % 5}") for number in range(40)]
    return [OrderLine(order, product, 1, 1000, at, customer) for order, product, customer in lines]
