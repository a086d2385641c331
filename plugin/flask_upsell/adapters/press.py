"""The half of the book's shelf that publishes: the worker's.

A version is written under its own key and then `current` is switched in one transaction; see `book`, which reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError, WatchError

from ..core.affinity import Affinities
from ..core.book import SCHEMA, Lists, decode_affinities, encode
from ..core.fresh import Edition
from ..core.lessons import Forgotten
from ..core.product import Product
from ..core.rulebook import RuleBook
from ..core.rules import NEVER_CHANGED, NOTHING_SOLD, Published
from ..core.taste import NOBODYS, Habits, Learned
from ..errors import BookError
from .oldbooks import let_go

#: A version's field that says which version is live: its own name, until another is published. What is read in one
#: command together with it is of that version, and of no other.
LIVE = "live"
#: … and the field that says which rules are, which have versions of their own.
RULES = "rules"
#: … and the one that says whether everything is switched off.
OFF = "off"
#: … and the one that says how what was learned is weighed.
MODEL = "model"
#: … and the one that says which learning it is of, whose crowd has its numbers.
LEARNING = "learning"
#: … and the one that changes when somebody of that crowd is forgotten: until then every amendment has the same one,
#: with its own version. Where that is another, it was amended by an older version of this package.
MEMBERS = "members"
CHUNK = 500
#: What redis-py takes for a field's name and value.
Field = bytes | bytearray | memoryview | str | int | float


class Press:
    """Writes with the worker's client. A version that was live stays for `keep_seconds`."""

    def __init__(self, writer: Redis, prefix: str, keep_seconds: int) -> None:
        self._writer, self._prefix, self._keep = writer, prefix, keep_seconds
        self._root = f"{prefix}:{{book}}:{SCHEMA}:"
        self._current, self._amended = self._root + "current", self._root + "amended"
        self._pointer, self._off = self._root + "rules", self._root + OFF

    def _version_key(self, version: str) -> str:
        return f"{self._root}v{version.partition('.')[0] or 0}"

    def publish(
        self,
        products: Iterable[Product],
        affinities: Iterable[tuple[str, Affinities]],
        learned: Learned | None = None,
    ) -> str:
        """Write a whole version beside the live one, then switch; the switch is one transaction."""
        writer = self._writer
        try:
            began, began_at = self._now(), datetime.now(UTC)
            # The number is for people; after a flush it starts again, so a random part makes the name its own.
            name = f"{writer.incr(self._root + 'numbers')}-{token_hex(4)}"
            version, key = f"{name}.0", f"{self._root}v{name}"
            written = there = 0
            for chunk in _chunks(_fields(products, affinities, learned)):
                with writer.pipeline(transaction=False) as pipe:
                    pipe.hset(key, mapping=chunk)
                    # Should this process die here, the unfinished version goes by itself.
                    pipe.expire(key, 3600)
                    there += pipe.execute()[0]
                written += len(chunk)
            at = {"began_at": began_at.isoformat(), "published_at": datetime.now(UTC).isoformat()}
            meta = {**at, "fields": written, "schema": SCHEMA}
            there += int(writer.hset(key, "meta", msgspec.json.encode(meta)))
            if writer.hlen(key) < there:
                # One that died and came back has lost a part, and commands are tried again until it is back.
                raise BookError("the book was not published: Redis lost a part of it; it is tried again")
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
                    pipe.hset(
                        key,
                        mapping={
                            LIVE: version,
                            MEMBERS: _members(token_hex(6), version),
                            RULES: rules or b"",
                            OFF: off or b"",
                        },
                    )
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

        def replaced(pipe: Any, _: str) -> dict[Field, Field]:
            now = self._now()
            pipe.multi()
            pipe.zadd(self._amended, dict.fromkeys([product.ref for product in products], now))
            pipe.expire(self._amended, 86_400)
            return fields

        try:
            self._change(replaced)
        except (RedisError, OSError, ValueError) as error:
            raise BookError(f"the live book was not amended: {error}") from error

    def edition(self) -> Edition | None:
        """What is live; None when nothing was published."""
        try:
            current: Any = self._writer.get(self._current)
            if not current:
                return None
            version = current.decode("utf-8", "replace")
            found: Any = self._writer.hmget(self._version_key(version), [LEARNING, "meta"])
            meta = msgspec.json.decode(found[1] or b"{}")
            ended = meta.get("published_at")
            if ended is None:
                return None
            # Older versions of this package did not say when they began to write it.
            times = [datetime.fromisoformat(each) for each in (meta.get("began_at", ended), ended)]
            return Edition(version, (found[0] or b"").decode("utf-8", "replace"), *times)
        except (RedisError, OSError, ValueError) as error:
            raise BookError(f"the live book cannot be asked what it is: {error}") from error

    def relate(self, version: str, leads: Mapping[str, Affinities], habits: Mapping[str, Habits] = NOBODYS) -> bool:
        """Replace what these products lead to and these customers' habits, if this version is live, and raise its
        revision when that changes anything; one transaction."""
        fields: dict[Field, Field] = {"a:" + ref: encode(each) for ref, each in leads.items()}
        fields |= {"h:" + name: encode(each) for name, each in habits.items()}
        number, _, revision = version.partition(".")
        key, name = self._version_key(number), f"{number}.{int(revision or 0) + 1}"
        try:
            with self._writer.pipeline() as pipe:
                pipe.watch(self._current)  # type: ignore[no-untyped-call]
                live: bytes | None = pipe.get(self._current)  # type: ignore[assignment]
                if (live or b"").decode("utf-8", "replace") != version:
                    return False
                members, *there = pipe.hmget(key, [MEMBERS, *[str(field) for field in fields]])
                if there == list(fields.values()):
                    return True
                pipe.multi()
                pipe.hset(key, mapping={**fields, LIVE: name, MEMBERS: _members(members, name)})
                pipe.set(self._current, name)
                pipe.execute()
                return True
        except WatchError:
            return False
        except (RedisError, OSError, ValueError) as error:
            raise BookError(f"the live book was not amended: {error}") from error

    def forget(self, forgotten: Forgotten) -> None:
        """Take people out of the live version and raise its revision, so that no process keeps them; one
        transaction."""
        gone = ["h:" + customer for customer in forgotten.customers]
        gone += [f"g:{number}" for number in forgotten.members]
        fields = sorted({"a:" + ref for refs in forgotten.members.values() for ref in refs})
        if not gone:
            return

        def left(pipe: Any, key: str) -> dict[Field, Field]:
            learning: bytes = pipe.hget(key, LEARNING) or b""
            # Numbers of the crowd are those of one learning.
            same = learning.decode("utf-8", "replace") == forgotten.learning
            found = _without(pipe, key, fields, set(forgotten.members)) if same else {}
            pipe.multi()
            pipe.hdel(key, *(gone if same else gone[: len(forgotten.customers)]))
            return {**found, MEMBERS: token_hex(6)}

        try:
            self._change(left)
        except (RedisError, OSError, ValueError) as error:
            raise BookError(f"the live book did not forget: {error}") from error

    def _change(self, change: Callable[[Any, str], dict[Field, Field]]) -> None:
        """Write fields of the live version and raise its revision, in one transaction; from the start when somebody
        else was faster. `change(pipe, key)` returns them: it reads, calls multi(), and may write more."""
        with self._writer.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(self._current)  # type: ignore[no-untyped-call]
                    live: bytes | None = pipe.get(self._current)  # type: ignore[assignment]
                    if not live:
                        return
                    number, _, revision = live.decode("utf-8", "replace").partition(".")
                    key, version = self._version_key(number), f"{number}.{int(revision or 0) + 1}"
                    members: Any = pipe.hget(key, MEMBERS)
                    fields = change(pipe, key)
                    members = _members(fields.get(MEMBERS, members), version)
                    pipe.hset(key, mapping={**fields, LIVE: version, MEMBERS: members})
                    pipe.set(self._current, version)
                    pipe.execute()
                    return
                except WatchError:
                    continue

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
        """Tell every process, with its next reading, whether everything is switched off; also those of another version
        of this package, while one follows the other."""
        try:
            if self._told(self._root, off):
                for schema in range(max(1, SCHEMA - 3), SCHEMA + 4):
                    self._told(f"{self._prefix}:{{book}}:{schema}:", off)
        except (RedisError, OSError) as error:
            raise BookError(f"Redis was not told that the offers are {'off' if off else 'on'}: {error}") from error

    def _told(self, root: str, off: bool) -> bool:
        """Whether the processes that read this book had to be told."""
        said = b"1" if off else b""
        with self._writer.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(root + "current", root + OFF)  # type: ignore[no-untyped-call]
                    live: bytes | None = pipe.get(root + "current")  # type: ignore[assignment]
                    if not live and root != self._root:
                        return False
                    key = f"{root}v{(live or b'').decode('utf-8', 'replace').partition('.')[0]}"
                    known: list[Any] = [pipe.get(root + OFF), pipe.hget(key, OFF) if live else said]
                    if all((each or b"") == said for each in known):
                        return False
                    pipe.multi()
                    pipe.set(root + OFF, said)
                    if live:
                        pipe.hset(key, OFF, said)
                    pipe.execute()
                    return True
                except WatchError:
                    continue


def _without(pipe: Any, key: str, fields: list[str], members: set[int]) -> dict[Field, Field]:
    """What these products lead to, without these members of the crowd among their buyers."""
    found: dict[Field, Field] = {}
    for start in range(0, len(fields), CHUNK):
        some = fields[start : start + CHUNK]
        for field, value in zip(some, pipe.hmget(key, some), strict=True):
            if value is not None:
                leads = decode_affinities(value)
                buyers = tuple([each for each in leads.buyers if each[0] not in members])
                found[field] = encode(msgspec.structs.replace(leads, buyers=buyers))
    return found


def _fields(
    products: Iterable[Product], affinities: Iterable[tuple[str, Affinities]], learned: Learned | None
) -> Iterator[tuple[str, bytes]]:
    lists = Lists()
    for product in products:
        lists.add(product)
        yield "p:" + product.ref, encode(product)
    for ref, leads in affinities:
        lists.learn(leads)
        yield "a:" + ref, encode(leads)
    for name, refs in lists.best():
        yield "l:" + name, encode(refs)
    if learned is not None:
        yield MODEL, encode(learned.model)
        yield LEARNING, learned.learning.encode()
        for number, bought in learned.crowd:
            yield "g:" + number, encode(bought)
        for pseudonym, habits in learned.habits:
            yield "h:" + pseudonym, encode(habits)


def _members(token: Any, version: str) -> str:
    """What MEMBERS says: the crowd's `token`, alone or as it is there, in this version."""
    said = token.decode("utf-8", "replace") if isinstance(token, bytes) else token or ""
    return f"{said.partition('@')[0]}@{version}"


def _chunks(fields: Iterator[tuple[str, bytes]]) -> Iterator[dict[Field, Field]]:
    chunk: dict[Field, Field] = {}
    for name, value in fields:
        chunk[name] = value
        if len(chunk) == CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk
