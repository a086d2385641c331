"""Drafts in the form of files: what a live part looks like in it, and what a draft becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from ..core.rule import Rule
from ..core.rulebook import RuleBook
from ..core.season import Season
from ..core.trees import NAMES
from ..desk.drafts import Draft, Part
from .refusals import flat
from .ruleproblems import name_problems
from .ruleschema import read_ladder
from .written import schema_of
from .yamltext import Path

#: (place in the written form, sentence).
Problem = tuple[Path, str]


def written(kind: str, name: str, part: Any) -> dict[str, Any]:
    """A part as it is written, every value a text. A ladder: {"name": …, "steps": […]}."""
    if kind == "ladder":
        return {"name": name, "steps": list(part)}
    found: dict[str, Any] = _texts(schema_of(Rule if kind == "rule" else Season).dump(part))
    return found


def live(book: RuleBook, kind: str, name: str) -> Any:
    """The live part of that name; None when there is none."""
    if kind == "ladder":
        return book.ladders.get(name)
    parts: tuple[Any, ...] = book.rules if kind == "rule" else book.seasons
    return next((each for each in parts if each.name == name), None)


def read(draft: Draft) -> tuple[Part, list[Problem]]:
    """What a draft becomes, and what is wrong with it: one or the other. What it names in other parts is not asked."""
    if draft.action == "remove":
        return None, []
    return made(draft.kind, draft.written)


def made(kind: str, given: Mapping[str, Any]) -> tuple[Part, list[Problem]]:
    """The same of what is written, empty fields left out."""
    kept = filled(given)
    if kind == "season":
        kept = _with_nevers(kept, given)
    for name in ("audience", "when"):
        # A condition without arguments is one that is not finished, and no missing one: the rule would apply to all.
        if kind == "rule" and given.get(name):
            kept[name] = _tree(given[name])
            if kept[name] in ({"all": []}, {"any": []}, {"none": []}):
                del kept[name]
    try:
        if kind == "ladder":
            wrong: list[Problem] = [(("name",), said) for _, said in name_problems(str(kept.get("name", "")))]
            steps = read_ladder(kept.get("steps", []))
            return (None, wrong) if wrong else (steps, [])
        part: Part = schema_of(Rule if kind == "rule" else Season).load(kept)
        return part, []
    except ValidationError as error:
        return None, flat(error.messages)


def _tree(value: Any) -> Any:
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    ((name, inner),) = value.items()
    if name in NAMES and isinstance(inner, list | tuple):
        return {name: [_tree(each) for each in inner]}
    return {name: filled(inner)}


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _texts(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _with_nevers(kept: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """No windows for a country, or for the southern ones, mean something: the season is never there."""
    if "south" in given:
        kept.setdefault("south", {})
    countries = given.get("countries")
    if isinstance(countries, Mapping) and countries:
        inner = kept.setdefault("countries", {})
        kept["countries"] = {code: inner.get(code, {}) for code in countries}
    return kept


def filled(value: Any) -> Any:
    """Without what was left empty in a form: no text, no list, nothing inside."""
    if isinstance(value, Mapping):
        inner = {key: filled(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in ("", None, [], {})}
    if isinstance(value, list | tuple):
        return [each for each in map(filled, value) if each not in ("", None, [], {})]
    return value
