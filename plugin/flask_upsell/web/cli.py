"""`flask upsell …`: what a developer or an operator types."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any
from uuid import uuid4

import click
from flask.cli import AppGroup
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from ..core.followup import State
from ..core.money import format_money
from ..core.ports import Progress
from ..errors import UpsellError
from ..jobs import Parts, parts, run_follow_ups, run_learning, this_app
from ..learning import told_refused
from .backtestcli import add_backtest_commands, print_readiness
from .bar import Bar as Bar
from .dbcli import add_db_commands
from .health import health
from .keycli import add_key_commands
from .mail import one_line
from .pricecli import print_prices
from .rulecli import add_rule_commands
from .trustcli import add_trust_commands
from .worker import work


class Group(AppGroup):
    """Commands whose expected failures are a sentence and what to do, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UpsellError as error:
            raise click.ClickException(str(error)) from None
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise click.ClickException(f"the ledger is not usable ({reason}); run 'flask upsell db upgrade'") from None
        except RedisError as error:
            raise click.ClickException(f"Redis or Valkey does not answer: {error}") from None


def commands(identifier: str) -> AppGroup:
    """The command group of one instance, named like its template global."""
    group = Group(identifier, help="Offers at the cart and the checkout.")

    def here() -> Parts:
        return parts(identifier)

    add_rule_commands(group, here)
    add_trust_commands(group, here)
    add_db_commands(group, here)
    add_key_commands(group, here)
    add_backtest_commands(group, here)

    @group.command("learn")
    @click.option("--here", "in_process", is_flag=True, help="Learn in this process instead of a worker.")
    @click.option("--no-wait", is_flag=True, help="Only ask for it.")
    @click.option("--anyway", is_flag=True, help="Put it live though it be far worse than the last time.")
    def learn(in_process: bool, no_wait: bool, anyway: bool) -> None:
        """Learn from the store's orders and publish the book; shows its progress."""
        this, run = here(), uuid4().hex
        if in_process:
            with Bar() as bar:
                figures = run_learning(this, run, bar.show, anyway=anyway)
            if "refused" in figures:
                raise click.ClickException(told_refused(figures["refused"]))
            _print_figures(figures)
            return
        if not this.offers.queue.worker_seen():
            raise click.ClickException(
                "no worker is running: start 'flask upsell worker' in another terminal, or use --here"
            )
        this.offers.ledger.progress(run, "learn", "queued", "Waiting for a worker", 0, 0, {})
        if this.offers.queue.enqueue("learn", run, *(["anyway"] if anyway else []), patient=True) is None:
            raise click.ClickException(f"Redis does not take jobs at {this.settings.redis_url}")
        if no_wait:
            click.echo("Learning is queued; 'flask upsell status' shows its progress.")
            return
        follow(this, run)

    @group.command("publish")
    def publish() -> None:
        """Publish the book again from what was learned and the catalogue as it is (after Redis was flushed)."""
        click.echo(f"Live: version {here().offers.publish()}.")

    @group.command("report")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    def report(as_json: bool) -> None:
        """What was shown, accepted, declined, undone and ordered, by placement and product."""
        this = here()
        try:
            this.offers.fold()
        except (RedisError, OSError) as error:  # without Redis the ledger's own counts are still true
            click.echo(f"What was shown lately is not in here: {type(error).__name__}.", err=True)
            this.offers.ledger.fold()
        _print_report(this, as_json)

    @group.command("prices")
    @click.argument("product")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line, prices in minor units.")
    def prices(product: str, as_json: bool) -> None:
        """What PRODUCT (its reference) cost, from when to when, and its lowest price of the last 30 days."""
        print_prices(here(), product, as_json)

    @group.command("status")
    def status() -> None:
        """Is everything there, how old is the book, and how far is learning."""
        this = here()
        click.echo(json.dumps(health(this.offers), indent=1))
        if (since := this.offers.switch.state()) is not None:
            why = f": {one_line(since.why)}" if since.why else ""
            click.echo(f"Switched off by {one_line(since.by)} at {since.at:%Y-%m-%d %H:%M} UTC{why}")
        last = this.offers.ledger.last_progress("learn")
        click.echo(f"Learning: {_sentence(last) if last else 'never run; try flask upsell learn'}")
        print_readiness(this)
        if this.follow_ups is not None:
            states = ", ".join(f"{count:,} {state}" for state, count in this.diary.states().items())
            click.echo(f"Follow-ups: {states or 'none yet'}")

    @group.command("follow-up")
    @click.option("--dry-run", is_flag=True, help="Only say who would get what.")
    def follow_up(dry_run: bool) -> None:
        """Write to the customers whose orders are to be followed up now; the worker does so by itself."""
        _follow_up(here(), dry_run)

    @group.command("release")
    @click.argument("order")
    def release(order: str) -> None:
        """Give back what a cancelled order's discounts used of limits and budgets, once. Not for what was shipped."""
        released = here().offers.release(order)
        here().offers.queue.enqueue("fold")
        click.echo(f"Order {one_line(order)}: {released:,} {'use' if released == 1 else 'uses'} given back.")

    @group.command("worker")
    @click.option("--exit-with", type=int, help="End when the process with this id is gone.")
    def worker(exit_with: int | None) -> None:
        """Run background jobs: learning, publishing, counting. Run at least one."""
        here().offers.ledger.ping()  # without tables every job would fail
        if exit_with is None:
            click.echo(f"Waiting for jobs in the queue {here().settings.queue!r}. Ctrl-C ends it.")
        work(this_app(), here(), exit_with)

    return group


def _follow_up(this: Parts, dry_run: bool) -> None:
    """A line for each order that is due: whose it is (the store's key), in which language, and what becomes of it."""
    if this.follow_ups is None:
        raise click.ClickException("nobody is written to: UPSELL_FOLLOW_UP is not set, or UPSELL_ENABLED is off")
    states: Counter[State] = Counter()
    more = True
    while more:
        more = False
        for each in this.follow_ups.preview() if dry_run else run_follow_ups(this):
            more = not dry_run
            states[each.state] += 1
            whose = f", customer {one_line(each.customer)}" if each.customer else ""
            language = f" ({one_line(each.language)})" if each.language else ""
            titles = "; ".join(map(one_line, each.titles))
            what = titles if each.state is State.SENT else f"no mail, {each.state.sentence}"
            click.echo(f"order {one_line(each.order)}{whose}{language}: {what}")
    click.echo(f"{states[State.SENT]:,} of {states.total():,} {'would get' if dry_run else 'got'} a mail.")


def follow(this: Parts, run: str) -> None:
    """Show a run's progress until it ends; ClickException when it failed."""
    with Bar() as bar:
        while True:
            now = this.offers.ledger.last_progress("learn")
            if now is not None and now.id == run:
                bar.show(now.step, now.done, now.total)
                if now.state == "done":
                    break
                if now.state == "failed":
                    raise click.ClickException(now.step)
            time.sleep(0.3)
    _print_figures(now.figures)


def _print_figures(figures: dict[str, Any]) -> None:
    dropped = figures.pop("dropped", {})
    click.echo(
        f"Learned from {figures['orders']:,} orders ({figures['lines']:,} lines, {figures['products']:,} products): "
        f"{figures['complements']:,} complements, {figures['upgrades']:,} upgrades with evidence; "
        f"habits of {figures['habits']:,} customers who agreed. {_foresight(figures['hit_rate'])}"
        f"Live: version {figures['version']}."
    )
    left_out = {
        **dropped,
        "lines of products that are not in the catalogue": figures["unknown_product_lines"],
        "orders with too many products": figures["orders_too_big"],
        "orders of one product (they say nothing of pairs)": figures["orders_of_one"],
        "lines listed more than once (they count once)": figures["lines_twice"],
    }
    for reason, times in left_out.items():
        if times:
            click.echo(f"  {times:,}: {reason}")


def _foresight(rate: float | None) -> str:
    if rate is None:
        return "Too few orders yet to weigh more than pairs. "
    return f"Of the last orders, {rate:.1%} of hidden products are among three guesses. "


def _sentence(run: Progress) -> str:
    count = f" ({run.done:,} of {run.total:,})" if run.total else ""
    ended = f", ended {run.ended_at:%Y-%m-%d %H:%M} UTC" if run.ended_at else ""
    return f"{run.state}: {run.step}{count}, started {run.started_at:%Y-%m-%d %H:%M} UTC{ended}"


def _print_report(this: Parts, as_json: bool) -> None:
    rows = this.offers.ledger.counts()
    merged: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in rows:
        entry = merged.setdefault(
            (row.placement, row.kind, row.product),
            {"shown": 0, "accepted": 0, "declined": 0, "undone": 0, "converted": 0, "revenue": {}},
        )
        for name in ("shown", "accepted", "declined", "undone", "converted"):
            entry[name] += getattr(row, name)
        if row.currency:
            entry["revenue"][row.currency] = entry["revenue"].get(row.currency, 0) + row.revenue
    if as_json:
        for (placement, kind, product), entry in merged.items():
            click.echo(json.dumps({"placement": placement, "kind": kind, "product": product, **entry}))
        return
    if not merged:
        click.echo("Nothing was shown yet.")
        return
    width = max(20, *(min(len(product), 40) for _, _, product in merged))
    click.echo(
        f"{'placement':<13}{'kind':<12}{'product':<{width}} {'shown':>8}{'accepted':>9}{'declined':>9}"
        f"{'undone':>8}{'ordered':>8}  revenue"
    )
    for (placement, kind, product), e in merged.items():
        revenue = ", ".join(format_money(minor, currency) for currency, minor in e["revenue"].items())
        click.echo(
            f"{placement:<13}{kind:<12}{product[:40]:<{width}} {e['shown']:>8}{e['accepted']:>9}{e['declined']:>9}"
            f"{e['undone']:>8}{e['converted']:>8}  {revenue}"
        )
