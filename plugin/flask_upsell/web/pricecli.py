"""`flask upsell prices PRODUCT`: what a product cost, and what a reduction of it may be measured by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from ..core.money import format_money
from ..core.prices import KEEP, UNSEEN, Seen, joined, lowest_now
from ..jobs import Parts
from .mail import one_line

#: As times are written, in the store's zone.
TIME = "%Y-%m-%d %H:%M"


def print_prices(this: Parts, product: str, as_json: bool) -> None:
    """The history of a product, oldest first. ClickException when nothing is known of it."""
    offers, now = this.offers, this.offers.clock()
    known = offers.prices.history([product]).get(product) if offers.prices is not None else None
    if not known:
        if offers.store.products([product]):
            raise click.ClickException(
                f"no price of {product!r} is on record yet; run 'flask upsell publish', and at least once a day"
            )
        raise click.ClickException(f"the store has no product {product!r}, and no price of it was ever recorded")
    rows, zone = joined(known), ZoneInfo(offers.zone)
    if as_json:
        for row in rows:
            times = {"since": row.since.isoformat(), "until": row.until.isoformat()}
            what = {"variant": row.variant, "price": row.price, "currency": row.currency}
            click.echo(json.dumps({**times, **what, "source": row.source.value, "rule": row.rule}))
        return
    _print_table(rows, zone)
    for currency in dict.fromkeys(row.currency for row in rows):
        _print_lowest(rows, currency, now, zone)


def _print_table(rows: Sequence[Seen], zone: ZoneInfo) -> None:
    table = [("from", "until", "price", "source", "")]
    tracks: dict[tuple[str, str], datetime] = {}
    for row in rows:
        track = (row.variant, row.currency)
        before = tracks.get(track)
        if row.own and before is not None and row.since - before > UNSEEN:
            table.append((_time(before, zone), _time(row.since, zone), "not known", "", _of(row)))
        table.append(
            (
                _time(row.since, zone),
                _time(row.until, zone),
                format_money(row.price, row.currency),
                row.source,
                _of(row),
            )
        )
        if row.own:
            tracks[track] = row.until
    widths = [max(len(line[column]) for line in table) for column in range(5)]
    for since, until, price, source, of in table:
        line = f"{since:<{widths[0]}}  {until:<{widths[1]}}  {price:>{widths[2]}}  {source:<{widths[3]}}  {of}"
        click.echo(line.rstrip())
    click.echo(f"Times are those of {zone.key}; prices are kept for {KEEP.days} days.")


def _of(row: Seen) -> str:
    """Which variant it is, or whose offer."""
    parts = [f"variant {one_line(row.variant)}"] if row.variant else []
    return ", ".join([*parts, *([f"rule {one_line(row.rule)}"] if row.rule else [])])


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime(TIME)


def _print_lowest(rows: Sequence[Seen], currency: str, now: datetime, zone: ZoneInfo) -> None:
    mine = [row for row in rows if row.currency == currency]
    low = lowest_now(mine, currency, now)
    if low is not None:
        click.echo(f"Lowest price of the last 30 days, offers of ours included: {format_money(low, currency)}.")
        return
    seen = max((row.until for row in mine if row.own and not row.variant), default=None)
    last = f" It was last seen on {_time(seen, zone)}." if seen is not None else ""
    click.echo(
        f"The price in {currency} is not known for all of the last 30 days, so a reduction says only what it costs now."
        f"{last} It has to be seen at least every {UNSEEN.days} days: keep a worker running."
    )
