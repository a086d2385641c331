"""How much each product speaks for each other one: EASE, a linear autoencoder in closed form (Steck, 2019).

For a cart, the weights of its products towards a candidate are summed. A negative weight is a substitute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Square = NDArray[np.float32]

#: Columns that are eliminated at once, and rows that are changed at once.
BLOCK, ROWS = 256, 1024


def ease(gram: Square, ridge: float) -> Square:
    """(n, n) weights from the (n, n) matrix of what is bought together, whose diagonal are the orders of each product.

    `ridge` is added to the diagonal: what is bought more seldom than that says little. It is done in place: `gram`
    becomes the weights.
    """
    import numpy as np

    diagonal = np.diag_indices_from(gram)
    gram[diagonal] += ridge
    _invert(gram)
    scale = gram[diagonal].copy()
    gram /= -scale[None, :]
    gram[diagonal] = 0
    return gram


def _invert(matrix: Square) -> None:
    """In place, by blocks (Gauss and Jordan): a library's inverse takes three more matrices of that size, which are
    most of what learning needs. Without pivots, for a matrix with a ridge needs none."""
    import numpy as np

    size = len(matrix)
    for start in range(0, size, BLOCK):
        part = slice(start, start + BLOCK)
        pivot = np.linalg.inv(matrix[part, part].astype(np.float64)).astype(matrix.dtype)
        row, column = pivot @ matrix[part], matrix[:, part].copy()
        row[:, part] = pivot
        for first in range(0, size, ROWS):
            matrix[first : first + ROWS] -= column[first : first + ROWS] @ row
        matrix[:, part] = -(column @ pivot)
        matrix[part] = row


class Strongest:
    """Of each product those that it speaks for most, at most so `many`, with how often they were bought together."""

    def __init__(self, weights: Square, many: int) -> None:
        import numpy as np

        chosen = [strongest(weights, place, many) for place in range(len(weights))]
        self._starts = np.cumsum([0, *map(len, chosen)])
        self._size = len(weights)
        self._keys: NDArray[np.int64] = np.concatenate(
            [each + place * self._size for place, each in enumerate(chosen)] or [np.zeros(0, np.int64)]
        )
        self._together = np.zeros(len(self._keys), np.int64)
        self._weights = weights.reshape(-1)[self._keys] if len(self._keys) else np.zeros(0, np.float32)

    def count(self, one: NDArray[np.int64], other: NDArray[np.int64], together: NDArray[np.int64]) -> None:
        """Take notice of how often the first and the second of these pairs were bought together."""
        import numpy as np

        for keys in (one * self._size + other, other * self._size + one):
            at = np.searchsorted(self._keys, keys)
            there = at < len(self._keys)
            there[there] = self._keys[at[there]] == keys[there]
            self._together[at[there]] = together[there]

    def of(self, place: int) -> list[tuple[int, int]]:
        """(place, times together)."""
        part = slice(self._starts[place], self._starts[place + 1])
        others = self._keys[part] - place * self._size
        return list(zip(others.tolist(), self._together[part].tolist(), strict=True))

    def summed(self, places: NDArray[np.int64], much: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) what these products, each so much, speak for all together."""
        import numpy as np

        counts = self._starts[places + 1] - self._starts[places]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(self._starts[places], counts) + within
        others = self._keys[at] - np.repeat(places, counts) * self._size
        said = np.repeat(much, counts) * self._weights[at]
        return np.bincount(others, weights=said, minlength=self._size).astype(np.float64, copy=False)


def strongest(weights: Square, row: int, most: int) -> NDArray[np.int64]:
    """The columns with the largest positive weights of a row, in their order."""
    import numpy as np

    line = weights[row]
    chosen: NDArray[np.int64] = np.flatnonzero(line > 0)
    if len(chosen) > most:
        chosen = np.sort(chosen[np.argpartition(line[chosen], len(chosen) - most)[-most:]])
    return chosen
