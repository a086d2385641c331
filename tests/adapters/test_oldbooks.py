"""Two schemas of the book on one Redis, while a new version is rolled out: old web with new worker, and the reverse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from flask_upsell.adapters import press
from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import web_client, worker_client
from flask_upsell.adapters.oldbooks import KEEP_SECONDS
from flask_upsell.core.book import SCHEMA
from flask_upsell.core.rulebook import RuleBook
from tests.web.shop import BAG, BOOK, GOODS, LAPTOP

WEB = """
import json, sys
from flask_upsell.adapters import press
press.SCHEMA = int(sys.argv[2])
from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import web_client, worker_client
shelf = RedisShelf(web_client(sys.argv[1], 30), worker_client(sys.argv[1]), Breaker(), trust_seconds=0)
for line in sys.stdin:
    read = shelf.read(["laptop"])
    known = read.products.get("laptop")
    print(json.dumps([read.version, known and known.title]), flush=True)
"""


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    made = Redis.from_url(redis_url)
    yield made
    made.close()


def shelf_of(schema: int, client: Redis, monkeypatch: pytest.MonkeyPatch) -> RedisShelf:
    """A worker's shelf of a version with this schema; publish before another one is made."""
    monkeypatch.setattr(press, "SCHEMA", schema)
    return RedisShelf(client, client, Breaker(), trust_seconds=0)


@contextmanager
def web(url: str, schema: int) -> Iterator[Any]:
    """A web process of a version with this schema; ask it for (version, title)."""
    process = subprocess.Popen(
        [sys.executable, "-c", WEB, url, str(schema)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(press.__file__).parents[2])},
    )
    assert process.stdin is not None and process.stdout is not None

    def read() -> tuple[str, str | None]:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        version, title = json.loads(process.stdout.readline())
        return version, title

    try:
        yield read
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def test_an_old_web_goes_on_beside_a_new_worker_and_a_new_web_starts_with_it(
    redis_url: str, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug that it shows: a schema that is no part of a key, so that the old web reads what it cannot know."""
    old = shelf_of(1, client, monkeypatch).publish(GOODS, BOOK.items())
    with web(redis_url, 1) as before, web(redis_url, 2) as after:
        assert before() == (old, "Laptop")
        assert after() == ("", None), "a new web beside an old worker shows nothing yet"
        newer = shelf_of(2, client, monkeypatch)
        new = newer.publish([LAPTOP, BAG], BOOK.items())
        newer.publish_rules(RuleBook(), "UTC", frozenset())
        newer.amend([LAPTOP])
        assert before() == (old, "Laptop"), "the old web goes on with its own"
        assert after() == (new.replace(".0", ".1"), "Laptop")
        # The old worker goes on too, and disturbs nobody.
        again = shelf_of(1, client, monkeypatch).publish(GOODS, BOOK.items())
        assert before() == (again, "Laptop") and after()[0].startswith(new.partition(".")[0])


def test_the_older_book_goes_after_a_week_and_stays_when_it_is_rolled_back(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = shelf_of(1, client, monkeypatch)
    old.publish_rules(RuleBook(), "UTC", frozenset())
    version = old.publish(GOODS, BOOK.items())
    shelf_of(2, client, monkeypatch).publish(GOODS, BOOK.items())
    ours = {key.decode() for key in client.scan_iter("upsell:{book}:1:*")}
    assert len(ours) >= 4
    for key in ours:
        assert KEEP_SECONDS - 60 < client.ttl(key) <= KEEP_SECONDS, key
    client.expire("upsell:{book}:1:current", 1000)
    shelf_of(3, client, monkeypatch).publish(GOODS, BOOK.items())
    assert client.ttl("upsell:{book}:1:current") <= 1000, "its end is set once"
    assert old.read(["laptop"]).version == version

    monkeypatch.setattr(press, "SCHEMA", 1)
    back = old.publish(GOODS, BOOK.items())
    assert client.ttl("upsell:{book}:1:current") == -1
    assert client.ttl(f"upsell:{{book}}:1:v{back.partition('.')[0]}") == -1
    assert client.ttl("upsell:{book}:2:current") > 0, "a newer one is not touched by an older version"


def test_a_publication_that_was_killed_there_is_repeated(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: `current` given its end first, so that the rest stays for ever."""
    shelf_of(1, client, monkeypatch).publish(GOODS, BOOK.items())
    newer = shelf_of(2, client, monkeypatch)
    times: list[bytes] = []
    real = client.expire

    def expire(key: bytes, seconds: int) -> Any:
        if str(key).find(":1:") > 0 and len(times) == 1:
            raise KeyboardInterrupt
        times.extend([key] if str(key).find(":1:") > 0 else [])
        return real(key, seconds)

    monkeypatch.setattr(client, "expire", expire)
    with pytest.raises(KeyboardInterrupt):
        newer.publish(GOODS, BOOK.items())
    monkeypatch.setattr(client, "expire", real)
    newer.publish(GOODS, BOOK.items())
    assert all(client.ttl(key) > 0 for key in client.scan_iter("upsell:{book}:1:*"))


def test_processes_of_another_schema_are_switched_off_too(redis_url: str) -> None:
    """Planted bug that it shows: `switch` tells the readers of its own schema only."""
    client = Redis.from_url(redis_url)
    for schema in (SCHEMA + 1, SCHEMA + 2):
        client.hset(f"upsell:{{book}}:{schema}:v7-a", "live", "7-a.3")
    client.set(f"upsell:{{book}}:{SCHEMA + 1}:current", "7-a.3")
    shelf = RedisShelf(web_client(redis_url, 1), worker_client(redis_url), Breaker())
    for off, said in ((True, b"1"), (True, b"1"), (False, b"")):
        shelf.switch(off)
        assert client.hget(f"upsell:{{book}}:{SCHEMA + 1}:v7-a", "off") == said
    assert not client.exists(f"upsell:{{book}}:{SCHEMA + 2}:off"), "nobody has such a book"
    client.close()
