"""Weights of signals: a conditional logit, by Newton's method. Of the candidates of a case, one was bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.taste import FAR, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUNDS = 60
#: Keeps weights small that little speaks for: as much as so many cases.
RIDGE, STRICTER = 6.0, 5.0
#: Cases that are added up at once: what they need in full precision bounds the memory.
AT_ONCE = 250


def logit(
    signals: NDArray[Any],
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
    parts = [slice(start, start + AT_ONCE) for start in range(0, number, AT_ONCE)]
    chosen = signals[cases, bought].astype(np.float64)

    def at(here: Floats) -> tuple[float, Floats]:
        score = np.concatenate([signals[part].astype(np.float64) @ here for part in parts])
        score = np.where(there, score + before, -np.inf)
        score -= score.max(1, keepdims=True)
        share = np.exp(score)
        share /= share.sum(1, keepdims=True)
        return float(-np.log(share[cases, bought] + 1e-12).mean() + (ridge * here) @ here), share

    def slope(share: Floats) -> tuple[Floats, Floats]:
        """What is expected of each case, and the curvature."""
        expected, curve = np.zeros((number, size)), np.zeros((size, size))
        for part in parts:
            exact = signals[part].astype(np.float64)
            expected[part] = np.einsum("ck,cks->cs", share[part], exact)
            flat = exact.reshape(-1, size)
            curve += flat.T @ (flat * share[part].reshape(-1, 1))
        return expected, curve

    loss, share = at(weights)
    for _ in range(ROUNDS):
        expected, curve = slope(share)
        gradient = (expected - chosen).mean(0) + 2 * ridge * weights
        curve = curve / number - expected.T @ expected / number
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
    total = number + len(pairs)
    columns = np.empty((*there.shape, total + size * number), np.float32)
    columns[:, :, :number] = scaled
    for place, (one, other) in enumerate(pairs, number):
        columns[:, :, place] = scaled[:, :, one] * scaled[:, :, other]
    for each in range(size):
        columns[:, :, total + each * number : total + (each + 1) * number] = scaled * far[:, None, each, None]
    found = logit(columns, bought, there, number)
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
