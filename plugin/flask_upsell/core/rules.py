"""Rules at work: which of a merchant's rules apply to a context. Indexed by triggers, compiled when first met."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

import msgspec

from .conditions import Facet, Lines, Scene
from .context import Context, Line
from .goal import Course
from .offer import RuleCode, Verdict
from .prices import WINDOW
from .product import Product, parents
from .rule import Nothing, Programme, Rule, Status, Tree
from .rulebook import RuleBook
from .season import Season, Timetable
from .trees import Node, grow


class Published(msgspec.Struct, frozen=True, array_like=True):
    """Rules as they go live: with the store's time zone, the names of those whose limits are used up, units that were
    ordered through those that have a goal, and when those with a discount were last changed (UTC)."""

    book: RuleBook
    zone: str
    spent: tuple[str, ...] = ()
    sold: dict[str, int] = {}
    changed: dict[str, datetime] = {}


decode_published = msgspec.json.Decoder(Published).decode


NOTHING_SOLD: Mapping[str, int] = MappingProxyType({})
NEVER_CHANGED: Mapping[str, datetime] = MappingProxyType({})


class Working:
    """A rule with its parts compiled."""

    def __init__(self, rule: Rule, seasons: Mapping[str, Season], zone: str) -> None:
        self.rule = rule
        self.timetable = Timetable(rule.schedule, seasons, zone)
        self.audience: Node | None = grow(rule.audience) if rule.audience else None
        self.when: Node | None = grow(rule.when) if rule.when else None

    @cached_property
    def _lines(self) -> list[Lines]:
        return self.when.lines() if self.when is not None else []

    def matched(self, scene: Scene) -> list[tuple[Line, Product | None]]:
        """The lines that this rule is about: those that its conditions name, else all."""
        if not self._lines:
            return scene.lines
        currency = scene.context.cart.currency
        fitting = [each for each in scene.lines if any(lines.fits(*each, currency) for lines in self._lines)]
        # In an `any` another condition may have held instead.
        return fitting or scene.lines

    def against(self, scene: Scene) -> RuleCode | None:
        """The first thing against it, without its status; None when it applies."""
        rule, context = self.rule, scene.context
        if rule.placements and context.placement not in rule.placements:
            return RuleCode.OTHER_PLACEMENT
        holds, until = self.timetable.state(context.now, context.visitor.country)
        scene.hold(until)
        if not holds:
            return RuleCode.OUT_OF_SEASON
        if self.audience is not None and not self.audience.holds(scene):
            return RuleCode.AUDIENCE
        if self.when is not None and not self.when.holds(scene):
            return RuleCode.CONDITIONS
        return None

    def verdict(self, scene: Scene) -> Verdict | None:
        """`against` with its detail."""
        code = self.against(scene)
        if code is None:
            return None
        detail = ""
        if code is RuleCode.OTHER_PLACEMENT:
            detail = ", ".join(self.rule.placements)
        tree = {RuleCode.AUDIENCE: self.audience, RuleCode.CONDITIONS: self.when}.get(code)
        if tree is not None:
            detail = tree.why_not(scene)
            code = RuleCode.CONSENT if tree.needs_consent(scene) else code
        return Verdict(self.rule.name, code, detail)


class RuleSet:
    """All rules of one published version. `spent`: names of rules whose limits are used up; `sold`: units that were
    ordered through those that have a goal; `changed`: when those with a discount were last changed."""

    def __init__(
        self,
        book: RuleBook,
        zone: str,
        version: str = "",
        spent: frozenset[str] = frozenset(),
        sold: Mapping[str, int] = NOTHING_SOLD,
        changed: Mapping[str, datetime] = NEVER_CHANGED,
    ) -> None:
        self.book, self.zone, self.version, self.spent, self.sold = book, zone, version, spent, sold
        self.changed = changed
        self._seasons = {season.name: season for season in book.seasons}
        # Of equal priority the first written is tried first.
        self._rules = sorted(book.rules, key=lambda rule: -rule.priority)
        self._working: dict[str, Working] = {}
        self._by_trigger: dict[str, list[int]] = {}
        self._always: list[int] = []
        self.facets = Facet.CART
        self._spoken = False
        self._goals = {
            place: Course(rule.goal, rule.schedule.zone or zone, self.sold.get(rule.name, 0))
            for place, rule in enumerate(self._rules)
            if rule.goal is not None and rule.status is Status.ACTIVE
        }
        for place, rule in enumerate(self._rules):
            if self._resting(place, rule) is not None:
                continue
            self.facets |= _facets(rule.audience) | _facets(rule.when)
            # The shopper's language chooses.
            self._spoken |= len(rule.copy) > 1 or rule.ask is not None or isinstance(rule.offer, Programme)
            if rule.ask is not None:
                self.facets |= Facet.SESSION
            if rule.schedule.seasons:
                self.facets |= Facet.SHOPPER  # seasons differ by country
            triggers = _triggers(rule.when)
            for trigger in triggers or ():
                self._by_trigger.setdefault(trigger, []).append(place)
            if triggers is None:
                self._always.append(place)

    def __len__(self) -> int:
        return len(self._rules)

    @property
    def ladders(self) -> Mapping[str, tuple[str, ...]]:
        return self.book.ladders

    def get(self, name: str) -> Working | None:
        """An active rule by name, for pricing an offer again."""
        for place, rule in enumerate(self._rules):
            if rule.name == name and self._resting(place, rule) is None:
                return self._compiled(rule)
        return None

    def began(self, rule: Rule, now: datetime, country: str | None) -> datetime | None:
        """Since when a rule that applies reduces prices: since it was last changed, or its schedule began to hold.

        None when that is not known, and when it held before within the 30 days that a reduction is measured by: what
        comes back again and again was the price already.
        """
        changed = self.changed.get(rule.name)
        if changed is None:
            return None
        began, before = self._compiled(rule).timetable.run(now, country)
        if began <= changed or before is None or before <= max(changed, began - WINDOW):
            return max(began, changed)
        return None

    def _resting(self, place: int, rule: Rule) -> RuleCode | None:
        """Why a rule is not looked at, whatever the cart."""
        if rule.status is not Status.ACTIVE:
            return RuleCode.NOT_ACTIVE
        if rule.name in self.spent:
            return RuleCode.SPENT
        return RuleCode.GOAL_MET if place in self._goals and self._goals[place].met else None

    def matching(self, scene: Scene) -> Iterator[Working]:
        """The rules that apply, best first, down to the first that stops."""
        for place in self._triggered(scene):
            working = self._compiled(self._rules[place])
            if working.against(scene) is None:
                yield working
                if stops(working.rule):
                    return

    def explain(self, scene: Scene, filled: Mapping[str, int]) -> list[Verdict]:
        """What became of every rule; `filled`: how many offers came of those that applied."""
        found: list[Verdict] = []
        stopper = ""
        for place in self._ranked(set(range(len(self._rules))), scene):
            rule = self._rules[place]
            resting = self._resting(place, rule)
            if resting is not None:
                verdict = Verdict(rule.name, resting, rule.status if resting is RuleCode.NOT_ACTIVE else "")
            elif stopper:
                verdict = Verdict(rule.name, RuleCode.STOPPED, stopper)
            else:
                against = self._compiled(rule).verdict(scene)
                verdict = against or self._applied(rule, filled.get(rule.name, 0))
                if against is None and stops(rule):
                    stopper = rule.name
            found.append(verdict)
        return found

    def _applied(self, rule: Rule, offers: int) -> Verdict:
        if isinstance(rule.offer, Nothing):
            return Verdict(rule.name, RuleCode.APPLIED, "it shows nothing")
        if rule.offer is None:
            return Verdict(rule.name, RuleCode.APPLIED, "it asks a question")
        if not offers:
            return Verdict(rule.name, RuleCode.NOTHING_LEFT)
        return Verdict(rule.name, RuleCode.APPLIED, f"{offers} offer{'s' if offers > 1 else ''}")

    def _triggered(self, scene: Scene) -> list[int]:
        found = set(self._always)
        index = self._by_trigger
        if index:
            for line, product in scene.lines:
                for key in _keys(line, product):
                    if key in index:
                        found.update(index[key])
        return self._ranked(found, scene)

    def _ranked(self, places: Collection[int], scene: Scene) -> list[int]:
        """In the order in which they are tried: rules that are behind their goal are lifted."""
        lifted = {}
        for place in self._goals.keys() & places:
            behind, until = self._goals[place].state(scene.context.now)
            if behind:
                lifted[place] = self._goals[place].goal.lift
            if until is not None:
                scene.hold(until)
        if not lifted:
            return sorted(places)
        return sorted(places, key=lambda place: (-self._rules[place].priority - lifted.get(place, 0), place))

    def _compiled(self, rule: Rule) -> Working:
        working = self._working.get(rule.name)
        if working is None:
            working = self._working[rule.name] = Working(rule, self._seasons, self.zone)
        return working

    def same(self, context: Context) -> tuple[object, ...] | None:
        """What these rules' decisions depend on beside the cart: () without rules, None when on the clock itself."""
        if not self._rules:
            return ()
        facets, visitor = self.facets, context.visitor
        if Facet.CLOCK in facets:
            return None
        return (
            (
                visitor.customer is not None, visitor.groups, visitor.country, visitor.language, visitor.orders,
                visitor.bought, visitor.bought_categories, visitor.perks,
            ) if Facet.SHOPPER in facets else (),
            (context.source, context.answers, context.asked) if Facet.SESSION in facets else (),
            visitor.key if Facet.KEY in facets else "",
            visitor.language if self._spoken else None,
            context.consent or Facet.HISTORY not in facets,
        )  # fmt: skip


def stops(rule: Rule) -> bool:
    return rule.stop or isinstance(rule.offer, Nothing)


def _keys(line: Line, product: Product | None) -> Iterator[str]:
    yield "p:" + line.product
    if product is None:
        return
    if product.brand:
        yield "b:" + product.brand
    for tag in product.tags:
        yield "t:" + tag
    for category in parents(product.category):
        yield "c:" + category


def _facets(tree: Tree | None) -> Facet:
    return grow(tree).facets if tree else Facet.CART


def _triggers(tree: Tree | None) -> frozenset[str] | None:
    return grow(tree).triggers() if tree else None


EMPTY_RULES = RuleSet(RuleBook(), "UTC")
