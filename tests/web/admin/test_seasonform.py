"""The form of a season: each shipped one there and back, rows that come and go, problems at their fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from flask_upsell.web.admin import seasonform as form
from flask_upsell.web.drafted import made, written
from flask_upsell.web.rulefile import load

SEASONS = load([Path(__file__).parents[3] / "config" / "seasons.yaml"]).seasons


def sent(given: form.SeasonForm) -> MultiDict[str, str]:
    """As a browser would send it."""
    pairs: list[tuple[str, str]] = [("name", given.name), ("label", given.label), ("zone", given.zone)]
    for group in given.groups:
        if group.key == form.SOUTH:
            pairs.append(("has-south", "1"))
        elif group.key != form.OWN:
            pairs += [("countries", group.key), (f"{group.key}-code", group.country)]
        for kind, rows in group.rows.items():
            for place, row in enumerate(rows):
                for field, value in row.items():
                    values = value if isinstance(value, list) else [value]
                    # A box that is not ticked is not sent.
                    if field != "orthodox" or value:
                        pairs += [(f"{group.key}-{kind}-{place}-{field}", each) for each in values]
    for start, end in given.days:
        pairs += [("except-start", start), ("except-end", end)]
    return MultiDict(pairs)


def back(given: form.SeasonForm) -> form.SeasonForm:
    fields = sent(given)
    return form.read(fields, fields.getlist)


@pytest.mark.parametrize("season", SEASONS, ids=lambda season: season.name)
def test_each_shipped_season_survives_the_form(season: Any) -> None:
    first = form.shown(written("season", season.name, season))
    part, problems = made("season", form.written(back(first)))
    assert (part, problems) == (season, [])


def test_every_kind_of_window_and_days_off() -> None:
    given: dict[str, Any] = {
        "name": "all",
        "zone": "Asia/Tokyo",
        "yearly": "12-01..12-24",
        "easter": [{"start": "-3", "orthodox": "true"}],
        "holiday": [{"country": "US", "name": "Thanksgiving Day", "start": "-1", "end": "1"}],
        "rrule": [
            {"rule": "FREQ=WEEKLY;BYDAY=SA,SU"},
            {"rule": "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "shift": "1", "days": "4"},
            {"rule": "FREQ=MONTHLY;BYMONTHDAY=1"},
        ],
        "lunar": [{"feast": "diwali"}],
        "south": {},
        "countries": {"JP": {}, "DE": {"yearly": ["02-01", "03-01..03-02"]}},
        "except_days": ["2027-12-24", "2027-12-26..2027-12-28"],
    }
    shown = form.shown(given)
    own = shown.groups[0].rows
    assert [own[kind] for kind in ("nth", "weekly", "rule")] == [
        [{"week": "4", "weekday": "TH", "month": "11", "shift": "1", "days": "4"}],
        [{"days": ["SA", "SU"]}],
        [{"rule": "FREQ=MONTHLY;BYMONTHDAY=1", "shift": "", "days": ""}],
    ]
    part, problems = made("season", form.written(back(shown)))
    expected, _ = made("season", given)
    assert problems == []
    assert part is not None and expected is not None
    for field in ("yearly", "easter", "holiday", "lunar", "south", "countries", "except_days", "zone"):
        assert getattr(part, field) == getattr(expected, field), field
    assert sorted(each.rule for each in part.rrule) == sorted(each.rule for each in expected.rrule)  # type: ignore[union-attr]


def test_never_there_is_not_the_same_as_nothing_said() -> None:
    """Planted bug that it shows: an empty group for a country is left out, and the season is there as elsewhere."""
    part, _ = made(
        "season", {"name": "a", "yearly": "01-01..02-01", "south": {}, "countries": {"DE": {"yearly": [""]}}}
    )
    assert part is not None
    assert part.south is not None and not part.south.yearly and not part.countries["DE"].yearly  # type: ignore[union-attr]


def test_rows_come_and_go() -> None:
    made_form = form.shown({"name": "a", "yearly": ["01-01..01-02", "02-01..02-02"]})
    for what in (
        "add south",
        "add country",
        "add country",
        "add own nth",
        "add c1 lunar",
        "add days",
        "cut own yearly 0",
    ):
        assert form.change(made_form, what), what
    assert [group.key for group in made_form.groups] == ["own", "south", "c0", "c1"]
    assert made_form.groups[0].rows["yearly"] == [{"start": "02-01", "end": "02-02"}]
    assert [len(group.rows["lunar"]) for group in made_form.groups] == [0, 0, 0, 1]
    assert form.change(made_form, "cut c0") and form.change(made_form, "cut days 0")
    assert ([group.key for group in made_form.groups], made_form.days) == (["own", "south", "c1"], [])
    for what in ("save", "", "cut own", "add own magic", "add c9 yearly", "cut own yearly x"):
        assert not form.change(made_form, what), what


def test_what_is_wrong_stands_at_its_field() -> None:
    """Rows that were left empty are not counted when a season is read, but they are in the form."""
    given: dict[str, Any] = {
        "name": "a",
        "zone": "Mars/Base",
        "yearly": [{"start": "", "end": ""}, {"start": "02-31", "end": "03-01"}],
        "rrule": [{"rule": "FREQ=WEEKLY;BYDAY=MO"}, {"rule": "FREQ=DAILY", "shift": "", "days": ""}],
        "easter": [{"start": "5", "end": "1"}],
        "south": {"holiday": [{"country": "US", "name": "Nothing Day"}]},
        "countries": {"XX": {"lunar": [{"feast": "lunch"}]}},
        "except_days": [{"start": "", "end": ""}, {"start": "2027-02-30", "end": "2027-03-01"}],
    }
    shown = form.shown(given)
    _, problems = made("season", form.written(shown))
    found = form.places(shown, problems)
    assert {
        "zone",
        "own-rule-0-rule",
        "own-easter-0-end",
        "south-holiday-0-name",
        "c0-lunar-0-feast",
        "c0-code",
    } <= found.keys()
    assert "own-yearly-1-start" in found and "except-start-1" in found
    assert not {"own-yearly-0-start", "own-weekly-0-days", ""} & found.keys()
    missing = form.shown({"name": ""})
    assert set(form.places(missing, made("season", form.written(missing))[1])) <= {"name", ""}
