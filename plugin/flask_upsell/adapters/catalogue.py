"""The published catalogue in SQL, to be searched by the beginnings of words: only indexes are looked at, however large
it is."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Text, bindparam, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from .. import faults
from ..core.product import Product, parents
from ..core.spelling import folded, typed
from ..core.spelling import words as words_of
from . import learned
from .desk_tables import catalogue as t
from .desk_tables import facets as f
from .desk_tables import words as w
from .dialects import insert_into, start_writing

T = TypeVar("T")
#: Products that are written in one transaction.
CHUNK = 500
#: Found products that are looked at to choose the best; and of a word that very many have, so many at most.
RANKED, LOOKED_AT = 200, 20_000
#: Names of a kind that are searched.
MOST_NAMES = 20_000
#: What sorts behind all that begins with something.
LAST = "\U0010ffff"
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Found(msgspec.Struct, frozen=True):
    """A product as it was published last. `price` in minor units of `currency`; `stock` None: not counted."""

    ref: str
    title: str
    category: str
    price: int
    currency: str
    hidden: bool
    image: str
    stock: int | None = None
    url: str = ""
    brand: str = ""


class Facet(msgspec.Struct, frozen=True):
    """A category, tag or brand, and how many products have it."""

    name: str
    products: int


class SQLCatalogue:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine, self._instance = engine, instance

    # --- writing -----------------------------------------------------------------------------------------------------

    def kept(self, products: Iterable[Product]) -> Iterator[Product]:
        """The whole catalogue as it streams by: what differs is written, batch by batch, and what did not come is
        removed in the end. What goes wrong in here costs the search, not who reads on."""
        rest, seen, names, working = iter(products), array("q"), Counter[tuple[str, str]](), True
        while chunk := list(islice(rest, CHUNK)):
            if working:
                try:
                    seen.extend([hash(row["ref"]) for row in self._write(chunk)])
                    names.update([each for product in chunk if not product.hidden for each in _facets(product)])
                except Exception as error:
                    working = False
                    faults.note("search", "the search is not up to date: %s: %s", type(error).__name__, error)
            yield from chunk
        if working:
            try:
                self._forget(seen)
                self._count(names)
            except Exception as error:
                faults.note("search", "the search is not up to date: %s: %s", type(error).__name__, error)

    def change(self, products: Sequence[Product]) -> None:
        """Bring these up to date; how many have a tag or category is counted with the next publishing."""
        for start in range(0, len(products), CHUNK):
            self._write(products[start : start + CHUNK])

    def _write(self, products: Sequence[Product]) -> list[dict[str, Any]]:
        """The rows of those that can be kept."""
        rows = {row["ref"]: row for product in products if (row := self._row(product)) is not None}
        with self.engine.connect() as connection:
            known = {row.ref: row._asdict() for row in connection.execute(select(t).where(*self._which(t, rows)))}
        changed = [row for ref, row in rows.items() if known.get(ref) != row]
        if changed:
            with self.engine.begin() as connection:
                start_writing(connection)
                self._replace(connection, changed, known)
                moved = [row for row in changed if known.get(row["ref"], {}).get("price") != row["price"]]
                learned.reprice(connection, self._instance, [row["ref"] for row in moved])
        return list(rows.values())

    def _replace(self, connection: Connection, rows: Sequence[dict[str, Any]], known: Collection[str]) -> None:
        made = insert_into(connection, t)
        values = {column.name: made.excluded[column.name] for column in t.c if not column.primary_key}
        connection.execute(made.on_conflict_do_update(index_elements=["instance", "ref"], set_=values), list(rows))
        here = {(word, row["ref"]) for row in rows for word in _words(row)}
        refs = [row["ref"] for row in rows if row["ref"] in known]
        there = {
            (row.word, row.ref)
            for row in (connection.execute(select(w.c.word, w.c.ref).where(*self._which(w, refs))) if refs else ())
        }
        if gone := there - here:
            this = (w.c.instance == self._instance, w.c.ref == bindparam("r"), w.c.word == bindparam("x"))
            connection.execute(delete(w).where(*this), [{"r": ref, "x": word} for word, ref in gone])
        if new := sorted(here - there):
            self._put(connection, new)

    def _put(self, connection: Connection, new: Sequence[tuple[str, str]]) -> None:
        """Write words (word, reference)."""
        row = insert_into(connection, w)
        if connection.dialect.name != "postgresql":
            every = [{"instance": self._instance, "word": word, "ref": ref} for word, ref in new]
            connection.execute(row.on_conflict_do_nothing(), every)
            return
        # Two arrays are one statement; a statement for each of ten words a product takes minutes.
        texts = ARRAY(Text)
        pairs = select(
            literal(self._instance), func.unnest(bindparam("x", type_=texts)), func.unnest(bindparam("r", type_=texts))
        )
        put = row.from_select(["instance", "word", "ref"], pairs).on_conflict_do_nothing()
        connection.execute(put, {"x": [word for word, _ in new], "r": [ref for _, ref in new]})

    def _forget(self, seen: array[int]) -> None:
        """Remove what is none of these, by their hashes: a million of them take 8 MB."""
        with self.engine.connect() as connection:
            mine = select(func.count()).select_from(t).where(t.c.instance == self._instance)
            if connection.execute(mine).scalar_one() == len(seen):
                return
            every = select(t.c.ref).where(t.c.instance == self._instance)
            live, rows = frozenset(seen), connection.execution_options(yield_per=5000).execute(every)
            gone = [ref for (ref,) in rows if hash(ref) not in live]
        for start in range(0, len(gone), CHUNK):
            refs = gone[start : start + CHUNK]
            with self.engine.begin() as connection:
                start_writing(connection)
                for table in (w, t):
                    connection.execute(delete(table).where(*self._which(table, refs)))
                learned.reprice(connection, self._instance, refs)

    def _count(self, names: Counter[tuple[str, str]]) -> None:
        here = {key: names[key] for key in names}
        with self.engine.begin() as connection:
            start_writing(connection)
            rows = connection.execute(select(f.c.kind, f.c.name, f.c.products).where(f.c.instance == self._instance))
            there = {(row.kind, row.name): row.products for row in rows}
            if gone := there.keys() - here.keys():
                this = (f.c.instance == self._instance, f.c.kind == bindparam("k"), f.c.name == bindparam("n"))
                connection.execute(delete(f).where(*this), [{"k": kind, "n": name} for kind, name in gone])
            if other := [key for key, count in here.items() if there.get(key) != count]:
                made = insert_into(connection, f)
                put = made.on_conflict_do_update(
                    index_elements=["instance", "kind", "name"], set_={"products": made.excluded.products}
                )
                each = {"instance": self._instance}
                connection.execute(put, [{**each, "kind": k, "name": n, "products": here[k, n]} for k, n in other])

    def _which(self, table: Any, refs: Collection[str]) -> tuple[ColumnElement[bool], ...]:
        return (table.c.instance == self._instance, table.c.ref.in_(list(refs)))

    def _row(self, product: Product) -> dict[str, Any] | None:
        """None for what the table cannot hold; such a product can be sold, but not be found here."""
        ref, price, stock = product.ref, product.price, product.stock
        whole = isinstance(price, int) and abs(price) < 2**63 and (stock is None or abs(stock) < 2**63)
        if not whole or not ref or len(ref) > 200 or ref != _clean(ref) or not _currency(product.currency):
            return None
        return {
            "instance": self._instance, "ref": ref, "title": _clean(product.title)[:1000],
            "category": _clean(product.category or "")[:500], "brand": _clean(product.brand or "")[:200],
            "price": price, "currency": product.currency, "stock": stock, "hidden": bool(product.hidden),
            "image": _clean(product.image or ""), "url": _clean(product.page),
        }  # fmt: skip

    # --- reading -----------------------------------------------------------------------------------------------------

    def search(self, text: str, limit: int = 20) -> list[Found]:
        """Products of which each typed word begins a word (of title, reference, brand or category), or whose reference
        it is; the best first: that reference, then titles that begin so, then whole words, then short titles.

        Of words that very many products have, the first 20,000 of the rarest are looked at.
        """
        wanted, text = typed(text), _clean(text.strip())
        if not wanted and not text:
            return []
        with self.engine.connect() as connection:
            refs = dict.fromkeys([text, text.lower(), text.upper()])
            if wanted:
                refs.update(dict.fromkeys(connection.execute(self.by_words(connection, wanted, limit)).scalars()))
            rows = connection.execute(select(t).where(*self._which(t, refs))).all()
        found, phrase = [_found(row) for row in rows], folded(text)

        def rank(each: Found) -> tuple[object, ...]:
            title = folded(each.title)
            whole = sum(word in words_of(title) for word in wanted)
            exact = each.ref != text, folded(each.ref) != phrase
            return *exact, not title.startswith(phrase), each.hidden, -whole, len(title), title, each.ref

        return sorted(found, key=rank)[:limit]

    def by_words(self, connection: Connection, wanted: Sequence[str], limit: int = 20) -> Any:
        """The query for references of products that have all these words."""
        most = max(RANKED, 2 * limit)
        if len(wanted) > 1:
            wanted = sorted(wanted, key=lambda word: self._how_many(connection, word))
        first = select(w.c.word, w.c.ref).where(*self._begins(w, wanted[0])).order_by(w.c.word, w.c.ref)
        some = first.limit(most if len(wanted) == 1 else LOOKED_AT).subquery()
        query = select(some.c.ref)
        for word in wanted[1:]:
            other = w.alias()
            query = query.where(exists().where(other.c.ref == some.c.ref, *self._begins(other, word)))
        return query.limit(most)

    def _begins(self, table: Any, word: str) -> tuple[ColumnElement[bool], ...]:
        return (table.c.instance == self._instance, table.c.word >= word, table.c.word < word + LAST)

    def _how_many(self, connection: Connection, word: str) -> int:
        some = select(w.c.ref).where(*self._begins(w, word)).limit(2000).subquery()
        return int(connection.execute(select(func.count()).select_from(some)).scalar_one())

    def named(self, refs: Collection[str]) -> dict[str, Found]:
        """Those of these references that are known."""
        found: dict[str, Found] = {}
        wanted = [ref for ref in dict.fromkeys(refs) if ref == _clean(ref)]
        with self.engine.connect() as connection:
            for start in range(0, len(wanted), CHUNK):
                query = select(t).where(*self._which(t, wanted[start : start + CHUNK]))
                found.update({row.ref: _found(row) for row in connection.execute(query)})
        return found

    def after(self, ref: str = "", limit: int = 50, category: str = "") -> list[Found]:
        """The catalogue by references, from behind this one; of one category (not of those within it) when given."""
        query = select(t).where(t.c.instance == self._instance, t.c.ref > _clean(ref)).order_by(t.c.ref).limit(limit)
        if category:
            query = query.where(t.c.category == category)
        with self.engine.connect() as connection:
            return [_found(row) for row in connection.execute(query)]

    def facets(self, kind: str) -> list[Facet]:
        """All names of a kind ("category", "tag", "brand") by alphabet, as of the last publishing."""
        query = select(f.c.name, f.c.products).where(f.c.instance == self._instance, f.c.kind == kind)
        with self.engine.connect() as connection:
            return [Facet(*row) for row in connection.execute(query.order_by(f.c.name).limit(MOST_NAMES))]

    def filled(self) -> bool:
        """Whether there is any product."""
        with self.engine.connect() as connection:
            return (
                connection.execute(select(t.c.ref).where(t.c.instance == self._instance).limit(1)).first() is not None
            )


def _words(row: dict[str, Any]) -> frozenset[str]:
    return words_of(row["title"], row["ref"], row["category"], row["brand"])


def _facets(product: Product) -> Iterator[tuple[str, str]]:
    every = [("category", each) for each in parents(product.category)]
    every += [("tag", each) for each in dict.fromkeys(product.tags)]
    if product.brand:
        every.append(("brand", product.brand))
    for kind, name in every:
        if name and len(name) <= 500 and name == _clean(name):
            yield kind, name


def _currency(text: str) -> bool:
    return len(text) == 3 and LETTERS.issuperset(text)


def _clean(text: str) -> str:
    """Without what no database takes."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _found(row: Any) -> Found:
    return Found(
        row.ref, row.title, row.category, row.price, row.currency, row.hidden, row.image, row.stock, row.url, row.brand
    )  # fmt: skip
