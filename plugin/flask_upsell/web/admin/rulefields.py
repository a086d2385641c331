"""What a form of a rule is drawn from: the Structs' own fields, so that a new condition class appears by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from ...core.conditions import CONDITIONS
from ...core.trees import NAMES
from ...core.words import Sentence, say
from .. import written as w
from ..ruleschema import SOURCES
from ..written import schema_of
from ..yamltext import Path
from .ruleform import name_of
from .rulewords import CHOICES, GROUPS, PICKS, words_of

Problems = Mapping[Path, list[str]]
#: Of conditions with many arguments.
MANY = 5
FIRST = ("match", "product", "category")
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d)?")


class Field(msgspec.Struct):
    """One field, or several in one. `kind`: text, choice, ticks, pick, many, part, rows, group, condition.

    `options`: (value, words) of a choice. `what`: what is picked; of a group the name of its node. `inner`: of a part
    its fields, of rows and groups each row's. `shown`: whether an argument is seen without a click.
    """

    kind: str
    name: str
    label: Sentence | str = ""
    help: Sentence | str = ""
    value: str = ""
    values: list[str] = []
    options: list[tuple[str, Sentence | str]] = []
    what: str = ""
    wrong: str = ""
    inner: list[Field] = []
    suffix: str = ""
    sample: str = ""
    type: str = "text"
    many: bool = True
    shown: bool = False


class Drawing:
    """Draws what is written, with what is wrong at each place; what no field has shown stays in `left`."""

    def __init__(self, problems: list[tuple[Path, str]]) -> None:
        self.left = list(problems)

    def wrong(self, path: Path, below: bool = True) -> str:
        """What is wrong at a place (and below it); told once."""
        mine = [(at, told) for at, told in self.left if at == path or (below and at[: len(path)] == path)]
        self.left = [each for each in self.left if each not in mine]
        return ". ".join(dict.fromkeys(told for _, told in mine))

    def part(self, of: type[msgspec.Struct], given: Any, name: tuple[str | int, ...], path: Path) -> list[Field]:
        """The fields of a Struct."""
        schema, inner = schema_of(of), given if isinstance(given, dict) else {}
        return [
            self.field(
                of.__name__,
                str(field.data_key),
                field,
                inner.get(str(field.data_key)),
                name,
                path,
                _usual(schema._defaults.get(key)),
            )
            for key, field in schema.fields.items()
        ]

    def one(self, of: type[msgspec.Struct], key: str, given: Any) -> Field:
        """One field of a rule itself."""
        schema = schema_of(of)
        name, field = next((name, each) for name, each in schema.fields.items() if each.data_key == key)
        return self.field(of.__name__, key, field, given, (), (), _usual(schema._defaults.get(name)))

    def field(
        self,
        owner: str,
        key: str,
        field: Any,
        given: Any,
        name: tuple[str | int, ...],
        path: Path,
        default: str = "",
    ) -> Field:
        label, help = words_of(owner, key)
        here, place = (*name, key), (*path, key)
        made = Field("text", name_of(*here), label, help)
        self._fill(made, owner, key, field, given, here, place)
        if made.kind == "choice" and not made.value:
            made.value = default
        return made

    def _fill(
        self, made: Field, owner: str, key: str, field: Any, given: Any, here: tuple[str | int, ...], place: Path
    ) -> None:
        choices = CHOICES.get(f"{owner}.{key}") or CHOICES.get(key)
        pick = PICKS.get(f"{owner}.{key}", PICKS.get(key, ""))
        if isinstance(field, w.Inner):
            made.wrong = self.wrong(place, below=False)
            made.kind, made.inner = "part", self.part(field._part, given, here, place)
            return
        if isinstance(field, w.Named):
            made.wrong = self.wrong(place, below=False)
            made.kind, made.inner = "rows", self._rows(owner, key, field._item, given, here, place)
            return
        made.wrong = self.wrong(place)
        if choices is not None and isinstance(field, w.Many):
            made.kind, made.values, made.options = "ticks", _texts(given), list(choices)
        elif choices is not None:
            made.kind, made.value, made.options = "choice", _text(given), list(choices)
        elif isinstance(field, w.YesNo):
            made.kind, made.value, made.options = "choice", _text(given), [("true", say("yes")), ("false", say("no"))]
        elif isinstance(field, w.Choice):
            made.kind, made.value = "choice", _text(given)
            made.options = [(each.value, each.value.replace("_", " ")) for each in field._enum]
        elif isinstance(field, w.Many):
            made.kind, made.values, made.what = "pick" if pick else "many", _texts(given), pick
            made.sample = _sample(field._item) or ("20.00 EUR" if isinstance(field, w.Amounts) else "")
        elif isinstance(field, w.Moment) and (not given or _LOCAL.fullmatch(_text(given))):
            made.type, value = "datetime-local", _text(given)
            made.value = f"{value}T00:00" if value and "T" not in value else value
        else:
            made.kind, made.value, made.what, made.many = "pick" if pick else "text", _text(given), pick, False
            made.values, made.sample = _texts(given), _sample(field)
            made.suffix = "%" if isinstance(field, w.Percent) or key.endswith("percent") else ""

    def _rows(
        self, owner: str, key: str, item: Any, given: Any, here: tuple[str | int, ...], place: Path
    ) -> list[Field]:
        """A row for each name, and an empty one."""
        found = []
        inner = list(given.items()) if isinstance(given, dict) else []
        for row, (name, value) in enumerate([*inner, ("", None)]):
            at = (*here, row)
            label, help = words_of(f"{owner}.{key}", "key")
            first = Field("text", name_of(*at, "key"), label, help, value=str(name))
            first.wrong = self.wrong((*place, name), below=False) if row < len(inner) else ""
            label, help = words_of(f"{owner}.{key}", "value")
            second = Field("text", name_of(*at, "value"), label, help)
            self._fill(second, f"{owner}.{key}", "value", item, value, (*at, "value"), (*place, name))
            found.append(Field("part", name_of(*at), inner=[first, second]))
        return found

    # --- conditions --------------------------------------------------------------------------------------------------

    def tree(self, name: str, grouped: dict[str, Any], written: Any) -> Field:
        """A tree as nested groups. `written`: as it is kept, where one condition has no group around it."""
        alone = isinstance(written, dict) and not set(written) & set(NAMES)
        return self._group((name,), grouped, (name,), alone)

    def _group(self, here: tuple[str | int, ...], node: Any, place: Path, alone: bool = False) -> Field:
        ((way, children),) = node.items()
        rows = (*here, way)
        made = Field("group", name_of(*rows), value=way, options=list(GROUPS), what=name_of(*here))
        made.wrong = "" if alone else self.wrong((*place, way), below=False)
        for number, child in enumerate(children):
            ((code, given),) = child.items()
            at = (*rows, number)
            below: Path = place if alone else (*place, way, number)
            if code in NAMES:
                made.inner.append(self._group(at, child, below))
            else:
                made.inner.append(self._condition(at, str(code), given, below))
        made.wrong = made.wrong or self.wrong(place, below=False)
        return made

    def _condition(self, here: tuple[str | int, ...], code: str, given: Any, place: Path) -> Field:
        kind = CONDITIONS.get(code)
        label, help = words_of("condition", code)
        if kind is not None and not help:
            help = (
                (kind.__doc__ or "").strip().partition("\n")[0]
                if not kind.__module__.startswith("flask_upsell.")
                else ""
            )
        made = Field("condition", name_of(*here), label, help, value=name_of(*here, code))
        if kind is not None:
            made.inner = self.part(kind, given, (*here, code), (*place, code))
            for each, key in zip(made.inner, schema_of(kind).fields.values(), strict=True):
                # Of many arguments only those that are mostly meant, and those that say something.
                each.shown = (
                    len(made.inner) < 5
                    or key.data_key in FIRST
                    or bool(isinstance(given, dict) and given.get(str(key.data_key)))
                )
        made.wrong = self.wrong((*place, code))
        return made

    def offer(self, given: Any) -> list[Field]:
        """The fields of the kind of offer that is chosen."""
        kind = given.get("from", "") if isinstance(given, dict) else ""
        if kind not in SOURCES:
            return []
        return self.part(SOURCES[kind], given.get(kind), ("offer", kind), ("offer", kind))


def _usual(default: Any) -> str:
    """What a choice has when nothing is said."""
    if isinstance(default, bool):
        return "true" if default else "false"
    return str(default.value if isinstance(default, StrEnum) else default) if isinstance(default, str) else ""


def _text(given: Any) -> str:
    if isinstance(given, list):
        return ", ".join(map(_text, given))
    return "" if given is None or isinstance(given, dict) else str(given)


def _texts(given: Any) -> list[str]:
    if isinstance(given, list):
        return [_text(each) for each in given if _text(each)]
    return [_text(given)] if _text(given) else []


def _sample(field: Any) -> str:
    if isinstance(field, w.Amount):
        return "20.00 EUR"
    if isinstance(field, w.Span):
        return "09:00-17:00" if field._between == "-" else "2027-12-24..2027-12-26"
    return ""
