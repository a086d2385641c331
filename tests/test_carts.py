"""The golden carts of config/: each is decided as it says, and together they meet, and just not meet, all of a rule."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import pytest

from flask_upsell.core.book import Book
from flask_upsell.core.conditions import CONDITIONS, Lines
from flask_upsell.core.conditions.cart import QUANTIFIERS
from flask_upsell.core.context import Policy
from flask_upsell.core.lint import Flaw, lint
from flask_upsell.core.money import exponent
from flask_upsell.core.offer import Code, Decision, Kind, RuleCode
from flask_upsell.core.product import Product
from flask_upsell.core.rule import (
    AnySource,
    Floor,
    Goal,
    Limits,
    Nothing,
    Off,
    Perk,
    Programme,
    Question,
    Rule,
    Schedule,
    Status,
    Tree,
)  # fmt: skip
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.rules import RuleSet
from flask_upsell.core.trees import NAMES
from flask_upsell.demo.catalogue import BY_REF
from flask_upsell.demo.clock import ZONE as DEMO_ZONE
from flask_upsell.web.goldencarts import failures, made_book, run_cart
from flask_upsell.web.goldenfile import (
    Bounds,
    Customer,
    Expect,
    ExpectedDrop,
    ExpectedOffer,
    GoldenCart,
    GoldenFile,
    GoldenProduct,
    Leads,
    read_carts,
)  # fmt: skip
from flask_upsell.web.rulefile import load
from flask_upsell.web.written import schema_of

CONFIG = Path(__file__).parents[1] / "config"
FILES = sorted((CONFIG / "carts").glob("*.yaml"))
SAMPLES = sorted((CONFIG / "rules").glob("*.yaml"))
SEASONS = CONFIG / "seasons.yaml"
#: For carts that do not say when.
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: What the demo sets (demo/cli.py); every other cart meets the settings as they are without any.
DEMO_POLICY = Policy(price_gap_floor=500, complement_times=4)
#: Reasons that no file can bring about: the store's abilities, variants to choose, what the admin says of products
#: (tests/core/cases.json has them).
NOT_SAID = {
    Code.CANNOT_ADD, Code.CANNOT_REPLACE, Code.CANNOT_PRICE, Code.CANNOT_GRANT, Code.NEEDS_VARIANT, Code.EXCLUDED,
    Code.SENSITIVE, Code.NOT_FITTING,
}  # fmt: skip
#: Of these the offer is made without its discount.
AT_FULL_PRICE = {Code.WITH_COUPON, Code.NO_COMBINING}
#: Why a discount is no reason to offer.
OF_DISCOUNTS = {Code.BELOW_FLOOR, Code.NO_SAVING, Code.UNKNOWN_COST, Code.UNEVEN, Code.OTHER_CURRENCY}
OFFS = {off.value for off in Off}
#: What a rule may have beside an offer. The first two change which offers come first.
FIELDS = ("boost", "goal", "ask", "perk")


class Scene(NamedTuple):
    """A file of carts with what it names."""

    given: GoldenFile
    rules: RuleBook
    book: Book

    @property
    def zone(self) -> str:
        return self.given.zone or "UTC"

    def decide(self, cart: GoldenCart, *, policy: Policy | None = None) -> Decision:
        return run_cart(cart, self.book, self.book.products, zone=self.zone, now=NOW, policy=policy)

    def without(self, name: str, field: str) -> Scene:
        """The same with a rule that lacks a field."""
        plain = {"boost": (), "goal": None}[field]
        rules = [
            msgspec.structs.replace(rule, **{field: plain}) if rule.name == name else rule for rule in self.rules.rules
        ]
        book = msgspec.structs.replace(self.rules, rules=tuple(rules))
        return Scene(self.given, book, made_book(self.given, RuleSet(book, self.zone)))


@cache
def scene(path: Path) -> Scene:
    given = read_carts(path)
    assert given.products is not None and given.rules is not None, f"{path.name} would need a store"
    rules = load([path.parent / each for each in given.rules])
    return Scene(given, rules, made_book(given, RuleSet(rules, given.zone or "UTC")))


ALL = [(path, cart) for path in FILES for cart in scene(path).given.carts]


@pytest.mark.parametrize(("path", "cart"), [pytest.param(*one, id=f"{one[0].stem}: {one[1].name}") for one in ALL])
def test_a_golden_cart(path: Path, cart: GoldenCart) -> None:
    assert not list(failures(cart.expect, scene(path).decide(cart)))


def test_every_cart_expects_all_its_offers_or_says_why_there_are_none() -> None:
    for path, cart in ALL:
        expect = cart.expect
        assert expect.offers is not None, cart.name
        assert expect.offers or expect.question or expect.rules or expect.dropped, cart.name
        assert {*expect.rules, *_offering(expect)} <= {rule.name for rule in scene(path).rules.rules}, cart.name


def test_there_are_300_and_more() -> None:
    assert len(ALL) >= 300


def test_a_wrong_expectation_is_seen() -> None:
    path, cart = ALL[0]
    made = scene(path).decide(cart)
    assert cart.expect.offers
    assert list(failures(Expect(offers=()), made))
    assert list(failures(Expect(offers=cart.expect.offers * 2), made))


# --- the files -------------------------------------------------------------------------------------------------------


def test_all_rules_load_together() -> None:
    book = load([SEASONS, CONFIG / "rules"])
    assert len(book.rules) == sum(len(load([SEASONS, path]).rules) for path in SAMPLES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_rules_are_as_a_merchant_means_them(path: Path) -> None:
    """No findings but that seasons are there to be copied, and what two samples tell of themselves."""
    products: dict[str, Product] = {}
    for file in FILES:
        if f"../rules/{path.name}" in (scene(file).given.rules or ()):
            # The first file has them as the rules mean them; floors.yaml, which comes later, does not.
            products = {**scene(file).book.products, **products}
    findings = lint(load([SEASONS, path]), zone="UTC", now=NOW, products=products)
    told = [(each.code, each.rule) for each in findings if each.code is not Flaw.UNUSED_SEASON]
    odd = ["small-hours", "bakers-night"] if path.stem == "samples-schedule" else []
    assert told == [(Flaw.CLOCK_CHANGE, name) for name in odd]


def test_the_demos_products_are_those_of_its_catalogue() -> None:
    products = scene(CONFIG / "carts" / "demo.yaml").given.products or {}
    assert [
        (ref, each.title, each.price.amount, each.category, each.stock, each.period_months)
        for ref, each in products.items()
    ] == [(ref, item.title, item.price, item.category, item.stock, item.period_months) for ref, item in BY_REF.items()]


def test_the_demos_carts_are_decided_alike_by_its_own_clock_and_settings() -> None:
    demo = scene(CONFIG / "carts" / "demo.yaml")
    assert demo.zone == DEMO_ZONE
    for cart in demo.given.carts:
        assert not list(failures(cart.expect, demo.decide(cart, policy=DEMO_POLICY))), cart.name


def test_the_page_for_merchants_names_everything() -> None:
    page = (CONFIG / "README.md").read_text()
    parts = (
        Rule, Schedule, Limits, Floor, Goal, Question, Perk, Programme,
        GoldenFile, GoldenProduct, Leads, GoldenCart, Customer, Bounds, Expect, ExpectedOffer, ExpectedDrop,
    )  # fmt: skip
    fields = {str(field.data_key) for part in parts for field in schema_of(part).fields.values()}
    words = {*CONDITIONS, *QUANTIFIERS, *OFFS, *_sources(), *RuleCode, *Kind, *fields}
    assert not [word for word in sorted(words) if f"`{word}" not in page]
    assert not [path.name for path in (*FILES, *SAMPLES) if f"{path.parent.name}/{path.name}" not in page]


# --- what the carts meet, and just do not meet -----------------------------------------------------------------------


@cache
def seen() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The carts that meet each feature, and those that expect of it that it does not hold, by name."""
    met: dict[str, set[str]] = defaultdict(set)
    unmet: dict[str, set[str]] = defaultdict(set)
    for path, cart in ALL:
        rules = {rule.name: rule for rule in scene(path).rules.rules}
        made = scene(path).decide(cart)
        verdicts = {verdict.rule: verdict for verdict in made.rules}
        applied = {name for name, code in cart.expect.rules.items() if code is RuleCode.APPLIED} | _offering(
            cart.expect
        )
        for name in applied:
            for feature in _features(rules[name]):
                met[feature].add(cart.name)
            for field in ("boost", "goal"):
                if getattr(rules[name], field):
                    alone = scene(path).without(name, field).decide(cart)
                    (met if _order(alone) != _order(made) else unmet)[f"rule field {field}"].add(cart.name)
        asked = cart.expect.question
        if asked:
            met[f"rule {asked}"].add(cart.name)
            met["rule field ask"].add(cart.name)
        if asked is not None:
            for name in {*cart.asked, *cart.answers} & rules.keys() - {asked}:
                unmet["rule field ask"].add(cart.name)
                if rules[name].offer is None:
                    unmet[f"rule {name}"].add(cart.name)
        for name, code in cart.expect.rules.items():
            if code is not RuleCode.APPLIED:
                unmet[f"rule {name}"].add(cart.name)
            for feature in _unmet(rules[name], code, verdicts[name].detail):
                unmet[feature].add(cart.name)
        for feature in _without_discount(cart.expect, made, rules):
            unmet[feature].add(cart.name)
        for drop in cart.expect.dropped:
            if drop.rule:
                unmet[f"rule {drop.rule}"].add(cart.name)
    return met, unmet


def _offering(expect: Expect) -> set[str]:
    return {offer.rule for offer in expect.offers or () if offer.rule}


def _order(made: Decision) -> list[tuple[str, str]]:
    return [(offer.ref, offer.rule) for offer in made.offers]


def _features(rule: Rule) -> Iterator[str]:
    """What a rule that is at work shows."""
    yield f"rule {rule.name}"
    if rule.offer is not None:
        yield f"source {rule.offer.__struct_config__.tag}"
    if rule.perk is not None:
        yield "rule field perk"
    for name, given in (*_conditions(rule.audience), *_conditions(rule.when)):
        yield f"condition {name}"
        if name == Lines.code:
            yield f"lines {given.get('match', 'any')}"
            yield from (f"lines field {field}" for field in given)
    yield from (f"schedule {field}" for field in _given(rule.schedule))
    if rule.discount is not None:
        yield f"discount {rule.discount.off}"
        yield from (f"discount field {field}" for field in _given(rule.discount))
        yield from (f"floor {field}" for field in _given(rule.discount.floor))
    yield from (f"limit {field}" for field in _given(rule.limits))


def _unmet(rule: Rule, code: RuleCode, detail: str) -> Iterator[str]:
    """What keeps a rule from being at work, as its verdict says."""
    if code is not RuleCode.APPLIED:
        yield from (f"rule field {field}" for field in FIELDS if getattr(rule, field) and field != "ask")
    if rule.ask is not None and code not in (RuleCode.APPLIED, RuleCode.NOTHING_LEFT):
        yield "rule field ask"
    nothing = isinstance(rule.offer, Nothing) and code is not RuleCode.APPLIED
    if rule.offer is not None and (code is RuleCode.NOTHING_LEFT or nothing):
        yield f"source {rule.offer.__struct_config__.tag}"
    if code is RuleCode.OUT_OF_SEASON:
        yield from (f"schedule {field}" for field in _given(rule.schedule))
    for name in re.findall(r"\b([a-z_]+) \{", detail):
        yield f"condition {name}"
    for arguments in re.findall(r"\blines (\{[^;]*\})", detail):
        given = msgspec.json.decode(arguments)
        yield f"lines {given.get('match', 'any')}"
        yield from (f"lines field {field}" for field in given)


def _without_discount(expect: Expect, made: Decision, rules: dict[str, Rule]) -> Iterator[str]:
    """Discounts that are not given: at the full price, or not at all."""
    named = {offer.rule for offer in made.offers if offer.quote.without in AT_FULL_PRICE} & _offering(expect)
    named |= {drop.rule or "" for drop in expect.dropped if drop.code in OF_DISCOUNTS}
    for name in named - {""}:
        discount = rules[name].discount
        yield f"rule {name}"
        if discount is not None:
            yield f"discount {discount.off}"
            yield from (f"floor {field}" for field in _given(discount.floor))


def _conditions(tree: Tree | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, given in (tree or {}).items():
        if name in NAMES:
            for child in given:
                yield from _conditions(child)
        else:
            yield name, given


def _given(part: msgspec.Struct) -> Iterator[str]:
    """The fields that are not left out."""
    for field in msgspec.structs.fields(part):
        if getattr(part, field.name) != field.default:
            yield field.name


def _sources() -> set[str]:
    return {str(cls.__struct_config__.tag) for cls in get_args(AnySource)}


FEATURES = [
    *(f"condition {code}" for code in sorted(CONDITIONS)),
    *(f"lines {name}" for name in QUANTIFIERS),
    *(f"lines field {field.encode_name}" for field in msgspec.structs.fields(Lines)),
    *(f"source {name}" for name in sorted(_sources())),
    *(f"rule field {field}" for field in FIELDS),
    *(f"discount {off}" for off in sorted(OFFS)),
    *(f"floor {field.name}" for field in msgspec.structs.fields(Floor)),
    *(f"schedule {field.name}" for field in msgspec.structs.fields(Schedule)),
]

#: These are met by two carts at least.
NEWEST = {*(f"rule field {field}" for field in FIELDS), "source bundle", "source programme", "condition perk"}


@pytest.mark.parametrize("feature", FEATURES)
def test_every_part_of_a_rule_is_met_by_a_cart_and_just_not_by_another(feature: str) -> None:
    met, unmet = seen()
    assert len(met[feature]) >= (2 if feature in NEWEST else 1)
    assert unmet[feature]


def test_every_sample_is_seen_at_work_and_not_at_work() -> None:
    met, unmet = seen()
    rules = [rule for path in SAMPLES for rule in load([SEASONS, path]).rules]
    assert not [rule.name for rule in rules if rule.status is Status.ACTIVE and not met[f"rule {rule.name}"]]
    assert not [rule.name for rule in rules if not unmet[f"rule {rule.name}"]]


def test_every_verdict_of_a_rule_is_expected_twice() -> None:
    codes = [code for _, cart in ALL for code in cart.expect.rules.values()]
    assert not [code for code in RuleCode if codes.count(code) < 2]


def test_every_reason_that_a_file_can_bring_about_is_expected() -> None:
    dropped = {drop.code for _, cart in ALL for drop in cart.expect.dropped}
    assert dropped == set(Code) - NOT_SAID - AT_FULL_PRICE
    reasons = {offer.quote.without for path, cart in ALL for offer in scene(path).decide(cart).offers}
    assert reasons >= AT_FULL_PRICE


def test_prices_are_expected_in_currencies_of_no_two_and_three_decimals() -> None:
    prices = [offer.price for _, cart in ALL for offer in cart.expect.offers or () if offer.price is not None]
    digits = [exponent(price.currency) for price in prices]
    assert all(digits.count(each) >= 2 for each in (0, 2, 3))
