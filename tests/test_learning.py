"""A store's own learning over a whole app: the learned model decides, with whose consent, and who stays in charge."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from flask_upsell import OrderLine, jobs
from flask_upsell.adapters import lesson_tables as tables
from flask_upsell.adapters.audit import acting
from flask_upsell.core.context import Cart, Line
from flask_upsell.core.offer import Basis, Offer
from flask_upsell.errors import JobError
from flask_upsell.learning import worse
from tests.conftest import MakeApp
from tests.learned_shop import CUSTOMERS, NOW, everybody, goods, history, killed, learn, learned_ledger, shop
from tests.web.shop import parts_of

MakeShop = Callable[..., Flask]
#: Nobody orders more of a theme: what may still come is milk, and what a shopper always buys.
THREE = ("t0-0", "t0-1", "t0-2")


@pytest.fixture
def make_shop(make_app: MakeApp) -> MakeShop:
    """A shop where it is the fourth of May 2026, and everybody agreed unless something else is said."""

    def make(store: Any = None, **config: Any) -> Flask:
        app = make_app(store or shop(), **{"UPSELL_CONSENTED": everybody, **config})
        parts_of(app).offers.clock = lambda: NOW
        return app

    return make


Taught = Callable[..., Flask]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory, valkey: str) -> Path:
    """A ledger in which the shop's history is learned, to be copied."""
    return learned_ledger(tmp_path_factory.mktemp("learned") / "upsell.db", valkey, shop())


@pytest.fixture
def taught(make_shop: MakeShop, ledger: Path, tmp_path: Path) -> Taught:
    """A shop that has learned, and published."""

    def make(store: Any = None, **config: Any) -> Flask:
        shutil.copy(ledger, tmp_path / "upsell.db")
        app = make_shop(store, **config)
        parts_of(app).offers.pseudonym("")  # else the first page would do without past orders
        with app.app_context():
            jobs.publish("upsell")
        return app

    return make


def offered(app: Flask, *refs: str, who: str | None = None, consent: bool = True) -> list[Offer]:
    """What a page offers to a cart of these, in each of its places."""
    offers = parts_of(app).offers
    store: Any = offers.store
    store.customer = who
    cart = Cart("EUR", tuple([Line(ref, ref, 1, 1000) for ref in refs]))
    with app.app_context():
        return list(offers.suggest("cart", cart=cart, consent=consent).offers)


def refs_of(offers: list[Offer]) -> list[str]:
    return [each.product.ref for each in offers]


def book_of(app: Flask) -> dict[str, bytes]:
    """The fields of the live version that say what was learned."""
    client = Redis.from_url(app.config["UPSELL_REDIS_URL"])
    try:
        current: Any = client.get("upsell:{book}:1:current")
        every: Any = client.hgetall(f"upsell:{{book}}:1:v{current.decode().partition('.')[0]}")
        return {name.decode(): value for name, value in every.items() if name[:2] in (b"a:", b"g:", b"h:", b"mo")}
    finally:
        client.close()


# --- the model decides -----------------------------------------------------------------------------------------------


def test_a_page_is_decided_by_the_learned_model(taught: Taught) -> None:
    """What goes together, and with consent what a shopper always buys; each with its own true reason."""
    app = taught()
    last = parts_of(app).offers.ledger.last_progress("learn")
    assert last is not None
    figures = last.figures
    book = parts_of(app).offers.shelf.read(["t0-0"])
    assert book.model is not None and book.model.unknown.pairs, "it was fitted"
    assert figures["hit_rate"] > 0.5 and figures["habits"] == CUSTOMERS * 4 // 5
    alone = offered(app, "t0-0")
    assert len(alone) == 2 and all(each.product.ref.startswith("t0") for each in alone)
    assert all(each.reason.basis is Basis.PAIR and each.reason.together >= 5 for each in alone)
    mine = offered(app, *THREE, who="c3")
    assert "own-3" in refs_of(mine)
    (own,) = [each for each in mine if each.product.ref == "own-3"]
    assert (own.reason.basis, str(own.reason.sentence)) == (Basis.HABIT, "You have bought this before")
    assert "own-3" not in refs_of(offered(app, *THREE, who="c3", consent=False))
    assert "own-3" not in refs_of(offered(app, *THREE, who="c4"))


def test_the_book_is_published_again_from_sql_alone(taught: Taught) -> None:
    """Planted bug that it shows: `publish` puts up pairs only."""
    app = taught()
    before = book_of(app)
    client = Redis.from_url(app.config["UPSELL_REDIS_URL"])
    client.flushall()
    client.close()
    with app.app_context():
        jobs.publish("upsell")
    after = book_of(app)
    assert after == before and {name[:2] for name in after} == {"a:", "g:", "h:", "mo"}
    assert any(_buyers(value) for name, value in after.items() if name[:2] == "a:")
    assert "own-3" in refs_of(offered(app, *THREE, who="c3"))


def test_learning_again_gives_the_same_and_leaves_nothing_behind(taught: Taught) -> None:
    app = taught()
    first = book_of(app)
    learn(app, "run1")
    assert book_of(app) == first
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        (row,) = connection.execute(select(tables.learnings)).all()
        kept = connection.execute(select(tables.lessons.c.learning).distinct()).scalars().all()
    assert kept == [row.id] and row.state == "live"


def test_a_young_store_has_pairs_with_evidence_only(make_shop: MakeShop) -> None:
    """Nothing popular, nothing by a model that never proved itself."""
    app = make_shop(shop(history(300)))
    figures = learn(app)
    assert figures["hit_rate"] is None
    assert all(each.product.ref.startswith("t0") for each in offered(app, "t0-0"))
    assert offered(app, "own-39") == []


# --- merchants stay in charge ----------------------------------------------------------------------------------------


def test_what_was_rejected_is_not_offered_whatever_leads_to_it(taught: Taught) -> None:
    """Planted bugs that it shows: `decided` does not look at `rejected`; nor at `never`."""
    app = taught()
    verdicts = parts_of(app).desk.verdicts
    assert "own-3" in refs_of(offered(app, *THREE, who="c3"))
    kinds = [("complement", ref, own) for ref in THREE for own in ("own-3", "milk")]
    others = [f"t0-{each}" for each in range(1, 5)]
    with acting("mia"), app.app_context():
        verdicts.reject([*kinds, *[("complement", "t0-0", ref) for ref in others]])
        jobs.publish("upsell")
    for who in (None, "c3"):
        assert {*others, "milk", "own-3"}.isdisjoint(refs_of(offered(app, "t0-0", who=who)))
    assert "own-3" not in refs_of(offered(app, *THREE, who="c3"))
    # Another product may lead to them, for which they were not rejected.
    assert set(refs_of(offered(app, "t0-0", "t0-1"))) & set(others[1:])
    with acting("mia"), app.app_context():
        verdicts.never([("own-3", "t1-1"), ("t1-0", "t1-3")])
        jobs.publish("upsell")
    for cart in (("t1-0", "t1-1", "t1-2"), ("t1-2", "t1-0", "t1-1")):
        assert {"own-3", "t1-3"}.isdisjoint(refs_of(offered(app, *cart, who="c3")))
    assert "own-3" in refs_of(offered(app, "t1-0", "t1-2", "t1-4", who="c3"))


def test_what_was_approved_comes_first_learned_or_not(taught: Taught) -> None:
    """Planted bug that it shows: only what learning found is approved."""
    app = taught()
    with acting("mia"), app.app_context():
        parts_of(app).desk.verdicts.approve([("complement", "t0-0", "t7-4")])
        jobs.publish("upsell")
    first = offered(app, "t0-0")[0]
    assert first.product.ref == "t7-4" and first.reason.by_people


def test_where_learned_pairs_need_approval_the_model_ranks_what_was_approved_and_offers_nothing_else(
    taught: Taught,
) -> None:
    """Planted bug that it shows: `fit` leaves the model as it is."""
    app = taught()
    desk = parts_of(app).desk
    with acting("mia"), app.app_context():
        desk.options.set("auto_approve", 100)
        jobs.publish("upsell")
        assert all(offered(app, ref, who="c3") == [] for ref in ("t0-0", "t5-1", "milk"))
        desk.verdicts.approve([("complement", "t0-0", "t0-1"), ("complement", "t0-0", "t0-2")])
        jobs.publish("upsell")
    found = offered(app, "t0-0", who="c3")
    assert sorted(refs_of(found)) == ["t0-1", "t0-2"] and all(each.reason.together for each in found)
    assert offered(app, "t0-1", who="c3") == []


def test_what_is_excluded_or_sensitive_never_appears_and_says_nothing(taught: Taught) -> None:
    """Planted bug that it shows: habits are published with what is sensitive."""
    app = taught()
    with acting("mia"), app.app_context():
        notes = parts_of(app).desk.notes
        notes.set("own-3", excluded=False, sensitive=True)
        notes.set("milk", excluded=True, sensitive=False)
        jobs.publish("upsell")
    for who in (None, "c3", "c4"):
        for cart in (["t0-0"], [*THREE], ["own-3", *THREE]):
            assert {"own-3", "milk"}.isdisjoint(refs_of(offered(app, *cart, who=who)))
    assert not any(b'"own-3"' in value for name, value in book_of(app).items() if name[:2] in ("h:", "g:"))
    assert offered(app, "own-3", who="c3") == []
    assert refs_of(offered(app, "own-3", "t0-0")) == refs_of(offered(app, "t0-0"))


# --- whose orders they are -------------------------------------------------------------------------------------------


def customers_in(app: Flask) -> set[str]:
    """Pseudonyms of whom anything learned is kept."""
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        found = set(connection.execute(select(tables.lessons.c.customer).distinct()).scalars())
    return found - {""}


def test_nobodys_orders_are_kept_who_did_not_agree(make_shop: MakeShop) -> None:
    """By default who is not known to have agreed has not. Planted bug that it shows: who has no row has agreed."""
    app = make_shop(UPSELL_CONSENTED=None)
    figures = learn(app)
    assert figures["habits"] == 0 and customers_in(app) == set()
    assert not any(name[:2] in ("h:", "g:") for name in book_of(app))
    offers = parts_of(app).offers
    offers.consents.note(offers.pseudonym("c3"), True, NOW)  # type: ignore[union-attr]
    assert learn(app)["habits"] == 1
    assert customers_in(app) == {offers.pseudonym("c3")}
    assert "h:" + offers.pseudonym("c3") in book_of(app)
    assert not any(b'"c3"' in value or name == "h:c3" for name, value in book_of(app).items())


def test_consent_goes_with_the_last_order(make_shop: MakeShop) -> None:
    """Planted bug that it shows: only a yes is noted."""
    app = make_shop(UPSELL_CONSENTED=None)
    offers = parts_of(app).offers
    store: Any = offers.store
    store.customer = "c3"
    known_as = offers.pseudonym("c3")
    with app.app_context():
        for number, said in enumerate((True, None)):
            store.add("t0-0", None, 1)
            store.place_order(f"new{number}", NOW)
            offers.record_order(f"new{number}", "visitor", consent=said)
            assert offers.consents.given([known_as]) == {known_as}  # type: ignore[union-attr]
        learn(app)
        assert customers_in(app) == {known_as}
        store.place_order("new9", NOW)
        offers.record_order("new9", "visitor", consent=False)
        assert offers.consents.given([known_as]) == set()  # type: ignore[union-attr]
        jobs.forget("upsell", known_as)
    assert customers_in(app) == set() and "h:" + known_as not in book_of(app)


def test_a_function_that_fails_ends_the_learning(make_shop: MakeShop) -> None:
    def broken(_: object) -> list[str]:
        raise ConnectionError("away")

    app = make_shop(UPSELL_CONSENTED=broken)
    with app.app_context(), pytest.raises(Exception, match="UPSELL_CONSENTED failed: ConnectionError"):
        jobs.learn("upsell")


def test_who_is_erased_is_gone_from_sql_and_book_at_once_and_from_the_next_learning(taught: Taught) -> None:
    """Nothing names them, nor their number in the crowd; and learning again is as learning without them.

    Planted bugs that it shows: `forget` leaves `buyers` as they were; the book is left to the next publishing.
    """
    agreed = [f"c{number}" for number in range(CUSTOMERS)]
    app = taught(UPSELL_CONSENTED=lambda customers: [each for each in customers if each in agreed])
    offers = parts_of(app).offers
    known_as = offers.pseudonym("c3")
    assert "own-3" in refs_of(offered(app, *THREE, who="c3"))
    with offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        named = select(tables.lessons.c.name).where(tables.lessons.c.kind == "crowd")
        number = int(connection.execute(named.where(tables.lessons.c.customer == known_as)).scalar_one())
    assert any(number in _buyers(value) for name, value in book_of(app).items() if name[:2] == "a:")
    agreed.remove("c3")
    result = app.test_cli_runner().invoke(args=["upsell", "erase", "c3"])
    assert result.exit_code == 0, result.output
    assert "own-3" not in refs_of(offered(app, *THREE, who="c3"))
    gone = book_of(app)
    assert "h:" + known_as not in gone and f"g:{number}" not in gone
    assert not any(number in _buyers(value) for name, value in gone.items() if name[:2] == "a:")
    assert known_as not in customers_in(app)
    with app.app_context():
        jobs.publish("upsell")
    assert book_of(app) == gone
    learn(app)
    again = book_of(app)
    parts_of(app).offers.store.past = history(without=["c3"])  # type: ignore[attr-defined]
    agreed.append("c3")
    learn(app)
    assert again == book_of(app)


def _buyers(value: bytes) -> set[int]:
    return {number for number, _ in json.loads(value).get("buyers", ())}


def while_learning(app: Flask, happens: Callable[[], object]) -> None:
    """Learn of a shop in which c3 and c4 agreed; `happens` when all orders are read."""
    here = parts_of(app)
    for who in ("c3", "c4"):
        here.offers.consents.note(here.offers.pseudonym(who), True, NOW)  # type: ignore[union-attr]

    def told(step: str, done: int, total: int) -> None:
        if step == "Weighing pairs":
            happens()

    with app.app_context():
        jobs.run_learning(here, "run", told)
    assert customers_in(app) == {here.offers.pseudonym("c4")}
    assert "h:" + here.offers.pseudonym("c3") not in book_of(app)


def test_who_takes_consent_back_while_it_is_learned_is_not_kept(make_shop: MakeShop) -> None:
    """Planted bug that it shows: nobody is asked again."""
    app = make_shop(UPSELL_CONSENTED=None)
    offers = parts_of(app).offers
    while_learning(app, lambda: offers.consents.note(offers.pseudonym("c3"), False, NOW))  # type: ignore[union-attr]


def test_who_is_erased_while_it_is_learned_is_not_kept(make_shop: MakeShop) -> None:
    """Nobody can be asked again by a pseudonym. Planted bug that it shows: only what is there is removed."""
    app = make_shop(UPSELL_CONSENTED=lambda customers: {"c3", "c4"}.intersection(customers))
    while_learning(app, lambda: parts_of(app).privacy.erase("c3"))


# --- what is far worse stays out -------------------------------------------------------------------------------------


def live_in(app: Flask) -> list[str]:
    """Ids of what is kept as live."""
    query = select(tables.learnings.c.id).where(tables.learnings.c.state == "live")
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        return list(connection.execute(query).scalars())


def test_what_is_far_worse_is_refused_and_told(taught: Taught) -> None:
    """Planted bugs that it shows: it is compared after it went live; the pairs of the last one are replaced anyway."""
    store = shop()
    app = taught(store)
    before, version = book_of(app), parts_of(app).offers.shelf.published()
    kept, pairs = live_in(app), list(parts_of(app).offers.ledger.affinities())
    store.past = [each for each in store.past if each.product in ("t0-0", "t0-1")]
    figures = learn(app, "worse")
    assert [each["what"] for each in figures["refused"]] == ["coverage", "hit_rate"] and "version" not in figures
    assert book_of(app) == before and parts_of(app).offers.shelf.published() == version
    assert live_in(app) == kept and list(parts_of(app).offers.ledger.affinities()) == pairs
    run = parts_of(app).offers.ledger.last_progress("learn")
    assert (
        run is not None and run.state == "failed" and run.step.startswith("Not put live: it leads on from 0 products")
    )
    runner = app.test_cli_runner()
    assert "Not put live" in runner.invoke(args=["upsell", "status"]).output
    with app.test_request_context():
        needs = parts_of(app).desk.overview.needs()
    assert any("it leads on from {now} products" in each.sentence.words and each.act for each in needs)
    refused = runner.invoke(args=["upsell", "learn", "--here"])
    assert refused.exit_code == 1 and "--anyway" in refused.output
    assert book_of(app) == before
    done = runner.invoke(args=["upsell", "learn", "--here", "--anyway"])
    assert done.exit_code == 0, done.output
    assert book_of(app) != before
    assert not any("it leads on" in each.sentence.words for each in parts_of(app).desk.overview.needs())


@pytest.mark.parametrize(
    ("now", "last", "wrong"),
    [
        ({"coverage": 5, "hit_rate": None}, {}, []),
        ({"coverage": 50, "hit_rate": 0.14}, {"coverage": 100, "hit_rate": 0.2}, []),
        ({"coverage": 49, "hit_rate": 0.2}, {"coverage": 100, "hit_rate": 0.2}, ["coverage"]),
        ({"coverage": 100, "hit_rate": 0.13}, {"coverage": 100, "hit_rate": 0.2}, ["hit_rate"]),
        ({"coverage": 100, "hit_rate": None}, {"coverage": 100, "hit_rate": 0.2}, ["hit_rate"]),
        ({"coverage": 1, "hit_rate": None}, {"coverage": 19, "hit_rate": None}, []),
        # Of 137 carts nine and four are no difference, of 2,000 they are.
        ({"coverage": 100, "hit_rate": 0.03, "cases": 137}, {"coverage": 100, "hit_rate": 0.066, "cases": 137}, []),
        (
            {"coverage": 100, "hit_rate": 0.03, "cases": 2000},
            {"coverage": 100, "hit_rate": 0.066, "cases": 2000},
            ["hit_rate"],
        ),
        # Of as many carts too few were found to fit to: a few less, or hardly any.
        (
            {"coverage": 100, "hit_rate": None, "cases": 600, "found": 0.098},
            {"coverage": 100, "hit_rate": 0.1, "cases": 600},
            [],
        ),
        (
            {"coverage": 100, "hit_rate": None, "cases": 600, "found": 0.01},
            {"coverage": 100, "hit_rate": 0.1, "cases": 600},
            ["hit_rate"],
        ),
        # Nothing was asked: a few carts less, or half of them.
        ({"coverage": 100, "hit_rate": None, "cases": 59}, {"coverage": 100, "hit_rate": 0.1, "cases": 61}, []),
        (
            {"coverage": 100, "hit_rate": None, "cases": 59},
            {"coverage": 100, "hit_rate": 0.1, "cases": 200},
            ["hit_rate"],
        ),
    ],
)
def test_how_much_worse_is_far_worse(now: dict[str, Any], last: dict[str, Any], wrong: list[str]) -> None:
    assert [each["what"] for each in worse(now, last)] == wrong


# --- bad input -------------------------------------------------------------------------------------------------------


def line(order: str, ref: str, quantity: int = 1, days: int = 1, who: str | None = None) -> OrderLine:
    return OrderLine(order, ref, quantity, 1000, NOW - timedelta(days=days), who)


def test_bad_input_is_counted_and_left_out(make_shop: MakeShop) -> None:
    """By what rules is said in each of the figures."""
    bad = [
        line("single", "milk"),
        line("back", "t0-0"), line("back", "t0-0", -1),
        line("gift", "gift-card"),
        *[line("wholesale", each.ref) for each in goods()],
        line("old", "milk", days=365 * 40), line("coming", "milk", days=-3),
        line("twice", "milk"), line("twice", "milk"), line("twice", "t0-0"),
        *[line(f"bot{number}", each.ref, who="bot") for number, each in enumerate(goods())],
    ]  # fmt: skip
    app = make_shop(shop([*history(400), *bad]), UPSELL_MAX_BASKET=60)
    clean = learn(make_shop(shop(history(400)), UPSELL_MAX_BASKET=60))
    figures = learn(app, "", "anyway")
    assert figures["dropped"] == {
        "lines from before 1990 or of a day to come": 2,
        "returns and zero quantities (taken off their order)": 1,
        "lines of customers who bought more than half of all products, hardly any of them twice": len(goods()),
    }
    assert figures["orders_of_one"] == clean["orders_of_one"] + 1
    assert (figures["orders_too_big"], figures["unknown_product_lines"], figures["lines_twice"]) == (1, 1, 1)
    # The single one, and the two products that were listed three times.
    assert figures["orders"] == clean["orders"] + 2
    assert figures["complements"] == clean["complements"]


@pytest.mark.parametrize("lines", [[], [line("1", "milk", who="c1"), line("1", "t0-0", who="c1")] * 3], ids=["no", "1"])
def test_an_empty_period_and_a_single_customer_are_no_crash(make_shop: MakeShop, lines: list[OrderLine]) -> None:
    app = make_shop(shop(lines))
    assert learn(app)["affinities"] == 0
    assert offered(app, "milk", who="c1") == []


def test_one_customer_alone_is_nobodys_evidence(make_shop: MakeShop) -> None:
    """The crowd tells nothing that only one of them bought."""
    app = make_shop(shop([OrderLine(f"{n}", ref, 1, 1000, NOW - timedelta(days=n), "c1") for n in range(1, 700)
                          for ref in (f"t{n % 8}-0", f"t{n % 8}-1", f"own-{n % 7}")]))  # fmt: skip
    learn(app)
    for each in offered(app, "t0-0"):
        assert each.reason.basis is not Basis.ALIKE or each.reason.together == 0


# --- killed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wait_at", ["reading", "keeping", "publishing"])
def test_a_worker_that_is_killed_while_it_learns_leaves_the_old_book(
    taught: Taught, tmp_path: Path, redis_url: str, wait_at: str
) -> None:
    """A process of its own, kill -9; the next try ends what it began. Planted bug that it shows: the old lessons are
    removed before the new ones are whole."""
    store = shop(history(300))
    app = taught(store)
    before = book_of(app)
    killed(f"sqlite:///{tmp_path / 'upsell.db'}", redis_url, wait_at)
    assert book_of(app) == before
    if wait_at != "publishing":
        with app.app_context():
            jobs.publish("upsell")
        assert book_of(app) == before
    if wait_at == "keeping":
        learn(app, "killed", "anyway")
        assert book_of(app) != before
        with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
            assert connection.execute(select(tables.learnings.c.state)).scalars().all() == ["live"]


def test_a_job_that_fails_leaves_nothing_half_written(taught: Taught, monkeypatch: pytest.MonkeyPatch) -> None:
    app = taught(shop(history(100)))
    before = book_of(app)

    def refuse(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(parts_of(app).offers.lessons, "write_people", refuse)
    with app.app_context(), pytest.raises(JobError):
        jobs.learn("upsell", "again")
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.execute(select(tables.learnings.c.state)).scalars().all() == ["live"]
        assert len(set(connection.execute(select(tables.lessons.c.learning)).scalars())) == 1
    assert book_of(app) == before
