"""Suggestions of a part of the year: listed by what comes next, to be made a rule of, or rejected."""

from __future__ import annotations

from typing import Any

from ...core.seasonal import SEASONAL, Standing
from ...core.words import say
from ...desk.seasonal import evidence, told, years
from .office import Admin, Answer
from .seasons import library

#: Suggestions on a page.
MOST = 25
STATES = {
    Standing.WAITING: (say("waits for you"), "busy"),
    Standing.APPROVED: (say("a rule is begun"), "good"),
    Standing.REJECTED: (say("rejected"), "bad"),
}


def shown(admin: Admin, asked: Any, products: list[str] | None, status: int, **more: Any) -> Answer:
    """The page of suggestions with these. `more`: what it has of all kinds."""
    state = Standing(asked["state"]) if asked.get("state") in set(Standing) else None
    every = admin.desk.seasonal.all(state=state, products=products)
    page = max(1, min(100_000, asked.get("page", 1, int)))
    pairs = every[(page - 1) * MOST : page * MOST]
    language = admin.speech.language
    return admin.show(
        "suggestions_seasonal",
        status,
        **more,
        pairs=pairs,
        count=len(every),
        known=admin.desk.catalogue.named({ref for pair in pairs for ref in (pair.antecedent, pair.consequent)}),
        near=admin.desk.seasonal.near(library().values()),
        window=lambda seen: told(seen.window, language),
        evidence=evidence,
        years=years,
        state=state.value if state else "",
        kind=SEASONAL,
        states=STATES,
        page=page,
        pages=-(-len(every) // MOST),
    )


def begin(admin: Admin, one: str, other: str) -> Answer:
    """A draft of a rule; to its editor."""
    known, speech = admin.desk.catalogue.named({one, other}), admin.speech
    titles = {name: known[ref].title if ref in known else ref for name, ref in (("one", one), ("other", other))}
    label = speech.plain("{other} with {one}", **titles)
    begun = admin.desk.seasonal.begin(one, other, label, lambda window: speech.tell(told(window, speech.language)))
    if begun.draft is None:
        admin.say(say("A draft is begun, for the season {name}. It is live once it is published.", name=begun.season))
    else:
        admin.say(
            say(
                "Two drafts are begun: this rule, and the season {name} that it needs. Publish both together.",
                name=begun.season,
            )
        )
    return admin.go("rules_edit", id=begun.rule.id)
