"""What was planted into the past orders is in them, and nothing else stands out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from math import sqrt

import pytest

from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product
from flask_upsell.core.seasonal import Seasons, days_of
from flask_upsell.demo.catalogue import BY_REF, CATALOGUE
from flask_upsell.demo.history import (
    ANONYMOUS,
    BEACH_MONTHS,
    GIFT_MONTHS,
    NEEDS,
    NOISE,
    PASSING,
    PLANTED,
    TRADE_UP,
    Need,
    PastOrder,
    Planted,
    past_orders,
)
from flask_upsell.learn.mining import Mining, Parameters
from flask_upsell.web.rulefile import load
from tests.conftest import ROOT
from tests.learn.histories import silent

# One consequent's share of the noise: the mean number of noise products over the number of consequents.
NOISE_SHARE = (NOISE[1] + 2 * NOISE[2]) / len({link.consequent for link in PLANTED})


WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def orders() -> list[PastOrder]:
    return list(past_orders())


def products(order: PastOrder) -> set[str]:
    return {line.product for line in order.lines}


def near(found: float, expected: float, trials: int) -> bool:
    """Within four standard deviations of a binomial share."""
    return abs(found - expected) <= 4 * sqrt(expected * (1 - expected) / trials)


def test_the_same_seed_gives_the_same_orders(orders: list[PastOrder]) -> None:
    assert list(past_orders()) == orders
    assert list(past_orders(seed=1, count=50)) != list(past_orders(seed=2, count=50))


def test_orders_have_the_promised_form(orders: list[PastOrder]) -> None:
    assert len(orders) == 6000
    assert len({order.ref for order in orders}) == 6000
    assert all(before.placed_at <= after.placed_at for before, after in pairwise(orders))
    assert orders[0].placed_at >= datetime(2024, 11, 1, tzinfo=UTC)
    assert orders[-1].placed_at < datetime(2026, 11, 1, tzinfo=UTC)
    for order in orders:
        assert order.placed_at.tzinfo is UTC
        assert order.lines
        assert len(products(order)) == len(order.lines)
        for line in order.lines:
            assert line.quantity >= 1
            assert line.unit_price == BY_REF[line.product].price


def test_a_third_is_anonymous_and_customers_come_back(orders: list[PastOrder]) -> None:
    known = Counter(order.customer for order in orders if order.customer)
    assert near(1 - known.total() / len(orders), ANONYMOUS, len(orders))
    assert sum(times > 1 for times in known.values()) > 500


def test_every_product_occurs_often_enough_to_be_learned(orders: list[PastOrder]) -> None:
    seen = Counter(line.product for order in orders for line in order.lines)
    assert {item.ref: seen[item.ref] for item in CATALOGUE if seen[item.ref] < 40} == {}


@pytest.mark.parametrize("link", PLANTED, ids=lambda link: f"{link.antecedent}-{link.consequent}")
def test_a_planted_link_has_its_share(orders: list[PastOrder], link: Planted) -> None:
    baskets = [products(order) for order in orders if link.months is None or order.placed_at.month in link.months]
    chosen = [basket for basket in baskets if link.antecedent in basket]
    expected = link.probability + (1 - link.probability) * NOISE_SHARE
    assert near(sum(link.consequent in basket for basket in chosen) / len(chosen), expected, len(chosen))


def test_seasonal_links_hold_in_their_months_only() -> None:
    # Many orders, because few of these products are sold out of season.
    many = list(past_orders(count=40_000))
    for link in PLANTED:
        if link.months is None:
            continue
        outside = [products(order) for order in many if order.placed_at.month not in link.months]
        chosen = [basket for basket in outside if link.antecedent in basket]
        assert len(chosen) > 30
        assert sum(link.consequent in basket for basket in chosen) / len(chosen) < 0.08, link


@pytest.mark.parametrize(("category", "months"), [("Chocolate", GIFT_MONTHS), ("Swimwear", BEACH_MONTHS)])
def test_seasonal_products_are_sold_mostly_in_their_months(
    orders: list[PastOrder], category: str, months: tuple[int, ...]
) -> None:
    sold = [
        order.placed_at.month for order in orders if any(BY_REF[ref].category == category for ref in products(order))
    ]
    assert sum(month in months for month in sold) / len(sold) > 0.75


@pytest.mark.parametrize("link", PASSING, ids=lambda link: f"{link.antecedent}-{link.consequent}")
def test_a_passing_link_joins_two_that_are_sold_all_year(orders: list[PastOrder], link: Planted) -> None:
    """Together in its months, by chance alone in the others; in neither is more sold of the first one."""
    chosen = [order for order in orders if link.antecedent in products(order)]
    within = [order for order in chosen if link.holds_in(order.placed_at.month)]
    both = [order for order in chosen if link.consequent in products(order)]
    together = sum(order in within for order in both)
    expected = link.probability + (1 - link.probability) * NOISE_SHARE
    assert near(together / len(within), expected, len(within))
    assert near((len(both) - together) / (len(chosen) - len(within)), NOISE_SHARE, len(chosen) - len(within))
    usual = sum(link.holds_in(order.placed_at.month) for order in orders) / len(orders)
    assert near(len(within) / len(chosen), usual, len(chosen))
    assert {order.placed_at.month for order in orders if link.consequent in products(order)} == set(range(1, 13))


def test_what_passes_is_what_learning_finds_with_its_months_and_season(orders: list[PastOrder]) -> None:
    """Twice in the two years, both ways, and no other pair."""
    goods = [Product(item.ref, item.title, item.price, "EUR", category=item.category) for item in CATALOGUE]
    lines = (
        OrderLine(order.ref, line.product, line.quantity, line.unit_price, order.placed_at, order.customer)
        for order in orders
        for line in order.lines
    )
    with Mining(lines, goods, Parameters(), silent) as mined:
        found = {(each.antecedent, each.consequent): each for each in mined.seasonal()}
    wanted = {pair: link for link in PASSING for pair in permutations((link.antecedent, link.consequent))}
    assert found.keys() == wanted.keys()
    seasons = Seasons(load([ROOT / "config" / "seasons.yaml"]).seasons, date(2026, 11, 1))
    for pair, seen in found.items():
        months = wanted[pair].months or ()
        start, end = days_of(seen.window)
        assert abs(start - date(start.year, months[0], 1)) <= WEEK, seen.window
        assert abs(end + timedelta(days=1) - date(end.year + months[-1] // 12, months[-1] % 12 + 1, 1)) <= WEEK
        assert seen.years == 2
        season = seasons.nearest(seen.window)
        assert season is not None and season.name == {12: "christmas", 9: "back-to-school"}[months[-1]]


def test_the_planted_links_are_those_of_the_examples() -> None:
    pairs = {(BY_REF[link.antecedent].category, BY_REF[link.consequent].category) for link in PLANTED}
    for antecedent, consequents in {
        "Laptops": ("Laptop bags", "Office software"),
        "Phones": ("Phone cases", "Headphones"),
        "Tablets": ("Touch pens", "Tablet covers"),
        "Cameras": ("Camera lenses", "Tripods", "Memory cards"),
        "Grills": ("Charcoal", "Grill tools", "Cookbooks"),
        "Running shoes": ("Running socks", "Insoles"),
        "Printers": ("Scanners",),
        "Shampoo": ("Conditioners",),
        "Chocolate": ("Wrapping paper", "Message cards"),
        "Swimwear": ("Flip-flops", "Sunscreen", "Beach towels", "Beach balls"),
        "Surgical gloves": ("Surgical gowns", "Surgical caps"),
        "Dialysis machines": ("Infusion pumps", "Tubing sets", "IV bags"),
    }.items():
        assert {pair for pair in pairs if pair[0] == antecedent} == {(antecedent, name) for name in consequents}
    assert {BY_REF[link.antecedent].category for link in PLANTED if link.months} == {"Chocolate", "Swimwear"}


@pytest.mark.parametrize("need", [need for need in NEEDS if len(need.levels) > 1], ids=lambda need: need.levels[0])
def test_the_share_that_trades_up(orders: list[PastOrder], need: Need) -> None:
    sold = Counter(ref for order in orders for ref in products(order) if ref in need.levels)
    for step in range(len(need.levels) - 1):
        stayed, rest = sold[need.levels[step]], sum(sold[ref] for ref in need.levels[step:])
        assert near(1 - stayed / rest, TRADE_UP, rest), (need.levels[step], stayed, rest)


def test_no_pair_stands_out_that_was_not_planted(orders: list[PastOrder]) -> None:
    """Pairs of a main product and a complement of another need: never near a planted share."""
    planted = {(link.antecedent, link.consequent) for link in PLANTED}
    mains = {ref for need in NEEDS for ref in need.levels}
    seen, together = Counter[str](), Counter[tuple[str, str]]()
    for order in orders:
        basket = products(order)
        seen.update(basket)
        together.update((main, other) for main in basket & mains for other in basket - mains)
    for (main, other), times in together.items():
        if (main, other) not in planted and seen[main] >= 40:
            # Out of season, chocolate and swimwear have no links, but their pairs are planted ones all the same.
            assert times / seen[main] < 0.13, (main, other, times)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="before the first"):
        list(past_orders(first=date(2026, 1, 2), last=date(2026, 1, 1)))


def test_one_day_is_a_span() -> None:
    day = date(2026, 2, 14)
    assert {order.placed_at.date() for order in past_orders(count=20, first=day, last=day)} == {day}
