"""Tables in a real DuckDB: rows that are loaded, and order lines in Parquet of every shape."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flask_upsell.core.product import Product
from flask_upsell.errors import LearnError
from flask_upsell.learn.engines import Connection, connect
from flask_upsell.learn.mining import Mining, Parameters, Parquet

AT = 1_767_225_600  # 2026-01-01T00:00:00Z


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    made = connect("duckdb", tmp_path, "256MB", None)
    yield made
    made.close()


def test_rows_are_loaded_as_they_are_and_again(connection: Connection) -> None:
    rows: list[Any] = [
        ("it's", 1, 0.1),
        ('"', None, 1e300),
        (None, -(2**62), 2.5),
        ("", 0, 0.0),
        ("\u2028,\r\n🦊", 7, -0.5),
    ]
    for some in (rows, rows[:2], []):
        connection.load("kept", {"name": str, "number": int, "share": float}, iter(some))
        expected = [(name or None, number, share) for name, number, share in some]
        assert sorted(connection.execute("SELECT * FROM kept").fetchall(), key=repr) == sorted(expected, key=repr)


def test_rows_are_read_beside_other_statements(connection: Connection) -> None:
    connection.load("kept", {"number": int}, ((number,) for number in range(10)))
    cursor = connection.cursor().execute("SELECT number FROM kept ORDER BY number")
    assert cursor.fetchmany(4) == [(0,), (1,), (2,), (3,)]
    assert connection.execute("SELECT COUNT(*) FROM kept WHERE number < ?", [5]).fetchone() == (5,)
    assert len(cursor.fetchmany(100)) == 6
    assert cursor.fetchmany(100) == []
    columns = connection.execute("SELECT number FROM kept WHERE number > 7 ORDER BY number").fetchnumpy()
    assert columns["number"].tolist() == [8, 9]


# --- Parquet ------------------------------------------------------------------------------------------------------


def lines(path: Path, placed_at: pa.Array, **columns: Any) -> str:
    count = len(placed_at)
    given = {
        "order_ref": [f"o{number}" for number in range(count)],
        "product_ref": ["a"] * count,
        "quantity": [1] * count,
        "customer": ["k"] * count,
        **columns,
    }
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({**given, "placed_at": placed_at}), path)
    return str(path)


def mined(path: str) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    with Mining(Parquet(path), [Product("a", "A", 100, "EUR")], Parameters(), lambda *_: None) as found:
        rows = found.connection.execute(
            "SELECT order_ref, product_ref, quantity, customer, placed_at FROM order_lines ORDER BY order_ref"
        ).fetchall()
        return rows, found.figures


ROME = timedelta(hours=1)


@pytest.mark.parametrize(
    "placed_at",
    [
        pa.array([AT], pa.int64()),
        pa.array([AT], pa.int32()),
        pa.array([datetime(2026, 1, 1, 0, 0, 0, 999_999)], pa.timestamp("us")),
        pa.array([datetime(2026, 1, 1)], pa.timestamp("ns")),
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("ms", tz="Europe/Rome")),
        pa.array([date(2026, 1, 1)], pa.date32()),
    ],
    ids=str,
)
def test_times_are_instants_of_any_kind(placed_at: pa.Array, tmp_path: Path) -> None:
    rows, figures = mined(lines(tmp_path / "orders.parquet", placed_at))
    assert rows == [("o0", "a", 1, "k", AT)]
    assert (figures["lines"], figures["orders"], figures["dropped"]) == (1, 1, {})


def test_a_file_a_folder_and_a_glob(tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    for year in ("2025", "2026"):
        lines(folder / f"{year}.parquet", pa.array([AT], pa.int64()), order_ref=[year])
    (folder / "notes.txt").write_text("not orders")
    assert [row[0] for row in mined(str(folder / "2025.parquet"))[0]] == ["2025"]
    assert [row[0] for row in mined(str(folder))[0]] == ["2025", "2026"]
    assert [row[0] for row in mined(str(folder / "*6.parquet"))[0]] == ["2026"]


def test_numbers_are_references_too(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "orders.parquet", pa.array([AT], pa.int64()), order_ref=[7], customer=[2**40], quantity=["2"]
    )
    assert mined(path)[0] == [("7", "a", 2, str(2**40), AT)]


def test_what_cannot_be_learned_from_is_counted_by_reason(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "orders.parquet",
        pa.array([AT] * 9 + [None], pa.int64()),
        order_ref=["o", None, "", "x" * 201, "ö" * 200, "o", "o", "o", "o", "o"],
        quantity=["1", "1", "1", "1", "1", "two", "1000000001", "0", "-1", "1"],
        customer=["k", "k", "k", "k", "", "k", "k", None, "x" * 201, "k"],
    )
    rows, figures = mined(path)
    assert sorted((len(ref), quantity, who) for ref, _, quantity, who, _ in rows if who is None) == [
        (1, -1, None), (1, 0, None), (200, 1, None),
    ]  # fmt: skip
    assert figures["lines"] == len(rows) == 4
    assert figures["dropped"] == {
        "reference empty, too long or unreadable": 3,
        "quantity missing or beyond 10^9": 2,
        "time missing": 1,
        "returns and zero quantities (taken off their order)": 2,
    }


def test_what_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "orders.parquet").write_text("order_ref,product_ref")
    for path in (tmp_path / "orders.parquet", tmp_path / "nothing.parquet", tmp_path / "*.orders"):
        with pytest.raises(LearnError, match="cannot be read as order lines in Parquet"):
            mined(str(path))


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"order_ref": ["o"], "quantity": [1]}), tmp_path / "orders.parquet")
    with pytest.raises(LearnError, match=r"orders\.parquet: .*there is no customer, no placed_at, no product_ref"):
        mined(str(tmp_path / "orders.parquet"))
