"""How the widgets look, sound and behave in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import seen, walk
from tests.browser.conftest import NewContext

pytestmark = pytest.mark.browser


def at_place(page: Page, place: str) -> str:
    """Bring a shopper with a laptop to a page; returns its placement."""
    walk.put(page)
    if place == "confirmation":
        page.goto("/checkout")
        page.get_by_label("Name").fill("Ada")
        page.get_by_role("button", name="Place order").click()
        page.wait_for_url("**/order/*")
    else:
        page.goto({"product": "/product/aster-14", "cart": "/cart", "checkout": "/checkout"}[place])
    assert walk.offered(page, place)
    return place


PLACES = ["product", "cart", "checkout", "confirmation"]


def violations(page: Page) -> list[tuple[str, list[str]]]:
    return [(v["id"], [node["html"] for node in v["nodes"]]) for v in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing(new_context: NewContext, place: str) -> None:
    page = new_context(bypass_csp=True).new_page()
    at_place(page, place)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], width


def test_axe_finds_nothing_without_scripts(new_context: NewContext) -> None:
    plain = new_context(java_script_enabled=False).new_page()
    at_place(plain, "cart")
    page = seen.without_scripts(plain, new_context(bypass_csp=True, viewport={"width": 390, "height": 900}))
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_after_an_action_in_light_and_dark(new_context: NewContext, scheme: str) -> None:
    page = new_context(bypass_csp=True, color_scheme=scheme).new_page()
    at_place(page, "cart")
    walk.button(page, "accept", walk.PLUS).click()
    walk.expect_lines(page, (walk.PLUS, "1"))
    assert violations(page) == []


@pytest.mark.parametrize("place", PLACES)
def test_no_page_breaks_the_policy_or_asks_another_host(page: Page, complaints: list[str], place: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(
        "window.broken = [];"
        "document.addEventListener('securitypolicyviolation', (e) => window.broken.push(e.violatedDirective));"
    )
    at_place(page, place)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.broken") == []
    assert complaints == []
    home = page.url.split("/")[2]
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {home}


@pytest.mark.parametrize("place", PLACES)
def test_no_is_as_large_and_near_as_yes(page: Page, place: str) -> None:
    at_place(page, place)
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for _, product in walk.offered(page, place):
            buttons = [walk.button(page, action, product, place) for action in ("accept", "decline")]
            yes, no = (button.bounding_box() for button in buttons)
            assert yes is not None
            assert no is not None
            assert (yes["width"], yes["height"]) == pytest.approx((no["width"], no["height"]), abs=1), width
            assert min(yes["width"], yes["height"]) >= 44, width
            assert abs(yes["y"] - no["y"]) <= yes["height"] + 24, width
            sizes = [button.evaluate("b => getComputedStyle(b).fontSize") for button in buttons]
            assert sizes[0] == sizes[1]
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width


@pytest.mark.parametrize("javascript", [True, False])
def test_nothing_to_offer_takes_no_room(new_context: NewContext, javascript: bool) -> None:
    page = new_context(java_script_enabled=javascript).new_page()
    page.goto("/product/quire-office")
    slot = walk.slot(page, "product")
    if walk.offered(page, "product"):  # learned after all: look at one that is declined to the end
        for _ in range(30):
            found = walk.offered(page, "product")
            if not found:
                break
            walk.button(page, "decline", found[0][1], "product").click()
            expect(walk.card(page, found[0][1], "product")).to_have_count(0)
            page.reload()
    page.reload()
    expect(slot).to_have_count(1)
    assert walk.offered(page, "product") == []
    box = slot.bounding_box()
    assert box is None or box["height"] == 0
    assert slot.evaluate("e => e.offsetHeight") == 0 if javascript else box is None


def test_by_keyboard_alone_with_the_focus_kept(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    page.locator("body").click(position={"x": 1, "y": 1})
    wanted = walk.button(page, "accept", complement)
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("b => b === document.activeElement"):
            break
    else:
        raise AssertionError("the button cannot be reached by Tab")
    outline = wanted.evaluate("b => getComputedStyle(b).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))
    expect(walk.undo_button(page)).to_be_focused()
    page.keyboard.press("Space")
    walk.expect_lines(page, (walk.LAPTOP, "1"))
    page.wait_for_function("document.querySelector('upsell-slot').contains(document.activeElement)")
    assert page.evaluate("document.activeElement !== document.body")


def test_the_store_refreshing_its_lines_leaves_the_focus(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    walk.button(page, "accept", complement).press("Enter")
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))
    page.wait_for_timeout(600)
    expect(walk.undo_button(page)).to_be_focused()


def test_the_live_region_speaks(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    status = walk.slot(page).locator(":scope > [role=status]")
    expect(status).to_have_count(1)
    expect(status).to_have_text("")
    status.evaluate("e => { window.region = e; }")
    walk.button(page, "accept", complement).click()
    expect(status).to_contain_text("Added:")
    walk.undo_button(page).click()
    expect(status).to_contain_text("Undone:")
    walk.button(page, "decline", complement).click()
    expect(status).to_contain_text("we will not suggest it again")
    assert status.evaluate("e => e === window.region"), "a live region that is replaced is not spoken"


def test_why_am_i_seeing_this(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    card = walk.card(page, complement)
    expect(card.locator(".upsell-because")).to_be_hidden()
    card.get_by_text("Why am I seeing this?").click()
    expect(card.locator(".upsell-because")).to_be_visible()


def test_nothing_is_preselected_or_pressing(page: Page) -> None:
    for place in PLACES:
        at_place(page, place)
        slot = walk.slot(page, place)
        assert slot.locator("[checked], [selected], :checked:not(option)").count() == 0
        text = slot.inner_text().lower()
        for word in ("only", "left", "hurry", "last chance", "people are", "today only"):
            assert word not in text, (place, word)


def test_no_offer_stands_over_the_pay_button(page: Page) -> None:
    at_place(page, "checkout")
    pay = page.get_by_role("button", name="Place order").bounding_box()
    slot = walk.slot(page, "checkout").bounding_box()
    assert pay is not None
    assert slot is not None
    assert slot["y"] >= pay["y"] + pay["height"]
