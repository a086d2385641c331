"""The whole road in a real browser with JavaScript: no page is loaded again, and the store's own cart follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import walk
from tests.browser.demo import Demo

pytestmark = pytest.mark.browser


def test_the_whole_road(demo: Demo, page: Page) -> None:
    before = walk.counted(demo)
    walk.journey(page)
    # accepted: complement, plus, plus, complement; undone: complement, plus; ordered: plus, complement
    walk.wait_for_counts(demo, before, accepted=4, undone=2, declined=1, converted=2)
    after = walk.counted(demo)
    assert after["shown"] > before["shown"]


def test_accepting_and_undoing_load_no_page(page: Page) -> None:
    walk.put(page)
    page.evaluate("window.stillHere = 'the same page'")
    complement = walk.choose_sensibly(page)
    walk.button(page, "accept", complement).click()
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))
    walk.undo_button(page).click()
    walk.expect_lines(page, (walk.LAPTOP, "1"))
    walk.button(page, "accept", walk.PLUS).click()
    walk.expect_lines(page, (walk.PLUS, "1"))
    walk.expect_due(page, "€799.00")
    offers = walk.offered(page)
    walk.button(page, "decline", offers[-1][1]).click()
    expect(walk.card(page, offers[-1][1])).to_have_count(0)
    assert page.evaluate("window.stillHere") == "the same page"
    page.reload()
    assert page.evaluate("window.stillHere") is None
    walk.expect_lines(page, (walk.PLUS, "1"))
    assert offers[-1][1] not in [product for _, product in walk.offered(page)]


def test_a_double_click_adds_once(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    walk.button(page, "accept", complement).dblclick()
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))
    page.reload()
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))


def test_a_stale_offer_of_a_second_tab_is_answered_kindly(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    second = page.context.new_page()
    second.goto("/cart")
    page.locator("li.line").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("It is empty")).to_be_visible()
    walk.button(second, "accept", walk.PLUS).click()
    expect(walk.notice(second)).to_contain_text("not in your cart any more")
    expect(walk.slot(second).locator("[data-upsell-tone]")).to_have_attribute("data-upsell-tone", "sorry")
    page.goto("/cart")
    expect(page.get_by_text("It is empty")).to_be_visible()
    assert complement not in page.content()


def test_the_checkout_of_a_cart_that_another_tab_changed_asks_again(page: Page) -> None:
    walk.put(page)
    page.goto("/checkout")
    second = page.context.new_page()
    second.goto("/cart")
    walk.button(second, "accept", walk.PLUS).click()
    walk.expect_lines(second, (walk.PLUS, "1"))
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_contain_text("Your cart has changed")
    walk.expect_due(page, "€799.00")


def test_accepting_on_the_checkout_keeps_what_was_typed_and_the_total_follows(page: Page) -> None:
    walk.put(page)
    page.goto("/checkout")
    page.get_by_label("Name").fill("Ada")
    (_, product), *_ = [offer for offer in walk.offered(page, "checkout") if offer[0] == "complement"]
    walk.button(page, "accept", product, "checkout").click()
    expect(page.locator(".summary li")).to_have_count(2)
    expect(page.get_by_label("Name")).to_have_value("Ada")
    due = page.locator(".sums .due dd").inner_text()
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/order/*")
    walk.expect_due(page, due)


@pytest.mark.parametrize("how", ["abort", "500", "empty", "login"])
def test_an_answer_that_is_no_slot_falls_back_to_the_real_form(page: Page, complaints: list[str], how: str) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    page.evaluate("window.stillHere = true")

    def answer(route: Route) -> None:
        if route.request.headers.get("x-upsell") is None:
            route.continue_()
        elif how == "abort":
            route.abort()
        else:
            body = "<h1>Please log in</h1>" if how == "login" else ""
            route.fulfill(status=500 if how == "500" else 200, body=body, content_type="text/html")

    page.route("**/upsell/accept", answer)
    with page.expect_navigation():
        walk.button(page, "accept", complement).click()
    assert page.url.endswith("/cart")
    assert page.evaluate("window.stillHere") is None
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))
    expect(walk.notice(page)).to_contain_text("Added:")
    if how in ("abort", "500"):
        # The browser itself tells of a request that failed.
        assert complaints
        complaints.clear()


def test_an_answer_that_was_lost_on_its_way_adds_once(page: Page, complaints: list[str]) -> None:
    """The store did it, the shopper's connection broke: the real form comes with the same key."""
    walk.put(page)
    complement = walk.choose_sensibly(page)

    def lose(route: Route) -> None:
        if route.request.headers.get("x-upsell") is None:
            route.continue_()
        else:
            route.fetch()
            route.abort()

    page.route("**/upsell/accept", lose)
    with page.expect_navigation():
        walk.button(page, "accept", complement).click()
    walk.expect_lines(page, (walk.LAPTOP, "1"), (complement, "1"))
    assert complaints
    complaints.clear()


def test_a_cancelled_event_sends_nothing(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    listener = "(event) => { window.asked = event.detail; event.preventDefault(); }"
    page.evaluate(f"document.addEventListener('upsell:accept', {listener})")
    with_requests: list[str] = []
    page.on("request", lambda request: with_requests.append(request.url))
    walk.button(page, "accept", complement).click()
    page.wait_for_timeout(300)
    asked = page.evaluate("window.asked")
    assert (asked["placement"], asked["product"], asked["kind"]) == ("cart", complement, "complement")
    assert not [url for url in with_requests if "/upsell/" in url]
    walk.expect_lines(page, (walk.LAPTOP, "1"))


def test_the_stores_own_change_refreshes_the_slot(page: Page) -> None:
    walk.put(page)
    complement = walk.choose_sensibly(page)
    second = page.context.new_page()
    second.goto("/cart")
    walk.button(second, "accept", complement).click()
    walk.expect_lines(second, (walk.LAPTOP, "1"), (complement, "1"))
    page.evaluate("document.dispatchEvent(new Event('upsell:cart-changed'))")
    expect(walk.card(page, complement)).to_have_count(0)
