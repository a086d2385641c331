"""Put up a book from what the ledger holds, and take people out of the live one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import faults
from .core.curation import Curation
from .core.lessons import Lead, Lesson, Lessons
from .core.ports import Ledger, Queue, Shelf
from .core.product import Product
from .core.taste import Learned
from .errors import BookError
from .fresh import Fresh


class Publishing:
    """One instance's. Without `curation` all that was learned is offered; without `lessons`, or before the first of
    them, only pairs with evidence are. Without `fresh` orders since then add nothing."""

    def __init__(
        self,
        shelf: Shelf,
        ledger: Ledger,
        queue: Queue,
        curation: Curation | None,
        lessons: Lessons | None,
        fresh: Fresh | None = None,
    ) -> None:
        self._shelf, self._ledger, self._queue = shelf, ledger, queue
        self._curation, self._lessons, self._fresh = curation, lessons, fresh

    def publish(self, products: Callable[[], Iterable[Product]]) -> str:
        """Put up the whole catalogue with what was learned; returns the version."""
        lesson = self._live()
        while True:
            version = self._publish(products(), lesson)
            known, lesson = lesson, self._live()
            # Somebody was erased meanwhile, or something else learned: what was read before that must not stay live.
            if (known and (known.id, known.revision)) == (lesson and (lesson.id, lesson.revision)):
                # What was folded into the older version meanwhile is not in this one.
                if self._fresh is not None and known is not None:
                    self._queue.enqueue("fold", patient=True)
                return version

    def _publish(self, products: Iterable[Product], lesson: Lesson | None) -> str:
        leads: Iterable[tuple[str, Lead]] = ((ref, Lead.proven(each)) for ref, each in self._ledger.affinities())
        learned = None
        if self._lessons is not None and lesson is not None:
            leads, habits = self._lessons.leads(lesson.id), self._lessons.habits(lesson.id)
            if self._fresh is not None:
                leads, habits = self._fresh.leads(lesson, leads), self._fresh.habits(lesson, habits)
            learned = Learned(lesson.model, self._lessons.crowd(lesson.id), habits, lesson.id)
        if self._curation is None:
            return self._shelf.publish(products, ((ref, lead.leads) for ref, lead in leads), learned)
        products, shown = self._curation.published(products), self._curation.shown(leads)
        return self._shelf.publish(products, shown, self._curation.fit(learned) if learned is not None else None)

    def _live(self) -> Lesson | None:
        return self._lessons.live() if self._lessons is not None else None

    def fold(self) -> int:
        """Fold orders since the last learning into the live book; returns into what how many products lead to."""
        try:
            return self._fresh.fold() if self._fresh is not None else 0
        except BookError as error:  # what is counted is counted; the book has it with the next try
            faults.note("fresh", "new orders are not in the live book yet: %s", error)
            return 0

    def look_again(self, order: str, connection: object = None) -> None:
        """Something became of this order: whether it counts is asked with the next fold. Never raises."""
        try:
            if self._fresh is not None:
                self._fresh.recent.ask(order, connection)
        except Exception as error:
            faults.note("fresh", "order %s is counted until the next learning: %s", order, type(error).__name__)

    def waiting(self) -> bool:
        """Whether orders are to be folded into the live book."""
        return self._fresh is not None and self._fresh.recent.waiting()

    def forget(self, customers: Iterable[str]) -> int:
        """Remove what was learned of these pseudonyms from the ledger and, at once, from the live book; returns how
        many rows. Raises what the ledger raises."""
        if self._lessons is None:
            return 0
        forgotten = self._lessons.forget(list(customers))
        try:
            self._shelf.forget(forgotten)
        except BookError as error:  # what the ledger has forgotten, the next publishing has too
            faults.note("forget", "people are in the live book until it is published again: %s", error)
            self._queue.enqueue("publish", patient=True)
        return forgotten.rows
