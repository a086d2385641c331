"""Rules put into another order by mouse and keyboard, and what happens when two work on the same or a role is taken
away: nothing that was typed is lost, and what is live is touched by nobody unasked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from flask_upsell.adapters.audit import acting
from flask_upsell.core.rule import Products, Rule
from flask_upsell.web.drafted import written
from tests.browser.conftest import OpenShop, listened
from tests.browser.shop import Shop
from tests.web.admin.conftest import by_header
from tests.web.shop import GOODS, parts_of

pytestmark = pytest.mark.browser
RULES = tuple(Rule(name=name, label=name.title(), offer=Products(refs=("bag",))) for name in ("tea", "cups", "pots"))
As = Callable[[str, str], Page]


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    return open_shop(GOODS, *RULES, policy="", UPSELL_ADMIN_USER=by_header)


@pytest.fixture
def as_(chromium: Browser, shop: Shop) -> As:
    """A browser of a person ("name", "role")."""

    def opened(name: str, role: str) -> Page:
        context = chromium.new_context(base_url=shop.url, viewport={"width": 1280, "height": 900})
        context.set_extra_http_headers({"X-Person": f"{name}:{role}"})
        context.set_default_timeout(60_000)
        return context.new_page()

    return opened


def order(page: Page) -> list[str]:
    return [str(row.get_attribute("data-rule")) for row in page.locator("tr[data-rule]").all()]


def live(shop: Shop) -> list[str]:
    return [rule.name for rule in parts_of(shop.app).offers.shelf.read(()).rules.book.rules]


def nothing_kept(page: Page) -> None:
    """Wait until the tab keeps nothing any more, as all is saved."""
    for _ in range(600):
        if not page.evaluate("sessionStorage.length"):
            return
        page.wait_for_timeout(100)
    raise AssertionError(page.evaluate("JSON.stringify(sessionStorage)"))


def test_rules_are_dragged_by_mouse(shop: Shop, as_: As, complaints: list[str]) -> None:
    """Planted bug that it shows: what is dropped on the lower half of a row is put before it."""
    page = listened(as_("anna", "approver"), complaints)
    page.goto("/upsell/admin/rules")

    def drag(name: str, onto: str, half: float) -> None:
        """As a hand does: down, over the rows on the way, up."""
        boxes = [page.locator(f"tr[data-rule={each}] td.what").bounding_box() for each in (name, onto)]
        assert boxes[0] is not None and boxes[1] is not None
        page.mouse.move(boxes[0]["x"] + 20, boxes[0]["y"] + boxes[0]["height"] / 2)
        page.mouse.down()
        page.mouse.move(boxes[1]["x"] + 30, boxes[1]["y"] + boxes[1]["height"] / 2, steps=4)
        page.mouse.move(boxes[1]["x"] + 30, boxes[1]["y"] + boxes[1]["height"] * half, steps=4)
        expect(page.locator(f"tr[data-rule={onto}]")).to_have_class("here")
        with page.expect_navigation():
            page.mouse.up()

    drag("pots", "tea", 0.2)
    assert order(page) == ["pots", "tea", "cups"] == live(shop)
    drag("pots", "tea", 0.8)
    assert order(page) == ["tea", "pots", "cups"] == live(shop)


def test_rules_are_moved_by_keyboard_alone(shop: Shop, as_: As, complaints: list[str]) -> None:
    """Planted bug that it shows: after each step one is at the top of the page again."""
    page = listened(as_("anna", "approver"), complaints)
    page.goto("/upsell/admin/rules")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Try pots earlier":
            break
    for expected in (["tea", "pots", "cups"], ["pots", "tea", "cups"]):
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert order(page) == expected == live(shop)
    expect(page.get_by_role("button", name="Try pots later")).to_be_focused()


def test_who_saves_later_sees_what_the_other_wrote(shop: Shop, as_: As) -> None:
    """And keeps what was typed. Planted bug that it shows: the later one wins unasked."""
    desk = parts_of(shop.app).desk
    with acting("emil"):
        draft = desk.drafts.begin("rule", written("rule", "tea", RULES[0]), "tea")
    emil, anna = as_("emil", "editor"), as_("anna", "approver")
    for page in (emil, anna):
        page.goto(f"/upsell/admin/rules/{draft.id}")
    anna.locator("[name=label]").fill("Anna's tea")
    expect(anna.locator("#told")).to_contain_text("Saved by anna")
    emil.locator("[name=label]").fill("Emil's tea")
    told = emil.locator("#told")
    expect(told).to_contain_text("anna saved this draft first.")
    expect(told.locator("tbody tr")).to_contain_text(["Emil's tea"])
    expect(told.locator("tbody tr")).to_contain_text(["Anna's tea"])
    expect(emil.locator("[name=label]")).to_have_value("Emil's tea")
    assert desk.drafts.get(draft.id).written["label"] == "Anna's tea"
    with emil.expect_navigation():
        emil.get_by_role("button", name="Keep mine").click()
    expect(emil.locator("#told")).to_contain_text("Saved by emil")
    assert desk.drafts.get(draft.id).written["label"] == "Emil's tea"
    anna.locator("[name=label]").fill("Anna's tea again")
    expect(anna.locator("#told")).to_contain_text("emil saved this draft first.")
    with anna.expect_navigation():
        anna.get_by_role("link", name="Take theirs").click()
    expect(anna.locator("[name=label]")).to_have_value("Emil's tea")
    assert live(shop) == ["tea", "cups", "pots"]


def test_a_stale_tab_publishes_nothing(shop: Shop, as_: As) -> None:
    """What it shows was changed since. Planted bug that it shows: the mark of a draft is its id alone."""
    desk = parts_of(shop.app).desk
    with acting("emil"):
        draft = desk.drafts.begin("rule", {**written("rule", "tea", RULES[0]), "label": "Seen"}, "tea")
    anna = as_("anna", "approver")
    anna.goto("/upsell/admin/publish")
    anna.get_by_role("checkbox", name="Publish tea").check()
    anna.get_by_label("Reason").fill("As agreed")
    with acting("emil"):
        desk.drafts.save(draft.id, draft.version, {**draft.written, "label": "Not seen"})
    anna.get_by_role("button", name="Publish", exact=True).click()
    expect(anna.get_by_role("alert").first).to_be_visible()
    expect(anna.get_by_label("Reason")).to_have_value("As agreed")
    expect(anna.locator("main")).to_contain_text("Not seen")
    book = desk.offers.shelf.read(()).rules.book
    assert [rule.label for rule in book.rules] == ["Tea", "Cups", "Pots"]
    # The same of the editor: one tab puts it live, the other one types on.
    olga = as_("olga", "owner")
    for page in (anna, olga):
        page.goto(f"/upsell/admin/rules/{draft.id}")
    anna.get_by_role("button", name="Publish", exact=True).click()
    expect(anna.locator("#said")).to_contain_text("tea is live.")
    olga.locator("[name=label]").fill("Too late")
    expect(olga.locator("#told")).to_contain_text("published or thrown away meanwhile")
    olga.get_by_role("link", name="Go on with the new draft").click()
    expect(olga.locator("[name=label]")).to_have_value("Too late")
    assert next(rule.label for rule in desk.offers.shelf.read(()).rules.book.rules) == "Not seen"


def test_a_role_that_is_taken_away_costs_nothing_that_was_typed(shop: Shop, as_: As) -> None:
    """Nor does a session that runs out. Planted bug that it shows: the refusal takes the place of what saves."""
    desk = parts_of(shop.app).desk
    with acting("emil"):
        draft = desk.drafts.begin("rule", written("rule", "tea", RULES[0]), "tea")
    emil = as_("emil", "editor")
    emil.goto(f"/upsell/admin/rules/{draft.id}")
    label = emil.locator("[name=label]")
    emil.context.set_extra_http_headers({"X-Person": "emil:viewer"})
    label.fill("Typed as a viewer")
    expect(emil.locator("#said")).to_contain_text("role")
    expect(label).to_have_value("Typed as a viewer")
    assert desk.drafts.get(draft.id).written["label"] == "Tea"
    # He is given it back, and what he types next saves all of it.
    emil.context.set_extra_http_headers({"X-Person": "emil:editor"})
    label.press_sequentially("!")
    expect(emil.locator("#told")).to_contain_text("Saved by emil")
    expect(emil.locator("#told .sentence")).to_be_visible()
    nothing_kept(emil)
    assert desk.drafts.get(draft.id).written["label"] == "Typed as a viewer!"
    # Nobody is signed in any more, and the tab is loaded again afterwards.
    emil.context.set_extra_http_headers({"X-Person": ""})
    label.fill("Typed by nobody")
    expect(emil.locator("#said")).to_contain_text("sign in")
    emil.context.set_extra_http_headers({"X-Person": "emil:editor"})
    emil.reload()
    expect(label).to_have_value("Typed as a viewer!")
    emil.get_by_role("button", name="Put it back").click()
    expect(label).to_have_value("Typed by nobody")
    nothing_kept(emil)
    assert desk.drafts.get(draft.id).written["label"] == "Typed by nobody"
    assert live(shop) == ["tea", "cups", "pots"]
