"""YAML texts as plain values that know where they were written.

A scalar stays the text that it is: what it means is decided by what is wanted there. So `NO` is a country, `0042` a
product and 12.50 exact, quoted or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from ..core.words import objection
from ..errors import RuleFileError

#: Bytes of a file; a thousand rules take half of it.
LARGEST_FILE = 1_000_000
#: How deep values may be nested: a tree of conditions as deep as one may be, within a rule within a list.
MOST_NESTED = 40
_NULL = ("", "~", "null", "Null", "NULL")
#: What YAML has no place for.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """Something wrong in a file; `line` 0 is the whole of it."""

    file: str
    line: int
    path: Path
    sentence: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        path = f" {written(self.path)}:" if self.path else ""
        return f"{self.file}{line}:{path} {self.sentence}"


class Text(str):
    """A scalar. `plain`: it was written without quotes."""

    line: int
    plain: bool


class Items(list[Any]):
    """A list."""

    line: int


class Table(dict[str, Any]):
    """A mapping; `lines` has the line of each key."""

    line: int

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


def written(path: Path) -> str:
    """("rules", 2, "name") -> "rules[2].name"."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def line_of(root: Any, path: Path) -> int:
    """The line of what a path leads to, or of the last thing on it that was written."""
    here, line = root, getattr(root, "line", 1)
    for step in path:
        if isinstance(here, Table) and step in here:
            line, here = here.lines[str(step)], here[str(step)]
        elif isinstance(here, Items) and isinstance(step, int) and step < len(here):
            here = here[step]
            line = getattr(here, "line", line)
        elif not isinstance(here, Table | Items) or step != 0:
            break
    return line


def yaml_module() -> ModuleType:
    """PyYAML, which is an extra. Raises RuleFileError when it is missing."""
    try:
        import yaml
    except ImportError:
        raise RuleFileError(["files of rules need PyYAML: pip install 'Flask-Upsell[rules]'"]) from None
    return yaml


def read(file: str, content: bytes, largest: int = LARGEST_FILE) -> tuple[Any, list[Problem]]:
    """The value of a file (None when it is empty) of so many bytes, and what is wrong with it as YAML."""
    if len(content) > largest:
        return None, [
            Problem(file, 0, (), objection("is larger than {largest} bytes; split it", largest=f"{largest:,}"))
        ]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return None, [Problem(file, line, (), objection("is not UTF-8 text; save it with that encoding"))]
    odd = _UNPRINTABLE.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        return None, [
            Problem(file, line, (), objection("has the character {odd}, which no text has", odd=repr(odd[0])))
        ]
    return _Reader(file).read(text)


#: How the parsers' own sentences begin, and ours.
_SAID = (
    ("mapping values are not allowed", objection("a colon makes a second name in this line; put the text in quotes")),
    ("did not find expected ',' or", objection("a comma or a closing bracket is missing")),
    ("expected ',' or", objection("a comma or a closing bracket is missing")),
    ("did not find expected key", objection("this line is not indented as those before it")),
    ("did not find expected '-'", objection("this line is not indented as those before it")),
    ("did not find expected node content", objection("something is missing here")),
    ("could not find expected ':'", objection("a colon is missing behind a name")),
    ("found character that cannot start", objection("a text that begins with this sign, or a tab, needs quotes")),
    ("found unexpected end", objection("a quotation mark is not closed")),
    ("while scanning a quoted scalar", objection("a quotation mark is not closed")),
)


def _in_words(told: str) -> str:
    """What a parser says; what is not known in its own words."""
    return next((said for begins, said in _SAID if told.startswith(begins)), told)


class _Stop(Exception):
    """What comes after this problem cannot be understood."""


class _Reader:
    """Builds values from the parser's events, with a stack of its own: depth is bounded, and nothing is repeated."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._root: Any = None
        # The lists and mappings that are open, and the key that each mapping has a value read for.
        self._open: list[Table | Items] = []
        self._keys: list[str | None] = []

    def read(self, text: str) -> tuple[Any, list[Problem]]:
        yaml = yaml_module()
        documents = 0
        try:
            for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                line = event.start_mark.line + 1
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self._wrong(
                            line, objection("a second document begins; write one in a file, without ---"), stop=True
                        )
                elif isinstance(event, yaml.CollectionEndEvent):
                    self._open.pop()
                    self._keys.pop()
                    self._done()
                elif isinstance(event, yaml.NodeEvent):
                    self._node(event, line, yaml)
        except _Stop:
            pass
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._wrong(
                mark.line + 1 if mark else 0,
                objection("is no YAML: {problem}", problem=_in_words(error.problem or error.context or "")),
            )
        return self._root, self._problems

    def _node(self, event: Any, line: int, yaml: ModuleType) -> None:
        """A scalar, an alias, or the start of a list or mapping."""
        key_wanted = self._key_wanted()
        if len(self._open) >= MOST_NESTED:
            self._wrong(
                line, objection("is nested deeper than {most_nested} levels", most_nested=MOST_NESTED), stop=True
            )
        if key_wanted and not isinstance(event, yaml.ScalarEvent):
            self._wrong(line, objection("a key is a text, not a list, mapping or alias"), stop=True)
        if isinstance(event, yaml.AliasEvent):
            self._wrong(line, objection("*{anchor} repeats something; write it out instead", anchor=event.anchor))
            self._add(None)
            self._done()
            return
        if event.anchor:
            self._wrong(
                line,
                objection(
                    "&{anchor} names something to repeat it; write it out where it is needed", anchor=event.anchor
                ),
            )
        if event.tag:
            self._wrong(
                line, objection("has the tag {tag}; without tags, and quoted where a text is meant", tag=event.tag)
            )
        if isinstance(event, yaml.ScalarEvent):
            if key_wanted:
                self._begin_value(event.value, line)
                return
            value = Text(event.value)
            # libyaml says "" where PyYAML says None.
            value.line, value.plain = line, not event.style
            self._add(None if value.plain and value in _NULL else value)
            self._done()
            return
        inside = Table() if isinstance(event, yaml.MappingStartEvent) else Items()
        inside.line = line
        self._add(inside)
        self._open.append(inside)
        self._keys.append(None)

    def _begin_value(self, key: str, line: int) -> None:
        here = self._open[-1]
        self._keys[-1] = key
        if isinstance(here, Table):
            if key in here.lines:
                self._wrong(line, objection("is there twice, first in line {lines}", lines=here.lines[key]))
            here.lines.setdefault(key, line)

    def _add(self, value: Any) -> None:
        here = self._open[-1] if self._open else None
        if here is None:
            self._root = value
        elif isinstance(here, Items):
            here.append(value)
        else:
            here[str(self._keys[-1])] = value

    def _done(self) -> None:
        """A value is complete."""
        if self._keys:
            self._keys[-1] = None

    def _key_wanted(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], Table) and self._keys[-1] is None

    def _wrong(self, line: int, sentence: str, *, stop: bool = False) -> None:
        self._problems.append(Problem(self._file, line, tuple(self._path()), sentence))
        if stop:
            raise _Stop

    def _path(self) -> Iterator[str | int]:
        for here, key in zip(self._open, self._keys, strict=True):
            if isinstance(here, Items):
                # What is open was added already, what is being read was not.
                yield len(here) - (here is not self._open[-1])
            elif key is not None:
                yield key


def plain(value: Any) -> Any:
    """A value as YAML itself would take it: numbers and yes or no where they were written without quotes."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, Text):
        return value
    if value.plain and value in ("true", "false"):
        return value == "true"
    if value.plain and re.fullmatch(r"[+-]?\d{1,15}", value, re.ASCII):
        return int(value)
    if value.plain and re.fullmatch(r"[+-]?\d{1,15}\.\d{1,15}", value, re.ASCII):
        return float(value)
    return str(value)


def write(parts: dict[str, Any], order: Sequence[str]) -> str:
    """Plain values as YAML, in this order of keys; what is empty is left out."""
    kept = {key: parts[key] for key in order if parts[key]}
    # Flow style for the innermost lists and mappings only.
    return _dumped(kept, None)


def flow(value: Any) -> str:
    """A list or mapping as YAML in one line."""
    return _dumped(value, True).removesuffix("\n")


def _dumped(value: Any, flow_style: bool | None) -> str:
    return str(
        yaml_module().dump(
            value,
            Dumper=_dumper(),
            default_flow_style=flow_style,
            allow_unicode=True,
            width=float("inf"),  # no line is folded
            sort_keys=False,
        )
    )


@cache
def _dumper() -> Any:
    yaml = yaml_module()

    class Dumper(yaml.SafeDumper):  # type: ignore[misc, name-defined]
        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        # In quotes that keep odd white space and line ends, which others fold.
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if value.isprintable() else '"')

    Dumper.add_representer(str, text)
    return Dumper
