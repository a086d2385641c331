"""Rows that must not be: the database itself refuses them, whoever writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from flask_upsell.adapters import price_tables, schema
from flask_upsell.adapters import tables as t

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
#: A row of each table with money, or with what stands for it, that is as it should be.
GOOD: dict[str, dict[str, Any]] = {
    "upsell_acceptance": {
        "id": "a1", "instance": "upsell", "visitor": "ada", "state": "accepted", "placement": "cart",
        "kind": "complement", "offer": "o1", "product": "bag", "quantity": 1, "unit_price": 900, "currency": "EUR",
        "title": "Bag", "line": "1", "normal": 1000, "key": "k1", "accepted_at": NOW,
    },
    "upsell_conversion": {
        "instance": "upsell", "order_ref": "1001", "acceptance": "a1", "placement": "cart", "kind": "complement",
        "product": "bag", "quantity": 1, "revenue": 900, "currency": "EUR", "ordered_at": NOW,
    },
    "upsell_count": {
        "instance": "upsell", "placement": "cart", "kind": "complement", "product": "bag", "currency": "EUR",
        "shown": 1, "accepted": 1, "declined": 1, "undone": 1, "converted": 1, "revenue": 900,
    },
    "upsell_allowance": {"instance": "upsell", "rule": "tea", "scope": "total", "used": 1},
    "upsell_redemption": {
        "instance": "upsell", "id": "a1", "rule": "tea", "customer": "ada", "day": date(2026, 5, 4), "amount": 100,
        "currency": "EUR", "order_ref": "1001", "granted_at": NOW,
    },
    "upsell_outbox": {"instance": "upsell", "event": "order:1001", "counts": [], "created_at": NOW},
    "upsell_request": {"instance": "upsell", "visitor": "ada", "key": "k1", "request": "r", "created_at": NOW},
    "upsell_price": {
        "instance": "upsell", "product": "bag", "variant": "", "currency": "EUR", "price": 900, "since": NOW,
        "until": NOW, "source": "published",
    },
    "upsell_day": {
        "instance": "upsell", "day": date(2026, 5, 4), "placement": "cart", "kind": "complement", "rule": "tea",
        "currency": "EUR", "shown": 1, "accepted": 1, "declined": 1, "undone": 1, "converted": 1, "revenue": 900,
    },
    "upsell_product": {
        "instance": "upsell", "ref": "bag", "title": "Bag", "category": "Bags", "brand": "", "price": 900,
        "currency": "EUR", "hidden": False, "image": "", "url": "",
    },
    "upsell_imported_line": {
        "instance": "upsell", "order_ref": "1001", "position": 1, "product": "bag", "quantity": 1, "unit_price": 900,
        "customer": "", "placed_at": NOW,
    },
}  # fmt: skip
NO_CURRENCIES = ["", "EU", "EURO", "eur", "EuR", "E1R", "E R", "ÄUR", "€€€", "%%%"]
BAD: dict[str, dict[str, list[Any]]] = {
    "upsell_acceptance": {
        "quantity": [0, -1], "unit_price": [-1, 1001], "normal": [-1, 899], "currency": NO_CURRENCIES,
        "state": ["", "taken"], "visitor": [None],
    },
    "upsell_conversion": {"quantity": [0, -1], "revenue": [-1], "currency": NO_CURRENCIES},
    "upsell_count": {
        **{name: [-1] for name in t.COUNTED},
        "currency": NO_CURRENCIES,  # "" is for what costs nothing
    },
    "upsell_allowance": {"used": [-1]},
    "upsell_redemption": {"amount": [-1], "currency": NO_CURRENCIES, "customer": ["", None]},
    "upsell_outbox": {"event": [None], "counts": []},
    "upsell_request": {"request": [None]},
    "upsell_price": {
        "price": [-1], "currency": NO_CURRENCIES, "until": [NOW - timedelta(seconds=1)], "source": ["", "guessed"],
    },
    "upsell_day": {**{name: [-1] for name in t.COUNTED}, "currency": NO_CURRENCIES},
    "upsell_product": {"price": [-1], "currency": NO_CURRENCIES, "title": [None]},
    "upsell_imported_line": {"unit_price": [-1], "customer": [None]},
}  # fmt: skip
#: What must not be there twice, though the rest of the row differs.
ONCE: dict[str, list[dict[str, Any]]] = {
    "upsell_acceptance": [{}, {"id": "a2"}],
    "upsell_conversion": [{"order_ref": "1002", "product": "hat"}],
    "upsell_count": [{"shown": 7}],
    "upsell_allowance": [{"used": 7}],
    "upsell_redemption": [{"order_ref": "1002"}],
    "upsell_outbox": [{"counts": [1]}],
    "upsell_request": [{"request": "another"}],
    "upsell_price": [{"id": 1}],
    "upsell_day": [{"shown": 7}],
    "upsell_product": [{"title": "Hat"}],
    "upsell_imported_line": [{"product": "hat"}],
}
TABLES: dict[str, Table] = {name: schema.metadata.tables[name] for name in GOOD}


def put(engine: Engine, name: str, **changed: Any) -> None:
    with engine.begin() as connection:
        connection.execute(insert(TABLES[name]).values(**{**GOOD[name], **changed}))


@pytest.mark.parametrize("name", GOOD)
def test_bad_rows_are_refused(engine: Engine, name: str) -> None:
    """Planted bug that it shows: any one of the CHECKs taken out of the migration."""
    for column, values in BAD[name].items():
        for value in values:
            with pytest.raises(DBAPIError):
                put(engine, name, **{column: value})
                pytest.fail(f"{name}.{column} = {value!r} was taken")
    put(engine, name)


@pytest.mark.parametrize("name", GOOD)
def test_rows_are_there_once(engine: Engine, name: str) -> None:
    """Planted bug that it shows: the unique index of keys left out."""
    put(engine, name)
    for changed in ONCE[name]:
        with pytest.raises(IntegrityError):
            put(engine, name, **changed)


def test_every_table_with_money_is_in_here() -> None:
    """Red when a table with an amount, a currency or a count comes without its bad rows."""
    telling = {"currency", "amount", "revenue", "unit_price", "used", "price"}
    assert price_tables.prices.name in GOOD
    assert {table.name for table in schema.metadata.tables.values() if telling & set(table.c.keys())} <= set(GOOD)


def test_what_costs_nothing_is_counted_without_a_currency(engine: Engine) -> None:
    put(engine, "upsell_count", currency="", revenue=0)
    with pytest.raises(IntegrityError):
        put(engine, "upsell_count", currency="", product="hat")


def test_a_visitor_has_one_click_at_a_time(engine: Engine) -> None:
    """But of those without a cart there are many, and a bundle is one click."""
    put(engine, "upsell_acceptance", state="intended")
    with pytest.raises(IntegrityError):
        put(engine, "upsell_acceptance", state="intended", id="a2", key="k2", product="hat")
    put(engine, "upsell_acceptance", state="intended", id="a3", key="k2", visitor="bob", bundle="a3")
    put(engine, "upsell_acceptance", state="intended", id="a4", key="k2", visitor="bob", bundle="a3", product="hat")
    for number in range(3):
        put(engine, "upsell_acceptance", state="intended", id=f"n{number}", key=f"n{number}", visitor="")
