"""The page of learning in Chromium: a test is started, done by the worker's job, and seen without loading again."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from flask_upsell import jobs
from flask_upsell.adapters.memory import MemoryQueue
from tests.browser.conftest import OpenShop, listened
from tests.learn.histories import couples, goods
from tests.web.admin.conftest import by_header
from tests.web.shop import parts_of

pytestmark = pytest.mark.browser
LINES = couples(300)


def test_a_test_is_started_and_its_figures_come(
    chromium: Browser, open_shop: OpenShop, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(goods(LINES), policy="", UPSELL_ADMIN_USER=by_header)
    parts = parts_of(shop.app)
    parts.offers.queue = MemoryQueue()
    monkeypatch.setattr(parts.offers.store, "orders", lambda since=None: iter(LINES))
    with shop.app.app_context():
        jobs.learn("upsell")
    for width, scheme in ((1280, "light"), (390, "light"), (1280, "dark")):
        context = chromium.new_context(
            base_url=shop.url,
            extra_http_headers={"X-Person": "emil:editor"},
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = listened(context.new_page(), complaints)
        page.goto("/upsell/admin/learning")
        if width == 1280 and scheme == "light":
            page.get_by_label("How many minutes").fill("1")
            page.get_by_role("button", name="Start").click()
            expect(page.get_by_text("No worker has taken it up yet.")).to_be_visible()
            (run,) = parts.desk.backtests.recent()
            with shop.app.app_context():
                jobs.backtest("upsell", run.id)
        expect(page.get_by_role("img", name="How often the hidden product")).to_be_visible()
        expect(page.get_by_text("In 100 of 100 carts")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if (width, scheme) != (1280, "light"):
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        context.close()
