"""The cart page while Redis hangs, dies, comes back, is full, read-only or holds garbage: always 200, hardly slower."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.serving import make_server

from flask_upsell import faults
from flask_upsell.core.affinity import Affinities
from tests.faults.backends import Server
from tests.faults.conftest import HASTY, MakeShop, hurry, watched
from tests.patience import wait_for_redis
from tests.web.markup import slot, slots
from tests.web.shop import BOOK, GOODS, Visitor, evidence, parts_of, publish

WIDGET = ["plus", "bag"]


@dataclass
class Answer:
    status: int
    products: list[str]


class Site:
    """The shop behind a real server, asked by four visitors at once."""

    def __init__(self, app: Flask) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def ask(self, times: int, path: str = "/cart") -> list[Answer]:
        answers: list[Answer] = []

        def visit() -> None:
            for _ in range(times // 4):
                connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port, timeout=60)
                try:
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    text, status = answer.read().decode(), answer.status
                except OSError as error:
                    text, status = repr(error), 0
                finally:
                    connection.close()
                products = [product for found in slots(text) for product in found.products]
                answers.append(Answer(status, products))

        threads = [threading.Thread(target=visit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextlib.contextmanager
def served(app: Flask) -> Iterator[Site]:
    site = Site(app)
    try:
        yield site
    finally:
        site.close()


def until_shown(site: Site, wanted: list[str], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while (shown := site.ask(4)[0].products) != wanted:
        assert time.monotonic() < end, shown
        time.sleep(0.1)


def until_read(site: Site, seconds: float = 120) -> None:
    """Until twenty pages read the book and none of them failed."""
    end, noticed = time.monotonic() + seconds, -1
    while (now := faults.seen["redis_read"]) != noticed:
        assert time.monotonic() < end, now
        noticed = now
        site.ask(20)


@pytest.mark.slow
def test_a_thousand_carts_while_redis_hangs_dies_and_comes_back(server: Server, make_shop: MakeShop) -> None:
    """Shown red with a web client without timeouts (requests hang) and with a breaker that always allows (all slow)."""
    app = make_shop(**HASTY)
    publish(app)
    wait_for_redis(app)
    breaker = watched(app)
    with served(app) as site:
        until_shown(site, WIDGET)
        assert {tuple(a.products) for a in site.ask(100)} == {tuple(WIDGET)}
        hurry(app)
        answers: list[Answer] = []
        server.hang()
        answers += site.ask(400)
        server.go_on()
        until_shown(site, WIDGET)
        server.hang()
        answers += site.ask(100)
        server.kill()
        answers += site.ask(400)
        server.start()
        answers += site.ask(100)
        assert len(answers) == 1000
        assert {answer.status for answer in answers} == {200}
        # The last known good one, all the time: this process had it.
        assert {tuple(answer.products) for answer in answers} == {tuple(WIDGET)}
        # Each slow page is one of these: the breaker lets few of a thousand try, and a few more after each answer.
        assert 0 < faults.seen["redis_read"] <= 20 * (1 + breaker.resets)
        wait_for_redis(app)
        # It is back, empty; what is published now is shown by whoever starts now.
        publish(app)
        with served(make_shop()) as fresh:
            until_shown(fresh, WIDGET)
        until_shown(site, WIDGET)
        until_read(site)


@pytest.mark.parametrize("how", ["hangs", "is gone"])
def test_a_process_that_never_saw_the_book_shows_none(server: Server, make_shop: MakeShop, how: str) -> None:
    publish(make_shop())
    if how == "hangs":
        server.hang()
    else:
        server.kill()
    app = make_shop(**HASTY)
    breaker = watched(app)
    with served(app) as site:
        answers = site.ask(100)
        assert {(answer.status, tuple(answer.products)) for answer in answers} == {(200, ())}
        assert 0 < faults.seen["redis_read"] <= 20
        assert breaker.resets == 0
        if how == "hangs":
            server.go_on()
            wait_for_redis(app)
            until_shown(site, WIDGET)


def test_accepting_declining_and_undoing_need_no_redis(server: Server, make_shop: MakeShop) -> None:
    app = make_shop(**HASTY)
    publish(app)
    wait_for_redis(app)
    with served(app) as site:
        until_shown(site, WIDGET)
    visitor = Visitor(app)
    visitor.see()
    hurry(app)
    server.hang()
    accepted = slot(visitor.press("accept", "plus").text)
    assert (accepted.tone, accepted.notice) == ("done", "Upgraded to Laptop Plus.")
    assert slot(visitor.send(accepted.undo).text).notice == "Undone: Laptop Plus."
    assert slot(visitor.press("decline", "bag").text).tone == "done"
    server.go_on()
    with app.app_context():
        assert parts_of(app).offers.ledger.waiting() == 3


def test_a_conversion_needs_no_redis(server: Server, make_shop: MakeShop) -> None:
    app = make_shop()
    publish(app)
    visitor = Visitor(app)
    visitor.press("accept", "bag")
    server.kill()
    assert visitor.client.post("/order").status_code == 200
    with app.app_context():
        offers = parts_of(app).offers
        offers.ledger.fold()
        assert [(count.product, count.converted) for count in offers.ledger.counts()] == [("bag", 0), ("bag", 1)]


def test_a_full_redis_still_gives_offers(server: Server, make_shop: MakeShop) -> None:
    app = make_shop()
    publish(app)
    client = server.client()
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")
    with pytest.raises(Exception, match=r"OOM|memory"):
        client.set("x", "y")
    with served(app) as site, served(make_shop()) as other:
        for each in (site, other):
            answers = each.ask(100)
            assert {(answer.status, tuple(answer.products)) for answer in answers} == {(200, tuple(WIDGET))}
    assert faults.seen["redis_tally"] >= 1
    assert slot(Visitor(app).press("accept", "bag").text).tone == "done"
    client.config_set("maxmemory", "0")
    parts_of(app).offers.tally.flush()
    assert client.hlen("upsell:{tally}:open") >= 1
    client.close()


def test_a_read_only_replica_still_gives_offers(server: Server, make_shop: MakeShop) -> None:
    app = make_shop()
    publish(app)
    client = server.client()
    client.replicaof("127.0.0.1", 1)
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        client.set("x", "y")
    with served(app) as site, served(make_shop()) as other:
        for each in (site, other):
            answers = each.ask(100)
            assert {(answer.status, tuple(answer.products)) for answer in answers} == {(200, tuple(WIDGET))}
    assert slot(Visitor(app).press("decline", "bag").text).tone == "done"
    client.replicaof("NO", "ONE")
    client.close()


GARBAGE = [
    b"", b"\xff\xfe\x00", b"garbage", b"{", b"[]", b"null", b"7", b"-1.-1",
    b"999999999999999999999.0", b'{"upgrades":7}',
    b'{"complements":[["bag"]]}', b'{"complements":[[7,8,9,1,1,1]]}', b'{"complements":[["\xff",1,1,1,1,1]]}',
    b'{"complements":[["bag",1,0,0,0,0]]}', b'{"ref":"bag","title":null,"price":"NaN","currency":"EUR"}',
    b'{"ref":"bag","title":"x","price":1e999,"currency":"EUR"}', b"\x80\x04K\x01.", b"a" * 100_000, b"[" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("copy", ["with a copy", "without one"])
def test_garbage_in_every_value_of_the_book(server: Server, make_shop: MakeShop, copy: str) -> None:
    """Shown red with `harmless` taken off `Widget.__call__`."""
    app = make_shop()
    publish(app)
    client = server.client()
    good = {key: client.hgetall(key) for key in client.keys("upsell:{book}*:v*")}
    assert len(good) == 1
    (key, fields), *_ = good.items()
    current = client.get("upsell:{book}:1:current")
    for garbage in GARBAGE:
        asked = app if copy == "with a copy" else make_shop()
        for spoilt in ([field for field in fields if field != b"live"], fields):
            client.hset(key, mapping=dict.fromkeys(spoilt, garbage))
            assert Visitor(asked).client.get("/cart").status_code == 200, garbage
        client.set("upsell:{book}:1:current", garbage)
        assert Visitor(asked).client.get("/cart").status_code == 200, garbage
        assert Visitor(asked).client.get("/upsell/healthz").status_code in (200, 503), garbage
        client.set("upsell:{book}:1:current", current)  # type: ignore[arg-type]
        client.hset(key, mapping=fields)  # type: ignore[arg-type]
        parts_of(asked).offers.shelf._breaker.succeeded()  # type: ignore[attr-defined]
    assert sum(faults.seen.values()) > 0
    fresh = Visitor(make_shop())
    assert fresh.see().products == WIDGET
    publish(app)
    assert Visitor(app).see().products == WIDGET
    client.close()


def test_garbage_of_every_type_under_every_key(server: Server, make_shop: MakeShop) -> None:
    app = make_shop()
    publish(app)
    Visitor(app).see()
    parts_of(app).offers.tally.flush()
    client = server.client()
    keys = list(client.keys("upsell*"))
    assert len(keys) >= 4
    for put in (
        lambda key: client.rpush(key, "x"),
        lambda key: client.sadd(key, "x"),
        lambda key: client.hset(key, "x", "y"),
        lambda key: client.set(key, b"\xff\x00"),
        lambda key: client.zadd(key, {"x": 1}),
    ):
        for key in keys:
            client.delete(key)
            put(key)
        for asked in (app, make_shop()):
            assert Visitor(asked).client.get("/cart").status_code == 200
            assert Visitor(asked).client.get("/upsell/healthz").status_code == 503
    client.close()


def test_a_flushed_redis_keeps_the_last_book_until_a_new_one_is_there(server: Server, make_shop: MakeShop) -> None:
    """The new one may look like the old one by name; what counts is what is in it."""
    app = make_shop()
    publish(app)
    visitor = Visitor(app)
    assert visitor.see().products == WIDGET
    client = server.client()
    client.flushall()
    client.close()
    assert visitor.see().products == WIDGET
    publish(app, GOODS, {"laptop": Affinities((), (evidence("card", 9.0),))})
    assert visitor.see().products == ["card"]


def test_a_flush_costs_no_money_and_no_order(server: Server, make_shop: MakeShop) -> None:
    app = make_shop()
    publish(app)
    visitor = Visitor(app)
    visitor.press("accept", "bag")
    client = server.client()
    client.flushall()
    visitor.client.post("/order")
    client.flushall()
    client.close()
    offers = parts_of(app).offers
    assert offers.fold() >= 2
    assert sum(count.converted for count in offers.ledger.counts()) == 1
    assert sum(count.revenue for count in offers.ledger.counts()) == 5900


def test_the_books_of_these_tests_differ() -> None:
    assert [lead.consequent for lead in BOOK["laptop"].complements] == ["bag", "card"]
