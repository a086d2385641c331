"""Orders since the last learning are folded into what it learned: counts, evidence, habits and the live book, some
products and shoppers at a time. All is counted anew from what was learned and what was noted, so it may be repeated,
and killed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar
from uuid import uuid4

import msgspec

from .core.affinity import NONE, Affinity
from .core.curation import Curation
from .core.fresh import Counting, Edition, Noted, Recent, added, joined
from .core.lessons import Lead, Lesson, Lessons
from .core.ports import Shelf, Store
from .core.taste import Habits, Learned

T = TypeVar("T")
#: One run takes about so long at most (seconds); the rest is the next one's, which a worker's sweep asks for.
SECONDS = 2.0
#: Products, and shoppers, that are folded, and orders that are looked at, at once.
PRODUCTS, PEOPLE, ORDERS = 200, 200, 500
#: While no more products than these were ordered since the learning, each run counts all of them anew. Beyond that what
#: a product says of orders without it is as of its own last order.
ALL = 400
#: Nobody who buys no more products than these is a bot (learn/sql/bots.sql).
A_SHOPPERS = 50
#: How often somebody else may change the book while products are folded; then the next run tries.
TRIES = 5


class Fresh:
    """One instance's. Without `curation` all that was learned is offered."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        lessons: Lessons,
        recent: Recent,
        curation: Curation | None,
    ) -> None:
        self._store, self._shelf, self._lessons, self.recent = store, shelf, lessons, recent
        self._curation = curation

    def fold(self) -> int:
        """Fold what waits, as far as there is time; returns how many products were. Nothing is done before the first
        learning, nor while the book is of another one. Raises what the backends raise."""
        lesson = self._lessons.live()
        by = _counting(lesson)
        if lesson is None or by is None:
            return 0
        end, done, products, tries = time.monotonic() + SECONDS, 0, 0, 0
        again, unfinished = list[str](), list[str]()
        self.recent.clear(lesson.id)
        while self._judge(lesson.id, by) == ORDERS and time.monotonic() < end:
            pass
        while tries < TRIES and (not done or time.monotonic() < end):
            edition = self._shelf.edition()
            if edition is None or edition.learning != lesson.id:
                break
            token = f"~{uuid4().hex}"
            claimed = self.recent.claim(lesson.id, edition, token, PRODUCTS)
            # With the last ones go all others that were ordered: how many orders there are has changed for them too.
            others = self.recent.touched(lesson.id, ALL) if 0 < len(claimed) < PRODUCTS else []
            # What was begun before is ended, also where somebody else has claimed it since.
            refs = [*dict.fromkeys([*again, *claimed, *others])]
            people = self.recent.claim_people(lesson.id, edition, token, PEOPLE)
            names = [*dict.fromkeys([*unfinished, *people])]
            if not (refs or names) or (found := self._write(lesson, by, edition, refs, names)) is None:
                break
            if not found:
                tries, again, unfinished = tries + 1, refs, names
                continue
            self.recent.folded(token, edition)
            done, products = done + len(claimed) + len(people), products + len(claimed)
            again, unfinished = [], []
        return products

    def leads(self, lesson: Lesson, leads: Iterable[tuple[str, Lead]]) -> Iterator[tuple[str, Lead]]:
        """What products lead to, with what orders since then add; a stream."""
        by = _counting(lesson)
        if by is None:
            yield from leads
            return
        left = self.recent.products(lesson.id)
        for some in _batches(leads, PRODUCTS):
            mine = {ref: lead for ref, lead in some if ref in left}
            left -= mine.keys()
            now = self._added(lesson.id, by, mine)
            yield from ((ref, now[ref][0] if ref in now else lead) for ref, lead in some)
        for refs in _batches(sorted(left), PRODUCTS):
            new = self._added(lesson.id, by, dict.fromkeys(refs, Lead(NONE)))
            yield from ((ref, lead) for ref, (lead, _) in new.items() if lead.leads != NONE)

    def habits(self, lesson: Lesson, habits: Iterable[tuple[str, Habits]]) -> Iterator[tuple[str, Habits]]:
        """Shoppers' habits, with their orders since; a stream."""
        people = self.recent.people(lesson.id)
        for some in _batches(habits, PEOPLE):
            now = self._joined(lesson.id, {name: each for name, each in some if name in people})
            yield from ((name, now.get(name, each)) for name, each in some)

    def _write(self, lesson: Lesson, by: Counting, edition: Edition, refs: list[str], people: list[str]) -> bool | None:
        """Whether these are in the book; None when this learning is live no more."""
        learning, known = lesson.id, self._lessons.some(lesson.id, refs)
        # Of nobody else: who has no habits there did not agree, or took that back.
        habits = self._joined(learning, self._lessons.own(learning, people))
        now = self._added(learning, by, {ref: known.get(ref, Lead(NONE)) for ref in refs})
        if not self.recent.keep(learning, {ref: proven for ref, (_, proven) in now.items()}):
            return None
        leads = ((ref, lead) for ref, (lead, _) in now.items())
        if self._curation is None:
            shown = {ref: lead.leads for ref, lead in leads}
        else:
            shown = {ref: each for ref, each in self._curation.shown(leads) if ref in now}
            habits = dict(self._curation.fit(Learned(lesson.model, (), habits.items(), learning)).habits)
        return self._shelf.relate(edition.version, {ref: shown.get(ref, NONE) for ref in refs}, habits)

    # --- counting ----------------------------------------------------------------------------------------------------

    def _added(
        self, learning: str, by: Counting, leads: Mapping[str, Lead]
    ) -> dict[str, tuple[Lead, tuple[Affinity, ...]]]:
        """For each product what it leads to now, and the part of that which has evidence."""
        if not leads:
            return {}
        known = {ref: {each.consequent: each for each in lead.leads.complements} for ref, lead in leads.items()}
        since = self.recent.since(learning, leads, {other for some in known.values() for other in some})
        # Of a pair that was met once at most it is not known whether it was.
        rare = {
            ref: [to for to in since.together.get(ref, ()) if to not in some or some[to].together < 2]
            for ref, some in known.items()
        }
        numbers = self.recent.numbers(learning, {*(ref for ref, some in rare.items() if some), *_all(rare.values())})
        before = self.recent.bought(learning, {*leads, *_all(rare.values())})
        found = {}
        for ref, lead in leads.items():
            some, more = known[ref], since.together.get(ref, {})
            together = Counter({to: each.together for to, each in some.items()})
            own = set(numbers.get(ref, ()))
            for to in rare[ref]:
                together[to] = len(own.intersection(numbers.get(to, ())))
            together.update(more)
            bought = {to: each.consequent_orders for to, each in some.items()}
            bought |= {to: before.get(to, 0) for to in rare[ref] if to not in some}
            now = {to: orders + since.bought.get(to, 0) for to, orders in bought.items()}
            base = before.get(ref, 0) + since.bought.get(ref, 0)
            found[ref] = added(lead, by.orders + since.orders, now, base, together, by)
        return found

    def _joined(self, learning: str, habits: Mapping[str, Habits]) -> dict[str, Habits]:
        """These with the same people's orders since."""
        since = self.recent.baskets(learning, habits) if habits else {}
        new = {ref for baskets in since.values() for _, refs in baskets for ref in refs}
        before, more = self.recent.bought(learning, new), self.recent.since(learning, (), new).bought
        found = {}
        for name, each in habits.items():
            mine = {ref for _, refs in since.get(name, ()) for ref in refs}
            orders = {ref: before.get(ref, 0) + more.get(ref, 0) for ref in mine}
            found[name] = joined(each, since.get(name, ()), orders)
        return found

    # --- which orders count ------------------------------------------------------------------------------------------

    def _judge(self, learning: str, by: Counting) -> int:
        """Look at the orders that nobody has looked at, some at once, by the rules of learning; returns how many."""
        orders = self.recent.unjudged(learning, ORDERS)
        if not orders:
            return 0
        bought = {order.ref: self._bought(order) for order in orders}
        sold = self._sold(sorted({ref for some in bought.values() for ref in some}))
        bots = self.recent.bots(learning, {order.customer for order in orders} - {""}, A_SHOPPERS)
        found = {}
        for order in orders:
            counting = [ref for ref in bought[order.ref] if ref in sold]
            left_out = len(counting) > by.max_basket or order.customer in bots
            found[order.ref] = [] if left_out else counting
        self.recent.judge(found)
        return len(orders)

    def _bought(self, noted: Noted) -> tuple[str, ...]:
        """What is in the order, as the store has it now where something became of it."""
        if not noted.asked:
            return noted.products
        order, counted = self._store.order(noted.ref), Counter[str]()
        for line in order.lines if order is not None else ():
            counted[line.product] += line.quantity
        return tuple([ref for ref in noted.products if counted[ref] > 0])

    def _sold(self, refs: list[str]) -> set[str]:
        """Those of these that are in the catalogue: the store's, or imported and published."""
        found: set[str] = set()
        for some in _batches(refs, ORDERS):
            found.update(product.ref for product in self._store.products(some))
            rest = [ref for ref in some if ref not in found]
            products = self._shelf.patient().read(rest).products if rest else {}
            found.update(ref for ref in rest if (known := products.get(ref)) is not None and not known.hidden)
        return found


def _all(lists: Iterable[list[str]]) -> Iterator[str]:
    return (ref for some in lists for ref in some)


def _counting(lesson: Lesson | None) -> Counting | None:
    """None of a learning by an older version of this package, which kept nothing to add to."""
    said = lesson.figures.get("counting") if lesson is not None else None
    return msgspec.convert(said, Counting) if said is not None else None


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some
