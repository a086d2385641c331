"""What a discount makes of products: numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_upsell import Product
from flask_upsell.core.money import Money
from flask_upsell.core.offer import Code
from flask_upsell.core.rule import Bundle, Category, Discount, Floor, Learned, Off, Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk import Desk
from flask_upsell.desk.samples import Sample, bundle, sample
from tests.conftest import MakeApp
from tests.web.shop import BOOK, GOODS, SessionStore, parts_of, publish

CUP = Product("cup", "Cup", 1000, "EUR", cost=600)
POT = Product("pot", "Pot", 4000, "EUR")


def euros(cents: int) -> tuple[Money, ...]:
    return (Money(cents, "EUR"),)


def percent(much: int, **floor: Any) -> Discount:
    return Discount(off=Off.PERCENT, percent=much * 100, floor=Floor(**floor))


@pytest.mark.parametrize(
    ("product", "discount", "found"),
    [
        (CUP, percent(10), (900, 0, None)),
        (CUP, percent(50, price=euros(500)), (500, 500, None)),
        (CUP, percent(50, price=euros(501)), (500, 501, Code.BELOW_FLOOR)),
        (CUP, percent(41, cost=True), (590, 600, Code.BELOW_FLOOR)),
        (CUP, percent(40, cost=True, price=euros(300)), (600, 600, None)),
        # 20 % of 750 are 150: just what stays above a cost of 600.
        (CUP, percent(25, margin_percent=20), (750, 750, None)),
        (CUP, percent(10, margin_percent=7), (900, 646, None)),
        (POT, percent(10, cost=True), (3600, None, Code.UNKNOWN_COST)),
        (POT, Discount(off=Off.AMOUNT, amount=(Money(100, "USD"),)), (None, 0, Code.OTHER_CURRENCY)),
        (CUP, Discount(off=Off.AMOUNT, amount=euros(1001)), (None, 0, Code.BELOW_FLOOR)),
        (CUP, Discount(off=Off.GIFT), (0, 0, None)),
    ],
)
def test_of_one(product: Product, discount: Discount, found: tuple[int | None, int | None, Code | None]) -> None:
    """Planted bug that it shows: what its floor refuses is not shown at all."""
    made = sample(discount, product)
    assert (made.now, made.least, made.refused) == found


def test_a_loss_is_seen() -> None:
    assert sample(percent(41), CUP).below_cost
    assert not sample(percent(40), CUP).below_cost
    assert not sample(percent(99), POT).below_cost


def test_a_bundle_is_one() -> None:
    tray = Product("tray", "Tray", 3000, "EUR", cost=1000)
    found = bundle(percent(10, cost=True, price=euros(1700)), [CUP, tray])
    assert found == Sample("Cup + Tray", "EUR", 4000, 3600, 1700, 1600)
    assert bundle(percent(10, cost=True), [CUP, tray]).least == 1600
    assert bundle(percent(10, cost=True), [CUP, POT]).refused is Code.UNKNOWN_COST
    assert bundle(percent(58, price=euros(1700)), [CUP, tray]).refused is Code.BELOW_FLOOR


@pytest.fixture
def desk(make_app: MakeApp) -> Desk:
    app: Flask = make_app(SessionStore(GOODS))
    publish(app, GOODS, BOOK)
    desk: Desk = parts_of(app).desk
    return desk


@pytest.mark.parametrize(
    ("offer", "chosen", "titles"),
    [
        (Products(refs=("bag", "card")), (), ["Canvas bag", "Memory card"]),
        (Products(refs=("bag", "card")), ("socks", "nowhere", "socks"), ["Socks"]),
        (Category(name="Bags"), (), ["Canvas bag"]),
        (Bundle(refs=("bag", "card")), (), ["Canvas bag + Memory card"]),
        (Bundle(refs=("bag", "nowhere")), (), []),
        # Of what is not known beforehand: the store's first ones.
        (Learned(), (), ["Canvas bag", "Memory card", "Socks"]),
        (None, (), ["Canvas bag", "Memory card", "Socks"]),
        (None, ("nowhere",), []),
    ],
)
def test_which_products(desk: Desk, offer: Any, chosen: tuple[str, ...], titles: list[str]) -> None:
    rule = Rule(name="tea", offer=offer) if offer is not None else None
    assert [each.title for each in desk.samples.of(percent(10), rule, RuleBook(), chosen)] == titles


def test_free_delivery_has_a_price_only_with_a_floor(desk: Desk) -> None:
    free = Discount(off=Off.FREE_SHIPPING)
    assert desk.samples.of(free, None, RuleBook()) == []
    held = Discount(off=Off.FREE_SHIPPING, floor=Floor(price=euros(3000)))
    assert [each.refused for each in desk.samples.of(held, None, RuleBook())] == [
        None,
        Code.BELOW_FLOOR,
        Code.BELOW_FLOOR,
    ]


def test_a_store_that_does_not_answer_costs_the_numbers_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(desk.offers.store, "products", fails)
    monkeypatch.setattr(desk.offers.store, "catalogue", fails)
    assert desk.samples.of(percent(10), None, RuleBook()) == []
    assert desk.samples.of(percent(10), None, RuleBook(), ["bag"]) == []
