"""Every function of the plugin that a page, a click or an order calls is made to raise, in turn: the store goes on.

Which ones is not written down: one journey in which all goes well is traced. A function raises by its code being
exchanged, so it does not matter who holds it, what decorates it or how deep it is.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from flask import Flask, render_template_string

import flask_upsell
from flask_upsell import Visitor as Shopper
from flask_upsell import faults, order_cancelled
from flask_upsell.till import clicks
from tests.conftest import MakeApp
from tests.web.markup import Card, Form, slots
from tests.web.shop import GOODS, SessionStore, Visitor, add_pages, parts_of, publish, put_rules, set_of

PACKAGE = str(Path(flask_upsell.__file__).parent)
#: Parts of the host: what its own views call too.
HOSTS = ("adapters/stores/", "demo/")
PLAIN = "<!doctype html><title>Cart</title><h1>Larkhill</h1><main></main><footer>©</footer>"
#: The edge itself: they only call what is guarded.
EDGE = ("harmless.<locals>.wrap.<locals>.guarded", "keep_private")
ERRORS = ("RuntimeError", "MemoryError", "RecursionError")


def page_of_the_store(app: Flask) -> None:
    text = "<!doctype html><title>Cart</title><h1>Larkhill</h1><main>{{ upsell('cart') }}</main><footer>©</footer>"
    app.add_url_rule("/page", "page", lambda: render_template_string(text))


def around(text: str) -> str:
    before, _, rest = text.partition("<main>")
    return f"{before}<main></main>{rest.partition('</main>')[2]}"


def ticked(card: Card) -> dict[str, list[str]]:
    """All boxes of a bundle."""
    boxes: dict[str, list[str]] = {}
    for name, value in card.boxes:
        boxes.setdefault(name, []).append(value)
    return boxes


class Shop:
    """A store with pages, a visitor at a time, and what is kept between them."""

    def __init__(self, app: Flask, store: SessionStore) -> None:
        self.app, self.store = app, store

    def forget(self) -> None:
        """What a process keeps of pages before, so that each function is called again."""
        widget: Any = self.app.jinja_env.globals["upsell"]
        for kept in (widget._blanks, widget._numbered, widget._heads):
            kept.clear()
        offers: Any = parts_of(self.app).offers
        offers._decided = (("", ""), {})
        offers.shelf._breaker.succeeded()

    def journey(self) -> list[str]:
        """A page, clicks, an order and its cancelling; what was wrong with them."""
        wrong: list[str] = []
        visitor = Visitor(self.app)
        client = visitor.client
        client.get("/put/laptop")

        def look(action: str) -> list[tuple[Form, dict[str, list[str]]]]:
            """The page; the ways to accept and to decline what it shows."""
            answer = client.get("/page")
            if answer.status_code != 200:
                wrong.append(f"the page answers {answer.status_code}")
            elif around(answer.text) != PLAIN:
                wrong.append("the page has changed outside of the slot")
            cards = [card for found in slots(answer.text) for card in found.cards]
            return [(card.forms[action], ticked(card)) for card in cards if action in card.forms]

        def send(form: Form | None, script: bool, **more: list[str]) -> str:
            """A click, if there is something to click on."""
            if form is None:
                return ""
            answer = visitor.send(form, script=script, **more)
            if answer.status_code != (200 if script else 303):
                wrong.append(f"{form.url} answers {answer.status_code}")
            return answer.text

        for action, script in (("accept", True), ("decline", True), ("accept", False), ("decline", False)):
            form, boxes = next(iter(look(action)), (None, {}))
            said = slots(send(form, script, **boxes))
            if action == "accept" and script:
                send(next((found.undo for found in said if found.undo), None), script)
        before = len(self.store.placed)
        look("accept")
        answer = client.post("/order")
        if (answer.status_code, len(self.store.placed)) != (200, before + 1):
            wrong.append(f"the order answers {answer.status_code}")
        answer = client.post(f"/cancel/{answer.text}")
        if answer.status_code != 200:
            wrong.append(f"cancelling answers {answer.status_code}")
        return wrong


@pytest.fixture
def shop(make_app: MakeApp, fast_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    store = SessionStore(GOODS, urls={"cart": "/page"})
    url = f"sqlite:///{fast_folder / 'ledger.db'}"
    app = make_app(store, PROPAGATE_EXCEPTIONS=False, TESTING=False, UPSELL_DATABASE_URL=url, UPSELL_MAX_OFFERS=3)
    add_pages(app, store)
    page_of_the_store(app)

    @app.post("/cancel/<ref>")
    def cancel(ref: str) -> str:
        order_cancelled.send(app, order=ref)
        return "cancelled"

    publish(app)
    put_rules(app, set_of(stop=False))
    # A click that is never ended would be waited for by the next one of its visitor.
    monkeypatch.setattr(clicks, "PATIENCE_SECONDS", 0.01)
    yield Shop(app, store)
    faults.seen.clear()


def called(shop: Shop) -> list[CodeType]:
    """The plugin's functions that a good journey calls, in the order of their files and lines."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            seen.add(frame.f_code)

    sys.setprofile(note)
    shop.forget()
    try:
        assert shop.journey() == []
    finally:
        sys.setprofile(None)
    inside = [code for code in seen if not code.co_filename[len(PACKAGE) + 1 :].startswith(HOSTS)]
    return sorted(
        (code for code in inside if code.co_qualname not in EDGE),
        key=lambda code: (code.co_filename, code.co_firstlineno, code.co_name),
    )


def raising(free: int, error: str) -> CodeType:
    """A function's code that raises, with so many free variables as the one it stands for."""
    names = [f"v{number}" for number in range(free)]
    source = "def outer():\n" + "".join(f"    {name} = 0\n" for name in names)
    source += "    def f(*args, **kwargs):\n" + "".join(f"        {name}\n" for name in names)
    source += f"        raise {error}('planted')\n    return f\n"
    made: dict[str, Any] = {}
    exec(source, made)
    found: CodeType = made["outer"]().__code__
    return found


@contextmanager
def planted(functions: list[FunctionType], code: CodeType, error: str) -> Iterator[None]:
    """What holds this code raises each time; what is made only later (a function in a function) at its first call."""
    if functions:
        for function in functions:
            function.__code__ = raising(len(code.co_freevars), error)
        try:
            yield
        finally:
            for function in functions:
                function.__code__ = code
        return

    def first(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code is code:
            raise {"RuntimeError": RuntimeError, "MemoryError": MemoryError, "RecursionError": RecursionError}[error]

    sys.setprofile(first)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.soak
def test_each_function_that_raises_leaves_the_store_as_it_is(
    shop: Shop, amount: Callable[[int, int], int], figure: Callable[[str, object, str], None]
) -> None:
    """Planted bug that it shows: a receiver of a signal without `harmless`."""
    every = called(shop)
    codes = every[:: amount(9, 1)]
    held: dict[CodeType, list[FunctionType]] = {code: [] for code in codes}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__ in held:
            held[each.__code__].append(each)
    errors = cycle(ERRORS)
    wrong = []
    for code in codes:
        for error in ERRORS[: amount(1, 3)]:
            this = next(errors) if amount(1, 3) == 1 else error
            shop.forget()
            with planted(held[code], code, this):
                try:
                    found = shop.journey()
                except Exception as reached:  # not even the server's own page for errors
                    found = [f"{type(reached).__name__} reaches the server"]
            where = f"{code.co_filename[len(PACKAGE) + 1 :]}:{code.co_firstlineno} {code.co_qualname}"
            wrong += [f"{where} raises {this}: {each}" for each in dict.fromkeys(found)]
    assert shop.journey() == [], "all is as before"
    figure("functions, of which raised", f"{len(every)}, {len(codes)}", ">= 300, all")
    assert len(every) > 300
    assert wrong == [], "\n".join(wrong)


def test_a_good_visitor_is_known(shop: Shop) -> None:
    """The journey that is traced meets what it is about."""
    names = {code.co_qualname for code in called(shop)}
    for each in (
        "Widget.render",
        "Till.accept",
        "Till.undo",
        "Offers.decline",
        "SQLLedger.record_order",
        "Offers.release",
    ):
        assert each in names, each
    assert isinstance(shop.store.visitor(), Shopper)
