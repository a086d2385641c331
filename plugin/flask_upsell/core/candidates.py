"""Look up: what the book leads to from the lines of a context."""

from __future__ import annotations

from .affinity import Affinity
from .book import Book
from .context import Context, Line
from .offer import Candidate, Kind

#: A wholesale cart of 5,000 lines is judged by its first lines; shoppers' carts are far smaller.
MOST_LINES = 200


def look_up(context: Context, book: Book) -> list[Candidate]:
    """A candidate for each upgrade of a line, and one for each complement with its weights summed over the lines."""
    found: list[Candidate] = []
    weights: dict[str, float] = {}
    strongest: dict[str, tuple[Affinity, Line]] = {}
    for line in context.anchors[:MOST_LINES]:
        if line.quantity < 1:
            continue
        leads = book.leads_to(line.product)
        found += [Candidate(Kind.UPGRADE, a.consequent, line, a, a.weight) for a in leads.upgrades]
        for affinity in leads.complements:
            ref, weight = affinity.consequent, affinity.weight
            if ref in weights:
                weights[ref] += weight
                if weight > strongest[ref][0].weight:
                    strongest[ref] = (affinity, line)
            else:
                weights[ref] = weight
                strongest[ref] = (affinity, line)
    for ref, (affinity, line) in strongest.items():
        # Rounded, because a sum of floats depends on the order of the lines in its last digit.
        found.append(Candidate(Kind.COMPLEMENT, ref, line, affinity, round(weights[ref], 9)))
    return found
