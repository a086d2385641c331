"""What a backtest measured, in words and as bars: the same for the page, the command's table and its picture."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..core.words import Sentence, say
from ..learn.backtest import Result
from ..learn.measured import Measured, Rate

#: Each method by its name, as merchants say it.
METHODS = {
    "popular": say("What sells most"),
    "pairs": say("Pairs, counted"),
    "confidence": say("Pairs, by share of orders"),
    "evidence": say("Suggestions as listed"),
    "visitors": say("Ours, nobody known"),
    "shoppers": say("Ours, with past orders"),
    "next_up": say("The next dearer one"),
    "most_bought": say("The one that sells most"),
    "ours": say("Ours"),
}
#: Those that are ours.
OURS = ("visitors", "shoppers", "ours")
#: Where a scale may end.
SCALES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


class Bar(msgspec.Struct, frozen=True):
    """A hit rate among the first three, with its interval: shares of 1. `ours`: not one of the simple methods."""

    name: Sentence
    value: float
    low: float
    high: float
    ours: bool


class Group(msgspec.Struct, frozen=True):
    """Bars on one scale, which ends at `top`."""

    name: Sentence
    bars: list[Bar]
    top: float


def groups(result: Result) -> list[Group]:
    """What goes with a cart, and steps up."""
    named = ((say("What goes with the cart"), result.complements), (say("A step up"), result.upgrades))
    return [Group(name, [_bar(row) for row in rows], _top(rows)) for name, rows in named if rows]


class Verdict(msgspec.Struct, frozen=True):
    """Ours without anybody's past orders, beside the best of the simple ways, which know none either; `shoppers` is
    ours with them. `sure`: the intervals do not meet."""

    ours: float
    others: float
    sure: bool
    shoppers: float | None = None


def verdict(rows: Sequence[Measured]) -> Verdict | None:
    """Of what goes with a cart; None where nothing was tried."""
    named = {row.method: row.hit_3 for row in rows}
    others = max([rate for method, rate in named.items() if method not in OURS], key=_value, default=None)
    ours, shoppers = named.get("visitors"), named.get("shoppers")
    if ours is None or others is None:
        return None
    sure = ours.low > others.high or others.low > ours.high
    return Verdict(ours.value, others.value, sure, None if shoppers is None else shoppers.value)


def _value(rate: Rate) -> float:
    return rate.value


def _bar(row: Measured) -> Bar:
    return Bar(METHODS[row.method], row.hit_3.value, row.hit_3.low, row.hit_3.high, row.method in OURS)


def _top(rows: Sequence[Measured]) -> float:
    highest = max(row.hit_3.high for row in rows)
    return next(scale for scale in SCALES if scale >= highest)
