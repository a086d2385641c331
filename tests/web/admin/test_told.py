"""What is wrong with rules, and what the linter finds odd, in the language of who reads it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from marshmallow import ValidationError

from flask_upsell.core.conditions import CONDITIONS
from flask_upsell.core.finding import Flaw
from flask_upsell.core.lint import lint
from flask_upsell.core.product import Product
from flask_upsell.core.rule import (
    Category,
    Discount,
    Floor,
    Goal,
    Hours,
    Ladder,
    Nothing,
    Off,
    Part,
    Products,
    Rule,
    Schedule,
    Tagged,
)
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Yearly
from flask_upsell.core.words import Objection, Sentence, objection, reason, say, sentence_of
from flask_upsell.errors import BadInput, RuleError
from flask_upsell.web.admin.office import WORDS
from flask_upsell.web.refusals import flat
from flask_upsell.web.rulefile import parse
from flask_upsell.web.speech import Languages
from flask_upsell.web.written import FORMS, schema_of
from tests.web.admin.conftest import MakeClerk
from tests.web.admin.test_files import check, text
from tests.web.shop import parts_of

ITALIAN = Languages("en", WORDS).speech("it")
PACKAGE = Path(__file__).parents[3] / "plugin" / "flask_upsell"
#: What people write reaches these.
MODULES = sorted(
    path
    for pattern in ("core/*.py", "core/conditions/*.py", "desk/*.py", "web/rule*.py", "web/written.py",
                    "web/yamltext.py", "web/refusals.py", "web/drafted.py", "web/admin/*.py")
    for path in PACKAGE.glob(pattern)
    if path.name not in ("rulecli.py", "rulediff.py")
)  # fmt: skip
ERRORS = {"BadInput": 1, "RuleError": 0, "StaleError": 0, "RiskError": 0, "ValidationError": 0, "Finding": 3}


def english(said: Sentence | str | int) -> Iterator[str]:
    """What of a sentence is not told in Italian."""
    if isinstance(said, Objection):
        said = said.said
    if isinstance(said, Sentence):
        letters = re.sub(r"\{\w+\}|\w+(?=\.)", "", said.words)
        if re.search(r"[a-z]", letters) and ITALIAN._catalogue.gettext(said.words) == said.words and not said.plural:
            yield said.words
        for part in said.parts.values():
            yield from english(part)
    elif isinstance(said, str) and re.search(r"[a-z]+ [a-z]+ [a-z]+", re.sub(r"'[^']*'|\"[^\"]*\"", "", said)):
        yield said


def untold(sentences: list[str]) -> list[str]:
    plain = [each for each in sentences if not isinstance(each, Objection)]
    return plain + [each for said in sentences for each in english(said)]


# --- everything that says what is wrong is a sentence -----------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_error_says_something_in_english_only(path: Path) -> None:
    """Planted bug that it shows: one `objection(…)` is a text again."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            place = ERRORS[node.func.id]
            if len(node.args) > place and _is_text(node.args[place]):
                found.append(node.lineno)
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
            found += [node.lineno] * _is_text(node.value.elts[1])
        if isinstance(node, ast.Call) and _called(node) in ("append", "refuse"):
            pairs = [each for given in node.args for each in (given.elts if isinstance(given, ast.List) else [given])]
            told = [each.elts[1] for each in pairs if isinstance(each, ast.Tuple) and len(each.elts) == 2]
            found += [node.lineno] * any(map(_is_text, told))
    assert found == []


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    )


def parts(of: type[Any] = Part) -> Iterator[type[Any]]:
    every: list[type[Any]] = of.__subclasses__()
    for each in every:
        if each.__module__.startswith("flask_upsell."):
            yield each
            yield from parts(each)


PARTS = sorted({*parts(), *FORMS, *CONDITIONS.values()}, key=lambda part: part.__name__)
BAD: tuple[Any, ...] = (
    {"x": "y"}, ["?", "?"], "???", None, "", "-5", "99999999999", "2027-13-45", "XX", "25:00-25:00", [{"a": "b"}],
    "100000 EUR", "-1.00 EUR", "1.001 EUR", ["1 EUR", "2 EUR"], "1 XXQ", "200", "0.001", {"EN!": "x"}, "2027-02-14",
    {"all": []}, {"any": [{"nothing": "1"}]}, {"subtotal": {}}, {"lines": {"match": "few"}}, {"end": "1"},
)  # fmt: skip


def problems(part: type, given: Any) -> list[str]:
    try:
        schema_of(part).load(given)
    except ValidationError as error:
        return [told for _, told in flat(error.messages)]
    return []


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_what_is_wrong_with_a_field_is_told_in_italian(part: Any) -> None:
    """Planted bug that it shows: of a field that is not known a plain text says so."""
    found = [*problems(part, "no mapping"), *problems(part, {"unknown": "1"}), *problems(part, {})]
    for field in schema_of(part).fields.values():
        for bad in BAD:
            found += problems(part, {str(field.data_key): bad})
    assert found and untold(found) == []


WRONG = """
rules:
  - {name: a, offer: {learned: sideways}, discount: {percent: 10, gift: true}}
  - {name: a, offer: {category: Tea, tag: x}, discount: {amount: 1 EUR, percent: 0, most: 1 USD, floor: {price: 9 EUR}}}
  - {name: b, offer: {ladder: none}, schedule: {seasons: [never], start: 2027-02-03, end: 2027-02-01, weekdays: day}}
  - {name: c, offer: {bundle: [x, x]}, discount: {gift: true, most_units: 1}, placements: [A b], boost: [" "]}
  - {name: d, offer: {gap: {threshold: 0 EUR, reward: x}}, perk: {code: x, points: 0}, limits: {total: 0}}
  - {name: e, offer: {second: true}, limits: {budget: 0 EUR}}
  - {name: e, offer: {programme: {url: x, title: {}}}, discount: {percent: 5}, goal: {units: 0, start: x, by: y}}
  - {name: f, ask: {question: {}, answers: {A b: {}}}, when: {visits: {min: 2}}, discount: {percent: 5}}
  - {name: g, offer: {relative: {min_percent: 5, max_percent: 1}}, copy: {1: {headline: x}}}
  - {name: h, offer: {nothing: false}}
  - nothing
seasons:
  - {name: i, yearly: {start: 02-30, end: x}}
  - {name: j, easter: {start: 5, end: 1}, countries: {XX: {}}, zone: Mars}
  - {name: k, rrule: {rule: FREQ=DAILY;BYHOUR=1, days: 999, shift: 9999}, lunar: {feast: x}}
  - {name: l, rrule: {rule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31}, holiday: {country: ZZ, name: x}}
  - {name: m, rrule: {rule: nonsense}, holiday: {country: DE, name: x}, except_days: [2027-02-03..2027-02-01]}
ladders: {n: [x], "": [x, y], o: {p: q}}
other: {}
"""
BROKEN = ("rules: [", "a: b: c", "rules: &x []", "rules: !!x []", "a: 1\na: 2", "---\na: 1\n---\nb: 2", "\t- x",
          "a: 'x", "- x", "? [a]\n: b", "rules:\n - a\n  - b\nc", "a: *x", "a: \x07", "@a")  # fmt: skip


def test_what_is_wrong_in_a_file_is_told_in_italian() -> None:
    found = parse("", WRONG.encode()).problems
    assert len(found) > 40
    assert untold([each.sentence for each in found]) == []
    for broken in BROKEN:
        told = parse("", broken.encode()).problems
        assert told and untold([each.sentence for each in told]) == [], broken


# --- the linter ------------------------------------------------------------------------------------------------------

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
TEA = {"lines": {"category": ["Tea"]}}


MONDAY = Schedule(start="2027-02-01T00:00", end="2027-02-02T00:00", weekdays=("fri",))


def _rule(name: str, priority: int, offer: Any = None, **more: Any) -> Rule:
    return Rule(name=name, priority=priority, offer=offer or Category(name=name), **more)


def odd() -> RuleBook:
    """Of everything that the linter finds, one."""
    cut = Discount(off=Off.PERCENT, percent=9000, floor=Floor(cost=True), with_rules=("gone",))
    cheap, low = Discount(off=Off.PERCENT, percent=10), Discount(off=Off.PERCENT, percent=20)
    return RuleBook(
        rules=(
            _rule("unusable", 99, schedule=Schedule(zone="Mars")),
            _rule("catch all", 90),
            _rule("over", 80, when=TEA, schedule=Schedule(end="2026-01-01T00:00")),
            _rule("past goal", 79, when=TEA, goal=Goal(units=5, start="2026-01-01", by="2026-02-01")),
            _rule(
                "never",
                78,
                when=TEA,
                schedule=Schedule(start="2027-02-01T00:00", end="2027-02-02T00:00", weekdays=("fri",)),
            ),
            _rule("clock", 77, when=TEA, schedule=Schedule(hours=(Hours(start="02:30", end="05:00"),))),
            _rule("edge", 76, when=TEA, schedule=Schedule(start="2027-03-28T02:30")),
            _rule("floor", 75, Products(refs=("mug", "a", "b", "c", "d")), when=TEA, discount=cut),
            _rule("ladder", 74, Ladder(name="gone"), when=TEA, schedule=Schedule(seasons=("gone",))),
            _rule("answer", 73, Tagged(name="gone"), when={"answer": {"question": "gone", "is": ["x"]}}),
            _rule("perk", 72, Category(name="gone"), when={"perk": {"is": ["gone"]}}),
            _rule("twice", 71, Products(refs=("mug",)), when=TEA, discount=cheap),
            _rule("other", 71, Products(refs=("mug",)), when=TEA, discount=low),
            _rule("same", 70, Products(refs=("mug",)), when=TEA),
            _rule("nothing", 69, Nothing(), when=TEA),
            _rule("shown not", 68, Category(name="Home"), when=TEA),
            _rule("stops", 60, stop=True),
            _rule("below", 50, when=TEA),
        ),
        seasons=(Season(name="unused", yearly=(Yearly(start="03-01", end="05-31"),)),),
        ladders={"unused": ("mug", "unknown")},
    )


def test_what_the_linter_says_is_told_in_italian() -> None:
    """Planted bug that it shows: what is odd about an hour is said in English within an Italian sentence."""
    goods = {ref: Product(ref, ref, 900, "EUR", category="Home", cost=850) for ref in ("mug", "a", "b", "c", "d")}
    found = lint(odd(), zone="Europe/Berlin", now=NOW, products=goods)
    assert {each.code for each in found} == set(Flaw)
    assert [each for finding in found for each in english(finding.told)] == []
    told = {finding.rule: ITALIAN.tell(finding.told) for finding in found if finding.code is Flaw.OVER}
    assert told["over"].startswith("Questa regola è finita il 2026-01-01")


# --- on pages --------------------------------------------------------------------------------------------------------


def test_pages_tell_it_in_italian(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: the problem of a field is printed as it comes."""
    ada, desk = clerk("approver", "ada"), parts_of(app).desk
    ada.post("/language", language="it")
    desk.offers.rules.save(odd(), datetime.now(UTC))
    listed = text(ada.get("/rules?per=100"))
    assert "Questa regola è finita il" in listed and "This rule" not in listed
    wrong = text(check(ada, "rules", WRONG))
    assert "una stagione 'never'; ci sono" in wrong and "there is" not in wrong and "is no " not in wrong
    table = text(check(ada, "rules", "name,offer,offer_value,priority\nx,category,Tea,high\n"))
    assert "priority 'high' non è un numero intero" in table
    draft = desk.drafts.begin("rule", {"name": "x", "priority": "high", "offer": {"category": "Tea"}})
    desk.drafts.save(draft.id, draft.version, {"name": "", "priority": "high", "offer": {"category": "Tea"}})
    form = text(ada.get(f"/rules/{draft.id}"))
    assert "'high' non è un numero intero" in form and "is no" not in form
    gone = text(ada.post("/files/import/none", seal=""))
    assert "caricalo di nuovo" in gone
    owner = clerk("owner", "olga")
    owner.post("/language", language="it")
    refused = text(owner.post("/options", risky_percent="900"))
    assert "scrivi un numero intero da 0 a 100" in refused


# --- the words themselves --------------------------------------------------------------------------------------------


def test_an_objection_is_an_english_text_that_knows_its_sentence() -> None:
    inner = objection("is empty")
    told = objection("{where}: {told}", where="x", told=inner)
    assert told == "x: is empty" and told.said == Sentence("{where}: {told}", {"where": "x", "told": inner.said})
    assert ITALIAN.tell(told) == "x: è vuoto"
    assert say("{told}", told=inner).parts == {"told": Sentence("is empty")}
    assert sentence_of("{odd} text") == Sentence("{odd} text") and ITALIAN.tell("{odd} text") == "{odd} text"
    assert ITALIAN.tell("") == ""
    assert reason(BadInput("field", inner)) is inner and reason(RuleError(inner)) is inner
    assert reason(ValueError(3)) == "3" and reason(ValueError()) == ""
