"""What can be measured of the widgets on a page: each function names what is wrong, and nothing when all is well."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Route

_SCRIPT = Path(__file__).with_name("seen.js").read_text()


def _measured(page: Page, name: str) -> list[str]:
    found: list[str] = page.evaluate(f"(() => {{ {_SCRIPT}\nreturn {name}(); }})()")
    return found


def badly_placed(page: Page) -> list[str]:
    """What scrolls sideways, is clipped, sticks out of its card or lies over something else."""
    return _measured(page, "geometry")


def badly_named(page: Page) -> list[str]:
    """Controls whose name lacks what they show, their product or its whole price."""
    return _measured(page, "names")


def badly_sized(page: Page) -> list[str]:
    """Targets below 24 px, buttons below 44 px."""
    return _measured(page, "targets")


def unequal(page: Page) -> list[str]:
    """Each "No thanks" that is smaller than its "Add", or not beside it."""
    return _measured(page, "unequal")


def badly_readable(page: Page) -> list[str]:
    """Buttons whose text has a contrast below 4.5 to 1."""
    return _measured(page, "contrast")


def without_scripts(plain: Page, context: BrowserContext) -> Page:
    """The document that a browser without scripts has drawn, in a page where axe can run.

    axe is a script itself and hangs where there are none. So the document is taken out of `plain`, as it is there, and
    opened at the same address in a context with scripts, which lets none of the page's own through.
    """
    html, page, kept_out = plain.content(), context.new_page(), []
    assert "<noscript" not in html, "a browser with scripts would not show what is in it"

    def serve(route: Route) -> None:
        kind = route.request.resource_type
        if kind == "document":
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif kind == "script":
            kept_out.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/*", serve)
    page.goto(plain.url)
    assert kept_out, "there was no script to keep out"
    assert page.evaluate("customElements.get('upsell-slot') === undefined")
    return page
