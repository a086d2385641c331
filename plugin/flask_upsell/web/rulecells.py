"""How a value of a rule is written in one cell of a table, and read from it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..core.words import objection
from .yamltext import Items, Path, Table, Text, flow
from .yamltext import read as read_yaml

Wrong = list[tuple[Path, str]]
#: As spreadsheet programs write true and false, in the languages that they speak.
TRUE = ("true", "yes", "x", "1", "wahr", "ja", "vero", "sì", "si", "vrai", "oui", "verdadero", "sí")
FALSE = ("false", "no", "0", "falsch", "nein", "falso", "faux", "non")
#: Conditions that are written in lines of a cell; more stand in one.
MOST_LINES = 10


def scalar(text: str) -> Text:
    made = Text(text)
    made.line, made.plain = 1, True
    return made


def bare(value: Any) -> Any:
    """A value without the difference of how it was written: texts, and lists of one as what is in them."""
    if isinstance(value, Mapping):
        return {str(key): bare(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return bare(value[0]) if len(value) == 1 and isinstance(value[0], str) else [bare(each) for each in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value if value is None else str(value)


class Cell:
    """One way of writing. `read` gives a value and what is wrong; `write` a cell."""

    def __init__(self, read: Callable[[str], tuple[Any, Wrong]], write: Callable[[Any], str | None]) -> None:
        self.read, self.write_ = read, write

    def write(self, value: Any) -> str:
        return self.write_(value) or ""

    def said(self, value: Any) -> str:
        """The cell that is read back as this value; "" where none is."""
        cell = self.write(value)
        if not cell or cell != cell.strip():
            return ""
        back, wrong = self.read(cell)
        return "" if wrong or bare(back) != bare(value) else cell


# --- words -----------------------------------------------------------------------------------------------------------


def _read_word(cell: str) -> tuple[Text, Wrong]:
    return scalar(cell), []


def _write_word(value: Any) -> str | None:
    return None if isinstance(value, Mapping | list | tuple) or value is None else str(bare(value))


def _read_flag(cell: str) -> tuple[Text, Wrong]:
    low = cell.lower()
    return scalar("true" if low in TRUE else "false" if low in FALSE else cell), []


def _read_percent(cell: str) -> tuple[Text, Wrong]:
    """12,5 as well as 12.5."""
    return scalar(re.sub(r"(\d),(\d{1,2})(?!\d)", r"\1.\2", cell)), []


# --- lists -----------------------------------------------------------------------------------------------------------


def _items(texts: list[str]) -> Items:
    made = Items(scalar(text) for text in texts)
    made.line = 1
    return made


def _read_list(cell: str) -> tuple[Items | None, Wrong]:
    """Commas between, and quotation marks around what has one in it."""
    try:
        rows = list(csv.reader(io.StringIO(cell, newline=""), skipinitialspace=True, strict=True))
    except csv.Error:
        return None, [((), objection("has a quotation mark that is not closed"))]
    return _items([text.strip() for row in rows for text in row if text.strip()]), []


def _write_list(value: Any) -> str | None:
    texts = bare(value)
    texts = texts if isinstance(texts, list) else [texts]
    if not texts or not all(isinstance(text, str) for text in texts):
        return None
    return ", ".join('"{}"'.format(text.replace('"', '""')) if re.search(r'[,"\r\n]', text) else text for text in texts)


def _read_lines(cell: str) -> tuple[Items, Wrong]:
    return _items([text.strip() for text in cell.splitlines() if text.strip()]), []


def _write_lines(value: Any) -> str | None:
    texts = bare(value)
    texts = texts if isinstance(texts, list) else [texts]
    return "\n".join(texts) if all(isinstance(text, str) for text in texts) else None


def _read_money(cell: str) -> tuple[Items, Wrong]:
    """5.00 EUR, 5.50 USD; 5,00 EUR too."""
    parts = re.split(r"(?<=[A-Z]{3})\s*[,;\n]\s*", cell)
    return _items([re.sub(r"(\d),(\d{1,2})(?!\d)", r"\1.\2", part.strip()) for part in parts if part.strip()]), []


# --- trees -----------------------------------------------------------------------------------------------------------


def _read_mapping(cell: str) -> tuple[Any, Wrong]:
    """Of several names the braces around them may be left out."""
    value, problems = read_yaml("", cell.encode("utf-8", "replace"))
    if problems and not cell.startswith("{"):
        other, wrong = read_yaml("", f"{{{cell}}}".encode("utf-8", "replace"))
        value, problems = (other, wrong) if not wrong else (value, problems)
    if problems:
        return None, [(each.path, each.sentence) for each in problems]
    if not isinstance(value, Table):
        return None, [((), objection("is no YAML of names and values, such as lines: {category: Tea}"))]
    return value, []


def _write_mapping(value: Any) -> str | None:
    if not isinstance(value, Mapping) or not value:
        return None
    cell = flow(value)
    return cell[1:-1] if len(value) == 1 else cell


def _read_tree(cell: str) -> tuple[Any, Wrong]:
    """A condition in a line; of several all must hold."""
    texts: list[str] = []
    for line in cell.splitlines():
        if line.strip() and (not texts or not line[0].isspace()):
            texts.append(line)
        elif line.strip():
            texts[-1] += "\n" + line
    trees, wrong = Items(), list[tuple[Path, str]]()
    trees.line = 1
    for text in texts:
        tree, problems = _read_mapping(text)
        wrong += problems
        trees.append(tree)
    if wrong or len(trees) == 1:
        return (None if wrong else trees[0]), wrong
    made = Table()
    made.line, made["all"], made.lines["all"] = 1, trees, 1
    return made, []


def _write_tree(value: Any) -> str | None:
    every = value.get("all") if isinstance(value, Mapping) and len(value) == 1 else None
    if not isinstance(every, list) or not 2 <= len(every) <= MOST_LINES:
        return _write_mapping(value)
    lines = [_write_mapping(each) for each in every]
    return "\n".join(line for line in lines if line) if all(lines) else _write_mapping(value)


WORD = Cell(_read_word, _write_word)
FLAG = Cell(_read_flag, _write_word)
PERCENT = Cell(_read_percent, _write_word)
LIST = Cell(_read_list, _write_list)
LINES = Cell(_read_lines, _write_lines)
MONEY = Cell(_read_money, _write_list)
YAML = Cell(_read_mapping, _write_mapping)
TREE = Cell(_read_tree, _write_tree)
