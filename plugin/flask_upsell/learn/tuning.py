"""Parameters chosen by the store's own orders: tried one after another on the last part of what may be learned from.

A change is kept only where it helps more than luck would (by one standard error of the difference in the same carts).
`explore` is not chosen so: it gives hits away for what shoppers do not know yet, which no count of hits can pay for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..core.ports import Report
from .engines import Connection
from .likely import USUAL, Case, Sizes, learn, span_of
from .measured import ANSWERS, Answer
from .methods import EVIDENCE, Likely, Simple, evidence
from .mining import Parameters
from .split import baskets_after, keep_before, opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: By how much each is multiplied, in turn; what is not in `Sizes` is left alone.
FACTORS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("ridge", (0.25, 4.0, 0.5, 2.0)),
    ("buyers", (0.5, 2.0)),
    ("by_weight", (0.5, 2.0)),
    ("crowd", (0.5, 2.0)),
)
#: What the least number of orders together is multiplied by; fewer than three prove nothing.
SUPPORT, FEWEST_TOGETHER = (0.6, 2.0), 3
#: Carts that a choice is made by, and that weights are fitted to meanwhile.
CARTS, FITTED = 1500, 2000
#: A change must be better by so many standard errors.
SURELY = 1.0


class Trial(msgspec.Struct, frozen=True):
    """What was tried: `score` is the mean reciprocal rank among the first ten, of visitors and shoppers alike."""

    name: str
    value: float
    score: float
    kept: bool


class Tuned(msgspec.Struct, frozen=True):
    """What was chosen: only what is not as usual. `trials`: all that was tried, in turn."""

    chosen: dict[str, float] = {}
    trials: tuple[Trial, ...] = ()

    def sizes(self, usual: Sizes = USUAL) -> Sizes:
        """These, with what was chosen. Names that are none of them (any more) are left out."""
        names = [name for name in self.chosen if name in usual.__struct_fields__]
        return msgspec.structs.replace(usual, **{name: _as(getattr(usual, name), self.chosen[name]) for name in names})

    def parameters(self, usual: Parameters) -> Parameters:
        """The same of what is a setting, too: a setting that is not its default is somebody's will, and stays."""
        default = Parameters()
        names = [
            name
            for name in self.chosen
            if name in usual.__struct_fields__ and getattr(usual, name) == getattr(default, name)
        ]
        return msgspec.structs.replace(usual, **{name: _as(getattr(usual, name), self.chosen[name]) for name in names})


UNTUNED = Tuned()


def tune(
    past: Connection,
    parameters: Parameters,
    report: Report,
    seconds: float,
    folder: Path,
    *,
    base: Sizes = USUAL,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Choose by `past`, the baskets that may be learned from, and nothing else. No new try is begun when the longest
    one so far would not end within `seconds`; the first one, of what is usual, always is."""
    began, longest = clock(), 0.0
    cut, end = span_of(past, base)
    cases = baskets_after(past, cut, CARTS)
    if not cases or not end:
        return UNTUNED
    file = folder / "tuning.duckdb"
    keep_before(past, cut, file)
    with opened(file, parameters.memory) as older:
        chosen, trials = dict[str, float](), list[Trial]()
        steps = 1 + sum(len(factors) for _, factors in FACTORS)
        report("Trying parameters", 0, steps)
        small = msgspec.structs.replace(base, cases=min(base.cases, FITTED))
        best = _score(older, cases, small)
        longest = clock() - began
        trials.append(Trial("usual", 0.0, _mean(best), True))
        done = 1
        for name, value in _values(base):
            done += 1
            report("Trying parameters", min(done, steps), steps)
            now = clock()
            if now - began + longest > seconds:
                break
            found = _score(older, cases, Tuned({**chosen, name: value}).sizes(small))
            longest = max(longest, clock() - now)
            if kept := _better(found, best):
                best, chosen[name] = found, value
            trials.append(Trial(name, value, _mean(found), kept))
        report("Trying parameters", steps, steps)
        if parameters.min_support == Parameters().min_support:
            _choose_support(older, cases, parameters, chosen, trials)
    file.unlink()
    return Tuned(chosen, tuple(trials))


def _values(base: Sizes) -> Iterator[tuple[str, float]]:
    for name, factors in FACTORS:
        usual = getattr(base, name, None)
        if isinstance(usual, int | float):
            for factor in factors:
                yield name, float(_as(usual, usual * factor))


def _as(usual: float, value: float) -> float:
    """Of the same type; at least 1 where it is a number of things."""
    return max(1, round(value)) if isinstance(usual, int) else float(value)


def _choose_support(
    older: Connection,
    cases: Sequence[Case],
    parameters: Parameters,
    chosen: dict[str, float],
    trials: list[Trial],
) -> None:
    """How many orders together make a pair that merchants see: by how well such pairs alone answer."""
    usual = parameters.min_support
    simple, best = Simple(older, cases), None
    for value in (usual, *[max(FEWEST_TOGETHER, round(usual * factor)) for factor in SUPPORT]):
        evidence(older, value)
        found = _ranks(cases, simple.answers(0, len(cases), fill=False)[EVIDENCE])
        kept = best is not None and _better(found, best)
        if best is None or kept:
            best = found
            if value != usual:
                chosen["min_support"] = float(value)
        trials.append(Trial("min_support", float(value), _mean(found), kept or value == usual))


def _score(older: Connection, cases: Sequence[Case], sizes: Sizes) -> Floats:
    """(cases,) of how near the top the hidden product was, for visitors and shoppers in the mean."""
    known, model, _ = learn(older, _silent, sizes)
    visitors, shoppers, _ = Likely(known, model).answers(cases)
    return (_ranks(cases, visitors) + _ranks(cases, shoppers)) / 2


def _ranks(cases: Sequence[Case], answers: Sequence[Answer]) -> Floats:
    import numpy as np

    found = [
        1 / (1 + list(answer.first[:ANSWERS]).index(case.hidden)) if case.hidden in answer.first[:ANSWERS] else 0.0
        for case, answer in zip(cases, answers, strict=True)
    ]
    return np.array(found, dtype=np.float64)


def _better(found: Floats, best: Floats) -> bool:
    gain = found - best
    return bool(gain.mean() > SURELY * gain.std() / len(gain) ** 0.5 and gain.mean() > 0)


def _mean(found: Floats) -> float:
    return round(float(found.mean()), 4)


def _silent(step: str, done: int, total: int) -> None:
    """What one try does says little."""
