"""The real demo and a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.demo import Demo, running

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-dev-shm-usage"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("demo") / "shop") as started:
        yield started


@pytest.fixture(scope="session")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGS)
        yield browser
        browser.close()


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(chromium: Browser, demo: Demo) -> Iterator[NewContext]:
    """Makes browsers of their own, with their own cookies."""
    opened: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = chromium.new_context(base_url=demo.url, **options)
        context.set_default_timeout(10_000)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser's console complains about; it must be empty in the end."""
    heard: list[str] = []
    yield heard
    assert heard == []


@pytest.fixture
def page(new_context: NewContext, complaints: list[str]) -> Page:
    """A page with JavaScript; whatever breaks the content security policy or a script is a complaint."""
    return listened(new_context().new_page(), complaints)


@pytest.fixture
def plain_page(new_context: NewContext, complaints: list[str]) -> Page:
    """A page without JavaScript."""
    return listened(new_context(java_script_enabled=False).new_page(), complaints)


def listened(page: Page, complaints: list[str]) -> Page:
    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page
