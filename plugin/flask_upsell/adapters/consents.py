"""Which customers agreed that their past orders are used, in SQL: what they said with their last order counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, delete, select

from .dialects import in_order, insert_into
from .lesson_tables import consents as t

#: Customers that are asked for at once.
CHUNK = 500


class SQLConsents:
    """See core.lessons.Consents. One instance's; customers are pseudonyms. Who never said anything has no row."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def note(self, customer: str, given: bool, at: datetime, connection: object = None) -> bool:
        this = (t.c.instance == self._instance, t.c.customer == customer)
        with in_order(self.engine, connection) as writing:
            if not given:
                return writing.execute(delete(t).where(*this)).rowcount > 0
            new = insert_into(writing, t).values(instance=self._instance, customer=customer, at=at)
            writing.execute(new.on_conflict_do_update(index_elements=["instance", "customer"], set_={"at": at}))
        return False

    def given(self, customers: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self.engine.connect() as connection:
            for start in range(0, len(customers), CHUNK):
                these = t.c.customer.in_(customers[start : start + CHUNK])
                found.update(
                    connection.execute(select(t.c.customer).where(t.c.instance == self._instance, these)).scalars()
                )
        return found
