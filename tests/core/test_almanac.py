"""A year of seasons and rules, in local dates."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask_upsell.core.almanac import coming, countries, crowded, lanes
from flask_upsell.core.rule import Hours, Products, Rule, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Recurring, Windows, Yearly

ZONE = "Europe/Rome"


def season(name: str, start: str, end: str, **more: object) -> Season:
    return Season(name=name, yearly=(Yearly(start=start, end=end),), **more)  # type: ignore[arg-type]


def rule(name: str, **more: object) -> Rule:
    return Rule(name=name, offer=Products(refs=("a",)), schedule=Schedule(**more))  # type: ignore[arg-type]


LOVE = season("love", "02-01", "02-14", south=Windows(yearly=(Yearly(start="06-01", end="06-12"),)))
CARNIVAL = season("carnival", "02-10", "02-20")
WINTER = season("winter", "12-20", "01-06")
BOOK = RuleBook(
    seasons=(LOVE, WINTER, CARNIVAL),
    rules=(
        rule("sweets", seasons=("love", "winter"), weekdays=("sat",), hours=(Hours(start="18:00", end="20:00"),)),
        rule("june", start="2026-06-10T12:00", end="2026-07-01T00:00"),
        rule("always"),
    ),
)


def test_each_season_of_a_year_with_its_rules_and_what_meets_it() -> None:
    found = {lane.name: lane for lane in lanes(BOOK, ZONE, 2026)}
    assert list(found) == ["winter", "love", "carnival", ""]
    assert found["love"].spans == ((date(2026, 2, 1), date(2026, 2, 14)),)
    # Over the new year: the end of one and the beginning of the next.
    assert found["winter"].spans == ((date(2026, 1, 1), date(2026, 1, 6)), (date(2026, 12, 20), date(2026, 12, 31)))
    (sweets,) = found["love"].rules
    assert sweets.spans == (found["winter"].spans[0], found["love"].spans[0], found["winter"].spans[1])
    assert (found["love"].together, found["carnival"].together) == (("carnival",), ("love",))
    assert found["winter"].together == ()
    assert [each.name for each in found[""].rules] == ["june"]
    assert found[""].rules[0].spans == ((date(2026, 6, 10), date(2026, 6, 30)),)
    assert crowded(found.values()) == [(date(2026, 2, 10), date(2026, 2, 14))]


def test_a_year_as_shoppers_of_a_country_see_it() -> None:
    assert countries(BOOK.seasons) == ["AU"]
    by_name = {lane.name: lane.spans for lane in lanes(BOOK, ZONE, 2026, "AU")}
    assert by_name["love"] == ((date(2026, 6, 1), date(2026, 6, 12)),)


def test_many_rules_are_counted_and_what_is_wrong_is_told() -> None:
    many = [Rule(name=f"r{n}", offer=Products(refs=("a",)), schedule=Schedule(seasons=("love",))) for n in range(20)]
    many += [Rule(name="over", offer=Products(refs=("a",)), schedule=Schedule(seasons=("love",)), status=Status.ENDED)]
    (lane,) = lanes(RuleBook(seasons=(LOVE,), rules=tuple(many)), ZONE, 2026, most_rules=3)
    assert (len(lane.rules), lane.more) == (3, 17)
    (odd,) = lanes(RuleBook(seasons=(season("odd", "02-31", "03-01"),)), ZONE, 2026)
    assert "02-31" in odd.wrong and odd.spans == ()


def test_the_next_five_times_are_whole_ones() -> None:
    """Planted bug that it shows: a timetable looks three years ahead, and what is still open then is cut off."""
    now = datetime(2026, 12, 22, 12, tzinfo=UTC)
    found = coming(WINTER, ZONE, now)
    assert found == [(date(year, 12, 20), date(year + 1, 1, 6)) for year in range(2026, 2031)]
    assert coming(WINTER, ZONE, datetime(2027, 1, 6, 22, 59, tzinfo=UTC), 1) == found[:1]
    assert coming(WINTER, ZONE, datetime(2027, 1, 6, 23, 1, tzinfo=UTC), 1) == found[1:2]
    weekly = Season(name="w", rrule=(Recurring(rule="FREQ=WEEKLY;BYDAY=SA,SU"),))
    assert coming(weekly, ZONE, now, 1) == [(date(2026, 12, 26), date(2026, 12, 27))]
    assert coming(weekly, ZONE, now, 2)[1:] == [(date(2027, 1, 2), date(2027, 1, 3))]
    assert coming(Season(name="n", countries={"US": Windows()}), ZONE, now) == []
    assert coming(LOVE, ZONE, now, 1, "AU") == [(date(2027, 6, 1), date(2027, 6, 12))]
