"""One click is one line, however often it is sent, from however many tabs, and wherever the connection is cut."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.migrate import upgrade
from flask_upsell.till import Outcome
from tests.faults.small_store import Shop, prepare

AT_ONCE = 10


@pytest.fixture
def url(database_url: str) -> str:
    engine = make_engine(database_url)
    upgrade(engine)
    engine.dispose()
    prepare(database_url)
    return database_url


@pytest.fixture
def shops(url: str) -> Iterator[Callable[[str], list[Shop]]]:
    """As many processes of the shop as press at once."""
    made: list[Shop] = []

    def make(kind: str) -> list[Shop]:
        made.extend(Shop(url, kind) for _ in range(AT_ONCE))
        return made

    yield make
    for shop in made:
        shop.close()


def press(shops: list[Shop], act: Callable[[Shop, int], Outcome], times: int) -> list[Outcome]:
    """`act` so often, from all shops at once."""
    barrier, outcomes, errors = threading.Barrier(len(shops)), list[Outcome](), list[BaseException]()

    def run(first: int) -> None:
        barrier.wait()
        for number in range(first, times, len(shops)):
            try:
                outcomes.append(act(shops[first], number))
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(shops))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return outcomes


@pytest.mark.soak
def test_fifty_sends_of_a_key_are_one_line(
    shops: Callable[[str], list[Shop]],
    amount: Callable[[int, int], int],
    figure: Callable[[str, object, str], None],
) -> None:
    """Planted bug that it shows: a key that somebody else has begins all the same."""
    every, keys = shops("product"), amount(4, 1000)
    for number in range(keys):
        every[0].begin("tea")
        wanted = every[0].wanted()
        outcomes = press(every, lambda shop, _, number=number, wanted=wanted: shop.accept(wanted, f"key-{number}"), 50)  # type: ignore[misc]
        assert every[0].cart() == [("cup", 1, 1800), ("tea", 1, 1000)]
        assert every[0].figures()["accepted"] == 1
        done = [outcome for outcome in outcomes if outcome.status == "done"]
        assert len({outcome.acceptance.id for outcome in done if outcome.acceptance}) == 1
        assert sum(not outcome.repeated for outcome in done) == 1
        assert len(done) == 50 or {o.text for o in outcomes if o.status != "done"} <= {
            "Your first click is still being worked on. Please look into your cart."
        }
    figure("sends x keys, lines each", f"50 x {keys}, 1", "50 x 1,000, 1")


@pytest.mark.parametrize("kind", ["product", "upgrade", "bundle", "second"])
def test_of_ten_tabs_one_adds(shops: Callable[[str], list[Shop]], kind: str) -> None:
    """Planted bug that it shows: the unique index of a visitor's clicks left out: the same product is there twice."""
    every = shops(kind)
    every[0].begin("tea")
    wanted = every[0].wanted()
    outcomes = press(every, lambda shop, number: shop.accept(wanted, f"tab-{number}"), AT_ONCE)
    assert Counter(outcome.status for outcome in outcomes)["done"] == 1, [outcome.text for outcome in outcomes]
    pieces = 2 if kind == "bundle" else 1
    assert len(every[0].cart()) == (1 if kind == "upgrade" else 1 + pieces)
    assert every[0].figures()["accepted"] == pieces
    assert every[0].order() == []
    assert every[0].figures()["conversions"] == pieces
    assert every[0].figures()["used"] == 1


class Cut:
    """The connection to the database ends at this commit: before it, or after it and nobody is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, shop: Shop, when: str) -> None:
        record = shop.ledger.record_acceptances

        def recorded(*given: Any) -> bool:
            if when == "after":
                record(*given)
            raise ConnectionError("the connection was cut")

        monkeypatch.setattr(shop.ledger, "record_acceptances", recorded)


@pytest.mark.parametrize("kind", ["product", "upgrade", "bundle"])
def test_a_connection_that_is_cut_after_the_commit(url: str, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Planted bug that it shows: the cart is put back whenever recording raises; the ledger says it is there."""
    shop = Shop(url, kind)
    shop.begin("tea")
    wanted = shop.wanted()
    Cut(monkeypatch, shop, "after")
    assert shop.accept(wanted, "k1").status == "done"
    monkeypatch.undo()
    there = shop.cart()
    again = shop.accept(wanted, "k1")
    assert (again.status, again.repeated, shop.cart()) == ("done", True, there)
    assert shop.figures()["accepted"] == (2 if kind == "bundle" else 1)
    shop.close()


def test_a_connection_that_is_cut_before_the_commit(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(url, "bundle")
    shop.begin("tea")
    wanted = shop.wanted()
    Cut(monkeypatch, shop, "before")
    with pytest.raises(ConnectionError):
        shop.accept(wanted, "k1")
    assert shop.cart() == [("tea", 1, 1000)]
    monkeypatch.undo()
    assert shop.accept(wanted, "k1").status == "done"
    assert len(shop.cart()) == 3
    shop.close()


def cannot_be_asked(*_: object) -> None:
    raise ConnectionError("the ledger does not answer")


def test_nobody_knows_whether_a_click_was_committed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cart stays as it is, at its discount, and the order that comes at once counts what is in it. Planted bug that
    it shows: an order that does not look for what is unsure."""
    for when in ("before", "after"):
        shop = Shop(url, "bundle")
        shop.begin("tea")
        wanted = shop.wanted()
        Cut(monkeypatch, shop, when)
        monkeypatch.setattr(shop.ledger, "answer", cannot_be_asked)
        assert shop.accept(wanted, "k1").status == "unsure"
        monkeypatch.undo()
        there = shop.cart()
        assert len(there) == 3
        again = shop.accept(wanted, "k1")
        assert (again.status, shop.cart()) == ("unsure" if when == "before" else "done", there)
        assert shop.order() == []
        figures = shop.figures()
        assert (figures["redemptions"], figures["used"], shop.ordered()) == (1, 1, there)
        shop.close()


def test_a_cancelled_order_gives_its_uses_back_once(url: str) -> None:
    """And nobody else's. Planted bug that it shows: `granted` that does not ask for the order."""
    shop = Shop(url, "bundle")
    shop.begin("tea")
    assert shop.accept(shop.wanted(), "k1").status == "done"
    assert shop.order() == []
    other = Shop(url, "bundle", visitor="cart-2")
    with other.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO shop_cart_line (cart, sku, quantity, price) VALUES ('cart-2', 'tea', 1, 1000)"
        )
    assert other.accept(other.wanted(), "k1").status == "done"
    assert other.order("1002") == []
    assert shop.figures()["used"] == 2
    assert [shop.offers.release(ref) for ref in ("1003", "1001", "1001")] == [0, 1, 0]
    assert (shop.figures()["used"], shop.figures()["redemptions"]) == (1, 1)
    with shop.engine.begin() as connection:
        assert shop.offers.release("1002", connection) == 1
        connection.rollback()
    assert shop.figures()["used"] == 1, "it comes and goes with the cancelling"
    for each in (shop, other):
        each.close()


def test_a_change_of_the_cart_ends_what_was_left_of_a_click(url: str, tmp_path: Path) -> None:
    shop = Shop(url, "bundle")
    shop.begin("tea")
    wanted = shop.wanted()

    def dies(*_: object) -> None:
        raise SystemExit  # nothing catches it, as nothing catches a kill

    record = shop.ledger.record_acceptances
    shop.ledger.record_acceptances = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(SystemExit):
        shop.accept(wanted, "k1")
    shop.ledger.record_acceptances = record  # type: ignore[method-assign]
    assert len(shop.cart()) == 3
    shop.offers.settle()
    assert shop.figures().get("accepted") is None, "it may be at it still"
    shop.wait()
    shop.offers.settle()
    assert shop.figures()["accepted"] == 2
    first = next(iter(shop.ledger.accepted(shop.offers.clicks.visitor())))
    assert shop.undo(first.bundle).status == "undone"
    assert shop.cart() == [("tea", 1, 1000)]
    shop.close()
