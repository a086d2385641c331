"""The till's half of the ledger: clicks by their idempotency keys, acceptances, and what killed processes left.

A click and what it is to put into the cart are one transaction, before the cart is touched; that it is there, its
count and the answer are another one, after it. A visitor has one click at a time, which a unique index holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Row, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..core.claims import NOTHING, Acceptance, Click, Left, Started
from ..core.money import exponent
from ..errors import BadInput
from . import tables as t
from .counts import Counts, count_of

#: How long a process may work on a click or an undo; then it counts as killed.
LEASE = timedelta(seconds=30)


class Claims(Counts):
    """See core.claims.Claims."""

    # --- clicks ----------------------------------------------------------------------------------------------------

    def start(
        self,
        visitor: str,
        key: str,
        request: str,
        intended: Sequence[Acceptance] = (),
        before: Mapping[str, int] = NOTHING,
    ) -> Started:
        now = datetime.now(UTC)
        click = {"instance": self._instance, "visitor": visitor, "key": key}
        # Looked at first: whoever waits for another click does not write.
        started = self._started(visitor, key, request)
        if started is not None:
            return started
        try:
            with self.engine.begin() as connection:
                row = {**click, "request": request, "before": dict(before), "created_at": now}
                connection.execute(insert(t.requests).values(**row))
                for each in intended:
                    row = {**msgspec.to_builtins(each), **click, "state": "intended"}
                    connection.execute(insert(t.acceptances).values(**row, accepted_at=now, claimed_at=now))
            return Started(first=True)
        except IntegrityError:  # somebody else was first
            return self._started(visitor, key, request) or Started(first=False, busy=True)

    def _started(self, visitor: str, key: str, request: str) -> Started | None:
        """None: nobody works on this click, nor on another one of this visitor."""
        c = t.requests.c
        with self.engine.connect() as connection:
            found = connection.execute(select(c.request, c.answer).where(*self._request(visitor, key))).one_or_none()
            if found is None:
                a = t.acceptances.c
                other = select(a.id).where(a.instance == self._instance, a.visitor == visitor, a.state == "intended")
                busy = visitor != "" and connection.execute(other.limit(1)).first() is not None
                return Started(first=False, busy=True) if busy else None
        if found.request != request:
            raise BadInput("key", "this idempotency key was used for another request")
        return Started(first=False, answer=found.answer)

    def answer(self, visitor: str, key: str) -> dict[str, Any] | None:
        with self.engine.connect() as connection:
            found = connection.execute(select(t.requests.c.answer).where(*self._request(visitor, key))).scalar()
        return None if found is None else dict(found)

    def forget(self, visitor: str, key: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(t.acceptances).where(*self._intended(visitor, key)))
            connection.execute(delete(t.requests).where(*self._request(visitor, key), t.requests.c.answer.is_(None)))

    def abandoned(self, visitor: str, key: str = "", *, at_once: bool = False) -> list[Left]:
        """Undos are given back at once: what was undone is not in the cart, and what is there may be undone again."""
        now, a, r = datetime.now(UTC), t.acceptances.c, t.requests.c
        lease = timedelta(0) if at_once else LEASE
        mine = [a.instance == self._instance, a.visitor == visitor, _is_over(a.claimed_at, now, lease)]
        undone = update(t.acceptances).where(*mine, a.state == "undoing").values(state="accepted")
        clicks = [
            r.instance == self._instance,
            r.visitor == visitor,
            r.answer.is_(None),
            _is_over(r.created_at, now, lease),
        ]
        with self.engine.begin() as connection:
            if visitor:
                connection.execute(undone)
            left = []
            for old in connection.execute(select(t.requests).where(*clicks, *([r.key == key] if key else []))).all():
                still = [*self._request(visitor, old.key), r.answer.is_(None), r.created_at == old.created_at]
                if connection.execute(update(t.requests).where(*still).values(created_at=now)).rowcount == 1:
                    rows = connection.execute(
                        update(t.acceptances)
                        .where(*self._intended(visitor, old.key))
                        .values(claimed_at=now)
                        .returning(*t.acceptances.c)
                    ).all()
                    intended = sorted(map(acceptance_of, rows), key=lambda each: each.id != each.bundle)
                    left.append(Left(Click(visitor, old.key), intended, old.before or {}))
        return left

    def _request(self, visitor: str, key: str) -> tuple[ColumnElement[bool], ...]:
        c = t.requests.c
        return c.instance == self._instance, c.visitor == visitor, c.key == key

    def _intended(self, visitor: str, key: str) -> tuple[ColumnElement[bool], ...]:
        c = t.acceptances.c
        return c.instance == self._instance, c.visitor == visitor, c.key == key, c.state == "intended"

    # --- acceptances -----------------------------------------------------------------------------------------------

    def record_acceptances(
        self,
        acceptances: Sequence[Acceptance],
        at: datetime,
        click: Click | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> bool:
        for each in acceptances:
            exponent(each.currency)  # what is no currency is refused before it is money
        with self.engine.begin() as connection:
            for each in acceptances:
                row = {**msgspec.to_builtins(each), "state": "accepted", "accepted_at": at, "claimed_at": None}
                if click is None:
                    connection.execute(insert(t.acceptances).values(**row, instance=self._instance))
                else:
                    mine = update(t.acceptances).where(*self._intended(*click), t.acceptances.c.id == each.id)
                    if connection.execute(mine.values(row)).rowcount != 1:
                        connection.rollback()
                        return False
                count = count_of(each.placement, each.kind, each.product, rule=each.rule, accepted=1)
                self._put(connection, f"accepted:{each.id}", at, [count])
            if click is not None:
                # What is not ticked of a bundle was never intended; what was and is not there any more is given up.
                connection.execute(delete(t.acceptances).where(*self._intended(*click)))
                kept = None if answer is None else dict(answer)
                connection.execute(update(t.requests).where(*self._request(*click)).values(answer=kept))
        return True

    def acceptance(self, id: str, visitor: str) -> Acceptance | None:
        rows = self._mine(visitor, t.acceptances.c.id == id, *_kept())
        return acceptance_of(rows[0]) if rows else None

    def bundle(self, id: str, visitor: str) -> list[Acceptance]:
        rows = self._mine(visitor, t.acceptances.c.bundle == id, *_kept())
        return sorted(map(acceptance_of, rows), key=lambda each: each.id)

    def accepted(self, visitor: str, *, unsure: bool = False) -> list[Acceptance]:
        c = t.acceptances.c
        states = ["accepted", "undoing", "intended"] if unsure else ["accepted"]
        rows = self._mine(visitor, c.state.in_(states), c.rule != "")
        by_state = {state: [acceptance_of(row) for row in rows if row.state == state] for state in reversed(states)}
        return [each for found in by_state.values() for each in found]

    def _mine(self, visitor: str, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
        c = t.acceptances.c
        query = select(t.acceptances).where(c.instance == self._instance, c.visitor == visitor, *which)
        with self.engine.connect() as connection:
            return connection.execute(query.order_by(c.accepted_at, c.id)).all()

    # --- undoing ---------------------------------------------------------------------------------------------------

    def claim_undo(self, id: str) -> bool:
        c, now = t.acceptances.c, datetime.now(UTC)
        free = or_(c.state == "accepted", and_(c.state == "undoing", _is_over(c.claimed_at, now)))
        return self._move(id, free, state="undoing", claimed_at=now)

    def release_undo(self, id: str) -> None:
        self._move(id, t.acceptances.c.state == "undoing", state="accepted", claimed_at=None)

    def _move(self, id: str, when: ColumnElement[bool], **values: Any) -> bool:
        c = t.acceptances.c
        change = update(t.acceptances).where(c.instance == self._instance, c.id == id, when)
        with self.engine.begin() as connection:
            return connection.execute(change.values(**values)).rowcount == 1

    def record_undo(self, id: str, at: datetime) -> bool:
        c = t.acceptances.c
        with self.engine.begin() as connection:
            row = connection.execute(
                select(c.placement, c.kind, c.product, c.rule).where(c.instance == self._instance, c.id == id)
            ).one_or_none()
            done = connection.execute(
                update(t.acceptances)
                .where(c.instance == self._instance, c.id == id, *_kept())
                .values(state="undone", claimed_at=None)
            )
            if row is None or done.rowcount != 1:
                return False
            count = count_of(row.placement, row.kind, row.product, rule=row.rule, undone=1)
            self._put(connection, f"undone:{id}", at, [count])
        return True


def _kept() -> tuple[ColumnElement[bool], ...]:
    """Neither undone nor ordered. Who claims an undo finds out whether somebody else is at it."""
    return (t.acceptances.c.state.in_(("accepted", "undoing")),)


def _is_over(claimed: Column[datetime], now: datetime, lease: timedelta = LEASE) -> ColumnElement[bool]:
    """Whether a lease has ended. One from the future was claimed before the clock was set back."""
    return or_(claimed < now - lease, claimed > now + lease)


def acceptance_of(row: Row[Any]) -> Acceptance:
    """The acceptance in a row of its table."""
    return msgspec.convert({str(name): value for name, value in row._mapping.items()}, Acceptance)
