"""The book in Redis, and this process's copy of its hot part.

Keys share one hash tag, so they live together on a Redis Cluster:

    upsell:{book}:1:current   "7-c0ffee12.2": version 7-c0ffee12, amended twice
    upsell:{book}:1:v7-c0…    hash: "p:REF" product, "a:REF" affinities (JSON), "meta"
    upsell:{book}:1:amended   products by when they were amended (Unix time), for a day
    upsell:{book}:1:numbers   the last version number given out
    upsell:{book}:1:off       "1" while everything is switched off

A version is written under its own key and then `current` is switched in one transaction (`press`); the older version
expires later. One plain command reads which version is live, its rules and what the cart's products lead to, at one
instant; a second one brings the products that a decision looks at first. A reader sees one version.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from threading import Thread
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from .. import faults
from ..core.book import Book, decode_model
from ..core.rules import EMPTY_RULES, RuleSet, decode_published
from ..core.taste import Model
from ..errors import UpsellError
from .breaker import Breaker
from .clients import Direct
from .copy import MOST_COPIED, Copy, Fetched
from .press import LIVE, MEMBERS, MODEL, OFF, RULES, Press

#: The most products fetched at once.
MOST_FACTS = 2000
#: How often another version is tried when one was published while it was read.
ATTEMPTS = 3
#: A version that says of itself that it is live is believed so long; then `current` is asked, which cannot be wrong.
CERTAIN_SECONDS = 60.0
#: Rules up to so many bytes are made ready by the page that finds them: a few milliseconds.
AT_ONCE = 50_000


class RedisShelf(Press):
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
        super().__init__(writer, prefix, keep_seconds)
        self.off: bool | None = None
        self._rules, self._loading = EMPTY_RULES, ""
        self._reader, self._breaker = Direct(reader), breaker
        self._patient = patient or reader
        self._trust, self._clock = trust_seconds, clock
        self._copy = self._empty("")

    def patient(self) -> RedisShelf:
        return self._waiting

    @cached_property
    def _waiting(self) -> RedisShelf:
        """With a copy and a breaker of its own."""
        return RedisShelf(
            self._patient,
            self._writer,
            Breaker(),
            prefix=self._prefix,
            trust_seconds=self._trust,
            keep_seconds=self._keep,
            clock=self._clock,
        )

    def close(self) -> None:
        self._reader.close()
        if "_waiting" in self.__dict__:
            self._waiting.close()

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
        """The copy, or one of the version that is live by now, with `refs`; a new one instead of one too large."""
        live, older = "", None
        if copy.book.version and copy.size <= MOST_COPIED:
            older = copy if copy.members else None
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
            amended = older is not None and self._version_key(older.book.version) == self._version_key(live)
            other = Copy(live, self._fetch, self._rules, older if amended else None)
            if self._take(other, list(dict.fromkeys(refs))) == live:
                other.certain = self._clock() + CERTAIN_SECONDS
                return other
            # The version that came next is not the last one either, or has another crowd.
            live, older = "", None
        return copy

    def _pointed(self) -> str:
        """The version that `current` names."""
        raw: bytes | None = self._reader.ask("GET", self._current)
        return (raw or b"").decode("utf-8", "replace")

    def _take(self, copy: Copy, refs: Sequence[str]) -> str:
        """Put these references into the copy if its version is live; says which one is, "" when that is not known or
        the copy has another crowd."""
        head = [LIVE, RULES, OFF, MEMBERS] if copy.weighed else [LIVE, RULES, OFF, MEMBERS, MODEL]
        fields = [*head, *["a:" + ref for ref in refs], *["p:" + ref for ref in refs]]
        values: list[Any] = self._reader.ask("HMGET", self._version_key(copy.book.version), *fields)
        live: str = (values[0] or b"").decode("utf-8", "replace")
        if live == copy.book.version:
            token, _, said_of = (values[3] or b"").decode("utf-8", "replace").partition("@")
            members = token if said_of == live else ""
            if copy.weighed and copy.members != members:
                return ""
            copy.members = members
            rules = (values[1] or b"").decode("utf-8", "replace")
            if rules != copy.book.rules.version:
                copy.put_rules(self._rules_of(rules))
            self.off = values[2] == b"1"
            if not copy.weighed:
                copy.put_model(self._model_of(values[4]))
            start = len(head)
            copy.facts.put(refs, values[start + len(refs) :])
            # What leads on comes last: another thread that finds it must find its product too.
            copy.leads.put(refs, values[start : start + len(refs)])
        return live

    @staticmethod
    def _model_of(raw: bytes | None) -> Model | None:
        try:
            return decode_model(raw) if raw else None
        except (msgspec.DecodeError, ValueError) as error:
            faults.note("book_unreadable", "the model in the book is not readable, pairs are summed: %s", error)
            return None

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

    def published(self) -> tuple[str, datetime] | None:
        """The live version and since when; None without one, and where its rules were lost: with a Redis that died
        while they were put up, or that is full and throws away what it likes."""
        current: Any = self._patient.get(self._current)
        if not current:
            return None
        found: list[Any] = self._patient.hmget(self._version_key(current.decode()), ["meta", RULES])
        raw, rules = found
        if not raw or not rules or not self._patient.exists(f"{self._pointer}:{rules.decode()}"):
            return None
        return current.decode(), datetime.fromisoformat(msgspec.json.decode(raw)["published_at"])
