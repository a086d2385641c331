"""Texts of products that try to be more than text: in the follow-up mail, as a browser draws it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from flask_upsell import Order, Product
from flask_upsell.core.context import Line
from flask_upsell.core.followup import Plan
from flask_upsell.core.offer import Decision, Kind, Offer, Quote, Reason
from flask_upsell.web.mail import Writer
from flask_upsell.web.speech import Languages
from flask_upsell.web.tokens import Tokens
from tests.browser.conftest import OpenShop
from tests.browser.payloads import payloads
from tests.browser.test_hostile_words import EACH, PLAIN, watched
from tests.core.build import NOW

pytestmark = pytest.mark.browser
#: Tags with the names of their attributes, in order; without the picture whose address is hostile: it is there or not,
#: as that deserves.
SHAPE = """(page) => [...page.querySelectorAll("*:not(img:not([src$='/picture']))")].map(
  (e) => [e.localName, ...[...e.attributes].map((a) => a.name).sort()].join(" "))"""
READ = f"""() => [...document.querySelectorAll("iframe")].map((frame) => {{
  const page = frame.contentDocument;
  return {{ shape: ({SHAPE})(page), hits: frame.contentWindow.hits, ready: page.readyState,
    links: [...page.links, ...page.images].map((e) => new URL(e.src || e.href).protocol) }};
}})"""


def mail_of(words: str, writer: Writer) -> str:
    """Two offers, and what was bought, every text and address of which is `words`."""

    def product(ref: str, **more: Any) -> Product:
        return Product(ref, words, 1000, "EUR", **{"url": f"/x?{words}", "image": None, **more})

    base = product("base")
    offers = [
        Offer(each.ref, Kind.COMPLEMENT, each, Quote("EUR", 1000, 1), reason, Line("", "base", 1, 900), base, 1.0)
        for each, reason in (
            (product("a", image=words), Reason(Kind.COMPLEMENT, 9, 20, words)),
            (product("b", url=words, image="/picture"), Reason(Kind.COMPLEMENT, 0, 0, words)),
        )
    ]
    plan, order = Plan("1", "pseudonym", "en", NOW), Order("1", "EUR", (), "customer")
    return writer.write(plan, order, (words, words), Decision("mail", "1", tuple(offers), ())).html


@pytest.mark.soak
def test_texts_stay_texts_in_a_mail(
    open_shop: OpenShop, page: Page, complaints: list[str], amount: Callable[[int, int], int]
) -> None:
    """Each mail in a frame of its own, with scripts allowed, which no mail program does.

    Planted bugs that it shows: `{{ offer.title|safe }}`, `alt={{ offer.title }}` without quotes, and addresses
    that are not looked at (`_link` returns what it got).
    """
    texts = [PLAIN, *payloads(amount(250, 500))]
    assert len(texts) == amount(251, 501)
    shop = open_shop([], policy="")
    writer = Writer(shop.url, "/upsell", Tokens(("k" * 32,), "upsell", 1800), Languages("en"))

    @shop.app.get("/mail/<int:number>")
    def mail(number: int) -> str:
        return mail_of(texts[number], writer)

    @shop.app.get("/mails/<int:first>")
    def mails(first: int) -> str:
        frames = [f'<iframe src="/mail/{number}"></iframe>' for number in (0, *range(first, first + EACH))]
        return "<!doctype html><title>x</title>" + "".join(frames)

    elsewhere = watched(page, shop.url)
    for first in range(1, len(texts), EACH):
        page.goto(f"{shop.url}/mails/{first}", wait_until="domcontentloaded")
        page.wait_for_function(f"({READ})().every((each) => each.ready != 'loading' && each.shape.length > 9)")
        plain, *found = page.evaluate(READ)
        assert len(found) == EACH
        for number, each in enumerate(found):
            text = texts[first + number]
            assert each["shape"] == plain["shape"], text
            assert each["hits"] == [], text
            assert set(each["links"]) <= {"http:", "https:"}, text
    page.wait_for_timeout(200)
    assert page.evaluate(f"({READ})().flatMap((each) => each.hits)") == []
    assert elsewhere == []
    complaints.clear()  # pictures that are nowhere
