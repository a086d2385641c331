"""Seasons, simulations and help as a merchant clicks through them, on the real demo with its worker."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.adminpages import paths, sign_in
from tests.browser.conftest import NewContext
from tests.browser.demo import Demo

pytestmark = pytest.mark.browser


def test_a_season_is_written_put_live_and_a_rule_is_tried(page: Page, complaints: list[str]) -> None:
    """By the keyboard where typing is, with the preview beside it; then a live rule is tried by the worker."""
    sign_in(page, "anna")
    page.goto("/upsell/admin/seasons")
    page.get_by_role("button", name="New season").click()
    page.get_by_label("Name", exact=True).fill("harvest")
    page.get_by_label("From", exact=True).fill("09-20")
    page.get_by_label("To", exact=True).fill("10-05")
    # The preview comes by itself, and nothing was sent yet.
    expect(page.locator("#preview li").first).to_contain_text("16 days")
    page.get_by_text("Add days", exact=True).click()
    page.get_by_role("button", name="Around Easter").click()
    expect(page.get_by_label("Orthodox Easter")).to_be_visible()
    page.get_by_label("To (days)").fill("-400")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator(".error")).to_be_visible()
    # The browser says of an answer that is no page (422) that it could not be loaded.
    assert all("422" in each for each in complaints)
    complaints.clear()
    page.get_by_role("button", name="Take away").last.click()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("harvest is saved as a draft.")).to_be_visible()
    page.get_by_role("button", name="Put live").click()
    expect(page.get_by_text("harvest is live.")).to_be_visible()
    page.goto("/upsell/admin/seasons?year=2027")
    expect(page.locator("svg text", has_text="harvest")).to_be_visible()
    page.get_by_role("link", name="Help on this page").click()
    expect(page.locator("#seasons")).to_be_in_viewport()
    page.goto("/upsell/admin/simulate")
    page.get_by_label("Name of a rule, 1").fill("operating-room")
    page.get_by_label("How many orders").fill("300")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("What would have happened")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("300 orders were tried")).to_be_visible()


def test_each_page_is_accessible_and_fits_a_phone(demo: Demo, new_context: NewContext) -> None:
    """No violation that axe knows, and nothing that scrolls the page sideways at 390 pixels."""
    page = new_context(viewport={"width": 390, "height": 900}).new_page()
    sign_in(page)
    for name, path in paths(demo).items():
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
