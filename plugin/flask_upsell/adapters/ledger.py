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
from sqlalchemy import Connection, Engine, Row, create_engine, delete, event, func, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from ..core.affinity import Affinities, Affinity
from ..core.offer import Kind
from ..core.ports import Acceptance, Count, Order, Progress, Started
from ..errors import BadInput
from . import tables as t

#: How long an idempotency key is kept.
KEEP_REQUESTS = timedelta(hours=72)
KEEP_EVENTS = timedelta(days=30)
FOLD_AT_ONCE = 500
COUNTED = ("shown", "accepted", "declined", "undone", "converted", "revenue")


def make_engine(url: str) -> Engine:
    """An engine for the ledger. SQLite gets WAL and full sync: a reader never waits, and a power cut loses nothing."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    engine = create_engine(parsed, connect_args={"timeout": 5})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


class SQLLedger:
    """See core.ports.Ledger. `attribution` is how long after its acceptance an ordered product counts as converted."""

    def __init__(self, engine: Engine, instance: str, attribution: timedelta = timedelta(days=7)) -> None:
        self.engine = engine
        self._instance = instance
        self._attribution = attribution

    # --- idempotency -----------------------------------------------------------------------------------------------

    def start(self, visitor: str, key: str, request: str) -> Started:
        row = {
            "instance": self._instance,
            "visitor": visitor,
            "key": key,
            "request": request,
            "created_at": datetime.now(UTC),
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(t.requests).values(row))
            return Started(first=True)
        except IntegrityError:
            pass
        with self.engine.connect() as connection:
            found = connection.execute(
                select(t.requests.c.request, t.requests.c.answer).where(*self._request(visitor, key))
            ).one_or_none()
        if found is None:  # given back between the two statements: whoever did so did nothing
            return self.start(visitor, key, request)
        if found.request != request:
            raise BadInput("key", "this idempotency key was used for another request")
        return Started(first=False, answer=found.answer)

    def finish(self, visitor: str, key: str, answer: Mapping[str, Any]) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(t.requests).where(*self._request(visitor, key)).values(answer=dict(answer)))

    def forget(self, visitor: str, key: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(t.requests).where(*self._request(visitor, key)))

    def _request(self, visitor: str, key: str) -> tuple[Any, ...]:
        c = t.requests.c
        return c.instance == self._instance, c.visitor == visitor, c.key == key

    # --- what shoppers did -----------------------------------------------------------------------------------------

    def record_acceptance(self, acceptance: Acceptance, at: datetime) -> None:
        row = msgspec.to_builtins(acceptance)
        with self.engine.begin() as connection:
            connection.execute(
                insert(t.acceptances).values(**row, instance=self._instance, state="accepted", accepted_at=at)
            )
            self._put(
                connection,
                f"accepted:{acceptance.id}",
                at,
                [_count(acceptance.placement, acceptance.kind, acceptance.product, accepted=1)],
            )

    def acceptance(self, id: str, visitor: str) -> Acceptance | None:
        c = t.acceptances.c
        with self.engine.connect() as connection:
            row = connection.execute(
                select(t.acceptances).where(
                    c.instance == self._instance, c.id == id, c.visitor == visitor, c.state == "accepted"
                )
            ).one_or_none()
        return None if row is None else _acceptance(row)

    def accepted(self, visitor: str) -> list[Acceptance]:
        c = t.acceptances.c
        mine = (c.instance == self._instance, c.visitor == visitor, c.state == "accepted", c.rule != "")
        with self.engine.connect() as connection:
            rows = connection.execute(select(t.acceptances).where(*mine).order_by(c.accepted_at, c.id)).all()
        return [_acceptance(row) for row in rows]

    def claim_undo(self, id: str) -> bool:
        return self._move(id, "accepted", "undoing")

    def release_undo(self, id: str) -> None:
        self._move(id, "undoing", "accepted")

    def _move(self, id: str, before: str, after: str) -> bool:
        c = t.acceptances.c
        change = update(t.acceptances).where(c.instance == self._instance, c.id == id, c.state == before)
        with self.engine.begin() as connection:
            return connection.execute(change.values(state=after)).rowcount == 1

    def record_undo(self, id: str, at: datetime) -> bool:
        c = t.acceptances.c
        with self.engine.begin() as connection:
            row = connection.execute(
                select(c.placement, c.kind, c.product).where(c.instance == self._instance, c.id == id)
            ).one_or_none()
            done = connection.execute(
                update(t.acceptances)
                .where(c.instance == self._instance, c.id == id, c.state.in_(("accepted", "undoing")))
                .values(state="undone")
            )
            if row is None or done.rowcount != 1:
                return False
            self._put(connection, f"undone:{id}", at, [_count(row.placement, row.kind, row.product, undone=1)])
        return True

    def record_decline(self, placement: str, kind: str, product: str, at: datetime) -> None:
        with self.engine.begin() as connection:
            self._put(connection, f"declined:{uuid4().hex}", at, [_count(placement, kind, product, declined=1)])

    def record_order(self, order: Order, visitor: str, at: datetime, connection: object = None) -> int:
        """Once for an order, whoever repeats it. With `connection`, inside its transaction and behind a savepoint:
        whatever goes wrong in here cannot spoil the order."""
        with self._transaction(connection) as writing:
            try:
                with writing.begin_nested():
                    return self._record_order(writing, order, visitor, at)
            except IntegrityError:  # recorded before
                return 0

    def _record_order(self, connection: Connection, order: Order, visitor: str, at: datetime) -> int:
        c = t.acceptances.c
        ordered: Counter[str] = Counter()
        for line in order.lines:
            ordered[line.product] += line.quantity
        rows = connection.execute(
            select(t.acceptances)
            .where(
                c.instance == self._instance,
                c.visitor == visitor,
                c.state.in_(("accepted", "undoing")),
                c.accepted_at > at - self._attribution,
                c.product.in_(list(ordered)),
            )
            .order_by(c.accepted_at)
        ).all()
        counts: list[dict[str, Any]] = []
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
            counts.append(_count(row.placement, row.kind, row.product, row.currency, converted=1, revenue=revenue))
        self._put(connection, f"order:{order.ref}", at, counts)
        return len(counts)

    @contextmanager
    def _transaction(self, connection: object) -> Iterator[Connection]:
        if isinstance(connection, Connection) and self._same_database(connection):
            yield connection
        else:
            with self.engine.begin() as own:
                if own.dialect.name == "sqlite":
                    # A reader that becomes a writer is refused at once by SQLite; a writer from the start waits.
                    own.exec_driver_sql("BEGIN IMMEDIATE")
                yield own

    def _same_database(self, connection: Connection) -> bool:
        ours, theirs = self.engine.url, connection.engine.url
        return (ours.get_backend_name(), ours.host, ours.port, ours.database) == (
            theirs.get_backend_name(),
            theirs.host,
            theirs.port,
            theirs.database,
        )

    def shares(self, connection: object) -> bool:
        """Whether this connection can write our tables in its own transaction."""
        return isinstance(connection, Connection) and self._same_database(connection)

    # --- counts ----------------------------------------------------------------------------------------------------

    def _put(self, connection: Connection, event: str, at: datetime, counts: list[dict[str, Any]]) -> None:
        connection.execute(insert(t.outbox).values(instance=self._instance, event=event, counts=counts, created_at=at))

    def fold(self) -> int:
        folded = 0
        while True:
            now = datetime.now(UTC)
            c = t.outbox.c
            with self.engine.begin() as connection:
                rows = connection.execute(
                    select(c.id, c.counts)
                    .where(c.instance == self._instance, c.folded_at.is_(None))
                    .order_by(c.id)
                    .limit(FOLD_AT_ONCE)
                ).all()
                for row in rows:
                    mine = connection.execute(
                        update(t.outbox).where(c.id == row.id, c.folded_at.is_(None)).values(folded_at=now)
                    )
                    if mine.rowcount == 1:
                        folded += 1
                        for count in row.counts:
                            self._add(connection, count)
            if len(rows) < FOLD_AT_ONCE:
                break
        with self.engine.begin() as connection:
            connection.execute(delete(t.requests).where(t.requests.c.created_at < now - KEEP_REQUESTS))
            connection.execute(delete(t.outbox).where(t.outbox.c.folded_at < now - KEEP_EVENTS))
            connection.execute(delete(t.batches).where(t.batches.c.folded_at < now - KEEP_EVENTS))
        return folded

    def waiting(self) -> int:
        with self.engine.connect() as connection:
            return connection.execute(
                select(func.count())
                .select_from(t.outbox)
                .where(t.outbox.c.instance == self._instance, t.outbox.c.folded_at.is_(None))
            ).scalar_one()

    def add_shown(self, batch: str, shown: Mapping[tuple[str, str, str], int]) -> None:
        try:
            with self.engine.begin() as connection:
                connection.execute(
                    insert(t.batches).values(instance=self._instance, name=batch, folded_at=datetime.now(UTC))
                )
                for (placement, kind, product), times in shown.items():
                    self._add(connection, _count(placement, kind, product, shown=times))
        except IntegrityError as error:
            if "batch" not in str(error.orig).lower():
                raise

    def _add(self, connection: Connection, count: Mapping[str, Any]) -> None:
        c = t.counts.c
        key = {"instance": self._instance, **{k: count[k] for k in ("placement", "kind", "product", "currency")}}
        added = {name: count[name] for name in COUNTED if count.get(name)}
        where = [c[name] == value for name, value in key.items()]
        change = update(t.counts).where(*where).values({name: c[name] + value for name, value in added.items()})
        if not added or connection.execute(change).rowcount:
            return
        try:
            with connection.begin_nested():
                connection.execute(insert(t.counts).values(**key, **added))
        except IntegrityError:  # somebody else was first
            connection.execute(change)

    def counts(self) -> list[Count]:
        c = t.counts.c
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(t.counts)
                .where(c.instance == self._instance)
                .order_by(c.placement, c.kind, c.product, c.currency)
            ).all()
        return [Count(**{k: v for k, v in row._mapping.items() if k != "instance"}) for row in rows]

    # --- what was learned ------------------------------------------------------------------------------------------

    def save_affinities(self, rows: Iterable[tuple[Kind, str, Affinity]]) -> int:
        """Replace all affinities in one transaction; returns how many there are now."""
        written = 0
        with self.engine.begin() as connection:
            connection.execute(delete(t.affinities).where(t.affinities.c.instance == self._instance))
            chunk: list[dict[str, Any]] = []
            for kind, antecedent, affinity in rows:
                chunk.append(
                    {
                        "instance": self._instance,
                        "kind": kind.value,
                        "antecedent": antecedent,
                        **msgspec.structs.asdict(affinity),
                    }
                )
                if len(chunk) == 5000:
                    connection.execute(insert(t.affinities), chunk)
                    written += len(chunk)
                    chunk = []
            if chunk:
                connection.execute(insert(t.affinities), chunk)
        return written + len(chunk)

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


def _count(placement: str, kind: str, product: str, currency: str = "", **counted: int) -> dict[str, Any]:
    return {"placement": placement, "kind": str(kind), "product": product, "currency": currency, **counted}


def _acceptance(row: Row[Any]) -> Acceptance:
    return msgspec.convert({str(name): value for name, value in row._mapping.items()}, Acceptance)
