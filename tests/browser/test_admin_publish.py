"""Publishing as people do it, in Chromium: asked for, looked at, put live, taken back; and how the pages look."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from flask_upsell.adapters.audit import acting
from flask_upsell.core.rule import Discount, Learned, Off, Products, Rule
from flask_upsell.web.drafted import written
from tests.browser.conftest import OpenShop, listened
from tests.web.admin.conftest import by_header
from tests.web.shop import GOODS, parts_of

pytestmark = pytest.mark.browser
TEA = Rule(name="tea", offer=Learned(), label="Tea")
HALF = Rule(name="half", offer=Products(refs=("bag",)), discount=Discount(off=Off.PERCENT, percent=5000))
PAGES = ("", "publish", "publish/compare", "publish/revision/1", "audit", "audit/verify", "options")


def test_a_risky_draft_goes_live_by_a_second_person_and_back(
    chromium: Browser, open_shop: OpenShop, complaints: list[str]
) -> None:
    shop = open_shop(GOODS, TEA, policy="", UPSELL_ADMIN_USER=by_header)
    desk = parts_of(shop.app).desk
    with acting("emil"):
        desk.drafts.begin("rule", written("rule", "half", HALF))
        desk.drafts.begin("rule", written("rule", "tea", Rule(name="tea", offer=Learned(), label="T" * 90)), "tea")

    def person(name: str, role: str, width: int = 1280, scheme: str = "light") -> Page:
        context = chromium.new_context(
            base_url=shop.url,
            extra_http_headers={"X-Person": f"{name}:{role}"},
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        context.set_default_timeout(10_000)
        page = listened(context.new_page(), complaints)
        page.goto("/upsell/admin/publish")
        return page

    emil = person("emil", "editor")
    card = emil.locator("article", has=emil.get_by_role("heading", name="half"))
    card.get_by_text("Ask for its review").first.click()
    card.get_by_label("A note").fill("For the weekend")
    card.get_by_role("button", name="Ask for its review").click()
    expect(emil.get_by_text("half waits for review now")).to_be_visible()

    anna = person("anna", "approver")
    expect(anna.get_by_text("It takes off 50 %")).to_be_visible()
    anna.get_by_role("checkbox", name="Publish half").check()
    anna.get_by_label("Reason").fill("The supplier pays")
    anna.get_by_role("button", name="Publish", exact=True).click()
    expect(anna.get_by_text("It is live, as revision 2")).to_be_visible()

    anna.get_by_role("link", name="Go back to revision 1").click()
    anna.get_by_label("Reason").fill("Sold out")
    anna.get_by_role("button", name="Make this book live again").click()
    expect(anna.get_by_text("is live again, as revision 3")).to_be_visible()

    anna.on("dialog", lambda dialog: dialog.accept())
    anna.get_by_label("Why?").fill("Complaints")
    anna.get_by_role("button", name="Switch all offers off").click()
    expect(anna.get_by_text("Shoppers see none")).to_be_visible()
    anna.get_by_role("button", name="Show offers again").click()
    expect(anna.get_by_text("Offers are shown again")).to_be_visible()

    for width, scheme, pages in ((1280, "light", PAGES[:2]), (390, "dark", PAGES)):
        olga = person("olga", "owner", width, scheme)
        for path in pages:
            olga.goto(f"/upsell/admin/{path}")
            found = Axe().run(olga)
            assert found.violations_count == 0, (path, width, found.generate_report())
            assert olga.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
