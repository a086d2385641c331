"""Learning: is there enough to learn from, how good is what was learned, and the test that says so."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from flask import request

from ...core.roles import Role
from ...core.words import Sentence, say
from ...desk.backtests import MOST_MINUTES, Run
from ...desk.measures import METHODS, groups, verdict
from ...desk.readiness import Level, readiness
from ...errors import BadInput
from ...learn.backtest import MINUTES
from .office import Admin, Answer
from .progress import STATES, cancelled, waits

LEVELS = {
    Level.ENOUGH: (say("enough"), "good"),
    Level.SOME: (say("some"), "busy"),
    Level.NOT_ENOUGH: (say("not enough"), "bad"),
}
PARTS = {
    "complements": say("What goes together"),
    "upgrades": say("Steps up"),
    "habits": say("Habits of shoppers"),
    "seasons": say("Seasons"),
}
#: What a worker is at, as merchants say it; by the first word of its step.
STEPS = {
    "Reading": say("Reading past orders."),
    "Mining": say("Counting what was bought together."),
    "Trying parameters": say("Choosing parameters."),
    "Trying": say("Looking for what was hidden."),
}
LEARNS = say("Learning from the older orders.")
#: Of the sizes that are chosen.
NAMES = {
    "ridge": say("how many orders say something"),
    "buyers": say("customers that are known of each product"),
    "by_weight": say("products that one product leads to"),
    "crowd": say("customers who may be asked"),
    "min_support": say("orders together that make a suggestion"),
}


def add(admin: Admin) -> None:
    backtests = admin.desk.backtests

    def told(typed: dict[str, str] | None = None, wrong: Sentence | str = "") -> Answer:
        learned = backtests.learned()
        return admin.show(
            "learning",
            422 if wrong else 200,
            parts=readiness(learned.figures) if learned is not None else [],
            learned=learned,
            levels=LEVELS,
            names=PARTS,
            typed=typed or {"minutes": str(int(MINUTES)), "choose": ""},
            wrong=admin.speech.tell(wrong) if isinstance(wrong, Sentence) else wrong,
            most=MOST_MINUTES,
            chosen=backtests.chosen().chosen if admin.settings.learn_tuned else {},
            parameters=NAMES,
            **state(),
        )

    def state() -> dict[str, Any]:
        recent = backtests.recent(1)
        run, last = recent[0] if recent else None, backtests.last()
        result = last.result if last is not None else None
        found: dict[str, Any] = {"run": run, "states": STATES, "step": _step(run)}
        found["waits"] = run is not None and waits(admin, run)
        found |= {"last": last, "result": result, "groups": groups(result) if result else [], "methods": METHODS}
        if result is not None:
            found["verdict"] = verdict(result.complements)
            found["dates"] = [_day(at) for at in (result.begin, result.cut, result.end - 1)]
        return found

    @admin.page("/learning")
    def learning() -> Answer:
        return told()

    @admin.page("/learning/state")
    def learning_state() -> Answer:
        return admin.show("learning_state", **state())

    @admin.act("/learning", Role.EDITOR)
    def learning_start() -> Answer:
        typed = {"minutes": request.form.get("minutes", "").strip(), "choose": request.form.get("choose", "")}
        if not re.fullmatch(r"[0-9]{1,4}", typed["minutes"]) or not 1 <= int(typed["minutes"]) <= MOST_MINUTES:
            return told(typed, say("Write a whole number from 1 to {most}.", most=MOST_MINUTES))
        try:
            backtests.start(int(typed["minutes"]), choose=bool(typed["choose"]))
        except BadInput as error:
            return told(typed, admin.why(error))
        return admin.go("learning", say("The test has begun. This page shows what comes out."))

    @admin.act("/learning/<id>/cancel", Role.EDITOR)
    def learning_cancel(id: str) -> Answer:
        return cancelled(admin, backtests.cancel(id), "learning")

    @admin.act("/learning/forget", Role.APPROVER)
    def learning_forget() -> Answer:
        backtests.forget()
        return admin.go("learning", say("From the next learning on the usual parameters are used again."))


def _step(run: Run | None) -> Sentence:
    step = run.step if run is not None else ""
    return next((words for begins, words in STEPS.items() if step.startswith(begins)), LEARNS)


def _day(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
