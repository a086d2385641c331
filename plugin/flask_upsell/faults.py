"""Counts of what went wrong in this process, by reason: for the log, the health page and tests."""

from __future__ import annotations

import logging
from collections import Counter

log = logging.getLogger("flask_upsell")

#: reason -> how often in this process
seen: Counter[str] = Counter()


def note(reason: str, message: str, *values: object, error: BaseException | None = None) -> None:
    """Count a fault and log it: a line with its reason, a traceback only when `error` is given.

    From the eleventh on only every hundredth is logged, so that an outage does not fill a disk.
    """
    seen[reason] += 1
    if seen[reason] <= 10 or seen[reason] % 100 == 0:
        log.warning(
            f"{reason}: {message} (%d so far)", *values, seen[reason], exc_info=error, extra={"upsell_reason": reason}
        )
