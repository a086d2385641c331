"""Words: a merchant's own, in several languages, and ours, before they are translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Sentence(msgspec.Struct, frozen=True, array_like=True):
    """What a shopper is told. `words` are English and their own key in the catalogues; {names} in them stand for
    `parts`: texts of the store's, other sentences, and numbers, which are written as the language writes them.
    `plural`: the words for all numbers `n` but one.
    """

    words: str
    parts: dict[str, str | int | Sentence] = {}
    plural: str = ""

    def __str__(self) -> str:
        words = self.plural if self.plural and self.parts.get("n") != 1 else self.words
        return words.format_map(self.parts) if self.parts else words


def say(words: str, plural: str = "", /, **parts: str | int | Sentence) -> Sentence:
    """A sentence of ours. Catalogues are made from these calls, so the words are always written out."""
    return Sentence(words, {name: meant(part) for name, part in parts.items()}, plural)


def remark(words: str, plural: str = "", /, **parts: str | int | Sentence) -> Sentence:
    """A sentence of ours for who works in the admin, where it stands among what shoppers are told."""
    return Sentence(words, {name: meant(part) for name, part in parts.items()}, plural)


class Objection(str):
    """What is wrong with what somebody wrote, in English; `said` is the sentence, for other languages."""

    said: Sentence

    def __new__(cls, said: Sentence) -> Objection:
        made = super().__new__(cls, said)
        made.said = said
        return made


def objection(words: str, plural: str = "", /, **parts: str | int | Sentence) -> Objection:
    """What errors and problems say; who works in the admin reads it."""
    return Objection(remark(words, plural, **parts))


def meant(text: str | int | Sentence) -> str | int | Sentence:
    """The sentence of an objection; all else as it is."""
    return text.said if isinstance(text, Objection) else text


def reason(error: Exception) -> str:
    """What an error says, without its field; an objection where it is one of ours."""
    said = getattr(error, "message", None) or next(iter(error.args), "")
    return said if isinstance(said, str) else str(error)


def sentence_of(text: str) -> Sentence:
    """What a problem says as a sentence; braces in what a store says itself stay."""
    return text.said if isinstance(text, Objection) else Sentence(text)


def spoken(words: Mapping[str, T], language: str | None) -> T | None:
    """The words in this language (BCP 47), else in its parent (zh-Hant-TW: zh-Hant, zh), else the first ones."""
    known = {written.replace("_", "-").lower(): each for written, each in words.items()}
    wanted = (language or "").replace("_", "-").lower()
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("-")[0]
    return next(iter(words.values()), None)
