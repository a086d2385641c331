"""Perks: what a rule promises for the next purchase, in words."""

from __future__ import annotations

from collections.abc import Iterator

from .rule import Perk
from .words import Sentence, objection, say, spoken


def thanks(perk: Perk, language: str | None) -> Sentence:
    """What the shopper reads: the merchant's words, in which {code} and {points} are filled in, or plain ones."""
    words = spoken(perk.words, language)
    if words:
        return Sentence(words.replace("{code}", perk.code or "").replace("{points}", str(perk.points or "")))
    if perk.code is not None:
        return say("Thank you! Your code for the next purchase: {code}", code=perk.code)
    if perk.points is not None:
        return say("Thank you! You have earned {n} point.", "Thank you! You have earned {n} points.", n=perk.points)
    return say("Thank you! A gift is waiting for your next purchase.")


def check(perk: Perk) -> Iterator[tuple[str, str]]:
    """What is wrong with a perk: (field, sentence)."""
    given = [name for name in ("code", "gift", "points") if getattr(perk, name) is not None]
    if len(given) != 1:
        there = objection("there are {known}", known=", ".join(given)) if given else objection("there is none")
        yield "", objection("has one of code, gift, points; {there}", there=there)
    if perk.code is not None and not (perk.code.strip() and perk.code.isprintable() and len(perk.code) <= 60):
        yield "code", objection("{code} is no code: 1 to 60 printable characters", code=repr(perk.code[:60]))
    if perk.gift is not None and not perk.gift.strip():
        yield "gift", objection("is empty; write a product's reference")
    if perk.points is not None and not 1 <= perk.points <= 10**9:
        yield "points", objection("{points} is not between 1 and a billion", points=perk.points)
