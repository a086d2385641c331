"""How many clicks are taken, of whom, and what the rest are told: with our script and without, Redis there or not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from flask_upsell import faults
from tests.conftest import MakeApp
from tests.web.conftest import Serve
from tests.web.markup import Form, slot
from tests.web.shop import SessionStore, Visitor, counts, parts_of

HERE = {"Sec-Fetch-Site": "same-origin"}
SOMEWHERE = "81.2.69.160"
NO_REDIS = {"UPSELL_REDIS_URL": "unix:///nobody.sock", "UPSELL_REDIS_SECONDS": 0.05}
TOLD = "Too many clicks. Please wait a moment."


def click(visitor: Visitor, form: Form, address: str = "127.0.0.1", **headers: str) -> TestResponse:
    return visitor.client.post(
        form.url, data=form.fields, headers={**HERE, **headers}, environ_overrides={"REMOTE_ADDR": address}
    )


def statuses(visitor: Visitor, form: Form, times: int, address: str = "127.0.0.1", **headers: str) -> list[int]:
    return [click(visitor, form, address, **headers).status_code for _ in range(times)]


@pytest.mark.parametrize("redis", ["there", "away"])
@pytest.mark.parametrize("action", ["accept", "decline", "answer", "undo"])
def test_a_visitors_clicks_are_limited(
    serve: Serve, make_app: MakeApp, store: SessionStore, redis: str, action: str
) -> None:
    """What is no token is counted too: guessing has the same limit. What grants holds without Redis.

    Planted bug that it shows: while Redis is away nothing is counted.
    """
    app = serve(store, UPSELL_RATE_VISITOR=5)
    visitor, other = Visitor(app).put("laptop"), Visitor(app).put("laptop")
    if redis == "away":
        app = make_app(store, UPSELL_RATE_VISITOR=5, **NO_REDIS)
        for each in (visitor, other):
            cookie = each.client.get_cookie("session")
            each.client = app.test_client()
            assert cookie is not None
            each.client.set_cookie("session", cookie.value)
    form = Form(f"/upsell/{action}", "post", {"token": "x", "key": "k" * 20})
    limited = redis == "there" or action == "accept"
    assert statuses(visitor, form, 8) == [303] * 5 + [429 if limited else 303] * 3
    assert statuses(other, form, 1) == [303]


@pytest.mark.parametrize("script", [True, False])
def test_one_click_too_many_changes_nothing_and_the_slot_says_why(
    serve: Serve, store: SessionStore, script: bool
) -> None:
    """Our script sends a form of which it got no 200 as a browser does; that is sent back to its page at once.

    Planted bug that it shows: the sentence is not kept for the page.
    """
    app = serve(store, UPSELL_RATE_VISITOR=2)
    visitor = Visitor(app).put("laptop")
    form = visitor.see("/checkout").card("bag").forms["accept"]
    statuses(visitor, Form("/upsell/decline", "post", {"token": "x"}), 2)
    before = counts(app)
    answer = visitor.send(form, script=script)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 120
    assert answer.headers["Cache-Control"] == "private, no-store"
    if script:
        answer = visitor.send(form, script=False)
    assert '<meta http-equiv=refresh content="0;url=/checkout">' in answer.text
    assert f'<a href="/checkout">{TOLD}</a>' in answer.text
    shown = visitor.see("/checkout")
    assert (shown.tone, shown.notice) == ("sorry", TOLD)
    assert "bag" in shown.products
    assert visitor.see("/checkout").notice == ""
    assert store.lines() == [("laptop", 1, 64900)]
    assert {**counts(app), "shown": 0} == {**before, "shown": 0}


def test_what_is_in_the_way_back_is_text(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_RATE_VISITOR=1)
    visitor = Visitor(app).put("laptop")
    form = visitor.see('/checkout?"><script>alert(1)</script>').card("bag").forms["accept"]
    visitor.send(form, script=False)
    answer = visitor.send(form, script=False)
    assert answer.status_code == 429
    assert "<script" not in answer.text and answer.text.count('"') == 4


def test_an_address_has_a_limit_of_its_own_whoever_clicks(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_RATE_ADDRESS=6)
    form = Form("/upsell/accept", "post", {"token": "x"})
    found = [click(Visitor(app), form, SOMEWHERE).status_code for _ in range(8)]
    assert found == [303] * 6 + [429] * 2
    assert click(Visitor(app), form, "81.2.69.161").status_code == 303
    assert click(Visitor(app).put("laptop"), form, SOMEWHERE).status_code == 429


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP"])
def test_a_header_that_anybody_can_write_is_no_address(serve: Serve, store: SessionStore, header: str) -> None:
    """Planted bug that it shows: X-Forwarded-For is read."""
    app = serve(store, UPSELL_RATE_ADDRESS=3)
    form = Form("/upsell/accept", "post", {"token": "x"})
    found = [click(Visitor(app), form, SOMEWHERE, **{header: f"81.2.70.{n}"}).status_code for n in range(5)]
    assert found == [303] * 3 + [429] * 2


def test_a_proxy_that_the_store_trusts_tells_the_address(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_RATE_ADDRESS=3)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    form = Form("/upsell/accept", "post", {"token": "x"})
    found = [
        click(Visitor(app), form, "10.0.0.1", **{"X-Forwarded-For": f"1.1.1.{n}, {SOMEWHERE}"}).status_code
        for n in range(5)
    ]
    assert found == [303] * 3 + [429] * 2


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "fe80::1%eth0", "", "no address"])
def test_an_address_of_a_proxy_is_that_of_all_shoppers(serve: Serve, store: SessionStore, address: str) -> None:
    """Without ProxyFix a store behind a proxy sees one address only: limiting it would lock everybody out."""
    app = serve(store, UPSELL_RATE_ADDRESS=1, UPSELL_RATE_READINGS=1)
    form = Form("/upsell/accept", "post", {"token": "x"})
    assert {click(Visitor(app), form, address).status_code for _ in range(4)} == {303}
    asked = [Visitor(app).client.get("/upsell/slot/cart", environ_overrides={"REMOTE_ADDR": address}) for _ in range(4)]
    assert {answer.status_code for answer in asked} == {200}


@pytest.mark.parametrize(
    ("addresses", "same"),
    [
        (["2a00:1450:4001:82b::1", "2a00:1450:4001:82b:ffff::2"], True),
        (["2a00:1450:4001:82b::1", "2a00:1450:4001:82c::1"], False),
        (["::ffff:81.2.69.160", "81.2.69.160"], True),
    ],
)
def test_a_household_is_one_address(serve: Serve, store: SessionStore, addresses: list[str], same: bool) -> None:
    app = serve(store, UPSELL_RATE_ADDRESS=1)
    form = Form("/upsell/accept", "post", {"token": "x"})
    assert [click(Visitor(app), form, each).status_code for each in addresses] == [303, 429 if same else 303]


def test_placements_that_an_address_asks_for_again_are_limited(
    serve: Serve, make_app: MakeApp, store: SessionStore
) -> None:
    """The script leaves a slot as it is for every answer but 200. Without Redis nobody is refused to read."""
    app = serve(store, UPSELL_RATE_READINGS=3)

    def ask(app: Flask, address: str) -> list[int]:
        client = Visitor(app).client
        from_there: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": address}}
        return [client.get("/upsell/slot/cart", **from_there).status_code for _ in range(5)]

    assert ask(app, SOMEWHERE) == [200] * 3 + [429] * 2
    assert ask(app, "81.2.69.161") == [200] * 3 + [429] * 2
    assert ask(make_app(store, UPSELL_RATE_READINGS=3, **NO_REDIS), SOMEWHERE) == [200] * 5


def test_an_address_that_reads_as_people_do_costs_no_round_trip(
    serve: Serve, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug that it shows: each placement that is asked for again is counted in Redis."""
    app = serve(store, UPSELL_RATE_READINGS=100)
    asked: list[str] = []

    def take(_: object, limits: dict[str, int], **__: object) -> int:
        asked.extend(limits)
        return 0

    monkeypatch.setattr(type(parts_of(app).rates), "take", take)
    client = Visitor(app).client
    for there in (SOMEWHERE, "81.2.69.161"):
        for _ in range(7):
            client.get("/upsell/slot/cart", environ_overrides={"REMOTE_ADDR": there})
    assert len(asked) == 2 * (7 - 100 // 20)


def test_a_public_address_reads_and_says_no_without_sql(
    serve: Serve, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug that it shows: addresses are counted under their pseudonym, whose secret SQL keeps: the placement is
    not answered, and what was declined comes back."""
    app = serve(store, UPSELL_RATE_READINGS=3)
    there: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": SOMEWHERE}}
    visitor = Visitor(app).put("laptop")
    form = visitor.see().card("bag").forms["decline"]

    def gone(*_: object, **__: object) -> None:
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(Engine, "connect", gone)
    for _ in range(2):
        assert slot(visitor.client.get("/upsell/slot/cart", **there).text).products == ["plus", "bag"]
    click(visitor, form, SOMEWHERE)
    assert "bag" not in visitor.see().products


def test_pages_of_the_store_and_mails_links_have_no_limit(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_RATE_ADDRESS=1, UPSELL_RATE_READINGS=1, UPSELL_RATE_VISITOR=1)
    visitor = Visitor(app).put("laptop")
    there: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": SOMEWHERE}}
    for path in ("/cart", "/upsell/unsubscribe?token=x", "/upsell/static/upsell.css"):
        found = set()
        for _ in range(5):
            with visitor.client.get(path, **there) as answer:
                found.add(answer.status_code)
        assert found <= {200, 400}, path


def test_a_database_that_is_gone_too_refuses_what_cannot_be_counted(
    serve: Serve, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = serve(store, UPSELL_RATE_VISITOR=5)
    visitor = Visitor(app).put("laptop")
    form = visitor.see().card("bag").forms["accept"]

    def gone(*_: object, **__: object) -> int:
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(type(parts_of(app).rates), "take", gone)
    answer = visitor.send(form)
    assert (answer.status_code, slot(answer.text).tone) == (200, "sorry")
    assert store.lines() == [("laptop", 1, 64900)]
    assert faults.seen["act"] == 1


def test_what_is_counted_says_nothing_of_who(serve: Serve, store: SessionStore, redis_url: str) -> None:
    """Neither an address nor the key of a cart is in Redis or SQL."""
    app = serve(store, UPSELL_RATE_VISITOR=5)
    visitor = Visitor(app).put("laptop")
    click(visitor, Form("/upsell/accept", "post", {"token": "x"}), SOMEWHERE)
    parts = parts_of(app)
    client = parts.offers.queue._web  # type: ignore[attr-defined]
    names = [key.decode() for key in client.keys("upsell:{rate}:*")]
    assert len(names) == 2
    assert not any(SOMEWHERE in name or "cart-0" in name for name in names), json.dumps(names)
