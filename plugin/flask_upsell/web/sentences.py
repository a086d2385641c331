"""A rule as one sentence, built from its parts: "In Valentine's, when the cart has any Chocolate, offer Wrapping paper
and Card at 10 % off, once per customer."."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from markupsafe import Markup

from ..core.kind import Kind
from ..core.rule import (
    Bundle,
    Category,
    Discount,
    Gap,
    Ladder,
    Learned,
    Limits,
    Nothing,
    Off,
    Products,
    Programme,
    Relative,
    Rule,
    Schedule,
    Second,
    Tagged,
    Tree,
)
from ..core.words import say, spoken
from .phrases import Pen, tree_phrase
from .speech import Speech

WEEKDAYS = {
    "mon": say("Monday"),
    "tue": say("Tuesday"),
    "wed": say("Wednesday"),
    "thu": say("Thursday"),
    "fri": say("Friday"),
    "sat": say("Saturday"),
    "sun": say("Sunday"),
}


def rule_sentence(
    rule: Rule,
    speech: Speech,
    money: Callable[[int, str], str],
    titles: Mapping[str, str] | None = None,
    seasons: Mapping[str, str] | None = None,
) -> Markup:
    """The rule in the words of `speech`, what the merchant chose in <em>. `titles`: of products by reference;
    `seasons`: labels by name. What is not in them is called by its name."""
    known, labels = titles or {}, seasons or {}
    pen = Pen(speech, money, lambda ref: known.get(ref) or ref)
    before = [*_times(rule.schedule, speech, pen, labels)]
    if rule.placements:
        before.append(pen.say("on {pages}", pages=pen.either(rule.placements)))
    conditions = [tree_phrase(tree, pen) for tree in (rule.audience, rule.when) if tree]
    if conditions:
        before.append(pen.say("when {what}", what=pen.both(conditions)))
    after = [*_limits(rule.limits, pen)] if rule.discount is not None else []
    after += [*_wishes(rule, pen)]
    told = Markup(", ").join([*before, _offer(rule, speech, pen), *after])
    return told[:1].upper() + told[1:] + "."


def rule_clauses(
    rule: Rule,
    speech: Speech,
    money: Callable[[int, str], str],
    titles: Mapping[str, str] | None = None,
    seasons: Mapping[str, str] | None = None,
) -> dict[str, list[Markup]]:
    """What the sentence joins, apart: its "time", "audience", "when" and "limits", each as clauses that all hold. Given
    as to `rule_sentence`."""
    known = titles or {}
    pen = Pen(speech, money, lambda ref: known.get(ref) or ref)
    return {
        "time": list(_times(rule.schedule, speech, pen, seasons or {})),
        "audience": _clauses(rule.audience, pen),
        "when": _clauses(rule.when, pen),
        "limits": list(_limits(rule.limits, pen)),
    }


def _clauses(tree: Tree | None, pen: Pen) -> list[Markup]:
    if not tree:
        return []
    ((name, given),) = tree.items()
    return [tree_phrase(each, pen) for each in given] if name == "all" else [tree_phrase(tree, pen)]


def _times(schedule: Schedule, speech: Speech, pen: Pen, labels: Mapping[str, str]) -> Iterator[Markup]:
    if schedule.seasons:
        yield pen.say("in {seasons}", seasons=pen.either([labels.get(name) or name for name in schedule.seasons]))
    start, end = (each and pen.em(each.replace("T", " ")) for each in (schedule.start, schedule.end))
    if start and end:
        yield pen.say("from {start} to {end}", start=start, end=end)
    elif start:
        yield pen.say("from {start} on", start=start)
    elif end:
        yield pen.say("until {end}", end=end)
    if schedule.weekdays:
        days = [speech.tell(WEEKDAYS[each]) if each in WEEKDAYS else each for each in schedule.weekdays]
        yield pen.say("on {days}", days=pen.either(days))
    if schedule.hours:
        yield pen.say("at {hours}", hours=pen.either([f"{each.start}-{each.end}" for each in schedule.hours]))
    if schedule.except_days:
        days = [each.start if each.start == each.end else f"{each.start}-{each.end}" for each in schedule.except_days]
        yield pen.say("not on {days}", days=pen.either(days))


def _offer(rule: Rule, speech: Speech, pen: Pen) -> Markup:
    asked = None
    if rule.ask is not None:
        words = pen.em(spoken(rule.ask.words, speech.language) or "")
        asked = pen.say("ask “{question}”", question=words)
    if isinstance(rule.offer, Nothing):
        return pen.say("show nothing more")
    if rule.offer is None:
        return asked or Markup("")
    what = _what(rule, speech, pen)
    if rule.discount is not None:
        what = _reduced(what, rule.discount, pen)
    if isinstance(rule.offer, Programme):
        told = pen.say("invite to {what}", what=what)
    elif getattr(rule.offer, "kind", None) is Kind.UPGRADE or isinstance(rule.offer, Ladder):
        told = pen.say("offer {what} instead", what=what)
    else:
        told = pen.say("offer {what}", what=what)
    return pen.say("{first} and {last}", first=asked, last=told) if asked is not None else told


def _what(rule: Rule, speech: Speech, pen: Pen) -> Markup:
    match rule.offer:
        case Products(refs=refs):
            return pen.both(pen.products(refs))
        case Bundle(refs=refs):
            return pen.say("{products} together", products=pen.both(pen.products(refs)))
        case Category(name=name):
            return pen.say("the most bought of {category}", category=pen.em(name))
        case Tagged(name=name):
            return pen.say("the most bought tagged {tag}", tag=pen.em(name))
        case Learned():
            return pen.say("what past orders suggest")
        case Relative(kind=kind, same=same):
            found = pen.say("a better one of its kind") if kind is Kind.UPGRADE else pen.say("another one like it")
            return pen.say("{what} with the same {fields}", what=found, fields=pen.both(same)) if same else found
        case Ladder(name=name, compare=True):
            return pen.say("the next steps of {ladder} side by side", ladder=pen.em(name))
        case Ladder(name=name):
            return pen.say("the next step of {ladder}", ladder=pen.em(name))
        case Gap() as gap:
            return _gap(gap, pen)
        case Second():
            return pen.say("a second one")
        case Programme(title=title):
            return pen.em(spoken(title, speech.language) or "")
        case _:
            return Markup("")


def _gap(gap: Gap, pen: Pen) -> Markup:
    amount = pen.amounts(gap.threshold)
    what = pen.either([*pen.products(gap.refs), *filter(None, (gap.category, gap.tag_))])
    if gap.reward == "gift":
        return pen.say("something of {what} that takes the cart to the gift at {amount}", what=what, amount=amount)
    return pen.say("something of {what} that takes the cart to free delivery at {amount}", what=what, amount=amount)


def _reduced(what: Markup, discount: Discount, pen: Pen) -> Markup:
    match discount.off:
        case Off.PERCENT:
            off = pen.say("{percent} % off", percent=pen.number(discount.percent / 100))
            told = pen.say("{what} at {discount}", what=what, discount=pen.em(off))
        case Off.AMOUNT:
            told = pen.say("{what} at {amount} less", what=what, amount=pen.amounts(discount.amount))
        case Off.PRICE:
            told = pen.say("{what} for {amount}", what=what, amount=pen.amounts(discount.price))
        case Off.FREE_SHIPPING:
            told = pen.say("{what} with {delivery}", what=what, delivery=pen.em(pen.say("free delivery")))
        case Off.GIFT:
            told = pen.say("{what} as {gift}", what=what, gift=pen.em(pen.say("a gift")))
    if discount.most_units is not None:
        told = pen.say("{what} (at most {units} of them)", what=told, units=pen.em(pen.number(discount.most_units)))
    if discount.floor.price:
        told = pen.say("{what}, never below {amount}", what=told, amount=pen.amounts(discount.floor.price))
    if discount.floor.cost or discount.floor.margin_percent is not None:
        told = pen.say("{what}, never below its cost", what=told)
    return told


def _limits(limits: Limits, pen: Pen) -> Iterator[Markup]:
    if limits.per_customer is not None:
        yield pen.say("once per customer", "{n} times per customer", n=limits.per_customer)
    if limits.per_day is not None:
        yield pen.say("once a day", "{n} times a day", n=limits.per_day)
    if limits.total is not None:
        yield pen.say("once in all", "{n} times in all", n=limits.total)
    if limits.budget:
        yield pen.say("up to {amount} in all", amount=pen.amounts(limits.budget))


def _wishes(rule: Rule, pen: Pen) -> Iterator[Markup]:
    if rule.goal is not None:
        yield pen.say(
            "to sell {units} by {day}", units=pen.em(pen.number(rule.goal.units)), day=pen.em(rule.goal.by)
        )  # fmt: skip
    if rule.perk is not None:
        perk = rule.perk
        what = perk.code or (perk.gift and pen.title(perk.gift)) or perk.points or ""
        yield pen.say("and thank with {what}", what=pen.em(what))
    if rule.stop and not isinstance(rule.offer, Nothing):
        yield pen.say("and look no further")
