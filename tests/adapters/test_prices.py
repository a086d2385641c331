"""The price ledger: SQL and its twin in memory keep the same history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.memory import MemoryPrices
from flask_upsell.adapters.migrate import upgrade
from flask_upsell.adapters.prices import SQLPrices
from flask_upsell.core.prices import KEEP, UNSEEN, Price, Prices, Seen, Source

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CUP = Price("cup", "", "EUR", 1000)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Prices]:
    """Each adapter once, with an empty table."""
    if request.param == "memory":
        yield MemoryPrices()
        return
    url = f"sqlite:///{tmp_path / 'p.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")
    engine = make_engine(url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM upsell_price"))
    yield SQLPrices(engine, "upsell")
    engine.dispose()


def rows(ledger: Prices, product: str = "cup") -> list[tuple[int, float, float, str]]:
    """(price, since, until in hours from NOW, source)."""
    found = ledger.history([product]).get(product, [])
    return [(each.price, (each.since - NOW) / HOUR, (each.until - NOW) / HOUR, each.source.value) for each in found]


def test_a_price_that_is_seen_again_is_one_row(ledger: Prices) -> None:
    assert ledger.see([CUP], NOW, Source.PUBLISHED) == 1
    assert ledger.see([CUP], NOW + 24 * HOUR, Source.PUBLISHED) == 0
    assert ledger.see([CUP], NOW + 30 * HOUR, Source.CHANGED) == 0
    assert ledger.see([CUP], NOW + 2 * HOUR, Source.CHANGED) == 0, "told late: it is not seen for a shorter time"
    assert rows(ledger) == [(1000, 0, 30, "published")]


def test_a_change_is_a_new_row_and_so_is_a_price_after_a_gap(ledger: Prices) -> None:
    ledger.see([CUP], NOW, Source.PUBLISHED)
    assert ledger.see([Price("cup", "", "EUR", 800)], NOW + HOUR, Source.CHANGED) == 1
    assert ledger.see([CUP], NOW + 2 * HOUR, Source.CHANGED) == 1
    later = NOW + 2 * HOUR + UNSEEN
    ledger.see([CUP], later, Source.PUBLISHED)
    ledger.see([CUP], later + UNSEEN + HOUR, Source.PUBLISHED)
    assert rows(ledger) == [
        (1000, 0, 0, "published"), (800, 1, 1, "changed"), (1000, 2, 50, "changed"), (1000, 99, 99, "published"),
    ]  # fmt: skip


def test_variants_currencies_and_products_have_histories_of_their_own(ledger: Prices) -> None:
    every = [CUP, Price("cup", "s", "EUR", 900), Price("cup", "", "USD", 1100), Price("pot", "", "EUR", 1000)]
    assert ledger.see(every, NOW, Source.PUBLISHED) == 4
    assert ledger.see([Price("cup", "s", "EUR", 950)], NOW + HOUR, Source.CHANGED) == 1
    assert ledger.see(every[:1] + every[2:], NOW + HOUR, Source.CHANGED) == 0
    assert sorted(ledger.history(["cup", "pot", "none"])) == ["cup", "pot"]
    assert [(row.variant, row.currency, row.price) for row in ledger.history(["cup"])["cup"]][-1] == ("s", "EUR", 950)


def test_many_products_are_seen_at_once(ledger: Prices) -> None:
    many = [Price(f"p{number}", "", "EUR", number) for number in range(1200)]
    assert ledger.see(iter(many), NOW, Source.PUBLISHED) == 1200
    assert ledger.see(iter(many), NOW + HOUR, Source.PUBLISHED) == 0
    found = ledger.history([price.product for price in many])
    assert len(found) == 1200
    assert {(row.until - NOW) / HOUR for rows in found.values() for row in rows} == {1.0}


def test_what_cannot_be_kept_is_left_out(ledger: Prices) -> None:
    """PostgreSQL takes no NUL, no database half a character, and none of our columns more than 200 characters."""
    odd = [Price("a\0b", "", "EUR", 1), Price("\ud800", "", "EUR", 1), Price("x" * 201, "", "EUR", 1),
           Price("cup", "", "EUR", -1), Price("cup", "", "EUROS", 1)]  # fmt: skip
    assert ledger.see([*odd, CUP], NOW, Source.PUBLISHED) == 1
    assert rows(ledger) == [(1000, 0, 0, "published")]


def test_what_was_paid_is_one_row_a_day_and_changes_no_price_of_the_store(ledger: Prices) -> None:
    ledger.see([CUP], NOW, Source.PUBLISHED)
    for hours in (0, 1, 2, 30):
        at = NOW + hours * HOUR
        ledger.order([Seen("cup", "", "EUR", 800, at, at, Source.ORDERED, "sale")])
    at = NOW + HOUR
    ledger.order([Seen("cup", "", "EUR", 800, at, at, Source.ORDERED, "other")])
    ledger.order([])
    assert sorted(rows(ledger)) == [(800, 0, 0, "ordered"), (800, 1, 1, "ordered"), (800, 30, 30, "ordered"),
                                    (1000, 0, 0, "published")]  # fmt: skip
    assert ledger.see([CUP], NOW + 40 * HOUR, Source.PUBLISHED) == 0


def test_rows_of_the_time_before_are_written_as_they_are(ledger: Prices) -> None:
    ledger.add(iter([Seen("cup", "", "EUR", 1000, NOW - 60 * DAY, NOW - HOUR, Source.PUBLISHED)]))
    assert ledger.see([CUP], NOW, Source.PUBLISHED) == 0
    assert rows(ledger) == [(1000, -60 * 24, 0, "published")]
    assert ledger.history(["cup"], NOW + HOUR) == {}


def test_old_rows_are_forgotten_but_not_the_last_price(ledger: Prices) -> None:
    ledger.see([CUP], NOW - 2 * KEEP, Source.PUBLISHED)
    ledger.see([Price("cup", "", "EUR", 900)], NOW - 2 * KEEP + DAY, Source.PUBLISHED)
    ledger.see([Price("pot", "", "EUR", 5)], NOW - 2 * KEEP, Source.PUBLISHED)
    old = NOW - KEEP - DAY
    ledger.order([Seen("pot", "", "EUR", 4, old, old, Source.ORDERED)])
    ledger.see([Price("jar", "", "EUR", 5)], NOW - KEEP + HOUR, Source.PUBLISHED)
    assert ledger.tidy(NOW - KEEP) == 2
    assert [row[0] for row in rows(ledger)] == [900]
    assert [row[0] for row in rows(ledger, "pot")] == [5]
    assert [row[0] for row in rows(ledger, "jar")] == [5]


def test_two_instances_share_a_table(engine: Engine) -> None:
    one, other = SQLPrices(engine, "upsell"), SQLPrices(engine, "upsell_b2b")
    one.see([CUP], NOW - 2 * KEEP, Source.PUBLISHED)
    one.see([Price("cup", "", "EUR", 5)], NOW - 2 * KEEP + DAY, Source.PUBLISHED)
    other.see([Price("cup", "", "EUR", 7)], NOW, Source.PUBLISHED)
    assert [row.price for row in other.history(["cup"])["cup"]] == [7]
    assert other.tidy(NOW) == 0
    assert len(one.history(["cup"])["cup"]) == 2


def test_what_was_paid_goes_with_the_order(engine: Engine) -> None:
    """An order that is rolled back was not paid."""
    prices = SQLPrices(engine, "upsell")
    paid = Seen("cup", "", "EUR", 800, NOW, NOW, Source.ORDERED)
    with engine.connect() as connection:
        with connection.begin() as order:
            prices.order([paid], connection)
            order.rollback()
        assert prices.history(["cup"]) == {}
        with connection.begin():
            prices.order([paid], connection)
    assert [row.price for row in prices.history(["cup"])["cup"]] == [800]


def test_an_order_in_another_database_is_recorded_in_ours(engine: Engine) -> None:
    elsewhere = create_engine("sqlite://")
    with elsewhere.connect() as connection:
        SQLPrices(engine, "upsell").order([Seen("cup", "", "EUR", 800, NOW, NOW, Source.ORDERED)], connection)
    elsewhere.dispose()
    assert len(SQLPrices(engine, "upsell").history(["cup"])["cup"]) == 1


@pytest.mark.parametrize(
    "bad", [{"price": -1}, {"currency": "EURO"}, {"currency": "E"}, {"source": "guessed"}, {"until": NOW - DAY}]
)
def test_the_database_refuses_bad_rows(engine: Engine, bad: dict[str, Any]) -> None:
    row = {"product": "cup", "variant": "", "currency": "EUR", "price": 1, "since": NOW, "until": NOW,
           "source": "changed", **bad}  # fmt: skip
    statement = text(
        "INSERT INTO upsell_price (instance, product, variant, currency, price, since, until, source) VALUES "
        "('upsell', :product, :variant, :currency, :price, :since, :until, :source)"
    )
    with pytest.raises(DBAPIError, match=r"(?i)check|too long"), engine.begin() as connection:
        connection.execute(statement, row)
