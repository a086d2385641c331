"""Rules as a table: whatever rule there is, it is read back as it was; and read as spreadsheet programs write it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.rule import Category, Copy, Discount, Learned, Off, Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk.tablefile import FORMULA
from flask_upsell.errors import RuleFileError
from flask_upsell.web import ruletable
from flask_upsell.web.rulecells import bare
from flask_upsell.web.rulefile import dump, load, parse
from flask_upsell.web.written import schema_of

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "config" / "rules").glob("*.yaml"))
LINE = "name,offer,offer_value,"


def dumped(*rules: Rule) -> bytes:
    return b"".join(ruletable.dump(rules))


def cells(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def back(content: bytes, known: RuleBook | None = None) -> tuple[Rule, ...]:
    found = parse("", content, known or RuleBook(), table=True)
    assert found.problems == [], found.problems
    return found.made().rules


def one(columns: str, row: str) -> Rule:
    (rule,) = back(f"{LINE}{columns}\nx,category,Tea,{row}\n".encode())
    return rule


def wrong(content: str) -> list[tuple[int, str, str]]:
    return [
        (each.line, ".".join(map(str, each.path)), each.sentence)
        for each in parse("", content.encode(), table=True).problems
    ]


def golden() -> list[Rule]:
    """Of the golden cases: what the core takes and files of rules take too."""
    cases = msgspec.json.decode((ROOT / "tests" / "core" / "cases.json").read_bytes())["cases"]
    return [msgspec.convert(each, Rule) for case in cases for each in case.get("rules", ())]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_rule_of_a_sample_is_read_back(path: Path) -> None:
    """Planted bug that it shows: what no column says is left out."""
    book = load([path, ROOT / "config" / "seasons.yaml"])
    assert back(dumped(*book.rules), book) == book.rules


def test_every_golden_rule_is_read_back() -> None:
    rules, schema = golden(), schema_of(Rule)
    assert len(rules) > 100
    for rule in rules:
        root, problems = ruletable.read("", dumped(rule))
        assert root is not None and problems == []
        try:
            plainly = schema.load(_texts(schema.dump(rule)))
        except Exception:  # what files of rules refuse anyway
            continue
        assert schema.load(root["rules"][0]) == plainly


def _texts(form: Any) -> Any:
    if isinstance(form, dict):
        return {key: _texts(each) for key, each in form.items()}
    if isinstance(form, list | tuple):
        return [_texts(each) for each in form]
    return str(form).lower() if isinstance(form, bool) else form if form is None else str(form)


ODD = st.text(alphabet="a,\"'=+-@:{}[]#&*!|>%\\ \t\n\ré€\x85\u2028😀1", min_size=1, max_size=8)


@given(
    label=ODD,
    ref=ODD,
    other=ODD,
    head=ODD,
    benefits=st.lists(ODD, max_size=3),
    languages=st.permutations(["en", "de", "pt-BR"]),
)
def test_odd_texts_are_read_back(
    label: str, ref: str, other: str, head: str, benefits: list[str], languages: list[str]
) -> None:
    """Planted bug that it shows: the order of languages, of which the first is for all others, is not looked at."""
    copy = {language: Copy(headline=head, benefits=tuple(benefits)) for language in languages}
    odd = Rule(
        name="odd",
        label=label,
        offer=Products(refs=(ref, f"{other}2")),
        when={"all": [{"lines": {"category": [other]}}, {"country": {"is": [ref]}}]},
        copy=copy,
    )
    root, problems = ruletable.read(
        "", dumped(Rule(name="first", offer=Learned(), copy={"en": Copy(headline="x")}), odd)
    )
    assert root is not None and problems == []
    form = schema_of(Rule).dump(odd)
    found = root["rules"][1]
    assert bare(found) == bare(form)
    assert list(found.get("copy", ())) == list(form.get("copy", ())), "the first language is for all others"


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "'=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Planted bug that it shows: cells are written as they are."""
    rule = Rule(
        name=text, label=text, offer=Category(name=text), copy={"en": Copy(headline=text, benefits=(text, text))}
    )
    content = dumped(rule)
    assert not [cell for row in cells(content) for cell in row.values() if cell.startswith(FORMULA)]
    assert back(content) == (rule,)


def test_a_merchant_reads_it() -> None:
    text = b"""rules:
      - name: tea
        when: {all: [{lines: {category: Tea}}, {subtotal: {min: 20.00 EUR}}]}
        offer: {bundle: [cup, pot]}
        discount: {percent: 12.5}
        limits: {per_customer: 1}
    """
    (rule,) = parse("", text).made().rules
    (row,) = cells(dumped(rule))
    assert {name: cell for name, cell in row.items() if cell} == {
        "name": "tea",
        "when": "lines: {category: Tea}\nsubtotal: {min: 20.00 EUR}",
        "offer": "bundle",
        "offer_value": "cup, pot",
        "discount": "percent",
        "discount_value": "12.5",
        "limit_per_customer": "1",
    }


# --- as spreadsheet programs and people write it ----------------------------------------------------------------------


def test_it_is_read_as_spreadsheets_write_it() -> None:
    """Planted bug that it shows: 12,5 of a German program are two values."""
    assert one("discount,discount_value", 'percent,"12,5 %"').discount == Discount(off=Off.PERCENT, percent=1250)
    given = one("discount,discount_value,stop,any_price", 'amount,"5,00 EUR; 6.50 USD",WAHR,FALSO')
    assert [(each.amount, each.currency) for each in given.discount.amount] == [(500, "EUR"), (650, "USD")]  # type: ignore[union-attr]
    assert (given.stop, given.any_price) == (True, False)
    assert one("Title,ORDER,Limit total", "A title,7,3").label == "A title"
    assert one("placements", '"cart, product"').placements == ("cart", "product")
    assert one("headline_de,Benefits_pt-BR", 'Hallo,"a, b\nc"').copy == {
        "de": Copy(headline="Hallo"),
        "pt-BR": Copy(benefits=("a, b", "c")),
    }
    assert one("when", '"lines: {category: Tea}\n\ncountry: DE"').when == {
        "all": [{"lines": {"category": ["Tea"]}}, {"country": {"is": ["DE"]}}]
    }
    assert one("when", '"any:\n  - country: DE\n  - group: members"').when is not None
    assert one("when", '"{""lines"": {""category"": ""Tea""}}"').when is not None


def test_a_thousand_euros_are_never_one() -> None:
    """Planted bug that it shows: every comma is taken for a point."""
    assert wrong(f'{LINE}discount,discount_value\nx,category,Tea,amount,"1,000 EUR"\n')[0][:2] == (
        2,
        "discount_value.0",
    )


@pytest.mark.parametrize(
    ("columns", "row", "column", "words"),
    [
        ("status", "on", "status", "is none of"),
        ("priority", "high", "priority", "is no whole number"),
        ("hours", "9", "hours.0", "no start and end"),
        ("discount,discount_value", "half,5", "discount", "is none of percent"),
        ("discount,discount_value", "percent,", "discount_value", "is empty"),
        ("discount,discount_value", "percent,120", "discount_value", "more than 100"),
        ("budget", "5", "budget.0", "no amount of money"),
        ("kind", "sideways", "kind", "none of"),
        ("when", "lines", "when", "is no YAML"),
        ("when", '"lines: {category: Tea}\nlines: {price: 1}"', "when.all.1.lines.price", ""),
        ("audience", "a: [", "audience.a.0", "is no YAML"),
        ("seasons", '"""x"', "seasons", "quotation mark"),
        ("more", "- a", "more", "is no YAML of names"),
        ("more", "colour: red", "more.colour", "is not known here"),
        ("headline_e_n,", "x,", "headline_e_n", "is no column"),
        (",", ",x", "", "without a name"),
    ],
)
def test_what_is_wrong_is_told_at_its_cell(columns: str, row: str, column: str, words: str) -> None:
    found = wrong(f"{LINE}{columns}\nx,category,Tea,{row}\n")
    assert any(each[1] == column and words in each[2] for each in found), found
    assert {each[0] for each in found} <= {1, 2}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("x,,", "offer"),
        ("x,,Tea", "offer"),
        ("x,category,", "offer_value"),
        ("x,shelf,Tea", "offer"),
        ("x,bundle,a", "offer_value"),
    ],
)
def test_where_offers_come_from_is_asked_for(row: str, column: str) -> None:
    assert column in {each[1] for each in wrong(f"name,offer,offer_value\n{row}\n")}, wrong(
        f"name,offer,offer_value\n{row}\n"
    )


def test_many_rows_are_told_at_their_line() -> None:
    rows = "".join(f"r{n},category,Tea\n" for n in range(100_000))
    assert wrong(f"name,offer,offer_value\n{rows}") == [
        (ruletable.MOST_RULES + 2, "", "There are more than 5000 rules in here. Split the file.")
    ]


# --- for commands ----------------------------------------------------------------------------------------------------


def test_files_are_tables_by_their_names(tmp_path: Path) -> None:
    """Planted bug that it shows: a table takes seasons and ladders away."""
    live = load([ROOT / "config" / "rules" / "demo.yaml", ROOT / "config" / "seasons.yaml"])
    (tmp_path / "rules.csv").write_bytes(dumped(*live.rules))
    assert load([tmp_path / "rules.csv"], live) == live
    assert load([tmp_path / "rules.csv", ROOT / "config" / "seasons.yaml", _only_ladders(live, tmp_path)]) == live
    with pytest.raises(RuleFileError) as caught:
        load([tmp_path / "rules.csv"])
    assert "rules.csv, line 2: seasons[0]: there is no season 'valentine'" in str(caught.value)


def _only_ladders(live: RuleBook, folder: Path) -> Path:
    path = folder / "ladders.yaml"
    path.write_text(dump(RuleBook(ladders=live.ladders)))
    return path
