"""What was learned, as it is written: each pair with what a list of suggestions is sorted and filtered by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice

import msgspec
from sqlalchemy import Connection, Float, case, cast, delete, func, insert, select, update

from ..core.affinity import Affinity
from ..core.curation import sure
from ..core.kind import Kind
from .desk_tables import catalogue as p
from .desk_tables import levels
from .tables import affinities as a

#: Pairs that are written at once; references in one query.
CHUNK, REFS = 5000, 500


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
            known = sure(kind, found)
            counted[kind.value, known] += 1
            worth = found.confidence * prices.get(found.consequent, 0) if found.base > 0 else 0.0
            key = {"instance": instance, "kind": kind.value, "antecedent": antecedent}
            written.append({**key, **msgspec.structs.asdict(found), "sure": known, "worth": worth})
        connection.execute(insert(a), written)
    if counted:
        each = {"instance": instance}
        connection.execute(
            insert(levels), [{**each, "kind": kind, "sure": known, "pairs": n} for (kind, known), n in counted.items()]
        )
    return counted.total()


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
