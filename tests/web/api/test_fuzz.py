"""Whatever the document allows, and whatever it does not, as each role: no answer of 5xx, and each as documented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from flask_upsell import Role, faults
from flask_upsell.core.rule import Category, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from tests.web.admin.conftest import HERE
from tests.web.api.conftest import PREFIX, Caller
from tests.web.shop import parts_of

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.fixture
def stocked(app: Flask) -> Flask:
    """With a rule, a season, a ladder and a draft, so that what is named may be there."""
    offers, desk = parts_of(app).offers, parts_of(app).desk
    rule = Rule(name="0", offer=Category(name="Bags"))
    offers.rules.save(RuleBook(rules=(rule,), seasons=(Season(name="0"),), ladders={"0": ("a", "b")}), offers.clock())
    offers.publish_rules()
    desk.drafts.begin("rule", {"name": "tea", "offer": {"category": "Bags"}})
    return app


def known(app: Flask, operation: Any) -> dict[str, str]:
    """What the path of an operation may name that is there."""
    draft = parts_of(app).desk.drafts.all()
    ids = {"drafts": draft[0].id if draft else "gone", "options": "risky_percent", "revisions": "1"}
    name = ids.get(operation.path.split("/")[len(PREFIX.split("/"))], "0")
    return {each.name: name for each in operation.path_parameters}


def shoot(operation: Any, mode: Any, most: int, send: Callable[[Any, Any], None]) -> None:
    """Send so many requests to an operation, the same ones each time."""

    @seed(6)
    @settings(max_examples=most, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        send(operation, case)

    each()


@pytest.mark.soak
def test_everybody_may_send_anything(
    stocked: Flask, amount: Callable[[int, int], int], figure: Callable[[str, object, str], None]
) -> None:
    """A person of each role in turn. Half of the requests name what is there. Planted bug that it shows: an answer
    without a member that its schema promises."""
    people = [Caller(stocked, role.value) for role in Role]
    headers = [{**each.headers, **HERE, "X-Upsell-CSRF": each.form()} for each in people]
    schema = schemathesis.openapi.from_wsgi(f"{PREFIX}/openapi.json", stocked, headers=people[0].headers)
    answered: Counter[int] = Counter()

    def send(operation: Any, case: Any) -> None:
        number = sum(answered.values())
        given = dict(headers[-1 - number // 2 % len(headers)])
        if number % 2:
            case.path_parameters = known(stocked, operation)
            given["If-Match"] = "*"
        if number % 16:  # a machine's key that is none
            case.headers.pop("Authorization", None)
        response = case.call(headers=given)
        answered[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        for mode in MODES:
            shoot(found.ok(), mode, amount(2, 800), send)
    figure("requests of all roles", sum(answered.values()), "0 of 5xx, all as documented")
    figure("their statuses", dict(sorted(answered.items())), "")
    assert not faults.seen, faults.seen
    assert {200, 403, 404, 422} <= set(answered)
