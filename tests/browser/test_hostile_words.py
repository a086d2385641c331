"""Texts of merchants and products that try to be more than text: in every field, in the real templates, without any
policy that would stop them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from flask import Flask
from playwright.sync_api import Dialog, Page, Route, expect

from flask_upsell import Done, Product, Refused, Variant
from flask_upsell.core.context import Line
from flask_upsell.core.kind import Kind
from flask_upsell.core.offer import Asked, Decision, Item, Offer, Quote, Reason, offer_id
from flask_upsell.core.product import Reviews
from flask_upsell.core.rule import Copy, Products, Question, Rule
from flask_upsell.web.view import Notice
from tests.browser import walk
from tests.browser.conftest import OpenShop
from tests.browser.payloads import payloads
from tests.browser.shop import said
from tests.web.shop import BOOK, LAPTOP, SessionStore

pytestmark = pytest.mark.browser
PLAIN, EACH = "plain words", 50
WATCH = "window.hits = []; window.pwned = (what) => window.hits.push(what); window.alert = window.pwned;"
#: Tags with the names of their attributes, in order. A title is a link or not, as its address deserves.
SHAPE = """(slot) => [...slot.querySelectorAll("*")].map((e) => {
  if (e.matches("a.upsell-link, .upsell-title > bdi, .upsell-piece-title > bdi")) return "name";
  const names = [...e.attributes].map((a) => a.name).filter((name) => !["src", "href"].includes(name));
  return [e.localName, ...names.sort()].join(" ");
})"""
LINKS = "[...document.querySelectorAll('upsell-slot a')].map((a) => a.protocol)"


def widget_of(words: str) -> Decision:
    """One of each card, every text of which is `words`."""

    def product(ref: str, **more: Any) -> Product:
        # One picture a widget: thousands that are nowhere would take minutes to ask for.
        given: dict[str, Any] = {
            "url": words if ref in ("up", "a") else f"/x?{words}",
            "image": words if ref == "sized" else None,
            "attributes": {words: words},
            "reviews": Reviews(4.5, 9, words),
        }
        return Product(ref, words, 1000, "EUR", **{**given, **more})

    def offer(kind: Kind, better: Product, **more: Any) -> Offer:
        given: dict[str, Any] = {
            "id": offer_id(kind, base.ref, better.ref),
            "kind": kind,
            "product": better,
            "quote": Quote("EUR", 1000, 1, 900 if kind is Kind.UPGRADE else None),
            "reason": Reason(kind, 0, 0, words),
            "trigger": Line("1", "base", 1, 900),
            "base": base,
            "score": 1.0,
            "copy": Copy(headline=words, benefits=(words, words)),
        }
        return Offer(**{**given, **more})

    base = product("base", attributes={f"{words} of old": words})
    sized = product("sized", variants=(Variant(words, words, 1000), Variant("v", words, 1000)))
    pieces = (Item(product("a"), Quote("EUR", 900, 1)), Item(product("b"), Quote("EUR", 900, 1)))
    offers = (
        offer(Kind.UPGRADE, product("up")),
        offer(Kind.UPGRADE, product("plus"), levels=(Item(product("pro"), Quote("EUR", 2000, 1, 900)),)),
        offer(Kind.COMPLEMENT, sized),
        offer(Kind.BUNDLE, product("a"), items=pieces, quote=Quote("EUR", 1800, 1, normal=2000)),
        offer(Kind.PROGRAMME, product("programme", url=f"/club?{words}"), terms=words),
    )
    return Decision("cart", "1", offers, (), question=Asked("q", words, ((words, words), ("other", words))))


def add_nasty_pages(app: Flask, texts: list[str]) -> int:
    """How many pages they are, each with so many texts of all kinds."""
    pages = len(texts) // EACH
    widget: Any = app.jinja_env.globals["upsell"]

    def drawn(number: int) -> str:
        words = texts[number] if number < len(texts) else PLAIN
        place = f"place-{number}"
        html = widget.preview(widget_of(words), "en", notice=Notice(words, "done", words), thanks=(words,), place=place)
        return str(html).replace('data-refresh=""', f'data-refresh="/nasty-slot/{number}"', 1)

    @app.get("/nasty/<int:first>")
    def nasty(first: int) -> str:
        shown = [len(texts), *range(first, len(texts), pages)]
        return f"<!doctype html><title>x</title><main>{widget.head()}{''.join(map(drawn, shown))}</main>"

    @app.get("/nasty-slot/<int:number>")
    def nasty_slot(number: int) -> str:
        return f"<!doctype html><title>x</title>{drawn(number)}"

    return pages


def watched(page: Page, url: str) -> list[str]:
    """What goes to other hosts or opens a dialog; pictures of other hosts, which merchants have, are not loaded."""
    seen: list[str] = []
    page.add_init_script(WATCH)

    def dismiss(dialog: Dialog) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    def refuse(route: Route) -> None:
        if route.request.resource_type != "image":
            seen.append(route.request.url)
        route.abort()

    page.on("dialog", dismiss)
    page.route(lambda address: not address.startswith(url), refuse)
    return seen


@pytest.mark.soak
def test_texts_stay_texts(
    open_shop: OpenShop, page: Page, complaints: list[str], amount: Callable[[int, int], int]
) -> None:
    """In every field, when the page comes; each fifth page also after the script has fetched its slots again.

    Planted bugs that it shows: `{{ card.title|safe }}`, `alt={{ card.title }}` without quotes, LINKS that let
    everything through, and in the script `this.innerHTML = answer.innerHTML.replaceAll("&lt;", "<")`.
    """
    texts = payloads(amount(250, 500))
    assert len(texts) == amount(250, 500)
    shop = open_shop([], policy="")
    pages = add_nasty_pages(shop.app, texts)
    elsewhere = watched(page, shop.url)
    for first in range(pages):
        page.goto(f"{shop.url}/nasty/{first}", wait_until="domcontentloaded")
        for fetched in (False, True)[: 2 - (first % 5 > 0)]:
            if fetched:
                page.evaluate("document.querySelectorAll('.upsell-offers').forEach((e) => e.remove())")
                page.evaluate("document.dispatchEvent(new Event('upsell:cart-changed'))")
                page.wait_for_function(
                    "[...document.querySelectorAll('upsell-slot')].every((e) => e.querySelector('.upsell-offers'))"
                )
            shapes = page.evaluate(
                f"[...document.querySelectorAll('upsell-slot')].map({SHAPE}).map((e) => e.join('\\n'))"
            )
            assert len(shapes) == EACH + 1
            others = [number for number, shape in enumerate(shapes) if shape != shapes[0]]
            assert others == [], [texts[first + pages * (number - 1)] for number in others]
            assert set(page.evaluate(LINKS)) <= {"http:", "https:", ":"}, "a colon alone is no address at all"
            assert page.locator("main > :not(upsell-slot, link, script)").count() == 0
        assert page.evaluate("window.hits") == []
    assert elsewhere == []
    # Pictures that are nowhere are what these addresses amount to.
    assert [
        each for each in complaints if not re.search("Failed to load resource|net::|Not allowed to load", each)
    ] == []
    complaints.clear()


class Rude(SessionStore):
    """Refuses the card in words of its own."""

    words = ""

    def add(self, product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        if product == "card":
            return Refused(self.words)
        return super().add(product, variant, quantity, unit_price)


def test_a_journey_among_them(open_shop: OpenShop, page: Page) -> None:
    """The whole way with a real store: shown, answered, accepted, undone, refused, declined.

    Planted bug that it shows: notices printed with `|safe`.
    """
    words = "".join(payloads(60)[:60:3])
    goods = [
        Product(ref, words, 1000, "EUR", category=words, attributes={words: words + ref}, reviews=Reviews(4, 3, words))
        for ref in ("bag", "card")
    ]
    ask = Rule(name="ask", ask=Question(words={"en": words}, answers={"a": {"en": words}, "b": {"en": words}}))
    goes = Rule(
        name="goes",
        offer=Products(refs=("bag", "card")),
        stop=True,
        copy={"en": Copy(headline=words, benefits=(words,))},
    )
    store = Rude([msgspec.structs.replace(LAPTOP, title=words), *goods])
    store.words = words
    shop = open_shop(
        list(store.shelf.values()),
        ask,
        goes,
        policy="",
        store=store,
        book={"laptop": BOOK["laptop"], "bag": BOOK["bag"]},
    )
    elsewhere = watched(page, shop.url)
    shop.cart(page, "laptop")
    page.locator("form[data-upsell-action=answer] button").first.click()
    expect(page.locator(".upsell-question")).to_have_count(0)
    walk.button(page, "accept", "bag").click()
    said(page, "Added: <script>")
    walk.undo_button(page).click()
    said(page, "Undone: <script>")
    walk.button(page, "accept", "card").click()
    said(page, words[:30])
    walk.button(page, "decline", "card").click()
    said(page, "we will not suggest it again")
    page.wait_for_timeout(200)
    assert page.evaluate("window.hits") == []
    assert (
        page.locator("upsell-slot :is(script, iframe, svg, math, style, form form, [onerror], [onload])").count() == 0
    )
    assert page.evaluate("document.querySelectorAll('script').length") == 1
    assert elsewhere == []
