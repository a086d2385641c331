"""Before consent, in Chromium: the device's storages are never touched, and no cookie comes that the shopper did not
ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import session
from playwright.sync_api import Page, expect

from flask_upsell.core.rule import Rule
from tests.browser import walk
from tests.browser.conftest import OpenShop
from tests.browser.shop import said
from tests.web.shop import ASK, GOODS

pytestmark = pytest.mark.browser
#: Notes each call that writes or reads what stays on a device.
WATCH = """
window.touched = [];
const watch = (owner, name) => {
  const before = owner[name];
  owner[name] = function (...given) { touched.push(name); return before.apply(this, given); };
};
for (const name of ["getItem", "setItem", "removeItem", "clear", "key"]) watch(Storage.prototype, name);
for (const name of ["open", "deleteDatabase"]) watch(IDBFactory.prototype, name);
watch(CacheStorage.prototype, "open");
const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
Object.defineProperty(document, "cookie", {
  get() { touched.push("read a cookie"); return cookie.get.call(document); },
  set(value) { touched.push("wrote a cookie"); cookie.set.call(document, value); },
});
"""
STORES = "localStorage.length + sessionStorage.length"


def cookies(page: Page) -> set[str]:
    return {str(each["value"]) for each in page.context.cookies()}


def no() -> bool:
    return False


@pytest.mark.parametrize("consent", [None, no, lambda: True], ids=["unset", "no", "yes"])
def test_no_storage_of_the_device_is_touched_in_a_whole_journey(
    open_shop: OpenShop, page: Page, consent: Callable[[], bool] | None
) -> None:
    """Planted bug that it shows: the script remembers something in sessionStorage."""
    shop = open_shop(GOODS, Rule(name="ask", ask=ASK), UPSELL_CONSENT=consent)
    page.add_init_script(WATCH)
    shop.cart(page, "laptop")
    before = cookies(page)
    for path in ("/cart", "/checkout", "/product/laptop"):
        page.goto(shop.url + path)
        expect(page.locator("upsell-slot").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    if consent is None or not consent():
        assert cookies(page) == before, "nothing was done that would have to be remembered"
    page.goto(f"{shop.url}/cart")
    page.get_by_role("button", name="For me").click()
    expect(page.locator(".upsell-question")).to_have_count(0)
    walk.button(page, "accept", "bag").click()
    said(page, "Added:")
    walk.undo_button(page).click()
    said(page, "Undone:")
    walk.button(page, "decline", "bag").click()
    said(page, "we will not suggest it again")
    assert page.evaluate("window.touched") == []
    assert page.evaluate(STORES) == 0


def test_consent_that_is_given_and_withdrawn_in_a_session(open_shop: OpenShop, page: Page) -> None:
    shop = open_shop(GOODS, UPSELL_CONSENT=lambda: session.get("agreed") is True)
    shop.app.add_url_rule("/agree/<answer>", "agree", lambda answer: session.update(agreed=answer == "yes") or "noted")

    def remembered() -> dict[str, Any]:
        value = next(str(each["value"]) for each in page.context.cookies() if each["name"] == "session")
        serializer = shop.app.session_interface.get_signing_serializer(shop.app)  # type: ignore[attr-defined]
        found: dict[str, Any] = serializer.loads(value)
        return found

    shop.cart(page, "laptop")
    assert "upsell" not in remembered()
    for answer, kept in (("yes", True), ("no", False)):
        page.context.request.get(f"{shop.url}/agree/{answer}")
        page.goto(f"{shop.url}/cart")
        assert ("seen" in remembered().get("upsell", {})) is kept
    page.set_extra_http_headers({"Sec-GPC": "1"})
    page.context.request.get(f"{shop.url}/agree/yes")
    page.goto(f"{shop.url}/cart")
    assert "upsell" not in remembered()
