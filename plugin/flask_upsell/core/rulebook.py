"""The rulebook: all that a merchant says, as one value. In a file, in SQL and in an export it is the same JSON."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..errors import BadInput
from .rule import Part, Rule
from .season import Season
from .words import objection

#: Characters of a name.
LONGEST_NAME = 100


class RuleBook(Part, frozen=True, kw_only=True):
    """`rules`: of equal priority the first is tried first. `ladders`: name -> product references, lowest first.

    Raises BadInput for two of a name, and for a name that is empty, too long or not printable.
    """

    rules: tuple[Rule, ...] = ()
    seasons: tuple[Season, ...] = ()
    ladders: dict[str, tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        _check("rules", [rule.name for rule in self.rules])
        _check("seasons", [season.name for season in self.seasons])
        _check("ladders", self.ladders)

    def encode(self) -> bytes:
        """As JSON, indented to be read and compared."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    @classmethod
    def decode(cls, text: bytes | str) -> RuleBook:
        """From JSON; BadInput says what is wrong and where."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors too
            raise BadInput("rulebook", str(error)) from error


class Changes(msgspec.Struct, frozen=True):
    """What a saving did: names such as "rule tea-upgrade", "season easter", "ladder bags". `revision`: the one now.

    A rule whose place among the others is new is changed too.
    """

    revision: int
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def _check(field: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadInput(
                field,
                objection(
                    "{name} is no name: 1 to {longest_name} printable characters",
                    name=repr(name),
                    longest_name=LONGEST_NAME,
                ),
            )
        if name in seen:
            raise BadInput(field, objection("{name} is there twice", name=repr(name)))
        seen.add(name)
