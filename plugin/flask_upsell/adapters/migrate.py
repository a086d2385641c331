"""The ledger's schema in a host's database, without touching the host's own migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, func, inspect, select, text

from ..errors import BadInput
from .schema import metadata

VERSION_TABLE = "upsell_alembic_version"
BASE = "base"
#: PostgreSQL's name for "somebody migrates": any number that nobody else uses.
LOCK = 0x75707365_6C6C


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring our tables up to `revision`; safe to repeat."""
    with _configured(engine) as config:
        command.upgrade(config, revision)


def downgrade(engine: Engine, revision: str = "-1") -> None:
    """Take our tables down to `revision` ("-1": one step, "base": none is left), and what they hold with them.

    Raises BadInput for a revision that there is not, or that is above the current one.
    """
    reversed_by(engine, revision)
    with _configured(engine) as config:
        command.downgrade(config, revision)
    if revision == BASE:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {VERSION_TABLE}")


def current(engine: Engine) -> tuple[str, str]:
    """(our revision in this database, "" when there is none; the newest one of this version of the package)."""
    with engine.connect() as connection:
        here = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    return here or "", ScriptDirectory(str(_scripts())).get_current_head() or ""


def reversed_by(engine: Engine, revision: str) -> list[str]:
    """What a downgrade to this revision takes back, newest first: "0004: Orders to be followed up …"."""
    here, _ = current(engine)
    scripts = ScriptDirectory(str(_scripts()))
    if not here:
        return []
    try:
        steps = list(scripts.walk_revisions(BASE, here))
    except CommandError:
        raise BadInput(
            "revision", f"the database is at {here}, which a newer version of this package has made: use that one"
        ) from None
    names = [step.revision for step in steps]
    if revision == "-1":
        return [f"{steps[0].revision}: {steps[0].doc}"]
    if revision != BASE and revision not in names:
        raise BadInput("revision", f"write one of {', '.join([*names, BASE])}, not {revision!r}")
    kept = len(names) if revision == BASE else names.index(revision)
    return [f"{step.revision}: {step.doc}" for step in steps[:kept]]


def rows(engine: Engine) -> dict[str, int]:
    """How many rows each of our tables has that is there."""
    there = set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
            if table.name in there
        }


def _scripts() -> Path:
    return Path(__file__).with_name("migrations")


@contextmanager
def _configured(engine: Engine) -> Iterator[Config]:
    with engine.begin() as connection:
        # Several machines may be brought up to date at once: one does it, the others find it done.
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": LOCK})
        elif engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = Config()
        config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def instances(connection: Connection) -> set[str]:
    """Which instances have rows in our tables."""
    there = set(inspect(connection).get_table_names())
    found: set[str] = set()
    for table in metadata.sorted_tables:
        if table.name in there and "instance" in table.c:
            found |= set(connection.execute(select(table.c.instance).distinct()).scalars())
    return found
