"""Weights of signals: a conditional logit, by Newton's method. Of the candidates of a case, one was bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..core.taste import FAR, SIGNALS, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Fewer cases than that prove nothing.
FEWEST = 60
ROUNDS = 60
#: Keeps weights small that little speaks for: as much as so many cases.
RIDGE, STRICTER = 6.0, 5.0
#: Cases that are added up at once: what they need in full precision bounds the memory.
AT_ONCE = 250
NEW = SIGNALS.index("new")
#: By how much (logarithm) what a shopper never bought is preferred a little more, and how often at most.
BOLDER, MOST_BOLD = 0.1, 12


def logit(
    signals: NDArray[Any] | Expanded,
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
    chosen = np.concatenate(
        [signals[part].astype(np.float64)[np.arange(len(bought[part])), bought[part]] for part in parts]
    )

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


class Expanded:
    """Signals, each two multiplied, and each with what is known of the page: made for some cases at a time, since of
    all cases they would be the most that learning keeps in memory."""

    def __init__(self, signals: NDArray[np.float32], page: NDArray[np.float32]) -> None:
        self._signals, self._page = signals, page
        number = signals.shape[2]
        self._pairs = [(one, other) for one in range(number) for other in range(one, number)]
        self.shape = (*signals.shape[:2], number * (1 + page.shape[1]) + len(self._pairs))

    def __getitem__(self, cases: slice) -> Floats:
        import numpy as np

        some, page = self._signals[cases].astype(np.float64), self._page[cases].astype(np.float64)
        products = [some[:, :, one] * some[:, :, other] for one, other in self._pairs]
        pages = [some * page[:, None, each, None] for each in range(page.shape[1])]
        return np.concatenate([some, np.stack(products, axis=2), *pages], axis=2)


def second_order(
    signals: NDArray[Any], page: Floats, bought: NDArray[np.int64], there: NDArray[np.bool_], uses: Sequence[int]
) -> Weights:
    """Weights for (cases, candidates, signals) and (cases, page), of the signals in `uses`."""
    import numpy as np

    some = signals[:, :, list(uses)].astype(np.float64)
    here = some[there]
    mean, spread = here.mean(0), np.maximum(here.std(0), 1e-6)
    some -= mean
    some /= spread
    scaled = np.clip(some, -FAR, FAR, out=some).astype(np.float32)
    del some, here
    page_mean, page_spread = page.mean(0), np.maximum(page.std(0), 1e-6)
    far = np.clip((page - page_mean) / page_spread, -FAR, FAR).astype(np.float32)
    number, size = len(uses), page.shape[1]
    total = number + number * (number + 1) // 2
    found = logit(Expanded(scaled, far), bought, there, number)
    single, products, rest = found[:number], found[number:total], found[total:]

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


def fitted(
    told: Sequence[NDArray[np.float32]],
    places: Sequence[int],
    pages: Sequence[Sequence[float]],
    number: int,
    uses: Sequence[int],
    explore: float,
) -> tuple[Weights | None, dict[str, Any]]:
    """Weights of the signals in `uses`, and how well they did. `told`: (candidates, signals) of each case; `places`:
    which of these was bought; `pages`: what is known of each page. `number`: of all cases, also of those where what was
    bought was no candidate. `explore`: what share of the hits may be given for what a shopper never bought.
    """
    import numpy as np

    if len(told) < FEWEST:
        return None, {"cases": number, "found": _share(len(told), number)}
    most = max(len(each) for each in told)
    every = np.zeros((len(told), most, len(SIGNALS)), np.float32)
    there = np.zeros((len(told), most), dtype=bool)
    for place, each in enumerate(told):
        every[place, : len(each)] = each
        there[place, : len(each)] = True
    weights = second_order(every, np.array(pages), np.array(places), there, uses)
    hits = _hits(weights, told, places, pages)
    if NEW in uses:
        # What a shopper never bought is worth more to them than a reminder: as much of it as costs hardly any hit.
        least = hits * (1 - explore)
        for _ in range(MOST_BOLD):
            bolder = _bolder(weights)
            found = _hits(bolder, told, places, pages)
            if found < least:
                break
            weights, hits = bolder, found
    return weights, {"cases": number, "found": _share(len(told), number), "hit_rate_3": _share(hits, number)}


def _share(some: int, number: int) -> float:
    return round(some / number, 4) if number else 0.0


def _hits(
    weights: Weights, told: Sequence[NDArray[np.float32]], places: Sequence[int], pages: Sequence[Sequence[float]]
) -> int:
    """In how many cases what was bought is among the first three."""
    hits = 0
    for each, place, about in zip(told, places, pages, strict=True):
        first = weights.scored([(str(at), tuple(some)) for at, some in enumerate(each.tolist())], about)[:3]
        hits += str(place) in [ref for _, ref in first]
    return hits


def _bolder(weights: Weights) -> Weights:
    """The same with a little more for what a shopper never bought."""
    at = weights.uses.index(NEW)
    more = weights.single[at] + BOLDER * weights.spread[at]
    return msgspec.structs.replace(weights, single=(*weights.single[:at], more, *weights.single[at + 1 :]))
