"""Background runs: asked for, looked at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from marshmallow import Schema, fields, validate

from ...core.roles import Role
from ...desk.simulation import JOB, MOST_ORDERS, PLACEMENTS
from .counter import Counter, missing
from .drafts import finished
from .fields import Given, listed, moment, one_of, whole, words
from .paging import Paged, answered, page
from .problems import Problem

JOBS = ("learn", JOB)
#: What waited so long for a worker was lost with Redis, or there is none.
LOST = timedelta(minutes=10)


class RunAnswer(Schema):
    """`done` of `total` steps; `figures` are what came of it."""

    id = fields.String(required=True)
    job = fields.String(required=True)
    state = fields.String(required=True)
    step = fields.String(required=True)
    done = fields.Integer(required=True)
    total = fields.Integer(required=True)
    started_at = moment(required=True)
    ended_at = moment(required=True, allow_none=True)
    figures = fields.Dict(required=True)


class RunQuery(Paged):
    job = words(40, load_default="")


class Start(Given):
    """`learn` learns from the store's orders, and publishes what it found. `simulate` tries `drafts` (ids) and live
    `rules` (names) on the last `orders` of the store."""

    job = one_of(JOBS, required=True)
    drafts = fields.List(words(16), validate=validate.Length(max=100), load_default=list)
    rules = fields.List(words(100), validate=validate.Length(max=100), load_default=list)
    orders = whole(1, MOST_ORDERS, load_default=1000)
    placement = one_of(PLACEMENTS, load_default=PLACEMENTS[0])


def add(counter: Counter) -> None:
    offers, runs, simulation = counter.parts.offers, counter.desk.runs, counter.desk.simulation

    @counter.operation("GET", "/runs", Role.VIEWER, "runs", answer=listed(RunAnswer), query=RunQuery)
    def list_runs(query: dict[str, Any]) -> Any:
        """Runs, the last begun first"""
        found, next = page(runs.all(query["job"]), lambda each: each.id, query)
        return answered(found, next)

    @counter.operation("GET", "/runs/<id>", Role.VIEWER, "runs", answer=RunAnswer)
    def read_run(id: str) -> Any:
        """How far a run is"""
        found = runs.find(id)
        if found is None:
            raise missing("run")
        return found

    @counter.operation("POST", "/runs", Role.EDITOR, "runs", answer=RunAnswer, status=202, body=Start)
    def start_run(body: dict[str, Any]) -> Any:
        """Begin a run, which a worker does"""
        if body["job"] == JOB:
            run = simulation.start(
                finished(counter, body["drafts"]), body["rules"], body["orders"], placement=body["placement"]
            )
            return runs.find(run), 202, {"Location": f"{counter.prefix}/runs/{run}"}
        recent = offers.clock() - LOST
        if any(each.state == "queued" and each.started_at > recent for each in runs.all(body["job"], most=1)):
            raise Problem(409, "One of them waits for a worker already; look at GET /runs.", kind="busy")
        run = uuid4().hex
        offers.ledger.progress(run, body["job"], "queued", "Waiting for a worker", 0, 0, {})
        if offers.queue.enqueue("learn", run, patient=True) is None:
            offers.ledger.progress(run, body["job"], "failed", "Redis takes no jobs", 0, 0, {})
            raise Problem(503, "Redis takes no jobs just now.", headers={"Retry-After": "5"})
        return runs.find(run), 202, {"Location": f"{counter.prefix}/runs/{run}"}

    @counter.operation("POST", "/runs/<id>/cancel", Role.EDITOR, "runs", answer=RunAnswer)
    def cancel_run(id: str) -> Any:
        """Cancel a simulation; learning goes on to its end"""
        found = runs.find(id)
        if found is None:
            raise missing("run")
        if found.job != JOB or not simulation.cancel(id):
            raise Problem(409, "There is nothing to cancel: it has ended, or is no simulation.")
        return runs.find(id)
