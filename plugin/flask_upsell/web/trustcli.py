"""`flask upsell off`, `on`, `erase`, `subscribe`, `unsubscribe`, `tidy`, `audit`; who types them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup, with_appcontext

from ..adapters.audit import Audited, SQLAudit, acting, actor
from ..errors import BookError
from ..jobs import Parts
from .mail import one_line

F = TypeVar("F", bound=Callable[..., Any])


def by(command: F) -> F:
    """Options of a command that changes something: who does so, and why, for the audit."""

    @click.option(
        "--by", "who", metavar="NAME", help="Who does this, for the audit; else your account on this machine."
    )
    @click.option("--why", default="", metavar="TEXT", help="Why, for the audit.")
    @wraps(command)
    def told(*args: Any, who: str | None, why: str, **given: Any) -> Any:
        with acting(who or f"os:{_account()}", why):
            return command(*args, **given)

    return told  # type: ignore[return-value]


def _told(act: Callable[[], None], done: str) -> None:
    try:
        act()
    except BookError as error:
        click.echo(f"Redis does not answer ({error}): processes see it within five seconds.", err=True)
    click.echo(done)


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # in a container without a list of users
        return "unknown"


def add_trust_commands(group: AppGroup, here: Callable[[], Parts]) -> None:
    """Add them to the commands of an instance."""

    @group.command("erase")
    @click.argument("customer")
    @click.option(
        "--visitor", "visitors", multiple=True, metavar="KEY", help="A key of the customer's cart; repeatable."
    )
    @click.option("--forget-objection", is_flag=True, help="Forget too that the customer wants no mails.")
    @by
    def erase(customer: str, visitors: tuple[str, ...], forget_objection: bool) -> None:
        """Remove or anonymise all that is kept of a customer (the store's own key)."""
        _print_rows(here().privacy.erase(customer, visitors, forget_objection=forget_objection))

    @group.command("subscribe")
    @click.argument("customer")
    @by
    def subscribe(customer: str) -> None:
        """Send mails again to a customer (the store's own key) who asked for them again."""
        done = here().privacy.subscribe(customer)
        click.echo("Mails are sent again." if done else "Nothing was said against mails; nothing was changed.")

    @group.command("unsubscribe")
    @click.argument("customer")
    @by
    def unsubscribe(customer: str) -> None:
        """Send no more mails to a customer (the store's own key)."""
        done = here().privacy.unsubscribe(customer)
        click.echo("No more mails are sent." if done else "That was known; nothing was changed.")

    @group.command("off")
    @by
    def off() -> None:
        """The kill switch: nothing is offered any more, in any process, within a second. What was accepted stays."""
        acts = actor()
        _told(lambda: here().offers.switch_off(acts.who, acts.why), "Off. 'flask upsell on' ends that.")

    @group.command("on")
    @by
    def on() -> None:
        """Offer again, after 'off'."""
        _told(here().offers.switch_on, "On.")

    @group.command("tidy")
    def tidy() -> None:
        """Remove what is older than it is kept; a worker does so once a day."""
        _print_rows(here().privacy.tidy())

    @group.group("audit", invoke_without_command=True)
    @click.option("--who", default="", help="Only what this one did.")
    @click.option("--what", default="", help='Only what begins so, such as "rule" or "rule removed".')
    @click.option("--subject", default="", help="Only what was done to this rule, season, …")
    @click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="From then on (local time).")
    @click.option("--last", default=100, show_default=True, type=click.IntRange(1), help="At most so many.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with what it was before and after.")
    @click.pass_context
    @with_appcontext
    def audit(
        ctx: click.Context, who: str, what: str, subject: str, since: datetime | None, last: int, as_json: bool
    ) -> None:
        """Who changed what, when (in the store's zone) and why, oldest first."""
        if ctx.invoked_subcommand is not None:
            return
        this = here()
        kept: SQLAudit = this.audit
        zone = ZoneInfo(this.settings.zone)
        start = since.replace(tzinfo=zone) if since is not None else None
        rows = kept.history(who=who, what=what, subject=subject, since=start, most=last)
        for row in rows:
            click.echo(json.dumps(_whole(row), ensure_ascii=False) if as_json else _line(row, zone))
        if not rows and not as_json:
            click.echo("Nothing is in the audit that fits.")

    @audit.command("verify")
    @click.option(
        "--head", "noted", default="", metavar="HASH", help="A head noted earlier, which must be in the chain."
    )
    def verify(noted: str) -> None:
        """Whether nobody changed the audit: names the first broken row (exit code 1), or says where the chain ends."""
        found = here().audit.verify(noted)
        if found.problem:
            raise click.ClickException(
                f"the audit is broken: {found.problem}. {found.count:,} rows before it are whole"
            )
        click.echo(f"{found.count:,} rows, all whole." + (f" Head: {found.head}" if found.head else ""))


def _print_rows(rows: Mapping[str, int]) -> None:
    for table, number in sorted(rows.items()):
        click.echo(f"{table} {number:,}")
    click.echo(f"{sum(rows.values()):,} rows in all.")


def _line(row: Audited, zone: ZoneInfo) -> str:
    subject = f" {one_line(row.subject)}" if row.subject else ""
    why = f" ({one_line(row.why)})" if row.why else ""
    return f"{row.number} {row.at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z} {one_line(row.who)}: {row.what}{subject}{why}"


def _whole(row: Audited) -> dict[str, Any]:
    given = {name: getattr(row, name) for name in ("number", "who", "what", "subject", "why", "hash")}
    return {**given, "at": row.at.isoformat(), "before": _read(row.before), "after": _read(row.after)}


def _read(text: str) -> Any:
    """JSON as it is, and what is none as a text."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
