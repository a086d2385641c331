"""The edge to the store: whatever is raised in here is counted and logged, and the store's page goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from .. import faults

P = ParamSpec("P")
T = TypeVar("T")


def harmless(reason: str, instead: T) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The decorated function returns `instead` when it raises; nothing reaches the store."""

    def wrap(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                faults.note(
                    reason, "%s failed: %s: %s", function.__qualname__, type(error).__name__, error, error=error
                )
                return instead

        return guarded

    return wrap
