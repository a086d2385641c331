"""What is kept of a learning: links of the model, steps up and evidence of each product, merged; and the crowd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby

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
