"""The list of rules: found, ticked, paused, put into another order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from flask import request
from markupsafe import Markup

from ...adapters.drafts import Draft
from ...core.lint import Finding
from ...core.money import format_money
from ...core.named import named
from ...core.roles import Role
from ...core.rule import Rule, Status
from ...core.words import objection, say
from ...desk.linting import MOST_AT_ONCE
from ...desk.rulelist import Row, Wanted, said
from ...errors import BadInput, RiskError, StaleError
from .. import drafted
from ..sentences import rule_sentence
from .office import Admin, Answer

PAGE = 50
#: The linter looks at books of so many rules while the page is made; somewhat larger ones are looked at afterwards.
LINT_AT_ONCE = 300
STATUSES = (
    ("", say("any status")),
    ("active", say("live")),
    ("paused", say("paused")),
    ("draft", say("draft")),
    ("ended", say("ended")),
)
#: What is looked for, as its fields are called.
SOUGHT = ("q", "status", "label", "season", "placement")
TONES = {"active": "good", "paused": "busy", "draft": "calm", "ended": "calm"}
ELSEWHERE = say("Somebody changed the rules meanwhile. This is how they are now; please press again if it still fits.")
SAVED_AS_DRAFTS = say(
    "One draft was written: an approver puts it live.", "{n} drafts were written: an approver puts them live."
)


class Shown(msgspec.Struct, frozen=True):
    """A row as the template prints it. `draft` changes the rule, or is a new one (then there is no `row`)."""

    name: str
    label: str
    status: str
    sentence: Markup
    seasons: tuple[str, ...]
    place: int = 0
    priority: int = 0
    draft: Draft | None = None
    live: bool = True
    earned: tuple[str, ...] = ()
    flaws: tuple[Finding, ...] = ()


class Rules:
    """What the pages of rules share."""

    def __init__(self, admin: Admin) -> None:
        self.admin, self.desk = admin, admin.desk

    def sentences(self, rules: Iterable[Rule]) -> Iterator[Markup]:
        """Each rule's, with products called by their titles."""
        every, speech = list(rules), self.admin.speech
        titles = self.titles(ref for rule in every for what, ref in named(rule) if what == "product")
        labels = {season.name: season.label for season in self.desk.offers.shelf.read(()).rules.book.seasons}
        for rule in every:
            yield rule_sentence(rule, speech, self.money, titles, labels)

    def named(self, rule: Rule) -> dict[str, str]:
        """Titles of the products that a rule names."""
        return self.titles(ref for what, ref in named(rule) if what == "product")

    def titles(self, refs: Iterable[str]) -> dict[str, str]:
        """As the live book has them."""
        wanted = sorted(set(refs))
        known = self.desk.offers.shelf.read(wanted).products if wanted else {}
        found = {ref: known.get(ref) for ref in wanted}
        return {ref: product.title for ref, product in found.items() if product is not None}

    def money(self, minor: int, currency: str) -> str:
        return format_money(minor, currency, self.admin.speech.language)

    def drafts(self) -> list[Draft]:
        return [draft for draft in self.desk.drafts.all() if draft.kind == "rule"]

    def shown(self, rows: list[Row], drafts: dict[str, Draft], flaws: dict[str, list[Finding]]) -> list[Shown]:
        """Rows of a page, with what each earned."""
        rules = [row.read() for row in rows]
        earned = self.desk.rules.earned([row.head.name for row in rows]) if rows else {}
        return [
            Shown(
                row.head.name,
                row.head.label,
                row.head.status,
                sentence,
                row.head.schedule.seasons,
                row.place,
                row.head.priority,
                drafts.get(row.head.name),
                earned=tuple([self.money(*each[::-1]) for each in sorted(earned.get(row.head.name, {}).items())]),
                flaws=tuple(flaws.get(row.head.name, ())),
            )
            for row, sentence in zip(rows, self.sentences(rules), strict=True)
        ]

    def unborn(self, drafts: list[Draft], wanted: Wanted) -> Iterator[Shown]:
        """Drafts of rules that are not live yet."""
        for draft in drafts:
            seasons = _listed(draft.written.get("schedule"), "seasons")
            body = msgspec.json.encode(draft.written).decode()
            label = str(draft.written.get("label", ""))
            fits = (
                not draft.origin
                and wanted.status in ("", "draft")
                and (not wanted.season or wanted.season in seasons)
                and wanted.label.casefold() in label.casefold()
                and said(body, wanted.text)
            )
            if fits:
                rule, _ = drafted.read(draft)
                sentence = next(self.sentences([rule])) if isinstance(rule, Rule) else Markup("")
                yield Shown(draft.name, label, "draft", sentence, seasons, draft=draft, live=False)


def _listed(part: Any, name: str) -> tuple[str, ...]:
    """Texts of a draft, whatever was typed."""
    value = part.get(name, ()) if isinstance(part, dict) else ()
    return (value,) if isinstance(value, str) else tuple(str(each) for each in value)


def by_rule(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for each in findings:
        found[each.rule].append(each)
    return found


def add(admin: Admin) -> None:
    here, desk = Rules(admin), admin.desk

    def listed(template: str, linted: bool = False) -> Answer:
        given = request.args
        wanted = Wanted(
            *(given.get(name, "").strip()[:100] for name in ("q", "status", "label", "season", "placement"))
        )
        drafts = here.drafts()
        of = {draft.origin: draft for draft in drafts if draft.origin}
        every = desk.rules.rows()
        rows = [row for row in every if wanted.meets(row) or (wanted.status == "draft" and row.head.name in of)]
        pages = max(1, -(-len(rows) // PAGE))
        page = min(max(1, given.get("page", 1, int)), pages)
        first = rows[(page - 1) * PAGE : page * PAGE]
        # Of few rules it is known at once, of many it is what a worker stored; of those between the list comes first.
        at_once = linted or not LINT_AT_ONCE < len(every) <= MOST_AT_ONCE
        told = desk.linting.told() if at_once else None
        flaws = by_rule(told.findings) if told is not None else {}
        names = {row.head.name for row in every}
        aside = [each for each in told.findings if each.rule not in names] if told is not None else []
        seasons = desk.offers.shelf.read(()).rules.book.seasons
        return admin.show(
            template,
            rows=here.shown(first, of, flaws),
            unborn=list(here.unborn(drafts, wanted)) if page == 1 else [],
            wanted=wanted,
            found=len(rows),
            total=len(every),
            page=page,
            pages=pages,
            revision=desk.offers.rules.revision(),
            statuses=STATUSES,
            tones=TONES,
            words=dict(STATUSES),
            seasons={season.name: season.label or season.name for season in seasons},
            placements=sorted({each for row in every for each in row.head.placements}),
            linted=told,
            aside=aside if page == 1 and len(rows) == len(every) else [],
            moved=(given.get("moved", ""), "up" if given.get("way") == "up" else "down"),
            here=lambda number: admin.url("rules", **_back(given, page=str(number))),
        )

    @admin.page("/rules")
    def rules() -> Answer:
        return listed("rules_list" if request.headers.get("HX-Request") else "rules")

    @admin.page("/rules/flaws")
    def rules_flaws() -> Answer:
        """The list again, looked through by the linter."""
        return listed("rules_list" if request.headers.get("HX-Request") else "rules", linted=True)

    @admin.page("/rules/linted")
    def rules_linted() -> Answer:
        """How far the worker is that looks through many rules."""
        return admin.show("rules_linted", linted=desk.linting.told(), asked=True)

    @admin.act("/rules/move", Role.APPROVER)
    def rules_move() -> Answer:
        given = request.form
        try:
            desk.rules.move(
                given.get("name", ""), given.get("way", ""), given.get("revision", 0, int), given.get("target", "")
            )
        except StaleError:
            admin.say(ELSEWHERE, "sorry")
        except BadInput as error:
            admin.say(admin.why(error), "sorry")
        # Back to the same button: who moves a rule by keyboard mostly moves it further.
        return admin.go("rules", **_back(given), moved=given.get("name", "")[:100], way=given.get("way", "")[:10])

    @admin.act("/rules/bulk", Role.EDITOR)
    def rules_bulk() -> Answer:
        given = request.form
        names, do = given.getlist("names"), given.get("do", "")
        if not names:
            return admin.go("rules", say("Tick the rules first."), "sorry", **_back(given))
        if do not in ("pause", "resume", "remove"):
            return admin.sorry(say("Choose pause, resume or remove."), 422)
        try:
            return admin.go("rules", _done(names, do), **_back(given))
        except BadInput as error:
            return admin.go("rules", admin.why(error), "sorry", **_back(given))
        except StaleError:
            return admin.go("rules", ELSEWHERE, "sorry", **_back(given))

    def _done(names: list[str], do: str) -> Any:
        """Pause, resume or take away: at once by who may, and as drafts by who may not or where it is risky."""
        status = Status.ACTIVE if do == "resume" else Status.PAUSED
        if do == "remove":
            live = desk.offers.rules.load()
            kept = [(name, drafted.live(live, "rule", name)) for name in names]
            made = [
                desk.drafts.begin("rule", drafted.written("rule", name, rule), name, remove=True)
                for name, rule in kept
                if rule is not None
            ]
            return say(SAVED_AS_DRAFTS.words, SAVED_AS_DRAFTS.plural, n=len(made))
        if admin.person.role.may(Role.APPROVER):
            try:
                desk.releases.turn(names, status, admin.person)
                if do == "pause":
                    return say("One rule is paused.", "{n} rules are paused.", n=len(names))
                return say("One rule is live.", "{n} rules are live.", n=len(names))
            except RiskError:
                pass
        live = desk.offers.rules.load()
        rules = {name: drafted.live(live, "rule", name) for name in names}
        for name, rule in rules.items():
            if rule is None:
                raise BadInput("rule", objection("no rule is named {name} any more", name=repr(name)))
        for name, rule in rules.items():
            begun = desk.drafts.begin("rule", drafted.written("rule", name, rule), name)
            desk.drafts.save(begun.id, begun.version, {**begun.written, "status": status.value})
        return say(SAVED_AS_DRAFTS.words, SAVED_AS_DRAFTS.plural, n=len(names))


def _back(given: Any, **more: str) -> dict[str, str]:
    """The same list again."""
    return {**{name: given[name] for name in (*SOUGHT, "page") if given.get(name)}, **more}
