"""What there is to learn from, counted by hand."""

from __future__ import annotations

from datetime import timedelta

from flask_upsell.core.product import Product
from flask_upsell.learn.fit import FEWEST
from flask_upsell.learn.mining import Mining, Parameters
from flask_upsell.learn.readiness import Counted, count
from tests.learn.histories import START, order, silent


def test_each_number_by_hand() -> None:
    """Tea and cup together in 8 orders of ann, one a day; then a lamp in 8 orders of nobody; then tea and cup in four:
    one of ann, who had ordered before, and three of bob, who had not."""
    products = [
        Product("tea", "Tea", 1000, "EUR", category="drinks"),
        Product("cup", "Cup", 500, "EUR"),
        # Dearer than "tea" by a fifth, and bought with nothing.
        Product("lamp", "Lamp", 1200, "EUR", category="drinks"),
    ]
    lines = [line for day in range(8) for line in order(f"a{day}", day, ["tea", "cup"], "ann")]
    lines += [line for day in range(8) for line in order(f"b{day}", 10 + day, ["lamp"])]
    lines += [line for day in range(4) for line in order(f"c{day}", 20 + day, ["cup", "tea"], "bob" if day else "ann")]
    with Mining(lines, products, Parameters(min_support=5, min_share=0.01), silent) as mined:
        found = count(mined.connection, 5, 3.3)
    begun = int(START.timestamp())
    assert found == Counted(
        orders=20, baskets=12, begun=begun, ended=begun + 23 * 86_400, known_orders=12,
        # The last 15 % of 20 orders begin with the 17th: all four of c, of which ann's is the first.
        again=1,
        lines=32, often=32, paired=24, sorted=20, stepped=12, upgraded=12, pairs=2, min_support=5, min_certainty=3.3,
        fewest=FEWEST,
    )  # fmt: skip
    assert timedelta(seconds=found.ended - found.begun).days == 23


def test_nothing_is_nothing() -> None:
    with Mining([], [Product("tea", "Tea", 1000, "EUR")], Parameters(), silent) as mined:
        found = count(mined.connection, 5, 3.3)
    assert (found.orders, found.baskets, found.again, found.lines, found.pairs) == (0, 0, 0, 0, 0)
