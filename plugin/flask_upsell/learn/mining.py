"""Mine affinities: stream orders and catalogue into DuckDB, run the SQL of `sql/`, stream the affinities out.

DuckDB holds the history, within `memory`, and goes to disk beyond it; Python holds one chunk at a time.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

import msgspec

from ..core.affinity import Affinity
from ..core.money import LARGEST
from ..core.offer import Kind
from ..core.ports import OrderLine, Report
from ..core.product import Product
from ..errors import LearnError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SQL = Path(__file__).with_name("sql")
AFFINITIES = {
    Kind.UPGRADE: "SELECT antecedent, consequent, weight, together, base, consequent_orders, orders FROM upgrades",
    Kind.COMPLEMENT: "SELECT antecedent, consequent, weight, together, base, consequent_orders, orders "
    "FROM complements",
}
STEPS = ("baskets", "complements", "upgrades")
STEP_IMPORTED = "Reading imported orders"
LINES = "order_ref VARCHAR, product_ref VARCHAR, quantity BIGINT, customer VARCHAR, placed_at BIGINT, buyer BIGINT"
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
    """What learning leaves out and how much it keeps; see the settings of the same names."""

    min_support: int = 5
    min_lift: float = 1.1
    max_basket: int = 100
    neighbours: int = 20
    gap_percent: int = 25
    gap_floor: int = 0
    min_share: float = 0.01
    min_certainty: float = 3.3
    memory: str = "1GB"


class Mined:
    """The result of one mining run; valid inside its `with` block."""

    def __init__(self, connection: DuckDBPyConnection, figures: dict[str, Any]) -> None:
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


class Mining:
    """`with Mining(lines, products, parameters, report) as mined:` - everything temporary goes when the block ends.

    `imported`: lines from elsewhere; of orders that are among `lines` too, those count alone. Without `evidence` there
    are only baskets, for `learn.likely` and `learn.upgrades`. `whose` is asked under which name customers are kept,
    `whose_imported` those of imported lines: who has none is nobody there, and only counted while bots are looked for.
    With `now`, orders of a later day and from before 1990 are left out.
    """

    def __init__(
        self,
        lines: Iterable[OrderLine],
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
        self._connection: DuckDBPyConnection | None = None

    def __enter__(self) -> Mined:
        try:
            import duckdb
        except ModuleNotFoundError:
            raise LearnError("learning needs DuckDB: pip install 'Flask-Upsell[learn]'") from None
        try:
            return self._mine(duckdb.connect(str(Path(self._folder.name) / "learn.duckdb")))
        except duckdb.OutOfMemoryException as error:
            self.__exit__()
            raise LearnError(
                f"UPSELL_LEARN_MEMORY: {self._parameters.memory!r} is too little for these orders ({error})"
            ) from None
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._folder.cleanup()

    def _mine(self, connection: DuckDBPyConnection) -> Mined:
        import duckdb

        self._connection, folder = connection, Path(self._folder.name)
        connection.execute(f"SET temp_directory = '{_quoted(folder / 'spill')}'")
        try:
            connection.execute(f"SET memory_limit = '{_quoted(self._parameters.memory)}'")
        except duckdb.Error as error:
            raise LearnError(
                f"UPSELL_LEARN_MEMORY: write an amount such as '1GB', not {self._parameters.memory!r} ({error})"
            ) from None
        connection.execute("SET preserve_insertion_order = false")
        dropped: Counter[str] = Counter()
        lines = self._load(
            folder / "lines.csv",
            "order_lines",
            LINES,
            _line_rows(self._lines, dropped, self._whose, self._latest),
            "Reading orders",
        )
        imported = self._load_imported(folder / "imported.csv", dropped)
        products = self._load(
            folder / "products.csv",
            "products",
            "product_ref VARCHAR, category VARCHAR, price BIGINT, months BIGINT",
            _product_rows(self._products, dropped),
            "Reading products",
        )
        p = self._parameters
        connection.execute(
            "CREATE TABLE parameters AS SELECT CAST(? AS BIGINT) AS min_support, CAST(? AS DOUBLE) AS min_lift, "
            "CAST(? AS BIGINT) AS max_basket, CAST(? AS BIGINT) AS neighbours, "
            "CAST(? AS BIGINT) AS gap_percent, CAST(? AS BIGINT) AS gap_floor, CAST(? AS DOUBLE) AS min_share, "
            "CAST(? AS DOUBLE) AS min_certainty",
            [
                p.min_support,
                p.min_lift,
                p.max_basket,
                p.neighbours,
                p.gap_percent,
                p.gap_floor,
                p.min_share,
                p.min_certainty,
            ],
        )
        if self._whose is not None:
            self._leave_out_bots(connection, dropped)
        for done, step in enumerate(self._steps):
            self._report(f"Mining {step}", done, len(self._steps))
            connection.execute((SQL / f"{step}.sql").read_text())
        self._report("Mining done", len(self._steps), len(self._steps))
        figures = {"lines": lines, "products": products, "dropped": dict(dropped), **self._figures(connection)}
        if imported:
            figures["imported_lines"] = imported
        return Mined(connection, figures)

    @staticmethod
    def _leave_out_bots(connection: DuckDBPyConnection, dropped: Counter[str]) -> None:
        connection.execute((SQL / "bots.sql").read_text())
        row = connection.execute("DELETE FROM order_lines WHERE buyer IN (SELECT buyer FROM bots)").fetchone()
        if row and row[0]:
            dropped["lines of customers who bought more than half of all products, hardly any of them twice"] = row[0]

    def _load_imported(self, path: Path, dropped: Counter[str]) -> int:
        """Add the imported lines of orders that are not there; returns how many."""
        assert self._connection is not None
        rows = _line_rows(self._imported, dropped, self._whose_imported, self._latest)
        if not self._load(path, "imported_lines", LINES, rows, STEP_IMPORTED):
            return 0
        gone = "DELETE FROM imported_lines WHERE order_ref IN (SELECT order_ref FROM order_lines)"
        self._connection.execute(gone)
        self._connection.execute("INSERT INTO order_lines SELECT * FROM imported_lines")
        row = self._connection.execute("SELECT COUNT(*) FROM imported_lines").fetchone()
        return int(row[0]) if row else 0

    def _load(self, path: Path, table: str, columns: str, rows: Iterator[tuple[Any, ...]], step: str) -> int:
        """A CSV in between: DuckDB reads it in parallel, and no row is ever a Python object twice."""
        assert self._connection is not None
        written = 0
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            for row in rows:
                writer.writerow(row)
                written += 1
                if written % EVERY == 0:
                    self._report(step, written, 0)
        if written or step != STEP_IMPORTED:
            self._report(step, written, written)
        self._connection.execute(f"CREATE TABLE {table} ({columns})")
        if written:
            self._connection.execute(
                f"COPY {table} FROM '{_quoted(path)}' "
                "(FORMAT csv, AUTO_DETECT false, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '\\N', "
                "NEW_LINE '\\n', PARALLEL false)"
            )
        path.unlink()
        return written

    def _figures(self, connection: DuckDBPyConnection) -> dict[str, Any]:
        def one(query: str) -> int:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0

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
                    "products_with_complements": one("SELECT COUNT(DISTINCT antecedent) FROM complements"),
                }
            ),
        }


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
                dropped["reference empty, too long or unreadable"] += 1
                continue
            if abs(line.quantity) > 10**9:
                dropped["quantity beyond 10^9"] += 1
                continue
            if latest is not None and not EARLIEST <= at <= latest:
                dropped["lines from before 1990 or of a day to come"] += 1
                continue
            if line.quantity <= 0:
                dropped["returns and zero quantities (taken off their order)"] += 1
            customer, buyer = line.customer, NULL
            if customer is None or not _usable(customer):
                customer = NULL
            elif whose is not None:
                # Of no use to anybody but this run.
                buyer = str(int.from_bytes(blake2b(customer.encode(), key=key, digest_size=7).digest()))
                customer = names.get(customer, NULL)
            yield line.order, line.product, line.quantity, customer, at, buyer


def _product_rows(products: Iterable[Product], dropped: Counter[str]) -> Iterator[tuple[Any, ...]]:
    seen: set[str] = set()
    for product in products:
        if not _usable(product.ref):
            dropped["reference empty, too long or unreadable"] += 1
        elif not 0 <= product.price <= LARGEST:
            dropped["price negative or beyond reason"] += 1
        elif product.ref in seen:
            dropped["product listed twice"] += 1
        else:
            seen.add(product.ref)
            category = _clean(product.category or "") or NULL
            yield product.ref, category, product.price, product.period_months or NULL


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
