"""Our tables in a host's database: its own migrations are left alone, and what is migrated is what the code expects."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from flask_upsell.adapters import migrate
from flask_upsell.adapters.ledger import SQLLedger, make_engine
from flask_upsell.adapters.migrate import VERSION_TABLE, current, downgrade, upgrade
from flask_upsell.adapters.tables import metadata

VERSIONS = Path(migrate.__file__).with_name("migrations") / "versions"


def test_the_migrated_schema_is_the_one_of_the_code(engine: Engine) -> None:
    """Red when a column of `tables.py` has no migration."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or str(name).startswith("upsell_"),
            },
        )
        assert compare_metadata(context, metadata) == []


def test_checks_are_migrated_too(engine: Engine) -> None:
    """Alembic does not compare CHECK constraints."""
    found = inspect(engine)
    for table in metadata.tables.values():
        expected = {str(c.name) for c in table.constraints if type(c).__name__ == "CheckConstraint"}
        assert {str(check["name"]) for check in found.get_check_constraints(table.name)} == expected, table.name


def test_a_hosts_own_history_and_tables_are_left_alone(database_url: str) -> None:
    """Red when our migrations use Alembic's own name for their version table."""
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('hosts_own')"))
        connection.execute(text("DROP TABLE IF EXISTS products"))
        connection.execute(text("CREATE TABLE products (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO products VALUES (1)"))
    before = set(inspect(engine).get_table_names())
    newest = max(path.name for path in VERSIONS.glob("0*.py")).partition("_")[0]
    try:
        upgrade(engine)
        with engine.connect() as connection:
            assert list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == ["hosts_own"]
            assert list(connection.execute(text("SELECT id FROM products")).scalars()) == [1]
            assert list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars()) == [newest]
        names = set(inspect(engine).get_table_names())
        assert names - before == {*metadata.tables, VERSION_TABLE}
        assert before <= names
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
            connection.execute(text("DROP TABLE products"))
        engine.dispose()


def _upgrade_at(barrier: Any, url: str) -> None:
    engine = make_engine(url)
    barrier.wait(120)
    upgrade(engine)
    engine.dispose()


def test_several_upgrades_at_once_are_one(database_url: str) -> None:
    """Planted bug that it shows: without the lock one of them finds tables that it is about to make."""
    fork = multiprocessing.get_context("fork")
    for _ in range(3):
        barrier = fork.Barrier(4)
        every = [fork.Process(target=_upgrade_at, args=(barrier, database_url)) for _ in range(4)]
        for process in every:
            process.start()
        for process in every:
            process.join(120)
        assert [process.exitcode for process in every] == [0, 0, 0, 0]
        engine = make_engine(database_url)
        assert current(engine)[0] == current(engine)[1]
        downgrade(engine, "base")
        engine.dispose()


def test_upgrading_twice_keeps_what_is_there(engine: Engine) -> None:
    ledger = SQLLedger(engine, "upsell")
    ledger.start("ada", "k", "r")
    upgrade(engine)
    upgrade(engine)
    assert not ledger.start("ada", "k", "r").first


def test_two_conversions_of_one_acceptance_are_refused(engine: Engine) -> None:
    row = (
        "INSERT INTO upsell_conversion (instance, order_ref, acceptance, placement, kind, product, quantity, revenue, "
        "currency, ordered_at) VALUES ('upsell', '1', 'a', 'cart', 'upgrade', 'p', 1, 1, 'EUR', '2026-01-01')"
    )
    with engine.begin() as connection:
        connection.execute(text(row))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(row))
