"""`flask upsell prices`: the history of a product, in the store's zone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from flask_upsell import MemoryStore, Product, Variant
from flask_upsell.core.prices import Price, Seen, Source
from tests.conftest import MakeApp
from tests.web.shop import parts_of

NOW = datetime(2027, 7, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CUP = Product("cup", "Cup", 2000, "EUR", variants=(Variant("l", "Large", 2400),))


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    made = make_app(MemoryStore([CUP, Product("new", "New", 500, "EUR")]), UPSELL_ZONE="Europe/Rome")
    parts_of(made).offers.clock = lambda: NOW
    return made


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["upsell", "prices", *words])
    return done.exit_code, done.output


def put(app: Flask, *rows: Any) -> None:
    """(price, since, until in days before NOW, more)."""
    prices = parts_of(app).offers.prices
    assert prices is not None
    prices.add(
        Seen("cup", more.get("variant", ""), "EUR", price, NOW - since * DAY, NOW - until * DAY,
             more.get("source", Source.PUBLISHED), more.get("rule", ""))
        for price, since, until, more in rows
    )  # fmt: skip


def test_the_history_is_a_table_in_the_stores_zone(app: Flask) -> None:
    put(
        app,
        (2200, 60, 20, {}),
        (2000, 19.5, 0, {"source": Source.CHANGED}),
        (2400, 60, 0, {"variant": "l"}),
        (1800, 3, 3, {"source": Source.ORDERED, "rule": "tea-time"}),
    )
    status, said = run(app, "cup")
    assert status == 0
    assert said.splitlines() == [
        "from              until              price  source",
        "2027-05-02 14:00  2027-06-11 14:00  €22.00  published",
        "2027-05-02 14:00  2027-07-01 14:00  €24.00  published  variant l",
        "2027-06-12 02:00  2027-07-01 14:00  €20.00  changed",
        "2027-06-28 14:00  2027-06-28 14:00  €18.00  ordered    rule tea-time",
        "Times are those of Europe/Rome; prices are kept for 400 days.",
        "Lowest price of the last 30 days, offers of ours included: €18.00.",
    ]


def test_a_gap_is_shown_and_no_lowest_price(app: Flask) -> None:
    put(app, (2200, 60, 20, {}), (2200, 15, 0, {}))
    status, said = run(app, "cup")
    assert status == 0
    assert "2027-06-11 14:00  2027-06-16 14:00  not known" in said
    assert "Lowest" not in said and "The price in EUR is not known for all of the last 30 days" in said
    assert "last seen on 2027-07-01 14:00" in said and "keep a worker running" in said


def test_as_json_a_row_a_line(app: Flask) -> None:
    put(app, (2200, 60, 20, {}), (2000, 19.5, 0, {}))
    status, said = run(app, "cup", "--json")
    assert status == 0
    first, second = map(json.loads, said.splitlines())
    assert first == {
        "since": "2027-05-02T12:00:00+00:00", "until": "2027-06-11T12:00:00+00:00", "variant": "", "price": 2200,
        "currency": "EUR", "source": "published", "rule": "",
    }  # fmt: skip
    assert second["price"] == 2000


def test_a_product_that_the_store_has_not_is_an_error(app: Flask) -> None:
    status, said = run(app, "nothing")
    assert (status, said) == (1, "Error: the store has no product 'nothing', and no price of it was ever recorded\n")


def test_a_product_whose_price_was_never_seen_is_an_error_that_says_what_to_do(app: Flask) -> None:
    status, said = run(app, "new")
    assert status == 1 and "no price of 'new' is on record yet; run 'flask upsell publish'" in said


def test_publishing_puts_prices_on_record(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["upsell", "publish"]).exit_code == 0
    status, said = run(app, "cup")
    assert status == 0 and "€20.00  published" in said and "variant l" in said


def test_a_product_that_is_gone_keeps_its_history(app: Flask) -> None:
    prices = parts_of(app).offers.prices
    assert prices is not None
    prices.see([Price("old\x1b[2J", "", "EUR", 700)], NOW, Source.PUBLISHED)
    assert run(app, "old\x1b[2J")[0] == 0


def test_a_ledger_without_tables_says_what_to_do(app: Flask) -> None:
    parts_of(app).offers.ledger.engine.dispose()  # type: ignore[attr-defined]
    with parts_of(app).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("DROP TABLE upsell_price")
    status, said = run(app, "cup")
    assert status == 1 and "run 'flask upsell db upgrade'" in said
