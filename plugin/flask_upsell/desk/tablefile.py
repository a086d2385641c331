"""Tables as files: CSV in whatever form other programs write it, read with what was recognised in it, and written so
that no program that opens it runs what is in a cell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ..core.words import Sentence, say
from ..errors import BadInput

#: Rows of a file; a larger one is imported in parts. So many take an SQLite ledger two seconds, in which orders wait.
MOST_ROWS = 100_000
MOST_COLUMNS = 200
#: Characters of a cell. A row over more lines than this has a quotation mark that is not closed.
LONGEST_CELL, MOST_LINES = 20_000, 50
DELIMITERS = {",": say("commas"), ";": say("semicolons"), "\t": say("tabs"), "|": say("bars")}
SAVE_AS = say("Open it in your spreadsheet program and save it as CSV (UTF-8).")
#: How files begin that are none of text.
KINDS = (
    (b"%PDF", say("a PDF document")),
    (b"PK\x03\x04", say("an Excel or OpenDocument file")),
    (b"\xd0\xcf\x11\xe0", say("an old Excel file")),
    (b"\x1f\x8b", say("a compressed file")),
    (b"\x89PNG", say("a picture")),
    (b"\xff\xd8\xff", say("a picture")),
    (b"<!doctype html", say("a web page")),
    (b"<html", say("a web page")),
)
BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
#: What begins a formula, in one spreadsheet program or another.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Unreadable(BadInput):
    """A file of which nothing can be used. `told` says why and what to do; `line` where, 0 for the whole of it."""

    def __init__(self, told: Sentence, line: int = 0) -> None:
        super().__init__("file", f"line {line}: {told}" if line else str(told))
        self.told, self.line = told, line


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong at a line, in a column ("": the row), and what to do."""

    line: int
    column: str
    told: Sentence


class Sheet:
    """A file that was read: its columns, and what was recognised that a person should know (`notes`)."""

    def __init__(self, text: str, notes: list[Sentence], longest: int = LONGEST_CELL) -> None:
        self.notes, self._longest = notes, longest
        self._text, self.delimiter = text, ","
        self._look()

    def _look(self) -> None:
        first, start = "", 0
        while not first.strip() and start < len(self._text):
            end = min([at + 1 for at in (self._text.find("\n", start), self._text.find("\r", start)) if at >= 0] or [0])
            first, start = self._text[start : end or None], end or len(self._text)
            if re.fullmatch(r"sep=.[\r\n]*", first):
                first = ""
        outside = re.sub(r'"[^"]*"', "", first)
        self.delimiter = max(DELIMITERS, key=outside.count)
        if self.delimiter != "," and outside.count(self.delimiter):
            self.notes.append(say("Columns are separated by {marks}.", marks=DELIMITERS[self.delimiter]))
        header = next(self._records(), None)
        if header is None:
            raise Unreadable(say("The file is empty: it has no row. Choose another one."))
        if len(header[1]) > MOST_COLUMNS:
            raise Unreadable(say("There are more than {most} columns. Keep those that are needed.", most=MOST_COLUMNS))
        self.line, self.columns = header[0], [clean(cell) for cell in header[1]]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line, cells as long as the columns), from the first row after the header each time. Raises Unreadable."""
        records, width = self._records(), len(self.columns)
        next(records, None)
        for count, (line, cells) in enumerate(records):
            if count >= MOST_ROWS:
                told = say("There are more than {most} rows. Split the file and import the parts.", most=MOST_ROWS)
                raise Unreadable(told, line)
            if len(cells) > width and any(cell.strip() for cell in cells[width:]):
                told = say(
                    "This row has {cells} cells, and the first row names {columns}. Put quotation marks around a text "
                    "that has a separator in it.",
                    cells=len(cells),
                    columns=width,
                )
                raise Unreadable(told, line)
            cells = [undone(cell) for cell in cells[:width]]
            yield line, cells + [""] * (width - len(cells))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """(first line, cells) of each row that is not empty."""
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=self.delimiter, strict=True)
        first = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise Unreadable(_quotes(str(error)), first) from None
            if reader.line_num - first >= MOST_LINES:
                raise Unreadable(_quotes("unexpected end of data"), first)
            line, first = first, reader.line_num + 1
            if line == 1 and len(cells) <= 2 and cells and cells[0].startswith("sep="):
                continue
            if any(len(cell) > self._longest for cell in cells):
                raise Unreadable(say("A cell has more than {most} characters. Shorten it.", most=self._longest), line)
            if any(cell.strip() for cell in cells):
                yield line, cells


class Listed:
    """The rows of a file that is no CSV: (line, cells as long as the columns) of each."""

    def __init__(self, columns: list[str], rows: Iterable[tuple[int, list[str]]]) -> None:
        self.columns, self.line, self.notes = columns, 1, list[Sentence]()
        self._rows = list(rows)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        yield from self._rows


def _quotes(error: str) -> Sentence:
    if "expected after" in error:
        return say(
            "Behind a closing quotation mark there is more text. Write a quotation mark inside of a text twice, or "
            "take it away."
        )
    return say("A quotation mark opens here and is never closed. Close it, or take it away.")


def read(content: bytes, longest: int = LONGEST_CELL) -> Sheet:
    """A file's table, with cells of so many characters. Raises Unreadable."""
    text, notes = decoded(content)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Unreadable(say("There is a character in here that no text has. Export the file again."), line)
    return Sheet(text, notes, longest)


def decoded(content: bytes) -> tuple[str, list[Sentence]]:
    """A file's text, and what to know of its encoding. Raises Unreadable."""
    start = content[:1024].lstrip().lower()
    if not content.strip():
        raise Unreadable(say("The file is empty. Choose another one."))
    for begins, kind in KINDS:
        if start.startswith(begins.lower()):
            raise Unreadable(say("This is {kind} and no CSV file. {todo}", kind=kind, todo=SAVE_AS))
    for mark, encoding in BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), [say("The text is in {encoding}.", encoding=encoding.upper())]
            except UnicodeError:
                told = say(
                    "This begins as {encoding} and does not go on so. {todo}", encoding=encoding.upper(), todo=SAVE_AS
                )
                raise Unreadable(told) from None
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        return _not_utf8(content, error)


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> tuple[str, list[Sentence]]:
    """As Windows writes it; but what is UTF-8 elsewhere was broken on its way, and nobody knows how."""
    if b"\0" in content:
        raise Unreadable(say("This is no text. {todo}", todo=SAVE_AS))
    broken = not content.decode("utf-8", "ignore").isascii()
    try:
        if not broken:
            return content.decode("cp1252"), [
                say(
                    "The text is in Windows-1252 and not in UTF-8. Look whether accents and signs such as € are right "
                    "below; if not, save the file as CSV (UTF-8)."
                )
            ]
    except UnicodeDecodeError:
        pass
    # The error counts from behind a mark of UTF-8.
    start = error.start + len(content) - len(error.object)
    line = content.count(b"\n", 0, start) + 1
    column = start - content.rfind(b"\n", 0, start)
    told = say(
        "Byte {byte} of this line ({value}) is no UTF-8. Type the character there again and save the file as UTF-8.",
        byte=column,
        value=f"0x{content[start]:02x}",
    )
    raise Unreadable(told, line)


# --- columns ---------------------------------------------------------------------------------------------------------


class Column(msgspec.Struct, frozen=True):
    """What is recognised by the names of columns. `names`: as in `plain`, the best first."""

    key: str
    words: Sentence
    names: tuple[str, ...]
    needed: bool = False


class Recognised(msgspec.Struct, frozen=True):
    """Which column is what: key -> place; and how each is called in the file."""

    places: dict[str, int]
    called: dict[str, str]
    unused: tuple[str, ...]

    def of(self, cells: Sequence[str], key: str) -> str:
        place = self.places.get(key)
        return cells[place].strip() if place is not None else ""

    def name(self, key: str) -> str:
        return self.called.get(key, key)


def recognise(sheet: Sheet | Listed, columns: Iterable[Column]) -> Recognised:
    """Find the columns by their names. Raises Unreadable for those that are missing or there twice."""
    there = [plain(name) for name in sheet.columns]
    places: dict[str, int] = {}
    missing = []
    for column in columns:
        name = next((name for name in column.names if name in there), None)
        if name is None:
            if column.needed:
                missing.append(f"{column.names[0].replace(' ', '_')}")
            continue
        if there.count(name) > 1:
            raise Unreadable(say("The column {name} is there twice. Take one away.", name=name), sheet.line)
        places[column.key] = there.index(name)
    if missing:
        told = say(
            "There is no column {missing}. The first row has: {there}. Name the columns there.",
            missing=", ".join(missing),
            there=", ".join(name for name in sheet.columns if name)[:300] or "-",
        )
        raise Unreadable(told, sheet.line)
    called = {key: sheet.columns[place] for key, place in places.items()}
    used = set(places.values())
    unused = [name for place, name in enumerate(sheet.columns) if name and place not in used]
    return Recognised(places, called, tuple(unused))


def plain(name: str) -> str:
    """ "Order_ID " -> "order id"."""
    return " ".join(re.sub(r"[\s_.:/()#-]+", " ", name).lower().split())


def clean(text: str) -> str:
    return " ".join(undone(text).split())[:100]


# --- formulas --------------------------------------------------------------------------------------------------------


def neutral(text: str) -> str:
    """As a spreadsheet program can open it, which would run what begins with = + - @. `undone` takes it back."""
    return "'" + text if text.lstrip("'").startswith(FORMULA) else text


def undone(text: str) -> str:
    """What `neutral` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


def write(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """A CSV file in pieces: UTF-8 with a mark that Excel knows it by, commas, texts without formulas. Numbers are
    written as they are, None as nothing."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")

    def taken() -> bytes:
        piece = out.getvalue().encode("utf-8", "replace")
        out.seek(0)
        out.truncate()
        return piece

    writer.writerow(columns)
    yield b"\xef\xbb\xbf" + taken()
    for count, row in enumerate(rows, start=1):
        writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
        if count % 500 == 0:
            yield taken()
    yield taken()
