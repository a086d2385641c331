"""`flask upsell off`: nothing is offered any more in any process, and what was taken stays."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from flask import Flask
from redis import Redis

from flask_upsell import MemoryStore, Upsell
from flask_upsell.core.switch import Off
from tests.conftest import SECRET, MakeApp
from tests.web.markup import slot, slots
from tests.web.shop import GOODS, SessionStore, Visitor, add_pages, parts_of, publish
from tests.web.test_cli import run


def test_off_ends_all_offers_in_every_process_and_on_brings_them_back(make_app: MakeApp) -> None:
    """Planted bugs that it shows: `publish` does not take the switch along, and `accept` does not ask for it."""
    shops = [make_app(SessionStore(GOODS, urls={"cart": "/cart"})) for _ in range(2)]
    for app in shops:
        add_pages(app, cast(SessionStore, parts_of(app).offers.store))
    publish(shops[0])
    visitors = [Visitor(app).put("laptop") for app in shops]
    tokens = [visitor.see().card("bag").forms["accept"] for visitor in visitors]
    undo = slot(visitors[1].press("accept", "plus").text).undo
    told = run(shops[0], "off", "--why", "the prices are wrong")
    assert (told.exit_code, told.output) == (0, "Off. 'flask upsell on' ends that.\n")
    for visitor, token in zip(visitors, tokens, strict=True):
        assert slots(visitor.client.get("/cart").text)[0].products == []
        assert "switched off just now" in slot(visitor.send(token).text).notice
    assert "the prices are wrong" in run(shops[1], "status").output
    publish(shops[1])
    assert slots(visitors[0].client.get("/cart").text)[0].products == []
    assert slot(visitors[1].send(undo).text).notice == "Undone: Laptop Plus.", "what was taken can be given back"
    assert run(shops[1], "on").output == "On.\n"
    assert visitors[0].see().products == ["plus", "bag"]


def test_off_holds_while_redis_is_away_and_when_it_has_lost_everything(make_app: MakeApp, redis_url: str) -> None:
    app = make_app(SessionStore(GOODS, urls={"cart": "/cart"}))
    add_pages(app, cast(SessionStore, parts_of(app).offers.store))
    publish(app)
    visitor = Visitor(app).put("laptop")
    assert visitor.see().products == ["plus", "bag"]
    offers = parts_of(app).offers
    client = Redis.from_url(redis_url)
    client.flushall()
    offers.switch.set(Off(datetime.now(UTC), "ada", ""))
    until = time.monotonic() + 120
    while slots(visitor.client.get("/cart").text)[0].products and time.monotonic() < until:
        time.sleep(0.1)
    assert slots(visitor.client.get("/cart").text)[0].products == []
    offers.keep_switch()  # as the worker does every two seconds
    publish(app)
    assert slots(visitor.client.get("/cart").text)[0].products == []
    client.close()


def test_off_without_redis_says_when_it_holds(tmp_path: Path) -> None:
    app = Flask("alone")
    app.config.update(
        SECRET_KEY=SECRET,
        UPSELL_DATABASE_URL=f"sqlite:///{tmp_path / 'x.db'}",
        UPSELL_REDIS_URL=f"unix://{tmp_path}/nobody.sock",
    )
    Upsell(app, store=MemoryStore(GOODS))
    assert run(app, "db", "upgrade").exit_code == 0
    told = run(app, "off")
    assert told.exit_code == 0
    assert "within five seconds" in told.output
    assert "Switched off by" in run(app, "status").output
