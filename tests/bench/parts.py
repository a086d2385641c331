"""What each part of a decision and its widget costs by itself: microseconds, so that a regression has an address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask

from flask_upsell.core.context import Context
from flask_upsell.core.decision import decide
from flask_upsell.core.money import format_money
from flask_upsell.web.widget import Memory, Page, Widget

from . import apps, sample

#: A part is measured in so many slices; the fastest counts, because whatever else the machine does only adds.
SLICES = 15


def measure(url: str, seconds: float, say: Callable[[str], None]) -> dict[str, float]:
    """The numbers `serving.part_us.*`."""
    app = apps.shop(url)
    numbers: dict[str, float] = {}
    with app.test_request_context("/cart"):
        parts = dict(_parts(app))
        for name, part in parts.items():
            say(f"in process: {name}")
            numbers[f"serving.part_us.{name}"] = _microseconds(part, seconds / len(parts))
    found = [numbers[f"serving.part_us.{name}"] for name in ("widget", "suggest", "card_upgrade", "card_complement")]
    numbers["serving.part_us.template"] = found[0] - sum(found[1:])
    return numbers


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
    visitor = offers.pseudonym(store.visitor().key)
    shown = {offer.kind.value: offer for offer in offers.suggest("cart", cart=cart).offers}
    yield "card_upgrade", lambda: widget._card(shown["upgrade"], page, visitor)
    yield "card_complement", lambda: widget._card(shown["complement"], page, visitor)
    yield "token", lambda: widget.tokens.sign("offer", visitor, page)
    yield "price", lambda: format_money(123_45, sample.CURRENCY)
    yield "memory", lambda: Memory(widget.identifier).declined
    yield "tally", lambda: offers.tally.add([("cart", "upgrade", "a"), ("cart", "complement", "b")])
    yield "widget", lambda: widget.render(page, cart=cart)


def _microseconds(part: Callable[[], object], seconds: float) -> float:
    part()
    started = time.perf_counter()
    part()
    once = max(time.perf_counter() - started, 1e-7)
    times = max(1, int(seconds / SLICES / once))
    found = []
    for _ in range(SLICES):
        started = time.perf_counter()
        for _ in range(times):
            part()
        found.append((time.perf_counter() - started) / times * 1e6)
    return min(found)
