"""Uses of discounts in SQL: counted in the order's own transaction, so that they come and go with the order.

An allowance has a row for each scope that was ever limited. A grant is one redemption and, for each such row, one
UPDATE which holds only while the limit does: whoever comes at the same time, no more is granted than there is. What
cannot be counted is not granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, case, func, literal, or_, select, tuple_, update
from sqlalchemy.sql import true

from ..core.money import exponent
from ..core.ports import Refusal, Want
from ..core.rule import Rule
from ..core.words import say
from . import tables as t
from .dialects import in_order, insert_into

#: A row of an allowance: rule and scope.
Key = tuple[str, str]

TOTAL = "total"
REASONS = {
    "total": say("this offer was taken as often as it was there"),
    "day": say("this offer was taken today as often as it was there"),
    "customer": say("you have taken this offer as often as it may be taken"),
    "budget": say("this offer is used up"),
    "redeemed": say("this offer was redeemed already"),
}


class SQLLimits:
    """See core.ports.Allowances.

    When the host's connection is that of another database, grants are committed at once: a host whose order then fails
    gives them back with `release`.
    """

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine = engine
        self._instance = instance

    # --- granting --------------------------------------------------------------------------------------------------

    def grant(self, wants: Sequence[Want], connection: object = None) -> list[Refusal]:
        for want in wants:
            exponent(want.currency)  # what is no currency is refused before it is money
        with in_order(self.engine, connection) as writing:
            self._make(writing, wants)
            counted = self._lock(writing, {(want.rule, scope) for want in wants for scope in _takes(want)})
            refusals = [self._grant(writing, want, counted) for want in sorted(wants, key=lambda w: (w.rule, w.id))]
        return [refusal for refusal in refusals if refusal is not None]

    def _make(self, connection: Connection, wants: Sequence[Want]) -> None:
        """The rows that are limited and not there yet, with what was redeemed before they were.

        In the moment when a limit is new, orders that are just being placed without it are not among that.
        """
        c = t.allowances.c
        limited = {(want.rule, scope): want for want in wants for scope in _limits(want)}
        there = select(c.rule, c.scope).where(c.instance == self._instance, tuple_(c.rule, c.scope).in_(list(limited)))
        r = t.redemptions.c
        for key in sorted(limited.keys() - {(row.rule, row.scope) for row in connection.execute(there)}):
            taken, which = _redeemed(key[1], limited[key])
            before = select(literal(self._instance), literal(key[0]), literal(key[1]), taken).where(
                r.instance == self._instance, r.rule == key[0], r.released_at.is_(None), which
            )
            connection.execute(
                insert_into(connection, t.allowances)
                .from_select(["instance", "rule", "scope", "used"], before)
                .on_conflict_do_nothing(index_elements=["instance", "rule", "scope"])
            )

    def _lock(self, connection: Connection, keys: Iterable[Key]) -> set[Key]:
        """Those of these rows that are there, locked in one order for all: so no two orders wait for each other."""
        c = t.allowances.c
        query = select(c.rule, c.scope).where(c.instance == self._instance, tuple_(c.rule, c.scope).in_(list(keys)))
        rows = connection.execute(query.order_by(c.rule, c.scope).with_for_update())
        return {(row.rule, row.scope) for row in rows}

    def _grant(self, connection: Connection, want: Want, counted: set[Key]) -> Refusal | None:
        limits = _limits(want)
        with connection.begin_nested() as step:
            if not self._redeem(connection, want):
                return None if self._is_repeated(connection, want) else _refusal(want, "redeemed")
            for scope, taken in _takes(want).items():
                if scope not in limits and (want.rule, scope) not in counted:
                    continue
                if not self._take(connection, want.rule, scope, taken, limits.get(scope)):
                    step.rollback()
                    return _refusal(want, scope)
        return None

    def _redeem(self, connection: Connection, want: Want) -> bool:
        """Write the redemption; False when there is one for this acceptance that was not released."""
        row = {
            "rule": want.rule,
            "customer": want.customer,
            "day": want.day,
            "amount": want.amount,
            "currency": want.currency,
            "order_ref": want.order,
            "granted_at": datetime.now(UTC),
            "released_at": None,
        }
        claim = insert_into(connection, t.redemptions).values(**row, instance=self._instance, id=want.id)
        again = claim.on_conflict_do_update(
            index_elements=["instance", "id"], set_=row, where=t.redemptions.c.released_at.is_not(None)
        )
        # SQLAlchemy forgets the row count of an INSERT unless it is told to keep it.
        return connection.execute(again, execution_options={"preserve_rowcount": True}).rowcount == 1

    def _is_repeated(self, connection: Connection, want: Want) -> bool:
        """Whether the redemption is this very one; another order or amount would be a second use that nobody counts."""
        c = t.redemptions.c
        same = (c.rule == want.rule, c.amount == want.amount, c.currency == want.currency, c.order_ref == want.order)
        found = select(c.id).where(c.instance == self._instance, c.id == want.id, c.released_at.is_(None), *same)
        return connection.execute(found).first() is not None

    def _take(self, connection: Connection, rule: str, scope: str, taken: int, limit: int | None) -> bool:
        c = t.allowances.c
        room = true() if limit is None else c.used + taken <= limit
        change = update(t.allowances).where(*self._row(rule, scope), room).values(used=c.used + taken)
        return connection.execute(change).rowcount == 1

    # --- giving back -----------------------------------------------------------------------------------------------

    def release(self, ids: Sequence[str], connection: object = None) -> int:
        c = t.redemptions.c
        granted = select(t.redemptions).where(
            c.instance == self._instance, c.id.in_(list(ids)), c.released_at.is_(None)
        )
        with in_order(self.engine, connection) as writing:
            # The allowances first, as when granting; only then is it known which redemptions are ours to release.
            self._lock(writing, {(row.rule, scope) for row in writing.execute(granted) for scope in _takes(row)})
            rows = writing.execute(granted.order_by(c.id).with_for_update()).all()
            writing.execute(
                update(t.redemptions)
                .where(c.instance == self._instance, c.id.in_([row.id for row in rows]))
                .values(released_at=datetime.now(UTC))
            )
            used = t.allowances.c.used
            for row in rows:
                for scope, taken in _takes(row).items():
                    left = case((used > taken, used - taken), else_=0)
                    writing.execute(update(t.allowances).where(*self._row(row.rule, scope)).values(used=left))
        return len(rows)

    def granted(self, order: str, connection: object = None) -> list[str]:
        c = t.redemptions.c
        mine = select(c.id).where(c.instance == self._instance, c.order_ref == order, c.released_at.is_(None))
        with in_order(self.engine, connection) as reading:
            return list(reading.execute(mine.order_by(c.id)).scalars())

    # --- telling ---------------------------------------------------------------------------------------------------

    def used(self, rule: str) -> dict[str, int]:
        c = t.allowances.c
        query = select(c.scope, c.used).where(c.instance == self._instance, c.rule == rule).order_by(c.scope)
        with self.engine.connect() as connection:
            return {row.scope: row.used for row in connection.execute(query)}

    def exhausted(self, rules: Iterable[Rule]) -> set[str]:
        c = t.allowances.c
        query = select(c.rule, c.scope, c.used).where(
            c.instance == self._instance, or_(c.scope == TOTAL, c.scope.startswith("budget:"))
        )
        with self.engine.connect() as connection:
            used = {(row.rule, row.scope): row.used for row in connection.execute(query)}
        return {rule.name for rule in rules if _is_exhausted(rule, used)}

    # --- the database ----------------------------------------------------------------------------------------------

    def _row(self, rule: str, scope: str) -> tuple[ColumnElement[bool], ...]:
        c = t.allowances.c
        return c.instance == self._instance, c.rule == rule, c.scope == scope


def _takes(redemption: Any) -> dict[str, int]:
    """Scope -> what a redemption (a want or its row) takes of it."""
    return {
        TOTAL: 1,
        _day(redemption.day): 1,
        f"customer:{redemption.customer}": 1,
        f"budget:{redemption.currency}": redemption.amount,
    }


def _limits(want: Want) -> dict[str, int]:
    """Scope -> how much there is in all, of the limited ones. In a currency without a budget there is none of it."""
    limits = want.limits
    found = {TOTAL: limits.total, _day(want.day): limits.per_day, f"customer:{want.customer}": limits.per_customer}
    if limits.budget:
        found[f"budget:{want.currency}"] = sum(m.amount for m in limits.budget if m.currency == want.currency)
    return {scope: limit for scope, limit in found.items() if limit is not None}


def _day(day: date) -> str:
    return f"day:{day:%Y-%m-%d}"


def _redeemed(scope: str, want: Want) -> tuple[ColumnElement[Any], ColumnElement[bool]]:
    """What counts in a scope, and of which redemptions of the rule."""
    c = t.redemptions.c
    if scope.startswith("budget:"):
        return func.coalesce(func.sum(c.amount), 0), c.currency == want.currency
    which = {"day": c.day == want.day, "customer": c.customer == want.customer}
    return func.count(), which.get(scope.partition(":")[0], true())


def _is_exhausted(rule: Rule, used: dict[Key, int]) -> bool:
    limits = rule.limits
    total = limits.total is not None and used.get((rule.name, TOTAL), 0) >= limits.total
    spent = [used.get((rule.name, f"budget:{money.currency}"), 0) >= money.amount for money in limits.budget]
    return total or (bool(spent) and all(spent))


def _refusal(want: Want, scope: str) -> Refusal:
    return Refusal(want.id, want.rule, scope, REASONS[scope.partition(":")[0]])
