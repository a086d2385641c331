"""What a worker runs, run here: learn, publish, amend, fold, follow up; with a real Valkey and an SQLite ledger."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask import Flask, g

from flask_upsell import FollowUp, MemoryStore, faults, jobs
from flask_upsell.adapters.memory import MemoryQueue
from flask_upsell.adapters.stores.memory import MemoryStore as Store
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.context import Capability, Line
from flask_upsell.core.ports import Order, OrderLine
from flask_upsell.errors import BookError, JobError, LearnError
from flask_upsell.followup import BATCH
from flask_upsell.jobs import Parts
from tests.conftest import MakeApp, products

AT = datetime(2026, 5, 4, tzinfo=UTC)


def bought(count: int, *refs: str, start: int = 0) -> Iterator[OrderLine]:
    """`count` orders of these products."""
    for number in range(start, start + count):
        for ref in refs:
            yield OrderLine(str(number), ref, 1, 1000, AT)


def shop(**more: Any) -> Store:
    """Ten orders of p4 and p5 together, ten of p6 alone."""
    return MemoryStore(products(), orders=[*bought(10, "p4", "p5"), *bought(10, "p6", start=100)], **more)


def here(app: Flask) -> Parts:
    found: Parts = app.extensions["upsell"]
    return found


def test_learning_keeps_affinities_publishes_and_tells_its_figures(make_app: MakeApp) -> None:
    app = make_app(shop())
    with app.app_context():
        figures = jobs.learn("upsell", "run1")
    offers = here(app).offers
    assert (figures["orders"], figures["lines"], figures["products"], figures["complements"]) == (20, 30, 8, 2)
    run = offers.ledger.last_progress("learn")
    assert run is not None and (run.id, run.state, run.step) == ("run1", "done", "Live")
    assert run.figures == figures and run.figures["version"] == offers.shelf.read(["p4"]).version
    (affinity,) = offers.shelf.read(["p4"]).leads_to("p4").complements
    assert (affinity.consequent, affinity.together, affinity.base, affinity.orders) == ("p5", 10, 10, 20)


def test_progress_is_heard_step_by_step(make_app: MakeApp) -> None:
    app, heard = make_app(shop()), list[str]()
    with app.app_context():
        jobs.run_learning(here(app), "run1", lambda step, done, total: heard.append(step))
    assert list(dict.fromkeys(heard)) == [
        "Starting",
        "Reading orders",
        "Reading products",
        "Mining baskets",
        "Mining complements",
        "Mining upgrades",
        "Mining seasonal",
        "Mining done",
        "Counting pairs",
        "Weighing pairs",
        "Asking the crowd",
        "Fitting to steps up",
        "Weighing steps up",
        "Keeping what was learned",
        "Keeping affinities",
        "Publishing",
    ]


def test_learning_twice_is_learning_once(make_app: MakeApp) -> None:
    app = make_app(shop())
    with app.app_context():
        first, second = jobs.learn("upsell", "run1"), jobs.learn("upsell", "run1")
    assert {**first, "version": ""} == {**second, "version": ""}
    assert len(list(here(app).offers.ledger.affinities())) == 2


def test_a_shop_without_orders_learns_nothing_and_publishes_its_catalogue(make_app: MakeApp) -> None:
    app = make_app(MemoryStore(products(1)))
    with app.app_context():
        assert jobs.learn("upsell")["affinities"] == 0
    assert here(app).offers.shelf.read(["p0"]).products["p0"].title == "Product 0"


class Gone(MemoryStore):
    """Its orders stop in the middle."""

    broken = False

    def orders(self, since: datetime | None = None) -> Iterator[OrderLine]:
        for number, line in enumerate(super().orders(since)):
            if self.broken and number == 7:
                raise ConnectionError("the orders are gone")
            yield line


def test_learning_that_fails_leaves_the_live_book_and_says_so(make_app: MakeApp) -> None:
    store = Gone(products(), orders=[*bought(10, "p4", "p5"), *bought(10, "p6", start=100)])
    app = make_app(store)
    offers = here(app).offers
    with app.app_context():
        version = jobs.learn("upsell", "run1")["version"]
        store.broken = True
        with pytest.raises(JobError, match="ConnectionError") as raised:
            jobs.learn("upsell", "run2")
    said = "".join(traceback.format_exception(raised.value))
    assert "the orders are gone" not in said, "RQ writes it into Redis"
    run = offers.ledger.last_progress("learn")
    assert run is not None and (run.id, run.state, run.step) == (
        "run2",
        "failed",
        f"ConnectionError: {faults.LEFT_OUT}",
    )
    assert run.ended_at is not None
    book = offers.shelf.read(["p4"])
    assert (book.version, book.leads_to("p4").complements[0].consequent) == (version, "p5")
    assert len(list(offers.ledger.affinities())) == 2


def test_a_store_without_orders_says_what_to_name(make_app: MakeApp) -> None:
    app = make_app(shop(capabilities=frozenset({Capability.ADD})))
    with app.app_context(), pytest.raises(LearnError, match="order and order_line columns"):
        jobs.learn("upsell", "run1")
    run = here(app).offers.ledger.last_progress("learn")
    assert run is not None and run.state == "failed" and "order_line" in run.step


def test_orders_in_parquet_are_learned_from_instead_of_the_stores(make_app: MakeApp, tmp_path: Path) -> None:
    """Also where the store gives none."""
    lines = [(line.order, line.product, 1, None, AT) for line in [*bought(12, "p5", "p6"), *bought(9, "p7", start=50)]]
    names = ("order_ref", "product_ref", "quantity", "customer", "placed_at")
    table = pa.table({name: list(some) for name, some in zip(names, zip(*lines, strict=True), strict=True)})
    pq.write_table(table, tmp_path / "orders.parquet")
    for store in (shop(), shop(capabilities=frozenset({Capability.ADD}))):
        app = make_app(store, UPSELL_LEARN_ORDERS=str(tmp_path / "*.parquet"))
        with app.app_context():
            figures = jobs.learn("upsell")
        assert (figures["orders"], figures["lines"]) == (21, 33)
        leads = dict(here(app).offers.ledger.affinities())
        assert {ref: [each.consequent for each in found.complements] for ref, found in leads.items()} == {
            "p5": ["p6"], "p6": ["p5"],
        }  # fmt: skip


def test_learning_that_cannot_publish_says_so(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(shop())

    def refuse(*_: object) -> str:
        raise BookError("the book was not published, the old one stays live: full")

    monkeypatch.setattr(here(app).offers.shelf, "publish", refuse)
    with app.app_context(), pytest.raises(BookError):
        jobs.learn("upsell", "run1")
    run = here(app).offers.ledger.last_progress("learn")
    assert run is not None and (run.state, run.step[:9]) == ("failed", "BookError")


def test_amending_and_publishing_bring_the_book_up_to_date(make_app: MakeApp) -> None:
    store = shop()
    app = make_app(store)
    shelf = here(app).offers.shelf
    with app.app_context():
        jobs.learn("upsell")
        store.shelf["p5"] = msgspec.structs.replace(store.shelf["p5"], price=4321)
        del store.shelf["p6"]
        shelf.read(["p6"])
        jobs.amend("upsell", "p5", "p6", "never-was")
        assert shelf.read(["p4"]).products["p5"].price == 4321
        assert shelf.read(["p6"]).products["p6"].hidden
        assert jobs.publish("upsell") == shelf.read(["p6"]).version
    assert shelf.read(["p6"]).products.get("p6") is None
    assert shelf.read(["p4"]).leads_to("p4").complements[0].consequent == "p5"


def test_a_whole_department_that_vanished_is_hidden(make_app: MakeApp) -> None:
    app = make_app(MemoryStore(products(1)))
    offers = here(app).offers
    gone = [msgspec.structs.replace(products(1)[0], ref=f"gone{i}") for i in range(9_000)]
    offers.shelf.publish(gone, [])
    with app.app_context():
        jobs.amend("upsell", *(product.ref for product in gone))
    for ref in ("gone0", "gone8999"):
        assert offers.shelf.read([ref]).products[ref].hidden


def test_folding_counts_once(make_app: MakeApp) -> None:
    app = make_app(shop())
    offers = here(app).offers
    offers.ledger.record_decline("cart", "complement", "p5", AT)
    offers.tally.add([("cart", "complement", "p5")] * 3)
    offers.tally.flush()
    with app.app_context():
        assert [jobs.fold("upsell"), jobs.fold("upsell")] == [2, 0]
    assert [(c.product, c.shown, c.declined) for c in offers.ledger.counts()] == [("p5", 3, 1)]


# Follow-ups


class Sessions(Store):
    """A store that opens something in each app context, as a database session is."""

    opened = 0

    def order(self, ref: str, connection: object = None) -> Order | None:
        if "session" not in g:
            self.opened += 1
            g.session = self.opened
        return super().order(ref, connection)


def placed(app: Flask, store: Store, *customers: str, days: int = 8) -> None:
    """An order of p4 by each of these customers, so many days ago."""
    offers = here(app).offers
    offers.shelf.publish(products(), [("p4", Affinities((), (Affinity("p5", 1.0, 38, 412, 60, 6000),)))])
    clock, offers.clock = offers.clock, lambda: datetime.now(UTC) - timedelta(days=days)
    with app.app_context():
        for number, customer in enumerate(customers):
            store.placed[str(number)] = Order(str(number), "EUR", (Line("1", "p4", 1, 1000),), customer)
            offers.record_order(str(number), "visitor")
    offers.clock = clock


def test_customers_are_written_to_each_with_a_context_of_its_own(make_app: MakeApp) -> None:
    """Shown red with one context for all: what the store read for the first order is old at the last."""
    sent: list[FollowUp] = []
    store = Sessions(products())
    app = make_app(store, UPSELL_FOLLOW_UP=sent.append, UPSELL_SITE_URL="https://shop.example")
    placed(app, store, "ada", "bob", "eve")
    store.opened = 0
    with app.app_context():
        assert [jobs.follow_up("upsell"), jobs.follow_up("upsell")] == [3, 0]
    assert [mail.customer for mail in sent] == ["ada", "bob", "eve"]
    assert "https://shop.example/product/p5" in sent[0].text
    assert store.opened == 3


def test_the_rest_of_many_is_another_jobs(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[FollowUp] = []
    store = Store(products())
    app = make_app(store, UPSELL_FOLLOW_UP=sent.append, UPSELL_SITE_URL="https://shop.example")
    placed(app, store, *(f"c{number}" for number in range(BATCH + 1)))
    queue = MemoryQueue()
    monkeypatch.setattr(here(app).offers, "queue", queue)
    with app.app_context():
        assert jobs.follow_up("upsell") == BATCH
        assert queue.jobs == [("follow_up", ())]
        assert jobs.follow_up("upsell") == 1
    assert queue.jobs == [("follow_up", ())]


def test_nobody_is_written_to_by_default(make_app: MakeApp) -> None:
    """Nothing is recorded, and a job that was asked for before it was turned off does nothing."""
    store = Store(products())
    app = make_app(store)
    placed(app, store, "ada")
    assert here(app).follow_ups is None
    assert here(app).diary.states() == {}
    with app.app_context():
        assert jobs.follow_up("upsell") == 0


def test_each_instance_has_its_own_jobs(make_app: MakeApp) -> None:
    app = make_app(shop(), name="b2b")
    with app.app_context():
        assert jobs.parts("upsell_b2b").identifier == "upsell_b2b"
        jobs.learn("upsell_b2b")
        for unknown in ("upsell", "sqlalchemy", ""):
            with pytest.raises(LookupError, match="init_app"):
                jobs.fold(unknown)
