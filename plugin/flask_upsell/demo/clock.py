"""The demo's time machine: `?at=2027-02-10` moves the clock of this visitor's offers; `?at=` brings it back to now.

Only offers see it: orders and carts are written when they are.
"""

from __future__ import annotations

from datetime import UTC, datetime

from flask import has_request_context, session

#: The zone of the texts, and of the demo's seasons.
ZONE = "UTC"


def travel(text: str) -> bool:
    """Move this visitor's clock to a date or an instant, "YYYY-MM-DD" or "YYYY-MM-DDTHH:MM"; "" is now. False for
    anything else, which moves nothing."""
    if not text.strip():
        session.pop("at", None)
        return True
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not 2000 <= aware.year <= 2100:
        return False
    session["at"] = aware.isoformat(timespec="minutes")
    return True


def moved() -> datetime | None:
    """Where this visitor's clock was moved to; None when it was not."""
    text = session.get("at") if has_request_context() else None
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def now() -> datetime:
    """The instant that offers are made for."""
    return moved() or datetime.now(UTC)
