"""Conditions in words: a clause for each class, such as "the cart has any Chocolate". A store's own condition is told
by its code and arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import msgspec
from markupsafe import Markup

from ..core.conditions import CONDITIONS, Amounts, Condition, Numbers
from ..core.conditions import cart as on_cart
from ..core.conditions import shopper as on_shopper
from ..core.money import Money
from ..core.rule import Tree
from ..core.trees import NAMES
from .speech import Speech

#: How many names a clause gives before it only counts them.
MOST_NAMED = 4


class Pen:
    """Writes in one language. `money` writes an amount of minor units; `title` gives what a product is called by its
    reference. What the merchant chose is emphasised."""

    def __init__(
        self, speech: Speech, money: Callable[[int, str], str], title: Callable[[str], str] = lambda ref: ref
    ) -> None:
        self.say, self.number, self.money, self.title = speech.say, speech.number, money, title

    def em(self, text: object) -> Markup:
        return Markup("<em>{}</em>").format(text)

    def products(self, refs: Iterable[str]) -> list[str]:
        return [self.title(ref) for ref in refs]

    def either(self, names: Iterable[object]) -> Markup:
        """ "A, B or C"."""
        return self._joined(names, lambda first, last: self.say("{first} or {last}", first=first, last=last))

    def both(self, names: Iterable[object]) -> Markup:
        """ "A, B and C"."""
        return self._joined(names, lambda first, last: self.say("{first} and {last}", first=first, last=last))

    def _joined(self, names: Iterable[object], join: Callable[[Markup, Markup], Markup]) -> Markup:
        found = [each if isinstance(each, Markup) else self.em(each) for each in names]
        if len(found) > MOST_NAMED + 1:
            rest = len(found) - MOST_NAMED
            found = [*found[:MOST_NAMED], self.say("one more", "{n} more", n=rest)]
        if len(found) < 2:
            return found[0] if found else Markup("")
        return join(Markup(", ").join(found[:-1]), found[-1])

    def amounts(self, given: Sequence[Money]) -> Markup:
        return self.either([self.money(each.amount, each.currency) for each in given])

    def range(self, given: Amounts | Numbers) -> Markup:
        """ "at least 20", "at most 20", "from 20 to 30"."""
        if isinstance(given, Amounts):
            low = self.amounts(given.min) if given.min else None
            high = self.amounts(given.max) if given.max else None
        else:
            low = self.em(self.number(given.min)) if given.min is not None else None
            high = self.em(self.number(given.max)) if given.max is not None else None
        if low is not None and high is not None:
            return low if low == high else self.say("from {low} to {high}", low=low, high=high)
        return self.say("at least {low}", low=low) if low is not None else self.say("at most {high}", high=high or "")


class Phrase(Protocol):
    def __call__(self, pen: Pen, given: Any, /) -> Markup: ...


def _lines(pen: Pen, given: on_cart.Lines) -> Markup:
    if given.match == "all":
        names = [*pen.products(given.product), *given.category, *given.tag, *given.brand, *given.variant]
        return pen.say("the cart has all of {what}", what=pen.both(names or [_kind_of(pen, given)]))
    what = _kind_of(pen, given)
    if given.match == "none":
        return pen.say("the cart has no {what}", what=what)
    if given.match == "only":
        return pen.say("the cart has nothing but {what}", what=what)
    if given.match == "at_least":
        return pen.say("the cart has at least {units} of {what}", units=pen.em(pen.number(given.units)), what=what)
    if given.product:
        return pen.say("the cart has {what}", what=what)
    return pen.say("the cart has any {what}", what=what)


def _kind_of(pen: Pen, given: on_cart.Lines) -> Markup:
    """What the lines are: "Tea by Fenner costing at least 20"."""
    names = [pen.either(each) for each in (pen.products(given.product), given.category) if each]
    found = names[0] if names else pen.say("product")
    for other in names[1:]:
        found = pen.say("{what} in {category}", what=found, category=other)
    if given.tag:
        found = pen.say("{what} tagged {tags}", what=found, tags=pen.either(given.tag))
    if given.brand:
        found = pen.say("{what} by {brands}", what=found, brands=pen.either(given.brand))
    if given.variant:
        found = pen.say("{what} in the variant {variants}", what=found, variants=pen.either(given.variant))
    for name, values in given.attribute.items():
        found = pen.say("{what} with {name} {values}", what=found, name=name, values=pen.either(values))
    if given.price is not None:
        found = pen.say("{what} costing {range} each", what=found, range=pen.range(given.price))
    if given.quantity is not None:
        found = pen.say("{what}, {range} of it", what=found, range=pen.range(given.quantity))
    return found


def _coupon(pen: Pen, given: on_cart.Coupon) -> Markup:
    if not given.codes:
        return pen.say("the cart has a coupon") if given.present else pen.say("the cart has no coupon")
    codes = pen.either(given.codes)
    if given.present:
        return pen.say("the cart has the coupon {codes}", codes=codes)
    return pen.say("the cart has not the coupon {codes}", codes=codes)


def _signed_in(pen: Pen, given: on_shopper.SignedIn) -> Markup:
    return pen.say("the shopper is signed in") if given.is_ else pen.say("the shopper is not signed in")


def _first_order(pen: Pen, given: on_shopper.FirstOrder) -> Markup:
    return pen.say("it is the customer's first order") if given.is_ else pen.say("it is not the customer's first order")


def _bought(pen: Pen, given: on_shopper.HasBought) -> Markup:
    what = pen.either([*pen.products(given.product), *given.category])
    return pen.say("the customer has bought {what} before", what=what)


PHRASES: dict[str, Phrase] = {
    "lines": _lines,
    "subtotal": lambda pen, given: pen.say("the cart is worth {range}", range=pen.range(given)),
    "line_count": lambda pen, given: pen.say("the cart has {range} lines", range=pen.range(given)),
    "currency": lambda pen, given: pen.say("the currency is {values}", values=pen.either(given.is_)),
    "placement": lambda pen, given: pen.say("the page is {values}", values=pen.either(given.is_)),
    "payment": lambda pen, given: pen.say("the payment method is {values}", values=pen.either(given.is_)),
    "shipping": lambda pen, given: pen.say("the shipping method is {values}", values=pen.either(given.is_)),
    "coupon": _coupon,
    "discount_share": lambda pen, given: pen.say(
        "{range} percent are off the cart already", range=pen.range(given)
    ),
    "country": lambda pen, given: pen.say("the shopper is in {values}", values=pen.either(given.is_)),
    "language": lambda pen, given: pen.say("the page's language is {values}", values=pen.either(given.is_)),
    "group": lambda pen, given: pen.say("the shopper is one of {values}", values=pen.either(given.is_)),
    "signed_in": _signed_in,
    "first_order": _first_order,
    "order_count": lambda pen, given: pen.say("the customer has ordered {range} times", range=pen.range(given)),
    "days_since_last_order": lambda pen, given: pen.say(
        "the customer's last order was {range} days ago", range=pen.range(given)
    ),
    "has_bought": _bought,
    "source": lambda pen, given: pen.say("the shopper came by the campaign {values}", values=pen.either(given.is_)),
    "answer": lambda pen, given: pen.say(
        "the answer to {question} was {values}", question=pen.em(given.question), values=pen.either(given.is_)
    ),
    "perk": lambda pen, given: pen.say("the customer was promised the gift of {values}", values=pen.either(given.is_)),
    "sample": lambda pen, given: pen.say(
        "the shopper is among {percent} % drawn by chance", percent=pen.em(pen.number(given.percent))
    ),
}  # fmt: skip


def tree_phrase(tree: Tree, pen: Pen, deep: bool = False) -> Markup:
    """A tree of conditions as one clause. `deep`: it stands inside another one."""
    ((name, given),) = tree.items()
    if name not in NAMES:
        return condition_phrase(str(name), given, pen)
    inner = [tree_phrase(child, pen, len(given) > 1) for child in given]
    if name == "none":
        clause = pen.say("it is not so that {what}", what=pen.either(inner))
    elif name == "any" and len(inner) > 1:
        clause = pen.say("either {what}", what=pen.either(inner))
    else:
        clause = pen.both(inner)
    return Markup("({})").format(clause) if deep and len(inner) > 1 else clause


def condition_phrase(code: str, given: Any, pen: Pen) -> Markup:
    """One condition as a clause."""
    kind = CONDITIONS.get(code)
    phrase = PHRASES.get(code)
    try:
        if kind is not None and phrase is not None:
            return phrase(pen, msgspec.convert(given, kind))
    except msgspec.ValidationError:
        pass
    return _plain(code, given, kind, pen)


def _plain(code: str, given: Any, kind: type[Condition] | None, pen: Pen) -> Markup:
    """A condition of the store's own: its name, then its arguments with their values."""
    name = pen.em(code.replace("_", " "))
    if not isinstance(given, dict) or not given:
        return pen.say("{condition} holds", condition=name)
    told = [
        pen.say("{argument} {value}", argument=key.replace("_", " "), value=pen.em(_value(value)))
        if key != "is"
        else pen.say("is {value}", value=pen.em(_value(value)))
        for key, value in given.items()
    ]
    return pen.say("{condition} holds: {arguments}", condition=name, arguments=pen.both(told))


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(each)}" for key, each in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
