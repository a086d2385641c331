"""Prometheus metrics of one instance: what a page counts (cheap), and what a scrape looks up.

Labels are names of this package and of the store's pages, never products or people. Each instance has a registry of
its own; its name is the label `upsell`, because Prometheus itself says `instance` of a process. With
PROMETHEUS_MULTIPROC_DIR (before Python starts) counters are those of all processes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, request

from .. import faults
from ..adapters.breaker import Breaker
from ..offers import Offers
from .edge import Edge, harmless

#: Seconds. A warm placement takes a fraction of a millisecond, one that waits for Redis tens of them.
BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
#: Where processes share their counts: prometheus_client's own name for it.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OFFERS, NONE, OFF, FAILED = "offers", "none", "off", "failed"


def make_meter(identifier: str, breakers: Mapping[str, Breaker]) -> Meter | None:
    """None without the extra, and where counting cannot begin: a store starts in any case."""
    if find_spec("prometheus_client") is None:
        return None
    try:
        if folder := os.environ.get(FOLDER):
            Path(folder).mkdir(parents=True, exist_ok=True)
        return Meter(identifier, breakers)
    except Exception as error:
        faults.note("metrics", "there are no metrics: %s: %s", type(error).__name__, error)
        return None


class Meter:
    """Counts for one instance. A count is a look into a dict and an addition: about a microsecond."""

    def __init__(self, identifier: str, breakers: Mapping[str, Breaker]) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.identifier = identifier
        self.registry = CollectorRegistry()
        self._breakers = [(backend, breaker) for backend, breaker in breakers.items()]
        self._open: dict[str, bool] = {}
        self._decided: dict[tuple[str, str], Callable[[], None]] = {}
        self._rendered: dict[str, Callable[[float], None]] = {}
        self._routed: dict[str, Callable[[float], None]] = {}

        def made(kind: Any, name: str, sentence: str, *labels: str, **more: Any) -> Any:
            return kind(name, sentence, ["upsell", *labels], registry=self.registry, **more)

        self._decisions = made(
            Counter,
            "upsell_decisions_total",
            "Placements rendered, by outcome: offers, none, off, failed.",
            "placement",
            "outcome",
        )
        self._renders = made(
            Histogram,
            "upsell_render_seconds",
            "Time to render a placement within a page.",
            "placement",
            buckets=BUCKETS,
        )
        self._requests = made(
            Histogram, "upsell_request_seconds", "Time to answer a route of ours.", "route", buckets=BUCKETS
        )
        self._actions = made(
            Counter,
            "upsell_actions_total",
            "What shoppers did: accepted, declined, undone.",
            "placement",
            "action",
        )
        self._faults = made(Counter, "upsell_faults_total", "What went wrong, by reason.", "reason")
        self._breaker = made(
            Gauge,
            "upsell_breaker_open",
            "1 while a backend is not asked because it failed, in any process.",
            "backend",
            multiprocess_mode="livemax",
        )
        for reason, times in faults.seen.items():
            self._fault(reason, times)
        faults.seen.tell(self._fault)
        self.watch_breakers()

    # --- what a page counts ----------------------------------------------------------------------------------------

    @harmless("metrics", None)
    def decided(self, placement: str, outcome: str) -> None:
        self._count(placement, outcome)

    def _count(self, placement: str, outcome: str) -> None:
        key = (placement, outcome)
        add = self._decided.get(key)
        if add is None:
            add = self._decided[key] = self._decisions.labels(self.identifier, *key).inc
        add()
        for backend, breaker in self._breakers:
            if breaker.open != self._open[backend]:
                self.watch_breakers()

    @harmless("metrics", None)
    def rendered(self, placement: str, outcome: str, seconds: float) -> None:
        observe = self._rendered.get(placement)
        if observe is None:
            observe = self._rendered[placement] = self._renders.labels(self.identifier, placement).observe
        observe(seconds)
        self._count(placement, outcome)

    @harmless("metrics", None)
    def answered(self, route: str, seconds: float) -> None:
        observe = self._routed.get(route)
        if observe is None:
            observe = self._routed[route] = self._requests.labels(self.identifier, route).observe
        observe(seconds)

    @harmless("metrics", None)
    def acted(self, placement: str, action: str) -> None:
        self._actions.labels(self.identifier, placement, action).inc()

    def watch_breakers(self) -> None:
        for backend, breaker in self._breakers:
            self._open[backend] = breaker.open
            self._breaker.labels(self.identifier, backend).set(int(breaker.open))

    def _fault(self, reason: str, times: int) -> None:
        self._faults.labels(self.identifier, reason).inc(times)

    # --- what a scrape gets ----------------------------------------------------------------------------------------

    def text(self, offers: Offers, accept: str = "") -> tuple[bytes, str]:
        """All metrics and their content type, in the format that the scraper prefers. Never raises for a backend."""
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder

        self.watch_breakers()
        whole = CollectorRegistry(auto_describe=False)
        whole.register(_Collected(self._of_all_processes))
        whole.register(_Collected(lambda: state(self.identifier, offers)))
        encode, kind = choose_encoder(accept)
        return encode(whole), kind

    def _of_all_processes(self) -> Iterable[Any]:
        folder = os.environ.get(FOLDER)
        if not folder:
            yield from self.registry.collect()
            return
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector

        # The folder holds the metrics of the store and of other instances too.
        for metric in MultiProcessCollector(CollectorRegistry(), folder).collect():  # type: ignore[no-untyped-call]
            metric.samples = [each for each in metric.samples if each.labels.get("upsell") == self.identifier]
            if metric.samples and metric.name.startswith("upsell_"):
                yield metric


class _Collected:
    """A collector from a function."""

    def __init__(self, collect: Callable[[], Iterable[Any]]) -> None:
        self.collect = collect


def state(identifier: str, offers: Offers) -> Iterator[Any]:
    """What all processes share, asked when it is scraped. What cannot be asked is left out, and its `up` is 0."""
    from prometheus_client.core import GaugeMetricFamily

    def gauge(name: str, sentence: str, value: float, **labels: str) -> Any:
        family = GaugeMetricFamily(name, sentence, labels=["upsell", *labels])
        family.add_metric([identifier, *labels.values()], value)
        return family

    now = datetime.now(UTC)

    def age(at: datetime | None) -> float:
        return 0.0 if at is None else max(0.0, (now - at).total_seconds())

    def database() -> Iterator[Any]:
        yield gauge("upsell_outbox_rows", "Events that are not in the counts yet.", offers.ledger.waiting())
        yield gauge("upsell_outbox_age_seconds", "Age of the oldest of them, or 0.", age(offers.ledger.oldest()))
        if (changed := offers.rules.changed_at()) is not None:
            yield gauge("upsell_rules_age_seconds", "Time since the rules were changed.", age(changed))

    def redis() -> Iterator[Any]:
        yield gauge("upsell_queue_jobs", "Jobs that wait for a worker.", offers.queue.depth())
        yield gauge("upsell_worker_seen", "1 while a worker lives.", int(offers.queue.worker_seen()))
        if (published := offers.shelf.published()) is not None:
            version, at = published
            yield gauge("upsell_book_age_seconds", "Time since the book was published.", age(at))
            yield gauge("upsell_book_info", "The version of the book that is live.", 1, version=version)
        if rules := offers.shelf.read(()).rules.version:
            yield gauge("upsell_rules_info", "The version of the rules that this process knows.", 1, version=rules)

    for backend, ask in (("database", database), ("redis", redis)):
        up = 1
        try:
            yield from ask()
        except Exception as error:
            up = 0
            faults.note("scrape", "metrics of the %s are left out: %s: %s", backend, type(error).__name__, error)
        yield gauge(f"upsell_{backend}_up", f"1 while the {backend} answers.", up)


def add_metrics(shop: Blueprint, meter: Meter, offers: Offers, may_read: Callable[[], bool], edge: Edge) -> None:
    """The route, and a stop watch around all routes of ours."""

    @shop.before_request
    def start() -> None:
        g.upsell_began = time.perf_counter()

    @shop.after_request
    def stop(response: Response) -> Response:
        # A check of the store's own (of its CSRF field) may have answered before we were asked.
        if (began := g.pop("upsell_began", None)) is not None:
            meter.answered((request.endpoint or "").rpartition(".")[2], time.perf_counter() - began)
        return response

    @shop.get("/metrics")
    def metrics() -> Response:
        if not may_read():
            return refused()
        with edge.patience():
            body, kind = meter.text(offers, request.headers.get("Accept", ""))
        return Response(body, content_type=kind)


def refused() -> Response:
    said = "This is for those whom the setting UPSELL_METRICS lets in (without one: for this machine).\n"
    return Response(said, 403, mimetype="text/plain")
