"""The same road with JavaScript off: forms, redirects, notices on the page that follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk
from tests.browser.conftest import NewContext
from tests.browser.demo import Demo

pytestmark = pytest.mark.browser


def test_the_whole_road(demo: Demo, plain_page: Page) -> None:
    before = walk.counted(demo)
    walk.journey(plain_page)
    walk.wait_for_counts(demo, before, accepted=4, undone=2, declined=1, converted=2)


@pytest.mark.parametrize("path", ["/product/aster-14", "/cart", "/checkout"])
def test_the_way_is_back_to_the_page(plain_page: Page, path: str) -> None:
    placement = path.split("/")[1]
    walk.put(plain_page)
    plain_page.goto(path)
    (_, product), *_ = [offer for offer in walk.offered(plain_page, placement) if offer[0] == "complement"]
    walk.press(walk.button(plain_page, "accept", product, placement))
    assert plain_page.url.endswith(path)
    expect(walk.notice(plain_page, placement)).to_contain_text("Added:")
    assert product not in [ref for _, ref in walk.offered(plain_page, placement)]
    walk.press(walk.undo_button(plain_page, placement))
    assert plain_page.url.endswith(path)
    expect(walk.notice(plain_page, placement)).to_contain_text("Undone:")
    plain_page.goto("/cart")
    walk.expect_lines(plain_page, (walk.LAPTOP, "1"))


def test_back_and_again_adds_once(plain_page: Page) -> None:
    """The back button brings the old form, with the old key."""
    walk.put(plain_page)
    complement = walk.choose_sensibly(plain_page)
    walk.button(plain_page, "accept", complement).click()
    walk.expect_lines(plain_page, (walk.LAPTOP, "1"), (complement, "1"))
    plain_page.go_back()
    if walk.card(plain_page, complement).count():
        walk.press(walk.button(plain_page, "accept", complement))
    plain_page.goto("/cart")
    walk.expect_lines(plain_page, (walk.LAPTOP, "1"), (complement, "1"))


def test_a_first_add_from_a_product_page_without_a_cart(new_context: NewContext) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto("/product/aster-14")
    walk.press(walk.button(page, "accept", walk.PLUS, "product"))
    page.goto("/cart")
    walk.expect_lines(page, (walk.PLUS, "1"))


def test_a_stale_offer_of_a_second_tab_is_answered_kindly(plain_page: Page) -> None:
    walk.put(plain_page)
    second = plain_page.context.new_page()
    second.goto("/cart")
    walk.button(plain_page, "accept", walk.PLUS).click()
    walk.expect_lines(plain_page, (walk.PLUS, "1"))
    walk.button(second, "accept", walk.PLUS).click()
    expect(walk.notice(second)).to_contain_text("not in your cart any more")
    walk.expect_lines(second, (walk.PLUS, "1"))
