"""What is and was live: revisions of the rules, going back to one, and the switch that ends all offers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from ...adapters.audit import actor
from ...core.roles import Role
from ...errors import BadInput, BookError
from ..rulefile import plain_form
from .counter import Counter, missing
from .drafts import ChangesAnswer
from .fields import Given, Switch, listed, moment, words
from .paging import Paged, answered, page


class RevisionAnswer(Schema):
    """The rules as they were saved then, and what that changed."""

    revision = fields.Integer(required=True)
    at = moment(required=True)
    who = fields.String(required=True)
    why = fields.String(required=True)
    changes = fields.Nested(ChangesAnswer, required=True)


class RulesAnswer(Schema):
    """All that was live, as a file of rules says it."""

    rules = fields.List(fields.Dict(), required=True)
    seasons = fields.List(fields.Dict(), required=True)
    ladders = fields.Dict(required=True)


class Why(Given):
    why = words(500, load_default="")


class SwitchAnswer(Schema):
    """`on`: offers are shown. `since`, `by` and `why` are of whoever switched them off."""

    on = fields.Boolean(required=True)
    since = moment(required=True, allow_none=True)
    by = fields.String(required=True)
    why = fields.String(required=True)


class Turn(Given):
    on = Switch(required=True)
    why = words(500, load_default="")


def add(counter: Counter) -> None:
    offers, desk = counter.parts.offers, counter.desk

    @counter.operation("GET", "/revisions", Role.VIEWER, "revisions", answer=listed(RevisionAnswer), query=Paged)
    def list_revisions(query: dict[str, Any]) -> Any:
        """All revisions of the rules, the last one first"""
        found, next = page(desk.releases.all(), lambda each: str(each.revision), query)
        return answered(found, next)

    @counter.operation("GET", "/revisions/<int:revision>", Role.VIEWER, "revisions", answer=RulesAnswer)
    def read_revision(revision: int) -> Any:
        """The rules, seasons and ladders of a revision"""
        return plain_form(known(revision))

    @counter.operation(
        "POST", "/revisions/<int:revision>/rollback", Role.APPROVER, "revisions", answer=ChangesAnswer, body=Why
    )
    def roll_back(body: dict[str, Any], revision: int) -> Any:
        """Make the rules what they were then, at once; this makes a new revision"""
        known(revision)
        return desk.releases.rollback(revision, counter.person, body["why"])

    def known(revision: int) -> Any:
        if revision >= 2**62:
            raise missing("revision")
        try:
            return desk.releases.book(revision)
        except BadInput:
            raise missing("revision") from None

    def switch() -> dict[str, Any]:
        off = offers.switch.state()
        if off is None:
            return {"on": True, "since": None, "by": "", "why": ""}
        return {"on": False, "since": off.at, "by": off.by, "why": off.why}

    @counter.operation("GET", "/switch", Role.VIEWER, "switch", answer=SwitchAnswer)
    def read_switch() -> Any:
        """Whether offers are shown at all"""
        return switch()

    @counter.operation("PUT", "/switch", Role.APPROVER, "switch", answer=SwitchAnswer, body=Turn)
    def turn_switch(body: dict[str, Any]) -> Any:
        """Switch all offers off or on, in all processes, within a second"""
        try:
            if body["on"]:
                offers.switch_on()
            else:
                offers.switch_off(actor().who, body["why"])
        except BookError:
            # It is off (or on) in SQL, which processes ask while Redis is silent.
            return switch()
        return switch()
