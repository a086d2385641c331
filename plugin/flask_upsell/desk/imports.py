"""Files in: first what they would change, then exactly that, or nothing. Files out: as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby, islice
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from .. import faults
from ..adapters.audit import acting
from ..adapters.imports import REFS, Key, SQLImports
from ..adapters.imports import Imported as Imported
from ..adapters.imports import Upload as Upload
from ..core.money import to_major
from ..core.ports import OrderLine, Progress
from ..core.words import Sentence, objection, say
from ..errors import BadInput, StaleError
from ..offers import Offers
from .orderfile import Line, Orders
from .pairfile import Pairs

T = TypeVar("T")
ADDED, CHANGED, REMOVED, UNCHANGED = HOWS = ("added", "changed", "removed", "unchanged")
JOB = "import_orders"
#: More order lines than this are imported by a worker.
AT_ONCE = 5000
#: Changes that are shown, and things that are listed; all of them are counted.
MOST_SHOWN, MOST_LISTED = 200, 50
PAIR_COLUMNS = (
    "antecedent", "consequent", "kind", "verdict", "why", "together", "base", "consequent_orders", "orders",
    "confidence", "lift", "decided_by", "decided_at",
)  # fmt: skip
RESULT_COLUMNS = (
    "placement", "kind", "product", "shown", "accepted", "declined", "undone", "ordered", "revenue", "currency",
)  # fmt: skip
VERDICTS = {"approved": "approve", "rejected": "reject"}


class Change(msgspec.Struct, frozen=True):
    """One thing that would be `how` (of HOWS): its name, and (what, before, after) of each part that differs."""

    how: str
    name: str
    fields: tuple[tuple[str, str, str], ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What an import would do. `counts` by HOWS; `changes` are the first of them; `unknown`: references that the
    catalogue does not have, with the line of the first. `seal`: the same as long as it would do the same."""

    counts: dict[str, int]
    changes: list[Change]
    seal: str
    notes: list[Sentence] = []
    unknown: list[tuple[str, int]] = []
    unknown_count: int = 0
    columns: dict[str, str] = {}
    unused: tuple[str, ...] = ()

    @property
    def changing(self) -> int:
        return sum(self.counts[how] for how in HOWS if how != UNCHANGED)


class PairsRead(msgspec.Struct, frozen=True):
    """A file of pairs as it is kept: (kind, antecedent, consequent, verdict, reason, line)."""

    said: list[tuple[str, str, str, str, str, int]]
    columns: dict[str, str]
    unused: tuple[str, ...]
    twice: tuple[int, ...]
    notes: list[Sentence]


class Imports:
    """One instance's. An upload is its person's own: it is seen and imported by nobody else. Raises BadInput for one
    that is not there, StaleError where something was changed since it was looked at."""

    def __init__(self, kept: SQLImports, offers: Offers) -> None:
        self._kept, self._offers = kept, offers

    # --- uploads -----------------------------------------------------------------------------------------------------

    def keep(self, what: str, name: str, read: object) -> str:
        """Keep what was read of a file until it is imported, a day at most; returns its id."""
        if isinstance(read, Pairs):
            rows = [(*key, *said) for key, said in read.said.items()]
            read = PairsRead(rows, read.columns, read.unused, read.twice, read.notes)
        return self._kept.keep(what, _clean(name) or what, msgspec.json.encode(read), self._offers.clock())

    def upload(self, id: str, who: str) -> Upload:
        found = self._kept.upload(id)
        if found is None or found.who != who:
            raise BadInput("file", objection("it was imported, replaced or thrown away meanwhile; upload it again"))
        return found

    def drop(self, id: str, who: str) -> None:
        """Throw it away. What is being imported is not."""
        if not self.upload(id, who).run:
            self._kept.drop(id)

    def read(self, upload: Upload, type: type[T]) -> T:
        return msgspec.json.decode(upload.content, type=type)

    @property
    def currency(self) -> str:
        """That of the catalogue's prices."""
        found = self._kept.currency()
        if not found:
            found = next((product.currency for product in self._offers.catalogue()), "EUR")
        return found

    def plan(self, upload: Upload) -> Plan:
        """What this upload of pairs or orders would do now."""
        if upload.what == "orders":
            return self._plan_orders(self.read(upload, Orders))
        return self._plan_pairs(self.read(upload, PairsRead))

    def unknown(self, products: Mapping[str, int]) -> tuple[list[tuple[str, int]], int]:
        """Those of these references (with their lines) that the catalogue does not have, and how many they are."""
        if not self._kept.currency():  # nothing was published yet: nothing is known
            return [], 0
        known = self._kept.known(products)
        gone = [(ref, line) for ref, line in products.items() if ref not in known]
        return gone[:MOST_LISTED], len(gone)

    # --- pairs -------------------------------------------------------------------------------------------------------

    def _plan_pairs(self, read: PairsRead) -> Plan:
        now, counts, changes, seal = (
            self._kept.decided(),
            dict.fromkeys(HOWS, 0),
            list[Change](),
            blake2b(digest_size=16),
        )
        products: dict[str, int] = {}
        open_ = 0
        for kind, one, other, verdict, why, line in read.said:
            was, told = now.get((kind, one, other)), (verdict, why)
            if was is None and not verdict:
                open_ += 1
                continue
            products.setdefault(one, line)
            products.setdefault(other, line)
            same = was == told or (was is not None and was[0] == verdict and not why)
            how = UNCHANGED if same else ADDED if was is None else CHANGED if verdict else REMOVED
            counts[how] += 1
            if how != UNCHANGED:
                seal.update(msgspec.json.encode((kind, one, other, was, told)))
                if len(changes) < MOST_SHOWN:
                    before, after = was or ("", ""), told if verdict else ("", "")
                    fields = [("verdict", before[0], after[0]), ("why", before[1], after[1])]
                    name = f"{one} → {other}" if kind != "never" else f"{one} ↔ {other}"
                    changes.append(
                        Change(how, f"{name} ({kind})", tuple(each for each in fields if each[1] != each[2]))
                    )
        notes = [*read.notes]
        if read.twice:
            notes.append(
                say("{n} line says again what another says: {lines}.", "{n} lines say again what others say: {lines}.",
                    n=len(read.twice), lines=_listed(map(str, read.twice)))
            )  # fmt: skip
        if open_:
            notes.append(
                say("{n} pair has no verdict and stays open.", "{n} pairs have no verdict and stay open.", n=open_)
            )
        unknown, count = self.unknown(products)
        return Plan(counts, changes, seal.hexdigest(), notes, unknown, count, read.columns, read.unused)

    def put_pairs(self, upload: Upload, seal: str) -> Plan:
        """Decide as the upload says, when that is what was seen; it holds from the next publishing on, which is asked
        for."""
        plan, read = self._sealed(upload, seal), self.read(upload, PairsRead)
        now = self._kept.decided()
        said: dict[Key, tuple[str, str]] = {}
        for kind, one, other, verdict, why, _ in read.said:
            was = now.get((kind, one, other))
            if (was is None and not verdict) or (was is not None and was[0] == verdict and not why):
                continue
            said[kind, one, other] = (verdict, why)
        if not self._kept.put_pairs(upload.id, said, now, self._offers.clock()):
            raise BadInput("file", objection("it was imported already"))
        if plan.changing:
            self._offers.queue.enqueue("publish", patient=True)
        return plan

    def _sealed(self, upload: Upload, seal: str) -> Plan:
        plan = self.plan(upload)
        if plan.seal != seal:
            raise StaleError(
                objection("something was changed since you looked at this; here is what it would do now"), current=plan
            )
        return plan

    # --- rules -------------------------------------------------------------------------------------------------------

    def put_drafts(self, upload: Upload, made: Sequence[tuple[str, str, str, dict[str, Any]]], base: int) -> None:
        """Drafts of (kind, origin, action, written form), for a book of this revision."""
        if not self._kept.put_drafts(upload.id, upload.name, made, base, self._offers.clock()):
            raise BadInput("file", objection("it was imported already"))

    # --- orders ------------------------------------------------------------------------------------------------------

    def _plan_orders(self, read: Orders) -> Plan:
        currency = self.currency
        counts, changes, seal = dict.fromkeys(HOWS, 0), list[Change](), blake2b(digest_size=16)
        for ref, was, lines in self._beside(read.lines):
            now = [_row(line) for line in lines]
            how = ADDED if not was else UNCHANGED if was == now else CHANGED
            counts[how] += 1
            if how != UNCHANGED:
                seal.update(msgspec.json.encode((ref, was, now)))
                if len(changes) < MOST_LISTED:
                    changes.append(Change(how, ref, (("lines", _told(was, currency), _told(now, currency)),)))
        unknown, count = self.unknown(read.products)
        notes = [*read.notes]
        if read.returns:
            notes.append(
                say(
                    "{n} line is a return and is taken off its order.",
                    "{n} lines are returns and are taken off their orders.",
                    n=read.returns,
                )
            )
        if read.twice:
            notes.append(
                say(
                    "{n} line is there twice and counts once.",
                    "{n} lines are there twice and count once.",
                    n=read.twice,
                )
            )
        return Plan(counts, changes, seal.hexdigest(), notes, unknown, count, read.columns, read.unused)

    def _beside(self, lines: Sequence[Line]) -> Iterator[tuple[str, list[Any], list[Line]]]:
        """(order, its lines that are there, its lines of the file), some orders at a time."""
        grouped = groupby(lines, key=lambda line: line.order)
        while some := [(ref, list(each)) for ref, each in islice(grouped, REFS)]:
            there = self._kept.lines_of([ref for ref, _ in some])
            for ref, each in some:
                yield ref, there.get(ref, []), each

    def put_orders(self, upload: Upload, seal: str) -> str:
        """Write the upload's order lines: at once (""), or by a worker, whose run this returns."""
        self._sealed(upload, seal)
        lines, run = self.read(upload, Orders).lines, uuid4().hex
        if not self._kept.claim(upload.id, run):
            raise BadInput("file", objection("it is being imported already"))
        if len(lines) <= AT_ONCE:
            self.run_orders(upload.id, run)
            return ""
        self._offers.ledger.progress(run, JOB, "queued", "Waiting for a worker", 0, len(lines), {})
        if self._offers.queue.enqueue("import_orders", upload.id, run, patient=True) is None:
            self._kept.claim(upload.id, "")
            self._offers.ledger.progress(run, JOB, "failed", "The queue does not take jobs just now", 0, len(lines), {})
            raise BadInput(
                "file", objection("so many orders are imported by a worker, and its queue does not answer; try again")
            )
        return run

    def run_orders(self, id: str, run: str) -> dict[str, Any]:
        """Write the lines of an upload in one transaction; safe to repeat. Returns figures, {} when it was done."""
        upload, ledger = self._kept.upload(id), self._offers.ledger
        if upload is None:
            ledger.progress(run, JOB, "done", "Imported", 1, 1, {})
            return {}
        try:
            lines = self.read(upload, Orders).lines
            ledger.progress(run, JOB, "running", "Writing order lines", 0, len(lines), {})
            figures = {"orders": len({line.order for line in lines}), "lines": len(lines)}
            with acting(upload.who):
                self._kept.put_orders(id, upload.name, [_row(line) for line in lines], figures, self._offers.clock())
        except BaseException as error:
            told = f"{type(error).__name__}: {faults.told(error)}"[:500]
            ledger.progress(run, JOB, "failed", told, 0, 0, {})
            raise
        ledger.progress(run, JOB, "done", "Imported", len(lines), len(lines), figures)
        return figures

    def progress(self) -> Progress | None:
        """Of the last import of orders."""
        return self._offers.ledger.last_progress(JOB)

    def imported(self) -> Imported:
        return self._kept.imported()

    def any(self) -> bool:
        """Whether there are imported order lines."""
        return self._kept.any_lines()

    def lines(self) -> Iterator[OrderLine]:
        """All imported order lines, to learn from; a stream. Customers are pseudonyms."""
        for order, product, quantity, price, customer, at in self._kept.lines():
            yield OrderLine(order, product, quantity, price, at, customer or None)

    def remove_orders(self) -> Imported:
        """Remove all imported order lines; returns what there was. What was learned stays until it is learned again."""
        return self._kept.remove_orders(self._offers.clock())

    # --- into files --------------------------------------------------------------------------------------------------

    def pair_rows(self) -> Iterator[tuple[object, ...]]:
        """PAIR_COLUMNS of all that was learned or decided, in the form in which it is imported; a stream."""
        for one, other, kind, verdict, why, who, at, together, base, theirs, orders in self._kept.pairs():
            share = round(together / base, 4) if base else None
            lift = round(together * orders / base / theirs, 2) if base and theirs and kind == "complement" else None
            said = "never" if kind == "never" else VERDICTS.get(verdict or "", "")
            decided = at.isoformat(timespec="seconds") if at else None
            kind = "" if kind == "never" else kind
            yield one, other, kind, said, why or "", together, base, theirs, orders, share, lift, who or "", decided

    def result_rows(self) -> Iterator[tuple[object, ...]]:
        """RESULT_COLUMNS of all that was counted; revenue in major units."""
        for each in self._offers.ledger.counts():
            revenue = str(to_major(each.revenue, each.currency)) if each.currency else None
            counted = (each.shown, each.accepted, each.declined, each.undone, each.converted)
            yield each.placement, each.kind, each.product, *counted, revenue, each.currency


def _row(line: Line) -> tuple[str, str, int, int, str, Any]:
    return line.order, line.product, line.quantity, line.unit_price, line.customer, line.placed_at


def _told(lines: Sequence[tuple[Any, ...]], currency: str) -> str:
    """ "laptop: 1 at 649.00, bag: 2 at 59.00"."""
    return _listed((f"{line[1]}: {line[2]} at {to_major(line[3], currency)}" for line in lines), 10)


def _listed(texts: Iterable[str], most: int = MOST_LISTED) -> str:
    every = list(texts)
    return ", ".join(every[:most]) + (", …" if len(every) > most else "")


def _clean(name: str) -> str:
    """The name of a file without its folders, as a database takes it."""
    kept = name.replace("\\", "/").rpartition("/")[2].replace("\0", "").encode("utf-8", "ignore").decode()
    return " ".join(kept.split())[:200]
