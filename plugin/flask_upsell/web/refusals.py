"""What is wrong with what people write: marshmallow's messages, with the path of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from marshmallow import ValidationError

from ..core.words import objection
from .yamltext import Path

_STEP = re.compile(r"[^.\[\]]+")


def refuse(problems: Iterable[tuple[str | Path, str]]) -> None:
    """Raise ValidationError for problems, if there are any. The core tells their places as texts: "hours[0].start"."""
    found: dict[Path, list[str]] = {}
    for path, sentence in problems:
        steps = path
        if isinstance(steps, str):
            steps = tuple([int(step) if step.isdigit() else step for step in _STEP.findall(steps)])
        found.setdefault(steps, []).append(sentence)
    if found:
        raise ValidationError(found)


def each_of(pairs: Iterable[tuple[Any, Any]], read: Callable[[Any], Any]) -> dict[Any, Any]:
    """What is read of each, by its key. Raises ValidationError with the problems of all."""
    found, wrong = {}, {}
    for key, value in pairs:
        try:
            found[key] = read(value)
        except ValidationError as error:
            wrong[key] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return found


def flat(messages: Any, path: Path = ()) -> list[tuple[Path, str]]:
    """marshmallow's nested messages as (path, sentence)."""
    if isinstance(messages, dict):
        found = []
        for key, inner in messages.items():
            found += flat(inner, path + (key if isinstance(key, tuple) else () if key == "_schema" else (key,)))
        return found
    return [(path, messages)] if isinstance(messages, str) else [each for one in messages for each in flat(one, path)]


def text(value: Any) -> str:
    """What was written as a text. Raises ValidationError for a list or mapping."""
    if not isinstance(value, str):
        raise ValidationError(objection("{value} is no text", value=shown(value)))
    return str(value)


def shown(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, dict | list):
        return objection("a mapping") if isinstance(value, dict) else objection("a list")
    return objection("nothing") if value is None else repr(str(value)[:60])
