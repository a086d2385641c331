"""Pairs and ladders as YAML: the same as in a table, whatever is in them."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.desk.imports import PAIR_COLUMNS
from flask_upsell.desk.ladderfile import read_ladders
from flask_upsell.desk.pairfile import read_pairs
from flask_upsell.desk.tablefile import Unreadable
from flask_upsell.web.admin import plainfile

REF = st.text(alphabet="a0=+'\":{}[],#&*\\ é\x85😀-~", min_size=1, max_size=6).map(str.strip).filter(bool)


def row(one: object, other: object, why: str = "") -> tuple[object, ...]:
    return one, other, "complement", "approve", why, 12, 40, 9, 1000, 0.3, 2.5, "ada", "2027-02-01T10:00:00+00:00"


@given(one=REF, other=REF, why=st.text(max_size=8))
def test_pairs_are_read_back(one: str, other: str, why: str) -> None:
    """Planted bug that it shows: a reference such as 0042 is written without quotes: a number elsewhere."""
    text = b"".join(plainfile.dump_pairs(PAIR_COLUMNS, [row(one, other + "2", why.replace("\0", ""))])).decode()
    found, wrong = read_pairs(plainfile.pairs(text))
    assert wrong == [] and list(found.said) == [("complement", one, other + "2")]
    assert yaml.safe_load(text)["pairs"][0]["antecedent"] == one, "and by other programs"


@given(st.dictionaries(REF.filter(str.isprintable), st.lists(REF, min_size=2, max_size=4, unique=True), max_size=3))
def test_ladders_are_read_back(every: dict[str, list[str]]) -> None:
    ladders = {name: tuple(steps) for name, steps in every.items()}
    text = plainfile.dump_ladders(ladders).decode()
    if not ladders:
        with pytest.raises(Unreadable):
            plainfile.ladders(text)
        return
    found, wrong = read_ladders(plainfile.ladders(text))
    assert wrong == [] and found.ladders == ladders


@pytest.mark.parametrize(
    ("text", "table", "yaml_"),
    [
        ("for,to\na,b\n", True, False),
        ("# a note\nname;offer\n", True, False),
        ("sep=;\nname;offer\n", True, False),
        ("pairs:\n- {for: a}\n", False, True),
        ("- {for: a, to: b}\n", False, True),
        ("---\npairs: []\n", False, True),
        ("{pairs: []}", False, True),
        ("", False, False),
        ("name\n", False, False),
    ],
)
def test_a_file_is_known_by_its_first_line(text: str, table: bool, yaml_: bool) -> None:
    assert (plainfile.is_table(text), plainfile.begins_yaml(text)) == (table, yaml_)


def test_a_list_alone_is_read_too_and_much_is_refused() -> None:
    assert plainfile.pairs("- {for: a, to: b, verdict: never}\n").columns == ["for", "to", "verdict"]
    with pytest.raises(Unreadable) as caught:
        plainfile.pairs("pairs:\n" + "- {for: a, to: b, verdict: never}\n" * 130_000)
    assert "larger than 4,000,000 bytes" in str(caught.value.told)
