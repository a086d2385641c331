"""A live rule to look at: what it says, what came of it, who changed it. Nothing can be changed here."""

from __future__ import annotations

from flask import request

from ...adapters.drafts import Draft
from ...core.rule import Rule
from ...core.words import say
from .. import drafted
from ..sentences import rule_clauses
from . import changes
from .office import Admin, Answer
from .rulepreview import Look, Preview
from .rules import STATUSES, TONES, Rules
from .rulewords import CHOICES

#: The last changes that are told; the audit has them all.
MOST_TOLD = 10


def add(admin: Admin) -> None:
    here, desk = Rules(admin), admin.desk
    preview = Preview(here)

    @admin.page("/rules/one")
    def rules_one() -> Answer:
        name = request.args.get("name", "")
        book = desk.offers.rules.load()
        rule = drafted.live(book, "rule", name)
        if not isinstance(rule, Rule):
            return admin.go("rules", say("That rule is not there any more."), "sorry")
        labels = {season.name: season.label or season.name for season in book.seasons}
        tried = sorted(book.rules, key=lambda each: -each.priority)
        rows = desk.audit.history(what="rule", subject=name, most=MOST_TOLD + 1)
        now = desk.offers.clock()
        as_it_is = Draft("", "rule", name, 0, "put", "open", {}, "", "", "", 0, now, now)
        return admin.show(
            "rule_view",
            rule=rule,
            sentence=next(here.sentences([rule])),
            clauses=rule_clauses(rule, admin.speech, here.money, here.named(rule), labels),
            pages=[admin.speech.tell(words) for page, words in CHOICES["Rule.placements"] if page in rule.placements],
            place=next(at for at, each in enumerate(tried, start=1) if each.name == name),
            total=len(tried),
            state=dict(STATUSES)[rule.status.value],
            tone=TONES[rule.status.value],
            figures=desk.overview.figures(name),
            seen=preview.seen(as_it_is, rule, Look()),
            history=[(row, changes.of_texts(row.what, row.before, row.after)) for row in reversed(rows)][:MOST_TOLD],
            older=len(rows) > MOST_TOLD,
            draft=desk.drafts.of("rule", name),
        )
