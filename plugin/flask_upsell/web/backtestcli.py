"""`flask upsell backtest`: how good is what is learned, as a table, as JSON and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from flask import render_template
from flask.cli import AppGroup

from ..desk.backtests import MOST_MINUTES
from ..desk.measures import METHODS, groups
from ..desk.readiness import readiness
from ..jobs import Parts
from ..learn.backtest import MINUTES, Result
from ..learn.measured import Measured, Rate
from .bar import Bar
from .speech import Speech
from .trustcli import by

#: Beside the names of methods.
HEAD = (
    f"{'carts':>7}{'HR@1':>8}{'HR@3':>8} {'95 %':<13}{'HR@10':>7}{'MRR@10':>8}{'repeat':>8}{'explore':>9}"
    f"{'coverage':>10}{'found':>8}"
)
FILE = click.Path(path_type=Path, dir_okay=False)


def add_backtest_commands(group: AppGroup, here: Callable[[], Parts]) -> None:
    """Add `backtest` to the commands of an instance."""

    @group.command("backtest")
    @click.option(
        "--minutes",
        type=click.IntRange(1, MOST_MINUTES),
        default=int(MINUTES),
        show_default=True,
        help="When they are over no more carts are tried. Reading and learning take what they take.",
    )
    @click.option("--tune", is_flag=True, help="Choose parameters by these orders; learning uses them from then on.")
    @click.option("--json", "json_file", type=FILE, help="Write all figures to this file.")
    @click.option("--svg", "svg_file", type=FILE, help="Write the chart to this file.")
    @by
    def backtest(minutes: int, tune: bool, json_file: Path | None, svg_file: Path | None) -> None:
        """Measure what learning finds on the last 15 % of the store's own orders, beside simple methods.

        One product of each of these orders is hidden, and looked for with what was learned before them.
        """
        for path in (json_file, svg_file):
            if path is not None and not path.resolve().parent.is_dir():
                raise click.ClickException(f"{path} cannot be written: name a file in a folder that is there")
        this = here()
        with Bar() as bar:
            result = this.desk.backtests.here(
                this.parameters, minutes, choose=tune, tuned=this.settings.learn_tuned, report=bar.show
            )
        for line in table(result):
            click.echo(line)
        if json_file is not None:
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
        if svg_file is not None:
            svg_file.write_text(chart(result), encoding="utf-8")


def print_readiness(this: Parts) -> None:
    """A line for each part of what is learned, and below it what would help."""
    last = this.desk.backtests.learned()
    for part in readiness(last.figures) if last is not None else ():
        click.echo(f"  {part.name}: {part.level.value}. {part.why}")
        if part.todo is not None:
            click.echo(f"    {part.todo}")


def chart(result: Result) -> str:
    """The picture as a file of its own (SVG)."""
    speech = Speech()
    given = {"say": speech.say, "tell": speech.tell, "number": speech.number, "alone": True}
    return render_template("upsell/admin/learning_chart.svg", groups=groups(result), **given)


def table(result: Result) -> Iterator[str]:
    """For a terminal."""

    def day(at: int) -> str:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"

    yield (
        f"Learned from {result.orders:,} orders ({day(result.begin)} to {day(result.cut)}), tried on {result.cases:,} "
        f"of {result.hidden:,} baskets after that (to {day(result.end - 1)}): one product of each is hidden."
    )
    yield f"Of {result.again:,} of them the shopper had ordered before. {result.seconds:,.0f} seconds."
    for title, rows in (("What goes with a cart", result.complements), ("Steps up", result.upgrades)):
        if rows:
            yield ""
            yield f"{title:<36}" + HEAD
            yield from map(_row, rows)
    yield ""
    yield (
        "HR@3: the hidden product is among the first three. repeat and explore: HR@3 where the shopper had bought it "
        "before, and where not. coverage: share of products in any first three. found: it was looked at at all."
    )
    if result.tuned.trials:
        yield ""
        yield "Parameters that were tried (mean reciprocal rank on orders before these):"
        for trial in result.tuned.trials:
            value = f"{trial.value:g}" if trial.name != "usual" else ""
            yield f"  {trial.name:<12}{value:>8}{trial.score:>9.4f}{'  kept' if trial.kept else ''}"
    if result.tuned.chosen:
        chosen = ", ".join(f"{name} {value:g}" for name, value in sorted(result.tuned.chosen.items()))
        yield f"Learned with {chosen}{', and so is from now on' if result.chosen_now else ''}."
    elif result.chosen_now:
        yield "Nothing was surely better than the usual parameters, so these stay."


def _row(row: Measured) -> str:
    interval = f"{_share(row.hit_3.low)}-{_share(row.hit_3.high)}"
    return (
        f"{METHODS[row.method]!s:<36}{row.cases:>7,}{_share(row.hit_1.value):>8}{_share(row.hit_3.value):>8} "
        f"{interval:<13}{_share(row.hit_10.value):>7}{_share(row.mrr_10.value):>8}{_of(row.repeat_3):>8}"
        f"{_of(row.explore_3):>9}{_share(row.coverage_3):>10}{_share(row.recall):>8}"
    )


def _of(rate: Rate | None) -> str:
    return "-" if rate is None else _share(rate.value)


def _share(share: float) -> str:
    return f"{share:.3f}"
