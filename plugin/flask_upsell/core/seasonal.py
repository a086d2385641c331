"""Pairs that go together in some weeks of the year only: the evidence, and which season it is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from ..errors import RuleError
from .season import Season
from .windows import Windows, Yearly, both, day_of, spans

#: What verdicts and lists call these suggestions, beside the kinds of learned pairs.
SEASONAL = "seasonal"
#: A year without a leap day, in which days are counted.
_PLAIN = 2001
#: Share of the days of a window and of a season together that both have: of one that may stand for the window, and of
#: one that is near it.
SAME, NEAR = 0.5, 0.2
#: Years, before and after this one, in which a season that moves is looked at.
_AROUND = 1
#: First and last day of every year, "MM-DD".
Window = tuple[str, str]
Span = tuple[date, date]


class Seasonal(msgspec.Struct, frozen=True):
    """A pair and its window: the days of every year from `start` to `end` ("MM-DD"), both included, over the new year
    when it ends before it starts.

    In the window `together` of the `base` orders with the antecedent also had the consequent, `lift` times as many as
    by chance; `orders` are all orders in it. `outside_…`: the same in the rest of the year. `years`: in how many it was
    seen. `certainty`: how many times the surest window of the pair is rarer by chance, as a natural logarithm.
    """

    antecedent: str
    consequent: str
    start: str
    end: str
    together: int
    base: int
    orders: int
    lift: float
    outside_together: int
    outside_base: int
    outside_lift: float
    years: int
    certainty: float

    @property
    def confidence(self) -> float:
        """Share of the base orders in the window that had the consequent."""
        return self.together / self.base if self.base else 0.0

    @property
    def window(self) -> Window:
        return self.start, self.end


class Standing(StrEnum):
    """Where a seasonal suggestion stands: nobody decided, somebody began a rule of it, or somebody rejected it."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


def day_of_year(number: int) -> str:
    """ "MM-DD" of 1 to 365."""
    return f"{date(_PLAIN, 1, 1) + timedelta(days=number - 1):%m-%d}"


def days_of(window: Window) -> tuple[date, date]:
    """Its first and last day in a year without a leap day, to be told without the year."""
    return day_of(window[0], _PLAIN), day_of(window[1], _PLAIN)


def yearly(window: Window) -> Yearly:
    """The window as seasons have it: what ends with February has the leap day too."""
    start, end = window
    return Yearly(start=start, end="02-29" if end == "02-28" else end)


class Seasons:
    """Seasons, as they lie in the years around a day. One whose calendar is not installed, or does not reach so far, is
    nowhere."""

    def __init__(self, seasons: Iterable[Season], today: date) -> None:
        self._years = date(today.year - _AROUND, 1, 1), date(today.year + _AROUND, 12, 31)
        self._days: list[tuple[Season, list[Span]]] = []
        for season in seasons:
            with suppress(RuleError):
                self._days.append((season, spans(season.windows_in(None), *self._years)))

    def nearest(self, window: Window, least: float = NEAR) -> Season | None:
        """The one that fits a window best, of equals the first: that has the most days in common with it, as a share of
        the days that either has; None when none has so large a share."""
        ours = spans(Windows(yearly=(yearly(window),)), *self._years)
        best, found = least, None
        for season, days in self._days:
            shared = _count(both(ours, days))
            share = shared / (_count(ours) + _count(days) - shared) if shared else 0.0
            if share > best or (found is None and shared and share >= best):
                best, found = share, season
        return found


def days_until(window: Window, today: date) -> int:
    """How many days it is until the window begins; 0 while it lasts."""
    start, end = (day_of(each, today.year) for each in (window[0], yearly(window).end))
    if start <= today <= end if start <= end else (today >= start or today <= end):
        return 0
    return ((start if start >= today else day_of(window[0], today.year + 1)) - today).days


def _count(some: Iterable[Span]) -> int:
    return sum((end - start).days for start, end in some)
