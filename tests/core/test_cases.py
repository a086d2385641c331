"""The golden cases of cases.json, whose head says how to read them: data, so that another language could pass them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import Book
from flask_upsell.core.context import Cart, Context, Line, Policy
from flask_upsell.core.decision import decide
from flask_upsell.core.offer import Code
from flask_upsell.core.product import Product

from .build import NOW

FILE: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("cases.json").read_bytes())
DEFAULTS: dict[str, Any] = FILE["defaults"]
CASES: list[dict[str, Any]] = FILE["cases"]


def lines_of(rows: list[list[Any]], fill: int = 0) -> tuple[Line, ...]:
    rows = [["filler", 1, 100]] * fill + rows
    return tuple(
        Line("", row[0], 1, row[1]) if len(row) == 2 else Line(str(place), *row)
        for place, row in enumerate(rows, start=1)
    )


def context_of(case: dict[str, Any]) -> Context:
    given: dict[str, Any] = DEFAULTS["context"] | case.get("context", {})
    cart = lines_of(given["cart"], given["fill"])
    return Context(
        given["placement"], Cart(given["currency"], cart),
        cart if given["anchors"] is None else lines_of(given["anchors"]), NOW,
        declined=frozenset(given["declined"]), shown_elsewhere=frozenset(given["shown_elsewhere"]),
        capabilities=frozenset(given["capabilities"]),
        policy=msgspec.convert(DEFAULTS["policy"] | case.get("policy", {}), Policy),
    )  # fmt: skip


def book_of(case: dict[str, Any]) -> Book:
    changed = case.get("products", {})
    known = {
        ref: msgspec.convert({"ref": ref, **plain, **(changed.get(ref) or {})}, Product)
        for ref, plain in DEFAULTS["products"].items()
        if changed.get(ref, plain) is not None
    }

    def weighed(weights: dict[str, float]) -> tuple[Affinity, ...]:
        return tuple(Affinity(ref, weight, 10, 100, 50, 1000) for ref, weight in weights.items())

    return Book(
        "1.0",
        known,
        {
            ref: Affinities(**{kind: weighed(weights) for kind, weights in leads.items()})
            for ref, leads in case["leads"].items()
        },
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    made = decide(context_of(case), book_of(case))
    assert [
        {
            "kind": offer.kind,
            "product": offer.product.ref,
            "price": offer.quote.unit_price,
            "difference": offer.quote.difference,
        }
        for offer in made.offers
    ] == case["offers"]
    assert sorted([each.kind, each.product, each.trigger, each.code] for each in made.trace) == sorted(case["trace"])


def test_the_cases_know_every_code() -> None:
    assert {row[3] for case in CASES for row in case["trace"]} == set(Code)


def test_the_cases_say_what_they_mean() -> None:
    """A misspelt key would be a case that tests nothing."""
    assert len({case["name"] for case in CASES}) == len(CASES)
    for case in CASES:
        assert case.keys() <= {"name", "context", "policy", "products", "leads", "offers", "trace"}, case["name"]
        for part in ("context", "policy", "products"):
            assert case.get(part, {}).keys() <= DEFAULTS[part].keys(), case["name"]
        for leads in case["leads"].values():
            assert leads.keys() <= {"upgrades", "complements"}, case["name"]
        for changed in case.get("products", {}).values():
            assert (changed or {}).keys() <= set(Product.__struct_fields__), case["name"]


def test_the_defaults_are_the_policys() -> None:
    assert msgspec.to_builtins(Policy()) == DEFAULTS["policy"]
