"""A merchant's words in several languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def spoken(words: Mapping[str, T], language: str | None) -> T | None:
    """The words in this language (BCP 47), else in its parent (zh-Hant-TW: zh-Hant, zh), else the first ones."""
    known = {written.replace("_", "-").lower(): each for written, each in words.items()}
    wanted = (language or "").replace("_", "-").lower()
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("-")[0]
    return next(iter(words.values()), None)
