"""Which step up a known shopper turns to: what is owned by those who own alike things."""

from __future__ import annotations

from math import exp
from operator import mul

from .affinity import Affinities, Affinity, signed

#: The logarithm of how much likelier, or less likely, a taste makes anything at most.
MOST = 3.0


def leaned(leads: Affinities, taste: bytes) -> list[tuple[float, Affinity]]:
    """(share of those who turn to any that choose this one, upgrade), the best first; by all people where the taste is
    empty or nothing is known of it."""
    found = [(each.weight, each) for each in leads.upgrades]
    if not taste or not leads.turns:
        return found
    own, turns = signed(taste), leads.leanings
    leaning = []
    for weight, each in found:
        turn = turns.get(each.consequent)
        if turn is not None:
            even, slope, vector = turn
            weight *= exp(min(max(even + slope * sum(map(mul, own, vector)), -MOST), MOST))
        leaning.append((weight, each))
    # Together as likely as before: lines of a cart are compared by it.
    whole = sum([weight for weight, _ in leaning])
    scale = sum([weight for weight, _ in found]) / whole if whole > 0 else 0.0
    return sorted([(weight * scale, each) for weight, each in leaning], key=_backwards)


def _backwards(each: tuple[float, Affinity]) -> float:
    return -each[0]
