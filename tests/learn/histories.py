"""Histories of orders with a known answer in them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product

START = datetime(2026, 1, 1, tzinfo=UTC)


def silent(step: str, done: int, total: int) -> None: ...


def order(ref: str, day: float, products: Iterable[str], customer: str | None = None) -> list[OrderLine]:
    at = START + timedelta(days=day)
    return [OrderLine(ref, product, 1, 1000, at, customer) for product in products]


def goods(lines: Iterable[OrderLine]) -> list[Product]:
    return [Product(ref, f"The {ref}", 1000, "EUR") for ref in sorted({line.product for line in lines})]


def couples(orders: int, pairs: int = 30) -> list[OrderLine]:
    """Each order is one of the pairs "a00" and "b00", "a01" and "b01", …, whole, and nothing else: who knows the
    pairs never errs."""
    lines = list[OrderLine]()
    for number in range(orders):
        each = (number * 7) % pairs
        lines += order(f"o{number:05}", number / 10, [f"a{each:02}", f"b{each:02}"], f"k{number % 50}")
    return lines


def regulars(orders: int) -> list[OrderLine]:
    """Sixty customers who each buy something of their own again and again, beside what is bought by chance."""
    chance, lines = random.Random(3), list[OrderLine]()
    for number in range(orders):
        who = f"k{chance.randrange(60)}"
        products = set(chance.sample([f"n{each:02}" for each in range(40)], 2)) | {f"own {who}"}
        lines += order(f"o{number:05}", number / 10, sorted(products), who)
    return lines
