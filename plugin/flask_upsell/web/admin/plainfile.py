"""Pairs and ladders as YAML: the same rows as in a table, and out again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...core.words import Sentence, say, sentence_of
from ...desk.tablefile import DELIMITERS, Listed, Unreadable
from ..yamltext import Items, Table, Text, flow, read, write, written

#: Bytes of a file; what is larger is read faster as CSV.
LARGEST = 4_000_000
#: How a line of YAML begins that is none of a table.
_YAML = re.compile(r"---|[-{\[]|[\w-]+:(\s|$)")


def begins_yaml(text: str) -> bool:
    """Whether the first line of a text is one of YAML."""
    return bool(_YAML.match(_first(text)))


def is_table(text: str) -> bool:
    """Whether the first line of a text is one of CSV."""
    return not begins_yaml(text) and any(mark in _first(text) for mark in DELIMITERS)


def _first(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


# --- in --------------------------------------------------------------------------------------------------------------


def pairs(text: str) -> Listed:
    """The rows of `pairs: [{antecedent: tea, consequent: cup, verdict: approve}]`. Raises Unreadable."""
    rows = _within(text, "pairs", Items, say("Write a list of pairs, each with antecedent, consequent and verdict."))
    columns: dict[str, None] = {}
    for each in rows:
        if not isinstance(each, Table):
            raise Unreadable(say("This is no pair. Write antecedent, consequent and verdict."), _line(each))
        columns |= dict.fromkeys(each)
    return Listed(list(columns), ((row.line, [_cell(row, name) for name in columns]) for row in rows))


def ladders(text: str) -> Listed:
    """The rows of `ladders: {phones: [small, large]}`. Raises Unreadable."""
    named = _within(text, "ladders", Table, say("Write ladders by name, each with a list of products."))
    rows = []
    for name, steps in named.items():
        if not isinstance(steps, Items) or not all(isinstance(step, Text) for step in steps):
            raise Unreadable(say("{name} is no list of products.", name=name[:40]), named.lines[name])
        rows += [(step.line, [name, str(place), str(step)]) for place, step in enumerate(steps, start=1)]
    return Listed(["ladder", "step", "product"], rows)


def _within(text: str, key: str, kind: type, todo: Sentence) -> Any:
    root, problems = read("", text.encode("utf-8", "replace"), LARGEST)
    if problems:
        path, told = written(problems[0].path), sentence_of(problems[0].sentence)
        raise Unreadable(say("{where}: {told}", where=path, told=told) if path else told, problems[0].line)
    found = root
    if isinstance(root, Table):
        for name in root:
            if name != key:
                told = say("{name} does not belong in here, only {key}.", name=name[:40], key=key)
                raise Unreadable(told, root.lines[name])
        found = root.get(key)
    if not isinstance(found, kind):
        raise Unreadable(todo, _line(found))
    return found


def _line(value: Any) -> int:
    return int(getattr(value, "line", 0))


def _cell(row: Table, name: str) -> str:
    value = row.get(name)
    if isinstance(value, Table | Items):
        raise Unreadable(say("{name} is no text.", name=name[:40]), row.lines[name])
    return str(value or "")


# --- out -------------------------------------------------------------------------------------------------------------


def dump_pairs(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """A list of mappings in pieces; what is empty is left out."""
    yield b"pairs:\n"
    for row in rows:
        told = (
            f"{name}: {_scalar(value)}" for name, value in zip(columns, row, strict=True) if value not in (None, "")
        )
        yield f"- {{{', '.join(told)}}}\n".encode()


def dump_ladders(every: Mapping[str, tuple[str, ...]]) -> bytes:
    return write({"ladders": {name: list(steps) for name, steps in every.items()}}, ("ladders",)).encode()


def _scalar(value: object) -> str:
    """In quotes where it is a text, so that no program takes it for a number."""
    if not isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False) if value.isprintable() else flow([value])[1:-1]
