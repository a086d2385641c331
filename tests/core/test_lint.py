"""The linter: each finding met once and just not met once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from flask_upsell.core.lint import Flaw, lint
from flask_upsell.core.money import Money
from flask_upsell.core.named import touched
from flask_upsell.core.product import Product, Variant
from flask_upsell.core.rule import (
    AnySource,
    Bundle,
    Category,
    Days,
    Discount,
    Floor,
    Gap,
    Goal,
    Hours,
    Ladder,
    Learned,
    Limits,
    Nothing,
    Off,
    Perk,
    Products,
    Question,
    Rule,
    Schedule,
    Second,
    Status,
    Tagged,
)
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Holiday, Recurring, Windows, Yearly

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
TEA = {"lines": {"category": ["Tea"]}}
DEAR = {"subtotal": {"min": [[5000, "EUR"]]}}
MEMBERS = {"group": {"is": ["member"]}}
SPRING = Season(name="spring", yearly=(Yearly(start="03-01", end="05-31"),))
AUTUMN = Season(name="autumn", yearly=(Yearly(start="09-01", end="11-30"),))
#: Nowhere but in the United States.
TURKEY = Season(name="turkey", countries={"US": Windows(holiday=(Holiday(country="US", name="Thanksgiving Day"),))})
#: Each half of the world has its own.
SUMMER = Season(
    name="summer",
    yearly=(Yearly(start="06-01", end="08-31"),),
    south=Windows(yearly=(Yearly(start="12-01", end="02-28"),)),
)
SEASONS = (SPRING, AUTUMN, TURKEY, SUMMER)


def rule(name: str, offer: AnySource | str = "", **more: Any) -> Rule:
    """A rule that offers products of its own, unless it is said what."""
    made = Products(refs=(offer or f"of-{name}",)) if isinstance(offer, str) else offer
    return Rule(name=name, offer=made, **more)


def found(*rules: Rule, **more: Any) -> list[tuple[str, str, str]]:
    """(code, rule, other) of each finding, without those on seasons that no rule of the test names."""
    book = RuleBook(rules=rules, seasons=SEASONS, ladders=more.pop("ladders", {}))
    findings = lint(book, zone=more.pop("zone", "Europe/Rome"), now=NOW, **more)
    assert all(each.sentence.endswith(".") for each in findings)
    return [(each.code.value, each.rule, each.other) for each in findings if each.code is not Flaw.UNUSED_SEASON]


def codes(*rules: Rule, **more: Any) -> set[str]:
    return {code for code, _, _ in found(*rules, **more)}


def during(*seasons: str, **more: Any) -> Schedule:
    return Schedule(seasons=seasons, **more)


def test_nothing_is_said_of_rules_that_are_all_right() -> None:
    assert found(rule("a", when=TEA), rule("b", when=DEAR, schedule=during("spring")), rule("c", priority=-1)) == []
    assert lint(RuleBook(), zone="UTC", now=NOW, products={}) == []


# --- never reached --------------------------------------------------------------------------------------------------

MARCH = Schedule(start="2027-03-01T00:00", end="2027-04-01T00:00")
WEEK = Schedule(start="2027-03-08T00:00", end="2027-03-15T00:00")


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ({}, {"when": TEA}),
        ({"placements": ("cart", "checkout")}, {"placements": ("cart",)}),
        ({"schedule": MARCH}, {"schedule": WEEK}),
        ({"schedule": during("spring")}, {"schedule": during("spring", weekdays=("mon",))}),
        (
            {"schedule": during("spring", weekdays=("mon", "tue"))},
            {"schedule": Schedule(start="2027-03-02T00:00", end="2027-04-01T00:00", weekdays=("mon", "tue"))},
        ),
        ({"schedule": during("turkey")}, {"schedule": during("turkey", hours=(Hours(start="09:00", end="10:00"),))}),
    ],
)
def test_a_rule_below_one_that_always_stops_is_never_reached(above: Any, below: Any) -> None:
    for how in ({"stop": True}, {"offer": Nothing()}):
        assert ("never_reached", "low", "top") in found(rule("top", priority=1, **how, **above), rule("low", **below))


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ({"stop": False}, {}),
        ({"priority": -1}, {}),
        ({"when": TEA}, {}),
        ({"audience": MEMBERS}, {}),
        ({"placements": ("cart",)}, {}),
        ({"placements": ("cart",)}, {"placements": ("cart", "checkout")}),
        ({"schedule": WEEK}, {"schedule": MARCH}),
        ({"schedule": during("spring", weekdays=("mon",))}, {"schedule": during("spring")}),
        ({"schedule": during("spring")}, {"schedule": during("turkey")}),
        ({"limits": Limits(total=3)}, {}),
        ({"limits": Limits(budget=(Money(1, "EUR"),))}, {}),
        ({"status": Status.PAUSED}, {}),
        ({}, {"status": Status.DRAFT}),
    ],
)
def test_a_rule_is_reached_when_what_is_above_does_not_always_stop(above: Any, below: Any) -> None:
    assert "never_reached" not in codes(rule("top", **{"priority": 1, "stop": True, **above}), rule("low", **below))


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "flaw"),
    [
        (Schedule(end="2027-01-15T13:00"), "over"),
        (Schedule(end="2027-01-15T13:01"), None),
        (during("spring", start="2027-06-01T00:00", end="2027-08-01T00:00"), "never_in_season"),
        (during("spring", start="2027-05-31T00:00", end="2027-08-01T00:00"), None),
        (Schedule(start="2031-01-01T00:00"), "never_in_season"),
        (Schedule(start="2029-01-01T00:00", weekdays=("sun",), hours=(Hours(start="09:00", end="10:00"),)), None),
        (Schedule(start="2027-03-01T00:00", end="2027-03-03T00:00", weekdays=("fri",)), "never_in_season"),
        (Schedule(start="2027-03-01T00:00", end="2027-03-06T00:00", weekdays=("fri",)), None),
        (
            Schedule(end="2027-02-01T00:00", except_days=(Days(start="2027-01-01", end="2027-01-31"),)),
            "never_in_season",
        ),
        # In the United States only.
        (during("turkey"), None),
        (during("turkey", end="2027-09-01T00:00"), "never_in_season"),
        # In the south only.
        (during("summer", end="2027-02-01T00:00"), None),
        (during("summer", start="2027-03-01T00:00", end="2027-06-01T00:00"), "never_in_season"),
    ],
)
def test_a_schedule_that_never_holds(schedule: Schedule, flaw: str | None) -> None:
    assert found(rule("a", schedule=schedule)) == ([(flaw, "a", "")] if flaw else [])


@pytest.mark.parametrize(
    ("schedule", "zone", "says"),
    [
        (Schedule(start="2027-03-28T02:30"), "Europe/Rome", "start, 2027-03-28T02:30, is a time that does not exist"),
        (Schedule(end="2027-10-31T02:30"), "Europe/Rome", "end, 2027-10-31T02:30, is a time that comes twice"),
        (Schedule(start="2027-03-28T02:30", zone="Europe/Rome"), "UTC", "does not exist"),
        (Schedule(start="2027-03-28T03:00", end="2027-10-31T03:00"), "Europe/Rome", ""),
        (Schedule(start="2027-03-28T02:30"), "UTC", ""),
        (Schedule(hours=(Hours(start="02:30", end="08:00"),)), "Europe/Rome", "hours begin at 02:30, on 2027-03-28"),
        (Schedule(hours=(Hours(start="22:00", end="02:30"),)), "Europe/Rome", "hours end at 02:30, on 2027-03-28"),
        (Schedule(hours=(Hours(start="03:00", end="02:00"),)), "Europe/Rome", "hours end at 02:00, on 2027-03-28"),
        (Schedule(hours=(Hours(start="03:00", end="08:00"),)), "Europe/Rome", ""),
        (Schedule(hours=(Hours(start="22:00", end="02:30"),), weekdays=("sat",)), "Europe/Rome", "hours end at 02:30"),
        (Schedule(hours=(Hours(start="22:00", end="02:30"),), weekdays=("sun",)), "Europe/Rome", ""),
        (Schedule(hours=(Hours(start="02:30", end="08:00"),), weekdays=("mon",)), "Europe/Rome", ""),
        # No clock is changed in summer.
        (
            Schedule(start="2027-06-01T00:00", end="2027-07-01T00:00", hours=(Hours(start="02:30", end="08:00"),)),
            "Europe/Rome",
            "",
        ),
        (Schedule(start="2027-09-05T00:00"), "America/Santiago", "does not exist"),
    ],
)
def test_an_edge_at_a_change_of_the_clock(schedule: Schedule, zone: str, says: str) -> None:
    book = RuleBook(rules=(rule("a", schedule=schedule),))
    findings = lint(book, zone=zone, now=NOW)
    assert [each.code for each in findings] == ([Flaw.CLOCK_CHANGE] if says else [])
    assert not says or says in findings[0].sentence


# --- rules with each other ------------------------------------------------------------------------------------------


def off(percent: int, **more: Any) -> Discount:
    return Discount(off=Off.PERCENT, percent=percent, **more)


@pytest.mark.parametrize(
    ("offering", "nothing"),
    [
        ({"when": TEA}, {"when": TEA}),
        ({"when": {"all": [TEA, DEAR]}}, {"when": TEA}),
        ({"when": TEA, "audience": MEMBERS}, {"when": TEA}),
        ({"when": TEA, "audience": MEMBERS}, {"audience": MEMBERS}),
        ({"when": TEA, "schedule": MARCH}, {"when": TEA, "schedule": WEEK}),
        ({"when": TEA, "placements": ("cart",)}, {"when": TEA, "placements": ("cart", "checkout")}),
    ],
)
def test_one_offers_where_another_shows_nothing(offering: Any, nothing: Any) -> None:
    one = rule("one", **offering)
    for priority, says in ((1, "is tried first"), (-1, "is tried later")):
        other = rule("other", Nothing(), priority=priority, **nothing)
        assert ("contradiction", "one", "other") in found(one, other)
        book = RuleBook(rules=(one, other))
        assert any(says in each.sentence for each in lint(book, zone="UTC", now=NOW))


@pytest.mark.parametrize(
    ("offering", "nothing"),
    [
        ({"when": TEA}, {"when": DEAR}),
        ({"when": TEA}, {"when": {"all": [TEA, DEAR]}}),
        ({"when": {"any": [TEA, DEAR]}}, {"when": TEA}),
        ({"when": TEA}, {"when": TEA, "audience": MEMBERS}),
        ({"when": TEA, "schedule": MARCH}, {"when": TEA, "schedule": during("autumn")}),
        ({"when": TEA, "placements": ("cart",)}, {"when": TEA, "placements": ("checkout",)}),
        ({"when": TEA, "status": Status.PAUSED}, {"when": TEA}),
        ({"when": TEA}, {"when": TEA, "status": Status.ENDED}),
        ({"when": TEA}, {}),
    ],
)
def test_an_exception_is_no_contradiction(offering: Any, nothing: Any) -> None:
    assert "contradiction" not in codes(rule("one", **offering), rule("other", Nothing(), **nothing))


def test_a_second_one_offered_twice() -> None:
    one, other = rule("one", Second(), when=TEA), rule("other", Second(), when=TEA)
    assert found(one, other) == [("overlap", "other", "one")]


def test_two_discounts_on_one_product() -> None:
    one = rule("one", "mug", when=TEA, discount=off(1000))
    other = rule("other", "mug", when=TEA, discount=off(2000))
    assert found(one, other) == [("contradiction", "other", "one")]
    replace = msgspec.structs.replace
    assert found(one, replace(other, discount=off(1000))) == [("overlap", "other", "one")]
    assert found(one, replace(other, discount=None)) == [("overlap", "other", "one")]
    assert found(one, replace(other, priority=1)) == [("overlap", "one", "other")]
    assert found(one, replace(other, offer=Products(refs=("cup",)))) == []
    assert found(one, replace(other, when=DEAR)) == []
    assert found(one, replace(other, audience=MEMBERS)) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "meet"),
    [
        (Schedule(), during("spring"), True),
        (during("spring"), during("autumn"), False),
        (during("spring"), during("autumn", "spring"), True),
        (during("turkey"), MARCH, False),
        (during("turkey"), Schedule(start="2027-11-01T00:00", end="2027-12-01T00:00"), True),
        (Schedule(weekdays=("mon",)), Schedule(weekdays=("tue", "mon")), True),
        (Schedule(weekdays=("mon",)), Schedule(weekdays=("tue",)), False),
        (Schedule(weekdays=("sun",), hours=(Hours(start="22:00", end="02:00"),)), Schedule(weekdays=("mon",)), True),
        (Schedule(weekdays=("sun",), hours=(Hours(start="22:00", end="00:00"),)), Schedule(weekdays=("mon",)), False),
        (
            Schedule(hours=(Hours(start="09:00", end="12:00"),)),
            Schedule(hours=(Hours(start="12:00", end="13:00"),)),
            False,
        ),
        (
            Schedule(hours=(Hours(start="09:00", end="12:01"),)),
            Schedule(hours=(Hours(start="12:00", end="13:00"),)),
            True,
        ),
    ],
)
def test_rules_overlap_only_while_both_hold(mine: Schedule, theirs: Schedule, meet: bool) -> None:
    for one, other in ((mine, theirs), (theirs, mine)):
        first, second = rule("a", "mug", when=TEA, schedule=one), rule("b", "mug", when=TEA, schedule=other)
        assert found(first, second) == ([("overlap", "b", "a")] if meet else [])


@pytest.mark.parametrize(
    "offer",
    [
        Products(refs=("x", "mug")),
        Category(name="Mugs"),
        Tagged(name="new"),
        Ladder(name="l"),
        Learned(),
        Bundle(refs=("x", "mug")),
    ],
)
def test_the_same_source_overlaps(offer: AnySource) -> None:
    rules = [
        rule(name, offer, when={"all": [TEA, each]})
        for name, each in (("a", DEAR), ("b", {"currency": {"is": ["EUR"]}}))
    ]
    assert "overlap" in codes(*rules, ladders={"l": ("x", "y")})
    assert "overlap" not in codes(rules[0], rule("b", when=rules[1].when), ladders={"l": ("x", "y")})


def test_a_catch_all_above_a_specific_rule() -> None:
    assert found(rule("all", priority=5), rule("tea", when=TEA)) == [("catch_all", "all", "tea")]
    for all_of, tea in (
        ({"priority": 0}, {}),
        ({"priority": 5, "placements": ("cart",)}, {"placements": ("checkout",)}),
        ({"priority": 5, "schedule": during("spring")}, {"schedule": during("autumn")}),
        ({"priority": 5, "audience": MEMBERS}, {}),
    ):
        assert found(rule("all", **all_of), rule("tea", when=TEA, **tea)) == []


# --- goals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "schedule", "flaw"),
    [
        ("2027-01-14", Schedule(), "over"),
        ("2027-01-15", Schedule(), None),
        # There the 16th has begun, or the 14th is still.
        ("2027-01-15", Schedule(zone="Pacific/Kiritimati"), "over"),
        ("2027-01-14", Schedule(zone="Etc/GMT+12"), "over"),
        ("2027-01-16", Schedule(zone="Pacific/Kiritimati"), None),
        # One finding is enough.
        ("2027-01-14", Schedule(end="2027-01-01T00:00"), "over"),
        ("2027-01-14", Schedule(start="2031-01-01T00:00"), "over"),
    ],
)
def test_a_goal_whose_day_is_past(by: str, schedule: Schedule, flaw: str | None) -> None:
    goal = Goal(units=1, start="2026-12-01", by=by)
    assert found(rule("a", goal=goal, schedule=schedule)) == ([(flaw, "a", "")] if flaw else [])
    for status, told in ((Status.PAUSED, flaw), (Status.ENDED, None), (Status.DRAFT, None)):
        assert codes(rule("a", goal=goal, schedule=schedule, status=status)) == ({told} if told else set())


def test_what_is_said_of_a_goal_whose_day_is_past() -> None:
    book = RuleBook(rules=(rule("a", goal=Goal(units=1, start="2026-12-01", by="2027-01-14")),))
    (finding,) = lint(book, zone="UTC", now=NOW)
    assert "goal was to be met by 2027-01-14. Give it a later day, or remove it." in finding.sentence


# --- the catalogue --------------------------------------------------------------------------------------------------


def goods(*products: Product) -> Mapping[str, Product]:
    return {product.ref: product for product in products}


MUG = Product("mug", "Mug", 900, "EUR", category="Home/Mugs", tags=("new",), cost=850)
CUP = Product("cup", "Cup", 900, "EUR", category="Home/Mugs", tags=("old",), cost=100)


@pytest.mark.parametrize(
    ("offer", "broken"),
    [
        (Products(refs=("mug",)), True),
        (Products(refs=("cup",)), False),
        (Category(name="Home"), True),
        (Category(name="Home/Mugs"), True),
        (Tagged(name="new"), True),
        (Tagged(name="old"), False),
        (Ladder(name="up"), True),
        (Ladder(name="down"), False),
        (Gap(threshold=(Money(1, "EUR"),), refs=("mug",)), True),
        (Gap(threshold=(Money(1, "EUR"),), category="Home"), True),
        (Gap(threshold=(Money(1, "EUR"),), tag_="old"), False),
        (Learned(), False),
    ],
)
def test_a_discount_that_breaks_its_own_floor(offer: AnySource, broken: bool) -> None:
    ladders = {"up": ("cup", "mug"), "down": ("mug", "cup")}
    rules = [rule("a", offer, discount=off(1000, floor=Floor(cost=True)))]
    shelf = goods(MUG, CUP)
    flaws = [each for each in found(*rules, products=shelf, ladders=ladders) if each[0] == "below_floor"]
    assert flaws == ([("below_floor", "a", "mug")] if broken else [])
    assert "below_floor" not in codes(*rules, ladders=ladders), "nothing is known of products"


def test_a_floor_says_what_is_below_it() -> None:
    shelf = goods(
        *[msgspec.structs.replace(MUG, ref=f"m{number}") for number in range(5)],
        msgspec.structs.replace(CUP, ref="free", cost=None),
        msgspec.structs.replace(CUP, ref="small", variants=(Variant("s", "Small", 100), Variant("l", "Large", 900))),
    )
    book = RuleBook(rules=(rule("a", Category(name="Home"), discount=off(1000, floor=Floor(cost=True))),))
    sentences = [each.sentence for each in lint(book, zone="UTC", now=NOW, products=shelf)]
    assert any("m0, m1, m2 (and 3 more) would cost less than its floor" in each for each in sentences), sentences
    assert any("free has no known cost" in each for each in sentences)


@pytest.mark.parametrize(
    ("refs", "discount", "flaws"),
    [
        # 1800 together; each keeps its half of what is left.
        (("mug", "cup"), off(1000, floor=Floor(price=(Money(1620, "EUR"),))), []),
        (("mug", "cup"), off(1000, floor=Floor(price=(Money(1621, "EUR"),))), [("below_floor", "a", "mug")]),
        (("mug", "cup"), off(500, floor=Floor(cost=True)), []),
        (("cup", "mug"), off(600, floor=Floor(cost=True)), [("below_floor", "a", "cup")]),
        (("cup", "free"), off(500, floor=Floor(cost=True)), [("below_floor", "a", "cup")]),
        (("cup", "free"), off(500), []),
        (("cup", "mug"), Discount(off=Off.PRICE, price=(Money(1800, "EUR"),), floor=Floor(cost=True)), []),
        (("cup", "yen"), off(9999, floor=Floor(cost=True)), []),
        (("cup", "gone"), off(9999, floor=Floor(cost=True)), [("unknown_product", "a", "gone")]),
        (("mug", "cup"), None, []),
    ],
)
def test_a_bundle_whose_discount_breaks_its_own_floor(
    refs: tuple[str, ...], discount: Discount | None, flaws: list[Any]
) -> None:
    free, yen = (
        msgspec.structs.replace(CUP, ref="free", cost=None),
        msgspec.structs.replace(CUP, ref="yen", currency="JPY"),
    )
    bundle = rule("a", Bundle(refs=refs), discount=discount)
    assert found(bundle, products=goods(MUG, CUP, free, yen)) == flaws


def test_what_is_said_of_a_bundle_that_breaks_its_own_floor() -> None:
    shelf = goods(MUG, CUP)
    for floor, says in (
        (Floor(price=(Money(1621, "EUR"),)), "cup, mug would cost less than its floor allows"),
        (Floor(price=(Money(1621, "USD"),)), ""),
    ):
        book = RuleBook(rules=(rule("a", Bundle(refs=("cup", "mug")), discount=off(1000, floor=floor)),))
        sentences = [each.sentence for each in lint(book, zone="UTC", now=NOW, products=shelf)]
        assert len(sentences) == bool(says)
        assert all(says in each for each in sentences)


def test_what_the_store_has_not() -> None:
    shelf = goods(MUG)
    has = {"has_bought": {"product": ["no-product"], "category": ["no-category"]}}
    lines = {"any": [{"lines": {"tag": ["no-tag", "new"]}}, {"none": [{"lines": {"category": ["Home"]}}]}]}
    rules = (
        rule("a", Products(refs=("mug", "x"))),
        rule("b", Category(name="Mugs"), when=lines),
        rule("c", Tagged(name="new"), audience=has, status=Status.PAUSED),
        rule("d", Category(name="nowhere"), status=Status.DRAFT),
        rule("e", Bundle(refs=("mug", "y")), perk=Perk(gift="tin")),
    )
    book = RuleBook(rules=rules, ladders={"l": ("mug", "step")})
    said = [(each.code.value, each.rule, each.other) for each in lint(book, zone="UTC", now=NOW, products=shelf)]
    assert said == [
        ("unknown_product", "a", "x"),
        ("unknown_category", "b", "Mugs"),
        ("unknown_tag", "b", "no-tag"),
        ("unknown_product", "c", "no-product"),
        ("unknown_category", "c", "no-category"),
        ("unknown_product", "e", "y"),
        ("unknown_product", "e", "tin"),
        ("unknown_product", "", "step"),
        ("unused_ladder", "", "l"),
    ]
    assert touched(book) == (
        {"mug", "x", "no-product", "step", "y", "tin"},
        {"Mugs", "Home", "no-category", "nowhere"},
        {"new", "no-tag"},
    )


# --- names and texts ------------------------------------------------------------------------------------------------


def test_names_that_do_not_exist() -> None:
    rules = (
        rule("a", Ladder(name="up"), schedule=during("winter", "spring"), discount=off(1, with_rules=("a", "gone"))),
        rule("b", Ladder(name="down"), when=TEA),
    )
    assert found(*rules, ladders={"down": ("x", "y")}) == [
        ("unknown_season", "a", "winter"), ("unknown_ladder", "a", "up"), ("unknown_rule", "a", "gone")]  # fmt: skip


FOR_WHOM = Question(words={"en": "For whom?"}, answers={"me": {"en": "Me"}, "gift": {"en": "A gift"}})


def answered(question: str, *answers: str) -> dict[str, Any]:
    return {"answer": {"question": question, "is": list(answers)}}


@pytest.mark.parametrize(
    ("given", "unknown"),
    [
        (answered("asks", "me", "gift"), []),
        (answered("asks", "me", "you", "us"), ["you", "us"]),
        (answered("gone", "me", "you"), ["gone"]),
        # It is a rule, but asks nothing.
        (answered("mute", "me"), ["mute"]),
        ({"any": [answered("asks", "me"), {"none": [answered("asks", "us"), TEA]}]}, ["us"]),
    ],
)
@pytest.mark.parametrize("field", ["audience", "when"])
def test_questions_and_answers_that_no_rule_has(field: str, given: Any, unknown: list[str]) -> None:
    rules = (
        Rule(name="asks", ask=FOR_WHOM, status=Status.PAUSED),
        rule("mute", priority=-1),
        rule("a", **{field: given}),
    )
    assert found(*rules) == [("unknown_answer", "a", each) for each in unknown]
    assert found(*rules[:2], rule("a", status=Status.DRAFT, **{field: given})) == []


def test_what_is_said_of_an_answer_that_no_rule_has() -> None:
    given = {"all": [answered("asks", "us"), answered("gone", "me")]}
    book = RuleBook(rules=(Rule(name="asks", ask=FOR_WHOM), rule("a", audience=given)))
    assert [each.sentence for each in lint(book, zone="UTC", now=NOW)] == [
        "This rule names the answer of 'asks' 'us', which does not exist. Correct the name.",
        "This rule names the question 'gone', which does not exist. Correct the name.",
    ]


@pytest.mark.parametrize(
    ("names", "unknown"), [(["gift"], []), (["gift", "gone"], ["gone"]), (["code", "none"], ["code", "none"])]
)
def test_perks_that_no_rule_gives(names: list[str], unknown: list[str]) -> None:
    """The condition holds for gifts only."""
    rules = rule("gift", perk=Perk(gift="tin")), rule("code", perk=Perk(code="A")), rule("none")
    asks = rule("a", audience={"any": [{"perk": {"is": names}}, MEMBERS]})
    assert found(*rules, asks) == [("unknown_rule", "a", each) for each in unknown]


def test_names_that_nobody_uses() -> None:
    book = RuleBook(
        rules=(rule("a", schedule=during("spring")), rule("b", Ladder(name="l"), status=Status.DRAFT)),
        seasons=SEASONS,
        ladders={"l": ("a", "b"), "m": ("a", "b")},
    )
    assert [(each.code, each.other) for each in lint(book, zone="UTC", now=NOW)] == [
        (Flaw.UNUSED_SEASON, "autumn"), (Flaw.UNUSED_SEASON, "turkey"), (Flaw.UNUSED_SEASON, "summer"),
        (Flaw.UNUSED_LADDER, "m")]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"schedule": Schedule(start="soon")}, "schedule.start: 'soon' is no local date"),
        ({"when": {"linez": {}}}, "'linez' is no condition"),
        ({"goal": Goal(units=1, start="2027-01-01", by="later")}, "goal.by: 'later' is no date"),
        ({"schedule": during("odd")}, "season 'odd', rrule[0].rule"),
    ],
)
def test_a_rule_from_elsewhere_that_cannot_be_used(given: Any, says: str) -> None:
    odd = Season(name="odd", rrule=(Recurring(rule="sometimes"),))
    book = RuleBook(rules=(rule("a", **given), rule("b", schedule=during("odd"), status=Status.ENDED)), seasons=(odd,))
    findings = [each for each in lint(book, zone="UTC", now=NOW) if each.rule]
    assert [(each.code, each.rule) for each in findings] == [(Flaw.UNUSABLE, "a")]
    assert says in findings[0].sentence


def test_findings_come_in_the_order_in_which_rules_are_tried() -> None:
    rules = [rule(name, priority=at, schedule=Schedule(end="2020-01-01T00:00")) for at, name in enumerate("abc")]
    assert [name for _, name, _ in found(*rules)] == ["c", "b", "a"]


def test_a_thousand_rules() -> None:
    hours = [(Hours(start=f"{at % 12:02}:00", end=f"{at % 12 + 8:02}:30"),) for at in range(1000)]
    rules = [
        rule(
            f"r{at}",
            Products(refs=(f"p{at % 7}", f"q{at}")),
            priority=at % 5,
            when={"all": [{"lines": {"product": [f"t{at % 40}"]}}, DEAR]} if at % 3 else None,
            schedule=Schedule(
                seasons=("spring",) if at % 2 else (), start=f"2027-02-{at % 28 + 1:02}T00:00", hours=hours[at]
            ),
            discount=off(1000, floor=Floor(cost=True)),
            placements=("cart",) if at % 2 else (),
        )
        for at in range(1000)
    ]
    shelf = goods(*[msgspec.structs.replace(MUG, ref=f"p{at}") for at in range(7)])
    assert found(*rules, products=shelf)
