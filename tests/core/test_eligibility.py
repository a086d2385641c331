"""Each "no" of the judge: once where it holds and once where it just does not."""

from __future__ import annotations

import msgspec
import pytest

from flask_upsell.core import eligibility
from flask_upsell.core.context import Capability, Context, Policy
from flask_upsell.core.eligibility import fits_mail, same_for_longer, within_gap, worth
from flask_upsell.core.money import Money
from flask_upsell.core.offer import SENTENCES, Candidate, Code, Kind, Placement
from flask_upsell.core.product import Product, Variant
from flask_upsell.core.rule import Gap, Rule

from .build import ALL, complement, context, customer, line, product, rule, upgrade

PHONE = product("phone", 60_000)
TWO = line("phone", 60_000, 2)
CASE = msgspec.structs.replace(product("case"), url="/case")
LOOKED_AT = line("phone", 60_000, ref="")


def judge(candidate: Candidate, offered: Product | None, base: Product | None, about: Context) -> Code | None:
    return eligibility.judge(candidate, offered, base, about, worth(about))


def judged_complement(offered: Product | None, **about: object) -> Code | None:
    return judge(complement("case", TWO), offered, PHONE, context(TWO, **about))  # type: ignore[arg-type]


def judged_upgrade(offered: Product | None, on: object = TWO, **about: object) -> Code | None:
    return judge(upgrade("plus", on), offered, PHONE, context(TWO, **about))  # type: ignore[arg-type]


@pytest.mark.parametrize("judged", [judged_complement, judged_upgrade])
def test_unknown_hidden_or_in_another_currency(judged: object) -> None:
    assert callable(judged)
    assert judged(product("x", 61_000)) is None
    assert judged(None) is Code.UNKNOWN_PRODUCT
    assert judged(product("x", 61_000, hidden=True)) is Code.HIDDEN
    assert judged(product("x", 61_000, currency="USD")) is Code.OTHER_CURRENCY
    assert judged(product("x", 61_000, currency="USD"), currency="USD") is None


def test_a_complement_needs_one_in_stock() -> None:
    assert judged_complement(product("case", stock=1)) is None
    assert judged_complement(product("case", stock=0)) is Code.OUT_OF_STOCK
    assert judged_complement(product("case", variants=[Variant("s", "S", 1, 0), Variant("m", "M", 1, 1)])) is None
    assert judged_complement(product("case", stock=9, variants=[Variant("s", "S", 1, 0)])) is Code.OUT_OF_STOCK


def test_an_upgrade_needs_the_lines_quantity_in_stock() -> None:
    assert judged_upgrade(product("plus", 61_000, stock=2)) is None
    assert judged_upgrade(product("plus", 61_000, stock=1)) is Code.OUT_OF_STOCK


def test_a_complement_needs_a_store_that_adds() -> None:
    assert judged_complement(product("case"), capabilities={Capability.ADD}) is None
    assert judged_complement(product("case"), capabilities=ALL - {Capability.ADD}) is Code.CANNOT_ADD


def test_an_upgrade_of_a_line_needs_a_store_that_replaces() -> None:
    assert judged_upgrade(product("plus", 61_000), capabilities={Capability.REPLACE}) is None
    assert judged_upgrade(product("plus", 61_000), capabilities=ALL - {Capability.REPLACE}) is Code.CANNOT_REPLACE


def test_an_upgrade_of_what_is_looked_at_needs_a_store_that_adds() -> None:
    assert judged_upgrade(product("plus", 61_000), LOOKED_AT, capabilities={Capability.ADD}) is None
    assert judged_upgrade(product("plus", 61_000), LOOKED_AT, capabilities=ALL - {Capability.ADD}) is Code.CANNOT_ADD


@pytest.mark.parametrize("placement", list(Placement))
def test_after_the_order_there_is_nothing_to_upgrade(placement: Placement) -> None:
    after = placement in (Placement.CONFIRMATION, Placement.MAIL)
    assert judged_upgrade(product("plus", 61_000), placement=placement) is (Code.AFTER_ORDER if after else None)
    assert judged_complement(CASE, placement=placement) is None


@pytest.mark.parametrize("placement", list(Placement))
@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "case", "ftp://shop.example/case"])
def test_a_mail_leads_to_a_page(placement: Placement, url: str) -> None:
    homeless = msgspec.structs.replace(CASE, url=url)
    wanted = Code.NOT_IN_MAIL if placement is Placement.MAIL else None
    assert judged_complement(homeless, placement=placement) is wanted


def test_what_can_be_in_a_mail_at_all() -> None:
    threshold = Gap(threshold=(Money(5000, "EUR"),), refs=("case",))
    candidate = complement("case")
    assert fits_mail(candidate)
    assert fits_mail(msgspec.structs.replace(candidate, rule=rule()))
    assert fits_mail(upgrade("plus")), "which the judge has another reason against"
    assert not fits_mail(msgspec.structs.replace(candidate, rule=rule(offer=threshold)))
    for kind in (Kind.BUNDLE, Kind.PROGRAMME):
        assert not fits_mail(msgspec.structs.replace(candidate, kind=kind))


def test_an_upgrade_without_choices_only() -> None:
    assert judged_upgrade(product("plus", 61_000, variants=[Variant("s", "S", 61_000)])) is Code.NEEDS_VARIANT
    assert judged_complement(product("case", variants=[Variant("s", "S", 1000)])) is None


def test_an_upgrade_costs_more_than_the_line_does_now() -> None:
    assert judged_upgrade(product("plus", 60_001)) is None
    assert judged_upgrade(product("plus", 60_000)) is Code.NOT_DEARER
    assert judged_upgrade(product("plus", 59_999)) is Code.NOT_DEARER
    cheap = line("phone", 55_000)
    assert judge(upgrade("plus", cheap), product("plus", 60_000), PHONE, context(cheap)) is None, "the line's own price"


def test_an_upgrade_stays_within_the_price_gap() -> None:
    assert judged_upgrade(product("plus", 75_000)) is None
    assert judged_upgrade(product("plus", 75_001)) is Code.PRICE_GAP
    assert judged_upgrade(product("plus", 75_001), policy=Policy(price_gap_percent=26)) is None


def test_an_upgrade_has_something_to_show_for_it() -> None:
    same = Product("plus", "The phone", 61_000, "EUR")
    assert judged_upgrade(same) is Code.NOTHING_GAINED
    assert judged_upgrade(Product("plus", "The phone", 61_000, "EUR", attributes={"Memory": "16 GB"})) is None
    assert judged_upgrade(Product("plus", "The better phone", 61_000, "EUR")) is None
    assert judge(upgrade("plus", TWO), same, None, context(TWO)) is None, "nothing is known to compare it with"


def test_a_complement_costs_no_more_than_what_it_goes_with_or_so_many_times_that() -> None:
    # Two phones: 1,200.00. Four times that is 4,800.00.
    assert judged_complement(product("case", 120_000)) is None
    assert judged_complement(product("case", 120_001)) is Code.TOO_DEAR
    assert judged_complement(product("case", 480_000), policy=Policy(complement_times=4)) is None
    assert judged_complement(product("case", 480_001), policy=Policy(complement_times=4)) is Code.TOO_DEAR
    assert judged_complement(product("case", 480_001), policy=Policy(complement_times=5)) is None
    assert judged_complement(product("case", 10**9), policy=Policy(complement_times=0)) is None, "0 means any price"


def test_what_a_complement_goes_with_is_what_the_page_is_about() -> None:
    cable = line("cable", 900)
    assert judge(complement("case", TWO), product("case", 120_900), PHONE, context(TWO, cable)) is None
    looked_at = context(TWO, anchors=[line("cable", 900, ref="")])
    assert judge(complement("case", cable), product("case", 901), None, looked_at) is Code.TOO_DEAR
    assert judge(complement("case", cable), product("case", 900), None, looked_at) is None


def test_nothing_is_too_dear_for_what_is_free() -> None:
    free = line("free", 0)
    assert judge(complement("case", free), product("case", 10**9), None, context(free)) is None


@pytest.mark.parametrize(
    ("now", "then", "percent", "floor", "within"),
    [
        (390, 490, 25, 100, True),  # 25 % would be 97.5 cents: the floor is larger
        (390, 491, 25, 100, False),
        (400, 500, 25, 100, True),  # both the same
        (400, 501, 25, 100, False),
        (401, 501, 25, 0, True),  # 100.25 cents
        (401, 502, 25, 0, False),
        (0, 100, 25, 100, True),
        (0, 101, 25, 100, False),
        (0, 1, 1000, 0, False),
        (1000, 1001, 0, 0, False),
        (10**15, 10**15 + 10**15 // 4, 25, 100, True),
        (10**15, 10**15 + 10**15 // 4 + 1, 25, 100, False),
    ],
)
def test_the_gap_is_exact_to_the_minor_unit(now: int, then: int, percent: int, floor: int, within: bool) -> None:
    assert within_gap(now, then, Policy(price_gap_percent=percent, price_gap_floor=floor)) is within


@pytest.mark.parametrize(
    ("now", "months", "then", "then_months", "same"),
    [
        (1000, 1, 12_000, 12, True),  # as much in a year
        (1000, 1, 12_001, 12, False),
        (1000, 1, 8400, 12, True),  # 30 % less
        (1000, 1, 8399, 12, False),
        (1000, 12, 12_000, 1, False),  # a shorter period
        (1000, 12, 1000, 12, False),  # the same one
        (3000, 3, 6000, 6, True),
        (3000, 3, 6001, 6, False),
        (0, 1, 0, 12, False),  # nothing is saved on nothing
        (0, 1, 1, 12, False),
        (1000, None, 12_000, 12, False),
        (1000, 1, 12_000, None, False),
        (1000, None, 1000, None, False),
    ],
)
def test_the_same_for_longer_costs_less_a_month_but_not_much_less(
    now: int, months: int | None, then: int, then_months: int | None, same: bool
) -> None:
    base, better = product("base", now, months=months), product("better", then, months=then_months)
    assert same_for_longer(now, base, better) is same


def judged_plan(now: int, months: int | None, then: int, then_months: int | None, floor: int = 0) -> Code | None:
    on = line("plan", now)
    base, better = product("plan", now, months=months), product("better", then, months=then_months)
    return judge(upgrade("better", on), better, base, context(on, policy=Policy(price_gap_floor=floor)))


def test_level_and_period_are_never_changed_in_one_step() -> None:
    assert judged_plan(499, 1, 4990, 12) is None, "basic for a year"
    assert judged_plan(499, 1, 9990, 12) is Code.OTHER_PERIOD, "premium for a year"
    assert judged_plan(4990, 12, 999, 1) is Code.NOT_DEARER, "premium for a month"
    assert judged_plan(60_000, None, 61_000, 1) is Code.OTHER_PERIOD, "what was bought once does not become a contract"
    assert judged_plan(999, 1, 1100, None) is Code.OTHER_PERIOD


def test_within_a_period_the_gap_counts() -> None:
    assert judged_plan(1000, 1, 1250, 1) is None
    assert judged_plan(1000, 1, 1251, 1) is Code.PRICE_GAP
    assert judged_plan(12_000, 12, 15_000, 12) is None
    assert judged_plan(12_000, 12, 15_001, 12) is Code.PRICE_GAP
    assert judged_plan(0, 1, 499, 1) is Code.PRICE_GAP
    assert judged_plan(0, 1, 499, 1, floor=499) is None


def test_every_code_has_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == set(Code)
    assert len({each.words for each in SENTENCES.values()}) == len(Code)


def by(candidate: Candidate, brought: Rule) -> Candidate:
    return msgspec.structs.replace(candidate, rule=brought)


@pytest.mark.parametrize("judged", [judged_complement, judged_upgrade])
def test_what_the_customer_has_is_not_offered_again(judged: object) -> None:
    assert callable(judged)
    has, other, unknown = customer(bought=frozenset({"x"})), customer(bought=frozenset({"y"})), customer(bought=None)
    assert judged(product("x", 61_000), visitor=has) is Code.OWNED
    assert judged(product("x", 61_000), visitor=other) is None
    assert judged(product("x", 61_000), visitor=unknown) is None


def test_what_is_used_up_or_runs_out_is_offered_again() -> None:
    has = customer(bought=frozenset({"x"}))
    assert judged_complement(product("x", tags=["new", "consumable"]), visitor=has) is None
    assert judged_complement(product("x", tags=["consumables"]), visitor=has) is Code.OWNED
    assert judged_complement(product("x", months=1), visitor=has) is None


def test_a_rule_may_allow_a_complement_of_any_price() -> None:
    dear = product("case", 480_001)
    assert judge(by(complement("case", TWO), rule()), dear, PHONE, context(TWO)) is Code.TOO_DEAR
    assert judge(by(complement("case", TWO), rule(any_price=True)), dear, PHONE, context(TWO)) is None


@pytest.mark.parametrize(
    ("brought", "price", "code"),
    [
        (rule(), 75_000, None),
        (rule(), 75_001, Code.PRICE_GAP),
        (rule(gap_percent=50), 90_000, None),
        (rule(gap_percent=50), 90_001, Code.PRICE_GAP),
        (rule(gap_percent=10), 66_000, None),
        (rule(gap_percent=10), 66_001, Code.PRICE_GAP),
        (rule(gap_percent=0), 60_001, Code.PRICE_GAP),
        (rule(any_price=True), 10**9, None),
        (rule(any_price=True, gap_percent=0), 10**9, None),
        (rule(any_price=True), 60_000, Code.NOT_DEARER),
    ],
)
def test_a_rule_may_have_a_price_gap_of_its_own(brought: Rule, price: int, code: Code | None) -> None:
    assert judge(by(upgrade("plus", TWO), brought), product("plus", price), PHONE, context(TWO)) is code


def test_a_rules_own_gap_is_without_the_floor_of_the_policy() -> None:
    cheap, policy = line("soap", 390), Policy(price_gap_floor=100)
    for brought, code in ((rule(), None), (rule(gap_percent=25), Code.PRICE_GAP)):
        asked = by(upgrade("soap-2", cheap), brought)
        assert judge(asked, product("soap-2", 490), None, context(cheap, policy=policy)) is code


def test_any_price_is_not_any_period() -> None:
    on = line("plan", 999)
    monthly, yearly = product("plan", 999, months=1), product("year", 30_000, months=12)
    asked = by(upgrade("year", on), rule(any_price=True))
    assert judge(asked, yearly, monthly, context(on)) is Code.OTHER_PERIOD
