"""The admin's pages in one place: for pictures of them (`make screenshots`) and for what must hold on each of them."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.demo import Demo

#: Name of a picture -> path below /upsell/admin. A part that adds a page adds it here.
PAGES = {
    "home": "/",
    "rules": "/rules",
    "rules-none": "/rules?q=nothing+like+that",
    "rule-new": "/rules/new",
    "rule": "/rules/{rule}",
    "rule-unfinished": "/rules/{unfinished}",
    "seasons": "/seasons",
    "season-new": "/seasons/{season}",
    "simulate": "/simulate",
    "simulation": "/simulate/{run}",
    "suggestions": "/suggestions",
    "suggestions-none": "/suggestions?q=nothing+like+that",
    "suggestions-seasonal": "/suggestions?kind=seasonal",
    "learning": "/learning",
    "products": "/products",
    "product": "/products/one?ref=CH-0030",
    "publish": "/publish",
    "compare": "/publish/compare",
    "rollback": "/publish/revision/1",
    "files": "/files",
    "files-look": "/files/import/{upload}",
    "audit": "/audit",
    "audit-verified": "/audit/verify",
    "options": "/options",
    "api": "/api",
    "keys": "/keys",
    "help": "/help",
}
#: What is tried and edited in the pictures: a draft of a rule, and of a season.
RULE = """{
    "name": "office-with-laptops", "label": "Office software with every laptop",
    "when": {"lines": {"category": "Laptops"}}, "offer": {"products": ["SW-0365"]},
    "discount": {"percent": "15", "floor": {"price": "50.00 EUR"}}, "priority": "5"
}"""
SEASON = """{
    "name": "spring-sale", "label": "Spring sale", "yearly": [{"start": "03-20", "end": "04-05"}],
    "south": {"yearly": [{"start": "09-20", "end": "10-05"}]}
}"""
PAIRS = "for;offer;verdict;why\nCH-0030;SW-0365;approve;They fit\nCH-0030;no-such-product;never;\n"
#: Runs in the demo's own app: makes the drafts, and tries one of them without waiting for a worker.
MAKE = """
import json
from flask_upsell.adapters.audit import acting
from flask_upsell.core.seasonal import Seasonal
from flask_upsell.demo.app import create_app
from flask_upsell.desk.pairfile import read_pairs
from flask_upsell.jobs import parts
from flask_upsell.web.drafted import read

app = create_app({folder!r})
with app.app_context(), acting("emil"):
    desk = parts("upsell").desk
    desk.offers.ledger.save_seasonal([
        Seasonal("CO-0120", "WP-0002", "02-01", "02-14", 42, 310, 1240, 5.21, 3, 2100, 0.9, 2, 31.0),
        Seasonal("SM-0044", "SU-0050", "06-20", "08-28", 54, 92, 980, 4.1, 2, 61, 0.6, 1, 24.0),
        Seasonal("TA-0080", "FF-0038", "12-20", "01-06", 12, 40, 310, 3.0, 1, 512, 0.7, 2, 17.0),
    ])
    desk.seasonal.begin("TA-0080", "FF-0038")
    rule = desk.drafts.begin("rule", json.loads({rule!r}))
    season = desk.drafts.begin("season", json.loads({season!r}))
    unfinished = desk.drafts.begin("rule", {{"name": "not-finished"}})
    run = desk.simulation.start([(rule, read(rule)[0])], [], 100)
    desk.simulation.run(run)
    waits = desk.drafts.begin("rule", {{**json.loads({rule!r}), "name": "waits", "label": "Waits for its review"}})
    desk.drafts.submit(waits.id, waits.version, "For the weekend, as we said")
    made = {{"rule": rule.id, "unfinished": unfinished.id, "season": season.id, "run": run}}
with app.app_context(), acting("olga"):
    pairs, _ = read_pairs({pairs!r}.encode())
    print(json.dumps({{**made, "upload": desk.imports.keep("pairs", "decisions.csv", pairs)}}))
"""


def sign_in(page: Page, name: str = "olga") -> None:
    """As one of the demo's staff."""
    page.goto("/staff")
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/upsell/admin/**")


def paths(demo: Demo) -> dict[str, str]:
    """Name -> whole path, with drafts and a run that were made for it."""
    made = demo.python(MAKE.format(folder=str(demo.folder), rule=RULE, season=SEASON, pairs=PAIRS))
    return {name: "/upsell/admin" + path.format(**made) for name, path in PAGES.items()}
