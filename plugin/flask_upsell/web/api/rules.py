"""Rules, seasons and ladders that are live. They are changed by drafts; a rule is paused, resumed and moved at once."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from ...core.roles import Role
from ...core.rule import Rule, Status
from ...core.rulebook import RuleBook
from ...core.season import Season
from ...desk.rulelist import WAYS
from ..drafted import live
from ..written import schema_of
from .counter import Counter, missing
from .drafts import ChangesAnswer
from .fields import Given, listed, moment, one_of, whole, words
from .paging import Paged, answered, page
from .problems import Problem


class RuleAnswer(Schema):
    """A live rule. `written` is what a file of rules says; `draft` the id of the draft that changes it."""

    name = fields.String(required=True)
    position = fields.Integer(required=True)
    status = one_of(Status, required=True)
    changed_at = moment(required=True, allow_none=True)
    draft = fields.String(required=True, allow_none=True)
    written = fields.Dict(required=True)


class PartAnswer(Schema):
    """A live season or ladder."""

    name = fields.String(required=True)
    draft = fields.String(required=True, allow_none=True)
    written = fields.Dict(required=True)


class RuleQuery(Paged):
    q = words(load_default="", metadata={"description": "Letters that its name has."})
    status = one_of(Status, load_default="")


class Move(Given):
    """`up` or `down` by one place, or `before` or `after` the rule `target`, whose priority it gets. `revision`: the
    rules' number as you know it (that of GET /revisions); 409 when they are other ones now."""

    way = one_of(WAYS, required=True)
    target = words(100, load_default="")
    revision = whole(0, 2**31)


def add(counter: Counter) -> None:
    offers, desk = counter.parts.offers, counter.desk

    def drafted(kind: str) -> dict[str, str]:
        return {draft.origin: draft.id for draft in desk.drafts.all() if draft.kind == kind}

    def told(rule: Rule, position: int, drafts: dict[str, str], changed: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": rule.name,
            "position": position,
            "status": rule.status.value,
            "changed_at": changed.get(rule.name),
            "draft": drafts.get(rule.name),
            "written": plain("rule", rule.name, rule),
        }

    def one(name: str) -> dict[str, Any]:
        for position, rule in enumerate(offers.rules.load().rules, start=1):
            if rule.name == name:
                return told(rule, position, drafted("rule"), offers.rules.changed())
        raise missing("rule")

    @counter.operation("GET", "/rules", Role.VIEWER, "rules", answer=listed(RuleAnswer), query=RuleQuery)
    def list_rules(query: dict[str, Any]) -> Any:
        """All rules, in their order"""
        drafts, changed, wanted = drafted("rule"), offers.rules.changed(), query["q"].casefold()
        every = [
            (position, rule)
            for position, rule in enumerate(offers.rules.load().rules, start=1)
            if wanted in rule.name.casefold() and query["status"] in ("", rule.status.value)
        ]
        found, next = page(every, lambda each: each[1].name, query)
        return answered([told(rule, position, drafts, changed) for position, rule in found], next)

    @counter.operation("GET", "/rules/<path:name>", Role.VIEWER, "rules", answer=RuleAnswer)
    def read_rule(name: str) -> Any:
        """One rule"""
        return one(name)

    def turn(name: str, before: Status, after: Status) -> dict[str, Any]:
        found = live(offers.rules.load(), "rule", name)
        if found is None:
            raise missing("rule")
        if found.status not in (before, after):
            raise Problem(409, f"It is {found.status}, not {before}; change its status in a draft.")
        if found.status is not after:
            desk.releases.turn([name], after, counter.person)
        return one(name)

    @counter.operation("POST", "/rules/<path:name>/pause", Role.APPROVER, "rules", answer=RuleAnswer)
    def pause_rule(name: str) -> Any:
        """Stop an active rule, at once; an editor writes a draft with another status"""
        return turn(name, Status.ACTIVE, Status.PAUSED)

    @counter.operation("POST", "/rules/<path:name>/resume", Role.APPROVER, "rules", answer=RuleAnswer)
    def resume_rule(name: str) -> Any:
        """Let a paused rule work again, at once; 409 for a risky one, which takes a draft and a second person"""
        return turn(name, Status.PAUSED, Status.ACTIVE)

    @counter.operation("POST", "/rules/<path:name>/move", Role.APPROVER, "rules", answer=ChangesAnswer, body=Move)
    def move_rule(body: dict[str, Any], name: str) -> Any:
        """Put a rule at another place in the order in which rules are tried, at once"""
        if live(offers.rules.load(), "rule", name) is None:
            raise missing("rule")
        revision = body.get("revision", offers.rules.revision())
        return desk.rules.move(name, body["way"], revision, body["target"])

    def list_parts(kind: str, query: dict[str, Any]) -> Any:
        found, next = page(names(offers.rules.load(), kind), str, query)
        book, drafts = offers.rules.load(), drafted(kind)
        items = [
            {"name": name, "draft": drafts.get(name), "written": plain(kind, name, live(book, kind, name))}
            for name in found
        ]
        return answered(items, next)

    def read_part(kind: str, name: str) -> Any:
        found = live(offers.rules.load(), kind, name)
        if found is None:
            raise missing(kind)
        return {"name": name, "draft": drafted(kind).get(name), "written": plain(kind, name, found)}

    @counter.operation("GET", "/seasons", Role.VIEWER, "seasons", answer=listed(PartAnswer), query=Paged)
    def list_seasons(query: dict[str, Any]) -> Any:
        """All seasons"""
        return list_parts("season", query)

    @counter.operation("GET", "/seasons/<path:name>", Role.VIEWER, "seasons", answer=PartAnswer)
    def read_season(name: str) -> Any:
        """One season"""
        return read_part("season", name)

    @counter.operation("GET", "/ladders", Role.VIEWER, "ladders", answer=listed(PartAnswer), query=Paged)
    def list_ladders(query: dict[str, Any]) -> Any:
        """All ladders"""
        return list_parts("ladder", query)

    @counter.operation("GET", "/ladders/<path:name>", Role.VIEWER, "ladders", answer=PartAnswer)
    def read_ladder(name: str) -> Any:
        """One ladder"""
        return read_part("ladder", name)


def names(book: RuleBook, kind: str) -> list[str]:
    """Of the live parts of a kind, in their order."""
    if kind == "ladder":
        return sorted(book.ladders)
    return [each.name for each in (book.rules if kind == "rule" else book.seasons)]


def plain(kind: str, name: str, part: Any) -> dict[str, Any]:
    """A part as a file says it, with numbers as numbers."""
    if kind == "ladder":
        return {"name": name, "steps": list(part)}
    found: dict[str, Any] = schema_of(Rule if kind == "rule" else Season).dump(part)
    return found
