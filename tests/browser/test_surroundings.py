"""In a store whose stylesheet does its worst, with less motion, forced colours, on paper, and by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import seen, walk
from tests.browser.conftest import NewContext, OpenShop
from tests.browser.shop import said
from tests.web.shop import GOODS

pytestmark = pytest.mark.browser
HOSTILE = Path(__file__).with_name("hostile.css").read_text()


@pytest.mark.parametrize("language", ["de", "ar"])
def test_a_hostile_stylesheet_leaves_it_usable(new_context: NewContext, language: str) -> None:
    """Planted bug that it shows: a sheet of ours that only resets margins and colours, without `all: revert`."""
    page = new_context().new_page()
    page.route("**/store.css", lambda route: route.fulfill(body=HOSTILE, content_type="text/css"))
    page.goto(f"/upsell-gallery?show={language}&theme=light")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for look in (seen.badly_placed, seen.badly_sized, seen.unequal, seen.badly_readable):
            assert look(page) == [], width


def test_less_motion_forced_colours_and_paper(new_context: NewContext) -> None:
    page = new_context(reduced_motion="reduce", forced_colors="active").new_page()
    page.goto("/upsell-gallery?show=en&theme=light")
    moving = "[...document.querySelectorAll('upsell-slot *')].flatMap((e) => e.getAnimations())"
    assert page.evaluate(f"{moving}.length") == 0
    for look in (seen.badly_placed, seen.badly_sized, seen.badly_readable):
        assert look(page) == []
    accept = page.locator(".upsell-accept").first
    assert accept.evaluate("e => parseFloat(getComputedStyle(e).borderTopWidth)") >= 1, (
        "an edge, where no colour fills it"
    )
    page.emulate_media(media="print", forced_colors="none")
    for slot in page.locator("upsell-slot").all():
        expect(slot).to_be_hidden()


# --- by keyboard alone -----------------------------------------------------------------------------------------------

WORDS = {"de": ("Hinzugefügt:", "Rückgängig gemacht:"), "ar": ("تمت الإضافة:", "تم التراجع:")}
FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const least = e.closest("upsell-slot") ? 2 : 1;
  return e.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= least &&
    box.bottom > 0 && box.top < innerHeight && box.width > 0;
}"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until it is there; whatever has the focus on the way can be seen to have it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # round the end of the page
        for _ in range(100):  # a busy browser draws its ring a moment later
            if page.evaluate(FOCUSED):
                break
            page.wait_for_timeout(50)
        assert page.evaluate(FOCUSED), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached")


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("language", ["de", "ar"])
def test_by_keyboard_from_the_cart_to_the_checkout(
    open_shop: OpenShop, new_context: NewContext, language: str, javascript: bool
) -> None:
    """Planted bug that it shows: no `#land()` after an action, which leaves the focus on the body."""
    shop = open_shop(GOODS, language=language)
    added, undone = WORDS[language]
    page = new_context(java_script_enabled=javascript).new_page()
    shop.cart(page, "laptop")
    assert page.evaluate("getComputedStyle(document.querySelector('upsell-slot')).direction") == (
        "rtl" if language == "ar" else "ltr"
    )

    def press(selector: str, words: str) -> None:
        tab_to(page, selector)
        page.keyboard.press("Enter")
        said(page, words)
        if javascript:
            page.wait_for_function("document.querySelector('upsell-slot').contains(document.activeElement)")
            page.wait_for_timeout(100)
            assert page.evaluate("document.activeElement !== document.body"), "the focus is lost"
            assert page.evaluate("document.querySelector('upsell-slot').contains(document.activeElement)")

    bag = '[data-upsell-product="bag"] '
    press(bag + ".upsell-accept", added)
    assert ("bag", 1, 5900) in shop.lines()
    if javascript:
        expect(walk.undo_button(page)).to_be_focused()
        page.keyboard.press("Enter")
        said(page, undone)
    else:
        press(".upsell-undo", undone)
    assert shop.lines() == [("laptop", 1, 64900)]
    press(bag + ".upsell-decline", "")
    expect(walk.card(page, "bag")).to_have_count(0)
    tab_to(page, 'a[href="/checkout"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/checkout")
