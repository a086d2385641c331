"""The ledger in SQL (SQLAlchemy Core; SQLite and PostgreSQL): what must not be lost.

What happens is written as one row of the outbox in the same transaction as what it belongs to; `fold` adds each row to
the counts exactly once, whoever calls it and however often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    create_engine,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from .. import faults
from ..core.affinity import Affinities, Affinity
from ..core.offer import Kind
from ..core.ports import NO_PERKS, Order, Progress, Promise
from ..core.rule import Perk
from ..core.seasonal import Seasonal
from . import learned, seasonal
from . import tables as t
from .claims import Claims
from .counts import count_of
from .dialects import same_database
from .postgresql import in_time
from .recent import note
from .sqlite import patient


def make_engine(url: str) -> Engine:
    """An engine for the ledger: see `sqlite`. A page does not wait for a PostgreSQL that hangs (`postgresql`)."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return patient(parsed)
    # What hangs gives its connection back in a moment: who waits for one waits no longer.
    engine = create_engine(parsed, pool_pre_ping=True, pool_timeout=5, hide_parameters=True)
    in_time(engine)
    return engine


class SQLLedger(Claims):
    """See core.ports.Ledger. `attribution` is how long after its acceptance an ordered product counts as converted."""

    def __init__(
        self, engine: Engine, instance: str, attribution: timedelta = timedelta(days=7), zone: str = "UTC"
    ) -> None:
        super().__init__(engine, instance, zone)
        self._attribution = attribution

    # --- declines and orders ---------------------------------------------------------------------------------------

    def record_decline(self, placement: str, kind: str, product: str, at: datetime, rule: str = "") -> None:
        count = count_of(placement, kind, product, rule=rule, declined=1)
        with self.engine.begin() as connection:
            self._put(connection, f"declined:{uuid4().hex}", at, [count])

    def record_order(
        self,
        order: Order,
        visitor: str,
        at: datetime,
        connection: object = None,
        *,
        customer: str = "",
        perks: Mapping[str, Perk] = NO_PERKS,
    ) -> int:
        """Once for an order, whoever repeats it. With `connection`, inside its transaction and behind a savepoint:
        whatever goes wrong in here cannot spoil the order."""
        with self._transaction(connection) as writing:
            try:
                with writing.begin_nested():
                    rules = self._record_order(writing, order, visitor, at)
                    for rule in sorted(perks.keys() & set(rules)) if customer else ():
                        values = {"instance": self._instance, "order_ref": order.ref, "rule": rule}
                        perk = msgspec.to_builtins(perks[rule])
                        row = insert(t.promises).values(**values, customer=customer, perk=perk, promised_at=at)
                        writing.execute(row)
            except IntegrityError:
                c = t.outbox.c
                recorded = select(c.id).where(c.instance == self._instance, c.event == f"order:{order.ref}")
                if writing.execute(recorded).first() is None:
                    raise
                return 0
            try:
                with writing.begin_nested():
                    note(writing, self._instance, order, customer if order.customer else "", at)
            except DBAPIError as error:  # it costs freshness, not the conversions
                faults.note("fresh", "order %s counts from the next learning on: %s", order.ref, type(error).__name__)
            return len(rules)

    def _record_order(self, connection: Connection, order: Order, visitor: str, at: datetime) -> list[str]:
        """The rule of each conversion."""
        c = t.acceptances.c
        ordered: Counter[str] = Counter()
        for line in order.lines:
            ordered[line.product] += line.quantity
        rows = connection.execute(
            select(t.acceptances)
            .where(
                c.instance == self._instance,
                c.visitor == visitor,
                c.state.in_(("accepted", "undoing", "intended")),
                c.accepted_at > at - self._attribution,
                c.product.in_(list(ordered)),
            )
            .order_by(c.accepted_at)
        ).all()
        # What a killed process put into the cart is in the order at its price; what else there is comes first.
        priced = {(line.product, line.unit_price) for line in order.lines}
        rows = [row for row in rows if row.state != "intended" or (row.product, row.unit_price) in priced]
        # What was accepted again after it was taken out of the cart was ordered once, at the price of the last time.
        rows.sort(key=lambda row: row.accepted_at, reverse=True)
        rows.sort(key=lambda row: ((row.product, row.unit_price) not in priced, row.state == "undoing"))
        rows.sort(key=lambda row: row.state == "intended")
        counts: list[dict[str, Any]] = []
        rules: list[str] = []
        for row in rows:
            quantity = min(row.quantity, ordered[row.product])
            if quantity <= 0 or row.currency != order.currency:
                continue
            ordered[row.product] -= quantity
            replaced = row.replaced["unit_price"] if row.replaced else 0
            revenue = max(row.unit_price - replaced, 0) * quantity
            connection.execute(
                insert(t.conversions).values(
                    instance=self._instance,
                    order_ref=order.ref,
                    acceptance=row.id,
                    placement=row.placement,
                    kind=row.kind,
                    product=row.product,
                    quantity=quantity,
                    revenue=revenue,
                    currency=row.currency,
                    ordered_at=at,
                )
            )
            connection.execute(update(t.acceptances).where(c.id == row.id).values(state="ordered"))
            sold = {"converted": 1, "revenue": revenue}
            counts.append(count_of(row.placement, row.kind, row.product, row.currency, rule=row.rule, **sold))
            rules.append(row.rule)
        self._put(connection, f"order:{order.ref}", at, counts)
        return rules

    def record_release(self, order: str, at: datetime, connection: object = None) -> None:
        with self._transaction(connection) as writing:
            self._put(writing, f"released:{order[:180]}:{uuid4().hex}", at, [])

    def promised(self, order: str) -> list[Promise]:
        with self.engine.connect() as connection:
            return self._promises(connection, t.promises.c.order_ref == order)

    def promises(self, customer: str) -> list[Promise]:
        with self.engine.connect() as connection:
            return self._promises(connection, t.promises.c.customer == customer)

    def _promises(self, connection: Connection, which: ColumnElement[bool]) -> list[Promise]:
        c = t.promises.c
        mine = select(t.promises).where(c.instance == self._instance, which).order_by(c.promised_at, c.rule)
        rows = connection.execute(mine).all()
        return [Promise(row.rule, row.order_ref, row.customer, msgspec.convert(row.perk, Perk)) for row in rows]

    def sold(self, since: Mapping[str, datetime]) -> dict[str, int]:
        a, c = t.acceptances.c, t.conversions.c
        found = {}
        with self.engine.connect() as connection:
            for rule, start in since.items():
                units = (
                    select(func.coalesce(func.sum(c.quantity), 0))
                    .join_from(t.conversions, t.acceptances, (c.instance == a.instance) & (c.acceptance == a.id))
                    .where(c.instance == self._instance, a.rule == rule, c.ordered_at >= start)
                    # Of a bundle its first product stands for all.
                    .where((a.bundle == "") | (a.bundle == a.id))
                )
                found[rule] = int(connection.execute(units).scalar_one())
        return found

    @contextmanager
    def _transaction(self, connection: object) -> Iterator[Connection]:
        if isinstance(connection, Connection) and same_database(self.engine, connection):
            yield connection
        else:
            with self.engine.begin() as own:
                if own.dialect.name == "sqlite":
                    # A reader that becomes a writer is refused at once by SQLite; a writer from the start waits.
                    own.exec_driver_sql("BEGIN IMMEDIATE")
                yield own

    def shares(self, connection: object) -> bool:
        """Whether this connection can write our tables in its own transaction."""
        return isinstance(connection, Connection) and same_database(self.engine, connection)

    # --- what was learned ------------------------------------------------------------------------------------------

    def save_affinities(self, rows: Iterable[tuple[Kind, str, Affinity]]) -> int:
        """Replace all affinities in one transaction; returns how many there are now."""
        with self.engine.begin() as connection:
            return learned.replace(connection, self._instance, rows)

    def save_seasonal(self, rows: Iterable[Seasonal]) -> int:
        """The same of seasonal ones."""
        with self.engine.begin() as connection:
            return seasonal.replace(connection, self._instance, rows)

    def affinities(self) -> Iterator[tuple[str, Affinities]]:
        """(antecedent, what it leads to, strongest first); a stream."""
        c = t.affinities.c
        columns = [c[name] for name in ("consequent", "weight", "together", "base", "consequent_orders", "orders")]
        query = (
            select(c.antecedent, c.kind, *columns)
            .where(c.instance == self._instance)
            .order_by(c.antecedent, c.weight.desc(), c.consequent)
        )
        with self.engine.connect() as connection:
            rows = connection.execution_options(yield_per=5000).execute(query)
            for antecedent, group in groupby(rows, key=lambda row: row[0]):
                lists: dict[str, list[Affinity]] = {Kind.UPGRADE: [], Kind.COMPLEMENT: []}
                for row in group:
                    lists[row[1]].append(Affinity(*row[2:]))
                yield antecedent, Affinities(tuple(lists[Kind.UPGRADE]), tuple(lists[Kind.COMPLEMENT]))

    # --- runs ------------------------------------------------------------------------------------------------------

    def progress(
        self, id: str, job: str, state: str, step: str, done: int, total: int, figures: Mapping[str, Any]
    ) -> None:
        now = datetime.now(UTC)
        values = {
            "state": state,
            "step": step,
            "done": done,
            "total": total,
            "figures": dict(figures),
            "ended_at": None if state in ("queued", "running") else now,
        }
        with self.engine.begin() as connection:
            changed = connection.execute(update(t.runs).where(t.runs.c.id == id).values(values))
            if not changed.rowcount:
                connection.execute(
                    insert(t.runs).values(id=id, instance=self._instance, job=job, started_at=now, **values)
                )

    def last_progress(self, job: str) -> Progress | None:
        c = t.runs.c
        with self.engine.connect() as connection:
            row = connection.execute(
                select(t.runs).where(c.instance == self._instance, c.job == job).order_by(c.started_at.desc()).limit(1)
            ).one_or_none()
        if row is None:
            return None
        return Progress(**{k: v for k, v in row._mapping.items() if k != "instance"})

    def ping(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(select(t.runs.c.id).limit(1)).first()
