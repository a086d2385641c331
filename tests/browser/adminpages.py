"""The admin's pages in one place: for pictures of them (`make screenshots`) and for what must hold on each of them."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.demo import Demo

#: Name of a picture -> path below /upsell/admin. A part that adds a page adds it here.
PAGES = {
    "home": "/",
    "seasons": "/seasons",
    "season-new": "/seasons/{season}",
    "simulate": "/simulate",
    "simulation": "/simulate/{run}",
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
#: Runs in the demo's own app: makes the drafts, and tries one of them without waiting for a worker.
MAKE = """
import json
from flask_upsell.adapters.audit import acting
from flask_upsell.demo.app import create_app
from flask_upsell.jobs import parts
from flask_upsell.web.drafted import read

app = create_app({folder!r})
with app.app_context(), acting("emil"):
    desk = parts("upsell").desk
    rule = desk.drafts.begin("rule", json.loads({rule!r}))
    season = desk.drafts.begin("season", json.loads({season!r}))
    desk.drafts.begin("rule", {{"name": "not-finished"}})
    run = desk.simulation.start([(rule, read(rule)[0])], [], 100)
    desk.simulation.run(run)
    print(json.dumps({{"rule": rule.id, "season": season.id, "run": run}}))
"""


def sign_in(page: Page, name: str = "olga") -> None:
    """As one of the demo's staff."""
    page.goto("/staff")
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/upsell/admin/**")


def paths(demo: Demo) -> dict[str, str]:
    """Name -> whole path, with drafts and a run that were made for it."""
    made = demo.python(MAKE.format(folder=str(demo.folder), rule=RULE, season=SEASON))
    return {name: "/upsell/admin" + path.format(**made) for name, path in PAGES.items()}
