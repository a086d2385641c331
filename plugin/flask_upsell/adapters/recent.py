"""Orders since the last learning, in SQL: noted with the order itself, and counted anew whenever they are folded, so
that whoever is killed or does it twice changes nothing."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice, pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, and_, delete, func, insert, or_, select, update

from ..core.affinity import Affinity
from ..core.fresh import Basket, Edition, Noted, Since
from ..core.ports import Order
from . import learned
from .dialects import in_order, insert_into, start_writing
from .lesson_tables import counted as n
from .lesson_tables import learnings as g
from .lesson_tables import recents as t

#: Names in one query; products that are written, and rows that are removed, in one transaction.
CHUNK = 500
#: The most lines of an order that are noted: whatever a shop's MAX_BASKET, more are no shopper's.
MOST_LINES = 1000
#: When what is not folded yet was folded.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
#: Clocks of two machines differ by less. What was folded so shortly before another version is folded again.
SKEW = timedelta(minutes=1)
#: A product that so many orders had is counted again when a share of 1 / PART of them is new: a bestseller's thousand
#: orders are not counted for each one more.
MANY, PART = 500, 50
#: References that the ledger has room for.
LONGEST = 200

_encode = msgspec.msgpack.Encoder().encode
_deltas = msgspec.msgpack.Decoder(list[int]).decode


def note(connection: Connection, instance: str, order: Order, customer: str, at: datetime) -> None:
    """Write down what is in an order that is being placed, in its transaction. `customer`: a pseudonym, or ""."""
    products = {line.product for line in order.lines if line.quantity > 0 and _usable(line.product)}
    if not products or len(products) > MOST_LINES or not _usable(order.ref):
        return
    row = {"instance": instance, "order_ref": order.ref, "state": "new", "at": at, "folded_at": NEVER}
    rows = [{**row, "product": ref, "customer": "" if ref else customer} for ref in ("", *sorted(products))]
    connection.execute(insert_into(connection, t).on_conflict_do_nothing(), rows)


class SQLRecent:
    """See core.fresh.Recent. One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    # --- what a learning has seen ------------------------------------------------------------------------------------

    def write(self, learning: str, found: Iterable[tuple[str, Sequence[int]]]) -> None:
        rest = iter(found)
        while chunk := list(islice(rest, CHUNK)):
            each = {"instance": self._instance, "learning": learning}
            values = [{**each, "product": ref, "orders": len(some), "body": _packed(some)} for ref, some in chunk]
            with self.engine.begin() as connection:
                start_writing(connection)
                connection.execute(insert(n), values)

    def see(self, learning: str, orders: Collection[str] | None = None, until: datetime | None = None) -> None:
        # What the live one has seen is over already.
        live = select(g.c.id).where(g.c.instance == self._instance, g.c.state == "live")
        which = [t.c.instance == self._instance, t.c.seen_by.not_in(live)]
        if until is not None:
            which.append(t.c.at <= until)
        parts = [None] if orders is None else _chunks(orders)
        for part in parts:
            some = which if part is None else [*which, t.c.order_ref.in_(part)]
            with self.engine.begin() as connection:
                start_writing(connection)
                connection.execute(update(t).where(*some).values(seen_by=learning))

    def unseen(self, learning: str) -> Iterator[list[str]]:
        last = ""
        while True:
            query = select(t.c.order_ref).where(
                t.c.instance == self._instance, t.c.product == "", t.c.seen_by != learning, t.c.order_ref > last
            )
            with self.engine.connect() as connection:
                some = list(connection.execute(query.order_by(t.c.order_ref).limit(CHUNK)).scalars())
            if not some:
                return
            yield some
            last = some[-1]

    def clear(self, learning: str) -> int:
        gone = 0
        while True:
            batch = select(t.c.order_ref).where(t.c.instance == self._instance, t.c.seen_by == learning)
            with self.engine.begin() as connection:
                start_writing(connection)
                refs = list(connection.execute(batch.distinct().limit(CHUNK)).scalars())
                mine = (t.c.instance == self._instance, t.c.order_ref.in_(refs))
                gone += connection.execute(delete(t).where(*mine)).rowcount
            if len(refs) < CHUNK:
                return gone

    # --- which of them count -----------------------------------------------------------------------------------------

    def ask(self, order: str, connection: object = None) -> None:
        with in_order(self.engine, connection) as writing:
            mine = (t.c.instance == self._instance, t.c.order_ref == order)
            writing.execute(update(t).where(*mine).values(state="asked"))

    def unjudged(self, learning: str, most: int) -> list[Noted]:
        mine = (t.c.instance == self._instance, t.c.product == "", t.c.seen_by != learning)
        orders = select(t.c.order_ref, t.c.customer, t.c.state).where(*mine, t.c.state.in_(("new", "asked")))
        with self.engine.connect() as connection:
            heads = connection.execute(orders.order_by(t.c.at, t.c.order_ref).limit(most)).all()
            found: dict[str, list[str]] = {row.order_ref: [] for row in heads}
            for part in _chunks(found):
                lines = (t.c.instance == self._instance, t.c.order_ref.in_(part), t.c.product != "")
                for order, product in connection.execute(select(t.c.order_ref, t.c.product).where(*lines)):
                    found[order].append(product)
        return [
            Noted(row.order_ref, tuple(sorted(found[row.order_ref])), row.customer, row.state == "asked")
            for row in heads
        ]

    def judge(self, found: Mapping[str, Collection[str]]) -> None:
        with self.engine.begin() as connection:
            start_writing(connection)
            for part in _chunks(found):
                these = (t.c.instance == self._instance, t.c.order_ref.in_(part))
                lines = connection.execute(select(t.c.order_ref, t.c.product).where(*these)).all()
                connection.execute(update(t).where(*these).values(state="in", folded_in="", folded_at=NEVER))
                # Seldom anything: what is not in the catalogue, and orders that do not count at all.
                counting = {order: {"", *found[order]} if found[order] else set[str]() for order in part}
                out = [row for row in lines if row.product not in counting[row.order_ref]]
                for order in {row.order_ref for row in out}:
                    refs = [row.product for row in out if row.order_ref == order]
                    mine = (t.c.instance == self._instance, t.c.order_ref == order, t.c.product.in_(refs))
                    connection.execute(update(t).where(*mine).values(state="out"))

    def bots(self, learning: str, customers: Collection[str], most: int) -> set[str]:
        found: set[str] = set()
        o, l = t.alias(), t.alias()  # noqa: E741
        theirs = and_(l.c.instance == o.c.instance, l.c.order_ref == o.c.order_ref, l.c.product != "")
        counts = select(o.c.customer, func.count(l.c.product.distinct()), func.count()).join_from(o, l, theirs)
        with self.engine.connect() as connection:
            sold = connection.execute(
                select(func.count()).select_from(n).where(n.c.instance == self._instance, n.c.learning == learning)
            ).scalar_one()
            for part in _chunks(customers):
                which = (o.c.instance == self._instance, o.c.customer.in_(part), o.c.seen_by != learning)
                for customer, products, lines in connection.execute(counts.where(*which).group_by(o.c.customer)):
                    if products > most and products * 2 > sold and lines < products * 2:
                        found.add(customer)
        for part in _chunks(found):
            with self.engine.begin() as connection:
                start_writing(connection)
                refs = select(o.c.order_ref).where(o.c.instance == self._instance, o.c.customer.in_(part))
                mine = (t.c.instance == self._instance, t.c.order_ref.in_(refs), t.c.state == "in")
                connection.execute(update(t).where(*mine).values(state="out", folded_in="", folded_at=NEVER))
        return found

    # --- folding -----------------------------------------------------------------------------------------------------

    def claim(self, learning: str, edition: Edition, token: str, most: int) -> list[str]:
        of = (*self._waiting_for(learning, edition), t.c.product != "")
        refs: list[str] = []
        with self.engine.begin() as connection:
            start_writing(connection)
            for when in _when(edition):
                query = select(t.c.product, func.count()).where(when, *of).group_by(t.c.product)
                oldest = query.order_by(func.min(t.c.at), t.c.product).limit(most * 10)
                for ref, new in connection.execute(oldest).all():
                    if len(refs) == most:
                        break
                    if ref not in refs and not self._many(connection, learning, ref, max(MANY, new * PART)):
                        refs.append(ref)
                for part in _chunks(refs):
                    taken = update(t).where(when, *of, t.c.product.in_(part))
                    connection.execute(taken.values(folded_in=token, folded_at=NEVER))
        return refs

    def claim_people(self, learning: str, edition: Edition, token: str, most: int) -> list[str]:
        of = (*self._waiting_for(learning, edition), t.c.customer != "", or_(*_when(edition)))
        with self.engine.begin() as connection:
            start_writing(connection)
            query = select(t.c.customer).where(*of).group_by(t.c.customer)
            names = list(connection.execute(query.order_by(func.min(t.c.at), t.c.customer).limit(most)).scalars())
            for part in _chunks(names):
                taken = update(t).where(*of, t.c.customer.in_(part))
                connection.execute(taken.values(folded_in=token, folded_at=NEVER))
        return names

    def _waiting_for(self, learning: str, edition: Edition) -> tuple[Any, ...]:
        return *self._unseen(learning), t.c.state.in_(("in", "out")), t.c.folded_in != edition.name

    def _many(self, connection: Connection, learning: str, ref: str, most: int) -> bool:
        """Whether more orders than that had this product; looks at no more than that."""
        some = select(t.c.product).where(*self._unseen(learning), t.c.product == ref).limit(most + 1).subquery()
        return connection.execute(select(func.count()).select_from(some)).scalar_one() > most

    def folded(self, token: str, edition: Edition) -> None:
        mine = (t.c.instance == self._instance, t.c.folded_at == NEVER, t.c.folded_in == token)
        with self.engine.begin() as connection:
            start_writing(connection)
            connection.execute(update(t).where(*mine).values(folded_in=edition.name, folded_at=datetime.now(UTC)))

    def keep(self, learning: str, found: Mapping[str, tuple[Affinity, ...]]) -> bool:
        with self.engine.begin() as connection:
            start_writing(connection)
            # Held until the end: nothing else becomes live meanwhile.
            live = select(g.c.id).where(g.c.instance == self._instance, g.c.state == "live", g.c.id == learning)
            if connection.execute(live.with_for_update()).first() is None:
                return False
            learned.amend(connection, self._instance, found)
        return True

    def waiting(self) -> bool:
        live = select(g.c.id).where(g.c.instance == self._instance, g.c.state == "live").scalar_subquery()
        some = select(t.c.product).where(t.c.instance == self._instance, t.c.folded_at == NEVER, t.c.seen_by != live)
        with self.engine.connect() as connection:
            # An order of nobody's is folded with its products.
            some = some.where(or_(t.c.product != "", t.c.customer != ""))
            return connection.execute(some.limit(1)).first() is not None

    # --- counting ----------------------------------------------------------------------------------------------------

    def touched(self, learning: str, most: int) -> list[str]:
        query = select(t.c.product).where(*self._unseen(learning), t.c.product != "", t.c.state.in_(("in", "out")))
        with self.engine.connect() as connection:
            found = list(connection.execute(query.distinct().limit(most + 1)).scalars())
        return found if len(found) <= most else []

    def products(self, learning: str) -> set[str]:
        query = select(t.c.product).where(*self._counting(learning), t.c.product != "").distinct()
        with self.engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def people(self, learning: str) -> set[str]:
        query = select(t.c.customer).where(*self._counting(learning), t.c.customer != "").distinct()
        with self.engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def baskets(self, learning: str, customers: Collection[str]) -> dict[str, list[Basket]]:
        found: dict[str, dict[tuple[int, str], list[str]]] = {}
        lines = t.alias()
        same = and_(lines.c.instance == t.c.instance, lines.c.order_ref == t.c.order_ref, lines.c.state == "in")
        query = select(t.c.customer, t.c.at, t.c.order_ref, lines.c.product).join_from(t, lines, same)
        with self.engine.connect() as connection:
            for part in _chunks(customers):
                these = (*self._counting(learning), t.c.customer.in_(part), lines.c.product != "")
                for name, at, order, product in connection.execute(query.where(*these)):
                    found.setdefault(name, {}).setdefault((int(at.timestamp()), order), []).append(product)
        return {
            name: [(at, tuple(sorted(refs))) for (at, _), refs in sorted(orders.items(), reverse=True)]
            for name, orders in found.items()
        }

    def since(self, learning: str, refs: Collection[str], others: Collection[str]) -> Since:
        a, b = t.alias(), t.alias()
        same = and_(b.c.instance == a.c.instance, b.c.order_ref == a.c.order_ref, b.c.product != a.c.product)
        pairs = select(a.c.product, b.c.product, func.count()).join_from(a, b, same).group_by(a.c.product, b.c.product)
        together: dict[str, dict[str, int]] = {}
        with self.engine.connect() as connection:
            orders = connection.execute(
                select(func.count()).select_from(t).where(*self._counting(learning), t.c.product == "")
            ).scalar_one()
            for part in _chunks(refs):
                these = (a.c.instance == self._instance, a.c.product.in_(part), a.c.state == "in")
                both = (b.c.product != "", b.c.state == "in", a.c.seen_by != learning)
                for one, other, times in connection.execute(pairs.where(*these, *both)):
                    together.setdefault(one, {})[other] = times
            every = {*refs, *others, *(other for some in together.values() for other in some)}
            bought: dict[str, int] = {}
            counts = select(t.c.product, func.count()).where(*self._counting(learning)).group_by(t.c.product)
            for part in _chunks(every):
                some = connection.execute(counts.where(t.c.product.in_(part)))
                bought.update((row[0], row[1]) for row in some)
        return Since(orders, bought, together)

    def bought(self, learning: str, refs: Collection[str]) -> dict[str, int]:
        return dict(self._found(learning, refs, n.c.orders))

    def numbers(self, learning: str, refs: Collection[str]) -> dict[str, list[int]]:
        return {
            ref: list(accumulate(_deltas(zlib.decompress(body)))) for ref, body in self._found(learning, refs, n.c.body)
        }

    def _found(self, learning: str, refs: Collection[str], column: Any) -> Iterator[tuple[str, Any]]:
        with self.engine.connect() as connection:
            for part in _chunks(refs):
                mine = (n.c.instance == self._instance, n.c.learning == learning, n.c.product.in_(part))
                yield from map(tuple, connection.execute(select(n.c.product, column).where(*mine)))

    def _counting(self, learning: str) -> tuple[Any, ...]:
        return *self._unseen(learning), t.c.state == "in"

    def _unseen(self, learning: str) -> tuple[Any, ...]:
        return t.c.instance == self._instance, t.c.seen_by != learning


def _when(edition: Edition) -> tuple[Any, Any]:
    """What was never folded, and what was into an older version while this one was being written: it may lack that."""
    return t.c.folded_at == NEVER, t.c.folded_at.between(edition.began_at - SKEW, edition.ended_at + SKEW)


def _packed(numbers: Sequence[int]) -> bytes:
    """As the steps from each to the next, which are small."""
    steps = [numbers[0], *(after - before for before, after in pairwise(numbers))]
    return zlib.compress(_encode(steps), 1)


def _usable(ref: str) -> bool:
    try:
        return 0 < len(ref) <= LONGEST and "\0" not in ref and bool(ref.encode())
    except UnicodeEncodeError:
        return False


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    every = sorted(values)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]
