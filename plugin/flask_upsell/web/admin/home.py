"""The first page: what is live today and what needs attention."""

from __future__ import annotations

from ...core.roles import Role
from ...core.words import say
from .office import Admin, Answer
from .rules import Rules

#: More rules than anybody reads on a first page.
MOST_RULES = 8


def add(admin: Admin) -> None:
    overview = admin.desk.overview

    @admin.page("/")
    def home() -> Answer:
        book = admin.parts.offers.rules.load()
        today = overview.today(book)
        first = today.rules[:MOST_RULES]
        return admin.show(
            "home",
            start=overview.start(),
            figures=overview.figures(),
            today=today,
            sentences=list(zip(first, Rules(admin).sentences(first), strict=True)),
            needs=overview.needs(admin.desk.verdicts.waiting()),
            labels={season.name: season.label or season.name for season in book.seasons},
        )

    @admin.act("/learn", Role.APPROVER)
    def home_learn() -> Answer:
        return _learn(anyway=False)

    @admin.act("/learn-anyway", Role.APPROVER)
    def home_learn_anyway() -> Answer:
        return _learn(anyway=True)

    def _learn(*, anyway: bool) -> Answer:
        if overview.learn(anyway=anyway):
            return admin.go("home", say("Learning has begun. This page shows when it is done."))
        return admin.go("home", say("Redis takes no work just now: is it running?"), "sorry")
