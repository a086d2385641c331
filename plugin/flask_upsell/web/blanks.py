"""Kept HTML: what our own templates made of the same offers, with holes for what is made anew each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from secrets import token_hex
from typing import TypeVar

from ..core.offer import Kind, Offer
from .cards import Marks

T = TypeVar("T")
#: Marks a hole in kept HTML. Random for each process, so that no title can hold one.
HOLE = f"[{token_hex(16)}]"
#: What fills holes.
TOKEN, KEY, CSRF, ASKING = "t", "k", "c", "a"
#: How much HTML a process keeps; one takes about 6 KB.
MOST_BLANKS = 1000


class Blank:
    """HTML with holes. `parts`: texts and names of holes in turn."""

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts
        self._holes = [(at, parts[at]) for at in range(1, len(parts), 2)]

    def filled(self, values: Mapping[str, str]) -> str:
        parts = self._parts.copy()
        for at, name in self._holes:
            parts[at] = values[name]
        return "".join(parts)


def marks_of(offer: Offer, numbers: Iterator[int]) -> list[Marks]:
    """Holes for the tokens and keys of an offer and of its further levels, in the order of `wanted`."""
    mine = [next(numbers) for _ in range(1 + len(offer.levels))]
    return [(f"{HOLE}{TOKEN}{HOLE}~{number}", f"{HOLE}{KEY}{HOLE}-{number}") for number in mine]


def looks_of(offer: Offer) -> tuple[object, ...]:
    """What the card of an offer shows, beside what the book says of its products."""
    product = offer.product
    own = (product.title, product.url, product.image, offer.terms) if offer.kind is Kind.PROGRAMME else ()
    parts = tuple([(item.product.ref, item.quote) for item in (*offer.items, *offer.levels)])
    return offer.id, offer.quote, offer.trigger.unit_price, offer.rule, offer.copy, parts, own, offer.progress


def keep(kept: dict[object, T], key: object, value: T) -> T:
    """The value, kept under a key; of too many all are dropped."""
    if len(kept) >= MOST_BLANKS:
        kept.clear()
    kept[key] = value
    return value
