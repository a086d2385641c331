"""`flask upsell rules …` and `explain` with click's runner, on the real Valkey and an SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_upsell import MemoryStore
from flask_upsell.core.rule import Learned, Products, Rule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.errors import BookError
from flask_upsell.web.rulediff import differences
from tests.conftest import MakeApp
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore, Visitor, parts_of
from tests.web.test_cli import run

SPRING = """
seasons:
  - {name: spring, yearly: 03-01..05-31}
ladders:
  laptops: [laptop, plus]
rules:
  - name: bags
    when: {lines: {product: laptop}}
    offer: {products: bag}
    discount: {percent: 10}
  - {name: up, offer: {ladder: laptops}, schedule: {seasons: spring}, status: paused, priority: -1}
"""
CARTS = """
carts:
  - name: a laptop
    cart: {product: laptop}
    expect:
      offers: [{product: bag, kind: complement, price: 53.10 EUR, rule: bags}, {product: card, rule: ""}]
      rules: {bags: applied, up: not_active}
"""


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(MemoryStore(GOODS), UPSELL_MAX_UPGRADES=0)


@pytest.fixture
def spring(tmp_path: Path) -> str:
    return write(tmp_path / "spring.yaml", SPRING)


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def kept(app: Flask) -> RuleBook:
    return parts_of(app).offers.rules.load()


def live(app: Flask) -> RuleBook:
    """The rules that shoppers meet."""
    return parts_of(app).offers.shelf.read(["laptop"]).rules.book


# --- check ----------------------------------------------------------------------------------------------------------


def test_files_without_problems(app: Flask, spring: str) -> None:
    result = run(app, "rules", "check", spring)
    assert (result.exit_code, result.output) == (0, "2 rules, 1 season, 1 ladder: no problems, 0 findings.\n")
    assert kept(app) == RuleBook()


def test_problems_fail_and_are_all_told(app: Flask, tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", SPRING.replace("percent: 10", "percent: 150").replace("-1", "low"))
    result = run(app, "rules", "check", path)
    assert result.exit_code == 1
    assert f"{path}, line 10: rules[0].discount.percent: 150 is more than 100 percent\n" in result.output
    assert f"{path}, line 11: rules[1].priority: 'low' is no whole number" in result.output
    assert "Traceback" not in result.output


def test_findings_fail_only_when_asked_to(app: Flask, tmp_path: Path) -> None:
    text = (
        SPRING.replace("products: bag", "products: [bag, brief]")
        + "  - {name: c, offer: {category: Cats}, priority: -2}\n"
    )
    path = write(tmp_path / "a.yaml", text)
    result = run(app, "rules", "check", path)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "bags [unknown_product]: This rule names the product 'brief', which the store has not. Correct the name, or "
        "remove it.",
        "c [unknown_category]: This rule names the category 'Cats', which the store has not. Correct the name, or "
        "remove it.",
        "3 rules, 1 season, 1 ladder: no problems, 2 findings.",
    ]
    assert run(app, "rules", "check", "--strict", path).exit_code == 1
    assert run(app, "rules", "check", "--strict", write(tmp_path / "b.yaml", SPRING)).exit_code == 0


def test_a_store_that_does_not_answer_is_not_asked_about_products(
    app: Flask, spring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(refs: object) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(parts_of(app).offers.store, "products", gone)
    result = run(app, "rules", "check", "--strict", spring)
    assert result.exit_code == 0
    assert "Nothing is said about products: the store does not answer (ConnectionError)." in result.output


# --- import, export, diff -------------------------------------------------------------------------------------------


def test_an_import_says_what_it_did_and_is_live(app: Flask, spring: str) -> None:
    run(app, "publish")
    result = run(app, "rules", "import", spring)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[:-1] == [
        "added rule bags", "added rule up", "added season spring", "added ladder laptops",
        "4 added, 0 changed, 0 removed."]  # fmt: skip
    assert result.output.splitlines()[-1].startswith("Live: rules ")
    assert [rule.name for rule in kept(app).rules] == ["bags", "up"]
    assert live(app) == kept(app)


def test_importing_again_changes_nothing(app: Flask, spring: str) -> None:
    run(app, "publish")
    run(app, "rules", "import", spring)
    revision = parts_of(app).offers.rules.revision()
    result = run(app, "rules", "import", spring)
    assert result.output.startswith("0 added, 0 changed, 0 removed.\n")
    assert parts_of(app).offers.rules.revision() == revision


def test_what_was_exported_can_be_imported_and_changes_nothing(app: Flask, spring: str, tmp_path: Path) -> None:
    run(app, "publish")
    run(app, "rules", "import", spring)
    text = run(app, "rules", "export").output
    assert "percent: 10" in text
    file = tmp_path / "out" / "all.yaml"
    assert "cannot be written" in run(app, "rules", "export", str(file)).output
    file.parent.mkdir()
    assert run(app, "rules", "export", str(file)).output == ""
    assert file.read_text(encoding="utf-8") == text
    assert run(app, "rules", "import", str(file)).output.startswith("0 added, 0 changed, 0 removed.\n")


def test_rules_go_out_as_a_table_and_come_back(app: Flask, spring: str, tmp_path: Path) -> None:
    """Planted bug that it shows: a table, which has rules only, takes seasons and ladders away."""
    run(app, "publish")
    run(app, "rules", "import", spring)
    before, file = kept(app), tmp_path / "rules.csv"
    assert run(app, "rules", "export", str(file)).output == ""
    assert run(app, "rules", "diff", str(file)).output == "Nothing would be changed.\n"
    content = file.read_text(encoding="utf-8-sig")
    file.write_text(content.replace(",percent,10,", ",percent,15,"), encoding="utf-8")
    assert run(app, "rules", "import", "--dry-run", str(file)).output.startswith("changed rule ")
    assert run(app, "rules", "import", str(file)).output.startswith("changed rule ")
    assert (kept(app).seasons, kept(app).ladders) == (before.seasons, before.ladders)
    file.write_text(content.replace(",percent,10,", ",percent,many,"), encoding="utf-8")
    result = run(app, "rules", "check", str(file))
    assert result.exit_code == 1 and "discount_value: 'many' is no percentage" in result.output


def test_an_import_is_all_or_nothing(app: Flask, spring: str, tmp_path: Path) -> None:
    run(app, "publish")
    run(app, "rules", "import", spring)
    before = kept(app)
    write(tmp_path / "worse.yaml", "rules:\n  - {name: fine, offer: {learned: upgrade}}\n  - {name: bags, offer: {}}\n")
    result = run(app, "rules", "import", str(tmp_path))
    assert result.exit_code == 1
    assert "worse.yaml, line 3: rules[1].offer" in result.output
    assert "rules[1].name: 'bags' is there already" in result.output
    assert kept(app) == live(app) == before


def test_what_no_file_has_is_removed_and_a_dry_run_only_says_so(app: Flask, spring: str, tmp_path: Path) -> None:
    run(app, "publish")
    run(app, "rules", "import", spring)
    less = SPRING.replace("percent: 10", "percent: 12.5").replace("laptops: [laptop, plus]", "l: [a, b]")
    less = less.replace("{ladder: laptops}, schedule: {seasons: spring}", "{products: plus}")
    less = less.replace("seasons:\n  - {name: spring, yearly: 03-01..05-31}\n", "")
    path = write(tmp_path / "less.yaml", less)
    expected = [
        "changed rule bags", "changed rule up", "added ladder l", "removed season spring", "removed ladder laptops",
    ]  # fmt: skip
    before = kept(app)
    dry = run(app, "rules", "import", "--dry-run", path).output.splitlines()
    assert sorted(dry[:-2]) == sorted(expected)
    assert dry[-2:] == ["1 added, 2 changed, 2 removed.", "Nothing was changed: this was a dry run."]
    assert kept(app) == live(app) == before
    done = run(app, "rules", "import", path).output.splitlines()
    assert sorted(done[:-2]) == sorted(expected)
    assert live(app) == kept(app) != before


def test_what_is_saved_but_not_live_is_said(app: Flask, spring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> str:
        raise BookError("Redis is gone")

    monkeypatch.setattr(parts_of(app).offers, "publish_rules", down)
    result = run(app, "rules", "import", spring)
    assert result.exit_code == 1
    assert "the rules are saved, but not live: Redis is gone; run 'flask upsell publish'" in result.output
    assert len(kept(app).rules) == 2


def test_a_diff_tells_rules_and_fields(app: Flask, spring: str, tmp_path: Path) -> None:
    assert run(app, "rules", "diff", spring).output.splitlines() == [
        "added rule bags", "added rule up", "added season spring", "added ladder laptops"]  # fmt: skip
    run(app, "rules", "import", spring)
    assert run(app, "rules", "diff", spring).output == "Nothing would be changed.\n"
    text = SPRING.replace("percent: 10", "amount: 5.00 EUR, floor: {cost: true}").replace(
        "[laptop, plus]", "[laptop, max]"
    )
    text = text.replace("{product: laptop}", "{product: [laptop, plus]}").replace("status: paused, ", "")
    assert run(app, "rules", "diff", write(tmp_path / "b.yaml", text)).output.splitlines() == [
        "changed rule bags",
        '  when.lines.product: laptop -> ["laptop", "plus"]',
        "  discount.percent: 10 -> nothing",
        "  discount.amount: nothing -> 5.00 EUR",
        '  discount.floor: nothing -> {"cost": true}',
        "changed rule up",
        "  status: paused -> nothing",
        "changed ladder laptops",
        '  products: ["laptop", "plus"] -> ["laptop", "max"]',
    ]
    assert len(kept(app).rules) == 2


def test_another_order_is_a_difference_as_it_is_when_saved(app: Flask) -> None:
    rules = tuple(Rule(name=name, offer=Learned()) for name in "abc")
    before, after = (
        RuleBook(rules=rules),
        RuleBook(rules=(rules[1], rules[0], Rule(name="d", offer=Learned()), rules[2])),
    )
    offers = parts_of(app).offers
    offers.rules.save(before, offers.clock())
    changes = offers.rules.save(after, offers.clock())
    found = differences(before, after)
    assert [(each.how, f"{each.kind} {each.name}") for each in found] == [
        *(("added", name) for name in changes.added), *(("changed", name) for name in changes.changed)]  # fmt: skip
    assert str(found[1]) == "changed rule b\n  place: 2 -> 1"


# --- pause and resume -----------------------------------------------------------------------------------------------


def test_a_rule_is_paused_and_resumed(app: Flask, spring: str) -> None:
    run(app, "publish")
    run(app, "rules", "import", spring)
    for command, status in (
        (("pause", "bags"), Status.PAUSED),
        (("pause", "bags"), Status.PAUSED),
        (("resume", "--risky", "bags"), Status.ACTIVE),
    ):
        result = run(app, "rules", *command)
        assert result.output.startswith(f"The rule bags is {status}.\nLive: rules ")
        assert kept(app).rules[0].status is live(app).rules[0].status is status


def test_what_is_risky_is_resumed_when_that_is_said(app: Flask, spring: str) -> None:
    """Planted bug that it shows: the command asks nobody, and nothing is told."""
    run(app, "publish")
    run(app, "rules", "import", spring)
    run(app, "rules", "pause", "bags")
    told = run(app, "rules", "resume", "bags")
    assert told.exit_code == 1
    assert "resuming 'bags' is risky:\n  Nothing limits how often" in told.output
    assert "An approver may ask for it in the admin" in told.output
    assert kept(app).rules[0].status is Status.PAUSED
    assert run(app, "rules", "resume", "bags", "--risky").output.startswith("The rule bags is active.")


def test_only_paused_rules_are_resumed(app: Flask) -> None:
    offers = parts_of(app).offers
    offers.rules.save(
        RuleBook(rules=(Rule(name="new", offer=Products(refs=("bag",)), status=Status.DRAFT),)), offers.clock()
    )
    for command, wanted in (("resume", "paused"), ("pause", "active")):
        result = run(app, "rules", command, "new")
        assert result.exit_code == 1
        assert f"'new' is draft, not {wanted}" in result.output
    assert "there is no rule 'old'; there are: new" in run(app, "rules", "pause", "old").output
    assert kept(app).rules[0].status is Status.DRAFT


# --- golden carts and explain ---------------------------------------------------------------------------------------


@pytest.fixture
def selling(serve: Serve, spring: str) -> Flask:
    """A store with its book and rules published."""
    app = serve(MemoryStore(GOODS), UPSELL_MAX_UPGRADES=0)
    assert run(app, "rules", "import", spring).exit_code == 0
    return app


def test_carts_meet_the_live_book(selling: Flask, tmp_path: Path) -> None:
    path = write(tmp_path / "carts.yaml", CARTS)
    result = run(selling, "rules", "test", path)
    assert (result.exit_code, result.output) == (0, "1 cart, 0 failed.\n")
    run(selling, "rules", "pause", "bags")
    result = run(selling, "rules", "test", path)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"FAILED {path}: a laptop",
        "  offers",
        "    expected: complement bag 53.10 EUR by bags; card by no rule",
        "    got:      complement bag 59.00 EUR by no rule; complement card 22.90 EUR by no rule",
        "  rule bags",
        "    expected: applied",
        "    got:      not_active. It is paused, and only active rules are looked at.",
        "1 cart, 1 failed.",
    ]


def test_carts_bring_their_own_rules_and_products(app: Flask, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    write(rules / "spring.yaml", SPRING.replace("percent: 10", "percent: 50"))
    carts = tmp_path / "carts"
    carts.mkdir()
    products = "products: {laptop: {price: 100 EUR}, bag: {price: 10 EUR}}\n"
    own = CARTS.replace("53.10 EUR", "5.00 EUR").replace(', {product: card, rule: ""}', "")
    path = write(carts / "a.yaml", "rules: [../rules]\n" + products + own)
    result = run(app, "rules", "test", str(carts))
    assert (result.exit_code, result.output) == (0, "1 cart, 0 failed.\n")
    write(carts / "a.yaml", products + own)
    assert "got:      there is no such rule" in run(app, "rules", "test", path).output
    run(app, "rules", "import", str(rules))
    assert run(app, "rules", "test", path).exit_code == 0, "the rules that are saved"


def test_own_rules_meet_the_stores_products(selling: Flask, tmp_path: Path) -> None:
    rules = write(tmp_path / "half.yaml", SPRING.replace("percent: 10", "percent: 50"))
    path = write(tmp_path / "carts.yaml", f"rules: [{rules}]\n" + CARTS.replace("53.10", "29.50"))
    result = run(selling, "rules", "test", path)
    assert (result.exit_code, result.output) == (0, "1 cart, 0 failed.\n")


def test_without_a_book_a_cart_says_what_to_do(app: Flask, tmp_path: Path) -> None:
    result = run(app, "rules", "test", write(tmp_path / "carts.yaml", CARTS))
    assert result.exit_code == 1
    assert "nothing is published; run 'flask upsell publish'" in result.output


def test_a_decision_is_explained(selling: Flask, tmp_path: Path) -> None:
    more = "\n  - {name: german, audience: {country: DE}, offer: {products: gone}, priority: 9, placements: checkout}"
    run(selling, "rules", "import", write(tmp_path / "spring.yaml", SPRING + more))
    path = write(tmp_path / "cart.yaml", "carts: [{name: a laptop, cart: [{product: laptop}]}]")
    result = run(selling, "explain", "--cart", path)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[:10] == [
        "Offers:",
        "  complement bag (Canvas bag): 53.10 EUR instead of 59.00 EUR, by bags",
        "    Our suggestion to go with Laptop.",
        "  complement card (Memory card): 22.90 EUR",
        "    Bought together in 38 of 412 orders with Laptop.",
        "Rules:",
        "  german: It is for other placements: checkout.",
        "  bags: It applied: 1 offer.",
        "  up: It is paused, and only active rules are looked at.",
        "Dropped:",
    ]
    assert "  Upgrade plus for laptop was dropped: others rank higher." in result.output
    german = run(selling, "explain", "--cart", path, "--placement", "checkout", "--country", "DE").output
    assert "german: It matched, but none of its products could be offered." in german
    assert "Complement gone for laptop (rule german) was dropped: the store does not publish this product." in german


def test_a_decision_is_explained_for_another_time_and_group(selling: Flask, tmp_path: Path) -> None:
    more = SPRING.replace("status: paused", "audience: {group: member}")
    run(selling, "rules", "import", write(tmp_path / "spring.yaml", more))
    path = write(tmp_path / "cart.yaml", "carts: [{name: a laptop, cart: [{product: laptop}]}]")

    def up(*options: str) -> str:
        output = run(selling, "explain", "--cart", path, *options).output
        return next(line for line in output.splitlines() if line.startswith("  up: "))

    assert "Its schedule does not hold" in up("--at", "2027-02-28T23:30", "--group", "member")
    assert "none of its products" in up("--at", "2027-02-28T23:30", "--zone", "America/Lima", "--group", "member")
    assert "It is for other shoppers" in up("--at", "2027-03-01T00:00", "--group", "staff")


ASKING = """
rules:
  - name: who
    when: {lines: {product: laptop}}
    ask: {question: {en: Who is it for?, de: Für wen?}, answers: {me: {en: For me}, gift: {en: A gift}}}
  - {name: set, audience: {answer: {question: who, is: me}}, offer: {bundle: [bag, card]}, discount: {percent: 10}}
  - {name: club, offer: {programme: {url: /club, title: {en: Points card}}}, priority: -1}
"""


def test_a_question_a_bundle_and_a_programme_are_explained(selling: Flask, tmp_path: Path) -> None:
    run(selling, "rules", "import", write(tmp_path / "asking.yaml", ASKING))
    cart = "carts: [{name: a laptop, cart: [{product: laptop}]%s}]"

    def explained(more: str) -> list[str]:
        result = run(selling, "explain", "--cart", write(tmp_path / "cart.yaml", cart % more))
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    lines = explained("")
    at = lines.index("Question:")
    assert lines[at + 1 : at + 3] == ["  who: Who is it for? (me, gift)", "Rules:"]
    assert lines[1] == "  programme programme:club (Points card): 0.00 EUR, by club"
    assert any(line.startswith("  set: It is for other shoppers") for line in lines)
    lines = explained(", answers: {who: me}")
    assert "Question:" not in lines
    assert lines[1] == "  bundle bag+card (Canvas bag + Memory card): 73.71 EUR instead of 81.90 EUR, by set"
    assert "Question:" not in explained(", asked: [who]")
    assert "  who: Für wen? (me, gift)" in explained(", language: de")


def test_what_is_answered_nowhere_is_a_finding(app: Flask, tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", ASKING.replace("is: me", "is: you"))
    result = run(app, "rules", "check", "--strict", path)
    assert result.exit_code == 1
    assert "set [unknown_answer]: " in result.output
    assert "you" in result.output
    assert run(app, "rules", "check", "--strict", write(tmp_path / "a.yaml", ASKING)).exit_code == 0


def test_rules_with_all_their_parts_are_imported_and_come_back(app: Flask, tmp_path: Path) -> None:
    """By file, SQL, the published book and an export."""
    run(app, "publish")
    more = (
        "  - {name: goal, offer: {learned: complement}, boost: New,\n"
        "     goal: {units: 9, start: 2027-01-01, by: 2027-12-31}}\n"
        "  - {name: code, offer: {products: bag}, perk: {code: NEXT, words: {en: 'Code: {code}'}}}\n"
    )
    result = run(app, "rules", "import", write(tmp_path / "all.yaml", ASKING + more))
    assert result.exit_code == 0, result.output
    assert live(app) == kept(app)
    assert [rule.name for rule in kept(app).rules] == ["who", "set", "club", "goal", "code"]
    path = write(tmp_path / "all.yaml", run(app, "rules", "export").output)
    assert run(app, "rules", "import", path).output.startswith("0 added, 0 changed, 0 removed.\n")


def test_a_rule_is_paused_by_the_pipeline_so_that_its_sales_go_live_too(
    app: Flask, spring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown red with the status saved and published past `Offers.set_rule`."""
    run(app, "publish")
    run(app, "rules", "import", spring)
    offers, asked = parts_of(app).offers, []
    set_rule = offers.set_rule

    def heard(name: str, status: Status) -> str:
        asked.append((name, status))
        return set_rule(name, status)

    monkeypatch.setattr(offers, "set_rule", heard)
    run(app, "rules", "pause", "bags")
    run(app, "rules", "resume", "bags", "--risky")
    assert asked == [("bags", Status.PAUSED), ("bags", Status.ACTIVE)]
    assert live(app) == kept(app)


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("carts: []", (), "has 0 carts; write one"),
        ("carts: [{name: a, cart: [{product: x}]}]", (), "the product 'x' is not known; write its price"),
        ("carts: [{name: a, cart: [{product: bag}]}]", ("--at", "soon"), "at: 'soon' is no local date and time"),
        ("carts: [{name: a, cart: [{product: bag}]}]", ("--zone", "Rome"), "zone: 'Rome' is no time zone"),
        ("carts: [{name: a}]", (), "line 1: carts[0].cart: is needed"),
    ],
)
def test_what_cannot_be_explained(selling: Flask, tmp_path: Path, text: str, options: Any, says: str) -> None:
    result = run(selling, "explain", "--cart", write(tmp_path / "cart.yaml", text), *options)
    assert result.exit_code in (1, 2)
    assert says in result.output
    assert "Traceback" not in result.output


def test_a_rule_that_was_imported_is_what_a_shopper_sees(serve: Serve, spring: str) -> None:
    app = serve(SessionStore(GOODS), UPSELL_MAX_UPGRADES=0)
    visitor = Visitor(app).put("laptop")
    assert "53.10" not in visitor.client.get("/cart").text
    run(app, "rules", "import", spring)
    assert "53.10" in visitor.client.get("/cart").text
