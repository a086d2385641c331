"""The book of another version's schema: what happens to it while a new version is rolled out.

The rule, which holds in either order:

- `core.book.SCHEMA` is part of every key of the book, so a version never reads what it could misread, and never writes
  what another one reads.
- An old web process beside a new worker goes on with the book of its own schema, which nobody touches: offers as they
  were, prices and stock read again when one is accepted.
- A new web process beside an old worker finds no book of its schema, and shows nothing until a new worker has started.
  So the worker goes first; it publishes as soon as it starts and finds none (`web/worker.py`).
- A worker that publishes lets the books of older schemas go after a week: for a version that is rolled back, and its
  own worker publishes again.
"""

from __future__ import annotations

from redis import Redis

#: How long (seconds) the last book of an older schema stays.
KEEP_SECONDS = 7 * 86_400
#: What Redis says of a key that stays.
NO_END = -1


def let_go(writer: Redis, prefix: str, schema: int) -> None:
    """Give the books of older schemas an end, once. What is written again has none."""
    for older in range(max(1, schema - 3), schema):
        root = f"{prefix}:{{book}}:{older}:"
        if writer.ttl(root + "current") != NO_END:
            continue
        # `current` last: whoever is killed here is followed by another one that begins again.
        for key in sorted(writer.scan_iter(match=root + "*", count=1000), key=lambda key: key.endswith(b":current")):
            if writer.ttl(key) == NO_END:
                writer.expire(key, KEEP_SECONDS)
