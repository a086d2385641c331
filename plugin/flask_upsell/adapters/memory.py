"""The ports in memory, for unit tests: of this package and of stores that use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import structs
from sqlalchemy import StaticPool, create_engine

from ..core.affinity import Affinities
from ..core.book import EMPTY, Book, Lists
from ..core.fresh import Edition
from ..core.lessons import Forgotten
from ..core.ports import Shown
from ..core.prices import UNSEEN, Price, Seen, Source, recordable
from ..core.product import Product
from ..core.rulebook import RuleBook
from ..core.rules import NEVER_CHANGED, NOTHING_SOLD, RuleSet
from ..core.switch import Off
from ..core.taste import NOBODYS, Habits, Learned
from .ledger import SQLLedger
from .tables import metadata


class MemoryShelf:
    """A shelf in this process."""

    off: bool | None = False

    def __init__(self) -> None:
        self._book = EMPTY
        self._number = 0
        self._revision = 0
        self._rules = 0
        self._at: datetime | None = None
        self._began = datetime.now(UTC)
        self._learning = ""

    def read(self, refs: Sequence[str]) -> Book:
        return self._book

    def patient(self) -> MemoryShelf:
        return self

    def publish(
        self,
        products: Iterable[Product],
        affinities: Iterable[tuple[str, Affinities]],
        learned: Learned | None = None,
    ) -> str:
        began = datetime.now(UTC)
        known, leads, lists = {p.ref: p for p in products}, dict(affinities), Lists()
        for product in known.values():
            lists.add(product)
        for each in leads.values():
            lists.learn(each)
        new = Book(f"{self._number + 1}.0", known, leads, dict(lists.best()), self._book.rules)
        if learned is not None:
            new = structs.replace(new, model=learned.model, crowd=dict(learned.crowd), habits=dict(learned.habits))
        self._learning = learned.learning if learned is not None else ""
        self._number, self._revision, self._book, self._at = self._number + 1, 0, new, datetime.now(UTC)
        self._began = began
        return new.version

    def amend(self, products: Sequence[Product]) -> None:
        if self._number and products:
            self._revision += 1
            known = {**self._book.products, **{p.ref: p for p in products}}
            self._book = structs.replace(self._book, version=f"{self._number}.{self._revision}", products=known)

    def edition(self) -> Edition | None:
        return Edition(self._book.version, self._learning, self._began, self._at) if self._at else None

    def relate(self, version: str, leads: Mapping[str, Affinities], habits: Mapping[str, Habits] = NOBODYS) -> bool:
        if version != self._book.version:
            return False
        known, own = {**self._book.affinities, **leads}, {**self._book.habits, **habits}
        if (known, own) != (self._book.affinities, self._book.habits):
            self._revision += 1
            version = f"{self._number}.{self._revision}"
            self._book = structs.replace(self._book, version=version, affinities=known, habits=own)
        return True

    def forget(self, forgotten: Forgotten) -> None:
        book, members = self._book, forgotten.members
        if not self._number:
            return
        self._revision += 1
        habits = {name: each for name, each in book.habits.items() if name not in forgotten.customers}
        book = structs.replace(book, version=f"{self._number}.{self._revision}", habits=habits)
        if self._learning == forgotten.learning:
            crowd = {number: each for number, each in book.crowd.items() if int(number) not in members}
            leads = dict(book.affinities)
            for ref in {ref for refs in members.values() for ref in refs} & leads.keys():
                buyers = tuple([each for each in leads[ref].buyers if each[0] not in members])
                leads[ref] = structs.replace(leads[ref], buyers=buyers)
            book = structs.replace(book, crowd=crowd, affinities=leads)
        self._book = book

    def publish_rules(
        self,
        book: RuleBook,
        zone: str,
        spent: frozenset[str],
        sold: Mapping[str, int] = NOTHING_SOLD,
        changed: Mapping[str, datetime] = NEVER_CHANGED,
    ) -> str:
        self._rules += 1
        self._book = structs.replace(self._book, rules=RuleSet(book, zone, str(self._rules), spent, sold, changed))
        return str(self._rules)

    def switch(self, off: bool) -> None:
        self.off = off

    def published(self) -> tuple[str, datetime] | None:
        return (self._book.version, self._at) if self._at else None


class MemoryPrices:
    """A price ledger in this process."""

    def __init__(self) -> None:
        self.rows: list[Seen] = []

    def see(self, prices: Iterable[Price], at: datetime, source: Source) -> int:
        written = 0
        for price in filter(recordable, prices):
            key = (price.product, price.variant, price.currency)
            places = [place for place, row in enumerate(self.rows) if row.own and _key(row) == key]
            last = max(places, key=lambda place: (self.rows[place].since, self.rows[place].until), default=None)
            row = None if last is None else self.rows[last]
            if last is None or row is None or row.price != price.price or row.until < at - UNSEEN:
                self.rows.append(Seen(*key, price.price, at, at, source))
                written += 1
            else:
                self.rows[last] = structs.replace(row, until=max(row.until, at))
        return written

    def order(self, seen: Sequence[Seen], connection: object = None) -> None:
        there = {(_key(row), row.price, row.rule, row.since.date()) for row in self.rows if not row.own}
        self.add(row for row in seen if (_key(row), row.price, row.rule, row.since.date()) not in there)

    def add(self, seen: Iterable[Seen]) -> None:
        self.rows.extend(seen)

    def history(self, products: Collection[str], since: datetime | None = None) -> dict[str, list[Seen]]:
        found: dict[str, list[Seen]] = {}
        for row in sorted(self.rows, key=lambda row: row.since):
            if row.product in products and (since is None or row.until >= since):
                found.setdefault(row.product, []).append(row)
        return found

    def tidy(self, before: datetime) -> int:
        last = {_key(row): row for row in self.rows if row.own}
        kept = [row for row in self.rows if row.until >= before or last.get(_key(row)) is row]
        gone, self.rows = len(self.rows) - len(kept), kept
        return gone


def _key(row: Seen) -> tuple[str, str, str]:
    return row.product, row.variant, row.currency


class MemoryTally:
    """A tally in this process."""

    def __init__(self) -> None:
        self.waiting: Counter[Shown] = Counter()
        self._batches: dict[str, Mapping[Shown, int]] = {}
        self._number = 0

    def add(self, shown: Iterable[Shown]) -> None:
        self.waiting.update(shown)

    def flush(self) -> None:
        return None

    def take(self) -> tuple[str, Mapping[Shown, int]] | None:
        if not self._batches:
            if not self.waiting:
                return None
            self._number += 1
            self._batches[f"{self._number:012}"] = dict(self.waiting)
            self.waiting.clear()
        return min(self._batches.items())

    def drop(self, batch: str) -> None:
        self._batches.pop(batch, None)


class MemoryQueue:
    """Remembers what was asked for; `jobs` holds (job, arguments)."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, tuple[str, ...]]] = []

    def enqueue(self, job: str, *args: str, patient: bool = False) -> str | None:
        self.jobs.append((job, args))
        return str(len(self.jobs))

    def enqueue_once(self, job: str) -> None:
        if (job, ()) not in self.jobs:
            self.jobs.append((job, ()))

    def begin(self, job: str) -> None:
        while (job, ()) in self.jobs:
            self.jobs.remove((job, ()))

    def worker_seen(self) -> bool:
        return False

    def depth(self) -> int:
        return len(self.jobs)


class MemorySwitch:
    """A kill switch in this process."""

    def __init__(self) -> None:
        self._off: Off | None = None

    def state(self) -> Off | None:
        return self._off

    def set(self, off: Off | None) -> None:
        self._off = off

    def lately(self) -> bool:
        return self._off is not None


def memory_ledger(instance: str = "upsell") -> SQLLedger:
    """The real ledger on an SQLite database that lives in memory: its rules are SQL's, so its twin is SQL too."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(engine)
    return SQLLedger(engine, instance)
