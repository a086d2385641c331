"""Simulation: rules tried on the orders of the past, before they meet a shopper. Asked at the desk, run by a worker.

What is asked, how far it is and what came out are one row of the ledger's runs, so it survives whoever works on it: a
worker that begins again begins at the beginning, and what was cancelled or done is not begun again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

import msgspec

from .. import faults
from ..adapters.audit import actor
from ..adapters.past import PastOrder, PastOrders
from ..adapters.runs import SQLRuns
from ..core.book import EMPTY
from ..core.context import MOST_LINES, Capability
from ..core.kind import Placement
from ..core.ports import Progress, Report
from ..core.rule import Rule
from ..core.rulebook import RuleBook
from ..core.season import Season
from ..core.trial import NOBODY_KNOWN, Figures, Shopper, Trial, named
from ..core.words import objection
from ..errors import BadInput, BookError
from ..offers import Offers
from . import runs
from .drafts import Draft, Part, merged

JOB = "simulate"
#: Orders of one run.
MOST_ORDERS = 100_000
#: A worker that said nothing for so long is gone.
SILENT = timedelta(seconds=60)
#: Orders whose products are read from the book at once.
CHUNK = 100
#: Where a cart of the past can be tried.
PLACEMENTS = (Placement.CART.value, Placement.CHECKOUT.value, Placement.CONFIRMATION.value)
PART_TYPES: dict[str, Any] = {"rule": Rule, "season": Season, "ladder": tuple[str, ...]}


class Change(msgspec.Struct, frozen=True):
    """A draft as it was when it was asked for: its id and version, and what it becomes; `part` None: it is removed."""

    draft: str
    version: int
    kind: str
    origin: str
    name: str
    part: Any = None

    def made(self, at: datetime) -> tuple[Draft, Part]:
        action = "put" if self.part is not None else "remove"
        draft = Draft(
            self.draft, self.kind, self.origin, 0, action, "open", {"name": self.name}, "", "", "", self.version, at, at
        )
        return draft, None if self.part is None else msgspec.convert(self.part, PART_TYPES[self.kind])


class Asked(msgspec.Struct, frozen=True):
    """What a run is asked: drafts, names of live rules, how many orders, where and as whom; and by whom."""

    orders: int
    changes: tuple[Change, ...] = ()
    rules: tuple[str, ...] = ()
    placement: str = PLACEMENTS[0]
    shopper: Shopper = NOBODY_KNOWN
    who: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that is tried."""
        return (*[change.name for change in self.changes], *self.rules)


class Run(runs.Run, frozen=True):
    """`step`: "reading" (`done` lines) or "trying" (`done` of `total` orders); what went wrong when it failed."""

    asked: Asked
    figures: Figures | None = None
    seconds: float = 0.0


class Simulation(runs.Runs[Run]):
    """One instance's. Raises BadInput for what cannot be tried."""

    def __init__(self, kept: SQLRuns, offers: Offers) -> None:
        super().__init__(kept, offers, SILENT)

    # --- at the desk -------------------------------------------------------------------------------------------------

    def start(
        self,
        changes: Sequence[tuple[Draft, Part]],
        rules: Sequence[str],
        orders: int,
        *,
        placement: str = PLACEMENTS[0],
        shopper: Shopper = NOBODY_KNOWN,
    ) -> str:
        """Ask a worker to try drafts, or live rules by their names, on so many past orders; returns the run's id."""
        frozen = [
            Change(draft.id, draft.version, draft.kind, draft.origin, draft.name, msgspec.to_builtins(part))
            for draft, part in changes
        ]
        asked = Asked(orders, tuple(frozen), tuple(dict.fromkeys(rules)), placement, shopper, actor().who)
        return self._start(asked)

    def again(self, id: str) -> str:
        """The same once more; returns the new run's id."""
        return self._start(msgspec.structs.replace(self.get(id).asked, who=actor().who))

    def _start(self, asked: Asked) -> str:
        if Capability.ORDERS not in self._offers.store.capabilities:
            raise BadInput("orders", objection("this store gives no past orders"))
        if not 1 <= asked.orders <= MOST_ORDERS:
            raise BadInput(
                "orders", objection("write a number from 1 to {most_orders}", most_orders=f"{MOST_ORDERS:,}")
            )
        if asked.placement not in PLACEMENTS:
            raise BadInput(
                "placement",
                objection(
                    "{placement} is none of {known}", placement=repr(asked.placement), known=", ".join(PLACEMENTS)
                ),
            )
        if not asked.changes and not asked.rules:
            raise BadInput("rules", objection("choose what is to be tried"))
        self._books(asked)
        if any(run.open for run in self.recent(5)):
            raise BadInput("orders", objection("another simulation is running; wait until it is done, or cancel it"))
        id, now = uuid4().hex, self._offers.clock()
        figures = {"asked": msgspec.to_builtins(asked)}
        self._kept.begin(id, figures, now)
        if self._offers.queue.enqueue("simulate", id) is None:
            self._kept.end(id, "failed", "the queue (Redis) does not answer; try again in a moment", now, figures)
        return id

    def _read(self, found: Progress) -> Run:
        figures = found.figures
        return Run(
            found.id, found.state, found.step, found.done, found.total, found.started_at, found.ended_at,
            msgspec.convert(figures.get("asked", {"orders": 0}), Asked),
            msgspec.convert(figures["found"], Figures) if "found" in figures else None,
            figures.get("seconds", 0.0),
        )  # fmt: skip

    # --- in the worker -----------------------------------------------------------------------------------------------

    def run(self, id: str) -> dict[str, Any]:
        """Do it, telling how far it is; returns the figures, nothing when somebody has cancelled it or it was done."""
        run = self.get(id)
        if run.state in ("done", "cancelled"):
            return {}
        asked = msgspec.to_builtins(run.asked)
        try:
            began = time.monotonic()
            figures = self._try(run.asked, self._teller(id, run.asked))
        except runs.Unwanted:
            return {}
        except BaseException as error:
            told = faults.told(error)
            said = str(error) if isinstance(error, BadInput | BookError) else f"{type(error).__name__}: {told}"
            self._kept.end(id, "failed", said[:500], self._offers.clock(), {"asked": asked})
            raise
        found = msgspec.to_builtins(figures)
        more = {"asked": asked, "found": found, "seconds": round(time.monotonic() - began, 2)}
        wanted = self._kept.end(id, "done", "", self._offers.clock(), more, figures.carts + figures.unknown)
        return found if wanted else {}

    def _try(self, asked: Asked, tell: Report) -> Figures:
        tell("reading", 0, 0)
        offers, store = self._offers, self._offers.store
        book, live, tried = self._books(asked)
        now = offers.clock()
        with PastOrders(store.orders, asked.orders, now, lambda lines: tell("reading", lines, 0)) as past:
            trial = Trial(
                book,
                live,
                tried,
                zone=offers.zone,
                orders=len(past),
                placement=asked.placement,
                shopper=asked.shopper,
                policy=offers.policy,
                capabilities=store.capabilities,
            )
            done, before = 0, faults.seen["redis_read"]
            for chunk in _chunks(past):
                refs = {ref for order in chunk for ref, _, _ in order.lines[:MOST_LINES]}
                known, failures = offers.shelf.patient().read(sorted(refs)), faults.seen["redis_read"]
                if failures > before:
                    raise BookError("Redis did not answer; try again when 'flask upsell status' says that it does")
                if known is EMPTY or not known.version:
                    raise BookError("no products are published yet; run 'flask upsell publish' first")
                for order in chunk:
                    trial.add(order.lines[:MOST_LINES], order.placed_at, known)
                    done += 1
                    tell("trying", done, len(past))
        return trial.figures()

    def _books(self, asked: Asked) -> tuple[RuleBook, RuleBook, dict[str, str]]:
        """The rulebook with all that is tried, what is live without the live rules that are tried, and the names of
        what is tried -> those that they have live."""
        live = self._offers.rules.load()
        there = {rule.name for rule in live.rules}
        for name in asked.rules:
            if name not in there:
                raise BadInput("rules", objection("there is no live rule {name}", name=repr(name)))
        book = merged(live, [change.made(self._offers.clock()) for change in asked.changes])
        tried = {name: name if name in there else "" for name in named(book, *_used(asked.changes))}
        tried |= {each.name: each.origin for each in asked.changes if each.kind == "rule" and each.part is not None}
        tried |= dict.fromkeys(asked.rules, "")
        without = [rule for rule in live.rules if rule.name not in asked.rules]
        return book, msgspec.structs.replace(live, rules=tuple(without)), tried


def _used(changes: Sequence[Change]) -> tuple[set[str], set[str]]:
    """Names of the seasons and of the ladders that are changed."""
    found: dict[str, set[str]] = {"season": set(), "ladder": set(), "rule": set()}
    for change in changes:
        found[change.kind].update(filter(None, (change.name, change.origin)))
    return found["season"], found["ladder"]


def _chunks(past: PastOrders) -> Iterator[list[PastOrder]]:
    orders = iter(past)
    while chunk := list(islice(orders, CHUNK)):
        yield chunk
