"""Short ways to write the values of the core. Everything has the plainest default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import Book
from flask_upsell.core.conditions import Scene
from flask_upsell.core.context import Capability, Cart, Context, Line, Policy, Visitor, mark
from flask_upsell.core.offer import Candidate, Decision, Kind
from flask_upsell.core.product import Product, Variant
from flask_upsell.core.rule import AnySource, Products, Question, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.rules import EMPTY_RULES, RuleSet
from flask_upsell.core.season import Season

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = frozenset(Capability)


def product(
    ref: str,
    price: int = 1000,
    category: str | None = None,
    *,
    currency: str = "EUR",
    stock: int | None = None,
    hidden: bool = False,
    months: int | None = None,
    variants: Sequence[Variant] = (),
    brand: str | None = None,
    tags: Sequence[str] = (),
    attributes: Mapping[str, str] | None = None,
    cost: int | None = None,
) -> Product:
    return Product(
        ref,
        f"The {ref}",
        price,
        currency,
        category=category,
        stock=stock,
        hidden=hidden,
        variants=tuple(variants),
        period_months=months,
        brand=brand,
        tags=tuple(tags),
        attributes=dict(attributes or {}),
        cost=cost,
    )


def line(
    name: str, price: int = 1000, quantity: int = 1, *, ref: str | None = None, variant: str | None = None
) -> Line:
    """A line of the cart; its reference is "line-" and the product's, unless it is given."""
    return Line(f"line-{name}" if ref is None else ref, name, quantity, price, variant)


def affinity(consequent: str, weight: float = 0.5) -> Affinity:
    return Affinity(consequent, weight, 38, 412, 60, 1000)


def leads(complements: Mapping[str, float] | None = None, upgrades: Mapping[str, float] | None = None) -> Affinities:
    return Affinities(
        upgrades=tuple(affinity(ref, weight) for ref, weight in (upgrades or {}).items()),
        complements=tuple(affinity(ref, weight) for ref, weight in (complements or {}).items()),
    )


def book(
    products: Iterable[Product],
    affinities: Mapping[str, Affinities],
    *,
    lists: Mapping[str, tuple[str, ...]] | None = None,
    rules: RuleSet = EMPTY_RULES,
) -> Book:
    return Book("7.0", {each.ref: each for each in products}, affinities, lists or {}, rules)


def rule(name: str = "rule", offer: AnySource | None = None, **rest: Any) -> Rule:
    """A rule that offers the product "case", unless it is given another source."""
    return Rule(name=name, offer=offer or Products(refs=("case",)), **rest)


def asking(name: str = "asks", question: Question | None = None, **rest: Any) -> Rule:
    """A rule that only asks: for whom?"""
    if question is None:
        answers = {"me": {"en": "For me", "de": "Für mich"}, "gift": {"en": "A gift"}}
        question = Question(words={"en": "For whom?", "de": "Für wen?"}, answers=answers)
    return Rule(name=name, ask=question, **rest)


def ruleset(
    *rules: Rule,
    seasons: Sequence[Season] = (),
    ladders: Mapping[str, tuple[str, ...]] | None = None,
    zone: str = "UTC",
    spent: Iterable[str] = (),
    sold: Mapping[str, int] | None = None,
) -> RuleSet:
    written = RuleBook(rules=rules, seasons=tuple(seasons), ladders=dict(ladders or {}))
    return RuleSet(written, zone, "1", frozenset(spent), sold or {})


def context(
    *lines: Line,
    placement: str = "cart",
    anchors: Sequence[Line] | None = None,
    currency: str = "EUR",
    declined: Iterable[str] = (),
    elsewhere: Iterable[str] = (),
    capabilities: Iterable[Capability] = ALL,
    policy: Policy | None = None,
    visitor: Visitor | None = None,
    now: datetime = NOW,
    source: str = "",
    answers: Iterable[tuple[str, str]] = (),
    asked: Iterable[str] = (),
    seen: Iterable[str] = (),
    coupons: Sequence[str] = (),
    discount: int = 0,
    payment: str = "",
    shipping: str = "",
) -> Context:
    """The context of a cart with these lines; `anchors` when the page is about something else. `seen`: references."""
    return Context(
        placement,
        Cart(currency, lines, tuple(coupons), discount, payment, shipping),
        lines if anchors is None else tuple(anchors),
        now,
        visitor or Visitor(""),
        declined=frozenset(declined),
        shown_elsewhere=frozenset(elsewhere),
        capabilities=frozenset(capabilities),
        policy=policy or Policy(),
        source=source,
        answers=frozenset(answers),
        asked=frozenset(asked),
        seen=frozenset([mark(ref) for ref in seen]),
    )


def scene(about: Context, *products: Product) -> Scene:
    return Scene(about, {each.ref: each for each in products})


def customer(**facts: Any) -> Visitor:
    """A visitor of whom the store tells these facts and nothing else."""
    return Visitor(facts.pop("key", "visitor"), **facts)


def complement(ref: str, trigger: Line | None = None, score: float = 0.5) -> Candidate:
    return Candidate(Kind.COMPLEMENT, ref, trigger or line("phone"), affinity(ref, score), score)


def upgrade(ref: str, trigger: Line | None = None, score: float = 0.5) -> Candidate:
    return Candidate(Kind.UPGRADE, ref, trigger or line("phone"), affinity(ref, score), score)


def offered(decision: Decision) -> list[str]:
    return [offer.product.ref for offer in decision.offers]


def dropped(decision: Decision) -> list[tuple[str, str]]:
    return [(each.product, each.code.value) for each in decision.trace]
