"""A trial: carts of the past, decided with some rules and without them. What would have been shown and displaced.

The decision is the shop's own (`decide`), once with each rulebook; nothing is priced a second way. All amounts are
integers in minor units, by currency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from .book import Book
from .conditions import Scene
from .context import Capability, Cart, Context, Line, Policy, Visitor
from .decision import decide
from .kind import Placement
from .offer import Decision, Offer, RuleCode
from .product import Product
from .rule import Ladder, Rule, Status
from .rulebook import RuleBook
from .rules import RuleSet

#: How many products, examples and rules are kept in the figures.
PRODUCTS, EXAMPLES, VERDICTS = 20, 6, 100
#: Reasons are asked of each rule in so many orders in all, then of every second, third ... order only.
REASONS = 200_000
#: Lines of an example that are kept.
EXAMPLE_LINES = 8
#: What an offer is compared by: its rule, kind and products.
Key = tuple[str, str, str]
_POLICY = Policy()


class Shopper(msgspec.Struct, frozen=True):
    """As whom all carts are tried, because orders do not say: a customer group, a country (ISO 3166), "" for none."""

    group: str = ""
    country: str = ""

    def visitor(self) -> Visitor:
        return Visitor("", groups=frozenset(filter(None, [self.group])), country=self.country or None)


NOBODY_KNOWN = Shopper()


class Shown(msgspec.Struct, frozen=True):
    """A product that would have been offered, in so many carts."""

    ref: str
    title: str
    carts: int


class Example(msgspec.Struct, frozen=True):
    """A cart that would have been offered something. `lines`: (quantity, title, unit price); `more` lines were left
    out. `offers`: (title, kind, price of one now, what it costs without the discount or None)."""

    placed_at: datetime
    currency: str
    lines: tuple[tuple[int, str, int], ...]
    more: int
    offers: tuple[tuple[str, str, int, int | None], ...]


class Reasons(msgspec.Struct, frozen=True):
    """What became of a rule: so many orders by code (core.offer.RuleCode), and for each code one detail."""

    rule: str
    codes: dict[str, int]
    details: dict[str, str]


class Tried(msgspec.Struct, frozen=True):
    """One of the rules that were tried: carts that met its conditions, carts in which it showed something, and in which
    it does as it is live; how often its limit grants it in all, None for any number."""

    rule: str
    label: str
    met: int
    shown: int
    before: int
    limit: int | None = None


class Figures(msgspec.Struct, frozen=True):
    """What came out. `carts`: orders that were decided; `unknown`: left out, as none of their products is published.

    `met` and `shown`: carts that met at least one of the rules, and were shown something by one. `off`: currency ->
    what all shoppers together would have had taken off by these rules, if each had accepted everything; `budget`: what
    the rules' budgets allow at most where that is less. `off_all` and `off_live`: by all rules, with and without the
    change. `free`: offers of free shipping, whose worth is not known. `gone`: rule ("" for what was learned) -> carts
    in which an offer of it is shown no more; `come`: the same of new offers by rules that were not tried.
    `asked`: in how many carts the reasons were asked.
    """

    carts: int = 0
    unknown: int = 0
    first: datetime | None = None
    last: datetime | None = None
    met: int = 0
    shown: int = 0
    offers: int = 0
    off: dict[str, int] = {}
    budget: dict[str, int] = {}
    off_all: dict[str, int] = {}
    off_live: dict[str, int] = {}
    free: int = 0
    rules: tuple[Tried, ...] = ()
    products: tuple[Shown, ...] = ()
    examples: tuple[Example, ...] = ()
    gone: dict[str, int] = {}
    come: dict[str, int] = {}
    reasons: tuple[Reasons, ...] = ()
    asked: int = 0


class Trial:
    """`book` has the rules as they are to be, `live` as they are. `tried`: names of those that it is about -> the live
    rules that they change, "" for new ones. `orders`: about how many will come."""

    def __init__(
        self,
        book: RuleBook,
        live: RuleBook,
        tried: Mapping[str, str],
        *,
        zone: str,
        orders: int = 0,
        placement: str = Placement.CART,
        shopper: Shopper = NOBODY_KNOWN,
        policy: Policy = _POLICY,
        capabilities: frozenset[Capability] = frozenset(Capability),
    ) -> None:
        self.tried, self._origins = frozenset(tried), dict(tried)
        self._before = frozenset(filter(None, tried.values()))
        active = tuple([_active(rule) if rule.name in self.tried else rule for rule in book.rules])
        self.book = msgspec.structs.replace(book, rules=active)
        # Limits and goals count what is sold from now on, so nothing of them is used up in the past.
        self._with, self._without = RuleSet(self.book, zone), RuleSet(live, zone)
        self._every = max(1, len(active) * orders // REASONS)
        self._placement, self._visitor = placement, shopper.visitor()
        self._policy, self._capabilities = policy, capabilities
        self._carts = self._unknown = self._met = self._shown = self._offers = self._free = self._asked = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._rules: dict[str, Counter[str]] = {"met": Counter(), "shown": Counter(), "before": Counter()}
        self._products: Counter[str] = Counter()
        self._titles: dict[str, str] = {}
        self._off: dict[str, Counter[str]] = {"tried": Counter(), "all": Counter(), "live": Counter()}
        self._gone: Counter[str] = Counter()
        self._come: Counter[str] = Counter()
        self._codes: dict[str, Counter[str]] = {}
        self._details: dict[str, dict[str, str]] = {}
        self._examples: list[Example] = []

    def add(self, lines: Sequence[tuple[str, int, int]], placed_at: datetime, book: Book) -> None:
        """Decide one order's cart: (product, quantity, unit price) at its instant, with the products of `book`."""
        currency = next((known.currency for ref, _, _ in lines if (known := book.products.get(ref))), "")
        if not currency:
            self._unknown += 1
            return
        context = self._context(lines, placed_at, currency)
        scene = Scene(context, book.products)
        matched = [each.rule.name for each in self._with.matching(scene)]
        after = decide(context, msgspec.structs.replace(book, rules=self._with), explain=False)
        # Most carts meet nothing of what is tried: the same rules decide the same.
        live = after
        if not self._as_live(scene, matched):
            live = decide(context, msgspec.structs.replace(book, rules=self._without), explain=False)
        if self._carts % self._every == 0:
            self._count_reasons(scene, after)
        self._carts += 1
        self._first, self._last = self._first or placed_at, placed_at
        met = self.tried.intersection(matched)
        self._rules["met"].update(met)
        self._met += bool(met)
        self._count_shown(after, context, book.products)
        self._count_live(after, live)

    def _as_live(self, scene: Scene, matched: Sequence[str]) -> bool:
        changed = self.tried | self._before
        return changed.isdisjoint(matched) and matched == [each.rule.name for each in self._without.matching(scene)]

    def figures(self) -> Figures:
        """What came out so far."""
        tried = [rule for rule in self.book.rules if rule.name in self.tried]
        place = {rule.name: at for at, rule in enumerate(self.book.rules)}
        best = sorted(self._products.items(), key=lambda each: (-each[1], each[0]))[:PRODUCTS]
        codes = sorted(self._codes.items(), key=lambda each: (each[0] not in self.tried, place[each[0]]))
        return Figures(
            carts=self._carts,
            unknown=self._unknown,
            first=self._first,
            last=self._last,
            met=self._met,
            shown=self._shown,
            offers=self._offers,
            off=_amounts(self._off["tried"]),
            budget=dict(_budgets(tried, self._off["tried"])),
            off_all=_amounts(self._off["all"]),
            off_live=_amounts(self._off["live"]),
            free=self._free,
            rules=tuple([self._of(rule) for rule in tried]),
            products=tuple([Shown(ref, self._titles[ref], carts) for ref, carts in best]),
            examples=tuple(self._examples),
            gone=dict(self._gone.most_common(VERDICTS)),
            come=dict(self._come.most_common(VERDICTS)),
            reasons=tuple([Reasons(name, dict(each), self._details[name]) for name, each in codes[:VERDICTS]]),
            asked=self._asked,
        )

    def _of(self, rule: Rule) -> Tried:
        met, shown = self._rules["met"][rule.name], self._rules["shown"][rule.name]
        before = self._rules["before"][self._origins[rule.name]]
        return Tried(rule.name, rule.label, met, shown, before, rule.limits.total)

    def _context(self, lines: Sequence[tuple[str, int, int]], placed_at: datetime, currency: str) -> Context:
        made = tuple([Line(str(at), ref, units, price) for at, (ref, units, price) in enumerate(lines, start=1)])
        cart = Cart(currency, made)
        if self._placement == Placement.CONFIRMATION:
            # Ordered lines are about something, but in no cart any more.
            made = tuple([msgspec.structs.replace(line, ref="") for line in made])
            cart = Cart(currency)
        return Context(
            placement=self._placement,
            cart=cart,
            anchors=made,
            now=placed_at,
            visitor=self._visitor,
            capabilities=self._capabilities,
            policy=self._policy,
        )

    def _count_shown(self, after: Decision, context: Context, products: Mapping[str, Product]) -> None:
        mine = [offer for offer in after.offers if not self.tried.isdisjoint(_names(offer))]
        self._rules["shown"].update({name for offer in mine for name in _names(offer)} & self.tried)
        for offer in after.offers:
            self._off["all"][offer.quote.currency] += offer.quote.off
        if not mine:
            return
        self._shown += 1
        self._offers += len(mine)
        for offer in mine:
            self._off["tried"][offer.quote.currency] += offer.quote.off
            self._free += offer.quote.free_shipping
            self._titles[offer.ref] = _title(offer)
        self._products.update({offer.ref for offer in mine})
        # The first ones and then further and further apart, so that they are of all the time.
        if len(self._examples) < EXAMPLES and self._shown >= 4 ** len(self._examples):
            self._examples.append(_example(mine, context, products))

    def _count_live(self, after: Decision, live: Decision) -> None:
        for offer in live.offers:
            self._off["live"][offer.quote.currency] += offer.quote.off
        self._rules["before"].update({name for offer in live.offers for name in _names(offer)} & self._before)
        now, then = {_key(offer) for offer in after.offers}, {_key(offer) for offer in live.offers}
        self._gone.update({rule for rule, _, _ in then - now if rule not in self._before})
        self._come.update({rule for rule, _, _ in now - then if rule not in self.tried})

    def _count_reasons(self, scene: Scene, after: Decision) -> None:
        self._asked += 1
        filled = Counter(name for offer in after.offers for name in (offer.rule, offer.beside))
        for verdict in self._with.explain(scene, filled):
            self._codes.setdefault(verdict.rule, Counter())[verdict.code.value] += 1
            details = self._details.setdefault(verdict.rule, {})
            if verdict.detail and verdict.code is not RuleCode.APPLIED:
                details.setdefault(verdict.code.value, verdict.detail[:300])


def named(book: RuleBook, seasons: Collection[str] = (), ladders: Collection[str] = ()) -> Iterator[str]:
    """The active rules that use one of these seasons or ladders."""
    for rule in book.rules:
        ladder = rule.offer.name if isinstance(rule.offer, Ladder) else None
        if rule.status is Status.ACTIVE and (ladder in ladders or not set(rule.schedule.seasons).isdisjoint(seasons)):
            yield rule.name


def _active(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, status=Status.ACTIVE)


def _names(offer: Offer) -> set[str]:
    return {name for name in (offer.rule, offer.beside) if name}


def _key(offer: Offer) -> Key:
    return offer.rule, offer.kind.value, offer.ref


def _title(offer: Offer) -> str:
    return " + ".join([item.product.title for item in offer.items]) or offer.product.title


def _example(mine: Sequence[Offer], context: Context, products: Mapping[str, Product]) -> Example:
    lines = []
    for line in context.anchors[:EXAMPLE_LINES]:
        known = products.get(line.product)
        lines.append((line.quantity, known.title if known else line.product, line.unit_price))
    offers = [(_title(offer), offer.kind.value, offer.quote.unit_price, offer.quote.normal) for offer in mine]
    more = max(0, len(context.anchors) - EXAMPLE_LINES)
    return Example(context.now, context.cart.currency, tuple(lines), more, tuple(offers))


def _amounts(counted: Mapping[str, int]) -> dict[str, int]:
    return {currency: amount for currency, amount in sorted(counted.items()) if amount}


def _budgets(tried: Sequence[Rule], off: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """What the budgets of all the rules allow together, in currencies in which each that reduces has one."""
    reducing = [rule for rule in tried if rule.discount is not None]
    for currency, amount in off.items():
        budgets: list[Any] = [
            next((money.amount for money in rule.limits.budget if money.currency == currency), None)
            for rule in reducing
        ]
        if budgets and None not in budgets and sum(budgets) < amount:
            yield currency, sum(budgets)
