"""Is everything there that the offers need? Names what is missing; a shop is never blocked by it."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from flask import request

from .. import faults
from ..offers import Offers
from ..settings import Settings
from .edge import harmless

#: A request that came through a proxy: whose it is, the address does not say.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


@harmless("metrics", False)
def may_read(settings: Settings) -> bool:
    """Whether this request may see health and metrics: whom the store lets in, else only this machine itself."""
    if settings.metrics is not None:
        return bool(settings.metrics())
    if any(name in request.headers for name in FORWARDED):
        return False
    return bool(request.remote_addr) and ip_address(str(request.remote_addr)).is_loopback


def health(offers: Offers) -> dict[str, Any]:
    """{"ok", "missing": [names], "database", "redis", "worker", "book", "outbox", "switched_off", "faults"}; ok:
    nothing is missing."""
    report: dict[str, Any] = {}
    missing: list[str] = []
    try:
        offers.ledger.ping()
        report["outbox"] = offers.ledger.waiting()
        report["switched_off"] = offers.switch.state() is not None
        report["database"] = "ok"
    except Exception as error:
        report["database"] = f"not usable ({type(error).__name__}); run 'flask upsell db upgrade'"
        missing.append("database")
    try:
        published = offers.shelf.published()
        report["redis"] = "ok"
        report["book"] = (
            "none published; run 'flask upsell learn'"
            if published is None
            else {"version": published[0], "age_seconds": int((datetime.now(UTC) - published[1]).total_seconds())}
        )
        report["worker"] = "ok" if offers.queue.worker_seen() else "not seen; run 'flask upsell worker'"
        if report["worker"] != "ok":
            missing.append("worker")
    except Exception as error:
        report["redis"] = f"not reachable ({type(error).__name__})"
        report["worker"] = "unknown"
        missing += ["redis", "worker"]
    return {"ok": not missing, "missing": missing, **report, "faults": dict(faults.seen)}
