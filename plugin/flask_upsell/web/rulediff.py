"""What makes one rulebook another, by rule and field, in the words of the files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..core.rule import Rule
from ..core.rulebook import RuleBook
from ..core.season import Season
from .written import schema_of

ADDED, CHANGED, REMOVED = "added", "changed", "removed"


class Difference(NamedTuple):
    """A rule, season or ladder that is `how`; `fields` says what was changed: path, before, after ("" is not there)."""

    how: str
    kind: str
    name: str
    fields: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.how} {self.kind} {self.name}"]
        lines += [f"  {path}: {before or 'nothing'} -> {after or 'nothing'}" for path, before, after in self.fields]
        return "\n".join(lines)


def differences(before: RuleBook, after: RuleBook) -> list[Difference]:
    """What saving `after` over `before` would do."""
    old, new = _named(before), _named(after)
    return [each for kind in old for each in _of_kind(kind, old[kind], new[kind])]


def _named(book: RuleBook) -> dict[str, dict[str, Any]]:
    return {
        "rule": {rule.name: rule for rule in book.rules},
        "season": {season.name: season for season in book.seasons},
        "ladder": dict(sorted(book.ladders.items())),
    }


def plain_part(kind: str, part: Any) -> Any:
    """A part in the form of files."""
    if kind == "ladder":
        return list(part)
    return schema_of(Rule if kind == "rule" else Season).dump(part)


def _of_kind(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    yield from (Difference(ADDED, kind, name) for name in new if name not in old)
    places_before = {name: place for place, name in enumerate((name for name in old if name in new), start=1)}
    for place, name in enumerate((name for name in new if name in old), start=1):
        # Of thousands few are not the same, and only those are written out.
        same = old[name] == new[name]
        fields = [] if same else list(_fields("", plain_part(kind, old[name]), plain_part(kind, new[name])))
        if places_before[name] != place and kind != "ladder":
            fields.append(("place", str(places_before[name]), str(place)))
        if fields:
            yield Difference(CHANGED, kind, name, tuple(fields))
    yield from (Difference(REMOVED, kind, name) for name in old if name not in new)


def _fields(path: str, old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _fields(f"{path}.{key}" if path else str(key), old.get(key), new.get(key))
    else:
        yield path or "products", _shown(old), _shown(new)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
