"""What is before the cut, and what is asked of what is after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product
from flask_upsell.learn.likely import span_of
from flask_upsell.learn.mining import Mining, Parameters
from flask_upsell.learn.split import baskets_after, keep_before, opened, turns_after
from tests.learn.histories import couples, goods, order, silent


@contextmanager
def mined(lines: Sequence[OrderLine], products: Sequence[Product] | None = None, **parameters: Any) -> Iterator[Any]:
    given = goods(lines) if products is None else products
    with Mining(lines, given, Parameters(**parameters), silent, evidence=False) as found:
        yield found.connection


def test_the_past_has_nothing_of_what_is_asked(tmp_path: Path) -> None:
    """Not even a line of an older order that was written later, nor its return."""
    lines = couples(200) + order("old", 0.05, ["a00"], "k1") + order("old", 19.8, ["b29"], "k1")
    with mined(lines) as connection:
        cut, end = span_of(connection)
        cases = baskets_after(connection, cut, 1000)
        keep_before(connection, cut, tmp_path / "past.duckdb")
    with opened(tmp_path / "past.duckdb", "1GB") as past:
        newest, orders = past.execute("SELECT MAX(placed_at), COUNT(DISTINCT order_ref) FROM order_lines").fetchall()[0]
        old = past.execute("SELECT product_ref FROM order_lines WHERE order_ref = 'old'").fetchall()
        catalogue = past.execute("SELECT COUNT(*) FROM items").fetchall()
    assert newest < cut <= min(case.at for case in cases) < end and old == [("a00",)]
    # The whole catalogue is ranked, whatever of it was sold by then.
    assert (orders + len(cases), catalogue) == (201, [(60,)])


def test_which_product_is_hidden_is_no_chance_and_both_are() -> None:
    with mined(couples(400)) as connection:
        cut, _ = span_of(connection)
        every, some = baskets_after(connection, cut, 1000), baskets_after(connection, cut, 20)
    with mined(list(reversed(couples(400)))) as connection:
        span_of(connection)
        assert baskets_after(connection, cut, 1000) == every
    assert every[:20] == some and {case.hidden[0] for case in every} == {"a", "b"}
    assert all({case.hidden, *case.cart} == {f"a{case.hidden[1:]}", f"b{case.hidden[1:]}"} for case in every)


def test_a_turn_is_the_first_dearer_one_of_the_kind_that_is_new_to_them() -> None:
    prices = {"cheap": 1000, "near": 1050, "better": 1200, "best": 1300, "far": 5000, "free": 0, "gift": 0}
    products = [Product(ref, ref, price, "EUR", category="lamp") for ref, price in prices.items()]
    lines = [line for number in range(200) for line in order(f"o{number}", number / 10, ["far"])]
    lines += order("a1", 1, ["best"], "ann") + order("a2", 2, ["cheap"], "ann")
    lines += order("a3", 19, ["near", "best"], "ann") + order("a4", 19.5, ["better"], "ann")
    lines += order("b1", 1, ["cheap"], "bob") + order("b2", 19, ["far", "near"], "bob")
    lines += order("c1", 1, ["free"], "cem") + order("c2", 19, ["gift"], "cem")
    with mined(lines, products, gap_percent=50) as connection:
        cut, _ = span_of(connection)
        (turn,) = turns_after(connection, cut, 10)
    assert (turn.customer, turn.base, turn.hidden, set(turn.owned)) == ("ann", "cheap", "better", {"cheap", "best"})
