"""Counts of what went wrong in this process, by reason: for the log, the health page, metrics and tests.

Each record of this package's log says where it happened: `upsell_reason`, `upsell_instance`, `upsell_placement` and
`upsell_decision`, each "" where there is none.

What an exception of the store, of a database or of a template says may be about people: "no account for ada@…". A log
gets its type and where it came from, not its text, unless the app is in debug mode (`told_whole`).
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar, Token
from weakref import WeakMethod

from .errors import BadInput, UpsellError

log = logging.getLogger("flask_upsell")


class Seen(Counter[str]):
    """reason -> how often in this process; `listeners` hear (reason, how often more)."""

    def __init__(self) -> None:
        super().__init__()
        #: Methods of what may go before this does.
        self.listeners: list[WeakMethod[Callable[[str, int], None]]] = []

    def __setitem__(self, reason: str, times: int) -> None:
        more = times - self[reason]
        super().__setitem__(reason, times)
        if more > 0:
            for listener in self.listeners:
                hear = listener()
                if hear is not None:
                    hear(reason, more)

    def tell(self, hear: Callable[[str, int], None]) -> None:
        """Tell this method from now on, as long as its object lives."""
        self.listeners = [each for each in self.listeners if each() is not None]
        self.listeners.append(WeakMethod(hear))


seen = Seen()

#: (instance, placement, decision) of what this thread is doing.
_place: ContextVar[tuple[str, str, str]] = ContextVar("upsell_place", default=("", "", ""))


class about:
    """What is logged in this block belongs to this instance and placement, and to this decision once it is known."""

    __slots__ = ("_before", "_here")

    def __init__(self, instance: str, placement: str = "", decision: str = "") -> None:
        self._here = (instance, placement, decision)

    def __enter__(self) -> None:
        self._before: Token[tuple[str, str, str]] = _place.set(self._here)

    def __exit__(self, *_: object) -> None:
        _place.reset(self._before)


def decided(decision: str, placement: str | None = None) -> None:
    """From here to the end of the block it is about this decision."""
    instance, before, _ = _place.get()
    _place.set((instance, before if placement is None else placement, decision))


class _Fields(logging.Filter):
    """Gives each record its fields; one that was given a field keeps it."""

    def filter(self, record: logging.LogRecord) -> bool:
        instance, placement, decision = _place.get()
        given = record.__dict__
        given.setdefault("upsell_reason", "")
        given.setdefault("upsell_instance", instance)
        given.setdefault("upsell_placement", placement)
        given.setdefault("upsell_decision", decision)
        return True


log.addFilter(_Fields())

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
