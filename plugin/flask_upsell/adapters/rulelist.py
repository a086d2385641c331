"""The rules as a list that is looked through: their rows unread, and what each earned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Engine, func, select

from .tables import acceptances, conversions, rules

#: Names in one query.
AT_ONCE = 500


class SQLRuleList:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def bodies(self) -> list[str]:
        """The JSON of all rules, in the order of the book."""
        c = rules.c
        query = select(c.body).where(c.instance == self._instance).order_by(c.position)
        with self.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def earned(self, names: Collection[str], since: datetime) -> dict[str, dict[str, int]]:
        """What orders since then brought of what these rules offered: name -> currency -> minor units."""
        a, c = acceptances.c, conversions.c
        found: dict[str, dict[str, int]] = defaultdict(dict)
        every = sorted(names)
        with self.engine.connect() as connection:
            for start in range(0, len(every), AT_ONCE):
                query = (
                    select(a.rule, c.currency, func.sum(c.revenue).label("revenue"))
                    .join(acceptances, a.id == c.acceptance)
                    .where(c.instance == self._instance, c.ordered_at >= since)
                    .where(a.rule.in_(every[start : start + AT_ONCE]))
                    .group_by(a.rule, c.currency)
                )
                for row in connection.execute(query):
                    found[row.rule][row.currency] = int(row.revenue)
        return dict(found)
