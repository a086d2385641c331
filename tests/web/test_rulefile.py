"""Rules as files: nothing is lost on the way, and everything wrong is told with its file, line and field."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_upsell.core import discount, fairness, season
from flask_upsell.core.conditions import CONDITIONS, Condition, Scene
from flask_upsell.core.kind import Kind
from flask_upsell.core.money import Money
from flask_upsell.core.rule import (
    NO_OFFER,
    Bundle,
    Category,
    Class,
    Copy,
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
    Orphan,
    Perk,
    Products,
    Programme,
    Question,
    Relative,
    Rule,
    Schedule,
    Status,
    Tagged,
)
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.trees import problems
from flask_upsell.core.windows import Easter, Holiday, Lunar, Recurring, Windows, Yearly
from flask_upsell.errors import RuleFileError
from flask_upsell.web import rulefile, written
from flask_upsell.web.rulefile import ENOUGH_PROBLEMS, MOST_PROBLEMS, dump, load

ROOT = Path(__file__).parents[2]


def book_of(folder: Path, *texts: str) -> RuleBook:
    """The book of files a.yaml, b.yaml and so on."""
    for name, text in zip("abc", texts, strict=False):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load([folder])


def wrong(folder: Path, *texts: str) -> list[str]:
    """What is told of such files, without the folder's name."""
    with pytest.raises(RuleFileError) as caught:
        book_of(folder, *texts)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def rule_of(folder: Path, body: str) -> Rule:
    """The rule of a body that is written in flow style."""
    rules = book_of(folder, "rules:\n  - " + body).rules
    assert len(rules) == 1
    return rules[0]


def offering(folder: Path, more: str) -> Rule:
    return rule_of(folder, f"{{name: x, offer: {{learned: complement}}, {more}}}")


# --- there and back -------------------------------------------------------------------------------------------------

TEXT = st.text(max_size=12)
NAME = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and bool(text.strip()))
REFS = st.lists(NAME, min_size=1, max_size=4, unique=True).map(tuple)
MONEY = st.lists(
    st.builds(Money, st.integers(1, 10**9), st.sampled_from(["EUR", "JPY", "KWD", "USD"])),
    min_size=1,
    max_size=3,
    unique_by=lambda money: money.currency,
).map(tuple)
KINDS = st.sampled_from([Kind.COMPLEMENT, Kind.UPGRADE])
LANGUAGE = st.sampled_from(["en", "de", "no", "pt-BR", "zh_Hant"])
SAID = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
WORDS = st.dictionaries(LANGUAGE, SAID, min_size=1, max_size=2)
#: Conditions in the core's plain form.
AMOUNT = st.tuples(st.integers(0, 10**6), st.sampled_from(["EUR", "USD"])).map(list)
LEAVES = st.one_of(
    st.builds(lambda low: {"subtotal": {"min": [low]}}, AMOUNT),
    st.builds(
        lambda refs, how: {"lines": {"product": list(refs), "match": how}}, REFS, st.sampled_from(["any", "all"])
    ),
    st.builds(lambda low: {"lines": {"price": {"max": [low]}, "attribute": {"Size": ["XL", "no"]}}}, AMOUNT),
    st.builds(lambda names: {"country": {"is": list(names)}}, REFS),
    st.builds(lambda yes: {"signed_in": {"is": yes}}, st.booleans()),
    st.just({"first_order": {}}),
    st.builds(lambda low: {"line_count": {"min": low, "max": low + 1}}, st.integers(0, 9)),
    st.builds(lambda name, refs: {"answer": {"question": name, "is": list(refs)}}, NAME, REFS),
    st.builds(lambda percent, seed: {"sample": {"percent": percent, "seed": seed}}, st.integers(0, 100), TEXT),
    st.builds(lambda codes: {"coupon": {"codes": list(codes), "present": True}}, REFS),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda name, children: {name: children},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
OFFERS = st.one_of(
    st.builds(Products, refs=REFS, kind=KINDS),
    st.builds(Category, name=NAME, kind=KINDS),
    st.builds(Tagged, name=NAME, kind=KINDS),
    st.builds(Learned, kind=KINDS),
    st.builds(Relative, same=REFS, min_percent=st.integers(0, 100), max_percent=st.none() | st.integers(100, 900)),
    st.builds(Gap, threshold=MONEY, category=NAME),
    st.builds(Gap, threshold=MONEY, tag_=NAME, reward=st.just("gift")),
    st.builds(Gap, threshold=MONEY, refs=REFS),
    st.builds(Ladder, name=st.just("plans"), steps=st.integers(1, 3)),
    st.builds(Bundle, refs=st.lists(NAME, min_size=2, max_size=4, unique=True).map(tuple)),
    st.builds(
        Programme,
        url=st.sampled_from(["/club", "https://club.example/join?a=b&c=d"]),
        title=WORDS,
        terms=st.just({}) | WORDS,
        image=st.none() | st.just("/club.png"),
    ),
    st.just(Nothing()),
)
KEY = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
QUESTIONS = st.builds(Question, words=WORDS, answers=st.dictionaries(KEY, WORDS, min_size=2, max_size=4))
GOALS = st.builds(
    Goal,
    units=st.integers(1, 10**6),
    start=st.sampled_from(["2027-02-01", "2027-02-28"]),
    by=st.sampled_from(["2027-02-28", "2028-02-29"]),
    lift=st.integers(1, 10**6),
)
PERKS = st.builds(
    lambda what, words: Perk(**what, words=words),
    st.one_of(
        st.builds(lambda code: {"code": code}, NAME),
        st.builds(lambda gift: {"gift": gift}, NAME),
        st.builds(lambda points: {"points": points}, st.integers(1, 10**9)),
    ),
    st.just({}) | WORDS,
)
FLOORS = st.builds(Floor, cost=st.booleans(), margin_percent=st.none() | st.integers(0, 99))
DISCOUNTS = st.builds(
    lambda how, more: Discount(**how, **more),
    st.one_of(
        st.builds(lambda percent: {"off": Off.PERCENT, "percent": percent}, st.integers(1, 10_000)),
        st.builds(lambda amount: {"off": Off.AMOUNT, "amount": amount}, MONEY),
        st.builds(lambda price: {"off": Off.PRICE, "price": price, "most_units": 2}, MONEY),
        st.just({"off": Off.FREE_SHIPPING}),
        st.just({"off": Off.GIFT}),
    ),
    st.fixed_dictionaries(
        {
            "combines": st.lists(st.sampled_from(Class), unique=True).map(tuple),
            "with_coupon": st.booleans(),
            "with_rules": REFS,
            "floor": FLOORS,
            "orphan": st.sampled_from(Orphan),
        }
    ),
).filter(lambda made: not discount.check(made))
DAYS = (Days(start="2027-02-10", end="2027-02-10"), Days(start="2027-02-12", end="2027-02-13"))
SCHEDULES = st.builds(
    Schedule,
    seasons=st.sampled_from([(), ("spring",), ("spring", "no")]),
    start=st.sampled_from([None, "2027-02-01T00:00"]),
    end=st.sampled_from([None, "2027-03-01T09:30"]),
    weekdays=st.sampled_from([(), ("mon",), ("mon", "sun")]),
    hours=st.sampled_from([(), (Hours(start="09:00", end="17:00"),), (Hours(start="22:00", end="02:00"),) * 2]),
    except_days=st.sampled_from([(), DAYS]),
    zone=st.sampled_from([None, "Europe/Rome"]),
)


def made_rule(offer: Any, ask: Question | None, discount: Discount | None, **more: Any) -> Rule:
    """A rule that is possible: it offers or asks, and its discount suits what it offers."""
    unsuited = discount is not None and (
        isinstance(offer, Programme)
        or (isinstance(offer, Bundle) and (discount.off is Off.GIFT or discount.most_units is not None))
    )
    return Rule(offer=offer, ask=ask, discount=None if unsuited else discount, **more)


RULES = st.builds(
    lambda what, **more: made_rule(*what, **more),
    st.tuples(OFFERS, st.none() | QUESTIONS) | st.tuples(st.none(), QUESTIONS),
    name=NAME,
    label=TEXT,
    status=st.sampled_from(Status),
    priority=st.integers(-1000, 1000),
    placements=st.sampled_from([(), ("cart",), ("cart", "checkout")]),
    schedule=SCHEDULES,
    audience=st.none() | TREES,
    when=st.none() | TREES,
    discount=st.none() | DISCOUNTS,
    limits=st.builds(Limits, total=st.none() | st.integers(1, 9), budget=st.just(()) | MONEY),
    most=st.integers(1, 3),
    stop=st.booleans(),
    gap_percent=st.none() | st.integers(0, 99),
    any_price=st.booleans(),
    boost=st.just(()) | REFS,
    goal=st.none() | GOALS,
    perk=st.none() | PERKS,
    copy=st.dictionaries(
        LANGUAGE, st.builds(Copy, headline=TEXT, benefits=st.lists(TEXT, max_size=3).map(tuple)), max_size=2
    ),
).map(lambda rule: rule if not list(fairness.check(rule)) else msgspec.structs.replace(rule, audience=None, when=None))
SEASONS = (
    Season(
        name="spring",
        label="Frühling „☀“",
        yearly=(Yearly(start="03-01", end="05-31"), Yearly(start="06-01", end="06-01")),
        easter=(Easter(start=-21, end=0, orthodox=True),),
        holiday=(Holiday(country="NO", name="Christmas Day", start=-1, end=0),),
        rrule=(Recurring(rule="FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", shift=1, days=4),),
        lunar=(Lunar(feast="ramadan", start=-14, end=29),),
        countries={"NO": Windows(yearly=(Yearly(start="05-01", end="05-17"),)), "SE": Windows()},
        south=Windows(yearly=(Yearly(start="09-01", end="11-30"),)),
        except_days=(Days(start="2027-04-01", end="2027-04-02"),),
        zone="Europe/Oslo",
    ),
    Season(name="no", yearly=(Yearly(start="01-01", end="12-31"),)),
)
BOOKS = st.builds(
    lambda rules: RuleBook(
        rules=tuple(rules), seasons=SEASONS, ladders={"plans": ("s", "m", "1.50"), "~": ("no", "0x1")}
    ),
    st.lists(RULES, max_size=3, unique_by=lambda rule: rule.name),
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(book=BOOKS)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, book: RuleBook) -> None:
    for rule in book.rules:
        assert not any(problems(tree) for tree in (rule.when, rule.audience) if tree)
        assert not season.check_schedule(rule.schedule, ["spring", "no"])
    file = tmp_path_factory.getbasetemp() / "written.yaml"
    text = dump(book)
    file.write_text(text, encoding="utf-8")
    again = load([file])
    assert again == book
    assert dump(again) == text


def test_what_is_left_out_is_kept_as_what_is_written_out(tmp_path: Path) -> None:
    short = book_of(tmp_path, "rules: [{name: x, offer: {category: Tea}}]")
    long = book_of(
        tmp_path, HEAD.replace("learned: upgrade", "category: Tea, kind: complement") + "schedule: {}\n    most: 2"
    )
    assert long.encode() == short.encode()


def test_the_shipped_seasons_are_read_and_written(tmp_path: Path) -> None:
    book = load([ROOT / "config" / "seasons.yaml"])
    assert len(book.seasons) > 15
    assert "NO" in next(each for each in book.seasons if each.name == "mothers-day").countries
    assert book_of(tmp_path, dump(book)) == book


def test_what_is_written_needs_no_quotes_for_other_readers(tmp_path: Path) -> None:
    import yaml

    text = dump(RuleBook(rules=(Rule(name="no", offer=Products(refs=("001", "true", "2027-01-01"))),)))
    assert yaml.safe_load(text) == {"rules": [{"name": "no", "offer": {"products": ["001", "true", "2027-01-01"]}}]}


def test_an_odd_tree_from_elsewhere_is_exported_all_the_same() -> None:
    odd = Rule(name="x", offer=Learned(), when={"gone": {"a": 1}})
    assert "gone" in dump(RuleBook(rules=(odd,)))


# --- what may be written --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("{products: [a, b], kind: upgrade}", Products(refs=("a", "b"), kind=Kind.UPGRADE)),
        ("{products: 0042}", Products(refs=("0042",))),
        ("{category: Tea}", Category(name="Tea")),
        ("{tag: x}", Tagged(name="x")),
        ("{learned: upgrade}", Learned(kind=Kind.UPGRADE)),
        (
            "{relative: {same: [brand], min_percent: 105, max_percent: 140 %}}",
            Relative(same=("brand",), min_percent=105, max_percent=140),
        ),
        (
            "{gap: {threshold: 50.00 EUR, category: X, reward: free_shipping}}",
            Gap(threshold=(Money(5000, "EUR"),), category="X"),
        ),
        (
            "{gap: {threshold: [50 EUR, 6000 JPY], tag: x}}",
            Gap(threshold=(Money(5000, "EUR"), Money(6000, "JPY")), tag_="x"),
        ),
        ("{nothing: true}", Nothing()),
        ("{bundle: [a, b]}", Bundle(refs=("a", "b"))),
        ("{bundle: {products: [a, b, c]}}", Bundle(refs=("a", "b", "c"))),
        (
            "{programme: {url: /club, title: {en: Club, de: Klub}, terms: {en: Free}, image: /c.png}}",
            Programme(url="/club", title={"en": "Club", "de": "Klub"}, terms={"en": "Free"}, image="/c.png"),
        ),
        (
            "{programme: {url: 'https://x.example/join', title: {en: Club}}}",
            Programme(url="https://x.example/join", title={"en": "Club"}),
        ),
    ],
)
def test_an_offer_says_where_it_comes_from(tmp_path: Path, written: str, made: Any) -> None:
    assert rule_of(tmp_path, f"{{name: x, offer: {written}}}").offer == made


def test_a_rule_may_only_ask(tmp_path: Path) -> None:
    made = rule_of(tmp_path, "{name: x, ask: {question: {en: Who?}, answers: {me: {en: I, de: Ich}, 2: {en: You}}}}")
    answers = {"me": {"en": "I", "de": "Ich"}, "2": {"en": "You"}}
    assert (made.offer, made.ask) == (None, Question(words={"en": "Who?"}, answers=answers))
    text = dump(RuleBook(rules=(made,)))
    assert "offer" not in text and "question:" in text


def test_goals_perks_and_boosts_are_written_shortly(tmp_path: Path) -> None:
    made = offering(
        tmp_path, "goal: {units: 40, start: 2027-02-01, by: 2027-02-28}, boost: Clearance, perk: {code: 0010}"
    )
    assert made.goal == Goal(units=40, start="2027-02-01", by="2027-02-28")
    assert (made.boost, made.perk) == (("Clearance",), Perk(code="0010"))
    made = offering(tmp_path, "boost: [Sale, New], perk: {points: 50, words: {en: '{points} points'}}")
    assert (made.boost, made.perk) == (("Sale", "New"), Perk(points=50, words={"en": "{points} points"}))


def test_a_ladder_is_named(tmp_path: Path) -> None:
    book = book_of(tmp_path, "rules: [{name: x, offer: {ladder: plans, steps: 2}}]\nladders: {plans: [s, m]}")
    assert (book.rules[0].offer, book.ladders) == (Ladder(name="plans", steps=2), {"plans": ("s", "m")})


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("{percent: 10}", Discount(off=Off.PERCENT, percent=1000)),
        ("{percent: 12.5}", Discount(off=Off.PERCENT, percent=1250)),
        ("{percent: 12.5 %}", Discount(off=Off.PERCENT, percent=1250)),
        ("{off: percent, percent: 100.00%}", Discount(off=Off.PERCENT, percent=10_000)),
        (
            "{percent: 0.01, floor: {cost: true, margin_percent: 5 %}}",
            Discount(off=Off.PERCENT, percent=1, floor=Floor(cost=True, margin_percent=5)),
        ),
        ("{amount: 2.50 EUR}", Discount(off=Off.AMOUNT, amount=(Money(250, "EUR"),))),
        ("{price: [1 EUR, 0.500 KWD]}", Discount(off=Off.PRICE, price=(Money(100, "EUR"), Money(500, "KWD")))),
        ("{free_shipping: true}", Discount(off=Off.FREE_SHIPPING)),
        ("{gift: true}", Discount(off=Off.GIFT)),
        ("{gift: false, percent: 5}", Discount(off=Off.PERCENT, percent=500)),
    ],
)
def test_a_discount_is_what_it_takes_off(tmp_path: Path, written: str, made: Discount) -> None:
    assert offering(tmp_path, f"discount: {written}").discount == made


def test_a_schedule_is_written_shortly(tmp_path: Path) -> None:
    made = offering(
        tmp_path,
        'schedule: {weekdays: fri, hours: ["09:00-17:00", {start: "20:00", end: "21:00"}], start: 2027-02-01, '
        'end: 2027-02-14 18:00:00, except_days: [2027-02-10, "2027-02-12..2027-02-13"], zone: Europe/Rome}',
    ).schedule
    assert made == Schedule(
        weekdays=("fri",),
        hours=(Hours(start="09:00", end="17:00"), Hours(start="20:00", end="21:00")),
        start="2027-02-01T00:00",
        end="2027-02-14T18:00",
        except_days=(Days(start="2027-02-10", end="2027-02-10"), Days(start="2027-02-12", end="2027-02-13")),
        zone="Europe/Rome",
    )


def test_single_values_stand_for_lists_and_texts_are_what_was_written(tmp_path: Path) -> None:
    made = offering(
        tmp_path,
        "placements: cart, audience: {country: NO}, copy: {no: {headline: on, benefits: 007}}, "
        "when: {any: {lines: {category: Chocolate, price: {min: 20.00 EUR}}}}",
    )
    assert made.placements == ("cart",)
    assert made.audience == {"country": {"is": ["NO"]}}
    assert made.copy == {"no": Copy(headline="on", benefits=("007",))}
    assert made.when == {"any": [{"lines": {"category": ["Chocolate"], "price": {"min": [[2000, "EUR"]]}}}]}


def test_rules_may_be_named_by_their_keys(tmp_path: Path) -> None:
    book = book_of(tmp_path, "rules:\n  no: {offer: {nothing: true}}\n  b: {offer: {nothing: true}, priority: 2}")
    assert [rule.name for rule in book.rules] == ["no", "b"]


def test_a_rule_with_a_key_has_no_other_name(tmp_path: Path) -> None:
    assert wrong(tmp_path, "rules:\n  a: {name: b, offer: {nothing: true}}") == [
        "a.yaml, line 2: rules.a.name: is its key already; write it once"
    ]


def test_a_stores_own_condition_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Weather(Condition, frozen=True, kw_only=True):
        code = "weather"
        is_: tuple[str, ...] = msgspec.field(name="is", default=())
        degrees: float = 0.0
        fields: dict[str, Any] = {}

        def check(self, scene: Scene) -> bool:
            return False

    monkeypatch.setitem(CONDITIONS, "weather", Weather)
    tree = "{weather: {is: sunny, degrees: 21.5, fields: {deep: [1, no]}}}"
    made = offering(tmp_path, f"when: {tree}").when
    assert made == {"weather": {"is": ["sunny"], "degrees": 21.5, "fields": {"deep": [1, "no"]}}}
    assert book_of(tmp_path, dump(RuleBook(rules=(Rule(name="x", offer=Nothing(), when=made),)))).rules[0].when == made
    assert (
        "degrees" in wrong(tmp_path, "rules: [{name: x, offer: {nothing: true}, when: {weather: {degrees: hot}}}]")[0]
    )


def test_several_files_are_one_book_and_each_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not: read")
    book = book_of(tmp_path, "rules: [{name: a, offer: {ladder: l}}]", "ladders: {l: [x, y]}", "# nothing yet\n")
    assert [rule.name for rule in book.rules] == ["a"]
    assert load([tmp_path, tmp_path / "a.yaml", tmp_path / "." / "b.yaml"]) == book


# --- what is refused ------------------------------------------------------------------------------------------------

HEAD = "rules:\n  - name: x\n    offer: {learned: upgrade}\n    "


OFFER = "rules:\n  - {name: x, offer: "


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (HEAD + "discount:\n      percent: 150", 5, "rules[0].discount.percent: 150 is more than 100 percent"),
        (HEAD + "discount: {percent: 12.345}", 4, "rules[0].discount.percent: 12.345 is finer than hundredths"),
        (HEAD + "discount: {amount: -3.00 EUR}", 4, "rules[0].discount.amount: -3.00 EUR is less than nothing"),
        (
            HEAD + "discount: {amount: 20.005 EUR}",
            4,
            "amount: 20.005 EUR has more digits after the point than EUR has, 2",
        ),
        (HEAD + "discount: {amount: [1 EUR, 2 EUR]}", 4, "amount: has a currency more than once: EUR, EUR"),
        (HEAD + "discount: {amount: 1 XXQ}", 4, "'XXQ' is not an ISO 4217 code"),
        (HEAD + "discount: {amount: '1.000,00 EUR'}", 4, 'is no amount of money such as "20.00 EUR"'),
        (HEAD + "discount: {amount: 5}", 4, 'is no amount of money such as "20.00 EUR"'),
        (
            HEAD + "discount: {percent: 5, gift: true}",
            4,
            "takes off one of percent, amount, price, free_shipping, gift",
        ),
        (HEAD + "discount: {most_units: 1}", 4, "there is none"),
        (
            HEAD + "discount: {off: percent, gift: true}",
            4,
            "discount.gift: is not percent, which the discount says it is",
        ),
        (HEAD + "discount: {off: percent}", 4, "discount.percent: is needed"),
        (HEAD + "discount: {off: half}", 4, "discount.off: 'half' is none of percent, amount"),
        (HEAD + "prioritie: 3", 4, "rules[0].prioritie: is not known here; there are: name, offer, label"),
        (HEAD + "priority: high", 4, "rules[0].priority: 'high' is no whole number"),
        (HEAD + "stop: 2", 4, "rules[0].stop: '2' is neither true nor false"),
        (HEAD + "label: [a]", 4, "rules[0].label: a list is no text"),
        (HEAD + "label:", 4, "rules[0].label: is empty: write something or leave it out; quote the word null"),
        (HEAD + "status: on", 4, "rules[0].status: 'on' is none of draft, active, paused, ended"),
        (HEAD + "copy: {english: {headline: a}}", 4, "'english' is no language such as de"),
        (HEAD + "most: 0", 4, "rules[0].most: 0 is less than 1"),
        (HEAD + "limits: {total: 0}", 4, "rules[0].limits.total: 0 is less than 1"),
        (HEAD + "placements: [cart, The Cart]", 4, "rules[0].placements[1]: 'The Cart' is no placement such as cart"),
        (HEAD + "when: {linez: {category: x}}", 4, "rules[0].when.linez: 'linez' is no condition; there are: answer"),
        (HEAD + "when: {lines: {categori: x}}", 4, "rules[0].when.lines.categori: is not known here; there are: match"),
        (
            HEAD + "when: {all: [{subtotal: {min: 2 EUR}},\n      {subtotal: {min: 2 EUR, max: 1 EUR}}]}",
            5,
            "when.all[1].subtotal.max: is less than min in EUR",
        ),
        (
            HEAD + "when: {subtotal: {min: 2 EUR}, country: DE}",
            4,
            "rules[0].when: one condition, or one of all, any, none",
        ),
        (HEAD + "when: {all: []}", 4, "rules[0].when.all: a list of conditions, at least one"),
        (HEAD + "when: " + "{any: [" * 11 + "{country: DE}" + "]}" * 11, 4, "is nested deeper than 10 levels"),
        (
            HEAD + "schedule:\n      start: 2027-02-02T00:00\n      end: 2027-02-01T00:00",
            6,
            "schedule.end: 2027-02-01T00:00 is not after the start",
        ),
        (
            HEAD + "schedule: {end: 2027-02-28}",
            4,
            'end: needs a time of day, because it ends just before it: to include that day write "2027-03-01T00:00"',
        ),
        (
            HEAD + "schedule: {start: 2027-02-01T00:00:00Z}",
            4,
            "schedule.start: '2027-02-01T00:00:00Z' is no local date and time",
        ),
        (HEAD + "schedule: {zone: Mars/Base}", 4, "schedule.zone: 'Mars/Base' is no time zone"),
        (HEAD + "schedule: {hours: [9-17:00]}", 4, "schedule.hours[0].start: '9' is no time"),
        (HEAD + 'schedule: {hours: "09:00"}', 4, "schedule.hours: '09:00' has no start and end"),
        (HEAD + "schedule: {weekdays: [mon, friday]}", 4, "schedule.weekdays[1]: 'friday' is no weekday"),
        (
            HEAD + "schedule:\n      seasons: [winter]",
            5,
            "rules[0].schedule.seasons[0]: there is no season 'winter'; there are: none",
        ),
        (OFFER + "{ladder: up}}", 2, "rules[0].offer.ladder: there is no ladder 'up'; there are: none"),
        (OFFER + "{category: a, kinds: upgrade}}", 2, "rules[0].offer.kinds: is not known here; there are: name, kind"),
        ("rules:\n  - {name: x}", 2, f"rules[0].offer: {NO_OFFER}"),
        (OFFER + "{bundle: a}}", 2, "rules[0].offer.bundle: 1 product is not possible, only 2 to 4"),
        (OFFER + "{bundle: [a, b, c, d, e]}}", 2, "5 products are not possible, only 2 to 4"),
        (OFFER + "{bundle: [a, b, a]}}", 2, "rules[0].offer.bundle[2]: 'a' is there twice"),
        (OFFER + "{bundle: [a, b], kind: upgrade}}", 2, "rules[0].offer.kind: is not known here"),
        (OFFER + "{bundle: [a, b]}, discount: {gift: true}}", 2, "rules[0].discount: is no gift for a bundle"),
        (
            OFFER + "{bundle: [a, b]}, discount: {percent: 5, most_units: 1}}",
            2,
            "rules[0].discount.most_units: does not belong to a bundle",
        ),
        (OFFER + "{programme: {url: /x}}}", 2, "rules[0].offer.programme.title: is needed"),
        (OFFER + "{programme: {url: /x, title: {}}}}", 2, "rules[0].offer.programme.title: is empty; write it by"),
        (OFFER + "{programme: {url: /x, title: {en: ' '}}}}", 2, "rules[0].offer.programme.title: is empty"),
        (OFFER + "{programme: {url: 'javascript:x', title: {en: A}}}}", 2, "programme.url: 'javascript:x' is no link"),
        (OFFER + "{programme: {url: '/a b', title: {en: A}}}}", 2, "programme.url: '/a b' is no link"),
        (OFFER + "{programme: {url: /x, title: {english: A}}}}", 2, "title: 'english' is no language such as de"),
        (
            OFFER + "{programme: {url: /x, title: {en: A}}}, discount: {percent: 5}}",
            2,
            "rules[0].discount: does not belong to a programme",
        ),
        (OFFER + "{category: a, kind: bundle}}", 2, "rules[0].offer.kind: 'bundle' is none of complement, upgrade"),
        (OFFER + "{learned: programme}}", 2, "'programme' is none of complement, upgrade"),
        (HEAD + "goal: {units: 0, start: 2027-02-01, by: 2027-02-28}", 4, "goal.units: 0 is not between 1 and a"),
        (HEAD + "goal: {units: 5, start: 2027-02-02, by: 2027-02-01}", 4, "goal.by: 2027-02-01 is before the start"),
        (HEAD + "goal: {units: 5, start: soon, by: 2027-02-01}", 4, "goal.start: 'soon' is no date"),
        (HEAD + "goal: {units: 5, start: 2027-02-01}", 4, "rules[0].goal.by: is needed"),
        (HEAD + "goal: {units: 5, start: 2027-02-01, by: 2027-02-02, lift: 0}", 4, "goal.lift: 0 is not between 1"),
        (HEAD + "perk: {}", 4, "rules[0].perk: has one of code, gift, points; there is none"),
        (
            HEAD + "perk: {code: a, points: 5}",
            4,
            "rules[0].perk: has one of code, gift, points; there are code, points",
        ),
        (HEAD + "perk: {points: 0}", 4, "rules[0].perk.points: 0 is not between 1 and a billion"),
        (HEAD + "perk: {gift: ' '}", 4, "rules[0].perk.gift: is empty"),
        (HEAD + f"perk: {{code: {'x' * 61}}}", 4, "is no code: 1 to 60 printable characters"),
        (HEAD + "perk: {code: a, words: {english: A}}", 4, "rules[0].perk.words: 'english' is no language"),
        (HEAD + "boost: ['']", 4, "rules[0].boost[0]: is empty; write the name of an attribute or a tag"),
        (HEAD + "ask: {question: {en: A}, answers: {a: {en: A}}}", 4, "ask.answers: 1 answers are not possible"),
        (HEAD + "ask: {answers: {a: {en: A}, b: {en: B}}}", 4, "rules[0].ask.question: is needed"),
        (HEAD + "ask: {question: {}, answers: {a: {en: A}, b: {en: B}}}", 4, "rules[0].ask.question: is empty; write"),
        (HEAD + "ask: {question: {en: A}, answers: {A!: {en: A}, b: {en: B}}}", 4, "'A!' is no key of an answer"),
        (HEAD + "ask: {question: {en: A}, answers: {a: {}, b: {en: B}}}", 4, "ask.answers.a: is empty; write it by"),
        ("rules:\n  - {name: ' ', offer: {nothing: true}}", 2, "rules[0].name: ' ' is no name"),
        (OFFER + "learned}", 2, "rules[0].offer: 'learned' is no mapping that says where offers come from"),
        (OFFER + "{category: A, tag: b}}", 2, "rules[0].offer: says with one key where offers come from"),
        (OFFER + "{relative: {}, same: brand}}", 2, "rules[0].offer.same: belongs inside relative"),
        (OFFER + "{category: A, name: B}}", 2, "rules[0].offer.name: is what stands at category already"),
        (
            "rules:\n  - name: x\n    offer:\n      products:\n        - a\n        - a",
            6,
            "rules[0].offer.products[1]: 'a' is there twice",
        ),
        (OFFER + "{nothing: false}}", 2, "rules[0].offer.nothing: 'false' is not true"),
        (OFFER + "{second: false}}", 2, "rules[0].offer.second: 'false' is not true"),
        (OFFER + "{gap: {threshold: 5 EUR}}}", 2, "offer.gap: has one of category, tag, products"),
        (OFFER + "{relative: {min_percent: 9, max_percent: 8}}}", 2, "max_percent: 8 is less than min_percent, 9"),
        (
            "seasons:\n  - name: s\n    yearly: 02-30..03-02",
            3,
            "seasons[0].yearly[0].start: '02-30' is no day of the year",
        ),
        (
            "seasons:\n  - name: s\n    yearly: [{start: 02-30, end: 03-02}]",
            3,
            "seasons[0].yearly[0].start: '02-30' is no day of the year",
        ),
        ("seasons:\n  - {name: s}", 2, "seasons[0]: the season is never"),
        (
            "seasons:\n  - {name: s, yearly: 02-01, countries: {XX: {}}}",
            2,
            "seasons[0].countries.XX: 'XX' is no country",
        ),
        ("ladders:\n  plans: [a]", 2, "ladders.plans: 1 product is not possible, only 2 to 100"),
        ("ladders:\n  plans: {a: b}", 2, "ladders.plans"),
        ("ladders: [a]", 1, "ladders: a list is no mapping"),
        ("rulez: []", 1, "rulez: is not known here; there are: seasons, ladders, rules"),
        ("rules: x", 1, "rules: 'x' is no list"),
        ("rules:", 1, "rules: is empty"),
        ("rules:\n  - 17", 2, "rules[0]: is a mapping with some of: name"),
        ("- a", 1, "a list is no file of rules"),
        ("rules:\n  - &a {name: x}\n", 2, "rules[0]: &a names something to repeat it"),
        ("ladders:\n  a: *b\n", 2, "ladders.a: *b repeats something; write it out"),
        ("rules:\n  - name: x\n    name: y", 3, "rules[0].name: is there twice, first in line 2"),
        ("rules:\n  - !!python/object/apply:os.system [ls]", 2, "rules[0]: has the tag"),
        ("rules:\n  - ? [a]\n    : b", 2, "a key is a text"),
        ("rules:\n  - name: 'x\n", 3, "is no YAML"),
        ("rules: []\n---\nrules: []", 2, "a second document"),
        ("rules:\n" + "  - " + "[" * 50, 2, "is nested deeper than 40 levels"),
        ("a: " + "[" * 900_000, 1, "is nested deeper than 40 levels"),
        ("# \x07", 1, "has the character '\\x07'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_field(tmp_path: Path, text: str, line: int, says: str) -> None:
    found = wrong(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(f"a.yaml, line {line}: ")
    assert says in found[0]


def test_a_name_is_there_once_in_all_files(tmp_path: Path) -> None:
    twice = "rules:\n  - name: x\n    offer: {nothing: true}\n"
    assert wrong(tmp_path, "#\n" + twice, twice) == [
        "b.yaml, line 2: rules[0].name: 'x' is there already: a.yaml, line 3"
    ]
    assert wrong(tmp_path, "ladders: {l: [a, b]}", "ladders:\n  l: [a, b]") == [
        "b.yaml, line 2: ladders.l: 'l' is there already: a.yaml, line 1"
    ]


def test_all_problems_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    found = wrong(
        tmp_path, HEAD + "schedule: {seasons: s}\n    label: []\n    stop: 2\n    limits: {total: 0}", "rules: 3"
    )
    assert [each.partition(": ")[0] for each in found] == [
        "a.yaml, line 4", "a.yaml, line 5", "a.yaml, line 6", "a.yaml, line 7", "b.yaml, line 1"]  # fmt: skip


def test_very_many_problems_are_counted_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = wrong(tmp_path, "rules: [" + "1, " * 80 + "]")
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1] == "and 30 more"
    schema, tried = written.schema_of(Rule), []

    class Counted:
        def load(self, value: Any) -> Any:
            tried.append(value)
            return schema.load(value)

    monkeypatch.setattr(rulefile, "schema_of", lambda kind: Counted())
    assert wrong(tmp_path, "rules: [" + "1," * 10_000 + "]")[-1] == "and many more"
    assert len(tried) == ENOUGH_PROBLEMS


def test_what_a_broken_file_would_have_named_is_not_said_to_be_missing(tmp_path: Path) -> None:
    found = wrong(tmp_path, HEAD + "schedule: {seasons: spring}", "seasons: [{name: spring, yearly: '03-01'")
    assert len(found) == 1
    assert found[0].startswith("b.yaml")


def test_a_season_with_a_mistake_is_there_all_the_same(tmp_path: Path) -> None:
    found = wrong(tmp_path, HEAD + "schedule: {seasons: spring}", "seasons: [{name: spring, yearly: 02-30..03-01}]")
    assert len(found) == 1
    assert "02-30" in found[0]


def test_a_file_is_not_too_large_and_is_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"# " + b"x" * 1_000_000)
    (tmp_path / "b.yaml").write_bytes(b"#\n# \xff")
    with pytest.raises(RuleFileError) as caught:
        load([tmp_path])
    assert [each.replace(f"{tmp_path}/", "") for each in caught.value.problems] == [
        "a.yaml: is larger than 1,000,000 bytes; split it",
        "b.yaml, line 2: is not UTF-8 text; save it with that encoding",
    ]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"there is no such file or folder"):
        load([tmp_path / "none.yaml"])
    with pytest.raises(RuleFileError, match=r"there is no \*\.yaml file in this folder"):
        load([tmp_path])


def test_without_pyyaml_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("rules: []")
    imported = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(RuleFileError, match=r"pip install 'Flask-Upsell\[rules\]'"):
        load([tmp_path])


def test_a_thousand_rules_are_read(tmp_path: Path) -> None:
    rule = (
        "  - {{name: r{0}, offer: {{products: [a{0}, b]}}, when: {{all: [{{lines: {{category: c{0}}}}}, {{subtotal: "
        "{{min: 20 EUR}}}}]}}, discount: {{percent: 10, floor: {{cost: true}}}}, schedule: {{weekdays: [mon, fri]}}}}\n"
    )
    text = "rules:\n" + "".join(rule.format(number) for number in range(1000))
    assert len(book_of(tmp_path, text).rules) == 1000
