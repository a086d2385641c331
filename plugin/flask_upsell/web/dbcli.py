"""`flask upsell db …` and `flask upsell uninstall`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import click
from flask.cli import AppGroup
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ..adapters.migrate import BASE, current, downgrade, reversed_by, rows
from ..adapters.removal import Found, Keys, drop_tables, tables_of
from ..jobs import Parts


def add_db_commands(group: AppGroup, here: Callable[[], Parts]) -> None:
    db = AppGroup("db", help="The ledger's tables.")
    group.add_command(db)

    @db.command("upgrade")
    def db_upgrade() -> None:
        """Create or update the ledger's tables (upsell_…); the store's own migrations are not touched."""
        here().migrate()
        click.echo("The ledger's tables are up to date.")

    @db.command("current")
    def db_current() -> None:
        """Which revision the ledger's tables have, and which one this version needs; exit code 1 when they differ."""
        found, newest = current(_engine(here()))
        click.echo(f"{found or 'no tables'} (this version needs {newest})")
        if found != newest:
            raise SystemExit(1)

    @db.command("downgrade")
    @click.argument("revision", default="-1")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def db_downgrade(revision: str, yes: bool) -> None:
        """Take the ledger's tables down to REVISION ('base': all of them; without one: one step). Asks first: what
        those tables and columns hold is lost, for all instances that share them."""
        engine = _engine(here())
        steps = reversed_by(engine, revision)
        if not steps:
            click.echo("There is nothing to take back.")
            return
        click.echo("This takes back, with all that is in it:")
        for step in steps:
            click.echo(f"  {step}")
        held = ", ".join(f"{count:,} in {name}" for name, count in rows(engine).items() if count)
        if held:
            click.echo(f"The ledger has rows: {held}.")
        if not yes:
            click.confirm("Go on?", abort=True)
        downgrade(engine, revision)
        click.echo(f"The ledger's tables are at {current(engine)[0] or BASE}.")

    @group.command("uninstall")
    @click.option("--dry-run", is_flag=True, help="Only say what would go.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def uninstall(dry_run: bool, yes: bool) -> None:
        """Remove all of our tables and keys; the store's own stay. Stop web and worker first, or take the extension
        out of the app afterwards: what goes on running would write again."""
        _uninstall(here(), dry_run, yes)


def _engine(this: Parts) -> Engine:
    engine: Engine = this.offers.ledger.engine  # type: ignore[attr-defined]
    return engine


def _uninstall(this: Parts, dry_run: bool, yes: bool) -> None:
    engine, settings = _engine(this), this.settings
    remains: list[str] = []
    found: Found | None = None
    try:
        found = tables_of(engine, this.identifier)
        _tell_tables(found)
    except SQLAlchemyError as error:
        remains.append(f"the tables: the database does not answer ({type(error).__name__})")
    what = f"{this.identifier}:{{…}} and jobs in the queue {settings.queue!r}"
    with closing(Keys(this.identifier, settings.redis_url, settings.queue_url, settings.queue)) as keys:
        reached = False
        try:
            if this.offers.queue.worker_seen():
                raise click.ClickException("a worker is running: stop it first, or it would write again")
            click.echo(f"Keys in Redis: {len(keys.all()):,} ({what}).")
            reached = True
        except (RedisError, OSError) as error:
            remains.append(f"{what}: Redis does not answer ({type(error).__name__}); run this again when it does")
        if dry_run:
            click.echo("Nothing was removed: this was a dry run.")
        else:
            if not yes:
                click.confirm("Remove all of that?", abort=True)
            if found is not None:
                drop_tables(engine, this.identifier, found)
                click.echo(f"Rows of {this.identifier} removed." if found.others else "Tables removed.")
            if reached:
                click.echo(f"Keys removed: {keys.remove():,}.")
    for each in remains:
        click.echo(f"What remains: {each}.", err=True)
    if remains:
        raise SystemExit(1)


def _tell_tables(found: Found) -> None:
    if found.others:
        click.echo(f"The tables stay, for they are used by {', '.join(found.others)} too; only our own rows go.")
    for name, count in found.tables.items():
        click.echo(f"  {name}: {count:,} row{'s' if count != 1 else ''}")
    if not found.tables:
        click.echo("There are no tables of ours.")
    if found.strange:
        click.echo(f"Left alone, for this version does not know them: {', '.join(found.strange)}.")
