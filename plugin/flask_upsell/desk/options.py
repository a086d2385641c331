"""Every option: its name, its default and one sentence. Unlike settings, merchants change them while all runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from .. import checks
from ..adapters.options import SQLOptions
from ..core.curation import AUTO_APPROVE
from ..core.words import Sentence, objection, say
from ..errors import BadInput


class Option(msgspec.Struct, frozen=True):
    """`check` returns None or what to write instead."""

    name: str
    default: Any
    sentence: Sentence
    check: Callable[[Any], str | None]


def _whole(least: int, most: int) -> Callable[[Any], str | None]:
    fits = checks.whole(least, most)

    def check(value: Any) -> str | None:
        if fits(value) is None:
            return None
        return objection(
            "write a whole number from {least} to {most}, not {value}", least=least, most=most, value=repr(value)
        )

    return check


OPTIONS = (
    Option(
        "auto_approve",
        AUTO_APPROVE,
        say("What learning found goes live by itself when it is at least so sure, in percent; 100: nothing does."),
        _whole(0, 100),
    ),
    Option(
        "risky_percent",
        30,
        say("A discount of more percent than this needs a second person."),
        _whole(0, 100),
    ),
    Option(
        "risky_products",
        50,
        say("A discount for more products than this needs a second person."),
        _whole(1, 1_000_000),
    ),
)
BY_NAME = {option.name: option for option in OPTIONS}


class Options:
    """What is set, and the defaults of the rest."""

    def __init__(self, kept: SQLOptions, clock: Callable[[], datetime]) -> None:
        self._kept, self._clock = kept, clock

    def all(self) -> dict[str, Any]:
        """Name -> value."""
        kept = self._kept.load()
        return {option.name: kept.get(option.name, option.default) for option in OPTIONS}

    def changed(self) -> dict[str, tuple[str, datetime]]:
        """Name -> (who, when) of those that are not as they were at first."""
        return self._kept.changed()

    def set(self, name: str, value: Any) -> None:
        """Raises BadInput for an unknown name, and for a value that is not possible, with what to write instead."""
        option = BY_NAME.get(name)
        if option is None:
            raise BadInput(
                "option",
                objection("no option is named {name}; there are: {known}", name=repr(name), known=", ".join(BY_NAME)),
            )
        wrong = option.check(value)
        if wrong:
            raise BadInput(name, wrong)
        self._kept.set(name, None if value == option.default else value, self._clock())
