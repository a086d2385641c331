"""Suggestions of a part of the year, and drafts of rules that are begun of them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from ...core.roles import Role
from ...core.season import Season
from ...core.seasonal import Standing
from ...desk.seasonal import Found, evidence, told, years
from ..admin.seasons import library
from .counter import Counter
from .fields import Given, listed, one_of, words
from .paging import Paged, answered, page

COUNTED = ("together", "base", "orders", "lift", "outside_together", "outside_base", "outside_lift", "years")


class SeasonalAnswer(Schema):
    """Two products that go together from `start` to `end` ("MM-DD", over the new year when it ends before it starts),
    and hardly in the rest of the year: in that time `together` of the `base` orders with the first had the second one
    too, `lift` times as many as by chance, and `outside_...` otherwise; `orders` are all orders of that time. `years`
    in which it was seen. `season`: the known one that fits best, if any. `evidence` says it in words."""

    antecedent = fields.String(required=True)
    consequent = fields.String(required=True)
    state = one_of(Standing, required=True)
    start = fields.String(required=True)
    end = fields.String(required=True)
    season = fields.String(required=True, allow_none=True)
    together = fields.Integer(required=True)
    base = fields.Integer(required=True)
    orders = fields.Integer(required=True)
    lift = fields.Float(required=True)
    outside_together = fields.Integer(required=True)
    outside_base = fields.Integer(required=True)
    outside_lift = fields.Float(required=True)
    years = fields.Integer(required=True)
    price = fields.Integer(required=True, allow_none=True)
    currency = fields.String(required=True)
    evidence = fields.String(required=True)


class SeasonalQuery(Paged):
    state = one_of(Standing, load_default="", metadata={"description": "Without it, all that are not rejected."})
    product = words(load_default="", metadata={"description": "Those with this product."})


class BeginGiven(Given):
    """`label` of the rule, for who works in the admin."""

    antecedent = words(least=1, required=True)
    consequent = words(least=1, required=True)
    label = words(100, load_default="")


class BegunAnswer(Schema):
    """`rule`: the draft of it. `season`: its name; `season_draft`: its draft, to be published with the rule, when none
    of the merchant's own is at that time."""

    rule = fields.String(required=True)
    season = fields.String(required=True)
    season_draft = fields.String(required=True, allow_none=True)


def add(counter: Counter) -> None:
    seasonal = counter.desk.seasonal

    @counter.operation(
        "GET", "/suggestions/seasonal", Role.VIEWER, "suggestions", answer=listed(SeasonalAnswer), query=SeasonalQuery
    )
    def list_seasonal_suggestions(query: dict[str, Any]) -> Any:
        """What goes together in a part of the year only, what comes next first; decided as other suggestions are"""
        every = seasonal.all(
            state=Standing(query["state"]) if query["state"] else None,
            products=[query["product"]] if query["product"] else None,
        )
        found, next = page(every, lambda each: f"{each.antecedent} {each.consequent}", query)
        near = seasonal.near(library().values())
        return answered([shown(each, near(each.seasonal.window)) for each in found], next)

    @counter.operation(
        "POST",
        "/suggestions/seasonal/rule",
        Role.EDITOR,
        "suggestions",
        answer=BegunAnswer,
        status=201,
        body=BeginGiven,
    )
    def begin_seasonal_rule(body: dict[str, Any]) -> Any:
        """Begin a draft of a rule that offers the second product for the first, in that time; what there is of it when
        that was done before"""
        begun = seasonal.begin(body["antecedent"], body["consequent"], body["label"])
        draft = begun.draft.id if begun.draft is not None else None
        answer = {"rule": begun.rule.id, "season": begun.season, "season_draft": draft}
        return answer, 201, {"Location": f"{counter.prefix}/drafts/{begun.rule.id}"}


def shown(found: Found, near: Season | None) -> dict[str, Any]:
    seen = found.seasonal
    said = f"{evidence(seen, found.antecedent, told(seen.window))}. {years(seen)}."
    answer = {name: getattr(found, name) for name in ("antecedent", "consequent", "state", "price", "currency")}
    answer |= {name: getattr(seen, name) for name in ("start", "end", *COUNTED)}
    return answer | {"season": near.label or near.name if near is not None else None, "evidence": said}
