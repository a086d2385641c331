"""What past orders speak for all together, by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from flask_upsell.learn import drawn
from flask_upsell.learn.drawn import FADING, MOST_OFTEN, Drawn
from flask_upsell.learn.weights import Strongest

DAY = 86_400
#: Products 1, 3, 4 are weighed, at these places; 2 is bought too seldom. 1 speaks for 3 and 4, 3 for 4, 4 for none.
PLACE = np.array([-1, 0, -1, 1, 2])
WEIGHTS = np.array([[0.0, 0.5, 0.2], [-0.4, 0.0, 0.3], [0.0, -0.1, 0.0]], np.float32)


def told() -> Drawn:
    return Drawn(Strongest(WEIGHTS, 80), PLACE, np.array([1, 3, 4]))


def test_each_product_speaks_by_how_often_and_how_lately_it_was_bought() -> None:
    newest, older = 400 * DAY, (400 - FADING) * DAY
    found = told().of([(newest, [1, 2]), (int(older), [1, 3])])
    one, three = sqrt(1.5), sqrt(0.5)
    assert [no for no, _ in found] == [3, 4]
    assert [much for _, much in found] == pytest.approx([0.5 * one, 0.2 * one + 0.3 * three], abs=1e-4)


def test_more_than_so_often_says_no_more() -> None:
    found = [dict(told().of([(day, [1]) for day in range(times)])) for times in (1, int(MOST_OFTEN) + 1, 50)]
    assert found[1] == found[2] == pytest.approx({3: 0.5 * sqrt(MOST_OFTEN), 4: 0.2 * sqrt(MOST_OFTEN)}, abs=1e-4)
    assert found[0] == pytest.approx({3: 0.5, 4: 0.2})


def test_the_strongest_are_told_and_ties_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: the first ones instead of the strongest."""
    monkeypatch.setattr(drawn, "TOLD", 1)
    assert [no for no, _ in told().of([(0, [1])])] == [3]
    later = Drawn(
        Strongest(np.array([[0, 0.2, 0.5], [0, 0, 0], [0, 0, 0]], np.float32), 80), PLACE, np.array([1, 3, 4])
    )
    assert [no for no, _ in later.of([(0, [1])])] == [4]
    even = Drawn(Strongest(np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]], np.float32), 80), PLACE, np.array([1, 3, 4]))
    monkeypatch.setattr(drawn, "TOLD", 2)
    assert even.of([(0, [1])]) == [(3, 1.0), (4, 1.0)]


@pytest.mark.parametrize("baskets", [[], [(0, [])], [(0, [2])], [(0, [4])]])
def test_who_bought_nothing_that_speaks_is_drawn_to_nothing(baskets: list[tuple[int, list[int]]]) -> None:
    assert told().of(baskets) == []


def test_without_any_weights_nobody_is_drawn() -> None:
    nothing = Drawn(Strongest(np.zeros((0, 0), np.float32), 80), np.full(3, -1), np.zeros(0, np.int64))
    assert nothing.of([(0, [1, 2])]) == []
