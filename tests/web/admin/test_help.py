"""Help: every page's "?" leads to a section that is there; a language of one's own."""

from __future__ import annotations

import re

from flask import Flask

from flask_upsell.web.admin.help import GLOSSARY
from flask_upsell.web.admin.office import MENU
from tests.web.admin.conftest import MakeClerk
from tests.web.admin.test_gate import VERDICTS, a_path, routes


def test_each_page_leads_to_its_section(app: Flask, clerk: MakeClerk) -> None:
    olga = clerk()
    page = olga.get("/help").text
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(set(anchors)) == len(anchors)
    assert {name for name, _ in MENU if name != "help"} <= set(anchors)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    for path in [path for method, path in VERDICTS if method == "GET"]:
        answer = olga.get(a_path(path))
        if answer.status_code == 200 and "<h1>" in answer.text and path != "/help":
            (found,) = re.findall(r'href="/upsell/admin/help#([^"]+)"', answer.text)
            assert found in anchors, path
    assert ("GET", "/help") in routes(app)


def test_words_stand_in_their_order_and_the_role_is_told(clerk: MakeClerk) -> None:
    assert [anchor for anchor, _, _ in GLOSSARY] == sorted(anchor for anchor, _, _ in GLOSSARY)
    assert "You are here as viewer." in clerk("viewer").get("/help").text


def test_a_language_is_chosen_and_leads_back(clerk: MakeClerk) -> None:
    vera = clerk("viewer")
    for back, there in (
        ("/upsell/admin/help?a=1", "/upsell/admin/help?a=1"),
        ("https://evil.example", "/upsell/admin/"),
        ("//evil.example", "/upsell/admin/"),
        ("/upsell/admin/\\evil", "/upsell/admin/"),
        ("", "/upsell/admin/"),
    ):
        assert vera.post("/language", language="en", back=back).headers["Location"] == there
    with vera.client.session_transaction() as kept:
        assert kept["_upsell_language"] == "en"
    vera.post("/language", language="xx")
    with vera.client.session_transaction() as kept:
        assert kept["_upsell_language"] == "en"
    assert '<html lang="en"' in vera.get("/", **{"Accept-Language": "de"}).text
