"""What is measured against what: each method's answers to carts, from one and the same past.

The simple ones are SQL; ours scores by the code that a page uses (`core.taste`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..core.affinity import Affinities
from ..core.ports import Report
from ..core.taste import NOTHING, Habits, Model, page, signals
from .engines import Connection
from .likely import Case, Known
from .measured import ANSWERS, Answer
from .split import Turn

SQL = Path(__file__).with_name("sql")
#: Carts that are answered at once, by all methods: after each part of them the time is looked at.
PART = 250
#: In the order of the table.
POPULAR, PAIRS, CONFIDENCE, EVIDENCE, VISITORS, SHOPPERS = (
    "popular",
    "pairs",
    "confidence",
    "evidence",
    "visitors",
    "shoppers",
)
SIMPLE = (PAIRS, CONFIDENCE, EVIDENCE)
NEXT_UP, MOST_BOUGHT, OURS = "next_up", "most_bought", "ours"


def evidence(past: Connection, min_support: int) -> None:
    """Find the pairs that merchants see, as learning does, with another least number of orders together."""
    past.execute("DROP TABLE IF EXISTS frequent")
    past.execute("DROP TABLE IF EXISTS pairs")
    past.execute("DROP TABLE IF EXISTS complements")
    past.execute("UPDATE parameters SET min_support = ?", [min_support])
    past.execute((SQL / "complements.sql").read_text())


class Simple:
    """Best sellers, pairs counted, pairs by confidence, and the pairs that merchants see; the latter must be there."""

    def __init__(self, past: Connection, cases: Sequence[Case]) -> None:
        self._past, self._cases = past, cases
        past.execute("CREATE OR REPLACE TABLE named_carts (case_no BIGINT, product_ref VARCHAR, hides BOOLEAN)")
        for start in range(0, len(cases), PART):
            rows = [
                (no, ref, ref == case.hidden)
                for no, case in enumerate(cases[start : start + PART], start)
                for ref in (*case.cart, case.hidden)
            ]
            numbers, refs, hides = ([row[at] for row in rows] for at in range(3))
            past.execute(
                "INSERT INTO named_carts SELECT UNNEST(?::BIGINT[]), UNNEST(?::VARCHAR[]), UNNEST(?::BOOLEAN[])",
                [numbers, refs, hides],
            )
        past.execute(
            "CREATE OR REPLACE TABLE carts AS SELECT n.case_no, i.product_no FROM named_carts n "
            "JOIN items i ON i.product_ref = n.product_ref WHERE NOT n.hides"
        )
        past.execute(
            "CREATE OR REPLACE TABLE hidden AS SELECT n.case_no, i.product_no FROM named_carts n "
            "JOIN items i ON i.product_ref = n.product_ref WHERE n.hides"
        )
        past.execute((SQL / "tried/counted.sql").read_text())
        self._sold = [
            ref
            for (ref,) in past.execute(
                "SELECT i.product_ref FROM items i JOIN item_orders o ON o.product_no = i.product_no "
                "ORDER BY o.orders DESC, i.product_ref"
            ).fetchall()
        ]
        self._known = frozenset(self._sold)

    @property
    def products(self) -> int:
        """How many products were bought at all."""
        return len(self._sold)

    def answers(self, start: int, end: int, *, fill: bool = True) -> dict[str, list[Answer]]:
        """To these carts, by method. The whole catalogue is ranked: what no pair leads to comes after, the best
        sellers first, unless not to `fill`."""
        past = self._past
        bounds = "CREATE OR REPLACE TABLE part AS SELECT CAST(? AS BIGINT) AS first_no, CAST(? AS BIGINT) AS last_no"
        past.execute(bounds, [start, end])
        past.execute((SQL / "tried/answers.sql").read_text())
        rows = past.execute(
            "SELECT method, case_no, place, product_ref FROM answers ORDER BY method, case_no, place"
        ).fetchall()
        first: dict[tuple[str, int], list[str]] = {}
        reached = set[tuple[str, int]]()
        for method, no, place, ref in rows:
            if place <= ANSWERS:
                first.setdefault((method, no), []).append(ref)
            if ref == self._cases[no].hidden:
                reached.add((method, no))
        found: dict[str, list[Answer]] = {POPULAR: [], **{method: [] for method in SIMPLE}}
        for no in range(start, end):
            case = self._cases[no]
            best = self._best(case)
            found[POPULAR].append(Answer(best, case.hidden in self._known))
            for method in SIMPLE:
                mine = first.get((method, no), [])
                more = [ref for ref in best if ref not in mine] if fill else []
                found[method].append(Answer([*mine, *more][:ANSWERS], (method, no) in reached))
        return found

    def _best(self, case: Case) -> list[str]:
        cart, found = set(case.cart), list[str]()
        for ref in self._sold:
            if ref not in cart:
                found.append(ref)
                if len(found) == ANSWERS:
                    break
        return found


class Likely:
    """Ours: everything that cart and shopper say, weighed."""

    def __init__(self, known: Known, model: Model) -> None:
        self._known, self._model, self._crowd = known, model, dict(known.bought())
        self._numbers = {ref: no for no, ref in enumerate(known.refs, 1)}

    def answers(self, cases: Sequence[Case]) -> tuple[list[Answer], list[Answer], list[Habits]]:
        """To carts of visitors of whom nothing is known; to the same with what is known of their shoppers; and what
        that is."""
        numbers = sorted({self._numbers[ref] for case in cases for ref in case.cart})
        leads = {self._known.refs[no - 1]: each for no, each in self._known.leads(numbers)}
        habits = dict(self._known.habits(sorted({case.customer for case in cases if case.customer is not None})))
        own = [habits.get(case.customer or "", NOTHING) for case in cases]
        visitors = [self._answer(case, leads, NOTHING) for case in cases]
        shoppers = [
            self._answer(case, leads, each) if each.baskets and self._model.personal else answer
            for case, each, answer in zip(cases, own, visitors, strict=True)
        ]
        return visitors, shoppers, own

    def _answer(self, case: Case, leads: Mapping[str, Affinities], habits: Habits) -> Answer:
        cart = {ref: leads.get(ref, Affinities()) for ref in case.cart}
        found = list(signals(cart, self._model, self._crowd, habits, case.at))
        weights = self._model.known if habits.baskets else self._model.unknown
        ranked = weights.scored(found, page(cart, habits))[:ANSWERS]
        return Answer([ref for _, ref in ranked], any(ref == case.hidden for ref, _ in found))


class Dearer:
    """The steps up from each product by each method, within the price gap of `parameters`. `ours`: see
    `learn.upgrades`."""

    def __init__(self, past: Connection, turns: Sequence[Turn], ours: Iterator[tuple[str, Affinities]]) -> None:
        bases = {turn.base for turn in turns}
        self._ours = {ref: [each.consequent for each in leads.upgrades] for ref, leads in ours if ref in bases}
        rows = past.execute(
            "SELECT s.product_ref, d.product_ref, d.price, COALESCE(o.orders, 0) FROM items s "
            "JOIN (SELECT UNNEST(?::VARCHAR[]) AS product_ref) AS w ON w.product_ref = s.product_ref "
            "JOIN items d ON d.category = s.category AND d.price > s.price AND d.price * 10 >= s.price * 11 "
            "CROSS JOIN parameters g "
            "LEFT JOIN item_orders o ON o.product_no = d.product_no "
            "WHERE d.price * 100 <= s.price * (100 + g.gap_percent) OR d.price - s.price <= g.gap_floor "
            "ORDER BY s.product_ref, d.price, d.product_ref",
            [sorted(bases)],
        ).fetchall()
        self._next: dict[str, list[tuple[str, int]]] = {}
        for base, ref, _, orders in rows:
            self._next.setdefault(base, []).append((ref, orders))

    def a_choice(self, turn: Turn) -> bool:
        """Whether there was more than one dearer product to turn to: else there is nothing to rank."""
        return sum(ref not in turn.owned for ref, _ in self._next.get(turn.base, ())) > 1

    def answers(self, turns: Sequence[Turn], report: Report) -> dict[str, list[Answer]]:
        """To all of them, by method; what a customer has already is no answer."""
        found: dict[str, list[Answer]] = {NEXT_UP: [], MOST_BOUGHT: [], OURS: []}
        for done, turn in enumerate(turns, 1):
            steps = self._next.get(turn.base, [])
            most = sorted(steps, key=lambda each: -each[1])
            for method, refs in (
                (NEXT_UP, [ref for ref, _ in steps]),
                (MOST_BOUGHT, [ref for ref, _ in most]),
                (OURS, self._ours.get(turn.base, [])),
            ):
                left = [ref for ref in refs if ref not in turn.owned]
                found[method].append(Answer(left[:ANSWERS], turn.hidden in left))
            if done % PART == 0 or done == len(turns):
                report("Trying steps up", done, len(turns))
        return found
