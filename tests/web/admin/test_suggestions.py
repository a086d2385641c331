"""The pages of suggestions and products, as persons of each role use them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from flask_upsell import Product
from flask_upsell.core.affinity import Affinity
from flask_upsell.core.kind import Kind
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk.verdicts import State
from tests.web.admin.conftest import HERE, Clerk, MakeClerk, by_header
from tests.web.conftest import Serve
from tests.web.shop import SessionStore, parts_of

ODD = 'odd/ü "<b>'
GOODS = (
    Product("phone", "Phone", 60000, "EUR", category="Phones", attributes={"Model": "X1"}),
    Product("case", "Case", 2900, "EUR", category="Cases", attributes={"Model": "X1"}, image="/case.png"),
    Product("plus", "Phone Plus", 72000, "EUR", category="Phones", attributes={"Model": "X2"}),
    Product(ODD, "Odd <b>thing</b>", 500, "EUR"),
)
LEARNED = [
    (Kind.COMPLEMENT, "phone", Affinity("case", 9.0, 47, 412, 60, 6000)),
    (Kind.COMPLEMENT, "phone", Affinity(ODD, 5.0, 5, 412, 9, 6000)),
    (Kind.UPGRADE, "phone", Affinity("plus", 0.3, 120, 519, 120, 6000)),
]


@pytest.fixture
def app(serve: Serve) -> Flask:
    made = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header)
    offers = parts_of(made).offers
    offers.ledger.save_affinities(LEARNED)
    offers.rules.save(RuleBook(ladders={"phones": ("phone", "plus")}), offers.clock())
    offers.publish()
    return made


def leads(app: Flask, ref: str = "phone") -> list[str]:
    """What the live book leads to, as it would be published now."""
    offers = parts_of(app).offers
    offers.publish()
    found = offers.shelf.read([ref]).leads_to(ref)
    return sorted(each.consequent for each in (*found.upgrades, *found.complements))


def keys(page: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'type="checkbox" name="pair" value="([^"]*)"', page)]


def post(clerk: Clerk, path: str, *pairs: tuple[str, str]) -> Any:
    """With fields that are there several times."""
    given = MultiDict([("csrf", clerk.token()), *pairs])
    return clerk.client.post(f"/upsell/admin{path}", data=given, headers={**clerk.headers, **HERE})


def test_what_was_learned_is_told_in_words(clerk: MakeClerk) -> None:
    page = clerk("viewer").get("/suggestions").text
    assert "Bought together in 47 orders, 11.4 times as often as by chance" in page
    assert "Chosen in 120 of 519 orders of its kind" in page
    assert page.index("Phone Plus") < page.index("Bought together in 47")
    assert "Odd &lt;b&gt;thing&lt;/b&gt;" in page
    assert "live by itself" in page
    assert "csrf" not in page.partition("<table")[2].partition("</table>")[0]
    assert keys(page) == [], "a viewer decides nothing"
    assert len(keys(clerk("editor").get("/suggestions?q=case").text)) == 1
    assert "Nothing is like that" in clerk().get("/suggestions?state=rejected").text


def test_decisions_hold_for_what_is_published(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: `publish` does not ask for verdicts."""
    emil = clerk("editor", "emil")
    plus, case, odd = keys(emil.get("/suggestions").text)
    assert leads(app) == ["case", ODD, "plus"]
    answer = post(
        emil,
        "/suggestions/decide",
        ("do", "reject"),
        ("pair", case),
        ("pair", plus),
        ("why", "Out  of date"),
        ("q", "phone"),
    )
    assert answer.status_code == 303
    page = emil.client.get(answer.headers["Location"], headers=emil.headers).text
    assert "2 suggestions are rejected." in page
    assert 'value="phone"' in page
    assert "is not live yet" in page
    assert page.count("Out of date") >= 2
    assert leads(app) == [ODD]
    assert "is not live yet" not in emil.get("/suggestions").text
    at = unescape(re.findall(r'name="at" value="([^"]*)"', page)[0])
    assert post(clerk("editor", "eva"), "/suggestions/undo", ("at", at)).status_code == 303
    assert leads(app) == [ODD], "another person's step"
    post(emil, "/suggestions/undo", ("at", at))
    assert leads(app) == ["case", ODD, "plus"]
    post(emil, "/suggestions/decide", ("do", f"never {odd}"))
    post(emil, "/suggestions/decide", ("do", f"approve {case}"))
    parts_of(app).desk.options.set("auto_approve", 100)
    assert leads(app) == ["case"]
    parts_of(app).desk.options.set("auto_approve", 0)
    assert leads(app) == ["case", "plus"]
    post(emil, "/suggestions/decide", ("do", f"take_back {odd}"))
    assert leads(app) == ["case", ODD, "plus"]
    done = [(row.who, row.what) for row in parts_of(app).audit.history(what="verdict")]
    assert set(done) == {("emil", "verdict changed")}
    assert len(done) == 7


def test_two_products_that_are_never_offered_for_each_other(app: Flask, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    assert post(emil, "/suggestions/never", ("one", "plus"), ("other", "phone"), ("other", "")).status_code == 303
    assert leads(app) == ["case", ODD]
    assert parts_of(app).desk.verdicts.pairs(state=State.REJECTED)[1] == 1
    page = emil.get("/suggestions").text
    assert "Phone ✕ Phone Plus" in page
    answer = post(emil, "/suggestions/never", ("one", "plus"), ("other", "plus"))
    assert answer.status_code == 422
    assert "Choose two different products." in answer.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([("do", "reject")], "Tick at least one suggestion first."),
        ([("do", "burn"), ("pair", '["complement","a","b"]')], "Choose what to do with them."),
        ([("do", "reject"), ("pair", "x")], "load the page again"),
        ([("do", "reject"), ("pair", '["bundle","a","b"]')], "is not learned"),
        ([("do", "approve"), ("pair", '["complement","a","a"]')], "two different products"),
        ([("do", "reject"), ("pair", f'["complement","a","{"b" * 300}"]')], "two different products"),
    ],
)
def test_what_is_no_decision_says_so(clerk: MakeClerk, fields: list[tuple[str, str]], told: str) -> None:
    answer = post(clerk("editor"), "/suggestions/decide", *fields, ("why", "I typed this"))
    assert answer.status_code == 422
    assert told in unescape(answer.text)
    assert "I typed this" in answer.text or fields[0] == ("do", "burn")


def test_nothing_learned_yet_says_what_to_do(serve: Serve) -> None:
    app = serve(SessionStore(GOODS), UPSELL_ADMIN_USER=by_header)
    assert "Nothing is learned yet" in Clerk(app).get("/suggestions").text
    assert "No products yet" in Clerk(app).get("/products").text
    parts_of(app).offers.publish()
    assert "Nothing is found" in Clerk(app).get("/products?q=zzz").text


# --- products --------------------------------------------------------------------------------------------------------


def test_all_that_is_known_of_a_product(app: Flask, clerk: MakeClerk) -> None:
    page = clerk("viewer").get("/products/one?ref=phone").text
    for told in (
        "€600.00",
        "Model: X1",
        "Phones",
        "Bought together in 47 orders",
        "phones",
        '<svg class="steps"',
        "disabled",
    ):
        assert told in page, told
    assert "It is offered with" in clerk().get("/products/one?ref=case").text
    odd = clerk().client.get("/upsell/admin/products/one", query_string={"ref": ODD}, headers=clerk().headers)
    assert "Odd &lt;b&gt;thing&lt;/b&gt;" in odd.text
    for ref in ("nobody", "", "x" * 300, "%00"):
        assert clerk().get(f"/products/one?ref={ref}").status_code == 404


def test_products_are_searched_and_paged(clerk: MakeClerk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Phone Plus" in clerk().get("/products?q=pho").text
    assert "Phone Plus" not in clerk().get("/products?q=cas").text
    assert "Phone Plus" not in clerk().get("/products?category=Cases").text
    monkeypatch.setattr("flask_upsell.web.admin.products.MOST", 2)
    first = clerk().get("/products").text
    assert "after=odd" in first
    assert 'href="/upsell/admin/products?after=' not in clerk().get("/products?after=phone").text


def test_what_is_said_of_a_product_is_live_at_once(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: `amend` forgets notes."""
    emil, offers = clerk("editor", "emil"), parts_of(app).offers
    answer = post(
        emil, "/products/note", ("ref", "case"), ("excluded", "1"), ("fits", "Model"), ("more", "Colour, Model")
    )
    assert answer.status_code == 303
    case = offers.shelf.read(["case"]).products["case"]
    assert (case.excluded, case.sensitive, case.fits) == (True, False, ("Model", "Colour"))
    offers.amend(["case"])
    assert offers.shelf.read(["case"]).products["case"].excluded
    assert leads(app) == [ODD, "plus"]
    assert offers.shelf.read(["case"]).products["case"].excluded
    assert "kept out" in emil.get("/products?show=noted").text
    post(emil, "/products/note", ("ref", "phone"), ("sensitive", "1"))
    assert leads(app) == []
    post(emil, "/products/note", ("ref", "phone"))
    post(emil, "/products/note", ("ref", "case"))
    assert leads(app) == ["case", ODD, "plus"]
    assert [row.who for row in parts_of(app).audit.history(what="product")] == ["emil"] * 4
    wrong = post(emil, "/products/note", ("ref", "case"), ("more", "x" * 200))
    assert wrong.status_code == 422
    assert "at most 100 characters" in wrong.text
    assert "x" * 200 in wrong.text


def test_a_ladder_is_drafted_and_the_live_one_stays(app: Flask, clerk: MakeClerk) -> None:
    emil, desk = clerk("editor", "emil"), parts_of(app).desk
    given = [
        ("ref", "phone"),
        ("origin", "phones"),
        ("name", "phones"),
        ("steps", "phone"),
        ("steps", "case"),
        ("steps", ""),
    ]
    assert post(emil, "/products/ladder", *given, ("version", "0")).status_code == 303
    draft = desk.drafts.of("ladder", "phones")
    assert draft is not None
    assert draft.written == {"name": "phones", "steps": ["phone", "case"]}
    assert parts_of(app).offers.rules.load().ladders == {"phones": ("phone", "plus")}
    assert "draft by emil" in emil.get("/products/one?ref=phone").text
    late = post(clerk("editor", "eva"), "/products/ladder", *given[:4], ("steps", "plus"), ("version", "0"))
    assert late.status_code == 409
    assert "emil has saved this ladder meanwhile, with: phone, case." in late.text
    assert 'value="plus"' in late.text
    assert (
        post(emil, "/products/ladder", ("ref", "phone"), ("name", ""), ("steps", "a"), ("steps", "a")).status_code
        == 422
    )
    assert (
        post(
            emil, "/products/ladder", ("ref", "phone"), ("name", "new"), ("steps", "phone"), ("steps", "plus")
        ).status_code
        == 303
    )
    assert "phone → plus" in emil.get("/products/one?ref=phone").text
    gone = post(emil, "/products/ladder", ("ref", "phone"), ("origin", "gone"), *given[2:])
    assert gone.status_code == 409
