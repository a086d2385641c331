"""A rulebook has names that are each there once. How one is kept: adapters/test_rulebook.py."""

from __future__ import annotations

from typing import Any

import pytest

from flask_upsell.core.rulebook import LONGEST_NAME, RuleBook
from flask_upsell.core.season import Season
from flask_upsell.errors import BadInput

from .build import rule


def written(part: str, *names: str) -> dict[str, Any]:
    if part == "ladders":
        return {part: dict.fromkeys(names, ("a", "b"))}
    return {part: tuple([rule(name) if part == "rules" else Season(name=name) for name in names])}


@pytest.mark.parametrize("part", ["rules", "seasons", "ladders"])
def test_a_name_is_short_printable_and_not_empty(part: str) -> None:
    for name in ("a", "a" * LONGEST_NAME, "Tee für zwei"):
        assert RuleBook.decode(RuleBook(**written(part, name)).encode()) == RuleBook(**written(part, name))
    for name in ("", "  ", "a" * (LONGEST_NAME + 1), "a\n"):
        with pytest.raises(BadInput, match="is no name: 1 to 100 printable characters") as caught:
            RuleBook(**written(part, "a", name))
        assert caught.value.field == part


@pytest.mark.parametrize("part", ["rules", "seasons"])
def test_a_name_is_there_once(part: str) -> None:
    with pytest.raises(BadInput, match="'b' is there twice") as caught:
        RuleBook(**written(part, "a", "b", "b"))
    assert caught.value.field == part


def test_a_rule_a_season_and_a_ladder_may_have_one_name() -> None:
    RuleBook(**written("rules", "a"), **written("seasons", "a"), **written("ladders", "a"))
