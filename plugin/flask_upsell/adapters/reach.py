"""How many products a rule's offer can reach, counted in the catalogue as it was published last."""

from __future__ import annotations

from sqlalchemy import Engine, func, or_, select

from .desk_tables import catalogue as t


class SQLReach:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    def within(self, category: str) -> int:
        """Products of a category and of what lies within it that are not hidden; 0 while none is known."""
        c = t.c
        here = or_(c.category == category, c.category.startswith(category + "/", autoescape=True))
        query = select(func.count()).where(c.instance == self._instance, here, c.hidden.is_(False))
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()
