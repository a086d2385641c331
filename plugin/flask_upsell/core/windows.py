"""Windows of a season: which local dates they cover. What needs calendars comes from the extra `rules`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from ..errors import RuleError
from .rule import Part
from .words import objection, reason

if TYPE_CHECKING:
    from dateutil.rrule import rrule, rruleset

#: Days that a window may last, and that an offset may lead away from its day.
MOST_DAYS = 366
DAY = timedelta(days=1)
#: A window's own day may be so far from the days that it covers: an occurrence, shifted, and its length.
_REACH = timedelta(days=2 * MOST_DAYS)
#: Where in a rulebook something is wrong ("yearly[0].start"), and a sentence that says what and what is allowed.
Problem = tuple[str, str]
When = TypeVar("When", bound=date)

_ISLAMIC, _CHINESE, _HINDU, _HEBREW = "_IslamicLunar", "_ChineseLunisolar", "_HinduLunisolar", "_HebrewLunisolar"
#: Feast -> calendar of `holidays` and its method. Islamic days are those of Umm al-Qura, which a sighting may move by
#: one; they and the Jewish ones begin the evening before. Hindu days are India's, known up to 2035, the others to 2100.
FEASTS = {
    "ramadan": (_ISLAMIC, "ramadan_beginning_dates"),
    "eid_al_fitr": (_ISLAMIC, "eid_al_fitr_dates"),
    "eid_al_adha": (_ISLAMIC, "eid_al_adha_dates"),
    "islamic_new_year": (_ISLAMIC, "hijri_new_year_dates"),
    "lunar_new_year": (_CHINESE, "lunar_new_year_date"),
    "dragon_boat": (_CHINESE, "dragon_boat_date"),
    "mid_autumn": (_CHINESE, "mid_autumn_date"),
    # Not `diwali_date`: that one is of Singapore, and its estimates are a month late in years such as 2025 and 2028.
    "diwali": (_HINDU, "diwali_india_date"),
    "holi": (_HINDU, "holi_date"),
    "raksha_bandhan": (_HINDU, "raksha_bandhan_date"),
    "hanukkah": (_HEBREW, "hanukkah_date"),
    "passover": (_HEBREW, "passover_date"),
    "purim": (_HEBREW, "purim_date"),
    "rosh_hashanah": (_HEBREW, "rosh_hashanah_date"),
    "nowruz": ("_Persian", "new_year_date"),
}

_NUMBERS = r"[+-]?\d{1,3}(,[+-]?\d{1,3})*"
_WEEKDAY = r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)"
#: What a recurrence may say. Nothing below a day; no COUNT, for nothing says from where to count.
_RECURRENCE = {
    "FREQ": "YEARLY|MONTHLY|WEEKLY", "INTERVAL": r"[1-9]\d?", "UNTIL": r"\d{8}", "WKST": "MO|TU|WE|TH|FR|SA|SU",
    "BYDAY": f"{_WEEKDAY}(,{_WEEKDAY})*", "BYMONTH": r"\d\d?(,\d\d?)*", "BYMONTHDAY": _NUMBERS, "BYYEARDAY": _NUMBERS,
    "BYWEEKNO": _NUMBERS, "BYSETPOS": _NUMBERS,
}  # fmt: skip
#: A recurrence with INTERVAL counts from here.
_EPOCH = 2000


class Yearly(Part, frozen=True, kw_only=True):
    """Every year from a day to another, "MM-DD", both included; over the new year when it ends before it starts.

    "02-29" is the last day of February in every year.
    """

    start: str
    end: str


class Easter(Part, frozen=True, kw_only=True):
    """From so many days after Easter Sunday (before: negative) to so many, both included."""

    start: int = 0
    end: int = 0
    orthodox: bool = False


class Holiday(Part, frozen=True, kw_only=True):
    """Around a public holiday of a country, by its name in English or in the country's language; `start` and `end` as
    around Easter. A day off instead of it ("observed") does not count."""

    country: str
    name: str
    start: int = 0
    end: int = 0


class Recurring(Part, frozen=True, kw_only=True):
    """`days` days from `shift` days after each date of an RFC 5545 recurrence: Black Friday to Cyber Monday is
    "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", shift 1, days 4. With INTERVAL it counts from the beginning of 2000."""

    rule: str
    shift: int = 0
    days: int = 1


class Lunar(Part, frozen=True, kw_only=True):
    """Around a feast of another calendar (`FEASTS`); `start` and `end` as around Easter."""

    feast: str
    start: int = 0
    end: int = 0


class Windows(Part, frozen=True, kw_only=True):
    """In force when any of them is."""

    yearly: tuple[Yearly, ...] = ()
    easter: tuple[Easter, ...] = ()
    holiday: tuple[Holiday, ...] = ()
    rrule: tuple[Recurring, ...] = ()
    lunar: tuple[Lunar, ...] = ()


# --- spans: half-open, in order, apart from each other ---------------------------------------------------------------


def merged(spans: Iterable[tuple[When, When]]) -> list[tuple[When, When]]:
    """What any of the spans covers; empty ones cover nothing."""
    found: list[tuple[When, When]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def both(some: list[tuple[When, When]], others: list[tuple[When, When]]) -> list[tuple[When, When]]:
    """What is in a span of each."""
    found = []
    one = other = 0
    while one < len(some) and other < len(others):
        start, end = max(some[one][0], others[other][0]), min(some[one][1], others[other][1])
        if start < end:
            found.append((start, end))
        if some[one][1] < others[other][1]:
            one += 1
        else:
            other += 1
    return found


def without(spans: list[tuple[When, When]], holes: list[tuple[When, When]]) -> list[tuple[When, When]]:
    """What is in a span and in no hole."""
    found = []
    for start, end in spans:
        for hole, filled in holes:
            if start < hole < end:
                found.append((start, hole))
            if hole < end and start < filled:
                start = filled
        if start < end:
            found.append((start, end))
    return found


def spans(windows: Windows, first: date, last: date) -> list[tuple[date, date]]:
    """The local dates from `first` to `last` (both included) that any window covers. Raises RuleError."""
    years = range((first - _REACH).year, (last + _REACH).year + 1)
    covered = merged((start, end + DAY) for year in years for start, end in _of_year(windows, year))
    return both(covered, [(first, last + DAY)])


def _of_year(windows: Windows, year: int) -> Iterator[tuple[date, date]]:
    """First and last day of each window whose own day is in `year`."""
    for yearly in windows.yearly:
        yield day_of(yearly.start, year), day_of(yearly.end, year + (yearly.end < yearly.start))
    for easter in windows.easter:
        sunday = easter_sunday(year, easter.orthodox)
        yield sunday + easter.start * DAY, sunday + easter.end * DAY
    for holiday in windows.holiday:
        for day in public_holidays(holiday.country, year).get(holiday.name, ()):
            yield day + holiday.start * DAY, day + holiday.end * DAY
    for recurring in windows.rrule:
        for day in occurrences(recurring.rule, year):
            yield day + recurring.shift * DAY, day + (recurring.shift + recurring.days - 1) * DAY
    for lunar in windows.lunar:
        for day in feast_days(lunar.feast, year):
            yield day + lunar.start * DAY, day + lunar.end * DAY


# --- days of a year --------------------------------------------------------------------------------------------------


def day_of(text: str, year: int) -> date:
    """The day that "MM-DD" is in a year. Raises RuleError."""
    if re.fullmatch(r"[01]\d-[0-3]\d", text, re.ASCII):
        month, day = int(text[:2]), int(text[3:])
        try:
            date(_EPOCH, month, day)  # a leap year
        except ValueError:
            pass
        else:
            return date(year, 3, 1) - DAY if (month, day) == (2, 29) else date(year, month, day)
    raise RuleError(
        objection(
            '{text} is no day of the year: month and day as in "02-14", up to the end of the month', text=repr(text)
        )
    )


def easter_sunday(year: int, orthodox: bool) -> date:
    with _extra():
        from dateutil.easter import EASTER_ORTHODOX, EASTER_WESTERN, easter
    return easter(year, EASTER_ORTHODOX if orthodox else EASTER_WESTERN)


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> dict[str, set[date]]:
    """Each name, in English and in the country's own language, with its days. Raises RuleError."""
    with _extra():
        from holidays import country_holidays
        from holidays.constants import HOLIDAY_NAME_DELIMITER
    found: dict[str, set[date]] = {}
    languages: list[str | None] = ["en_US"]
    try:
        if not re.fullmatch("[A-Z]{2}", country):
            raise NotImplementedError
        languages.append(country_holidays(country).default_language)
    except NotImplementedError:
        raise RuleError(
            objection('no public holidays are known of {country}; write a country as in "DE"', country=repr(country))
        ) from None
    for language in languages:
        # Always with a language: without one, the names would depend on that of the machine.
        days = country_holidays(country, years=year, observed=False, language=language or "en_US")
        # Future days of other calendars are marked as estimated; the name stays the name.
        before, _, after = days.tr(getattr(days, "estimated_label", "%s")).partition("%s")
        for day, names in days.items():
            for name in names.split(HOLIDAY_NAME_DELIMITER):
                found.setdefault(name.removeprefix(before).removesuffix(after), set()).add(day)
    return found


@lru_cache(maxsize=512)
def occurrences(rule: str, year: int) -> tuple[date, ...]:
    """The dates of a recurrence in a year. Raises RuleError."""
    # From the year before, so that the first week is whole; from far away only what must be counted from there.
    dates = _recurrence(rule, _EPOCH if "INTERVAL" in rule else year - 1)
    return tuple(day.date() for day in dates.between(datetime(year, 1, 1), datetime(year, 12, 31), inc=True))


def _recurrence(rule: str, begin: int) -> rrule | rruleset:
    """The recurrence from the first day of a year on. Raises RuleError."""
    with _extra():
        from dateutil.rrule import rrulestr
    parts = [part.partition("=") for part in rule.split(";")]
    names = [name for name, _, _ in parts]
    for name, _, value in parts:
        if name not in _RECURRENCE or not re.fullmatch(_RECURRENCE[name], value, re.ASCII):
            raise RuleError(
                objection(
                    "{name}={value} is no part of a recurrence here; its parts are {known}",
                    name=name,
                    value=value,
                    known=", ".join(_RECURRENCE),
                )
            )
    if "FREQ" not in names or len(set(names)) < len(names) or ("FREQ=WEEKLY" in rule and "BYDAY" not in names):
        raise RuleError(objection("{rule} needs FREQ, with WEEKLY also BYDAY, and each part once", rule=repr(rule)))
    try:
        return rrulestr(rule, dtstart=datetime(begin, 1, 1))
    except ValueError as error:
        raise RuleError(objection("{rule} is no recurrence: {error}", rule=repr(rule), error=str(error))) from None


@lru_cache(maxsize=512)
def feast_days(feast: str, year: int) -> tuple[date, ...]:
    """The days of a feast in a year: none where its calendar ends, two in some. Raises RuleError."""
    if feast not in FEASTS:
        raise RuleError(objection("{feast} is no feast; there are {known}", feast=repr(feast), known=", ".join(FEASTS)))
    with _extra():
        from holidays import calendars
    calendar, method = FEASTS[feast]
    answer = getattr(getattr(calendars, calendar)(), method)(year)
    return tuple(sorted(day for day in _dates(answer) if day.year == year))


def _dates(answer: object) -> Iterator[date]:
    # The calendars answer with a date or None, with a date and whether it is estimated, or with several of these.
    if isinstance(answer, date):
        yield answer
    elif isinstance(answer, Iterable):
        for each in answer:
            yield from _dates(each)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise RuleError(objection("this window needs calendars: install Flask-Upsell[rules]")) from None


# --- what is wrong ---------------------------------------------------------------------------------------------------


def tried(path: str, read: Callable[..., object], *values: object) -> Iterator[Problem]:
    """The problem at `path`, if reading the values raises one; None is left out, and nothing to read."""
    try:
        if values != (None,):
            read(*values)
    except RuleError as error:
        yield path, reason(error)


def problems(windows: Windows, path: str = "") -> Iterator[Problem]:
    """What is wrong with the windows; `path` comes before each field."""
    for place, yearly in enumerate(windows.yearly):
        yield from tried(f"{path}yearly[{place}].start", day_of, yearly.start, _EPOCH)
        yield from tried(f"{path}yearly[{place}].end", day_of, yearly.end, _EPOCH)
    for place, easter in enumerate(windows.easter):
        yield from _offsets(f"{path}easter[{place}]", easter.start, easter.end)
    for place, holiday in enumerate(windows.holiday):
        unknown = list(tried(f"{path}holiday[{place}].country", public_holidays, holiday.country, _EPOCH))
        yield from unknown or tried(f"{path}holiday[{place}].name", _named, holiday.country, holiday.name)
        yield from _offsets(f"{path}holiday[{place}]", holiday.start, holiday.end)
    for place, recurring in enumerate(windows.rrule):
        yield from tried(f"{path}rrule[{place}].rule", _happening, recurring.rule)
        if not 1 <= recurring.days <= MOST_DAYS:
            yield (
                f"{path}rrule[{place}].days",
                objection(
                    "{days} days are not possible, only 1 to {most_days}", days=recurring.days, most_days=MOST_DAYS
                ),
            )
        if abs(recurring.shift) > MOST_DAYS:
            yield (
                f"{path}rrule[{place}].shift",
                objection(
                    "{shift} is too far away: up to {most_days} days", shift=recurring.shift, most_days=MOST_DAYS
                ),
            )
    for place, lunar in enumerate(windows.lunar):
        yield from tried(f"{path}lunar[{place}].feast", feast_days, lunar.feast, _EPOCH)
        yield from _offsets(f"{path}lunar[{place}]", lunar.start, lunar.end)


def _offsets(path: str, start: int, end: int) -> Iterator[Problem]:
    if end < start:
        yield (
            f"{path}.end",
            objection("{end} is before the start, {start}; it is the same day or a later one", end=end, start=start),
        )
    elif start < -MOST_DAYS or end > MOST_DAYS:
        yield (
            f"{path}.start" if start < -MOST_DAYS else f"{path}.end",
            objection("up to {most_days} days before or after", most_days=MOST_DAYS),
        )
    elif end - start >= MOST_DAYS:
        yield (
            f"{path}.end",
            objection("{what} days are too long, {most_days} are possible", what=end - start + 1, most_days=MOST_DAYS),
        )


def _named(country: str, name: str) -> None:
    # A name that exists in some years only is good enough.
    names = {each for year in range(_EPOCH, _EPOCH + 40) for each in public_holidays(country, year)}
    if name not in names:
        raise RuleError(
            objection(
                "{name} is no public holiday of {country}; there are {known}",
                name=repr(name),
                country=country,
                known=", ".join(sorted(names)),
            )
        )


def _happening(rule: str) -> None:
    if next(iter(_recurrence(rule, _EPOCH)), None) is None:
        raise RuleError(objection("{rule} never happens", rule=repr(rule)))
