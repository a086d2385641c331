"""The apps that are compared. granian calls `create`; the environment says which one and where the Valkey is."""

from __future__ import annotations

import os
import time
from itertools import cycle
from typing import Any

from flask import Flask, render_template
from redis import Redis

from flask_upsell import Cart, Upsell
from flask_upsell.adapters.book import RedisShelf
from flask_upsell.offers import Offers

from . import sample

#: Which app (bare, warm, varied, cold, first), and the URL of the Valkey.
APP, REDIS = "UPSELL_BENCH_APP", "UPSELL_BENCH_REDIS"
SECRET = "5f0c1d7be8a24936d1f6c07e9b3a8452ce71f09d46b83a25170be9c48d62fa3b"
VALUE_KEY = "bench:value"
#: So many different carts that no memory of earlier answers could hold them.
CARTS = 20_000
CONSTANT = "<!doctype html><title>A constant</title>" + "<p>Nothing was looked up for this.</p>\n" * 25
TABLE = """<!doctype html><title>Your cart</title><h1>Your cart</h1><table>
{%- for line, product in lines %}
<tr><td><a href="{{ product.url }}">{{ product.title }}</a></td>
<td>{{ line.quantity }}</td><td>{{ price(line) }}</td></tr>
{%- endfor %}
</table>"""


def create() -> Flask:
    """The app that the environment asks for."""
    kind, url = os.environ[APP], os.environ[REDIS]
    app = (
        bare(url)
        if kind == "bare"
        else shop(url, cold=kind in ("cold", "first"), first=kind == "first", varied=kind == "varied")
    )

    @app.get("/cpu")
    def cpu() -> str:
        """CPU seconds that this process has used, all its threads."""
        return str(time.process_time())

    return app


def bare(url: str) -> Flask:
    """Flask and nothing else: a constant, and one GET by a client as redis-py makes it.

    It has a secret key like every store: Flask then prepares a session for each request, whoever answers it.
    """
    app = Flask("bench_bare")
    app.config["SECRET_KEY"] = SECRET
    client = Redis.from_url(url)

    @app.get("/constant")
    def constant() -> str:
        return CONSTANT

    @app.get("/get")
    def get() -> Any:
        return client.get(VALUE_KEY)

    return app


def shop(url: str, *, cold: bool = False, first: bool = False, varied: bool = False) -> Flask:
    """A store with the extension and a cart of five lines.

    `cold`: each request finds an empty copy of the book. `first`: each finds nothing at all of what a process keeps,
    no decision and no HTML either. `varied`: each finds another of many carts.
    """
    app = Flask("bench_shop")
    app.config.update(
        SECRET_KEY=SECRET,
        UPSELL_REDIS_URL=url,
        UPSELL_DATABASE_URL="sqlite://",
        UPSELL_CONSENT=lambda: True,
        UPSELL_REDIS_SECONDS=0.25,  # a busy machine must not open the breaker …
        UPSELL_SLOW_SECONDS=0,  # … nor switch anything off
    )
    host = sample.store()
    Upsell(app, store=host)
    offers: Offers = app.extensions["upsell"].offers
    lines = [(line, host.shelf[line.product]) for line in host.cart().lines]
    if cold:
        app.before_request(lambda: forget(offers))
    if first:
        app.before_request(lambda: forget_all(app))
    if varied:
        _fill(offers, list(host.shelf))
        turns = cycle(sample.carts(host.shelf, CARTS))
        app.before_request(lambda: sample.put(host, next(turns)))

    def view(ending: str) -> Any:
        loaded: Cart = host.cart()
        template = app.jinja_env.from_string(TABLE + ending)

        def price(line: Any) -> str:
            return host.format_money(line.unit_price, sample.CURRENCY)

        return lambda: render_template(template, lines=lines, price=price, cart=loaded)

    app.add_url_rule("/plain", "plain", view(""))
    app.add_url_rule("/with", "with", view('{{ upsell("cart", cart=cart) }}'))
    return app


def _fill(offers: Offers, refs: list[str]) -> None:
    """Read the whole book into this process."""
    for start in range(0, len(refs), 25):
        offers.shelf.read(refs[start : start + 25])


def forget(offers: Offers) -> None:
    """Leave only the version's name of this process's copy of the book: the next decision reads it again."""
    shelf = offers.shelf
    assert isinstance(shelf, RedisShelf)
    certain = shelf._copy.certain
    shelf._copy = shelf._empty(shelf._copy.book.version)
    shelf._copy.certain = certain


def forget_all(app: Flask) -> None:
    """Leave neither decisions nor HTML that were made before."""
    app.extensions["upsell"].offers._decided = ("", {})
    widget: Any = app.jinja_env.globals["upsell"]
    widget._blanks.clear()
    widget._numbered.clear()
