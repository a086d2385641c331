"""What must hold for every discounted line, for very many generated carts: `python -m tests.properties`.

The same seed gives the same carts. A line is compared with a model that goes through its units one by one; what is
spread or given back is compared with what it must sum to. `core/test_discount.py` checks a few thousand carts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import Pool
from random import Random
from typing import NamedTuple

from flask_upsell.core.discount import Priced, apply, best, breaks_own_floor, refund, spread
from flask_upsell.core.money import Money, exponent
from flask_upsell.core.offer import Code
from flask_upsell.core.rule import Discount, Floor, Nothing, Off, Rule

#: With 0, 2, 2, 3 and 4 digits after the point.
CURRENCIES = ("JPY", "EUR", "USD", "KWD", "CLF")
#: Carts that one process checks at a time, and mismatches that it tells of.
CARTS, TOLD = 5_000, 5
#: Half of what is generated comes from here: where halves, thirds and wholes are.
PERCENTS = (1, 500, 1000, 1250, 2500, 3333, 5000, 6667, 9999, 10_000)
RULES = [Rule(name=name, offer=Nothing()) for name in ("a", "b", "c", "d", "e")]

Chance = Callable[[], float]


class Asked(NamedTuple):
    """A line before its discount; the arguments of `apply`."""

    discount: Discount
    unit_price: int
    currency: str
    quantity: int
    cost: int | None

    def priced(self) -> Priced | Code:
        return apply(self.discount, self.unit_price, self.currency, self.quantity, cost=self.cost)


class Outcome(NamedTuple):
    """How often each discount and each refusal came out, and what did not hold, with the cart that shows it."""

    counts: Counter[str]
    mismatches: list[str]


# --- carts -----------------------------------------------------------------------------------------------------------


def cart(chance: Chance, currency: str) -> list[Asked]:
    """One to five lines."""
    return [line(chance, currency) for _ in range(1 + int(chance() * 5))]


def line(chance: Chance, currency: str) -> Asked:
    size = 10 ** exponent(currency)
    # From a few minor units, where rounding matters most, to more than anything costs.
    unit_price = int(chance() * (10, 20 * size, 2000 * size, 10**12)[min(3, int(chance() * 3.1))])
    cost = None if chance() < 0.1 else int(unit_price * chance() * 1.1)
    return Asked(discount(chance, currency, unit_price), unit_price, currency, 1 + int(chance() * chance() * 12), cost)


def discount(chance: Chance, currency: str, unit_price: int) -> Discount:
    def amount(share: float) -> tuple[Money, ...]:
        # At a bound, or just beside it, as often as anywhere else.
        bound = int(unit_price * share)
        value = bound - 1 + int(chance() * 3) if chance() < 0.3 else int(bound * chance())
        held = Money(max(1, value), currency)
        if chance() < 0.1:
            other = Money(1, "USD" if currency == "EUR" else "EUR")
            return (other, held) if chance() < 0.7 else (other,)
        return (held,)

    kind = tuple(Off)[int(chance() * 5)]
    percent = 1 + int(chance() * 10_000) if chance() < 0.5 else PERCENTS[int(chance() * len(PERCENTS))]
    capped = kind in (Off.PERCENT, Off.AMOUNT) and chance() < 0.4
    return Discount(
        off=kind,
        percent=percent if kind is Off.PERCENT else 0,
        amount=amount(1.0) if kind is Off.AMOUNT else (),
        price=amount(1.0) if kind is Off.PRICE else (),
        most=amount(2.0) if capped else (),
        most_units=1 + int(chance() * 4) if kind is not Off.FREE_SHIPPING and chance() < 0.4 else None,
        floor=Floor(
            cost=chance() < 0.15,
            margin_percent=int(chance() * 100) if chance() < 0.15 else None,
            price=amount(0.5) if chance() < 0.15 else (),
        ),
    )


# --- what must hold --------------------------------------------------------------------------------------------------


def expected(asked: Asked) -> list[int] | Code:
    """The price of every unit, worked out one unit after the other, or the reason against the offer."""
    rule, price, currency, quantity, cost = asked

    def held(amounts: tuple[Money, ...]) -> int:
        return {each.currency: each.amount for each in amounts}[currency]

    saving, rest = divmod(price * rule.percent, 10_000)
    try:
        match rule.off:
            case Off.PERCENT:
                target = price - saving - (rest >= 5000)
            case Off.AMOUNT:
                target = price - held(rule.amount)
            case Off.PRICE:
                target = held(rule.price)
            case Off.FREE_SHIPPING:
                target = price
            case Off.GIFT:
                target = 0
        most = held(rule.most) if rule.most else price * quantity
        if target < 0:
            return Code.BELOW_FLOOR
        many = quantity if rule.most_units is None else min(quantity, rule.most_units)
        if (price - target) * many > most:
            units = [price - most // many - (at < most % many) for at in range(many)]
        else:
            units = [target] * many
        units += [price] * (quantity - many)
        if rule.off is not Off.FREE_SHIPPING and sum(units) >= price * quantity:
            return Code.NO_SAVING
        if rule.floor.price and any(unit < held(rule.floor.price) for unit in units):
            return Code.BELOW_FLOOR
    except KeyError:
        return Code.OTHER_CURRENCY
    margin = rule.floor.margin_percent
    if cost is None:
        return Code.UNKNOWN_COST if rule.floor.cost or margin is not None else units
    for unit in units:
        if (rule.floor.cost and cost > unit) or (margin is not None and unit * (100 - margin) < cost * 100):
            return Code.BELOW_FLOOR
    return units


def wrong_line(asked: Asked, found: Priced | Code, chance: Chance) -> Iterator[str]:
    """What does not hold for one line."""
    wanted = expected(asked)
    if isinstance(found, Code) or isinstance(wanted, Code):
        if found != wanted:
            yield f"is {found!r} instead of {wanted!r}"
        elif found is Code.BELOW_FLOOR and breaks_own_floor(*asked[:2], asked.cost, asked.currency) is not found:
            yield "is below a floor, but one unit is not"
        return
    units = found.units()
    if units != wanted:
        yield f"has units at {units} instead of {wanted}"
    if sum(units) != found.total or len(units) != found.quantity or min(units) < 0 or found.off < 0:
        yield f"has units at {units}, which are not its total, or below zero"
    if found.even_price != (units[0] if len(set(units)) == 1 else None):
        yield f"has the even price {found.even_price}, but units at {units}"
    if asked._replace(unit_price=found.unit_price).priced() != found:
        yield "has another price when it is priced again"
    back = total = 0
    while back < found.quantity:
        units_back = 1 + int(chance() * (found.quantity - back))
        given = refund(found, units_back, back)
        if given < 0 or abs(given * found.quantity - found.total * units_back) >= found.quantity:
            yield f"gives back {given} for {units_back} units after {back}"
        back, total = back + units_back, total + given
    if total != found.total:
        yield f"gives back {total} in all"


def wrong_cart(lines: list[Priced], chance: Chance) -> Iterator[str]:
    """What does not hold for the lines together: an amount off the order, spread over them, and the best of them."""
    totals = [each.total for each in lines]
    whole = sum(totals)
    off = int(whole * chance())
    parts = spread(off, totals)
    if sum(parts) != off:
        yield f"spreads {off} as {parts}, which is {sum(parts)}"
    for part, total in zip(parts, totals, strict=True):
        if not 0 <= part <= total or abs(part * whole - off * total) >= max(whole, 1):
            yield f"spreads {off} over {totals} as {parts}"
    options = list(zip(RULES, lines, strict=False))
    choice = best(options)
    if choice != best(options[::-1]) or (choice and choice[1].off != max(each.off for each in lines)):
        yield f"chooses {choice}"


def check(currency: str, carts: int, seed: str) -> Outcome:
    """So many carts of one currency."""
    chance = Random(seed).random
    counts: Counter[str] = Counter()
    mismatches: list[str] = []
    for number in range(carts):
        lines = []
        for asked in cart(chance, currency):
            found = asked.priced()
            mismatches += (f"{seed}, cart {number}: {asked} {why}" for why in wrong_line(asked, found, chance))
            if isinstance(found, Code):
                counts[found.value] += 1
            else:
                counts[asked.discount.off.value] += 1
                lines.append(found)
        mismatches += (f"{seed}, cart {number}: {lines} {why}" for why in wrong_cart(lines, chance))
    return Outcome(counts, mismatches)


# --- on demand -------------------------------------------------------------------------------------------------------


def _check(task: tuple[str, int, str]) -> tuple[int, Counter[str], int, list[str]]:
    counts, mismatches = check(*task)
    return task[1], counts, len(mismatches), mismatches[:TOLD]


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.properties", description=__doc__)
    options.add_argument("--carts", type=int, default=100_000, help="in each of the currencies; 100,000 by default")
    options.add_argument("--seed", default="1", help="any text; the same one gives the same carts")
    options.add_argument("--processes", type=int, default=os.cpu_count(), help="by default one for each processor")
    given = options.parse_args()
    tasks = [
        (currency, min(CARTS, given.carts - start), f"{given.seed}/{currency}/{start}")
        for start in range(0, given.carts, CARTS)
        for currency in CURRENCIES
    ]
    started, done, wrong, shown = time.monotonic(), 0, 0, -1
    of = given.carts * len(CURRENCIES)
    counts: Counter[str] = Counter()
    with Pool(given.processes) as pool:
        for carts, found, mismatches, told in pool.imap_unordered(_check, tasks):
            done, wrong = done + carts, wrong + mismatches
            counts += found
            for each in told:
                print(each)
            if done * 20 // of > shown:
                shown = done * 20 // of
                print(f"{time.monotonic() - started:6.1f} s  {done:,} of {of:,} carts, {wrong} mismatches", flush=True)
    print(f"{counts.total():,} lines: " + ", ".join(f"{name} {count:,}" for name, count in counts.most_common()))
    print(f"{given.carts:,} carts in each of {', '.join(CURRENCIES)}: {wrong} mismatches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
