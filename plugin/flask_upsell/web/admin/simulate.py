"""Simulate: drafts or live rules, tried on past orders by the worker. Ask, watch, cancel, read what came out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import request

from ...core.kind import Placement
from ...core.offer import RuleCode
from ...core.roles import Role
from ...core.trial import Shopper
from ...core.words import Sentence, reason, say
from ...desk.drafts import Draft, Part
from ...desk.simulation import MOST_ORDERS, PLACEMENTS
from ...errors import BadInput
from ..drafted import read
from .office import Admin, Answer
from .progress import STATES, cancelled, waits

#: How many live rules a form takes, and how many it proposes.
RULES, PROPOSED = 3, 500
ORDERS = 1000
WHERE = {
    Placement.CART.value: say("the cart"),
    Placement.CHECKOUT.value: say("the checkout"),
    Placement.CONFIRMATION.value: say("the page after the order"),
}
KINDS = {"rule": say("rule"), "season": say("season"), "ladder": say("ladder")}
#: What became of a rule, as merchants say it.
REASONS = {
    RuleCode.APPLIED.value: say("it showed something"),
    RuleCode.NOT_ACTIVE.value: say("it is not active"),
    RuleCode.SPENT.value: say("its limits were used up"),
    RuleCode.GOAL_MET.value: say("its goal was met"),
    RuleCode.OTHER_PLACEMENT.value: say("it is for other pages"),
    RuleCode.OUT_OF_SEASON.value: say("it was not its time"),
    RuleCode.AUDIENCE.value: say("it is for other shoppers"),
    RuleCode.CONDITIONS.value: say("the cart did not meet its conditions"),
    RuleCode.CONSENT.value: say("it asks for a history that is not known"),
    RuleCode.STOPPED.value: say("a rule above it was the last to be looked at"),
    RuleCode.NOTHING_LEFT.value: say("it matched, but nothing of it could be offered"),
}
WRONG = {
    "drafts": say("This draft is not finished. Open it, mend what is marked, and come back."),
    "rules": say("Choose a draft, or write the name of a rule that is live."),
    "orders": say("Write a whole number from 1 to {most}.", most=MOST_ORDERS),
    "country": say("Write two letters, such as DE, or nothing."),
}


def add(admin: Admin) -> None:
    @admin.page("/simulate")
    def simulate() -> Answer:
        typed = {
            "drafts": request.args.getlist("draft"),
            "rules": request.args.getlist("rule"),
            "orders": request.args.get("orders", str(ORDERS)),
            "placement": request.args.get("placement", PLACEMENTS[0]),
        }
        return _form(admin, typed, {})

    @admin.act("/simulate", Role.EDITOR)
    def simulate_start() -> Answer:
        typed: dict[str, Any] = {name: request.form.getlist(name) for name in ("drafts", "rules")}
        typed |= {name: request.form.get(name, "").strip() for name in ("orders", "placement", "group", "country")}
        changes, wrong = _chosen(admin, typed["drafts"])
        rules = [name.strip() for name in typed["rules"] if name.strip()]
        country = typed["country"].upper()
        if not re.fullmatch(r"[0-9]{1,6}", typed["orders"]) or not 1 <= int(typed["orders"]) <= MOST_ORDERS:
            wrong["orders"] = WRONG["orders"]
        if not re.fullmatch(r"([A-Z]{2})?", country):
            wrong["country"] = WRONG["country"]
        if not changes and not rules and not wrong:
            wrong["rules"] = WRONG["rules"]
        if wrong:
            return _form(admin, typed, wrong)
        try:
            id = admin.desk.simulation.start(
                changes,
                rules,
                int(typed["orders"]),
                placement=typed["placement"] or PLACEMENTS[0],
                shopper=Shopper(typed["group"][:100], country),
            )
        except BadInput as error:
            return _form(admin, typed, {error.field: reason(error)})
        return admin.go("simulate_run", id=id)

    @admin.page("/simulate/<id>")
    def simulate_run(id: str) -> Answer:
        return admin.show("simulate_run", **_of(admin, id))

    @admin.page("/simulate/<id>/state")
    def simulate_state(id: str) -> Answer:
        return admin.show("simulate_state", **_of(admin, id))

    @admin.act("/simulate/<id>/cancel", Role.EDITOR)
    def simulate_cancel(id: str) -> Answer:
        return cancelled(admin, admin.desk.simulation.cancel(id), "simulate_run", id=id)

    @admin.act("/simulate/<id>/again", Role.EDITOR)
    def simulate_again(id: str) -> Answer:
        return admin.go("simulate_run", id=admin.desk.simulation.again(id))


def _of(admin: Admin, id: str) -> dict[str, Any]:
    run = admin.desk.simulation.get(id)
    return {"run": run, "words": STATES[run.state], "where": WHERE, "reasons": REASONS, "waits": waits(admin, run)}


def _form(admin: Admin, typed: dict[str, Any], wrong: dict[str, Sentence | str]) -> Answer:
    drafts = [(draft, not read(draft)[1]) for draft in admin.desk.drafts.all()]
    rules = [rule.name for rule in admin.desk.offers.rules.load().rules]
    given = [*typed.get("rules", ()), *([""] * RULES)][: max(RULES, len(typed.get("rules", ())))]
    return admin.show(
        "simulate",
        422 if wrong else 200,
        typed={**typed, "rules": given},
        wrong={name: admin.speech.tell(said) for name, said in wrong.items()},
        drafts=drafts,
        proposed=rules[:PROPOSED],
        most=MOST_ORDERS,
        where=WHERE,
        kinds=KINDS,
        runs=[(run, STATES[run.state]) for run in admin.desk.simulation.recent()],
    )


def _chosen(admin: Admin, ids: Sequence[str]) -> tuple[list[tuple[Draft, Part]], dict[str, Sentence | str]]:
    """The drafts with what they become."""
    found: list[tuple[Draft, Part]] = []
    for id in ids:
        try:
            draft = admin.desk.drafts.get(id)
        except BadInput as error:
            return [], {"drafts": reason(error)}
        part, problems = read(draft)
        if problems:
            return [], {"drafts": WRONG["drafts"]}
        found.append((draft, part))
    return found, {}
