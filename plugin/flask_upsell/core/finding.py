"""What the linter says."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from .rule import Category, Ladder, Learned, Rule, Second, Tagged
from .words import Sentence, remark

#: How many names a sentence gives before it only counts them.
_NAMED = 3


class Flaw(StrEnum):
    """What is odd."""

    UNUSABLE = "unusable"
    NEVER_REACHED = "never_reached"
    NEVER_IN_SEASON = "never_in_season"
    OVER = "over"
    CLOCK_CHANGE = "clock_change"
    CONTRADICTION = "contradiction"
    OVERLAP = "overlap"
    CATCH_ALL = "catch_all"
    BELOW_FLOOR = "below_floor"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_TAG = "unknown_tag"
    UNKNOWN_SEASON = "unknown_season"
    UNKNOWN_LADDER = "unknown_ladder"
    UNKNOWN_RULE = "unknown_rule"
    UNKNOWN_ANSWER = "unknown_answer"
    UNUSED_SEASON = "unused_season"
    UNUSED_LADDER = "unused_ladder"


class Finding(msgspec.Struct, frozen=True):
    """`rule` is what it is about ("" for a season or ladder), `other` the rule, product or name that it names. `told`
    says what is odd, and what to do."""

    code: Flaw
    rule: str
    other: str
    told: Sentence

    @property
    def sentence(self) -> str:
        """What it says, in English."""
        return str(self.told)


def missing(code: Flaw, rule: str, name: str, *, question: str = "", gift: bool = False) -> Finding:
    """A rule names another part of the book that is not there; `name` is an answer of `question`, or a rule whose gift
    is meant."""
    what = _GIFT if gift else _PARTS[code]
    if question:
        what = remark("the answer of {question}", question=repr(question))
    told = remark("This rule names {what} {name}, which does not exist. Correct the name.", what=what, name=repr(name))
    return Finding(code, rule, name, told)


def foreign(code: Flaw, rule: str, name: str) -> Finding:
    """A rule names what the catalogue has not."""
    told = remark(
        "This rule names {what} {name}, which the store has not. Correct the name, or remove it.",
        what=_PARTS[code],
        name=repr(name),
    )
    return Finding(code, rule, name, told)


_GIFT = remark("the gift of")
_PARTS = {
    Flaw.UNKNOWN_SEASON: remark("the season"),
    Flaw.UNKNOWN_LADDER: remark("the ladder"),
    Flaw.UNKNOWN_RULE: remark("the rule"),
    Flaw.UNKNOWN_ANSWER: remark("the question"),
    Flaw.UNKNOWN_PRODUCT: remark("the product"),
    Flaw.UNKNOWN_CATEGORY: remark("the category"),
    Flaw.UNKNOWN_TAG: remark("the tag"),
}


def offered(rule: Rule, ref: str) -> str | Sentence:
    """What a rule offers, `ref` where it is a product."""
    match rule.offer:
        case Category(name=name):
            return remark("category {name}", name=name)
        case Tagged(name=name):
            return remark("tag {name}", name=name)
        case Ladder(name=name):
            return remark("ladder {name}", name=name)
        case Learned(kind=kind):
            return remark("learned complements") if kind == "complement" else remark("learned upgrades")
        case Second():
            return remark("one more of the same")
        case _:
            return ref


def some(names: list[str]) -> str | Sentence:
    rest, first = len(names) - _NAMED, ", ".join(names[:_NAMED])
    return remark("{names} (and {n} more)", names=first, n=rest) if rest > 0 else first


def alike(mine: Rule, theirs: Rule, offer: str, *, same_when: bool) -> Finding:
    """Two rules that offer the same for the same; `theirs` is tried first."""
    same = same_when and mine.priority == theirs.priority
    if same and mine.discount is not None and theirs.discount is not None and mine.discount != theirs.discount:
        return Finding(
            Flaw.CONTRADICTION,
            mine.name,
            theirs.name,
            remark(
                "This rule and {name} give different discounts on {offer} for the same carts and have "
                "the same priority: only the one that is written first counts. Keep one, or give them "
                "different conditions.",
                name=repr(theirs.name),
                offer=offered(mine, offer),
            ),
        )
    return Finding(
        Flaw.OVERLAP,
        mine.name,
        theirs.name,
        remark(
            "This rule offers {offer} for the same things in the cart as {name}, which is tried "
            "first. Keep one, or tell them apart by placement, schedule or conditions.",
            offer=offered(mine, offer),
            name=repr(theirs.name),
        ),
    )
