"""Goals: whether a rule has sold by now what it should have sold by now."""

from __future__ import annotations

from datetime import datetime, timedelta

from .rule import Goal
from .season import clock, day, local_days
from .windows import DAY, Problem, tried
from .words import objection


class Course:
    """A goal with its days as instants. `sold`: units that were ordered through the rule since its start."""

    def __init__(self, goal: Goal, zone: str, sold: int) -> None:
        self.goal, self.sold = goal, sold
        self.start, self.end = local_days(day(goal.start), day(goal.by) + DAY, clock(zone))

    @property
    def met(self) -> bool:
        return self.sold >= self.goal.units

    def state(self, now: datetime) -> tuple[bool, datetime | None]:
        """Whether it is behind, and until when that is certain: in equal parts of the time equal numbers are due."""
        if now >= self.end or self.met:
            return False, None
        if now < self.start:
            return False, self.start + self._due_after(self.sold + 1)
        due = self.goal.units * ((now - self.start) // _TICK) // ((self.end - self.start) // _TICK)
        if due > self.sold:
            return True, self.end
        return False, self.start + self._due_after(self.sold + 1)

    def _due_after(self, units: int) -> timedelta:
        """How long after the start so many units are due."""
        whole = (self.end - self.start) // _TICK
        return _TICK * -(-whole * units // self.goal.units)


_TICK = timedelta(microseconds=1)


def check(goal: Goal) -> list[Problem]:
    """What is wrong with a goal: (field, sentence)."""
    found = [*tried("start", day, goal.start), *tried("by", day, goal.by)]
    if not found and goal.by < goal.start:
        found.append(("by", objection("{by} is before the start, {start}", by=goal.by, start=goal.start)))
    if not 1 <= goal.units <= 10**9:
        found.append(("units", objection("{units} is not between 1 and a billion", units=goal.units)))
    if not 1 <= goal.lift <= 10**9:
        found.append(("lift", objection("{lift} is not between 1 and a billion", lift=goal.lift)))
    return found
