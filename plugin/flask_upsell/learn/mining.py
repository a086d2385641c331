"""Mine affinities: stream orders and catalogue into an engine, run the SQL of `sql/`, stream the affinities out.

The engine (DuckDB, or Spark) holds the history, within `memory`, and goes to disk beyond it; Python holds one chunk at
a time. Order lines in Parquet do not come through Python at all.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from secrets import token_bytes
from typing import Any

import msgspec

from ..core.affinity import Affinity
from ..core.money import LARGEST
from ..core.offer import Kind
from ..core.ports import OrderLine, Report
from ..core.product import Product
from ..core.seasonal import Seasonal, day_of_year
from .alike import sort_in
from .engines import DUCKDB, Connection, connect
from .readiness import count
from .titles import FOUND, wording

SQL = Path(__file__).with_name("sql")
AFFINITIES = {
    Kind.UPGRADE: "SELECT antecedent, consequent, weight, together, base, consequent_orders, orders FROM upgrades",
    Kind.COMPLEMENT: "SELECT antecedent, consequent, weight, together, base, consequent_orders, orders "
    "FROM complements",
}
SEASONAL = (
    "SELECT antecedent, consequent, first_day, last_day, together, base, orders, lift, outside_together, outside_base, "
    "outside_lift, years, certainty FROM seasonal"
)
STEPS = ("baskets", "complements", "upgrades", "seasonal")
STEP_IMPORTED = "Reading imported orders"
LINES = {"order_ref": str, "product_ref": str, "quantity": int, "customer": str, "placed_at": int, "buyer": int}
PRODUCTS = {"product_ref": str, "category": str, "price": int, "months": int, "words": str}
LIMITS = {
    "min_support": int,
    "min_lift": float,
    "max_basket": int,
    "neighbours": int,
    "gap_percent": int,
    "gap_floor": int,
    "min_share": float,
    "min_certainty": float,
}
UNNAMED = "reference empty, too long or unreadable"
BEYOND = "quantity beyond 10^9"
RETURNED = "returns and zero quantities (taken off their order)"
#: How often progress is told while rows stream in.
EVERY = 20_000
#: Lines whose customers are asked about together.
AT_ONCE = 5_000
#: An older order is one whose clock was wrong (1990, Unix time); so is one of a day to come, wherever that begins.
EARLIEST, SKEW = 631_152_000, timedelta(days=1)
NULL = "\\N"
#: From customers to the names under which they are kept, of those who are kept.
Whose = Callable[[Sequence[str]], Mapping[str, str]]
#: References longer than this have no place in the ledger's tables.
LONGEST_REF = 200


class Parameters(msgspec.Struct, frozen=True):
    """What learning leaves out and how much it keeps; see the settings of the same names.

    `memory`, `engine`, `orders`: LEARN_MEMORY, LEARN_ENGINE, LEARN_ORDERS.
    """

    min_support: int = 5
    min_lift: float = 1.1
    max_basket: int = 500
    neighbours: int = 20
    gap_percent: int = 25
    gap_floor: int = 0
    min_share: float = 0.01
    min_certainty: float = 3.3
    memory: str = "1GB"
    engine: str = DUCKDB
    spark_master: str | None = "local[*]"
    orders: str | None = None


class Parquet(msgspec.Struct, frozen=True):
    """Order lines in a Parquet file, a folder of such, or a glob, with the columns engines.LINE_COLUMNS. A customer and
    an order are texts or numbers; quantities and times as in OrderLine, times also as Unix seconds."""

    path: str


class Mined:
    """The result of one mining run; valid inside its `with` block."""

    def __init__(self, connection: Connection, figures: dict[str, Any]) -> None:
        self.connection = connection
        self.figures = figures

    def affinities(self) -> Iterator[tuple[Kind, str, Affinity]]:
        """(kind, antecedent, affinity); a stream."""
        for kind, query in AFFINITIES.items():
            cursor = self.connection.cursor()
            cursor.execute(query)
            while rows := cursor.fetchmany(5000):
                for antecedent, consequent, weight, *evidence in rows:
                    yield kind, antecedent, Affinity(consequent, round(weight, 6), *evidence)

    def seasonal(self) -> Iterator[Seasonal]:
        """What goes together in a part of the year only; a stream."""
        cursor = self.connection.cursor()
        cursor.execute(SEASONAL)
        while rows := cursor.fetchmany(5000):
            for antecedent, consequent, first, last, *counted, years, certainty in rows:
                together, base, orders, lift, outside_together, outside_base, outside_lift = counted
                yield Seasonal(
                    antecedent,
                    consequent,
                    day_of_year(first),
                    day_of_year(last),
                    together,
                    base,
                    orders,
                    round(lift, 6),
                    outside_together,
                    outside_base,
                    round(outside_lift, 6),
                    years,
                    certainty,
                )


class Mining:
    """`with Mining(lines, products, parameters, report) as mined:` - everything temporary goes when the block ends.

    `imported`: lines from elsewhere; of orders that are among `lines` too, those count alone. Without `evidence` there
    are only baskets, for `learn.likely` and `learn.upgrades`. `whose` is asked under which name customers are kept,
    `whose_imported` those of imported lines: who has none is nobody there, and only counted while bots are looked for.
    With `now`, orders of a later day and from before 1990 are left out.
    """

    def __init__(
        self,
        lines: Iterable[OrderLine] | Parquet,
        products: Iterable[Product],
        parameters: Parameters,
        report: Report,
        imported: Iterable[OrderLine] = (),
        *,
        evidence: bool = True,
        whose: Whose | None = None,
        whose_imported: Whose | None = None,
        now: datetime | None = None,
    ) -> None:
        self._whose, self._whose_imported = whose, whose_imported
        self._latest = None if now is None else int((now + SKEW).timestamp())
        self._imported, self._steps = imported, STEPS if evidence else STEPS[:1]
        self._lines, self._products, self._parameters, self._report = lines, products, parameters, report
        self._folder = tempfile.TemporaryDirectory(prefix="upsell-learn-")
        self._connection: Connection | None = None
        self._dropped: Counter[str] = Counter()

    def __enter__(self) -> Mined:
        p = self._parameters
        try:
            self._connection = connect(p.engine, Path(self._folder.name), p.memory, p.spark_master)
            return self._mine(self._connection)
        except BaseException:
            # An engine that is gone cannot be closed either; what went wrong first is what counts.
            with suppress(Exception):
                self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            self._folder.cleanup()

    def _mine(self, connection: Connection) -> Mined:
        if isinstance(self._lines, Parquet):
            lines = self._read(connection, self._lines.path)
        else:
            rows = self._line_rows(self._lines, self._whose)
            lines = self._load(connection, "order_lines", LINES, rows, "Reading orders")
        imported = self._load_imported(connection)
        products = self._load(
            connection, "products", PRODUCTS, _product_rows(self._products, self._dropped), "Reading products"
        )
        connection.load("parameters", LIMITS, [[getattr(self._parameters, name) for name in LIMITS]])
        self._leave_out_bots(connection)
        for done, step in enumerate(self._steps):
            self._report(f"Mining {step}", done, len(self._steps))
            connection.execute((SQL / f"{step}.sql").read_text())
            if step == STEPS[0]:
                sort_in(connection, self._parameters.min_support)
        self._report("Mining done", len(self._steps), len(self._steps))
        figures = {"lines": lines, "products": products, "dropped": dict(self._dropped), **self._figures(connection)}
        if imported:
            figures["imported_lines"] = imported
        return Mined(connection, figures)

    def _read(self, connection: Connection, path: str) -> int:
        """Order lines where they are; returns how many can be learned from."""
        self._report("Reading orders", 0, 0)
        connection.read_lines(path)
        # What nobody can be asked about here is nobody's: consent is by the store's own keys.
        connection.load("keeping", {"customers": int}, [[int(self._whose is None)]])
        connection.execute((SQL / "lines.sql").read_text())
        found = connection.execute("SELECT unnamed, beyond, timeless, returned FROM left_out").fetchone()
        reasons = (UNNAMED, "quantity missing or beyond 10^9", "time missing", RETURNED)
        self._dropped.update({reason: int(n) for reason, n in zip(reasons, found or (), strict=True) if n})
        lines = _number(connection, "SELECT COUNT(*) FROM order_lines")
        self._report("Reading orders", lines, lines)
        return lines

    def _leave_out_bots(self, connection: Connection) -> None:
        connection.execute((SQL / "bots.sql").read_text())
        lines = "SELECT COUNT(*) FROM order_lines WHERE buyer IN (SELECT buyer FROM bots)"
        if found := _number(connection, lines):
            self._dropped["lines of customers who bought more than half of all products, hardly any of them twice"] = (
                found
            )
            connection.execute(
                "CREATE TABLE shoppers_lines AS SELECT * FROM order_lines "
                "WHERE buyer IS NULL OR buyer NOT IN (SELECT buyer FROM bots)"
            )
            connection.execute("DROP TABLE order_lines; CREATE TABLE order_lines AS SELECT * FROM shoppers_lines")

    def _load_imported(self, connection: Connection) -> int:
        """Add the imported lines of orders that are not there; returns how many."""
        if not self._load(
            connection, "imported_lines", LINES, self._line_rows(self._imported, self._whose_imported), STEP_IMPORTED
        ):
            return 0
        connection.execute(
            "CREATE TABLE added AS "
            "SELECT i.order_ref, i.product_ref, i.quantity, i.customer, i.placed_at, i.buyer FROM imported_lines i "
            "LEFT JOIN (SELECT DISTINCT order_ref FROM order_lines) AS o ON o.order_ref = i.order_ref "
            "WHERE o.order_ref IS NULL"
        )
        connection.execute("INSERT INTO order_lines SELECT * FROM added")
        return _number(connection, "SELECT COUNT(*) FROM added")

    def _load(
        self, connection: Connection, table: str, columns: dict[str, type], rows: Iterator[tuple[Any, ...]], step: str
    ) -> int:
        written = 0

        def told() -> Iterator[tuple[Any, ...]]:
            nonlocal written
            for row in rows:
                yield row
                written += 1
                if written % EVERY == 0:
                    self._report(step, written, 0)

        connection.load(table, columns, told())
        if written or step != STEP_IMPORTED:
            self._report(step, written, written)
        return written

    def _line_rows(self, lines: Iterable[OrderLine], whose: Whose | None) -> Iterator[tuple[Any, ...]]:
        return _line_rows(lines, self._dropped, whose, self._latest)

    def _figures(self, connection: Connection) -> dict[str, Any]:
        def one(query: str) -> int:
            return _number(connection, query)

        return {
            "orders": one("SELECT orders FROM totals"),
            "orders_of_one": one("SELECT COUNT(*) FROM baskets WHERE size = 1"),
            "lines_twice": one(
                "SELECT COALESCE(SUM(times - 1), 0) FROM (SELECT COUNT(*) AS times FROM order_lines "
                "GROUP BY order_ref, product_ref, quantity, placed_at HAVING COUNT(*) > 1) AS listed"
            ),
            "orders_too_big": one("SELECT COUNT(DISTINCT order_ref) FROM bought") - one("SELECT orders FROM totals"),
            "unknown_product_lines": one(
                "SELECT COUNT(*) FROM order_lines l LEFT JOIN items i "
                "ON i.product_ref = l.product_ref WHERE i.product_ref IS NULL"
            ),
            **(
                {}
                if len(self._steps) == 1
                else {
                    "complements": one("SELECT COUNT(*) FROM complements"),
                    "upgrades": one("SELECT COUNT(*) FROM upgrades"),
                    "seasonal": one("SELECT COUNT(*) FROM seasonal"),
                    "products_with_complements": one("SELECT COUNT(DISTINCT antecedent) FROM complements"),
                    "readiness": msgspec.to_builtins(
                        count(connection, self._parameters.min_support, self._parameters.min_certainty)
                    ),
                }
            ),
        }


def _number(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _usable(ref: str) -> bool:
    return 0 < len(ref) <= LONGEST_REF and "\0" not in ref and ref != NULL and ref == _clean(ref)


def _clean(text: str) -> str:
    """Without what no file can hold: halves of characters, and the end-of-text of C."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "")


def _line_rows(
    lines: Iterable[OrderLine], dropped: Counter[str], whose: Whose | None, latest: int | None
) -> Iterator[tuple[Any, ...]]:
    key, rest = token_bytes(16), iter(lines)
    while chunk := list(islice(rest, min(AT_ONCE, EVERY))):
        names: Mapping[str, str] = {}
        if whose is not None:
            names = whose([line.customer for line in chunk if line.customer and _usable(line.customer)])
        for line in chunk:
            at = int(line.placed_at.timestamp())
            if not _usable(line.product) or not _usable(line.order):
                dropped[UNNAMED] += 1
                continue
            if abs(line.quantity) > 10**9:
                dropped[BEYOND] += 1
                continue
            if latest is not None and not EARLIEST <= at <= latest:
                dropped["lines from before 1990 or of a day to come"] += 1
                continue
            if line.quantity <= 0:
                dropped[RETURNED] += 1
            customer, buyer = line.customer, None
            if customer is None or not _usable(customer):
                customer = None
            elif whose is not None:
                # Of no use to anybody but this run.
                buyer = int.from_bytes(blake2b(customer.encode(), key=key, digest_size=7).digest())
                customer = names.get(customer)
            yield line.order, line.product, line.quantity, customer, at, buyer


def _product_rows(products: Iterable[Product], dropped: Counter[str]) -> Iterator[tuple[Any, ...]]:
    seen: set[str] = set()
    for product in products:
        if not _usable(product.ref):
            dropped[UNNAMED] += 1
        elif not 0 <= product.price <= LARGEST:
            dropped["price negative or beyond reason"] += 1
        elif product.ref in seen:
            dropped["product listed twice"] += 1
        else:
            seen.add(product.ref)
            category, words = _clean(product.category or "").strip(FOUND), wording(product.title, product.brand)
            yield product.ref, category or None, product.price, product.period_months or None, _clean(words) or None
