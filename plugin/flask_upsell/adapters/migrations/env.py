"""Alembic's door: run by `migrate.upgrade` with a connection; our history has a version table of its own."""

from alembic import context

from flask_upsell.adapters.migrate import VERSION_TABLE
from flask_upsell.adapters.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
