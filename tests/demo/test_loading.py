"""Filling the demo's database: with its own past, and with exports as shops make them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.memory import MemoryPrices
from flask_upsell.core.prices import Source, lowest_now
from flask_upsell.core.product import Product as Offered
from flask_upsell.demo import loading
from flask_upsell.demo.catalogue import CATALOGUE
from flask_upsell.demo.models import Order, OrderLine, Product
from flask_upsell.errors import BadInput

PRODUCTS = "product_id,title,category,price\n"
ORDERS = "order_id,customer_id,ordered_at,product_id,quantity,unit_price\n"
WHEN = "2026-11-21 14:05:00"


@dataclass
class Loaded:
    engine: Engine
    figures: dict[str, int]
    counts: dict[str, int]
    listed: list[list[str]]
    told: list[tuple[str, int, int]]

    def products(self) -> dict[str, Product]:
        with Session(self.engine) as session:
            return {product.sku: product for product in session.scalars(select(Product))}

    def lines(self) -> list[tuple[str, str, int, int]]:
        """(order, product, quantity, unit price) of each line."""
        with Session(self.engine) as session:
            query = select(Order.number, OrderLine.sku, OrderLine.quantity, OrderLine.unit_price_minor)
            found = session.execute(query.join(OrderLine, OrderLine.order_id == Order.id).order_by(OrderLine.id))
            return [(row[0], row[1], row[2], row[3]) for row in found]


class Shop:
    """An export in a folder."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder, self.engine = folder, engine

    def load(self, products: str | bytes, orders: str | bytes = ORDERS, currency: str = "EUR") -> Loaded:
        for name, content in (("products.csv", products), ("orders.csv", orders)):
            raw = content if isinstance(content, bytes) else content.encode()
            (self.folder / name).write_bytes(raw)
        told: list[tuple[str, int, int]] = []
        rejected = loading.Rejected(self.folder / "rejected.csv")
        try:
            figures = loading.load_export(
                self.engine, self.folder, currency, rejected, lambda *given: told.append(given)
            )
        finally:
            rejected.close()
        with (self.folder / "rejected.csv").open(newline="", encoding="utf-8") as file:
            header, *listed = csv.reader(file)
        assert header == ["file", "line", "reason", "row"]
        return Loaded(self.engine, figures, dict(rejected.counts), listed, told)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    engine = make_engine(f"sqlite:///{tmp_path / 'store.db'}")
    yield Shop(tmp_path, engine)
    engine.dispose()


def test_the_demos_own_past(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'store.db'}")
    told: list[tuple[str, int, int]] = []
    figures = loading.load_own(engine, lambda *given: told.append(given))
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Product)) == figures["products"] == len(CATALOGUE)
        assert session.scalar(select(func.count()).select_from(Order)) == figures["orders"] == 6000
        assert session.scalar(select(func.count()).select_from(OrderLine)) == figures["lines"]
        first = session.scalars(select(Product).order_by(Product.id)).first()
        assert first is not None
        assert (first.sku, first.price_minor, first.attributes["Memory"]) == ("LT-1408", 64_900, "8 GB")
    assert told[-1][1] == told[-1][2]
    engine.dispose()


def test_the_demos_prices_have_been_what_they_are_also_while_it_was_off() -> None:
    now, day = datetime(2027, 5, 4, tzinfo=UTC), timedelta(days=1)
    prices, cup = MemoryPrices(), Offered("cup", "Cup", 2000, "EUR")
    loading.remember_prices(prices, [cup, Offered("gone", "Gone", 5, "EUR", hidden=True)], now)
    assert lowest_now(prices.history(["cup"])["cup"], "EUR", now) == 2000
    assert prices.history(["gone"]) == {}
    prices.see(cup.prices, now + day, Source.PUBLISHED)
    loading.remember_prices(prices, [cup], now + 9 * day)
    assert lowest_now(prices.history(["cup"])["cup"], "EUR", now + 9 * day) == 2000, "off for a week"
    loading.remember_prices(prices, [replace(cup, price=1800)], now + 10 * day)
    assert {row.price for row in prices.history(["cup"])["cup"]} == {2000}, "what changed meanwhile is not invented"


def test_a_plain_export(shop: Shop) -> None:
    loaded = shop.load(
        "product_id,title,category,price,image,url,stock\n"
        "a,A thing,Things,12.50,https://shop.example/a.jpg,https://shop.example/a,7\n"
        "b,B thing,,0.99,,,\n",
        ORDERS + f"1,ada,{WHEN},a,2,12.00\n1,ada,{WHEN},b,1,0.99\n2,,2026-11-22T09:00:00+02:00,b,3,1\n",
    )
    assert loaded.figures == {"products": 2, "orders": 2, "lines": 3}
    assert (loaded.counts, loaded.listed) == ({}, [])
    a, b = loaded.products()["a"], loaded.products()["b"]
    assert (a.title, a.category, a.price_minor, a.stock, a.slug) == ("A thing", "Things", 1250, 7, "a-thing")
    assert (a.image_url, a.external_url) == ("https://shop.example/a.jpg", "https://shop.example/a")
    assert (b.category, b.price_minor, b.stock, b.image_url, b.external_url) == (None, 99, None, None, None)
    assert loaded.lines() == [("1", "a", 2, 1200), ("1", "b", 1, 99), ("2", "b", 3, 100)]
    with Session(shop.engine) as session:
        found = {order.number: order for order in session.scalars(select(Order))}
    assert (found["1"].customer, found["1"].placed_at) == ("ada", datetime(2026, 11, 21, 14, 5, tzinfo=UTC))
    assert (found["2"].customer, found["2"].placed_at) == (None, datetime(2026, 11, 22, 7, tzinfo=UTC))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_way_to_write_a_csv(shop: Shop, delimiter: str, encoding: str, newline: str) -> None:
    rows = [["product_id", "title", "category", "price"], ["ä1", "Größe “M”", "Käse", "1.50"], ["b", "B", "", "2"]]
    text = newline.join(delimiter.join(row) for row in rows)
    loaded = shop.load(text.encode(encoding))
    assert loaded.counts == {}
    assert {ref: (p.title, p.category) for ref, p in loaded.products().items()} == {
        "ä1": ("Größe “M”", "Käse"), "b": ("B", None)}  # fmt: skip


def test_columns_in_any_order_quoted_and_in_capitals(shop: Shop) -> None:
    loaded = shop.load('"PRICE"," Title ","Product_ID","extra",Category\n"3.00","T","x","?","C"\n')
    assert loaded.products()["x"].price_minor == 300
    assert loaded.products()["x"].category == "C"


TITLES = [
    'Say "hi"',
    "two\nlines",
    "comma, semicolon; tab\t.",
    "🧦 socks 🎁",
    "<script>alert(1)</script>",
    "'; DROP TABLE",
    "   spaces   around  ",
    "نص عربي",
    "%_\\",
    "=cmd|' /C calc'!A0",
    "x" * 5000,
    "\u202eright to left",
    "NUL\0in it",
]


def test_titles_with_any_character(shop: Shop) -> None:
    with (shop.folder / "made.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["product_id", "title", "category", "price"])
        writer.writerows([f"p{n}", title, title[:100], "1"] for n, title in enumerate(TITLES))
    loaded = shop.load((shop.folder / "made.csv").read_bytes())
    assert loaded.figures["products"] == len(TITLES)
    found = loaded.products()
    for number, title in enumerate(TITLES):
        assert found[f"p{number}"].title == " ".join(title.replace("\0", "").split())
    slugs = [product.slug for product in found.values()]
    assert len(set(slugs)) == len(slugs)
    assert all(slug and slug.replace("-", "").isalnum() and slug.isascii() for slug in slugs)


def test_an_empty_title_is_the_reference(shop: Shop) -> None:
    assert shop.load(PRODUCTS + "ref-1, ,,1\n").products()["ref-1"].title == "ref-1"


def test_many_of_one_title_have_addresses_of_their_own(shop: Shop) -> None:
    loaded = shop.load(
        PRODUCTS + "".join(f"{n},Same,,1\n" for n in range(300)) + "".join(f"é{n},…,,1\n" for n in range(300))
    )
    assert len({product.slug for product in loaded.products().values()}) == 600


BAD_LINES = {
    "order line: quantity: is negative: a return or cancellation, not a purchase": [("1", "-1", "2")],
    "order line: quantity: is 0 or more than 1,000,000": [("1", q, "2") for q in ("0", "1e9", "1000000001")],
    "order line: quantity: is not a number": [("1", q, "2") for q in ("NaN", "Infinity", "", "two", "1,5", "sNaN")],
    "order line: unit_price: is empty, negative or not a number such as 12.50": [
        *(("1", "1", price) for price in ("", "-1", "NaN", "free", "1e400", "€5")),
        *(("1", "0.5", price) for price in ("", "-1", "x", "sNaN")),
    ],
    "order line: order_id: is empty": [("", "1", "2"), ("  ", "1", "2")],
}


def test_rows_that_cannot_be_used_are_counted_by_reason_and_listed(shop: Shop) -> None:
    """Shown red with a `continue` before `rejected.add`."""
    rows = [f"{order},,{WHEN},a,{quantity},{price}" for bad in BAD_LINES.values() for order, quantity, price in bad]
    rows = [row.replace(",1,5,", ',"1,5",') for row in rows]
    rows += [f"1,,{WHEN},unknown,1,1", f"1,,{WHEN},,1,1"]
    rows += [f"1,,{when},a,1,1" for when in ("", "yesterday", "2026-13-01", "21.13.2026", "0")]
    rows += [f"good,,{WHEN},a,1,1"]
    loaded = shop.load(PRODUCTS + "a,A,,1\n", ORDERS + "\n".join(rows) + "\n")
    assert loaded.counts == {
        **{reason: len(bad) for reason, bad in BAD_LINES.items()},
        "order line: product_id: is not in products.csv": 2,
        "order line: ordered_at: is not a time such as 2026-11-21 14:05:00": 5,
    }
    assert loaded.figures == {"products": 1, "orders": 1, "lines": 1}
    assert loaded.lines() == [("good", "a", 1, 100)]
    # Each with its file, its line there and what it said.
    assert len(loaded.listed) == sum(loaded.counts.values()) == len(rows) - 1
    assert [row[0] for row in loaded.listed] == ["orders.csv"] * len(loaded.listed)
    assert [int(row[1]) for row in loaded.listed] == list(range(2, len(rows) + 1))
    assert loaded.listed[0][3:] == ["1", "", WHEN, "a", "-1", "2"]


def test_products_that_cannot_be_used_are_counted_by_reason(shop: Shop) -> None:
    loaded = shop.load(PRODUCTS + "a,A,,1\n,empty,,1\na,again,,2\nb,B,,\nc,C,,-1\nd,D\n e ,E,,5\n\n")
    assert loaded.counts == {
        "product: product_id: is empty": 1,
        "product: product_id: is listed twice; the first one counts": 1,
        "product: price: is empty, negative or not a number such as 12.50": 3,
    }
    assert {ref: p.title for ref, p in loaded.products().items()} == {"a": "A", "e": "E"}
    assert [row[1] for row in loaded.listed] == ["3", "4", "5", "6", "7"]


def test_prices_that_are_no_numbers_are_one_reason_not_one_each(shop: Shop) -> None:
    loaded = shop.load(PRODUCTS + "".join(f"p{n},P,,price {n}\n" for n in range(50)) + "q,Q,,NaN\nr,R,,1e400\n")
    assert sum(loaded.counts.values()) == 52
    assert len(loaded.counts) <= 2


def test_weighed_goods_are_one_piece_at_their_price(shop: Shop) -> None:
    loaded = shop.load(
        PRODUCTS + "a,A,,1\n", ORDERS + f"1,,{WHEN},a,0.5,3.99\n2,,{WHEN},a,1.0,3.99\n3,,{WHEN},a,2.53,1\n"
    )
    assert loaded.lines() == [("1", "a", 1, 200), ("2", "a", 1, 399), ("3", "a", 1, 253)]


def test_orders_whose_lines_stand_apart_are_one_order(shop: Shop) -> None:
    rows = [f"{n % 3},,{WHEN},a,1,1" for n in range(9)]
    loaded = shop.load(PRODUCTS + "a,A,,1\n", ORDERS + "\n".join(rows))
    assert loaded.figures == {"products": 1, "orders": 3, "lines": 9}


def test_more_than_a_chunk_of_everything(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "CHUNK", 10)
    products = PRODUCTS + "".join(f"p{n},P{n},,1\n" for n in range(25))
    orders = ORDERS + "".join(f"o{n},,{WHEN},p{n % 25},1,1\n" for n in range(45))
    loaded = shop.load(products, orders)
    assert loaded.figures == {"products": 25, "orders": 45, "lines": 45}
    assert len(loaded.lines()) == 45


@pytest.mark.parametrize("stock", ["NaN", "Infinity", "many", "-5", "", "1.5", "1e3"])
def test_any_stock_is_a_number_or_not_counted(shop: Shop, stock: str) -> None:
    loaded = shop.load(f"product_id,title,category,price,stock\na,A,,1,{stock}\n")
    wanted = {"-5": 0, "1.5": 1, "1e3": 1000}.get(stock)
    assert loaded.products()["a"].stock == wanted


@pytest.mark.parametrize("stock", ["1e30", "99999999999999999999", "9" * 4000, "1e99999"])
def test_a_stock_that_no_database_can_hold_stops_nothing(shop: Shop, stock: str) -> None:
    loaded = shop.load(f"product_id,title,category,price,stock\na,A,,1,{stock}\nb,B,,1,2\n")
    assert "b" in loaded.products()


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "0001-01-01", "9999-12-31"])
def test_a_moment_at_the_end_of_time_stops_nothing(shop: Shop, when: str) -> None:
    loaded = shop.load(PRODUCTS + "a,A,,1\n", ORDERS + f"1,,{when},a,1,1\n2,,{WHEN},a,1,1\n")
    assert "2" in {line[0] for line in loaded.lines()}
    assert sum(loaded.counts.values()) + loaded.figures["lines"] == 2


@pytest.mark.parametrize("orders", ["order_id,customer_id,ordered_at,product_id,quantity\n", "", "\n", "a;b;c\n"])
def test_a_missing_column_is_named_with_what_is_there(shop: Shop, orders: str) -> None:
    with pytest.raises(BadInput, match=r"orders\.csv: column .*unit_price.* is missing; the first line has"):
        shop.load(PRODUCTS + "a,A,,1\n", orders)
    with Session(shop.engine) as session:
        assert session.scalar(select(func.count()).select_from(Product)) == 0


@pytest.mark.parametrize("name", ["products.csv", "orders.csv"])
def test_a_missing_file_is_named_with_what_it_needs(shop: Shop, name: str) -> None:
    for each in {"products.csv", "orders.csv"} - {name}:
        (shop.folder / each).write_text(PRODUCTS if each == "products.csv" else ORDERS)
    rejected = loading.Rejected(shop.folder / "rejected.csv")
    with pytest.raises(BadInput, match=rf"{name}: there is no such file; it needs the columns .*product_id"):
        loading.load_export(shop.engine, shop.folder, "EUR", rejected, lambda *_: None)
    rejected.close()


def test_nothing_at_all_is_no_error(shop: Shop) -> None:
    assert shop.load(PRODUCTS).figures == {"products": 0, "orders": 0, "lines": 0}


@pytest.mark.parametrize(("currency", "minor"), [("EUR", 1250), ("JPY", 13), ("KWD", 12500)])
def test_prices_in_the_shops_currency(shop: Shop, currency: str, minor: int) -> None:
    assert shop.load(PRODUCTS + "a,A,,12.50\n", currency=currency).products()["a"].price_minor == minor


def test_a_long_list_of_one_reason_ends_but_is_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST_LISTED", 3)
    loaded = shop.load(PRODUCTS + "a,A,,1\n", ORDERS + f"1,,{WHEN},a,-1,1\n" * 10)
    assert list(loaded.counts.values()) == [10]
    assert len(loaded.listed) == 3


def test_progress_is_told_and_ends(shop: Shop) -> None:
    rows = "".join(f"{n},,{WHEN},a,1,1\n" for n in range(45_000))
    loaded = shop.load(PRODUCTS + "a,A,,1\n", ORDERS + rows)
    orders = [(done, total) for step, done, total in loaded.told if step == "Loading orders"]
    assert len(orders) >= 3
    assert orders == sorted(orders)
    assert orders[-1][0] == orders[-1][1] == 45_000
