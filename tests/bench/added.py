"""What `{{ upsell("cart", cart=cart) }}` adds to a store's own cart page of five lines: whole requests, in process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from . import apps

#: Pages of one kind in a row before the other kind has its turn.
TURN = 5
COPIES = ("warm", "cold")


def measure(url: str, seconds: float, say: Callable[[str], None]) -> dict[str, float]:
    """The numbers `serving.added_ms.*` and `serving.page_ms.*`."""
    numbers: dict[str, float] = {}
    for copy in COPIES:
        say(f"in process: a cart page with and without the widget, {copy}")
        app = apps.shop(url, cold=copy == "cold")
        plain, with_widget = _alternate(app, seconds / len(COPIES))
        numbers[f"serving.page_ms.p50.{copy}"] = statistics.median(plain)
        for name, percent in (("p50", 50), ("p99", 99)):
            numbers[f"serving.added_ms.{name}.{copy}"] = _percentile(with_widget, percent) - _percentile(plain, percent)
    return numbers


def _alternate(app: Flask, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of each request for the page without and with the widget, in turns."""
    pages = [_page(app, path) for path in ("/plain", "/with")]
    if b"data-upsell-offer" in pages[0]() or pages[1]().count(b"data-upsell-offer") != 2:
        raise RuntimeError("the page should show two offers, and the page without the widget none")
    for _ in range(100):
        for page in pages:
            page()
    times: tuple[list[float], list[float]] = ([], [])
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for page, found in zip(pages, times, strict=True):
            for _ in range(TURN):
                started = time.perf_counter()
                page()
                found.append((time.perf_counter() - started) * 1e3)
    return times


def _page(app: Flask, path: str) -> Callable[[], bytes]:
    environ = EnvironBuilder(path).get_environ()

    def page() -> bytes:
        return b"".join(app.wsgi_app(environ.copy(), _ignore))

    return page


def _ignore(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
    return lambda _: None


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
