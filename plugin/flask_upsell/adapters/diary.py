"""The diary in SQL: orders to be followed up, and who wants no mail.

Each step is one UPDATE that holds only while nobody else took the one before it, so of many workers one sends. What a
worker has claimed and not begun to send when it ends is claimed again after a while; what it was sending then is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from msgspec import structs
from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, delete, func, or_, select, update

from ..core.followup import LEASE, MOST_TRIES, REST, Plan, State
from . import tables as t
from .audit import Entry, SQLAudit
from .dialects import in_order, insert_into, start_writing

#: How long after it was due a follow-up that has ended is kept.
KEEP = timedelta(days=90)
OPEN = (State.DUE, State.CLAIMED, State.SENDING)
#: What may have reached the customer.
OUT = (State.SENDING, State.SENT, State.UNCLEAR)


class SQLDiary:
    """See core.followup.Diary. Who leaves or joins again is a row of the audit."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit | None = None) -> None:
        self.engine = engine
        self._instance = instance
        self._audit = audit or SQLAudit(engine, instance)

    # --- planning --------------------------------------------------------------------------------------------------

    def plan(self, plan: Plan, connection: object = None) -> bool:
        row = {
            "order_ref": plan.order,
            "customer": plan.customer,
            "language": plan.language[:40],
            "state": State.DUE,
            "due_at": plan.due,
            "next_at": plan.due,
        }
        with in_order(self.engine, connection) as writing:
            new = insert_into(writing, t.follow_ups).values(**row, instance=self._instance)
            new = new.on_conflict_do_nothing(index_elements=["instance", "order_ref"])
            # SQLAlchemy forgets the row count of an INSERT unless it is told to keep it.
            return writing.execute(new, execution_options={"preserve_rowcount": True}).rowcount == 1

    def due(self, at: datetime, most: int) -> list[Plan]:
        c = t.follow_ups.c
        query = select(t.follow_ups).where(c.instance == self._instance, _free(at)).order_by(c.next_at, c.order_ref)
        with self.engine.connect() as connection:
            rows = connection.execute(query.limit(most)).all()
        return [Plan(row.order_ref, row.customer, row.language, row.due_at, row.tries, row.claim) for row in rows]

    def waiting(self, at: datetime) -> bool:
        c = t.follow_ups.c
        query = select(c.order_ref).where(c.instance == self._instance, or_(_free(at), _stuck(at))).limit(1)
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    # --- one at a time ---------------------------------------------------------------------------------------------

    def claim(self, plan: Plan, at: datetime) -> Plan | None:
        mark = uuid4().hex
        values = {"state": State.CLAIMED, "claim": mark, "claimed_at": at, "tries": plan.tries + 1}
        taken = self._change(plan, _free(at), **values)
        return structs.replace(plan, claim=mark, tries=plan.tries + 1) if taken else None

    def barred(self, plan: Plan, at: datetime) -> State | None:
        with self.engine.connect() as connection:
            return self._barred(connection, plan, at)

    def begin(self, plan: Plan, at: datetime) -> State:
        c = t.follow_ups.c
        mine = select(c.order_ref).where(c.instance == self._instance, c.customer == plan.customer)
        with self.engine.begin() as connection:
            start_writing(connection)
            # All orders of a customer, so that two workers with one each cannot both find that nothing was sent yet.
            connection.execute(mine.where(c.next_at >= at - KEEP).order_by(c.order_ref).with_for_update()).all()
            barred = self._barred(connection, plan, at)
            values = {"state": barred} if barred else {"state": State.SENDING, "sent_at": at}
            change = self._row(plan).where(c.state == State.CLAIMED).values(values)
            done = connection.execute(change).rowcount == 1
        return (barred or State.SENDING) if done else State.CLAIMED

    def _barred(self, connection: Connection, plan: Plan, at: datetime) -> State | None:
        c, gone = t.follow_ups.c, t.unsubscribed.c
        left = select(gone.customer).where(gone.instance == self._instance, gone.customer == plan.customer)
        if connection.execute(left).first() is not None:
            return State.UNSUBSCRIBED
        others = select(c.order_ref).where(
            c.instance == self._instance,
            c.customer == plan.customer,
            c.order_ref != plan.order,
            c.state.in_(OUT),
            c.sent_at > at - REST,
        )
        return State.RECENT if connection.execute(others.limit(1)).first() is not None else None

    def finish(self, plan: Plan, at: datetime) -> None:
        # Of one that took very long it is known by now that it was sent.
        held = t.follow_ups.c.state.in_((State.SENDING, State.UNCLEAR))
        self._change(plan, held, state=State.SENT, sent_at=at)

    def close(self, plan: Plan, state: State) -> None:
        self._change(plan, t.follow_ups.c.state == State.CLAIMED, state=state)

    def postpone(self, plan: Plan, until: datetime) -> None:
        c = t.follow_ups.c
        self._change(plan, c.state == State.CLAIMED, state=State.DUE, next_at=until, tries=c.tries - 1)

    def fail(self, plan: Plan, at: datetime, again: datetime | None) -> State:
        c = t.follow_ups.c
        # What was sending for longer than others wait for it is theirs to judge, and they would say the same.
        if self._change(plan, and_(c.state == State.SENDING, c.sent_at <= at - LEASE), state=State.UNCLEAR):
            return State.UNCLEAR
        state = State.FAILED if again is None else State.DUE
        held = c.state.in_((State.CLAIMED, State.SENDING))
        if self._change(plan, held, state=state, sent_at=None, **({"next_at": again} if again else {})):
            return state
        with self.engine.connect() as connection:
            now = select(c.state).where(c.instance == self._instance, c.order_ref == plan.order)
            # Of a customer who was erased meanwhile nothing is known any more.
            return State(connection.execute(now).scalar_one_or_none() or State.UNCLEAR)

    def _row(self, plan: Plan) -> Any:
        """An UPDATE of this row while its mark is the one that is known."""
        c = t.follow_ups.c
        return update(t.follow_ups).where(
            c.instance == self._instance, c.order_ref == plan.order, c.claim == plan.claim
        )

    def _change(self, plan: Plan, holds: ColumnElement[bool], **values: Any) -> bool:
        with self.engine.begin() as connection:
            done: int = connection.execute(self._row(plan).where(holds).values(values)).rowcount
        return done == 1

    # --- all of them -----------------------------------------------------------------------------------------------

    def tidy(self, at: datetime) -> dict[str, State]:
        c = t.follow_ups.c
        query: Select[Any] = select(c.order_ref, c.customer, c.language, c.due_at, c.claim, c.state)
        with self.engine.connect() as connection:
            rows = connection.execute(query.where(c.instance == self._instance, _stuck(at))).all()
        found = {}
        for row in rows:
            plan = Plan(row.order_ref, row.customer, row.language, row.due_at, claim=row.claim)
            state = State.UNCLEAR if row.state == State.SENDING else State.FAILED
            if self._change(plan, _stuck(at), state=state):
                found[plan.order] = state
        return found

    def leave(self, customer: str, at: datetime) -> bool:
        self._audit.ready()
        with self.engine.begin() as connection:
            start_writing(connection)
            new = insert_into(connection, t.unsubscribed).values(instance=self._instance, customer=customer, left_at=at)
            new = new.on_conflict_do_nothing(index_elements=["instance", "customer"])
            done = connection.execute(new, execution_options={"preserve_rowcount": True}).rowcount == 1
            if done:
                self._audit.append(connection, Entry("unsubscribed", customer), at=at)
        return done

    def join(self, customer: str, at: datetime) -> bool:
        self._audit.ready()
        c = t.unsubscribed.c
        with self.engine.begin() as connection:
            start_writing(connection)
            gone = delete(t.unsubscribed).where(c.instance == self._instance, c.customer == customer)
            done: bool = connection.execute(gone).rowcount == 1
            if done:
                self._audit.append(connection, Entry("subscribed", customer), at=at)
        return done

    def states(self) -> Mapping[str, int]:
        c = t.follow_ups.c
        query = select(c.state, func.count().label("orders")).where(c.instance == self._instance).group_by(c.state)
        with self.engine.connect() as connection:
            return {row.state: row.orders for row in connection.execute(query.order_by(c.state))}


def _free(at: datetime) -> ColumnElement[bool]:
    """What may be claimed: what is due, and what was claimed by a worker that has ended."""
    c = t.follow_ups.c
    left_behind = and_(c.state == State.CLAIMED, c.claimed_at <= at - LEASE, c.tries < MOST_TRIES)
    return or_(and_(c.state == State.DUE, c.next_at <= at), left_behind)


def _stuck(at: datetime) -> ColumnElement[bool]:
    """What a worker that has ended left behind, and nobody may claim."""
    c = t.follow_ups.c
    claimed = and_(c.state == State.CLAIMED, c.claimed_at <= at - LEASE, c.tries >= MOST_TRIES)
    return or_(and_(c.state == State.SENDING, c.sent_at <= at - LEASE), claimed)
