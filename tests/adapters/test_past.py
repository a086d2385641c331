"""The last orders of a store, from lines in any order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flask_upsell.adapters.past import CHUNK, LOOKS, PastOrders
from flask_upsell.core.ports import OrderLine

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class History:
    """A store's stream of lines; remembers from when it was asked for."""

    def __init__(self, *lines: OrderLine) -> None:
        self.lines, self.asked = lines, list[datetime | None]()

    def __call__(self, since: datetime | None = None) -> Iterator[OrderLine]:
        self.asked.append(since)
        return (line for line in self.lines if since is None or line.placed_at >= since)


def line(order: str, product: str, days: float, quantity: int = 1, price: int = 100) -> OrderLine:
    return OrderLine(order, product, quantity, price, NOW - timedelta(days=days))


def test_the_last_orders_come_oldest_first_whatever_the_order_of_their_lines() -> None:
    """Planted bug that it shows: the first ones of the stream are taken for the last ones of the store."""
    history = History(
        line("new", "a", 1),
        line("old", "a", 20),
        line("mid", "a", 10),
        line("new", "b", 1, 3, 250),
        line("mid", "c", 9),
    )
    with PastOrders(history, 2, NOW, lambda _: None) as past:
        found = list(past)
        assert len(past) == 2
    assert [order.lines for order in found] == [(("a", 1, 100), ("c", 1, 100)), (("a", 1, 100), ("b", 3, 250))]
    assert [order.placed_at for order in found] == [NOW - timedelta(days=10), NOW - timedelta(days=1)]
    assert history.asked == [NOW - LOOKS[0]]


def test_it_looks_further_back_only_where_there_are_too_few() -> None:
    history = History(line("1", "a", 1), line("2", "a", 100), line("3", "a", 1000))
    for most, looked in ((1, 1), (2, 2), (3, 3), (9, 3)):
        history.asked.clear()
        with PastOrders(history, most, NOW, lambda _: None) as past:
            assert [len(order.lines) for order in past] == [1] * min(most, 3)
        assert history.asked == [NOW - LOOKS[0], NOW - LOOKS[1], None][:looked]


def test_what_came_back_and_what_is_no_text_is_left_out() -> None:
    history = History(
        line("1", "a", 1),
        line("1", "a", 0.5, -1),
        line("2", "b", 1, -2),
        line("3", "\ud800", 1),
        line("4", "c", 1, 1, -5),
    )
    with PastOrders(history, 10, NOW, lambda _: None) as past:
        assert [order.lines for order in past] == [(("a", 1, 100),)]


def test_reading_tells_how_far_it_is_and_can_be_ended() -> None:
    history = History(*[line(str(number), "a", 1) for number in range(2 * CHUNK + 1)])
    told: list[int] = []
    with PastOrders(history, 5, NOW, told.append) as past:
        assert len(list(past)) == 5
    assert told == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1]

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    stopped = PastOrders(history, 5, NOW, stop)
    with pytest.raises(KeyboardInterrupt), stopped:
        pass
    assert not Path(stopped._folder.name).exists()
