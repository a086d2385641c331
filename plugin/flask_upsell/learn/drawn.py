"""What a shopper is drawn to: what all of their past orders speak for, whatever is in the cart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.taste import DAY
from .weights import Strongest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Half-life (days) of what an order says, and the most often that one product's purchases count.
FADING, MOST_OFTEN = 120.0, 3.0
#: So many products are told.
TOLD = 100


class Drawn:
    """`place`: of each product number among the most bought ones, -1 for others; `head`: their numbers."""

    def __init__(self, strongest: Strongest, place: NDArray[np.int64], head: NDArray[np.int64]) -> None:
        self._strongest, self._place, self._head = strongest, place, head

    def of(self, baskets: Sequence[tuple[int, Sequence[int]]]) -> list[tuple[int, float]]:
        """(product number, how much) of a shopper's orders (Unix time, products), the newest first; the most first."""
        import numpy as np

        often, newest = dict[int, float](), baskets[0][0] if baskets else 0
        for at, products in baskets:
            weight = 0.5 ** ((newest - at) / DAY / FADING)
            for no in products:
                often[no] = often.get(no, 0.0) + weight
        places = self._place[np.fromiter(often, np.int64, len(often))]
        much = np.sqrt(np.minimum(np.fromiter(often.values(), np.float64, len(often)), MOST_OFTEN))
        there = places >= 0
        if not there.any():
            return []
        summed = self._strongest.summed(places[there], much[there])
        first = np.flatnonzero(summed > 0)
        if len(first) > TOLD:
            first = np.sort(first[np.argpartition(-summed[first], TOLD - 1)[:TOLD]])
        first = first[np.argsort(-summed[first], kind="stable")]
        return list(zip(self._head[first].tolist(), [round(each, 4) for each in summed[first].tolist()], strict=True))
