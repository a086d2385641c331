"""Which days a window covers, against published dates and independent calculations; and what is refused."""

from __future__ import annotations

import calendar
import sys
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.windows import (
    FEASTS,
    Easter,
    Holiday,
    Lunar,
    Recurring,
    Windows,
    Yearly,
    both,
    easter_sunday,
    feast_days,
    merged,
    problems,
    public_holidays,
    spans,
    without,
)
from flask_upsell.errors import RuleError

DAY = timedelta(days=1)
BLACK_FRIDAY = Recurring(rule="FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", shift=1, days=4)


def covered(windows: Windows, first: str, last: str) -> list[str]:
    """Spans as texts, with the last day that is covered: "2027-02-01..2027-02-14"."""
    found = spans(windows, date.fromisoformat(first), date.fromisoformat(last))
    return [f"{start}..{end - DAY}" for start, end in found]


# --- yearly ----------------------------------------------------------------------------------------------------------


def test_both_days_of_a_yearly_window_are_included() -> None:
    windows = Windows(yearly=(Yearly(start="02-01", end="02-14"),))
    assert covered(windows, "2026-01-01", "2027-12-31") == ["2026-02-01..2026-02-14", "2027-02-01..2027-02-14"]
    assert covered(windows, "2026-01-31", "2026-01-31") == covered(windows, "2026-02-15", "2026-02-15") == []
    assert covered(windows, "2026-02-14", "2026-03-01") == ["2026-02-14..2026-02-14"]


def test_a_day_can_be_a_window() -> None:
    windows = Windows(yearly=(Yearly(start="11-11", end="11-11"),))
    assert covered(windows, "2026-01-01", "2026-12-31") == ["2026-11-11..2026-11-11"]


def test_a_window_goes_over_the_new_year() -> None:
    windows = Windows(yearly=(Yearly(start="12-26", end="01-06"),))
    assert covered(windows, "2026-01-01", "2027-02-01") == ["2026-01-01..2026-01-06", "2026-12-26..2027-01-06"]


@pytest.mark.parametrize(("year", "last"), [(2024, 29), (2025, 28), (2100, 28), (2000, 29)])
def test_29_february_is_the_last_day_of_february(year: int, last: int) -> None:
    until = Windows(yearly=(Yearly(start="01-01", end="02-29"),))
    assert covered(until, f"{year}-01-01", f"{year}-12-31") == [f"{year}-01-01..{year}-02-{last}"]
    since = Windows(yearly=(Yearly(start="02-29", end="03-01"),))
    assert covered(since, f"{year}-01-01", f"{year}-12-31") == [f"{year}-02-{last}..{year}-03-01"]


# --- Easter and feasts: dates as published by churches, observatories and calendars, typed from there ----------------

WESTERN = "2024-03-31 2025-04-20 2026-04-05 2027-03-28 2028-04-16 2029-04-01 2030-04-21 2031-04-13 2038-04-25"
ORTHODOX = "2024-05-05 2025-04-20 2026-04-12 2027-05-02 2028-04-16 2029-04-08 2030-04-28 2031-04-13 2038-04-25"


@pytest.mark.parametrize(("orthodox", "table"), [(False, WESTERN), (True, ORTHODOX)])
def test_easter_is_when_the_churches_say(orthodox: bool, table: str) -> None:
    days = [date.fromisoformat(text) for text in table.split()]
    assert [easter_sunday(day.year, orthodox) for day in days] == days


def test_a_window_leads_up_to_easter() -> None:
    windows = Windows(easter=(Easter(start=-2, end=1),))
    assert covered(windows, "2026-01-01", "2026-12-31") == ["2026-04-03..2026-04-06"]
    late = Windows(easter=(Easter(start=-2, end=1, orthodox=True),))
    assert covered(late, "2026-01-01", "2026-12-31") == ["2026-04-10..2026-04-13"]


@pytest.mark.parametrize(
    ("feast", "table"),
    [
        ("lunar_new_year", "2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13 2030-02-03 2033-01-31"),
        ("mid_autumn", "2024-09-17 2025-10-06 2026-09-25"),
        ("diwali", "2023-11-12 2024-10-31 2025-10-20 2026-11-08 2027-10-29 2028-10-17"),
        ("holi", "2024-03-25 2025-03-14"),
        ("ramadan", "2024-03-11 2025-03-01 2026-02-18 2027-02-08 2028-01-28 2030-01-05 2030-12-26"),
        ("eid_al_fitr", "2024-04-10 2025-03-30 2026-03-20"),
        ("eid_al_adha", "2024-06-16 2025-06-06 2026-05-27"),
        ("hanukkah", "2024-12-26 2025-12-15 2026-12-05"),
        ("passover", "2024-04-23 2025-04-13 2026-04-02"),
        ("rosh_hashanah", "2024-10-03 2025-09-23 2026-09-12"),
        ("nowruz", "2024-03-20 2025-03-21 2026-03-21"),
    ],
)
def test_a_feast_is_when_its_calendar_says(feast: str, table: str) -> None:
    days = [date.fromisoformat(text) for text in table.split()]
    years = sorted({day.year for day in days})
    assert [day for year in years for day in feast_days(feast, year)] == days


@pytest.mark.parametrize("feast", FEASTS)
def test_every_feast_is_known_for_the_next_years(feast: str) -> None:
    assert all(feast_days(feast, year) for year in range(2024, 2036))


def test_a_feast_that_its_calendar_does_not_know_any_more_is_not_there() -> None:
    assert feast_days("diwali", 2090) == ()


def test_a_window_around_a_feast() -> None:
    windows = Windows(lunar=(Lunar(feast="lunar_new_year", start=-21, end=1),))
    assert covered(windows, "2027-01-01", "2027-12-31") == ["2027-01-16..2027-02-07"]


# --- public holidays -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["German Unity Day", "Tag der Deutschen Einheit"])
def test_a_holiday_is_named_in_english_or_in_its_own_language(name: str) -> None:
    windows = Windows(holiday=(Holiday(country="DE", name=name, start=-1),))
    assert covered(windows, "2026-01-01", "2026-12-31") == ["2026-10-02..2026-10-03"]


def test_the_day_off_instead_of_a_holiday_is_not_the_holiday() -> None:
    windows = Windows(holiday=(Holiday(country="US", name="Independence Day"),))
    # In 2026 it is a Saturday; Friday the 3rd is "observed".
    assert covered(windows, "2026-06-01", "2026-07-31") == ["2026-07-04..2026-07-04"]


def test_two_holidays_on_a_day_are_both_found() -> None:
    for name in ("Ascension Day", "Labor Day"):
        windows = Windows(holiday=(Holiday(country="DE", name=name),))
        assert covered(windows, "2008-05-01", "2008-05-01") == ["2008-05-01..2008-05-01"]


def test_a_holiday_that_is_estimated_has_its_name() -> None:
    names = {name for year in range(2024, 2040) for name in public_holidays("MY", year)}
    assert "Eid al-Fitr" in names
    assert not [name for name in names if "estimated" in name or "anggaran" in name]


def test_holidays_do_not_depend_on_the_language_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: `language=None` for the second language, with which gettext asks the environment."""
    monkeypatch.setenv("LANGUAGE", "uk")
    public_holidays.cache_clear()
    names = set(public_holidays("DE", 2026))
    assert {"Good Friday", "Karfreitag"} <= names
    assert all(name.isascii() for name in names)


# --- recurrences -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", range(2024, 2035))
def test_black_friday_is_the_day_after_the_fourth_thursday(year: int) -> None:
    thursdays = [week[calendar.THURSDAY] for week in calendar.monthcalendar(year, 11) if week[calendar.THURSDAY]]
    friday = date(year, 11, thursdays[3]) + DAY
    expected = [f"{friday}..{friday + 3 * DAY}"]
    assert covered(Windows(rrule=(BLACK_FRIDAY,)), f"{year}-01-01", f"{year}-12-31") == expected


@pytest.mark.parametrize(
    ("rule", "dates"),
    [
        ("FREQ=YEARLY", "2026-01-01"),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYMONTH=1,2", "2026-01-30 2026-02-27"),
        ("BYDAY=SU;BYMONTH=5;BYSETPOS=-1;FREQ=YEARLY", "2026-05-31"),
        ("FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR", "2026-02-13 2026-03-13 2026-11-13"),
        # The week in which the year begins is looked at as a whole: its first day of these is the Monday.
        ("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1;UNTIL=20260115", "2025-12-29 2026-01-05 2026-01-12"),
        # 2000 begins on a Saturday, so it counts from Friday the 14th: 678 * 14 days before 9 January 2026.
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;BYMONTH=1", "2026-01-09 2026-01-23"),
        ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20260112", "2025-12-29 2026-01-05 2026-01-12"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2025-12-29"),
    ],
)
def test_a_recurrence_is_that_of_the_standard(rule: str, dates: str) -> None:
    windows = Windows(rrule=(Recurring(rule=rule),))
    found = spans(windows, date(2025, 12, 29), date(2026, 12, 20))
    assert [str(start) for start, _ in found] == dates.split()


# --- together --------------------------------------------------------------------------------------------------------


def test_windows_of_any_kind_are_joined_where_they_meet() -> None:
    windows = Windows(
        yearly=(Yearly(start="11-20", end="11-26"), Yearly(start="12-01", end="12-02")), rrule=(BLACK_FRIDAY,)
    )
    assert covered(windows, "2026-01-01", "2026-12-31") == ["2026-11-20..2026-12-02"]
    assert covered(windows, "2026-11-25", "2026-11-28") == ["2026-11-25..2026-11-28"]


def test_offsets_reach_into_the_next_years_and_the_last() -> None:
    far = Windows(
        yearly=(), rrule=(Recurring(rule="FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31", shift=366, days=366),)
    )  # from 2023-12-31: 2024-12-31 to 2025-12-31
    assert covered(far, "2025-12-31", "2025-12-31") == ["2025-12-31..2025-12-31"]
    early = Windows(easter=(Easter(start=-366, end=-366),))
    assert covered(early, "2026-01-01", "2026-12-31") == ["2026-03-27..2026-03-27"]  # 2027-03-28 is Easter


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=6)


def dated(pairs: list[tuple[int, int]]) -> list[tuple[date, date]]:
    return merged(
        (date(2026, 1, 1) + start * DAY, date(2026, 1, 1) + (start + length) * DAY) for start, length in pairs
    )


def days(found: list[tuple[date, date]]) -> set[date]:
    # In order and apart from each other, else the set would hide an overlap.
    assert all(start < end for start, end in found)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    return {start + DAY * step for start, end in found for step in range((end - start).days)}


@given(SPANS, SPANS)
def test_spans_are_sets_of_days(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    one, other = dated(some), dated(others)
    assert days(one) == {date(2026, 1, 1) + (start + step) * DAY for start, length in some for step in range(length)}
    assert days(both(one, other)) == days(one) & days(other)
    assert days(without(one, other)) == days(one) - days(other)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "path", "words"),
    [
        (Windows(yearly=(Yearly(start="02-30", end="03-01"),)), "yearly[0].start", "'02-30' is no day of the year"),
        (Windows(yearly=(Yearly(start="04-01", end="04-31"),)), "yearly[0].end", "up to the end of the month"),
        (Windows(yearly=(Yearly(start="2-1", end="03-01"),)), "yearly[0].start", "'2-1'"),
        (Windows(yearly=(Yearly(start="00-10", end="03-01"),)), "yearly[0].start", "'00-10'"),
        (Windows(yearly=(Yearly(start="\u0660\u0661-01", end="03-01"),)), "yearly[0].start", "no day of the year"),
        (Windows(easter=(Easter(), Easter(start=1, end=0))), "easter[1].end", "0 is before the start, 1"),
        (Windows(easter=(Easter(start=-367),)), "easter[0].start", "up to 366 days"),
        (Windows(easter=(Easter(end=367),)), "easter[0].end", "up to 366 days"),
        (Windows(easter=(Easter(start=-183, end=183),)), "easter[0].end", "367 days are too long"),
        (Windows(holiday=(Holiday(country="DE", name="Thanksgiving Day"),)), "holiday[0].name", "Good Friday"),
        (Windows(holiday=(Holiday(country="XX", name="Karfreitag"),)), "holiday[0].country", "'XX'"),
        (Windows(holiday=(Holiday(country="Germany", name="Karfreitag"),)), "holiday[0].country", 'as in "DE"'),
        (Windows(holiday=(Holiday(country="DE", name="Karfreitag", end=-1),)), "holiday[0].end", "before the start"),
        (Windows(rrule=(Recurring(rule=""),)), "rrule[0].rule", "no part of a recurrence"),
        (Windows(rrule=(Recurring(rule="every Friday"),)), "rrule[0].rule", "its parts are FREQ"),
        (Windows(rrule=(Recurring(rule="BYMONTH=5"),)), "rrule[0].rule", "needs FREQ"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;FREQ=YEARLY"),)), "rrule[0].rule", "each part once"),
        (Windows(rrule=(Recurring(rule="FREQ=HOURLY"),)), "rrule[0].rule", "FREQ=HOURLY"),
        (Windows(rrule=(Recurring(rule="FREQ=WEEKLY"),)), "rrule[0].rule", "also BYDAY"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;COUNT=3"),)), "rrule[0].rule", "COUNT=3"),
        # With these two the calculation would never end.
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;INTERVAL=0"),)), "rrule[0].rule", "INTERVAL=0"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;INTERVAL=-1"),)), "rrule[0].rule", "INTERVAL=-1"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;BYSETPOS=0"),)), "rrule[0].rule", "is no recurrence"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;UNTIL=20269999"),)), "rrule[0].rule", "is no recurrence"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;UNTIL=19991231"),)), "rrule[0].rule", "never happens"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),)), "rrule[0].rule", "never happens"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY", days=0),)), "rrule[0].days", "only 1 to 366"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY", days=367),)), "rrule[0].days", "only 1 to 366"),
        (Windows(rrule=(Recurring(rule="FREQ=YEARLY", shift=-367),)), "rrule[0].shift", "up to 366 days"),
        (Windows(lunar=(Lunar(feast="easter"),)), "lunar[0].feast", "there are ramadan, eid_al_fitr"),
        (Windows(lunar=(Lunar(feast="diwali", start=2, end=1),)), "lunar[0].end", "before the start"),
    ],
)
def test_a_problem_has_a_path_and_says_what_is_allowed(windows: Windows, path: str, words: str) -> None:
    [(found, sentence)] = problems(windows, "south.")
    assert found == f"south.{path}"
    assert words in sentence


def test_windows_without_a_problem_have_none() -> None:
    windows = Windows(
        yearly=(Yearly(start="12-26", end="01-06"), Yearly(start="02-29", end="02-29")),
        easter=(Easter(start=-366, end=-1), Easter(start=0, end=365)),
        holiday=(Holiday(country="US", name="Thanksgiving Day", start=-1, end=1),),
        rrule=(BLACK_FRIDAY, Recurring(rule="FREQ=MONTHLY;BYDAY=1MO,-1FR", days=366, shift=-366)),
        lunar=(Lunar(feast="ramadan", end=29),),
    )
    assert list(problems(windows)) == []


@pytest.mark.parametrize(
    ("module", "windows"),
    [
        ("holidays", Windows(holiday=(Holiday(country="DE", name="Karfreitag"),))),
        ("holidays", Windows(lunar=(Lunar(feast="diwali"),))),
        ("dateutil.easter", Windows(easter=(Easter(),))),
        ("dateutil.rrule", Windows(rrule=(BLACK_FRIDAY,))),
    ],
)
def test_without_the_extra_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, windows: Windows
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    # A year that nothing else asked for: what was worked out once is remembered.
    with pytest.raises(RuleError, match=r"install Flask-Upsell\[rules\]"):
        spans(windows, date(1950, 1, 1), date(1950, 12, 31))
    assert covered(Windows(yearly=(Yearly(start="01-01", end="01-01"),)), "1950-01-01", "1950-02-01")


@pytest.mark.parametrize("raw", ['{"weekly":[]}', '{"yearly":[{"start":"01-01"}]}', '{"easter":[{"start":1.5}]}'])
def test_what_is_no_window_is_refused(raw: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Windows)
