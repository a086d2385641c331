"""Pages older than what they show: kept by the browser, beyond their tokens' life, of a session that ran out."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from flask_upsell.web import tokens
from tests.browser import walk
from tests.browser.conftest import NewContext, OpenShop
from tests.browser.shop import said
from tests.web.shop import GOODS

pytestmark = pytest.mark.browser

# --- beyond the tokens' life, and without the session -----------------------------------------------------------------


def clock(monkeypatch: pytest.MonkeyPatch, *, days: int) -> None:
    """What signs our tokens, and looks how old they are, goes wrong by so many days."""
    monkeypatch.setattr(tokens._Signer, "get_timestamp", lambda self: int(time.time()) + days * 86_400)


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("path", ["/cart", "/checkout", "/product/laptop"])
def test_an_offer_that_is_too_old_is_made_anew_where_it_stands(
    open_shop: OpenShop, new_context: NewContext, monkeypatch: pytest.MonkeyPatch, path: str, javascript: bool
) -> None:
    """Planted bug that it shows: the answer to a token that is too old is always the cart's."""
    shop, placement = open_shop(GOODS), path.split("/")[1]
    page = new_context(java_script_enabled=javascript).new_page()
    shop.cart(page, "laptop", path=path)
    clock(monkeypatch, days=1)
    page.evaluate("window.stillHere = true")
    walk.button(page, "accept", "bag", placement).click()
    said(page, "too old, so nothing was changed. Here it is again", placement)
    whole(page, shop.url + path, placement, reloaded=not javascript)
    assert shop.lines() == [("laptop", 1, 64900)]
    walk.button(page, "accept", "bag", placement).click()
    said(page, "Added: Canvas bag", placement)
    assert shop.lines() == [("laptop", 1, 64900), ("bag", 1, 5900)]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_way_back_that_is_too_old_is_there_again(
    open_shop: OpenShop, new_context: NewContext, monkeypatch: pytest.MonkeyPatch, javascript: bool
) -> None:
    shop = open_shop(GOODS)
    page = new_context(java_script_enabled=javascript).new_page()
    shop.cart(page, "laptop", path="/checkout")
    walk.button(page, "accept", "bag", "checkout").click()
    said(page, "Added: Canvas bag", "checkout")
    clock(monkeypatch, days=1)
    with page.expect_response("**/upsell/undo"):
        walk.undo_button(page, "checkout").click()
    said(page, "too old, so nothing was changed" if javascript else "Added: Canvas bag", "checkout")
    assert page.url == f"{shop.url}/checkout"
    assert shop.lines() == [("laptop", 1, 64900), ("bag", 1, 5900)]
    walk.undo_button(page, "checkout").click()
    said(page, "Undone:", "checkout")
    assert shop.lines() == [("laptop", 1, 64900)]


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("path", ["/cart", "/product/laptop"])
def test_a_session_that_ran_out_is_answered_where_the_shopper_is(
    open_shop: OpenShop, new_context: NewContext, path: str, javascript: bool
) -> None:
    """Planted bug that it shows: the answer to another visitor's token is always the cart's."""
    shop, placement = open_shop(GOODS), path.split("/")[1]
    page = new_context(java_script_enabled=javascript).new_page()
    shop.cart(page, "laptop", path=path)
    page.context.clear_cookies()
    page.evaluate("window.stillHere = true")
    walk.button(page, "accept", "bag", placement).click()
    said(page, "not made for this cart, so nothing was changed", placement)
    whole(page, shop.url + path, placement, reloaded=not javascript)
    assert shop.lines() == [("laptop", 1, 64900)]
    if placement == "cart":  # a new and empty one, for which there is nothing
        assert walk.offered(page) == []
        page.goto(f"{shop.url}/product/laptop")
    walk.button(page, "accept", "bag", "product").click()
    said(page, "Added: Canvas bag", "product")
    assert shop.lines("cart-0") == [("laptop", 1, 64900)]
    assert shop.lines("cart-1") == [("bag", 1, 5900)]


def whole(page: Page, url: str, placement: str, *, reloaded: bool) -> None:
    """The page that the shopper was on, with a calm word and nothing that still waits."""
    assert page.url == url
    assert page.evaluate("window.stillHere") is (None if reloaded else True)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(walk.slot(page, placement).locator("[data-upsell-tone]")).to_have_attribute("data-upsell-tone", "sorry")
    expect(page.locator("[aria-busy], .upsell-waiting, upsell-slot button:disabled")).to_have_count(0)
