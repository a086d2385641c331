"""The imported products: what a file would change of them, and what it did. They are published beside those that the
store gives itself, which come first."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from ..adapters.assortment import SQLAssortment
from ..adapters.imports import Upload
from ..core.money import to_major
from ..core.product import Product
from ..core.words import Sentence, objection, say
from ..errors import BadInput, StaleError
from ..offers import Offers
from .catalogue import Catalogue
from .imports import ADDED, CHANGED, HOWS, MOST_SHOWN, REMOVED, UNCHANGED, Change, Plan
from .productfile import Given, GoodsRead

#: Products of the catalogue that are written at a time.
CHUNK = 1000


class Assortment:
    """One instance's. Raises BadInput, StaleError as desk.imports does."""

    def __init__(self, kept: SQLAssortment, offers: Offers, catalogue: Catalogue) -> None:
        self._kept, self._offers, self._catalogue = kept, offers, catalogue

    def count(self) -> int:
        """How many were imported."""
        return self._kept.count()

    def plan(self, upload: Upload) -> Plan:
        """What this upload of products would do now."""
        return self._plan(self._read(upload), self._before())[0]

    def put(self, upload: Upload, seal: str) -> Plan:
        """Do so, when that is what was seen; they go into the next book, which is asked for."""
        read, before = self._read(upload), self._before()
        plan, products, gone = self._plan(read, before)
        if plan.seal != seal:
            raise StaleError(objection("something was changed since you looked at this"), current=plan)
        if not self._kept.put(upload.id, upload.name, products, gone, before, self._offers.clock()):
            raise BadInput("file", objection("it was imported already"))
        if plan.changing:
            self._publish()
        return plan

    def remove(self) -> int:
        """All imported products; returns how many there were."""
        count = self._kept.remove(self._offers.clock())
        if count:
            self._publish()
        return count

    def rows(self) -> Iterator[tuple[object, ...]]:
        """productfile.PRODUCT_COLUMNS of the published catalogue, whoever it came from; a stream."""
        last = ""
        while some := self._catalogue.after(last, CHUNK):
            last = some[-1].ref
            for each in some:
                price, hidden = str(to_major(each.price, each.currency)), "yes" if each.hidden else ""
                about = (each.category, each.brand, each.stock, hidden, each.url, each.image)
                yield each.ref, each.title, price, each.currency, *about

    def _publish(self) -> None:
        self._offers.queue.enqueue("publish", patient=True)

    def _read(self, upload: Upload) -> GoodsRead:
        return msgspec.json.decode(upload.content, type=GoodsRead)

    def _before(self) -> dict[str, Product]:
        return {each.ref: each for each in self._kept.all()}

    def _plan(self, read: GoodsRead, before: dict[str, Product]) -> tuple[Plan, list[Product], list[str]]:
        counts, changes, seal = dict.fromkeys(HOWS, 0), list[Change](), blake2b(digest_size=16)
        products, gone = list[Product](), list[str]()

        def tell(how: str, ref: str, title: str, was: Product | None, now: Product | None) -> None:
            counts[how] += 1
            if how == UNCHANGED:
                return
            seal.update(msgspec.json.encode((ref, was, now)))
            if len(changes) < MOST_SHOWN:
                fields = tuple(_fields(was, now)) if was is not None and now is not None else ()
                changes.append(Change(how, f"{title} ({ref})", fields))

        for given in read.products:
            was = before.get(given["ref"])
            now = _made(given, was)
            how = ADDED if was is None else UNCHANGED if was == now else CHANGED
            tell(how, now.ref, now.title, was, now)
            if how != UNCHANGED:
                products.append(now)
        if read.replace:
            for ref, was in before.items():
                if ref not in read.lines:
                    tell(REMOVED, ref, was.title, was, None)
                    gone.append(ref)
        notes: list[Sentence] = [
            *read.notes,
            say("What your store itself says of a product comes before what is in a file."),
        ]
        return Plan(counts, changes, seal.hexdigest(), notes, columns=read.columns, unused=read.unused), products, gone


def _made(given: Given, was: Product | None) -> Product:
    """What the file says; of what it does not say, what there was."""
    kept: dict[str, Any] = {**given, "tags": tuple(given["tags"])} if "tags" in given else given
    return Product(**kept) if was is None else msgspec.structs.replace(was, **kept)


def _fields(was: Product, now: Product) -> Iterator[tuple[str, str, str]]:
    for name in Product.__struct_fields__:
        before, after = getattr(was, name), getattr(now, name)
        if before != after:
            yield name, _told(name, before, was.currency), _told(name, after, now.currency)


def _told(name: str, value: Any, currency: str) -> str:
    if value is None or value == ():
        return ""
    if name in ("price", "cost"):
        return f"{to_major(value, currency)} {currency}"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
