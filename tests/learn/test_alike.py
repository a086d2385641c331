"""What titles say of one kind, and orders contradict; and that learning uses it, and nobody sees it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product
from flask_upsell.learn.mining import Mining, Parameters
from flask_upsell.learn.readiness import count
from flask_upsell.learn.titles import FOUND
from flask_upsell.learn.upgrades import Steps, learn_upgrades
from tests.learn.histories import order, silent

MODELS = ("nova", "aria", "kite", "sola", "onyx", "vela")
PHONES = [Product(f"{name}-phone", f"{name} phone", 20_000 + 1000 * at, "EUR") for at, name in enumerate(MODELS)]
#: Dear ones, and so few that their titles and prices do not tell them from phones.
CASES = [Product(f"{name}-case", f"{name} phone case", 19_000 + 1000 * at, "EUR") for at, name in enumerate(MODELS[:3])]
WORDS = ("lamp", "chair", "table", "shelf", "sofa", "rug")
REST = [
    Product(f"{word}-{name}", f"{word} {name}", 500 * 2**at + each, "EUR")
    for at, word in enumerate(WORDS)
    for each, name in enumerate(("oslo", "riga", "turin", "porto", "malmo", "basel"))
]
SHOP = [*PHONES, *CASES, *REST]


def orders(times: int, cases: bool) -> list[OrderLine]:
    """Of phones one each, with its case or without; the rest by chance, two in an order."""
    dice, lines = random.Random(4), list[OrderLine]()
    for number in range(times):
        at = number % len(MODELS)
        case = [each.ref for each in CASES if each.ref.startswith(MODELS[at])]
        refs = [PHONES[at].ref, *case] if cases else case if case and number % 4 else [PHONES[at].ref]
        lines += order(f"p{number:04}", number / 10, refs, f"k{number % 40}")
        lines += order(f"r{number:04}", number / 10, [each.ref for each in dice.sample(REST, 2)])
    return lines


def kinds(lines: Iterable[OrderLine], products: Sequence[Product] = SHOP) -> dict[str, Any]:
    with Mining(lines, products, Parameters(), silent) as mined:
        return dict(mined.connection.execute("SELECT product_ref, category FROM items").fetchall())


def test_a_phone_and_its_case_are_of_one_kind_until_they_are_bought_together() -> None:
    """Planted bug that it shows: `parts` asks no orders."""
    phones, cases = [each.ref for each in PHONES], [each.ref for each in CASES]
    instead = kinds(orders(300, cases=False))
    assert len({instead[ref] for ref in (*phones, *cases)}) == 1 and instead["nova-phone"] is not None
    beside = kinds(orders(300, cases=True))
    (phone,), (case,) = {beside[ref] for ref in phones}, {beside[ref] for ref in cases}
    assert None not in (phone, case) and phone != case
    assert {len({beside[each.ref] for each in REST if each.ref.startswith(word)}) for word in WORDS} == {1}


def test_few_orders_contradict_nothing() -> None:
    """Each pair must have been bought `min_support` times in all."""
    few = kinds(orders(4, cases=True))
    assert len({few[each.ref] for each in (*PHONES, *CASES)}) == 1


def test_what_a_merchant_sorted_stays_and_what_goes_with_it_is_not_put_beside_it() -> None:
    sorted_ = [Product(each.ref, each.title, each.price, "EUR", category="Phones") for each in PHONES]
    rest = [Product(each.ref, each.title, each.price, "EUR", category=each.ref.partition("-")[0]) for each in REST]
    loose = Product("zeta-phone", "Zeta phone", 27_000, "EUR")
    found = kinds(orders(300, cases=True), [*sorted_, *CASES, *rest, loose])
    assert {found[each.ref] for each in (*sorted_, loose)} == {"Phones"}
    (case,) = {found[each.ref] for each in CASES}
    assert case.startswith(FOUND)
    instead = kinds(orders(300, cases=False), [*sorted_, *CASES, *rest, loose])
    assert {instead[each.ref] for each in (*sorted_, *CASES, loose)} == {"Phones"}


@pytest.mark.parametrize("category", ["Tea", f"{FOUND}3"])
def test_nothing_is_found_where_all_have_categories(category: str) -> None:
    """Nor can a store's own category be taken for one that was found."""
    products = [Product(each.ref, each.title, each.price, "EUR", category=category) for each in SHOP]
    assert set(kinds(orders(20, cases=False), products).values()) == {category.strip(FOUND)}


def test_steps_up_and_evidence_come_from_kinds_that_were_found() -> None:
    lines = orders(300, cases=True)
    with Mining(lines, SHOP, Parameters(), silent) as mined:
        steps = dict(learn_upgrades(mined.connection, silent, Steps())[0])
        pairs = [(kind, one, found.consequent) for kind, one, found in mined.affinities()]
        counted = count(mined.connection, 5, 3.3)
    assert {each.consequent for each in steps["nova-phone"].upgrades} <= {each.ref for each in PHONES}
    assert steps["nova-phone"].upgrades
    assert ("upgrade", "nova-phone", "sola-phone") in pairs and ("upgrade", "nova-phone", "sola-case") not in pairs
    assert counted.sorted == 0 < counted.found <= counted.lines
