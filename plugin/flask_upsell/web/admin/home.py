"""The first page: what is live today and what needs attention."""

from __future__ import annotations

from ...core.roles import Role
from ...core.words import say
from ..sentences import rule_sentence
from .office import Admin, Answer

#: More rules than anybody reads on a first page.
MOST_RULES = 8


def add(admin: Admin) -> None:
    overview = admin.desk.overview

    @admin.page("/")
    def home() -> Answer:
        book = admin.parts.offers.rules.load()
        today = overview.today(book)
        speech = admin.speech
        verdicts = getattr(admin.desk, "verdicts", None)
        return admin.show(
            "home",
            start=overview.start(),
            figures=overview.figures(),
            today=today,
            sentences=[(rule, rule_sentence(rule, speech, admin.money)) for rule in today.rules[:MOST_RULES]],
            needs=overview.needs(book, verdicts.waiting() if verdicts is not None else 0),
            labels={season.name: season.label or season.name for season in book.seasons},
        )

    @admin.act("/learn", Role.APPROVER)
    def home_learn() -> Answer:
        if overview.learn():
            return admin.go("home", say("Learning has begun. This page shows when it is done."))
        return admin.go("home", say("Redis takes no work just now: is it running?"), "sorry")
