"""Drafts: begun, saved by whoever knows their last version, sent to review, dropped, published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields, validate

from ...core.roles import Role
from ...desk.drafts import KINDS, Draft, Part
from ...errors import BadInput, StaleError
from ..drafted import live, read, written
from .counter import Counter, missing, quoted
from .fields import Given, Switch, listed, moment, one_of, texts, whole, words
from .paging import Paged, answered, page
from .problems import Problem, invalid, pointer
from .spec import Wrong

STATES = ("open", "review")
#: Drafts that go live together.
MOST_AT_ONCE = 200


class DraftAnswer(Schema):
    """A draft. `origin` is the live part that it changes, "" for a new one; `action` "remove" takes that away.
    `written` is what was typed, every value a text; `problems` says what is still to be mended before it can go live.
    """

    id = fields.String(required=True)
    kind = one_of(KINDS, required=True)
    name = fields.String(required=True)
    origin = fields.String(required=True)
    base = fields.Integer(required=True)
    action = one_of(("put", "remove"), required=True)
    state = one_of(STATES, required=True)
    written = fields.Dict(required=True)
    problems = fields.List(fields.Nested(Wrong), required=True)
    note = fields.String(required=True)
    author = fields.String(required=True)
    writer = fields.String(required=True)
    version = fields.Integer(required=True)
    made_at = moment(required=True)
    updated_at = moment(required=True)


class DraftQuery(Paged):
    kind = one_of(KINDS, load_default="")
    state = one_of(STATES, load_default="")


class Begin(Given):
    """`origin`: the live part that is to be changed or (`remove`) taken away; left out for a new one. `written` as in
    files of rules; left out it is what is live."""

    kind = one_of(KINDS, required=True)
    origin = words(100, load_default="")
    remove = Switch(load_default=False)
    written = fields.Dict(keys=fields.String())


class Save(Given):
    written = fields.Dict(keys=fields.String(), required=True)
    note = words(2000)


class Submit(Given):
    note = words(2000, load_default="")


class Named(Given):
    """A draft as you know it."""

    id = words(16, required=True)
    version = whole(1, 2**31, required=True)


class Publish(Given):
    drafts = fields.List(fields.Nested(Named), required=True, validate=validate.Length(1, MOST_AT_ONCE))
    why = words(500, load_default="")


class ChangesAnswer(Schema):
    """What is other now: "rule tea", "season easter". `revision` is the rules' number now."""

    revision = fields.Integer(required=True)
    added = fields.List(fields.String(), required=True)
    changed = fields.List(fields.String(), required=True)
    removed = fields.List(fields.String(), required=True)


def add(counter: Counter) -> None:
    offers, drafts = counter.parts.offers, counter.desk.drafts

    def find(id: str) -> Draft:
        try:
            return drafts.get(id)
        except BadInput:
            raise missing("draft") from None

    def held(id: str) -> Draft:
        """The draft that If-Match names as it is."""
        found = find(id)
        counter.matches(str(found.version), shown(found))
        return found

    def kept(change: Any, draft: Draft) -> Any:
        try:
            return told(change(draft))
        except BadInput as error:
            if error.field == "draft" and "meanwhile" in str(error):
                raise missing("draft") from None
            raise
        except StaleError as error:
            current = error.current
            more: dict[str, Any] = {"current": shown(current)} if isinstance(current, Draft) else {}
            raise Problem(412, f"{error}.", kind="stale", **more) from None

    @counter.operation("GET", "/drafts", Role.VIEWER, "drafts", answer=listed(DraftAnswer), query=DraftQuery)
    def list_drafts(query: dict[str, Any]) -> Any:
        """All drafts, the last saved first"""
        every = [
            each for each in drafts.all() if query["kind"] in ("", each.kind) and query["state"] in ("", each.state)
        ]
        found, next = page(every, lambda each: each.id, query)
        return answered([shown(each) for each in found], next)

    @counter.operation(
        "POST", "/drafts", Role.EDITOR, "drafts", answer=DraftAnswer, status=201, body=Begin, also=(200,), may=(404,)
    )
    def begin_draft(body: dict[str, Any]) -> Any:
        """Begin a draft; the one that is there already (200) where somebody has begun to change the same"""
        kind, origin, given = body["kind"], body["origin"], body.get("written")
        part = live(offers.rules.load(), kind, origin) if origin else None
        if origin and part is None:
            raise missing(kind)
        if body["remove"] and not origin:
            raise invalid([(("origin",), "is needed: what is to be taken away?")])
        there = drafts.of(kind, origin) if origin else None
        if there is not None:
            return told(there)
        form = texts(given) if given is not None else written(kind, origin, part) if part is not None else {}
        made = drafts.begin(kind, form, origin, remove=body["remove"])
        shown_, _, headers = told(made)
        return shown_, 201, {**headers, "Location": f"{counter.prefix}/drafts/{made.id}"}

    @counter.operation("GET", "/drafts/<id>", Role.VIEWER, "drafts", answer=DraftAnswer)
    def read_draft(id: str) -> Any:
        """One draft"""
        return told(find(id))

    @counter.operation("PUT", "/drafts/<id>", Role.EDITOR, "drafts", answer=DraftAnswer, body=Save, match=True)
    def save_draft(body: dict[str, Any], id: str) -> Any:
        """Save what is written in it; one in review is open again"""
        form = texts(body["written"])
        return kept(lambda draft: drafts.save(id, draft.version, form, body.get("note")), held(id))

    @counter.operation(
        "POST", "/drafts/<id>/submit", Role.EDITOR, "drafts", answer=DraftAnswer, body=Submit, match=True
    )
    def submit_draft(body: dict[str, Any], id: str) -> Any:
        """Ask for its review"""
        draft = held(id)
        _, wrong = read(draft)
        if wrong:
            raise invalid(wrong, ("written",))
        return kept(lambda draft: drafts.submit(id, draft.version, body["note"]), draft)

    @counter.operation("DELETE", "/drafts/<id>", Role.EDITOR, "drafts", status=204, match=True)
    def drop_draft(id: str) -> Any:
        """Throw it away; what is live stays"""
        held(id)
        drafts.drop(id)
        return None

    @counter.operation("POST", "/drafts/publish", Role.APPROVER, "drafts", answer=ChangesAnswer, body=Publish)
    def publish_drafts(body: dict[str, Any]) -> Any:
        """Put drafts live, all or none; 409 for a risky one of your own, which takes a second person"""
        changes: list[tuple[Draft, Part]] = []
        wrong: list[dict[str, str]] = []
        for place, named in enumerate(body["drafts"]):
            try:
                draft = drafts.get(named["id"])
            except BadInput as error:
                wrong.append({"pointer": f"/drafts/{place}/id", "detail": str(error)})
                continue
            if draft.version != named["version"]:
                raise Problem(409, f"{draft.writer} has saved the draft {draft.id} meanwhile.", kind="stale")
            part, problems = read(draft)
            wrong += [{"pointer": f"/drafts/{place}", "detail": f"{pointer(path)}: {said}"} for path, said in problems]
            changes.append((draft, part))
        if len({draft.id for draft, _ in changes}) < len(changes):
            wrong.append({"pointer": "/drafts", "detail": "names a draft twice"})
        if wrong:
            raise Problem(422, "These drafts cannot go live.", kind="invalid", errors=wrong)
        return counter.desk.releases.publish(changes, counter.person, body["why"])


def shown(draft: Draft) -> dict[str, Any]:
    """A draft as it is answered."""
    _, wrong = read(draft)
    problems = [{"pointer": pointer(path), "detail": said} for path, said in wrong]
    return {name: getattr(draft, name) for name in (*Draft.__struct_fields__, "name")} | {"problems": problems}


def told(draft: Draft) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shown(draft), 200, {"ETag": quoted(str(draft.version))}


def finished(counter: Counter, ids: Sequence[str]) -> list[tuple[Draft, Part]]:
    """Drafts by their ids, each with the part that it becomes. Raises Problem for one that is gone or not finished."""
    found: list[tuple[Draft, Part]] = []
    for place, id in enumerate(ids):
        try:
            draft = counter.desk.drafts.get(id)
        except BadInput as error:
            raise invalid([(("drafts", place), str(error))]) from None
        part, wrong = read(draft)
        if wrong:
            raise invalid([(("drafts", place), f"{pointer(path)}: {sentence}") for path, sentence in wrong])
        found.append((draft, part))
    return found
