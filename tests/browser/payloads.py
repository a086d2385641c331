"""Texts that try to be more than text: those of `payloads.json`, by family, and what gets past filters made of them.

All of them want to call `pwned()`, which a test's page has.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

FAMILIES: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text())
MUTATIONS: tuple[Callable[[str], str], ...] = (
    str.swapcase,
    lambda text: text.replace(" ", "/"),
    lambda text: text.replace(" ", "\x0c"),
    lambda text: f'">{text}',
    lambda text: f"'{text}",
    lambda text: f"</p>{text}<p>",
    lambda text: text.replace("<", "<<").replace(">", ">>"),
    lambda text: f"a\x00{text}\u202d",
)


def payloads(count: int = 500) -> list[str]:
    """So many different ones, those of the file first."""
    plain = [text for family in FAMILIES.values() for text in family]
    found = dict.fromkeys(plain)
    for shift in range(len(MUTATIONS)):
        changes = islice(cycle(MUTATIONS), shift, None)
        found.update(dict.fromkeys([change(text) for text, change in zip(plain, changes, strict=False)]))
    return list(islice(found, count))
