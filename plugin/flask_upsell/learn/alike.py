"""Products without a category are taken for one kind where their titles say so (`titles`) and orders do not contradict.

Things of one kind are bought one instead of the other, or all of them together (yogurts). Where those with a word in
their title are bought together with the others far more often than among themselves, and more than by chance, they go
with them and are none of them: "case" beside "phone".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .engines import Connection
from .titles import FOUND, Titles, supposed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

SQL = Path(__file__).with_name("sql")
#: How much more often than among themselves: of halves of one true kind hardly one in a hundred reaches it.
APART = 4.0
#: Rates of few orders are taken to be nearer to chance, as much as what makes one more by chance; and what contradicts
#: is counted so many deviations below what was seen.
DOUBT, CERTAIN = 1.0, 2.0


class Pairs(msgspec.Struct, frozen=True):
    """Which products of a kind were bought together, and in how many orders."""

    one: Any
    other: Any
    together: Any

    def of(self, chosen: Any) -> Pairs:
        return Pairs(self.one[chosen], self.other[chosen], self.together[chosen])


class Bought(msgspec.Struct, frozen=True):
    """`orders` of each product, `chance`: what makes the product of two such numbers the orders in which both are
    by chance; fewer than `least` orders of two prove nothing."""

    orders: Any
    chance: float
    least: int


def sort_in(connection: Connection, least: int) -> int:
    """Give products without a category, in the table items, a kind where there is one; returns how many. It is a
    category of others or begins with FOUND. `connection` holds baskets; `least`: MIN_SUPPORT."""
    import numpy as np

    row = connection.execute("SELECT COUNT(*) FROM items WHERE category IS NULL").fetchone()
    if row is None or not row[0]:
        return 0
    categories, prices, titles = _read(connection)
    kinds = supposed(titles, categories, prices)
    named = {kind for kind in kinds if kind is not None}
    numbers = {name: number for number, name in enumerate(sorted(named))}
    every = [kind if category is None else category for kind, category in zip(kinds, categories, strict=True)]
    of = np.array([numbers.get(each, -1) if each is not None else -1 for each in every], dtype=np.int64)
    del every
    connection.load(
        "supposed", {"product_no": int, "kind": int}, ((no + 1, int(of[no])) for no in np.flatnonzero(of >= 0).tolist())
    )
    connection.execute((SQL / "alike.sql").read_text())
    given = np.array([each is not None for each in categories], dtype=bool)
    del categories
    found = list(_agreed(connection, titles, of, given, sorted(named), least))
    connection.load("found_kinds", {"product_no": int, "kind": str}, found)
    connection.execute((SQL / "sorted.sql").read_text())
    return len(found)


def _read(connection: Connection) -> tuple[list[str | None], Sequence[int], Titles]:
    """Of all products, in the order of their numbers from one on: categories, prices, titles."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT i.category, i.price, p.words FROM items i JOIN products p ON p.product_ref = i.product_ref "
        "ORDER BY i.product_no"
    )
    categories, prices, known = list[str | None](), list[int](), dict[str | None, str | None]()

    def words() -> Iterator[str | None]:
        while rows := cursor.fetchmany(20_000):
            for category, price, wording in rows:
                categories.append(known.setdefault(category, category))
                prices.append(int(price))
                yield wording

    titles = Titles(words())
    return categories, prices, titles


def _agreed(
    connection: Connection, titles: Titles, of: Ints, given: NDArray[np.bool_], names: Sequence[str], least: int
) -> Iterator[tuple[int, str]]:
    """(product's number, kind) of what has no category, after orders were asked."""
    import numpy as np

    counted = connection.execute("SELECT product_no, orders FROM alike_orders").fetchnumpy()
    orders = np.zeros(titles.products)
    orders[np.asarray(counted["product_no"]) - 1] = counted["orders"]
    row = connection.execute("SELECT COALESCE(SUM(size), 0), COALESCE(SUM(size * (size - 1)), 0) FROM last_orders")
    lines, beside = row.fetchone() or (0, 0)
    bought = Bought(orders, float(beside) / max(1.0, float(lines) ** 2), least)
    rows = connection.execute(
        "SELECT kind, one, other, together FROM alike_pairs ORDER BY kind, one, other"
    ).fetchnumpy()
    kinds = np.asarray(rows["kind"])
    pairs = Pairs(np.asarray(rows["one"]) - 1, np.asarray(rows["other"]) - 1, np.asarray(rows["together"]))
    by_kind = np.argsort(of, kind="stable")
    edges = np.searchsorted(of[by_kind], np.arange(len(names) + 1))
    begins = np.searchsorted(kinds, np.arange(len(names) + 1))
    for number, name in enumerate(names):
        members = by_kind[edges[number] : edges[number + 1]]
        for part in parts(titles, members, pairs.of(slice(begins[number], begins[number + 1])), bought):
            # What a merchant put into a category stays there, and what cannot be told from it with it.
            kept = name if given[part].any() else f"{FOUND}{int(part[0]) + 1}"
            if len(part) > 1:
                yield from ((product + 1, kept) for product in part[~given[part]].tolist())


def parts(titles: Titles, members: Ints, pairs: Pairs, bought: Bought) -> Iterator[Ints]:
    """These products (in their order), divided wherever orders say that some go with the others."""
    import numpy as np

    chosen = _contradicted(titles, members, pairs, bought)
    if chosen is None:
        yield members
        return
    place, words = titles.of(members)
    with_it = np.zeros(len(members), dtype=bool)
    with_it[place[words == chosen]] = True
    for part in (members[with_it], members[~with_it]):
        within = np.isin(pairs.one, part) & np.isin(pairs.other, part)
        yield from parts(titles, part, pairs.of(within), bought)


def _contradicted(titles: Titles, members: Ints, pairs: Pairs, bought: Bought) -> int | None:
    """The word whose products go most clearly with the others, if any do."""
    import numpy as np

    if pairs.together.sum() < bought.least:
        return None
    place, words = titles.of(members)
    names, where, times = np.unique(words, return_inverse=True, return_counts=True)
    size = len(names)
    orders = bought.orders[members]
    own, squares = (np.bincount(where, some[place], size) for some in (orders, orders * orders))
    rest, rest_squares = orders.sum() - own, (orders * orders).sum() - squares
    keys: list[Ints] = []
    once, all_ = np.zeros(size), float(pairs.together.sum())
    for side in (pairs.one, pairs.other):
        at, used = titles.of(side)
        local = np.searchsorted(names, used)
        once += np.bincount(local, pairs.together[at], size)
        keys.append(at * size + local)
    both = np.intersect1d(keys[0], keys[1], assume_unique=True)
    inside = np.bincount(both % max(1, size), pairs.together[both // max(1, size)], size)
    across = once - 2 * inside
    outside = all_ - across - inside
    by_chance = np.maximum(own * rest * bought.chance, 1e-9)
    among = (inside + DOUBT) / ((own * own - squares) / 2 * bought.chance + DOUBT)
    others = (outside + DOUBT) / ((rest * rest - rest_squares) / 2 * bought.chance + DOUBT)
    rate = (across - CERTAIN * np.sqrt(across)) / by_chance
    clear = np.round(rate / np.maximum(among, others), 6)
    clear[(across < bought.least) | (rate < 1) | (clear < APART) | (times == len(members))] = 0
    best = int(clear.argmax()) if size else 0
    return int(names[best]) if size and clear[best] else None
