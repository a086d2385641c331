"""The ledger's database is locked, full, gone or killed: pages show offers without it, clicks say sorry, discounts are
not granted, carts stay as they are."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager as Context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from flask_upsell import MemoryStore, cart_changed, faults, grant
from tests.faults.backends import full, locked, own_postgres
from tests.faults.conftest import MakeShop
from tests.web.markup import Slot, slot
from tests.web.shop import Visitor, parts_of, publish, put_rules, set_of

Fault = Callable[[Flask, Path], Context[None]]


@contextlib.contextmanager
def gone(app: Flask, path: Path) -> Iterator[None]:
    """There is a folder where the file was."""
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    engine.dispose()
    aside = path.with_suffix(".aside")
    path.rename(aside)
    path.mkdir()
    yield
    engine.dispose()
    path.rmdir()
    aside.rename(path)


@contextlib.contextmanager
def locked_out(app: Flask, path: Path) -> Iterator[None]:
    """A writer that does not end; who waits for it waits less long than in earnest."""
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]

    def hasten(connection: Any, record: object, proxy: object) -> None:
        connection.execute("PRAGMA busy_timeout = 100").close()

    event.listen(engine, "checkout", hasten)
    with locked(path):
        yield
    event.remove(engine, "checkout", hasten)


FAULTS: dict[str, Fault] = {
    "locked": locked_out,
    "full": lambda app, path: full(path, parts_of(app).offers.ledger.engine),  # type: ignore[attr-defined]
    "gone": gone,
}


def store_of(app: Flask) -> MemoryStore:
    store = parts_of(app).offers.store
    assert isinstance(store, MemoryStore)
    return store


def shop_with_a_discount(app: Flask) -> Slot:
    """A set of bag and card at a discount is in the cart, as this answer says, and an upgrade is offered beside it."""
    publish(app)
    put_rules(app, set_of(stop=False))
    visitor = Visitor(app)
    answer = slot(visitor.press("accept", "bag+card").text)
    assert answer.tone == "done"
    return answer


def through_it(app: Flask) -> None:
    """What a shopper does meanwhile; forms were on the page before."""
    visitor, store = Visitor(app), store_of(app)
    cart = list(store.carts["visitor"])
    assert [line.product for line in cart] == ["laptop", "bag", "card"]
    card = visitor.see("/cart").card("plus")
    answers: dict[str, tuple[int, str]] = {}

    def press(name: str, act: str, script: bool) -> None:
        answer = Visitor(app).send(card.forms[act], script=script)
        answers[name] = answer.status_code, answer.text

    # SQLite waits some seconds for a lock: all at once.
    every = [("accept", "accept", True), ("form", "accept", False), ("decline", "decline", True)]
    threads = [threading.Thread(target=press, args=each) for each in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: status for name, (status, _) in answers.items()} == {"accept": 200, "form": 303, "decline": 200}
    assert slot(answers["accept"][1]).tone == "sorry"
    assert slot(answers["decline"][1]).tone == "done", "a no holds, though it is not counted"
    assert store.carts["visitor"] == cart
    assert visitor.see("/cart").products[:1] == ["plus"]


def order_fails_closed(app: Flask) -> None:
    """Before payment: the store hears that the discount cannot be granted."""
    store = store_of(app)
    cart = list(store.carts["visitor"])
    store.place_order("1001", datetime.now(UTC))
    with app.test_request_context("/checkout", method="POST"), pytest.raises(Exception, match=r"(?i)."):
        grant("1001")
    with app.test_client() as client:
        assert client.get("/cart").status_code == 200
    with app.test_request_context("/cart"):
        cart_changed.send(app)
        app.preprocess_request()
        app.process_response(app.make_response("changed"))
    assert store.carts["visitor"] == cart
    assert Visitor(app).client.post("/order").status_code == 200
    store.carts["visitor"] = cart


def afterwards(app: Flask) -> None:
    with app.test_request_context("/checkout", method="POST"):
        assert grant("1001") == []
    assert parts_of(app).offers.limits.granted("1001") != []
    assert slot(Visitor(app).press("accept", "plus").text).tone == "done"
    assert [line.product for line in store_of(app).carts["visitor"]] == ["plus", "bag", "card"]


@pytest.mark.parametrize("name", FAULTS)
def test_an_sqlite_that_fails(make_shop: MakeShop, tmp_path: Path, name: str) -> None:
    """Planted bugs that it shows: a page that asks SQL; a grant that is given when it cannot be counted."""
    app = make_shop()
    shop_with_a_discount(app)
    with FAULTS[name](app, tmp_path / "ledger.db"):
        faults.seen.clear()
        through_it(app)
        order_fails_closed(app)
        assert faults.seen["act"] >= 2
    afterwards(app)
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


@pytest.mark.slow
def test_a_postgresql_that_is_killed(make_shop: MakeShop) -> None:
    with own_postgres() as postgres:
        app = make_shop(UPSELL_DATABASE_URL=postgres.url)
        shop_with_a_discount(app)
        postgres.kill()
        faults.seen.clear()
        through_it(app)
        order_fails_closed(app)
        assert faults.seen["act"] >= 2
        postgres.restart()
        afterwards(app)
