"""Schedules compared with each other over the next three years, for the linter. What was worked out is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec

from ..errors import RuleError
from .rule import Schedule
from .rulebook import RuleBook
from .season import SOUTH, WEEKDAYS, Interval, Timetable, check, check_schedule, clock, day, hour, moment
from .windows import DAY, Problem, both, merged, without
from .words import Sentence, objection, remark

AHEAD = timedelta(days=3 * 366)
_ALWAYS = Schedule()
_MIDNIGHT = time()
#: Any week.
_MONDAY, _NEXT = datetime(2001, 1, 1), datetime(2001, 1, 8)
_BEGIN = remark("This rule's hours begin at {at}, on {day} a time that {odd}")
_END = remark("This rule's hours end at {at}, on {day} a time that {odd}")
_SKIPPED = remark("does not exist, for clocks go forward")
_TWICE = remark("comes twice, for clocks go back")


class Agenda:
    """The seasons of a book, and when schedules hold from `now` on. `zone`: the store's."""

    def __init__(self, book: RuleBook, zone: str, now: datetime) -> None:
        self._seasons = {season.name: season for season in book.seasons}
        self._zone, self._now = zone, now.astimezone(UTC)
        self._checked = cache(self._check_season)
        self._open = cache(self._look_open)
        self._ever = cache(self._look_ever)
        self._meet = cache(self._look_meet)
        self._covers = cache(self._look_covers)

    def check(self, schedule: Schedule) -> None:
        """Raises RuleError for a schedule or a season in it that cannot be used."""
        for name in schedule.seasons:
            for path, sentence in self._checked(name):
                raise RuleError(
                    objection("season {name}, {path}: {sentence}", name=repr(name), path=path, sentence=sentence)
                )
        for path, sentence in check_schedule(schedule, schedule.seasons):
            raise RuleError(objection("schedule.{path}: {sentence}", path=path, sentence=sentence))

    def over(self, schedule: Schedule) -> bool:
        """Whether its end is past."""
        local = self._now.astimezone(self._clock(schedule)).replace(tzinfo=None)
        return schedule.end is not None and moment(schedule.end) <= local

    def past(self, by: str, schedule: Schedule) -> bool:
        """Whether a local day is over."""
        return day(by) < self._now.astimezone(self._clock(schedule)).date()

    def ever(self, schedule: Schedule) -> bool:
        """Whether it holds at some time, for shoppers of any country."""
        return self._ever(schedule)

    def covers(self, wide: Schedule, narrow: Schedule) -> bool:
        """Whether one surely holds whenever the other does."""
        return wide in (_ALWAYS, narrow) or self._covers(wide, narrow)

    def meet(self, one: Schedule, other: Schedule) -> bool:
        """Whether both can hold at the same time."""
        return one == other or _ALWAYS in (one, other) or self._meet(one, other)

    def clock_changes(self, schedule: Schedule) -> Iterator[Sentence]:
        """Its edges that a clock skips or shows twice."""
        zone = self._clock(schedule)
        bounds = (
            (schedule.start, remark("This rule's start, {at}, is a time that {odd}")),
            (schedule.end, remark("This rule's end, {at}, is a time that {odd}")),
        )
        for text, told in bounds:
            if text is not None and (odd := _odd(moment(text), zone)):
                yield Sentence(told.words, {"at": text, "odd": odd})
        if not schedule.hours:
            return
        days = Timetable(msgspec.structs.replace(schedule, hours=(), weekdays=()), self._seasons, self._zone)
        weekdays = {WEEKDAYS.index(name) for name in schedule.weekdays or WEEKDAYS}
        for changed in _changes(zone, self._now.date()):
            for hours in schedule.hours:
                over_midnight = hours.end <= hours.start
                for told, text, later in ((_BEGIN, hours.start, False), (_END, hours.end, over_midnight)):
                    wall = datetime.combine(changed, hour(text))
                    begins = changed - DAY * later
                    if begins.weekday() not in weekdays or not (odd := _odd(wall, zone)):
                        continue
                    if any(days.state(wall.replace(tzinfo=zone), each)[0] for each in self._countries(schedule)):
                        yield Sentence(told.words, {"at": text, "day": changed.isoformat(), "odd": odd})
                        return

    # --- looked up once ----------------------------------------------------------------------------------------------

    def _check_season(self, name: str) -> list[Problem]:
        return check(self._seasons[name]) if name in self._seasons else []

    def _look_ever(self, schedule: Schedule) -> bool:
        table = Timetable(schedule, self._seasons, self._zone)
        return any(self._holds(table, country) for country in self._countries(schedule))

    def _holds(self, table: Timetable, country: str | None) -> bool:
        # Most hold soon: the next edges are found in no time, three years of opening hours are not.
        holds, until = table.state(self._now, country)
        return holds or table.state(until, country)[0] or bool(table.occurrences(self._now, 1, country))

    def _look_covers(self, wide: Schedule, narrow: Schedule) -> bool:
        if wide.weekdays or wide.hours:
            daily = (wide.weekdays, wide.hours, self._clock(wide))
            if daily != (narrow.weekdays, narrow.hours, self._clock(narrow)):
                return False
        return not any(
            without(self._days(narrow, country), self._days(wide, country)) for country in self._countries(wide, narrow)
        )

    def _look_meet(self, one: Schedule, other: Schedule) -> bool:
        if self._clock(one) == self._clock(other) and not both(_week(one), _week(other)):
            return False
        return any(
            both(self._days(one, country), self._days(other, country)) for country in self._countries(one, other)
        )

    def _days(self, schedule: Schedule, country: str | None) -> list[Interval]:
        """When it holds, whatever the weekday and hour."""
        return self._open(msgspec.structs.replace(schedule, weekdays=(), hours=()), country)

    def _look_open(self, schedule: Schedule, country: str | None) -> list[Interval]:
        table = Timetable(schedule, self._seasons, self._zone)
        # There are far fewer: without hours an interval is a day at least.
        return table.occurrences(self._now, AHEAD // DAY, country)

    def _countries(self, *schedules: Schedule) -> set[str | None]:
        """A country for each group that the seasons treat alike; None for all others."""
        found: set[str | None] = {None}
        for schedule in schedules:
            for season in (self._seasons[name] for name in schedule.seasons if name in self._seasons):
                found.update(season.countries)
                if season.south is not None:
                    found.add(min(SOUTH - season.countries.keys()))
        return found

    def _clock(self, schedule: Schedule) -> ZoneInfo:
        return clock(schedule.zone or self._zone)


def _week(schedule: Schedule) -> list[Interval]:
    """The times of a week in which it can hold, as those of the first one; and again where hours reach over its end."""
    found = []
    for name in schedule.weekdays or WEEKDAYS:
        midnight = _MONDAY + DAY * WEEKDAYS.index(name)
        for opens, closes in [(hour(each.start), hour(each.end)) for each in schedule.hours] or [
            (_MIDNIGHT, _MIDNIGHT)
        ]:
            start = datetime.combine(midnight, opens)
            end = datetime.combine(midnight + DAY * (closes <= opens), closes)
            found += [(start, end), (_MONDAY, end - (_NEXT - _MONDAY))]
    return merged(found)


def _odd(wall: datetime, zone: ZoneInfo) -> Sentence | None:
    """What is odd about a local time: the clock skips it, or shows it twice; None when nothing is."""
    first, again = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if first is None or again is None or first == again:
        return None
    return _SKIPPED if first < again else _TWICE


@cache
def _changes(zone: ZoneInfo, first: date) -> list[date]:
    """The local dates within three years on which the clock is changed."""
    found = []
    for number in range(AHEAD // DAY):
        day = first + DAY * number
        before, after = (datetime.combine(each, _MIDNIGHT, zone).utcoffset() for each in (day, day + DAY))
        if before != after:
            found.append(day)
    return found
