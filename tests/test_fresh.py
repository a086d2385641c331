"""Orders since the last learning, over a whole app: folded into the live book, as if all were learned anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from msgspec.structs import replace
from sqlalchemy import func, select

from flask_upsell import Line, MemoryStore, Order, OrderLine, Product, faults, jobs
from flask_upsell import fresh as module
from flask_upsell.adapters import recent as kept
from flask_upsell.adapters.audit import acting
from flask_upsell.adapters.desk_tables import levels as pair_levels
from flask_upsell.adapters.lesson_tables import counted, recents
from flask_upsell.adapters.tables import affinities
from flask_upsell.core.affinity import Affinity
from tests.conftest import MakeApp
from tests.learned_shop import NOW, everybody, goods, history, killed, learn, learned_ledger, shop
from tests.web.shop import parts_of

Counts = dict[tuple[str, str], tuple[int, int, int, int]]
Taught = Callable[..., Flask]
REFS = [each.ref for each in goods()]
#: A young shop, which has pairs with evidence only; and one with a model of its own.
YOUNG, GROWN = 300, 1500
SETTINGS: dict[str, Any] = {"UPSELL_CONSENTED": everybody, "UPSELL_MAX_BASKET": 60, "UPSELL_BOOK_SECONDS": 0.0}


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory, valkey: str) -> dict[int, Path]:
    """Ledgers in which so many orders are learned, to be copied."""
    return {
        count: learned_ledger(tmp_path_factory.mktemp("fresh") / "upsell.db", valkey, shop(history(count)), **SETTINGS)
        for count in (YOUNG, GROWN)
    }


@pytest.fixture
def taught(make_app: MakeApp, ledgers: dict[int, Path], tmp_path: Path) -> Taught:
    """A shop that has learned, and published."""

    def make(count: int = YOUNG) -> Flask:
        shutil.copy(ledgers[count], tmp_path / "upsell.db")
        app = make_app(shop(history(count)), **SETTINGS)
        parts_of(app).offers.clock = lambda: NOW
        with app.app_context():
            jobs.publish("upsell")
        return app

    return make


def store_of(app: Flask) -> MemoryStore:
    store: Any = parts_of(app).offers.store
    return store  # type: ignore[no-any-return]


def place(app: Flask, ref: str, products: Iterable[str], customer: str | None = None) -> None:
    """Order these: the store has it, and what the store says of it is heard."""
    store, lines = store_of(app), tuple([Line("", each, 1, 1000) for each in products])
    store.placed[ref] = Order(ref, "EUR", lines, customer)
    store.past += [OrderLine(ref, line.product, 1, 1000, NOW + timedelta(minutes=1), customer) for line in lines]
    with app.app_context():
        parts_of(app).offers.record_order(ref, "visitor")


def cancel(app: Flask, ref: str) -> None:
    """As a store does that removes an order."""
    store = store_of(app)
    del store.placed[ref]
    store.past = [line for line in store.past if line.order != ref]
    with app.app_context():
        parts_of(app).offers.release(ref)


def fold(app: Flask) -> int:
    """How many products were folded."""
    with app.app_context():
        parts_of(app).offers.ledger.fold()
        return jobs.fold("upsell")


def counts_of(app: Flask, refs: Iterable[str] = REFS) -> Counts:
    """Of each pair that was met twice, as the live book says it."""
    found: Counts = {}
    for ref in refs:
        for each in parts_of(app).offers.shelf.read([ref]).leads_to(ref).complements:
            if each.together >= 2:
                found[ref, each.consequent] = _counts(each)
    return found


def _counts(each: Affinity) -> tuple[int, int, int, int]:
    return each.together, each.base, each.consequent_orders, each.orders


def proven_of(app: Flask, refs: Iterable[str] = REFS) -> dict[tuple[str, str], tuple[object, ...]]:
    """What a merchant is asked to approve of."""
    a = affinities.c
    columns = (a.antecedent, a.consequent, a.together, a.base, a.consequent_orders, a.orders, a.weight, a.sure)
    query = select(*columns).where(a.kind == "complement", a.antecedent.in_(list(refs)))
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        return {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(query)}


def noted(app: Flask) -> list[Any]:
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        return list(connection.execute(select(recents).order_by(recents.c.order_ref, recents.c.product)))


def version(app: Flask) -> str:
    edition = parts_of(app).offers.shelf.edition()
    assert edition is not None
    return edition.version


def levels(app: Flask) -> dict[int, int]:
    """How many complements are how sure, as it is counted for the list of suggestions."""
    query = select(pair_levels.c.sure, pair_levels.c.pairs).where(pair_levels.c.kind == "complement")
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        return {row[0]: row[1] for row in connection.execute(query)}


# --- as if all were learned anew -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [YOUNG, GROWN])
def test_orders_that_are_folded_count_as_if_all_were_learned_anew(taught: Taught, count: int) -> None:
    """Evidence and counts of every pair of products that were ordered, whatever it was before: proven, a link, met once
    or never. Folded in several runs, among orders that learning leaves out. Planted bugs that it shows: pairs that were
    met once are taken for new; a product's own orders are those of its first pair; `neighbours` are not bound."""
    app, dice, ordered = taught(count), Random(count), set[str]()
    place(app, "wholesale", REFS[:70])
    place(app, "gift card", ["no-such-product"])
    for number in range(60):
        some = dice.sample(REFS, dice.choice((1, 2, 3, 4, 6))) if number % 3 else ["own-1", "own-2", "t0-0"]
        ordered.update(some)
        place(app, f"new{number}", [*some, *(["no-such-product"] if number % 7 == 0 else [])], f"c{number}")
        if number % 20 == 19:
            assert fold(app)
    counts, proven, pairs = counts_of(app, ordered), proven_of(app, ordered), levels(app)
    assert ("own-1", "own-2") in proven and fold(app) == 0
    learn(app, "second", "anyway")
    assert counts_of(app, ordered) == counts and proven_of(app, ordered) == proven
    assert levels(app) == pairs and len(counts) > 90


def habits_of(app: Flask, *customers: str) -> dict[str, list[tuple[str, ...]]]:
    """What is in these customers' orders, the newest first, as the live book says it."""
    book, found = parts_of(app).offers.shelf.read(["t0-0"]), {}
    for customer in customers:
        own = book.habits.get(parts_of(app).offers.pseudonym(customer))
        if own is not None:
            assert own.orders.keys() == {ref for _, refs in own.baskets for ref in refs}
            found[customer] = [refs for _, refs in own.baskets]
    return found


def test_shoppers_habits_have_their_orders_since(taught: Taught) -> None:
    """As a learning has them; also when a book is published again, and without what was cancelled. Planted bugs that it
    shows: what was folded before is lost with the next order; a book that is published has habits as they were."""
    app, names = taught(GROWN), [f"c{number}" for number in (1, 2, 3, 4, 6, 7)]
    known = habits_of(app, *names)
    # Of those who order five times, once in a row.
    for number in range(24):
        place(app, f"new{number:02}", [f"own-{number}", "t0-0", "no-such-product"], f"c{1 + number % 3}")
        store_of(app).past[-3:] = [
            replace(line, placed_at=NOW + timedelta(minutes=number)) for line in store_of(app).past[-3:]
        ]
        parts_of(app).offers.clock = lambda at=NOW + timedelta(minutes=number + 1): at  # type: ignore[misc]
        if number in (3, 4, 15):
            fold(app)
    cancel(app, "new09")
    fold(app)
    now = habits_of(app, *names)
    assert now["c2"][0] == ("own-22", "t0-0") and [now[name] for name in names[3:]] == [
        known[name] for name in names[3:]
    ]
    assert all(len(now[name]) == min(len(known[name]) + 8 - (name == "c1"), 80) for name in names[:3])
    with app.app_context():
        jobs.publish("upsell")
    assert habits_of(app, *names) == now
    learn(app, "second", "anyway")
    assert habits_of(app, *names) == now


def test_whose_habits_nobody_learned_has_none_by_ordering(taught: Taught) -> None:
    """They did not agree, or took it back. Planted bug that it shows: habits are made of the orders alone."""
    app = taught()
    known_as = parts_of(app).offers.pseudonym("c3")
    with app.app_context():
        parts_of(app).offers.publishing.forget([known_as])
    place(app, "new1", ["t0-0", "t0-4"], "c3")
    place(app, "new2", ["t0-0"], "somebody new")
    place(app, "new3", ["t0-0"], "c4")
    fold(app)
    assert habits_of(app, "c3", "somebody new", "c4").keys() == {"c4"}
    with app.app_context():
        jobs.publish("upsell")
    assert habits_of(app, "c3", "somebody new", "c4").keys() == {"c4"}
    assert not parts_of(app).offers.publishing.waiting()


def test_who_is_forgotten_while_orders_are_folded_stays_forgotten(
    taught: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading of their habits and the writing. Planted bug that it shows: habits are written into whatever
    version is live."""
    app = taught()
    place(app, "new", ["t0-0"], "c3")
    press: Any = parts_of(app).offers.shelf
    relate, tries = press.relate, list[str]()

    def raced(version: str, *changes: Any) -> bool:
        tries.append(version)
        if len(tries) == 1:
            with app.app_context():
                parts_of(app).offers.publishing.forget([parts_of(app).offers.pseudonym("c3")])
        found: bool = relate(version, *changes)
        return found

    monkeypatch.setattr(press, "relate", raced)
    fold(app)
    assert len(tries) == 2 and habits_of(app, "c3") == {}


def test_habits_since_are_without_what_is_sensitive(taught: Taught) -> None:
    """Planted bug that it shows: what is folded goes past the merchant's notes."""
    app = taught()
    with acting("mia"), app.app_context():
        parts_of(app).desk.notes.set("own-7", excluded=False, sensitive=True, fits=())
        jobs.publish("upsell")
    place(app, "new", ["own-7", "own-8"], "c3")
    fold(app)
    assert habits_of(app, "c3")["c3"][0] == ("own-8",)


def test_a_new_pair_is_offered_without_waiting_for_the_night(taught: Taught) -> None:
    app = taught()
    for number in range(6):
        place(app, f"new{number}", ["own-1", "own-2"])
    fold(app)
    book = parts_of(app).offers.shelf.read(["own-1"])
    assert "own-2" in [each.consequent for each in book.leads_to("own-1").complements]
    with app.app_context():
        jobs.publish("upsell")
    # A book that is published again says the same.
    again = parts_of(app).offers.shelf.read(["own-1"])
    assert again.version != book.version and again.leads_to("own-1") == book.leads_to("own-1")


def test_a_learning_takes_the_place_of_it(taught: Taught) -> None:
    """Orders that were placed while it ran are counted once, whether it read them or not. Planted bugs that it shows:
    all that is there when it goes live is dropped; nothing but what was there when it began is."""
    app = taught()
    for number in range(3):
        place(app, f"before{number}", ["own-1", "own-2"])
    fold(app)
    here = parts_of(app)
    times = {"Reading orders": 0, "Weighing pairs": 0}

    def told(step: str, done: int, total: int) -> None:
        if step in times and not times[step]:
            times[step] = 1
            place(app, f"during {step}", ["own-1", "own-2"])

    original = here.offers.store.orders

    def orders(since: Any = None) -> Iterator[OrderLine]:
        place(app, "read and noted", ["own-1", "own-2"])
        yield from original(since)

    store_of(app).orders = orders  # type: ignore[method-assign]
    with app.app_context():
        jobs.run_learning(here, "second", told)
    assert sum(times.values()) == 2
    left = {row.order_ref for row in noted(app) if row.product == ""}
    assert "during Weighing pairs" in left
    fold(app)
    assert {row.order_ref for row in noted(app) if row.product == ""} < {"during Reading orders", *left}
    assert not {"before0", "read and noted"} & {row.order_ref for row in noted(app)}
    store_of(app).orders = original  # type: ignore[method-assign]
    counts = counts_of(app, ["own-1", "own-2"])
    assert counts["own-1", "own-2"][0] == 6
    learn(app, "third")
    assert counts_of(app, ["own-1", "own-2"]) == counts and noted(app) != []
    fold(app)
    assert noted(app) == []
    with here.offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.execute(select(func.count(counted.c.learning.distinct()))).scalar_one() == 1


# --- repeated, killed, meanwhile -------------------------------------------------------------------------------------


def test_it_may_be_repeated(taught: Taught) -> None:
    """What is in the book already changes nothing, so no process reads it again."""
    app = taught()
    place(app, "new", ["t0-0", "t0-4"])
    with app.app_context():
        parts_of(app).offers.record_order("new", "visitor")
    assert fold(app) == 2
    before, counts = version(app), counts_of(app)
    with parts_of(app).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(recents.update().values(folded_in="", folded_at=kept.NEVER))
    assert parts_of(app).offers.publishing.waiting()
    assert fold(app) == 2 and version(app) == before and counts_of(app) == counts
    assert not parts_of(app).offers.publishing.waiting()


@pytest.mark.parametrize("wait_at", ["keep", "relate", "folded"])
def test_a_worker_that_is_killed_while_it_folds_leaves_what_another_ends(
    taught: Taught, tmp_path: Path, redis_url: str, wait_at: str
) -> None:
    """A process of its own, kill -9: before the evidence is written, before the book is, and before that is on record.
    Planted bug that it shows: what somebody claimed is left to them."""
    app = taught()
    before = counts_of(app)
    for number in range(3):
        place(app, f"new{number}", ["t0-0", "t0-4", "own-1"])
    killed(f"sqlite:///{tmp_path / 'upsell.db'}", redis_url, wait_at)
    assert (counts_of(app) == before) == (wait_at != "folded")
    assert fold(app) == 3
    counts = counts_of(app, ["t0-0", "t0-4"])
    assert counts["t0-0", "t0-4"][0] == before["t0-0", "t0-4"][0] + 3
    proven = proven_of(app, ["t0-0", "t0-4"])
    learn(app, "second")
    assert counts_of(app, ["t0-0", "t0-4"]) == counts and proven_of(app, ["t0-0", "t0-4"]) == proven


def test_what_is_folded_while_a_book_is_published_is_in_that_book_too(taught: Taught) -> None:
    """Planted bug that it shows: what is in an older version counts as folded."""
    app = taught()
    store = store_of(app)
    original = store.catalogue

    def catalogue() -> Iterator[Product]:
        yield from original()
        place(app, "late", ["t0-0", "t0-4"])
        store.catalogue = original  # type: ignore[method-assign]

    store.catalogue = catalogue  # type: ignore[method-assign]
    press: Any = parts_of(app).offers.shelf
    switch = press._switch
    before = counts_of(app)["t0-0", "t0-4"]

    def late(*given: Any) -> None:
        press._switch = switch
        assert fold(app) == 2
        switch(*given)

    press._switch = late
    with app.app_context():
        jobs.publish("upsell")
    fold(app)
    assert counts_of(app)["t0-0", "t0-4"][:2] == (before[0] + 1, before[1] + 1)


def test_a_book_that_somebody_else_changes_is_read_again(taught: Taught, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not overwritten with what was decided before. Planted bug that it shows: `relate` writes into whatever
    version is live."""
    app = taught()
    place(app, "new", ["t0-0", "t0-4"])
    press: Any = parts_of(app).offers.shelf
    relate, tries = press.relate, list[str]()

    def raced(version: str, *changes: Any) -> bool:
        tries.append(version)
        if len(tries) == 1:
            with acting("mia"), app.app_context():
                parts_of(app).desk.verdicts.reject([("complement", "t0-0", "t0-4")])
                jobs.publish("upsell")
        found: bool = relate(version, *changes)
        return found

    monkeypatch.setattr(press, "relate", raced)
    assert fold(app) == 2 and len(set(tries)) == 2
    assert ("t0-0", "t0-4") not in counts_of(app) and ("t0-4", "t0-0") in counts_of(app)
    monkeypatch.setattr(press, "relate", lambda *_: False)
    place(app, "newer", ["t0-0", "t0-2"])
    assert fold(app) == 0 and parts_of(app).offers.publishing.waiting()


def test_without_a_book_or_a_learning_nothing_is_folded_and_nothing_is_lost(make_app: MakeApp, redis_url: str) -> None:
    app = make_app(shop(history(YOUNG)), **SETTINGS)
    parts_of(app).offers.clock = lambda: NOW
    place(app, "first", ["t0-0", "t0-4"])
    assert fold(app) == 0 and not parts_of(app).offers.publishing.waiting()
    learn(app)
    learned = counts_of(app)
    place(app, "second", ["t0-0", "t0-4"])
    press: Any = parts_of(app).offers.shelf
    press._writer.flushall()
    assert fold(app) == 0 and parts_of(app).offers.publishing.waiting()
    with app.app_context():
        jobs.publish("upsell")
    # Published from SQL, it has them.
    assert counts_of(app)["t0-0", "t0-4"][0] == learned["t0-0", "t0-4"][0] + 1
    assert fold(app) == 2 and fold(app) == 0


# --- whose orders, and which -----------------------------------------------------------------------------------------


def test_who_is_erased_leaves_what_a_learning_without_them_gives(taught: Taught) -> None:
    """Their baskets are nobody's, and count. Planted bug that it shows: `recents` is not among what is anonymised."""
    app = taught()
    known_as = parts_of(app).offers.pseudonym("c3")
    for number in range(4):
        place(app, f"new{number}", ["t0-0", "t0-4", "own-3"], "c3")
    fold(app)
    assert known_as in {row.customer for row in noted(app)}
    with app.app_context():
        done = parts_of(app).privacy.erase("c3")
    assert done["upsell_recent"] == 4 and known_as not in {row.customer for row in noted(app)}
    fold(app)
    refs = ["t0-0", "t0-4", "own-3"]
    counts, proven = counts_of(app, refs), proven_of(app, refs)
    store = store_of(app)
    store.past = [
        OrderLine(each.order, each.product, 1, 1000, each.placed_at, None if each.customer == "c3" else each.customer)
        for each in store.past
    ]
    learn(app, "without")
    assert counts_of(app, refs) == counts and proven_of(app, refs) == proven


def test_a_cancelled_order_counts_as_the_store_has_it(taught: Taught) -> None:
    """Planted bug that it shows: it is not folded again."""
    app = taught()
    before, proven = counts_of(app, ["t0-0"]), proven_of(app)
    place(app, "gone", ["t0-0", "t0-4"])
    place(app, "kept", ["own-1"])
    fold(app)
    assert counts_of(app, ["t0-0"]) != before
    cancel(app, "gone")
    with app.app_context():
        parts_of(app).offers.release("kept")
    assert fold(app) == 3
    after = counts_of(app, ["t0-0"])
    assert {pair: each[:3] for pair, each in after.items()} == {pair: each[:3] for pair, each in before.items()}
    assert {each[3] for each in after.values()} == {YOUNG + 1}
    learn(app, "second")
    assert counts_of(app, ["t0-0"]) == after and proven_of(app).keys() == proven.keys()


def test_who_orders_the_whole_shop_is_no_shopper(taught: Taught, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what was counted before that was clear. Planted bug that it shows: earlier orders stay."""
    app = taught()
    monkeypatch.setattr(module, "A_SHOPPERS", 60)
    place(app, "shopper", ["t0-0", "t0-4"], "c1")
    place(app, "bot1", REFS[:50], "bot")
    assert fold(app) == 50
    place(app, "bot2", REFS[50:], "bot")
    assert fold(app) == len(REFS)
    assert {each[3] for each in counts_of(app).values()} == {YOUNG + 1}


# --- bounded ---------------------------------------------------------------------------------------------------------


def test_a_bestseller_is_counted_again_when_enough_of_it_is_new(
    taught: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug that it shows: it is never again."""
    monkeypatch.setattr(kept, "MANY", 6)
    monkeypatch.setattr(kept, "PART", 4)
    app = taught()
    for number in range(8):
        place(app, f"new{number}", ["milk", "t0-0"] if number % 4 == 0 else ["milk"])
    assert fold(app) == 2
    before = counts_of(app, ["milk"])
    place(app, "another", ["milk", "t0-0"])
    assert fold(app) == 1
    assert counts_of(app, ["milk"]) == before
    for number in range(2):
        place(app, f"more{number}", ["milk"])
    fold(app)
    assert {each[1] for each in counts_of(app, ["milk"]).values()} == {each[1] + 3 for each in before.values()}


def test_a_run_takes_some_at_a_time_and_leaves_the_rest(taught: Taught, monkeypatch: pytest.MonkeyPatch) -> None:
    app = taught()
    monkeypatch.setattr(module, "PRODUCTS", 3)
    monkeypatch.setattr(module, "SECONDS", 0.0)
    for number in range(4):
        place(app, f"new{number}", REFS[2 * number : 2 * number + 2])
    runs = [fold(app), fold(app), fold(app), fold(app)]
    assert runs == [3, 3, 2, 0]
    monkeypatch.undo()
    learned = counts_of(app, REFS[:8])
    learn(app, "second")
    assert {pair[0]: each[1] for pair, each in counts_of(app, REFS[:8]).items()} == {
        pair[0]: each[1] for pair, each in learned.items()
    }


def test_what_cannot_be_noted_costs_no_conversion(taught: Taught) -> None:
    """As between an update of the package and `flask upsell db upgrade`. Planted bug that it shows: it is noted in the
    savepoint of the conversions."""
    app = taught()
    with parts_of(app).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        recents.drop(connection)
    seen = faults.seen["fresh"]
    place(app, "new", ["t0-0"])
    assert faults.seen["fresh"] == seen + 1
    assert parts_of(app).offers.ledger.waiting() == 1
