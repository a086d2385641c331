"""Tables as files: whatever is uploaded is read with what was recognised, or refused with its line; nothing else."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.words import say
from flask_upsell.desk import tablefile
from flask_upsell.desk.tablefile import MOST_ROWS, Column, Unreadable, neutral, read, recognise, undone, write


def rows(content: bytes) -> list[list[str]]:
    return [cells for _, cells in read(content).rows()]


def told(content: bytes) -> list[str]:
    return [str(note) for note in read(content).notes]


def refused(content: bytes) -> tuple[int, str]:
    """(line, sentence) of what makes it unreadable."""
    with pytest.raises(Unreadable) as caught:
        rows(content)
    return caught.value.line, str(caught.value.told)


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_every_usual_encoding_is_read(encoding: str) -> None:
    """Planted bug that it shows: what is not UTF-8 is decoded with replacement characters."""
    assert rows("sku,name\n1,Käse für 3 €\n".encode(encoding)) == [["1", "Käse für 3 €"]]


def test_an_unusual_encoding_is_told() -> None:
    assert told("a,b\n1,2\n".encode("utf-8-sig")) == []
    assert "UTF-16" in told("a,b\n1,2\n".encode("utf-16"))[0]
    assert "Windows-1252" in told("a,b\n1,ä\n".encode("cp1252"))[0]


def test_broken_utf8_is_told_with_line_and_byte() -> None:
    """Planted bug that it shows: what is UTF-8 elsewhere is taken for Windows-1252, and every accent is wrong."""
    line, said = refused("a,b\n1,ä\nxy".encode() + b"\xe4,2\n")
    assert line == 3 and "Byte 3" in said and "0xe4" in said
    assert refused(b"\xef\xbb\xbfa,\xc3\xa4\nz\xff\n")[0] == 2
    assert "Byte 2" in refused(b"a\n\x81\x81\n"[:2] + b"x\x81\n")[1]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"%PDF-1.7 \xff\xfe", "PDF"),
        (b"PK\x03\x04\0\0", "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1", "Excel"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"<!DOCTYPE html><p>", "web page"),
        (b"\x81\0\0\0", "no text"),
        (b"a,b\n1,\0\n", "no text has"),
        (b"\xff\xfea", "does not go on so"),
    ],
)
def test_another_kind_of_file_says_what_to_do(content: bytes, word: str) -> None:
    assert word in refused(content)[1]


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_recognised(mark: str, end: str) -> None:
    content = end.join([mark.join(["a", "b", "c"]), mark.join(["1", '"2 , ; 3"', "4"]), "", "5"]).encode()
    assert rows(content) == [["1", "2 , ; 3", "4"], ["5", "", ""]]
    assert [line for line, _ in read(content).rows()] == [2, 4]
    assert bool(told(content)) == (mark != ",")


def test_what_excel_writes_in_front_is_no_row() -> None:
    assert rows(b"sep=;\na;b\n1;2\n") == [["1", "2"]]


def test_quotes_that_never_close_are_told_where_they_open() -> None:
    assert refused(b'a,b\n1,2\n3,"4\n5,6\n') == (3, str(tablefile._quotes("end of data")))
    assert refused(b'a,b\n1,"2" x\n')[0] == 2
    # Another one further on would close it, and swallow what is between.
    assert refused(b'a,b\n1,"2\n' + b"3,4\n" * 100 + b'5,"6"\n')[0] == 2


def test_too_much_is_told_with_its_line() -> None:
    many = b"a\n" + b"1\n" * (MOST_ROWS + 1)
    assert refused(many)[0] == MOST_ROWS + 2
    assert refused(b"a,b\n1,2,3\n")[0] == 2
    assert refused(b"a,b\n" + b"x" * 30_000 + b",1\n")[0] == 2
    assert rows(b"a,b\n1,2,,\n") == [["1", "2"]]


def test_columns_are_recognised_by_their_names() -> None:
    columns = (Column("ref", say("product"), ("product id", "sku"), True), Column("n", say("quantity"), ("qty",)))
    sheet = read(b"Note, SKU ,Product_ID,QTY\n1,2,3,4\n")
    found = recognise(sheet, columns)
    ((_, cells),) = sheet.rows()
    assert (found.of(cells, "ref"), found.of(cells, "n"), found.of(cells, "other")) == ("3", "4", "")
    assert (found.called, found.unused) == ({"ref": "Product_ID", "n": "QTY"}, ("Note", "SKU"))
    for header in (b"qty\n1\n", b"sku,SKU\n1,2\n"):
        with pytest.raises(Unreadable):
            recognise(read(header), columns)


@given(st.binary(max_size=200) | st.text(alphabet="a1,;\"\n\r\t'=é€", max_size=80).map(lambda text: text.encode()))
def test_whatever_is_uploaded_is_read_or_refused(content: bytes) -> None:
    """Planted bug that it shows: csv.Error of an odd quotation mark goes through."""
    try:
        sheet = read(content)
        for line, cells in sheet.rows():
            assert line >= 1 and len(cells) == len(sheet.columns)
        recognise(sheet, [Column("a", say("a"), ("a",), True)])
    except Unreadable as error:
        assert str(error.told) and error.field == "file"


# --- formulas --------------------------------------------------------------------------------------------------------

DANGEROUS = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1")


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_that_is_written_is_a_formula(text: str) -> None:
    """Planted bug that it shows: cells are written as they are."""
    written = b"".join(write(["name", "n"], [[text, -5]])).decode("utf-8-sig")
    ((cell, number),) = list(csv.reader(io.StringIO(written, newline="")))[1:]
    assert cell.startswith("'") and number == "-5"
    assert rows(written.encode()) == [[text, "-5"]]


@given(st.text(alphabet="'=+-@\t\rab ", max_size=8))
def test_what_was_neutralised_is_undone(text: str) -> None:
    assert undone(neutral(text)) == text
    assert not neutral(text).startswith(tablefile.FORMULA)


def test_a_large_table_is_written_in_pieces() -> None:
    pieces = list(write(["n"], ([str(n)] for n in range(1200))))
    assert len(pieces) == 4 and pieces[0].startswith(b"\xef\xbb\xbf")
    assert rows(b"".join(pieces)) == [[str(n)] for n in range(1200)]
