"""Pages older than what they show: kept by the browser, beyond their tokens' life, of a session that ran out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from flask_upsell.web import tokens
from tests.browser import walk
from tests.browser.conftest import ARGS, NewContext, OpenShop, listened
from tests.browser.demo import Demo
from tests.browser.shop import said
from tests.web.shop import GOODS

pytestmark = pytest.mark.browser

# --- beyond the tokens' life, and without the session -----------------------------------------------------------------


def clock(monkeypatch: pytest.MonkeyPatch, *, days: int) -> None:
    """What signs our tokens, and looks how old they are, goes wrong by so many days."""
    monkeypatch.setattr(tokens._Signer, "get_timestamp", lambda self: int(time.time()) + days * 86_400)


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("path", ["/checkout", "/product/laptop"])
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
def test_a_session_that_ran_out_is_answered_where_the_shopper_is(
    open_shop: OpenShop, new_context: NewContext, javascript: bool
) -> None:
    """The cart that the offer was made for is out of reach; there is a new one when something is put into it.

    Planted bug that it shows: the answer to another visitor's token is always the cart's.
    """
    shop, path = open_shop(GOODS), "/product/laptop"
    page = new_context(java_script_enabled=javascript).new_page()
    shop.cart(page, "laptop", path=path)
    page.context.clear_cookies()
    page.evaluate("window.stillHere = true")
    walk.button(page, "accept", "bag", "product").click()
    said(page, "not made for this cart, so nothing was changed", "product")
    whole(page, shop.url + path, "product", reloaded=not javascript)
    assert shop.lines() == [("laptop", 1, 64900)]
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


# --- kept by the browser ----------------------------------------------------------------------------------------------

KEPT = "window.kept = []; addEventListener('pageshow', (event) => kept.push(event.persisted));"


@pytest.fixture(scope="module")
def keeping(chromium: Browser, chromium_path: str) -> Iterator[Browser]:
    """A Chromium that keeps pages for the back button, as people's do; Playwright's is told not to."""
    told = ["--disable-back-forward-cache"]
    browser = chromium.browser_type.launch(executable_path=chromium_path, args=ARGS, ignore_default_args=told)
    yield browser
    browser.close()


def opened(keeping: Browser, complaints: list[str], **options: Any) -> tuple[BrowserContext, Page]:
    context = keeping.new_context(**options)
    page = listened(context.new_page(), complaints)
    page.add_init_script(KEPT)
    return context, page


def back(page: Page) -> None:
    """No page is loaded when it was kept, so there is no load to wait for."""
    page.go_back(wait_until="commit")


def test_a_page_that_comes_back_as_it_was_left_shows_what_is_true_now(
    keeping: Browser, demo: Demo, complaints: list[str]
) -> None:
    """Planted bug that it shows: nothing listens to `pageshow`."""
    context, page = opened(keeping, complaints, base_url=demo.url)
    walk.put(page)
    complement = walk.choose_sensibly(page)
    walk.button(page, "accept", walk.PLUS).click()
    walk.expect_lines(page, (walk.PLUS, "1"))
    page.goto("/product/aster-14-plus")
    second = context.new_page()
    second.goto("/cart")
    walk.button(second, "accept", complement).click()
    walk.expect_lines(second, (walk.PLUS, "1"), (complement, "1"))
    back(page)
    expect(walk.card(page, complement)).to_have_count(0)
    assert page.evaluate("kept") == [False, True]
    walk.expect_lines(page, (walk.PLUS, "1"), (complement, "1"))
    assert not {walk.LAPTOP, walk.PLUS, complement} & {product for _, product in walk.offered(page)}
    context.close()


def test_a_page_that_was_left_while_it_waited_comes_back_ready(
    keeping: Browser, demo: Demo, complaints: list[str]
) -> None:
    """The shopper follows a link while an answer is on its way; the store did what was asked.

    Planted bug that it shows: nothing listens to `pagehide`, and the slot waits for ever.
    """
    context, page = opened(keeping, complaints, base_url=demo.url)
    walk.put(page)
    complement = walk.choose_sensibly(page)
    held: list[Route] = []
    page.route("**/upsell/accept", lambda route: held.append(route))
    walk.button(page, "accept", complement).click()
    expect(walk.slot(page)).to_have_attribute("aria-busy", "true")
    page.goto("/orders")
    assert len(held) == 1
    back(page)
    expect(page.locator("[aria-busy], .upsell-waiting, upsell-slot button:disabled")).to_have_count(0)
    assert page.evaluate("kept") == [False, True]
    page.unroute_all()
    walk.button(page, "accept", complement).click()
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))
    context.close()


def test_without_scripts_a_kept_page_is_put_right_by_its_next_click(
    keeping: Browser, demo: Demo, complaints: list[str]
) -> None:
    """Nothing can look at the cart when it comes back; what is pressed there is looked at then."""
    context, page = opened(keeping, complaints, base_url=demo.url, java_script_enabled=False)
    walk.put(page)
    complement = walk.choose_sensibly(page)
    page.evaluate("window.stillHere = true")
    page.goto("/orders")
    second = context.new_page()
    second.goto("/cart")
    walk.press(walk.button(second, "accept", walk.PLUS))
    walk.press(walk.button(second, "accept", complement))
    back(page)
    assert page.evaluate("window.stillHere"), "it was not kept"
    walk.press(walk.button(page, "accept", walk.PLUS))
    expect(walk.notice(page)).to_contain_text("not in your cart any more")
    walk.expect_lines(page, (walk.PLUS, "1"), (complement, "1"))
    assert not {walk.LAPTOP, walk.PLUS, complement} & {product for _, product in walk.offered(page)}
    context.close()


def test_a_page_that_forbids_being_kept_is_loaded_again(
    keeping: Browser, open_shop: OpenShop, complaints: list[str]
) -> None:
    """As the pages of a store are that says nothing of caches: then we say `no-store`."""
    shop = open_shop(GOODS)
    context, page = opened(keeping, complaints)
    shop.cart(page, "laptop")
    page.goto(f"{shop.url}/product/bag")
    page.request.get(f"{shop.url}/put/bag")
    back(page)
    expect(walk.card(page, "bag")).to_have_count(0)
    reasons = "performance.getEntriesByType('navigation')[0].notRestoredReasons.reasons.map((each) => each.reason)"
    assert (page.evaluate("kept"), page.evaluate(reasons)) == ([False], ["response-cache-control-no-store"])
    assert page.locator("li.line").all_inner_texts() == ["laptop 1", "bag 1"]
    context.close()
