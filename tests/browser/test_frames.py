"""Clickjacking: what comes from our routes is shown in no frame, so that nobody presses a button he does not see."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewContext, OpenShop
from tests.browser.shop import served
from tests.conftest import MakeApp
from tests.web.shop import GOODS

FRAME = """<!doctype html><meta charset="utf-8"><title>Win a prize</title>
<iframe name="shop" src="{url}" style="width:900px;height:700px;opacity:.01;position:absolute;top:0;left:0"></iframe>
<form target="shop" method="post" action="{base}/upsell/accept"><input name="token" value="{token}">
<input name="key" value="kkkkkkkkkkkkkkkkkkkk"><button>Win</button></form>"""


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False])
def test_a_framed_accept_cannot_happen(
    open_shop: OpenShop, make_app: MakeApp, new_context: NewContext, script: bool
) -> None:
    """A page of another site lays our slot, invisible, over a button of its own, or posts our form into a frame.

    The shopper's cookies are let into frames here (SameSite=None would need TLS, so both sites are 127.0.0.1, of two
    ports: another origin, the same site).

    Planted bug that it shows: X-Frame-Options is left out (the button is in the frame, and is pressed).
    """
    shop = open_shop(GOODS, policy="")
    page: Page = new_context(java_script_enabled=script).new_page()
    shop.cart(page, "laptop")
    token = page.locator('[data-upsell-product="bag"] [data-upsell-action="accept"] [name="token"]').input_value()
    evil = make_app()
    urls = iter([f"{shop.url}/upsell/slot/cart", f"{shop.url}/upsell/unsubscribe?token=x", "about:blank"])

    @evil.get("/prize")
    def prize() -> str:
        return FRAME.format(url=next(urls), base=shop.url, token=token)

    with served(evil) as address:
        for _ in range(2):
            page.goto(f"{address}/prize")
            frame = page.frame("shop")
            assert frame is not None
            frame.wait_for_load_state()
            buttons = frame.locator("button").count()
            if buttons:
                frame.locator("button").first.click(force=True)
                page.wait_for_timeout(300)
            assert shop.lines() == [("laptop", 1, 64900)]
            assert buttons == 0
        page.goto(f"{address}/prize")
        with page.expect_response("**/upsell/accept") as sent:
            page.get_by_role("button", name="Win").press("Enter")
        assert sent.value.status == 403
    assert shop.lines() == [("laptop", 1, 64900)]
