"""The golden cases of cases.json, whose head says how to read them: data, so that another language could pass them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import Book
from flask_upsell.core.context import Capability, Cart, Context, Line, Policy, Visitor, mark
from flask_upsell.core.decision import decide
from flask_upsell.core.offer import Asked, Code, Kind, Offer, RuleCode
from flask_upsell.core.product import Product
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.rules import RuleSet

from .build import NOW

FILE: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("cases.json").read_bytes())
DEFAULTS: dict[str, Any] = FILE["defaults"]
CASES: list[dict[str, Any]] = FILE["cases"]
KEYS = {
    "name", "context", "policy", "products", "leads", "lists", "rules", "seasons", "ladders", "zone", "spent", "sold",
    "offers", "trace", "verdicts", "question",
}  # fmt: skip
PHONE = Line("1", "phone", 1, 60_000)


def lines_of(rows: list[list[Any]], fill: int = 0) -> tuple[Line, ...]:
    rows = [["filler", 1, 100]] * fill + rows
    return tuple(
        Line("", row[0], 1, row[1]) if len(row) == 2 else Line(str(place), *row)
        for place, row in enumerate(rows, start=1)
    )


def context_of(case: dict[str, Any]) -> Context:
    given: dict[str, Any] = DEFAULTS["context"] | case.get("context", {})
    lines = lines_of(given["cart"], given["fill"])
    beside = given["discount"], given["payment"], given["shipping"]
    cart = Cart(given["currency"], lines, tuple(given["coupons"]), *beside)
    return Context(
        given["placement"], cart, lines if given["anchors"] is None else lines_of(given["anchors"]),
        datetime.fromisoformat(given["at"]),
        visitor=msgspec.convert(DEFAULTS["context"]["visitor"] | given["visitor"], Visitor),
        declined=frozenset(given["declined"]), shown_elsewhere=frozenset(given["shown_elsewhere"]),
        capabilities=frozenset(given["capabilities"]),
        policy=msgspec.convert(DEFAULTS["policy"] | case.get("policy", {}), Policy),
        source=given["source"], answers=frozenset((question, answer) for question, answer in given["answers"]),
        asked=frozenset(given["asked"]), seen=frozenset([mark(ref) for ref in given["seen"]]),
        consent=given["consent"],
    )  # fmt: skip


def rules_of(case: dict[str, Any]) -> RuleSet:
    written = {part: case[part] for part in ("rules", "seasons", "ladders") if part in case}
    spent, sold = frozenset(case.get("spent", ())), case.get("sold", {})
    return RuleSet(msgspec.convert(written, RuleBook), case.get("zone", "UTC"), "1", spent, sold)


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
            ref: Affinities(weighed(leads.get("upgrades", {})), weighed(leads.get("complements", {})))
            for ref, leads in case["leads"].items()
        },
        {key: tuple(refs) for key, refs in case.get("lists", {}).items()},
        rules_of(case),
    )


def told(offer: Offer) -> dict[str, Any]:
    """An offer as a case writes it: what is usual is left out."""
    quote = offer.quote
    always = {
        "kind": offer.kind,
        "product": offer.product.ref,
        "price": quote.unit_price,
        "difference": quote.difference,
    }
    sometimes = {
        "normal": quote.normal,
        "rule": offer.rule or None,
        "beside": offer.beside or None,
        "without": quote.without,
        "free_shipping": quote.free_shipping or None,
        "variants": dict(quote.variants) or None,
        "headline": offer.copy and offer.copy.headline,
        "items": {item.product.ref: item.quote.unit_price for item in offer.items} or None,
        "title": offer.product.title if offer.kind is Kind.PROGRAMME else None,
        "terms": offer.terms or None,
    }
    return always | {name: value for name, value in sometimes.items() if value is not None}


def asked(question: Asked | None) -> dict[str, Any] | None:
    if question is None:
        return None
    return {"rule": question.rule, "words": question.words, "answers": dict(question.answers)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    made = decide(context_of(case), book_of(case))
    assert [told(offer) for offer in made.offers] == case["offers"]
    assert sorted([each.kind, each.product, each.trigger, each.code] for each in made.trace) == sorted(case["trace"])
    assert {each.rule: each.code for each in made.rules} == case.get("verdicts", {})
    assert asked(made.question) == case.get("question")


def test_the_cases_know_every_code() -> None:
    dropped = {row[3] for case in CASES for row in case["trace"]}
    without = {offer["without"] for case in CASES for offer in case["offers"] if "without" in offer}
    assert dropped | without == set(Code)
    assert not dropped & without, "a discount that is not given is no reason to drop the offer"


def test_the_cases_know_every_verdict() -> None:
    assert {code for case in CASES for code in case.get("verdicts", {}).values()} == set(RuleCode)


def test_the_cases_know_every_kind() -> None:
    assert {offer["kind"] for case in CASES for offer in case["offers"]} == set(Kind)


def test_the_cases_say_what_they_mean() -> None:
    """A misspelt key would be a case that tests nothing."""
    assert len({case["name"] for case in CASES}) == len(CASES)
    for case in CASES:
        assert case.keys() <= KEYS, case["name"]
        for part in ("context", "policy", "products"):
            assert case.get(part, {}).keys() <= DEFAULTS[part].keys(), case["name"]
        assert case.get("context", {}).get("visitor", {}).keys() <= set(Visitor.__struct_fields__), case["name"]
        assert all(key.startswith(("c:", "t:")) for key in case.get("lists", {})), case["name"]
        rules = {written["name"]: written for written in case.get("rules", ())}
        assert set(case.get("spent", ())) <= set(rules), case["name"]
        assert all("goal" in rules[name] for name in case.get("sold", {})), case["name"]
        for leads in case["leads"].values():
            assert leads.keys() <= {"upgrades", "complements"}, case["name"]
        for changed in case.get("products", {}).values():
            assert (changed or {}).keys() <= set(Product.__struct_fields__), case["name"]


def test_the_defaults_are_the_policys_and_a_store_that_can_do_everything() -> None:
    # The cases allow a complement to be dearer than what it goes with, as a store may.
    policy = Policy(complement_times=4)
    assert msgspec.to_builtins(policy) == DEFAULTS["policy"]
    assert context_of({}) == Context(
        "cart",
        Cart("EUR", (PHONE,)),
        (PHONE,),
        NOW,
        Visitor("visitor"),
        capabilities=frozenset(Capability),
        policy=policy,
    )
