"""Rules as a table: a rule in a row, in columns that a spreadsheet program can edit.

What no column can say stands in the column `more`, as YAML. So whatever is written is read back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..core.rule import Off, Rule
from ..core.words import Objection, Sentence, objection, remark
from ..desk.tablefile import Column, Recognised, Unreadable, plain, recognise, write
from ..desk.tablefile import read as read_sheet
from . import rulecells
from .ruleschema import FLAGS, SHORT, SOURCES
from .written import schema_of
from .yamltext import Items, Path, Problem, Table, Text

#: Rules of a file.
MOST_RULES = 5_000
#: Characters of a cell.
LONGEST_CELL = 100_000
#: Line ends in a row; with many more it would be taken for an open quotation mark.
MOST_LINES = 40
#: What stands in one column: (column, its place in a rule, how it is written, other names).
FLAT: tuple[tuple[str, Path, rulecells.Cell, tuple[str, ...]], ...] = (
    ("name", ("name",), rulecells.WORD, ("rule",)),
    ("label", ("label",), rulecells.WORD, ("title",)),
    ("status", ("status",), rulecells.WORD, ()),
    ("priority", ("priority",), rulecells.WORD, ("order",)),
    ("placements", ("placements",), rulecells.LIST, ("placement",)),
    ("seasons", ("schedule", "seasons"), rulecells.LIST, ("season",)),
    ("start", ("schedule", "start"), rulecells.WORD, ("from",)),
    ("end", ("schedule", "end"), rulecells.WORD, ("until",)),
    ("weekdays", ("schedule", "weekdays"), rulecells.LIST, ()),
    ("hours", ("schedule", "hours"), rulecells.LIST, ()),
    ("except_days", ("schedule", "except_days"), rulecells.LIST, ()),
    ("zone", ("schedule", "zone"), rulecells.WORD, ()),
    ("audience", ("audience",), rulecells.TREE, ("who",)),
    ("when", ("when",), rulecells.TREE, ("conditions",)),
    ("discount_most", ("discount", "most"), rulecells.MONEY, ()),
    ("discount_units", ("discount", "most_units"), rulecells.WORD, ()),
    ("floor_cost", ("discount", "floor", "cost"), rulecells.FLAG, ()),
    ("floor_margin_percent", ("discount", "floor", "margin_percent"), rulecells.WORD, ()),
    ("floor_price", ("discount", "floor", "price"), rulecells.MONEY, ()),
    ("with_coupon", ("discount", "with_coupon"), rulecells.FLAG, ()),
    ("limit_total", ("limits", "total"), rulecells.WORD, ()),
    ("limit_per_customer", ("limits", "per_customer"), rulecells.WORD, ()),
    ("limit_per_day", ("limits", "per_day"), rulecells.WORD, ()),
    ("budget", ("limits", "budget"), rulecells.MONEY, ()),
    ("most", ("most",), rulecells.WORD, ("offers at most",)),
    ("stop", ("stop",), rulecells.FLAG, ()),
    ("gap_percent", ("gap_percent",), rulecells.WORD, ()),
    ("any_price", ("any_price",), rulecells.FLAG, ()),
    ("boost", ("boost",), rulecells.LIST, ()),
)
#: Columns that stand for more than one place: where offers come from, and what is taken off.
OFFER, DISCOUNT = ("offer", "offer_value", "kind"), ("discount", "discount_value")
MORE = "more"
_NAMES = [name for name, *_ in FLAT]
_CUT = _NAMES.index("when") + 1
ORDER = (*_NAMES[:_CUT], *OFFER, *DISCOUNT, *_NAMES[_CUT:])
#: "headline_de" or "benefits_pt-BR": the copy of a language.
COPY = re.compile(r"\s*(headline|benefits)[ _:]+([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)\s*", re.IGNORECASE)
_ALSO = {name: also for name, _, _, also in FLAT}
COLUMNS = tuple(
    Column(name, Sentence(name), (plain(name), *_ALSO.get(name, ())), name == "name") for name in (*ORDER, MORE)
)
_KINDS = {kind.value for kind in Off}
_NO_VALUE = ("free_shipping", "gift")


class Rows(Table):
    """A table as a file of rules, whose places are columns."""

    def column(self, path: Path) -> Path:
        """("rules", 2, "discount", "percent") -> ("discount_value",)."""
        inner = path[2:]
        for name, place, *_ in FLAT:
            if inner[: len(place)] == place:
                return (name, *inner[len(place) :])
        match inner:
            case ("offer",):
                return ("offer",)
            case ("offer", "kind", *_):
                return ("kind",)
            case ("offer", tag, *rest):
                return ("offer_value" if tag in SOURCES else MORE, *rest)
            case ("discount", ("percent" | "amount" | "price"), *rest):
                return ("discount_value", *rest)
            case ("discount",) | ("discount", ("off" | "gift" | "free_shipping"), *_):
                return ("discount",)
            case ("copy", language, ("headline" | "benefits") as what, *rest):
                return (f"{what}_{language}", *rest)
            case ():
                return ()
            case _:
                return (MORE, *inner)


# --- reading ---------------------------------------------------------------------------------------------------------


def read(file: str, content: bytes) -> tuple[Rows | None, list[Problem]]:
    """The rules of a table in the form of files of rules, and what is wrong with it, by line and column."""
    try:
        sheet = read_sheet(content, LONGEST_CELL)
        found = recognise(sheet, COLUMNS)
        copies = {place: made for place, name in enumerate(sheet.columns) if (made := COPY.fullmatch(name)) is not None}
        problems = list(_unknown(file, sheet.line, found, copies))
        root, rules = Rows(), Items()
        root.line = rules.line = sheet.line
        root["rules"], root.lines["rules"] = rules, sheet.line
        for line, cells in sheet.rows():
            if len(rules) == MOST_RULES:
                told = remark("There are more than {most} rules in here. Split the file.", most=MOST_RULES)
                raise Unreadable(told, line)
            row = _Row(file, line)
            for place, name in enumerate(sheet.columns):
                if not name and cells[place].strip():
                    row.wrong(
                        (), objection("has a cell in a column without a name; name it in the first row, or empty it")
                    )
            rules.append(row.read(cells, found, copies))
            problems += row.problems
    except Unreadable as error:
        return None, [Problem(file, error.line, (), Objection(error.told))]
    return root, problems


def _unknown(file: str, line: int, found: Recognised, copies: Mapping[int, Any]) -> Iterator[Problem]:
    known = {made[0].strip() for made in copies.values()}
    for name in found.unused:
        if name not in known:
            columns = ", ".join((*ORDER, "headline_en", "benefits_en", MORE))
            told = objection("is no column of rules; there are: {known}", known=columns)
            yield Problem(file, line, (name,), told)


class _Row:
    """A rule that is being read."""

    def __init__(self, file: str, line: int) -> None:
        self._file, self._line = file, line
        self._made = self._table()
        self.problems: list[Problem] = []

    def wrong(self, path: Path, sentence: str) -> None:
        self.problems.append(Problem(self._file, self._line, path, sentence))

    def read(self, cells: Sequence[str], found: Recognised, copies: Mapping[int, re.Match[str]]) -> Table:
        for name, place, cell, _ in FLAT:
            self._cell(name, place, cell, found.of(cells, name))
        self._offer(*(found.of(cells, name) for name in OFFER))
        self._discount(*(found.of(cells, name) for name in DISCOUNT))
        for at, made in copies.items():
            cell = rulecells.WORD if made[1].lower() == "headline" else rulecells.LINES
            self._cell(made[0].strip(), ("copy", made[2], made[1].lower()), cell, cells[at].strip())
        if given := found.of(cells, MORE):
            value = self._value(MORE, rulecells.YAML, given)
            if isinstance(value, Table):
                self._merge(self._made, value, ())
        return self._made

    def _offer(self, tag: str, given: str, kind: str) -> None:
        if not tag:
            if given or kind:
                self.wrong(
                    ("offer",), objection("is empty; write where offers come from: {known}", known=", ".join(SOURCES))
                )
            return
        source = SOURCES.get(tag)
        if source in FLAGS:
            cell, given = rulecells.FLAG, given or "true"
        else:
            cell = rulecells.WORD if source is None else _offer_cell(tag)
        if source is not None and not given:
            self.wrong(("offer_value",), objection("is empty; write what {tag} needs", tag=tag))
            return
        value = self._value("offer_value", cell, given)
        if value is None:
            return
        inside = SHORT.get(source) is None if source is not None else False
        self._put(("offer", tag), value)
        if kind:
            place = ("offer", tag, "kind") if inside and isinstance(value, Table) else ("offer", "kind")
            self._put(place, self._text(kind))

    def _discount(self, kind: str, given: str) -> None:
        if not kind:
            if given:
                self.wrong(("discount",), objection("is empty; write what is taken off: {known}", known=", ".join(Off)))
            return
        if kind not in _KINDS:
            self.wrong(
                ("discount",), objection("{kind} is none of {known}", kind=repr(kind[:60]), known=", ".join(Off))
            )
            return
        if kind in _NO_VALUE:
            self._cell("discount_value", ("discount", kind), rulecells.FLAG, given or "true")
        elif not given:
            self.wrong(("discount_value",), objection("is empty; write how much, such as 10 or 5.00 EUR"))
        else:
            cell = rulecells.PERCENT if kind == Off.PERCENT else rulecells.MONEY
            self._cell("discount_value", ("discount", kind), cell, given)

    def _cell(self, name: str, place: Path, cell: rulecells.Cell, given: str) -> None:
        if given:
            value = self._value(name, cell, given)
            if value is not None:
                self._put(place, value)

    def _value(self, name: str, cell: rulecells.Cell, given: str) -> Any:
        """What a cell says, None when it is wrong."""
        value, wrong = cell.read(given)
        for path, sentence in wrong:
            self.wrong((name, *path), sentence)
        return None if wrong else self._placed(value)

    def _placed(self, value: Any) -> Any:
        """The value with every part of it at this line."""
        if isinstance(value, Table):
            value.lines = dict.fromkeys(value, self._line)
            for each in value.values():
                self._placed(each)
        elif isinstance(value, list):
            for each in value:
                self._placed(each)
        if isinstance(value, Table | Items | Text):
            value.line = self._line
        return value

    def _put(self, place: Path, value: Any) -> None:
        here = self._made
        for step in place[:-1]:
            inner = here.get(str(step))
            if not isinstance(inner, Table):
                inner = here[str(step)] = self._table()
                here.lines[str(step)] = self._line
            here = inner
        here[str(place[-1])], here.lines[str(place[-1])] = value, self._line

    def _merge(self, here: Table, more: Table, path: Path) -> None:
        for key, value in more.items():
            if key in here and isinstance(here[key], Table) and isinstance(value, Table):
                self._merge(here[key], value, (*path, key))
            elif key in here:
                self.wrong((MORE, *path, key), objection("stands in a column of its own already; write it once"))
            else:
                here[key], here.lines[key] = value, self._line

    def _table(self) -> Table:
        made = Table()
        made.line = self._line
        return made

    def _text(self, given: str) -> Text:
        made: Text = self._placed(rulecells.scalar(given))
        return made


def _offer_cell(tag: str) -> rulecells.Cell:
    short = SHORT.get(SOURCES[tag])
    return rulecells.YAML if short is None else rulecells.LIST if short == "refs" else rulecells.WORD


# --- writing ---------------------------------------------------------------------------------------------------------


def dump(rules: Iterable[Rule]) -> Iterator[bytes]:
    """A table of rules, in the form in which they are read."""
    schema = schema_of(Rule)
    forms = [schema.dump(rule) for rule in rules]
    languages = list(dict.fromkeys(language for form in forms for language in form.get("copy", ())))
    copies = [f"{what}_{language}" for language in languages for what in ("headline", "benefits")]
    columns = (*ORDER, *copies, MORE)
    yield from write(columns, (_row(form, columns) for form in forms))


def _row(form: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    cells = _cells(form)
    many = {name for name, cell in cells.items() if len(cell.splitlines()) > 1}
    if sum(len(cells[name].splitlines()) for name in many) > MOST_LINES:
        cells = {name: cell for name, cell in cells.items() if name not in many}
    for drop in ((), [name for name in cells if COPY.fullmatch(name)], [name for name in cells if name != "name"]):
        cells = {name: cells[name] for name in columns if name in cells and name not in drop}
        rest = _rest(form, _read_back(cells))
        if rest:
            cells[MORE] = rulecells.YAML.write(rest)
        back = _read_back(cells)
        # The first language is the one for all others.
        if rulecells.bare(back) == rulecells.bare(form) and list(back.get("copy", ())) == list(form.get("copy", ())):
            break
        cells.pop(MORE, None)
    return [cells.get(name, "") for name in columns]


def _cells(form: Mapping[str, Any]) -> dict[str, str]:
    """What columns can say; each cell that is not read back as it was is left out."""
    cells: dict[str, str] = {}

    def put(name: str, cell: rulecells.Cell, value: Any) -> None:
        said = cell.said(value)
        if said:
            cells[name] = said

    for name, place, cell, _ in FLAT:
        value = _at(form, place)
        if value is not None:
            put(name, cell, value)
    for language, copy in form.get("copy", {}).items():
        if COPY.fullmatch(f"headline_{language}"):
            for what, cell in (("headline", rulecells.WORD), ("benefits", rulecells.LINES)):
                put(f"{what}_{language}", cell, copy.get(what) if isinstance(copy, Mapping) else None)
    _put_offer(form.get("offer"), put, cells)
    discount = form.get("discount") or {}
    kinds = [kind for kind in discount if kind in _KINDS]
    if len(kinds) == 1 and "off" not in discount:
        (kind,) = kinds
        cell = rulecells.PERCENT if kind == Off.PERCENT else rulecells.MONEY
        if kind not in _NO_VALUE:
            put("discount_value", cell, discount[kind])
        if kind in _NO_VALUE or "discount_value" in cells:
            cells["discount"] = kind
    return cells


def _put_offer(offer: Any, put: Any, cells: dict[str, str]) -> None:
    tag = next((key for key in offer or () if key in SOURCES), None)
    if tag is None:
        return
    value = offer[tag]
    kind = offer.get("kind")
    if SOURCES[tag] in FLAGS:
        cells["offer"] = tag
        return
    if isinstance(value, Mapping) and "kind" in value:
        kind = value["kind"]
        value = {key: each for key, each in value.items() if key != "kind"} or value
    put("offer_value", _offer_cell(tag), value)
    if "offer_value" in cells:
        cells["offer"] = tag
        if kind is not None:
            put("kind", rulecells.WORD, kind)


def _read_back(cells: Mapping[str, str]) -> Table:
    names = list(cells)
    found = Recognised({name: place for place, name in enumerate(names)}, {}, ())
    copies = {place: made for place, name in enumerate(names) if (made := COPY.fullmatch(name)) is not None}
    return _Row("", 1).read([cells[name] for name in names], found, copies)


def _rest(form: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What of a form the columns have not said."""
    rest: dict[str, Any] = {}
    for key, value in form.items():
        if key not in said:
            rest[key] = value
        elif isinstance(value, Mapping) and isinstance(said[key], Mapping):
            inner = _rest(value, said[key])
            if inner:
                rest[key] = inner
    return rest


def _at(form: Any, place: Path) -> Any:
    for step in place:
        form = form.get(step) if isinstance(form, Mapping) else None
    return form
