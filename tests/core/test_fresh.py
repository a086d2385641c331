"""A shopper's habits with their orders since, by hand. (What orders add to counts is compared with a learning:
tests/test_fresh.py.)"""

from __future__ import annotations

from flask_upsell.core.fresh import joined
from flask_upsell.core.taste import KEPT, NOTHING, Habits

LEARNED = Habits(((50, ("a", "b")), (40, ("c",))), {"a": 9, "b": 2, "c": 4}, b"taste", (("d", 0.5),))


def test_orders_since_are_sorted_in_by_when_they_were_placed() -> None:
    """One may have been placed before the last one that was learned from, and is noted later."""
    now = joined(LEARNED, [(60, ("b", "e")), (45, ("a",))], {"a": 10, "b": 3, "e": 1})
    assert now.baskets == ((60, ("b", "e")), (50, ("a", "b")), (45, ("a",)), (40, ("c",)))
    assert now.orders == {"a": 9, "b": 2, "c": 4, "e": 1}, "as the model has seen it, and what it has not seen"
    assert (now.taste, now.drawn) == (LEARNED.taste, LEARNED.drawn)


def test_no_more_orders_are_kept_than_are_looked_at() -> None:
    """Nor counts of what is in none of them. Planted bug that it shows: the oldest are kept."""
    now = joined(LEARNED, [(100 + number, ("e",)) for number in range(KEPT - 1)], {"e": 1})
    assert len(now.baskets) == KEPT and now.baskets[0][0] == 98 + KEPT and now.baskets[-1] == (50, ("a", "b"))
    assert now.orders == {"a": 9, "b": 2, "e": 1}


def test_without_orders_since_all_is_as_it_was_learned() -> None:
    assert joined(LEARNED, [], {}) == LEARNED and joined(NOTHING, [], {}) == NOTHING
