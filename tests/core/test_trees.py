"""Nested conditions: when they hold, why not, what a cart must have for them, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.conditions import CONDITIONS, Facet
from flask_upsell.core.context import Line
from flask_upsell.core.rule import DEEPEST, Tree
from flask_upsell.core.trees import NAMES, grow, problems
from flask_upsell.errors import BadInput

from .build import context, line, scene

YES: Tree = {"currency": {"is": ["EUR"]}}
NO: Tree = {"currency": {"is": ["USD"]}}
NO_TEXT = 'currency {"is":["USD"]}'


def of(name: str, *parts: Tree) -> Tree:
    return {name: list(parts)}


def p(*refs: str, **rest: Any) -> Tree:
    return {"lines": {"product": list(refs), **rest}}


# --- when it holds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        (YES, ""),
        (NO, NO_TEXT),
        (of("all", YES, YES), ""),
        (of("all", YES, NO), NO_TEXT),
        (of("any", NO, YES), ""),
        (of("any", NO, NO), f"none of: {NO_TEXT}; {NO_TEXT}"),
        (of("none", NO, NO), ""),
        (of("none", NO, YES), 'not wanted: currency {"is":["EUR"]}'),
        (of("all", of("any", NO, YES), of("none", NO)), ""),
        (of("all", YES, of("any", NO, of("all", YES, NO))), f"none of: {NO_TEXT}; {NO_TEXT}"),
        (of("none", of("all", YES, NO), of("any", NO)), ""),
        (
            of("none", NO, of("all", YES, of("none", NO))),
            f'not wanted: all of (currency {{"is":["EUR"]}}; none of ({NO_TEXT}))',
        ),
        ({"subtotal": {"min": [[100, "EUR"]]}}, 'subtotal {"min":[[100,"EUR"]]}'),
        ({"first_order": {}}, "first_order {}"),
        (p("a", match="at_least", units=2), 'lines {"match":"at_least","units":2,"product":["a"]}'),
    ],
)
def test_a_tree_holds_or_says_the_first_thing_in_its_way(tree: Tree, why: str) -> None:
    grown, seen = grow(tree), scene(context())
    assert grown.holds(seen) is (why == "")
    assert grown.why_not(seen) == why


# --- what a cart must have for it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "keys"),
    [
        (YES, None),
        (p("a", "b"), {"p:a", "p:b"}),
        (of("all", YES, NO), None),
        (of("all", YES, p("a", "b")), {"p:a", "p:b"}),
        (of("all", p("a", "b"), p("c"), YES), {"p:c"}),
        (of("any", p("a", "b"), p("c")), {"p:a", "p:b", "p:c"}),
        (of("any", p("a"), YES), None),
        (of("any", p("a"), of("all", YES, p("b"))), {"p:a", "p:b"}),
        (of("any", p("a"), p("b", match="none")), None),
        (of("none", p("a")), None),
        (of("all", of("none", p("a")), p("b")), {"p:b"}),
        (of("all", of("any", p("a"), p("b")), of("any", p("c"), YES)), {"p:a", "p:b"}),
    ],
)
def test_the_keys_of_which_a_cart_must_have_one(tree: Tree, keys: set[str] | None) -> None:
    assert grow(tree).triggers() == keys


@pytest.mark.parametrize(
    ("tree", "about"),
    [
        (YES, []),
        (p("a"), ["a"]),
        (p("a", match="none"), []),
        (of("all", p("a"), of("any", p("b"), YES)), ["a", "b"]),
        (of("all", p("a"), of("none", p("b"))), ["a"]),
    ],
)
def test_the_lines_that_a_tree_is_about(tree: Tree, about: list[str]) -> None:
    assert [ref for lines in grow(tree).lines() for ref in lines.product] == about


def test_a_tree_looks_at_what_any_part_of_it_looks_at() -> None:
    assert grow(of("all", YES, p("a"))).facets is Facet.CART
    deep = of("all", {"source": {"is": ["letter"]}}, of("none", {"group": {"is": ["b2b"]}}, {"sample": {"percent": 5}}))
    assert grow(deep).facets == Facet.SESSION | Facet.SHOPPER | Facet.KEY | Facet.HISTORY


# --- what always holds -----------------------------------------------------------------------------------------------

REFS = ["a", "b", "c"]
LEAVES: st.SearchStrategy[Tree] = st.sampled_from(
    [YES, NO, {"line_count": {"min": 2}}, p("a"), p("a", "b"), p("b", "c", match="all"), p("c", match="none"),
     p("a", match="only"), p("b", match="at_least", units=2)]
)  # fmt: skip
TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES, lambda parts: st.builds(of, st.sampled_from(NAMES), parts, parts), max_leaves=6
)
LINES = st.lists(st.builds(line, st.sampled_from(REFS), quantity=st.integers(0, 2)), max_size=3)


def truth(tree: Tree, lines: list[Line]) -> bool:
    """What a tree means, without compiling it."""
    ((name, parts),) = tree.items()
    if name not in NAMES:
        return grow(tree).holds(scene(context(*lines)))
    met = [truth(part, lines) for part in parts]
    return {"all": all(met), "any": any(met), "none": not any(met)}[name]


@given(TREES, LINES)
def test_a_tree_means_what_it_says(tree: Tree, lines: list[Line]) -> None:
    grown, seen = grow(tree), scene(context(*lines))
    assert grown.holds(seen) is truth(tree, lines)
    assert (grown.why_not(seen) == "") is grown.holds(seen)


@given(TREES, LINES)
def test_a_tree_that_holds_has_one_of_its_keys(tree: Tree, lines: list[Line]) -> None:
    """Else a rule would be missed: it is only looked at for carts with one of its keys."""
    grown, keys = grow(tree), grow(tree).triggers()
    if keys is not None and grown.holds(scene(context(*lines))):
        assert keys & {"p:" + each.product for each in lines if each.quantity}


# --- what is wrong with it -------------------------------------------------------------------------------------------


def nested(levels: int) -> Tree:
    tree = YES
    for _ in range(levels - 1):
        tree = of("all", tree)
    return tree


ONE = "one condition, or one of all, any, none with a list of them; not "
SOME = "a list of conditions, at least one"
DEEP = "nested deeper than 10 levels, which nobody could read"


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({}, [("", ONE + "{}")]),
        ([], [("", ONE + "[]")]),
        (None, [("", ONE + "None")]),
        ({"all": [], "any": []}, [("", ONE + "{'all': [], 'any': []}")]),
        ({"all": ["x" * 100]}, [("all[0]", ONE + "'" + "x" * 56 + "...")]),
        ({"all": []}, [("all", SOME)]),
        ({"any": {"currency": {"is": ["EUR"]}}}, [("any", SOME)]),
        ({"none": None}, [("none", SOME)]),
        (
            {"all": [YES, {"any": [NO, {"subtotal": {}}]}, {"none": []}]},
            [("all[1].any[1].subtotal.min", "give min, max or both"), ("all[2].none", SOME)],
        ),
        ({"all": [{"line_count": {"min": "2"}}]}, [("all[0].line_count.min", "Expected `int | null`, got `str`")]),
        (nested(DEEPEST), []),
        (nested(DEEPEST + 1), [("all[0]." * DEEPEST + "currency", DEEP)]),
        ({"all": (YES, NO)}, []),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_tree_and_where(tree: Any, found: list[tuple[str, str]]) -> None:
    assert problems(tree) == found


@pytest.mark.parametrize("name", ["subtotals", "All", "", 7, None])
def test_an_unknown_condition_is_told_those_that_there_are(name: object) -> None:
    ((place, sentence),) = problems({"all": [{name: {}}]})
    assert place == f"all[0].{name}"
    assert sentence == f"{name!r} is no condition; there are: {', '.join(sorted(CONDITIONS))}, and all, any, none"


def test_a_wrong_tree_does_not_grow() -> None:
    with pytest.raises(BadInput, match=r"all\[1\]\.subtotal\.min: give min, max or both") as caught:
        grow({"all": [YES, {"subtotal": {}}, {"nothing": {}}]})
    assert caught.value.field == "all[1].subtotal.min"
