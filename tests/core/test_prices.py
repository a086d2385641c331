"""What a reduction is measured by: the lowest price of 30 days, known without a gap, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from flask_upsell.core.prices import (
    LONGEST,
    UNSEEN,
    WINDOW,
    Past,
    Price,
    Seen,
    Source,
    differing,
    joined,
    lowest,
    lowest_now,
    past,
    recordable,
)

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def seen(price: int, since: float, until: float, source: Source = Source.PUBLISHED, **more: Any) -> Seen:
    """A price of "cup" between two instants, in days before NOW."""
    given = {"product": "cup", "variant": "", "currency": "EUR", **more}
    return Seen(price=price, since=NOW - since * DAY, until=NOW - until * DAY, source=source, **given)


def paid(price: int, ago: float, rule: str = "") -> Seen:
    return seen(price, ago, ago, Source.ORDERED, rule=rule)


def known(*rows: Seen) -> Past | None:
    return past(rows, "EUR")


def test_it_is_the_lowest_of_the_30_days_before() -> None:
    """10.00, for a day 8.00, and 12.00 since; the reduction begins now."""
    rows = [seen(1000, 60, 20), seen(800, 20, 19), seen(1200, 19, 0)]
    assert lowest(known(*rows), NOW, NOW) == 800
    assert lowest_now(rows, "EUR", NOW) == 800
    # As soon as the low price is 30 days old it is none of them any more.
    later = [seen(1000, 60, 31.5), seen(800, 31.5, 30.5), seen(1200, 30.5, 0)]
    assert lowest(known(*later), NOW, NOW) == 1200


def test_a_price_counts_until_the_next_one_was_seen() -> None:
    """Last seen at 8.00 30 days and an hour ago, and at 12.00 an hour later: it may have cost 8.00 until then."""
    rows = [seen(800, 60, 30.2), seen(1200, 29.9, 0)]
    assert lowest(known(*rows), NOW, NOW) == 800
    assert lowest(known(seen(800, 60, 30.2), seen(1200, 30.1, 0)), NOW, NOW) == 1200


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((), "never seen"),
        ((seen(1000, 29.9, 0),), "not known for 30 days"),
        ((seen(1000, 60, 20), seen(1000, 17.9, 0)), "a gap of more than two days"),
        ((seen(1000, 60, 2.1),), "not seen any more"),
        ((seen(1000, 60, 0, currency="USD"),), "another currency"),
        ((seen(1000, 60, 0, variant="s"),), "only a variant"),
        ((paid(1000, 60), paid(1000, 30), paid(1000, 0)), "only what was paid"),
    ],
)
def test_what_is_not_known_is_not_claimed(rows: tuple[Seen, ...], why: str) -> None:
    assert lowest(known(*rows), NOW, NOW) is None, why
    assert lowest_now(rows, "EUR", NOW) is None, why


def test_a_gap_of_two_days_is_none() -> None:
    rows = (seen(1000, 60, 20), seen(1000, 18, 0))
    assert lowest(known(*rows), NOW, NOW) == 1000
    assert lowest(known(seen(1000, 60, 1.99)), NOW, NOW) == 1000


def test_a_reduction_counts_what_was_asked_since_it_began() -> None:
    """Began 20 days ago; 10 days ago the store's own price went down, too."""
    rows = (seen(1200, 60, 40), seen(1000, 40, 10), seen(900, 10, 0))
    assert lowest(known(*rows), NOW - 20 * DAY, NOW) == 900
    assert lowest(known(*rows), NOW - 20 * DAY, NOW - 11 * DAY) == 1000
    assert lowest(known(seen(700, 60, 50.5), *rows[1:]), NOW - 20 * DAY, NOW) is None, "a gap before it"


def test_what_a_reduction_costs_itself_does_not_count_but_what_it_cost_before_does() -> None:
    store = seen(1000, 120, 0)
    began = NOW - 10 * DAY
    assert lowest(known(store, paid(800, 5, "sale")), began, NOW, {"sale"}) == 1000
    assert lowest(known(store, paid(800, 5, "sale")), began, NOW, {"other"}) == 800
    assert lowest(known(store, paid(800, 5)), began, NOW, {"sale"}) == 800
    assert lowest(known(store, paid(800, 12, "sale")), began, NOW, {"sale"}) == 800
    assert lowest(known(store, paid(800, 41, "sale")), began, NOW, {"sale"}) == 1000


def test_many_orders_of_a_reduction_are_one_spell() -> None:
    found = known(seen(1000, 120, 0), *[paid(800, ago, "sale") for ago in range(60)])
    assert found is not None and len(found.spells) == 2
    assert lowest(found, NOW - 10 * DAY, NOW, {"sale"}) == 800
    assert lowest(found, NOW - 60 * DAY, NOW, {"sale"}) == 1000


def test_a_cheaper_variant_counts() -> None:
    rows = (seen(1000, 60, 0), seen(900, 60, 0, variant="s"), seen(100, 60, 0, currency="USD"))
    assert lowest(known(*rows), NOW, NOW) == 900


def test_what_is_reduced_for_too_long_is_not_reduced() -> None:
    rows = known(seen(1000, 200, 0))
    assert lowest(rows, NOW - LONGEST, NOW) == 1000
    assert lowest(rows, NOW - LONGEST - HOUR, NOW) is None
    assert lowest(rows, NOW + HOUR, NOW) is None, "it has not begun"


def test_rows_are_joined_where_a_price_was_seen_again() -> None:
    rows = [seen(1000, 9, 8), seen(1000, 7, 6), seen(900, 5, 5), seen(1000, 4, 3), seen(1000, 0.5, 0)]
    assert [(row.price, (NOW - row.since) / DAY, (NOW - row.until) / DAY) for row in joined(rows)] == [
        (1000, 9, 6), (900, 5, 5), (1000, 4, 3), (1000, 0.5, 0),
    ]  # fmt: skip
    overlapping = [seen(1000, 180, 5), seen(1000, 5, 5), seen(1000, 5, 0)]
    assert [(row.since, row.until) for row in joined(overlapping)] == [(NOW - 180 * DAY, NOW)]


@pytest.mark.parametrize(
    "price",
    [
        Price("", "", "EUR", 1),
        Price("x" * 201, "", "EUR", 1),
        Price("cup", "v" * 201, "EUR", 1),
        Price("c\0p", "", "EUR", 1),
        Price("\ud800", "", "EUR", 1),
        Price("cup", "", "EURO", 1),
        Price("cup", "", "EUR", -1),
        Price("cup", "", "EUR", 2**63),
    ],
)
def test_what_no_ledger_can_hold_is_left_out(price: Price) -> None:
    assert not recordable(price)
    assert recordable(Price("cup", "", "EUR", 0))


def test_what_was_paid_less_than_the_store_asks() -> None:
    lines = [Price("cup", "", "EUR", 900), Price("pot", "", "EUR", 1200), Price("new", "", "EUR", 5)]
    own = {("cup", ""): 1000, ("pot", ""): 1200}
    assert differing(lines, own) == [lines[0], lines[2]]


# --- random histories ------------------------------------------------------------------------------------------------


def minutes(random: Random, most: int) -> timedelta:
    return timedelta(minutes=random.randrange(most))


def drawn(random: Random) -> tuple[list[tuple[datetime, int]], list[Seen], list[tuple[datetime, int, str]]]:
    """60 days of a store: its price from each change on, what the ledger saw of it, and what was paid under rules.

    A change is always seen (product_changed); the book is published about daily, sometimes not for days.
    """
    start = NOW - 60 * DAY
    changes = [(start, random.randrange(500, 2000))]
    changes += sorted(
        (start + minutes(random, 60 * 1440), random.randrange(500, 2000)) for _ in range(random.randrange(6))
    )
    looks = {at for at, _ in changes}
    at, careless = start, random.random() < 0.4
    while at < NOW:
        looks.add(at)
        at += timedelta(minutes=random.randrange(600, 1500 if not careless else 3600))
    if random.random() < 0.9:
        looks.add(NOW - minutes(random, 2000))
    rows: list[Seen] = []
    for at in sorted(looks):
        price = [price for since, price in changes if since <= at][-1]
        if rows and rows[-1].price == price and at - rows[-1].until <= UNSEEN:
            rows[-1] = Seen("cup", "", "EUR", price, rows[-1].since, at, Source.PUBLISHED)
        else:
            rows.append(Seen("cup", "", "EUR", price, at, at, Source.PUBLISHED))
    orders = [
        (start + minutes(random, 60 * 1440), random.randrange(300, 1500), random.choice(["", "sale", "other"]))
        for _ in range(random.randrange(4))
    ]
    return changes, rows, orders


def oracle(
    changes: list[tuple[datetime, int]], looks: list[Seen], orders: list[tuple[datetime, int, str]], began: datetime
) -> int | None:
    """From the store's own history, and from when it was looked at: written without the code's own means."""
    first = began - timedelta(days=30)
    times = sorted({each for row in looks for each in (row.since, row.until)})
    spans = sorted((row.since, row.until) for row in looks)
    if not spans or spans[0][0] > first or NOW - times[-1] >= timedelta(days=2):
        return None
    covered = spans[0][1]
    for since, until in spans[1:]:
        if since - covered > timedelta(days=2) and since > first:
            return None
        covered = max(covered, until)
    held = [
        price
        for place, (since, price) in enumerate(changes)
        if since <= NOW and (place + 1 == len(changes) or changes[place + 1][0] >= first)
    ]
    held += [price for at, price, rule in orders if first <= at <= NOW and (rule != "sale" or at < began)]
    return min(held)


def test_random_histories_have_the_lowest_price_of_their_window(
    amount: Callable[[int, int], int], figure: Callable[[str, object, str], None]
) -> None:
    """60 days each, ledgers with gaps among them. Planted bugs that it shows: the window of 29 days; gaps up to 3 days
    taken for none; what the reduction cost before it began left out."""
    random, wrong, claimed, count = Random("prices"), 0, 0, amount(1_500, 100_000)
    for _ in range(count):
        changes, rows, orders = drawn(random)
        began = NOW - minutes(random, 40 * 1440)
        every = [*rows, *[Seen("cup", "", "EUR", price, at, at, Source.ORDERED, rule) for at, price, rule in orders]]
        random.shuffle(every)
        expected = oracle(changes, rows, orders, began)
        found = lowest(past(every, "EUR"), began, NOW, {"sale"})
        wrong += found != expected
        claimed += found is not None
    figure("histories whose reference price is wrong", f"{wrong} of {count:,} ({claimed:,} claims)", "0")
    assert wrong == 0
    assert count * 0.1 < claimed < count * 0.9, "both claims and gaps are there"
    assert timedelta(days=30) == WINDOW
