"""How long a page may wait for Redis and the ledger: a budget for each hook, whatever it asks and how often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf


class Budget:
    """Seconds of waiting that are left: for Redis, and for the `ledger`'s own connections. What else a page does in the
    meantime, SQL of the store's, does not count."""

    __slots__ = ("ledger", "left")

    def __init__(self, seconds: float, ledger: float = inf) -> None:
        self.left, self.ledger = seconds, ledger


_budget: ContextVar[Budget | None] = ContextVar("upsell_budget", default=None)


@contextmanager
def within(seconds: float, ledger: float = inf) -> Iterator[None]:
    """In here, connections of `web_client` make this thread wait so long at most, all together, and those of the
    ledger's PostgreSQL so long. One in another shares its budget."""
    if _budget.get() is not None:
        yield
        return
    token = _budget.set(Budget(seconds, ledger))
    try:
        yield
    finally:
        _budget.reset(token)


def budget() -> Budget | None:
    """This thread's; None where there is time, as in a worker."""
    return _budget.get()
