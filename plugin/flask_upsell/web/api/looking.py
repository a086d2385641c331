"""What happened: the audit, and the counts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from ...adapters.audit import Audited
from ...core.roles import Role
from .counter import Counter
from .fields import listed, moment, words
from .paging import Paged, answered, cursor_of, page, read_cursor


class AuditAnswer(Schema):
    """Who did what to which subject, with what it was before and after."""

    number = fields.Integer(required=True)
    at = moment(required=True)
    who = fields.String(required=True)
    what = fields.String(required=True)
    subject = fields.String(required=True)
    why = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)
    hash = fields.String(required=True)


class AuditQuery(Paged):
    who = words(100, load_default="")
    what = words(load_default="", metadata={"description": 'What it begins with, such as "rule".'})
    subject = words(load_default="")
    since = fields.AwareDateTime(format="iso", metadata={"description": "With its zone."})


class CountAnswer(Schema):
    """What became of a product in a placement. `revenue` in minor units of `currency`, "" where none came."""

    placement = fields.String(required=True)
    kind = fields.String(required=True)
    product = fields.String(required=True)
    currency = fields.String(required=True)
    shown = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    declined = fields.Integer(required=True)
    undone = fields.Integer(required=True)
    converted = fields.Integer(required=True)
    revenue = fields.Integer(required=True)


class CountQuery(Paged):
    product = words(load_default="")
    placement = words(40, load_default="")


class DayAnswer(Schema):
    """What happened on a day of the store, of one currency: what is not money has none."""

    day = fields.Date(required=True)
    currency = fields.String(required=True)
    shown = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    declined = fields.Integer(required=True)
    undone = fields.Integer(required=True)
    converted = fields.Integer(required=True)
    revenue = fields.Integer(required=True)


class DayQuery(Paged):
    since = fields.Date(metadata={"description": "From this day of the store on; left out: 30 days ago."})
    rule = fields.String(
        validate=validate.Length(max=100),
        metadata={"description": "Of this rule only; empty: of what was learned; left out: of all."},
    )


def add(counter: Counter) -> None:
    audit, ledger = counter.parts.audit, counter.parts.offers.ledger

    @counter.operation("GET", "/audit", Role.VIEWER, "audit", answer=listed(AuditAnswer), query=AuditQuery)
    def list_audit(query: dict[str, Any]) -> Any:
        """Who changed what, when and why, the last first"""
        place, _ = read_cursor(query["cursor"])
        rows: list[Audited] = audit.history(
            who=query["who"],
            what=query["what"],
            subject=query["subject"],
            since=query.get("since"),
            before=place if place >= 0 else None,
            most=query["limit"] + 1,
        )
        rows.reverse()
        found = rows[: query["limit"]]
        next = cursor_of(found[-1].number, "") if len(rows) > len(found) else None
        return answered([whole(row) for row in found], next)

    @counter.operation("GET", "/counts", Role.VIEWER, "results", answer=listed(CountAnswer), query=CountQuery)
    def list_counts(query: dict[str, Any]) -> Any:
        """What was shown, accepted, declined, undone and ordered, since the beginning"""
        rows = [
            each
            for each in ledger.counts()
            if query["product"] in ("", each.product) and query["placement"] in ("", each.placement)
        ]
        found, next = page(
            rows, lambda each: "\0".join([each.placement, each.kind, each.product, each.currency]), query
        )
        return answered(found, next)

    @counter.operation("GET", "/days", Role.VIEWER, "results", answer=listed(DayAnswer), query=DayQuery)
    def list_days(query: dict[str, Any]) -> Any:
        """The same by day, without products"""
        first = query.get("since") or (counter.parts.offers.clock() - timedelta(days=30)).date()
        rows = counter.desk.days.since(first, query.get("rule"))
        found, next = page(rows, lambda each: f"{each.day} {each.currency}", query)
        return answered(found, next)


def whole(row: Audited) -> dict[str, Any]:
    given = {name: getattr(row, name) for name in ("number", "at", "who", "what", "subject", "why", "hash")}
    return {**given, "before": _read(row.before), "after": _read(row.after)}


def _read(text: str) -> Any:
    """JSON as it is, and what is none as a text."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
