"""The first page, of an empty shop and of one that sells."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask

from flask_upsell.core.rule import Learned, Rule
from flask_upsell.core.rulebook import RuleBook
from tests.web.admin.conftest import MakeClerk
from tests.web.shop import parts_of


def test_an_empty_shop_is_led(app: Flask, clerk: MakeClerk) -> None:
    page = clerk("viewer").get("/").text
    assert "Four steps to the first offer" in page
    assert "Learn now" not in page and "Learn now" in clerk("approver").get("/").text
    assert clerk("approver").post("/learn").status_code == 303
    assert "running" in clerk("approver").get("/").text


def test_a_shop_that_sells_sees_figures_and_what_is_live(app: Flask, clerk: MakeClerk) -> None:
    offers = parts_of(app).offers
    offers.ledger.add_shown("1", {("cart", "complement", "bag"): 1234}, datetime.now(UTC))
    rules = [Rule(name=f"r{number}", offer=Learned(), label=f"<i>{number}</i>") for number in range(12)]
    offers.rules.save(RuleBook(rules=tuple(rules)), datetime.now(UTC))
    page = clerk("viewer").get("/").text
    assert "1,234" in page and "Four steps" not in page
    assert "And 4 more." in page
    assert "<i>" not in page
    assert "No worker was seen" in page
