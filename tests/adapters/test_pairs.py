"""The list of learned pairs, on SQLite and PostgreSQL: it says what core.curation lets through, the most valuable
first, and however many there are, only what is shown is read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from flask_upsell import Product
from flask_upsell.adapters.audit import SQLAudit
from flask_upsell.adapters.catalogue import SQLCatalogue
from flask_upsell.adapters.curation import SQLCuration
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.options import SQLOptions
from flask_upsell.adapters.pairs import SQLPairs, State
from flask_upsell.adapters.verdicts import Decision, SQLVerdicts
from flask_upsell.core.affinity import Affinity
from flask_upsell.core.kind import Kind
from flask_upsell.core.lessons import Lead
from tests.adapters.test_catalogue import plan

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
WITH, UP = Kind.COMPLEMENT, Kind.UPGRADE
#: (kind, antecedent, affinity): from hardly sure to very sure.
LEARNED = [
    (kind, f"p{one}", Affinity(f"p{other}", 1.0, together, base, 60 + together, 6000))
    for kind in (WITH, UP)
    for one, other, together, base in ((1, 2, 5, 20), (1, 3, 47, 412), (2, 3, 300, 400), (3, 1, 6, 3000), (4, 1, 9, 9))
]
PRICES = {"p1": 1000, "p2": 5000, "p3": 200, "p4": 100}


def publish(engine: Engine, prices: dict[str, int]) -> None:
    for _ in SQLCatalogue(engine, "upsell").kept(Product(ref, ref, price, "EUR") for ref, price in prices.items()):
        pass


@pytest.fixture
def pairs(engine: Engine) -> SQLPairs:
    SQLLedger(engine, "upsell").save_affinities(LEARNED)
    publish(engine, PRICES)
    return SQLPairs(engine, "upsell")


@pytest.fixture
def verdicts(engine: Engine) -> SQLVerdicts:
    return SQLVerdicts(engine, "upsell", SQLAudit(engine, "upsell"))


def test_what_is_listed_as_live_is_what_is_published(verdicts: SQLVerdicts, pairs: SQLPairs, engine: Engine) -> None:
    """Planted bug that it shows: SQL forgets that "never" counts both ways."""
    verdicts.decide([(("complement", "p1", "p2"), "approved", ""), (("upgrade", "p1", "p3"), "rejected", "no")], NOW)
    verdicts.decide([(("never", "p3", "p1"), "rejected", "")], NOW)
    audit, ledger = SQLAudit(engine, "upsell"), SQLLedger(engine, "upsell")
    for least in (0, 1, 20, 40, 41, 67, 75, 76, 99, 100):
        SQLOptions(engine, "upsell", audit).set("auto_approve", least, NOW)
        shown = {
            (kind, antecedent, each.consequent)
            for antecedent, leads in SQLCuration(engine, "upsell", audit).shown(
                (ref, Lead.proven(each)) for ref, each in ledger.affinities()
            )
            for kind, every in ((WITH, leads.complements), (UP, leads.upgrades))
            for each in every
        }
        listed = [
            (each.kind, each.antecedent, each.consequent)
            for state in (State.LIVE, State.APPROVED)
            for each in pairs.page(least, state=state)
        ]
        assert sorted(listed) == sorted(shown), least
        assert len(listed) == sum(pairs.count(least, state=state) for state in (State.LIVE, State.APPROVED))
        assert len(pairs.page(least)) == pairs.count(least) == len(LEARNED)
        assert pairs.count(least, state=State.REJECTED) == 4
    assert len(shown) == 1


def test_what_is_worth_most_comes_first(pairs: SQLPairs) -> None:
    """Planted bug that it shows: it is sorted by the share alone."""
    assert [(each.antecedent, each.consequent) for each in pairs.page(0, kind=WITH)] == [
        ("p1", "p2"), ("p4", "p1"), ("p2", "p3"), ("p1", "p3"), ("p3", "p1"),
    ]  # fmt: skip
    assert [each.consequent for each in pairs.page(0, kind=WITH, offset=2, limit=2)] == ["p3", "p3"]
    assert {each.antecedent for each in pairs.page(0, products=["p4"])} == {"p4"}
    assert pairs.count(0, products=["p3"], kind=WITH) == 3


def test_learning_again_does_not_bring_a_rejected_pair_back(
    verdicts: SQLVerdicts, pairs: SQLPairs, engine: Engine
) -> None:
    """Planted bug that it shows: verdicts hang on the rows of what was learned."""
    verdicts.decide([(("complement", "p1", "p2"), "rejected", "They do not fit")], NOW)
    SQLLedger(engine, "upsell").save_affinities(LEARNED)
    (pair,) = [each for each in pairs.page(0, kind=WITH) if (each.antecedent, each.consequent) == ("p1", "p2")]
    assert (pair.state, pair.verdict and pair.verdict.why) == (State.REJECTED, "They do not fit")
    assert SQLVerdicts(engine, "upsell_b2b", SQLAudit(engine, "upsell_b2b")).all() == []


def test_what_a_pair_is_worth_follows_the_prices(pairs: SQLPairs, engine: Engine) -> None:
    """Those of the first publishing, of a later one, of a product that changed and of one that is gone; and what is
    learned again knows them. Planted bug that it shows: prices count only while something is learned."""

    def order() -> list[str]:
        return [f"{each.antecedent}{each.consequent}" for each in pairs.page(0, kind=WITH)]

    assert order() == ["p1p2", "p4p1", "p2p3", "p1p3", "p3p1"]
    publish(engine, {**PRICES, "p3": 2000})
    assert order() == ["p2p3", "p1p2", "p4p1", "p1p3", "p3p1"]
    SQLCatalogue(engine, "upsell").change([Product("p1", "p1", 10_000, "EUR")])
    assert order() == ["p4p1", "p2p3", "p1p2", "p1p3", "p3p1"]
    publish(engine, {ref: price for ref, price in PRICES.items() if ref != "p2"})
    assert order() == ["p4p1", "p2p3", "p1p3", "p3p1", "p1p2"]
    SQLLedger(engine, "upsell").save_affinities(LEARNED)
    assert order() == ["p4p1", "p2p3", "p1p3", "p3p1", "p1p2"]
    assert pairs.page(0, kind=WITH)[-1].price is None
    SQLLedger(engine, "upsell").save_affinities([])
    assert (pairs.page(0), pairs.count(0)) == ([], 0)


# --- size ------------------------------------------------------------------------------------------------------------


def many(products: int, each: int) -> Iterator[tuple[Kind, str, Affinity]]:
    """So many pairs of each product; a few products are in the lists of very many others."""
    chance = random.Random(7)
    for number in range(products):
        others = {int(products * chance.random() ** 3) for _ in range(2 * each)} - {number}
        for place, other in enumerate(sorted(others)[:each]):
            base = chance.randrange(20, 5000)
            found = Affinity(f"p{other:06}", 1.0, max(1, int(base * chance.random() ** 4)), base, 400, 200_000)
            yield (UP if place % 10 == 0 else WITH), f"p{number:06}", found


FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"offset": 2000},
    {"offset": 2000, "far": True},
    {"kind": UP},
    {"state": State.LIVE},
    {"state": State.WAITING},
    {"state": State.APPROVED},
    {"state": State.REJECTED, "kind": WITH},
    {"products": ["p000001", "p000002", "p000700"]},
    {"products": ["p000001"], "state": State.LIVE},
)


def filled(engine: Engine, products: int, each: int) -> SQLPairs:
    """With a catalogue, and verdicts on some of them."""
    SQLLedger(engine, "upsell").save_affinities(many(products, each))
    publish(engine, {f"p{number:06}": 100 + number * 7919 % 20_000 for number in range(products)})
    pairs = SQLPairs(engine, "upsell")
    top = pairs.page(0, limit=60)
    decisions: list[Decision] = []
    for number, pair in enumerate(top):
        kind = "never" if number % 5 == 0 else str(pair.kind)
        said = "approved" if number % 5 in (1, 2) else "rejected"
        decisions.append(((kind, pair.antecedent, pair.consequent), said, ""))
    SQLVerdicts(engine, "upsell", SQLAudit(engine, "upsell")).decide(decisions, NOW)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")
    return pairs


def test_a_page_of_suggestions_is_read_by_an_index(engine: Engine) -> None:
    """Nothing is read from end to end, and only what a product or a verdict found is sorted. Planted bug that it
    shows: what a pair is worth is worked out with the price it is joined with."""
    pairs = filled(engine, 700, 10)
    for least in (0, 40, 100):
        for given in FILTERS:
            told = plan(engine, pairs.keys(least, **given))
            assert "Seq Scan on upsell_affinity" not in told, (given, told)
            assert "SCAN upsell_affinity" not in told, (given, told)
            if not given.get("products") and given.get("state") not in (State.APPROVED, State.REJECTED):
                assert "Sort" not in told, (given, told)
                assert "ORDER BY" not in told, (given, told)
            if "offset" not in given:
                assert len(pairs.page(least, **given)) == min(50, pairs.count(least, **given)), given
    live, waiting, rest = (pairs.count(40, state=each) for each in (State.LIVE, State.WAITING, None))
    decided = pairs.count(40, state=State.APPROVED) + pairs.count(40, state=State.REJECTED)
    every = pairs.page(40, limit=10**6)
    for offset in (0, 1, rest // 2, rest // 2 + 1, rest - 60, rest - 50, rest - 3, rest, rest + 9):
        assert pairs.page(40, offset=offset, total=rest) == every[offset : offset + 50], offset
    assert live + waiting + decided == rest == sum(1 for _ in many(700, 10))
