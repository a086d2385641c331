"""What a shopper does, in words; the same with JavaScript and without."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.demo import Demo

LAPTOP, PLUS, STUDIO, BAG, OFFICE = "LT-1408", "LT-1416", "LT-1532", "BG-0150", "SW-0365"
COUNTED = ("shown", "accepted", "declined", "undone", "converted")


def put(page: Page, slug: str = "aster-14", quantity: int = 1) -> None:
    """Open a product and add it."""
    page.goto(f"/product/{slug}")
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart")


def slot(page: Page, placement: str = "cart") -> Locator:
    return page.locator(f'upsell-slot[placement="{placement}"]')


def wait_for_all(page: Page) -> None:
    """Until the page has come as a whole. Playwright is told nothing of one that comes back as it was left."""
    end = time.monotonic() + 30
    while page.evaluate("document.readyState") != "complete":
        assert time.monotonic() < end, "the page does not come to its end"
        page.wait_for_timeout(20)


def offered(page: Page, placement: str = "cart") -> list[tuple[str, str]]:
    """(kind, product) of each offer, from the top; of the whole page, not of the half that has come."""
    wait_for_all(page)
    cards = slot(page, placement).locator("[data-upsell-offer]")
    found = cards.evaluate_all("all => all.map((card) => [card.dataset.upsellKind, card.dataset.upsellProduct])")
    return [(kind, product) for kind, product in found]


def expect_offered(page: Page, *products: str, placement: str = "cart") -> None:
    """These products, from the top, at once or soon."""
    cards = slot(page, placement).locator("[data-upsell-offer]")
    expect(cards).to_have_count(len(products))
    for place, product in enumerate(products):
        expect(cards.nth(place)).to_have_attribute("data-upsell-product", product)


def press(button: Locator) -> None:
    """Press a button that leads to another page, or to the same one anew, and wait for that page."""
    with button.page.expect_navigation():
        button.click()


def card(page: Page, product: str, placement: str = "cart") -> Locator:
    return slot(page, placement).locator(f'[data-upsell-product="{product}"]')


def button(page: Page, action: str, product: str, placement: str = "cart") -> Locator:
    return card(page, product, placement).locator(f'form[data-upsell-action="{action}"] button')


def undo_button(page: Page, placement: str = "cart") -> Locator:
    return slot(page, placement).locator('form[data-upsell-action="undo"] button')


def lines(page: Page) -> list[tuple[str, str]]:
    """(reference, quantity) of each line that the cart page shows."""
    wait_for_all(page)
    found = page.locator("li.line").all()
    return [
        (line.get_attribute("data-sku") or "", line.locator("input[name=quantity]").input_value()) for line in found
    ]


def expect_lines(page: Page, *wanted: tuple[str, str]) -> None:
    """The host's lines follow, at once or soon."""
    expect(page.locator("li.line")).to_have_count(len(wanted))
    for place, (sku, quantity) in enumerate(wanted):
        line = page.locator("li.line").nth(place)
        expect(line).to_have_attribute("data-sku", sku)
        expect(line.locator("input[name=quantity]")).to_have_value(quantity)


def expect_due(page: Page, amount: str) -> None:
    expect(page.locator(".sums .due dd")).to_have_text(amount)


def notice(page: Page, placement: str = "cart") -> Locator:
    return slot(page, placement).locator(".upsell-notice-text")


def choose_sensibly(page: Page) -> str:
    """The upgrade first, beside it what goes with a laptop; returns the complement's reference."""
    found = offered(page)
    assert found[0] == ("upgrade", PLUS), found
    assert len(found) == 2
    assert found[1][0] == "complement"
    assert found[1][1] in (BAG, OFFICE), found
    expect(card(page, PLUS)).to_contain_text("+€150.00")
    expect(card(page, PLUS)).to_contain_text("16 GB")
    text = " ".join(card(page, found[1][1]).inner_text().split())
    assert re.search(r"Bought together in [1-9]\d* of [1-9]\d* orders with Aster 14", text), text
    return found[1][1]


PRICES = {BAG: 5900, OFFICE: 6900}


def euros(minor: int) -> str:
    return f"€{minor // 100:,}.{minor % 100:02}"


def journey(page: Page) -> str:
    """Add, accept, undo, upgrade, undo, upgrade again, decline, order; returns the complement that was accepted."""
    put(page, quantity=2)
    page.get_by_label("Coupon").fill("WELCOME10")
    page.get_by_role("button", name="Use coupon").click()
    expect_lines(page, (LAPTOP, "2"))
    expect_due(page, euros(2 * 64_900 * 9 // 10))
    complement = choose_sensibly(page)

    button(page, "accept", complement).click()
    expect(notice(page)).to_contain_text("Added:")
    expect_lines(page, (LAPTOP, "2"), (complement, "1"))
    expect_due(page, euros((2 * 64_900 + PRICES[complement]) * 9 // 10))
    expect(page.locator('[data-live="count"] [aria-hidden]')).to_have_text("3")
    expect(card(page, complement)).to_have_count(0)

    undo_button(page).click()
    expect(notice(page)).to_contain_text("Undone:")
    expect_lines(page, (LAPTOP, "2"))
    expect_due(page, euros(2 * 64_900 * 9 // 10))

    button(page, "accept", PLUS).click()
    expect(notice(page)).to_have_text("Upgraded to Aster 14 Plus.")
    expect_lines(page, (PLUS, "2"))
    expect_due(page, euros(2 * 79_900 * 9 // 10))
    undo_button(page).click()
    expect_lines(page, (LAPTOP, "2"))
    expect_due(page, euros(2 * 64_900 * 9 // 10))
    button(page, "accept", PLUS).click()
    expect_lines(page, (PLUS, "2"))

    button(page, "accept", complement).click()
    expect_lines(page, (PLUS, "2"), (complement, "1"))

    (_, declined), *_ = [offer for offer in offered(page) if offer[1] not in (complement,)]
    button(page, "decline", declined).click()
    expect(notice(page)).to_contain_text("we will not suggest it again")
    for path in ("/cart", "/checkout", "/cart"):
        page.goto(path)
        assert declined not in [product for _, product in offered(page, path.strip("/"))]

    page.get_by_role("link", name="Checkout").click()
    page.wait_for_url("**/checkout")
    due = page.locator(".sums .due dd").inner_text()
    assert due == euros((2 * 79_900 + PRICES[complement]) * 9 // 10)
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/order/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ada Lovelace")
    expect(page.locator(".sums .due dd")).to_have_text(due)
    shown = offered(page, "confirmation")
    assert shown
    assert {kind for kind, _ in shown} == {"complement"}
    assert not {PLUS, complement, declined} & {product for _, product in shown}
    number = page.locator(".lead strong").inner_text()
    page.get_by_role("link", name="Orders").click()
    expect(page.locator(".past")).to_contain_text(number)
    expect(page.locator(".past")).to_contain_text("Aster 14 Plus")
    return complement


def counted(demo: Demo) -> dict[str, int]:
    rows = demo.report()
    return {name: sum(int(row[name]) for row in rows) for name in COUNTED}


def wait_for_counts(demo: Demo, before: dict[str, int], **more: int) -> dict[str, int]:
    """Until the worker has folded what happened; AssertionError with what is there when it does not."""
    until = time.monotonic() + 120
    now: dict[str, Any] = {}
    while time.monotonic() < until:
        now = counted(demo)
        if all(now[name] - before[name] >= times for name, times in more.items()):
            break
        time.sleep(0.5)
    assert {name: now[name] - before[name] for name in more} == more
    return now
