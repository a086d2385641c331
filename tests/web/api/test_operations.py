"""What a machine does all day: drafts, publishing, going back, lists by pages, the same request twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from flask_upsell.adapters.api_requests import SQLRequests
from flask_upsell.core.affinity import Affinity
from flask_upsell.core.kind import Kind
from flask_upsell.core.rule import Category, Discount, Off, Rule, Status
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.seasonal import Seasonal
from tests.web.api.conftest import PREFIX, Caller, MakeCaller
from tests.web.shop import GOODS, parts_of

BAGS = {
    "name": "bags",
    "offer": {"category": "Bags", "most": 1},
    "discount": {"percent": 10},
    "when": {"signed_in": True},
}
TEA = {"kind": "rule", "written": {"name": "tea", "offer": {"category": "Bags"}, "most": 3}}


@pytest.fixture
def rules(app: Flask) -> list[str]:
    offers = parts_of(app).offers
    names = [f"rule {number}" for number in range(5)]
    offers.rules.save(
        RuleBook(rules=tuple(Rule(name=name, offer=Category(name="Bags")) for name in names)), offers.clock()
    )
    offers.publish_rules()
    return names


def test_a_draft_from_its_first_word_to_the_page_and_back(machine: MakeCaller, caller: MakeCaller) -> None:
    emil, anna = machine("editor", "emil"), caller("approver", "anna")
    begun = emil.post("/drafts", {"kind": "rule"})
    assert (begun.status_code, begun.headers["ETag"], begun.json["problems"] != []) == (201, '"1"', True)  # type: ignore[index]
    where = begun.headers["Location"].removeprefix(PREFIX)
    id = begun.json["id"]  # type: ignore[index]
    assert emil.post(f"{where}/submit", {}, **{"If-Match": '"1"'}).status_code == 422
    saved = emil.put(where, {"written": TEA["written"], "note": "for spring"}, **{"If-Match": '"1"'})
    assert (saved.status_code, saved.json["version"], saved.json["problems"]) == (200, 2, [])  # type: ignore[index]
    assert emil.post(f"{where}/submit", {}, **{"If-Match": '"2"'}).json["state"] == "review"  # type: ignore[index]
    stale = anna.post("/drafts/publish", {"drafts": [{"id": id, "version": 2}]})
    assert (stale.status_code, stale.json["type"]) == (409, "urn:flask-upsell:stale")  # type: ignore[index]
    live = anna.post("/drafts/publish", {"drafts": [{"id": id, "version": 3}], "why": "spring"})
    assert live.json["added"] == ["rule tea"]  # type: ignore[index]
    assert emil.get("/rules/tea").json["written"] == TEA["written"]  # type: ignore[index]
    assert emil.get(where).status_code == 404
    change = emil.post("/drafts", {"kind": "rule", "origin": "tea"})
    assert change.json["written"]["most"] == "3"  # type: ignore[index]
    again = emil.post("/drafts", {"kind": "rule", "origin": "tea", "remove": True})
    assert (again.status_code, again.json["id"]) == (200, change.json["id"])  # type: ignore[index]
    assert emil.get("/rules/tea").json["draft"] == change.json["id"]  # type: ignore[index]
    there = f"/drafts/{change.json['id']}"  # type: ignore[index]
    assert emil.delete(there, **{"If-Match": "*"}).status_code == 204
    gone = emil.post("/drafts", {"kind": "rule", "origin": "tea", "remove": True}).json
    removed = anna.post("/drafts/publish", {"drafts": [{"id": gone["id"], "version": 1}]})  # type: ignore[index]
    assert removed.json["removed"] == ["rule tea"]  # type: ignore[index]
    revisions = emil.get("/revisions").json["items"]  # type: ignore[index]
    assert [each["revision"] for each in revisions] == [2, 1]
    assert [rule["name"] for rule in emil.get("/revisions/1").json["rules"]] == ["tea"]  # type: ignore[index]
    assert anna.post("/revisions/1/rollback", {"why": "a mistake"}).json["added"] == ["rule tea"]  # type: ignore[index]
    assert anna.post("/revisions/9/rollback", {}).status_code == 404


def test_of_two_who_save_one_is_told(machine: MakeCaller) -> None:
    """Planted bug that it shows: `matches` does not look at the version."""
    one, two = machine("editor", "one"), machine("editor", "two")
    where = one.post("/drafts", TEA).headers["Location"].removeprefix(PREFIX)
    assert one.put(where, {"written": {}}).status_code == 428
    assert two.put(where, {"written": {"name": "mine"}}, **{"If-Match": '"1"'}).status_code == 200
    late = one.put(where, {"written": {}}, **{"If-Match": '"1"'})
    assert late.status_code == 412
    assert late.json["current"]["written"] == {"name": "mine"}  # type: ignore[index]
    assert late.headers["ETag"] == '"2"'
    for wrong in ("", "x", 'W/"2"', '"1", "3"'):
        assert one.put(where, {"written": {}}, **{"If-Match": wrong}).status_code == 412, wrong
    assert one.put(where, {"written": {}}, **{"If-Match": '"1", "2"'}).status_code == 200


def test_what_has_not_changed_is_not_sent_again(machine: MakeCaller, rules: list[str]) -> None:
    here = machine("approver")
    first = here.get("/rules")
    same = here.get("/rules", **{"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
    here.post("/rules/rule 1/pause")
    assert here.get("/rules", **{"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_lists_come_by_pages_also_while_others_write(app: Flask, machine: MakeCaller, rules: list[str]) -> None:
    """Planted bug that it shows: a cursor is the number of items before it."""
    here, seen, where = machine("viewer"), [], "/rules?limit=2"
    while where:
        answer = here.get(where)
        seen += [each["name"] for each in answer.json["items"]]  # type: ignore[index]
        if len(seen) == 2:  # the first is gone meanwhile
            offers = parts_of(app).offers
            offers.rules.save(RuleBook(rules=offers.rules.load().rules[1:]), offers.clock())
        link = answer.headers.get("Link", "")
        assert link.endswith('>; rel="next"') or not link
        where = link.removeprefix(f"<{PREFIX}").partition(">")[0]
    assert seen == rules
    for cursor in ("x", "é", "W10", "WzEsMl0", "a" * 401):
        assert here.get(f"/rules?cursor={cursor}").status_code == 422, cursor


def test_rules_are_looked_for(machine: MakeCaller, rules: list[str]) -> None:
    here = machine("approver")
    assert [each["name"] for each in here.get("/rules?q=RULE 3").json["items"]] == ["rule 3"]  # type: ignore[index]
    assert here.post("/rules/rule 3/pause").json["status"] == "paused"  # type: ignore[index]
    assert [each["position"] for each in here.get("/rules?status=paused").json["items"]] == [4]  # type: ignore[index]
    assert here.post("/rules/none/pause").status_code == 404


def test_a_rule_is_moved(app: Flask, machine: MakeCaller, rules: list[str]) -> None:
    here, offers = machine("approver"), parts_of(app).offers

    def order() -> list[str]:
        return [rule.name.removeprefix("rule ") for rule in offers.rules.load().rules]

    assert here.post("/rules/rule 3/move", {"way": "up"}).json["changed"]  # type: ignore[index]
    assert order() == ["0", "1", "3", "2", "4"]
    moved = here.post("/rules/rule 3/move", {"way": "before", "target": "rule 0"}, **{"X-Upsell-Why": "spring"})
    assert (moved.status_code, order()) == (200, ["3", "0", "1", "2", "4"])
    assert [rule.name for rule in offers.shelf.read(()).rules.book.rules] == [f"rule {each}" for each in order()]
    revision = here.get("/revisions?limit=1").json["items"][0]["revision"]  # type: ignore[index]
    assert revision == moved.json["revision"]  # type: ignore[index]
    stale = here.post("/rules/rule 3/move", {"way": "down", "revision": revision - 1})
    assert (stale.status_code, stale.json["type"]) == (409, "urn:flask-upsell:stale")  # type: ignore[index]
    assert here.post("/rules/nobody/move", {"way": "up"}).status_code == 404
    for wrong in ({}, {"way": "left"}, {"way": "after"}, {"way": "after", "target": "nobody"}):
        assert here.post("/rules/rule 3/move", wrong).status_code == 422, wrong
    assert order() == ["3", "0", "1", "2", "4"]


def test_what_is_risky_to_resume_takes_a_second_person(app: Flask, machine: MakeCaller) -> None:
    """Planted bug that it shows: a rule's status is none of what is judged."""
    offers = parts_of(app).offers
    half = Discount(off=Off.PERCENT, percent=5000)
    rule = Rule(name="half", offer=Category(name="Bags"), discount=half, status=Status.PAUSED)
    offers.rules.save(RuleBook(rules=(rule,)), offers.clock())
    anna, olga = machine("approver", "anna"), machine("owner", "olga")
    answer = anna.post("/rules/half/resume")
    assert (answer.status_code, answer.json["type"]) == (409, "urn:flask-upsell:risk")  # type: ignore[index]
    assert {each["code"] for each in answer.json["risks"]} >= {"above_percent"}  # type: ignore[index]
    assert anna.get("/rules/half").json["status"] == "paused"  # type: ignore[index]
    draft = anna.post("/drafts", {"kind": "rule", "origin": "half"}).json
    written = {**draft["written"], "status": "active"}  # type: ignore[index]
    anna.put(f"/drafts/{draft['id']}", {"written": written}, **{"If-Match": "*"})  # type: ignore[index]
    named = {"drafts": [{"id": draft["id"], "version": 2}]}  # type: ignore[index]
    assert anna.post("/drafts/publish", named).status_code == 409
    assert olga.post("/drafts/publish", named).status_code == 200
    assert anna.post("/rules/half/pause", **{"X-Upsell-Why": "too dear"}).json["status"] == "paused"  # type: ignore[index]
    assert anna.get("/audit?limit=1").json["items"][0]["why"] == "too dear"  # type: ignore[index]


def test_the_audit_is_read_backwards(machine: MakeCaller, caller: MakeCaller) -> None:
    here = machine("approver")
    for on in (False, True, False):
        here.put("/switch", {"on": on})
    first = here.get("/audit?limit=2&what=switched").json
    rest = here.get(f"/audit?limit=2&what=switched&cursor={first['next']}").json  # type: ignore[index]
    assert [row["what"] for row in [*first["items"], *rest["items"]]] == ["switched off", "switched on", "switched off"]  # type: ignore[index]
    assert rest["next"] is None  # type: ignore[index]


def test_options(caller: MakeCaller) -> None:
    assert caller().put("/options/risky_percent", {"value": 40}).json["value"] == 40  # type: ignore[index]
    assert caller().put("/options/risky_percent", {"value": "much"}).status_code == 422
    assert caller().put("/options/colour", {"value": 1}).status_code == 404
    assert caller().get("/options").json["items"][1]["value"] == 40  # type: ignore[index]


def test_a_cart_is_explained_with_drafts_and_without(machine: MakeCaller) -> None:
    here = machine("editor")
    cart = {"cart": [{"product": "laptop"}], "at": "2027-02-10T12:00", "zone": "Europe/Rome", "groups": ["members"]}
    plain = here.post("/explain", cart).json
    assert [each["product"] for each in plain["offers"]] == ["plus", "bag"]  # type: ignore[index]
    draft = here.post("/drafts", {"kind": "rule", "written": BAGS}).json["id"]  # type: ignore[index]
    wrong = here.post("/explain", {**cart, "drafts": [draft]})
    assert wrong.status_code == 422, wrong.text
    given = {**BAGS, "offer": {"category": "Bags"}, "when": {"lines": {"category": "Laptops"}}}
    here.put(f"/drafts/{draft}", {"written": given}, **{"If-Match": "*"})
    then = here.post("/explain", {**cart, "drafts": [draft]}).json
    assert [each["code"] for each in then["rules"]] == ["applied"]  # type: ignore[index]
    assert {(each["product"], each["price"]) for each in then["offers"]} >= {("bag", 5310)}  # type: ignore[index]
    assert here.post("/explain", {"cart": [{"product": "nowhere"}]}).status_code == 422


def test_a_run_is_asked_for_once(machine: MakeCaller) -> None:
    here = machine("editor")
    asked = here.post("/runs", {"job": "learn"})
    assert (asked.status_code, asked.json["state"]) == (202, "queued")  # type: ignore[index]
    assert here.get(asked.headers["Location"].removeprefix(PREFIX)).json == asked.json
    assert here.post("/runs", {"job": "learn"}).status_code == 409
    assert here.post(f"/runs/{asked.json['id']}/cancel").status_code == 409  # type: ignore[index]
    assert len(here.get("/runs?job=learn").json["items"]) == 1  # type: ignore[index]


def test_a_simulation_is_asked_for_and_cancelled(machine: MakeCaller, rules: list[str]) -> None:
    here = machine("editor")
    assert here.post("/runs", {"job": "simulate"}).status_code == 422
    asked = here.post("/runs", {"job": "simulate", "rules": ["rule 1"], "orders": 10})
    assert asked.status_code == 202, asked.text
    assert here.post(f"/runs/{asked.json['id']}/cancel").json["state"] == "cancelled"  # type: ignore[index]


def test_seasonal_suggestions_are_read_and_made_rules_of(app: Flask, machine: MakeCaller) -> None:
    ledger = parts_of(app).offers.ledger
    evidence = (42, 310, 900, 5.21, 3, 2100, 0.9, 2, 30.0)
    ledger.save_seasonal([Seasonal("laptop", to, "12-20", "01-06", *evidence) for to in ("bag", "card")])
    here = machine("editor")
    (first,) = here.get("/suggestions/seasonal?limit=1&product=bag").json["items"]  # type: ignore[index]
    assert (first["start"], first["end"], first["together"], first["base"]) == ("12-20", "01-06", 42, 310)
    assert (first["outside_together"], first["outside_base"], first["years"]) == (3, 2100, 2)
    assert first["evidence"].startswith(
        "Together in 42 of 310 orders with laptop from December 20 to January 6; otherwise"
    )
    pair = {"antecedent": "laptop", "consequent": "bag"}
    begun = here.post("/suggestions/seasonal/rule", {**pair, "label": "Bags for the new year"})
    assert begun.status_code == 201, begun.text
    draft = here.get(f"/drafts/{begun.json['rule']}").json  # type: ignore[index]
    assert (draft["kind"], draft["problems"], draft["written"]["label"]) == ("rule", [], "Bags for the new year")  # type: ignore[index]
    assert draft["written"]["schedule"] == {"seasons": [begun.json["season"]]}  # type: ignore[index]
    assert here.get(f"/drafts/{begun.json['season_draft']}").json["kind"] == "season"  # type: ignore[index]
    card = {"antecedent": "laptop", "consequent": "card", "kind": "seasonal"}
    assert here.post("/suggestions/decide", {"decision": "approve", "pairs": [card]}).status_code == 422
    assert here.post("/suggestions/decide", {"decision": "reject", "pairs": [card]}).status_code == 200
    states = {each["consequent"]: each["state"] for each in here.get("/suggestions/seasonal").json["items"]}  # type: ignore[index]
    assert states == {"bag": "approved"}
    assert here.post("/suggestions/seasonal/rule", {"antecedent": "laptop", "consequent": "card"}).status_code == 422
    assert len(here.get("/suggestions/seasonal?state=rejected").json["items"]) == 1  # type: ignore[index]


def test_suggestions_are_read_and_decided(app: Flask, machine: MakeCaller) -> None:
    ledger = parts_of(app).offers.ledger
    affinities = [
        Affinity(to, weight, 38, 412, 60, 6000) for to, weight in (("bag", 5.0), ("card", 4.0), ("socks", 3.0))
    ]
    ledger.save_affinities([(Kind.COMPLEMENT, "laptop", each) for each in affinities])
    here = machine("editor")
    first = here.get("/suggestions?limit=2").json
    rest = here.get(f"/suggestions?limit=2&cursor={first['next']}").json  # type: ignore[index]
    found = [*first["items"], *rest["items"]]  # type: ignore[index]
    assert {each["consequent"] for each in found} == {"bag", "card", "socks"}
    assert (found[0]["together"], found[0]["base"]) == (38, 412)
    given = {"decision": "reject", "pairs": [{"antecedent": "laptop", "consequent": "bag"}], "why": "too dear"}
    assert here.post("/suggestions/decide", given).status_code == 200
    rejected = here.get("/suggestions?state=rejected&product=laptop").json["items"]  # type: ignore[index]
    assert [each["consequent"] for each in rejected] == ["bag"]
    for decision in ("never", "take back", "approve"):
        assert here.post("/suggestions/decide", {**given, "decision": decision}).status_code == 200
    assert len(here.get("/suggestions?state=approved").json["items"]) == 1  # type: ignore[index]
    same = {"decision": "approve", "pairs": [{"antecedent": "bag", "consequent": "bag"}]}
    assert here.post("/suggestions/decide", same).status_code == 422


def test_products_are_found_and_told_of(app: Flask, machine: MakeCaller) -> None:
    parts_of(app).offers.publish()
    here, seen, where = machine("editor"), [], "/products?limit=3"
    while where:
        answer = here.get(where)
        seen += [each["ref"] for each in answer.json["items"]]  # type: ignore[index]
        where = answer.headers.get("Link", "").removeprefix(f"<{PREFIX}").partition(">")[0]
    assert seen == sorted(each.ref for each in GOODS)
    assert [each["ref"] for each in here.get("/products?q=canv").json["items"]] == ["bag"]  # type: ignore[index]
    assert here.get("/products/bag").json["price"] == 5900  # type: ignore[index]
    assert here.get("/products/none").status_code == 404
    note = {"excluded": True, "sensitive": False, "fits": ["GB"]}
    assert here.put("/products/bag/note", note).json == note
    assert here.get("/products/bag/note").json == note


def test_results_by_day(machine: MakeCaller) -> None:
    here = machine("viewer")
    assert here.get("/days?since=2026-01-01&rule=").json == {"items": [], "next": None}
    assert here.get("/days?since=yesterday").status_code == 422


# --- the same request twice ------------------------------------------------------------------------------------------


def test_what_is_sent_again_is_done_once(machine: MakeCaller) -> None:
    """Planted bug that it shows: the answer is kept but the request is done again."""
    here, other = machine("editor", "a"), machine("editor", "b")
    once = {"Idempotency-Key": "k1"}
    first, again = here.post("/drafts", TEA, **once), here.post("/drafts", TEA, **once)
    assert first.json == again.json
    assert [again.headers[name] for name in ("Location", "ETag", "Idempotent-Replayed")] == [
        first.headers["Location"], '"1"', "true",
    ]  # fmt: skip
    assert other.post("/drafts", TEA, **once).json["id"] != first.json["id"]  # type: ignore[index]
    reused = here.post("/drafts", {"kind": "season"}, **once)
    assert (reused.status_code, reused.json["type"]) == (422, "urn:flask-upsell:key-reused")  # type: ignore[index]
    assert len(here.get("/drafts").json["items"]) == 2  # type: ignore[index]


def test_what_failed_may_be_sent_again(machine: MakeCaller) -> None:
    here, once = machine("editor"), {"Idempotency-Key": "k1"}
    assert here.post("/drafts", {"kind": "hat"}, **once).status_code == 422
    assert here.post("/drafts", TEA, **once).status_code == 201
    for wrong in ("", "a b", "x" * 65):
        assert here.post("/drafts", TEA, **{"Idempotency-Key": wrong}).status_code == 422, wrong


def test_a_key_that_was_made_is_kept_nowhere(app: Flask, caller: MakeCaller) -> None:
    """Planted bug that it shows: what is kept for those who ask again has the key in it."""
    once = {"Idempotency-Key": "k1"}
    first = caller().post("/keys", {"name": "till", "role": "viewer"}, **once).json
    again = caller().post("/keys", {"name": "till", "role": "viewer"}, **once).json
    assert first is not None
    assert Caller(app, key=first["key"]).get("/me").json["name"] == "machine:till"  # type: ignore[index]
    assert again == {**first, "key": None}
    assert caller().delete(f"/keys/{first['id']}").status_code == 200
    assert Caller(app, key=first["key"]).get("/me").status_code == 401


def test_two_at_once_are_one(app: Flask, machine: MakeCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine("editor")
    # Whoever asks while the first is at work: its row is there, and has no answer.
    monkeypatch.setattr(SQLRequests, "end", lambda *_: None)
    assert here.post("/drafts", TEA, **{"Idempotency-Key": "k1"}).status_code == 201
    busy = here.post("/drafts", TEA, **{"Idempotency-Key": "k1"})
    assert (busy.status_code, busy.json["type"], busy.headers["Retry-After"]) == (409, "urn:flask-upsell:busy", "1")  # type: ignore[index]
    monkeypatch.undo()

    def send(number: int) -> int:
        return (
            Caller(app, key=here.headers["Authorization"][7:])
            .post("/drafts", TEA, **{"Idempotency-Key": "k2"})
            .status_code
        )

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(send, range(6)))
    assert set(found) <= {201, 409}
    assert len(here.get("/drafts").json["items"]) == 2  # type: ignore[index]
