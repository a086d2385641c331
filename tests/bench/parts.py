"""What each part of a decision and its widget costs by itself: microseconds, so that a regression has an address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask

from flask_upsell.core.context import Context
from flask_upsell.core.decision import decide
from flask_upsell.core.money import format_money
from flask_upsell.web.cards import card
from flask_upsell.web.memory import Memory
from flask_upsell.web.shown import Page
from flask_upsell.web.widget import Widget

from . import apps, sample

#: All parts have their turn in each slice; the fastest slice counts, because whatever else the machine does only adds.
SLICES = 20


def measure(url: str, seconds: float, say: Callable[[str], None]) -> dict[str, float]:
    """The numbers `serving.part_us.*`."""
    app = apps.shop(url)
    with app.test_request_context("/cart"):
        parts = dict(_parts(app))
        times = {name: _repeats(part, seconds / len(parts) / SLICES) for name, part in parts.items()}
        fastest = dict.fromkeys(parts, float("inf"))
        for number in range(SLICES):
            say(f"in process: parts, slice {number + 1} of {SLICES}")
            for name, part in parts.items():
                fastest[name] = min(fastest[name], _microseconds(part, times[name]))
    rest = fastest["widget"] - sum(fastest[name] for name in ("suggest", "card_upgrade", "card_complement"))
    return {f"serving.part_us.{name}": value for name, value in {**fastest, "template": rest}.items()}


def _parts(app: Flask) -> Iterator[tuple[str, Callable[[], object]]]:
    widget: Any = app.jinja_env.globals["upsell"]
    assert isinstance(widget, Widget)
    offers, page = widget.offers, Page("cart", None, "/cart")
    cart, store = offers.store.cart(), offers.store
    refs = [line.product for line in cart.lines]

    def cold() -> None:
        apps.forget(offers)
        offers.shelf.read(refs)

    # The last reading fills the copy, which the rest finds warm.
    yield "read_cold", cold
    yield "read_warm", lambda: offers.shelf.read(refs)
    book = offers.shelf.read(refs)
    context = Context("cart", cart, cart.lines, offers.clock(), store.visitor(), policy=offers.policy)
    yield "decide", lambda: decide(context, book)
    yield "suggest", lambda: offers.suggest("cart", cart=cart)
    visitor = store.visitor().key
    shown = {offer.kind.value: offer for offer in offers.suggest("cart", cart=cart).offers}
    marks, speech = [("t", "k")], widget.languages.speech(None)
    yield "card_upgrade", lambda: card(shown["upgrade"], marks, store.format_money, speech)
    yield "card_complement", lambda: card(shown["complement"], marks, store.format_money, speech)
    yield "token", lambda: widget.tokens.sign("offer", visitor, page)
    yield "price", lambda: format_money(123_45, sample.CURRENCY)
    yield "memory", lambda: Memory(widget.identifier).declined
    yield "tally", lambda: offers.tally.add([("cart", "upgrade", "a"), ("cart", "complement", "b")])
    yield "widget", lambda: widget.render(page, cart=cart)


def _repeats(part: Callable[[], object], seconds: float) -> int:
    """How often the part can be run in so many seconds."""
    part()
    return max(1, int(seconds / max(_microseconds(part, 3) / 1e6, 1e-7)))


def _microseconds(part: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        part()
    return (time.perf_counter() - started) / times * 1e6
