"""Rules in the demo store: by season, at a discount, with the clock that `?at=` moves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk

pytestmark = pytest.mark.browser
SUMMER = ["FF-0038", "SU-0050", "BT-0180", "BB-0045"]
PRESENT = ["WP-0002", "MS-0001"]
LAST_OF_VALENTINES, DAY_AFTER = "2027-02-14T23:59", "2027-02-15"


def shown(page: Page, at: str, slug: str) -> list[str]:
    """What a cart with one product is offered on a day."""
    page.goto(f"/?at={at}")
    walk.put(page, slug)
    return [product for _, product in walk.offered(page)]


def test_chocolate_in_february_is_a_present(page: Page) -> None:
    assert shown(page, "2027-02-10", "chocolate-box-16") == PRESENT
    expect(page.get_by_text("Offers are those of 10 February 2027")).to_be_visible()


def test_swimwear_in_july_comes_with_the_summer_set(plain_page: Page) -> None:
    """Without JavaScript: each one that is accepted makes room for the next."""
    page = plain_page
    assert shown(page, "2027-07-10", "laguna-swimsuit") == SUMMER[:2]
    walk.button(page, "accept", SUMMER[0]).click()
    walk.expect_offered(page, *SUMMER[1:3])


@pytest.mark.parametrize(("at", "given"), [(LAST_OF_VALENTINES, True), (DAY_AFTER, False)])
def test_a_season_ends_on_the_minute(page: Page, at: str, given: bool) -> None:
    assert (shown(page, at, "chocolate-box-16") == PRESENT) is given


def test_the_clock_goes_back_to_now_and_refuses_nonsense(page: Page) -> None:
    shown(page, "2027-02-10", "chocolate-box-16")
    page.get_by_role("link", name="Back to now").click()
    expect(page.get_by_text("Offers are those of")).to_have_count(0)
    page.goto("/?at=tomorrow")
    expect(page.get_by_role("alert")).to_contain_text("?at=2027-02-10")
    expect(page.get_by_text("Offers are those of")).to_have_count(0)


def total(page: Page) -> str:
    found = re.search(r"Total\s+(€[\d.,]+)", page.locator("main").inner_text())
    assert found is not None
    return found[1]


def equipped(page: Page) -> None:
    """A cart with a laptop, its bag, and office software at 10 % less."""
    walk.put(page)
    walk.put(page, "satchel-15")
    expect(walk.card(page, walk.OFFICE)).to_contain_text("€62.10")
    walk.button(page, "accept", walk.OFFICE).click()
    walk.expect_lines(page, (walk.LAPTOP, "1"), (walk.BAG, "1"), (walk.OFFICE, "1"))
    page.goto("/cart")
    assert total(page) == "€770.10"


def test_a_discount_holds_while_the_laptop_is_there(page: Page) -> None:
    equipped(page)
    walk.press(page.locator(f'li.line[data-sku="{walk.LAPTOP}"]').get_by_role("button", name="Remove"))
    expect(walk.slot(page)).to_contain_text("what it went with is not in the cart")
    assert walk.lines(page) == [(walk.BAG, "1"), (walk.OFFICE, "1")]
    assert total(page) == "€128.00"


def test_what_was_ordered_at_a_discount_costs_what_was_shown(page: Page) -> None:
    equipped(page)
    page.goto("/checkout")
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/order/*")
    expect(page.locator("main")).to_contain_text("€770.10")
