"""Trees of conditions: nested all, any, none."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import BadInput
from .conditions import CONDITIONS, Condition, Facet, Lines, Scene
from .rule import DEEPEST, Tree
from .words import objection

NAMES = ("all", "any", "none")


class Node:
    """A compiled tree."""

    def __init__(self, name: str, check: Condition | None, children: tuple[Node, ...]) -> None:
        self._name, self.condition, self.children = name, check, children
        self.facets = check.looks_at if check is not None else Facet.CART
        self._history = Facet.HISTORY in self.facets
        for child in children:
            self.facets |= child.facets

    def holds(self, scene: Scene) -> bool:
        if self.condition is not None:
            return (not self._history or scene.context.consent) and self.condition.check(scene)
        if self._name == "all":
            return all(child.holds(scene) for child in self.children)
        met = any(child.holds(scene) for child in self.children)
        return met if self._name == "any" else not met

    def why_not(self, scene: Scene) -> str:
        """What keeps it from holding: the first condition in the way, as it is written; "" when it holds."""
        if self.holds(scene):
            return ""
        if self.condition is not None:
            return f"{self.condition.code} {msgspec.json.encode(self.condition).decode()}"
        if self._name == "all":
            return next(why for child in self.children if (why := child.why_not(scene)))
        if self._name == "any":
            return "none of: " + "; ".join(child.why_not(scene) for child in self.children)
        met = next(child for child in self.children if child.holds(scene))
        return f"not wanted: {met.text()}"

    def needs_consent(self, scene: Scene) -> bool:
        """Whether what keeps it from holding is a condition on history, which a shopper has not agreed to."""
        if scene.context.consent or Facet.HISTORY not in self.facets or self.holds(scene):
            return False
        if self._name == "all":
            return next(child for child in self.children if not child.holds(scene)).needs_consent(scene)
        if self.condition is not None:
            return True
        return self._name == "any" and any(child.needs_consent(scene) for child in self.children)

    def text(self) -> str:
        if self.condition is not None:
            return f"{self.condition.code} {msgspec.json.encode(self.condition).decode()}"
        return f"{self._name} of ({'; '.join(child.text() for child in self.children)})"

    def triggers(self) -> frozenset[str] | None:
        """See `Condition.triggers`: of an `all` the fewest of a part, of an `any` all, if every part has some."""
        if self.condition is not None:
            return self.condition.triggers()
        found = [child.triggers() for child in self.children]
        known = [each for each in found if each is not None]
        if self._name == "all":
            return min(known, key=len, default=None)
        if self._name == "any" and len(known) == len(found):
            return frozenset().union(*known)
        return None

    def lines(self) -> list[Lines]:
        """The conditions on lines that must hold: they say which lines a rule is about."""
        if isinstance(self.condition, Lines):
            return [] if self.condition.match == "none" else [self.condition]
        return [each for child in self.children for each in child.lines()] if self._name != "none" else []


def grow(tree: Tree) -> Node:
    """A tree from its plain form. Raises BadInput with the place of the first mistake."""
    found = problems(tree)
    if found:
        raise BadInput(*found[0])
    return _grow(tree)


def _grow(tree: Tree) -> Node:
    ((name, given),) = tree.items()
    if name in NAMES:
        return Node(name, None, tuple([_grow(child) for child in given]))
    return Node(name, msgspec.convert(given, CONDITIONS[name]), ())


def problems(tree: Any, place: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """All that is wrong with a tree: (place such as "all[0].subtotal.min", sentence)."""
    if not isinstance(tree, dict) or len(tree) != 1:
        return [
            (
                place,
                objection("one condition, or one of all, any, none with a list of them; not {tree}", tree=_short(tree)),
            )
        ]
    ((name, given),) = tree.items()
    here = f"{place}.{name}" if place else str(name)
    if depth >= DEEPEST:
        return [(here, objection("nested deeper than {deepest} levels, which nobody could read", deepest=DEEPEST))]
    if name in NAMES:
        if not isinstance(given, list | tuple) or not given:
            return [(here, objection("a list of conditions, at least one"))]
        return [each for number, child in enumerate(given) for each in problems(child, f"{here}[{number}]", depth + 1)]
    kind = CONDITIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        return [
            (
                here,
                objection(
                    "{name} is no condition; there are: {known}, and all, any, none",
                    name=repr(name),
                    known=", ".join(sorted(CONDITIONS)),
                ),
            )
        ]
    try:
        made = msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        sentence, _, where = str(error).partition(" - at `$")
        return [(here + where.rstrip("`"), sentence)]
    return [(f"{here}.{path}", sentence) for path, sentence in made.problems()]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
