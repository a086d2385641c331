"""What of others' tables the desk counts: products that an offer can reach, and what was approved."""

from __future__ import annotations

from sqlalchemy import Engine, func, or_, select

from .desk_tables import catalogue, verdicts


class SQLReach:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def within(self, category: str) -> int:
        """Products of a category and of what lies within it that are not hidden; 0 while none is known."""
        c = catalogue.c
        here = or_(c.category == category, c.category.startswith(category + "/", autoescape=True))
        query = select(func.count()).where(c.instance == self._instance, here, c.hidden.is_(False))
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def approved(self) -> bool:
        """Whether somebody has approved anything that was learned."""
        c = verdicts.c
        query = select(c.kind).where(c.instance == self._instance, c.verdict == "approved").limit(1)
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None
