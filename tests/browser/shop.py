"""A small shop under the strictest policy, served beside the tests: a cart in memory, and a test's own rules."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any

from flask import Flask, Response, g, render_template_string, request
from playwright.sync_api import Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_upsell import Product
from tests.web.shop import SessionStore, publish

#: A store's own script and style need the nonce too; nothing may turn a text into script or markup.
STRICT = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = """<!doctype html>
<html lang="{{ language }}" dir="{{ direction }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><link rel="icon" href="data:,">
{{ upsell.head() }}
</head>
<body><main><h1>{{ title }}</h1>
<ul>{% for line in lines %}<li class="line">{{ line.product }} {{ line.quantity }}</li>{% endfor %}</ul>
{% for placement, given in slots %}{{ upsell(placement, **given) }}
{% endfor %}
<p><a href="/checkout">Checkout</a></p></main></body></html>"""


class Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing."""


@dataclass
class Shop:
    """`url` ends without a slash; `slots` are what `/several` shows."""

    url: str
    app: Flask
    store: SessionStore
    slots: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def lines(self, key: str = "") -> list[tuple[str, int, int]]:
        """(product, quantity, unit price) in the cart of this key, else in the newest one."""
        keys = [key for key in self.store.carts if key]
        return self.store.lines(key or keys[-1]) if keys else []

    def cart(self, page: Page, *refs: str, path: str = "/cart") -> None:
        """Bring a shopper with these products in the cart to a page."""
        for ref in refs:
            page.context.request.get(f"{self.url}/put/{ref}")
        page.goto(self.url + path)


def add_pages(shop: Shop, policy: str) -> None:
    app, store = shop.app, shop.store

    def show(title: str, *slots: tuple[str, dict[str, Any]]) -> str:
        speech = app.extensions["upsell"].languages.speech(store.visitor().language)
        return render_template_string(
            PAGE, title=title, slots=slots, lines=store.cart().lines, language=speech.language,
            direction=speech.direction,
        )  # fmt: skip

    app.add_url_rule("/cart", "cart", lambda: show("Cart", ("cart", {})))
    app.add_url_rule("/checkout", "checkout", lambda: show("Checkout", ("checkout", {})))
    app.add_url_rule("/club", "club", lambda: show("Club"))
    app.add_url_rule("/several", "several", lambda: show("Several", *shop.slots))
    app.add_url_rule("/product/<ref>", "product", lambda ref: show("Product", ("product", {"product": ref})))

    @app.get("/put/<ref>")
    def put(ref: str) -> str:
        store.add(ref, request.args.get("variant"), int(request.args.get("quantity", "1")))
        return "there"

    @app.get("/picture/<name>")
    def picture(name: str) -> Response:
        if name == "none.svg":
            return Response("none", mimetype="image/svg+xml")
        drawn = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>'
        return Response(drawn, mimetype="image/svg+xml")

    @app.after_request
    def strict(response: Response) -> Response:
        if policy and response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = policy.format(nonce())
        return response


def nonce() -> str:
    """Of this response."""
    if "nonce" not in g:
        g.nonce = token_urlsafe(16)
    return str(g.nonce)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Its address while it runs, in threads of this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@contextmanager
def opened(app: Flask, store: SessionStore, goods: tuple[Product, ...], book: Any, policy: str) -> Iterator[Shop]:
    shop = Shop("", app, store)
    add_pages(shop, policy)
    publish(app, goods, book)
    with served(app) as shop.url:
        yield shop


def said(page: Page, words: str, placement: str = "cart") -> None:
    """Wait until the slot's notice says so."""
    expect(page.locator(f'upsell-slot[placement="{placement}"] .upsell-notice-text')).to_contain_text(words)
