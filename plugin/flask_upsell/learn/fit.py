"""Weights of signals: a conditional logit, by Newton's method. Of the candidates of a case, one was bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.taste import FAR, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUNDS = 60
#: Keeps weights small that little speaks for: as much as so many cases.
RIDGE, STRICTER = 6.0, 5.0


def logit(
    signals: Floats,
    bought: NDArray[np.int64],
    there: NDArray[np.bool_],
    first: int = 0,
    before: Floats | float = 0.0,
) -> Floats:
    """(signals,) weights, from (cases, candidates, signals), the place of what was bought in each case, and which
    candidates there are: cases may have fewer than others. Signals should be of about the same spread;
    those after the `first` ones (if not 0) are only made of them, and need stronger proof. `before`: the score (cases,
    candidates) that theirs is added to."""
    import numpy as np

    number, size = len(bought), signals.shape[2]
    cases, weights, ridge = np.arange(number), np.zeros(size), np.full(size, RIDGE / number)
    if first:
        ridge[first:] *= STRICTER
    chosen = signals[cases, bought]

    def at(here: Floats) -> tuple[float, Floats]:
        score = np.where(there, signals @ here + before, -np.inf)
        score -= score.max(1, keepdims=True)
        share = np.exp(score)
        share /= share.sum(1, keepdims=True)
        return float(-np.log(share[cases, bought] + 1e-12).mean() + (ridge * here) @ here), share

    loss, share = at(weights)
    for _ in range(ROUNDS):
        expected = np.einsum("ck,cks->cs", share, signals)
        gradient = (expected - chosen).mean(0) + 2 * ridge * weights
        flat = signals.reshape(-1, size)
        curve = flat.T @ (flat * share.reshape(-1, 1)) / number - expected.T @ expected / number
        curve[np.diag_indices_from(curve)] += 2 * ridge
        step, stride = np.linalg.solve(curve, gradient), 1.0
        while stride > 1e-4:
            better, shares = at(weights - stride * step)
            if better < loss:
                break
            stride /= 2
        else:
            break
        settled = loss - better < 1e-6
        weights, loss, share = weights - stride * step, better, shares
        if settled:
            break
    return weights


def second_order(
    signals: Floats, page: Floats, bought: NDArray[np.int64], there: NDArray[np.bool_], uses: Sequence[int]
) -> Weights:
    """Weights for (cases, candidates, signals) and (cases, page), of the signals in `uses`."""
    import numpy as np

    some = signals[:, :, list(uses)]
    mean, spread = some[there].mean(0), np.maximum(some[there].std(0), 1e-6)
    scaled = np.clip((some - mean) / spread, -FAR, FAR).astype(np.float32)
    page_mean, page_spread = page.mean(0), np.maximum(page.std(0), 1e-6)
    far = np.clip((page - page_mean) / page_spread, -FAR, FAR).astype(np.float32)
    number, size = len(uses), page.shape[1]
    pairs = [(one, other) for one in range(number) for other in range(one, number)]
    columns = [scaled]
    columns += [(scaled[:, :, one] * scaled[:, :, other])[:, :, None] for one, other in pairs]
    columns += [scaled * far[:, None, each, None] for each in range(size)]
    found = logit(np.concatenate(columns, axis=2), bought, there, number)
    single, products, rest = found[:number], found[number : number + len(pairs)], found[number + len(pairs) :]

    def told(values: Floats) -> tuple[float, ...]:
        return tuple([round(float(each), 6) for each in values])

    return Weights(
        tuple(uses),
        told(mean),
        told(spread),
        told(single),
        told(products),
        tuple([told(rest[each * number : (each + 1) * number]) for each in range(size)]),
        told(page_mean),
        told(page_spread),
    )
