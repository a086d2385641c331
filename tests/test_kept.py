"""Decisions and HTML that are kept: what reaches another visitor is what would have been decided for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from sqlalchemy import Connection, create_engine, text

from flask_upsell import Capability, MemoryStore, Product, Upsell, faults
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.memory import MemoryQueue, MemoryShelf, MemorySwitch, MemoryTally, memory_ledger
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import Book
from flask_upsell.core.context import Policy
from flask_upsell.core.ports import Order
from flask_upsell.offers import Offers
from tests.conftest import SECRET, MakeApp

GOODS = [
    Product("laptop", "Laptop", 1000, "EUR", category="Laptops"),
    Product("better", "Better laptop", 1200, "EUR", category="Laptops"),
    Product("bag", "Bag", 200, "EUR", category="Bags"),
]
LEADS = [
    (
        "laptop",
        Affinities((Affinity("better", 0.5, 40, 80, 40, 100),), (Affinity("bag", 0.4, 38, 100, 40, 412),)),
    ),
    ("better", Affinities()),
    ("bag", Affinities()),
]


class Shelf(MemoryShelf):
    """A shelf that can have a bad moment: then it knows nothing of what products lead to."""

    bad = False

    def read(self, refs: Sequence[str]) -> Book:
        book = super().read(refs)
        if self.bad:
            book.affinities.clear()  # type: ignore[attr-defined]
        return book


def pipeline(store: MemoryStore, shelf: MemoryShelf) -> Offers:
    shelf.publish(GOODS, LEADS)
    ledger = memory_ledger()
    return Offers(
        store=store, shelf=shelf, ledger=ledger, tally=MemoryTally(), queue=MemoryQueue(), policy=Policy(),
        rules=SQLRules(ledger.engine, "upsell"), limits=SQLLimits(ledger.engine, "upsell"), secret=SECRET,
        switch=MemorySwitch(),
    )  # fmt: skip


def test_a_kept_decision_replaces_the_line_of_whoever_looks() -> None:
    """Red when `rebound` returns the decision as it was kept: the second visitor gets the first one's line."""
    store = MemoryStore(GOODS)
    offers = pipeline(store, MemoryShelf())
    lines = []
    for visitor in ("ada", "bob"):
        store.visitor_key = visitor
        store.add("laptop", None, 1)
        upgrade = offers.suggest("cart").offers[0]
        lines.append(upgrade.trigger.ref)
        assert upgrade.trigger == store.cart().lines[0]
    assert len(set(lines)) == 2
    assert len(offers._decided[1]) == 1, "it was decided once"


def test_two_lines_that_differ_in_their_variant_keep_their_upgrades() -> None:
    store = MemoryStore(GOODS)
    offers = pipeline(store, MemoryShelf())
    offers.policy = Policy(max_upgrades=2)
    store.add("laptop", None, 1)
    store.add("laptop", None, 1)
    first = [(offer.product.ref, offer.trigger.ref) for offer in offers.suggest("cart").offers]
    assert [(offer.product.ref, offer.trigger.ref) for offer in offers.suggest("cart").offers] == first


def test_what_a_store_can_do_for_one_visitor_is_not_offered_to_another() -> None:
    """Red when the store's capabilities are left out of `same`."""
    store = MemoryStore(GOODS)
    offers = pipeline(store, MemoryShelf())
    store.add("laptop", None, 1)
    assert [offer.kind.value for offer in offers.suggest("cart").offers] == ["upgrade", "complement"]
    store._capabilities = frozenset({Capability.ADD})
    assert [offer.kind.value for offer in offers.suggest("cart").offers] == ["complement"]


def test_what_was_decided_without_the_book_is_not_kept() -> None:
    """Red when a decision is kept although the shelf lacked products: no offers until the next version."""
    store, shelf = MemoryStore(GOODS), Shelf()
    offers = pipeline(store, shelf)
    store.add("laptop", None, 1)
    before = dict(shelf.read([]).affinities)
    shelf.bad = True
    assert offers.suggest("cart").offers == ()
    shelf.bad = False
    shelf.read([]).affinities.update(before)  # type: ignore[attr-defined]
    assert len(offers.suggest("cart").offers) == 2


def page(app: Flask, store: MemoryStore, path: str) -> str:
    @app.get("/<path:anything>")
    def any_page(anything: str) -> str:
        return render_template_string('{{ upsell("cart") }}')

    store.add("laptop", None, 1)
    app.extensions["upsell"].offers.shelf.publish(GOODS, LEADS)
    return app.test_client().get(path).text


@pytest.mark.parametrize("path", ["/%09/evil.example/x", "/%5c%09/evil.example", "/%0a/x"])
def test_the_way_back_never_leads_elsewhere_nor_breaks(make_app: MakeApp, path: str) -> None:
    """Red when tabs and line ends go into the address as they are: "/<tab>/evil" is "//evil" to a browser."""
    store = MemoryStore(GOODS)
    app = make_app(store)
    html = page(app, store, path)
    token = html.split('name="token" value="')[1].split('"')[0]
    key = html.split('name="key" value="')[1].split('"')[0]
    answer = app.test_client().post("/upsell/accept", data={"token": token, "key": key})
    location = answer.headers["Location"]
    assert answer.status_code == 303
    assert location.startswith("/") and not location.startswith("//")
    assert not set(location) & set("\t\r\n\\")


def test_a_page_with_offers_is_kept_by_no_cache(make_app: MakeApp) -> None:
    store = MemoryStore(GOODS)
    app = make_app(store)
    page(app, store, "/cart")
    answer = app.test_client().get("/cart")
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_invented_placements_are_not_counted(make_app: MakeApp) -> None:
    store = MemoryStore(GOODS)
    app = make_app(store)
    page(app, store, "/cart")
    for number in range(5):
        app.test_client().get(f"/upsell/slot/junk{number}?product=laptop")
    offers = app.extensions["upsell"].offers
    offers.tally.flush()
    offers.fold()
    assert {count.placement for count in offers.ledger.counts()} == {"cart"}


def test_a_reference_may_be_a_number(make_app: MakeApp) -> None:
    store = MemoryStore([Product("5", "Five", 100, "EUR"), Product("6", "Six", 100, "EUR")])
    app = make_app(store)
    leads = Affinities(complements=(Affinity("6", 0.5, 5, 9, 9, 99),))
    app.extensions["upsell"].offers.shelf.publish(store.catalogue(), [("5", leads)])
    with app.test_request_context("/"):
        assert 'data-upsell-product="6"' in render_template_string('{{ upsell("product", product=5) }}')


class Broken(MemoryStore):
    """Its read of the order fails in the database."""

    def order(self, ref: str, connection: object = None) -> Order | None:
        assert isinstance(connection, Connection)
        connection.execute(text("SELECT no_such_column FROM no_such_table"))
        return None


def test_a_failed_read_does_not_spoil_the_order(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Red without the savepoint in `record_order`: PostgreSQL then throws the host's order away at its commit."""
    app = Flask("host", root_path=str(tmp_path))
    app.config.update(SECRET_KEY=SECRET, UPSELL_DATABASE_URL=database_url, UPSELL_REDIS_URL=redis_url)
    Upsell(app, store=Broken(GOODS))
    parts: Any = app.extensions["upsell"]
    parts.migrate()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS host_orders"))
        connection.execute(text("CREATE TABLE host_orders (number TEXT)"))
    from flask_upsell import order_placed

    before = faults.seen["order_placed"]
    with app.test_request_context("/"), engine.begin() as connection:
        connection.execute(text("INSERT INTO host_orders VALUES ('1')"))
        order_placed.send(app, order="1", connection=connection)
        connection.execute(text("INSERT INTO host_orders VALUES ('2')"))
    assert faults.seen["order_placed"] == before + 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM host_orders")).scalar() == 2
    engine.dispose()
    parts.close()
