"""Counts of what went wrong in this process, by reason: for the log, the health page and tests.

What an exception of the store, of a database or of a template says may be about people: "no account for ada@…". A log
gets its type and where it came from, not its text, unless the app is in debug mode (`told_whole`).
"""

from __future__ import annotations

import logging
import os
from collections import Counter

from .errors import BadInput, UpsellError

log = logging.getLogger("flask_upsell")

#: reason -> how often in this process
seen: Counter[str] = Counter()
#: Whether logs get the texts of all exceptions: on a developer's machine.
told_whole = False
LEFT_OUT = "(its text is left out: it may be about people)"


class Withheld(Exception):
    """Stands in a log for an exception whose text is left out; has its traceback."""


def note(reason: str, message: str, *values: object, error: BaseException | None = None) -> None:
    """Count a fault and log it: a line with its reason, a traceback only when `error` is given. Of exceptions among
    the `values` only what `told` tells is logged.

    From the eleventh on only every hundredth is logged, so that an outage does not fill a disk.
    """
    seen[reason] += 1
    if seen[reason] <= 10 or seen[reason] % 100 == 0:
        safe = [told(value) if isinstance(value, BaseException) else value for value in values]
        log.warning(
            f"{reason}: {message} (%d so far)",
            *safe,
            seen[reason],
            exc_info=_withheld(error),
            extra={"upsell_reason": reason},
        )


def told(error: BaseException) -> str:
    """What may be told of an exception: our own words whole, of the system and of Redis what cannot be about people."""
    if told_whole:
        return str(error)
    if isinstance(error, BadInput):
        # Its name may be of a stranger's making.
        return f"{error.field if error.field.isidentifier() else 'a field'} is not usable"
    if isinstance(error, UpsellError) or type(error).__module__.partition(".")[0] == "redis":
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return LEFT_OUT


def _withheld(error: BaseException | None) -> BaseException | None:
    if error is None or told_whole:
        return error
    return Withheld(f"{type(error).__name__}: {told(error)}").with_traceback(error.__traceback__)
