"""What is bought next, learned: pairs with weights, the crowd, habits, and the model that weighs them.

All counting is done by the SQL of `sql/`; in Python are the pairs of the most bought products, and samples. The model
is fitted on the last part of the history, with what was known before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

from ..core.affinity import SHRUNK, Affinities, Affinity
from ..core.ports import Report
from ..core.taste import CROWD, KEPT, NOTHING, SIGNALS, Bought, Habits, Model, Signals, Weights, page, signals
from .drawn import Drawn
from .engines import Connection
from .fit import FEWEST, fitted
from .weights import ROWS, Strongest, ease

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SQL = Path(__file__).with_name("sql")
#: Weights to look at the candidates of a case by, before any were learned; also those of a young store.
ROUGHLY = tuple([SIGNALS.index(each) for each in ("popular", "cart", "pairs", "lately", "similar", "new")])
KNOWN = (*ROUGHLY, *[SIGNALS.index(each) for each in ("ago", "often", "due", "drawn")])
UNKNOWN = tuple([SIGNALS.index(each) for each in ("popular", "cart", "pairs", "alike")])
ROUGH = Model(
    Weights(ROUGHLY, (0.0,) * 6, (1.0,) * 6, (-0.3, 0.9, 0.1, 0.6, 0.4, 0.8)),
    Weights(UNKNOWN, (0.0,) * 4, (1.0,) * 4, (-0.2, 0.9, 0.2, 0.5)),
    1,
    1,
)
#: Products whose links are read at once: with a hundred of each, a third of a gigabyte.
PRODUCTS = 100_000


class Sizes(msgspec.Struct, frozen=True):
    """How much is kept and tried; each bounds memory or time."""

    head: int = 9000
    by_weight: int = 80
    by_count: int = 100
    crowd: int = 2500
    crowd_items: int = 200
    buyers: int = 400
    popular: int = 60
    baskets: int = KEPT
    cases: int = 12_000
    candidates: int = 150
    ridge: float = 100.0
    #: The last part of the history, which the model is fitted on.
    held_out: float = 0.15
    #: How much of its hits may be given for products that a shopper never bought, where they were told apart.
    explore: float = 0.01


USUAL = Sizes()


class Case(msgspec.Struct, frozen=True):
    """A basket without one of its products: what is left, who bought it when (Unix time), and the hidden one."""

    cart: tuple[str, ...]
    customer: str | None
    at: int
    hidden: str


class Known:
    """All that was learned from what was bought before an instant."""

    def __init__(self, connection: Connection, until: int, sizes: Sizes, report: Report) -> None:
        self._connection, self._until, self._sizes, self._report = connection, until, sizes, report
        look_back(connection, until, sizes)
        report("Counting pairs", 0, 0)
        for step in ("kinds", "links"):
            connection.execute((SQL / f"{step}.sql").read_text())
        self.refs = [
            row[0] for row in connection.execute("SELECT product_ref FROM items ORDER BY product_no").fetchall()
        ]
        counts = connection.execute("SELECT product_no, orders FROM seen_orders").fetchnumpy()
        import numpy as np

        self.orders = np.zeros(len(self.refs) + 1, dtype=np.int64)
        self.orders[counts["product_no"]] = counts["orders"]
        row = connection.execute("SELECT COUNT(DISTINCT order_no), COUNT(*) FROM seen").fetchone()
        self.baskets, self.lines = (int(row[0]), int(row[1])) if row else (0, 0)
        self._weigh()
        self._gather()

    def _weigh(self) -> None:
        import numpy as np

        self._report("Weighing pairs", 0, 0)
        rows = self._connection.execute("SELECT product_no FROM head ORDER BY place").fetchnumpy()
        self._head: NDArray[np.int64] = rows["product_no"].astype(np.int64)
        size = len(self._head)
        self._place = np.full(len(self.refs) + 1, -1, dtype=np.int64)
        self._place[self._head] = np.arange(size)
        gram = np.zeros((size, size), np.float32)
        for pairs in self._pairs(size):
            gram[pairs["one"], pairs["other"]] = pairs["weight"]
            gram[pairs["other"], pairs["one"]] = pairs["weight"]
        self._weights = ease(gram, self._sizes.ridge) if size else gram
        self._strongest = Strongest(self._weights, self._sizes.by_weight)
        self._drawn = Drawn(self._strongest, self._place, self._head)
        for pairs in self._pairs(size):
            self._strongest.count(pairs["one"], pairs["other"], pairs["together"])

    def _pairs(self, size: int) -> Iterator[dict[str, Any]]:
        """All pairs of the head, some rows at a time: a shop may have forty millions."""
        for start in range(0, size, ROWS):
            yield self._connection.execute(
                "SELECT one, other, together, weight FROM gram WHERE one >= ? AND one < ?", [start, start + ROWS]
            ).fetchnumpy()

    def _gather(self) -> None:
        """Whom of the customers to ask, and what they bought: those with most lines, the last ones first."""
        import numpy as np

        self._report("Asking the crowd", 0, 0)
        rows = self._connection.execute(
            "SELECT p.customer, COUNT(*) AS lines FROM placed p JOIN seen s ON s.order_no = p.order_no "
            "WHERE p.customer IS NOT NULL GROUP BY p.customer ORDER BY lines DESC, p.customer LIMIT ?",
            [self._sizes.crowd],
        ).fetchall()
        self.crowd = [lines for _, lines in rows]
        numbered = ((customer, number) for number, (customer, _) in enumerate(rows))
        self._connection.load("crowd", {"customer": str, "number": int}, numbered)
        if not rows:
            self._bought: dict[int, list[tuple[int, int]]] = {}
            self._buyers: dict[int, list[tuple[int, float]]] = {}
            return
        found = self._connection.execute(
            "SELECT c.number, s.product_no, COUNT(*) AS times FROM crowd c JOIN placed p ON p.customer = c.customer "
            "JOIN seen s ON s.order_no = p.order_no GROUP BY c.number, s.product_no ORDER BY c.number, s.product_no"
        ).fetchnumpy()
        number, product, times = found["number"], found["product_no"], found["times"].astype(np.float64)
        share = self.orders[product] / max(1, self.lines)
        telling = np.log1p(times / (CROWD * share))
        self._bought, self._buyers = {}, {}
        for who, start, end in _runs(number):
            part = slice(start, end)
            order = np.argsort(-times[part] / np.sqrt(share[part]), kind="stable")[: self._sizes.crowd_items] + start
            self._bought[who] = list(zip(product[order].tolist(), times[order].astype(int).tolist(), strict=True))
        by_product = np.lexsort((number, product))
        product, number, telling = product[by_product], number[by_product], telling[by_product]
        for ref, start, end in _runs(product):
            order = np.argsort(-telling[start:end], kind="stable")[: self._sizes.buyers] + start
            rounded = [round(each, 4) for each in telling[order].tolist()]
            self._buyers[ref] = list(zip(number[order].tolist(), rounded, strict=True))

    def model(self, weights: Model) -> Model:
        import numpy as np

        best = np.argsort(-self.orders, kind="stable")[: self._sizes.popular]
        popular = tuple([(self.refs[no - 1], int(self.orders[no])) for no in best.tolist() if self.orders[no]])
        return msgspec.structs.replace(
            weights,
            orders=max(1, self.baskets),
            lines=max(1, self.lines),
            popular=popular,
            crowd=tuple(self.crowd),
        )

    def bought(self) -> Iterator[tuple[str, Bought]]:
        for who, items in self._bought.items():
            yield str(who), Bought(tuple([(self.refs[no - 1], times, int(self.orders[no])) for no, times in items]))

    def leads(self, numbers: Sequence[int] | None = None) -> Iterator[tuple[int, Affinities]]:
        """What each product leads to, by number; a stream. Without `numbers` of all that lead to something."""
        if numbers is not None:
            self._connection.execute("DROP TABLE IF EXISTS wanted")
            self._connection.load("wanted", {"product_no": int}, ((no,) for no in numbers))
            rows = self._connection.execute(
                "SELECT l.from_no, l.to_no, l.together, l.likely FROM links l "
                "JOIN wanted w ON w.product_no = l.from_no ORDER BY l.from_no, l.to_no"
            ).fetchnumpy()
            yield from self._leads(rows, sorted(numbers))
            return
        for start in range(1, len(self.refs) + 1, PRODUCTS):
            rows = self._connection.execute(
                "SELECT from_no, to_no, together, likely FROM links WHERE from_no >= ? AND from_no < ? "
                "ORDER BY from_no, to_no",
                [start, start + PRODUCTS],
            ).fetchnumpy()
            some = {no for no in self._buyers if start <= no < start + PRODUCTS}
            yield from self._leads(rows, sorted(some.union(rows["from_no"].tolist())))

    def _leads(self, rows: dict[str, Any], wanted: Sequence[int]) -> Iterator[tuple[int, Affinities]]:
        begins = {no: (start, end) for no, start, end in _runs(rows["from_no"])}
        to_no, together, likely = rows["to_no"], rows["together"], rows["likely"]
        for no in wanted:
            found: dict[int, tuple[float, int, float]] = {}
            place = int(self._place[no])
            start, end = begins.get(no, (0, 0))
            part = slice(start, end)
            for to, count, much in zip(
                to_no[part].tolist(), together[part].tolist(), likely[part].tolist(), strict=True
            ):
                there = int(self._place[to])
                weight = float(self._weights[place, there]) if place >= 0 and there >= 0 else 0.0
                found[to] = (weight, int(count), round(SHRUNK * much, 4))
            if place >= 0:
                for there, count in self._strongest.of(place):
                    to = int(self._head[there])
                    if to not in found:
                        found[to] = (float(self._weights[place, there]), count, 0.0)
            base = int(self.orders[no])
            complements = [
                Affinity(self.refs[to - 1], round(weight, 6), count, base, int(self.orders[to]), self.baskets, much)
                for to, (weight, count, much) in found.items()
            ]
            complements.sort(key=lambda each: (-each.weight, -each.together, each.consequent))
            yield no, Affinities((), tuple(complements), tuple(self._buyers.get(no, ())))

    def customers(self) -> Iterator[str]:
        """Whose habits are known; a stream."""
        cursor = self._connection.cursor()
        cursor.execute(
            "SELECT DISTINCT p.customer FROM placed p JOIN seen s ON s.order_no = p.order_no "
            "WHERE p.customer IS NOT NULL"
        )
        while rows := cursor.fetchmany(20_000):
            yield from (customer for (customer,) in rows)

    def habits(self, customers: Sequence[str] | None = None) -> Iterator[tuple[str, Habits]]:
        """The last orders of each customer; a stream."""
        self._connection.execute("DROP TABLE IF EXISTS wanted_customers")
        if customers is None:
            self._connection.execute(
                "CREATE TABLE wanted_customers AS SELECT DISTINCT customer FROM placed WHERE customer IS NOT NULL"
            )
        else:
            self._connection.load("wanted_customers", {"customer": str}, ((customer,) for customer in customers))
        cursor = self._connection.cursor()
        cursor.execute(
            "SELECT customer, placed_at, order_no, product_no FROM ("
            "SELECT p.customer, p.placed_at, p.order_no, s.product_no, "
            "DENSE_RANK() OVER (PARTITION BY p.customer ORDER BY p.placed_at DESC, p.order_no DESC) AS place "
            "FROM placed p JOIN seen s ON s.order_no = p.order_no "
            "JOIN wanted_customers w ON w.customer = p.customer) AS r "
            "WHERE place <= ? ORDER BY customer, place, product_no",
            [self._sizes.baskets],
        )
        who, baskets, last = "", list[tuple[int, list[int]]](), -1
        while rows := cursor.fetchmany(20_000):
            for customer, at, order, product in rows:
                if customer != who:
                    if baskets:
                        yield who, self._habits(baskets)
                    who, baskets, last = customer, [], -1
                if order != last:
                    baskets.append((int(at), []))
                    last = order
                baskets[-1][1].append(product)
        if baskets:
            yield who, self._habits(baskets)

    def _habits(self, baskets: Sequence[tuple[int, Sequence[int]]]) -> Habits:
        every = {no for _, products in baskets for no in products}
        return Habits(
            tuple([(at, tuple([self.refs[no - 1] for no in products])) for at, products in baskets]),
            {self.refs[no - 1]: int(self.orders[no]) for no in every},
            drawn=tuple([(self.refs[no - 1], much) for no, much in self._drawn.of(baskets)]),
        )


def _runs(values: Any) -> Iterator[tuple[int, int, int]]:
    """(value, start, end) of each run of equal values."""
    import numpy as np

    if len(values):
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        ends = np.r_[starts[1:], len(values)]
        yield from zip(values[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)


def learn(connection: Connection, report: Report, sizes: Sizes = USUAL) -> tuple[Known, Model, dict[str, Any]]:
    """What is known of the whole history, and the model that weighs it; `connection` holds mined baskets.

    Figures tell how well the model did on the last part of the history, before that part was learned from.
    """
    cut, end = span_of(connection, sizes)
    model, figures = _fitted(connection, cut, sizes, report) if end else (ROUGH, dict[str, Any]())
    known = Known(connection, end, sizes, report)
    return known, known.model(model), figures


def span_of(connection: Connection, sizes: Sizes = USUAL) -> tuple[int, int]:
    """Where the last part of the history begins, and where it ends (Unix time); zeros without any order."""
    connection.execute("DROP TABLE IF EXISTS placed")
    connection.execute((SQL / "history.sql").read_text())
    row = connection.execute(
        "SELECT MIN(CASE WHEN p.order_no >= ? * t.orders THEN p.placed_at END), MAX(p.placed_at) + 1 "
        "FROM placed p CROSS JOIN totals t",
        [1 - sizes.held_out],
    ).fetchone()
    return (int(row[0]), int(row[1])) if row is not None and row[0] is not None else (0, 0)


def look_back(connection: Connection, until: int, sizes: Sizes = USUAL) -> None:
    """Count what was bought before an instant."""
    connection.execute("DROP TABLE IF EXISTS horizon")
    connection.execute(
        "CREATE TABLE horizon AS SELECT CAST(? AS BIGINT) AS until, CAST(? AS BIGINT) AS head, "
        "CAST(? AS BIGINT) AS neighbours",
        [until, sizes.head, sizes.by_count],
    )
    connection.execute((SQL / "seen.sql").read_text())


def _fitted(connection: Connection, cut: int, sizes: Sizes, report: Report) -> tuple[Model, dict[str, Any]]:
    cases = _cases(connection, cut, sizes)
    if len(cases) < FEWEST:
        return ROUGH, {"cases": len(cases)}
    known = Known(connection, cut, sizes, report)
    numbers = {ref: no for no, ref in enumerate(known.refs, 1)}
    wanted = sorted({numbers[ref] for case in cases for ref in case.cart})
    leads = {known.refs[no - 1]: each for no, each in known.leads(wanted)}
    habits = dict(known.habits(sorted({case.customer for case in cases if case.customer is not None})))
    crowd, rough = dict(known.bought()), known.model(ROUGH)
    del known  # its weights are a third of a gigabyte, which is needed now
    import numpy as np

    def seen(case: Case, own: Habits) -> tuple[list[tuple[str, Signals]], tuple[float, ...]]:
        cart = {ref: leads.get(ref, Affinities()) for ref in case.cart}
        return list(signals(cart, rough, crowd, own, case.at)), page(cart, own)

    fits, figures = list[Weights | None](), dict[str, Any]({"cases": len(cases)})
    past, guessed = list[Case](), 0
    for shoppers in (True, False):
        told, places, pages, number = list[Any](), list[int](), list[tuple[float, ...]](), 0
        weights = rough.known if shoppers else rough.unknown
        for done, case in enumerate(cases):
            if done % 250 == 0:
                report("Fitting to shoppers" if shoppers else "Fitting to visitors", done, len(cases))
            own = habits.get(case.customer or "") if shoppers else NOTHING
            if own is None:
                continue
            number += 1
            found, about = seen(case, own)
            first = [ref for _, ref in weights.scored(found, ())[: sizes.candidates]]
            if shoppers:
                past.append(case)
                guessed += case.hidden in first[:3]
            if case.hidden in first:
                by = dict(found)
                told.append(np.array([by[ref] for ref in first], np.float32))
                places.append(first.index(case.hidden))
                pages.append(about)
        fit, said = fitted(told, places, pages, number, KNOWN if shoppers else UNKNOWN, sizes.explore)
        fits.append(fit)
        figures["known" if shoppers else "unknown"] = said
    known_too, others = fits
    personal = True
    if known_too is None and others is not None:
        # What is guessed of habits is used only where it finds as much as what was learned of everybody.
        best = ([ref for _, ref in others.scored(*seen(case, NOTHING))[:3]] for case in past)
        personal = guessed >= sum(case.hidden in first for case, first in zip(past, best, strict=True))
    return Model(known_too or ROUGH.known, others or ROUGH.unknown, 1, 1, personal=personal), figures


def _cases(connection: Connection, cut: int, sizes: Sizes) -> list[Case]:
    """Baskets of two or more since the cut, each with one product hidden."""
    rows = connection.execute(
        "SELECT p.order_no, p.customer, p.placed_at, i.product_ref FROM placed p "
        "JOIN basket_items b ON b.order_no = p.order_no JOIN items i ON i.product_no = b.product_no "
        "JOIN (SELECT order_no FROM placed WHERE placed_at >= ? AND size >= 2 "
        "ORDER BY MOD(order_no * 2654435761, 4294967296), order_no LIMIT ?) AS c ON c.order_no = p.order_no "
        "ORDER BY p.order_no, i.product_ref",
        [cut, sizes.cases],
    ).fetchall()
    cases = list[Case]()
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place][0] != rows[start][0]:
            refs = [row[3] for row in rows[start:place]]
            hidden = refs.pop(crc32(b"%d" % rows[start][0]) % len(refs))
            cases.append(Case(tuple(refs), rows[start][1], int(rows[start][2]), hidden))
            start = place
    return cases
