"""Rules as files: YAML that merchants write, and the rulebook that it says.

    rules:
      - name: chocolate
        when: {lines: {category: Tea}}
        offer: {category: Chocolate}
        discount: {percent: 10, floor: {cost: true}}

Everything wrong is told at once, with file, line and field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from marshmallow import ValidationError

from ..core.rule import Rule
from ..core.rulebook import RuleBook
from ..core.season import Season
from ..core.words import objection
from ..errors import RuleFileError
from . import ruletable
from .refusals import flat, shown
from .ruleproblems import name_problems
from .ruleschema import read_ladder
from .written import schema_of
from .yamltext import LARGEST_FILE, Items, Problem, Table, line_of, read, write
from .yamltext import Path as Steps

#: In the order in which they are written.
KEYS = ("seasons", "ladders", "rules")
#: More problems than anybody corrects at a time.
MOST_PROBLEMS = 50
#: With so many it is no file of rules, and reading on would take long.
ENOUGH_PROBLEMS = 1000


class Entry(NamedTuple):
    """A rule, season or ladder in a file: as it was written, and as it was `made`, None when it is wrong."""

    file: str
    root: Any
    path: Steps
    name: str
    value: Any
    made: Any = None

    def problem(self, path: Steps, sentence: str) -> Problem:
        whole = self.path + path
        told = self.root.column(whole) if isinstance(self.root, ruletable.Rows) else whole
        return Problem(self.file, line_of(self.root, whole), told, sentence)


EMPTY = RuleBook()


class Found:
    """What all files say, and what is wrong with it."""

    def __init__(self) -> None:
        self.unread = False
        self.problems: list[Problem] = []
        self.entries: dict[str, list[Entry]] = {key: [] for key in KEYS}

    def book(self, known: RuleBook = EMPTY) -> RuleBook:
        """Raises RuleFileError."""
        # What a file that could not be read would have named is not known.
        if not self.unread:
            self.problems += self.across(known)
        give_up(self.problems)
        return self.made()

    def made(self) -> RuleBook:
        """The book, when nothing is wrong."""
        made = {key: [entry.made for entry in entries] for key, entries in self.entries.items()}
        return RuleBook(
            rules=tuple(made["rules"]),
            seasons=tuple(made["seasons"]),
            ladders={entry.name: entry.made for entry in self.entries["ladders"]},
        )

    def across(self, known: RuleBook = EMPTY) -> Iterator[Problem]:
        """What only all the files together can show: names that are there twice, or nowhere, `known` ones aside."""
        for entries in self.entries.values():
            first: dict[str, Entry] = {}
            for entry in entries:
                if not entry.name or first.setdefault(entry.name, entry) is entry:
                    continue
                other = first[entry.name].problem(("name",), "")
                there, name = f"{other.file}, " if other.file else "", repr(entry.name)
                sentence = objection(
                    "{name} is there already: {there}line {line}", name=name, there=there, line=other.line
                )
                yield entry.problem(("name",) if isinstance(entry.path[-1], int) else (), sentence)
        seasons, ladders = ({entry.name for entry in self.entries[key]} for key in ("seasons", "ladders"))
        seasons, ladders = seasons | {each.name for each in known.seasons}, ladders | known.ladders.keys()
        for entry in self.entries["rules"]:
            for path, name in _names(entry.value, "schedule", "seasons"):
                if name not in seasons:
                    yield entry.problem(path, _unknown("season", name, seasons))
            for path, name in _names(entry.value, "offer", "ladder"):
                if name not in ladders:
                    yield entry.problem(path, _unknown("ladder", name, ladders))


def _names(value: Any, part: str, key: str) -> Iterator[tuple[Steps, str]]:
    """The names that are written there, whatever else is wrong with the rule."""
    inside = value.get(part) if isinstance(value, dict) else None
    named = inside.get(key) if isinstance(inside, dict) else None
    if isinstance(named, str):
        yield (part, key), named
    elif isinstance(named, list):
        yield from (((part, key, place), name) for place, name in enumerate(named) if isinstance(name, str))


def load(paths: Sequence[Path], live: RuleBook = EMPTY) -> RuleBook:
    """The book that files, and the files of folders, say together. Tables have rules only: with nothing beside them the
    seasons and ladders of the `live` book stay. Raises RuleFileError with all that is wrong."""
    found = Found()
    listed = files(paths)
    only_tables = all(map(is_table, listed))
    for path in listed:
        root, problems = (ruletable.read if is_table(path) else read)(str(path), content(path))
        found.problems += problems
        found.unread |= bool(problems)
        if not problems and root is not None:
            _read_file(str(path), root, found)
    book = found.book(live if only_tables else EMPTY)
    return msgspec.structs.replace(book, seasons=live.seasons, ladders=live.ladders) if only_tables else book


def is_table(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv")


def parse(file: str, content: bytes, known: RuleBook = EMPTY, *, table: bool = False) -> Found:
    """What one text says, with all that is wrong in `problems`, by line. `known`: what it may name beside its own.
    `table`: it is CSV."""
    found = Found()
    root, problems = (ruletable.read if table else read)(file, content)
    found.problems, found.unread = problems, bool(problems)
    if root is not None and (table or not problems):
        _read_file(file, root, found)
    if not found.unread:
        found.problems += found.across(known)
    found.problems.sort(key=lambda each: each.line)
    return found


def files(paths: Sequence[Path]) -> list[Path]:
    """The files, and of folders the YAML files in them by name; each once. Raises RuleFileError."""
    listed: dict[Path, Path] = {}
    missing = []
    for path in paths:
        inside = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
        if not inside:
            missing.append(f"{path}: there is no *.yaml file in this folder")
        if not path.exists():
            missing.append(f"{path}: there is no such file or folder")
        for each in inside:
            listed.setdefault(each.resolve(), each)
    if missing:
        raise RuleFileError(missing)
    return list(listed.values())


def content(path: Path) -> bytes:
    """The bytes of a file, a few too many when it is too large. Raises RuleFileError."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise RuleFileError([f"{path}: cannot be read: {error.strerror}"]) from error


def give_up(problems: list[Problem]) -> None:
    """Raise RuleFileError when there are problems, in the order of files and lines."""
    if not problems:
        return
    order = {file: place for place, file in enumerate(dict.fromkeys(problem.file for problem in problems))}
    sentences = [str(each) for each in sorted(problems, key=lambda each: (order[each.file], each.line))]
    more = len(sentences) - MOST_PROBLEMS
    rest = str(more) if len(sentences) < ENOUGH_PROBLEMS else "many"
    raise RuleFileError([*sentences[:MOST_PROBLEMS], *([f"and {rest} more"] if more > 0 else [])])


def _read_file(file: str, root: Any, found: Found) -> None:
    def wrong(path: Steps, sentence: str) -> None:
        found.problems.append(Problem(file, line_of(root, path), path, sentence))

    if not isinstance(root, Table):
        wrong(
            (),
            objection(
                "{value} is no file of rules, which is a mapping with some of: {known}",
                value=shown(root),
                known=", ".join(KEYS),
            ),
        )
        return
    for key, value in root.items():
        if key not in KEYS:
            wrong((key,), objection("is not known here; there are: {known}", known=", ".join(KEYS)))
        elif value is None:
            wrong((key,), objection("is empty; write something or leave it out"))
        elif key == "ladders":
            _read_ladders(file, root, value, found)
        else:
            _read_parts(file, root, str(key), value, found)


def _read_parts(file: str, root: Table, key: str, value: Any, found: Found) -> None:
    """The rules or seasons: a list, or a mapping of names to them."""
    schema = schema_of(Rule if key == "rules" else Season)
    given: list[tuple[Steps, Any]]
    if isinstance(value, Items):
        given = [((key, place), each) for place, each in enumerate(value)]
    elif isinstance(value, Table):
        given = [
            ((key, name), {"name": name, **each} if isinstance(each, dict) else each) for name, each in value.items()
        ]
        twice = [(key, name, "name") for name, each in value.items() if isinstance(each, dict) and "name" in each]
        found.problems += [
            Problem(file, line_of(root, at), at, objection("is its key already; write it once")) for at in twice
        ]
    else:
        found.problems.append(
            Problem(file, line_of(root, (key,)), (key,), objection("{value} is no list", value=shown(value)))
        )
        return
    for path, each in given:
        name = each.get("name") if isinstance(each, dict) else None
        _keep(found, Entry(file, root, path, str(name) if isinstance(name, str) else "", each), schema.load)


def _read_ladders(file: str, root: Table, value: Any, found: Found) -> None:
    if not isinstance(value, Table):
        sentence = objection("{value} is no mapping of names to lists of products", value=shown(value))
        found.problems.append(Problem(file, line_of(root, ("ladders",)), ("ladders",), sentence))
        return
    for name, each in value.items():
        entry = Entry(file, root, ("ladders", str(name)), str(name), each)
        found.problems += [entry.problem((), sentence) for _, sentence in name_problems(str(name))]
        _keep(found, entry, read_ladder)


def _keep(found: Found, entry: Entry, read_it: Callable[[Any], Any]) -> None:
    """Read one part, and keep it with its problems."""
    if len(found.problems) >= ENOUGH_PROBLEMS:
        found.unread = True
        return
    try:
        entry = entry._replace(made=read_it(entry.value))
    except ValidationError as error:
        found.problems += [entry.problem(path, sentence) for path, sentence in flat(error.messages)]
    found.entries[str(entry.path[0])].append(entry)


def _unknown(what: str, name: str, known: set[str]) -> str:
    there = ", ".join(sorted(known)) or objection("none")
    if what == "season":
        return objection("there is no season {name}; there are: {known}", name=repr(name), known=there)
    return objection("there is no ladder {name}; there are: {known}", name=repr(name), known=there)


# --- writing ---------------------------------------------------------------------------------------------------------


def dump(book: RuleBook) -> str:
    """A book as one file, in the order it has; comments were not kept."""
    return write(plain_form(book), KEYS)


def plain_form(book: RuleBook) -> dict[str, Any]:
    """A book as plain values in the form of files."""
    rule, season = schema_of(Rule), schema_of(Season)
    return {
        "rules": [rule.dump(each) for each in book.rules],
        "seasons": [season.dump(each) for each in book.seasons],
        "ladders": {name: list(steps) for name, steps in sorted(book.ladders.items())},
    }
