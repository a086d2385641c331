"""A history cut in two by time: what may be learned from, in a database of its own, and questions about the rest.

Learning gets a file in which nothing after the cut was ever written, so no statement of it can look ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import msgspec

from .alike import sort_in
from .engines import Connection
from .engines.duckdb import connect_duckdb
from .likely import Case

SQL = Path(__file__).with_name("sql")


class Turn(msgspec.Struct, frozen=True):
    """Somebody who bought `base` turned to the dearer `hidden` of its kind; `owned`: what they had of the kind."""

    customer: str
    base: str
    hidden: str
    owned: frozenset[str]


def baskets_after(connection: Connection, cut: int, most: int) -> list[Case]:
    """Baskets of two or more since the cut (Unix time), each with one product hidden: which, and which baskets when
    there are more than `most`, follows from the order's reference alone. `placed` must be there."""
    rows = connection.execute(
        "SELECT b.order_ref, p.customer, p.placed_at, i.product_ref FROM placed p "
        "JOIN baskets b ON b.order_no = p.order_no JOIN basket_items x ON x.order_no = p.order_no "
        "JOIN items i ON i.product_no = x.product_no JOIN ("
        "SELECT p.order_no, md5(b.order_ref) AS chance FROM placed p JOIN baskets b ON b.order_no = p.order_no "
        "WHERE p.placed_at >= ? AND p.size >= 2 ORDER BY chance, b.order_ref LIMIT ?) AS c "
        "ON c.order_no = p.order_no ORDER BY c.chance, b.order_ref, i.product_ref",
        [cut, most],
    ).fetchall()
    cases, start = list[Case](), 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place][0] != rows[start][0]:
            refs = [row[3] for row in rows[start:place]]
            hidden = refs.pop(crc32(rows[start][0].encode()) % len(refs))
            cases.append(Case(tuple(refs), rows[start][1], int(rows[start][2]), hidden))
            start = place
    return cases


def turns_after(connection: Connection, cut: int, most: int) -> list[Turn]:
    """Who turned to a dearer product since the cut, within the price gap of `parameters`. `placed` must be there."""
    connection.execute("DROP TABLE IF EXISTS edge")
    connection.execute("CREATE TABLE edge AS SELECT CAST(? AS BIGINT) AS since", [cut])
    connection.execute((SQL / "tried/turns.sql").read_text())
    connection.execute("DROP TABLE IF EXISTS chosen_turns")
    connection.execute(
        "CREATE TABLE chosen_turns AS SELECT t.customer, t.base_no, t.product_no FROM turns t "
        "JOIN items i ON i.product_no = t.base_no ORDER BY md5(t.customer || ' ' || i.product_ref), t.customer LIMIT ?",
        [most],
    )
    owned: dict[tuple[str, int], set[str]] = {}
    for customer, base, ref in connection.execute(
        "SELECT t.customer, t.base_no, i.product_ref FROM chosen_turns t JOIN items b ON b.product_no = t.base_no "
        "JOIN had h ON h.customer = t.customer AND h.category = b.category "
        "JOIN items i ON i.product_no = h.product_no"
    ).fetchall():
        owned.setdefault((customer, base), set()).add(ref)
    return [
        Turn(customer, ref, hidden, frozenset(owned[customer, base]))
        for customer, base, ref, hidden in connection.execute(
            "SELECT t.customer, t.base_no, b.product_ref, i.product_ref FROM chosen_turns t "
            "JOIN items b ON b.product_no = t.base_no JOIN items i ON i.product_no = t.product_no "
            "ORDER BY md5(t.customer || ' ' || b.product_ref), t.customer"
        ).fetchall()
    ]


def keep_before(connection: Connection, cut: int, file: Path) -> None:
    """Write what was bought before the cut (Unix time) to a new database; see `opened`."""
    connection.execute(f"ATTACH '{_quoted(file)}' AS part_before")
    try:
        connection.execute("CREATE TABLE part_before.products AS SELECT * FROM products")
        connection.execute("CREATE TABLE part_before.parameters AS SELECT * FROM parameters")
        connection.execute(
            "CREATE TABLE part_before.order_lines AS SELECT l.* FROM order_lines l JOIN ("
            "SELECT order_ref FROM order_lines GROUP BY order_ref HAVING MIN(placed_at) < ?) AS o "
            "ON o.order_ref = l.order_ref WHERE l.placed_at < ?",
            [cut, cut],
        )
    finally:
        connection.execute("DETACH part_before")


@contextmanager
def opened(file: Path, memory: str) -> Iterator[Connection]:
    """The baskets of such a database, as `Mining` without evidence makes them. `memory`: "1GB"; beyond it on disk."""
    folder = file.with_suffix("")
    folder.mkdir(exist_ok=True)
    connection = connect_duckdb(folder, memory, file)
    try:
        connection.execute((SQL / "baskets.sql").read_text())
        row = connection.execute("SELECT min_support FROM parameters").fetchone()
        sort_in(connection, int(row[0]) if row else 0)
        yield connection
    finally:
        connection.close()


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
