"""A merchant's first rule in a real browser: written, seen, undone, put live."""

from __future__ import annotations

from playwright.sync_api import Page, expect

#: From sign-in to live.
MOST_INTERACTIONS = 12


def test_a_first_rule_in_a_few_clicks(page: Page) -> None:
    page.goto("/staff")
    done = 0

    def click(name: str, role: str = "button") -> None:
        nonlocal done
        done += 1
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    def pick(name: str, words: str) -> None:
        nonlocal done
        done += 2
        page.locator(f"[data-pick='{name}'] [role=combobox]").first.fill(words)
        page.locator(f"[data-pick='{name}']").get_by_role("option").first.click()

    click("Anna")
    click("Rules", "link")
    click("New rule", "link")
    click("Start with this Goes well together")
    pick("when.all.0.lines.category", "Chocolate")
    pick("offer.products.products", "CH-0030")
    expect(page.locator("#told .sentence")).to_contain_text("When the cart has any Chocolate, offer")
    # The preview is the widget itself, in a frame of its own.
    expect(page.locator(".stage upsell-slot")).to_be_visible()
    click("Publish")
    expect(page.locator("#said")).to_contain_text("is live.")
    assert done <= MOST_INTERACTIONS
    page.locator("#rules tr", has_text="goes-well-together").get_by_role("checkbox").check()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#said")).to_contain_text("One rule is paused.")


def test_nothing_is_lost_while_it_is_written(page: Page) -> None:
    page.goto("/staff")
    page.get_by_role("button", name="Anna").click()
    page.goto("/upsell/admin/rules/new")
    page.get_by_role("button", name="Start with this Upgrade").click()
    page.locator("[name='label']").fill("Better ones")
    page.locator("[name='new.when.all']").select_option("country")
    page.get_by_role("button", name="Add a condition").first.click()
    country = page.locator("[data-pick='when.all.1.country.is'] [role=combobox]").first
    country.fill("DE")
    country.press("Enter")
    expect(page.locator("[name='label']")).to_have_value("Better ones")
    page.get_by_role("button", name="Move Country up").click()
    expect(page.locator("[name='when.all.0.country.is']").first).to_have_value("DE")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[name='when.all.1.country.is']").first).to_have_value("DE")
    page.reload()
    expect(page.locator("[name='label']")).to_have_value("Better ones")
