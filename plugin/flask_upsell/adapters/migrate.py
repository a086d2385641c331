"""The ledger's schema in a host's database, without touching the host's own migrations."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

VERSION_TABLE = "upsell_alembic_version"


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring our tables up to `revision`; safe to repeat."""
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
