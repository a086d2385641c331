"""What was changed, field by field, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ...core.rule import Rule, Status
from ...core.season import Season
from ...core.words import Sentence, say
from ..rulediff import ADDED, CHANGED, REMOVED, Difference, plain_part

HOW = {ADDED: say("added"), CHANGED: say("changed"), REMOVED: say("removed")}
KINDS = {"rule": say("rule"), "season": say("season"), "ladder": say("ladder")}
#: What a field is that is left out.
STATE = {"status": Status.ACTIVE.value}
TYPES: dict[str, Any] = {"rule": Rule, "season": Season, "ladder": tuple[str, ...]}


class Field(NamedTuple):
    """`name` of a field, what it was and what it is; "" is nothing."""

    name: str
    before: str
    after: str


def fields(before: Any, after: Any) -> list[Field]:
    """What differs between two plain values."""
    return list(_fields((), before, after))


def of_part(kind: str, before: Any, after: Any) -> list[Field]:
    """What differs between two rules, seasons or ladders; None is not there."""
    old, new = (None if part is None else _plain(kind, part) for part in (before, after))
    return fields(old or {}, new or {}) if kind != "ladder" else fields(old, new)


def of_difference(difference: Difference) -> list[Field]:
    return [
        Field(_name(path.split(".")), *(_told(_json(text or STATE.get(path, ""))) for text in (old, new)))
        for path, old, new in difference.fields
    ]


def of_texts(what: str, before: str, after: str) -> list[Field]:
    """What differs between two texts of the audit: JSON, of rules and seasons in the form of files."""
    kind = what.partition(" ")[0]
    return fields(_read(kind, before), _read(kind, after))


def _plain(kind: str, part: Any) -> Any:
    """In the form of files, with the state that is left out in them."""
    plain = plain_part(kind, part)
    return {"status": part.status.value, **plain} if kind == "rule" else plain


def _read(kind: str, text: str) -> Any:
    if not text:
        return {}
    if kind in TYPES:
        try:
            return _plain(kind, msgspec.json.decode(text, type=TYPES[kind]))
        except (ValueError, RecursionError):  # it only moved, or is of another version
            pass
    return _json(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else ""
    except ValueError:
        return text


def _fields(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Field]:
    if old == new:
        return
    inner = [each for each in (old, new) if each not in (None, "", {})]
    if inner and all(isinstance(each, Mapping) for each in inner):
        before, after = (each if isinstance(each, Mapping) else {} for each in (old, new))
        for key in dict.fromkeys([*before, *after]):
            yield from _fields((*path, str(key)), before.get(key), after.get(key))
    else:
        yield Field(_name(path), _told(old), _told(new))


def _name(path: Any) -> str:
    return ", ".join(str(step).replace("_", " ") for step in path)


def _told(value: Any) -> str:
    """A value as one reads it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{str(key).replace('_', ' ')}: {_told(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_told(each) for each in value)
    return str(value)


def heading(difference: Difference) -> tuple[Sentence, Sentence]:
    """(what it is, how it is) of a difference."""
    return KINDS[difference.kind], HOW[difference.how]
