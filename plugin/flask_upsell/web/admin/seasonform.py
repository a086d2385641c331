"""The form of a season: rows of fields for each kind of window, and the written form that files have.

Of a recurrence (RFC 5545) two kinds have fields of their own, as merchants say them: a weekday of a month ("the 4th
Thursday of November") and days of every week; any other is written as it is. A field is named GROUP-KIND-ROW-FIELD:
"own-yearly-0-start"; groups are "own", "south" and "c0", "c1" ... for countries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...core.season import WEEKDAYS
from ..yamltext import Path

#: Kinds of rows with their fields, in the order of the form.
KINDS: dict[str, tuple[str, ...]] = {
    "yearly": ("start", "end"),
    "easter": ("start", "end", "orthodox"),
    "holiday": ("country", "name", "start", "end"),
    "nth": ("week", "weekday", "month", "shift", "days"),
    "weekly": ("days",),
    "rule": ("rule", "shift", "days"),
    "lunar": ("feast", "start", "end"),
}
#: Kinds that are recurrences when they are written.
RECURRING = ("nth", "weekly", "rule")
OWN, SOUTH = "own", "south"
CODES = tuple(name[:2].upper() for name in WEEKDAYS)
#: Rows and countries that a form reads.
MOST_ROWS = 50
_NTH = re.compile(r"FREQ=YEARLY;BYMONTH=(\d{1,2});BYDAY=(-1|[1-5])([A-Z]{2})")
_WEEKLY = re.compile(r"FREQ=WEEKLY;BYDAY=([A-Z,]+)")
_FIELD = re.compile(r"(own|south|c\d{1,2})-(" + "|".join(KINDS) + r")-(\d{1,2})-([a-z]+)")

Row = dict[str, Any]


class Group(msgspec.Struct):
    """Windows that hold together: the season's own, those of the southern countries, or of one country."""

    key: str
    country: str = ""
    rows: dict[str, list[Row]] = msgspec.field(default_factory=lambda: {kind: [] for kind in KINDS})


class SeasonForm(msgspec.Struct):
    """What is in the fields. `days`: dates that are left out, each (from, to)."""

    name: str = ""
    label: str = ""
    zone: str = ""
    groups: list[Group] = msgspec.field(default_factory=lambda: [Group(OWN)])
    days: list[tuple[str, str]] = []


def shown(written: Mapping[str, Any]) -> SeasonForm:
    """The form of what is written, whatever is in it."""
    form = SeasonForm(_text(written.get("name")), _text(written.get("label")), _text(written.get("zone")), [], [])
    form.groups.append(_group(OWN, written))
    if "south" in written:
        form.groups.append(_group(SOUTH, written["south"]))
    countries = written.get("countries")
    for place, (code, inner) in enumerate(countries.items() if isinstance(countries, Mapping) else ()):
        form.groups.append(_group(f"c{place}", inner, _text(code)))
    for span in _list(written.get("except_days")):
        start, _, end = _span(span)
        form.days.append((start, end))
    return form


def read(given: Mapping[str, Any], lists: Any) -> SeasonForm:
    """What was sent. `lists(name)`: all values of a field."""
    groups: dict[str, Group] = {OWN: Group(OWN)}
    if given.get("has-south"):
        groups[SOUTH] = Group(SOUTH)
    for key in lists("countries")[:MOST_ROWS]:
        if re.fullmatch(r"c\d{1,2}", key):
            groups[key] = Group(key, given.get(f"{key}-code", "").strip().upper())
    rows: dict[tuple[str, str, int], Row] = {}
    for name in given:
        found = _FIELD.fullmatch(name)
        if found and found[1] in groups and found[4] in KINDS[found[2]]:
            row = rows.setdefault((found[1], found[2], int(found[3])), {})
            several = found[2] == "weekly"
            row[found[4]] = lists(name) if several else given.get(name, "").strip()
    for key, kind, _ in sorted(rows):
        groups[key].rows[kind].append(rows[key, kind, _])
    days = list(zip(lists("except-start"), lists("except-end"), strict=False))[:MOST_ROWS]
    form = SeasonForm(given.get("name", "").strip(), given.get("label", "").strip(), given.get("zone", "").strip())
    form.groups, form.days = list(groups.values()), [(start.strip(), end.strip()) for start, end in days]
    return form


def written(form: SeasonForm) -> dict[str, Any]:
    """As files have it; rows that are empty are there too, so that they are there when the draft is opened again."""
    found: dict[str, Any] = {"name": form.name}
    for name in ("label", "zone"):
        if getattr(form, name):
            found[name] = getattr(form, name)
    for group in form.groups:
        if group.key == OWN:
            found |= _windows(group)
        elif group.key == SOUTH:
            found["south"] = _windows(group)
        else:
            found.setdefault("countries", {})[group.country or group.key] = _windows(group)
    if form.days:
        found["except_days"] = [{"start": start, "end": end or start} for start, end in form.days]
    return found


def change(form: SeasonForm, what: str) -> bool:
    """Add or take away a row, as a button says: "add own yearly", "cut c0 nth 1", "add country", "cut c0", "add days",
    "cut days 0", "add south"; whether the button was one of these."""
    words = what.split()
    groups = {group.key: group for group in form.groups}
    match words:
        case ["add", "country"]:
            taken = [int(key[1:]) for key in groups if key.startswith("c")]
            form.groups.append(Group(f"c{max(taken, default=-1) + 1}"))
        case ["add", "south"] if SOUTH not in groups:
            form.groups.insert(1, Group(SOUTH))
        case ["cut", key] if key in groups and key != OWN:
            form.groups.remove(groups[key])
        case ["add", "days"]:
            form.days.append(("", ""))
        case ["cut", "days", place] if place.isdigit() and int(place) < len(form.days):
            form.days.pop(int(place))
        case ["add", key, kind] if key in groups and kind in KINDS:
            groups[key].rows[kind].append(dict.fromkeys(KINDS[kind], ""))
        case ["cut", key, kind, place] if key in groups and kind in KINDS and place.isdigit():
            if int(place) < len(groups[key].rows[kind]):
                groups[key].rows[kind].pop(int(place))
        case _:
            return False
    return True


def places(form: SeasonForm, problems: Sequence[tuple[Path, str]]) -> dict[str, str]:
    """Field -> what is wrong with it; "" for what belongs to none. A row of which all is wrong is told at its first."""
    found: dict[str, str] = {}
    for path, sentence in problems:
        found.setdefault(_place(form, tuple(path)), sentence)
    return found


def _place(form: SeasonForm, path: Path) -> str:
    match path:
        case ("name" | "label" | "zone" as name,):
            return name
        case ("except_days", int(place), *rest):
            kept = [at for at, days in enumerate(form.days) if any(days)]
            at = kept[place] if place < len(kept) else 0
            return f"except-{'end' if rest == ['end'] else 'start'}-{at}"
        case ("south", *rest):
            return _row(form, SOUTH, tuple(rest))
        case ("countries", code, *rest):
            key = next((group.key for group in form.groups if group.country == code), "")
            return _row(form, key, tuple(rest)) if rest else f"{key}-code"
        case _:
            return _row(form, OWN, path)


def _row(form: SeasonForm, key: str, path: Path) -> str:
    group = next((group for group in form.groups if group.key == key), None)
    if group is None or len(path) < 2 or not isinstance(path[1], int):
        return ""
    # What was left empty in a form is left out before it is read, so rows are counted without it.
    kinds = RECURRING if path[0] == "rrule" else (str(path[0]),)
    rows = [
        (kind, at)
        for kind in kinds
        for at, row in enumerate(group.rows.get(kind, ()))
        if any(each for each in _one(kind, row).values())
    ]
    if path[1] >= len(rows):
        return ""
    kind, at = rows[path[1]]
    field = str(path[2]) if len(path) > 2 else ""
    fields = KINDS[kind]
    return f"{key}-{kind}-{at}-{field if field in fields else fields[0]}"


# --- one way and the other -------------------------------------------------------------------------------------------


def _group(key: str, written: Any, country: str = "") -> Group:
    group = Group(key, country)
    inner = written if isinstance(written, Mapping) else {}
    for kind in ("yearly", "easter", "holiday", "lunar"):
        for row in _list(inner.get(kind)):
            if kind == "yearly" and not isinstance(row, Mapping):
                start, _, end = _span(row)
                row = {"start": start, "end": end}
            given = row if isinstance(row, Mapping) else {}
            group.rows[kind].append({field: _text(given.get(field)) for field in KINDS[kind]})
    for row in _list(inner.get("rrule")):
        given = row if isinstance(row, Mapping) else {}
        rule, shift, days = (_text(given.get(name)) for name in ("rule", "shift", "days"))
        if (nth := _NTH.fullmatch(rule)) and nth[3] in CODES:
            row = {"week": nth[2], "weekday": nth[3], "month": str(int(nth[1])), "shift": shift, "days": days}
            group.rows["nth"].append(row)
        elif (weekly := _WEEKLY.fullmatch(rule)) and {*weekly[1].split(",")} <= {*CODES} and not (shift or days):
            group.rows["weekly"].append({"days": weekly[1].split(",")})
        else:
            group.rows["rule"].append({"rule": rule, "shift": shift, "days": days})
    return group


def _windows(group: Group) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, rows in group.rows.items():
        name = "rrule" if kind in RECURRING else kind
        for row in rows:
            found.setdefault(name, []).append(_one(kind, row))
    return found


def _one(kind: str, row: Row) -> dict[str, Any]:
    if kind == "nth":
        said = [row.get(name, "") for name in ("week", "weekday", "month")]
        rule = f"FREQ=YEARLY;BYMONTH={said[2]};BYDAY={said[0]}{said[1]}" if all(said) else ""
        return {"rule": rule, "shift": row.get("shift", ""), "days": row.get("days", "")}
    if kind == "weekly":
        days = [code for code in CODES if code in row.get("days", ())]
        return {"rule": f"FREQ=WEEKLY;BYDAY={','.join(days)}" if days else ""}
    return {field: row.get(field, "") for field in KINDS[kind]}


def _span(value: Any) -> tuple[str, str, str]:
    if isinstance(value, Mapping):
        return _text(value.get("start")), "..", _text(value.get("end"))
    start, found, end = _text(value).partition("..")
    return start.strip(), found, end.strip() if found else start.strip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
