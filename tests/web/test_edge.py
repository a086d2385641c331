"""The edge: what is raised in here is counted and logged, and the store goes on; whichever method of it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_upsell import MemoryStore, faults, offer_accepted, offer_declined, offers_shown
from flask_upsell.web.edge import Edge, harmless
from tests.web.conftest import Serve
from tests.web.markup import slot, slots
from tests.web.shop import GOODS, SessionStore, Visitor, parts_of


class Broken(Exception):
    pass


def test_what_is_raised_is_counted_and_logged_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    @harmless("reason", "instead")
    def fails(text: str) -> str:
        raise Broken(text)

    assert fails("what happened") == "instead"
    assert faults.seen["reason"] == 1
    assert "fails failed: Broken: (its text is left out" in caplog.text
    assert caplog.records[0].exc_info is not None
    assert "raise Broken(text)" in caplog.text
    assert "what happened" not in "".join(record.getMessage() for record in caplog.records)


def test_what_is_not_raised_is_returned() -> None:
    @harmless("reason", 0)
    def works(number: int, *, more: int) -> int:
        return number + more

    assert works(1, more=2) == 3
    assert faults.seen["reason"] == 0
    assert works.__name__ == "works"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_end_is_not_held_up(error: type[BaseException]) -> None:
    @harmless("reason", None)
    def ends() -> None:
        raise error

    with pytest.raises(error):
        ends()


class BrokenStore(SessionStore):
    """Its method `broken` raises, from when it is named."""

    broken = ""

    def __getattribute__(self, name: str) -> Any:
        if name != "broken" and name == object.__getattribute__(self, "broken"):
            raise Broken(f"the store's {name}")
        return super().__getattribute__(name)


@pytest.fixture
def broken(serve: Serve) -> tuple[Flask, BrokenStore, Visitor]:
    store = BrokenStore(GOODS, urls={"cart": "/cart"})
    app = serve(store)
    return app, store, Visitor(app).put("laptop")


Broke = tuple[Flask, BrokenStore, Visitor]


@pytest.mark.parametrize("method", ["visitor", "cart", "capabilities", "format_money", "csrf_field"])
def test_a_page_goes_on_without_the_widget(broken: Broke, caplog: pytest.LogCaptureFixture, method: str) -> None:
    """Shown red with `harmless` taken off `Widget.__call__`."""
    _, store, visitor = broken
    store.broken = method
    answer = visitor.client.get("/cart")
    assert answer.status_code == 200
    assert "<main>" in answer.text
    assert slots(answer.text) == []
    assert "Broken" in caplog.text and f"the store's {method}" not in caplog.text
    assert faults.seen["render"] == 1
    store.broken = ""
    assert visitor.see().products == ["plus", "bag"]


@pytest.mark.parametrize("method", ["products", "add", "replace", "remove", "urls", "orders", "order", "catalogue"])
def test_what_a_page_does_not_need_does_not_break_it(broken: Broke, method: str) -> None:
    _, store, visitor = broken
    store.broken = method
    assert visitor.see().products == ["plus", "bag"]
    assert not faults.seen


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    ("action", "method"),
    [
        ("accept", "visitor"),
        ("accept", "cart"),
        ("accept", "products"),
        ("accept", "add"),
        ("accept", "urls"),
        ("decline", "visitor"),
        ("decline", "urls"),
    ],
)
def test_an_action_is_answered_and_the_fault_is_logged(
    broken: Broke, caplog: pytest.LogCaptureFixture, action: str, method: str, script: bool
) -> None:
    """No page of ours is ever a 500: the script gets an answer that it can use or gives up on, a browser a redirect."""
    app, store, visitor = broken
    app.config["PROPAGATE_EXCEPTIONS"] = False
    form = visitor.see().card("bag").forms[action]
    store.broken = method
    answer = visitor.send(form, script=script)
    assert answer.status_code in ((200,) if script else (303,)), answer.text
    if method != "urls":  # the way back is in the token
        assert "Broken" in caplog.text and f"the store's {method}" not in caplog.text
    store.broken = ""
    assert visitor.client.get("/cart").status_code == 200


@pytest.mark.parametrize(
    ("action", "method"), [("accept", "format_money"), ("decline", "cart"), ("decline", "csrf_field")]
)
def test_an_answer_that_cannot_be_drawn_is_one_that_the_script_gives_up_on(
    broken: Broke, caplog: pytest.LogCaptureFixture, action: str, method: str
) -> None:
    """Nothing that it could take for a slot: it then sends the ordinary form, with the same key."""
    _, store, visitor = broken
    form = visitor.see().card("bag").forms[action]
    store.broken = method
    answer = visitor.send(form)
    assert (answer.status_code, slots(answer.text)) == (200, [])
    assert "Broken" in caplog.text and f"the store's {method}" not in caplog.text
    assert visitor.send(form, script=False).status_code == 303
    assert [line[0] for line in object.__getattribute__(store, "lines")()] in (["laptop"], ["laptop", "bag"])


@pytest.mark.parametrize("method", ["visitor", "cart", "remove"])
def test_an_undo_is_answered_too(broken: Broke, caplog: pytest.LogCaptureFixture, method: str) -> None:
    app, store, visitor = broken
    app.config["PROPAGATE_EXCEPTIONS"] = False
    visitor.press("accept", "bag")
    undo = visitor.see().undo
    store.broken = method
    assert visitor.send(undo, script=False).status_code == 303
    assert "Broken" in caplog.text and f"the store's {method}" not in caplog.text
    assert [line[0] for line in store.lines()] == ["laptop", "bag"]
    store.broken = ""
    assert slot(visitor.send(undo).text).tone == "done"


def test_a_ledger_that_fails_after_the_add_does_not_say_that_nothing_changed(
    broken: Broke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either the cart is as it was, or the shopper is not told so."""
    app, store, visitor = broken

    def fails(*_: object) -> None:
        raise Broken("the database is full")

    form = visitor.see().card("bag").forms["accept"]
    monkeypatch.setattr(parts_of(app).offers.ledger, "record_acceptances", fails)
    answer = visitor.send(form)
    assert answer.status_code == 200
    taken = any(line[0] == "bag" for line in store.lines())
    assert not (taken and "as it was" in answer.text)


@pytest.mark.parametrize("name", ["offers_shown", "offer_accepted", "offer_declined"])
def test_a_listener_that_raises_changes_nothing(broken: Broke, name: str) -> None:
    app, store, visitor = broken

    def listener(sender: object, **_: object) -> None:
        raise Broken(name)

    signal = {"offers_shown": offers_shown, "offer_accepted": offer_accepted, "offer_declined": offer_declined}[name]
    with signal.connected_to(listener, sender=app):
        assert visitor.press("accept", "bag").status_code == 200
        assert visitor.press("decline", "plus").status_code == 200
    assert [line[0] for line in store.lines()] == ["laptop", "bag"]
    assert faults.seen["signal"] >= 1


@pytest.mark.parametrize("part", ["read", "start"])
def test_a_shelf_or_ledger_that_raises(broken: Broke, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    app, _, visitor = broken
    form = visitor.see().card("bag").forms["accept"]

    def fails(*_: object, **__: object) -> None:
        raise Broken(part)

    offers = parts_of(app).offers
    target: Callable[..., object] | Any = offers.shelf if part == "read" else offers.ledger
    monkeypatch.setattr(target, part, fails)
    assert visitor.client.get("/cart").status_code == 200
    assert visitor.send(form).status_code == 200


def test_many_faults_do_not_fill_the_log(broken: Broke, caplog: pytest.LogCaptureFixture) -> None:
    """Nor does it go on to fail: after ten in a row nothing is tried for a minute."""
    _, store, visitor = broken
    store.broken = "cart"
    for _ in range(120):
        assert visitor.client.get("/cart").status_code == 200
    assert faults.seen["render"] == 10
    assert faults.seen["switched_off"] == 1
    assert sum("render" in record.getMessage() for record in caplog.records) == 10
    store.broken = ""
    assert slots(visitor.client.get("/cart").text) == []


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def an_edge(slow: float = 0.25) -> tuple[Edge, Clock, Callable[[float], str]]:
    """With a hook that takes so many seconds, and raises when that is negative."""
    clock = Clock()
    edge = Edge(0.02, slow, clock)

    @edge.shows("reason", "")
    def hook(seconds: float) -> str:
        if seconds < 0:
            raise Broken("less than nothing")
        clock.now += seconds
        return "shown"

    return edge, clock, hook


def test_three_slow_hooks_within_a_minute_are_enough_for_a_minute() -> None:
    """Planted bug that it shows: `_took` forgets to set `_off_until`."""
    edge, clock, hook = an_edge()
    assert [hook(0.3), hook(0.2), hook(0.3)] == ["shown"] * 3
    assert not edge.off
    assert hook(0.3) == "shown", "what took long is shown all the same"
    assert edge.off
    assert hook(0) == ""
    clock.now += 59
    assert hook(0) == ""
    clock.now += 1.1
    assert not edge.off
    assert hook(0) == "shown"
    assert (faults.seen["slow"], faults.seen["switched_off"]) == (3, 1)


def test_a_page_that_calls_for_the_head_forgives_no_error(serve: Serve) -> None:
    """Planted bug that it shows: `head` is a hook of the edge, so that each page begins with a success."""
    app = serve(SessionStore(GOODS))
    parts_of(app).offers.suggest = lambda *_, **__: 1 / 0  # type: ignore[assignment, method-assign]
    widget: Any = app.jinja_env.globals["upsell"]
    for _ in range(10):
        with app.test_request_context("/cart"):
            assert widget.head()
            assert widget("cart") == ""
    assert widget.edge.off


def test_slow_hooks_now_and_then_are_borne() -> None:
    edge, clock, hook = an_edge()
    for _ in range(20):
        assert hook(0.3) == "shown"
        clock.now += 31
    assert not edge.off


def test_with_zero_nothing_is_too_slow() -> None:
    _, _, hook = an_edge(0)
    assert {hook(9.0) for _ in range(20)} == {"shown"}


def test_errors_with_a_success_between_them_switch_nothing_off() -> None:
    edge, _, hook = an_edge()
    for _ in range(5):
        assert [hook(-1) for _ in range(9)] == [""] * 9
        assert hook(0) == "shown"
    assert not edge.off
    assert [hook(-1) for _ in range(10)] == [""] * 10
    assert edge.off


def test_what_money_hangs_on_is_never_off() -> None:
    edge, clock, hook = an_edge()
    calls = []

    @edge.serves("money", None)
    def order(number: int) -> None:
        calls.append(number)
        clock.now += 10
        if number % 2:
            raise Broken("this order")

    for _ in range(3):
        hook(1)
    assert edge.off
    for number in range(30):
        order(number)
    assert calls == list(range(30))
    assert faults.seen["money"] == 15


def test_a_store_is_asked_nothing_while_it_is_off(serve: Serve) -> None:
    class Untouched(MemoryStore):
        def cart(self, given: object = None) -> Any:
            raise Broken("asked")

    app = serve(Untouched(GOODS), UPSELL_ENABLED=False)
    answer = Visitor(app).client.get("/cart")
    assert (answer.status_code, slots(answer.text)) == (200, [])
    assert not faults.seen
