"""How good is what would be offered? Tried on the store's own last orders, which nothing was learned from.

The last part of the history is hidden, one product of each of its baskets of two or more is to be found among the whole
catalogue, and ours is measured beside simple methods that had the same past. What is fitted and chosen is fitted and
chosen before the cut as well. See `split` for why nothing can look ahead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from ..core.ports import OrderLine, Report
from ..core.product import Product
from ..errors import LearnError
from .engines import DUCKDB, Connection
from .likely import USUAL, Case, Sizes, learn, span_of
from .measured import Answer, Measured, measured
from .methods import PART, SHOPPERS, VISITORS, Dearer, Likely, Simple, evidence
from .mining import Mining, Parameters
from .split import Turn, baskets_after, keep_before, opened, turns_after
from .tuning import UNTUNED, Tuned, tune
from .upgrades import Steps, learn_upgrades

#: Carts that are tried at most: more of them make the interval hardly narrower.
MOST = 6000
MINUTES = 5.0
#: The part of the time that choosing parameters may take, and what trying carts has in any case.
TUNING, TRYING = 0.6, 1 / 3
Clock = Callable[[], float]


class Result(msgspec.Struct, frozen=True):
    """`cut`: when the hidden part begins, `begin` and `end` those of the history (Unix time). `orders` were learned
    from, `hidden` baskets could be tried, `cases` of them were; of `again` of these the shopper had ordered before.
    `tuned`: what it was learned with, as far as it is not the usual; `chosen_now`: by this very run."""

    begin: int
    cut: int
    end: int
    orders: int
    products: int
    hidden: int
    cases: int
    again: int
    complements: tuple[Measured, ...]
    upgrades: tuple[Measured, ...]
    tuned: Tuned = UNTUNED
    chosen_now: bool = False
    seconds: float = 0.0


def backtest(
    lines: Iterable[OrderLine],
    products: Iterable[Product],
    parameters: Parameters,
    report: Report,
    imported: Iterable[OrderLine] = (),
    *,
    sizes: Sizes = USUAL,
    used: Tuned = UNTUNED,
    minutes: float = MINUTES,
    choose: bool = False,
    most: int = MOST,
    clock: Clock = time.monotonic,
) -> Result:
    """Learn from the orders before the cut and try the rest. `minutes`: when they are over no further cart is tried;
    reading and learning take what they take, and a third of the minutes is for trying in any case. `used`: parameters
    that were chosen before; `choose`: choose them anew. Raises LearnError when there is nothing to try, or too little
    memory."""
    began = clock()
    parameters = msgspec.structs.replace(parameters, engine=DUCKDB)
    with TemporaryDirectory(prefix="upsell-backtest-") as folder:
        file = Path(folder) / "past.duckdb"
        with Mining(lines, products, parameters, report, imported, evidence=False) as mined:
            cut, end = span_of(mined.connection, sizes)
            if not end:
                raise LearnError("there are no orders to try")
            cases, turns = baskets_after(mined.connection, cut, most), turns_after(mined.connection, cut, most)
            row = mined.connection.execute(
                "SELECT MIN(placed_at), COUNT(*) FILTER (placed_at >= ? AND size >= 2) FROM placed", [cut]
            ).fetchone()
            begin, hidden = (int(row[0]), int(row[1])) if row else (0, 0)
            keep_before(mined.connection, cut, file)
        if not cases or begin >= cut:
            raise LearnError(
                "there are too few orders to try: it takes some of two or more products, and older ones to learn from"
            )
        with opened(file, parameters.memory) as past:
            tuned = used
            if choose:
                tuned = tune(past, parameters, report, TUNING * minutes * 60, Path(folder), base=sizes, clock=clock)
            sizes = tuned.sizes(sizes)
            evidence(past, tuned.parameters(parameters).min_support)
            known, model, _ = learn(past, report, sizes)
            simple = Simple(past, cases)
            over = max(began + minutes * 60, clock() + TRYING * minutes * 60)
            complements, tried, again = _carts(simple, Likely(known, model), cases, report, lambda: clock() > over)
            upgrades = _steps(past, turns, simple.products, parameters, report)
        return Result(
            begin, cut, end, known.baskets, simple.products, hidden, tried, again, complements, upgrades, tuned, choose,
            round(clock() - began, 1),
        )  # fmt: skip


def _carts(
    simple: Simple, ours: Likely, cases: Sequence[Case], report: Report, late: Callable[[], bool]
) -> tuple[tuple[Measured, ...], int, int]:
    """All methods by the same carts; how many of them there was time for, and of how many the shopper was known."""
    said: dict[str, list[Answer]] = {}
    repeat, again, tried = list[bool](), 0, 0
    for start in range(0, len(cases), PART):
        if start and late():
            break
        tried = min(start + PART, len(cases))
        part = cases[start:tried]
        visitors, shoppers, habits = ours.answers(part)
        for method, answers in {**simple.answers(start, tried), VISITORS: visitors, SHOPPERS: shoppers}.items():
            said.setdefault(method, []).extend(answers)
        repeat += [case.hidden in own.places for case, own in zip(part, habits, strict=True)]
        again += sum(bool(own.baskets) for own in habits)
        report("Trying carts", tried, len(cases))
    if not again:
        said.pop(SHOPPERS)
    hidden = [case.hidden for case in cases[:tried]]
    whose = [case.customer or f"cart {no}" for no, case in enumerate(cases[:tried])]
    known = repeat if again else None
    rows = [measured(method, answers, hidden, whose, simple.products, known) for method, answers in said.items()]
    return tuple(rows), tried, again


def _steps(
    past: Connection, turns: Sequence[Turn], products: int, parameters: Parameters, report: Report
) -> tuple[Measured, ...]:
    if not turns:
        return ()
    bounds = Steps(gap_percent=parameters.gap_percent, gap_floor=parameters.gap_floor)
    dearer = Dearer(past, turns, learn_upgrades(past, report, bounds)[0])
    turns = [turn for turn in turns if dearer.a_choice(turn)]
    answers = dearer.answers(turns, report) if turns else {}
    hidden, whose = [turn.hidden for turn in turns], [turn.customer for turn in turns]
    return tuple([measured(method, said, hidden, whose, products) for method, said in answers.items()])
