"""What a shopper is asked, what goes together, and what follows an order: in the demo store, with and without
JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk

pytestmark = pytest.mark.browser
BUNDLE, CHARCOAL, TOOLS = "CH-0030+GT-0003", "CH-0030", "GT-0003"
GRILL, LENS, TRIPOD, CLUB = "GR-0570", "LN-0050", "TR-0145", "programme:the-club"


@pytest.fixture(params=["with", "without"])
def either(request: pytest.FixtureRequest) -> Page:
    """A page with JavaScript, and one without."""
    page: Page = request.getfixturevalue("page" if request.param == "with" else "plain_page")
    return page


def products(page: Page, placement: str = "cart") -> list[str]:
    return [product for _, product in walk.offered(page, placement)]


def accept_whole(page: Page) -> None:
    """Tick all that is in the bundle, and add it."""
    for box in walk.card(page, BUNDLE).get_by_role("checkbox").all():
        box.check()
    walk.button(page, "accept", BUNDLE).click()


def test_an_answer_changes_the_offers_at_once_and_is_not_asked_for_again(either: Page) -> None:
    walk.put(either, "lumen-24")
    question = walk.slot(either).get_by_role("region", name="What do you photograph most?")
    expect(question.get_by_role("button")).to_have_text(["People", "Landscapes", "Skip"])
    question.get_by_role("button", name="Landscapes").click()
    expect(question).to_have_count(0)
    expect(walk.card(either, TRIPOD)).to_contain_text("For wide views")
    either.goto("/product/lumen-24")
    expect(walk.slot(either, "product")).to_be_visible()
    expect(either.get_by_text("What do you photograph most?")).to_have_count(0)
    assert TRIPOD in products(either, "product")


def test_a_question_can_be_skipped_with_one_click_of_the_same_size(either: Page) -> None:
    walk.put(either, "lumen-24")
    before = walk.offered(either)
    question = walk.slot(either).get_by_role("region", name="What do you photograph most?")
    sizes = [button.bounding_box() for button in question.get_by_role("button").all()]
    assert len({(round(box["width"]), round(box["height"])) for box in sizes if box is not None}) == 1
    question.get_by_role("button", name="Skip").click()
    expect(question).to_have_count(0)
    assert walk.offered(either) == before
    either.goto("/cart")
    expect(question).to_have_count(0)


def test_a_bundle_is_added_whole_and_undone_whole(either: Page) -> None:
    walk.put(either, "ember-kettle-grill")
    card = walk.card(either, BUNDLE)
    expect(card).to_contain_text("€39.42")
    expect(card).to_contain_text("€4.38 less than one by one")
    accept_whole(either)
    expect(walk.notice(either)).to_have_text("Added: Beech charcoal, 3 kg, Grill tools, set of three.")
    walk.expect_lines(either, (GRILL, "1"), (CHARCOAL, "1"), (TOOLS, "1"))
    walk.expect_due(either, "€228.42")
    walk.undo_button(either).click()
    walk.expect_lines(either, (GRILL, "1"))
    walk.expect_due(either, "€189.00")


def test_a_bundle_costs_its_normal_price_when_a_part_is_taken_out(either: Page) -> None:
    walk.put(either, "ember-kettle-grill")
    accept_whole(either)
    walk.expect_lines(either, (GRILL, "1"), (CHARCOAL, "1"), (TOOLS, "1"))
    either.goto("/cart")
    walk.press(either.locator(f'li.line[data-sku="{CHARCOAL}"]').get_by_role("button", name="Remove"))
    expect(walk.slot(either)).to_contain_text("Grill tools, set of three is at its normal price")
    walk.expect_due(either, "€223.90")


def test_an_order_is_thanked_for_and_the_club_can_be_joined(either: Page) -> None:
    page = either
    walk.put(page, "ember-kettle-grill")
    accept_whole(page)
    walk.expect_lines(page, (GRILL, "1"), (CHARCOAL, "1"), (TOOLS, "1"))
    page.goto("/checkout")
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/order/*")
    expect(page.locator(".sums .due dd")).to_have_text("€228.42")
    thanks = walk.slot(page, "confirmation").locator(".upsell-thanks")
    expect(thanks).to_have_text("Thank you! Take 10 % off your next order with WELCOME10")
    page.reload()
    expect(thanks).to_be_visible()
    club = walk.card(page, CLUB, "confirmation")
    expect(club).to_contain_text("Free, and you can leave at any time")
    expect(club.locator('form[data-upsell-action="accept"]')).to_have_count(0)
    club.get_by_role("link", name="Read more").click()
    page.wait_for_url("**/club")
    page.get_by_role("button", name="Join the club").click()
    expect(page.get_by_text("You are a member.")).to_be_visible()
    walk.put(page, "ember-kettle-grill")
    expect(walk.card(page, TOOLS)).to_contain_text("€29.90")
    assert BUNDLE not in products(page)
    page.goto("/club")
    walk.press(page.get_by_role("button", name="Leave the club"))
    page.goto("/cart")
    assert BUNDLE in products(page)


def test_no_thanks_to_a_bundle_and_to_a_programme_holds(either: Page) -> None:
    page = either
    walk.put(page, "ember-kettle-grill")
    walk.button(page, "decline", BUNDLE).click()
    expect(walk.card(page, BUNDLE)).to_have_count(0)
    page.goto("/checkout")
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/order/*")
    walk.button(page, "decline", CLUB, "confirmation").click()
    expect(walk.card(page, CLUB, "confirmation")).to_have_count(0)
    page.reload()
    expect(walk.card(page, CLUB, "confirmation")).to_have_count(0)
