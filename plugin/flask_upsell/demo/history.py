"""Two years of invented orders with known habits in them, so that learning can be checked against what was planted.

The model, in the order in which the generator draws:

1. `count` moments, uniform over the days `first` to `last` (both included, UTC), hours weighted towards the evening.
   Orders come out sorted by time.
2. One order in three is anonymous; the others belong to one of 1,200 customers, uniformly.
3. A basket starts from a *need* (a category, or one of the two kinds of streaming plan), chosen by `NEEDS`: a weight,
   and another weight in the months of its season: February and March for chocolate, July and August for swimwear.
4. The level within the need: start at the cheapest, and step up with probability `TRADE_UP`, again and again. With two
   levels the shares are 65 % and 35 %; with three 65 %, 22.75 % and 12.25 %.
5. With probability `SECOND_NEED`, a second need of another category, chosen and levelled in the same way.
6. Each `Planted` link whose antecedent is in the basket adds its consequent with its probability, independently of
   everything else; a link with months does so only for orders placed in these months.
7. Each `PASSING` link does the same in its months, between two products that are sold all year: only there do they go
   together. It has dice of its own, so that all else is drawn as without it.
8. Noise: 0, 1 or 2 consequents (`NOISE`), uniform over all of them. Noise never draws an antecedent, so that in baskets
   with the antecedent the consequent is found with probability p + (1 - p) * q, where q (the noise) is about 0.018.

A product is on at most one line of an order. Prices are those of the catalogue, in euro cents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final

from flask_upsell.demo.catalogue import BY_REF, Item, ladder


@dataclass(frozen=True, slots=True)
class Planted:
    """Who buys `antecedent` also buys `consequent` with `probability` (0 to 1), in `months` (1 to 12; None: always)."""

    antecedent: str
    consequent: str
    probability: float
    months: tuple[int, ...] | None = None

    def holds_in(self, month: int) -> bool:
        return self.months is None or month in self.months


@dataclass(frozen=True, slots=True)
class PastLine:
    """`quantity` pieces of `product` (a ref of the catalogue) at `unit_price` euro cents each."""

    product: str
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class PastOrder:
    """A finished order; `customer` is None for a guest, `placed_at` is aware and in UTC."""

    ref: str
    customer: str | None
    placed_at: datetime
    lines: tuple[PastLine, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """A ladder of products, cheapest first, and how often an order starts from it: `weight`, or `high` in `months`."""

    levels: tuple[str, ...]
    weight: float
    months: tuple[int, ...] = ()
    high: float = 0.0

    def weight_in(self, month: int) -> float:
        """The weight for an order of this month (1 to 12)."""
        return self.high if month in self.months else self.weight


TRADE_UP: Final = 0.35
SECOND_NEED: Final = 0.08
NOISE: Final[tuple[float, float, float]] = (0.60, 0.30, 0.10)
ANONYMOUS: Final = 1 / 3
CUSTOMERS: Final = 1_200

GIFT_MONTHS: Final = (2, 3)
BEACH_MONTHS: Final = (7, 8)
ADVENT_MONTHS: Final = (12,)
SCHOOL_MONTHS: Final = (8, 9)

# category of the antecedents -> (consequent, probability); every level of a need has the same habits
_HABITS: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "Laptops": (("BG-0150", 0.42), ("SW-0365", 0.34)),
    "Phones": (("PC-0601", 0.55), ("HP-0420", 0.26)),
    "Tablets": (("TP-0011", 0.44), ("TC-0011", 0.52)),
    "Cameras": (("LN-0050", 0.30), ("TR-0145", 0.24), ("MC-0128", 0.62)),
    "Grills": (("CH-0030", 0.66), ("GT-0003", 0.38), ("CB-0112", 0.22)),
    "Running shoes": (("SK-0002", 0.48), ("IN-0001", 0.27)),
    "Printers": (("SC-0600", 0.25),),
    "Shampoo": (("CD-0200", 0.54),),
    "Chocolate": (("WP-0002", 0.46), ("MS-0001", 0.58)),
    "Swimwear": (("FF-0038", 0.40), ("SU-0050", 0.56), ("BT-0180", 0.44), ("BB-0045", 0.22)),
    "Surgical gloves": (("GW-0010", 0.50), ("CP-0100", 0.45)),
    "Dialysis machines": (("PU-0005", 0.35), ("TS-0024", 0.72), ("IV-0020", 0.64)),
}
_SEASONS: Final = {"Chocolate": GIFT_MONTHS, "Swimwear": BEACH_MONTHS}

PLANTED: Final[tuple[Planted, ...]] = tuple(
    Planted(level.ref, consequent, probability, _SEASONS.get(category))
    for category, habits in _HABITS.items()
    for level in ladder(category)
    for consequent, probability in habits
)

#: What goes together in a part of the year only, although both are sold all year: a phone is a
#: present at Christmas, and who gets a laptop for school or studies wants to hear nobody else.
PASSING: Final = (
    Planted("PH-6128", "WP-0002", 0.55, ADVENT_MONTHS),
    Planted("LT-1408", "HP-0420", 0.45, SCHOOL_MONTHS),
)


def _levels(category: str) -> tuple[str, ...]:
    return tuple(item.ref for item in ladder(category))


NEEDS: Final[tuple[Need, ...]] = (
    Need(_levels("Laptops"), 10),
    Need(_levels("Phones"), 10),
    Need(_levels("Tablets"), 6),
    Need(_levels("Cameras"), 8),
    Need(_levels("Grills"), 4, (4, 5, 6, 7, 8), 8),
    Need(_levels("Running shoes"), 8),
    Need(_levels("Printers"), 6),
    Need(_levels("Shampoo"), 9),
    Need(_levels("Body wash"), 8),
    Need(_levels("Chocolate"), 0.8, GIFT_MONTHS, 26),
    Need(_levels("Swimwear"), 0.6, BEACH_MONTHS, 22),
    Need(_levels("Surgical gloves"), 7),
    Need(_levels("Dialysis machines"), 4),
    Need(_levels("Service contracts"), 9),
    # A plan is stepped up within its own way of paying: a month's price beside a year's would be no ladder.
    Need(tuple(item.ref for item in ladder("Streaming plans") if item.period_months == 1), 10),
    Need(tuple(item.ref for item in ladder("Streaming plans") if item.period_months == 12), 5),
    Need(_levels("Holidays"), 9),
)

# What is bought by the handful: the most pieces on one line.
_AT_MOST: Final = {
    "Charcoal": 4, "Running socks": 3, "Shampoo": 3, "Conditioners": 2, "Body wash": 3, "Chocolate": 3,
    "Message cards": 4, "Sunscreen": 2, "Beach towels": 2, "Surgical gloves": 8, "Surgical gowns": 6,
    "Surgical caps": 5, "Tubing sets": 4, "IV bags": 6, "Memory cards": 2,
}  # fmt: skip

# How many orders in each hour of the day (UTC), night to evening.
_HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 6, 8, 10, 11, 11, 12, 11, 10, 10, 11, 13, 16, 19, 20, 16, 9, 4)

_BY_ANTECEDENT: Final[dict[str, tuple[Planted, ...]]] = {
    ref: tuple(link for link in PLANTED if link.antecedent == ref) for ref in {link.antecedent for link in PLANTED}
}
# Sorted, because the order of a set of strings differs from one run of Python to the next.
_CONSEQUENTS: Final = tuple(sorted({link.consequent for link in PLANTED}))


def past_orders(
    seed: int = 20250214,
    count: int = 6000,
    first: date = date(2024, 11, 1),
    last: date = date(2026, 10, 31),
) -> Iterator[PastOrder]:
    """`count` orders from `first` to `last`, oldest first; the same arguments always give the same orders.

    The module's docstring is the model. Raises ValueError when `last` is before `first`.
    """
    days = (last - first).days + 1
    if days < 1:
        raise ValueError(f"the last day, {last}, is before the first, {first}")
    dice, passing = Random(seed), Random(f"{seed} passing")
    for position, placed_at in enumerate(sorted(_moments(dice, count, first, days)), start=1):
        customer = None if dice.random() < ANONYMOUS else f"customer-{dice.randrange(CUSTOMERS) + 1:04}"
        products = _basket(dice, passing, placed_at.month)
        lines = tuple(PastLine(item.ref, _quantity(dice, item), item.price) for item in products)
        yield PastOrder(f"P{position:06}", customer, placed_at, lines)


def _moments(dice: Random, count: int, first: date, days: int) -> Iterator[datetime]:
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    hours = range(24)
    for _ in range(count):
        hour = dice.choices(hours, weights=_HOURS)[0]
        yield midnight + timedelta(days=dice.randrange(days), hours=hour, seconds=dice.randrange(3600))


def _basket(dice: Random, passing: Random, month: int) -> list[Item]:
    """The products of one order, each once: needs first, then what goes with them, then noise."""
    need = _choose_need(dice, month, NEEDS)
    refs = [_choose_level(dice, need)]
    if dice.random() < SECOND_NEED:
        category = BY_REF[refs[0]].category
        others = tuple(other for other in NEEDS if BY_REF[other.levels[0]].category != category)
        refs.append(_choose_level(dice, _choose_need(dice, month, others)))
    for antecedent in tuple(refs):
        links = _BY_ANTECEDENT.get(antecedent, ())
        refs.extend(link.consequent for link in links if link.holds_in(month) and dice.random() < link.probability)
    here = [link for link in PASSING if link.antecedent in refs and link.holds_in(month)]
    refs += [link.consequent for link in here if link.consequent not in refs and passing.random() < link.probability]
    wanted = dice.choices(range(len(NOISE)), weights=NOISE)[0]
    refs.extend(ref for ref in dice.sample(_CONSEQUENTS, wanted) if ref not in refs)
    return [BY_REF[ref] for ref in refs]


def _choose_need(dice: Random, month: int, needs: tuple[Need, ...]) -> Need:
    return dice.choices(needs, weights=[need.weight_in(month) for need in needs])[0]


def _choose_level(dice: Random, need: Need) -> str:
    level = 0
    while level < len(need.levels) - 1 and dice.random() < TRADE_UP:
        level += 1
    return need.levels[level]


def _quantity(dice: Random, item: Item) -> int:
    """Mostly one piece; every second line of a consumable has more."""
    most = _AT_MOST.get(item.category, 1)
    return dice.randint(2, most) if most > 1 and dice.random() < 0.5 else 1
