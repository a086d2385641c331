"""How long a page may wait for Redis: a budget for each hook, whatever it asks and how often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Budget:
    """Seconds of waiting that are left. What else a page does in the meantime, SQL of the store's, does not count."""

    __slots__ = ("left",)

    def __init__(self, seconds: float) -> None:
        self.left = seconds


_budget: ContextVar[Budget | None] = ContextVar("upsell_budget", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """In here, connections of `web_client` make this thread wait so long at most, all together. One in another shares
    its budget."""
    if _budget.get() is not None:
        yield
        return
    token = _budget.set(Budget(seconds))
    try:
        yield
    finally:
        _budget.reset(token)


def budget() -> Budget | None:
    """This thread's; None where there is time, as in a worker."""
    return _budget.get()
