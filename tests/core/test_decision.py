"""What a decision is made of, and what holds for every cart, book and policy. Single cases: cases.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import EMPTY, Book
from flask_upsell.core.candidates import look_up
from flask_upsell.core.conditions import Scene
from flask_upsell.core.context import Capability, Cart, Context, Line, Policy
from flask_upsell.core.decision import decide
from flask_upsell.core.offer import Code, Decision, Dropped, Kind, Placement, Reason, offer_id
from flask_upsell.core.product import Product, Variant
from flask_upsell.core.rule import Copy, Discount, Learned, Nothing, Off, Products, Rule, Status, Tree

from .build import NOW, book, context, customer, dropped, leads, line, offered, product, rule, ruleset

PHONE = product("phone", 60_000, "Phones")
PLUS = product("plus", 72_000, "Phones")
CASE = product("case", 2900, "Cases")
FULL = book([PHONE, PLUS, CASE], {"phone": leads({"case": 0.5}, {"plus": 0.25})})

# --- what an offer carries -------------------------------------------------------------------------------------------


def test_a_decision_carries_what_a_page_shows() -> None:
    inside = line("phone", 60_000, 2)
    made = decide(context(inside, placement="checkout"), FULL)
    assert (made.placement, made.version, made.trace) == ("checkout", "7.0", ())
    better, case = made.offers
    assert (better.kind, better.product, better.base, better.trigger) == (Kind.UPGRADE, PLUS, PHONE, inside)
    assert (better.quote.unit_price, better.quote.difference, better.quote.total) == (72_000, 12_000, 24_000)
    assert better.reason == Reason(Kind.UPGRADE, 38, 412, "Phones")
    assert better.id == offer_id(Kind.UPGRADE, "phone", "plus")
    assert better.score == 0.25
    assert (case.kind, case.product, case.base, case.trigger) == (Kind.COMPLEMENT, CASE, PHONE, inside)
    assert (case.quote.unit_price, case.quote.difference, case.quote.total) == (2900, 2900, 2900)
    assert case.reason == Reason(Kind.COMPLEMENT, 38, 412, "The phone")


def test_a_trigger_that_is_not_published_is_told_by_its_reference() -> None:
    made = decide(context(line("phone", 60_000)), book([CASE], {"phone": leads({"case": 0.5})}))
    assert made.offers[0].base is None
    assert made.offers[0].reason.about == "phone"


def test_an_upgrade_without_a_category_is_told_by_what_it_replaces() -> None:
    full = book([PHONE, product("plus", 61_000)], {"phone": leads(upgrades={"plus": 0.5})})
    assert decide(context(line("phone", 60_000)), full).offers[0].reason.about == "The phone"


def test_the_empty_book_offers_nothing() -> None:
    assert decide(context(line("phone")), EMPTY) == Decision("cart", "", (), ())


def test_a_declined_upgrade_leaves_its_place_to_a_complement() -> None:
    made = decide(context(line("phone", 60_000), declined=["plus"], policy=Policy(max_offers=1)), FULL)
    assert offered(made) == ["case"]
    assert dropped(made) == [("plus", "declined")]


def test_no_place_means_no_offer() -> None:
    made = decide(context(line("phone", 60_000), policy=Policy(max_offers=0)), FULL)
    assert made.offers == ()
    assert dropped(made) == [("plus", "outranked"), ("case", "outranked")]


class Walked(tuple[Line, ...]):
    """Lines that count how often all of them were looked at."""

    times = 0

    def __iter__(self) -> Iterator[Line]:
        type(self).times += 1
        return super().__iter__()


def test_a_huge_cart_is_not_walked_for_each_candidate() -> None:
    """4,000 candidates of a cart of 5,000 lines took 1.4 s: the page would have waited for it."""
    Walked.times = 0
    lines = Walked(line(f"p{i}", 1) for i in range(300))
    asked = Context("cart", Cart("EUR", lines), lines, NOW)
    dear = [product(f"c{i}", 10**9) for i in range(100)]
    made = decide(asked, book(dear, {"p0": leads({each.ref: 0.5 for each in dear})}))
    assert {code for _, code in dropped(made)} == {"too_dear"}
    assert Walked.times <= 5


# --- what always holds -----------------------------------------------------------------------------------------------

REFS = [f"p{i}" for i in range(12)]
# Sums of these are exact, so that the order of the lines cannot show in a last digit.
WEIGHTS = st.sampled_from([0.125, 0.25, 0.375, 0.5, 1.0])
# Close together, so that many a pair is within the price gap; a year at 1,250 is twelve months at less than 125 each.
PRICES = st.sampled_from([0, 100, 100, 110, 110, 120, 125, 150, 1250])
CHOICES = (Variant("s", "Small", 100, 1),)
FEW = st.frozensets(st.sampled_from(REFS), max_size=2)


def mostly(usual: object, *others: object) -> st.SearchStrategy[Any]:
    """The usual value in three of four draws: what is refused for every reason at once tests the first one only."""
    return st.sampled_from([usual] * 3 * len(others) + [*others])


@st.composite
def products(draw: st.DrawFn, ref: str) -> Product:
    return Product(
        ref,
        ref.upper(),
        draw(PRICES),
        draw(mostly("EUR", "USD")),
        category=draw(st.sampled_from([None, "A", "B"])),
        stock=draw(mostly(None, 0, 1, 2)),
        hidden=draw(mostly(False, True)),
        variants=draw(mostly((), CHOICES)),
        period_months=draw(mostly(None, 1, 12)),
    )


@st.composite
def affinities(draw: st.DrawFn) -> Affinities:
    def some() -> tuple[Affinity, ...]:
        refs = draw(st.lists(st.sampled_from(REFS), unique=True, max_size=6))
        return tuple(Affinity(ref, draw(WEIGHTS), 5, 10, 10, 100) for ref in refs)

    return Affinities(upgrades=some(), complements=some())


@st.composite
def books(draw: st.DrawFn) -> Book:
    lost = draw(FEW)
    return Book(
        "1.0",
        {ref: draw(products(ref)) for ref in REFS if ref not in lost},
        {ref: draw(affinities()) for ref in REFS[:5]},
    )


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    inside = draw(st.lists(st.tuples(st.sampled_from(REFS[:5]), st.sampled_from([1, 1, 2]), PRICES), max_size=4))
    lines = tuple(Line(str(place), *each) for place, each in enumerate(inside))
    looked_at = Line("", draw(st.sampled_from(REFS[:5])), 1, draw(PRICES))
    placement = draw(mostly(Placement.CART, *Placement))
    return Context(
        placement,
        Cart("EUR", lines),
        (looked_at,) if placement is Placement.PRODUCT else lines,
        NOW,
        declined=draw(FEW),
        shown_elsewhere=draw(FEW),
        capabilities=draw(mostly(frozenset(Capability), frozenset({Capability.ADD}), frozenset({Capability.REPLACE}))),
        policy=Policy(
            max_offers=draw(mostly(2, 0, 1, 3)),
            max_upgrades=draw(mostly(1, 0, 2, 3)),
            price_gap_percent=draw(mostly(25, 0, 300)),
            price_gap_floor=draw(mostly(0, 100)),
            complement_times=draw(mostly(4, 0, 1)),
        ),
    )


@given(contexts(), books())
def test_the_same_input_gives_the_same_decision(asked: Context, full: Book) -> None:
    backwards = Book("1.0", dict(reversed([*full.products.items()])), dict(reversed([*full.affinities.items()])))
    assert decide(asked, full) == decide(asked, full) == decide(asked, backwards)


@given(contexts(), books())
def test_never_more_than_the_policy_allows(asked: Context, full: Book) -> None:
    offers = decide(asked, full).offers
    assert len(offers) <= asked.policy.max_offers
    upgrades = [offer for offer in offers if offer.kind is Kind.UPGRADE]
    assert len(upgrades) <= asked.policy.max_upgrades
    assert list(offers[: len(upgrades)]) == upgrades, "upgrades come first"
    categories = [
        offer.product.category for offer in offers if offer.kind is Kind.COMPLEMENT and offer.product.category
    ]
    assert len(set(categories)) == len(categories)


@given(contexts(), books())
def test_never_what_is_had_declined_hidden_or_shown_already(asked: Context, full: Book) -> None:
    refs = offered(decide(asked, full))
    assert len(set(refs)) == len(refs)
    assert not {each.product for each in (*asked.cart.lines, *asked.anchors)} & set(refs)
    assert not (asked.declined | asked.shown_elsewhere) & set(refs)
    assert not any(full.products[ref].hidden for ref in refs)


@given(contexts(), books())
def test_every_candidate_is_offered_or_in_the_trace_once(asked: Context, full: Book) -> None:
    made = decide(asked, full)
    ends = Counter((offer.kind, offer.product.ref, offer.trigger.product) for offer in made.offers)
    ends.update((each.kind, each.product, each.trigger) for each in made.trace)
    assert ends == Counter(
        (each.kind, each.ref, each.trigger.product) for each in look_up(Scene(asked, full.products), full)
    )


@given(contexts(), books())
def test_prices_are_whole_and_those_of_the_book(asked: Context, full: Book) -> None:
    for offer in decide(asked, full).offers:
        quote, known = offer.quote, full.products[offer.product.ref]
        assert {type(quote.unit_price), type(quote.difference), type(quote.total)} == {int}
        assert (quote.unit_price, quote.currency) == (known.price, asked.cart.currency)
        if offer.kind is Kind.UPGRADE:
            assert quote.quantity == offer.trigger.quantity
            assert quote.unit_price - offer.trigger.unit_price > 0
            assert known.has(quote.quantity)
        else:
            assert (quote.quantity, quote.replaces) == (1, None)


@given(contexts(), books(), st.randoms())
def test_the_order_of_the_lines_does_not_matter(asked: Context, full: Book, dice: Random) -> None:
    """Of two equally strong lines, another one may be told as a complement's reason; nothing else changes."""

    def shuffled(lines: tuple[Line, ...]) -> tuple[Line, ...]:
        return tuple(dice.sample(lines, len(lines)))

    cart = Cart(asked.cart.currency, shuffled(asked.cart.lines))
    mixed = Context(
        asked.placement,
        cart,
        shuffled(asked.anchors),
        asked.now,
        asked.visitor,
        asked.declined,
        asked.shown_elsewhere,
        asked.capabilities,
        asked.policy,
    )
    one, other = decide(asked, full), decide(mixed, full)
    assert [(o.kind, o.product, o.quote, o.score) for o in one.offers] == [
        (o.kind, o.product, o.quote, o.score) for o in other.offers
    ]
    assert [(d.kind, d.product, d.code) for d in one.trace] == [(d.kind, d.product, d.code) for d in other.trace]
    upgrades = [offer for offer in one.offers if offer.kind is Kind.UPGRADE]
    assert upgrades == [offer for offer in other.offers if offer.kind is Kind.UPGRADE], "the line included"


@given(contexts(), books())
def test_saying_no_takes_nothing_but_that_product_away(asked: Context, full: Book) -> None:
    """A "no" never makes room for what was refused, and moves nothing that was better."""
    refs = offered(decide(asked, full))
    for place, ref in enumerate(refs):
        after = Context(
            asked.placement,
            asked.cart,
            asked.anchors,
            asked.now,
            asked.visitor,
            asked.declined | {ref},
            asked.shown_elsewhere,
            asked.capabilities,
            asked.policy,
        )
        left = offered(decide(after, full))
        assert ref not in left
        assert left[:place] == refs[:place]


# --- with rules ------------------------------------------------------------------------------------------------------

GOODS = [PHONE, PLUS, CASE, product("pen", 300), product("cap", 500)]
LED = {"phone": leads({"case": 0.5}, {"plus": 0.25})}


def ruled(*rules: Rule, **about: Any) -> Decision:
    return decide(context(line("phone", 60_000), **about), book(GOODS, LED, rules=ruleset(*rules)))


def test_what_a_rule_brought_says_so_and_claims_no_evidence() -> None:
    (pen, _) = ruled(rule("pens", Products(refs=("pen",))), policy=Policy(max_upgrades=0)).offers
    assert (pen.rule, pen.copy, pen.score) == ("pens", None, 0)
    assert pen.reason == Reason(Kind.COMPLEMENT, 0, 0, "The phone")
    assert pen.reason.sentence == "Our suggestion to go with The phone"
    (better, case) = ruled(rule("plus", Products(refs=("plus",), kind=Kind.UPGRADE))).offers
    assert better.reason == Reason(Kind.UPGRADE, 0, 0, "The phone")
    assert better.reason.sentence == "Our suggestion instead of The phone"
    assert (case.rule, case.reason) == ("", Reason(Kind.COMPLEMENT, 38, 412, "The phone"))


def test_what_a_rule_takes_from_learning_keeps_its_evidence() -> None:
    (case,) = ruled(rule("learned", Learned(), stop=True)).offers
    assert (case.product.ref, case.rule, case.reason.together) == ("case", "learned", 38)


def test_upgrades_are_listed_first_though_a_rules_complement_was_chosen_before() -> None:
    made = ruled(rule("pens", Products(refs=("pen",))))
    assert [(each.kind, each.product.ref, each.rule) for each in made.offers] == [
        (Kind.UPGRADE, "plus", ""),
        (Kind.COMPLEMENT, "pen", "pens"),
    ]
    assert made.trace == (Dropped(Kind.COMPLEMENT, "case", "phone", Code.OUTRANKED),)


def test_what_a_rule_brought_and_could_not_offer_is_dropped_in_its_name() -> None:
    made = ruled(rule("r", Products(refs=("gone", "pen"))))
    assert [(each.product, each.code.value, each.rule) for each in made.trace] == [
        ("gone", "unknown_product", "r"),
        ("case", "outranked", ""),
    ]


@pytest.mark.parametrize(
    ("language", "headline"),
    [
        ("de", "Dazu"), ("de-AT", "Dazua"), ("de_AT", "Dazua"), ("de-CH", "Dazu"), ("en", "Add"), ("fr", "Add"),
        (None, "Add"), ("", "Add"),
    ],
)  # fmt: skip
def test_a_rules_words_are_in_the_shoppers_language_else_in_the_first(language: str | None, headline: str) -> None:
    words = {"en": Copy(headline="Add"), "de": Copy(headline="Dazu"), "de-AT": Copy(headline="Dazua")}
    spoken = rule("r", Products(refs=("pen",)), copy=words, stop=True)
    (offer,) = ruled(spoken, visitor=customer(language=language)).offers
    assert offer.copy == Copy(headline=headline)


def test_nothing_is_nothing_and_no_rules_have_no_verdicts() -> None:
    made = ruled(rule("quiet", Nothing()))
    assert (made.offers, made.trace, [each.detail for each in made.rules]) == ((), (), ["it shows nothing"])
    assert ruled().rules == ()


WHEN: list[Tree | None] = [
    None,
    {"lines": {"product": ["p0", "p1"]}},
    {"lines": {"category": ["A"], "match": "only"}},
    {"line_count": {"min": 2}},
    {"none": [{"lines": {"product": ["p2"]}}]},
]


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    refs = st.lists(st.sampled_from(REFS), min_size=1, max_size=4, unique=True).map(tuple)
    listed = st.builds(Products, refs=refs, kind=st.sampled_from(Kind))
    return [
        rule(
            f"r{number}",
            draw(st.one_of(listed, listed, st.builds(Learned, kind=st.sampled_from(Kind)))),
            when=draw(st.sampled_from(WHEN)),
            most=draw(st.sampled_from([1, 2, 3])),
            priority=draw(st.sampled_from([0, 1])),
            status=draw(mostly(Status.ACTIVE, Status.PAUSED)),
            stop=draw(mostly(False, True)),
            any_price=draw(st.booleans()),
            discount=draw(st.sampled_from([None, Discount(off=Off.PERCENT, percent=1000)])),
        )
        for number in range(draw(st.integers(1, 4)))
    ]


@given(contexts(), books(), rules())
def test_with_rules_the_promises_of_the_policy_hold_too(asked: Context, full: Book, written: list[Rule]) -> None:
    made = decide(asked, Book(full.version, full.products, full.affinities, {}, ruleset(*written)))
    assert len(made.offers) <= asked.policy.max_offers
    assert len(made.offers) <= max(0, asked.policy.max_page - len(asked.shown_elsewhere))
    upgrades = [offer for offer in made.offers if offer.kind is Kind.UPGRADE]
    assert len(upgrades) <= asked.policy.max_upgrades
    assert list(made.offers[: len(upgrades)]) == upgrades
    refs, known = offered(made), {each.name: each for each in written}
    assert len(set(refs)) == len(refs)
    assert not (asked.declined | asked.shown_elsewhere | {each.product for each in asked.anchors}) & set(refs)
    for name, count in Counter(offer.rule for offer in made.offers if offer.rule).items():
        assert count <= known[name].most
        assert known[name].status is Status.ACTIVE
    for offer in made.offers:
        assert 0 <= offer.quote.unit_price <= (offer.quote.normal or offer.product.price) == offer.product.price


@given(contexts(), books(), rules())
def test_a_page_shows_what_is_explained(asked: Context, full: Book, written: list[Rule]) -> None:
    """Without `explain` a decision stops early, with the same offers."""
    full = Book(full.version, full.products, full.affinities, {}, ruleset(*written))
    explained, shown = decide(asked, full), decide(asked, full, explain=False)
    assert shown.offers == explained.offers
    assert shown.trace == explained.trace[: len(shown.trace)]
    assert (shown.rules, len(explained.rules)) == ((), len(written))
