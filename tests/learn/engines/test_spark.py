"""DuckDB and Spark give the same rows: every table of `learn/sql/`, from orders with everything that is odd."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flask_upsell.learn.engines import spark
from flask_upsell.learn.likely import Sizes, learn
from flask_upsell.learn.mining import SQL, Mining, Parameters, Parquet
from flask_upsell.learn.upgrades import Steps, learn_upgrades
from tests.learn.engines import odd

#: So that a small Spark is quick: little is sent around, nothing compiled. In the long form it is as it comes.
QUICK = """
spark.sql.shuffle.partitions 1
spark.default.parallelism 1
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.sql.adaptive.enabled false
spark.sql.autoBroadcastJoinThreshold -1
spark.sql.parquet.compression.codec uncompressed
spark.hadoop.fs.file.impl org.apache.hadoop.fs.RawLocalFileSystem
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
"""


TABLES = sorted(
    {name for path in SQL.glob("*.sql") for name in re.findall(r"^CREATE TABLE (\w+)", path.read_text(), re.MULTILINE)}
)
Found = dict[str, list[str]]


def silent(step: str, done: int, total: int) -> None: ...


def learned(path: Path, engine: str, memory: str, cases: int) -> Found:
    """All that one engine comes to, as sorted texts: its tables, and what Python makes of them."""
    parameters = Parameters(
        min_support=2,
        min_certainty=0,
        max_basket=30,
        gap_floor=300,
        memory=memory,
        engine=engine,
        spark_master="local[2]",
    )
    with Mining(Parquet(str(path)), odd.products(), parameters, silent, odd.imported()) as mined:
        known, model, figures = learn(
            mined.connection, silent, Sizes(head=60, crowd=20, by_count=10, baskets=5, cases=cases)
        )
        steps, turned, _ = learn_upgrades(mined.connection, silent, Steps(gap_floor=300))
        found: dict[str, list[Any]] = {
            "affinities": list(mined.affinities()),
            "figures": [mined.figures, figures, turned],
            "model": [model],
            "leads": list(known.leads()),
            "habits": list(known.habits()),
            "some habits": list(known.habits(["k1", "🦊", "nobody"])),
            "crowd": list(known.bought()),
            "steps": list(steps),
        }
        for table in TABLES:
            found[table] = mined.connection.execute(f"SELECT * FROM {table}").fetchall()
        return {name: sorted(map(repr, some)) for name, some in found.items()}


@pytest.mark.soak
@pytest.mark.slow
def test_both_give_the_same_rows(java: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amount: Any) -> None:
    """Planted bugs that it shows: floats added up, a division that is rounded, a sequence with ties."""
    (tmp_path / "spark-defaults.conf").write_text("" if amount(0, 1) else QUICK)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.setattr(spark, "CHUNK", 16)
    odd.write(tmp_path / "it's orders.parquet", amount(600, 20_000))
    # Fewer than FEWEST cases are not fitted to: that takes another pass over everything.
    cases = amount(50, 600)
    expected = learned(tmp_path / "it's orders.parquet", "duckdb", "1GB", cases)
    found = learned(tmp_path / "it's orders.parquet", "spark", "600MB", cases)
    assert not [name for name in expected if name != "bots" and len(expected[name]) < 1]
    different = {name: (rows, found[name]) for name, rows in expected.items() if found[name] != rows}
    for name, (rows, others) in different.items():  # the first of each that differ
        print(
            name,
            len(rows),
            len(others),
            *[pair for pair in zip(rows, others, strict=False) if pair[0] != pair[1]][:3],
            sep="\n",
        )
    assert not different, sorted(different)
