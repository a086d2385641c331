"""Windows of a year: their days, how long it is until them, the season that fits best."""

from __future__ import annotations

from datetime import date

import pytest

from flask_upsell.core.season import Season
from flask_upsell.core.seasonal import SAME, Seasonal, Seasons, Window, day_of_year, days_until, yearly
from flask_upsell.core.windows import Easter, Lunar, Windows, Yearly

TODAY = date(2026, 5, 4)


def season(name: str, start: str, end: str) -> Season:
    return Season(name=name, yearly=(Yearly(start=start, end=end),))


LOVE, WINTER, SPRING = (
    season("love", "02-01", "02-14"),
    season("winter", "12-01", "02-28"),
    season("spring", "03-01", "05-31"),
)
EASTER = Season(name="easter", easter=(Easter(start=-21, end=0),))


@pytest.mark.parametrize(("number", "day"), [(1, "01-01"), (59, "02-28"), (60, "03-01"), (365, "12-31")])
def test_days_are_those_of_a_year_without_a_leap_day(number: int, day: str) -> None:
    assert day_of_year(number) == day


def test_what_ends_with_february_has_the_leap_day_too() -> None:
    assert yearly(("02-15", "02-28")) == Yearly(start="02-15", end="02-29")
    assert yearly(("02-28", "03-01")) == Yearly(start="02-28", end="03-01")


@pytest.mark.parametrize(
    ("window", "today", "days"),
    [
        (("02-01", "02-14"), date(2026, 1, 30), 2),
        (("02-01", "02-14"), date(2026, 2, 14), 0),
        (("02-01", "02-14"), date(2026, 2, 15), 351),
        (("02-15", "02-28"), date(2028, 2, 29), 0),
        (("12-20", "01-06"), date(2026, 12, 31), 0),
        (("12-20", "01-06"), date(2026, 1, 6), 0),
        (("12-20", "01-06"), date(2026, 1, 7), 347),
        (("01-01", "01-07"), date(2027, 12, 31), 1),
    ],
)
def test_how_long_it_is_until_a_window(window: Window, today: date, days: int) -> None:
    assert days_until(window, today) == days


@pytest.mark.parametrize(
    ("window", "nearest", "same"),
    [
        (("01-30", "02-17"), "love", "love"),
        (("12-05", "02-20"), "winter", "winter"),
        (("12-20", "01-06"), "winter", None),
        (("07-01", "07-14"), None, None),
        (("03-16", "04-12"), "easter", None),
    ],
)
def test_the_season_that_fits_best(window: Window, nearest: str | None, same: str | None) -> None:
    """Of a season that moves, the days of three years count."""
    seasons = Seasons((SPRING, LOVE, WINTER, EASTER), TODAY)
    found, alike = seasons.nearest(window), seasons.nearest(window, SAME)
    assert (found and found.name, alike and alike.name) == (nearest, same)


def test_of_equals_the_first_is_taken() -> None:
    twin = season("twin", "02-01", "02-14")
    found = Seasons((twin, LOVE), TODAY).nearest(("02-01", "02-14"), 1.0)
    assert found is twin


def test_a_season_that_cannot_be_read_is_nowhere() -> None:
    odd = Season(name="odd", lunar=(Lunar(feast="no such feast"),))
    never = Season(name="never", south=Windows(yearly=(Yearly(start="02-01", end="02-14"),)))
    found = Seasons((odd, never, LOVE), TODAY).nearest(("02-01", "02-14"))
    assert found is LOVE


def test_a_share_of_no_orders() -> None:
    evidence = Seasonal("a", "b", "02-01", "02-14", 0, 0, 0, 0.0, 0, 0, 0.0, 1, 0.0)
    assert (evidence.confidence, evidence.window) == (0.0, ("02-01", "02-14"))
