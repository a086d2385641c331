"""What a worker runs. Arguments are texts, every job is safe to repeat, and each runs in an app context of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import msgspec
from flask import Flask, current_app

from . import faults
from .adapters.breaker import Breaker
from .core.context import Capability
from .core.followup import Diary, State
from .core.ports import Rates, Report
from .desk import Desk
from .errors import JobError, LearnError, UpsellError
from .followup import Followed, FollowUps
from .learn.mining import Parameters, Parquet
from .learning import Learning, told_refused
from .offers import Offers
from .privacy import Privacy

#: Progress is written at most so often (seconds).
TELL_EVERY = 0.5


class Parts(msgspec.Struct, frozen=True):
    """What an app holds of one instance: `app.extensions[identifier]`.

    `forked` drops connections that belong to the parent process; `migrate` brings the ledger's tables up to date;
    `close` ends all connections; `languages` are the catalogues (web.speech). `audit` is adapters.audit's. `rates`
    count clicks. `desk`: what merchants work with. `parameters`: as the settings say. `follow_ups` is None while nobody
    is written to. `breakers` by the names of their backends.
    """

    identifier: str
    settings: Any
    offers: Offers
    forked: Callable[[], None]
    migrate: Callable[[], None]
    close: Callable[[], None]
    languages: Any
    diary: Diary
    privacy: Privacy
    audit: Any
    rates: Rates
    desk: Desk
    parameters: Parameters
    learning: Learning
    follow_ups: FollowUps | None = None
    breakers: Mapping[str, Breaker] = {}


def this_app() -> Flask:
    """The app itself, not the proxy: what signals know as their sender."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def parts(identifier: str = "upsell") -> Parts:
    """The instance of the current app; LookupError when there is none of that name."""
    found = current_app.extensions.get(identifier)
    if not isinstance(found, Parts):
        raise LookupError(f"no Upsell named {identifier!r} in this app: call Upsell(...).init_app(app)")
    return found


@contextmanager
def _fresh(identifier: str) -> Iterator[Parts]:
    """The instance in a new app context, without connections that were inherited from the worker's process."""
    failed = ""
    with this_app().app_context():
        here = parts(identifier)
        here.forked()
        try:
            with faults.about(identifier):
                yield here
        except UpsellError as error:
            raise error from None
        except Exception as error:
            faults.note("job", "a job failed: %s: %s", type(error).__name__, error, error=error)
            failed = f"{type(error).__name__}: {faults.told(error)}"
    # RQ writes what a job raises into its log and into Redis: not the store's own exception, whose text may be about
    # people, nor as what came before this one.
    if failed:
        raise JobError(failed) from None


def learn(identifier: str, run: str = "", anyway: str = "") -> dict[str, Any]:
    """Learn from the store's orders, keep what was learned with its evidence, publish. Returns figures; `refused` is
    among them when that was far worse than the last time, and not wanted `anyway`."""
    with _fresh(identifier) as here:
        return run_learning(here, run or uuid4().hex, anyway=bool(anyway))


def run_learning(here: Parts, run: str, also: Report | None = None, *, anyway: bool = False) -> dict[str, Any]:
    """See `learn`; `also` hears the progress beside the ledger."""
    offers, ledger = here.offers, here.offers.ledger
    told = [0.0]

    def report(step: str, done: int, total: int, *, always: bool = False) -> None:
        if also is not None:
            also(step, done, total)
        if always or done == total or time.monotonic() - told[0] >= TELL_EVERY:
            told[0] = time.monotonic()
            ledger.progress(run, "learn", "running", step, done, total, {})

    try:
        report("Starting", 0, 0, always=True)
        orders, own, file = here.desk.imports, Capability.ORDERS in offers.store.capabilities, here.parameters.orders
        if not own and file is None and not orders.any():
            raise LearnError(
                "this store gives no orders to learn from: name its order and order_line columns, set "
                "UPSELL_LEARN_ORDERS, or import a file of orders in the admin"
            )
        lines = Parquet(file) if file is not None else offers.store.orders() if own else ()
        chosen, tuned = here.desk.backtests, here.settings.learn_tuned
        figures = here.learning.run(
            lines,
            orders.lines(),
            offers.catalogue(),
            run,
            report,
            parameters=chosen.parameters(here.parameters, tuned=tuned),
            sizes=chosen.sizes(tuned=tuned),
            anyway=anyway,
        )
    except BaseException as error:
        ledger.progress(run, "learn", "failed", f"{type(error).__name__}: {faults.told(error)}"[:500], 0, 0, {})
        raise
    if "refused" in figures:
        ledger.progress(run, "learn", "failed", told_refused(figures["refused"]), 0, 0, figures)
    else:
        ledger.progress(run, "learn", "done", "Live", 1, 1, figures)
    return figures


def forget(identifier: str, *customers: str) -> int:
    """Remove what was learned of these pseudonyms, who took their consent back."""
    with _fresh(identifier) as here:
        gone = set(customers) - (here.offers.consents.given(customers) if here.offers.consents is not None else set())
        return here.offers.publishing.forget(gone)


def import_orders(identifier: str, upload: str, run: str) -> dict[str, Any]:
    """Write the order lines of an upload that somebody has looked at, all or none; returns figures, {} when that was
    done before."""
    with _fresh(identifier) as here:
        return here.desk.imports.run_orders(upload, run)


def publish(identifier: str) -> str:
    """Put up a new book from the ledger's affinities and the catalogue as it is."""
    with _fresh(identifier) as here:
        return here.offers.publish()


def amend(identifier: str, *refs: str) -> None:
    """Bring these products in the live book up to date."""
    with _fresh(identifier) as here:
        here.offers.amend(refs)


def fold(identifier: str) -> int:
    """Fold what happened into the counts."""
    with _fresh(identifier) as here:
        here.offers.queue.begin("fold")
        return here.offers.fold()


def tidy(identifier: str) -> int:
    """Remove what is older than it is kept; returns how many rows."""
    with _fresh(identifier) as here:
        return sum(here.privacy.tidy().values())


def simulate(identifier: str, run: str) -> dict[str, Any]:
    """Try rules on past orders, as this run asks; returns what came out."""
    with _fresh(identifier) as here:
        return here.desk.simulation.run(run)


def lint(identifier: str, run: str) -> dict[str, Any]:
    """Look through the live rules, of which there are many; returns figures."""
    with _fresh(identifier) as here:
        return here.desk.linting.run(run)


def backtest(identifier: str, run: str) -> dict[str, Any]:
    """Measure what learning finds on the store's own last orders, as this run asks; returns figures."""
    with _fresh(identifier) as here:
        return here.desk.backtests.run(run, here.parameters, tuned=here.settings.learn_tuned)


def follow_up(identifier: str) -> int:
    """Write to customers whose follow-up is due; returns to how many. The rest of many is another job's."""
    with _fresh(identifier) as here:
        sent = sum(each.state is State.SENT for each in run_follow_ups(here))
        if here.follow_ups is not None and here.follow_ups.waiting():
            here.offers.queue.enqueue("follow_up")
    return sent


def run_follow_ups(here: Parts) -> Iterator[Followed]:
    """What became of each that is due now, a batch of them."""
    if here.follow_ups is None:
        return
    for plan in here.follow_ups.due():
        # A context of its own for each: what the store opened for one order is closed before the next.
        with this_app().app_context():
            followed = here.follow_ups.follow(plan)
        if followed is not None:
            yield followed
