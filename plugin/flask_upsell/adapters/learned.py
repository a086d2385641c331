"""What was learned, as it is written: each pair with what a list of suggestions is sorted and filtered by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Float, case, cast, delete, func, insert, select, update

from ..core.affinity import Affinity
from ..core.curation import sure
from ..core.kind import Kind
from .desk_tables import catalogue as p
from .desk_tables import levels
from .tables import affinities as a

#: Pairs that are written at once; references in one query.
CHUNK, REFS = 5000, 500
EVIDENCE = ("consequent", "weight", "together", "base", "consequent_orders", "orders")


def replace(connection: Connection, instance: str, rows: Iterable[tuple[Kind, str, Affinity]]) -> int:
    """These instead of all that was learned; returns how many there are now. What a pair is worth is by the prices of
    the last publishing."""
    for table in (a, levels):
        connection.execute(delete(table).where(table.c.instance == instance))
    rest, counted = iter(rows), Counter[tuple[str, int]]()
    while chunk := list(islice(rest, CHUNK)):
        prices = _prices(connection, instance, {found.consequent for _, _, found in chunk})
        written = []
        for kind, antecedent, found in chunk:
            written.append(_row(instance, kind, antecedent, found, prices))
            counted[kind.value, written[-1]["sure"]] += 1
        connection.execute(insert(a), written)
    if counted:
        each = {"instance": instance}
        connection.execute(
            insert(levels), [{**each, "kind": kind, "sure": known, "pairs": n} for (kind, known), n in counted.items()]
        )
    return counted.total()


def amend(connection: Connection, instance: str, found: Mapping[str, Sequence[Affinity]]) -> None:
    """These complements instead of what each of these products led to."""
    every, change = list(found), Counter[int]()
    for start in range(0, len(every), REFS):
        refs = every[start : start + REFS]
        mine = (a.c.instance == instance, a.c.kind == Kind.COMPLEMENT.value, a.c.antecedent.in_(refs))
        counts = select(a.c.sure, func.count()).where(*mine).group_by(a.c.sure)
        change.subtract({row[0]: row[1] for row in connection.execute(counts)})
        connection.execute(delete(a).where(*mine))
        prices = _prices(connection, instance, {each.consequent for ref in refs for each in found[ref]})
        rows = [_row(instance, Kind.COMPLEMENT, ref, each, prices) for ref in refs for each in found[ref]]
        change.update([row["sure"] for row in rows])
        if rows:
            connection.execute(insert(a), rows)
    for known, more in change.items():
        level = {"instance": instance, "kind": Kind.COMPLEMENT.value, "sure": known}
        this = [levels.c[name] == value for name, value in level.items()]
        there = connection.execute(select(levels.c.pairs).where(*this)).scalar_one_or_none() or 0
        connection.execute(delete(levels).where(*this))
        if there + more > 0:
            connection.execute(insert(levels).values(**level, pairs=there + more))


def _row(instance: str, kind: Kind, antecedent: str, found: Affinity, prices: Mapping[str, int]) -> dict[str, Any]:
    worth = found.confidence * prices.get(found.consequent, 0) if found.base > 0 else 0.0
    evidence = {name: getattr(found, name) for name in EVIDENCE}
    key = {"instance": instance, "kind": kind.value, "antecedent": antecedent}
    return {**key, **evidence, "sure": sure(kind, found), "worth": worth}


def _prices(connection: Connection, instance: str, refs: Collection[str]) -> dict[str, int]:
    every, found = list(refs), dict[str, int]()
    for start in range(0, len(every), REFS):
        query = select(p.c.ref, p.c.price).where(p.c.instance == instance, p.c.ref.in_(every[start : start + REFS]))
        found.update({row.ref: row.price for row in connection.execute(query)})
    return found


def reprice(connection: Connection, instance: str, refs: Collection[str]) -> None:
    """Bring what pairs are worth up to date with the catalogue's prices of these products."""
    if not refs:
        return
    price = select(p.c.price).where(p.c.instance == instance, p.c.ref == a.c.consequent).scalar_subquery()
    worth = cast(a.c.together, Float) / a.c.base * func.coalesce(price, 0)
    changed = update(a).where(a.c.instance == instance, a.c.consequent.in_(list(refs)))
    connection.execute(changed.values(worth=case((a.c.base > 0, worth), else_=0.0)))
