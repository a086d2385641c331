"""Is there enough to learn from? For each part of what is learned: enough, some or not enough, why, and what to do.

The bounds are those of the evidence itself: a pair must be seen `min_support` times and surely, a model needs so many
cases to be fitted. What is "enough" is half of what sells, so that of two products in a cart one leads to something
more often than not.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from ..core.words import Sentence, say
from ..learn.readiness import Counted

DAY = 86_400
#: A season is seen once when a whole year is; less than two months have nothing to be compared with.
YEAR, LEAST = 365, 60
#: Of what sells, the part that leads to something.
HALF = 0.5


class Level(StrEnum):
    ENOUGH = "enough"
    SOME = "some"
    NOT_ENOUGH = "not enough"


class Part(msgspec.Struct, frozen=True):
    """`name`: "complements", "upgrades", "habits", "seasons". `why`: the numbers behind the level; `todo`: what would
    help, None when there is enough."""

    name: str
    level: Level
    why: Sentence
    todo: Sentence | None = None


def readiness(figures: Mapping[str, Any]) -> list[Part]:
    """Of the figures of the last learning; nothing when they do not tell (nothing was learned yet)."""
    try:
        counted = msgspec.convert(figures.get("readiness"), Counted)
    except msgspec.ValidationError:
        return []
    return [_complements(counted), _upgrades(counted), _habits(counted), _seasons(counted)]


def _complements(of: Counted) -> Part:
    reach = of.paired / of.lines if of.lines else 0.0
    why = say(
        "{baskets} orders have two or more products. {pairs} pairs were found; products with one are {share} % of what "
        "is sold.",
        baskets=of.baskets,
        pairs=of.pairs,
        share=_percent(reach),
    )
    if of.pairs and reach >= HALF:
        return Part("complements", Level.ENOUGH, why)
    level = Level.SOME if of.pairs else Level.NOT_ENOUGH
    if not of.orders:
        todo = say(
            "There are no orders yet. Import those of your last shop if you have them; until then write rules that "
            "offer a category or products. What sells best is found with the first orders."
        )
    elif not of.baskets:
        todo = say("Each order has one product only. Import orders with all their lines, or write rules.")
    elif of.often < HALF * of.lines:
        todo = say(
            "Two products must have been bought together in {n} orders, and most of yours were sold less often. Import "
            "older orders if you have them; until then write rules for what sells most.",
            n=of.min_support,
        )
    else:
        todo = say(
            "Most products are bought together no more often than by chance, as far as these orders tell. More orders "
            "make it clearer; what you know yourself, write as rules."
        )
    return Part("complements", level, why, todo)


def _upgrades(of: Counted) -> Part:
    reach = of.upgraded / of.stepped if of.stepped else 0.0
    why = say(
        "{sorted} % of what is sold has a category, {found} % a kind found from titles, and {stepped} % a dearer "
        "product of the same within the price gap. For {share} % of these a step up was found.",
        sorted=_percent(of.sorted / of.lines if of.lines else 0.0),
        found=_percent(of.found / of.lines if of.lines else 0.0),
        stepped=_percent(of.stepped / of.lines if of.lines else 0.0),
        share=_percent(reach),
    )
    if of.upgraded and reach >= HALF:
        return Part("upgrades", Level.ENOUGH, why)
    level = Level.SOME if of.upgraded else Level.NOT_ENOUGH
    if of.sorted + of.found < HALF * of.lines:
        todo = say("Give your products categories: a step up is a better product of the same one. Or write ladders.")
    elif of.stepped < HALF * of.lines:
        todo = say(
            "Few products have a dearer one within the price gap. Ask your developer to widen it "
            "(UPSELL_PRICE_GAP_PERCENT), or write ladders."
        )
    else:
        todo = say(
            "The dearer ones were sold too seldom: it takes {n} orders of one. Import older orders, or write ladders.",
            n=of.min_support,
        )
    return Part("upgrades", level, why, todo)


def _habits(of: Counted) -> Part:
    why = say(
        "{known} of {orders} orders say whose they are. {again} of the last ones are of customers who had ordered "
        "before; it takes {fewest} to weigh habits.",
        known=of.known_orders,
        orders=of.orders,
        again=of.again,
        fewest=of.fewest,
    )
    if of.again >= of.fewest:
        return Part("habits", Level.ENOUGH, why)
    if of.known_orders < HALF * of.orders:
        todo = say("Ask your developer to name the column of the customer, or import orders with it.")
    else:
        todo = say("It comes with time: more customers must come back. Import older orders if you have them.")
    return Part("habits", Level.SOME if of.again else Level.NOT_ENOUGH, why, todo)


def _seasons(of: Counted) -> Part:
    days = (of.ended - of.begun) // DAY + 1 if of.orders else 0
    why = say(
        "The orders are of one day.",
        "The orders are of {n} days; it takes a year to see each season once, and two to see it again.",
        n=days,
    )
    if days >= YEAR and of.pairs:
        return Part("seasons", Level.ENOUGH, why)
    some = days >= LEAST and of.pairs
    todo = (
        say("Import the orders of a whole year if you have them. Until then write the seasons that you know.")
        if days < YEAR
        else say("There are too few pairs to tell one season's from another's. See what goes together first.")
    )
    return Part("seasons", Level.SOME if some else Level.NOT_ENOUGH, why, todo)


def _percent(share: float) -> int:
    return int(100 * share + 0.5)
