"""What is kept of a learning: links of the model, steps up and evidence of each product, merged; and the crowd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter

from ..core.affinity import Affinities, Affinity
from ..core.kind import Kind
from ..core.lessons import Lead, Member
from .engines import Connection
from .likely import Known

LINK, STEP = "link", "step"
EVIDENCE = {
    Kind.UPGRADE: "SELECT i.product_no, e.consequent, e.weight, e.together, e.base, e.consequent_orders, e.orders "
    "FROM upgrades e JOIN items i ON i.product_ref = e.antecedent ORDER BY i.product_no, e.weight DESC, e.consequent",
    Kind.COMPLEMENT: "SELECT i.product_no, e.consequent, e.weight, e.together, e.base, e.consequent_orders, e.orders "
    "FROM complements e JOIN items i ON i.product_ref = e.antecedent ORDER BY i.product_no, e.weight DESC, "
    "e.consequent",
}
#: A product's number, where it comes from, and what it leads to.
Part = tuple[int, str, Affinities]


def lessons(
    connection: Connection,
    known: Known,
    steps: Iterable[tuple[str, Affinities]] | None,
    least: int,
    *,
    links: bool,
) -> Iterator[tuple[str, Lead]]:
    """(product, what it leads to); a stream, in the order of the products' numbers.

    Without `links` only pairs with evidence are kept, weighed as the model weighs them; without `steps` so it is with
    upgrades. A step up that fewer than `least` orders had is left out.
    """
    months = dict(connection.execute("SELECT product_ref, months FROM items WHERE months IS NOT NULL").fetchall())
    numbers = {ref: no for no, ref in enumerate(known.refs, 1)}
    streams: list[Iterator[Part]] = [_evidence(connection, kind) for kind in EVIDENCE]
    streams.append((no, LINK, leads) for no, leads in known.leads())
    if steps is not None:
        streams.append((numbers[ref], STEP, leads) for ref, leads in steps)
    for no, group in groupby(merge(*streams, key=_number), key=_number):
        ref, parts = known.refs[no - 1], {source: leads for _, source, leads in group}
        link = parts.get(LINK, Affinities())
        proven = parts.get(Kind.COMPLEMENT, Affinities()).complements
        weighed = {each.consequent: each for each in link.complements}
        names = frozenset([each.consequent for each in proven])
        # What the model did not count far enough down to weigh says nothing for it.
        more = [_weighing(each, 0.0) for each in proven if each.consequent not in weighed]
        complements = [each for each in link.complements if links or each.consequent in names] + more
        ups = parts.get(Kind.UPGRADE, Affinities()).upgrades
        period = months.get(ref)
        step = parts.get(STEP, Affinities())
        better = [each for each in step.upgrades if each.together >= least and months.get(each.consequent) == period]
        taken, last = {each.consequent for each in better}, better[-1].weight if better else 1.0
        better += [_weighing(each, min(each.weight, last)) for each in ups if each.consequent not in taken]
        upgraded = frozenset([each.consequent for each in ups])
        turns = {to: turn for to, turn in step.turns.items() if to in taken}
        leads = Affinities(tuple(better), tuple(complements), link.buyers, turns=turns)
        yield ref, Lead(leads, upgraded, names)


def members(connection: Connection, known: Known, asked_for: dict[int, list[str]]) -> Iterator[Member]:
    """The crowd; `asked_for`: products whose buyers name each of them."""
    names = dict(connection.execute("SELECT number, customer FROM crowd").fetchall())
    for number, bought in known.bought():
        no = int(number)
        yield Member(no, names[no], bought, tuple(asked_for.get(no, ())))


def numbered(connection: Connection) -> Iterator[tuple[str, list[int]]]:
    """(product, numbers of the orders that it is in, rising); a stream. `connection` holds mined baskets."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT i.product_ref, b.order_no FROM basket_items b JOIN items i ON i.product_no = b.product_no "
        "ORDER BY b.product_no, b.order_no"
    )

    def rows() -> Iterator[tuple[str, int]]:
        while some := cursor.fetchmany(20_000):
            yield from some

    for ref, group in groupby(rows(), key=itemgetter(0)):
        yield ref, [no for _, no in group]


def among(connection: Connection, orders: Iterable[str]) -> set[str]:
    """Those of these orders that were read. `connection` holds mined baskets."""
    connection.load("asked_orders", {"order_ref": str}, ([each] for each in orders))
    found = connection.execute(
        "SELECT DISTINCT a.order_ref FROM asked_orders a JOIN order_lines l ON l.order_ref = a.order_ref"
    ).fetchall()
    return {row[0] for row in found}


def newest(connection: Connection) -> int | None:
    """When the last order was placed that was read (Unix time)."""
    row = connection.execute("SELECT MAX(placed_at) FROM order_lines").fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _evidence(connection: Connection, kind: Kind) -> Iterator[Part]:
    cursor = connection.cursor()
    cursor.execute(EVIDENCE[kind])

    def rows() -> Iterator[tuple[int, Affinity]]:
        while some := cursor.fetchmany(5000):
            for no, consequent, weight, *counts in some:
                yield no, Affinity(consequent, round(weight, 6), *counts)

    for no, group in groupby(rows(), key=lambda row: row[0]):
        found = tuple([each for _, each in group])
        yield no, kind, Affinities(found) if kind is Kind.UPGRADE else Affinities((), found)


def _weighing(found: Affinity, weight: float) -> Affinity:
    return Affinity(found.consequent, weight, found.together, found.base, found.consequent_orders, found.orders)


def _number(part: Part) -> int:
    return part[0]
