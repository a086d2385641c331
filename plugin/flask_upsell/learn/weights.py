"""How much each product speaks for each other one: EASE, a linear autoencoder in closed form (Steck, 2019).

For a cart, the weights of its products towards a candidate are summed. A negative weight is a substitute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Square = NDArray[np.float32]


def ease(gram: Square, ridge: float) -> Square:
    """(n, n) weights from the (n, n) matrix of what is bought together, whose diagonal are the orders of each product.

    `ridge` is added to the diagonal: what is bought more seldom than that says little. `gram` is used up.
    """
    import numpy as np

    diagonal = np.diag_indices_from(gram)
    gram[diagonal] += ridge
    inverse = np.linalg.inv(gram)
    scale = inverse[diagonal].copy()
    inverse /= -scale[None, :]
    inverse[diagonal] = 0
    return inverse


def strongest(weights: Square, row: int, most: int) -> NDArray[np.int64]:
    """The columns with the largest positive weights of a row, no particular order."""
    import numpy as np

    line = weights[row]
    chosen: NDArray[np.int64] = np.flatnonzero(line > 0)
    if len(chosen) > most:
        chosen = chosen[np.argpartition(line[chosen], len(chosen) - most)[-most:]]
    return chosen
