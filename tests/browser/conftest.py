"""The real demo, small shops beside it, and a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from flask_upsell import Product
from flask_upsell.core.affinity import Affinities
from flask_upsell.core.rule import Rule
from flask_upsell.core.rulebook import RuleBook
from tests.browser.demo import Demo, running
from tests.browser.shop import STRICT, Shop, nonce, opened
from tests.conftest import MakeApp
from tests.web.shop import BOOK, GOODS, SessionStore, parts_of

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-dev-shm-usage"]

# Nothing but a hang takes longer, however busy the machine is.
expect.set_options(timeout=60_000)


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
        context.set_default_timeout(60_000)
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


OpenShop = Callable[..., Shop]


@pytest.fixture
def open_shop(make_app: MakeApp) -> Iterator[OpenShop]:
    """Opens small shops: their goods, their rules, what was learned, the language, a policy ("" is none)."""
    with ExitStack() as until_then:

        def make(
            goods: Iterable[Product] = GOODS,
            *rules: Rule,
            book: Mapping[str, Affinities] = BOOK,
            language: str = "en",
            policy: str = STRICT,
            store: SessionStore | None = None,
            ladders: Mapping[str, tuple[str, ...]] | None = None,
            **config: Any,
        ) -> Shop:
            goods = tuple(goods)
            store = store or SessionStore(goods, urls={"cart": "/cart", "checkout": "/checkout"}, locale=language)
            store.facts = {"language": language}
            app = make_app(store, UPSELL_CSP_NONCE=nonce, **config)
            shop = until_then.enter_context(opened(app, store, goods, book, policy))
            offers = parts_of(app).offers
            offers.rules.save(RuleBook(rules=rules, ladders=dict(ladders or {})), datetime.now(UTC))
            offers.publish_rules()
            return shop

        yield make
