"""What pickers are answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from flask_upsell import Product
from flask_upsell.core.rule import Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from tests.web.admin.conftest import MakeClerk, by_header
from tests.web.conftest import Serve
from tests.web.shop import SessionStore, parts_of

GOODS = (
    Product(
        "a/1 ü", 'Tea <b>"green"</b>', 500, "EUR", category="Drinks/Tea", brand="Ueda", tags=("leaf",), image="/a.png"
    ),
    Product("b", "Black tea", 700, "EUR", category="Drinks/Tea", hidden=True),
)


@pytest.fixture
def app(serve: Serve) -> Flask:
    made = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header)
    offers = parts_of(made).offers
    book = RuleBook(
        rules=(Rule(name="spring", label="When spring comes", offer=Products(refs=("b",))),),
        seasons=(Season(name="easter", label="Eastertide"),),
        ladders={"teas": ("b", "a/1 ü")},
    )
    offers.rules.save(book, datetime.now(UTC))
    offers.publish()
    return made


def test_products_come_with_what_they_are_known_by(clerk: MakeClerk) -> None:
    page = clerk("viewer").get("/pick/product?q=te").text
    assert 'data-value="a/1 ü" data-title="Tea &lt;b&gt;&#34;green&#34;&lt;/b&gt;"' in page
    assert "€5.00" in page
    assert "hidden by the store" in page
    assert 'data-said="2 are found.' in page
    assert page.index("a/1 ü") < page.index('data-value="b"')


@pytest.mark.parametrize(
    ("what", "typed", "value"),
    [
        ("category", "tea", "Drinks/Tea"),
        ("category", "drinks", "Drinks"),
        ("tag", "LE", "leaf"),
        ("brand", "ue", "Ueda"),
        ("rule", "when spr", "spring"),
        ("ladder", "tea", "teas"),
        ("product", "unknown thing", "unknown thing"),
        ("season", "eastert", "easter"),
    ],
)
def test_everything_that_can_be_picked(clerk: MakeClerk, what: str, typed: str, value: str) -> None:
    assert f'data-value="{value}"' in clerk().get(f"/pick/{what}?q={typed}").text


def test_what_cannot_be_picked_is_not_there(clerk: MakeClerk) -> None:
    assert clerk().get("/pick/customer?q=a").status_code == 404
    assert 'data-said="Nothing is found' in clerk().get("/pick/product?q=zzz").text
    assert "data-value" not in clerk().get("/pick/product?q=").text
