"""How good answers are: hit rates, reciprocal ranks and coverage, with intervals that count customers, not carts."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Answers that count.
ANSWERS = 10
#: How often the customers are drawn anew, and what they are drawn by: the same numbers give the same interval.
DRAWS, SEED, AT_ONCE = 1000, 7, 50
#: The two ends of a 95 % interval; and how many deviations that is.
ENDS, DEVIATIONS = (2.5, 97.5), 1.959964


class Rate(msgspec.Struct, frozen=True):
    """A share (0 to 1) of `cases`, and its 95 % interval."""

    value: float
    low: float
    high: float
    cases: int


NO_RATE = Rate(0.0, 0.0, 1.0, 0)


class Answer(msgspec.Struct, frozen=True):
    """What a method said to one cart: its first products, and whether the hidden one was among all that it had."""

    first: Sequence[str]
    reached: bool


class Measured(msgspec.Struct, frozen=True):
    """One method. `repeat_3` and `explore_3` are the hit rates where the hidden product was bought by this customer
    before, and where it was not; None where there were no such carts. `coverage_3`: the share of all products that
    were bought before which it said among the first three. `recall`: in which share of carts it had the hidden one."""

    method: str
    cases: int
    hit_1: Rate
    hit_3: Rate
    hit_10: Rate
    mrr_10: Rate
    coverage_3: float
    recall: float
    repeat_3: Rate | None = None
    explore_3: Rate | None = None


def measured(
    method: str,
    answers: Sequence[Answer],
    hidden: Sequence[str],
    customers: Sequence[str],
    products: int,
    repeat: Sequence[bool] | None = None,
) -> Measured:
    """`customers`: whose cart each is; `products`: how many there are in all; `repeat`: who had bought it before."""
    import numpy as np

    places = [
        answer.first[:ANSWERS].index(ref) + 1 if ref in answer.first[:ANSWERS] else 0
        for answer, ref in zip(answers, hidden, strict=True)
    ]
    place = np.array(places, dtype=np.float64)
    hits = [(place > 0) & (place <= most) for most in (1, 3, ANSWERS)]
    shares = [*hits, np.where(place > 0, 1 / np.maximum(place, 1), 0.0)]
    counts = [np.ones(len(place))] * 4
    if repeat is not None:
        again = np.array(repeat, dtype=bool)
        shares, counts = [*shares, hits[1] & again, hits[1] & ~again], [*counts, again, ~again]
    rates = shares_of(np.stack(shares, 1).astype(np.float64), np.stack(counts, 1).astype(np.float64), customers)
    said = {ref for answer in answers for ref in answer.first[:3]}
    hit_1, hit_3, hit_10, mrr_10 = [each or NO_RATE for each in rates[:4]]
    return Measured(
        method,
        len(answers),
        hit_1,
        hit_3,
        hit_10,
        mrr_10,
        round(len(said) / max(1, products), 4),
        round(sum(answer.reached for answer in answers) / max(1, len(answers)), 4),
        rates[4] if repeat is not None else None,
        rates[5] if repeat is not None else None,
    )


def shares_of(shares: Floats, counts: Floats, customers: Sequence[str]) -> list[Rate | None]:
    """Of (cases, rates) and how much each case counts for each rate; None for a rate without any case. Carts of one
    customer are alike, so it is customers who are drawn (with putting back), each with all of their carts."""
    import numpy as np

    place = {who: at for at, who in enumerate(dict.fromkeys(customers))}
    whose, number = np.array([place[who] for who in customers], dtype=np.int64), len(place)
    sums, sizes = np.zeros((number, shares.shape[1])), np.zeros((number, shares.shape[1]))
    np.add.at(sums, whose, shares)
    np.add.at(sizes, whose, counts)
    chance = np.random.default_rng(SEED)
    drawn: list[Floats] = []
    for _ in range(0, DRAWS if number else 0, AT_ONCE):
        times = chance.multinomial(number, np.full(number, 1 / number), size=AT_ONCE).astype(np.float64)
        size = times @ sizes
        drawn.append(np.divide(times @ sums, size, out=np.full(size.shape, np.nan), where=size > 0))
    found = list[Rate | None]()
    for at in range(shares.shape[1]):
        cases = int(counts[:, at].sum())
        if not cases:
            found.append(None)
            continue
        value = float(shares[:, at].sum() / cases)
        some = np.concatenate([each[:, at] for each in drawn])
        low, high = np.percentile(some[~np.isnan(some)], ENDS)
        if low == high:
            low, high = _wilson(value, int((sizes[:, at] > 0).sum()))
        found.append(Rate(round(value, 4), round(float(low), 4), round(float(high), 4), cases))
    return found


def _wilson(share: float, n: int) -> tuple[float, float]:
    """The interval of a share among n customers. Where all or none of them hit, drawing them anew says nothing."""
    z = DEVIATIONS
    middle, spread = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))
