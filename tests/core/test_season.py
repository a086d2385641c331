"""When schedules hold: seasons, countries, hours, every clock change of every zone; and what is refused.

`holds` is an oracle that shares nothing with the code but the days of windows (those are checked in `test_windows`): it
asks what a clock on the wall shows, and compares texts.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_upsell.core.rule import Days, Hours, Schedule
from flask_upsell.core.season import SOUTH, WEEKDAYS, Season, Timetable, check, check_schedule
from flask_upsell.core.windows import Windows, Yearly, spans
from flask_upsell.errors import RuleError

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def shipped() -> dict[str, Season]:
    text = (Path(__file__).parents[2] / "config" / "seasons.yaml").read_text()
    return {season.name: season for season in msgspec.convert(yaml.safe_load(text)["seasons"], list[Season])}


SHIPPED = shipped()
SUMMER = Season(
    name="summer",
    yearly=(Yearly(start="07-01", end="08-31"),),
    south=Windows(yearly=(Yearly(start="01-01", end="02-29"),)),
    countries={"JP": Windows(yearly=(Yearly(start="06-01", end="06-30"),)), "NZ": Windows()},
)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def table(schedule: Schedule, *seasons: Season, zone: str = "UTC") -> Timetable:
    return Timetable(schedule, {season.name: season for season in seasons}, zone)


def in_season(season: Season, now: datetime, country: str | None = None, zone: str = "UTC") -> bool:
    return table(Schedule(seasons=(season.name,)), season, zone=zone).state(now, country)[0]


def wall(now: datetime, zone: ZoneInfo) -> datetime:
    """What a clock shows that is never put back: where people put theirs back, it stands still just before."""
    shown = now.astimezone(zone)
    if shown.fold:
        before = now.replace(second=0, microsecond=0)
        while before.astimezone(zone).fold:
            before -= MINUTE
        shown = (before + MINUTE - TICK).astimezone(zone)
    return shown.replace(tzinfo=None)


def holds(schedule: Schedule, shown: datetime, seasons: tuple[Season, ...] = (), country: str | None = None) -> bool:
    def is_in_season(season: Season) -> bool:
        left_out = any(days.start <= str(today) <= days.end for days in season.except_days)
        return bool(spans(season.windows_in(country), today, today)) and not left_out

    today, yesterday, clock = shown.date(), shown.date() - DAY, f"{shown:%H:%M}"
    weekdays = schedule.weekdays or WEEKDAYS
    since_today, since_yesterday = WEEKDAYS[today.weekday()] in weekdays, WEEKDAYS[yesterday.weekday()] in weekdays
    open_hours = [
        since_today and each.start <= clock < each.end
        if each.start < each.end
        else (since_today and each.start <= clock) or (since_yesterday and clock < each.end)
        for each in schedule.hours
    ]
    return (
        (not schedule.seasons or any(is_in_season(season) for season in seasons if season.name in schedule.seasons))
        and (schedule.start is None or schedule.start <= f"{shown:%Y-%m-%dT%H:%M}")
        and (schedule.end is None or f"{shown:%Y-%m-%dT%H:%M}" < schedule.end)
        and not any(days.start <= str(today) <= days.end for days in schedule.except_days)
        and (any(open_hours) if schedule.hours else since_today)
    )


# --- seasons ---------------------------------------------------------------------------------------------------------


def test_a_season_holds_from_its_first_midnight_to_its_last() -> None:
    assert not in_season(SUMMER, at("2026-06-30T23:59:59.999999", "Europe/Berlin"), zone="Europe/Berlin")
    assert in_season(SUMMER, at("2026-07-01T00:00", "Europe/Berlin"), zone="Europe/Berlin")
    assert in_season(SUMMER, at("2026-08-31T23:59:59.999999", "Europe/Berlin"), zone="Europe/Berlin")
    assert not in_season(SUMMER, at("2026-09-01T00:00", "Europe/Berlin"), zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("country", "january", "june", "july"),
    [(None, False, False, True), ("DE", False, False, True), ("AU", True, False, False), ("JP", False, True, False),
     ("NZ", False, False, False), ("de", False, False, True)],
)  # fmt: skip
def test_a_season_differs_by_country(country: str | None, january: bool, june: bool, july: bool) -> None:
    # One timetable for all: what it remembers for a country must not be told to another.
    asked = table(Schedule(seasons=("summer",)), SUMMER)
    for _ in range(2):
        for each in (None, "AU", "JP", "NZ", country):
            told = [asked.state(at(f"2026-{month}-15T12:00"), each)[0] for month in ("01", "06", "07")]
        assert told == [january, june, july]


def test_southern_countries_are_countries() -> None:
    assert {"AR", "AU", "BR", "CL", "NZ", "ZA"} <= SOUTH
    assert not SOUTH & {"DE", "US", "GB", "JP", "IN", "CN", "ID", "KE"}


def test_seasons_add_up_and_an_unknown_one_is_never() -> None:
    schedule = Schedule(seasons=("summer", "nowhere", "winter"))
    asked = table(schedule, SUMMER, Season(name="winter", yearly=(Yearly(start="12-01", end="02-29"),)))
    assert [asked.state(at(f"2026-{month:02}-10T00:00"), None)[0] for month in range(1, 13)] == [
        True, True, False, False, False, False, True, True, False, False, False, True,
    ]  # fmt: skip
    never = table(Schedule(seasons=("nowhere",)))
    assert never.state(at("2026-01-01T00:00"), None) == (False, at("2027-02-05T00:00"))  # 400 days
    assert never.occurrences(at("2026-01-01T00:00"), 3) == []


def test_a_seasons_zone_goes_before_the_schedules_and_that_before_the_stores() -> None:
    day = Season(name="day", yearly=(Yearly(start="05-05", end="05-05"),))
    tokyo = msgspec.structs.replace(day, zone="Asia/Tokyo")
    store, schedule = "America/New_York", Schedule(seasons=("day",), zone="Europe/Berlin")
    for season, asked, zone in (
        (day, table(Schedule(seasons=("day",)), day, zone=store), store),
        (day, table(schedule, day, zone=store), "Europe/Berlin"),
        (tokyo, table(schedule, tokyo, zone=store), "Asia/Tokyo"),
    ):
        midnight = at("2026-05-05T00:00", zone)
        assert [asked.state(midnight - TICK, None)[0], asked.state(midnight, None)[0]] == [False, True], season.zone
        assert asked.occurrences(midnight, 1) == [(midnight, midnight + DAY)]


def test_days_that_a_season_leaves_out() -> None:
    season = msgspec.structs.replace(SUMMER, except_days=(Days(start="2026-07-30", end="2026-08-01"),))
    assert table(Schedule(seasons=("summer",)), season).occurrences(at("2026-05-01T00:00"), 3) == [
        (at("2026-07-01T00:00"), at("2026-07-30T00:00")),
        (at("2026-08-02T00:00"), at("2026-09-01T00:00")),
        (at("2027-07-01T00:00"), at("2027-09-01T00:00")),
    ]


# --- schedules -------------------------------------------------------------------------------------------------------


def test_an_empty_schedule_always_holds() -> None:
    asked = table(Schedule())
    now = at("2026-03-01T12:00")
    assert asked.state(now, "DE") == (True, now + 400 * DAY)
    assert asked.occurrences(now, 5) == [(now, now + 3 * 366 * DAY)]


def test_a_schedule_starts_and_ends_to_the_minute() -> None:
    asked = table(Schedule(start="2026-07-01T18:30", end="2026-07-03T06:00"), zone="Europe/Berlin")
    start, end = at("2026-07-01T16:30"), at("2026-07-03T04:00")
    assert asked.state(start - TICK, None) == (False, start)
    assert asked.state(start, None) == asked.state(end - TICK, None) == (True, end)
    assert asked.state(end, None)[0] is False
    assert asked.occurrences(start - 9 * DAY, 5) == [(start, end)]


def test_hours_over_midnight_belong_to_the_weekday_on_which_they_start() -> None:
    asked = table(Schedule(weekdays=("fri",), hours=(Hours(start="22:00", end="02:00"),)))
    # 2 January 2026 is a Friday.
    assert asked.occurrences(at("2026-01-01T00:00"), 2) == [
        (at("2026-01-02T22:00"), at("2026-01-03T02:00")),
        (at("2026-01-09T22:00"), at("2026-01-10T02:00")),
    ]
    assert asked.state(at("2026-01-02T01:59"), None)[0] is False
    assert asked.state(at("2026-01-03T01:59:59.999999"), None) == (True, at("2026-01-03T02:00"))


def test_a_blackout_date_has_no_hours_not_even_those_of_the_evening_before() -> None:
    asked = table(
        Schedule(hours=(Hours(start="22:00", end="02:00"),), except_days=(Days(start="2026-01-03", end="2026-01-03"),))
    )
    assert asked.occurrences(at("2026-01-02T12:00"), 2) == [
        (at("2026-01-02T22:00"), at("2026-01-03T00:00")),
        (at("2026-01-04T00:00"), at("2026-01-04T02:00")),
    ]


def test_hours_that_meet_are_one_interval() -> None:
    asked = table(Schedule(hours=(Hours(start="12:00", end="00:00"), Hours(start="00:00", end="12:00"))))
    now = at("2026-01-01T11:00")
    assert asked.state(now, None) == (True, now + 400 * DAY)


def test_now_may_be_in_any_zone_and_earlier_than_the_time_before() -> None:
    asked = table(Schedule(hours=(Hours(start="09:00", end="18:00"),)), zone="Europe/Berlin")
    for text, told in (("18:00", False), ("17:59", True), ("09:00", True), ("08:59", False)):
        now = at(f"2026-07-01T{text}", "Europe/Berlin")
        assert asked.state(now, None) == asked.state(now.astimezone(ZoneInfo("Asia/Kolkata")), None)
        assert asked.state(now, None)[0] is told
    assert asked.state(at("2020-07-01T12:00"), None)[0] is True


def test_threads_are_told_the_same() -> None:
    """Planted bug that it shows: remembering the interval and its answer in two attributes, one after the other."""
    asked, wrong = table(Schedule(hours=(Hours(start="09:00", end="18:00"),))), []

    def ask(start: datetime) -> None:
        for step in range(5000):
            now = start + step % 20 * HOUR
            if asked.state(now, None)[0] is not (9 <= now.hour < 18):
                wrong.append(now)

    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask, args=(at(f"2026-01-01T0{each}:30"),)) for each in (0, 3, 5, 8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(often)
    assert wrong == []


# --- clock changes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "day", "intervals"),
    [
        # Berlin, 29 March 2026: 02:00 CET is followed by 03:00 CEST, at 01:00 UTC.
        (Hours(start="02:15", end="02:45"), "2026-03-29", []),
        (Hours(start="01:30", end="02:30"), "2026-03-29", [("00:30", "01:00")]),
        (Hours(start="02:30", end="03:30"), "2026-03-29", [("01:00", "01:30")]),
        # 25 October 2026: 03:00 CEST is followed by 02:00 CET, at 01:00 UTC.
        (Hours(start="02:15", end="02:45"), "2026-10-25", [("00:15", "00:45")]),
        (Hours(start="01:30", end="02:30"), "2026-10-25", [("23:30-1", "00:30")]),
        (Hours(start="02:30", end="03:30"), "2026-10-25", [("00:30", "02:30")]),
    ],
)
def test_hours_when_the_clock_is_changed(hours: Hours, day: str, intervals: list[tuple[str, str]]) -> None:
    asked = table(Schedule(hours=(hours,), start=f"{day}T00:00", end=f"{day}T12:00"), zone="Europe/Berlin")

    def of(text: str) -> datetime:
        return at(f"{day}T{text[:5]}") - DAY * text.endswith("-1")

    assert asked.occurrences(at(f"{day}T00:00") - DAY, 5) == [(of(start), of(end)) for start, end in intervals]


def test_a_day_that_a_country_left_out_does_not_take_place() -> None:
    # Samoa went from 29 to 31 December 2011, over the date line.
    season = Season(name="day", yearly=(Yearly(start="12-30", end="12-30"),))
    asked = table(Schedule(seasons=("day",)), season, zone="Pacific/Apia")
    assert asked.occurrences(at("2011-12-01T00:00"), 1) == [(at("2012-12-29T10:00"), at("2012-12-30T10:00"))]
    closed = table(Schedule(except_days=(Days(start="2011-12-30", end="2011-12-30"),)), zone="Pacific/Apia")
    now = at("2011-12-01T00:00")
    assert closed.occurrences(now, 2) == [(now, now + 3 * 366 * DAY)]


def changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[tuple[datetime, timedelta | None]]:
    """The instants at which the zone's offset changes, with the new one; two within a week would be missed."""
    offset = first.astimezone(zone).utcoffset()
    yield first, offset
    while first < last:
        before, first = first, first + 7 * DAY
        old, offset = offset, first.astimezone(zone).utcoffset()
        if offset != old:
            after = first
            while after - before > MINUTE:
                middle = before + (after - before) / 2
                before, after = (middle, after) if middle.astimezone(zone).utcoffset() == old else (before, middle)
            yield after.replace(second=0, microsecond=0), offset


@pytest.mark.soak
def test_every_clock_change_of_every_zone_from_2024_to_2034(amount: Callable[[int, int], int]) -> None:
    """Midnights, opening hours, starts and ends around each change, a tick before and at every quarter of an hour; in
    the short form of each third clock.

    Planted bugs that it shows: `fold=1` in `instant` for a repeated time; `shown` without the search in a gap.
    """
    hours = ("00:00", "00:30"), ("01:15", "02:15"), ("02:30", "02:45"), ("03:00", "12:00"), ("22:30", "00:15")
    lasting = (
        Schedule(weekdays=("thu", "sat", "sun"), hours=tuple(Hours(start=start, end=end) for start, end in hours)),
        Schedule(weekdays=("fri", "sun")),
    )
    zones: dict[tuple[tuple[datetime, timedelta | None], ...], str] = {}
    for name in sorted(available_timezones()):
        # Zones that change at the same instants to the same offsets are one clock with many names.
        zones[tuple(changes(ZoneInfo(name), datetime(2024, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)))] = name
    # Many change on the same days, so the oracle is asked the same again and again.
    expected = cache(holds)
    around = sorted({*range(-8, 9), *range(-104, 105, 12)})
    checked, wrong = 0, []
    for found, name in list(zones.items())[:: amount(3, 1)]:
        zone = ZoneInfo(name)
        tables = [(schedule, Timetable(schedule, {}, name)) for schedule in lasting]
        for change, _ in found:
            # A start in the gap or in what is repeated, and an end soon after.
            start = max(each.astimezone(zone).replace(tzinfo=None) for each in (change - TICK, change))
            texts = [f"{start + minutes * MINUTE:%Y-%m-%dT%H:%M}" for minutes in (-15, 5)]
            bounded = Schedule(start=texts[0], end=texts[1])
            closed = Schedule(except_days=(Days(start=f"{start:%Y-%m-%d}", end=f"{start:%Y-%m-%d}"),))
            near = change - change.minute % 15 * MINUTE
            instants = [near + quarters * 15 * MINUTE - early for quarters in around for early in (TICK, 0 * TICK)]
            shown = [(now, wall(now, zone)) for now in instants]
            for schedule, asked in (*tables, *((each, Timetable(each, {}, name)) for each in (bounded, closed))):
                checked += len(shown)
                wrong += [
                    (name, now) for now, clock in shown if asked.state(now, None)[0] is not expected(schedule, clock)
                ]
    assert len(zones) > 50
    assert checked > amount(30_000, 100_000)
    assert wrong == []


# --- any schedule ----------------------------------------------------------------------------------------------------

TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
HOURS = st.builds(lambda pair: Hours(start=pair[0], end=pair[1]), st.lists(TIMES, min_size=2, max_size=2, unique=True))
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2034, 12, 31))
DAYS = st.builds(
    lambda day, length: Days(start=f"{day:%Y-%m-%d}", end=f"{day + length * DAY:%Y-%m-%d}"),
    MOMENTS,
    st.integers(0, 200),
)
SCHEDULES = st.builds(
    lambda bounds, **parts: Schedule(**parts, **bounds),
    bounds=st.lists(MOMENTS.map("{:%Y-%m-%dT%H:%M}".format), min_size=2, max_size=2, unique=True)
    .map(sorted)
    .flatmap(
        lambda pair: st.sampled_from([{}, {}, {"start": pair[0]}, {"end": pair[1]}, {"start": pair[0], "end": pair[1]}])
    ),
    seasons=st.lists(st.sampled_from([*SHIPPED, "nowhere"]), max_size=3, unique=True).map(tuple),
    weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=6, unique=True).map(tuple),
    hours=st.lists(HOURS, max_size=3).map(tuple),
    except_days=st.lists(DAYS, max_size=2).map(tuple),
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe"])
COUNTRIES = st.sampled_from([None, "DE", "GB", "US", "AU", "BR", "JP"])


@settings(max_examples=5 * settings().max_examples)
@given(SCHEDULES, ZONES, MOMENTS, COUNTRIES, st.lists(st.integers(0, 999), max_size=8))
def test_a_state_is_true_and_lasts_until_it_says(
    schedule: Schedule, zone: str, now: datetime, country: str | None, parts: list[int]
) -> None:
    """Planted bugs that it shows: `until` from `_AHEAD` though an edge is nearer; hours without the day before's."""
    now = now.replace(tzinfo=UTC)
    asked = Timetable(schedule, SHIPPED, zone)
    told, until = asked.state(now, country)
    assert now < until <= now + 400 * DAY
    for moment in (now, until - TICK, *(now + (until - now) * part // 1000 for part in parts)):
        assert holds(schedule, wall(moment, ZoneInfo(zone)), tuple(SHIPPED.values()), country) is told
        assert asked.state(moment, country) == (told, until)
    if until < now + 400 * DAY:
        # It is not early needlessly: there it changes.
        assert asked.state(until, country)[0] is not told


@given(SCHEDULES, ZONES, MOMENTS, COUNTRIES)
def test_occurrences_are_when_it_holds(schedule: Schedule, zone: str, now: datetime, country: str | None) -> None:
    """Planted bug that it shows: windows that are looked up for None instead of the country."""
    now = now.replace(tzinfo=UTC)
    asked = Timetable(schedule, SHIPPED, zone)
    found = asked.occurrences(now, 6, country)
    assert [each for pair in found for each in pair] == sorted({each for pair in found for each in pair})
    end = now + 3 * 366 * DAY
    assert asked.state(now, country)[0] is bool(found and found[0][0] == now)
    for start, stop in found:
        assert asked.state(start, country)[0] and asked.state(stop - TICK, country)[0]
        assert start == now or not asked.state(start - TICK, country)[0]
        assert stop == end or not asked.state(stop, country)[0]


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(seasons=("day",)),
        Schedule(weekdays=("sun",), start="2010-11-06T12:00", end="2010-11-08T00:00"),
    ],
)
def test_a_day_has_begun_though_the_clock_is_put_back_over_midnight(schedule: Schedule) -> None:
    """Newfoundland went from 00:01 on Sunday, 7 November 2010, back to 23:01.

    Planted bugs that it shows: `_in_force`, and `_daily_hours`, without the day after the last one.
    """
    past = Days(start="2009-11-07", end="2009-11-07")
    season = Season(name="day", yearly=(Yearly(start="11-07", end="11-07"),), except_days=(past,))
    midnight = at("2010-11-07T02:30")
    # As far ahead as is looked, clocks show 23:30 of the day before.
    asked = table(schedule, season, zone="America/St_Johns")
    assert asked.state(midnight + HOUR / 2 - 400 * DAY, None) == (False, midnight)
    assert asked.occurrences(midnight - DAY, 1) == [(midnight, at("2010-11-08T03:30"))]


# --- what is refused -------------------------------------------------------------------------------------------------

GOOD = Season(name="good", yearly=(Yearly(start="01-01", end="01-31"),))
BAD = Windows(yearly=(Yearly(start="02-30", end="03-31"),))


@pytest.mark.parametrize(
    ("wrong", "path", "words"),
    [
        ({"yearly": ()}, "", "it needs a window"),
        ({"yearly": BAD.yearly}, "yearly[0].start", "'02-30'"),
        ({"south": BAD}, "south.yearly[0].start", "'02-30'"),
        ({"countries": {"GB": BAD}}, "countries.GB.yearly[0].start", "'02-30'"),
        ({"countries": {"UK": Windows()}}, "countries.UK", "ISO 3166"),
        ({"countries": {"150": Windows()}}, "countries.150", "ISO 3166"),
        ({"countries": {"gb": Windows()}}, "countries.gb", 'as in "GB"'),
        ({"zone": "Europe/Atlantis"}, "zone", '"Europe/Berlin"'),
        ({"zone": ""}, "zone", "no time zone"),
        ({"zone": "America"}, "zone", "no time zone"),
        ({"zone": "../../etc/passwd"}, "zone", "no time zone"),
        ({"except_days": (Days(start="2026-13-01", end="2026-12-31"),)}, "except_days[0].start", "'2026-13-01'"),
        ({"except_days": (Days(start="2026-12-31", end="2026-12-30"),)}, "except_days[0].end", "before the start"),
    ],
)
def test_a_problem_of_a_season(wrong: dict[str, Any], path: str, words: str) -> None:
    [(found, sentence)] = check(msgspec.structs.replace(GOOD, **wrong))
    assert found == path
    assert words in sentence


def test_a_season_may_be_for_some_countries_only() -> None:
    assert check(Season(name="there", countries={"US": GOOD, "NO": Windows()}, zone="Asia/Tokyo")) == []
    assert check(Season(name="south", south=GOOD)) == []


@pytest.mark.parametrize(
    ("schedule", "path", "words"),
    [
        (Schedule(seasons=("easter", "estaer")), "seasons[1]", "there are: christmas, easter"),
        (Schedule(start="2026-02-30T10:00"), "start", "'2026-02-30T10:00'"),
        (Schedule(start="2026-02-03"), "start", "no local date and time"),
        (Schedule(start=""), "start", "no local date and time"),
        (Schedule(start="2026-02-03T10:00Z"), "start", "no local date and time"),
        (Schedule(end="2026-02-03T24:00"), "end", "no local date and time"),
        (Schedule(end="9999-12-31T23:59"), "end", "no local date and time"),
        (Schedule(start="2026-02-03T10:00", end="2026-02-03T10:00"), "end", "not after the start"),
        (Schedule(weekdays=("mon", "Monday")), "weekdays[1]", "there are mon, tue"),
        (Schedule(hours=(Hours(start="9:00", end="18:00"),)), "hours[0].start", "'9:00'"),
        (Schedule(hours=(Hours(start="18:00", end="24:00"),)), "hours[0].end", 'a day ends at "00:00"'),
        (Schedule(hours=(Hours(start="18:00", end="18:00"),)), "hours[0].end", "leave the hours out"),
        (Schedule(except_days=(Days(start="2026-W01-1", end="2026-01-01"),)), "except_days[0].start", "no date"),
        (Schedule(except_days=(Days(start="2026-01-02", end="2026-01-01"),)), "except_days[0].end", "before the start"),
        (Schedule(zone="Mars"), "zone", "no time zone"),
    ],
)
def test_a_problem_of_a_schedule(schedule: Schedule, path: str, words: str) -> None:
    [(found, sentence)] = check_schedule(schedule, {"easter", "christmas"})
    assert found == path
    assert words in sentence
    if not schedule.seasons:
        with pytest.raises(RuleError, match=path.replace("[", r"\[")):
            table(schedule)


def test_without_seasons_a_name_of_one_is_wrong() -> None:
    assert check_schedule(Schedule(seasons=("easter",)), ()) == [
        ("seasons[0]", "there is no season 'easter'; there are: none")
    ]


def test_a_wrong_store_zone_is_refused() -> None:
    with pytest.raises(RuleError, match="no time zone"):
        table(Schedule(), zone="Mars")


@pytest.mark.parametrize(
    "raw", ['{"name":"x","yearli":[]}', '{"label":"x"}', '{"name":"x","countries":{"DE":{"name":"x"}}}']
)
def test_what_is_no_season_is_refused(raw: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Season)


# --- the seasons that are shipped ------------------------------------------------------------------------------------


def test_the_shipped_seasons_have_no_problems_and_survive_as_json() -> None:
    for season in SHIPPED.values():
        assert check(season) == []
        assert season.label
        assert msgspec.json.decode(msgspec.json.encode(season), type=Season) == season


@pytest.mark.parametrize(
    ("name", "country", "first", "last"),
    [
        ("valentine", None, "2026-02-01", "2026-02-14"),
        ("valentine", "BR", "2026-06-01", "2026-06-12"),
        ("white-day", "JP", "2026-03-01", "2026-03-14"),
        ("easter", "DE", "2026-03-15", "2026-04-05"),
        ("easter", "GR", "2026-03-22", "2026-04-12"),
        ("mothers-day", "US", "2026-04-27", "2026-05-10"),
        ("mothers-day", "GB", "2026-03-02", "2026-03-15"),
        ("mothers-day", "FR", "2026-05-18", "2026-05-31"),
        ("mothers-day", "NO", "2026-01-26", "2026-02-08"),
        ("mothers-day", "AR", "2026-10-05", "2026-10-18"),
        ("fathers-day", "US", "2026-06-08", "2026-06-21"),
        ("fathers-day", "DE", "2026-05-01", "2026-05-14"),
        ("fathers-day", "AU", "2026-08-24", "2026-09-06"),
        ("fathers-day", "SE", "2026-10-26", "2026-11-08"),
        ("summer", "ES", "2026-07-01", "2026-08-31"),
        ("summer", "ZA", "2028-01-01", "2028-02-29"),
        ("back-to-school", "JP", "2026-02-15", "2026-04-10"),
        ("halloween", None, "2026-10-01", "2026-10-31"),
        ("singles-day", "CN", "2026-11-11", "2026-11-11"),
        ("thanksgiving", "US", "2026-11-13", "2026-11-26"),
        ("thanksgiving", "CA", "2026-09-29", "2026-10-12"),
        ("black-friday", "US", "2026-11-27", "2026-11-30"),
        ("hanukkah", None, "2026-11-21", "2026-12-12"),
        ("christmas", "DE", "2026-11-25", "2026-12-24"),
        ("christmas", "RS", "2026-12-10", "2027-01-06"),
        ("new-year", None, "2026-12-26", "2027-01-06"),
        ("ramadan", None, "2026-02-04", "2026-03-19"),
        ("eid-al-fitr", None, "2026-03-10", "2026-03-22"),
        ("eid-al-adha", None, "2026-05-17", "2026-05-30"),
        ("diwali", "IN", "2026-10-18", "2026-11-10"),
        ("lunar-new-year", "SG", "2027-01-16", "2027-02-09"),
    ],
)
def test_a_shipped_season_is_when_it_is_sold_for(name: str, country: str | None, first: str, last: str) -> None:
    asked = Timetable(Schedule(seasons=(name,)), SHIPPED, "UTC")
    start, end = at(f"{first}T00:00"), at(f"{last}T00:00") + DAY
    assert asked.occurrences(start - DAY, 1, country) == [(start, end)]


def test_every_shipped_season_comes_every_year() -> None:
    for name, season in SHIPPED.items():
        for country in (None, "AU", *season.countries):
            if season.windows_in(country) is season and name == "thanksgiving":
                continue
            for year in range(2025, 2035):
                assert Timetable(Schedule(seasons=(name,)), SHIPPED, "UTC").occurrences(
                    at(f"{year}-01-08T00:00"), 1, country
                )
