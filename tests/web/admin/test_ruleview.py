"""A live rule as a viewer sees it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask

from flask_upsell.adapters.audit import acting
from flask_upsell.core.money import Money
from flask_upsell.core.rule import Copy, Discount, Limits, Off, Products, Rule, Schedule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from tests.web.admin.conftest import MakeClerk
from tests.web.shop import parts_of

NAME = "bags/for <b>laptops</b> & more?"
BAGS = Rule(
    name=NAME,
    label="Bags",
    offer=Products(refs=("bag",)),
    schedule=Schedule(seasons=("spring",), weekdays=("mon",)),
    when={"all": [{"lines": {"category": ["Laptops"]}}, {"line_count": {"max": 3}}]},
    audience={"group": {"is": ["members"]}},
    discount=Discount(off=Off.PERCENT, percent=1000),
    limits=Limits(per_customer=1, budget=(Money(50_000, "EUR"),)),
    placements=("cart",),
    copy={"it": Copy(headline="Una borsa", benefits=("impermeabile",))},
)


@pytest.fixture(autouse=True)
def book(app: Flask) -> None:
    offers = parts_of(app).offers
    offers.rules.save(RuleBook(rules=(BAGS,), seasons=(Season(name="spring", label="Spring"),)), offers.clock())
    with acting("anna", "for the fair"):
        offers.publish()
        offers.set_rule(NAME, Status.PAUSED)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html.partition("<main")[2])).split())


def test_a_viewer_opens_it_from_the_list(clerk: MakeClerk) -> None:
    vera = clerk("viewer")
    found = re.search(r'href="/upsell/admin(/rules/one\?[^"]+)"', vera.get("/rules").text)
    assert found is not None
    answer = vera.get(unescape(found[1]))
    page = words(answer.text)
    assert answer.status_code == 200
    for told in (
        f"paused {NAME} · Place 1 of 1, priority 0",
        "offer Canvas bag at 10 % off",
        "When the cart has any Laptops the cart has at most 3 lines For whom",
        "For whom the shopper is one of members",
        "Time in Spring on Monday",
        "Pages cart",
        "Limits once per customer up to €500.00 in all",
        "Una borsa impermeabile",
        "Shown 0",
        "It is not live: its status says so.",
        "anna",
        "for the fair",
        "status active → paused",
    ):
        assert told in page, f"{told}\n{page}"
    assert "<b>laptops</b>" not in answer.text
    assert "Edit" not in page and "<button" not in answer.text.partition("<main")[2].partition("upsell-slot")[0]


def test_who_may_change_it_finds_the_way(app: Flask, clerk: MakeClerk) -> None:
    emil, one = clerk("editor"), "/rules/one"

    def opened() -> str:
        return emil.client.get(f"/upsell/admin{one}", query_string={"name": NAME}, headers=emil.headers).text

    assert 'name="origin"' in opened()
    where = emil.post("/rules/new", origin=NAME).headers["Location"]
    assert f'href="{where}"' in opened()
    assert "editor is changing it" in words(opened())


def test_what_came_of_it_is_its_own(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: the figures are those of all rules."""
    ledger, now = parts_of(app).offers.ledger, parts_of(app).offers.clock()
    for rule, times in ((NAME, 7), ("other", 5)):
        ledger.add_shown(f"batch {rule}", {("cart", "complement", "bag", rule): times}, now)
    vera = clerk("viewer")
    page = vera.client.get("/upsell/admin/rules/one", query_string={"name": NAME}, headers=vera.headers).text
    assert "Shown 7" in words(page)


@pytest.mark.parametrize("name", ["", "nobody", "x" * 5000, "\0"])
def test_one_that_is_not_there_is_told(clerk: MakeClerk, name: str) -> None:
    vera = clerk("viewer")
    answer = vera.client.get("/upsell/admin/rules/one", query_string={"name": name}, headers=vera.headers)
    assert answer.status_code == 303
    assert "That rule is not there any more." in vera.get("/rules").text
