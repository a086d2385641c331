"""Every line's upgrades; every complement once, with its weights summed."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from flask_upsell.core import candidates
from flask_upsell.core.affinity import DIRECTIONS, Affinities, Affinity, Turn
from flask_upsell.core.book import Book
from flask_upsell.core.candidates import decided
from flask_upsell.core.conditions import Scene
from flask_upsell.core.context import MOST_LINES, Context, Line
from flask_upsell.core.offer import Candidate, Kind
from flask_upsell.core.taste import Habits

from .build import book, context, customer, leads, line

PHONE, TABLET = line("phone"), line("tablet")


def look_up(about: Context, full: Book) -> list[Candidate]:
    return list(candidates.look_up(Scene(about, full.products), full))


def test_upgrades_come_first_then_the_higher_score_then_the_reference() -> None:
    full = book(
        [],
        {
            "phone": leads({"c1": 0.8, "c2": 0.9, "b": 0.8}, {"u2": 0.1, "u1": 0.2}),
            "tablet": leads({}, {"u0": 0.1}),
        },
    )
    for lines in permutations((PHONE, TABLET)):
        found = look_up(context(*lines), full)
        assert [each.ref for each in found] == ["u1", "u0", "u2", "c2", "b", "c1"]


def test_the_same_upgrade_of_two_lines_goes_by_line() -> None:
    one, two = line("phone", ref="1"), line("phone", ref="2")
    full = book([], {"phone": leads(upgrades={"a": 0.5, "b": 0.5})})
    for lines in permutations((one, two)):
        found = look_up(context(*lines), full)
        assert [(each.ref, each.trigger.ref) for each in found] == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]


def test_nothing_leads_nowhere() -> None:
    assert look_up(context(), book([], {"phone": leads({"case": 0.5})})) == []
    assert look_up(context(PHONE), book([], {})) == []


def test_upgrades_are_candidates_of_each_line() -> None:
    found = look_up(
        context(PHONE, TABLET),
        book([], {"phone": leads(upgrades={"better": 0.3}), "tablet": leads(upgrades={"better": 0.2})}),
    )
    assert [(each.kind, each.ref, each.trigger, each.score) for each in found] == [
        (Kind.UPGRADE, "better", PHONE, 0.3),
        (Kind.UPGRADE, "better", TABLET, 0.2),
    ]


def test_a_complement_of_several_lines_is_one_candidate() -> None:
    found = look_up(
        context(PHONE, TABLET, line("camera")),
        book([], {"phone": leads({"cover": 0.25}), "tablet": leads({"cover": 0.5}), "camera": leads({"cover": 0.125})}),
    )
    assert [(each.ref, each.score) for each in found] == [("cover", 0.875)]
    assert found[0].trigger == TABLET, "the strongest line is the one that is told"
    assert found[0].affinity is not None and found[0].affinity.weight == 0.5


def test_of_equally_strong_lines_the_first_is_told() -> None:
    there = leads({"cover": 0.5})
    found = look_up(context(TABLET, PHONE), book([], {"phone": there, "tablet": there}))
    assert [each.trigger for each in found] == [TABLET]


def test_two_lines_of_one_product_count_twice() -> None:
    found = look_up(
        context(PHONE, line("phone", ref="other")), book([], {"phone": leads({"case": 0.5}, {"plus": 0.5})})
    )
    assert [(each.kind.value, each.score, each.trigger.ref) for each in found] == [
        ("upgrade", 0.5, "line-phone"),
        ("upgrade", 0.5, "other"),
        ("complement", 1.0, "line-phone"),
    ]


def test_the_page_is_about_its_anchors_not_the_cart() -> None:
    full = book([], {"phone": leads({"case": 0.5}), "tablet": leads({"pen": 0.5})})
    found = look_up(context(PHONE, anchors=[line("tablet", ref="")]), full)
    assert [each.ref for each in found] == ["pen"]


def test_a_huge_cart_is_judged_by_its_first_lines() -> None:
    lines = [line(f"p{i}") for i in range(MOST_LINES + 1)]
    full = book([], {f"p{i}": leads({f"c{i}": 0.5}) for i in range(MOST_LINES + 1)})
    assert [each.ref for each in look_up(context(*lines), full)] == sorted(f"c{i}" for i in range(MOST_LINES))


@pytest.mark.parametrize("weights", [(0.1, 0.2, 0.3), (0.3, 0.2, 0.1), (0.2, 0.3, 0.1)])
def test_a_sum_does_not_depend_on_the_order_of_the_lines(weights: tuple[float, float, float]) -> None:
    """Else products with equal sums would change places when lines do: 0.1 + 0.2 + 0.3 is more than 0.3 + 0.2 + 0.1."""
    lines = [line("a"), line("b"), line("c")]
    full = book([], {each.product: leads({"cover": weight}) for each, weight in zip(lines, weights, strict=True)})
    (found,) = look_up(context(*lines), full)
    assert found.score == 0.6


def test_what_is_rejected_for_one_line_needs_evidence_of_another() -> None:
    """Habits, the crowd and weak links are none; "never" holds whatever there is. What was approved comes first.

    Planted bug that it shows: any link lets it through.
    """

    def led(ref: str, together: int, **said: tuple[str, ...]) -> tuple[Line, Affinities]:
        found = Affinity("x", 0.5, together, 20, 30, 1000)
        return Line(ref, ref, 1, 1000), replace(Affinities((), (found,) if together else ()), **said)

    scores = [(0.9, "x"), (0.5, "y")]
    out = led("a", 0, rejected=("x",))
    assert decided([out], scores, 5) == [(0.5, "y")]
    assert decided([out, led("b", 4)], scores, 5) == [(0.5, "y")]
    assert decided([out, led("b", 5)], scores, 5) == scores
    assert decided([out, led("b", 0, approved=("x",))], scores, 5) == scores
    assert decided([led("a", 0, never=("x",)), led("b", 50, approved=("x",))], scores, 5) == [(0.5, "y")]
    assert decided([led("a", 0, approved=("z", "y"))], scores, 5) == [(0.5, "y"), (0.0, "z"), (0.9, "x")]
    assert decided([led("a", 2)], scores, 5, strict=True) == [(0.9, "x")]


SWEET, BITTER = bytes([127, *[0] * (DIRECTIONS - 1)]), bytes([0, 127, *[0] * (DIRECTIONS - 2)])


def tasting(**tastes: bytes) -> Book:
    """A phone with two upgrades, one for each taste; the bitter one is chosen by most."""
    turns = {"sweet": Turn(0.0, 2.0, SWEET), "bitter": Turn(0.0, 2.0, BITTER), "other": Turn(0.0, 2.0, BITTER)}
    up = leads({"case": 0.9}, {"bitter": 0.5, "other": 0.3, "sweet": 0.2})
    habits = {name: Habits(taste=taste) for name, taste in tastes.items()}
    return replace(book([], {"phone": replace(up, turns=turns)}), habits=habits)


def test_a_shopper_is_offered_first_what_those_turn_to_who_own_the_same() -> None:
    """Planted bug that it shows: what is looked at first is asked for in the order of all people."""
    asked = list[list[str]]()
    full = replace(tasting(ann=SWEET, bob=BITTER), expect=lambda first, later: asked.append([*first, "|", *later]))
    found = look_up(context(PHONE, visitor=customer(customer="ann")), full)
    assert [each.ref for each in found] == ["sweet", "bitter", "other", "case"]
    assert asked == [["case", "sweet", "bitter", "|", "other"]]
    assert sum(each.score for each in found[:3]) == pytest.approx(1.0)
    assert look_up(context(PHONE, visitor=customer(customer="bob")), full)[0].ref == "bitter"


def test_without_consent_or_habits_upgrades_are_those_of_all_people() -> None:
    """Planted bug that it shows: consent is not asked."""
    full = tasting(ann=SWEET)
    known = context(PHONE, visitor=customer(customer="ann"))
    strangers = [replace(known, consent=False), context(PHONE), context(PHONE, visitor=customer(customer="bob"))]
    for about in [*strangers, replace(known, known_as="")]:
        assert [each.ref for each in look_up(about, full)] == ["bitter", "other", "sweet", "case"]
        assert [each.score for each in look_up(about, full)[:3]] == [0.5, 0.3, 0.2]
    assert look_up(replace(known, known_as="ann"), full)[0].ref == "sweet"
