"""Files of pairs and orders: what they say, what they would change, and that all of it is done or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from flask_upsell import MemoryStore, jobs
from flask_upsell.adapters.audit import SQLAudit, acting
from flask_upsell.adapters.imports import SQLImports
from flask_upsell.core.ports import OrderLine
from flask_upsell.desk.orderfile import Orders, read_orders
from flask_upsell.desk.pairfile import read_pairs
from flask_upsell.desk.tablefile import Wrong
from flask_upsell.errors import LearnError, StaleError
from tests.conftest import MakeApp, products
from tests.web.shop import parts_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def orders(text: str | bytes, zone: str = "Europe/Rome", american: bool = False) -> tuple[Orders, list[Wrong]]:
    content = text.encode() if isinstance(text, str) else text
    return read_orders(content, currency="EUR", zone=zone, now=NOW, pseudonym=lambda key: f"<{key}>", american=american)


def row(text: str, header: str = "order,date,product,qty,price,customer", **more: Any) -> tuple[Any, ...]:
    read, wrong = orders(f"{header}\n{text}\n", **more)
    assert wrong == []
    ((order, product, quantity, price, customer, at),) = [
        (line.order, line.product, line.quantity, line.unit_price, line.customer, line.placed_at) for line in read.lines
    ]
    return order, product, quantity, price, customer, at.isoformat()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1,2026-05-01 14:00,x,2,12.50,ada", ("1", "x", 2, 1250, "<ada>", "2026-05-01T12:00:00+00:00")),
        ("1,2026-05-01T14:00:00Z,x,-2,12.5,", ("1", "x", -2, 1250, "", "2026-05-01T14:00:00+00:00")),
        ("1,2026-05-01 14:00:00 +0200,x,,,", ("1", "x", 1, 0, "", "2026-05-01T12:00:00+00:00")),
        ("1,01.05.2026,x,0.5,10,", ("1", "x", 1, 500, "", "2026-04-30T22:00:00+00:00")),
        ('1,13/5/2026 9:05,x,1,"1,250.00",', ("1", "x", 1, 125000, "", "2026-05-13T07:05:00+00:00")),
        ('1,2026-05-01,x,"1,0","12,5",', ("1", "x", 1, 1250, "", "2026-04-30T22:00:00+00:00")),
    ],
)
def test_numbers_and_dates_are_read_as_they_are_written(written: str, read: tuple[Any, ...]) -> None:
    assert row(written) == read


def test_what_was_recognised_is_said() -> None:
    read, _ = orders("order;date;product;price\n1;3/4/2026;x;1,5\n")
    said = " ".join(map(str, read.notes))
    assert all(word in said for word in ("semicolons", "comma", "day/month/year", "Europe/Rome"))
    assert row("1,3/4/2026,x,1,1,", american=True)[-1] == "2026-03-03T23:00:00+00:00"
    assert row("1;2026-05-01;x;1;1.250;", header="order;date;product;qty;price;customer")[3] == 125


def test_returns_duplicates_and_later_lines_of_an_order() -> None:
    text = "order,date,product,qty,customer\n1,2026-05-01,x,1,ada\n1,2026-05-01,x,1,ada\n2,2026-05-02,z,-1,\n1,,y,3,\n"
    read, wrong = orders(text)
    assert wrong == [] and (read.twice, read.returns) == (1, 1)
    assert [(line.order, line.product, line.customer) for line in read.lines] == [
        ("1", "x", "<ada>"), ("1", "y", "<ada>"), ("2", "z", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "1,2027-01-01,x,1",
        "1,0001-01-01,x,1",
        "1,31.02.2026,x,1",
        "1,2026-01-01,x,0",
        "1,2026-01-01,x,1e99",
        ",2026-01-01,x,1",
        "1,2026-01-01,,1",
        f"1,2026-01-01,{'x' * 201},1",
    ],
)
def test_a_line_that_cannot_be_is_told(line: str) -> None:
    _, wrong = orders(f"order,date,product,qty\n{line}\n")
    assert [each.line for each in wrong] == [2]


def test_pairs_say_what_they_say() -> None:
    text = b"For;Offer;Type;Decision\na;b;upsell;Approved\nb;a;;never\na;b;upgrade;yes\nc;d;;\nx;x;;no\n"
    pairs, wrong = read_pairs(text)
    assert {key: said[0] for key, said in pairs.said.items()} == {
        ("upgrade", "a", "b"): "approved", ("never", "a", "b"): "rejected", ("complement", "c", "d"): "",
    }  # fmt: skip
    assert pairs.twice == (4,) and [(each.line, each.column) for each in wrong] == [(6, "Offer")]


def test_all_or_nothing(engine: Engine) -> None:
    kept = SQLImports(engine, "upsell", SQLAudit(engine, "upsell"))
    with acting("ada"):
        id = kept.keep("orders", "a.csv", b"[]", NOW)
        lines: list[Any] = [(f"A{n}", "x", 1, 1, "", NOW) for n in range(6000)]
        with pytest.raises(SQLAlchemyError):
            kept.put_orders(id, "a.csv", [*lines, ("B", None, 1, 1, "", NOW)], {}, NOW)  # type: ignore[list-item]
        assert kept.imported().lines == 0 and kept.upload(id) is not None
        assert kept.put_orders(id, "a.csv", lines, {"lines": 6000}, NOW)
        assert not kept.put_orders(id, "a.csv", lines, {}, NOW)
    assert (kept.imported().orders, kept.imported().last) == (6000, NOW)
    assert [line[0] for line in kept.lines_of(["A7"])["A7"]] == ["A7"]
    again = kept.keep("orders", "b.csv", b"[]", NOW)
    assert kept.put_orders(again, "b.csv", [("A7", "y", 1, 1, "", NOW), ("A7", "z", 2, 1, "", NOW)], {}, NOW)
    assert [line[1] for line in kept.lines_of(["A7"])["A7"]] == ["y", "z"] and kept.imported().lines == 6001
    assert kept.remove_orders(NOW).orders == 6000 and not kept.any_lines()


def test_pairs_that_somebody_else_decided_meanwhile_are_not_written(engine: Engine) -> None:
    kept, key = SQLImports(engine, "upsell", SQLAudit(engine, "upsell")), ("complement", "a", "b")
    first, other = (kept.keep(what, "x", b"", NOW) for what in ("pairs", "rules"))
    assert kept.put_pairs(first, {key: ("approved", "")}, {}, NOW)
    with pytest.raises(StaleError):
        kept.put_pairs(other, {key: ("rejected", "")}, {}, NOW)
    assert kept.decided() == {key: ("approved", "")} and kept.upload(other) is not None
    assert kept.put_pairs(other, {key: ("", "")}, kept.decided(), NOW)
    assert kept.decided() == {} and list(kept.pairs()) == []


def test_drafts_are_made_all_or_none(engine: Engine) -> None:
    kept = SQLImports(engine, "upsell", SQLAudit(engine, "upsell"))
    id = kept.keep("rules", "x", b"", NOW)
    with pytest.raises(StaleError):
        kept.put_drafts(id, "x", [("rule", "", "put", {}), *[("rule", "a", "put", {})] * 2], 0, NOW)
    assert kept.put_drafts(id, "x", [("rule", "", "put", {}), ("rule", "a", "put", {})], 0, NOW)


def test_one_upload_of_a_kind_waits_for_each_person_and_one_run_imports_it(engine: Engine) -> None:
    kept = SQLImports(engine, "upsell", SQLAudit(engine, "upsell"))
    with acting("ada"):
        first, second = (kept.keep("pairs", "x", b"abc", NOW) for _ in range(2))
    assert kept.upload(first) is None
    found = kept.upload(second)
    assert found is not None and (found.content, found.who) == (b"abc", "ada")
    assert kept.claim(second, "run") and not kept.claim(second, "other")
    assert kept.claim(second, "") and kept.claim(second, "other")


def test_imported_orders_are_learned_from_and_no_order_twice(make_app: MakeApp) -> None:
    """Planted bug that it shows: an order that the store has too counts twice."""
    own = [OrderLine(f"S{n}", ref, 1, 1000, NOW) for n in range(5) for ref in ("p4", "p5")]
    app = make_app(MemoryStore(products(), orders=own))
    desk = parts_of(app).desk
    names = [f"S{n}" for n in range(3)] + [f"A{n}" for n in range(5)]
    text = "order,date,product\n" + "".join(f"{name},2026-05-01,{ref}\n" for name in names for ref in ("p4", "p5"))
    read, _ = read_orders(text.encode(), currency="EUR", zone="UTC", now=NOW, pseudonym=str)
    with acting("ada"):
        upload = desk.imports.upload(desk.imports.keep("orders", "a.csv", read), "ada")
        assert desk.imports.put_orders(upload, desk.imports.plan(upload).seal) == ""
    with app.app_context():
        figures = jobs.learn("upsell")
    assert (figures["orders"], figures["lines"], figures["imported_lines"]) == (10, 10, 10)


def test_a_store_without_orders_learns_from_a_file(make_app: MakeApp) -> None:
    class Bare(MemoryStore):
        capabilities = frozenset()

    app = make_app(Bare(products()))
    with app.app_context(), pytest.raises(LearnError, match="import a file of orders"):
        jobs.learn("upsell")


def test_an_erased_customer_is_in_no_imported_order(make_app: MakeApp) -> None:
    parts = parts_of(make_app())
    read, _ = read_orders(
        b"order,date,product,customer\n1,2026-05-01,x,ada\n2,2026-05-01,x,bob\n",
        currency="EUR", zone="UTC", now=NOW, pseudonym=parts.offers.pseudonym,
    )  # fmt: skip
    with acting("ada"):
        upload = parts.desk.imports.upload(parts.desk.imports.keep("orders", "a", read), "ada")
        parts.desk.imports.put_orders(upload, parts.desk.imports.plan(upload).seal)
    assert parts.privacy.erase("ada")["upsell_imported_line"] == 1
    assert [line.order for line in parts.desk.imports.lines()] == ["2"]
