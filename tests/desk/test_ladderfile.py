"""Ladders as a table: however other programs write it."""

from __future__ import annotations

import pytest

from flask_upsell.desk.ladderfile import LADDER_COLUMNS, ladder_rows, read_ladders
from flask_upsell.desk.tablefile import write


@pytest.mark.parametrize(
    "content",
    [
        "ladder,product\nphones,a\nphones,b\ncases,x\ncases,y\n",
        "Name;SKU;Position\nphones;b;2\nphones;a;1\ncases;x;10\ncases;y;20\n",
        "ladder\tproduct\tstep\ncases\tx\t\nphones\ta\t\ncases\ty\t\nphones\tb\t\n",
    ],
)
def test_a_table_is_read(content: str) -> None:
    read, wrong = read_ladders(content.encode())
    assert not wrong
    assert read.ladders == {"phones": ("a", "b"), "cases": ("x", "y")}
    assert set(read.products) == {"a", "b", "x", "y"}


def test_all_that_is_wrong_is_told_at_once() -> None:
    _, wrong = read_ladders(f"ladder,product,step\n,a,1\nx,,1\nx,{'r' * 201},2\nx,b,0.5\n{'n' * 101},b,1\n".encode())
    assert [(each.line, each.column) for each in wrong] == [
        (2, "ladder"), (3, "product"), (4, "product"), (5, "step"), (6, "ladder"),
    ]  # fmt: skip


def test_what_is_written_is_read_again() -> None:
    """Planted bug that it shows: a name that looks like a formula is written as one."""
    ladders = {"=SUM(A1)": ("+a", "@b", "'c"), "phones": ("1", "2")}
    content = b"".join(write(LADDER_COLUMNS, ladder_rows(ladders)))
    assert b"\n=SUM" not in content
    assert read_ladders(content)[0].ladders == ladders
