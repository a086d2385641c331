"""What the store sends is heard, by the right app, and nothing that we do with it ever raises into the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask

import flask_upsell
from flask_upsell import MemoryStore, Order, faults, signals

from .conftest import MakeApp, products

SENT_BY_THE_STORE = {
    "cart_changed": signals.cart_changed,
    "checkout_started": signals.checkout_started,
    "order_placed": signals.order_placed,
    "order_cancelled": signals.order_cancelled,
    "product_changed": signals.product_changed,
}
SENT_BY_US = {
    "offers_shown": signals.offers_shown,
    "offer_accepted": signals.offer_accepted,
    "offer_declined": signals.offer_declined,
    "perk_granted": signals.perk_granted,
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "order_placed": {"order": "no such order"},
    "order_cancelled": {"order": "no such order"},
    "product_changed": {"products": ["p0"]},
}


@pytest.fixture(autouse=True)
def _counted_from_zero() -> Iterator[None]:
    faults.seen.clear()
    yield
    faults.seen.clear()


def test_these_are_all_the_signals_and_a_store_can_import_them() -> None:
    every = {name: value for name, value in vars(signals).items() if isinstance(value, NamedSignal)}
    assert every == SENT_BY_THE_STORE | SENT_BY_US
    for name, signal in every.items():
        assert getattr(flask_upsell, name) is signal


def test_names_are_ours_alone() -> None:
    for name, signal in (SENT_BY_THE_STORE | SENT_BY_US).items():
        assert signal.name == "upsell-" + name.replace("_", "-")


def heard_for(signal: NamedSignal, app: Flask) -> list[Any]:
    return list(signal.receivers_for(app))


@pytest.mark.parametrize("name", SENT_BY_THE_STORE)
def test_each_app_hears_its_own_store(name: str, make_app: MakeApp) -> None:
    one, other, stranger = make_app(), make_app(), Flask("stranger")
    signal = SENT_BY_THE_STORE[name]
    assert len(heard_for(signal, one)) == len(heard_for(signal, other)) == 1
    assert heard_for(signal, one) != heard_for(signal, other)
    assert heard_for(signal, stranger) == []


@pytest.mark.parametrize("name", SENT_BY_THE_STORE)
def test_what_is_switched_off_hears_nothing(name: str, make_app: MakeApp) -> None:
    assert heard_for(SENT_BY_THE_STORE[name], make_app(UPSELL_ENABLED=False)) == []


def test_an_order_is_counted_once_it_is_placed(make_app: MakeApp) -> None:
    store = MemoryStore(products())
    app = make_app(store)
    store.placed["o1"] = Order("o1", "EUR", ())
    with app.app_context():
        flask_upsell.order_placed.send(app, order="o1")
    assert faults.seen["order_placed"] == 0
    assert faults.seen["afterwards"] == 0
    assert app.extensions["upsell"].offers.ledger.waiting() == 1


class Broken(MemoryStore):
    """A store whose every question fails."""

    def visitor(self) -> Any:
        raise ConnectionError("the store's database went away")

    def order(self, ref: str, connection: object = None) -> Any:
        raise ConnectionError("the store's database went away")


@pytest.mark.parametrize("name", SENT_BY_THE_STORE)
@pytest.mark.parametrize("in_request", [True, False])
def test_nothing_is_raised_into_the_store(name: str, in_request: bool, make_app: MakeApp) -> None:
    """Shown red against a receiver without `harmless`: the checkout that sends order_placed then answers 500."""
    app = make_app(Broken(products()))

    @app.post("/checkout")
    def checkout() -> str:
        SENT_BY_THE_STORE[name].send(app, **ARGUMENTS.get(name, {}))
        return "ordered"

    if in_request:
        answer = app.test_client().post("/checkout")
        assert (answer.status_code, answer.text) == (200, "ordered")
    else:
        with app.app_context():
            SENT_BY_THE_STORE[name].send(app, **ARGUMENTS.get(name, {}))
    counted = faults.seen[name] + faults.seen["afterwards"] + faults.seen["settle"]
    assert counted >= (0 if name in ("product_changed", "order_cancelled") else 1)


@pytest.mark.parametrize("name", ["order_placed", "order_cancelled", "product_changed"])
def test_a_signal_without_its_arguments_is_counted_not_raised(name: str, make_app: MakeApp) -> None:
    app = make_app()
    with app.app_context():
        SENT_BY_THE_STORE[name].send(app)
    assert faults.seen[name] == 1


@pytest.mark.parametrize("name", SENT_BY_THE_STORE)
def test_arguments_of_a_later_version_do_no_harm(name: str, make_app: MakeApp) -> None:
    app = make_app(MemoryStore(products()))
    app.extensions["upsell"].offers.store.placed["o1"] = Order("o1", "EUR", ())
    sent: dict[str, Any] = {
        **ARGUMENTS.get(name, {}),
        **({"order": "o1"} if name == "order_placed" else {}),
        "something_new": 1,
    }
    with app.app_context():
        SENT_BY_THE_STORE[name].send(app, **sent)
    assert not faults.seen
