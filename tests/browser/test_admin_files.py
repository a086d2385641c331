"""A merchant brings a file in: what is wrong is told, what it would change is seen, then it is imported."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import NewContext

pytestmark = pytest.mark.browser


def bring(page: Page, what: str, name: str, content: bytes) -> None:
    page.goto("/upsell/admin/files")
    page.set_input_files(f"#f-{what}", FilePayload(name=name, mimeType="text/csv", buffer=content))
    page.locator(f"form:has(#f-{what}) button").click()


def test_pairs_come_in_from_a_spreadsheet(new_context: NewContext) -> None:
    """Without JavaScript; the console of a browser complains of an answer that says what is wrong (422)."""
    page = new_context(java_script_enabled=False).new_page()
    page.goto("/staff?next=/upsell/admin/files")
    page.get_by_role("button", name="Emil").click()
    head = b"antecedent;consequent;verdict\n"
    bring(page, "pairs", "odd.csv", head + b"tent;kettle;perhaps\n")
    expect(page.get_by_role("alert")).to_contain_text("odd.csv: 1 thing is wrong")
    expect(page.get_by_role("cell", name="perhaps is no verdict.")).to_be_visible()
    bring(page, "pairs", "pairs.csv", head + b"tent;kettle;never\n")
    expect(page.get_by_role("heading", name="What this file would change")).to_be_visible()
    expect(page.get_by_text("Columns are separated by semicolons.")).to_be_visible()
    page.get_by_role("button", name="Import 1 decision").first.click()
    expect(page.get_by_text("1 decision was imported.")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download pairs").click()
    assert started.value.suggested_filename.startswith("upsell-pairs-20")
    assert "kettle,tent,,never" in started.value.path().read_text(encoding="utf-8-sig")
