"""The book in Redis, and this process's copy of its hot part.

Keys share one hash tag, so they live together on a Redis Cluster:

    upsell:{book}:1:current   "7-c0ffee12.2": version 7-c0ffee12, amended twice
    upsell:{book}:1:v7-c0…    hash: "p:REF" product, "a:REF" affinities (JSON), "meta"
    upsell:{book}:1:amended   products by when they were amended (Unix time), for a day
    upsell:{book}:1:numbers   the last version number given out
    upsell:{book}:1:off       "1" while everything is switched off

A version is written under its own key and then `current` is switched in one transaction; the older version expires
later. One script call reads `current` and what the cart's products lead to, at one instant; a second plain read of that
version's key brings the products that a decision looks at first. A reader sees one version.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from threading import Thread
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError, WatchError

from .. import faults
from ..core.affinity import Affinities
from ..core.book import SCHEMA, Book, Lists, encode
from ..core.product import Product
from ..core.rulebook import RuleBook
from ..core.rules import EMPTY_RULES, NEVER_CHANGED, NOTHING_SOLD, Published, RuleSet, decode_published
from ..errors import BookError, UpsellError
from .breaker import Breaker
from .clients import Direct
from .copy import Copy, Fetched
from .oldbooks import let_go

#: A version's field that says which version is live: its own name, until another is published. What is read in one
#: command together with it is of that version, and of no other.
LIVE = "live"
#: … and the field that says which rules are, which have versions of their own.
RULES = "rules"
#: … and the one that says whether everything is switched off.
OFF = "off"
#: The most products fetched at once.
MOST_FACTS = 2000
#: How often another version is tried when one was published while it was read.
ATTEMPTS = 3
#: A version that says of itself that it is live is believed so long; then `current` is asked, which cannot be wrong.
CERTAIN_SECONDS = 60.0
#: The most products in a process's copy; 50,000 take about 60 MB.
MOST_COPIED = 50_000
CHUNK = 500
#: Rules up to so many bytes are made ready by the page that finds them: a few milliseconds.
AT_ONCE = 50_000

#: What redis-py takes for a field's name and value.
Field = bytes | bytearray | memoryview | str | int | float


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
        self._prefix, self._root = prefix, f"{prefix}:{{book}}:{SCHEMA}:"
        self._current, self._amended = self._root + "current", self._root + "amended"
        self._pointer, self._off = self._root + "rules", self._root + OFF
        self.off: bool | None = None
        self._rules, self._loading = EMPTY_RULES, ""
        self._reader, self._writer, self._breaker = Direct(reader), writer, breaker
        self._patient = patient or reader
        self._trust, self._keep, self._clock = trust_seconds, keep_seconds, clock
        self._copy = self._empty("")

    def close(self) -> None:
        self._reader.close()

    # --- reading: the hot path -------------------------------------------------------------------------------------

    def read(self, refs: Sequence[str]) -> Book:
        """The live book for these products: no round trip while the copy is warm, else one. Never raises.

        Products that these lead to come when a decision is made, in one more round trip.

        Without Redis the last copy is returned, whatever it holds; so it is after a flush, until somebody publishes.
        """
        copy = self._copy
        known = copy.leads
        missing = [ref for ref in refs if not known.has(ref)]
        if not missing and self._clock() - copy.checked < self._trust:
            return copy.book
        if not self._breaker.allow():
            self.off = None
            return copy.book
        if missing and len(copy.facts) > MOST_COPIED:
            copy, missing = self._empty(""), list(dict.fromkeys(refs))
        try:
            copy = self._renewed(copy, missing, refs)
        except (RedisError, OSError) as error:
            self._breaker.failed()
            self.off = None
            faults.note("redis_read", "the book cannot be read: %s: %s", type(error).__name__, error)
            return copy.book
        except ValueError as error:  # a reference that is no Unicode
            faults.note("book_unreadable", "the book cannot be read: %s: %s", type(error).__name__, error)
            return copy.book
        self._breaker.succeeded()
        copy.checked = self._clock()
        self._copy = copy
        return copy.book

    def _renewed(self, copy: Copy, missing: Sequence[str], refs: Sequence[str]) -> Copy:
        """The copy, or one of the version that is live by now, with `refs`."""
        live = ""
        if copy.book.version:
            live = self._take(copy, missing)
            if live == copy.book.version:
                if self._clock() < copy.certain:
                    return copy
                live = self._pointed()
                if live == copy.book.version:
                    copy.certain = self._clock() + CERTAIN_SECONDS
                    return copy
        for _ in range(ATTEMPTS):
            live = live or self._pointed()
            if not live:
                self.off = None
                return copy
            other = self._empty(live)
            if self._take(other, list(dict.fromkeys(refs))) == live:
                other.certain = self._clock() + CERTAIN_SECONDS
                return other
            # The version that came next is not the last one either.
            live = ""
        return copy

    def _pointed(self) -> str:
        """The version that `current` names."""
        raw: bytes | None = self._reader.ask("GET", self._current)
        return (raw or b"").decode("utf-8", "replace")

    def _take(self, copy: Copy, refs: Sequence[str]) -> str:
        """Put these references into the copy if its version is live; says which one is, "" when that is not known."""
        fields = [LIVE, RULES, OFF, *["a:" + ref for ref in refs], *["p:" + ref for ref in refs]]
        values: list[Any] = self._reader.ask("HMGET", self._version_key(copy.book.version), *fields)
        live: str = (values[0] or b"").decode("utf-8", "replace")
        if live == copy.book.version:
            rules = (values[1] or b"").decode("utf-8", "replace")
            if rules != copy.book.rules.version:
                copy.put_rules(self._rules_of(rules))
            self.off = values[2] == b"1"
            copy.facts.put(refs, values[3 + len(refs) :])
            # What leads on comes last: another thread that finds it must find its product too.
            copy.leads.put(refs, values[3 : 3 + len(refs)])
        return live

    def _rules_of(self, version: str) -> RuleSet:
        """The rules of this version; those that are known already when it cannot be read."""
        if version == self._rules.version:
            return self._rules
        if not version:
            return EMPTY_RULES
        raw: bytes | None = self._reader.ask("GET", f"{self._pointer}:{version}")
        if raw is None:  # another version is live by now, which the next reading finds
            faults.seen["rules_gone"] += 1
        elif len(raw) <= AT_ONCE or not self._rules.version:
            self._load_rules(version, raw)
        elif self._loading != version:
            # Thousands of rules take a moment to make ready: meanwhile no page waits, the last ones hold.
            self._loading = version
            Thread(target=self._load_rules, args=(version, raw), name="upsell-rules", daemon=True).start()
        return self._rules

    def _load_rules(self, version: str, raw: bytes) -> None:
        try:
            written = decode_published(raw)
            self._rules = RuleSet(
                written.book, written.zone, version, frozenset(written.spent), written.sold, written.changed
            )
        except (msgspec.DecodeError, UpsellError, ValueError, KeyError) as error:
            faults.note("rules_unreadable", "rules %s are not readable, the last ones hold: %s", version, error)

    def _empty(self, version: str) -> Copy:
        return Copy(version, self._fetch, self._rules)

    def _fetch(self, facts: Fetched[Any], refs: list[str]) -> None:
        """Values in the middle of a decision: without an answer they are unknown this time."""
        if not facts.version:
            return
        if not self._breaker.allow():
            faults.seen["redis_read"] += 1
            return
        key = self._version_key(facts.version)
        try:
            for start in range(0, len(refs), MOST_FACTS):
                part = refs[start : start + MOST_FACTS]
                facts.put(part, self._reader.ask("HMGET", key, *[facts.mark + ref for ref in part]))
        except (RedisError, OSError, ValueError) as error:
            self._breaker.failed()
            faults.note("redis_read", "products of the book cannot be read: %s: %s", type(error).__name__, error)
            return
        self._breaker.succeeded()

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
            let_go(writer, self._prefix, SCHEMA)
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
                    pipe.watch(self._pointer)  # type: ignore[no-untyped-call]
                    rules: bytes | None = pipe.get(self._pointer)  # type: ignore[assignment]
                    pipe.watch(self._off)  # type: ignore[no-untyped-call]
                    off: bytes | None = pipe.get(self._off)  # type: ignore[assignment]
                    pipe.multi()
                    if late:
                        pipe.hset(key, mapping=late)
                    pipe.persist(key)
                    pipe.set(self._current, version)
                    pipe.hset(key, mapping={LIVE: version, RULES: rules or b"", OFF: off or b""})
                    if old and self._version_key(old.decode("utf-8", "replace")) != key:
                        pipe.hset(self._version_key(old.decode("utf-8", "replace")), LIVE, version)
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
                        version = f"{number}.{int(revision or 0) + 1}"
                        pipe.hset(self._version_key(number), mapping={**fields, LIVE: version})
                        pipe.zadd(self._amended, dict.fromkeys([product.ref for product in products], now))
                        pipe.expire(self._amended, 86_400)
                        pipe.set(self._current, version)
                        pipe.execute()
                        return
                    except WatchError:
                        continue
        except (RedisError, OSError, ValueError) as error:
            raise BookError(f"the live book was not amended: {error}") from error

    def publish_rules(
        self,
        book: RuleBook,
        zone: str,
        spent: frozenset[str],
        sold: Mapping[str, int] = NOTHING_SOLD,
        changed: Mapping[str, datetime] = NEVER_CHANGED,
    ) -> str:
        """Put up other rules, without the catalogue: every process sees them with its next reading."""
        version, written = token_hex(6), Published(book, zone, tuple(sorted(spent)), dict(sold), dict(changed))
        try:
            self._writer.set(f"{self._pointer}:{version}", encode(written))
            with self._writer.pipeline() as pipe:
                while True:
                    try:
                        pipe.watch(self._current, self._pointer)  # type: ignore[no-untyped-call]
                        live: bytes | None = pipe.get(self._current)  # type: ignore[assignment]
                        old: bytes | None = pipe.get(self._pointer)  # type: ignore[assignment]
                        pipe.multi()
                        pipe.set(self._pointer, version)
                        if live:
                            pipe.hset(self._version_key(live.decode("utf-8", "replace")), RULES, version)
                        if old:
                            pipe.expire(f"{self._pointer}:{old.decode('utf-8', 'replace')}", self._keep)
                        pipe.execute()
                        return version
                    except WatchError:
                        continue
        except (RedisError, OSError) as error:
            raise BookError(f"the rules were not published, the old ones stay live: {error}") from error

    def switch(self, off: bool) -> None:
        """Tell every process, with its next reading, whether everything is switched off."""
        said = "1" if off else ""
        try:
            with self._writer.pipeline() as pipe:
                while True:
                    try:
                        pipe.watch(self._current, self._off)  # type: ignore[no-untyped-call]
                        live: bytes | None = pipe.get(self._current)  # type: ignore[assignment]
                        key = self._version_key((live or b"").decode("utf-8", "replace"))
                        known = [pipe.get(self._off), pipe.hget(key, OFF) if live else said.encode()]
                        if all((each or b"") == said.encode() for each in known):
                            return
                        pipe.multi()
                        pipe.set(self._off, said)
                        if live:
                            pipe.hset(key, OFF, said)
                        pipe.execute()
                        return
                    except WatchError:
                        continue
        except (RedisError, OSError) as error:
            raise BookError(f"Redis was not told that the offers are {'off' if off else 'on'}: {error}") from error

    def published(self) -> tuple[str, datetime] | None:
        current: Any = self._patient.get(self._current)
        if not current:
            return None
        raw: Any = self._patient.hget(self._version_key(current.decode()), "meta")
        if not raw:
            return None
        return current.decode(), datetime.fromisoformat(msgspec.json.decode(raw)["published_at"])


def _fields(products: Iterable[Product], affinities: Iterable[tuple[str, Affinities]]) -> Iterator[tuple[str, bytes]]:
    lists = Lists()
    for product in products:
        lists.add(product)
        yield "p:" + product.ref, encode(product)
    for ref, leads in affinities:
        lists.learn(leads)
        yield "a:" + ref, encode(leads)
    for name, refs in lists.best():
        yield "l:" + name, encode(refs)


def _chunks(fields: Iterator[tuple[str, bytes]]) -> Iterator[dict[Field, Field]]:
    chunk: dict[Field, Field] = {}
    for name, value in fields:
        chunk[name] = value
        if len(chunk) == CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk
