"""Where a rule's candidates come from: each source with what it finds and what it just does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from flask_upsell.core.affinity import Affinities
from flask_upsell.core.book import Book
from flask_upsell.core.candidates import learned_in, look_up
from flask_upsell.core.conditions import Scene
from flask_upsell.core.context import Context, Line
from flask_upsell.core.money import Money
from flask_upsell.core.offer import Candidate, Kind
from flask_upsell.core.product import Product
from flask_upsell.core.rule import (
    AnySource,
    Bundle,
    Category,
    Gap,
    Ladder,
    Learned,
    Nothing,
    Products,
    Programme,
    Relative,
    Second,
    Tagged,
    Tree,
)
from flask_upsell.core.sources import MOST_LISTED, brings

from .build import asking, book, context, leads, line, product, rule, ruleset

PHONE, TABLET = line("phone", 1000), line("tablet", 2000)


def found(
    source: AnySource,
    about: Context,
    *products: Product,
    when: Tree | None = None,
    lists: Mapping[str, tuple[str, ...]] | None = None,
    ladders: Mapping[str, tuple[str, ...]] | None = None,
    affinities: Mapping[str, Affinities] | None = None,
    boost: tuple[str, ...] = (),
) -> list[Candidate]:
    """What a rule with this source finds; it stops, so that nothing learned comes after it."""
    rules = ruleset(rule("r", source, when=when, stop=True, boost=boost), ladders=ladders)
    full = book(products, affinities or {}, lists=lists, rules=rules)
    candidates = list(look_up(Scene(about, full.products), full))
    assert all(each.rule is rules.book.rules[0] for each in candidates)
    return candidates


def rows(candidates: Sequence[Candidate]) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.ref, each.trigger.product) for each in candidates]


def refs(candidates: Sequence[Candidate]) -> list[str]:
    return [each.ref for each in candidates]


# --- named products, categories, tags --------------------------------------------------------------------------------

LISTS = {"c:Cases": ("case", "cover"), "t:gift": ("bow",), "c:gift": ("wrong",), "t:Cases": ("wrong",)}


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ((Products, {"refs": ("cover", "case")}), ["cover", "case"]),
        ((Category, {"name": "Cases"}), ["case", "cover"]),
        ((Category, {"name": "Case"}), []),
        ((Tagged, {"name": "gift"}), ["bow"]),
        ((Tagged, {"name": "gifts"}), []),
    ],
)
def test_named_products_go_with_the_first_line_and_upgrade_each(named: tuple[Any, Any], wanted: list[str]) -> None:
    source, arguments = named
    about = context(TABLET, PHONE)
    assert rows(found(source(**arguments), about, lists=LISTS)) == [("complement", ref, "tablet") for ref in wanted]
    assert rows(found(source(**arguments, kind=Kind.UPGRADE), about, lists=LISTS)) == [
        ("upgrade", ref, on) for on in ("tablet", "phone") for ref in wanted
    ]


def test_the_best_comes_first_and_has_no_evidence() -> None:
    made = found(Products(refs=("a", "b", "c")), context(PHONE))
    assert [each.score for each in made] == [0, -1, -2]
    assert [each.affinity for each in made] == [None] * 3


def test_they_are_for_the_lines_that_the_rule_is_about() -> None:
    when = {"lines": {"product": ["phone"]}}
    assert rows(found(Products(refs=("a",)), context(TABLET, PHONE), when=when)) == [("complement", "a", "phone")]
    upgrades = found(Products(refs=("a",), kind=Kind.UPGRADE), context(TABLET, PHONE), when=when)
    assert rows(upgrades) == [("upgrade", "a", "phone")]


def test_of_a_long_list_the_first_are_looked_at() -> None:
    many = tuple(f"p{number}" for number in range(MOST_LISTED + 1))
    assert refs(found(Category(name="A"), context(PHONE), lists={"c:A": many})) == list(many[:-1])
    assert refs(found(Products(refs=many), context(PHONE))) == list(many)


CARD = Programme(url="/card", title={"en": "Card"})


@pytest.mark.parametrize(
    "source",
    [Products(refs=("a",)), Learned(), Ladder(name="bags"), Relative(), Bundle(refs=("a", "b")), CARD],
)
def test_without_a_line_there_is_nothing_to_go_with(source: AnySource) -> None:
    assert found(source, context()) == found(source, context(line("phone", quantity=0))) == []


def test_what_is_named_for_something_else_than_to_upgrade_goes_with_the_line() -> None:
    for kind in (Kind.BUNDLE, Kind.PROGRAMME):
        made = found(Products(refs=("a", "b"), kind=kind), context(TABLET, PHONE))
        assert rows(made) == [("complement", "a", "tablet"), ("complement", "b", "tablet")]


# --- bundles and programmes ------------------------------------------------------------------------------------------


def test_a_bundle_is_one_candidate_with_parts() -> None:
    (made,) = found(Bundle(refs=("pen", "case", "cap")), context(TABLET, PHONE))
    assert (made.kind, made.ref, made.parts) == (Kind.BUNDLE, "pen+case+cap", ("pen", "case", "cap"))
    assert (made.trigger, made.affinity, made.score) == (TABLET, None, 0)


def test_a_programme_is_one_candidate_that_is_no_product() -> None:
    when: Tree = {"lines": {"product": ["phone"]}}
    (made,) = found(CARD, context(TABLET, PHONE), when=when)
    assert (made.kind, made.ref, made.parts, made.trigger) == (Kind.PROGRAMME, "programme:r", (), PHONE)


# --- what comes first ------------------------------------------------------------------------------------------------


def boosted(boost: tuple[str, ...], *products: Product) -> list[str]:
    source = Products(refs=(*[each.ref for each in products], "gone"))
    return refs(found(source, context(PHONE), *products, boost=boost))


def test_what_has_the_first_of_the_boosted_comes_first_the_others_stay_as_they_were() -> None:
    some = [
        product("plain"),
        product("new", tags=["New"]),
        product("both", tags=["New", "Clearance"]),
        product("last", attributes={"Clearance": "last ones"}),
        product("newer", attributes={"New": "yes"}),
    ]
    assert boosted((), *some) == ["plain", "new", "both", "last", "newer", "gone"]
    assert boosted(("Clearance",), *some) == ["both", "last", "plain", "new", "newer", "gone"]
    assert boosted(("Clearance", "New"), *some) == ["both", "last", "new", "newer", "plain", "gone"]
    assert boosted(("New", "Clearance"), *some) == ["new", "both", "newer", "last", "plain", "gone"]
    assert boosted(("new", "clearance"), *some) == ["plain", "new", "both", "last", "newer", "gone"]


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        ("yes", True), ("1", True), ("00", True), ("none", True), ("2026", True),
        ("", False), (" ", False), ("0", False), ("no", False), (" No ", False), ("FALSE", False),
    ],
)  # fmt: skip
def test_an_attribute_that_says_no_does_not_count(value: str, counts: bool) -> None:
    first, other = product("first"), product("other", attributes={"New": value})
    assert boosted(("New",), first, other)[0] == ("other" if counts else "first")


def test_what_a_tag_says_counts_whatever_the_attribute_says() -> None:
    assert boosted(("New",), product("a"), product("b", tags=["New"], attributes={"New": "no"}))[0] == "b"


def test_what_was_learned_is_boosted_too() -> None:
    new = product("pen", tags=["New"])
    made = found(Learned(), context(PHONE, TABLET), product("case"), new, affinities=LEADS, boost=("New",))
    assert [(each.ref, each.score) for each in made] == [("pen", 0.75), ("case", 1.0)]


def test_an_upgrade_of_any_line_is_boosted() -> None:
    about = context(line("l"), line("s"))
    made = found(Ladder(name="bags"), about, product("xl"), product("m", tags=["New"]), ladders=BAGS, boost=("New",))
    assert rows(made) == [("upgrade", "m", "s"), ("upgrade", "xl", "l")]


# --- learned ---------------------------------------------------------------------------------------------------------

LEADS = {"phone": leads({"case": 0.5}, {"plus": 0.25}), "tablet": leads({"pen": 0.75, "case": 0.5})}


def test_what_was_learned_keeps_its_evidence() -> None:
    made = found(Learned(), context(PHONE, TABLET), affinities=LEADS)
    assert rows(made) == [("complement", "case", "phone"), ("complement", "pen", "tablet")]
    assert [each.score for each in made] == [1.0, 0.75]
    assert [each.affinity for each in made] == [LEADS["phone"].complements[0], LEADS["tablet"].complements[0]]
    (better,) = found(Learned(kind=Kind.UPGRADE), context(PHONE, TABLET), affinities=LEADS)
    assert (better.ref, better.affinity) == ("plus", LEADS["phone"].upgrades[0])


def test_what_was_learned_for_the_matched_lines_only() -> None:
    made = found(Learned(), context(PHONE, TABLET), affinities=LEADS, when={"lines": {"product": ["phone"]}})
    assert [(each.ref, each.score) for each in made] == [("case", 0.5)]


# --- a relative of the line ------------------------------------------------------------------------------------------

BASE = product("phone", 1500, "Phones", brand="Ember", attributes={"Memory": "8 GB", "Colour": "red"})


def phone(ref: str, price: int = 1000, brand: str = "Ember", **attributes: str) -> Product:
    return product(ref, price, "Phones", brand=brand, attributes={"Memory": "8 GB", "Colour": "red"} | attributes)


def relatives(source: Relative, *products: Product, about: Line = PHONE) -> list[str]:
    lists = {"c:Phones": ("phone", *[each.ref for each in products], "unpublished")}
    made = found(source, context(about), BASE, *products, lists=lists)
    assert all(each.kind is source.kind for each in made)
    return refs(made)


@pytest.mark.parametrize(
    ("low", "high", "within"),
    [
        (0, None, ["p899", "p900", "p1200", "p1201"]),
        (90, None, ["p900", "p1200", "p1201"]),
        (0, 120, ["p899", "p900", "p1200"]),
        (90, 120, ["p900", "p1200"]),
        (121, None, []),
    ],
)
def test_a_relative_is_within_percents_of_what_the_line_costs_both_included(
    low: int, high: int | None, within: list[str]
) -> None:
    """Of the line's own price, 1000, not the 1500 that the catalogue says."""
    several = [phone(f"p{price}", price) for price in (899, 900, 1200, 1201)]
    assert relatives(Relative(min_percent=low, max_percent=high), *several) == within


@pytest.mark.parametrize(
    ("same", "alike"),
    [
        ((), ["twin", "blue", "fir", "large"]),
        (("brand",), ["twin", "blue", "large"]),
        (("Colour",), ["twin", "fir", "large"]),
        (("Memory", "Colour"), ["twin", "fir"]),
        (("brand", "Memory", "Colour"), ["twin"]),
    ],
)
def test_a_relative_has_the_same_values(same: tuple[str, ...], alike: list[str]) -> None:
    others = [phone("twin"), phone("blue", Colour="blue"), phone("fir", brand="Fir"), phone("large", Memory="16 GB")]
    assert relatives(Relative(same=same), *others) == alike
    assert relatives(Relative(same=same, kind=Kind.COMPLEMENT), *others) == alike


def test_a_line_of_an_unknown_product_or_category_has_no_relatives() -> None:
    lists = {"c:Phones": ("plus",)}
    plus = phone("plus")
    assert refs(found(Relative(), context(PHONE), BASE, plus, lists=lists)) == ["plus"]
    assert found(Relative(), context(line("unpublished")), BASE, plus, lists=lists) == []
    assert found(Relative(), context(PHONE), product("phone"), plus, lists=lists) == []


def test_each_line_has_relatives_of_its_own() -> None:
    tablet, pad = product("tablet", 2000, "Tablets"), product("pad", 2500, "Tablets")
    lists = {"c:Phones": ("plus",), "c:Tablets": ("pad", "tablet")}
    made = found(Relative(), context(TABLET, PHONE), BASE, phone("plus"), tablet, pad, lists=lists)
    assert rows(made) == [("upgrade", "pad", "tablet"), ("upgrade", "plus", "phone")]


# --- ladders ---------------------------------------------------------------------------------------------------------

BAGS = {"bags": ("s", "m", "l", "xl"), "boxes": ("m", "box")}


@pytest.mark.parametrize(
    ("inside", "steps", "above"),
    [
        ("s", 1, ["m"]),
        ("s", 2, ["m", "l"]),
        ("l", 2, ["xl"]),
        ("l", 9, ["xl"]),
        ("xl", 1, []),
        ("box", 1, []),
        ("phone", 1, []),
    ],
)
def test_the_next_steps_of_a_ladder(inside: str, steps: int, above: list[str]) -> None:
    made = found(Ladder(name="bags", steps=steps), context(line(inside)), ladders=BAGS)
    assert rows(made) == [("upgrade", ref, inside) for ref in above]


def test_each_line_climbs_and_an_unknown_ladder_leads_nowhere() -> None:
    about = context(line("l"), PHONE, line("s"))
    assert rows(found(Ladder(name="bags"), about, ladders=BAGS)) == [("upgrade", "xl", "l"), ("upgrade", "m", "s")]
    assert found(Ladder(name="hats"), about, ladders=BAGS) == []


# --- closing a gap ---------------------------------------------------------------------------------------------------

SMALL = [product("p300", 300), product("p301", 301), product("p299", 299), product("a300", 300), product("p900", 900)]
NAMES = tuple(each.ref for each in SMALL)
GOAL = (Money(130_000, "JPY"), Money(1300, "EUR"))
ONE = [("complement", "a300"), ("complement", "p300"), ("complement", "p301"), ("complement", "p900")]


@pytest.mark.parametrize(
    "source",
    [
        Gap(threshold=GOAL, refs=(*NAMES, "unpublished")),
        Gap(threshold=GOAL, category="Small"),
        Gap(threshold=GOAL, tag_="small"),
    ],
)
def test_what_closes_the_gap_the_cheapest_first_then_by_reference(source: Gap) -> None:
    lists = {"c:Small": (*NAMES, "unpublished"), "t:small": NAMES}
    assert [row[:2] for row in rows(found(source, context(PHONE), *SMALL, lists=lists))] == ONE


@pytest.mark.parametrize(
    ("lines", "closing"),
    [
        ([line("phone", 1000)], ["a300", "p300", "p301", "p900"]),
        ([line("phone", 500, 2)], ["a300", "p300", "p301", "p900"]),
        ([line("phone", 1001)], ["p299", "a300", "p300", "p301", "p900"]),
        ([line("phone", 999)], ["p301", "p900"]),
        ([line("phone", 399)], []),
        ([line("phone", 1299)], ["p299", "a300", "p300", "p301", "p900"]),
        ([line("phone", 1300)], []),
        ([line("phone", 700), line("case", 600)], []),
    ],
)
def test_a_gap_is_what_the_cart_lacks(lines: list[Line], closing: list[str]) -> None:
    assert refs(found(Gap(threshold=GOAL, refs=NAMES), context(*lines), *SMALL)) == closing


def test_the_gap_is_the_carts_whatever_the_page_is_about() -> None:
    looked_at = line("tablet", 5000, ref="")
    made = found(Gap(threshold=GOAL, refs=NAMES), context(PHONE, anchors=[looked_at]), *SMALL)
    assert rows(made)[0] == ("complement", "a300", "tablet")


def test_a_threshold_in_another_currency_is_none() -> None:
    assert found(Gap(threshold=GOAL, refs=NAMES), context(PHONE, currency="USD"), *SMALL) == []
    yen = found(Gap(threshold=GOAL, refs=NAMES), context(line("phone", 129_500), currency="JPY"), *SMALL)
    assert refs(yen) == [], "what costs euros closes no gap in yen"


def test_a_gap_without_a_place_to_look_finds_nothing() -> None:
    assert found(Gap(threshold=GOAL), context(PHONE), *SMALL) == []


# --- a second one ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([PHONE, TABLET], [("complement", "phone", "phone"), ("complement", "tablet", "tablet")]),
        ([line("phone", quantity=2), TABLET], [("complement", "tablet", "tablet")]),
        ([PHONE, line("phone", ref="other")], []),
    ],
)
def test_a_second_one_of_what_the_cart_has_one_of(lines: list[Line], wanted: list[tuple[str, str, str]]) -> None:
    assert rows(found(Second(), context(*lines), product("phone"), product("tablet"))) == wanted


def test_of_what_is_only_looked_at_there_is_no_first() -> None:
    looked_at = line("phone", ref="")
    assert found(Second(), context(TABLET, anchors=[looked_at]), product("phone")) == []
    assert found(Second(), context(PHONE, anchors=[looked_at]), product("phone")) == []


# --- what is asked of the book ---------------------------------------------------------------------------------------


def test_nothing_has_no_candidates_and_a_rule_that_only_asks_has_none_either() -> None:
    assert found(Nothing(), context(PHONE), product("a"), product("b")) == []
    silent = book([product("a")], {"phone": leads({"a": 0.5})}, rules=ruleset(asking(stop=True)))
    assert list(look_up(Scene(context(PHONE), silent.products), silent)) == []


def test_all_rules_ask_together_for_their_lists_and_then_for_their_products() -> None:
    """One round trip each, however many rules apply."""
    asked: list[tuple[str, list[str]]] = []
    when: Tree = {"lines": {"product": ["phone"]}}
    rules = ruleset(
        rule("named", Products(refs=("x", "y"))),
        rule("category", Category(name="Cases")),
        rule("tag", Tagged(name="gift")),
        rule("relative", Relative(), when=when),
        rule("gap", Gap(threshold=GOAL, tag_="small")),
        rule("gap of refs", Gap(threshold=GOAL, refs=("z",))),
        rule("gap of a category", Gap(threshold=GOAL, category="Small")),
        rule("ladder", Ladder(name="bags")),
        rule("second", Second()),
        rule("learned", Learned()),
        rule("bundle", Bundle(refs=("u", "v"))),
        rule("card", CARD),
        asking(),
        rule("other", Category(name="Other"), when={"lines": {"product": ["other"]}}),
        ladders={"bags": ("phone", "pad")},
    )
    full = Book(
        "1", {"phone": BASE}, {}, {"c:Cases": ("case",), "t:gift": ("bow",), "c:Phones": ("plus",), "t:small": ("s",)},
        rules, lambda first, later: asked.append(("products", [*first, "|", *later])),
        lambda keys: asked.append(("lists", list(keys))),
    )  # fmt: skip
    next(look_up(Scene(context(PHONE), full.products), full))
    assert asked == [
        ("lists", ["c:Cases", "t:gift", "c:Phones", "t:small", "c:Small"]),
        ("products", ["x", "y", "case", "bow", "plus", "s", "z", "pad", "phone", "u", "v", "|"]),
    ]


def test_rules_that_name_nothing_ask_for_nothing() -> None:
    asked: list[object] = []
    full = Book("1", {}, {}, {}, ruleset(rule("r", Nothing())), lambda *refs: asked.append(refs), asked.append)
    assert list(look_up(Scene(context(PHONE), full.products), full)) == []
    assert asked == []


# --- whether another rule brings the same ----------------------------------------------------------------------------

FILLED = {"c:Cases": ("case", "cover"), "t:gift": ("bow",)}


@pytest.mark.parametrize(
    ("source", "kind", "ref", "trigger", "brought"),
    [
        (Products(refs=("a", "b")), Kind.COMPLEMENT, "b", PHONE, True),
        (Products(refs=("a", "b")), Kind.COMPLEMENT, "c", PHONE, False),
        (Products(refs=("a", "b")), Kind.UPGRADE, "b", PHONE, False),
        (Products(refs=("a", "b")), Kind.COMPLEMENT, "b", TABLET, True),
        (Products(refs=("a", "b"), kind=Kind.UPGRADE), Kind.UPGRADE, "b", TABLET, True),
        (Category(name="Cases"), Kind.COMPLEMENT, "cover", PHONE, True),
        (Category(name="Cases"), Kind.COMPLEMENT, "bow", PHONE, False),
        (Tagged(name="gift"), Kind.COMPLEMENT, "bow", PHONE, True),
        (Learned(), Kind.COMPLEMENT, "pen", TABLET, True),
        (Learned(), Kind.COMPLEMENT, "pen", PHONE, True),
        (Learned(), Kind.UPGRADE, "plus", PHONE, False),
        (Ladder(name="bags"), Kind.UPGRADE, "pad", PHONE, True),
        (Ladder(name="bags"), Kind.UPGRADE, "phone", PHONE, False),
        (Ladder(name="bags"), Kind.UPGRADE, "pad", TABLET, False),
        (Bundle(refs=("a", "b")), Kind.COMPLEMENT, "a", PHONE, False),
        (CARD, Kind.COMPLEMENT, "a", PHONE, False),
        (Nothing(), Kind.COMPLEMENT, "a", PHONE, False),
        (Second(), Kind.COMPLEMENT, "phone", PHONE, False),
    ],
)
def test_a_rule_brings_a_complement_for_any_line_and_an_upgrade_for_its_own(
    source: AnySource, kind: Kind, ref: str, trigger: Line, brought: bool
) -> None:
    rules = ruleset(rule("r", source), ladders={"bags": ("phone", "pad")})
    full = book([], LEADS, lists=FILLED, rules=rules)
    seen = Scene(context(PHONE, TABLET), full.products)
    (working,) = rules.matching(seen)
    other = Candidate(kind, ref, trigger, None, 0, rule("other"))
    assert brings(working, working.matched(seen), other, seen, full, learned_in(full)) is brought


@pytest.mark.parametrize(("kind", "elsewhere"), [(Kind.COMPLEMENT, True), (Kind.UPGRADE, False)])
def test_a_rule_brings_no_upgrade_for_lines_that_it_is_not_about(kind: Kind, elsewhere: bool) -> None:
    rules = ruleset(rule("r", Products(refs=("a",), kind=kind), when={"lines": {"product": ["phone"]}}))
    full = book([], {}, rules=rules)
    seen = Scene(context(TABLET, PHONE), full.products)
    (working,) = rules.matching(seen)
    matched = working.matched(seen)
    for trigger, brought in ((PHONE, True), (TABLET, elsewhere)):
        other = Candidate(kind, "a", trigger, None, 0)
        assert brings(working, matched, other, seen, full, learned_in(full)) is brought
