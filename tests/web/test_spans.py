"""Spans where the store uses OpenTelemetry, and nothing where it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from flask import Flask
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from flask_upsell.web import spans
from tests.web.shop import Visitor, parts_of


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """OpenTelemetry as a store configures it, for one test."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    found, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    trace.set_tracer_provider(provider)
    yield found
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def test_suggest_accept_and_order_are_spans(shopper: Visitor, exporter: InMemorySpanExporter) -> None:
    shopper.press("accept", "bag")
    shopper.client.post("/order")
    first = by_name(exporter, "upsell.suggest")[0]
    assert first.attributes is not None
    told = dict(first.attributes)
    assert isinstance(told.pop("upsell.version"), str)
    assert told == {"upsell.instance": "upsell", "upsell.placement": "cart", "upsell.offers": 2}
    (accept,) = by_name(exporter, "upsell.accept")
    assert accept.attributes is not None and accept.attributes["upsell.outcome"] == "done"
    assert by_name(exporter, "upsell.order")
    every = [str(value) for span in exporter.get_finished_spans() for value in (span.attributes or {}).values()]
    assert not [value for value in every if "bag" in value or "order-" in value], "neither products nor orders"


def test_an_error_is_a_status_without_its_text(
    app: Flask, shopper: Visitor, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug that it shows: exceptions recorded with their message, which may hold an address."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("ada@customers.example")

    monkeypatch.setattr(parts_of(app).offers, "suggest", fail)
    shopper.client.get("/cart")
    (span,) = by_name(exporter, "upsell.suggest")
    assert not span.status.is_ok and span.status.description == "RuntimeError"
    assert "ada@" not in span.to_json()


def test_without_a_configured_opentelemetry_nothing_is_made() -> None:
    assert spans.span("upsell.suggest", "upsell") is spans._NOTHING


def test_without_opentelemetry_nothing_is_made(exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    with spans.span("upsell.suggest", "upsell") as here:
        spans.mark(here, offers=1)
    assert here is None and not exporter.get_finished_spans()
