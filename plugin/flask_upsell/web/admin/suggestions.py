"""Suggestions: what learning found, the likely best first, to be approved or rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import request
from werkzeug.wrappers import Response as AnyResponse

from ...core.kind import Kind
from ...core.ports import Progress
from ...core.roles import Role
from ...core.seasonal import SEASONAL
from ...core.words import Sentence, objection, say
from ...desk.seasonal import Found
from ...desk.verdicts import NEVER, Key, Pair, State, Verdict, sure
from ...errors import BadInput
from . import seasonal
from .office import Admin, Answer

#: Suggestions on a page; products that a search looks for.
MOST, SEARCHED = 25, 60
STATES = {
    State.WAITING: (say("waits for you"), "busy"),
    State.LIVE: (say("live by itself"), "good"),
    State.APPROVED: (say("approved"), "good"),
    State.REJECTED: (say("rejected"), "bad"),
}
DONE = {
    "approve": say("One suggestion is approved.", "{n} suggestions are approved.", n=1),
    "reject": say("One suggestion is rejected.", "{n} suggestions are rejected.", n=1),
    "never": say("One pair is never offered again.", "{n} pairs are never offered again.", n=1),
    "take_back": say("One decision is taken back.", "{n} decisions are taken back.", n=1),
}
NO_SUGGESTION = objection("this is no suggestion; load the page again")
NO_WORKER = say("No worker is running just now: ask who runs your store to start one. Then it goes live by itself.")


def evidence(pair: Pair, number: Callable[[float], str]) -> Sentence:
    """What was seen, in words."""
    found = pair.affinity
    if pair.kind is Kind.UPGRADE:
        return say("Chosen in {n} of {base} orders of its kind", n=found.together, base=found.base)
    return say(
        "Bought together in one order, {times} times as often as by chance",
        "Bought together in {n} orders, {times} times as often as by chance",
        n=found.together,
        times=number(round(found.lift, 1)),
    )


def period(learned: Progress | None) -> tuple[datetime, datetime] | None:
    """Of the orders that all of this was counted in."""
    counted = learned.figures.get("readiness") if learned is not None else None
    if not isinstance(counted, dict) or not counted.get("orders"):
        return None
    return datetime.fromtimestamp(counted["begun"], UTC), datetime.fromtimestamp(counted["ended"], UTC)


def key_of(pair: Pair | Verdict | Found) -> str:
    """A pair as a form's value."""
    return msgspec.json.encode([str(pair.kind), pair.antecedent, pair.consequent]).decode()


def read_keys(values: Sequence[str]) -> list[Key]:
    """Raises BadInput for what no form of ours sends."""
    try:
        return [msgspec.json.decode(value, type=tuple[str, str, str]) for value in values]
    except msgspec.DecodeError:
        raise BadInput("pairs", NO_SUGGESTION) from None


def add(admin: Admin) -> None:
    verdicts = admin.desk.verdicts

    def told(status: int = 200, wrong: str = "", given: Any = None) -> Answer:
        asked = request.args if request.method == "GET" else request.form
        text, state, kind = (
            asked.get("q", "").strip()[:200],
            _one(State, asked.get("state")),
            _one(Kind, asked.get("kind")),
        )
        page = max(1, min(100_000, asked.get("page", 1, int)))
        products = [each.ref for each in admin.desk.catalogue.search(text, SEARCHED)] if text else None
        if text and text not in (products or ()):
            products = [*(products or ()), text]
        done, unpublished = _instant(request.args.get("done", "")), verdicts.unpublished()
        every: dict[str, Any] = {
            "text": text,
            "done": done,
            "unpublished": unpublished,
            "key_of": key_of,
            "wrong": wrong,
        }
        every |= {"period": period(admin.desk.backtests.learned()), "given": given or {}}
        if asked.get("kind") == SEASONAL:
            return seasonal.shown(admin, asked, products, status, **every)
        pairs, count = verdicts.pairs(state=state, kind=kind, products=products, page=page, most=MOST)
        refs = {ref for pair in pairs for ref in (pair.antecedent, pair.consequent)}
        never = [each for each in verdicts.decided() if each.kind == NEVER]
        refs.update([ref for each in never for ref in (each.antecedent, each.consequent)])
        return admin.show(
            "suggestions",
            status,
            **every,
            pairs=pairs,
            count=count,
            known=admin.desk.catalogue.named(refs),
            state=state.value if state else "",
            kind=kind.value if kind else "",
            page=page,
            pages=-(-count // MOST),
            states=STATES,
            least=verdicts.least,
            never=never,
            evidence=evidence,
            seasonal=admin.desk.seasonal.waiting(),
            sure=sure,
        )

    def back(said: Sentence | str, tone: str = "done", **more: Any) -> AnyResponse:
        kept = {name: request.form.get(name) for name in ("q", "state", "kind", "page")}
        return admin.go("suggestions", said, tone, **{name: each for name, each in kept.items() if each}, **more)

    @admin.page("/suggestions")
    def suggestions() -> Answer:
        return told()

    @admin.act("/suggestions/decide", Role.EDITOR)
    def suggestions_decide() -> Answer:
        what, _, one = request.form.get("do", "").partition(" ")
        if what not in DONE:
            return told(422, admin.speech.tell(say("Choose what to do with them.")))
        try:
            keys = read_keys([one] if one else request.form.getlist("pair"))
            why = request.form.get("why", "")
            if what == "never":
                at = verdicts.never([(each[1], each[2]) for each in keys], why)
            else:
                at = {"approve": verdicts.approve, "reject": verdicts.reject, "take_back": verdicts.take_back}[what](
                    keys, why
                )
        except BadInput as error:
            if not request.form.getlist("pair") and not one:
                return told(422, admin.speech.tell(say("Tick at least one suggestion first.")), request.form)
            return told(422, admin.why(error), request.form)
        done = DONE[what]
        return back(say(done.words, done.plural, n=len(keys)), done=at.isoformat())

    @admin.act("/suggestions/never", Role.EDITOR)
    def suggestions_never() -> Answer:
        one, other = (next(iter(filter(None, request.form.getlist(name))), "").strip() for name in ("one", "other"))
        try:
            at = verdicts.never([(one, other)], request.form.get("why", ""))
        except BadInput:
            return told(422, admin.speech.tell(say("Choose two different products.")), request.form)
        return back(say("These two are never offered for each other."), done=at.isoformat())

    @admin.act("/suggestions/rule", Role.EDITOR)
    def suggestions_rule() -> Answer:
        """Begin a draft of a rule of what is seasonal."""
        ((kind, one, other),) = read_keys([request.form.get("rule", "")])
        if kind != SEASONAL:
            raise BadInput("pairs", NO_SUGGESTION)
        return seasonal.begin(admin, one, other)

    @admin.act("/suggestions/undo", Role.EDITOR)
    def suggestions_undo() -> Answer:
        at = _instant(request.form.get("at", ""))
        done = verdicts.undo(at) if at is not None else 0
        if not done:
            return back(say("There was nothing to undo any more."), "sorry")
        return back(say("It is as it was before."))

    @admin.act("/suggestions/publish", Role.EDITOR)
    def suggestions_publish() -> Answer:
        queue = admin.parts.offers.queue
        if queue.enqueue("publish", patient=True) is None or not queue.worker_seen():
            return back(NO_WORKER, "sorry")
        return back(say("It is being published. That takes some seconds, of a large store minutes."))


def _one(names: Any, value: str | None) -> Any:
    return names(value) if value in set(names) else None


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
