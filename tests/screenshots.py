"""`python -m tests.screenshots`: pictures of the widgets in the demo store and of the admin, for people to look at.

Writes build/screenshots/PAGE-LANGUAGE-SCHEME-WIDTH.png: the gallery, and the cart, checkout and confirmation of a
shopper with a laptop; English and Arabic, light and dark, 1280 and 390 pixels wide. And admin-PAGE-SCHEME-WIDTH.png of
every page of the admin (tests/browser/adminpages.py). `python -m tests.screenshots admin` writes those alone.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import adminpages, walk
from tests.browser.demo import Demo, running

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "screenshots"
LANGUAGES, SCHEMES, WIDTHS = ("en", "ar"), ("light", "dark"), (1280, 390)


def shoot(page: Page, name: str) -> None:
    """The whole page in each width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        # Pictures further down are loaded when they come near.
        page.evaluate("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
        page.wait_for_load_state("networkidle")
        path = FOLDER / f"{name}-{width}.png"
        page.screenshot(path=path, full_page=True)
        print(path.relative_to(ROOT))


def walk_through(browser: Browser, url: str, language: str, scheme: str) -> None:
    context = browser.new_context(base_url=url, color_scheme="dark" if scheme == "dark" else "light")
    page, end = context.new_page(), f"{language}-{scheme}"
    page.goto(f"/upsell-gallery?show={language}&theme={scheme}")
    shoot(page, f"gallery-{end}")
    page.goto(f"/?lang={language}")
    walk.put(page)
    shoot(page, f"cart-{end}")
    page.goto("/checkout")
    shoot(page, f"checkout-{end}")
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url("**/order/*")
    shoot(page, f"confirmation-{end}")
    context.close()


def walk_through_admin(browser: Browser, demo: Demo, pages: dict[str, str], scheme: str) -> None:
    context = browser.new_context(base_url=demo.url, color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    adminpages.sign_in(page)
    for name, path in pages.items():
        page.goto(path)
        shoot(page, f"admin-{name}-{scheme}")
    context.close()


def main(only: str = "") -> None:
    chromium = subprocess.run([ROOT / ".ci" / "chromium"], capture_output=True, text=True, check=True).stdout.strip()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, running(Path(folder) / "shop") as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for language, scheme in product(LANGUAGES, SCHEMES) if only != "admin" else ():
            walk_through(browser, demo.url, language, scheme)
        pages = adminpages.paths(demo)
        for scheme in SCHEMES:
            walk_through_admin(browser, demo, pages, scheme)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
