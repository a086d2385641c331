"""Where the SQL of learning runs: DuckDB inside the process, or Apache Spark, on one machine or on many.

The texts of `sql/` are the same for both, and so are the rows that come out. A connection has the shape of DuckDB's
own, as far as learning uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ...errors import LearnError

DUCKDB, SPARK = "duckdb", "spark"
#: The columns that order lines have in Parquet. `placed_at`: a timestamp (without a zone: UTC), or Unix seconds.
LINE_COLUMNS = ("order_ref", "product_ref", "quantity", "customer", "placed_at")


class Connection(Protocol):
    """Tables that one learning run makes and reads; nobody else sees them, and they go when it is closed."""

    def execute(self, text: str, values: Sequence[object] = ()) -> Connection:
        """Run one statement, or several with `;` between; `values` take the places of `?`. What the last one finds is
        fetched from what is returned, before the next `execute`."""
        ...

    def cursor(self) -> Connection:
        """Another connection to the same tables: its rows can be fetched while this one executes."""
        ...

    def fetchone(self) -> tuple[Any, ...] | None: ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """The next rows, a stream: no more than some of them are in memory. None are left when it is empty."""
        ...

    def fetchnumpy(self) -> dict[str, Any]:
        """All rows, by columns, each a NumPy array."""
        ...

    def load(self, table: str, columns: Mapping[str, type], rows: Iterable[Sequence[object]]) -> None:
        """Make this table anew, of columns of str, int or float; `rows` are a stream. An empty text is None."""
        ...

    def read_lines(self, path: str) -> None:
        """Let `given_lines` be the order lines of a Parquet file, of all those in a folder, or of a glob; they stay
        where they are. Columns: LINE_COLUMNS. Raises LearnError when they cannot be read."""
        ...

    def close(self) -> None: ...


def connect(engine: str, folder: Path, memory: str, master: str | None) -> Connection:
    """`folder`: where everything temporary may be. `master`: Spark's; None as its own configuration says.

    Raises LearnError when something that is needed is not installed, or when `memory` is no amount.
    """
    if engine == SPARK:
        from .spark import connect_spark

        return connect_spark(folder, memory, master)
    from .duckdb import connect_duckdb

    return connect_duckdb(folder, memory)


def needed(path: str, columns: Iterable[str]) -> None:
    """Raises LearnError when one of LINE_COLUMNS is not among these columns of a Parquet file."""
    missing = set(LINE_COLUMNS) - set(columns)
    if missing:
        raise LearnError(
            f"{path}: order lines need the columns {', '.join(LINE_COLUMNS)}; "
            f"there is no {', no '.join(sorted(missing))}"
        )


def statements(text: str) -> Iterator[str]:
    """Each statement of a script, without comments. Texts of learning have neither `;` nor `--` inside quotes."""
    kept = "\n".join(line.partition("--")[0] for line in text.splitlines())
    return (each.strip() for each in kept.split(";") if each.strip())
