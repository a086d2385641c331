"""Apache Spark: the same SQL on one machine (`local[*]`) or on a cluster. Tables are Parquet, in their own database.

A session that is there already is used and stays; else one is started, and stopped when the connection is closed. On
one machine everything is in the temporary folder, within an amount of memory, and nobody else can reach it. On a
cluster Spark's own configuration says all that; its warehouse (spark.sql.warehouse.dir) must be where all its machines
can read and write.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ...errors import LearnError
from . import Connection, needed, statements

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

INSTALL = "learning with Spark needs pyspark and pyarrow: pip install 'Flask-Upsell[spark]'"
JAVA = (
    "learning with Spark needs Java 17 or newer: install it (Debian: apt install default-jre-headless), or set "
    "JAVA_HOME to where it is"
)
AMOUNT = re.compile(r"([0-9]+) *(M|MB|MIB|G|GB|GIB|T|TB|TIB)\Z", re.IGNORECASE)
MEGABYTES = {"M": 1, "G": 1024, "T": 1024**2}
#: Spark itself starts with no less (megabytes).
LEAST = 512
#: So many rows are in Python's memory while they are loaded.
CHUNK = 100_000


def connect_spark(folder: Path, memory: str, master: str | None) -> Connection:
    """Raises LearnError without pyspark or Java, and when `memory` is no amount or too little."""
    with warnings.catch_warnings():
        # It warns of a pandas that is newer than it knows; pandas is not used.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            import pyarrow  # noqa: F401
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise LearnError(f"{INSTALL} ({error})") from None
        found = SparkSession.getActiveSession()
        if found is not None:
            return _opened(found, folder)
        if not _java():
            raise LearnError(JAVA)
        builder = SparkSession.builder.appName("Flask-Upsell learning")
        for name, value in _conf(folder, memory, master).items():
            builder = builder.config(name, value)
        try:
            started = builder.getOrCreate()
        except (PySparkException, RuntimeError) as error:
            raise LearnError(f"Spark does not start: {error}. Its own message is above; {JAVA}") from None
    return _opened(started, folder, started)


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return (Path(home) / "bin" / "java").exists() if home else shutil.which("java") is not None


def _conf(folder: Path, memory: str, master: str | None) -> dict[str, str]:
    conf = {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}
    if master is not None:
        conf["spark.master"] = master
    if master is None or not master.startswith("local"):
        return conf
    return conf | {
        "spark.driver.memory": f"{_megabytes(memory)}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(folder / "spill"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
    }


def _megabytes(memory: str) -> int:
    found = AMOUNT.match(memory)
    if found is None:
        raise LearnError(f"UPSELL_LEARN_MEMORY: write an amount such as '1GB', not {memory!r}")
    amount = int(found[1]) * MEGABYTES[found[2][0].upper()]
    if amount < LEAST:
        raise LearnError(f"UPSELL_LEARN_MEMORY: {memory!r} is too little; Spark needs {LEAST}MB at least")
    return amount


def _opened(session: SparkSession, folder: Path, started: SparkSession | None = None) -> Connection:
    # A session of its own: how it reads SQL, its database and its views are nobody else's.
    own, database = session.newSession(), f"upsell_learn_{uuid4().hex}"
    own.conf.set("spark.sql.ansi.enabled", "true")
    own.conf.set("spark.sql.session.timeZone", "UTC")
    own.conf.set("spark.sql.sources.default", "parquet")
    local = (session.sparkContext.master or "").startswith("local")
    where = f" LOCATION '{_quoted(folder / database)}'" if local else ""
    own.sql(f"CREATE DATABASE {database}{where}")
    own.catalog.setCurrentDatabase(database)
    return SparkConnection(own, database, started)


class SparkConnection:
    """See `Connection`. `started`: the session to stop at the end, if any."""

    def __init__(self, session: SparkSession, database: str, started: SparkSession | None = None) -> None:
        self._session, self._database, self._started = session, database, started
        self._found: DataFrame | None = None
        self._rows: Iterator[tuple[Any, ...]] | None = None

    def execute(self, text: str, values: Sequence[object] = ()) -> Connection:
        self._found, self._rows = None, None
        for statement in statements(text):
            self._found = self._session.sql(statement, args=list(values) or None)
        return self

    def cursor(self) -> Connection:
        return SparkConnection(self._session, self._database)

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchmany(1)), None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [] if self._found is None else [tuple(row) for row in self._found.collect()]

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        if self._rows is None:
            # One of Spark's partitions at a time.
            self._rows = iter(()) if self._found is None else map(tuple, self._found.toLocalIterator())
        return list(islice(self._rows, size))

    def fetchnumpy(self) -> dict[str, Any]:
        if self._found is None:
            return {}
        table = self._found.toArrow()
        return {name: table.column(name).to_numpy() for name in table.column_names}

    def load(self, table: str, columns: Mapping[str, type], rows: Iterable[Sequence[object]]) -> None:
        import pyarrow as pa

        kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
        shape = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
        stream, mode = iter(rows), "overwrite"
        while (some := list(islice(stream, CHUNK))) or mode == "overwrite":
            texts = [[None if value == "" else value for value in each] for each in zip(*some, strict=True)]
            arrays = [pa.array(each, kind) for each, kind in zip(texts or [[]] * len(shape), shape.types, strict=True)]
            chunk = pa.Table.from_arrays(arrays, schema=shape)
            self._session.createDataFrame(chunk).write.mode(mode).saveAsTable(table)
            mode = "append"

    def read_lines(self, path: str) -> None:
        from pyspark.errors import PySparkException
        from pyspark.sql.functions import col
        from pyspark.sql.types import DateType, TimestampNTZType, TimestampType

        try:
            given = self._session.read.parquet(path)
            needed(path, given.columns)
            at = col("placed_at")
            if isinstance(given.schema["placed_at"].dataType, DateType | TimestampType | TimestampNTZType):
                at = at.cast("timestamp")
            casts = [col(name).cast("string").alias(name) for name in ("order_ref", "product_ref")]
            casts += [
                col("quantity").try_cast("bigint").alias("quantity"),
                col("customer").cast("string").alias("customer"),
            ]
            given.select(*casts, at.try_cast("bigint").alias("placed_at")).createOrReplaceTempView("given_lines")
        except PySparkException as error:
            raise LearnError(f"{path}: cannot be read as order lines in Parquet ({error})") from None

    def close(self) -> None:
        self._session.sql(f"DROP DATABASE IF EXISTS {self._database} CASCADE")
        if self._started is not None:
            self._started.stop()


def _quoted(text: object) -> str:
    return str(text).replace("\\", "\\\\").replace("'", "\\'")
