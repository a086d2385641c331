"""Drafts in the form of files: each shipped rule survives the way there and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flask_upsell.core.rulebook import RuleBook
from flask_upsell.web.drafted import live, made, written
from flask_upsell.web.rulefile import load

CONFIG = Path(__file__).parents[2] / "config"


def shipped() -> RuleBook:
    return load([CONFIG / "seasons.yaml", CONFIG / "rules"])


def texts_only(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(texts_only, value.values()))
    return all(map(texts_only, value)) if isinstance(value, list) else isinstance(value, str)


def test_each_shipped_part_survives() -> None:
    book = shipped()
    parts: list[tuple[str, str, Any]] = [
        *(("rule", each.name, each) for each in book.rules),
        *(("season", each.name, each) for each in book.seasons),
        *(("ladder", name, steps) for name, steps in book.ladders.items()),
    ]
    assert len(parts) > 40
    for kind, name, part in parts:
        form = written(kind, name, part)
        assert texts_only(form), form
        assert made(kind, form) == (part, []), name
        assert live(book, kind, name) == part
    assert live(book, "rule", "nobody") is None


@pytest.mark.parametrize(
    ("kind", "given", "path"),
    [
        ("rule", {"name": ""}, ("offer",)),
        ("rule", {"name": "a", "offer": {"category": "Tea"}, "discount": {"percent": "150"}}, ("discount", "percent")),
        ("rule", {"name": "a", "offer": {"category": "Tea"}, "when": {"nowhere": "x"}}, ("when",)),
        ("season", {"name": "a", "yearly": ["02-30..03-01"]}, ("yearly", 0)),
        ("ladder", {"name": "", "steps": ["a", "b"]}, ("name",)),
        ("ladder", {"name": "a", "steps": ["a"]}, ()),
    ],
)
def test_what_is_wrong_has_its_place(kind: str, given: dict[str, Any], path: tuple[Any, ...]) -> None:
    part, problems = made(kind, given)
    assert part is None
    assert any(where[: len(path)] == path for where, _ in problems), problems


def test_what_was_left_empty_is_as_if_it_was_not_there() -> None:
    given = {
        "name": "a",
        "label": "",
        "offer": {"category": "Tea"},
        "limits": {"total": "", "budget": []},
        "boost": [""],
    }
    part, problems = made("rule", given)
    assert problems == []
    assert written("rule", "a", part) == {"name": "a", "offer": {"category": "Tea"}}
