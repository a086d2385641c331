"""DuckDB, inside this process: a file in a temporary folder, within an amount of memory, and to disk beyond it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import LearnError
from . import Connection, needed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE"}
#: What stands for None in a file that is loaded.
NULL = "\\N"


def connect_duckdb(folder: Path, memory: str, file: Path | None = None) -> Connection:
    """`file`: a database that is there already. Raises LearnError without DuckDB, and when `memory` is no amount."""
    try:
        import duckdb
    except ModuleNotFoundError:
        raise LearnError("learning needs DuckDB: pip install 'Flask-Upsell[learn]'") from None
    inner = duckdb.connect(str(file or folder / "learn.duckdb"))
    try:
        inner.execute(f"SET temp_directory = '{_quoted(folder / 'spill')}'")
        inner.execute(f"SET memory_limit = '{_quoted(memory)}'")
        inner.execute("SET preserve_insertion_order = false")
    except duckdb.Error as error:
        inner.close()
        raise LearnError(f"UPSELL_LEARN_MEMORY: write an amount such as '1GB', not {memory!r} ({error})") from None
    return DuckDBConnection(inner, folder, memory)


class DuckDBConnection:
    """See `Connection`. Raises LearnError when the memory is too little."""

    def __init__(self, inner: DuckDBPyConnection, folder: Path, memory: str) -> None:
        self._inner, self._folder, self._memory = inner, folder, memory

    def execute(self, text: str, values: Sequence[object] = ()) -> Connection:
        import duckdb

        try:
            self._inner.execute(text, list(values))
        except duckdb.OutOfMemoryException as error:
            raise LearnError(
                f"UPSELL_LEARN_MEMORY: {self._memory!r} is too little for these orders ({error})"
            ) from None
        return self

    def cursor(self) -> Connection:
        return DuckDBConnection(self._inner.cursor(), self._folder, self._memory)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._inner.fetchone()

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._inner.fetchall()

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self._inner.fetchmany(size)

    def fetchnumpy(self) -> dict[str, Any]:
        return self._inner.fetchnumpy()

    def load(self, table: str, columns: Mapping[str, type], rows: Iterable[Sequence[object]]) -> None:
        """A CSV in between: DuckDB reads it in parallel, and no row is ever a Python object twice."""
        listed = ", ".join(f"{name} {TYPES[kind]}" for name, kind in columns.items())
        self.execute(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({listed})")
        path, written = self._folder / f"{table}.csv", False
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            for row in rows:
                writer.writerow([NULL if value is None or value == "" else value for value in row])
                written = True
        if written:
            self.execute(
                f"COPY {table} FROM '{_quoted(path)}' "
                "(FORMAT csv, AUTO_DETECT false, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"', "
                f"NULLSTR '{NULL}', NEW_LINE '\\n', PARALLEL false)"
            )
        path.unlink()

    def read_lines(self, path: str) -> None:
        import duckdb

        found = f"{path.rstrip('/')}/**/*.parquet" if Path(path).is_dir() else path
        try:
            given = self._inner.read_parquet(found)
            kinds = dict(zip(given.columns, map(str, given.types), strict=True))
            needed(path, kinds)
            timed = kinds["placed_at"].startswith(("TIMESTAMP", "DATE"))
            at = "FLOOR(EPOCH(placed_at))" if timed else "placed_at"
            given.project(
                "CAST(order_ref AS VARCHAR) AS order_ref, CAST(product_ref AS VARCHAR) AS product_ref, "
                "TRY_CAST(quantity AS BIGINT) AS quantity, CAST(customer AS VARCHAR) AS customer, "
                f"TRY_CAST({at} AS BIGINT) AS placed_at"
            ).create_view("given_lines")
        except duckdb.Error as error:
            raise LearnError(f"{path}: cannot be read as order lines in Parquet ({error})") from None

    def close(self) -> None:
        self._inner.close()


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
