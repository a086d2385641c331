"""Choices that were made by known weights, from which these are found again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flask_upsell.core.taste import PAGE, SIGNALS
from flask_upsell.learn.fit import logit, second_order


def chosen(seed: int, utility: Any, there: Any) -> Any:
    """The place of one candidate of each case, by chance as a conditional logit says."""
    noise = np.random.default_rng(seed).gumbel(size=utility.shape)
    return np.where(there, utility + noise, -np.inf).argmax(1)


def likelihood(signals: Any, weights: Any, bought: Any, there: Any) -> float:
    score = np.where(there, signals @ weights, -np.inf)
    score -= score.max(1, keepdims=True)
    share = np.exp(score) / np.exp(score).sum(1, keepdims=True)
    return float(np.log(share[np.arange(len(bought)), bought]).mean())


def cases(seed: int, number: int = 4000, candidates: int = 12, signals: int = 4) -> tuple[Any, Any]:
    """Signals, and which candidates there are: two of each case at least."""
    chance = np.random.default_rng(seed)
    there = chance.random((number, candidates)) < 0.8
    there[:, :2] = True
    return chance.normal(size=(number, candidates, signals)), there


@pytest.mark.parametrize("seed", range(3))
def test_planted_weights_are_found_again(seed: int) -> None:
    """Planted bug that it shows: candidates that are not there count too."""
    planted = np.array([1.5, -0.7, 0.0, 0.3])
    signals, there = cases(seed)
    signals[~there] = 5.0
    bought = chosen(seed, signals @ planted, there)
    assert logit(signals, bought, there) == pytest.approx(planted, abs=0.12)


@pytest.mark.parametrize("seed", range(8))
def test_they_are_never_worse_than_none(seed: int) -> None:
    """Choices by mere chance, few cases, signals that say the same or nothing, and one that tells all."""
    signals, there = cases(seed, 30, 6, 5)
    signals[:, :, 1] = signals[:, :, 0]
    signals[:, :, 2] = 3.0
    bought = chosen(seed, np.zeros(there.shape), there)
    if seed % 2:
        signals[np.arange(len(bought)), bought, 4] = 100.0
    weights = logit(signals, bought, there)
    assert np.all(np.isfinite(weights))
    assert likelihood(signals, weights, bought, there) >= likelihood(signals, np.zeros(5), bought, there) - 1e-9


def test_one_candidate_alone_teaches_nothing() -> None:
    signals = np.ones((5, 1, 2))
    assert logit(signals, np.zeros(5, int), np.ones((5, 1), bool)) == pytest.approx([0.0, 0.0])


def test_second_order_scores_as_what_was_planted_does() -> None:
    """Two signals that matter together, and one the more, the larger the cart: what a decision scores with these
    weights is what was planted, but for a constant in each case."""
    chance, uses = np.random.default_rng(5), (1, 3)
    signals = chance.normal(2.0, 3.0, size=(6000, 10, len(SIGNALS)))
    there = chance.random((6000, 10)) < 0.8
    there[:, 0] = True
    page = chance.normal(1.0, 0.5, size=(6000, len(PAGE)))

    def utility(each: Any, about: Any) -> Any:
        one, other = (each[..., 1] - 2) / 3, (each[..., 3] - 2) / 3
        return one + 0.8 * one * other + 0.6 * other * (about[..., 0] - 1) / 0.5

    bought = chosen(5, utility(signals, page[:, None, :]), there)
    weights = second_order(signals, page, bought, there, uses)
    assert weights.uses == uses and len(weights.pairs) == 3 and len(weights.page) == len(PAGE)
    for case in range(20):
        scored = weights.scored([(str(at), tuple(signals[case, at])) for at in range(10)], tuple(page[case]))
        got = np.array([{ref: score for score, ref in scored}[str(at)] for at in range(10)])
        wanted = utility(signals[case], page[case])
        assert np.ptp(got - wanted) < 0.25 * np.ptp(wanted) + 0.5
