"""Goals: how many should be sold by now, by hand and for every goal, and what is wrong with one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.goal import Course, check
from flask_upsell.core.rule import Goal
from flask_upsell.errors import RuleError

#: Ten days of March, one unit a day: the first is due when the first day is over.
TEN = Goal(units=10, start="2026-03-01", by="2026-03-10")
TICK, DAY = timedelta(microseconds=1), timedelta(days=1)
START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC)


def state(now: datetime, sold: int = 0, goal: Goal = TEN, zone: str = "UTC") -> tuple[bool, datetime | None]:
    return Course(goal, zone, sold).state(now)


# --- behind, or not --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "sold", "found"),
    [
        (START - 9 * DAY, 0, (False, START + DAY)),
        (START, 0, (False, START + DAY)),
        (START + DAY - TICK, 0, (False, START + DAY)),
        (START + DAY, 0, (True, END)),
        (START + DAY, 1, (False, START + 2 * DAY)),
        (START + 2 * DAY, 1, (True, END)),
        (START + 5 * DAY, 4, (True, END)),
        (START + 5 * DAY, 5, (False, START + 6 * DAY)),
        (START + 5 * DAY, 9, (False, END)),
        (END - TICK, 8, (True, END)),
        (END - TICK, 9, (False, END)),
    ],
)
def test_in_equal_parts_of_the_time_equal_numbers_are_due(
    now: datetime, sold: int, found: tuple[bool, datetime | None]
) -> None:
    assert state(now, sold) == found


@pytest.mark.parametrize("sold", [0, 9])
def test_when_its_time_is_over_a_goal_lifts_nothing_any_more(sold: int) -> None:
    assert state(END, sold) == state(END + 99 * DAY, sold) == (False, None)


@pytest.mark.parametrize(("sold", "met"), [(9, False), (10, True), (11, True)])
def test_a_goal_is_met_when_all_units_are_sold(sold: int, met: bool) -> None:
    assert Course(TEN, "UTC", sold).met is met
    assert (state(START + 5 * DAY, sold)[1] is None) is met


@pytest.mark.parametrize("now", [START - DAY, START, START + 5 * DAY, END - TICK, END, END + DAY])
def test_a_goal_that_is_met_is_never_behind(now: datetime) -> None:
    assert state(now, 10) == state(now, 11) == (False, None)


def test_more_came_back_than_was_sold() -> None:
    assert state(START, -1) == (True, END)
    assert state(START - DAY, -1) == (False, START)


def test_both_days_are_whole_days_of_the_zone() -> None:
    """The clock is put forward on 29 March: these two days have 47 hours."""
    goal = Goal(units=2, start="2026-03-28", by="2026-03-29")
    course = Course(goal, "Europe/Berlin", 0)
    assert (course.start, course.end) == (datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))
    half = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    assert [state(now, goal=goal, zone="Europe/Berlin")[0] for now in (half - TICK, half)] == [False, True]


def test_what_is_due_at_no_whole_microsecond_is_due_at_the_next() -> None:
    """A third of a day is 28,800 s; a seventh is 12,342.857142857… s."""
    goal = Goal(units=7, start="2026-03-01", by="2026-03-01")
    due = START + timedelta(seconds=12_342, microseconds=857_143)
    assert state(START, goal=goal) == state(due - TICK, goal=goal) == (False, due)
    assert state(due, goal=goal) == (True, START + DAY)


def test_a_goal_without_a_date_or_a_zone_is_an_error() -> None:
    with pytest.raises(RuleError, match="no date"):
        Course(Goal(units=1, start="soon", by="2026-03-10"), "UTC", 0)
    with pytest.raises(RuleError, match="no time zone"):
        Course(TEN, "Middle/Earth", 0)


# --- for every goal --------------------------------------------------------------------------------------------------

DATES = st.dates(date(2025, 1, 1), date(2028, 12, 31))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"])


@st.composite
def courses(draw: st.DrawFn) -> Course:
    first = draw(DATES)
    last = first + timedelta(days=draw(st.integers(0, 3) | st.integers(0, 800)))
    units = draw(st.integers(1, 5) | st.integers(1, 10**9))
    goal = Goal(units=units, start=first.isoformat(), by=last.isoformat())
    assert check(goal) == []
    return Course(goal, draw(ZONES), draw(st.integers(-1, 6) | st.integers(0, units)))


@st.composite
def instants(draw: st.DrawFn, course: Course) -> datetime:
    """Before, within and after; often just when a unit is due."""
    whole = (course.end - course.start) // TICK
    some = draw(st.integers(-whole, 2 * whole) | st.integers(0, course.goal.units))
    units = course.goal.units
    due = -(-whole * min(some, units) // units) if 0 <= some <= units and draw(st.booleans()) else some
    return course.start + TICK * (due + draw(st.integers(-1, 1)))


def elapsed(course: Course, now: datetime) -> Fraction:
    """Of the goal's time, exactly."""
    return Fraction((now - course.start) // TICK, (course.end - course.start) // TICK)


@given(st.data())
def test_it_is_behind_while_less_is_sold_than_its_share_of_the_time(data: st.DataObject) -> None:
    course = data.draw(courses())
    now = data.draw(instants(course))
    part = elapsed(course, now)
    due = part * course.goal.units // 1
    assert course.state(now)[0] is (0 <= part < 1 and course.sold < min(due, course.goal.units))


@given(st.data())
def test_nothing_changes_before_the_instant_that_it_tells(data: st.DataObject) -> None:
    course = data.draw(courses())
    now = data.draw(instants(course))
    behind, until = course.state(now)
    if until is None:
        assert not behind
        assert not course.state(now + data.draw(st.timedeltas(timedelta(), 999 * DAY)))[0]
        return
    assert until > now
    last = (until - now) // TICK - 1
    for later in (now + TICK * last, now + TICK * data.draw(st.integers(0, last))):
        assert course.state(later)[0] is behind
    if not course.met and until < course.end:
        assert course.state(until) == (True, course.end), "and then it does"


@given(st.data())
def test_a_unit_is_due_after_its_share_of_the_time(data: st.DataObject) -> None:
    units = data.draw(st.integers(1, 9) | st.integers(1, 10**9))
    nth = data.draw(st.integers(1, units))
    course = Course(Goal(units=units, start="2026-03-01", by="2026-03-10"), "UTC", nth - 1)
    behind, until = course.state(course.start)
    assert not behind
    assert until is not None
    assert elapsed(course, until - TICK) < Fraction(nth, units) <= elapsed(course, until)


# --- what is wrong with one ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "fields"),
    [
        (TEN, []),
        (Goal(units=1, start="2026-03-01", by="2026-03-01", lift=1), []),
        (Goal(units=10**9, start="2026-03-01", by="2026-03-02", lift=10**9), []),
        (Goal(units=1, start="2026-03-02", by="2026-03-01"), ["by"]),
        (Goal(units=1, start="2026-02-30", by="2026-03-01"), ["start"]),
        (Goal(units=1, start="2026-03-01", by="1 March"), ["by"]),
        (Goal(units=1, start="2026-W10", by=""), ["start", "by"]),
        (Goal(units=0, start="2026-03-01", by="2026-03-01"), ["units"]),
        (Goal(units=10**9 + 1, start="2026-03-01", by="2026-03-01"), ["units"]),
        (Goal(units=1, start="2026-03-01", by="2026-03-01", lift=0), ["lift"]),
        (Goal(units=1, start="2026-03-01", by="2026-03-01", lift=10**9 + 1), ["lift"]),
        (Goal(units=-1, start="2026-03-02", by="2026-03-01", lift=-1), ["by", "units", "lift"]),
    ],
)
def test_what_is_wrong_with_a_goal(goal: Goal, fields: list[str]) -> None:
    assert [field for field, _ in check(goal)] == fields


def test_the_sentences_name_what_is_wrong() -> None:
    assert check(Goal(units=0, start="2026-03-02", by="2026-03-01", lift=0)) == [
        ("by", "2026-03-01 is before the start, 2026-03-02"),
        ("units", "0 is not between 1 and a billion"),
        ("lift", "0 is not between 1 and a billion"),
    ]
