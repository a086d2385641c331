"""Golden carts: what is written is what is decided, and what is not as expected is told with what it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flask_upsell.core.context import Policy
from flask_upsell.core.offer import Code, Decision, RuleCode
from flask_upsell.core.rules import EMPTY_RULES, RuleSet
from flask_upsell.errors import BadInput, RuleFileError
from flask_upsell.web.goldencarts import failures, made_book, run_cart
from flask_upsell.web.goldenfile import Expect, read_carts
from flask_upsell.web.rulefile import load

NOW = datetime(2027, 2, 10, 12, tzinfo=UTC)
RULES = """
seasons:
  - {name: valentine, yearly: 02-01..02-14}
ladders:
  plans: [small, large]
rules:
  - name: mugs
    when: {lines: {category: Tea}}
    schedule: {seasons: valentine}
    offer: {category: Mugs}
    discount: {percent: 10, floor: {cost: true}}
  - {name: members, audience: {group: member}, offer: {products: cake}, priority: -1}
  - name: second
    audience: {all: [{order_count: {min: 2}}, {has_bought: {product: tea}}]}
    offer: {products: soap}
    priority: -2
  - name: spoken
    when: {all: [{country: DE}, {language: de}, {answer: {question: who, is: me}}]}
    offer: {products: cake}
    priority: -3
  - name: paid
    when: {any: [{payment: card}, {shipping: post}, {coupon: {}}, {source: news}]}
    offer: {products: soap}
    priority: -4
"""
GOODS = """
rules: [rules.yaml]
zone: Europe/Rome
policy: {complement_times: 4}
products:
  tea: {title: Green tea, price: 4.00 EUR, category: Tea, brand: Leaf, tags: new, attributes: {Grams: 100}}
  mug: {price: 9.00 EUR, category: Mugs, cost: 3.00 EUR, stock: 3}
  cup: {price: 8.00 EUR, category: Mugs, cost: 7.90 EUR}
  cake: {price: 5.00 EUR, category: Cakes}
  soap: {price: 2.00 EUR, category: Soap}
  gone: {price: 2.00 EUR, hidden: true}
  yen: {price: 100 JPY}
leads:
  tea: {complements: {soap: 0.5, gone: 0.4}}
carts:
  - name: it
    cart: [{product: tea, quantity: 2}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def decided(folder: Path, more: str = "", **given: Any) -> tuple[Expect, Decision]:
    """The only cart of a file, with more lines in it, and what was decided."""
    path = folder / "carts.yaml"
    path.write_text(GOODS + more)
    file = read_carts(path)
    assert file.rules is not None
    book = made_book(file, RuleSet(load([folder / name for name in file.rules]), file.zone or "UTC"))
    (cart,) = file.carts
    return cart.expect, run_cart(cart, book, book.products, zone="Europe/Rome", now=NOW, **given)


def wrong(folder: Path, more: str) -> str:
    (folder / "carts.yaml").write_text(GOODS + more)
    with pytest.raises(RuleFileError) as caught:
        read_carts(folder / "carts.yaml")
    (problem,) = caught.value.problems
    return problem.replace(f"{folder}/", "")


def applied(decision: Decision) -> list[str]:
    return [verdict.rule for verdict in decision.rules if verdict.code in (RuleCode.APPLIED, RuleCode.NOTHING_LEFT)]


def test_what_is_expected_is_met(folder: Path) -> None:
    expect, decision = decided(
        folder,
        """
    at: 2027-02-01
    expect:
      offers:
        - {product: mug, kind: complement, price: 8.10 EUR, rule: mugs}
        - {product: soap, price: 2.00 EUR, rule: ""}
      rules: {mugs: applied, members: audience}
      dropped: [{product: cup, code: below_floor, rule: mugs}, {product: gone, code: outranked}]
""",
    )
    assert list(failures(expect, decision)) == []


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        (
            "offers: []",
            "none\n    got:      complement mug 8.10 EUR by mugs; complement soap 2.00 EUR by no rule",
        ),
        ("offers: [{product: mug}]", "expected: mug\n"),
        ("offers: [{product: soap}, {product: mug}]", "expected: soap; mug\n"),
        ("offers: [{product: mug, kind: upgrade}, {product: soap}]", "expected: upgrade mug; soap\n"),
        ("offers: [{product: mug, price: 8.11 EUR}, {product: soap}]", "expected: mug 8.11 EUR; soap\n"),
        ("offers: [{product: mug, rule: other}, {product: soap}]", "expected: mug by other; soap\n"),
        (
            "rules: {mugs: conditions}",
            "rule mugs\n    expected: conditions\n    got:      applied. It applied: 1 offer.",
        ),
        ("rules: {other: applied}", "got:      there is no such rule"),
        ("dropped: [{product: cup, code: in_cart}]", "cup\n    expected: in_cart\n    got:      below_floor"),
        (
            "dropped: [{product: cup, code: below_floor, rule: members}]",
            "cup (rule members)\n    expected: below_floor\n    got:      it was",
        ),
    ],
)
def test_what_is_not_as_expected_is_told(folder: Path, expect: str, says: str) -> None:
    found = list(failures(*decided(folder, f"    expect: {{{expect}}}")))
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ("group: member", "members"),
        ("groups: [staff, member]", "members"),
        ("customer: {orders: 2, bought: tea, last_order: 2027-01-01T10:00}", "second"),
        ("country: DE\n    language: de-AT\n    answers: {who: me}", "spoken"),
        ("payment: card", "paid"),
        ("shipping: post", "paid"),
        ("coupons: SPRING", "paid"),
        ("source: news", "paid"),
    ],
)
def test_a_shopper_is_as_written(folder: Path, more: str, rule: str) -> None:
    assert rule in applied(decided(folder, f"    {more}\n")[1])
    assert rule not in applied(decided(folder)[1])


def test_a_time_is_local(folder: Path) -> None:
    for at, zone, open_ in (
        ("2027-02-01T00:30", "Europe/Rome", True),
        ("2027-02-01T00:30", "Asia/Tokyo", False),
        ("2027-02-14 23:59:00", "Europe/Rome", True),
        ("2027-02-15", "Europe/Rome", False),
    ):
        _, decision = decided(folder, f"    at: {at}\n    zone: {zone}\n")
        assert ("mugs" in applied(decision)) is open_, at


def test_prices_are_the_products_unless_written(folder: Path) -> None:
    _, decision = decided(folder)
    assert (decision.offers[0].trigger.unit_price, decision.offers[0].trigger.quantity) == (400, 2)
    path = folder / "carts.yaml"
    path.write_text(
        "products: {}\ncarts: [{name: a, cart: [{product: x, price: 3 EUR}]}, {name: b, cart: {product: x}}]"
    )
    file = read_carts(path)
    book = made_book(file, EMPTY_RULES)
    assert run_cart(file.carts[0], book, {}, zone="UTC", now=NOW).offers == ()
    with pytest.raises(BadInput, match=r"b: the product 'x' is not known; write its price"):
        run_cart(file.carts[1], book, {}, zone="UTC", now=NOW)


def test_a_cart_has_one_currency(folder: Path) -> None:
    path = folder / "carts.yaml"
    path.write_text(GOODS.replace("[{product: tea, quantity: 2}]", "[{product: tea}, {product: yen}]"))
    file = read_carts(path)
    book = made_book(file, EMPTY_RULES)
    with pytest.raises(BadInput, match=r"it: 'yen' costs JPY in a cart of EUR"):
        run_cart(file.carts[0], book, book.products, zone="UTC", now=NOW)


def test_a_store_that_cannot_is_asked_for_less(folder: Path) -> None:
    _, decision = decided(folder, capabilities=frozenset())
    assert decision.offers == ()
    assert {each.code for each in decision.trace} >= {Code.CANNOT_ADD}


def test_the_products_of_a_file_are_made_as_written(folder: Path) -> None:
    (folder / "carts.yaml").write_text(GOODS)
    book = made_book(read_carts(folder / "carts.yaml"), EMPTY_RULES)
    tea, mug = book.products["tea"], book.products["mug"]
    assert (tea.title, tea.price, tea.brand, tea.tags) == ("Green tea", 400, "Leaf", ("new",))
    assert tea.attributes == {"Grams": "100"}
    assert (mug.title, mug.cost, mug.stock, book.products["gone"].hidden) == ("mug", 300, 3, True)
    assert book.lists["c:Mugs"] == ("mug", "cup")
    assert [each.consequent for each in book.leads_to("tea").complements] == ["soap", "gone"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            "    expects: {}",
            "carts.yaml, line 18: carts[0].expects: is not known here; there are: name, cart, at, zone",
        ),
        ("    expect: {rules: {mugs: aplied}}", "line 18: carts[0].expect.rules.mugs: 'aplied' is none of applied"),
        ("    expect: {dropped: [{product: a, code: no}]}", "carts[0].expect.dropped[0].code: 'no' is none of in_cart"),
        ("    at: tomorrow", "line 18: carts[0].at: 'tomorrow' is no local date and time"),
        ("    zone: Rome", "line 18: carts[0].zone: 'Rome' is no time zone"),
        ("    customer: {last_order: once}", "carts[0].customer.last_order: 'once' is no local date and time"),
        ("  - {name: it, cart: [{product: a, quantity: 0}]}", "carts[1].cart[0].quantity: is 1 at least"),
        ("  - {name: it, cart: [{product: a}]}", "carts[1].name: 'it' is there already"),
    ],
)
def test_what_is_wrong_in_a_file_of_carts_is_told(folder: Path, more: str, says: str) -> None:
    assert says in wrong(folder, more)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("carts: []\nzone: Rome", "line 2: zone: 'Rome' is no time zone"),
        ("carts: []\nleads: {a: {complements: {b: much}}}", "line 2: leads.a: b: 'much' is no weight such as 0.5"),
        ("carts: []\nproducts: {a: {price: 1 EUR, cost: 1 USD}}", "line 2: products.a.cost: is in another currency"),
        (
            "carts: []\nproducts:\n  1.50:\n    price: 1 EUR\n    cost: 1 USD",
            "line 5: products.1.50.cost: is in another",
        ),
        ("rules: []", "line 1: carts: is needed"),
        ("- a", "line 1: is a mapping with some of: carts, products"),
    ],
)
def test_what_is_wrong_at_the_head_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(RuleFileError) as caught:
        read_carts(tmp_path / "a.yaml")
    assert says in str(caught.value)


def test_what_is_left_out_may_be_anything() -> None:
    assert list(failures(Expect(), Decision("cart", "", (), ()))) == []


# --- questions, bundles, programmes, goals, sessions -----------------------------------------------------------------

MORE = (
    RULES
    + """
  - name: who
    priority: 5
    placements: product
    ask: {question: {en: Who?, de: Wer?}, answers: {me: {en: I}, you: {en: You}}}
  - name: pair
    priority: 4
    placements: product
    audience: {answer: {question: who, is: me}}
    offer: {bundle: [cake, soap]}
    discount: {percent: 10}
  - name: club
    priority: 3
    placements: confirmation
    offer: {programme: {url: /club, title: {en: Club}}}
  - name: due
    priority: 2
    placements: checkout
    audience: {perk: mugs}
    offer: {products: cake}
  - name: plan
    priority: 1
    placements: checkout
    offer: {products: soap}
    goal: {units: 3, start: 2027-02-01, by: 2027-02-28}
"""
)


@pytest.fixture
def asking(folder: Path) -> Path:
    (folder / "rules.yaml").write_text(MORE)
    return folder


@pytest.mark.parametrize(
    ("more", "expect"),
    [
        ("placement: product", "{question: who}"),
        ("placement: product\n    asked: who", '{question: ""}'),
        ("placement: product\n    answers: {who: you}", '{question: "", rules: {pair: audience}}'),
        (
            "placement: product\n    answers: {who: me}",
            '{question: "", offers: [{product: cake+soap, kind: bundle, price: 6.30 EUR, rule: pair}, {product: mug}]}',
        ),
        (
            "placement: confirmation",
            "{offers: [{product: 'programme:club', kind: programme, price: 0.00 EUR}, {product: mug}]}",
        ),
        ("placement: checkout", "{rules: {due: audience, plan: applied}}"),
        ("placement: checkout\n    perks: mugs", "{rules: {due: applied}}"),
        ("placement: checkout\n    sold: {plan: 3}", "{rules: {plan: goal_met}}"),
        ("placement: checkout\n    sold: {plan: 2}\n    spent: plan", "{rules: {plan: spent}}"),
        ("policy: {max_session: 1}\n    seen: [mug]", "{offers: [{product: mug}]}"),
        ("policy: {max_session: 2}\n    seen: [x, y]", "{offers: [], dropped: [{product: mug, code: session_full}]}"),
    ],
)
def test_a_session_is_as_written(asking: Path, more: str, expect: str) -> None:
    assert list(failures(*decided(asking, f"    {more}\n    expect: {expect}\n"))) == []


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ('question: ""', "question\n    expected: none\n    got:      who"),
        ("question: other", "question\n    expected: other\n    got:      who"),
    ],
)
def test_another_question_than_expected_is_told(asking: Path, expect: str, says: str) -> None:
    assert list(failures(*decided(asking, f"    placement: product\n    expect: {{{expect}}}\n"))) == [says]


def test_a_question_that_is_not_asked_is_told(asking: Path) -> None:
    found = list(failures(*decided(asking, "    expect: {question: who}\n")))
    assert found == ["question\n    expected: who\n    got:      none"]


@pytest.mark.parametrize(
    ("policy", "offered"), [("{}", ["mug", "soap"]), ("{complement_times: 1}", ["soap"]), ("{max_offers: 1}", ["mug"])]
)
def test_a_carts_own_policy_stands_above_that_of_its_file(folder: Path, policy: str, offered: list[str]) -> None:
    _, made = decided(folder, f"    policy: {policy}\n    at: 2027-02-10T12:00\n", policy=Policy(max_upgrades=0))
    assert [offer.product.ref for offer in made.offers] == offered
