"""Drafts on their way to live, what is live, what was live before, and the switch that turns all off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Response, request
from redis.exceptions import RedisError

from ...core.roles import Role
from ...core.rulebook import RuleBook
from ...core.words import Sentence, objection, say
from ...desk.drafts import Draft, merged
from ...desk.releases import Clash, Live
from ...desk.risks import Risk
from ...errors import BadInput, BookError, RiskError, StaleError
from ..drafted import live as live_part
from ..drafted import read
from ..rulediff import Difference, differences
from . import changes
from .office import Admin, Answer

ON_A_PAGE = 20
#: More differences than anybody reads at a time.
MOST_DIFFERENCES = 200
REASON = say("Write a reason: others read it in the history.")
SAVED_ONLY = say("It is saved, but Redis does not answer: press “Put it live” when it does.")


class Waiting(NamedTuple):
    """A draft as the page shows it. `wrong`: what keeps it from going live."""

    draft: Draft
    fields: list[changes.Field]
    risks: list[Risk]
    wrong: list[str]
    clash: Clash | None
    clash_fields: list[changes.Field]
    mine: bool

    @property
    def mark(self) -> str:
        return f"{self.draft.id}:{self.draft.version}"


def add(admin: Admin) -> None:
    desk = admin.desk
    releases, drafts = desk.releases, desk.drafts

    def looked_at(draft: Draft, book: RuleBook, clash: Clash | None) -> Waiting:
        part, problems = read(draft)
        told = admin.told(problems)
        wrong = [": ".join(filter(None, (".".join(map(str, path)), sentence))) for path, sentence in told]
        risks: list[Risk] = []
        if not problems:
            try:
                risks = releases.risks(book, merged(book, [(draft, part)]))
            except BadInput as error:
                wrong.append(admin.why(error))
        before = live_part(book, draft.kind, draft.origin) if draft.origin else None
        shown = [] if problems else changes.of_part(draft.kind, before, part)
        since = changes.of_part(draft.kind, clash.before, clash.now) if clash is not None else []
        mine = admin.person.name in {draft.author, *draft.writers}
        return Waiting(draft, shown, risks, wrong, clash, since, mine)

    def live() -> tuple[Live | None, bool]:
        """What is live, and whether it is what was saved last; None while Redis does not answer."""
        try:
            return releases.live(), releases.behind()
        except (RedisError, OSError):
            return None, False

    def shown(status: int = 200, **given: Any) -> Response:
        book = admin.parts.offers.rules.load()
        every = drafts.all()
        clashes = {clash.draft.id: clash for clash in releases.clashes(every)}
        waiting = [looked_at(draft, book, clashes.get(draft.id)) for draft in every]
        history = releases.all()
        pages = max(-(-len(history) // ON_A_PAGE), 1)
        page = min(max(request.args.get("page", 1, int), 1), pages)
        here, behind = live()
        return admin.show(
            "publish",
            status,
            review=[each for each in waiting if each.draft.state == "review"],
            written=[each for each in waiting if each.draft.state != "review"],
            live=here,
            behind=behind,
            age=_hours(here),
            off=admin.parts.offers.switch.state(),
            history=history[(page - 1) * ON_A_PAGE : page * ON_A_PAGE],
            all_revisions=[each.revision for each in history],
            page=page,
            pages=pages,
            kinds=changes.KINDS,
            **{"ticked": (), "why": "", "told": "", "wrong": "", **given},
        )

    @admin.page("/publish")
    def publish() -> Answer:
        return shown()

    @admin.act("/publish/live", Role.APPROVER)
    def publish_live() -> Answer:
        marks, why = request.form.getlist("draft"), request.form.get("why", "").strip()

        def again(told: Sentence | str, status: int = 422, wrong: Sentence | str = "") -> Response:
            return shown(status, ticked=marks, why=why, told=told, wrong=wrong)

        if not marks:
            return again(say("Tick at least one draft."))
        if not why:
            return again(REASON, wrong=REASON)
        try:
            chosen = []
            for mark in marks:
                draft = _marked(admin, mark)
                part, problems = read(draft)
                if problems:
                    return again(say("{name} is not finished: look at what is marked.", name=draft.name))
                chosen.append((draft, part))
            done = releases.publish(chosen, admin.person, why)
        except RiskError as error:
            names = ", ".join(sorted({risk.rule for risk in error.risks if isinstance(risk, Risk)}))
            words = say(
                "This takes a second person, as it is risky and you wrote some of it: {names}. Ask another approver, "
                "or tick the others only.",
                names=names,
            )
            return again(words)
        except StaleError as error:
            return again(_stale(error), 409)
        except BookError:
            return admin.go("publish", SAVED_ONLY, "sorry")
        except BadInput as error:
            return again(admin.why(error))
        return admin.go("publish", say("It is live, as revision {revision}.", revision=str(done.revision)))

    @admin.act("/publish/submit", Role.EDITOR)
    def publish_submit() -> Answer:
        return _with_draft(
            admin, shown, lambda draft: drafts.submit(draft.id, draft.version, request.form.get("note", "")),
            say("{name} waits for review now."),
        )  # fmt: skip

    @admin.act("/publish/back", Role.APPROVER)
    def publish_back() -> Answer:
        note = request.form.get("note", "").strip()
        if not note:
            return shown(422, told=say("Write a note: what should be changed?"))
        return _with_draft(
            admin, shown, lambda draft: drafts.send_back(draft.id, draft.version, note),
            say("{name} went back to who wrote it."),
        )  # fmt: skip

    @admin.act("/publish/keep", Role.EDITOR)
    def publish_keep() -> Answer:
        return _with_draft(
            admin, shown, lambda draft: drafts.rebase(draft.id, draft.version),
            say("{name} stands as it was written, over what is live now."),
        )  # fmt: skip

    @admin.act("/publish/drop", Role.EDITOR)
    def publish_drop() -> Answer:
        return _with_draft(
            admin, shown, lambda draft: drafts.drop(draft.id, draft.version), say("{name} was thrown away.")
        )

    # --- what was live before ----------------------------------------------------------------------------------------

    @admin.page("/publish/compare")
    def publish_compare() -> Answer:
        now = admin.parts.offers.rules.revision()
        old, new = request.args.get("from", now - 1, int), request.args.get("to", now, int)
        found = differences(releases.book(max(old, 0)), releases.book(max(new, 0)))
        every = [each.revision for each in releases.all()]
        return admin.show("compare", old=old, new=new, all_revisions=every, **_told(found))

    @admin.page("/publish/revision/<int:revision>", name="publish_revision")
    def publish_revision(revision: int) -> Answer:
        return rolling(revision)

    def rolling(revision: int, status: int = 200, told: Sentence | str = "", why: str = "") -> Response:
        before, after = admin.parts.offers.rules.load(), releases.book(revision)
        found = differences(before, after)
        risks = releases.risks(before, after)
        which = next((each for each in releases.all() if each.revision == revision), None)
        return admin.show(
            "rollback", status, revision=revision, which=which, risks=risks, told=told, why=why, **_told(found)
        )

    @admin.act("/publish/revision/<int:revision>", Role.APPROVER)
    def publish_rollback(revision: int) -> Answer:
        why = request.form.get("why", "").strip()
        if not why:
            return rolling(revision, 422, REASON)
        try:
            done = releases.rollback(revision, admin.person, why)
        except RiskError:
            words = say(
                "This book is riskier than what is live, and you wrote some of what makes it so: ask another approver."
            )
            return rolling(revision, 422, words, why)
        except StaleError as error:
            return rolling(revision, 409, _stale(error), why)
        except BookError:
            return admin.go("publish", SAVED_ONLY, "sorry")
        words = say(
            "What was live as revision {old} is live again, as revision {new}.",
            old=str(revision),
            new=str(done.revision),
        )
        return admin.go("publish", words)

    # --- Redis, and the switch ---------------------------------------------------------------------------------------

    @admin.act("/publish/again", Role.APPROVER)
    def publish_again() -> Answer:
        try:
            releases.put_live()
        except BookError:
            return admin.go("publish", SAVED_ONLY, "sorry")
        return admin.go("publish", say("What was saved last is live now."))

    @admin.act("/publish/switch", Role.APPROVER)
    def publish_switch() -> Answer:
        on, why = request.form.get("on") == "1", request.form.get("why", "").strip()
        if not on and not why:
            return shown(422, told=REASON)
        try:
            releases.switch(on, admin.person, why)
        except BookError:
            words = say("Done. Redis does not answer, so it takes up to five seconds until all pages know.")
            return admin.go("publish", words)
        return admin.go("publish", say("Offers are shown again.") if on else say("All offers are switched off."))


def _marked(admin: Admin, mark: str) -> Draft:
    """The draft of "ID:VERSION", as whoever ticked it has seen it. Raises BadInput, StaleError."""
    id, _, version = mark.partition(":")
    draft = admin.desk.drafts.get(id)
    if str(draft.version) != version:
        raise StaleError(
            objection("{writer} has saved the draft of {name} meanwhile", writer=draft.writer, name=repr(draft.name)),
            current=draft,
        )
    return draft


def _with_draft(admin: Admin, shown: Callable[..., Response], act: Callable[[Draft], object], said: Sentence) -> Answer:
    """Do something with the one draft of a form."""
    try:
        draft = _marked(admin, request.form.get("draft", ""))
        act(draft)
    except StaleError as error:
        return shown(409, told=_stale(error))
    except BadInput as error:
        return shown(422, told=admin.why(error))
    return admin.go("publish", Sentence(said.words, {"name": draft.name}))


def _stale(error: StaleError) -> Sentence:
    """What the other one did."""
    current = error.current
    if isinstance(current, Draft):
        return say(
            "{who} has saved {name} while you were looking: this is how it is now. Nothing was put live.",
            who=current.writer,
            name=current.name,
        )
    if isinstance(current, list):
        names = ", ".join(clash.draft.origin for clash in current)
        return say(
            "{names} was changed live after the draft was begun: look at what is marked. Nothing was put live.",
            names=names,
        )
    return say("Others are publishing just now. Nothing was put live: please try again.")


def _told(found: list[Difference]) -> dict[str, Any]:
    shown = [(*changes.heading(each), each.name, changes.of_difference(each)) for each in found[:MOST_DIFFERENCES]]
    return {"found": shown, "more": len(found) - len(shown)}


def _hours(live: Live | None) -> int:
    """How old the book in Redis is."""
    if live is None or live.at is None:
        return 0
    return int((datetime.now(UTC) - live.at).total_seconds() // 3600)
