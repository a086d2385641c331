"""Which dearer product of the same kind people turn to, learned from those who did.

Of each product's steps up it is known how often they are bought, lately and altogether, by how many, how many came to
them from here, and how much dearer they are. What that is worth is fitted on the customers who turned to one of them in
the last part of the history; and beside it what their taste says, for shoppers whose past orders are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import msgspec

from ..core.affinity import FULL, Affinities, Affinity, Turn
from ..core.ports import Report
from .engines import Connection
from .fit import logit
from .likely import look_back, span_of
from .tastes import Tastes, tastes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SQL = Path(__file__).with_name("sql")
COLUMNS = (
    "base_no",
    "product_no",
    "orders",
    "lately",
    "owners",
    "moved",
    "had",
    "base_price",
    "price",
    "category_orders",
)
ALL = (
    "SELECT base_no, product_no, orders, lately, owners, moved, had, base_price, price, category_orders FROM steps_up "
    "ORDER BY base_no, product_no"
)
OF_TURNED = (
    "SELECT base_no, product_no, orders, lately, owners, moved, had, base_price, price, category_orders FROM steps_up "
    "WHERE base_no IN (SELECT base_no FROM turned) ORDER BY base_no, product_no"
)
#: Fewer customers who turned prove nothing.
FEWEST = 200
#: Without them: how often it is bought, most of all lately.
ROUGH = (0.5, 0.7, 0.2, 0.2, 0.2, 0.0)


class Steps(msgspec.Struct, frozen=True):
    """What bounds the steps: the price gap (percent of the price, or `gap_floor` in minor units if that is more), how
    many are looked at and kept, of how many tastes are told, and how many customers are fitted to."""

    gap_percent: int = 25
    gap_floor: int = 0
    candidates: int = 60
    kept: int = 20
    tasted: int = 12
    cases: int = 8000


USUAL = Steps()


class Fitted(NamedTuple):
    """`mean` and `spread` of the signals; `weights` of these and their products. `leaning`: how much a taste tells on
    its own and with each of the signals, and how alike tastes are in the mean (`even`); None where it tells nothing."""

    mean: Floats
    spread: Floats
    weights: Floats
    leaning: Floats | None
    even: float


class Upgrades(NamedTuple):
    """(product, its steps up, the best first): a stream; figures; tastes of products, where they tell anything."""

    steps: Iterator[tuple[str, Affinities]]
    figures: dict[str, Any]
    tastes: Tastes | None


def learn_upgrades(connection: Connection, report: Report, steps: Steps = USUAL) -> Upgrades:
    """`connection` holds mined baskets."""
    cut, end = span_of(connection)
    names = connection.execute("SELECT product_ref FROM items ORDER BY product_no").fetchall()
    refs = [name for (name,) in names]
    fitted, figures = _fitted(connection, cut, refs, steps, report)
    report("Weighing steps up", 0, 0)
    _count(connection, end, steps)
    row = connection.execute("SELECT COUNT(DISTINCT order_no) FROM seen").fetchone()
    known = tastes(connection, refs) if fitted is not None and fitted.leaning is not None else None
    return Upgrades(_ranked(connection, fitted, known, int(row[0]) if row else 0, refs, steps), figures, known)


def _count(connection: Connection, until: int, steps: Steps) -> None:
    look_back(connection, until)
    connection.execute("DROP TABLE IF EXISTS span")
    connection.execute(
        "CREATE TABLE span AS SELECT CAST(? AS BIGINT) AS gap_percent, CAST(? AS BIGINT) AS gap_floor, "
        "CAST(? AS BIGINT) AS candidates",
        [steps.gap_percent, steps.gap_floor, steps.candidates],
    )
    connection.execute((SQL / "steps.sql").read_text())


def _signals(rows: dict[str, Any]) -> Floats:
    """(steps, signals)."""
    import numpy as np

    some = {name: np.asarray(values, dtype=np.float64) for name, values in rows.items()}
    return np.stack(
        [
            np.log(some["orders"] + 1),
            np.log(some["lately"] + 0.5),
            np.log(some["owners"] + 1),
            np.log(some["moved"] + 0.3),
            np.log(some["had"] + 0.5) - np.log(some["owners"] + 3),
            np.log(some["price"] / np.maximum(some["base_price"], 1)),
        ],
        axis=1,
    )


def _fitted(
    connection: Connection, cut: int, refs: list[str], steps: Steps, report: Report
) -> tuple[Fitted | None, dict[str, Any]]:
    """None when too few customers turned."""
    import numpy as np

    report("Fitting to steps up", 0, 0)
    _count(connection, cut, steps)
    connection.execute((SQL / "turned.sql").read_text())
    chosen = connection.execute(
        "SELECT customer, base_no, product_no FROM turned ORDER BY MD5(customer), customer, base_no LIMIT ?",
        [steps.cases],
    ).fetchall()
    if len(chosen) < FEWEST:
        return None, {"turned": len(chosen)}
    owned: dict[str, set[int]] = {}
    for customer, product in connection.execute(
        "SELECT o.customer, o.product_no FROM owned o JOIN (SELECT DISTINCT customer FROM turned) AS t "
        "ON t.customer = o.customer"
    ).fetchall():
        owned.setdefault(customer, set()).add(product)
    rows = connection.execute(OF_TURNED).fetchnumpy()
    every, base, product = _signals(rows), np.asarray(rows["base_no"]), np.asarray(rows["product_no"])
    known = tastes(connection, refs)
    vectors, told = known.rows(product)
    starts, ends = np.searchsorted(base, base, "left"), np.searchsorted(base, base, "right")
    first = {int(no): (int(start), int(end)) for no, start, end in zip(base, starts, ends, strict=True)}
    signals = np.zeros((len(chosen), steps.candidates, every.shape[1]))
    alike = np.full(signals.shape[:2], np.nan)
    there, bought = np.zeros(signals.shape[:2], dtype=bool), np.zeros(len(chosen), dtype=np.int64)
    for place, (customer, base_no, product_no) in enumerate(chosen):
        start, end = first[base_no]
        mine = owned.get(customer, set())
        some = [at for at in range(start, end) if int(product[at]) not in mine]
        signals[place, : len(some)] = every[some]
        there[place, : len(some)] = True
        bought[place] = next(at for at, row in enumerate(some) if int(product[row]) == product_no)
        if (own := known.of(mine)) is not None:
            found = vectors[some].astype(np.float64) @ own / FULL**2
            alike[place, : len(some)] = np.where(told[some], found, np.nan)
    mean, spread = signals[there].mean(0), np.maximum(signals[there].std(0), 1e-6)
    single = (signals - mean) / spread
    scaled = _second(single)
    weights = logit(scaled, bought, there, signals.shape[2])
    score = scaled @ weights
    del scaled
    halves = np.array([crc32(customer.encode()) % 2 for customer, _, _ in chosen])
    leaning, even, more = _leaning(single, alike, score, bought, there, halves)
    figures = {"turned": len(chosen), "hit_rate_3": round(float(_foretold(score, bought, there)[0].mean()), 4)}
    return Fitted(mean, spread, weights, leaning, even), {**figures, **more}


def _leaning(
    single: Floats,
    alike: Floats,
    score: Floats,
    bought: NDArray[np.int64],
    there: NDArray[np.bool_],
    halves: NDArray[np.int64],
) -> tuple[Floats | None, float, dict[str, Any]]:
    """What tastes add to `score`: see Fitted. Kept when each half of the customers foretells the other one better, by
    more than a standard error."""
    import numpy as np

    told = ~np.isnan(alike)
    if not told.any():
        return None, 0.0, {}
    even, size = float(alike[told].mean()), max(float(alike[told].std()), 1e-6)
    apart = np.where(told, (alike - even) / size, 0.0)[:, :, None]
    columns = np.concatenate([apart, apart * single], axis=2)
    better = score.copy()
    for half in (0, 1):
        some, rest = halves == half, halves != half
        if some.any() and rest.any():
            found = logit(columns[some], bought[some], there[some], before=score[some])
            better[rest] += columns[rest] @ found
    before, after = _foretold(score, bought, there), _foretold(better, bought, there)
    gained = after[1] - before[1]
    if gained.mean() <= gained.std() / len(gained) ** 0.5:
        return None, even, {}
    found = logit(columns, bought, there, before=score)
    if found[0] <= 0:
        return None, even, {}
    return found / size, even, {"hit_rate_3_known": round(float(after[0].mean()), 4)}


def _foretold(score: Floats, bought: NDArray[np.int64], there: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """For each case: whether what was bought is among the first three, and the logarithm of its share."""
    import numpy as np

    score = np.where(there, score, -np.inf)
    own = score[np.arange(len(bought)), bought]
    rank = (score > own[:, None]).sum(1)
    most = score.max(1)
    return (rank < 3).astype(np.float64), own - most - np.log(np.exp(score - most[:, None]).sum(1))


def _second(scaled: Floats) -> Floats:
    """The signals, and each two of them multiplied."""
    import numpy as np

    number = scaled.shape[-1]
    pairs = [(one, other) for one in range(number) for other in range(one, number)]
    products = np.stack([scaled[..., one] * scaled[..., other] for one, other in pairs], axis=-1)
    return np.concatenate([scaled, products], axis=-1)


def _ranked(
    connection: Connection,
    fitted: Fitted | None,
    known: Tastes | None,
    orders: int,
    refs: list[str],
    steps: Steps,
) -> Iterator[tuple[str, Affinities]]:
    """`weight` is the share of those who turn to a step up that are expected to choose this one."""
    import numpy as np

    cursor = connection.cursor()
    cursor.execute(ALL)
    names, kept = COLUMNS, list[tuple[Any, ...]]()
    while True:
        chunk = cursor.fetchmany(50_000)
        kept += chunk
        # What is left of a product whose steps are not all there waits for the next rows.
        edge = (at for at in range(len(kept) - 1, 0, -1) if kept[at][0] != kept[at - 1][0])
        whole = next(edge, 0) if chunk else len(kept)
        part, kept = kept[:whole], kept[whole:]
        if part:
            table = np.array(part, dtype=np.int64)
            signals = _signals(dict(zip(names, table.T, strict=True)))
            single = signals if fitted is None else (signals - fitted.mean) / fitted.spread
            score = signals @ np.array(ROUGH) if fitted is None else _second(single) @ fitted.weights
            edges = [*np.flatnonzero(np.r_[True, table[1:, 0] != table[:-1, 0]]).tolist(), len(table)]
            for start, end in pairwise(edges):
                share = np.exp(score[start:end] - score[start:end].max())
                share /= share.sum()
                best = np.argsort(-share, kind="stable")[: steps.kept]
                found = []
                for at in best.tolist():
                    row = part[start + at]
                    found.append(Affinity(refs[row[1] - 1], round(float(share[at]), 6), row[2], row[9], row[2], orders))
                told = start + best[: steps.tasted]
                turns = _turns(found[: steps.tasted], fitted, known, single[told], table[told, 1])
                yield refs[part[start][0] - 1], Affinities(tuple(found), turns=turns)
        if not chunk:
            return


def _turns(
    steps: list[Affinity], fitted: Fitted | None, known: Tastes | None, single: Floats, products: NDArray[np.int64]
) -> dict[str, Turn]:
    """How tastes tell on each of these steps, with its scaled signals."""
    if known is None or fitted is None or fitted.leaning is None:
        return {}
    vectors, told = known.rows(products)
    # Nobody turns to what their like do not own because of that.
    slopes = (fitted.leaning[0] + single @ fitted.leaning[1:]).clip(0.0).tolist()
    return {
        step.consequent: Turn(round(-slope * fitted.even, 3), round(slope, 3), vector.tobytes())
        for step, slope, vector, there in zip(steps, slopes, vectors, told.tolist(), strict=True)
        if there
    }
