"""`flask upsell keys …`: keys of machines for the API."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup

from ..core.roles import Role
from ..jobs import Parts
from .mail import one_line
from .trustcli import by


def add_key_commands(group: AppGroup, here: Callable[[], Parts]) -> None:
    """Add them to the commands of an instance."""
    keys = AppGroup("keys", help="Keys of machines for the API: make, list, revoke.")
    group.add_command(keys)

    @keys.command("make")
    @click.argument("name")
    @click.option("--role", required=True, type=click.Choice([str(role) for role in Role]), help="What it may do.")
    @by
    def make(name: str, role: str) -> None:
        """Make a key and print it, this once."""
        machine, key = here().desk.machines.make(name, Role(role))
        click.echo(
            f"{machine.id} {one_line(machine.name)} ({machine.role}): keep this, nobody can look it up later.", err=True
        )
        click.echo(key)

    @keys.command("list")
    def list_() -> None:
        """All keys, the last made first, in the store's zone."""
        this = here()
        zone = ZoneInfo(this.settings.zone)
        for each in this.desk.machines.all():
            used = f"last used {each.used_at.astimezone(zone):%Y-%m-%d %H:%M}" if each.used_at else "never used"
            ended = f", revoked {each.revoked_at.astimezone(zone):%Y-%m-%d %H:%M}" if each.revoked_at else ""
            made = f"made {each.made_at.astimezone(zone):%Y-%m-%d %H:%M} by {one_line(each.who)}"
            click.echo(f"{each.id} {one_line(each.name)} ({each.role}): {made}, {used}{ended}")

    @keys.command("revoke")
    @click.argument("id")
    @by
    def revoke(id: str) -> None:
        """From now on it opens nothing."""
        found = here().desk.machines.revoke(id)
        click.echo(f"{one_line(found.name)} opens nothing any more.")
