"""Adding up, and what counts as a quantity."""

from __future__ import annotations

from flask_upsell.demo.till import Totals, add_up, read_quantity


def test_the_coupon_is_rounded_half_up_once() -> None:
    class Line:
        def __init__(self, total_minor: int) -> None:
            self.total_minor = total_minor

    assert add_up([Line(5)], "WELCOME10") == Totals(5, 1)
    assert add_up([Line(4)], "WELCOME10") == Totals(4, 0)
    assert add_up([Line(5), Line(5), Line(5)], "WELCOME10").due == 13
    assert add_up([Line(5)], None).due == 5
    assert add_up([], "WELCOME10").due == 0


def test_quantities_that_are_fine() -> None:
    assert [read_quantity(text) for text in ("1", " 7 ", "99", "007")] == [1, 7, 99, 7]
