"""The kill switch: one row that says that nothing is to be shown or taken any more."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class Off(msgspec.Struct, frozen=True):
    """Everything is switched off: since when (UTC), by whom, and why."""

    at: datetime
    by: str = ""
    why: str = ""


class Switch(Protocol):
    """The kill switch: what SQL says of it is true, whatever Redis has lost."""

    def state(self) -> Off | None:
        """None while everything is on."""

    def set(self, off: Off | None) -> None: ...

    def lately(self) -> bool:
        """Whether it was off some seconds ago at most; never waits and never raises."""
