"""Accept, decline, undo: with our script and without, by shoppers and by others."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import msgspec
import pytest
from flask import Flask, render_template_string
from flask_wtf import CSRFProtect
from werkzeug.test import TestResponse

from flask_upsell import (
    Done,
    Line,
    MemoryStore,
    Product,
    Refused,
    faults,
    offer_accepted,
    offer_declined,
    offers_shown,
)
from flask_upsell.adapters.tables import metadata
from flask_upsell.core.affinity import Affinities
from flask_upsell.core.offer import Decision, Kind
from flask_upsell.core.rule import Products, Rule
from flask_upsell.till import clicks
from flask_upsell.web import shown as tokens
from flask_upsell.web.mail import Leaving
from flask_upsell.web.tokens import Tokens
from tests.web.conftest import Serve
from tests.web.markup import Form, Slot, slot, slots
from tests.web.shop import (
    ASK,
    BAG,
    CARD,
    GOODS,
    LAPTOP,
    PLUS,
    WITH_LAPTOP,
    SessionStore,
    Shown,
    Visitor,
    club,
    counts,
    evidence,
    look,
    parts_of,
    publish,
    put_rules,
    set_of,
)

HERE = {"Sec-Fetch-Site": "same-origin"}


def refused(answer: TestResponse) -> Slot:
    """The shopper is told kindly, and nothing can be undone."""
    assert answer.status_code == 200
    shown = slot(answer.text)
    assert shown.tone == "sorry"
    assert shown.notice
    assert shown.undo is None
    return shown


# With our script


def test_accepting_a_complement_adds_it_and_answers_with_the_slot(store: SessionStore, shopper: Visitor) -> None:
    answer = shopper.press("accept", "bag")
    shown = slot(answer.text)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert (shown.placement, shown.tone, shown.notice) == ("cart", "done", "Added: Canvas bag.")
    assert shown.undo is not None
    assert shown.products == ["plus", "card"]
    assert store.lines() == [("laptop", 1, 64900), ("bag", 1, 5900)]


def test_accepting_an_upgrade_replaces_its_line_and_undo_restores_it(store: SessionStore, visitor: Visitor) -> None:
    visitor.put("laptop", 3)
    before = store.carts["cart-0"][0]
    store.carts["cart-0"][0] = before = msgspec.structs.replace(before, unit_price=64000)
    shown = slot(visitor.press("accept", "plus").text)
    assert shown.notice == "Upgraded to Laptop Plus."
    assert store.lines() == [("plus", 3, 79900)]
    undone = slot(visitor.send(shown.undo).text)
    assert (undone.tone, undone.notice, undone.undo) == ("done", "Undone: Laptop Plus.", None)
    assert store.carts["cart-0"] == [before]


def test_undoing_an_addition_takes_away_what_was_added_only(store: SessionStore, shopper: Visitor) -> None:
    shown = slot(shopper.press("accept", "bag").text)
    line = store.carts["cart-0"][1]
    store.carts["cart-0"][1] = msgspec.structs.replace(line, quantity=3)
    shopper.send(shown.undo)
    assert store.lines() == [("laptop", 1, 64900), ("bag", 2, 5900)]


def test_undoing_twice_is_undoing_once(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    shown = slot(shopper.press("accept", "bag").text)
    shopper.send(shown.undo)
    assert "undone already" in refused(shopper.send(shown.undo)).notice
    assert store.lines() == [("laptop", 1, 64900)]
    assert counts(app)["undone"] == 1


def test_two_undos_at_once_take_away_once(serve: Serve) -> None:
    """The second one looks at the cart when the first has changed it, but has not yet said so to the ledger."""
    changed, seen = threading.Event(), threading.local()

    class Slow(SessionStore):
        first: str | None = None

        def cart(self, given: object = None) -> Any:
            who = threading.current_thread().name
            if who.startswith("click") and not hasattr(seen, "once"):
                seen.once = True
                if self.first is None:
                    self.first = who
                else:
                    changed.wait(20)
            return super().cart(given)

        def replace(
            self, line: str, product: str, variant: str | None, quantity: int, unit_price: int | None = None
        ) -> Done | Refused:
            done = super().replace(line, product, variant, quantity, unit_price)
            if threading.current_thread().name == self.first:
                changed.set()
                time.sleep(0.5)
            return done

    store = Slow(GOODS, urls={"cart": "/cart"})
    app = serve(store)
    visitor = Visitor(app).put("laptop")
    undo = slot(visitor.press("accept", "bag").text).undo
    assert undo is not None
    store.carts["cart-0"][1] = msgspec.structs.replace(store.carts["cart-0"][1], quantity=3)
    in_parallel(app, visitor, undo, 2)
    assert store.lines()[1][:2] == ("bag", 2)
    assert counts(app)["undone"] == 1


def test_declining_is_remembered_for_the_session(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    answer = shopper.press("decline", "bag")
    assert slot(answer.text).notice == "All right, we will not suggest it again."
    for path in ("/cart", "/checkout", "/product/laptop", "/order?ref=laptop"):
        assert "bag" not in shopper.see(path).products
    assert shopper.see().products == ["plus", "card"]
    assert store.lines() == [("laptop", 1, 64900)]
    assert counts(app)["declined"] == 1
    assert "bag" in Visitor(app).see("/product/laptop").products


def test_a_decline_holds_even_when_it_cannot_be_counted(
    app: Flask, shopper: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(parts_of(app).offers.ledger, "record_decline", fails)
    assert slot(shopper.press("decline", "bag").text).tone == "done"
    assert "bag" not in shopper.see().products
    assert faults.seen["decline"] == 1


def test_many_declines_still_fit_into_a_cookie(serve: Serve) -> None:
    goods = [LAPTOP, *(Product(f"product-number-{n:04}", f"P{n}", 100, "EUR") for n in range(120))]
    store = SessionStore(goods)
    app = serve(store, UPSELL_MAX_SESSION=60)  # what is shown is remembered too, all of it
    book = {"laptop": Affinities((), tuple(evidence(p.ref, 200.0 - n) for n, p in enumerate(goods[1:])))}
    publish(app, goods, book)
    visitor = Visitor(app).put("laptop")
    for _ in range(60):
        shown = visitor.see()
        answer = visitor.send(shown.cards[0].forms["decline"])
        assert all(len(cookie) < 4093 for cookie in answer.headers.getlist("Set-Cookie"))
        assert shown.cards[0].product not in visitor.see().products
    assert len(visitor.remembered()["upsell"]["seen"]) > 4 * 40


def test_a_variant_must_be_chosen_and_is_charged_as_shown(store: SessionStore, visitor: Visitor) -> None:
    visitor.put("bag")
    assert "Please choose" in refused(visitor.press("accept", "socks")).notice
    form = visitor.see().card("socks").forms["accept"]
    assert slot(visitor.send(form, variant="l").text).notice == "Added: Socks."
    assert store.lines() == [("bag", 1, 5900), ("socks", 1, 950)]


@pytest.mark.parametrize("variant", ["xl", "none", "NaN", "0", "../s", "s" * 300, "' OR 1=1"])
def test_a_variant_that_was_not_offered_is_refused(store: SessionStore, visitor: Visitor, variant: str) -> None:
    visitor.put("bag")
    refused(visitor.send(visitor.see().card("socks").forms["accept"], variant=variant))
    assert store.lines() == [("bag", 1, 5900)]


def test_a_variant_of_a_product_without_any_is_refused(store: SessionStore, shopper: Visitor) -> None:
    refused(shopper.send(shopper.see().card("bag").forms["accept"], variant="l"))
    assert store.lines() == [("laptop", 1, 64900)]


def test_a_slot_can_be_asked_for_again(shopper: Visitor) -> None:
    answer = shopper.client.get("/upsell/slot/cart")
    assert slot(answer.text).products == ["plus", "bag"]
    assert "<link" not in answer.text
    assert slot(shopper.client.get("/upsell/slot/cart?not=bag&not=plus").text).products == ["card"]
    assert slot(shopper.client.get("/upsell/slot/product?product=bag").text).products == ["socks"]


@pytest.mark.parametrize("path", ["Cart", "%00", "..", "a b", "x" * 5000, "<b>", "cart%2F.."])
def test_a_slot_of_no_name_is_an_empty_answer(shopper: Visitor, path: str) -> None:
    answer = shopper.client.get(f"/upsell/slot/{path}")
    assert answer.status_code in (200, 404)
    assert slots(answer.text) == []


@pytest.mark.parametrize("query", ["product=NaN", "product=", "product=%00", "&".join(f"not=p{n}" for n in range(5000)),
                                   "&".join(f"product=p{n}" for n in range(2000)), "product=%ff%fe"])  # fmt: skip
def test_a_slot_with_odd_questions_is_answered(shopper: Visitor, query: str) -> None:
    assert shopper.client.get(f"/upsell/slot/product?{query}").status_code == 200


# Without a script


@pytest.mark.parametrize("path", ["/cart", "/cart?a=1&b=%20", "/checkout", "/product/laptop"])
def test_without_a_script_the_way_is_back_to_the_page(store: SessionStore, shopper: Visitor, path: str) -> None:
    answer = shopper.press("accept", "bag", path, script=False)
    assert (answer.status_code, answer.location) == (303, path)
    assert [line[0] for line in store.lines()] == ["laptop", "bag"]


def test_the_notice_and_the_undo_stand_on_the_next_page(store: SessionStore, shopper: Visitor) -> None:
    shopper.press("accept", "plus", script=False)
    for _ in range(2):  # as long as it can be undone
        shown = shopper.see()
        assert (shown.tone, shown.notice) == ("done", "Upgraded to Laptop Plus.")
    answer = shopper.send(shown.undo, script=False)
    assert (answer.status_code, answer.location) == (303, "/cart")
    assert store.lines() == [("laptop", 1, 64900)]
    shown = shopper.see()
    assert (shown.tone, shown.notice, shown.undo) == ("done", "Undone: Laptop Plus.", None)
    assert shopper.see().notice == ""


def test_what_was_accepted_on_the_checkout_can_be_undone_in_the_cart(shopper: Visitor) -> None:
    shopper.press("accept", "bag", "/checkout", script=False)
    assert shopper.see("/checkout").undo is not None
    assert shopper.see("/cart").undo is not None
    assert shopper.see("/product/laptop").undo is None


def test_the_notice_goes_with_the_line(store: SessionStore, shopper: Visitor) -> None:
    shopper.press("accept", "bag", script=False)
    del store.carts["cart-0"][1]
    assert (shopper.see().notice, shopper.see().undo) == ("", None)


def test_a_refusal_is_said_once_on_the_next_page(store: SessionStore, shopper: Visitor) -> None:
    form = shopper.see().card("bag").forms["accept"]
    store.shelf["bag"] = msgspec.structs.replace(BAG, stock=0)
    assert shopper.send(form, script=False).status_code == 303
    shown = shopper.see()
    assert (shown.tone, shown.notice) == ("sorry", "Canvas bag is sold out.")
    assert shopper.see().notice == ""


def test_a_decline_is_said_on_the_next_page(shopper: Visitor) -> None:
    shopper.press("decline", "bag", script=False)
    shown = shopper.see()
    assert (shown.notice, shown.products) == ("All right, we will not suggest it again.", ["plus", "card"])


@pytest.mark.parametrize("path", ["//evil.example/cart", "/\\evil.example", "/\\/evil.example/", "///evil.example"])
def test_the_way_back_never_leads_elsewhere(app: Flask, path: str) -> None:
    """A page at such a path ("not found", with offers). Shown red with "//" for the first "/" in `_here`."""
    app.url_map.merge_slashes = False
    app.register_error_handler(404, lambda _: (render_template_string("{{ upsell('cart') }}"), 404))
    visitor = Visitor(app).put("laptop")
    page = visitor.client.get("/x", environ_overrides={"PATH_INFO": path})
    assert page.status_code == 404
    answer = visitor.send(slot(page.text).card("bag").forms["accept"], script=False)
    assert answer.status_code == 303
    assert re.match(r"/[^/\\]", answer.location), answer.location


# Changed meanwhile


def test_a_changed_price_is_asked_again_with_the_new_one(store: SessionStore, shopper: Visitor) -> None:
    """Shown red with `wanted.unit_price` charged instead of the live price."""
    form = shopper.see().card("bag").forms["accept"]
    store.shelf["bag"] = msgspec.structs.replace(BAG, price=6100)
    shown = refused(shopper.send(form))
    assert "price of Canvas bag has changed" in shown.notice
    assert "€61.00" in shown.card("bag").text
    assert store.lines() == [("laptop", 1, 64900)]
    assert slot(shopper.send(shown.card("bag").forms["accept"]).text).tone == "done"
    assert store.lines()[1] == ("bag", 1, 6100)


def test_without_a_script_a_changed_price_is_shown_at_once_too(store: SessionStore, shopper: Visitor) -> None:
    form = shopper.see().card("bag").forms["accept"]
    store.shelf["bag"] = msgspec.structs.replace(BAG, price=6100)
    shopper.send(form, script=False)
    shown = shopper.see()
    assert "has changed" in shown.notice
    assert "€61.00" in shown.card("bag").text


def test_a_changed_price_of_the_line_is_asked_again(store: SessionStore, shopper: Visitor) -> None:
    form = shopper.see().card("plus").forms["accept"]
    line = store.carts["cart-0"][0]
    store.carts["cart-0"][0] = msgspec.structs.replace(line, unit_price=60000)
    shown = refused(shopper.send(form))
    assert "has changed" in shown.notice
    assert "plus" not in shown.products or "+€199.00" in shown.card("plus").text
    assert store.lines() == [("laptop", 1, 60000)]


@pytest.mark.parametrize(
    "gone", [None, msgspec.structs.replace(BAG, hidden=True), msgspec.structs.replace(BAG, stock=0)]
)
def test_what_vanished_or_sold_out_is_refused_and_not_offered_again(
    store: SessionStore, shopper: Visitor, gone: Product | None
) -> None:
    form = shopper.see().card("bag").forms["accept"]
    if gone is None:
        del store.shelf["bag"]
    else:
        store.shelf["bag"] = gone
    shown = refused(shopper.send(form))
    assert "Canvas bag is" in shown.notice
    assert store.lines() == [("laptop", 1, 64900)]
    assert "bag" not in shown.products


def test_an_upgrade_whose_line_is_gone_is_refused(store: SessionStore, shopper: Visitor) -> None:
    form = shopper.see().card("plus").forms["accept"]
    store.carts["cart-0"].clear()
    assert "not in your cart any more" in refused(shopper.send(form)).notice
    assert store.lines() == []


def test_a_line_that_now_holds_something_else_is_not_replaced(store: SessionStore, shopper: Visitor) -> None:
    form = shopper.see().card("plus").forms["accept"]
    line = store.carts["cart-0"][0]
    store.carts["cart-0"][0] = Line(line.ref, "card", 1, 64900)
    refused(shopper.send(form))
    assert store.lines() == [("card", 1, 64900)]


def test_not_enough_stock_for_the_whole_line(store: SessionStore, visitor: Visitor) -> None:
    visitor.put("laptop", 5)
    form = visitor.see().card("plus").forms["accept"]
    store.shelf["plus"] = msgspec.structs.replace(PLUS, stock=4)
    assert "not enough" in refused(visitor.send(form)).notice
    assert store.lines() == [("laptop", 5, 64900)]


def test_a_stores_refusal_is_told_in_its_words(store: SessionStore, shopper: Visitor, monkeypatch: Any) -> None:
    monkeypatch.setattr(store, "add", lambda *_: Refused("Only <b>members</b> may buy this."))
    answer = shopper.press("accept", "bag")
    assert refused(answer).notice == "Only <b>members</b> may buy this."
    assert "<b>members" not in answer.text


def test_what_is_in_the_cart_already_is_not_added_again(store: SessionStore, shopper: Visitor) -> None:
    first, second = shopper.see(), shopper.see()
    shopper.send(first.card("bag").forms["accept"])
    assert "in your cart already" in refused(shopper.send(second.card("bag").forms["accept"])).notice
    assert store.lines() == [("laptop", 1, 64900), ("bag", 1, 5900)]


def test_after_the_order_nothing_can_be_undone(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    undo = slot(shopper.press("accept", "bag").text).undo
    shopper.client.post("/order")
    assert "ordered" in refused(shopper.send(undo)).notice
    assert counts(app)["converted"] == 1


# Accepting twice


def in_parallel(app: Flask, visitor: Visitor, form: Form, times: int) -> list[TestResponse]:
    """The same form, sent so often at the same moment by the same browser."""
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    start, answers = threading.Barrier(times), []

    def click() -> None:
        client = app.test_client()
        client.set_cookie("session", cookie.value)
        start.wait(60)
        answers.append(client.post(form.url, data=form.fields, headers={**HERE, "X-Upsell": "1"}))

    threads = [threading.Thread(target=click, name=f"click {n}") for n in range(times)]
    with pytest.MonkeyPatch.context() as patch:
        # The others wait for the first one, however long it takes.
        patch.setattr(clicks, "PATIENCE_SECONDS", 60)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert len(answers) == times
    return answers


def test_a_double_click_adds_once(serve: Serve) -> None:
    """Shown red with `started.first` taken as true: two lines, or one and a refusal."""

    class Slow(SessionStore):
        def add(
            self, product: str, variant: str | None, quantity: int, unit_price: int | None = None
        ) -> Done | Refused:
            time.sleep(0.1 if product == "bag" else 0)
            return super().add(product, variant, quantity, unit_price)

    store = Slow(GOODS)
    app = serve(store)
    visitor = Visitor(app).put("laptop")
    form = visitor.see().card("bag").forms["accept"]
    answers = in_parallel(app, visitor, form, 6)
    assert {answer.status_code for answer in answers} == {200}
    assert {slot(answer.text).notice for answer in answers} == {"Added: Canvas bag."}
    assert [line[0] for line in store.lines()] == ["laptop", "bag"]
    assert counts(app)["accepted"] == 1


def test_sending_again_gives_the_same_answer(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    form = shopper.see().card("plus").forms["accept"]
    first, second = shopper.send(form), shopper.send(form)
    assert slot(first.text).notice == slot(second.text).notice == "Upgraded to Laptop Plus."
    assert store.lines() == [("plus", 1, 79900)]
    assert counts(app)["accepted"] == 1


def test_a_repeated_click_is_heard_once(app: Flask, shopper: Visitor) -> None:
    form = shopper.see().card("bag").forms["accept"]
    heard: list[object] = []

    def hear(sender: object, acceptance: object) -> None:
        heard.append(acceptance)

    with offer_accepted.connected_to(hear, sender=app):
        shopper.send(form)
        shopper.send(form)
    assert len(heard) == 1


def test_a_key_of_another_request_is_refused(store: SessionStore, shopper: Visitor) -> None:
    shown = shopper.see()
    bag, plus = shown.card("bag").forms["accept"], shown.card("plus").forms["accept"]
    shopper.send(bag)
    refused(shopper.send(plus, key=bag.fields["key"]))
    assert [line[0] for line in store.lines()] == ["laptop", "bag"]


@pytest.mark.parametrize("key", [None, "", "short", "x" * 500, "a b c d e f g h i j", "é" * 20])
def test_a_bad_or_missing_key_is_refused(store: SessionStore, shopper: Visitor, key: str | None) -> None:
    form = shopper.see().card("bag").forms["accept"]
    fields = {"token": form.fields["token"], **({} if key is None else {"key": key})}
    refused(shopper.send(Form(form.url, "post", fields)))
    assert store.lines() == [("laptop", 1, 64900)]
    assert faults.seen["bad_input"] == 1


def test_a_refused_key_may_be_used_again(store: SessionStore, shopper: Visitor) -> None:
    form = shopper.see().card("bag").forms["accept"]
    store.shelf["bag"] = msgspec.structs.replace(BAG, stock=0)
    refused(shopper.send(form))
    store.shelf["bag"] = BAG
    assert slot(shopper.send(form).text).tone == "done"


# Others


def test_nothing_but_token_key_and_variant_is_taken(store: SessionStore, shopper: Visitor) -> None:
    """Shown red with `back` read from the form."""
    form = shopper.see().card("bag").forms["accept"]
    more = {
        "price": "1", "unit_price": "1", "quantity": "NaN", "cart": "cart-9", "line": "1", "product": "plus",
        "visitor": "x", "next": "https://evil.example", "back": "//evil.example", "redirect": "//evil.example",
        "url": "//evil.example", "kind": "upgrade", "currency": "JPY", "order": "1", "html": "<b>",
    }  # fmt: skip
    answer = shopper.send(form, script=False, **more)
    assert (answer.status_code, answer.location) == (303, "/cart")
    assert store.lines() == [("laptop", 1, 64900), ("bag", 1, 5900)]


@pytest.mark.parametrize("action", ["accept", "decline", "undo"])
def test_a_get_changes_nothing(store: SessionStore, shopper: Visitor, action: str) -> None:
    shown = slot(shopper.press("accept", "bag").text)
    form = shown.undo if action == "undo" else shown.card("plus").forms[action]
    assert form is not None
    before = shopper.remembered()
    assert shopper.client.get(form.url, query_string=form.fields).status_code == 405
    assert [line[0] for line in store.lines()] == ["laptop", "bag"]
    assert shopper.remembered() == before
    for method in ("put", "delete", "patch"):
        assert getattr(shopper.client, method)(form.url, data=form.fields).status_code == 405


def test_a_token_is_bound_to_the_cart_it_was_made_for(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    """A store whose visitor keeps one key for several carts: what an offer needs of the cart is asked of the new one.

    Planted bug that it shows: the line of an upgrade is looked up by its reference alone.
    """
    shown = shopper.see()
    store.carts["cart-0"] = [Line("1", "bag", 1, 5900), Line("7", "laptop", 1, 64900)]
    assert "would have replaced" in refused(shopper.send(shown.card("plus").forms["accept"])).notice
    assert "in your cart already" in refused(shopper.send(shown.card("bag").forms["accept"])).notice
    assert store.lines() == [("bag", 1, 5900), ("laptop", 1, 64900)]


def test_two_tabs_both_work_while_the_cart_changes(store: SessionStore, shopper: Visitor) -> None:
    """Planted bug that it shows: a token bound to what is in the cart."""
    first, second = shopper.see("/product/laptop"), shopper.see()
    shopper.put("lonely")
    assert slot(shopper.send(second.card("bag").forms["accept"]).text).tone == "done"
    assert slot(shopper.send(first.card("plus").forms["accept"]).text).tone == "done"
    assert [line[0] for line in store.lines()] == ["plus", "lonely", "bag"]


@pytest.mark.parametrize("action", ["accept", "decline"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:8080"},
    ],
)
def test_a_form_from_another_site_is_refused(
    app: Flask, store: SessionStore, shopper: Visitor, action: str, headers: dict[str, str]
) -> None:
    """Shown red with `_from_here` answering true."""
    form = shopper.see().card("bag").forms[action]
    before = shopper.remembered()
    answer = shopper.client.post(form.url, data=form.fields, headers=headers)
    assert answer.status_code == 403
    assert store.lines() == [("laptop", 1, 64900)]
    assert shopper.remembered() == before
    assert counts(app)["declined"] == 0


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "none"}, HERE])
def test_a_form_from_here_is_taken(store: SessionStore, shopper: Visitor, headers: dict[str, str]) -> None:
    form = shopper.see().card("bag").forms["accept"]
    assert shopper.client.post(form.url, data=form.fields, headers=headers).status_code == 303
    assert len(store.lines()) == 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 403), ({"Origin": "https://evil.example"}, 403), ({"Origin": "http://localhost"}, 303), (HERE, 303)],
)
def test_a_visitor_without_a_cart_needs_the_browsers_word(
    store: SessionStore, visitor: Visitor, headers: dict[str, str], status: int
) -> None:
    """All visitors without a cart share a token. Shown red with `return True` at the end of `_from_here`."""
    form = visitor.see("/product/laptop").card("bag").forms["accept"]
    assert visitor.client.post(form.url, data=form.fields, headers=headers).status_code == status
    assert store.lines() == ([("bag", 1, 5900)] if status == 303 else [])


def test_what_a_visitor_without_a_cart_accepted_can_be_undone(store: SessionStore, visitor: Visitor) -> None:
    shown = slot(visitor.press("accept", "bag", "/product/laptop").text)
    assert store.lines() == [("bag", 1, 5900)]
    assert slot(visitor.send(shown.undo).text).tone == "done"
    assert store.lines() == []


def test_the_token_of_another_visitor_is_refused(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    stranger = Visitor(app).put("laptop")
    shown = shopper.see()
    accepted = slot(shopper.send(shown.card("bag").forms["accept"]).text)
    for form in (shown.card("plus").forms["accept"], shown.card("plus").forms["decline"], accepted.undo):
        assert "not made for this cart" in refused(stranger.send(form)).notice
    assert store.lines("cart-1") == [("laptop", 1, 64900)]
    assert store.lines("cart-0") == [("laptop", 1, 64900), ("bag", 1, 5900)]
    assert stranger.see().products == ["plus", "bag"]
    assert faults.seen["token"] == 3


def test_a_token_of_another_purpose_is_refused(store: SessionStore, shopper: Visitor) -> None:
    shown = slot(shopper.press("accept", "bag").text)
    assert shown.undo is not None
    card = shown.card("plus")
    refused(shopper.send(Form("/upsell/undo", "post", card.forms["accept"].fields)))
    refused(shopper.send(Form("/upsell/accept", "post", {**card.forms["accept"].fields, **shown.undo.fields})))
    refused(shopper.send(Form("/upsell/decline", "post", shown.undo.fields)))
    assert [line[0] for line in store.lines()] == ["laptop", "bag"]


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "\0", "é", "9" * 10_000])
@pytest.mark.parametrize("action", ["accept", "decline", "undo", "answer"])
def test_what_is_no_token_is_refused(store: SessionStore, shopper: Visitor, action: str, token: str | None) -> None:
    fields = {"key": "k" * 20, **({} if token is None else {"token": token})}
    refused(shopper.send(Form(f"/upsell/{action}", "post", fields)))
    assert shopper.send(Form(f"/upsell/{action}", "post", fields), script=False).location == "/cart"
    assert store.lines() == [("laptop", 1, 64900)]


def test_an_old_token_is_answered_kindly_with_the_offer_as_it_is_now(
    store: SessionStore, shopper: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = shopper.see().card("bag").forms["accept"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1802)
    shown = refused(shopper.send(form))
    assert "too old" in shown.notice
    assert slot(shopper.send(shown.card("bag").forms["accept"]).text).tone == "done"
    assert len(store.lines()) == 2


def test_rotation_drops_no_live_token(serve: Serve, store: SessionStore) -> None:
    """An offer, a "No thanks", a question, a way back and a link in a mail, made with the old key alone and with both.

    Planted bugs that it shows: the first key signs and is the only one that is accepted; a token is bound to the
    visitor's pseudonym, which is another one when the oldest key is gone.
    """
    old, new = token_hex(32), token_hex(32)
    rule = Rule(name="q", ask=ASK, when=WITH_LAPTOP)

    def shop(*keys: str) -> Flask:
        app = serve(store, UPSELL_KEYS=[*keys])
        put_rules(app, rule)
        return app

    def forms(app: Flask) -> tuple[str, dict[str, Form | None], str]:
        visitor = Visitor(app).put("laptop")
        undo = slot(visitor.press("accept", "bag").text).undo
        shown = visitor.see()
        cookie = visitor.client.get_cookie("session")
        assert cookie is not None
        token = Tokens(parts_of(app).settings.keys, "upsell", 60).sign("unsubscribe", "", Leaving("c", "en"))
        card = shown.cards[-1]
        return cookie.value, {**card.forms, "answer": shown.answers["me"], "undo": undo}, token

    def live(app: Flask, given: tuple[str, dict[str, Form | None], str]) -> dict[str, bool]:
        visitor = Visitor(app)
        visitor.client.set_cookie("session", given[0])
        before = faults.seen["token"]
        taken = {}
        for name, form in given[1].items():
            assert visitor.send(form).status_code == 200
            taken[name] = faults.seen["token"] == before
            before = faults.seen["token"]
        taken["unsubscribe"] = visitor.client.get(f"/upsell/unsubscribe?token={given[2]}").status_code == 200
        return taken

    every = dict.fromkeys(("accept", "decline", "answer", "undo", "unsubscribe"), True)
    before, both, after = shop(old), shop(old, new), shop(new)
    assert live(both, forms(before)) == every
    assert live(both, forms(both)) == every
    assert live(after, forms(both)) == every
    assert live(after, forms(before)) == dict.fromkeys(every, False)


def test_a_body_of_more_than_64_kb_is_refused(store: SessionStore, shopper: Visitor) -> None:
    """Shown red without `max_content_length`."""
    form = shopper.see().card("bag").forms["accept"]
    answer = shopper.send(form, more="x" * (64 * 1024))
    assert answer.status_code == 413 or refused(answer)
    assert store.lines() == [("laptop", 1, 64900)]
    assert shopper.send(form, more="x" * 50_000).status_code == 200
    assert len(store.lines()) == 2


@pytest.mark.parametrize(
    "path", ["/upsell/slot/cart", "/upsell/healthz", "/upsell/accept", "/upsell/undo", "/upsell/answer"]
)
def test_personal_answers_are_kept_by_no_cache(shopper: Visitor, path: str) -> None:
    get = "slot" in path or "health" in path
    for answer in (
        shopper.client.get(path) if get else shopper.client.post(path, headers=HERE),
        shopper.client.get(path) if get else shopper.client.post(path, headers={**HERE, "X-Upsell": "1"}),
        *(() if get else (shopper.client.post(path, headers={"Sec-Fetch-Site": "cross-site"}),)),
    ):
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Cookie" in answer.headers["Vary"]


def test_files_may_be_kept(shopper: Visitor) -> None:
    with shopper.client.get("/upsell/static/upsell.js") as answer:
        assert "no-store" not in answer.headers.get("Cache-Control", "")


# The host's own protection


@pytest.fixture
def protected(serve: Serve, store: SessionStore) -> Iterator[Flask]:
    app = serve(store)
    app.config["WTF_CSRF_ENABLED"] = True
    CSRFProtect().init_app(app)  # type: ignore[no-untyped-call]
    yield app


def test_the_hosts_csrf_field_is_in_every_form_and_is_needed(protected: Flask, store: SessionStore) -> None:
    visitor = Visitor(protected).put("laptop")
    shown = visitor.see()
    forms = [form for card in shown.cards for form in card.forms.values()]
    assert len(forms) == 4
    assert all(form.fields["csrf_token"] for form in forms)
    form = shown.card("bag").forms["accept"]
    bare = {name: value for name, value in form.fields.items() if name != "csrf_token"}
    for fields in (bare, {**bare, "csrf_token": "wrong"}):
        assert visitor.client.post(form.url, data=fields, headers=HERE).status_code == 400
    assert store.lines() == [("laptop", 1, 64900)]
    accepted = slot(visitor.send(form).text)
    assert accepted.tone == "done"
    assert accepted.undo is not None
    assert accepted.undo.fields["csrf_token"]
    assert visitor.send(accepted.undo, script=False).status_code == 303
    assert store.lines() == [("laptop", 1, 64900)]


def test_a_stores_own_field_is_in_every_form(serve: Serve) -> None:
    class Guarded(SessionStore):
        def csrf_field(self) -> str:
            return '<input type="hidden" name="_own" value="t0ken">'

    visitor = Visitor(serve(Guarded(GOODS))).put("laptop")
    shown = visitor.see()
    assert {form.fields["_own"] for card in shown.cards for form in card.forms.values()} == {"t0ken"}


def test_a_store_without_a_session_still_sells(serve: Serve) -> None:
    """Nothing can be remembered, and that is logged; everything else works."""
    store = MemoryStore(GOODS, urls={"cart": "/cart"})
    app = serve(store, UPSELL_KEYS=["k" * 40])
    app.config["SECRET_KEY"] = None
    visitor = Visitor(app).put("laptop")
    accepted = slot(visitor.press("accept", "bag").text)
    assert accepted.tone == "done"
    assert [line.product for line in store.carts["visitor"]] == ["laptop", "bag"]
    assert slot(visitor.send(accepted.card("plus").forms["decline"]).text).tone == "done"
    assert slot(visitor.send(accepted.undo).text).tone == "done"
    assert [line.product for line in store.carts["visitor"]] == ["laptop"]
    assert faults.seen["no_session"] >= 2


def test_no_answer_carries_what_another_one_was_given(app: Flask) -> None:
    """A cookie above all. Red when answers share one object of headers, as werkzeug lets them."""
    marks = iter(["one", "two"])

    @app.after_request
    def mark(answer: Any) -> Any:
        answer.headers.add("X-Mark", next(marks))
        return answer

    first, second = (app.test_client().get("/upsell/slot/cart") for _ in range(2))
    assert first.headers.getlist("X-Mark") == ["one"]
    assert second.headers.getlist("X-Mark") == ["two"]
    assert second.headers["Cache-Control"] == "private, no-store"
    assert second.headers["Content-Length"] == str(len(second.data))


# Bundles

SET = "bag+card"
WHOLE = [("laptop", 1, 64900), ("bag", 1, 5310), ("card", 1, 2061)]


@pytest.fixture
def offered_set(app: Flask, shopper: Visitor) -> Visitor:
    """A shopper who is offered a bag and a memory card together."""
    put_rules(app, set_of())
    assert shopper.see().products == [SET]
    return shopper


def test_a_bundle_goes_into_the_cart_and_out_again_as_a_whole(store: SessionStore, offered_set: Visitor) -> None:
    shown = look(offered_set.press("accept", SET).text)
    assert (shown.tone, shown.notice) == ("done", "Added: Canvas bag, Memory card.")
    assert store.lines() == WHOLE
    undone = look(offered_set.send(shown.undo).text)
    assert undone.tone == "done" and undone.notice.startswith("Undone: ")
    assert store.lines() == [("laptop", 1, 64900)]
    assert undone.products == [SET]


def test_without_a_script_a_bundle_is_accepted_told_and_undone(store: SessionStore, offered_set: Visitor) -> None:
    answer = offered_set.press("accept", SET, script=False)
    assert (answer.status_code, answer.location) == (303, "/cart")
    assert store.lines() == WHOLE
    shown = offered_set.see()
    assert shown.notice == "Added: Canvas bag, Memory card."
    assert offered_set.send(shown.undo, script=False).status_code == 303
    assert store.lines() == [("laptop", 1, 64900)]


@pytest.mark.parametrize("script", [True, False])
def test_a_bundle_of_which_the_store_refuses_one_adds_nothing(
    store: SessionStore, offered_set: Visitor, monkeypatch: pytest.MonkeyPatch, script: bool
) -> None:
    add = store.add

    def half(product: str, *rest: Any) -> Done | Refused:
        return Refused("Only one a person.") if product == "card" else add(product, *rest)

    monkeypatch.setattr(store, "add", half)
    answer = offered_set.press("accept", SET, script=script)
    shown = refused(answer) if script else offered_set.see()
    assert (shown.tone, shown.notice, shown.undo) == ("sorry", "Only one a person.", None)
    assert store.lines() == [("laptop", 1, 64900)]


@pytest.mark.parametrize("script", [True, False])
def test_a_bundle_that_became_dearer_is_shown_again_at_its_new_price(
    store: SessionStore, offered_set: Visitor, script: bool
) -> None:
    form = offered_set.see().card(SET).forms["accept"]
    store.shelf["card"] = msgspec.structs.replace(CARD, price=3290)
    answer = offered_set.send(form, script=script, piece=["0", "1"])
    shown = look(answer.text) if script else offered_set.see()
    assert shown.notice == "The price of Memory card has changed. Please look again."
    for amount in ("€82.71 together", "€59.00", "€32.90"):
        assert amount in shown.card(SET).text, amount
    assert "less" not in shown.card(SET).text, "a price that has just changed is nothing to measure a saving by"
    assert store.lines() == [("laptop", 1, 64900)]
    offered_set.send(shown.card(SET).forms["accept"], script=script, piece=["0", "1"])
    assert store.lines() == [("laptop", 1, 64900), ("bag", 1, 5310), ("card", 1, 2961)]


def test_a_double_click_adds_a_bundle_once(app: Flask, store: SessionStore, offered_set: Visitor) -> None:
    form = offered_set.see().card(SET).forms["accept"]
    answers = in_parallel(app, offered_set, Form(form.url, form.method, {**form.fields, "piece": ["0", "1"]}), 4)
    assert {look(answer.text).notice for answer in answers} == {"Added: Canvas bag, Memory card."}
    assert store.lines() == WHOLE
    assert counts(app)["accepted"] == 2, "once for each product"


def test_the_signals_of_a_bundle_are_one(app: Flask, offered_set: Visitor) -> None:
    heard: list[Any] = []

    def accepted(sender: object, acceptance: Any) -> None:
        heard.append((acceptance.kind, acceptance.product, acceptance.bundle == acceptance.id))

    def declined(sender: object, **said: Any) -> None:
        heard.append(tuple(said.values()))

    with offer_accepted.connected_to(accepted, sender=app), offer_declined.connected_to(declined, sender=app):
        offered_set.send(look(offered_set.press("accept", SET).text).undo)
        offered_set.press("decline", SET)
    assert heard == [(Kind.BUNDLE, "bag", True), (SET, "bundle", "cart")]


def test_a_declined_bundle_is_not_offered_again_but_what_is_in_it_is(app: Flask, offered_set: Visitor) -> None:
    shown = look(offered_set.press("decline", SET).text)
    assert (shown.notice, shown.products) == ("All right, we will not suggest it again.", [])
    for path in ("/cart", "/checkout", "/product/laptop"):
        assert SET not in offered_set.see(path).products
    assert counts(app)["declined"] == 2, "once for each product"
    put_rules(app)
    assert offered_set.see().products == ["plus", "bag"]


def test_who_declined_one_of_a_bundle_is_not_offered_it(app: Flask, shopper: Visitor) -> None:
    shopper.press("decline", "bag")
    put_rules(app, set_of())
    assert shopper.see().products == []


@pytest.mark.parametrize(
    ("elsewhere", "left"),
    [("bag%2Bcard", ["plus"]), ("plus&not=bag%2Bcard", []), ("bag", ["plus", "card"]), ("x%2By", ["plus", "bag"])],
)
def test_another_slot_that_shows_a_bundle_shows_all_of_it(shopper: Visitor, elsewhere: str, left: list[str]) -> None:
    """Shown red without the parts of a name: the bag stands beside the bundle that has it."""
    assert look(shopper.client.get(f"/upsell/slot/cart?not={elsewhere}").text).products == left


@pytest.mark.parametrize("elsewhere", ["bag", "card", "bag%2Bcard", "card%2Bbag"])
def test_a_bundle_is_not_beside_another_slot_that_shows_some_of_it(offered_set: Visitor, elsewhere: str) -> None:
    assert SET not in look(offered_set.client.get(f"/upsell/slot/cart?not={elsewhere}").text).products


def test_a_bundle_of_which_one_was_taken_out_costs_its_normal_price(store: SessionStore, offered_set: Visitor) -> None:
    offered_set.press("accept", SET)
    offered_set.client.get("/take/bag")
    assert store.lines() == [("laptop", 1, 64900), ("card", 1, 2290)]
    assert offered_set.see().notice == (
        "Memory card is at its normal price: not all of what it was offered with is in the cart."
    )


def test_an_ordered_bundle_converts_each_of_its_products(app: Flask, offered_set: Visitor) -> None:
    offered_set.press("accept", SET)
    offered_set.client.post("/order")
    found = counts(app)
    assert (found["accepted"], found["converted"], found["revenue"]) == (2, 2, 5310 + 2061)


# Programmes


def test_a_programme_is_a_link_and_can_only_be_declined(app: Flask, shopper: Visitor) -> None:
    put_rules(app, club())
    shown = shopper.see()
    card = shown.card("programme:club")
    assert (card.kind, list(card.forms)) == ("programme", ["decline"])
    assert shown.links == {"programme:club": ["/club"]}
    for text in ("Points card", "Free.", "Read more", "No thanks", "Chosen by the people of this store"):
        assert text in card.text, text
    assert "€" not in card.text


def test_a_programme_is_not_accepted_whoever_sends_its_token(app: Flask, store: SessionStore, shopper: Visitor) -> None:
    put_rules(app, club())
    token = shopper.see().card("programme:club").forms["decline"].fields["token"]
    shown = refused(shopper.send(Form("/upsell/accept", "post", {"token": token, "key": "k" * 20})))
    assert shown.notice == "To join Points card, please use its link."
    assert store.lines() == [("laptop", 1, 64900)]
    assert counts(app)["accepted"] == 0


@pytest.mark.parametrize("script", [True, False])
def test_a_declined_programme_is_not_offered_again(app: Flask, shopper: Visitor, script: bool) -> None:
    put_rules(app, club())
    shopper.press("decline", "programme:club", script=script)
    for path in ("/cart", "/checkout", "/product/laptop"):
        assert shopper.see(path).products == []
    assert Visitor(app).put("laptop").see().products == ["programme:club"]
    assert counts(app)["declined"] == 1


# Questions


@pytest.fixture
def asked(app: Flask, shopper: Visitor) -> Visitor:
    """A shopper who is asked for whom it is, and is offered a memory card for "me" and socks for a gift."""

    def answered(answer: str, ref: str) -> Rule:
        offer = Products(refs=(ref,))
        return Rule(
            name=f"for-{answer}", offer=offer, audience={"answer": {"question": "who", "is": [answer]}}, stop=True
        )

    put_rules(app, Rule(name="who", ask=ASK, when=WITH_LAPTOP), answered("me", "card"), answered("gift", "socks"))
    return shopper


def test_a_question_stands_above_the_offers_and_can_be_skipped_as_easily(asked: Visitor) -> None:
    shown = asked.see()
    assert (shown.question, shown.products, shown.hidden) == ("For whom is it?", ["plus", "bag"], False)
    assert list(shown.answers) == ["me", "gift", ""]
    for form in shown.answers.values():
        assert (form.url, form.method, set(form.fields)) == ("/upsell/answer", "post", {"token", "answer"})
    page = asked.client.get("/cart").text
    for words in (">For me</button>", ">A gift</button>", ">Skip<"):
        assert page.count(words) == 1, words
    assert page.index("For whom is it?") < page.index("Laptop Plus")


ANSWERS = [("me", ["card"]), ("gift", ["socks"]), ("", ["plus", "bag"])]


@pytest.mark.parametrize(("answer", "products"), ANSWERS)
def test_an_answer_changes_what_is_offered_at_once(asked: Visitor, answer: str, products: list[str]) -> None:
    """With our script. Shown red with the answer forgotten, and with a skip that is not remembered."""
    response = asked.send(asked.see().answers[answer])
    shown = look(response.text)
    assert response.status_code == 200
    assert (shown.placement, shown.question, shown.notice) == ("cart", "", "")
    assert shown.products == products


@pytest.mark.parametrize(("answer", "products"), ANSWERS)
@pytest.mark.parametrize("path", ["/cart", "/checkout?step=2", "/product/laptop"])
def test_without_a_script_an_answer_leads_back_to_its_page(
    asked: Visitor, path: str, answer: str, products: list[str]
) -> None:
    response = asked.send(asked.see(path).answers[answer], script=False)
    assert (response.status_code, response.location) == (303, path)
    shown = asked.see(path)
    assert (shown.question, shown.notice, shown.products) == ("", "", products)


@pytest.mark.parametrize("answer", ["me", ""])
def test_a_question_is_asked_once_a_session_wherever_it_is(app: Flask, asked: Visitor, answer: str) -> None:
    asked.send(asked.see().answers[answer])
    for path in ("/cart", "/checkout", "/product/laptop", "/order?ref=laptop"):
        assert asked.see(path).question == "", path
    assert look(asked.client.get("/upsell/slot/cart").text).question == ""
    assert Visitor(app).put("laptop").see().question == "For whom is it?"


@pytest.mark.parametrize("sent", ["me ", "ME", "you", "0", "x" * 5000, "<b>", "\0", "é"])
def test_what_is_no_answer_is_a_skip(asked: Visitor, sent: str) -> None:
    """Shown red with what was sent kept as it is: a shopper could fill the store's cookie."""
    shown = look(asked.send(asked.see().answers["me"], answer=sent).text)
    assert (shown.question, shown.products) == ("", ["plus", "bag"])
    assert asked.remembered()["upsell"]["asked"] == {"who": ""}


def test_without_an_answer_it_is_a_skip(asked: Visitor) -> None:
    form = asked.see().answers["me"]
    bare = {"token": form.fields["token"]}
    assert look(asked.send(Form(form.url, "post", bare)).text).question == ""
    assert asked.remembered()["upsell"]["asked"] == {"who": ""}


def test_an_answer_is_in_the_session_and_nowhere_else(app: Flask, asked: Visitor) -> None:
    """It says something about a person. Shown red with a row of the outbox for each answer."""
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]

    def rows() -> dict[str, list[Any]]:
        with engine.connect() as connection:
            return {name: list(connection.execute(table.select())) for name, table in metadata.tables.items()}

    before = rows()
    asked.send(asked.see().answers["me"])
    asked.send(asked.see("/checkout").answers.get("gift") or asked.see().card("card").forms["decline"])
    after = rows()
    assert {name for name in before if before[name] != after[name]} == {"upsell_outbox"}, "that is the decline"
    (written,) = after["upsell_outbox"]
    assert not {"who", "me", "gift"} & set(str(written).replace("'", " ").split())
    assert asked.remembered()["upsell"]["asked"] == {"who": "me"}


@pytest.mark.parametrize("script", [True, False])
def test_a_visitor_without_a_cookie_may_answer(app: Flask, asked: Visitor, script: bool) -> None:
    """The first click of all, on a product's page. Red when the answer to it asks again: then the session has what
    was said, but the request has no cookie that tells of a session."""
    stranger = Visitor(app)
    shown = stranger.see("/product/laptop")
    assert shown.question == "For whom is it?"
    assert stranger.client.get_cookie("session") is None
    response = stranger.send(shown.answers["me"], script=script)
    assert stranger.remembered()["upsell"]["asked"] == {"who": "me"}
    again = look(response.text) if script else stranger.see("/product/laptop")
    assert (again.question, again.products) == ("", ["card"])


@pytest.mark.parametrize("script", [True, False])
def test_a_visitor_without_a_cookie_may_say_no(visitor: Visitor, script: bool) -> None:
    """Red when the notice about it replaces what was declined: each is written by somebody who knows no session."""
    response = visitor.press("decline", "bag", "/product/laptop", script=script)
    shown = look(response.text) if script else visitor.see("/product/laptop")
    assert shown.notice == "All right, we will not suggest it again."
    assert "bag" not in shown.products
    assert "bag" not in visitor.see("/product/laptop").products


def test_a_question_without_offers_is_no_empty_slot(app: Flask, store: SessionStore, visitor: Visitor) -> None:
    put_rules(app, Rule(name="who", ask=ASK))
    shown = visitor.put("lonely").see()
    assert (shown.question, shown.cards, shown.hidden) == ("For whom is it?", [], False)
    assert look(visitor.send(shown.answers["me"]).text).hidden


def not_heard(response: TestResponse) -> Shown:
    refused(response)
    return look(response.text)


def test_an_answer_of_another_visitor_or_a_forged_one_is_refused(app: Flask, asked: Visitor) -> None:
    stranger = Visitor(app).put("laptop")
    form = asked.see().answers["me"]
    shown = not_heard(stranger.send(form))
    assert ("not made for this cart" in shown.notice, shown.question) == (True, "For whom is it?")
    token = form.fields["token"]
    for forged in (token[:-1] + ("Q" if token[-1] != "Q" else "g"), token[1:], f"{token}~0", "~0"):
        assert not_heard(asked.send(form, token=forged)).question == "For whom is it?"
    for one in (asked, stranger):
        assert "asked" not in one.remembered().get("upsell", {})


def test_tokens_of_questions_and_of_offers_are_not_the_same(asked: Visitor, store: SessionStore) -> None:
    """Each purpose has a key of its own, and what its tokens hold has a form of its own."""
    shown = asked.see()
    question, offer = shown.answers["me"].fields["token"], shown.cards[0].forms["accept"].fields
    not_heard(asked.send(Form("/upsell/answer", "post", {"token": offer["token"], "answer": "me"})))
    not_heard(asked.send(Form("/upsell/answer", "post", {"token": offer["token"].split("~")[0], "answer": "me"})))
    for path in ("accept", "decline", "undo"):
        for token in (question, f"{question}~0"):
            not_heard(asked.send(Form(f"/upsell/{path}", "post", {**offer, "token": token})))
    assert store.lines() == [("laptop", 1, 64900)]
    assert not {"asked", "no"} & asked.remembered()["upsell"].keys()


def test_an_old_question_is_asked_again_kindly(asked: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    form, now = asked.see().answers["me"], time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1802)
    shown = not_heard(asked.send(form))
    assert "too old" in shown.notice
    assert look(asked.send(shown.answers["me"]).text).products == ["card"]


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_an_answer_from_another_site_is_refused(asked: Visitor, headers: dict[str, str]) -> None:
    form = asked.see().answers["me"]
    before = asked.remembered()
    assert asked.client.post(form.url, data=form.fields, headers=headers).status_code == 403
    assert asked.remembered() == before


def test_getting_an_answer_changes_nothing(asked: Visitor) -> None:
    form = asked.see().answers["me"]
    for method in ("get", "put", "delete"):
        assert getattr(asked.client, method)(form.url, query_string=form.fields).status_code == 405
    assert asked.see().question == "For whom is it?"


def test_the_hosts_csrf_field_is_in_the_forms_of_questions_bundles_and_programmes(
    protected: Flask, store: SessionStore
) -> None:
    put_rules(protected, Rule(name="who", ask=ASK), set_of(stop=False), club(most=1))
    visitor = Visitor(protected).put("laptop")
    shown = visitor.see()
    assert shown.products == [SET, "programme:club"]
    forms = [*shown.answers.values(), *(form for card in shown.cards for form in card.forms.values())]
    assert len(forms) == 6
    assert all(form.fields["csrf_token"] for form in forms)
    form = shown.answers["me"]
    bare = {name: value for name, value in form.fields.items() if name != "csrf_token"}
    assert visitor.client.post(form.url, data=bare, headers=HERE).status_code == 400
    assert visitor.see().question
    assert look(visitor.send(form).text).question == ""


def test_a_question_whose_rule_is_gone_may_still_be_answered(app: Flask, asked: Visitor) -> None:
    form = asked.see().answers["me"]
    put_rules(app)
    shown = look(asked.send(form).text)
    assert (shown.notice, shown.question, shown.products) == ("", "", ["plus", "bag"])


def test_while_it_is_off_nothing_is_answered(asked: Visitor, serve: Serve) -> None:
    form = asked.see().answers["me"]
    off = Visitor(serve(SessionStore(GOODS), UPSELL_ENABLED=False)).put("laptop")
    assert off.send(form, script=False).status_code == 303
    assert "upsell" not in off.remembered()


def test_the_log_of_an_acceptance_names_the_decision_that_showed_it(
    app: Flask, shopper: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """Planted bug that it shows: an id made at the click, by which nothing can be found."""
    caplog.set_level("INFO", "flask_upsell")
    shown: list[str] = []

    def hear(_: Flask, decision: Decision) -> None:
        shown.append(decision.id)

    with offers_shown.connected_to(hear, app):
        shopper.press("accept", "bag")
        shopper.press("decline", "plus")
    assert len(shown) >= 3 and len(set(shown)) == len(shown) and all(len(id) == 12 for id in shown)
    told = [
        (record.upsell_reason, record.upsell_instance, record.upsell_placement, record.upsell_decision)  # type: ignore[attr-defined]
        for record in caplog.records
    ]
    assert told[0] == ("accepted", "upsell", "cart", shown[0])
    assert told[1][:3] == ("declined", "upsell", "cart") and told[1][3] in shown[1:]


def test_a_token_from_before_decisions_had_ids_is_still_taken(app: Flask, shopper: Visitor) -> None:
    """So pages stay usable that were open when a new version came."""
    widget: Any = app.jinja_env.globals["upsell"]
    form = shopper.see().card("bag").forms["accept"]
    with app.test_request_context():
        visitor = "cart-0"
        token, _, number = form.fields["token"].partition("~")
        shown = widget.tokens.read("offer", visitor, token, tokens.Shown)
        assert shown.decision
        old = widget.tokens.sign("offer", visitor, msgspec.to_builtins(shown)[:2])
    assert shopper.send(form, token=f"{old}~{number}").status_code == 200
    assert [line[0] for line in parts_of(app).offers.store.lines()] == ["laptop", "bag"]  # type: ignore[attr-defined]
