"""Bundles by ticks, levels side by side, plans agreed to, gifts and thresholds: clicked in a small shop under a strict
policy, with JavaScript and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from flask_upsell import Product
from flask_upsell.core.money import Money
from flask_upsell.core.rule import Discount, Gap, Ladder, Off, Products, Rule
from tests.browser import walk
from tests.browser.conftest import OpenShop
from tests.browser.shop import Shop, said
from tests.web.shop import GOODS, set_of

pytestmark = pytest.mark.browser
PRO = Product("pro", "Laptop Pro", 99900, "EUR", category="Laptops", attributes={"GB": "32"})
LAPTOP = ("laptop", 1, 64900)


@pytest.fixture(params=["with", "without"])
def either(request: pytest.FixtureRequest) -> Page:
    """A page with JavaScript, and one without."""
    page: Page = request.getfixturevalue("page" if request.param == "with" else "plain_page")
    return page


def accepts(page: Page, product: str) -> Locator:
    return walk.card(page, product).locator('form[data-upsell-action="accept"] button')


def holds(shop: Shop, page: Page, words: str, *lines: tuple[str, int, int]) -> None:
    said(page, words)
    assert shop.lines() == [LAPTOP, *lines]


def test_nothing_is_ticked_and_what_is_ticked_is_added(open_shop: OpenShop, either: Page) -> None:
    shop, page = open_shop(GOODS, set_of(), book={}), either
    shop.cart(page, "laptop")
    boxes = walk.card(page, "bag+card").get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    for box in boxes.all():
        expect(box).not_to_be_checked()
    accepts(page, "bag+card").click()
    holds(shop, page, "Please tick what you would like.")
    walk.card(page, "bag+card").get_by_role("checkbox", name="Canvas bag €59.00").check()
    accepts(page, "bag+card").click()
    holds(shop, page, "Added: Canvas bag", ("bag", 1, 5900))
    walk.undo_button(page).click()
    holds(shop, page, "Undone:")
    for box in boxes.all():
        expect(box).not_to_be_checked()
        box.check()
    accepts(page, "bag+card").click()
    holds(shop, page, "Added: Canvas bag, Memory card", ("bag", 1, 5310), ("card", 1, 2061))


def test_the_best_level_goes_into_the_line_and_a_no_hides_all(open_shop: OpenShop, either: Page) -> None:
    compare = Rule(name="levels", offer=Ladder(name="laptops", compare=True), any_price=True, stop=True)
    shop = open_shop([*GOODS, PRO], compare, book={}, ladders={"laptops": ("laptop", "plus", "pro")})
    shop.cart(either, "laptop")
    expect(walk.card(either, "plus+pro").locator(".upsell-step")).to_have_count(3)
    expect(walk.card(either, "plus+pro").locator("[aria-current=true]")).to_contain_text("Your choice")
    either.get_by_role("button", name="Choose Laptop Pro, €999.00").click()
    said(either, "Laptop Pro")
    assert shop.lines() == [("pro", 1, 99900)]
    walk.undo_button(either).click()
    said(either, "Undone:")
    assert shop.lines() == [LAPTOP]
    walk.button(either, "decline", "plus+pro").click()
    said(either, "we will not suggest it again")
    either.reload()
    assert walk.offered(either) == []


def test_a_plan_is_agreed_to_on_its_own(open_shop: OpenShop, either: Page) -> None:
    """Planted bug that it shows: a server that trusts the `required` of the box."""
    shop = open_shop(GOODS, Rule(name="plan", offer=Products(refs=("plan",)), stop=True), book={})
    shop.cart(either, "laptop")
    agreed = walk.card(either, "plan").get_by_role("checkbox", name="I agree to pay €9.99 per month")
    expect(agreed).not_to_be_checked()
    accepts(either, "plan").click()
    assert agreed.evaluate("box => box.validity.valueMissing && box === document.activeElement")
    assert shop.lines() == [LAPTOP]
    agreed.evaluate("box => box.removeAttribute('required')")
    accepts(either, "plan").click()
    holds(shop, either, "Please agree to the recurring payment.")
    agreed.check()
    accepts(either, "plan").click()
    holds(shop, either, "Added: Plan", ("plan", 1, 999))


def test_a_gift_costs_nothing(open_shop: OpenShop, either: Page) -> None:
    gift = Rule(name="gift", offer=Products(refs=("card",)), discount=Discount(off=Off.GIFT), stop=True)
    shop = open_shop(GOODS, gift, book={})
    shop.cart(either, "laptop")
    assert shop.lines() == [LAPTOP]
    either.get_by_role("button", name="Yes, please: Memory card, free").click()
    holds(shop, either, "Added: Memory card", ("card", 1, 0))


def test_what_was_missing_is_reached(open_shop: OpenShop, either: Page) -> None:
    gap = Gap(threshold=(Money(66000, "EUR"),), refs=("card", "bag"))
    shop = open_shop(GOODS, Rule(name="near", offer=gap, most=1, stop=True), book={})
    shop.cart(either, "laptop")
    bar = either.get_by_role("progressbar", name="€11.00 more, and your order ships free")
    assert [bar.get_attribute(name) for name in ("value", "max")] == ["64900", "66000"]
    accepts(either, "card").click()
    holds(shop, either, "Added: Memory card", ("card", 1, 2290))
    expect(either.locator(".upsell-reached")).to_have_text("You have reached €660.00: your order ships free.")
    expect(bar).to_have_count(0)
