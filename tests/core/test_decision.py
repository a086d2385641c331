"""What a decision is made of, and what holds for every cart, book and policy. Single cases: cases.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import EMPTY, Book
from flask_upsell.core.candidates import look_up
from flask_upsell.core.conditions import Scene
from flask_upsell.core.context import Capability, Cart, Context, Line, Policy, mark
from flask_upsell.core.decision import decide
from flask_upsell.core.discount import Priced, apply, pair_combines
from flask_upsell.core.eligibility import judge, worth
from flask_upsell.core.money import Money
from flask_upsell.core.offer import (
    Asked,
    Candidate,
    Code,
    Decision,
    Dropped,
    Item,
    Kind,
    Offer,
    Placement,
    Quote,
    Reason,
    RuleCode,
    offer_id,
)
from flask_upsell.core.pricing import quote
from flask_upsell.core.product import Product, Variant
from flask_upsell.core.rule import (
    Bundle,
    Copy,
    Discount,
    Floor,
    Goal,
    Learned,
    Nothing,
    Off,
    Products,
    Programme,
    Question,
    Rule,
    Status,
    Tree,
)

from .build import NOW, asking, book, context, customer, dropped, leads, line, offered, product, rule, ruleset

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


def test_an_upgrade_of_a_kind_that_is_no_category_names_none() -> None:
    """Learning found the kind by titles: the orders are neither of the category of one of them, nor of what it
    replaces."""
    for category in (None, "Elsewhere"):
        plus = replace(product("plus", 61_000), category=category)
        full = book([PHONE, plus], {"phone": leads(upgrades={"plus": 0.5})})
        reason = decide(context(line("phone", 60_000)), full).offers[0].reason
        assert reason.about == "" and str(reason.sentence) == "Chosen in 38 of 412 orders of products like it"


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
        tags=draw(mostly((), ("New",))),
        period_months=draw(mostly(None, 1, 12)),
        cost=draw(mostly(70, None, 90)),
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
            max_session=draw(mostly(20, 0, 1, 3)),
        ),
        seen=draw(mostly(frozenset(), frozenset({mark("p1"), mark("p6"), mark("gone")}))),
        asked=draw(mostly(frozenset(), frozenset({"r0"}))),
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
    mixed = replace(asked, cart=cart, anchors=shuffled(asked.anchors))
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
    assert str(pen.reason.sentence) == "Our suggestion to go with The phone"
    (better, case) = ruled(rule("plus", Products(refs=("plus",), kind=Kind.UPGRADE))).offers
    assert better.reason == Reason(Kind.UPGRADE, 0, 0, "The phone")
    assert str(better.reason.sentence) == "Our suggestion instead of The phone"
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


# --- bundles ---------------------------------------------------------------------------------------------------------

TENTH = Discount(off=Off.PERCENT, percent=1000)
SET = Bundle(refs=("pen", "case"))


def test_a_bundle_carries_its_products_and_what_they_cost_in_it() -> None:
    inside = line("phone", 60_000)
    (made,) = ruled(rule("set", SET, discount=TENTH, stop=True, copy={"en": Copy(headline="Both")})).offers
    pen, case = GOODS[3], CASE
    assert made == Offer(
        id=offer_id(Kind.BUNDLE, "phone", "pen+case"),
        kind=Kind.BUNDLE,
        product=pen,
        quote=Quote("EUR", 2880, 1, normal=3200),
        reason=Reason(Kind.BUNDLE, 0, 0, "The phone"),
        trigger=inside,
        base=PHONE,
        score=0,
        rule="set",
        copy=Copy(headline="Both"),
        items=(Item(pen, Quote("EUR", 270, 1, normal=300)), Item(case, Quote("EUR", 2610, 1, normal=2900))),
    )
    assert (str(made.reason.sentence), made.terms) == ("Our suggestion to go with The phone", "")


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"declined": ["case"]}, "declined"),
        ({"declined": ["pen+case"]}, "declined"),
        ({"declined": ["case+pen", "cap"]}, None),
        ({"elsewhere": ["pen"]}, "shown_elsewhere"),
        ({"elsewhere": ["pen+case"]}, "shown_elsewhere"),
        ({"elsewhere": ["cap+pen"]}, "shown_elsewhere"),
        ({"elsewhere": ["cap+plus"]}, None),
        ({"anchors": [line("case", 2900, ref="")]}, "in_cart"),
        ({"capabilities": [Capability.REPLACE]}, "cannot_add"),
        ({"visitor": customer(bought=frozenset({"case"}))}, "owned"),
        ({"visitor": customer(bought=frozenset({"cap"}))}, None),
        ({"policy": Policy(max_session=1), "seen": ["pen"]}, "session_full"),
        ({"policy": Policy(max_session=1), "seen": ["pen+case"]}, None),
        ({"policy": Policy(max_session=1)}, None),
        ({"policy": Policy(max_offers=0)}, "outranked"),
    ],
)
def test_a_bundle_is_offered_whole_or_not_at_all(about: dict[str, Any], code: str | None) -> None:
    made = ruled(rule("set", SET, stop=True), **about)
    assert [offer.ref for offer in made.offers] == ([] if code else ["pen+case"])
    assert dropped(made) == ([("pen+case", code)] if code else [])


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({}, None),
        ({"hidden": True}, "hidden"),
        ({"stock": 0}, "out_of_stock"),
        ({"stock": 1}, None),
        ({"currency": "USD"}, "other_currency"),
        ({"variants": [Variant("s", "Small", 300)]}, "needs_variant"),
        ({"cost": 271}, "below_floor"),
        ({"cost": 270}, None),
    ],
)
@pytest.mark.parametrize("refs", [("pen", "cap"), ("cap", "pen")])
def test_each_product_of_a_bundle_must_do(part: dict[str, Any], code: str | None, refs: tuple[str, str]) -> None:
    goods = [PHONE, product("cap", 500, cost=0), product("pen", 300, **{"cost": 0} | part)]
    set_ = rule("set", Bundle(refs=refs), discount=Discount(off=Off.PERCENT, percent=1000, floor=Floor(cost=True)))
    made = decide(context(line("phone", 60_000)), book(goods, {}, rules=ruleset(set_)))
    assert dropped(made) == ([("+".join(refs), code)] if code else [])


@pytest.mark.parametrize(
    ("price", "any_price", "code"), [(200, False, None), (199, False, "too_dear"), (199, True, None)]
)
def test_a_bundle_is_as_dear_as_its_products_together(price: int, any_price: bool, code: str | None) -> None:
    """100 each: neither is too dear for itself."""
    goods = [product("phone", price), product("a", 100), product("b", 100)]
    pair = rule("pair", Bundle(refs=("a", "b")), any_price=any_price)
    made = decide(context(line("phone", price)), book(goods, {}, rules=ruleset(pair)))
    assert dropped(made) == ([("a+b", code)] if code else [])


def test_the_products_of_a_bundle_are_not_offered_again() -> None:
    made = ruled(rule("set", SET), rule("pens", Products(refs=("pen", "cap"))), policy=Policy(max_upgrades=0))
    assert [offer.ref for offer in made.offers] == ["pen+case", "cap"]
    assert dropped(made)[:1] == [("pen", "duplicate")]
    made = ruled(rule("pens", Products(refs=("pen",))), rule("set", SET), policy=Policy(max_upgrades=0))
    assert [offer.ref for offer in made.offers] == ["pen", "case"]
    assert dropped(made)[:1] == [("pen+case", "duplicate")]


def test_the_products_of_a_bundle_that_is_shown_elsewhere_are_shown() -> None:
    made = ruled(rule("r", Products(refs=("pen", "cap")), stop=True), elsewhere=["pen+plus"])
    assert offered(made) == ["cap"]
    assert dropped(made) == [("pen", "shown_elsewhere")]
    named_so = book([PHONE, product("a+b", 300)], {"phone": leads({"a+b": 0.5})})
    assert offered(decide(context(line("phone", 60_000), elsewhere=["a"]), named_so)) == ["a+b"]
    assert offered(decide(context(line("phone", 60_000), elsewhere=["a+b"]), named_so)) == []


@pytest.mark.parametrize(("most", "left"), [(3, ["pen", "cap"]), (2, ["pen"]), (1, [])])
def test_a_bundle_that_is_shown_elsewhere_is_one_offer_of_the_page(most: int, left: list[str]) -> None:
    pens = rule("r", Products(refs=("pen", "cap")), stop=True)
    assert offered(ruled(pens, elsewhere=["case+plus"], policy=Policy(max_page=most))) == left


# --- programmes ------------------------------------------------------------------------------------------------------

CARD = Programme(
    url="/card",
    image="/card.png",
    title={"en": "Card", "de": "Karte"},
    terms={"en": "4.99 a month", "de": "4,99 im Monat"},
)


def test_a_programme_is_no_product_of_the_store() -> None:
    made = ruled(rule("card", CARD, stop=True), capabilities=[], visitor=customer(language="de"))
    (card,) = made.offers
    assert (card.kind, card.id) == (Kind.PROGRAMME, offer_id(Kind.PROGRAMME, "phone", "programme:card"))
    assert card.product == Product("programme:card", "Karte", 0, "EUR", url="/card", image="/card.png")
    assert (card.quote, card.terms, card.items) == (Quote("EUR", 0, 1), "4,99 im Monat", ())
    assert (str(card.reason.sentence), card.base) == ("Our suggestion to go with The phone", PHONE)


def test_a_programme_without_words_in_a_language_has_its_first_and_needs_no_terms() -> None:
    plain = Programme(url="/card", title={"en": "Card"})
    (card,) = ruled(rule("card", plain, stop=True), visitor=customer(language="fr")).offers
    assert (card.product.title, card.terms) == ("Card", "")
    (mute,) = ruled(rule("card", Programme(url="/card", title={}), stop=True)).offers
    assert mute.product.title == ""


def test_a_programme_is_in_the_carts_currency() -> None:
    about = context(line("phone", 60_000), currency="USD")
    (card,) = decide(about, book([], {}, rules=ruleset(rule("card", CARD)))).offers
    assert (card.product.currency, card.quote.currency, card.base) == ("USD", "USD", None)


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"declined": ["programme:card"]}, "declined"),
        ({"elsewhere": ["programme:card"]}, "shown_elsewhere"),
        ({"policy": Policy(max_session=1), "seen": ["pen"]}, "session_full"),
        ({"policy": Policy(max_session=1), "seen": ["programme:card"]}, None),
        ({"declined": ["card"]}, None),
    ],
)
def test_when_a_programme_is_not_offered(about: dict[str, Any], code: str | None) -> None:
    made = ruled(rule("card", CARD, stop=True), **about)
    assert dropped(made) == ([("programme:card", code)] if code else [])
    assert len(made.offers) == (code is None)


def test_a_programme_takes_a_place_and_has_no_discount() -> None:
    written = [rule("card", CARD, discount=TENTH), rule("pens", Products(refs=("pen", "cap")), discount=TENTH)]
    made = ruled(*written)
    assert [(offer.ref, offer.quote.normal) for offer in made.offers] == [("programme:card", None), ("pen", 300)]


# --- a session's room ------------------------------------------------------------------------------------------------


def test_a_session_has_so_many_different_products() -> None:
    pens = rule("pens", Products(refs=("pen", "cap", "case")), most=3)
    last = Policy(max_offers=3, max_session=4)
    made = ruled(pens, policy=last, seen=["x", "y", "z"])
    assert offered(made) == ["pen"]
    assert dropped(made) == [(ref, "session_full") for ref in ("cap", "case", "plus", "case")]
    made = ruled(pens, policy=last, seen=["x", "cap", "z"])
    assert offered(made) == ["pen", "cap"], "what was seen takes no room"
    seen_first = rule("r", Products(refs=("cap", "pen", "case")), most=3)
    assert offered(ruled(seen_first, policy=last, seen=["x", "cap", "z"])) == ["cap", "pen"]
    made = ruled(pens, policy=last, seen=["x", "y"])
    assert offered(made) == ["pen", "cap"]
    made = ruled(pens, policy=last, seen=["x"])
    assert offered(made) == ["pen", "cap", "case"]


def test_what_gets_no_place_takes_no_room_of_the_session() -> None:
    goods = [PHONE, product("sold-out", 300, stock=0), product("pen", 300)]
    pens = rule("pens", Products(refs=("sold-out", "gone", "pen")))
    about = context(line("phone", 60_000), policy=Policy(max_session=1))
    assert offered(decide(about, book(goods, {}, rules=ruleset(pens)))) == ["pen"]


# --- the better of several discounts ---------------------------------------------------------------------------------


ON: dict[str, Tree] = {ref: {"lines": {"product": [ref]}} for ref in ("phone", "tablet")}


def off(percent: int, **rest: Any) -> Discount:
    return Discount(off=Off.PERCENT, percent=percent * 100, **rest)


def pens(name: str, discount: Discount | None, **rest: Any) -> Rule:
    return rule(name, Products(refs=("pen",)), discount=discount, **rest)


def priced(*written: Rule, **about: Any) -> list[tuple[str, str, int]]:
    made = ruled(*written, **{"policy": Policy(max_upgrades=0)} | about)
    return [(offer.product.ref, offer.rule, offer.quote.unit_price) for offer in made.offers if offer.rule]


@pytest.mark.parametrize(
    ("one", "other", "taken"),
    [
        (off(10), off(20), ("other", 240)),
        (off(20), off(10), ("one", 240)),
        (off(10), off(10), ("one", 270)),
        (None, off(10), ("other", 270)),
        (off(10), None, ("one", 270)),
        (None, Discount(off=Off.FREE_SHIPPING), ("other", 300)),
        (Discount(off=Off.FREE_SHIPPING), off(1), ("other", 297)),
        (off(1), Discount(off=Off.FREE_SHIPPING), ("one", 297)),
        (off(10), off(50, floor=Floor(price=(Money(151, "EUR"),))), ("one", 270)),
        (off(10), off(50, floor=Floor(price=(Money(150, "EUR"),))), ("other", 150)),
        (off(10), off(50, floor=Floor(cost=True)), ("one", 270)),
        (off(99), Discount(off=Off.GIFT), ("other", 0)),
    ],
)
def test_an_offer_is_the_rules_that_takes_most_off(
    one: Discount | None, other: Discount | None, taken: tuple[str, int]
) -> None:
    assert priced(pens("one", one), pens("other", other)) == [("pen", *taken)]


def test_of_three_the_best_whatever_their_order() -> None:
    written = [pens("a", off(10)), pens("b", off(30)), pens("c", off(20))]
    for first in range(3):
        assert priced(*written[first:], *written[:first]) == [("pen", "b", 210)]


def test_one_that_takes_off_as_much_changes_nothing_whatever_its_name() -> None:
    assert priced(pens("z", off(10)), pens("a", off(10))) == [("pen", "z", 270)]
    free = Discount(off=Off.FREE_SHIPPING)
    assert priced(pens("z", free), pens("a", free)) == [("pen", "z", 300)]


def test_of_equally_better_ones_the_higher_priority() -> None:
    assert priced(pens("one", off(10), priority=3), pens("a", off(20)), pens("z", off(20), priority=1)) == [
        ("pen", "z", 240)
    ]


def test_the_words_and_the_verdicts_are_those_of_the_better_rule() -> None:
    words = {name: {"en": Copy(headline=name)} for name in ("one", "other")}
    made = ruled(pens("one", off(10), copy=words["one"]), pens("other", off(20), copy=words["other"]))
    (pen,) = [offer for offer in made.offers if offer.rule]
    assert pen.copy == Copy(headline="other")
    assert pen.quote == Quote("EUR", 240, 1, normal=300)
    assert [(each.rule, each.code.value) for each in made.rules] == [("one", "nothing_left"), ("other", "applied")]
    assert Dropped(Kind.COMPLEMENT, "pen", "phone", Code.BETTER_PRICE, "one") in made.trace


def test_a_discount_that_is_not_given_beside_a_coupon_is_no_better() -> None:
    alone, beside = pens("alone", off(50)), pens("beside", off(10, with_coupon=True))
    assert priced(alone, beside, coupons=["A"]) == [("pen", "beside", 270)]
    assert priced(beside, alone, coupons=["A"]) == [("pen", "beside", 270)]
    assert priced(alone, coupons=["A"]) == [("pen", "alone", 300)]


@pytest.mark.parametrize(
    "other",
    [
        {"status": Status.PAUSED},
        {"when": {"lines": {"product": ["tablet"]}}},
        {"placements": ("checkout",)},
        {"goal": Goal(units=1, start="2026-03-01", by="2026-03-02")},
    ],
)
def test_a_rule_that_does_not_apply_takes_nothing_off(other: dict[str, Any]) -> None:
    better = pens("other", off(20), **other)
    full = book(GOODS, {}, rules=ruleset(pens("one", off(10)), better, sold={"other": 1}))
    (pen,) = decide(context(line("phone", 60_000)), full).offers
    assert (pen.rule, pen.quote.unit_price) == ("one", 270)


def test_a_rule_below_one_that_stops_takes_nothing_off() -> None:
    assert priced(pens("one", off(10), stop=True), pens("other", off(20))) == [("pen", "one", 270)]
    assert priced(pens("one", off(10)), pens("other", off(20), stop=True)) == [("pen", "other", 240)]


def test_how_many_offers_a_rule_fills_bounds_what_it_brings_not_what_it_takes_over() -> None:
    """Else a price would depend on what else is shown, and with that on what somebody declined or bought before."""
    both = Products(refs=("pen", "cap"))
    one = rule("one", both, discount=off(10))
    for most in (1, 2):
        other = rule("other", both, discount=off(20), most=most)
        assert priced(one, other) == [("pen", "other", 240), ("cap", "other", 400)]


def test_a_rule_takes_over_only_what_it_brings_itself_as_the_same_kind() -> None:
    caps = rule("caps", Products(refs=("cap",)), discount=off(20))
    assert priced(pens("one", off(10)), caps)[0] == ("pen", "one", 270)
    upgrades = rule("up", Products(refs=("pen",), kind=Kind.UPGRADE), discount=off(20))
    assert priced(pens("one", off(10)), upgrades)[0] == ("pen", "one", 270)


@pytest.mark.parametrize(("kind", "taken"), [(Kind.COMPLEMENT, ("other", 67_200)), (Kind.UPGRADE, ("one", 69_600))])
def test_a_complement_is_taken_over_for_any_line_an_upgrade_for_its_own(kind: Kind, taken: tuple[str, int]) -> None:
    """The other rule is about the tablet only."""
    source = Products(refs=("plus",), kind=kind)
    one = rule("one", source, discount=Discount(off=Off.AMOUNT, amount=(Money(2400, "EUR"),)), when=ON["phone"])
    other = rule("other", source, discount=Discount(off=Off.AMOUNT, amount=(Money(4800, "EUR"),)), when=ON["tablet"])
    full = book([PHONE, PLUS, product("tablet", 61_000)], {}, rules=ruleset(one, other))
    (plus,) = decide(context(line("phone", 60_000), line("tablet", 61_000)), full).offers
    assert (plus.rule, plus.quote.unit_price, plus.trigger.product) == (*taken, "phone")


@pytest.mark.parametrize(
    ("guards", "taken"),
    [
        ({}, "other"),
        ({"gap_percent": 20}, "other"),
        ({"gap_percent": 19}, "one"),
        ({"gap_percent": 19, "any_price": True}, "other"),
    ],
)
def test_a_rule_takes_over_an_upgrade_only_within_its_own_price_gap(guards: dict[str, Any], taken: str) -> None:
    """Of 60,000 to 72,000 is 20 %."""
    up = Products(refs=("plus",), kind=Kind.UPGRADE)
    made = ruled(rule("one", up, discount=off(1)), rule("other", up, discount=off(2), **guards), policy=Policy())
    (plus,) = [offer for offer in made.offers if offer.kind is Kind.UPGRADE]
    assert plus.rule == taken
    before = ruled(rule("other", up, discount=off(2), **guards), rule("one", up, discount=off(1)), policy=Policy())
    assert [offer.rule for offer in before.offers if offer.kind is Kind.UPGRADE] == [taken]


@pytest.mark.parametrize(
    ("price", "any_price", "taken"), [(300, False, "other"), (299, False, "one"), (299, True, "other")]
)
def test_a_rule_takes_over_no_complement_that_is_too_dear_for_it(price: int, any_price: bool, taken: str) -> None:
    """What the page is about costs as much as the pen, or just less."""
    one, other = pens("one", off(10), any_price=True), pens("other", off(20), any_price=any_price)
    full = book([product("phone", price), product("pen", 300)], {}, rules=ruleset(one, other))
    (pen,) = decide(context(line("phone", price)), full).offers
    assert pen.rule == taken


def test_what_the_better_rule_brought_itself_is_no_longer_dropped() -> None:
    made = ruled(pens("one", off(10)), pens("other", off(20)), pens("third", off(5)), policy=Policy(max_upgrades=0))
    assert [(each.product, each.code.value, each.rule) for each in made.trace] == [
        ("pen", "duplicate", "third"),
        ("plus", "outranked", ""),
        ("pen", "better_price", "one"),
    ]


def test_an_upgrade_has_the_better_discount_too_and_the_learned_one_none_that_is_no_rules() -> None:
    up = Products(refs=("plus",), kind=Kind.UPGRADE)
    one, other = rule("one", up, discount=off(1)), rule("other", up, discount=off(2))
    (better,) = [offer for offer in ruled(one, other).offers if offer.kind is Kind.UPGRADE]
    assert (better.rule, better.quote) == ("other", Quote("EUR", 70_560, 1, 60_000, 72_000))


def test_what_was_learned_is_a_rules_where_it_brings_it_at_its_price() -> None:
    """The rule has filled its place with the pen, which another one takes over."""
    full = rule("full", Products(refs=("pen", "case")), discount=off(10), most=1)
    made = ruled(full, pens("other", off(20)), policy=Policy(max_upgrades=0))
    assert [(each.product.ref, each.rule, each.quote.unit_price) for each in made.offers] == [
        ("pen", "other", 240),
        ("case", "full", 2610),
    ]
    assert made.offers[1].reason.together == 38, "its evidence stays"
    assert [(each.product, each.code.value, each.rule) for each in made.trace] == [
        ("plus", "outranked", ""),
        ("pen", "better_price", "full"),
    ], "what each brought itself found its place after all"


def test_bundles_and_programmes_stay_with_their_rule() -> None:
    written = [rule("one", SET, discount=off(10)), rule("other", SET, discount=off(20)), rule("card", CARD)]
    made = ruled(*written, policy=Policy(max_upgrades=0))
    assert [(each.ref, each.rule) for each in made.offers] == [("pen+case", "one"), ("programme:card", "card")]


# --- two discounts together ------------------------------------------------------------------------------------------


def with_(*names: str, percent: int = 10, **rest: Any) -> Discount:
    return off(percent, with_rules=names, **rest)


def together(*written: Rule, **about: Any) -> list[tuple[str, str, str, int]]:
    made = ruled(*written, **{"policy": Policy(max_upgrades=0)} | about)
    return [(each.product.ref, each.rule, each.beside, each.quote.unit_price) for each in made.offers if each.rule]


def test_two_discounts_that_name_each_other_are_both_off_the_stores_price() -> None:
    one, other = pens("one", with_("other"), copy={"en": Copy(headline="one")}), pens("other", with_("one", percent=20))
    made = ruled(one, other, policy=Policy(max_upgrades=0))
    (pen,) = [offer for offer in made.offers if offer.rule]
    assert (pen.rule, pen.beside, pen.copy) == ("one", "other", Copy(headline="one"))
    assert pen.quote == Quote("EUR", 210, 1, normal=300)
    assert [(each.rule, each.code.value, each.detail) for each in made.rules] == [
        ("one", "applied", "1 offer"),
        ("other", "applied", "1 offer"),
    ]
    assert [each.rule for each in made.trace if each.code is Code.BETTER_PRICE] == []
    assert together(other, one) == [("pen", "other", "one", 210)], "the one that brought it stays the first"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (with_("other"), off(20)),
        (off(10), with_("one", percent=20)),
        (with_("one"), with_("other", percent=20)),
        (with_("third"), with_("third", percent=20)),
    ],
)
def test_two_discounts_of_which_one_does_not_name_the_other_do_not_stand_together(
    one: Discount, other: Discount
) -> None:
    assert together(pens("one", one), pens("other", other)) == [("pen", "other", "", 240)]


def test_one_without_a_discount_has_nothing_to_add() -> None:
    assert together(pens("one", None), pens("other", with_("one"))) == [("pen", "other", "", 270)]
    assert together(pens("one", with_("other")), pens("other", None)) == [("pen", "one", "", 270)]


def test_free_shipping_beside_a_discount() -> None:
    free = Discount(off=Off.FREE_SHIPPING, with_rules=("one",))
    for written in ((pens("one", with_("free")), pens("free", free)), (pens("free", free), pens("one", with_("free")))):
        made = ruled(*written, policy=Policy(max_upgrades=0))
        (pen,) = [offer for offer in made.offers if offer.rule]
        assert (pen.rule, pen.beside) == (written[0].name, written[1].name)
        assert pen.quote == Quote("EUR", 270, 1, normal=300, free_shipping=True)


@pytest.mark.parametrize(
    ("third", "taken"),
    [
        (off(29), ("a", "b", 210)),
        (off(30), ("third", "", 210)),
        (off(31), ("third", "", 207)),
        (off(30, with_rules=("a",)), ("third", "", 210)),
        (Discount(off=Off.FREE_SHIPPING), ("a", "b", 210)),
    ],
)
def test_two_are_taken_only_when_they_save_more_than_the_best_one(third: Discount, taken: tuple[str, str, int]) -> None:
    assert together(pens("a", with_("b")), pens("b", with_("a", percent=20)), pens("third", third)) == [("pen", *taken)]


def test_the_trace_says_what_became_of_the_rules_that_lost_and_of_no_other() -> None:
    written = [pens("mine", off(10)), pens("a", with_("b")), pens("b", with_("a", percent=20))]
    made = ruled(*written, policy=Policy(max_upgrades=0))
    assert [(each.rule, each.beside) for each in made.offers if each.rule] == [("a", "b")]
    assert [(each.product, each.rule, each.code) for each in made.trace if each.rule] == [
        ("pen", "mine", Code.BETTER_PRICE)
    ]


def test_of_several_pairs_the_one_that_saves_most() -> None:
    written = [
        pens("a", with_("b", "c")),
        pens("b", with_("a", "c", percent=20)),
        pens("c", with_("a", "b", percent=15)),
    ]
    pair = {"b", "c"}
    for first in range(3):
        ((_, rule, beside, price),) = together(*written[first:], *written[:first])
        assert ({rule, beside}, price) == (pair, 195)


def test_a_pair_takes_over_what_neither_brought() -> None:
    first = pens("first", off(10), priority=1)
    assert together(first, pens("a", with_("b")), pens("b", with_("a", percent=20))) == [("pen", "a", "b", 210)]
    # The case was learned: both had filled their places, which the third one took over.
    full = rule("a", Products(refs=("pen", "case")), discount=with_("b"), most=1)
    other = rule("b", Products(refs=("cap", "case")), discount=with_("a", percent=20), most=1)
    better = rule("better", Products(refs=("pen", "cap")), discount=off(50))
    assert together(full, other, better, policy=Policy(max_upgrades=0, max_offers=3)) == [
        ("pen", "better", "", 150),
        ("cap", "better", "", 250),
        ("case", "a", "b", 2030),
    ]


@pytest.mark.parametrize(("least", "taken"), [(210, ("one", "other", 210)), (211, ("other", "", 240))])
@pytest.mark.parametrize("held", ["one", "other"])
def test_two_that_would_break_a_floor_of_either_do_not_stand_together(
    held: str, least: int, taken: tuple[str, str, int]
) -> None:
    floors = {held: Floor(price=(Money(least, "EUR"),))}
    one = pens("one", with_("other", floor=floors.get("one", Floor())))
    other = pens("other", with_("one", percent=20, floor=floors.get("other", Floor())))
    assert together(one, other) == [("pen", *taken)]


def test_two_that_do_not_take_the_same_off_every_unit_do_not_stand_together() -> None:
    up = Products(refs=("plus",), kind=Kind.UPGRADE)
    one, other = rule("one", up, discount=with_("other")), rule("other", up, discount=with_("one", most_units=1))
    for units, taken in ((1, ("one", "other", 57_600)), (2, ("one", "", 64_800))):
        full = book([PHONE, PLUS], {}, rules=ruleset(one, other))
        (plus,) = decide(context(line("phone", 60_000, units)), full).offers
        assert (plus.rule, plus.beside, plus.quote.unit_price) == taken


def test_one_that_is_not_given_beside_a_coupon_is_not_given_beside_another_either() -> None:
    one, other = pens("one", with_("other", with_coupon=True)), pens("other", with_("one", percent=20))
    for written in ((one, other), (other, one)):
        assert together(*written, coupons=["A"]) == [("pen", "one", "", 270)]


def test_one_that_would_not_offer_it_is_not_beside_another() -> None:
    up = Products(refs=("plus",), kind=Kind.UPGRADE)
    one = rule("one", up, discount=with_("other", percent=1))
    other = rule("other", up, discount=with_("one", percent=2), gap_percent=19)
    for written in ((one, other), (other, one)):
        (plus,) = [offer for offer in ruled(*written).offers if offer.kind is Kind.UPGRADE]
        assert (plus.rule, plus.beside) == ("one", "")


def test_a_rule_stands_beside_another_however_many_it_fills() -> None:
    both = Products(refs=("pen", "cap"))
    one = rule("one", both, discount=with_("other"))
    for most in (1, 2):
        other = rule("other", both, discount=with_("one", percent=20), most=most)
        assert together(one, other) == [("pen", "one", "other", 210), ("cap", "one", "other", 350)]


def test_two_discounts_are_off_every_variant() -> None:
    shirt = product("shirt", 2000, variants=[Variant("s", "Small", 2000, 1), Variant("l", "Large", 3000, 1)])
    source = Products(refs=("shirt",))
    one, other = rule("one", source, discount=with_("other")), rule("other", source, discount=with_("one", percent=20))
    (offer,) = decide(context(line("phone", 60_000)), book([PHONE, shirt], {}, rules=ruleset(one, other))).offers
    assert offer.quote == Quote("EUR", 1400, 1, normal=2000, variants=(("s", 1400), ("l", 2100)))


def test_bundles_have_no_second_discount() -> None:
    one, other = rule("one", SET, discount=with_("other")), rule("other", SET, discount=with_("one"))
    (made,) = [offer for offer in ruled(one, other).offers if offer.kind is Kind.BUNDLE]
    assert (made.rule, made.beside, made.quote.unit_price) == ("one", "", 2880)


# --- questions -------------------------------------------------------------------------------------------------------

FOR_WHOM = Asked("asks", "For whom?", (("me", "For me"), ("gift", "A gift")))


def test_a_rule_asks_in_the_shoppers_language_else_in_the_first() -> None:
    assert ruled(asking()).question == FOR_WHOM
    german = ruled(asking(), visitor=customer(language="de-AT")).question
    assert german == Asked("asks", "Für wen?", (("me", "Für mich"), ("gift", "A gift")))
    mute = asking(question=Question(words={}, answers={"me": {}, "gift": {}}))
    assert ruled(mute).question == Asked("asks", "", (("me", "me"), ("gift", "gift")))


@pytest.mark.parametrize(
    ("written", "asked", "question"),
    [
        ([], [], None),
        ([rule("r")], [], None),
        ([asking()], ["other"], "asks"),
        ([asking()], ["asks"], None),
        ([asking("a"), asking("b")], [], "a"),
        ([asking("a"), asking("b")], ["a"], "b"),
        ([asking("a"), asking("b")], ["a", "b"], None),
        ([rule("r"), asking("b", priority=-1)], [], "b"),
        ([asking("a", when={"lines": {"product": ["tablet"]}}), asking("b")], [], "b"),
        ([asking("a", status=Status.PAUSED)], [], None),
        ([rule("stop", Nothing()), asking("b")], [], None),
        ([asking("a", stop=True), asking("b")], ["a"], None),
    ],
)
def test_the_first_rule_that_applies_and_did_not_ask_yet_asks(
    written: list[Rule], asked: list[str], question: str | None
) -> None:
    for explain in (True, False):
        full = book(GOODS, LED, rules=ruleset(*written))
        found = decide(context(line("phone", 60_000), asked=asked), full, explain=explain).question
        assert (found and found.rule) == question


def test_a_rule_that_asks_may_offer_something_and_one_that_only_asks_offers_nothing() -> None:
    both = asking("both", offer=Products(refs=("pen",)), stop=True)
    assert (offered(ruled(both)), ruled(both).question == FOR_WHOM) == (["pen"], False)
    assert offered(ruled(asking(stop=True))) == []
    assert offered(ruled(asking())) == ["plus", "case"]


# --- with rules, what always holds -----------------------------------------------------------------------------------

WHEN: list[Tree | None] = [
    None,
    {"lines": {"product": ["p0", "p1"]}},
    {"lines": {"category": ["A"], "match": "only"}},
    {"line_count": {"min": 2}},
    {"none": [{"lines": {"product": ["p2"]}}]},
]
DISCOUNTS = [
    None,
    TENTH,
    Discount(off=Off.PERCENT, percent=2000),
    Discount(off=Off.AMOUNT, amount=(Money(15, "EUR"),)),
    Discount(off=Off.FREE_SHIPPING),
    Discount(off=Off.GIFT),
    Discount(off=Off.PERCENT, percent=1000, floor=Floor(price=(Money(80, "EUR"),))),
    Discount(off=Off.PERCENT, percent=2500, floor=Floor(cost=True)),
    Discount(off=Off.AMOUNT, amount=(Money(60, "EUR"),), floor=Floor(margin_percent=10)),
]
WITH = st.lists(st.sampled_from(["r0", "r1", "r2", "r3"]), unique=True).map(tuple) | st.just(("r0", "r1", "r2", "r3"))
BEHIND = Goal(units=100, start="2026-02-01", by="2026-03-31", lift=1)


@st.composite
def discounts(draw: st.DrawFn) -> Discount | None:
    chosen = draw(st.sampled_from(DISCOUNTS))
    return chosen and replace(chosen, with_rules=draw(WITH))


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    refs = st.lists(st.sampled_from(REFS), min_size=1, max_size=4, unique=True).map(tuple)
    listed = st.builds(Products, refs=refs, kind=st.sampled_from(Kind))
    bundle = st.builds(Bundle, refs=st.lists(st.sampled_from(REFS), min_size=2, max_size=4, unique=True).map(tuple))
    learned = st.builds(Learned, kind=st.sampled_from(Kind))
    return [
        rule(
            f"r{number}",
            draw(st.one_of(listed, listed, listed, learned, bundle, bundle, st.just(CARD))),
            when=draw(st.sampled_from(WHEN)),
            most=draw(st.sampled_from([1, 2, 3])),
            priority=draw(st.sampled_from([0, 1])),
            status=draw(mostly(Status.ACTIVE, Status.PAUSED)),
            stop=draw(mostly(False, True)),
            any_price=draw(st.booleans()),
            discount=draw(discounts()),
            boost=draw(mostly((), ("New",))),
            goal=draw(mostly(None, BEHIND)),
            ask=draw(mostly(None, asking().ask)),
        )
        for number in range(draw(st.integers(1, 4)))
    ]


Ruled = tuple[Context, Book, list[Rule]]


@st.composite
def crowds(draw: st.DrawFn) -> Ruled:
    """Rules that offer the same few products, most of them with discounts that name each other."""
    refs, names = REFS[6:9], ("r0", "r1", "r2", "r3")
    source = st.builds(
        Products,
        refs=st.lists(st.sampled_from(refs), min_size=1, unique=True).map(tuple),
        kind=mostly(Kind.COMPLEMENT, Kind.UPGRADE),
    )
    written = [
        rule(
            name,
            draw(source),
            discount=draw(st.sampled_from(DISCOUNTS).map(lambda each: each and replace(each, with_rules=names)))
            if draw(mostly(True, False))
            else draw(discounts()),
            when=draw(mostly(None, *WHEN[1:])),
            most=draw(mostly(3, 1, 2)),
            any_price=draw(st.booleans()),
            gap_percent=draw(mostly(None, 10, 30)),
        )
        for name in names[: draw(st.integers(2, 4))]
    ]
    lines = [Line(str(place), f"p{place}", draw(mostly(1, 2)), 100) for place in range(draw(st.integers(1, 3)))]
    goods = {ref: Product(ref, ref.upper(), draw(st.sampled_from([110, 125, 150])), "EUR", cost=70) for ref in refs}
    led = draw(mostly({}, {"p0": leads(dict.fromkeys(refs, 0.5), dict.fromkeys(refs, 0.25))}))
    about = context(*lines, policy=Policy(max_offers=3), coupons=draw(mostly((), ("A",))))
    return about, Book("1.0", goods, led), written


RULED: st.SearchStrategy[Ruled] = st.tuples(contexts(), books(), rules()) | crowds()


def products_of(made: Decision) -> list[str]:
    return [ref for offer in made.offers for ref in offer.ref.split("+")]


@given(RULED)
def test_with_rules_the_promises_of_the_policy_hold_too(drawn: Ruled) -> None:
    asked, full, written = drawn
    made = decide(asked, Book(full.version, full.products, full.affinities, {}, ruleset(*written)))
    assert len(made.offers) <= asked.policy.max_offers
    assert len(made.offers) <= max(0, asked.policy.max_page - len(asked.shown_elsewhere))
    upgrades = [offer for offer in made.offers if offer.kind is Kind.UPGRADE]
    assert len(upgrades) <= asked.policy.max_upgrades
    assert list(made.offers[: len(upgrades)]) == upgrades
    refs, known = products_of(made), {each.name: each for each in written}
    assert len(set(refs)) == len(refs), "those of bundles too"
    assert not (asked.declined | asked.shown_elsewhere | {each.product for each in asked.anchors}) & set(refs)
    brought = {name for offer in made.offers for name in (offer.rule, offer.beside) if name}
    assert {known[name].status for name in brought} <= {Status.ACTIVE}
    # With a discount a rule takes over what others bring: what else is shown is no reason for another price.
    plain = ruleset(*[replace(rule, discount=None) for rule in written])
    full_priced = decide(asked, Book(full.version, full.products, full.affinities, {}, plain))
    for name, count in Counter(offer.rule for offer in full_priced.offers if offer.rule).items():
        assert count <= known[name].most
    for offer in made.offers:
        items = [(item.product, item.quote) for item in offer.items] or [(offer.product, offer.quote)]
        assert all(0 <= quote.unit_price <= (quote.normal or one.price) == one.price for one, quote in items)
        assert sum(quote.unit_price for _, quote in items) == offer.quote.unit_price
        assert sum(one.price for one, _ in items) == (offer.quote.normal or offer.quote.unit_price)
        assert not {one.ref for one, _ in items if one.hidden or not one.has(1)}


@given(contexts(), books(), rules())
def test_a_session_is_never_offered_more_than_it_has_room_for(asked: Context, full: Book, written: list[Rule]) -> None:
    made = decide(asked, Book(full.version, full.products, full.affinities, {}, ruleset(*written)))
    new = {mark(offer.ref) for offer in made.offers} - asked.seen
    most = asked.policy.max_session
    assert not most or len(new) <= max(0, most - len(asked.seen))


@given(RULED)
def test_no_other_rule_would_take_more_off_nor_would_two(drawn: Ruled) -> None:
    asked, full, written = drawn
    rules = ruleset(*written)
    full = Book(full.version, full.products, full.affinities, {}, rules)
    made, scene = decide(asked, full), Scene(asked, full.products)
    lines = {each.rule.name: [on for on, _ in each.matched(scene)] for each in rules.matching(scene)}

    def saving(offer: Offer, by: Rule, also: Rule | None = None) -> tuple[int, bool]:
        candidate = Candidate(offer.kind, offer.ref, offer.trigger, None, 0, by, beside=also)
        if judge(candidate, offer.product, offer.base, asked, worth(asked)) is not None:
            return 0, False
        found = quote(candidate, offer.product, asked)
        return (0, False) if isinstance(found, Code) else (found.off, found.free_shipping)

    def brings(by: Rule, offer: Offer) -> bool:
        if by.discount is None or not isinstance(by.offer, Products):
            return False
        if offer.ref not in by.offer.refs or not lines.get(by.name):
            return False
        if offer.kind is Kind.UPGRADE:
            return by.offer.kind is Kind.UPGRADE and offer.trigger in lines[by.name]
        return offer.kind is Kind.COMPLEMENT and by.offer.kind is not Kind.UPGRADE

    for offer in made.offers:
        saved = offer.quote.off, offer.quote.free_shipping
        others = [each for each in written if brings(each, offer) and saving(offer, each) > (0, False)]
        assert all(saving(offer, each) <= saved for each in others)
        assert all(saving(offer, *two) <= saved for two in combinations(others, 2) if pair_combines(*two))


@given(RULED)
def test_no_price_is_below_zero_or_a_floor_of_one_of_its_rules(drawn: Ruled) -> None:
    asked, full, written = drawn
    made = decide(asked, Book(full.version, full.products, full.affinities, {}, ruleset(*written)))
    known = {each.name: each for each in written}
    for offer in made.offers:
        told, by = offer.quote, [known[name] for name in (offer.rule, offer.beside) if name]
        assert min([told.unit_price, *(price for _, price in told.variants)]) >= 0
        discounts = [each.discount for each in by if each.discount is not None]
        if told.normal is None and not told.free_shipping:
            assert not offer.beside
            continue
        for floor in (each.floor for each in discounts):
            assert all(least.amount <= told.unit_price for least in floor.price)
            for one, price in [(item.product, item.quote.unit_price) for item in offer.items] or [
                (offer.product, told.unit_price)
            ]:
                assert not floor.cost or (one.cost is not None and one.cost <= price)
                assert floor.margin_percent is None or (
                    one.cost is not None and (price - one.cost) * 100 >= price * floor.margin_percent
                )
        if offer.beside:
            assert pair_combines(*by)
            assert offer.kind in (Kind.COMPLEMENT, Kind.UPGRADE)
            price = offer.product.price
            alone = [apply(replace(each, floor=Floor()), price, "EUR", told.quantity, cost=None) for each in discounts]
            assert told.off == sum(each.off for each in alone if isinstance(each, Priced)), "each off the full price"
            applied = {each.rule for each in made.rules if each.code is RuleCode.APPLIED}
            assert {offer.rule, offer.beside} <= applied


@given(RULED)
def test_a_page_shows_what_is_explained(drawn: Ruled) -> None:
    """Without `explain` a decision stops early, with the same offers."""
    asked, full, written = drawn
    full = Book(full.version, full.products, full.affinities, {}, ruleset(*written))
    explained, shown = decide(asked, full), decide(asked, full, explain=False)
    assert shown.offers == explained.offers
    assert shown.question == explained.question
    # Which rule has the better price is told when the places are full.
    (judged, better), (all_judged, all_better) = (_apart(each.trace) for each in (shown, explained))
    assert judged == all_judged[: len(judged)]
    assert better == all_better
    assert (shown.rules, len(explained.rules)) == ((), len(written))


def _apart(trace: tuple[Dropped, ...]) -> tuple[list[Dropped], list[Dropped]]:
    better = [each for each in trace if each.code is Code.BETTER_PRICE]
    return [each for each in trace if each not in better], better


@given(contexts(), books(), rules())
def test_whoever_asks_applies_and_did_not_ask_before(asked: Context, full: Book, written: list[Rule]) -> None:
    rules = ruleset(*written)
    made = decide(asked, Book(full.version, full.products, full.affinities, {}, rules))
    applying = [each.rule for each in rules.matching(Scene(asked, full.products))]
    asking_now = [each.name for each in applying if each.ask is not None and each.name not in asked.asked]
    assert (made.question and made.question.rule) == next(iter(asking_now), None)
