"""Scripts are split into statements; what each engine needs is named when it is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flask_upsell.errors import LearnError
from flask_upsell.learn.engines import LINE_COLUMNS, connect, needed, statements
from flask_upsell.learn.mining import SQL


def test_a_script_is_split_into_its_statements() -> None:
    script = "-- What; it is.\nSELECT 1;\n\n  SELECT 2 -- two; of them\n  + 3;\n-- The end."
    assert list(statements(script)) == ["SELECT 1", "SELECT 2 \n  + 3"]
    assert list(statements("  \n-- nothing;\n;")) == []


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.name)
def test_every_script_can_be_split(path: Path) -> None:
    """No `;` and no `--` in quotes, which the split would not understand."""
    text = path.read_text()
    assert all(each.count("'") % 2 == 0 for each in statements(text))
    assert [each.split()[0] for each in statements(text)] == [
        line.split()[0] for line in text.splitlines() if line.startswith(("CREATE TABLE", "DROP TABLE"))
    ]


@pytest.mark.parametrize(
    ("engine", "module", "words"),
    [
        ("duckdb", "duckdb", r"pip install 'Flask-Upsell\[learn\]'"),
        ("spark", "pyspark", r"pip install 'Flask-Upsell\[spark\]'"),
        ("spark", "pyspark.sql", r"pip install 'Flask-Upsell\[spark\]'"),
        ("spark", "pyarrow", r"pip install 'Flask-Upsell\[spark\]'"),
    ],
)
def test_what_is_not_installed_is_named(
    engine: str, module: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(LearnError, match=words):
        connect(engine, tmp_path, "1GB", "local[1]")


@pytest.mark.parametrize("name", ["PATH", "JAVA_HOME"])
def test_without_java_it_says_what_to_install(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(LearnError, match=r"Java 17 or newer: install it .*default-jre-headless.*JAVA_HOME"):
        connect("spark", tmp_path, "1GB", "local[1]")


@pytest.mark.parametrize("memory", ["nonsense", "", "0", "50%", "1.5GB", "1GB; x"])
def test_spark_needs_an_amount_of_memory(java: str, memory: str, tmp_path: Path) -> None:
    with pytest.raises(LearnError, match="UPSELL_LEARN_MEMORY: write an amount"):
        connect("spark", tmp_path, memory, "local[1]")


@pytest.mark.parametrize("memory", ["0GB", "64MB", "511 MB"])
def test_spark_needs_memory_to_start(java: str, memory: str, tmp_path: Path) -> None:
    with pytest.raises(LearnError, match="is too little; Spark needs 512MB at least"):
        connect("spark", tmp_path, memory, "local[1]")


def test_columns_that_are_missing_are_named() -> None:
    needed("orders.parquet", [*LINE_COLUMNS, "colour"])
    with pytest.raises(LearnError, match=r"^orders\.parquet: .* there is no customer, no quantity$"):
        needed("orders.parquet", ["order_ref", "product_ref", "placed_at"])
