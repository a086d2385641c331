"""Pairs, the crowd, habits and the model from a real DuckDB: what was planted in a history is found."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from flask_upsell.core.affinity import SHRUNK
from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product
from flask_upsell.core.taste import NOTHING, SIGNALS, Habits, Model, page, signals
from flask_upsell.learn import likely
from flask_upsell.learn.drawn import FADING, MOST_OFTEN
from flask_upsell.learn.fit import FEWEST
from flask_upsell.learn.likely import KNOWN, ROUGH, UNKNOWN, Known, Sizes, learn
from flask_upsell.learn.mining import Mining, Parameters

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86_400
SMALL = Sizes(head=200, crowd=50, cases=900, ridge=5.0)
#: What is bought by chance.
NOISE = [f"n{number:02}" for number in range(60)]


def silent(step: str, done: int, total: int) -> None: ...


def order(
    ref: str, day: float, products: Iterable[str], customer: str | None = None, pieces: int = 1
) -> list[OrderLine]:
    at = START + timedelta(days=day)
    return [OrderLine(ref, product, pieces, 1000, at, customer) for product in products]


def goods(lines: Iterable[OrderLine]) -> list[Product]:
    return [Product(ref, f"The {ref}", 1000, "EUR") for ref in sorted({line.product for line in lines})]


@contextmanager
def learned(
    lines: Sequence[OrderLine], sizes: Sizes = SMALL, products: Sequence[Product] | None = None, **parameters: Any
) -> Iterator[tuple[Known, Model, dict[str, Any]]]:
    with Mining(lines, goods(lines) if products is None else products, Parameters(**parameters), silent) as mined:
        yield learn(mined.connection, silent, sizes)


def planted(orders: int = 4000) -> list[OrderLine]:
    """Pairs: whoever buys tea buys a cup in two of three orders, whoever buys "n00" buys "n01", and so on. Each
    customer buys something of their own again and again."""
    chance, lines = random.Random(7), list[OrderLine]()
    pairs = [("tea", "cup"), *zip(NOISE[0:40:2], NOISE[1:40:2], strict=True)]
    for number in range(orders):
        products = set(chance.sample(NOISE[40:], chance.randint(0, 2)))
        for one, other in chance.sample(pairs, chance.randint(1, 3)):
            products |= {one, other} if chance.random() < 0.67 else {one}
        who = f"k{chance.randrange(40)}" if chance.random() < 0.7 else None
        if who is not None and chance.random() < 0.7:
            products.add(f"own {who}")
        lines += order(f"o{number:05}", number / 10, sorted(products), who)
    return lines


@pytest.fixture(scope="module")
def history() -> list[OrderLine]:
    return planted()


@pytest.fixture(scope="module")
def found(history: list[OrderLine]) -> Iterator[tuple[Known, Model, dict[str, Any]]]:
    with learned(history) as all_of_it:
        yield all_of_it


def first(found: tuple[Known, Model, dict[str, Any]], cart: Iterable[str], who: str | None = None) -> list[str]:
    """What is likeliest beside this cart, at the end of the history."""
    known, model, _ = found
    numbers = {ref: number for number, ref in enumerate(known.refs, 1)}
    leads = {known.refs[number - 1]: each for number, each in known.leads([numbers[ref] for ref in cart])}
    habits = dict(known.habits([who]))[who] if who else NOTHING
    at = (START + timedelta(days=400)).timestamp()
    weights = model.known if who else model.unknown
    candidates = list(signals(leads, model, dict(known.bought()), habits, at))
    return [ref for _, ref in weights.scored(candidates, page(leads, habits))]


# --- what was planted --------------------------------------------------------------------------------------------


def test_the_planted_pair_leads(found: tuple[Known, Model, dict[str, Any]]) -> None:
    known, _, _ = found
    numbers = {ref: number for number, ref in enumerate(known.refs, 1)}
    ((_, tea),) = known.leads([numbers["tea"]])
    best = tea.complements[0]
    assert best.consequent == "cup" and best.weight > 2 * tea.complements[1].weight
    assert [first(found, ["tea", *NOISE[40 : 40 + more]])[0] for more in range(4)] == ["cup"] * 4


def test_evidence_is_what_was_counted(history: list[OrderLine], found: tuple[Known, Model, dict[str, Any]]) -> None:
    known, model, figures = found
    baskets: dict[str, set[str]] = {}
    for line in history:
        baskets.setdefault(line.order, set()).add(line.product)
    leads = {known.refs[number - 1]: each for number, each in known.leads()}
    for antecedent in ("tea", "n41", "own k1"):
        base = sum(antecedent in basket for basket in baskets.values())
        for pair in leads[antecedent].complements:
            together = sum({antecedent, pair.consequent} <= basket for basket in baskets.values())
            others = sum(pair.consequent in basket for basket in baskets.values())
            assert (pair.together, pair.base, pair.consequent_orders, pair.orders) == (together, base, others, 4000)
    assert (model.orders, model.lines) == (4000, len(history))
    assert 300 <= figures["cases"] <= 601


def test_links_are_read_some_products_at_a_time(
    found: tuple[Known, Model, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bugs that it shows: the last product of each part is left out; so is who is bought but leads nowhere."""
    known, _, _ = found
    whole = list(known.leads())
    monkeypatch.setattr(likely, "PRODUCTS", 7)
    assert list(known.leads()) == whole == list(known.leads([no for no, _ in whole])) and len(whole) > 60
    lines = [
        line for day in range(4) for line in order(f"o{day}", day, ["alone"] if day % 2 else ["tea", "cup"], "ann")
    ]
    with learned(lines) as (few, _, _):
        assert {few.refs[no - 1]: [who for who, _ in each.buyers] for no, each in few.leads()} == {
            "alone": [0], "cup": [0], "tea": [0],
        }  # fmt: skip


def test_a_shoppers_own_product_leads_for_them_alone(found: tuple[Known, Model, dict[str, Any]]) -> None:
    cart = NOISE[40:42]
    assert all(f"own k{who}" in first(found, cart, f"k{who}")[:2] for who in range(5))
    assert not any(ref.startswith("own") for ref in first(found, cart)[:3])


def test_the_model_was_fitted_and_says_how_well_it_did(found: tuple[Known, Model, dict[str, Any]]) -> None:
    _, model, figures = found
    assert model.unknown.pairs and model.unknown.uses == UNKNOWN and model.known.uses == KNOWN
    assert 0 < figures["unknown"]["hit_rate_3"] <= figures["unknown"]["found"] <= 1
    best = sorted(model.popular, key=lambda each: -each[1])
    assert list(model.popular) == best and "tea" in dict(best)


def test_the_same_history_teaches_the_same(
    history: list[OrderLine], found: tuple[Known, Model, dict[str, Any]]
) -> None:
    """Whatever the order of its lines."""
    known, model, figures = found
    shuffled = list(history)
    random.Random(2).shuffle(shuffled)
    with learned(shuffled) as (again, other, said):
        assert said == figures
        assert (other.orders, other.popular, other.crowd) == (model.orders, model.popular, model.crowd)
        assert other.unknown.single == pytest.approx(model.unknown.single, abs=1e-3)
        assert dict(again.habits(["k1", "k2"])) == dict(known.habits(["k1", "k2"]))
        assert dict(again.bought()) == dict(known.bought())


# --- habits and the crowd ----------------------------------------------------------------------------------------


def test_habits_are_the_last_orders_newest_first() -> None:
    lines = [line for day in range(9) for line in order(f"o{day}", day, ["tea", f"n{day}"], "ann")]
    lines += order("x", 3, ["tea", "cup"], "bob") + order("y", 4, ["cup"])
    with learned(lines, replace(SMALL, baskets=3)) as (known, _, _):
        assert {who: each.baskets for who, each in known.habits()} == {
            "ann": tuple([(int(START.timestamp()) + day * DAY, (f"n{day}", "tea")) for day in (8, 7, 6)]),
            "bob": ((int(START.timestamp()) + 3 * DAY, ("cup", "tea")),),
        }
        assert dict(known.habits(["ann"]))["ann"].orders == {"n8": 1, "n7": 1, "n6": 1, "tea": 10}
        assert dict(known.habits(["nobody"])) == {} and dict(known.habits([])) == {}


def test_habits_tell_what_all_past_orders_speak_for(found: tuple[Known, Model, dict[str, Any]]) -> None:
    """Whoever buys tea again and again is drawn to cups, in a cart without tea too. Planted bug that it shows: the
    newest order alone."""
    known, _, _ = found
    habits = dict(known.habits())
    assert all(own.drawn and list(own.drawn) == sorted(own.drawn, key=lambda each: -each[1]) for own in habits.values())
    leads = {known.refs[number - 1]: each for number, each in known.leads()}
    weights = {ref: {to.consequent: to.weight for to in each.complements} for ref, each in leads.items()}
    often, (newest, _) = dict[str, float](), habits["k1"].baskets[0]
    for at, refs in habits["k1"].baskets:
        for ref in refs:
            often[ref] = often.get(ref, 0.0) + 0.5 ** ((newest - at) / DAY / FADING)
    cup = sum(min(much, MOST_OFTEN) ** 0.5 * max(weights[ref].get("cup", 0.0), 0.0) for ref, much in often.items())
    assert dict(habits["k1"].drawn)["cup"] == pytest.approx(cup, abs=1e-3)


def test_the_crowd_are_those_with_most_lines() -> None:
    lines = [line for day in range(6) for line in order(f"a{day}", day, ["tea", "cup"], "ann")]
    lines += [line for day in range(4) for line in order(f"b{day}", day, ["tea", f"n{day}"], "bob")]
    lines += order("c", 1, ["pot"], "cid") + order("d", 1, ["tea"])
    with learned(lines, replace(SMALL, crowd=2)) as (known, model, _):
        assert model.crowd == (12, 8)
        bought = {who: {ref: (times, orders) for ref, times, orders in each.items} for who, each in known.bought()}
        assert bought == {
            "0": {"tea": (6, 11), "cup": (6, 6)},
            "1": {"tea": (4, 11), "n0": (1, 1), "n1": (1, 1), "n2": (1, 1), "n3": (1, 1)},
        }
        leads = {known.refs[number - 1]: each for number, each in known.leads()}
        assert sorted(who for who, _ in leads["tea"].buyers) == [0, 1]
        assert [who for who, _ in leads["cup"].buyers] == [0] and "pot" not in leads


# --- what was known when -----------------------------------------------------------------------------------------


def test_nothing_after_the_cut_is_known() -> None:
    """Planted bug that it shows: `placed_at <= until` with a cut a day later."""
    before = [line for day in range(10) for line in order(f"a{day}", day, ["tea", "cup"], "ann")]
    after = [line for day in range(10, 20) for line in order(f"b{day}", day, ["tea", "pot", "lid"], "bob")]
    cut = int((START + timedelta(days=10)).timestamp())
    with Mining(before + after, goods(before + after), Parameters(), silent) as mined:
        learn(mined.connection, silent, SMALL)
        known = Known(mined.connection, cut, SMALL, silent)
        assert (known.baskets, known.lines, len(known.crowd)) == (10, 20, 1)
        assert {ref: int(known.orders[no]) for no, ref in enumerate(known.refs, 1)} == {
            "tea": 10, "cup": 10, "pot": 0, "lid": 0,
        }  # fmt: skip
        assert [who for who, _ in known.habits()] == ["ann"]
        assert list(known.customers()) == ["ann"]
        leads = {known.refs[number - 1]: each for number, each in known.leads()}
        assert {each.consequent for each in leads["tea"].complements} == {"cup"}
        assert not leads.get("pot") or leads["pot"].complements == ()
        assert dict(known.model(ROUGH).popular) == {"tea": 10, "cup": 10}


def test_few_cases_prove_nothing() -> None:
    lines = planted(300)
    with learned(lines) as (_, model, figures):
        assert figures["cases"] < FEWEST
        assert (model.known, model.unknown, model.personal) == (ROUGH.known, ROUGH.unknown, True)
        assert model.orders == 300


def test_few_shoppers_with_a_past_leave_their_weights_rough() -> None:
    """The others' are fitted all the same."""
    lines = [replace(line, customer=None) for line in planted()]
    with learned(lines) as (known, model, figures):
        assert model.unknown.pairs and model.known == ROUGH.known
        assert figures["known"] == {"cases": 0, "found": 0.0}
        assert dict(known.habits()) == {} and model.crowd == ()


def test_what_is_guessed_of_habits_is_used_where_it_finds_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else known shoppers are offered what others are. Planted bug that it shows: `personal` always."""
    lines = [replace(line, customer=line.customer if str(line.customer) < "k12" else None) for line in planted()]
    with learned(lines) as (_, model, figures):
        assert 0 < figures["known"]["cases"] < FEWEST and not model.known.pairs and model.unknown.pairs
        assert model.personal
    monkeypatch.setattr(likely, "ROUGH", misled())
    with learned(lines) as (_, model, _):
        assert not model.personal and model.unknown.pairs


def misled() -> Model:
    """It guesses that nobody buys what they bought before, nor what goes with the cart."""
    return replace(ROUGH, known=replace(ROUGH.known, single=tuple([-each for each in ROUGH.known.single])))


def test_boldness_costs_hardly_any_hit(history: list[OrderLine], found: tuple[Known, Model, dict[str, Any]]) -> None:
    """What a shopper never bought is preferred a little more, as long as nearly as many hits remain."""
    _, bold, figures = found
    assert bold.personal
    if "hit_rate_3" not in figures["known"]:
        pytest.fail(f"no weights for shoppers were fitted: {figures}")
    with learned(history, replace(SMALL, explore=-1.0)) as (_, shy, plain):
        new = KNOWN.index(SIGNALS.index("new"))
        assert bold.known.single[new] >= shy.known.single[new]
        assert figures["known"]["hit_rate_3"] >= plain["known"]["hit_rate_3"] * 0.9


# --- odd histories -----------------------------------------------------------------------------------------------


def test_no_orders_teach_nothing() -> None:
    with learned([], products=[Product("tea", "Tea", 100, "EUR")]) as (known, model, figures):
        assert (model.orders, model.lines, model.popular, model.crowd, figures) == (1, 1, (), (), {})
        assert list(known.leads()) == [] or all(not each.complements for _, each in known.leads())
        assert list(known.bought()) == [] and list(known.habits()) == []
        assert list(signals({}, model, {})) == []


def test_no_products_teach_nothing() -> None:
    with learned(order("a", 1, ["tea", "cup"]), products=[]) as (known, model, _):
        assert (known.refs, known.baskets, model.popular) == ([], 0, ())


ODD: dict[str, list[OrderLine]] = {
    "one order": order("a", 1, ["tea", "cup", "pot"]),
    "one line": order("a", 1, ["tea"], "ann"),
    "one customer": [line for day in range(40) for line in order(f"o{day}", day, ["tea", "cup", f"n{day}"], "ann")],
    "one instant": [line for each in range(40) for line in order(f"o{each}", 1, ["tea", "cup", f"n{each}"])],
    "an empty period": [line for day in (1, 2, 3000) for line in order(f"o{day}", day, ["tea", "cup", "pot"], "ann")],
    "only returns": order("a", 1, ["tea", "cup"], "ann", -1),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_histories_are_learned_from_as_far_as_they_go(name: str) -> None:
    with learned(ODD[name]) as (known, model, _):
        leads = {known.refs[number - 1]: each for number, each in known.leads()}
        habits = dict(known.habits()).get("ann", NOTHING)
        at = START.timestamp() + 3001 * DAY
        for weights in (model.known, model.unknown):
            found = list(signals({"tea": leads.get("tea") or next(iter(leads.values()))} if leads else {}, model,
                                 dict(known.bought()), habits, at))  # fmt: skip
            weights.scored(found, (0.0, 0.0, 0.0))


def test_what_was_sent_back_is_no_habit_and_no_pair() -> None:
    lines = [line for day in range(10) for line in order(f"o{day}", day, ["tea", "cup"], "ann")]
    lines += [line for day in range(10) for line in order(f"o{day}", day, ["cup"], "ann", -1)]
    with learned(lines) as (known, _, _):
        assert {ref for _, refs in dict(known.habits())["ann"].baskets for ref in refs} == {"tea"}
        assert all(not each.complements for _, each in known.leads())


def test_products_that_vanished_are_left_out() -> None:
    lines = planted(200)
    kept = [product for product in goods(lines) if product.ref != "cup"]
    with learned(lines, products=kept) as (known, _, _):
        assert "cup" not in known.refs
        assert not any(each.consequent == "cup" for _, leads in known.leads() for each in leads.complements)
        assert not any("cup" in refs for _, own in known.habits() for _, refs in own.baskets)


def test_an_order_of_5000_lines_says_nothing_of_pairs() -> None:
    many = [f"w{number}" for number in range(5000)]
    lines = planted(200) + order("wholesale", 5, many, "k1")
    with learned(lines) as (known, model, _):
        assert model.orders == 200
        assert not any(each.complements for number, each in known.leads() if known.refs[number - 1].startswith("w"))
        assert max(len(refs) for _, refs in dict(known.habits(["k1"]))["k1"].baskets) < 100


def test_no_more_is_kept_than_the_sizes_say() -> None:
    sizes = replace(
        SMALL, head=10, by_weight=3, by_count=4, crowd=5, crowd_items=6, buyers=2, popular=7, baskets=2, cases=3
    )
    with learned(planted(400), sizes) as (known, model, figures):
        assert (figures, len(model.crowd), len(model.popular)) == ({"cases": 3}, 5, 7)
        for _, leads in known.leads():
            assert len(leads.complements) <= 3 + 4 and len(leads.buyers) <= 2
        assert max(len(each.items) for _, each in known.bought()) == 6
        habits: dict[str, Habits] = dict(known.habits())
        assert max(len(each.baskets) for each in habits.values()) == 2


# --- categories ----------------------------------------------------------------------------------------------------


def shelf_of(*refs: str, category: str) -> list[Product]:
    return [Product(ref, f"The {ref}", 1000, "EUR", category=category) for ref in refs]


def test_what_was_never_bought_borrows_from_its_category() -> None:
    """A new tea leads to what teas lead to, most of all to the cup that most buy; never to itself."""
    lines = list[OrderLine]()
    for number in range(300):
        lines += order(f"o{number}", number / 5, [f"tea {number % 5}", f"cup {min(number % 7, 2)}"])
        lines += order(f"p{number}", number / 5, [f"n{number % 20:02}", f"n{number % 19 + 20:02}"])
    products = [
        *shelf_of("new tea", *(f"tea {number}" for number in range(5)), category="Tea"),
        *shelf_of(*(f"cup {number}" for number in range(3)), category="Cups"),
        *shelf_of(*NOISE[:40], category="Odds"),
    ]
    with learned(lines, products=products) as (known, _, _):
        leads = {known.refs[number - 1]: each for number, each in known.leads()}
    new = leads["new tea"]
    assert max(new.links, key=lambda link: link[2])[0] == "cup 2"
    assert "new tea" not in {link[0] for link in new.links}
    assert {each.together for each in new.complements} == {0} and new.base == 0
    assert not any(link[0].startswith("n") for link in leads["tea 0"].links)
    assert all(0 <= each.expected <= SHRUNK for each in leads["tea 0"].complements)


def test_a_category_of_one_product_says_nothing() -> None:
    lines = planted(400)
    products = [Product(p.ref, p.title, p.price, p.currency, category=p.ref) for p in goods(lines)]
    with learned(lines) as (plain, _, _), learned(lines, products=products) as (alone, _, _):
        assert list(plain.leads()) == list(alone.leads())
