"""The book in Redis, and this process's copy of its hot part.

Keys share one hash tag, so they live together on a Redis Cluster:

    upsell:{book}:1:current   "7-c0ffee12.2": version 7-c0ffee12, amended twice
    upsell:{book}:1:v7-c0…    hash: "p:REF" product, "a:REF" affinities (JSON), "meta"
    upsell:{book}:1:amended   products by when they were amended (Unix time), for a day
    upsell:{book}:1:numbers   the last version number given out

A version is written under its own key and then `current` is switched in one transaction; the older version expires
later. One script call reads `current` and what the cart's products lead to, at one instant; a second plain read of that
version's key brings the products that a decision looks at first. A reader sees one version.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError, WatchError

from .. import faults
from ..core.affinity import NONE, Affinities
from ..core.book import SCHEMA, Book, decode_affinities, decode_product, encode
from ..core.product import Product
from ..errors import BookError
from .breaker import Breaker

#: One instant of the book: only `current` when the caller's version ARGV[1] is live and lacks nothing, the ARGV[2]
#: references that it lacks when it lacks some, and all of them when another version is live. The version's key is made
#: from `current`'s, in the same slot. What the references lead to is not looked up here: while Lua decodes JSON, every
#: client of the server waits, and a second plain read takes a fraction of that time.
READ = """
local current = redis.call('GET', KEYS[1])
if not current then return {''} end
local last = #ARGV
if current == ARGV[1] then last = 2 + tonumber(ARGV[2]) end
if last == 2 then return {current} end
local key = string.sub(KEYS[1], 1, -8) .. 'v' .. string.match(current, '^[^.]*')
local names, found = {}, {}
for from = 3, last, 2000 do
  local fields = {}
  for i = from, math.min(from + 1999, last) do
    names[#names + 1] = ARGV[i]
    fields[#fields + 1] = 'a:' .. ARGV[i]
    fields[#fields + 1] = 'p:' .. ARGV[i]
  end
  for _, value in ipairs(redis.call('HMGET', key, unpack(fields))) do found[#found + 1] = value end
end
return {current, names, found}
"""

#: The most products fetched at once.
MOST_FACTS = 2000
#: How many upgrades of each line, and complements of all together, come with a reading; the others when asked for.
FIRST_UPGRADES, FIRST_COMPLEMENTS = 2, 8
#: The most products in a process's copy; 50,000 take about 60 MB.
MOST_COPIED = 50_000
CHUNK = 500

#: What redis-py takes for a field's name and value.
Field = bytes | bytearray | memoryview | str | int | float


class Facts(Mapping[str, Product]):
    """Products by reference, decoded when they are first looked at; most candidates never are.

    Those that a decision looks at first come with the reading. The others are `expected`: `fetch` brings them when one
    of them is asked for, which happens when nearly all of the first ones may not be offered.
    """

    def __init__(self, fetch: Callable[[Facts, list[str]], None]) -> None:
        self._known: dict[str, Product | bytes | None] = {}
        self._fetch = fetch
        self.expected: dict[str, None] = {}

    def put(self, refs: Iterable[str], values: Iterable[bytes | None]) -> None:
        self._known.update(zip(refs, values, strict=True))

    def has(self, ref: str) -> bool:
        return ref in self._known

    def __getitem__(self, ref: str) -> Product:
        if ref not in self._known and ref in self.expected:
            self._fetch(self, list(self.expected))
        value = self._known.get(ref)
        if isinstance(value, bytes):
            try:
                value = decode_product(value)
            except (msgspec.DecodeError, ValueError) as error:
                faults.note("book_unreadable", "product %r in the book is not readable: %s", ref, error)
                value = None
            self._known[ref] = value
        if value is None:
            raise KeyError(ref)
        return value

    def __contains__(self, ref: object) -> bool:
        return ref in self._known or ref in self.expected

    def __iter__(self) -> Iterator[str]:
        return iter([*self._known, *self.expected])

    def __len__(self) -> int:
        return len(self._known)


class _Copy:
    """This process's copy of one version."""

    def __init__(self, version: str, fetch: Callable[[_Copy, list[str]], None]) -> None:
        self.facts = Facts(lambda _, refs: fetch(self, refs))
        self.affinities: dict[str, Affinities] = {}
        self.book = Book(version, self.facts, self.affinities)
        self.checked = float("-inf")


class RedisShelf:
    """Reads with the page's client, behind a breaker; publishes with the worker's."""

    def __init__(
        self,
        reader: Redis,
        writer: Redis,
        breaker: Breaker,
        *,
        prefix: str = "upsell",
        trust_seconds: float = 0.5,
        keep_seconds: int = 120,
        clock: Callable[[], float] = time.monotonic,
        patient: Redis | None = None,
    ) -> None:
        self._root = f"{prefix}:{{book}}:{SCHEMA}:"
        self._current, self._amended = self._root + "current", self._root + "amended"
        self._reader, self._writer, self._breaker = reader, writer, breaker
        self._patient = patient or reader
        self._trust, self._keep, self._clock = trust_seconds, keep_seconds, clock
        self._copy = self._empty("")
        self._read = reader.register_script(READ)

    # --- reading: the hot path -------------------------------------------------------------------------------------

    def read(self, refs: Sequence[str]) -> Book:
        """The live book for these products: no round trip while the copy is warm, else two short ones. Never raises.

        Without Redis the last copy is returned, whatever it holds; so it is after a flush, until somebody publishes.
        """
        copy = self._copy
        missing = [ref for ref in refs if ref not in copy.affinities]
        if not missing and self._clock() - copy.checked < self._trust:
            return copy.book
        if not self._breaker.allow():
            return copy.book
        if missing and len(copy.facts) > MOST_COPIED:
            copy, missing = self._empty(""), list(dict.fromkeys(refs))
        try:
            copy = self._renewed(copy, missing, refs)
        except (RedisError, OSError) as error:
            self._breaker.failed()
            faults.note("redis_read", "the book cannot be read: %s: %s", type(error).__name__, error)
            return copy.book
        except ValueError as error:  # a reference that is no Unicode
            faults.note("book_unreadable", "the book cannot be read: %s: %s", type(error).__name__, error)
            return copy.book
        self._breaker.succeeded()
        copy.checked = self._clock()
        self._copy = copy
        return copy.book

    def _renewed(self, copy: _Copy, missing: Sequence[str], refs: Sequence[str]) -> _Copy:
        lacking = set(missing)
        others = [ref for ref in dict.fromkeys(refs) if ref not in lacking]
        args: list[str | int] = [copy.book.version, len(missing), *missing, *others]
        reply: list[Any] = self._read(keys=[self._current], args=args)
        current = reply[0].decode("utf-8", "replace")
        if current and current != copy.book.version:
            copy = self._empty(current)
        if len(reply) > 1:
            names = [name.decode() for name in reply[1]]
            leads = {ref: _affinities(ref, raw) for ref, raw in zip(names, reply[2][::2], strict=True)}
            facts = copy.facts
            facts.put(names, reply[2][1::2])
            weights: dict[str, int] = {}
            first: list[str] = []
            for ref in refs:
                lead = leads.get(ref) or copy.affinities.get(ref, NONE)
                first += [affinity.consequent for affinity in lead.upgrades[:FIRST_UPGRADES]]
                facts.expected.update(dict.fromkeys([a.consequent for a in lead.upgrades[FIRST_UPGRADES:]]))
                for consequent, weight in lead.weights.items():
                    weights[consequent] = weights.get(consequent, 0) + weight
            ranked = sorted(weights, key=weights.__getitem__, reverse=True)
            facts.expected.update(dict.fromkeys(ranked[FIRST_COMPLEMENTS:]))
            self._fetch(copy, [ref for ref in dict.fromkeys(first + ranked[:FIRST_COMPLEMENTS]) if not facts.has(ref)])
            # Affinities last: another thread that finds them must find their products too.
            copy.affinities.update(leads)
        return copy

    def _empty(self, version: str) -> _Copy:
        return _Copy(version, self._fetch_more)

    def _fetch(self, copy: _Copy, refs: list[str]) -> None:
        for start in range(0, len(refs), MOST_FACTS):
            part = refs[start : start + MOST_FACTS]
            key = self._version_key(copy.book.version)
            values: Any = self._reader.hmget(key, ["p:" + ref for ref in part])
            copy.facts.put(part, values)

    def _fetch_more(self, copy: _Copy, refs: list[str]) -> None:
        """In the middle of a decision: without an answer these products are unknown this time."""
        if not self._breaker.allow():
            faults.seen["redis_read"] += 1
            return
        try:
            self._fetch(copy, refs)
        except (RedisError, OSError) as error:
            self._breaker.failed()
            faults.note("redis_read", "products of the book cannot be read: %s: %s", type(error).__name__, error)
            return
        self._breaker.succeeded()
        for ref in refs:
            copy.facts.expected.pop(ref, None)

    def _version_key(self, version: str) -> str:
        return f"{self._root}v{version.partition('.')[0] or 0}"

    # --- publishing: the worker ------------------------------------------------------------------------------------

    def publish(self, products: Iterable[Product], affinities: Iterable[tuple[str, Affinities]]) -> str:
        """Write a whole version beside the live one, then switch; the switch is one transaction."""
        writer = self._writer
        try:
            began = self._now()
            # The number is for people; after a flush it starts again, so a random part makes the name its own.
            name = f"{writer.incr(self._root + 'numbers')}-{token_hex(4)}"
            version, key = f"{name}.0", f"{self._root}v{name}"
            written = 0
            for chunk in _chunks(_fields(products, affinities)):
                with writer.pipeline(transaction=False) as pipe:
                    pipe.hset(key, mapping=chunk)
                    # Should this process die here, the unfinished version goes by itself.
                    pipe.expire(key, 3600)
                    pipe.execute()
                written += len(chunk)
            meta = {"published_at": datetime.now(UTC).isoformat(), "fields": written, "schema": SCHEMA}
            writer.hset(key, "meta", msgspec.json.encode(meta))
            self._switch(version, key, began)
        except (RedisError, OSError) as error:
            raise BookError(f"the book was not published, the old one stays live: {error}") from error
        return version

    def _switch(self, version: str, key: str, began: float) -> None:
        with self._writer.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(self._current)  # type: ignore[no-untyped-call]
                    old: bytes | None = pipe.get(self._current)  # type: ignore[assignment]
                    late = self._amended_since(pipe, old, began)
                    pipe.multi()
                    if late:
                        pipe.hset(key, mapping=late)
                    pipe.persist(key)
                    pipe.set(self._current, version)
                    if old and self._version_key(old.decode("utf-8", "replace")) != key:
                        pipe.expire(self._version_key(old.decode("utf-8", "replace")), self._keep)
                    pipe.execute()
                    return
                except WatchError:
                    continue

    def _now(self) -> float:
        """Seconds by Redis's own clock, which all workers share."""
        seconds, micros = self._writer.time()
        return float(seconds + micros / 1e6)

    def _amended_since(self, pipe: Any, old: bytes | None, began: float) -> dict[Field, Field]:
        """Products that were amended in the live version while the new one was written: they are newer than it."""
        refs = [ref.decode() for ref in pipe.zrangebyscore(self._amended, began, "+inf")] if old else []
        if not old or not refs:
            return {}
        fields = ["p:" + ref for ref in refs]
        values = pipe.hmget(self._version_key(old.decode("utf-8", "replace")), fields)
        return {field: value for field, value in zip(fields, values, strict=True) if value is not None}

    def amend(self, products: Sequence[Product]) -> None:
        """Replace products in the live version and raise its revision, in one transaction."""
        if not products:
            return
        fields: dict[Field, Field] = {"p:" + product.ref: encode(product) for product in products}
        try:
            with self._writer.pipeline() as pipe:
                while True:
                    try:
                        pipe.watch(self._current)  # type: ignore[no-untyped-call]
                        old: bytes | None = pipe.get(self._current)  # type: ignore[assignment]
                        if not old:
                            return
                        number, _, revision = old.decode("utf-8", "replace").partition(".")
                        now = self._now()
                        pipe.multi()
                        pipe.hset(self._version_key(number), mapping=fields)
                        pipe.zadd(self._amended, dict.fromkeys([product.ref for product in products], now))
                        pipe.expire(self._amended, 86_400)
                        pipe.set(self._current, f"{number}.{int(revision or 0) + 1}")
                        pipe.execute()
                        return
                    except WatchError:
                        continue
        except (RedisError, OSError, ValueError) as error:
            raise BookError(f"the live book was not amended: {error}") from error

    def published(self) -> tuple[str, datetime] | None:
        current: Any = self._patient.get(self._current)
        if not current:
            return None
        raw: Any = self._patient.hget(self._version_key(current.decode()), "meta")
        if not raw:
            return None
        return current.decode(), datetime.fromisoformat(msgspec.json.decode(raw)["published_at"])


def _affinities(ref: str, raw: bytes | None) -> Affinities:
    if raw is None:
        return NONE
    try:
        return decode_affinities(raw)
    except (msgspec.DecodeError, ValueError) as error:
        faults.note("book_unreadable", "affinities of %r in the book are not readable: %s", ref, error)
        return NONE


def _fields(products: Iterable[Product], affinities: Iterable[tuple[str, Affinities]]) -> Iterator[tuple[str, bytes]]:
    for product in products:
        yield "p:" + product.ref, encode(product)
    for ref, leads in affinities:
        yield "a:" + ref, encode(leads)


def _chunks(fields: Iterator[tuple[str, bytes]]) -> Iterator[dict[Field, Field]]:
    chunk: dict[Field, Field] = {}
    for name, value in fields:
        chunk[name] = value
        if len(chunk) == CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk
