"""A store's own Alembic in the same database: it neither sees our tables nor do we touch its history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    inspect,
    make_url,
    text,
)

from flask_upsell.adapters.migrate import VERSION_TABLE, downgrade, upgrade
from flask_upsell.migrations import include_name, include_object

ENV = """
from alembic import context
from flask_upsell.migrations import include_name
config = context.config
with config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, target_metadata=config.attributes["metadata"], include_name=include_name)
    with context.begin_transaction():
        context.run_migrations()
"""
MAKO = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = depends_on = None


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


def models(*more: str) -> MetaData:
    made = MetaData()
    Table("shop_product", made, Column("id", Integer, primary_key=True), *[Column(name, String(9)) for name in more])
    Table("shop_line", made, Column("id", Integer, primary_key=True), Column("p", ForeignKey("shop_product.id")))
    return made


class Host:
    """A store with an Alembic environment as `alembic init` makes it."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.engine, self.folder = engine, folder / "migrations"
        (self.folder / "versions").mkdir(parents=True)
        (self.folder / "env.py").write_text(ENV)
        (self.folder / "script.py.mako").write_text(MAKO)

    def config(self, metadata: MetaData) -> Config:
        made = Config()
        made.set_main_option("script_location", str(self.folder))
        made.attributes.update(engine=self.engine, metadata=metadata)
        return made

    def revise(self, message: str, metadata: MetaData) -> str:
        """Autogenerate; the text of the new revision."""
        made = command.revision(self.config(metadata), message, autogenerate=True)
        assert made is not None and not isinstance(made, list)
        return Path(made.path).read_text()

    def history(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    """A store with a database of its own: on PostgreSQL other tests leave tables in the common one."""
    url = make_url(database_url)
    own = url.get_backend_name() == "postgresql"
    server = create_engine(database_url, isolation_level="AUTOCOMMIT") if own else None
    name = f"host_{uuid4().hex}"
    if server is not None:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url = url.set(database=name)
    engine = create_engine(url)
    yield Host(tmp_path, engine)
    engine.dispose()
    if server is not None:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        server.dispose()


def test_a_store_with_its_own_alembic_and_ours_live_side_by_side(host: Host) -> None:
    """Planted bug that it shows: without the filter the store's revision drops all of our tables."""
    upgrade(host.engine)
    first = host.revise("shop", models())
    assert "upsell" not in first.partition("revision =")[2] and first.count("op.create_table") == 2
    command.upgrade(host.config(models()), "head")
    before = host.history()

    second = host.revise("a column", models("title"))
    assert "upsell" not in second and "title" in second
    command.upgrade(host.config(models("title")), "head")
    command.check(host.config(models("title")))
    after = host.history()
    assert len(after) == 1 and after != before

    downgrade(host.engine, "base")
    assert host.history() == after
    assert set(inspect(host.engine).get_table_names()) == {"alembic_version", "shop_line", "shop_product"}
    upgrade(host.engine)
    command.downgrade(host.config(models("title")), "base")
    names = set(inspect(host.engine).get_table_names())
    assert VERSION_TABLE in names and "upsell_acceptance" in names and "shop_product" not in names


@pytest.mark.parametrize("filtered", [{"include_name": include_name}, {"include_object": include_object}])
def test_either_filter_hides_all_of_ours_and_nothing_else(host: Host, filtered: dict[str, object]) -> None:
    upgrade(host.engine)
    with host.engine.begin() as connection:
        connection.execute(text("CREATE TABLE shop_product (id INTEGER PRIMARY KEY)"))
        context = MigrationContext.configure(connection, opts=filtered)
        found = compare_metadata(context, MetaData())
        assert [(kind, getattr(thing, "name", thing)) for kind, thing in found] == [("remove_table", "shop_product")]
        everything = compare_metadata(MigrationContext.configure(connection), MetaData())
        assert len(everything) > 10


def test_only_tables_are_ours_by_their_name() -> None:
    assert not include_name("upsell_offer", "table", {})
    assert include_name("upsell_rate", "column", {"table_name": "shop_product"})
    assert not include_name("anything", "index", {"table_name": "upsell_offer"})
    assert include_name(None, "schema", {})
    assert include_name("shop_upsell_", "table", {})
