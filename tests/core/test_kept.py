"""When two contexts are decided alike: never two that are decided differently, and no more often than need be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product as product_of
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.context import Capability, Cart, Context, Line, Policy, Visitor, mark
from flask_upsell.core.decision import decide
from flask_upsell.core.kept import Kept, rebound, same
from flask_upsell.core.money import Money
from flask_upsell.core.offer import Kind
from flask_upsell.core.rule import (
    AnySource,
    Bundle,
    Copy,
    Discount,
    Gap,
    Goal,
    Learned,
    Nothing,
    Off,
    Products,
    Programme,
    Relative,
    Rule,
    Schedule,
    Status,
    Tree,
)
from flask_upsell.core.rules import EMPTY_RULES, RuleSet
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Windows, Yearly

from .build import NOW, asking, book, context, customer, leads, line, offered, product, rule, ruleset

SPRING = Season(name="spring", yearly=(Yearly(start="02-01", end="05-31"),), countries={"AU": Windows()})


def changed(about: Context, **facts: Any) -> Context:
    """Another context, or one of another visitor or cart."""
    parts = {"visitor": Visitor, "cart": Cart}
    for part, kind in parts.items():
        others = set(facts) - set(Context.__struct_fields__)
        own = {name: facts.pop(name) for name in kind.__struct_fields__ if name in others}
        if own:
            facts[part] = msgspec.structs.replace(getattr(about, part), **own)
    return msgspec.structs.replace(about, **facts)


# --- what is asked for, and what is not ------------------------------------------------------------------------------

PHONE = line("phone", 600)
ABOUT = context(PHONE, visitor=customer(key="1"))
SHOPPER: list[dict[str, Any]] = [
    {"customer": "7"},
    {"groups": frozenset({"staff"})},
    {"country": "DE"},
    {"language": "de"},
    {"orders": 0},
    {"bought_categories": frozenset({"Phones"})},
    {"perks": frozenset({"tea"})},
]
SESSION: list[dict[str, Any]] = [
    {"source": "letter"},
    {"answers": frozenset({("for", "me")})},
    {"asked": frozenset({"asks"})},
]
KEY: list[dict[str, Any]] = [{"key": "2"}]
CART: list[dict[str, Any]] = [{"coupons": ("SPRING",)}, {"discount": 5}, {"payment": "card"}, {"shipping": "parcel"}]
ALWAYS: list[dict[str, Any]] = [
    {"placement": "checkout"},
    {"currency": "USD"},
    {"declined": frozenset({"case"})},
    {"shown_elsewhere": frozenset({"case"})},
    {"capabilities": frozenset({Capability.ADD})},
    {"bought": frozenset({"case"})},
    {"anchors": (line("phone", 601),)},
    {"anchors": (line("phone", 600, 2),)},
    {"anchors": (line("phone", 600, variant="s"),)},
    {"anchors": (line("tablet", 600),)},
    {"anchors": (PHONE, line("tablet", 600))},
]
ASKING = {
    "nothing": None,
    "shopper": {"any": [{"signed_in": {}}, {"group": {"is": ["staff"]}}]},
    "session": {"source": {"is": ["letter"]}},
    "key": {"sample": {"percent": 50}},
}


@pytest.mark.parametrize("field", ["audience", "when"])
@pytest.mark.parametrize("asking", ASKING)
def test_the_key_holds_what_rules_ask_for_and_no_more(asking: str, field: str) -> None:
    rules = ruleset(rule(), rule("asks", **{field: ASKING[asking]}))  # type: ignore[arg-type]
    held = {"shopper": SHOPPER, "session": SESSION, "key": KEY}
    for name, facts in held.items():
        for fact in facts:
            other = changed(ABOUT, **fact)
            assert (same(other, rules) != same(ABOUT, rules)) is (name == asking), fact


def test_where_a_model_asks_what_somebody_bought_before_nobody_gets_anothers_decision() -> None:
    """Planted bug that it shows: a key without the customer, by which one shopper sees what another one buys again."""
    another = changed(ABOUT, customer="7")
    assert same(another, EMPTY_RULES) == same(ABOUT, EMPTY_RULES)
    assert same(another, EMPTY_RULES, True) != same(ABOUT, EMPTY_RULES, True)
    silent = msgspec.structs.replace(another, consent=False)
    assert same(silent, EMPTY_RULES, True) == same(ABOUT, EMPTY_RULES, True), "whose history is not read is nobody"


@pytest.mark.parametrize("fact", CART)
def test_what_is_beside_the_lines_of_the_cart_counts_with_rules_only(fact: dict[str, Any]) -> None:
    other = changed(ABOUT, **fact)
    other = msgspec.structs.replace(other, anchors=other.cart.lines)
    assert same(other, ruleset(rule())) != same(ABOUT, ruleset(rule()))
    assert same(other, EMPTY_RULES) == same(ABOUT, EMPTY_RULES)


@pytest.mark.parametrize("rules", [EMPTY_RULES, ruleset(rule())], ids=["without rules", "with rules"])
@pytest.mark.parametrize("fact", ALWAYS)
def test_what_every_decision_depends_on_always_counts(rules: RuleSet, fact: dict[str, Any]) -> None:
    assert same(changed(ABOUT, **fact), rules) != same(ABOUT, rules)


@pytest.mark.parametrize("rules", [EMPTY_RULES, ruleset(rule())], ids=["without rules", "with rules"])
def test_another_visitors_lines_of_the_same_products_are_the_same(rules: RuleSet) -> None:
    assert same(context(line("phone", 600, ref="other"), visitor=customer(key="2")), rules) == same(ABOUT, rules)
    assert same(changed(ABOUT, now=NOW + timedelta(days=9), last_order=NOW), rules) == same(ABOUT, rules)


@pytest.mark.parametrize("rules", [EMPTY_RULES, ruleset(rule())], ids=["without rules", "with rules"])
@pytest.mark.parametrize(
    ("most", "seen", "alike"), [(20, 18, True), (20, 19, False), (20, 20, False), (0, 99, True), (2, 1, False)]
)
def test_what_was_seen_counts_when_a_session_has_little_room_left(
    rules: RuleSet, most: int, seen: int, alike: bool
) -> None:
    def after(name: str) -> Context:
        marks = frozenset([mark(f"{name}{number}") for number in range(seen)])
        return changed(ABOUT, seen=marks, policy=Policy(max_session=most))

    assert (same(after("a"), rules) == same(after("b"), rules)) is alike
    fresh = changed(ABOUT, policy=Policy(max_session=most))
    assert (same(after("a"), rules) == same(fresh, rules)) is alike


def test_a_line_of_the_cart_is_not_the_product_that_is_looked_at() -> None:
    """An upgrade of the one replaces it, of the other it is added."""
    looked_at = context(PHONE, anchors=[line("phone", 600, ref="")])
    assert same(looked_at, EMPTY_RULES) != same(context(PHONE, anchors=[line("phone", 600)]), EMPTY_RULES)


def test_of_the_cart_behind_the_page_the_products_count_and_with_rules_its_amounts() -> None:
    on = [line("tablet", ref="")]
    one, two, other = (
        context(inside, anchors=on) for inside in (line("phone", 600), line("phone", 601), line("case", 600))
    )
    assert same(one, EMPTY_RULES) == same(two, EMPTY_RULES) != same(other, EMPTY_RULES)
    assert same(one, ruleset(rule())) != same(two, ruleset(rule()))


def test_what_looks_at_the_clock_itself_is_not_kept() -> None:
    trees: list[Tree] = [
        {"days_since_last_order": {"min": 1}},
        {"all": [{"none": [{"days_since_last_order": {"min": 1}}]}]},
    ]
    for tree in trees:
        assert same(ABOUT, ruleset(rule(audience=tree))) is None
        assert same(ABOUT, ruleset(rule(audience=tree, status=Status.DRAFT))) is not None
        assert same(ABOUT, ruleset(rule(audience=tree), spent=["rule"])) is not None


def test_seasons_are_by_country_and_words_by_language() -> None:
    in_season = ruleset(rule(schedule=Schedule(seasons=("spring",))), seasons=[SPRING])
    assert same(changed(ABOUT, country="AU"), in_season) != same(ABOUT, in_season)
    german = changed(ABOUT, language="de")
    for words, alike in [({"en": Copy(headline="Hello")}, True), ({"en": Copy(), "de": Copy(headline="Hallo")}, False)]:
        rules = ruleset(rule(copy=words))
        assert (same(german, rules) == same(ABOUT, rules)) is alike


# --- contexts that are kept alike are decided alike ------------------------------------------------------------------

GOODS = [
    product("phone", 600, "Phones", brand="Ember"),
    product("plus", 700, "Phones", brand="Ember", stock=1),
    product("tablet", 800, "Tablets", tags=["heavy"]),
    product("case", 100, "Cases", tags=["consumable"]),
    product("cover", 120, "Cases"),
    product("pen", 50, "Pens"),
]
LEADS = {"phone": leads({"case": 0.5, "pen": 0.25}, {"plus": 0.5}), "tablet": leads({"pen": 0.5})}
LISTS = {"c:Phones": ("phone", "plus"), "c:Cases": ("case", "cover")}
TREES: list[Tree | None] = [
    None,
    {"lines": {"product": ["phone"]}},
    {"lines": {"tag": ["heavy"], "match": "none"}},
    {"lines": {"variant": ["s"]}},
    {"subtotal": {"min": [[1300, "EUR"]]}},
    {"line_count": {"min": 2}},
    {"currency": {"is": ["USD"]}},
    {"placement": {"is": ["checkout"]}},
    {"payment": {"is": ["card"]}},
    {"shipping": {"is": ["parcel"]}},
    {"coupon": {}},
    {"discount_share": {"min": 1}},
    {"country": {"is": ["DE"]}},
    {"language": {"is": ["de"]}},
    {"group": {"is": ["staff"]}},
    {"signed_in": {}},
    {"first_order": {}},
    {"order_count": {"min": 2}},
    {"has_bought": {"product": ["pen"]}},
    {"has_bought": {"category": ["Pens"]}},
    {"source": {"is": ["letter"]}},
    {"answer": {"question": "for", "is": ["me"]}},
    {"sample": {"percent": 50}},
    {"perk": {"is": ["tea"]}},
]
SOURCES: list[AnySource] = [
    Products(refs=("cover", "pen")),
    Products(refs=("plus", "tablet"), kind=Kind.UPGRADE),
    Learned(),
    Relative(same=("brand",)),
    Gap(threshold=(Money(700, "EUR"),), refs=("pen", "case", "cover")),
    Bundle(refs=("pen", "cover")),
    Programme(url="/card", title={"en": "Card", "de": "Karte"}),
    Nothing(),
]
SPOKEN = {"en": Copy(headline="Hello"), "de": Copy(headline="Hallo")}


@st.composite
def rulesets(draw: st.DrawFn) -> RuleSet:
    def written(name: str) -> Rule:
        tree = draw(st.sampled_from(TREES))
        as_audience = draw(st.booleans())
        return rule(
            name,
            draw(st.sampled_from(SOURCES)),
            audience=tree if as_audience else None,
            when={"none": [tree]}
            if tree and not as_audience and draw(st.booleans())
            else None
            if as_audience
            else tree,
            discount=draw(st.sampled_from([None, Discount(off=Off.PERCENT, percent=1000)])),
            copy=draw(st.sampled_from([{}, SPOKEN])),
            ask=draw(st.sampled_from([None, asking().ask])),
            goal=draw(st.sampled_from([None, Goal(units=9, start="2026-02-01", by="2026-03-31")])),
            schedule=draw(st.sampled_from([Schedule(), Schedule(), Schedule(seasons=("spring",))])),
            any_price=True,
        )

    return ruleset(*[written(f"r{number}") for number in range(draw(st.integers(1, 3)))], seasons=[SPRING])


FACTS: dict[str, list[Any]] = {
    "customer": [None, "7"],
    "groups": [frozenset(), frozenset({"staff"})],
    "country": [None, "DE", "AU"],
    "language": [None, "de", "fr"],
    "orders": [None, 0, 2],
    "bought": [None, frozenset({"pen"})],
    "bought_categories": [None, frozenset({"Pens"})],
    "perks": [frozenset(), frozenset({"tea"})],
    "key": ["1", "2", "3", "4", "5", "6"],
    "source": ["", "letter"],
    "answers": [frozenset(), frozenset({("for", "me")})],
    "asked": [frozenset(), frozenset({"r", "r0"})],
    "seen": [frozenset(mark(f"{most}{number}") for number in range(most)) | {mark("pen")} for most in (0, 17, 18, 19)],
    "coupons": [(), ("SPRING",)],
    "discount": [0, 100],
    "payment": ["", "card"],
    "shipping": ["", "parcel"],
    "placement": ["cart", "checkout", "confirmation"],
    "currency": ["EUR", "USD"],
    "declined": [frozenset(), frozenset({"pen"})],
    "shown_elsewhere": [frozenset(), frozenset({"case"})],
    "capabilities": [frozenset(Capability), frozenset({Capability.ADD})],
}
BASKETS: list[tuple[Line, ...]] = [
    (line("phone", 600),),
    (line("phone", 650),),
    (line("phone", 600, 2),),
    (line("phone", 600, variant="s"),),
    (line("phone", 600), line("tablet", 800)),
    (line("pen", 600),),
]
PAGES = [
    (line("phone", 600, ref=""),),
    (line("phone", 600, ref=""), line("tablet", 800, ref="")),
    (line("phone", 600),),
]


def owned(lines: tuple[Line, ...], owner: str) -> tuple[Line, ...]:
    """The lines as another visitor's cart has them."""
    return tuple(msgspec.structs.replace(each, ref=each.ref and f"{owner}-{place}") for place, each in enumerate(lines))


def visited(owner: str) -> Iterator[Context]:
    """What one visitor may come with: a cart or a product that is looked at, and each fact as it may be."""

    def made(basket: tuple[Line, ...], page: tuple[Line, ...] | None, **facts: Any) -> Context:
        inside = owned(basket, owner)
        return changed(context(*inside), anchors=inside if page is None else owned(page, owner), **facts)

    for basket, page in product_of(BASKETS, (None, *PAGES)):
        yield made(basket, page)
    for page in (None, PAGES[0]):
        for name, values in FACTS.items():
            yield from (made(BASKETS[-2], page, **{name: value}) for value in values)


VISITED = [*visited("one"), *visited("other")]


def assert_kept_alike_is_decided_alike(rules: RuleSet) -> None:
    full = book(GOODS, LEADS, lists=LISTS, rules=rules)
    kept: dict[object, Kept] = {}
    for about in VISITED:
        made, key = decide(about, full, explain=False), same(about, rules)
        known = kept.setdefault(key, Kept(made, about.anchors, about.now))
        assert rebound(known, about.anchors) == made, about
    assert 1 < len(kept) < len(VISITED)


PENS = Products(refs=("pen", "cover"))


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_a_rule_that_asks_for_one_thing_is_kept_for_those_who_agree_in_it(tree: Tree | None) -> None:
    assert_kept_alike_is_decided_alike(ruleset(rule("r", PENS, when=tree)))
    assert_kept_alike_is_decided_alike(ruleset(rule("r", PENS, audience={"none": [tree]} if tree else None)))


@pytest.mark.parametrize("source", SOURCES, ids=repr)
@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"discount": Discount(off=Off.PERCENT, percent=1000)},
        {"copy": SPOKEN},
        {"schedule": Schedule(seasons=("spring",))},
        {"ask": asking().ask},
    ],
    ids=["plain", "discount", "copy", "season", "question"],
)
def test_what_a_rule_offers_is_kept_for_those_to_whom_it_would_be_offered(
    source: AnySource, rest: dict[str, Any]
) -> None:
    assert_kept_alike_is_decided_alike(ruleset(rule("r", source, any_price=True, **rest), seasons=[SPRING]))


@given(rulesets())
def test_contexts_with_one_key_are_decided_alike(rules: RuleSet) -> None:
    assert_kept_alike_is_decided_alike(rules)


# --- whose lines, and until when -------------------------------------------------------------------------------------


def test_a_kept_decision_is_bound_to_the_lines_of_whoever_looks() -> None:
    mine, yours = (line("phone", 600), line("tablet", 800)), (line("phone", 600, ref="x"), line("tablet", 800, ref="y"))
    full = book(GOODS, {"phone": LEADS["phone"], "tablet": leads({"cover": 0.1})})
    made = decide(context(*mine), full)
    assert [each.trigger.ref for each in made.offers] == ["line-phone", "line-phone"]
    kept = Kept(made, mine, NOW)
    assert [each.trigger for each in rebound(kept, yours).offers] == [yours[0], yours[0]]
    assert rebound(kept, yours) == decide(context(*yours), full)
    assert rebound(kept, mine) is made


def test_products_that_are_looked_at_are_not_taken_for_each_other() -> None:
    """They are no lines yet, so none of them has a reference."""
    seen, again = ((line("phone", 600, ref=""), line("pen", 50, ref="")) for _ in range(2))
    made = decide(context(anchors=seen), book(GOODS, {"phone": leads({"case": 0.5})}))
    assert [each.trigger.product for each in rebound(Kept(made, seen, NOW), again).offers] == ["phone"]


def test_a_decision_holds_until_a_schedule_says_otherwise() -> None:
    edge = datetime(2026, 6, 1, tzinfo=UTC)
    seasonal = rule("spring", Products(refs=("cover",)), schedule=Schedule(seasons=("spring",)))
    full = book(GOODS, LEADS, rules=ruleset(seasonal, seasons=[SPRING]))

    def decided(now: datetime) -> Kept:
        about = context(PHONE, now=now)
        return Kept(decide(about, full, explain=False), about.anchors, now)

    kept = decided(NOW)
    assert "cover" in offered(kept.decision)
    assert kept.decision.until == edge
    assert kept.holds(NOW)
    assert kept.holds(edge - timedelta(microseconds=1))
    assert not kept.holds(edge)
    assert not kept.holds(NOW - timedelta(microseconds=1)), "a clock that was put back"
    later = decided(edge)
    assert "cover" not in offered(later.decision)
    assert later.holds(edge + timedelta(days=200))
    assert not later.holds(datetime(2027, 2, 1, tzinfo=UTC))


def test_a_decision_holds_until_a_goal_lifts_its_rule() -> None:
    """Nine units in nine days."""
    aimed = rule("goal", Products(refs=("cover",)), goal=Goal(units=9, start="2026-03-01", by="2026-03-09"))
    full = book(GOODS, {}, rules=ruleset(rule("pens", Products(refs=("pen",)), priority=1), aimed))
    due = datetime(2026, 3, 2, tzinfo=UTC)
    first, then = (decide(context(PHONE, now=now), full, explain=False) for now in (NOW, due))
    assert (offered(first), offered(then)) == (["pen", "cover"], ["cover", "pen"])
    assert (first.until, then.until) == (due, datetime(2026, 3, 10, tzinfo=UTC))


def test_what_looked_at_no_schedule_holds_for_ever() -> None:
    made = decide(context(PHONE), book(GOODS, LEADS))
    assert made.until is None
    assert Kept(made, (PHONE,), NOW).holds(datetime.max.replace(tzinfo=UTC))
