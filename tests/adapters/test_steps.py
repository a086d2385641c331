"""Steps of drafts, and what rules earned, in SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert

from flask_upsell.adapters.audit import acting
from flask_upsell.adapters.drafts import SQLDrafts
from flask_upsell.adapters.rulelist import SQLRuleList
from flask_upsell.adapters.steps import Kept, SQLSteps
from flask_upsell.adapters.tables import acceptances, conversions

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_steps_are_of_one_draft_and_go_with_it(engine: Engine) -> None:
    drafts, steps = SQLDrafts(engine, "shop"), SQLSteps(engine, "shop")
    with acting("ada", ""):
        draft = drafts.make("rule", "", 0, {"name": "a"}, NOW)
    assert steps.load(draft.id) == Kept()
    for kept in (Kept([{"name": "a"}], [], "tab"), Kept([], [{"name": "b"}], "other")):
        steps.keep(draft.id, kept)
        assert steps.load(draft.id) == kept
    assert SQLSteps(engine, "other").load(draft.id) == Kept()
    drafts.drop(draft.id)
    assert steps.load(draft.id) == Kept()


def test_what_rules_earned(engine: Engine) -> None:
    def order(id: str, rule: str, revenue: int, days: int, instance: str = "shop", currency: str = "EUR") -> None:
        beside = {"instance": instance, "placement": "cart", "kind": "complement", "product": "a", "quantity": 1}
        accepted = {
            "id": id, "visitor": "v", "state": "ordered", "offer": "o", "unit_price": 100, "currency": currency,
            "title": "A", "line": "1", "rule": rule, "accepted_at": NOW,
        }  # fmt: skip
        converted = {
            "order_ref": id, "acceptance": id, "revenue": revenue, "currency": currency,
            "ordered_at": NOW - timedelta(days=days),
        }  # fmt: skip
        with engine.begin() as connection:
            connection.execute(insert(acceptances).values(**beside, **accepted))
            connection.execute(insert(conversions).values(**beside, **converted))

    order("1", "tea", 500, 1)
    order("2", "tea", 700, 2)
    order("3", "tea", 900, 40)
    order("4", "cups", 100, 1, currency="USD")
    order("5", "tea", 100, 1, instance="other")
    found = SQLRuleList(engine, "shop")
    assert found.earned(["tea", "cups", "none"], NOW - timedelta(days=30)) == {
        "tea": {"EUR": 1200},
        "cups": {"USD": 100},
    }
    assert found.earned([], NOW) == {}
    assert found.bodies() == []
