"""Mine affinities: stream orders and catalogue into DuckDB, run the SQL of `sql/`, stream the affinities out.

DuckDB holds the history, within `memory`, and goes to disk beyond it; Python holds one chunk at a time.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..core.affinity import Affinity
from ..core.money import LARGEST
from ..core.offer import Kind
from ..core.ports import OrderLine, Report
from ..core.product import Product
from ..errors import LearnError
from .readiness import count

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
LINES = "order_ref VARCHAR, product_ref VARCHAR, quantity BIGINT, customer VARCHAR, placed_at BIGINT"
#: How often progress is told while rows stream in.
EVERY = 20_000
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
    are only baskets, for `learn.likely` and `learn.upgrades`.
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
    ) -> None:
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
            _line_rows(self._lines, dropped),
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
        for done, step in enumerate(self._steps):
            self._report(f"Mining {step}", done, len(self._steps))
            connection.execute((SQL / f"{step}.sql").read_text())
        self._report("Mining done", len(self._steps), len(self._steps))
        figures = {"lines": lines, "products": products, "dropped": dict(dropped), **self._figures(connection)}
        if imported:
            figures["imported_lines"] = imported
        return Mined(connection, figures)

    def _load_imported(self, path: Path, dropped: Counter[str]) -> int:
        """Add the imported lines of orders that are not there; returns how many."""
        assert self._connection is not None
        rows = _line_rows(self._imported, dropped)
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
                    "readiness": msgspec.to_builtins(
                        count(connection, self._parameters.min_support, self._parameters.min_certainty)
                    ),
                }
            ),
        }


def _usable(ref: str) -> bool:
    return 0 < len(ref) <= LONGEST_REF and "\0" not in ref and ref != "\\N" and ref == _clean(ref)


def _clean(text: str) -> str:
    """Without what no file can hold: halves of characters, and the end-of-text of C."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "")


def _line_rows(lines: Iterable[OrderLine], dropped: Counter[str]) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        if not _usable(line.product) or not _usable(line.order):
            dropped["reference empty, too long or unreadable"] += 1
        elif abs(line.quantity) > 10**9:
            dropped["quantity beyond 10^9"] += 1
        else:
            if line.quantity <= 0:
                dropped["returns and zero quantities (taken off their order)"] += 1
            customer = line.customer if line.customer is not None and _usable(line.customer) else "\\N"
            yield line.order, line.product, line.quantity, customer, int(line.placed_at.timestamp())


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
            category = _clean(product.category or "") or "\\N"
            yield product.ref, category, product.price, product.period_months or "\\N"


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
