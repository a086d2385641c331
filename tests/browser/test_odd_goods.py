"""Goods that are hard to show: no picture, endless titles, no price or a huge one, many variants, other currencies."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from flask_upsell import Product, Variant
from flask_upsell.core.rule import Products, Rule
from tests.browser import seen, walk
from tests.browser.conftest import OpenShop
from tests.browser.shop import said
from tests.web.shop import SessionStore

pytestmark = pytest.mark.browser
ENDLESS = "Donaudampfschifffahrtsgesellschaft" * 9
SIZES = tuple([Variant(f"v{size}", f"Size {size}", 1000 + size) for size in range(12)])


def odd(currency: str) -> list[Product]:
    return [
        Product("base", "Base", 10**9, currency),
        Product("endless", ENDLESS, 10**9, currency, category="A", image="/picture/none.svg"),
        Product("arabic", "حقيبة سفر (أزرق) 12", 0, currency, category="B", image="/picture/bag.svg"),
        Product("sized", "Sized", 1234567, currency, category="C", variants=SIZES),
    ]


@pytest.mark.parametrize(
    ("currency", "amounts"),
    [
        ("EUR", ("€10,000,000.00", "€0.00", "€12,345.67", "€10.11")),
        ("JPY", ("¥1,000,000,000", "¥0", "¥1,234,567", "¥1,011")),
        ("KWD", ("KWD1,000,000.000", "KWD0.000", "KWD1,234.567", "KWD1.011")),
    ],
)
def test_they_are_shown_and_can_be_bought(
    open_shop: OpenShop, page: Page, currency: str, amounts: tuple[str, ...]
) -> None:
    goods = odd(currency)
    store = SessionStore(goods, currency=currency, urls={"cart": "/cart"})
    rule = Rule(name="all", offer=Products(refs=("endless", "arabic", "sized")), most=3, stop=True, any_price=True)
    shop = open_shop(goods, rule, book={}, store=store, UPSELL_MAX_OFFERS=3)
    shop.cart(page, "base")
    for ref, amount in zip(("endless", "arabic", "sized"), amounts, strict=False):
        expect(walk.card(page, ref).locator(".upsell-price")).to_contain_text(amount)
    options = walk.card(page, "sized").get_by_role("combobox").locator("option")
    expect(options).to_have_count(13)
    expect(options.last).to_have_text(f"Size 11, {amounts[3]}")
    missing = walk.card(page, "endless").locator(".upsell-picture")
    expect(missing).to_have_class("upsell-picture upsell-no-picture")
    box = missing.bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(box["height"], abs=1)
    assert box["width"] >= 24, "its place stays"
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert seen.badly_placed(page) == [], width
    walk.card(page, "sized").get_by_role("combobox").select_option("v11")
    walk.button(page, "accept", "sized").click()
    said(page, "Added: Sized")
    assert shop.lines()[1:] == [("sized", 1, 1011)]


def test_back_is_as_it_was_left_but_not_waiting(open_shop: OpenShop, page: Page) -> None:
    """From the back/forward cache or from the server: what the shopper added meanwhile is not offered."""
    goods = odd("EUR")
    rule = Rule(name="all", offer=Products(refs=("sized", "arabic")), stop=True, any_price=True)
    shop = open_shop(goods, rule, book={})
    shop.cart(page, "base")
    expect(walk.card(page, "arabic")).to_be_visible()
    page.get_by_role("link", name="Checkout").click()
    page.wait_for_url("**/checkout")
    walk.button(page, "accept", "arabic", "checkout").click()
    said(page, "Added:", "checkout")
    page.go_back()
    expect(walk.card(page, "arabic")).to_have_count(0)
    expect(page.locator("upsell-slot")).not_to_have_attribute("aria-busy", "true")
