"""What is risky in a change of the rules: discounts that may cost more than was meant. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import msgspec

from ..core.discount import Priced, apply, together
from ..core.product import Product
from ..core.rule import Bundle, Discount, Floor, Ladder, Limits, Off, Rule, Status
from ..core.rulebook import RuleBook
from ..core.words import Sentence, say

#: Words of a rule, its place and its state: none of them makes a discount cost more. A rule that is paused is judged as
#: one that is not; when it is resumed it is judged again, by what it would offer then.
HARMLESS = {"label": "", "copy": {}, "priority": 0, "status": Status.ACTIVE, "boost": ()}


class Danger(StrEnum):
    """What is risky."""

    ABOVE_PERCENT = "above_percent"
    BELOW_COST = "below_cost"
    NO_LIMIT = "no_limit"
    MANY_PRODUCTS = "many_products"
    FLOOR_GONE = "floor_gone"
    LIMIT_GONE = "limit_gone"


class Risk(msgspec.Struct, frozen=True):
    """Why a change of a `rule` (its name) takes a second person."""

    code: Danger
    rule: str
    sentence: Sentence


class Reach(msgspec.Struct, frozen=True):
    """The products that a rule can offer: those that are known, and how many there are at most; None: whatever the
    store sells."""

    known: tuple[Product, ...]
    count: int | None


#: Of a rule in a book.
Reaches = Callable[[Rule, RuleBook], Reach]


def judge(before: RuleBook, after: RuleBook, reach: Reaches, percent: int, most: int) -> list[Risk]:
    """What is risky in `after` that was not live like this before. `percent`: a discount of more is risky; `most`: one
    for more products."""
    old = {rule.name: rule for rule in before.rules}
    found: list[Risk] = []
    around = (before.seasons, before.ladders) == (after.seasons, after.ladders)
    for rule in after.rules:
        then = old.get(rule.name)
        if then is rule and around:
            continue
        same = then is not None and _substance(then, before) == _substance(rule, after)
        if rule.discount is None or (same and not _resumed(then, rule)):
            continue
        found += [Risk(code, rule.name, sentence) for code, sentence in _risks(rule, reach(rule, after), percent, most)]
        if then is not None and then.discount is not None:
            gone = _gone(then.discount, then.limits, rule.discount, rule.limits)
            found += [Risk(code, rule.name, sentence) for code, sentence in gone]
    return found


def _resumed(then: Rule | None, rule: Rule) -> bool:
    return then is not None and then.status is not Status.ACTIVE and rule.status is Status.ACTIVE


def _substance(rule: Rule, book: RuleBook) -> tuple[Any, ...]:
    """What of a rule can cost money: seasons and ladders that it names are a part of it."""
    seasons = [each for each in book.seasons if each.name in rule.schedule.seasons]
    steps = book.ladders.get(rule.offer.name) if isinstance(rule.offer, Ladder) else None
    return msgspec.structs.replace(rule, **HARMLESS), seasons, steps


def _risks(rule: Rule, reach: Reach, percent: int, most: int) -> Iterator[tuple[Danger, Sentence]]:
    assert rule.discount is not None
    if sentence := _above(rule, rule.discount, reach, percent):
        yield Danger.ABOVE_PERCENT, sentence
    if product := _undercut(rule, rule.discount, reach):
        yield (
            Danger.BELOW_COST,
            say(
                "It sells {product} for less than it costs the store, as the discount has no floor at the cost.",
                product=product.title,
            ),
        )
    limits = rule.limits
    if limits == Limits():
        yield Danger.NO_LIMIT, say("Nothing limits how often its discount is given: no number, no budget.")
    if reach.count is None:
        yield Danger.MANY_PRODUCTS, say("Its discount may be for any product of the store.")
    elif reach.count > most:
        yield (
            Danger.MANY_PRODUCTS,
            say("Its discount is for {n} products; more than {most} are many.", n=reach.count, most=most),
        )


def _above(rule: Rule, discount: Discount, reach: Reach, percent: int) -> Sentence | None:
    if discount.off is Off.FREE_SHIPPING:
        return None
    if discount.off in (Off.PERCENT, Off.GIFT):
        given = discount.percent / 100 if discount.off is Off.PERCENT else 100.0
        much = say("It takes off {given} %; more than {percent} % is much.", given=f"{given:g}", percent=percent)
        return much if given > percent else None
    worst, product = 0, ""
    for title, normal, off in _taken(rule, discount, reach):
        if normal and off * 100 > worst * normal:
            worst, product = off * 100 // normal, title
            if off * 100 > percent * normal:
                worst = max(worst, percent + 1)
    if worst > percent:
        return say(
            "It takes {given} % off {product}; more than {percent} % is much.",
            given=worst,
            product=product,
            percent=percent,
        )
    if reach.count is None and percent < 100:
        return say("How much it takes off in percent is not known beforehand, as it may be for any product.")
    return None


def _taken(rule: Rule, discount: Discount, reach: Reach) -> Iterator[tuple[str, int, int]]:
    """(product, price, what is taken off it) of what the rule can offer; what its floor refuses is not offered."""
    if isinstance(rule.offer, Bundle):
        prices = [each.price for each in reach.known]
        reduced = (
            together(discount, prices, reach.known[0].currency, [each.cost for each in reach.known]) if prices else []
        )
        if isinstance(reduced, list):
            yield " + ".join(each.title for each in reach.known), sum(prices), sum(prices) - sum(reduced)
        return
    for product in reach.known:
        for price in {product.price, *(variant.price for variant in product.variants)}:
            line = apply(discount, price, product.currency, 1, cost=product.cost)
            if isinstance(line, Priced):
                yield product.title, price, line.off


def _undercut(rule: Rule, discount: Discount, reach: Reach) -> Product | None:
    """The first product that is sold below its cost."""
    if discount.off is Off.FREE_SHIPPING:
        return None
    if isinstance(rule.offer, Bundle):
        prices, costs = [each.price for each in reach.known], [each.cost for each in reach.known]
        reduced = together(discount, prices, reach.known[0].currency, costs) if prices else []
        for product, price in zip(reach.known, reduced, strict=True) if isinstance(reduced, list) else ():
            if product.cost is not None and price < product.cost:
                return product
        return None
    for product in reach.known:
        if product.cost is None:
            continue
        for price in {product.price, *(variant.price for variant in product.variants)}:
            line = apply(discount, price, product.currency, 1, cost=product.cost)
            if isinstance(line, Priced) and line.lowest < product.cost:
                return product
    return None


def _gone(then: Discount, limited: Limits, now: Discount, limits: Limits) -> Iterator[tuple[Danger, Sentence]]:
    if _weaker(then.floor, now.floor):
        yield Danger.FLOOR_GONE, say("The price below which its discount must not go was lowered or taken away.")
    gone = [
        name for name in ("total", "per_customer", "per_day") if getattr(limited, name) and not getattr(limits, name)
    ]
    if gone or {each.currency for each in limited.budget} - {each.currency for each in limits.budget}:
        yield (
            Danger.LIMIT_GONE,
            say("A limit of how often its discount is given, or of what it may cost, was taken away."),
        )


def _weaker(then: Floor, now: Floor) -> bool:
    held = {each.currency: each.amount for each in now.price}
    return (
        (then.cost and not now.cost and now.margin_percent is None)
        or (
            then.margin_percent is not None and (now.margin_percent is None or now.margin_percent < then.margin_percent)
        )
        or any(held.get(each.currency, -1) < each.amount for each in then.price)
    )
