"""What a merchant's rules add to a decision: the same carts with none, 500 and 10,000 rules."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask_upsell import Cart, Product, Visitor
from flask_upsell.core.affinity import Affinities
from flask_upsell.core.book import Book
from flask_upsell.core.context import Context
from flask_upsell.core.decision import decide
from flask_upsell.core.rule import Discount, Off, Products, Rule, Schedule, Tree
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.rules import EMPTY_RULES, RuleSet
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Yearly

from . import sample

NOW = datetime(2027, 2, 10, 12, tzinfo=UTC)
SIZES = (500, 10_000)
CARTS = 200


def measure(seconds: float, say: Callable[[str], None]) -> dict[str, float]:
    """The numbers `serving.rules_*`."""
    known = {product.ref: product for product in sample.products()}
    leads = dict(sample.affinities())
    carts = sample.carts(known, CARTS)
    plain = _median(_book(known, leads, EMPTY_RULES), carts, seconds / 3)
    numbers = {"serving.rules_us.p50.none": plain}
    for size in SIZES:
        say(f"in process: decisions under {size:,} rules, a tenth of them in season")
        started = time.perf_counter()
        rules = RuleSet(_rules(list(known), size), "UTC", "1")
        numbers[f"serving.rules_load_ms.{size}"] = (time.perf_counter() - started) * 1e3
        with_rules = _median(_book(known, leads, rules), carts, seconds / 3)
        numbers[f"serving.rules_us.p50.{size}"] = with_rules
        numbers[f"serving.rules_added_ms.p50.{size}"] = (with_rules - plain) / 1e3
    return numbers


def _book(known: dict[str, Product], leads: dict[str, Affinities], rules: RuleSet) -> Book:
    return Book("1.0", known, leads, {}, rules)


def _rules(refs: list[str], count: int) -> RuleBook:
    """Of ten rules one is in season; each has a trigger: a product, a category, or both with a subtotal or a group."""
    chance = random.Random(5)
    seasons = [
        Season(name=f"s{month}", yearly=(Yearly(start=f"{month:02}-01", end=f"{month:02}-20"),))
        for month in range(1, 11)
    ]
    rules = []
    for number in range(count):
        category: Tree = {"lines": {"category": [sample.name_of(chance.randrange(sample.CATEGORIES))]}}
        product: Tree = {"lines": {"product": chance.sample(refs, 3)}}
        tree: Tree = category if number % 10 == 0 else product
        if number % 3 == 0:
            tree = {"all": [tree, {"subtotal": {"min": [[5000, sample.CURRENCY]]}}]}
        rules.append(
            Rule(
                name=f"rule {number}",
                offer=Products(refs=tuple(chance.sample(refs, 2))),
                priority=chance.randrange(100),
                schedule=Schedule(seasons=(f"s{number % 10 + 1}",)),
                when=tree,
                audience={"group": {"is": ["member"]}} if number % 4 == 0 else None,
                discount=Discount(off=Off.PERCENT, percent=1000) if number % 2 else None,
            )
        )
    return RuleBook(rules=tuple(rules), seasons=tuple(seasons))


def _median(book: Book, carts: list[Cart], seconds: float) -> float:
    """Microseconds of a decision; each cart at another second, so that nothing is known of the instant."""
    contexts = [
        Context("cart", cart, cart.lines, NOW + timedelta(seconds=number), Visitor("a", groups=frozenset({"member"})))
        for number, cart in enumerate(carts)
    ]
    for context in contexts:
        decide(context, book, explain=False)
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for context in contexts:
            started = time.perf_counter()
            decide(context, book, explain=False)
            times.append((time.perf_counter() - started) * 1e6)
    return statistics.median(times)
