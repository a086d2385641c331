"""The widget's route beside bare Flask views: rounds of a second, interleaved, so that other work hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from itertools import product

import msgspec
from redis import Redis

from .load import Load, load
from .servers import fetch, granian, reads

#: name -> (app, path); the order of a round.
ROUTES = {
    "constant": ("bare", "/constant"),
    "get": ("bare", "/get"),
    "warm": ("warm", "/upsell/slot/cart"),
    "varied": ("varied", "/upsell/slot/cart"),
    "cold": ("cold", "/upsell/slot/cart"),
    "first": ("first", "/upsell/slot/cart"),
}
WIDGETS = ("warm", "varied", "cold", "first")


class Round(msgspec.Struct, frozen=True):
    """One second of one route. `cpu`: microseconds of the server process a request; `reads` of the book a request."""

    load: Load
    cpu: float
    reads: float


def measure(url: str, rounds: int, by: str, say: Callable[[str], None]) -> dict[str, float]:
    """The numbers `serving.*` of the routes."""
    found: dict[str, list[Round]] = {name: [] for name in ROUTES}
    with ExitStack() as running:
        servers = {app: running.enter_context(granian(app, url)) for app in ("bare", *WIDGETS)}
        valkey = Redis.from_url(url)
        running.callback(valkey.close)
        for name in WIDGETS:
            _check(fetch(servers[name] + ROUTES[name][1]))
        for number in range(rounds + 1):
            for name, (app, path) in ROUTES.items():
                say(f"round {number} of {rounds}: {name}" if number else f"warming up: {name}")
                each = _round(servers[app], path, valkey, by)
                if number:
                    found[name].append(each)
    return _numbers(found)


def _check(page: str) -> None:
    kinds = [kind for kind in ("upgrade", "complement") if f'data-upsell-kind="{kind}"' in page]
    if len(kinds) != 2:
        raise RuntimeError(f"the widget should show an upgrade and a complement, but shows {kinds}:\n{page}")


def _round(server: str, path: str, valkey: Redis, by: str) -> Round:
    cpu, before = float(fetch(server + "/cpu")), reads(valkey)
    done = load(server + path, 1, by)
    used, read = float(fetch(server + "/cpu")) - cpu, reads(valkey) - before
    return Round(done, used / done.requests * 1e6, read / done.requests)


def _numbers(found: dict[str, list[Round]]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, rounds in found.items():
        rates = [each.load.per_second for each in rounds]
        numbers[f"serving.per_second.{name}"] = statistics.median(rates)
        numbers[f"serving.per_second_best.{name}"] = max(rates)
        numbers[f"serving.p50_us.{name}"] = statistics.median(each.load.p50 for each in rounds)
        numbers[f"serving.p99_us.{name}"] = statistics.median(each.load.p99 for each in rounds)
        numbers[f"serving.p99_us_best.{name}"] = min(each.load.p99 for each in rounds)
        numbers[f"serving.cpu_us.{name}"] = statistics.median(each.cpu for each in rounds)
        numbers[f"serving.book_reads.{name}"] = sum(each.reads for each in rounds) / len(rounds)
    for over, under in product(WIDGETS, ("get", "constant")):
        pairs = list(zip(found[over], found[under], strict=True))
        rate = statistics.median(a.load.per_second / b.load.per_second for a, b in pairs)
        numbers[f"serving.widget_vs_{under}.{over}"] = rate
        numbers[f"serving.cpu_vs_{under}.{over}"] = statistics.median(a.cpu / b.cpu for a, b in pairs)
    return numbers
