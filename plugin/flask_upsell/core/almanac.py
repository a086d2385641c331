"""A year of a shop: when its seasons are, which rules use them, which seasons come together. Local dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec

from ..errors import RuleError
from .rule import Rule, Schedule, Status
from .rulebook import RuleBook
from .season import SOUTH, Season, Timetable, clock, local_days
from .windows import DAY

#: From a date to another, both included.
Span = tuple[date, date]
#: Spans of one lane that are looked at.
_MOST = 400
_STEP = timedelta(days=2 * 365)


class RuleLane(msgspec.Struct, frozen=True):
    """A rule and when it can hold, whatever the weekday and hour. `live`: whether its status is active."""

    name: str
    label: str
    live: bool
    spans: tuple[Span, ...]


class Lane(msgspec.Struct, frozen=True):
    """A season. `together`: names of the seasons that are in force on some of its days. `wrong`: why it has no days.
    `more`: rules that use it and are not among `rules`. Of rules without a season with dates of their own `name` is "".
    """

    name: str
    label: str = ""
    spans: tuple[Span, ...] = ()
    rules: tuple[RuleLane, ...] = ()
    more: int = 0
    together: tuple[str, ...] = ()
    wrong: str = ""


def lanes(book: RuleBook, zone: str, year: int, country: str | None = None, most_rules: int = 12) -> list[Lane]:
    """One for each season, by its first day in this year, those that are not in it last; then one for the rules that
    have dates but no season. `zone`: the store's; `country`: the shopper's."""
    seasons = {season.name: season for season in book.seasons}
    look = cache(lambda schedule: spans(schedule, seasons, zone, year, country))
    users: dict[str, list[Rule]] = defaultdict(list)
    for rule in book.rules:
        if rule.status is Status.ENDED:
            continue
        names = rule.schedule.seasons or (("",) if rule.schedule.start or rule.schedule.end else ())
        for name in names:
            users[name].append(rule)
    found = []
    for name in [*seasons, *([""] if users[""] else [])]:
        own: tuple[Span, ...] = ()
        wrong = ""
        try:
            own = look(Schedule(seasons=(name,))) if name else ()
            rules = tuple([_lane(rule, look(_days(rule.schedule))) for rule in users[name][:most_rules]])
        except RuleError as error:
            wrong, rules = str(error), ()
        label = seasons[name].label if name else ""
        found.append(Lane(name, label, own, rules, max(0, len(users[name]) - most_rules), (), wrong))
    found = [msgspec.structs.replace(lane, together=tuple(_together(lane, found))) for lane in found]
    return sorted(found, key=lambda lane: (not lane.name, lane.spans[0][0] if lane.spans else date.max))


def spans(
    schedule: Schedule, seasons: dict[str, Season], zone: str, year: int, country: str | None = None
) -> tuple[Span, ...]:
    """The days of a year on which a schedule can hold. Raises RuleError."""
    here = clock(schedule.zone or zone)
    first, after = local_days(date(year, 1, 1), date(year + 1, 1, 1), here)
    table = Timetable(schedule, seasons, zone)
    found = []
    for start, end in table.occurrences(first, _MOST, country):
        if start >= after:
            break
        found.append(_local(start, min(end, after), clock(zone)))
    return tuple(found)


def coming(season: Season, zone: str, now: datetime, count: int = 5, country: str | None = None) -> list[Span]:
    """Its next days, the present ones first, as far as eight years ahead. Raises RuleError."""
    table = Timetable(Schedule(seasons=(season.name,)), {season.name: season}, zone)
    found: list[tuple[datetime, datetime]] = []
    # From a year ago, so that the present one has its own beginning. A timetable looks three years ahead and ends there
    # what is still open: of each look two years are taken, and what goes on in the next one is joined.
    at = now.astimezone(UTC) - timedelta(days=366)
    for _ in range(5):
        for start, end in table.occurrences(at, _MOST, country):
            if found and start <= found[-1][1]:
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            elif start < at + _STEP:
                found.append((start, end))
        found = [each for each in found if each[1] > now]
        at += _STEP
        if len(found) > count:
            break
    return [_local(start, end, clock(season.zone or zone)) for start, end in found[:count]]


def countries(seasons: Iterable[Season]) -> list[str]:
    """Those that some season treats otherwise, one southern country standing for all."""
    found: set[str] = set()
    for season in seasons:
        found.update(season.countries)
        if season.south is not None:
            found.add("AU" if "AU" not in season.countries else min(SOUTH - season.countries.keys()))
    return sorted(found)


def _lane(rule: Rule, days: tuple[Span, ...]) -> RuleLane:
    return RuleLane(rule.name, rule.label, rule.status is Status.ACTIVE, days)


def _days(schedule: Schedule) -> Schedule:
    return msgspec.structs.replace(schedule, weekdays=(), hours=())


def _together(lane: Lane, others: Iterable[Lane]) -> Iterable[str]:
    for other in others:
        if lane.name and other.name and other.name != lane.name:
            meet = any(a[0] <= b[1] and b[0] <= a[1] for a in lane.spans for b in other.spans)
            if meet:
                yield other.name


def _local(start: datetime, end: datetime, zone: ZoneInfo) -> Span:
    return start.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone).date()


def crowded(found: Iterable[Lane]) -> list[Span]:
    """The days on which more than one season is in force."""
    edges: dict[date, int] = defaultdict(int)
    for lane in found:
        for first, last in lane.spans if lane.name else ():
            edges[first] += 1
            edges[last + DAY] -= 1
    days, open_, began = [], 0, None
    for day, change in sorted(edges.items()):
        before, open_ = open_, open_ + change
        if before < 2 <= open_:
            began = day
        elif open_ < 2 <= before and began is not None:
            days.append((began, day - DAY))
    return days
