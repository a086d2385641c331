"""The kill switch in SQL: where it is kept, and where it is asked while Redis does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf

from sqlalchemy import Engine, delete, insert, select

from .. import faults
from ..core.switch import Off
from . import tables as t
from .audit import Entry, SQLAudit
from .deadline import within
from .dialects import start_writing

#: While Redis does not answer, SQL is asked so often (seconds).
ASK_EVERY = 4.0


class SQLSwitch:
    """See core.switch.Switch."""

    def __init__(
        self,
        engine: Engine,
        instance: str,
        clock: Callable[[], float] = time.monotonic,
        audit: SQLAudit | None = None,
    ) -> None:
        self.engine = engine
        self._instance, self._clock = instance, clock
        self._audit = audit or SQLAudit(engine, instance)
        self._asked, self._lately = float("-inf"), False
        self._asker: threading.Thread | None = None

    def state(self) -> Off | None:
        c = t.switches.c
        with self.engine.connect() as connection:
            row = connection.execute(select(c.off_at, c.by, c.why).where(c.instance == self._instance)).one_or_none()
        return None if row is None else Off(row.off_at, row.by, row.why)

    def set(self, off: Off | None) -> None:
        """In the audit too, unless it was so before."""
        self._audit.ready()
        with self.engine.begin() as connection:
            start_writing(connection)
            gone = connection.execute(delete(t.switches).where(t.switches.c.instance == self._instance)).rowcount
            if off is not None:
                values = {"off_at": off.at, "by": off.by[:100], "why": off.why}
                connection.execute(insert(t.switches).values(instance=self._instance, **values))
            if bool(gone) is (off is None):
                self._audit.append(connection, Entry("switched on" if off is None else "switched off"))

    def lately(self) -> bool:
        now = self._clock()
        if now - self._asked >= ASK_EVERY and (self._asker is None or not self._asker.is_alive()):
            self._asked = now
            self._asker = threading.Thread(target=self._ask, name="upsell-switch", daemon=True)
            self._asker.start()
        return self._lately

    def _ask(self) -> None:
        try:
            with within(inf, ASK_EVERY):
                self._lately = self.state() is not None
        except Exception as error:
            faults.note("switch", "nobody can say whether the offers are switched off: %s", type(error).__name__)
