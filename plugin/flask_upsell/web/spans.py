"""OpenTelemetry spans, where the store uses OpenTelemetry: who configured it has imported it, so nothing is imported
here, and where it is not configured nothing is paid for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

#: What spans of ours are called by.
SCOPE = "flask_upsell"
_NOTHING: AbstractContextManager[Any] = nullcontext()


def span(name: str, instance: str, **attributes: str) -> AbstractContextManager[Any]:
    """A span around the block, such as "upsell.suggest"; the block gets it to say more (`mark`), or None.

    `attributes` become "upsell.NAME". An exception that leaves the block is told by its type only: its message may
    hold what a span must not.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NOTHING
    told = {"upsell.instance": instance, **{f"upsell.{key}": value for key, value in attributes.items()}}
    return _started(trace, name, told)


@contextmanager
def _started(trace: Any, name: str, told: dict[str, str]) -> Iterator[Any]:
    own = {"record_exception": False, "set_status_on_exception": False}
    with trace.get_tracer(SCOPE).start_as_current_span(name, attributes=told, **own) as here:
        try:
            yield here
        except Exception as error:
            here.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def mark(here: Any, **attributes: str | int) -> None:
    """Say more about a span, where there is one."""
    if here is not None:
        here.set_attributes({f"upsell.{key}": value for key, value in attributes.items()})
