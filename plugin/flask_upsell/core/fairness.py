"""What a rule may not ask before it reduces a price, and whom its price is for.

A price depends on the cart, the rule, the date and what customers declare of themselves: never on what they did.
"""

from __future__ import annotations

from collections.abc import Iterator

from .named import conditions
from .rule import Rule, Tree
from .rules import stops
from .trees import NAMES
from .words import objection

#: What a shopper did, or a random number that stands for them: it may choose what is shown, not what it costs.
BEHAVIOUR = frozenset({"has_bought", "order_count", "days_since_last_order", "sample"})
#: What is true of single persons, declared or promised: such a price is theirs, not the product's.
PERSONAL = BEHAVIOUR | {"group", "signed_in", "first_order", "perk"}


def check(rule: Rule) -> Iterator[tuple[str, str]]:
    """What is unfair in a rule: (field, sentence). One that stops keeps those below it from reducing a price."""
    for field, tree in (("audience", rule.audience), ("when", rule.when)):
        for code in dict.fromkeys(code for code, _ in conditions(tree) if code in BEHAVIOUR):
            if rule.discount is not None:
                yield (
                    field,
                    objection(
                        "has {code}, and a price may not depend on what a shopper did or on chance: name a "
                        "declared group or first_order, or leave the discount out",
                        code=code,
                    ),
                )
            if stops(rule):
                yield (
                    field,
                    objection(
                        "has {code}, and the rule stops those below it, so that prices would depend on what a "
                        "shopper did or on chance: let it go on, or name a declared group",
                        code=code,
                    ),
                )


def for_everybody(rule: Rule) -> bool:
    """Whether a stranger could get a rule's price, given the right cart: then it is a price of the product."""
    return all(tree is None or _can(tree) for tree in (rule.audience, rule.when))


def _can(tree: Tree) -> bool:
    """Whether it can hold for somebody of whom nothing is known."""
    ((name, given),) = tree.items()
    if name == "all":
        return all(_can(child) for child in given)
    if name == "any":
        return any(_can(child) for child in given)
    return not any(_must(child) for child in given) if name == "none" else name not in PERSONAL


def _must(tree: Tree) -> bool:
    """Whether it holds for every such person: only what is the contrary of something personal does."""
    ((name, given),) = tree.items()
    if name not in NAMES:
        return False
    if name == "none":
        return not any(_can(child) for child in given)
    held = [_must(child) for child in given]
    return all(held) if name == "all" else any(held)
