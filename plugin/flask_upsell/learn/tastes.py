"""Whose taste is whose: a short vector for each product and each shopper, such that those who own alike things point
the same way.

It is made of what the customers with most products own: the strongest directions in which they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from ..core.affinity import DIRECTIONS, FULL
from ..core.taste import AGREE, Habits
from .engines import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Customers that are compared, each with each; products that they are compared by, some at a time.
CROWD, HEAD, BLOCK = 2500, 8000, 1000
#: By which power of its owners a product that many own tells less.
DAMPED = 0.25
ROUNDS = 30


class Tastes:
    """Of products by number; `vectors` are of length FULL, in signed bytes, in the order of `numbers` (ascending)."""

    def __init__(self, numbers: NDArray[np.int64], vectors: NDArray[np.int8], refs: Sequence[str]) -> None:
        self._numbers, self._vectors = numbers, vectors
        self._refs = refs
        self._places: dict[str, int] = {}

    def rows(self, products: NDArray[np.int64]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """(vectors, whether there is one) of these products."""
        import numpy as np

        if not len(self._numbers):
            return np.zeros((len(products), DIRECTIONS), np.int8), np.zeros(len(products), dtype=bool)
        at = np.minimum(np.searchsorted(self._numbers, products), len(self._numbers) - 1)
        there = self._numbers[at] == products
        return np.where(there[:, None], self._vectors[at], 0).astype(np.int8), there

    def of(self, products: Collection[int]) -> NDArray[np.int8] | None:
        """The taste of who owns these; None when nothing is known of any of them."""
        import numpy as np

        found, there = self.rows(np.fromiter(products, np.int64, len(products)))
        return _bytes(found.sum(0, dtype=np.float64)[None])[0] if there.any() else None

    def told(self, refs: Iterable[str]) -> bytes:
        """The taste of who owns these references, as it is published."""
        if not self._places:
            self._places = {ref: no for no, ref in enumerate(self._refs, 1)}
        found = self.of({self._places[ref] for ref in refs if ref in self._places})
        return found.tobytes() if found is not None else b""

    def habits(self, habits: Iterable[tuple[str, Habits]]) -> Iterator[tuple[str, Habits]]:
        """The same with tastes: of the orders in them, so that whatever is taken out of these is out of both."""
        for name, each in habits:
            yield name, msgspec.structs.replace(each, taste=self.told(each.orders))


def tastes(connection: Connection, refs: Sequence[str]) -> Tastes:
    """`connection` holds what was counted of steps up (`owned` and `liked`); `refs` by number, from 1."""
    import numpy as np

    rows = connection.execute(
        "SELECT customer, COUNT(*) AS products FROM owned GROUP BY customer ORDER BY products DESC, customer LIMIT ?",
        [CROWD],
    ).fetchall()
    connection.load("tasters", {"customer": str, "number": int}, ((name, no) for no, (name, _) in enumerate(rows)))
    found = connection.execute(
        "SELECT t.number, o.product_no, l.owners FROM tasters t JOIN owned o ON o.customer = t.customer "
        "JOIN liked l ON l.product_no = o.product_no ORDER BY o.product_no, t.number"
    ).fetchnumpy()
    who, product = np.asarray(found["number"], dtype=np.int32), np.asarray(found["product_no"], dtype=np.int64)
    numbers, first, place, times = np.unique(product, return_index=True, return_inverse=True, return_counts=True)
    # What one customer alone owns would tell of that one.
    several = times >= AGREE
    kept = several[place]
    who, place, numbers = who[kept], (np.cumsum(several) - 1)[place[kept]], numbers[several]
    owners, times = np.asarray(found["owners"], dtype=np.float64)[first[several]], times[several]
    if len(numbers) < DIRECTIONS or len(rows) < DIRECTIONS:
        return Tastes(np.zeros(0, np.int64), np.zeros((0, DIRECTIONS), np.int8), refs)
    sizes, sides = _strongest(_gram(who, place, times, owners, len(rows)))
    sides /= np.maximum(sizes, 1e-6)
    summed = [np.bincount(place, weights=side[who], minlength=len(numbers)) for side in sides.T]
    return Tastes(numbers, _bytes(np.stack(summed, axis=1)), refs)


def _gram(
    who: NDArray[np.int32], place: NDArray[np.int64], times: NDArray[np.int64], owners: Floats, crowd: int
) -> NDArray[np.float32]:
    """How much each two customers own together, by the products that most of them own."""
    import numpy as np

    head = np.full(len(times), -1, dtype=np.int64)
    best = np.argsort(-times, kind="stable")[:HEAD]
    head[best] = np.arange(len(best))
    column = head[place]
    gram = np.zeros((crowd, crowd), np.float32)
    for start in range(0, len(best), BLOCK):
        some = (column >= start) & (column < start + BLOCK)
        block = np.zeros((crowd, BLOCK), np.float32)
        block[who[some], column[some] - start] = owners[place[some]] ** -DAMPED
        gram += block @ block.T
    return gram


def _strongest(gram: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """(singular values, directions) of the most weight, by subspace iteration from a start that is always the same."""
    import numpy as np

    number = len(gram)
    wide = min(number, 2 * DIRECTIONS)
    basis = np.cos(np.outer(np.arange(1, number + 1), np.arange(1, wide + 1)))
    for _ in range(ROUNDS):
        basis = np.linalg.qr(gram @ basis.astype(np.float32))[0]
    values, turned = np.linalg.eigh((basis.T @ (gram @ basis)).astype(np.float64))
    best = np.argsort(-values)[:DIRECTIONS]
    return np.sqrt(np.maximum(values[best], 0.0)), basis @ turned[:, best]


def _bytes(vectors: Floats) -> NDArray[np.int8]:
    """Each of length FULL."""
    import numpy as np

    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    found: NDArray[np.int8] = np.rint(vectors / length * FULL).astype(np.int8)
    return found
