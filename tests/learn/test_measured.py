"""Rates and their intervals, against what is known of them."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from flask_upsell.learn.measured import Answer, measured, shares_of


def interval(hits: list[float], customers: list[str]) -> tuple[float, float, float]:
    (rate,) = shares_of(np.array(hits)[:, None], np.ones((len(hits), 1)), customers)
    assert rate is not None and rate.cases == len(hits)
    return rate.value, rate.low, rate.high


def test_of_independent_carts_it_is_that_of_a_share() -> None:
    """2,000 carts of as many customers, 30 % hits: 0.3 ± 1.96 sqrt(0.3 · 0.7 / 2000) = ± 0.0201. Of 1,000 drawings the
    2.5 % quantile is itself known to sqrt(0.025 · 0.975 / 1000) / density, four of which are 0.0035."""
    hits = [1.0] * 600 + [0.0] * 1400
    value, low, high = interval(hits, [f"k{number}" for number in range(2000)])
    wide = 1.959964 * sqrt(0.3 * 0.7 / 2000)
    assert value == 0.3
    assert low == pytest.approx(0.3 - wide, abs=0.0035) and high == pytest.approx(0.3 + wide, abs=0.0035)
    assert interval(hits, [f"k{number}" for number in range(2000)]) == (value, low, high)


def test_carts_of_one_customer_are_not_independent() -> None:
    """The same carts, but ten of each customer alike: only 200 are independent. Planted bug that it shows: carts are
    drawn instead of customers."""
    hits = [1.0] * 600 + [0.0] * 1400
    _, low, high = interval(hits, [f"k{number // 10}" for number in range(2000)])
    wide = 1.959964 * sqrt(0.3 * 0.7 / 200)
    assert low == pytest.approx(0.3 - wide, abs=0.011) and high == pytest.approx(0.3 + wide, abs=0.011)


def test_none_and_all_of_few_prove_little() -> None:
    # Wilson's: 1 / (1 + n / z²) for none of n.
    value, low, high = interval([0.0] * 20, [f"k{number}" for number in range(20)])
    assert (value, low) == (0.0, 0.0) and high == pytest.approx(1 / (1 + 20 / 1.959964**2), abs=1e-4)
    value, low, high = interval([1.0] * 20, ["k"] * 20)
    assert (value, high) == (1.0, 1.0) and low == pytest.approx(1 / (1 + 1.959964**2), abs=1e-4)


def test_each_figure_by_hand() -> None:
    """Four carts: found first, third, eleventh (which is not counted) and not at all."""
    first = [f"p{number}" for number in range(12)]
    answers = [Answer(first, True), Answer(first, True), Answer(first, True), Answer(["p0"], False)]
    row = measured("m", answers, ["p0", "p2", "p10", "q"], ["a", "b", "c", "d"], 10, [True, False, False, False])
    assert (row.cases, row.hit_1.value, row.hit_3.value, row.hit_10.value) == (4, 0.25, 0.5, 0.5)
    assert row.mrr_10.value == round((1 + 1 / 3) / 4, 4)
    assert (row.coverage_3, row.recall) == (0.3, 0.75)
    assert row.repeat_3 is not None and row.explore_3 is not None
    assert (row.repeat_3.value, row.repeat_3.cases) == (1.0, 1)
    assert (row.explore_3.value, row.explore_3.cases) == (round(1 / 3, 4), 3)
    assert measured("m", answers, ["p0"] * 4, ["a"] * 4, 10).repeat_3 is None
    assert measured("m", answers, ["p0"] * 4, ["a"] * 4, 10, [False] * 4).repeat_3 is None
