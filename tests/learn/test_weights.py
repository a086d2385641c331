"""EASE in closed form against the textbook's regression, product by product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flask_upsell.learn import weights
from flask_upsell.learn.weights import Strongest, ease, strongest


def gram_of(seed: int, orders: int = 60, products: int = 8) -> Any:
    bought = (np.random.default_rng(seed).random((orders, products)) < 0.3).astype(np.float32)
    return bought.T @ bought


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ridge", [0.5, 10.0])
def test_each_column_is_the_ridge_regression_of_its_product_on_all_others(seed: int, ridge: float) -> None:
    """Planted bug that it shows: divided by the diagonal of the row instead of the column."""
    gram = gram_of(seed)
    found = ease(gram.copy(), ridge)
    assert np.all(np.diag(found) == 0)
    for product in range(len(gram)):
        others = [each for each in range(len(gram)) if each != product]
        there = gram[np.ix_(others, others)] + ridge * np.eye(len(others))
        assert found[others, product] == pytest.approx(np.linalg.solve(there, gram[others, product]), abs=1e-4)


def test_a_matrix_of_many_blocks_is_inverted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: the column of a block changed before its row was used."""
    gram = gram_of(3, orders=400, products=50)
    whole = ease(gram.copy(), 2.0)
    monkeypatch.setattr(weights, "BLOCK", 7)
    monkeypatch.setattr(weights, "ROWS", 9)
    assert ease(gram.copy(), 2.0) == pytest.approx(whole, abs=1e-5)
    inverse = np.linalg.inv(gram.astype(float) + 2.0 * np.eye(50))
    expected = inverse / -np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0)
    assert whole == pytest.approx(expected, abs=1e-5)


def test_what_is_never_bought_together_speaks_for_nothing() -> None:
    assert np.all(ease(np.diag([5.0, 9.0, 2.0]).astype(np.float32), 1.0) == 0)
    assert ease(np.array([[7.0]], np.float32), 1.0).tolist() == [[0.0]]


def test_a_substitute_has_a_negative_weight() -> None:
    """Two pens are bought with paper, never with each other."""
    bought = np.array([[1, 1, 0], [1, 0, 1]] * 20 + [[0, 0, 0]] * 20, np.float32)
    found = ease(bought.T @ bought, 1.0)
    assert found[0, 1] > 0 and found[0, 2] > 0 and found[1, 2] < 0


def test_the_strongest_are_the_largest_positive_ones() -> None:
    found = np.array([[0.0, 0.5, -0.9, 0.1, 0.3, 0.0]], np.float32)
    assert strongest(found, 0, 2).tolist() == [1, 4]
    assert strongest(found, 0, 3).tolist() == [1, 3, 4]
    assert strongest(found, 0, 60).tolist() == [1, 3, 4]
    assert strongest(np.zeros((1, 4), np.float32), 0, 3).tolist() == []


def test_the_strongest_know_how_often_they_were_bought_together() -> None:
    """Planted bug that it shows: pairs counted one way only."""
    found = np.array([[0.0, 0.5, -0.9], [0.2, 0.0, 0.1], [0.3, 0.4, 0.0]], np.float32)
    known = Strongest(found, 1)
    known.count(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([7, 8, 9]))
    assert [known.of(place) for place in range(3)] == [[(1, 7)], [(0, 7)], [(1, 9)]]
    nothing = Strongest(np.zeros((2, 2), np.float32), 5)
    nothing.count(np.array([0]), np.array([1]), np.array([3]))
    assert nothing.of(1) == []


@pytest.mark.parametrize("seed", range(3))
def test_what_some_speak_for_together_is_the_sum_of_their_strongest(seed: int) -> None:
    """Planted bug that it shows: the weights of the first product repeated for all."""
    found, chance = ease(gram_of(seed), 2.0), np.random.default_rng(seed)
    few = np.zeros_like(found)
    for place in range(len(found)):
        columns = strongest(found, place, 3)
        few[place, columns] = found[place, columns]
    for places in ([4], [0, 7], [6, 1, 3]):
        much = chance.random(len(places))
        assert Strongest(found, 3).summed(np.array(places), much) == pytest.approx(much @ few[places], abs=1e-6)
    assert not Strongest(np.zeros((2, 2), np.float32), 5).summed(np.array([0, 1]), np.ones(2)).any()
