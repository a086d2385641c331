"""How good is what is offered? Asked at the desk or by a command, done by a worker on the store's own last orders.

What is asked, how far it is and what came out are one row of the ledger's runs. What was chosen is an option, so that
it is in the audit, outlives the run, and is what learning uses from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec

from .. import faults
from ..adapters.audit import acting, actor
from ..adapters.options import SQLOptions
from ..adapters.runs import SQLRuns
from ..core.context import Capability
from ..core.ports import OrderLine, Progress, Report
from ..core.words import objection
from ..errors import BadInput, LearnError, UpsellError
from ..learn.backtest import MINUTES, Result, backtest
from ..learn.likely import USUAL, Sizes
from ..learn.mining import Parameters
from ..learn.tuning import UNTUNED, Tuned
from ..offers import Offers
from . import runs
from .imports import Imports

JOB = "backtest"
#: The option that holds what was chosen.
OPTION = "learning"
MOST_MINUTES = 120
#: A worker that said nothing for so long is gone. One step may be long.
SILENT = timedelta(minutes=10)
#: Runs that are looked through for the last one that is done.
LOOKED_AT = 50


class Asked(msgspec.Struct, frozen=True):
    """`choose`: whether to choose parameters, too; `who` asked."""

    minutes: int = int(MINUTES)
    choose: bool = False
    who: str = ""


class Run(runs.Run, frozen=True):
    """A test with what it found."""

    asked: Asked
    result: Result | None = None


class Backtests(runs.Runs[Run]):
    """One instance's. Raises BadInput for what cannot be asked."""

    def __init__(self, kept: SQLRuns, learning: SQLRuns, options: SQLOptions, offers: Offers, imports: Imports) -> None:
        super().__init__(kept, offers, SILENT)
        self._learning, self._options, self._imports = learning, options, imports

    # --- what was chosen ---------------------------------------------------------------------------------------------

    def chosen(self) -> Tuned:
        """What the last run that chose parameters chose."""
        try:
            return Tuned(msgspec.convert(self._options.load().get(OPTION, {}), dict[str, float]))
        except msgspec.ValidationError:
            return UNTUNED

    def forget(self) -> None:
        """Learn with the usual parameters again."""
        self._options.set(OPTION, None, self._offers.clock())

    def parameters(self, settings: Parameters, *, tuned: bool) -> Parameters:
        """What learning uses: the settings, and where they are the defaults what was chosen, unless not `tuned`."""
        return self.chosen().parameters(settings) if tuned else settings

    def sizes(self, *, tuned: bool) -> Sizes:
        """The same for the sizes and weights of `learn.likely`."""
        return self.chosen().sizes() if tuned else USUAL

    # --- at the desk -------------------------------------------------------------------------------------------------

    def start(self, minutes: int = int(MINUTES), *, choose: bool = False) -> str:
        """Ask a worker; returns the run's id."""
        asked = self._asked(minutes, choose)
        if any(run.open for run in self.recent(5)):
            raise BadInput("minutes", objection("another test is running; wait until it is done, or cancel it"))
        id = self._begin(asked)
        if self._offers.queue.enqueue("backtest", id, patient=True) is None:
            self._end(id, "failed", "the queue (Redis) does not answer; try again in a moment", asked)
        return id

    def _asked(self, minutes: int, choose: bool) -> Asked:
        if Capability.ORDERS not in self._offers.store.capabilities and not self._imports.any():
            raise BadInput("orders", objection("this store gives no orders to learn from, and none were imported"))
        if not 1 <= minutes <= MOST_MINUTES:
            raise BadInput("minutes", objection("write a number from 1 to {most}", most=MOST_MINUTES))
        return Asked(minutes, choose, actor().who)

    def _begin(self, asked: Asked) -> str:
        id = uuid4().hex
        self._kept.begin(id, {"asked": msgspec.to_builtins(asked)}, self._offers.clock())
        return id

    def last(self) -> Run | None:
        """The last one that is done."""
        return next((run for run in self.recent(LOOKED_AT) if run.result is not None), None)

    def _read(self, found: Progress) -> Run:
        figures = found.figures
        try:
            result = msgspec.convert(figures.get("found"), Result | None)
            asked = msgspec.convert(figures.get("asked", {}), Asked)
        except msgspec.ValidationError:  # of another version
            result, asked = None, Asked()
        return Run(
            found.id, found.state, found.step, found.done, found.total, found.started_at, found.ended_at, asked, result
        )

    def learned(self) -> Progress | None:
        """The last learning that is done, which counted how much there is to learn from."""
        return next((run for run in self._learning.recent(LOOKED_AT) if run.state == "done"), None)

    # --- the work ----------------------------------------------------------------------------------------------------

    def here(self, parameters: Parameters, minutes: int, *, choose: bool, tuned: bool, report: Report) -> Result:
        """Do it in this process, and keep it as if a worker had done it. `tuned`: see `parameters`."""
        asked = self._asked(minutes, choose)
        result = self._do(self._begin(asked), asked, parameters, tuned, report)
        if result is None:
            raise LearnError("it was cancelled, so there is nothing to see")
        return result

    def run(self, id: str, parameters: Parameters, *, tuned: bool) -> dict[str, Any]:
        """Do it in a worker; returns figures, {} when somebody has cancelled it or it was done."""
        run = self.get(id)
        if run.state in ("done", "cancelled"):
            return {}
        result = self._do(id, run.asked, parameters, tuned, None)
        return {} if result is None else {"cases": result.cases, "seconds": result.seconds}

    def _do(self, id: str, asked: Asked, parameters: Parameters, tuned: bool, also: Report | None) -> Result | None:
        used = self.chosen() if tuned else UNTUNED
        try:
            result = backtest(
                self._orders(),
                self._offers.catalogue(),
                parameters,
                self._teller(id, asked, also),
                self._imports.lines(),
                used=used,
                minutes=asked.minutes,
                choose=asked.choose,
            )
        except runs.Unwanted:
            return None
        except BaseException as error:
            told = str(error) if isinstance(error, UpsellError) else f"{type(error).__name__}: {faults.told(error)}"
            self._end(id, "failed", told[:500], asked)
            raise
        if not self._end(id, "done", "", asked, result):
            return None
        if asked.choose:
            with acting(asked.who or actor().who):
                self._options.set(OPTION, dict(result.tuned.chosen) or None, self._offers.clock())
        return result

    def _orders(self) -> Iterable[OrderLine]:
        store = self._offers.store
        return store.orders() if Capability.ORDERS in store.capabilities else ()

    def _end(self, id: str, state: str, step: str, asked: Asked, result: Result | None = None) -> bool:
        figures = {"asked": msgspec.to_builtins(asked)}
        if result is not None:
            figures["found"] = msgspec.to_builtins(result)
        return self._kept.end(id, state, step, self._offers.clock(), figures, result.cases if result else 0)
