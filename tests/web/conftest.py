"""An app around the store of `shop.py`, on the real Valkey, with a book published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from flask_upsell import MemoryStore, faults
from tests.conftest import MakeApp
from tests.web.shop import GOODS, SessionStore, Visitor, add_pages, publish


@pytest.fixture(autouse=True)
def no_faults_yet() -> Iterator[None]:
    """Each test counts its own faults."""
    faults.seen.clear()
    yield
    faults.seen.clear()


@pytest.fixture
def store() -> SessionStore:
    return SessionStore(GOODS, urls={"cart": "/cart", "checkout": "/checkout"})


Serve = Callable[..., Flask]


@pytest.fixture
def serve(make_app: MakeApp) -> Serve:
    """Makes the app of a store, with its pages and its book. Redis may be slow here: the machine is busy with tests."""

    def make(store: MemoryStore, **config: Any) -> Flask:
        app = make_app(store, **{"UPSELL_REDIS_SECONDS": 1.0, **config})
        add_pages(app, store)
        publish(app)
        return app

    return make


@pytest.fixture
def app(serve: Serve, store: SessionStore) -> Flask:
    return serve(store)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def shopper(visitor: Visitor) -> Visitor:
    """A visitor with a laptop in the cart."""
    return visitor.put("laptop")
