"""What a merchant probably did not mean: rules that never apply, get in each other's way or name what does not exist.

Nothing here is an error: a book with findings can be published. Rules that are drafts or ended are not looked at, and
rules are compared with each other only while both are active.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec

from ..errors import BadInput, RuleError
from .agenda import Agenda
from .conditions.shopper import Answer, Perked
from .discount import breaks_own_floor, together
from .finding import Finding as Finding
from .finding import Flaw as Flaw
from .finding import alike, foreign, missing, some
from .goal import check as check_goal
from .named import Goods, conditions, named
from .offer import Code
from .product import Product
from .rule import Bundle, Category, Ladder, Learned, Nothing, Products, Rule, Second, Status, Tagged, Tree
from .rulebook import RuleBook
from .rules import stops
from .trees import grow
from .words import objection, reason, remark


def _nobody(done: int, total: int) -> None:
    """Hears how far it is."""


class Looked(msgspec.Struct, frozen=True, eq=False):
    """A rule with what it is compared by. `offers`: references, and "category …" and the like for whole sources."""

    rule: Rule
    when: bytes
    audience: bytes
    triggers: object
    offers: tuple[str, ...]

    @property
    def always(self) -> bool:
        return not self.rule.when and not self.rule.audience

    @property
    def name(self) -> str:
        return self.rule.name


def lint(
    book: RuleBook,
    *,
    zone: str,
    now: datetime,
    products: Mapping[str, Product] | None = None,
    tell: Callable[[int, int], None] = _nobody,
) -> list[Finding]:
    """All findings, in the order in which rules are tried. `zone`: the store's. `products`: all that the book can
    name, whole categories and tags included; without them nothing is said about products. `tell` hears how many of how
    many rules were looked at by themselves, then that they are compared with each other."""
    agenda = Agenda(book, zone, now)
    found: list[Finding] = []
    usable: list[Looked] = []
    for rule in sorted(book.rules, key=lambda rule: -rule.priority):
        if rule.status in (Status.DRAFT, Status.ENDED):
            continue
        try:
            agenda.check(rule.schedule)
            for path, sentence in check_goal(rule.goal) if rule.goal is not None else ():
                raise RuleError(objection("goal.{path}: {sentence}", path=path, sentence=sentence))
            usable.append(_looked(rule))
        except (RuleError, BadInput) as error:
            found.append(
                Finding(Flaw.UNUSABLE, rule.name, "", remark("This rule cannot be used: {error}.", error=reason(error)))
            )
    active = [each for each in usable if each.rule.status is Status.ACTIVE]
    known = _Known(book)
    for number, each in enumerate(usable, start=1):
        found += _schedule(each.rule, agenda)
        found += _names(each.rule, known)
        tell(number, len(usable))
    found += _never_reached(active, agenda)
    found += _suppressed(active, agenda)
    found += _same(active, agenda)
    found += _catch_alls(active, agenda)
    if products is not None:
        goods = Goods(products)
        for each in usable:
            found += _below_floor(each.rule, book, goods)
            found += _unknown(each.rule, goods)
        found += _unknown_steps(book, goods)
    place = {rule.name: number for number, rule in enumerate(sorted(book.rules, key=lambda rule: -rule.priority))}
    found += _unused(book)
    return sorted(found, key=lambda each: place.get(each.rule, len(place)))


# --- one rule --------------------------------------------------------------------------------------------------------


def _looked(rule: Rule) -> Looked:
    for tree in (rule.audience, rule.when):
        if tree:
            grow(tree)
    triggers = grow(rule.when).triggers() if rule.when else None
    when = _frozen(rule.when)
    return Looked(rule, when, _frozen(rule.audience), when if triggers is None else triggers, tuple(_offers(rule)))


def _frozen(tree: Tree | None) -> bytes:
    return msgspec.json.encode(tree or None, order="deterministic")


def _offers(rule: Rule) -> Iterator[str]:
    match rule.offer:
        case Products(refs=refs):
            yield from refs
        case Category(name=name):
            yield f"category {name}"
        case Tagged(name=name):
            yield f"tag {name}"
        case Bundle(refs=refs):
            yield "+".join(refs)
        case Ladder(name=name):
            yield f"ladder {name}"
        case Learned(kind=kind):
            yield f"learned {kind}s"
        case Second():
            yield "one more"
        case _:
            pass


def _schedule(rule: Rule, agenda: Agenda) -> Iterator[Finding]:
    schedule, name = rule.schedule, rule.name
    if agenda.over(schedule):
        yield Finding(
            Flaw.OVER,
            name,
            "",
            remark(
                "This rule ended on {end}. Set its status to ended, or give it a later end.", end=schedule.end or ""
            ),
        )
    elif rule.goal is not None and agenda.past(rule.goal.by, schedule):
        yield Finding(
            Flaw.OVER,
            name,
            "",
            remark("This rule's goal was to be met by {by}. Give it a later day, or remove it.", by=rule.goal.by),
        )
    elif not agenda.ever(schedule):
        which = f" ({', '.join(schedule.seasons)})" if schedule.seasons else ""
        yield Finding(
            Flaw.NEVER_IN_SEASON,
            name,
            "",
            remark(
                "This rule's schedule{which} does not hold at any time of the next three years. Look at "
                "its seasons, dates, weekdays and hours: all that are given must hold at once.",
                which=which,
            ),
        )
    for edge in agenda.clock_changes(schedule):
        yield Finding(
            Flaw.CLOCK_CHANGE,
            name,
            "",
            remark("{edge}. Choose a time that every day has once, such as 04:00.", edge=edge),
        )


class _Known:
    """What rules can name: read once, for a book may have thousands."""

    def __init__(self, book: RuleBook) -> None:
        self.seasons = {season.name for season in book.seasons}
        self.ladders = book.ladders
        self.rules = {each.name for each in book.rules}
        self.questions = {each.name: each.ask for each in book.rules if each.ask is not None}
        self.gifts = {each.name for each in book.rules if each.perk is not None and each.perk.gift is not None}


def _names(rule: Rule, known: _Known) -> Iterator[Finding]:
    for season in rule.schedule.seasons:
        if season not in known.seasons:
            yield missing(Flaw.UNKNOWN_SEASON, rule.name, season)
    if isinstance(rule.offer, Ladder) and rule.offer.name not in known.ladders:
        yield missing(Flaw.UNKNOWN_LADDER, rule.name, rule.offer.name)
    for other in rule.discount.with_rules if rule.discount else ():
        if other not in known.rules:
            yield missing(Flaw.UNKNOWN_RULE, rule.name, other)
    for code, given in [*conditions(rule.audience), *conditions(rule.when)]:
        if code == Answer.code:
            question = known.questions.get(given["question"])
            if question is None:
                yield missing(Flaw.UNKNOWN_ANSWER, rule.name, given["question"])
                continue
            for answer in given["is"]:
                if answer not in question.answers:
                    yield missing(Flaw.UNKNOWN_ANSWER, rule.name, answer, question=given["question"])
        elif code == Perked.code:
            gone = [each for each in given["is"] if each not in known.gifts]
            yield from (missing(Flaw.UNKNOWN_RULE, rule.name, each, gift=True) for each in gone)


# --- rules with each other -------------------------------------------------------------------------------------------


def _never_reached(active: list[Looked], agenda: Agenda) -> Iterator[Finding]:
    stoppers: list[Rule] = []
    for each in active:
        rule = each.rule
        for above in stoppers:
            if _covers(above, rule) and agenda.covers(above.schedule, rule.schedule):
                yield Finding(
                    Flaw.NEVER_REACHED,
                    rule.name,
                    above.name,
                    remark(
                        "This rule is never reached: {name} is tried before it, always matches and stops what is "
                        "below. Give {name} conditions, or this rule a priority above {priority}.",
                        name=repr(above.name),
                        priority=above.priority,
                    ),
                )
                break
        # When its limits are used up, what is below is reached after all.
        if each.always and stops(rule) and rule.limits.total is None and not rule.limits.budget:
            stoppers.append(rule)


def _suppressed(active: list[Looked], agenda: Agenda) -> Iterator[Finding]:
    """Rules that offer something to carts of which another one says: nothing."""
    by_condition: dict[bytes, list[tuple[int, Looked]]] = defaultdict(list)
    by_audience: dict[bytes, list[tuple[int, Looked]]] = defaultdict(list)
    for place, each in enumerate(active):
        if not isinstance(each.rule.offer, Nothing):
            # Whatever meets all of several conditions meets each of them.
            for key in {each.when, *map(_frozen, _needed(each.rule.when))}:
                by_condition[key].append((place, each))
            by_audience[each.audience].append((place, each))
    for place, nothing in enumerate(active):
        if nothing.always or not isinstance(nothing.rule.offer, Nothing):
            continue
        rule = nothing.rule
        for other, each in by_condition[nothing.when] if rule.when else by_audience[nothing.audience]:
            if (rule.audience and each.audience != nothing.audience) or not _meet(rule, each.rule, agenda):
                continue
            name = repr(rule.name)
            told = remark(
                "This rule makes an offer to carts for which {name} shows nothing; {name} is tried later, so this one "
                "is shown. To show nothing, raise that one above {priority}.",
                name=name,
                priority=each.rule.priority,
            )
            if place < other:
                told = remark(
                    "This rule makes an offer to carts for which {name} shows nothing; {name} is tried first, so this "
                    "one is not shown then. Remove one of them, or narrow the other.",
                    name=name,
                )
            yield Finding(Flaw.CONTRADICTION, each.name, rule.name, told)


def _needed(tree: Tree | None) -> list[Tree]:
    return list(tree["all"]) if tree and "all" in tree else []


def _same(active: list[Looked], agenda: Agenda) -> Iterator[Finding]:
    """Rules that offer the same for the same."""
    seen: dict[tuple[object, bytes, str], list[Looked]] = defaultdict(list)
    for each in active:
        told = False
        for offer in each.offers:
            before = seen[each.triggers, each.audience, offer]
            other = None if told else next((one for one in before if _meet(one.rule, each.rule, agenda)), None)
            before.append(each)
            if other is not None:
                told = True
                yield alike(each.rule, other.rule, offer, same_when=each.when == other.when)


def _catch_alls(active: list[Looked], agenda: Agenda) -> Iterator[Finding]:
    specific = [each for each in active if each.rule.when]
    for each in active:
        rule = each.rule
        if not each.always or stops(rule):
            continue
        below = next(
            (one for one in reversed(specific) if one.rule.priority < rule.priority and _meet(rule, one.rule, agenda)),
            None,
        )
        if below is not None:
            yield Finding(
                Flaw.CATCH_ALL,
                rule.name,
                below.name,
                remark(
                    "This rule has no conditions and is tried before {name}, which has some, so it takes the "
                    "places first. Give it a priority below {priority}.",
                    name=repr(below.name),
                    priority=below.rule.priority,
                ),
            )


def _covers(above: Rule, rule: Rule) -> bool:
    """Whether a rule stands everywhere where another one does."""
    return not above.placements or (bool(rule.placements) and set(rule.placements) <= set(above.placements))


def _meet(one: Rule, other: Rule, agenda: Agenda) -> bool:
    """Whether two rules stand somewhere at the same time."""
    apart = one.placements and other.placements and set(one.placements).isdisjoint(other.placements)
    return not apart and agenda.meet(one.schedule, other.schedule)


# --- the catalogue ---------------------------------------------------------------------------------------------------


def _unknown(rule: Rule, goods: Goods) -> Iterator[Finding]:
    for what, name in named(rule):
        if (what, name) not in goods.listed:
            yield foreign(Flaw(f"unknown_{what}"), rule.name, name)


def _unknown_steps(book: RuleBook, goods: Goods) -> Iterator[Finding]:
    for ladder, steps in book.ladders.items():
        for ref in steps:
            if ref not in goods.products:
                yield Finding(
                    Flaw.UNKNOWN_PRODUCT,
                    "",
                    ref,
                    remark(
                        "The ladder {ladder} names the product {ref}, which the store has not. Correct the name, "
                        "or remove it.",
                        ladder=repr(ladder),
                        ref=repr(ref),
                    ),
                )


def _below_floor(rule: Rule, book: RuleBook, goods: Goods) -> Iterator[Finding]:
    if rule.discount is None:
        return
    broken: dict[Code, list[str]] = defaultdict(list)
    offered = goods.offered(rule, book)
    if isinstance(rule.offer, Bundle):
        if len(offered) == len(rule.offer.refs) and len({product.currency for product in offered}) == 1:
            prices, costs = [each.price for each in offered], [each.cost for each in offered]
            reduced = together(rule.discount, prices, offered[0].currency, costs)
            if isinstance(reduced, Code) and reduced in (Code.BELOW_FLOOR, Code.UNKNOWN_COST):
                broken[reduced] = list(rule.offer.refs)
        offered = []
    for product in offered:
        for price in {product.price, *(variant.price for variant in product.variants)}:
            code = breaks_own_floor(rule.discount, price, product.cost, product.currency)
            if code is not None:
                broken[code].append(product.ref)
                break
    for code, refs in broken.items():
        why = remark("has no known cost, which its floor needs")
        if code is Code.BELOW_FLOOR:
            why = remark("would cost less than its floor allows")
        yield Finding(
            Flaw.BELOW_FLOOR,
            rule.name,
            refs[0],
            remark(
                "With this rule's discount {refs} {why}, so it is not offered. Lower the discount or the "
                "floor, or offer something else.",
                refs=some(refs),
                why=why,
            ),
        )


# --- what nobody names -----------------------------------------------------------------------------------------------


def _unused(book: RuleBook) -> Iterator[Finding]:
    seasons = {name for rule in book.rules for name in rule.schedule.seasons}
    ladders = {rule.offer.name for rule in book.rules if isinstance(rule.offer, Ladder)}
    for season in book.seasons:
        if season.name not in seasons:
            told = remark("No rule names the season {name}. Remove it, or use it in a rule.", name=repr(season.name))
            yield Finding(Flaw.UNUSED_SEASON, "", season.name, told)
    for name in book.ladders:
        if name not in ladders:
            told = remark("No rule names the ladder {name}. Remove it, or use it in a rule.", name=repr(name))
            yield Finding(Flaw.UNUSED_LADDER, "", name, told)
