"""Suggestions and products in the admin of the real demo, by mouse, by keyboard and without JavaScript."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext

pytestmark = pytest.mark.browser


def sign_in(page: Page, name: str = "Emil") -> None:
    page.goto("/staff")
    page.get_by_role("button", name=re.compile(name)).click()
    page.wait_for_url("**/upsell/admin/**")


def test_a_suggestion_is_rejected_and_taken_back(page: Page) -> None:
    sign_in(page)
    page.get_by_role("link", name="Suggestions").click()
    first = page.locator("tbody tr").first
    first.get_by_role("checkbox").check()
    page.get_by_label("Reason").first.fill("They do not go together")
    page.get_by_role("button", name="Reject", exact=True).last.click()
    expect(page.locator("#said")).to_contain_text("One suggestion is rejected.")
    expect(first).to_contain_text("rejected")
    expect(first).to_contain_text("They do not go together")
    expect(page.get_by_text("is not live yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr").first).to_contain_text("live by itself")


def test_a_picker_by_keyboard_alone(page: Page) -> None:
    """Planted bug that it shows: what was chosen is not sent."""
    sign_in(page)
    page.goto("/upsell/admin/suggestions")
    page.get_by_text("Add two products").press("Enter")
    one = page.get_by_role("combobox", name="This product")
    one.focus()
    page.keyboard.type("pebb")
    options = page.get_by_role("listbox", name="This product").get_by_role("option")
    expect(options).to_have_count(3)
    expect(page.locator("[role=status]").filter(has_text="3 are found")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    assert one.get_attribute("aria-activedescendant") == options.last.get_attribute("id")
    page.keyboard.press("Escape")
    expect(one).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    remove = page.get_by_role("button", name=re.compile("Remove Pebble 6"))
    expect(remove).to_be_visible()
    remove.press("Enter")
    expect(one).to_be_focused()
    page.keyboard.type("PH-6128")
    expect(options).to_have_count(1)
    page.keyboard.press("Enter")
    other = page.get_by_role("combobox", name="and this one")
    other.focus()
    page.keyboard.type("felt pho")
    expect(page.get_by_role("listbox", name="and this one").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Never offer them").press("Enter")
    expect(page.locator("#said")).to_contain_text("These two are never offered for each other.")
    # Others have forbidden pairs in this demo too.
    pair = page.locator("li").filter(has_text=re.compile("✕")).filter(has_text="Felt phone case")
    expect(pair).to_contain_text("Pebble 6")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("as it was")


def test_without_javascript_references_are_typed(plain_page: Page) -> None:
    sign_in(plain_page)
    plain_page.goto("/upsell/admin/products/one?ref=PH-6128")
    plain_page.get_by_label("Never offer it").check()
    plain_page.get_by_role("button", name="Save", exact=True).click()
    expect(plain_page.get_by_label("Never offer it")).to_be_checked()
    plain_page.get_by_label("Never offer it").uncheck()
    plain_page.get_by_role("button", name="Save", exact=True).click()
    plain_page.get_by_text("A new ladder with it").click()
    plain_page.get_by_label("Name").fill("pebbles")
    plain_page.get_by_label("Steps, the plainest first", exact=True).fill("PH-6256")
    plain_page.get_by_role("button", name="Save as a draft").click()
    expect(plain_page.get_by_text("PH-6128 → PH-6256")).to_be_visible()


PLACES = ("suggestions", "suggestions?kind=seasonal", "products", "products/one?ref=PH-6128")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_is_wider_than_a_phone(new_context: NewContext, scheme: str) -> None:
    page = new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 390, "height": 800}).new_page()
    sign_in(page)
    for place in PLACES:
        page.goto(f"/upsell/admin/{place}")
        # Opened one by one: a locator of closed ones finds fewer each time.
        while (closed := page.locator("details:not([open]) > summary")).count():
            closed.first.click()
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
