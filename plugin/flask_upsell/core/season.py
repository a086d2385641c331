"""Seasons, and when a schedule holds. Local days and times become instants once; what is asked often compares those.

A local time that a clock skips (summer time begins) is the first instant after the gap; one that it shows twice (summer
time ends) is the first of the two. So intervals that meet on the clock meet as instants too: none is doubled, and one
that lies in a gap wholly does not take place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import TypeVar
from zoneinfo import ZoneInfo

from babel import Locale

from ..errors import RuleError
from .prices import LOOK_BACK
from .rule import Days, Schedule
from .windows import DAY, Problem, Windows, both, merged, problems, spans, tried, without
from .words import objection

Interval = tuple[datetime, datetime]
Read = TypeVar("Read")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Countries most of whose people live south of the equator and have a summer in January.
SOUTH = frozenset(
    {
        "AO", "AR", "AU", "BO", "BR", "BW", "CL", "FJ", "LS", "MG", "MU", "MW", "MZ", "NA", "NC", "NZ", "PE", "PF",
        "PY", "RE", "SZ", "UY", "ZA", "ZM", "ZW",
    }
)  # fmt: skip
#: How far `state` looks for the next edge: first near, which is enough for opening hours, then as far as it promises.
_AHEAD = (timedelta(days=40), timedelta(days=400))
#: How far `occurrences` looks.
_PREVIEW = timedelta(days=3 * 366)
_MIDNIGHT = time()
#: Years up to 2999: in some zones the end of 9999 is no instant.
_DATE, _TIME = r"[12]\d{3}-\d\d-\d\d", r"([01]\d|2[0-3]):[0-5]\d"
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Season(Windows, frozen=True, kw_only=True):
    """Times of a year that rules can name.

    `countries` (ISO 3166) and, for southern countries, `south` hold windows that replace the season's own there; empty
    ones mean never. `except_days`: local dates that are left out everywhere. `zone`: an IANA zone; without one the
    schedule's, else the store's.
    """

    name: str
    label: str = ""
    countries: dict[str, Windows] = {}
    south: Windows | None = None
    except_days: tuple[Days, ...] = ()
    zone: str | None = None

    def windows_in(self, country: str | None) -> Windows:
        """The windows for shoppers of a country, the season's own when it is not known."""
        if country is not None and country in self.countries:
            return self.countries[country]
        if self.south is not None and country in SOUTH:
            return self.south
        return self


# --- what is wrong ---------------------------------------------------------------------------------------------------


def check(season: Season) -> list[Problem]:
    """What is wrong with a season: field paths such as "yearly[0].start", and sentences."""
    found = list(problems(season))
    if not any(
        (season.yearly, season.easter, season.holiday, season.rrule, season.lunar, season.countries, season.south)
    ):
        found.append(
            ("", objection("the season is never: it needs a window, such as yearly, easter, holiday, rrule or lunar"))
        )
    for country, windows in season.countries.items():
        if len(country) != 2 or country not in Locale("en").territories:
            found.append(
                (
                    f"countries.{country}",
                    objection('{country} is no country: two letters of ISO 3166 as in "GB"', country=repr(country)),
                )
            )
        found += problems(windows, f"countries.{country}.")
    if season.south is not None:
        found += problems(season.south, "south.")
    found += _days_problems(season.except_days)
    found += tried("zone", clock, season.zone)
    return found


def check_schedule(schedule: Schedule, known_seasons: Collection[str]) -> list[Problem]:
    """What is wrong with a schedule: field paths such as "hours[0].start", and sentences."""
    found: list[Problem] = []
    for place, name in enumerate(schedule.seasons):
        if name not in known_seasons:
            known = ", ".join(sorted(known_seasons)) or objection("none")
            found.append(
                (
                    f"seasons[{place}]",
                    objection("there is no season {name}; there are: {known}", name=repr(name), known=known),
                )
            )
    bounds = [*tried("start", moment, schedule.start), *tried("end", moment, schedule.end)]
    found += bounds
    if not bounds and schedule.start and schedule.end and schedule.end <= schedule.start:
        found.append(
            ("end", objection("{end} is not after the start, {start}", end=schedule.end, start=schedule.start))
        )
    for place, weekday in enumerate(schedule.weekdays):
        if weekday not in WEEKDAYS:
            found.append(
                (
                    f"weekdays[{place}]",
                    objection(
                        "{weekday} is no weekday; there are {known}", weekday=repr(weekday), known=", ".join(WEEKDAYS)
                    ),
                )
            )
    for place, hours in enumerate(schedule.hours):
        wrong = [*tried(f"hours[{place}].start", hour, hours.start), *tried(f"hours[{place}].end", hour, hours.end)]
        found += wrong
        if not wrong and hours.start == hours.end:
            found.append(
                (
                    f"hours[{place}].end",
                    objection("{end} is the start too; for whole days leave the hours out", end=hours.end),
                )
            )
    found += _days_problems(schedule.except_days)
    found += tried("zone", clock, schedule.zone)
    return found


def _days_problems(except_days: Iterable[Days]) -> Iterator[Problem]:
    for place, days in enumerate(except_days):
        wrong = [
            *tried(f"except_days[{place}].start", day, days.start),
            *tried(f"except_days[{place}].end", day, days.end),
        ]
        yield from wrong
        if not wrong and days.end < days.start:
            yield (
                f"except_days[{place}].end",
                objection("{end} is before the start, {start}", end=days.end, start=days.start),
            )


# --- texts and local times -------------------------------------------------------------------------------------------


def day(text: str) -> date:
    """A local date, "YYYY-MM-DD". Raises RuleError."""
    return _read(date.fromisoformat, text, _DATE, objection('no date such as "2027-02-06"'))


def moment(text: str) -> datetime:
    """A local date and time, "YYYY-MM-DDTHH:MM". Raises RuleError."""
    return _read(
        datetime.fromisoformat, text, f"{_DATE}T{_TIME}", objection('no local date and time such as "2027-02-06T18:30"')
    )


def hour(text: str) -> time:
    """A time of day, "HH:MM". Raises RuleError."""
    return _read(time.fromisoformat, text, _TIME, objection('no time from "00:00" to "23:59"; a day ends at "00:00"'))


def _read(read: Callable[[str], Read], text: str, form: str, wrong: str) -> Read:
    # The form first, for fromisoformat takes weeks, zones and more.
    if re.fullmatch(form, text, re.ASCII):
        try:
            return read(text)
        except ValueError:
            pass
    raise RuleError(objection("{text} is {wrong}", text=repr(text), wrong=wrong))


def clock(zone: str) -> ZoneInfo:
    """The clock of an IANA zone. Raises RuleError."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # unknown, no possible name, a folder of zones
        raise RuleError(
            objection('{zone} is no time zone; write one such as "Europe/Berlin"', zone=repr(zone))
        ) from None


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) at which the clock of `zone` shows a naive local time, or a later one in a gap."""
    shown, again = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if shown <= again:
        return shown
    # A gap: the clock jumps over `wall` somewhere between the two.
    before, after = again, shown
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after


def local_days(first: date, after: date, zone: ZoneInfo) -> Interval:
    """From the beginning of one local date to that of another, as instants (UTC)."""
    return instant(datetime.combine(first, _MIDNIGHT), zone), instant(datetime.combine(after, _MIDNIGHT), zone)


def _left_out(except_days: Iterable[Days]) -> list[tuple[date, date]]:
    return merged((day(days.start), day(days.end) + DAY) for days in except_days)


# --- when ------------------------------------------------------------------------------------------------------------


class Timetable:
    """When a schedule holds. `zone`: the store's, for what names none. A season that is not in `seasons` is never.

    Hours over midnight belong to the weekday on which they start; a blackout date has no hours at all, not even those
    that started the evening before. Raises RuleError for what `check_schedule` finds; what is wrong in a season raises
    it when the season is looked at.
    """

    def __init__(self, schedule: Schedule, seasons: Mapping[str, Season], zone: str) -> None:
        for path, sentence in check_schedule(schedule, schedule.seasons):
            raise RuleError(objection("schedule.{path}: {sentence}", path=path, sentence=sentence))
        self._zone = clock(schedule.zone or zone)
        self._bounds = (
            instant(moment(schedule.start), self._zone) if schedule.start else _EARLIEST,
            instant(moment(schedule.end), self._zone) if schedule.end else _LATEST,
        )
        self._any_season = not schedule.seasons
        named = [seasons[name] for name in schedule.seasons if name in seasons]
        self._seasons = [(season, clock(season.zone) if season.zone else self._zone) for season in named]
        self._daily = bool(schedule.weekdays or schedule.hours)
        self._weekdays = {WEEKDAYS.index(name) for name in schedule.weekdays or WEEKDAYS}
        self._hours = [(hour(each.start), hour(each.end)) for each in schedule.hours] or [(_MIDNIGHT, _MIDNIGHT)]
        # Merged: a day that did not take place is an empty interval, which closes nothing.
        self._closed = merged(local_days(*days, self._zone) for days in _left_out(schedule.except_days))
        # Countries that the seasons treat alike share what is remembered: None stands for most of them.
        listed = {country for season in named for country in season.countries}
        self._group: dict[str | None, str | None] = {country: country for country in listed}
        if any(season.south is not None for season in named):
            southern = sorted(SOUTH - listed)
            self._group.update((country, southern[0]) for country in southern)
        self._edges: dict[str | None, tuple[datetime, datetime, list[datetime]]] = {}
        self._last: dict[str | None, tuple[datetime, datetime, tuple[bool, datetime]]] = {}
        self._runs: dict[str | None, tuple[datetime, datetime, tuple[datetime, datetime | None]]] = {}

    def state(self, now: datetime, country: str | None) -> tuple[bool, datetime]:
        """Whether the schedule holds at an aware instant, and until when (UTC) that is certain: up to its next change,
        but no more than 400 days. `country`: the shopper's, upper case. Raises RuleError."""
        group = self._group.get(country)
        last = self._last.get(group)
        if last is None or not last[0] <= now < last[1]:
            # Replaced as a whole, so that another thread sees the old answer or the new one.
            last = self._last[group] = self._look_up(now.astimezone(UTC), group)
        return last[2]

    def run(self, now: datetime, country: str | None) -> tuple[datetime, datetime | None]:
        """Since when it holds without a break, and when it held before; of what is longer ago than a reduction can be,
        nothing is known. Only for an instant at which it holds."""
        group = self._group.get(country)
        known = self._runs.get(group)
        if known is None or not known[0] <= now < known[1]:
            now = now.astimezone(UTC)
            found = self._open(now - LOOK_BACK, now + timedelta(seconds=1), country)
            first = found[-1][0] if found else now
            run = (_EARLIEST if first <= now - LOOK_BACK else first, found[-2][1] if len(found) > 1 else None)
            # What began long ago begins later and later within what is looked at.
            known = self._runs[group] = (max(first, now - DAY), min(self.state(now, country)[1], now + DAY), run)
        return known[2]

    def occurrences(self, after: datetime, count: int, country: str | None = None) -> list[Interval]:
        """The next `count` intervals (UTC) in which it holds, first the one that `after` is in, from `after` on. What
        is later than three years is not looked at: an interval that is still open then ends there."""
        first = after.astimezone(UTC)
        return self._open(first, first + _PREVIEW, country)[:count]

    def _look_up(self, now: datetime, country: str | None) -> tuple[datetime, datetime, tuple[bool, datetime]]:
        first, last, edges = self._edges.get(country, (now, now, []))
        place = bisect_right(edges, now)
        if now < first or place == len(edges) or edges[place] == last:
            for ahead in _AHEAD:
                # From a day ago, for other threads may be asked about a slightly earlier instant.
                first, last = now - DAY, now + ahead
                edges = list(chain(*self._open(first, last, country)))
                place = bisect_right(edges, now)
                if place < len(edges) and edges[place] < last:
                    break
            self._edges[country] = (first, last, edges)
        until = edges[place] if place < len(edges) else last
        # Edges are starts and ends in turn: after an odd number of them it is open.
        return edges[place - 1] if place else first, until, (place % 2 == 1, until)

    def _open(self, first: datetime, last: datetime, country: str | None) -> list[Interval]:
        """The intervals between two instants in which it holds."""
        found = both([(first, last)], [self._bounds])
        if not self._any_season:
            in_season = (self._in_force(*season, first, last, country) for season in self._seasons)
            found = both(found, merged(chain.from_iterable(in_season)))
        found = without(found, self._closed)
        return both(found, merged(self._daily_hours(found))) if self._daily else found

    def _in_force(
        self, season: Season, zone: ZoneInfo, first: datetime, last: datetime, country: str | None
    ) -> Iterator[Interval]:
        days = spans(season.windows_in(country), first.astimezone(zone).date(), last.astimezone(zone).date() + DAY)
        for start, end in without(days, _left_out(season.except_days)):
            yield local_days(start, end, zone)

    def _daily_hours(self, intervals: list[Interval]) -> Iterator[Interval]:
        """The opening hours of the local days that the intervals touch."""
        for first, last in intervals:
            # From the day before, whose hours may reach over midnight, to the day after: where clocks are put back over
            # midnight, it has begun already.
            each, end = first.astimezone(self._zone).date() - DAY, last.astimezone(self._zone).date() + DAY
            while each <= end:
                if each.weekday() in self._weekdays:
                    for opens, closes in self._hours:
                        yield (
                            instant(datetime.combine(each, opens), self._zone),
                            instant(datetime.combine(each + DAY * (closes <= opens), closes), self._zone),
                        )
                each += DAY
