"""The ledger's PostgreSQL hangs, or somebody holds a lock that a click needs: the click is answered in time, with what
is true of the cart; pages show offers without it; nothing is granted, and what was begun is ended later."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, func, select, text, update

from flask_upsell import faults, grant, order_placed
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.claims import LEASE
from flask_upsell.core.ports import Done, Refused
from tests.faults.backends import Postgres, own_postgres
from tests.faults.conftest import MakeShop
from tests.faults.test_database_faults import afterwards, order_fails_closed, shop_with_a_discount, store_of, through_it
from tests.web.markup import Slot, slot
from tests.web.shop import Visitor, parts_of

#: Seconds that a click waits for the ledger here (for a connection two), and seconds that only a hang takes.
BOUND, FOREVER = 0.5, 60.0


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with own_postgres() as made:
        yield made


@pytest.fixture
def app(make_shop: MakeShop, database: Postgres) -> Iterator[Flask]:
    server = create_engine(database.url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS ledger WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE ledger"))
    server.dispose()
    url = server.url.set(database="ledger").render_as_string(hide_password=False)
    made = make_shop(UPSELL_DATABASE_URL=url, UPSELL_DATABASE_SECONDS=BOUND)
    yield made
    database.go_on()


@pytest.fixture(autouse=True)
def accepted(app: Flask) -> Slot:
    """What it was answered when a set at a discount went into the cart; an upgrade is offered beside it."""
    return shop_with_a_discount(app)


def engine_of(app: Flask) -> Engine:
    found: Engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    return found


@contextlib.contextmanager
def hanging(database: Postgres) -> Iterator[None]:
    database.hang()
    try:
        yield
    finally:
        database.go_on()


def in_time(*acts: Callable[[], object]) -> float:
    """Do these at once while the database hangs; seconds. Fails where one would wait for it."""
    raised: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            raised.append(error)

    started = time.monotonic()
    threads = [threading.Thread(target=run, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FOREVER)
        assert not thread.is_alive(), "it waits for a database that hangs"
    if raised:
        raise raised[0]
    return time.monotonic() - started


def later(app: Flask) -> None:
    """Half a minute goes by: whoever was at a click is taken for killed."""
    then = datetime.now(UTC) - LEASE - timedelta(seconds=1)
    with engine_of(app).begin() as connection:
        connection.execute(update(t.requests).values(created_at=then))
        connection.execute(update(t.acceptances).where(t.acceptances.c.claimed_at.is_not(None)).values(claimed_at=then))


def states(app: Flask) -> dict[str, int]:
    """How many acceptances are in which state."""
    query = select(t.acceptances.c.state, func.count()).group_by(t.acceptances.c.state)
    with engine_of(app).connect() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


@pytest.mark.parametrize("pooled", [True, False], ids=["with connections", "without"])
def test_a_postgresql_that_hangs(
    app: Flask, accepted: Slot, database: Postgres, pooled: bool, figure: Callable[[str, object, str], None]
) -> None:
    """Clicks, undo, health: each is answered, and none is done. Planted bugs that it shows: `wait` without its end;
    `connect` without its own, when no connection is there yet."""
    cart = list(store_of(app).carts["visitor"])
    assert states(app) == {"accepted": 2}
    if not pooled:
        engine_of(app).dispose()
    with hanging(database):
        faults.seen.clear()
        seconds = in_time(lambda: through_it(app), lambda: undone(app, accepted), lambda: sick(app))
        assert faults.seen["act"] >= 3
    figure("seconds of clicks while PostgreSQL hangs", f"{seconds:.1f}", "2 and a bit")
    assert store_of(app).carts["visitor"] == cart
    later(app)
    assert states(app)["accepted"] == 2
    assert slot(Visitor(app).press("accept", "plus").text).tone == "done"


def test_an_order_that_needs_a_postgresql_that_hangs(app: Flask, database: Postgres) -> None:
    """It has a discount that nobody can grant now: the store hears so in time, and may be told again."""
    with hanging(database):
        in_time(lambda: order_fails_closed(app))
    afterwards(app)


def undone(app: Flask, page: Slot) -> None:
    """The undo of what was accepted last says that it did not work; all of it is still there."""
    visitor, store = Visitor(app), store_of(app)
    assert page.undo is not None
    cart = list(store.carts["visitor"])
    answer = visitor.send(page.undo)
    assert (answer.status_code, slot(answer.text).tone, store.carts["visitor"]) == (200, "sorry", cart)


def sick(app: Flask) -> None:
    answer = Visitor(app).client.get("/upsell/healthz")
    report = answer.json
    assert report is not None
    assert (answer.status_code, "database" in report["missing"]) == (503, True)


def test_it_hangs_when_the_cart_has_it_already(app: Flask, database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether the acceptance was committed: the cart is left alone, the shopper is told to look into it,
    and both agree in the end. Planted bug that it shows: the cart is put back when the ledger cannot be asked."""
    store = store_of(app)
    card = Visitor(app).see("/cart").card("plus")
    replace = store.replace

    def replaced(*given: Any) -> Done | Refused:
        done = replace(*given)
        database.hang()
        return done

    monkeypatch.setattr(store, "replace", replaced)
    answers: list[Slot] = []
    with contextlib.ExitStack() as stack:
        stack.callback(database.go_on)
        in_time(lambda: answers.append(slot(Visitor(app).send(card.forms["accept"]).text)))
    monkeypatch.undo()
    assert answers[0].tone == "sorry"
    assert "Please look into your cart." in answers[0].notice
    assert [line.product for line in store.carts["visitor"]] == ["plus", "bag", "card"]
    later(app)
    with app.test_request_context("/cart"):
        parts_of(app).offers.settle()
    assert states(app) == {"accepted": 3}
    assert [line.product for line in store.carts["visitor"]] == ["plus", "bag", "card"]


def test_a_lock_that_is_held(app: Flask) -> None:
    """The server itself ends what waits: no backend is left that would do the click later. Planted bug that it shows:
    no statement_timeout."""
    card = Visitor(app).see("/cart").card("plus")
    cart = list(store_of(app).carts["visitor"])
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'ledger'")
    other = create_engine(engine_of(app).url)
    with other.connect() as connection:
        connection.execute(text("LOCK TABLE upsell_request IN ACCESS EXCLUSIVE MODE"))
        said: list[Slot] = []
        in_time(lambda: said.append(slot(Visitor(app).send(card.forms["accept"]).text)))
        assert said[0].tone == "sorry"
        assert store_of(app).carts["visitor"] == cart
        assert connection.execute(waiting).scalar() == 0
    other.dispose()
    assert slot(Visitor(app).press("accept", "plus").text).tone == "done"


def test_an_order_beside_a_ledger_that_hangs(app: Flask, database: Postgres) -> None:
    """The ledger is in no database of the store, so it hears of an order after the commit, and is not waited for."""
    store = store_of(app)
    store.place_order("1001", datetime.now(UTC))

    def order() -> None:
        with app.test_request_context("/order", method="POST"):
            order_placed.send(app, order="1001")

    with hanging(database):
        in_time(order)
        assert faults.seen["afterwards"] >= 1
    with app.test_request_context("/checkout", method="POST"):
        assert grant("1001") == []
