"""Which rules apply, in which order, until when, and what is said of those that do not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_upsell.core.context import Context, Line, Visitor
from flask_upsell.core.offer import RULE_SENTENCES, RuleCode, Verdict
from flask_upsell.core.rule import Copy, Days, Goal, Learned, Nothing, Products, Programme, Rule, Schedule, Status, Tree
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.rules import EMPTY_RULES, Published, RuleSet, decode_published
from flask_upsell.core.season import Season
from flask_upsell.core.trees import NAMES
from flask_upsell.core.windows import Windows, Yearly
from flask_upsell.errors import BadInput, RuleError

from .build import NOW, asking, context, customer, line, product, rule, ruleset, scene

A, B = line("a"), line("b")
SPRING = Season(
    name="spring",
    yearly=(Yearly(start="03-01", end="05-31"),),
    south=Windows(yearly=(Yearly(start="09-01", end="11-30"),)),
)


def p(*refs: str, **rest: Any) -> Tree:
    return {"lines": {"product": list(refs), **rest}}


def matching(rules: RuleSet, about: Context) -> list[str]:
    return [working.rule.name for working in rules.matching(scene(about))]


def verdicts(rules: RuleSet, about: Context, filled: Mapping[str, int] | None = None) -> list[tuple[str, str, str]]:
    found = rules.explain(scene(about), filled or {})
    return [(each.rule, each.code.value, each.detail) for each in found]


# --- order -----------------------------------------------------------------------------------------------------------


def test_the_higher_priority_comes_first_and_of_equal_ones_the_first_written() -> None:
    rules = ruleset(rule("low", priority=-1), rule("b"), rule("high", priority=5), rule("a"))
    assert matching(rules, context(A)) == ["high", "b", "a", "low"]
    assert len(rules) == 4


@pytest.mark.parametrize("stopper", [rule("stop", stop=True), rule("stop", Nothing())])
def test_nothing_below_a_rule_that_stops(stopper: Rule) -> None:
    rules = ruleset(rule("above", priority=1), stopper, rule("below"))
    assert matching(rules, context(A)) == ["above", "stop"]


def test_a_rule_that_stops_but_does_not_apply_stops_nothing() -> None:
    rules = ruleset(rule("stop", Nothing(), when=p("b")), rule("below"))
    assert matching(rules, context(A)) == ["below"]
    assert matching(rules, context(B)) == ["stop"]


def test_only_active_rules_that_are_not_spent_apply() -> None:
    others = [rule(status.value, status=status) for status in Status]
    rules = ruleset(*others, rule("spent"), spent=["spent"])
    assert matching(rules, context(A)) == ["active"]
    assert [each for each in (*Status, "spent", "nobody") if rules.get(each)] == [Status.ACTIVE]
    found = rules.get("active")
    assert found is not None
    assert found.rule is others[1]


def test_without_rules_nothing_applies() -> None:
    assert matching(EMPTY_RULES, context(A)) == []
    assert len(EMPTY_RULES) == 0


# --- one rule --------------------------------------------------------------------------------------------------------


def test_a_rule_is_for_its_placements_or_all() -> None:
    rules = ruleset(rule("some", placements=("cart", "checkout")), rule("all"))
    assert matching(rules, context(A, placement="checkout")) == ["some", "all"]
    assert matching(rules, context(A, placement="product")) == ["all"]


def test_the_audience_and_the_conditions_must_both_hold() -> None:
    rules = ruleset(rule("r", audience={"country": {"is": ["DE"]}}, when=p("a")))
    german, french = Visitor("", country="DE"), Visitor("", country="FR")
    assert matching(rules, context(A, visitor=german)) == ["r"]
    assert matching(rules, context(A, visitor=french)) == []
    assert matching(rules, context(B, visitor=german)) == []


@pytest.mark.parametrize(
    ("when", "about"),
    [
        (None, ["a", "b", "c"]),
        ({}, ["a", "b", "c"]),
        ({"line_count": {"min": 1}}, ["a", "b", "c"]),
        (p("b"), ["b"]),
        ({"all": [p("a"), p("c")]}, ["a", "c"]),
        ({"all": [p("b"), p("x", match="none")]}, ["b"]),
        (p("x", match="none"), ["a", "b", "c"]),
    ],
)
def test_a_rule_is_about_the_lines_that_its_conditions_name(when: Tree | None, about: list[str]) -> None:
    found = ruleset(rule("r", when=when)).get("r")
    assert found is not None
    seen = scene(context(A, B, line("c"), line("none", quantity=0)))
    assert [each.product for each, _ in found.matched(seen)] == about


def test_a_rule_with_a_wrong_schedule_says_so_when_it_is_looked_at() -> None:
    with pytest.raises(RuleError, match=r"schedule\.start"):
        matching(ruleset(rule("r", schedule=Schedule(start="tomorrow"))), context(A))


@pytest.mark.parametrize("field", ["audience", "when"])
@pytest.mark.parametrize("tree", [{"moon": {}}, {"all": [{"moon": {}}]}, {"all": [], "any": []}])
def test_a_condition_that_this_process_does_not_know_is_an_error_of_ours(field: str, tree: Tree) -> None:
    """A worker may know a store's conditions and a web process not: whoever reads the rules catches these errors."""
    with pytest.raises(BadInput):
        ruleset(msgspec.structs.replace(rule(), **{field: tree}))


def test_a_rule_offers_something_or_asks() -> None:
    assert asking().offer is None
    both = asking(offer=Nothing())
    assert msgspec.json.decode(msgspec.json.encode(both), type=Rule) == both
    with pytest.raises(BadInput, match=r"^offer: is needed, unless the rule asks a question$"):
        Rule(name="r")
    with pytest.raises(msgspec.ValidationError, match="offer: is needed"):
        msgspec.json.decode(b'{"name": "r"}', type=Rule)
    with pytest.raises(BadInput, match=r"offer: is needed.* at `\$.rules\[1\]`") as caught:
        RuleBook.decode('{"rules": [{"name": "q", "offer": {"from": "nothing"}}, {"name": "r"}]}')
    assert caught.value.field == "rulebook"


# --- when ------------------------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_rule_holds_in_its_season_which_differs_by_country() -> None:
    rules = ruleset(rule("r", schedule=Schedule(seasons=("spring",))), seasons=[SPRING])
    here, south = Visitor("", country="DE"), Visitor("", country="AU")
    assert matching(rules, context(A, visitor=here, now=at("2026-03-01"))) == ["r"]
    assert matching(rules, context(A, visitor=here, now=at("2026-02-28T23:59"))) == []
    assert matching(rules, context(A, visitor=south, now=at("2026-03-01"))) == []
    assert matching(rules, context(A, visitor=south, now=at("2026-09-01"))) == ["r"]


def test_local_times_are_those_of_the_stores_zone() -> None:
    rules = ruleset(rule("r", schedule=Schedule(start="2026-03-01T00:00")), zone="Europe/Berlin")
    assert matching(rules, context(A, now=at("2026-02-28T23:00"))) == ["r"]
    assert matching(rules, context(A, now=at("2026-02-28T22:59"))) == []


def test_a_scene_knows_the_first_instant_at_which_a_schedule_answers_otherwise() -> None:
    starts = rule("starts", schedule=Schedule(start="2026-03-10T00:00"))
    ends = rule("ends", schedule=Schedule(end="2026-03-05T00:00"))
    later = rule("later", schedule=Schedule(end="2026-04-01T00:00"))
    for written in ([starts, ends, later], [later, ends, starts], [later, starts, ends]):
        seen = scene(context(A))
        assert {each.rule.name for each in ruleset(*written).matching(seen)} == {"ends", "later"}
        assert seen.until == at("2026-03-05")


@pytest.mark.parametrize(
    "unseen",
    [
        rule("r", when=p("b"), schedule=Schedule(end="2026-03-02T00:00")),
        rule("r", placements=("product",), schedule=Schedule(end="2026-03-02T00:00")),
        rule("r", status=Status.PAUSED, schedule=Schedule(end="2026-03-02T00:00")),
    ],
)
def test_a_schedule_that_was_not_looked_at_changes_nothing(unseen: Rule) -> None:
    seen = scene(context(A))
    assert list(ruleset(unseen).matching(seen)) == []
    assert seen.until is None


def test_a_season_that_nobody_wrote_is_never() -> None:
    assert matching(ruleset(rule("r", schedule=Schedule(seasons=("spring",)))), context(A)) == []


# --- goals -----------------------------------------------------------------------------------------------------------

#: Ten days, one unit a day, at noon of the second day: the first is due, the second half a day later.
TEN = Goal(units=10, start="2026-02-28", by="2026-03-09", lift=5)


#: Schedules are asked again after more than a year, whatever they say.
FAR = timedelta(days=365)


def aimed(name: str = "goal", goal: Goal = TEN, **rest: Any) -> Rule:
    return rule(name, goal=goal, **rest)


@pytest.mark.parametrize(
    ("sold", "others", "tried"),
    [
        (0, 4, ["goal", "other"]),
        (0, 6, ["other", "goal"]),
        (1, 4, ["other", "goal"]),
        (9, 4, ["other", "goal"]),
        (10, 4, ["other"]),
    ],
)
def test_a_rule_behind_its_goal_is_lifted_and_one_that_met_it_rests(sold: int, others: int, tried: list[str]) -> None:
    rules = ruleset(rule("other", priority=others), aimed(), sold={"goal": sold})
    assert matching(rules, context(A)) == tried
    assert [each for each in ("goal", "other") if rules.get(each)] == sorted(tried)


@pytest.mark.parametrize("first", [True, False])
def test_lifted_to_the_priority_of_another_the_first_written_comes_first(first: bool) -> None:
    """The other one has the higher priority, so it is written first wherever it stands in the book."""
    written = (aimed(), rule("other", priority=5))
    assert matching(ruleset(*(written if first else written[::-1])), context(A)) == ["other", "goal"]
    level = (aimed(), rule("equal"), aimed("again"))
    assert matching(ruleset(*level), context(A)) == ["goal", "again", "equal"]


def test_a_lifted_rule_stops_those_that_it_passed() -> None:
    rules = ruleset(rule("other", priority=4), aimed(stop=True))
    assert matching(rules, context(A)) == ["goal"]
    assert verdicts(rules, context(A), {"goal": 1}) == [("goal", "applied", "1 offer"), ("other", "stopped", "goal")]
    assert matching(rules, context(A, now=at("2026-02-28"))) == ["other", "goal"]


def test_a_rule_that_is_found_by_what_is_in_the_cart_is_lifted_too() -> None:
    rules = ruleset(rule("other", priority=4), aimed(when=p("a")))
    assert matching(rules, context(A)) == ["goal", "other"]
    assert matching(rules, context(B)) == ["other"]


@pytest.mark.parametrize(
    ("sold", "now", "until"),
    [
        (0, "2026-02-01T12:00", "2026-03-01"),
        (0, "2026-02-28T12:00", "2026-03-01"),
        (0, "2026-03-01T12:00", "2026-03-10"),
        (1, "2026-03-01T12:00", "2026-03-02"),
        (9, "2026-03-01T12:00", "2026-03-10"),
        (10, "2026-03-01T12:00", None),
        (0, "2026-03-10T00:00", None),
    ],
)
def test_a_scene_knows_the_first_instant_at_which_a_goal_may_lift_otherwise(
    sold: int, now: str, until: str | None
) -> None:
    seen = scene(context(A, now=at(now)))
    assert "other" in [each.rule.name for each in ruleset(aimed(), rule("other"), sold={"goal": sold}).matching(seen)]
    assert seen.until is not None
    assert seen.until == at(until) if until else seen.until > NOW + FAR


def test_of_a_goal_and_a_schedule_the_first_change_counts() -> None:
    short, long = Schedule(end="2026-03-02T00:00"), Schedule(end="2026-04-01T00:00")
    for schedule, until in ((short, "2026-03-02"), (long, "2026-03-10")):
        for rules in (ruleset(aimed(), rule("other", schedule=schedule)), ruleset(aimed(schedule=schedule))):
            seen = scene(context(A))
            list(rules.matching(seen))
            assert seen.until == at(until)


def test_of_several_goals_the_first_change_counts() -> None:
    later = Goal(units=1, start="2026-03-05", by="2026-03-06")
    for written in ([aimed(), aimed("later", later)], [aimed("later", later), aimed()]):
        seen = scene(context(A))
        list(ruleset(*written).matching(seen))
        assert seen.until == at("2026-03-07")
        seen = scene(context(A))
        list(ruleset(*written, sold={"goal": 1}).matching(seen))
        assert seen.until == at("2026-03-02")


def test_the_goal_of_a_rule_that_is_not_tried_changes_nothing() -> None:
    for rules in (
        ruleset(aimed(when=p("b"))),
        ruleset(aimed(status=Status.PAUSED)),
        ruleset(aimed(), spent=["goal"]),
        ruleset(aimed(), sold={"goal": 10}),
    ):
        seen = scene(context(A))
        assert list(rules.matching(seen)) == []
        assert seen.until is None


def test_the_goal_of_a_rule_that_is_not_active_is_not_looked_at() -> None:
    nonsense = Goal(units=1, start="soon", by="later")
    for status in set(Status) - {Status.ACTIVE}:
        seen = scene(context(A))
        rules = ruleset(aimed(goal=nonsense, status=status), sold={"goal": 1})
        assert verdicts(rules, context(A)) == [("goal", "not_active", status.value)]
        assert (list(rules.matching(seen)), seen.until) == ([], None)
    with pytest.raises(RuleError):
        ruleset(aimed(goal=nonsense))


def test_the_days_of_a_goal_are_those_of_its_rules_zone_else_of_the_stores() -> None:
    """Of ten a day the first is due after 2 h 24 min. In Apia it is tomorrow."""
    day = Goal(units=10, start="2026-03-01", by="2026-03-01")
    due = at("2026-02-28T11:00") + timedelta(hours=2, minutes=24)
    for rules in (
        ruleset(aimed(goal=day), zone="Pacific/Apia"),
        ruleset(aimed(goal=day, schedule=Schedule(zone="Pacific/Apia")), zone="Europe/Berlin"),
    ):
        seen = scene(context(A, now=at("2026-02-28T11:00")))
        list(rules.matching(seen))
        assert seen.until == due


def test_what_is_tried_does_not_change_before_the_scene_says_so() -> None:
    rules = ruleset(
        rule("other", priority=3),
        aimed(),
        aimed("two", Goal(units=3, start="2026-02-20", by="2026-03-20", lift=4)),
        sold={"goal": 4},
    )
    now, changes = at("2026-02-10"), []
    while now < NOW + FAR:
        seen = scene(context(A, now=now))
        order = [each.rule.name for each in rules.matching(seen)]
        changes.append((now, order))
        assert seen.until is not None
        assert matching(rules, context(A, now=seen.until - timedelta(microseconds=1))) == order
        now = seen.until
    assert changes == [
        (at("2026-02-10"), ["other", "goal", "two"]),
        (at("2026-03-01T16:00"), ["two", "other", "goal"]),
        (at("2026-03-05"), ["goal", "two", "other"]),
        (at("2026-03-10"), ["two", "other", "goal"]),
        (at("2026-03-21"), ["other", "goal", "two"]),
    ]


# --- explained -------------------------------------------------------------------------------------------------------


def test_every_rule_has_a_verdict() -> None:
    rules = ruleset(
        rule("high", priority=9),
        rule("empty", priority=8),
        rule("one", priority=7),
        rule("draft", status=Status.DRAFT),
        rule("paused", status=Status.PAUSED),
        rule("spent"),
        rule("elsewhere", placements=("product", "checkout")),
        rule("later", schedule=Schedule(except_days=(Days(start="2026-03-01", end="2026-03-01"),))),
        rule("abroad", audience={"country": {"is": ["FR"]}}),
        rule("other", when={"any": [p("b"), p("c")]}),
        asking("asks"),
        asking("asks and offers", offer=Learned()),
        asking("asks and shows nothing", offer=Nothing(), when=p("b")),
        rule("last", Nothing(), stop=True),
        rule("below"),
        rule("below-paused", status=Status.ENDED),
        rule("enough", goal=Goal(units=2, start="2026-02-01", by="2026-04-30")),
        rule("ended", status=Status.ENDED, goal=Goal(units=1, start="2026-02-01", by="2026-04-30")),
        spent=["spent"],
        sold={"enough": 2, "ended": 1},
    )
    assert verdicts(rules, context(A), {"high": 2, "one": 1}) == [
        ("high", "applied", "2 offers"),
        ("empty", "nothing_left", ""),
        ("one", "applied", "1 offer"),
        ("draft", "not_active", "draft"),
        ("paused", "not_active", "paused"),
        ("spent", "spent", ""),
        ("elsewhere", "other_placement", "product, checkout"),
        ("later", "out_of_season", ""),
        ("abroad", "audience", 'country {"is":["FR"]}'),
        ("other", "conditions", 'none of: lines {"product":["b"]}; lines {"product":["c"]}'),
        ("asks", "applied", "it asks a question"),
        ("asks and offers", "nothing_left", ""),
        ("asks and shows nothing", "conditions", 'lines {"product":["b"]}'),
        ("last", "applied", "it shows nothing"),
        ("below", "stopped", "last"),
        ("below-paused", "not_active", "ended"),
        ("enough", "goal_met", ""),
        ("ended", "not_active", "ended"),
    ]
    found = rules.explain(scene(context(A)), {"high": 1})
    assert {each.code for each in found} == set(RuleCode) - {RuleCode.CONSENT}


HISTORY: list[Tree] = [
    {"first_order": {"is": True}}, {"order_count": {"min": 1}}, {"days_since_last_order": {"max": 90}},
    {"has_bought": {"product": ["a"]}}, {"source": {"is": ["letter"]}},
]  # fmt: skip


@pytest.mark.parametrize("tree", HISTORY, ids=lambda tree: next(iter(tree)))
@pytest.mark.parametrize("place", ["audience", "when"])
def test_without_consent_no_condition_on_history_holds_and_a_code_says_why(tree: Tree, place: str) -> None:
    """Planted bug that it shows: a condition on history that does not say so (`Facet.HISTORY`)."""
    known = Visitor(
        "", "7", orders=0 if "first_order" in tree else 2, last_order=NOW, bought=frozenset({"a"}), source="letter"
    )
    given: dict[str, Any] = {place: tree}
    rules = ruleset(rule("history", **given))
    agreed = msgspec.structs.replace(context(A), visitor=known, source="letter")
    assert matching(rules, agreed) == ["history"]
    refused = msgspec.structs.replace(agreed, consent=False)
    assert matching(rules, refused) == []
    ((_, code, detail),) = verdicts(rules, refused)
    assert code == RuleCode.CONSENT
    assert detail.startswith(next(iter(tree)))
    assert rules.same(agreed) is None or rules.same(agreed) != rules.same(refused), "they are not decided alike"


def test_the_code_says_consent_only_where_that_is_in_the_way() -> None:
    history: Tree = {"order_count": {"min": 1}}
    about = msgspec.structs.replace(context(A), visitor=Visitor("", "7", orders=2), consent=False)

    def code(tree: Tree) -> str:
        return verdicts(ruleset(rule("r", when=tree)), about)[0][1]

    assert code({"all": [p("b"), history]}) == "conditions"
    assert code({"all": [p("a"), history]}) == "consent"
    assert code({"any": [p("b"), history]}) == "consent"
    assert code({"any": [p("a"), history]}) == "nothing_left", "another condition held"
    assert code({"none": [history]}) == "nothing_left", "as of a guest, of whom nothing is known"
    assert code({"none": [p("a"), history]}) == "conditions"
    assert code({"all": [p("a"), {"any": [history, p("b")]}]}) == "consent"


def test_rules_that_ask_for_no_history_are_decided_alike_with_and_without_consent() -> None:
    rules, about = ruleset(rule("r", when=p("a"), audience={"group": {"is": ["club"]}})), context(A)
    assert rules.same(about) == rules.same(msgspec.structs.replace(about, consent=False))


def test_a_rule_that_stops_is_named_even_when_it_filled_nothing() -> None:
    rules = ruleset(rule("stop", stop=True), rule("below"))
    assert verdicts(rules, context(A)) == [("stop", "nothing_left", ""), ("below", "stopped", "stop")]


def test_what_applies_has_no_verdict_of_its_own() -> None:
    found = ruleset(rule("r")).get("r")
    assert found is not None
    assert found.verdict(scene(context(A))) is None


def test_every_verdict_is_a_sentence_of_its_own() -> None:
    assert set(RULE_SENTENCES) == set(RuleCode)
    said = {Verdict("r", code, "this").sentence for code in RuleCode}
    assert len(said) == len(RuleCode)
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in said)


# --- the index -------------------------------------------------------------------------------------------------------

GOODS = {
    each.ref: each
    for each in (
        product("a", category="Garden/Grills/Gas", brand="Ember", tags=["new", "heavy"]),
        product("b", category="Garden", brand="Fir"),
        product("c", category="Garden2", tags=["heavy"]),
        product("d"),
        product("e", category="Kitchen/Grills", brand="Ember"),
    )
}
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "match": st.sampled_from(["any", "all", "none", "only", "at_least"]),
        "product": st.lists(st.sampled_from("abcdf"), max_size=2),
        "category": st.lists(st.sampled_from(["Garden", "Garden/Grills", "Garden2", "Kitchen"]), max_size=2),
        "brand": st.lists(st.sampled_from(["Ember", "Fir"]), max_size=2),
        "tag": st.lists(st.sampled_from(["new", "heavy"]), max_size=2),
    },
).filter(lambda asked: any(asked.get(name) for name in ("product", "category", "brand", "tag")))
SIMPLE: list[Tree] = [
    p("a", "f"), {"lines": {"category": ["Garden"]}}, {"lines": {"category": ["Garden/Grills"]}},
    {"lines": {"brand": ["Ember"]}}, {"lines": {"tag": ["heavy"]}}, {"lines": {"tag": ["new"], "match": "none"}},
    {"line_count": {"min": 2}}, {"currency": {"is": ["EUR"]}},
]  # fmt: skip
LEAVES: st.SearchStrategy[Tree] = st.sampled_from(SIMPLE) | st.builds(lambda asked: {"lines": asked}, ASKED)
WHEN: st.SearchStrategy[Tree] = st.recursive(
    LEAVES,
    lambda parts: st.dictionaries(
        st.sampled_from(NAMES), st.lists(parts, min_size=1, max_size=3), min_size=1, max_size=1
    ),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"product": ["a", "f"]}, ["a", "f"]),
        ({"category": ["Garden"]}, ["a", "b"]),
        ({"category": ["Garden/Grills"]}, ["a"]),
        ({"category": ["Garden/Grills/Gas", "Garden2"]}, ["a", "c"]),
        ({"brand": ["Ember"]}, ["a", "e"]),
        ({"tag": ["new", "heavy"]}, ["a", "c"]),
        ({"tag": ["new"], "match": "none"}, ["b", "c", "d", "e", "f"]),
    ],
)
def test_a_rule_is_found_by_what_is_in_the_cart(asked: Tree, found: list[str]) -> None:
    rules = ruleset(rule("r", when={"lines": asked}))
    matched = [ref for ref in "abcdef" if list(rules.matching(scene(context(line(ref)), *GOODS.values())))]
    assert matched == found


@st.composite
def rulesets(draw: st.DrawFn) -> RuleSet:
    names = [f"r{number}" for number in range(draw(st.integers(1, 8)))]
    written = [
        rule(
            name,
            when=draw(WHEN | st.none()),
            priority=draw(st.integers(0, 2)),
            stop=draw(st.sampled_from([False, False, False, True])),
            status=draw(st.sampled_from([*[Status.ACTIVE] * 4, Status.PAUSED])),
            placements=draw(st.sampled_from([(), (), ("cart",), ("product",)])),
        )
        for name in names
    ]
    return ruleset(*written, spent=draw(st.sampled_from([[], [], ["r0"]])))


LINES = st.lists(st.builds(line, st.sampled_from("abcdef"), quantity=st.sampled_from([1, 1, 2, 0])), max_size=4)


def without_an_index(rules: RuleSet, about: Context) -> list[str]:
    found = []
    for each in sorted(rules.book.rules, key=lambda each: -each.priority):
        working = rules.get(each.name)
        if working is not None and working.against(scene(about, *GOODS.values())) is None:
            found.append(each.name)
            if each.stop:
                break
    return found


@settings(max_examples=5 * settings().max_examples)
@given(rulesets(), LINES)
def test_the_index_finds_what_looking_at_every_rule_finds(rules: RuleSet, lines: list[Line]) -> None:
    about = context(*lines)
    found = [working.rule.name for working in rules.matching(scene(about, *GOODS.values()))]
    assert found == without_an_index(rules, about)


@given(rulesets(), LINES)
def test_an_explanation_agrees_with_what_applies(rules: RuleSet, lines: list[Line]) -> None:
    about = context(*lines)
    found = rules.explain(scene(about, *GOODS.values()), {})
    assert [each.rule for each in found if each.code is RuleCode.NOTHING_LEFT] == without_an_index(rules, about)
    assert len(found) == len(rules)


# --- as they go live -------------------------------------------------------------------------------------------------


def test_published_rules_come_back_as_they_were() -> None:
    book = RuleBook(rules=(rule("r", when=p("a")),), seasons=(SPRING,), ladders={"bags": ("s", "m", "l")})
    written = Published(book, "Europe/Berlin", ("r",), {"r": 3})
    assert decode_published(msgspec.json.encode(written)) == written
    rules = RuleSet(written.book, written.zone, "3", frozenset(written.spent))
    assert (rules.version, rules.zone, rules.ladders) == ("3", "Europe/Berlin", {"bags": ("s", "m", "l")})
    assert matching(rules, context(A, now=NOW)) == []


def test_what_was_published_by_a_release_without_goals_is_read() -> None:
    before = msgspec.json.encode(["book", "UTC", ["r"]]).replace(b'"book"', RuleBook(rules=(rule("r"),)).encode())
    found = decode_published(before)
    assert (found.spent, found.sold) == (("r",), {})


# --- what a decision depends on --------------------------------------------------------------------------------------


def depends(rules: RuleSet, one: Context, other: Context) -> bool:
    return rules.same(one) != rules.same(other)


def test_a_perk_counts_where_the_shopper_does() -> None:
    plain, promised = (context(A, visitor=customer(perks=frozenset(perks))) for perks in ((), ("tea",)))
    assert depends(ruleset(rule(audience={"perk": {"is": ["tea"]}})), plain, promised)
    assert not depends(ruleset(rule()), plain, promised)


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        (asking(), True),
        (asking("goal", goal=TEN), True),
        (asking(status=Status.PAUSED), False),
        (asking("spent"), False),
        (asking("met", goal=TEN), False),
    ],
)
def test_a_question_counts_by_what_was_asked_and_by_language_while_its_rule_is_looked_at(
    written: Rule, counts: bool
) -> None:
    rules = ruleset(written, spent=["spent"], sold={"met": 10})
    assert depends(rules, context(A), context(A, asked=["asks"])) is counts
    assert depends(rules, context(A), context(A, visitor=customer(key="", language="de"))) is counts
    assert not depends(ruleset(rule()), context(A), context(A, asked=["asks"]))


def test_words_count_by_language_where_there_are_several() -> None:
    one, other = context(A), context(A, visitor=customer(key="", language="de"))
    assert depends(ruleset(rule("r", Programme(url="/card", title={"en": "Card"}))), one, other)
    assert depends(ruleset(rule(copy={"en": Copy(), "de": Copy()})), one, other)
    assert not depends(ruleset(rule("r", Products(refs=("a",)), copy={"en": Copy()})), one, other)
