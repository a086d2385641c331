"""Files through the API: looked at first, done as they were looked at, and written out again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from flask_upsell.core.rule import Category, Rule
from flask_upsell.core.rulebook import RuleBook
from tests.web.admin.test_files import GOODS_FILE, LADDERS, ORDERS, PAIRS, RULES
from tests.web.api.conftest import PREFIX, Caller, MakeCaller
from tests.web.shop import parts_of

COUNTS = ("added", "changed", "removed", "unchanged")


def look(here: Caller, what: str, text: str, **more: Any) -> dict[str, Any]:
    answer = here.post("/imports", {"what": what, "text": text, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    assert answer.headers["Location"] == f"{PREFIX}/imports/{found['id']}"
    assert here.get(f"/imports/{found['id']}").json == found
    return found


def apply(here: Caller, found: dict[str, Any], **headers: str) -> Any:
    return here.post(f"/imports/{found['id']}/apply", {"seal": found["seal"]}, **headers)


def test_rules_become_drafts(app: Flask, machine: MakeCaller) -> None:
    offers, here = parts_of(app).offers, machine("editor")
    live = RuleBook(rules=(Rule(name="bags", offer=Category(name="Socks")), Rule(name="old", offer=Category(name="X"))))
    offers.rules.save(live, datetime.now(UTC))
    assert [look(here, "rules", RULES)[name] for name in COUNTS] == [0, 1, 0, 0]
    found = look(here, "rules", RULES, replace=True, name="spring.yaml")
    assert [found[name] for name in COUNTS] == [0, 1, 1, 0]
    assert {"how": "removed", "name": "rule old"}.items() <= found["changes"][1].items()
    assert {"name": "offer.category", "before": "Socks", "after": "Bags"} in found["changes"][0]["fields"]
    assert here.get("/drafts").json["items"] == []  # type: ignore[index]
    assert apply(here, found).json == {"done": 2, "run": None}
    assert offers.rules.load() == live
    assert {each["origin"] for each in here.get("/drafts").json["items"]} == {"bags", "old"}  # type: ignore[index]
    assert apply(here, found).status_code == 404
    other = look(here, "rules", RULES.replace("Bags", "Cards"))
    assert "is changing it already" in other["problems"][0]
    assert apply(here, other).status_code == 409


def test_pairs_are_decided_once(app: Flask, machine: MakeCaller) -> None:
    """Planted bug that it shows: an id is enough to import what another one sent."""
    here, desk = machine("editor", "a"), parts_of(app).desk
    found = look(here, "pairs", PAIRS)
    assert [found[name] for name in COUNTS] == [2, 0, 0, 0]
    assert desk.imports._kept.decided() == {}
    other = machine("owner", "b")
    assert other.get(f"/imports/{found['id']}").status_code == 404, "it is its sender's own"
    assert apply(other, found).status_code == 404
    once = {"Idempotency-Key": "k1"}
    assert apply(here, found, **once).json == apply(here, found, **once).json == {"done": 2, "run": None}
    assert len(desk.imports._kept.decided()) == 2


def test_what_was_changed_meanwhile_is_told(machine: MakeCaller) -> None:
    a, b = machine("editor", "a"), machine("editor", "b")
    found, other = look(a, "pairs", PAIRS), look(b, "pairs", "for,to,verdict\nlaptop,bag,reject\n")
    assert apply(b, other).status_code == 200
    stale = apply(a, found)
    assert (stale.status_code, stale.json["type"]) == (409, "urn:flask-upsell:stale")
    assert [stale.json["current"][name] for name in COUNTS] == [1, 1, 0, 0]
    assert apply(a, stale.json["current"]).status_code == 200


def test_orders_take_an_approver(app: Flask, machine: MakeCaller) -> None:
    """Planted bug that it shows: the role is that of all imports."""
    emil, anna = machine("editor", "emil"), machine("approver", "anna")
    answer = apply(emil, look(emil, "orders", ORDERS))
    assert (answer.status_code, answer.json["type"]) == (403, "urn:flask-upsell:role")
    assert apply(anna, look(anna, "orders", ORDERS)).json == {"done": 1, "run": None}
    kept = emil.get("/imported-orders").json
    assert (kept["orders"], kept["lines"], kept["first"][:10]) == (1, 2, "2026-05-01")  # type: ignore[index]
    assert emil.delete("/imported-orders").status_code == 403
    assert anna.delete("/imported-orders").json == kept
    assert anna.get("/imported-orders").json == {"orders": 0, "lines": 0, "first": None, "last": None}


def test_ladders_become_drafts(app: Flask, machine: MakeCaller) -> None:
    here = machine("editor")
    found = look(here, "ladders", LADDERS)
    assert [found[name] for name in COUNTS] == [1, 0, 0, 0]
    assert apply(here, found).json == {"done": 1, "run": None}
    assert [(each["kind"], each["name"]) for each in here.get("/drafts").json["items"]] == [("ladder", "phones")]  # type: ignore[index]
    assert parts_of(app).offers.rules.load().ladders == {}


def test_products_take_an_approver(app: Flask, machine: MakeCaller) -> None:
    """Planted bug that it shows: only orders take one."""
    emil, anna = machine("editor", "emil"), machine("approver", "anna")
    answer = apply(emil, look(emil, "products", GOODS_FILE))
    assert (answer.status_code, answer.json["type"]) == (403, "urn:flask-upsell:role")
    found = look(anna, "products", GOODS_FILE)
    assert apply(anna, found).json == {"done": found["added"], "run": None}
    assert emil.get("/imported-products").json == {"products": found["added"]}
    assert emil.delete("/imported-products").status_code == 403
    assert anna.delete("/imported-products").json == {"products": found["added"]}
    assert anna.get("/imported-products").json == {"products": 0}


def test_it_is_thrown_away(machine: MakeCaller) -> None:
    here = machine("editor")
    found = look(here, "pairs", PAIRS)
    assert here.delete(f"/imports/{found['id']}").status_code == 204
    assert here.get(f"/imports/{found['id']}").status_code == 404
    assert here.delete(f"/imports/{found['id']}").status_code == 404


def test_what_is_exported_is_imported_without_a_change(app: Flask, machine: MakeCaller) -> None:
    here, offers = machine("approver"), parts_of(app).offers
    offers.rules.save(RuleBook(rules=(Rule(name="bags", offer=Category(name="Bags")),)), datetime.now(UTC))
    apply(here, look(here, "pairs", PAIRS.replace("fits", "=1+1")))
    for what, form, name in (
        ("rules", "", "rules.yaml"),
        ("rules", "?format=csv", "rules.csv"),
        ("pairs", "", "pairs.csv"),
        ("pairs", "?format=yaml", "pairs.yaml"),
    ):
        file = here.get(f"/exports/{what}{form}").json
        assert file["name"] == name  # type: ignore[index]
        found = look(here, what, file["text"])  # type: ignore[index]
        assert [found[name] for name in COUNTS][:3] == [0, 0, 0] and found["unchanged"] >= 1
    for what in ("ladders", "products"):
        assert here.get(f"/exports/{what}").json["name"] == f"{what}.csv"  # type: ignore[index]
    assert here.get("/exports/results").json["text"].startswith("placement,")  # type: ignore[index]
    assert here.get("/exports/nothing").status_code == 404
    refused = here.get("/exports/products?format=yaml")
    assert refused.status_code == 422 and "written as csv" in refused.text


@pytest.mark.parametrize(
    ("what", "text", "words"),
    [
        ("pairs", "", "The file is empty"),
        ("pairs", "for,to,verdict\na,b,maybe\n", "line 2: verdict: maybe is no verdict"),
        ("pairs", 'for,to,verdict\na,"b,x\n', "line 2: A quotation mark opens here"),
        ("orders", "order,date,product\n1,yesterday,x\n", "line 2: date: yesterday is no date"),
        ("orders", "order,date,product\n", "There is no order in it"),
        ("products", "sku,title,price\n", "There is no product in it"),
        ("ladders", "ladder,product\n", "There is no ladder in it"),
        ("rules", "rules: [", "is no YAML"),
        ("rules", "rules:\n  - name: x\n    offer: {season: y}\n", "line 3"),
        ("rules", "x" * 1_000_001, "larger than 1 MB"),
        ("hats", "x", "Must be one of"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(machine: MakeCaller, what: str, text: str, words: str) -> None:
    here = machine("editor")
    answer = here.post("/imports", {"what": what, "text": text})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert words in " ".join(each["detail"] for each in answer.json["errors"]), answer.json  # type: ignore[index]


def test_large_files_are_taken_and_larger_ones_refused(machine: MakeCaller) -> None:
    here = machine("editor")
    lines = "".join(f"{'A' * 100}{number},2026-05-01,bag,1,5.00\n" for number in range(9000))
    assert look(here, "orders", "order,date,product,quantity,price\n" + lines)["added"] == 9000
    assert here.post("/imports", {"what": "orders", "text": "x" * 40_000_001}).status_code == 413
    assert here.post("/explain", {"cart": [], "at": "x" * 1_100_000}).status_code == 413
