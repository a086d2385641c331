"""Affinities mined by a real DuckDB: from histories small enough to count by hand, and from the demo's planted ones."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from flask_upsell.core.affinity import Affinity
from flask_upsell.core.offer import Kind
from flask_upsell.core.ports import OrderLine
from flask_upsell.core.product import Product
from flask_upsell.demo.catalogue import BY_REF, CATALOGUE
from flask_upsell.demo.history import NEEDS, NOISE, PLANTED, TRADE_UP, Need, Planted, past_orders
from flask_upsell.errors import LearnError
from flask_upsell.learn import mining
from flask_upsell.learn.mining import LONGEST_REF, Mining, Parameters

AT = datetime(2026, 1, 1, tzinfo=UTC)
Found = dict[tuple[str, str], Affinity]


def chosen(**wanted: Any) -> Parameters:
    """The defaults but for these, and without the certainty that histories of twenty orders cannot give."""
    return Parameters(**{"min_certainty": 0.0, **wanted})


def silent(step: str, done: int, total: int) -> None: ...


def bought(order: str, product: str, quantity: int = 1) -> OrderLine:
    return OrderLine(order, product, quantity, 1000, AT)


def baskets(*some: tuple[int, Iterable[str]]) -> list[OrderLine]:
    """(6, "ab"): six orders of the products "a" and "b", one of each."""
    return [
        bought(f"{place}-{times}", product)
        for place, (count, products) in enumerate(some)
        for times in range(count)
        for product in products
    ]


def shelf(refs: Iterable[str], price: int = 1000, category: str | None = None) -> list[Product]:
    return [Product(ref, f"The {ref}", price, "EUR", category=category) for ref in refs]


def levels(prices: Mapping[str, int], months: int | None = None, category: str | None = "Ladder") -> list[Product]:
    return [
        Product(ref, f"The {ref}", price, "EUR", category=category, period_months=months)
        for ref, price in prices.items()
    ]


def mine(
    lines: Iterable[OrderLine], products: Iterable[Product], parameters: Parameters | None = None
) -> tuple[Found, Found, dict[str, Any]]:
    """(complements, upgrades, figures); each affinity by (antecedent, consequent)."""
    kinds: dict[Kind, Found] = {Kind.COMPLEMENT: {}, Kind.UPGRADE: {}}
    with Mining(lines, products, parameters or chosen(), silent) as mined:
        for kind, antecedent, affinity in mined.affinities():
            assert (antecedent, affinity.consequent) not in kinds[kind], "each pair once"
            kinds[kind][antecedent, affinity.consequent] = affinity
        return kinds[Kind.COMPLEMENT], kinds[Kind.UPGRADE], mined.figures


# --- complements -------------------------------------------------------------------------------------------------

# 20 orders: a in 8, b in 10, c in 4, d in 8; a and b together in 6, b and c in 4.
HISTORY = baskets((6, "ab"), (2, "a"), (4, "bc"), (8, "d"))
FOUR = shelf("abcd")


def test_evidence_as_counted_by_hand() -> None:
    complements, _, figures = mine(HISTORY, FOUR, chosen(min_support=4))
    assert set(complements) == {("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")}
    forth, back = complements["a", "b"], complements["b", "a"]
    assert (forth.together, forth.base, forth.consequent_orders, forth.orders) == (6, 8, 10, 20)
    assert (back.together, back.base, back.consequent_orders, back.orders) == (6, 10, 8, 20)
    assert (forth.support, forth.confidence, back.confidence) == (0.3, 0.75, 0.6)
    assert forth.lift == back.lift == 1.5
    # 6 / (sqrt(8 * 10) + 10), the shrunk cosine
    assert forth.weight == back.weight == 0.316718
    # 4 / (sqrt(10 * 4) + 10)
    assert complements["c", "b"].weight == 0.24503
    assert complements["c", "b"].lift == 2.0
    # Ten orders of two; all but "d" lead to something, which is 22 of the 30 products of orders.
    readiness = figures.pop("readiness")
    assert (readiness["orders"], readiness["baskets"], readiness["pairs"]) == (20, 10, 4)
    assert (readiness["lines"], readiness["often"], readiness["paired"]) == (30, 30, 22)
    assert figures == {
        "lines": 30, "products": 4, "dropped": {}, "orders": 20, "orders_of_one": 10, "lines_twice": 0,
        "orders_too_big": 0, "unknown_product_lines": 0,
        "complements": 4, "upgrades": 0, "seasonal": 0, "products_with_complements": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("support", "pairs"), [(4, {"ab", "ba", "bc", "cb"}), (5, {"ab", "ba"}), (6, {"ab", "ba"}), (7, set())]
)
def test_fewer_orders_together_than_the_minimum_support_are_noise(support: int, pairs: set[str]) -> None:
    complements, _, _ = mine(HISTORY, FOUR, chosen(min_support=support))
    assert {"".join(pair) for pair in complements} == pairs


@pytest.mark.parametrize(("lift", "pairs"), [(1.5, {"ab", "ba", "bc", "cb"}), (1.51, {"bc", "cb"}), (2.01, set())])
def test_less_than_the_minimum_lift_is_chance(lift: float, pairs: set[str]) -> None:
    complements, _, _ = mine(HISTORY, FOUR, chosen(min_support=4, min_lift=lift))
    assert {"".join(pair) for pair in complements} == pairs


@pytest.mark.parametrize(
    ("certainty", "pairs"),
    [(1.82, {"ab", "ba", "bc", "cb"}), (1.83, {"bc", "cb"}), (2.23, {"bc", "cb"}), (2.24, set())],
)
def test_less_certain_than_asked_for_is_chance(certainty: float, pairs: set[str]) -> None:
    """a and b: (6 - 4) / sqrt(4 * 0.6 * 0.5) = 1.826; b and c: (4 - 2) / sqrt(2 * 0.5 * 0.8) = 2.236."""
    complements, _, _ = mine(HISTORY, FOUR, chosen(min_support=4, min_certainty=certainty))
    assert {"".join(pair) for pair in complements} == pairs


def test_what_everybody_buys_goes_with_nothing() -> None:
    """A bag in every order is together with everything, and says nothing: its lift is 1."""
    complements, _, _ = mine(baskets((10, "a+"), (10, "b+")), shelf("ab+"))
    assert complements == {}


def test_huge_baskets_are_left_out_and_counted() -> None:
    history = baskets((5, "ab"), (7, "abc"), (10, "d"))
    complements, _, figures = mine(history, FOUR, chosen(max_basket=2))
    assert complements["a", "b"].together == 5
    assert complements["a", "b"].orders == 15
    assert figures["orders_too_big"] == 7
    complements, _, figures = mine(history, FOUR, chosen(max_basket=3))
    assert complements["a", "b"].together == 12, "exactly as many as allowed"
    assert figures["orders_too_big"] == 0


def test_a_baskets_size_is_its_different_products_not_its_lines() -> None:
    lines = [*baskets((5, "ab"), (5, "c")), *(bought("0-0", "a") for _ in range(50))]
    complements, _, figures = mine(lines, FOUR, chosen(max_basket=2))
    assert complements["a", "b"].together == 5
    assert figures["orders_too_big"] == 0


def test_what_was_sent_back_is_taken_off_its_order() -> None:
    lines = baskets((8, "ab"), (8, "c"))
    lines += [bought("0-0", "b", -1), bought("0-1", "b", -5), bought("0-2", "b", 3), bought("0-2", "b", -3)]
    complements, _, figures = mine(lines, FOUR)
    assert complements["a", "b"].together == 6
    assert complements["a", "b"].base == 8, "what was kept stays bought"
    assert complements["a", "b"].consequent_orders == 6
    assert figures["dropped"] == {"returns and zero quantities (taken off their order)": 3}


def test_one_of_two_sent_back_is_still_bought() -> None:
    lines = [bought(str(i), "b", 2) for i in range(5)] + [bought(str(i), "b", -1) for i in range(5)]
    lines += [bought(str(i), "a") for i in range(5)] + baskets((5, "c"))
    complements, _, _ = mine(lines, FOUR)
    assert complements["a", "b"].together == 5


def test_an_order_that_was_sent_back_whole_is_no_order() -> None:
    lines = [*baskets((5, "ab"), (5, "c")), bought("x", "a"), bought("x", "a", -1), bought("y", "b", -1)]
    _, _, figures = mine(lines, FOUR)
    assert figures["orders"] == 10


def test_zero_pieces_are_not_bought() -> None:
    complements, _, figures = mine([*baskets((5, "ab"), (5, "c")), bought("z", "a", 0), bought("z", "b")], FOUR)
    assert complements["a", "b"].base == 5
    assert complements["a", "b"].orders == 11
    assert figures["dropped"] == {"returns and zero quantities (taken off their order)": 1}


def test_duplicate_lines_are_one_purchase() -> None:
    once, _, _ = mine(HISTORY, FOUR)
    thrice, _, figures = mine(HISTORY * 3, FOUR)
    assert once == thrice
    assert figures["lines"] == 90


def test_the_order_of_the_lines_does_not_matter() -> None:
    assert mine(reversed(HISTORY), reversed(FOUR)) == mine(HISTORY, FOUR)


def test_no_more_neighbours_than_asked_for_the_strongest_ones() -> None:
    history = baskets((9, "ab"), (8, "ac"), (7, "ad"), (40, "e"))
    complements, _, figures = mine(history, shelf("abcde"), chosen(neighbours=2))
    assert {consequent for antecedent, consequent in complements if antecedent == "a"} == {"b", "c"}
    assert ("d", "a") in complements, "each product has its own"
    assert figures["complements"] == 5


# --- nothing to learn, and what is not to be learned -------------------------------------------------------------


def test_an_empty_history_teaches_nothing() -> None:
    complements, upgrades, figures = mine([], FOUR)
    assert (complements, upgrades) == ({}, {})
    assert (figures["lines"], figures["orders"], figures["products"]) == (0, 0, 4)


def test_an_empty_catalogue_teaches_nothing() -> None:
    complements, upgrades, figures = mine(HISTORY, [])
    assert (complements, upgrades) == ({}, {})
    assert figures["unknown_product_lines"] == len(HISTORY)
    assert figures["orders"] == 0


def test_a_catalogue_with_one_product_teaches_nothing() -> None:
    complements, upgrades, figures = mine(HISTORY, shelf("a", category="Ladder"))
    assert (complements, upgrades) == ({}, {})
    assert figures["orders"] == 8


def test_lines_of_an_unknown_product_are_counted() -> None:
    lines = [*baskets((6, "ab"), (6, "c")), *(bought(f"0-{i}", "ghost") for i in range(6))]
    complements, _, figures = mine(lines, FOUR)
    assert figures["unknown_product_lines"] == 6
    assert set(complements) == {("a", "b"), ("b", "a")}


@pytest.mark.parametrize("ref", ["", "x" * (LONGEST_REF + 1), "nul\0", "\\N"])
def test_an_unusable_reference_is_left_out_and_counted(ref: str) -> None:
    lines = [*baskets((6, "ab"), (6, "c")), bought("0-0", ref), bought(ref, "a")]
    complements, _, figures = mine(lines, [*FOUR, *shelf([ref])])
    assert complements["a", "b"].together == 6
    assert complements["a", "b"].base == 6
    assert figures["dropped"] == {"reference empty, too long or unreadable": 3}
    assert (figures["lines"], figures["products"]) == (18, 4)


def test_a_lone_surrogate_is_an_unusable_reference() -> None:
    """It is no text, so that no database or book could hold it; one of them must not end a whole learning."""
    lines = [*baskets((6, "ab"), (6, "c")), bought("0-0", "\ud800"), bought("\ud800", "a")]
    complements, _, figures = mine(lines, [*FOUR, *shelf(["\ud800"]), Product("e", "E", 1, "EUR", category="\ud800")])
    assert complements["a", "b"].together == 6
    assert figures["dropped"] == {"reference empty, too long or unreadable": 3}


def test_a_reference_as_long_as_allowed_is_learned() -> None:
    long = "x" * LONGEST_REF
    lines = [bought(str(i), ref) for i in range(5) for ref in ("a", long)] + baskets((5, "b"))
    assert ("a", long) in mine(lines, [*FOUR, *shelf([long])])[0]


def test_a_quantity_beyond_reason_is_left_out_and_counted() -> None:
    lines = [*baskets((5, "ab"), (5, "c")), bought("q", "a", 10**9 + 1), bought("q", "b", 10**9)]
    complements, _, figures = mine(lines, FOUR)
    assert complements["a", "b"].base == 5
    assert complements["a", "b"].consequent_orders == 6
    assert figures["dropped"] == {"quantity beyond 10^9": 1}


def test_a_price_beyond_reason_does_not_end_the_learning() -> None:
    complements, upgrades, _ = mine(HISTORY, [*FOUR, *levels({"e": 10**20})])
    assert ("a", "b") in complements
    assert upgrades == {}


def test_a_product_that_is_listed_twice_is_the_first_of_them() -> None:
    lines = baskets((6, "l"), (6, "h"))
    _, upgrades, figures = mine(lines, [*levels({"l": 1000, "h": 1200}), *levels({"h": 900})])
    assert set(upgrades) == {("l", "h")}
    assert figures["dropped"] == {"product listed twice": 1}
    assert figures["products"] == 2


STRANGE = ['qu"ote', "com,ma", "semi;colon", "tab\t", " space ", "NULL", "'", "\\", "\\N x", "#", '""', "a\x1a",
           "ü€漢🦊", "\ufeff", "\u2028", "1e5", "<b>", "%s", '",\\N,"', "\r\n"]  # fmt: skip


@pytest.mark.parametrize("strange", [*STRANGE, "new\nline", "re\rturn", '"\n,', "\n"])
def test_references_and_categories_may_hold_any_character(strange: str) -> None:
    one, other, order = f"one{strange}", f"{strange}other", f"o{strange}o"
    products = [
        Product(one, "One", 1000, "EUR", category=strange), Product(other, "Other", 1200, "EUR", category=strange),
        *shelf("z"),
    ]  # fmt: skip
    lines = [bought(f"{order}{i}", ref) for i in range(5) for ref in (one, other)] + baskets((5, "z"))
    complements, upgrades, figures = mine(lines, products)
    assert set(complements) == {(one, other), (other, one)}
    assert complements[one, other].together == 5
    assert set(upgrades) == {(one, other)}
    assert figures["dropped"] == {}


def test_all_strange_references_at_once() -> None:
    lines = [bought(f"o{i}", ref) for i in range(5) for ref in STRANGE] + baskets((5, "z"))
    complements, _, figures = mine(lines, shelf([*STRANGE, "z"]))
    assert set(complements) == {(one, other) for one in STRANGE for other in STRANGE if one != other}
    assert figures["orders"] == 10


# --- upgrades ----------------------------------------------------------------------------------------------------


def test_upgrades_are_dearer_products_of_the_category_with_their_share() -> None:
    lines = baskets((13, "l"), (7, "h"), (5, "x"), (2, "lh"))
    _, upgrades, figures = mine(lines, [*levels({"l": 1000, "h": 1200}), *levels({"x": 1100}, category="Other")])
    assert set(upgrades) == {("l", "h")}
    found = upgrades["l", "h"]
    # 9 of the 22 orders of the category had it, of 27 in all.
    assert (found.together, found.base, found.consequent_orders, found.orders) == (9, 22, 9, 27)
    assert found.weight == round(9 / 22, 6)
    assert figures["upgrades"] == 1


@pytest.mark.parametrize(
    ("price", "published"), [(1000, False), (1001, True), (1250, True), (1500, True), (1501, False)]
)
def test_upgrades_cost_more_and_up_to_twice_the_gap_is_published(price: int, published: bool) -> None:
    """Twice, so that a wider policy works before the next learning."""
    _, upgrades, _ = mine(baskets((6, "l"), (6, "h")), levels({"l": 1000, "h": price}), chosen(gap_percent=25))
    assert (("l", "h") in upgrades) is published


@pytest.mark.parametrize(("floor", "published"), [(0, False), (249, False), (250, True)])
def test_a_small_difference_is_small_enough(floor: int, published: bool) -> None:
    _, upgrades, _ = mine(baskets((6, "l"), (6, "h")), levels({"l": 500, "h": 1000}), chosen(gap_floor=floor))
    assert (("l", "h") in upgrades) is published


@pytest.mark.parametrize("category", [None, ""])
def test_without_a_category_there_are_no_upgrades(category: str | None) -> None:
    _, upgrades, _ = mine(baskets((6, "l"), (6, "h")), levels({"l": 1000, "h": 1200}, category=category))
    assert upgrades == {}


def test_what_is_rarely_chosen_is_no_upgrade() -> None:
    products = levels({"l": 1000, "h": 1200})
    assert mine(baskets((20, "l"), (4, "h")), products)[1] == {}
    assert set(mine(baskets((20, "l"), (5, "h")), products)[1]) == {("l", "h")}


@pytest.mark.parametrize(("share", "published"), [(0.2, True), (0.21, False)])
def test_too_small_a_share_of_the_category_is_no_upgrade(share: float, published: bool) -> None:
    _, upgrades, _ = mine(baskets((20, "l"), (5, "h")), levels({"l": 1000, "h": 1200}), chosen(min_share=share))
    assert (("l", "h") in upgrades) is published


def test_what_nobody_bought_yet_has_upgrades_too() -> None:
    _, upgrades, _ = mine(baskets((5, "h"), (5, "x")), levels({"new": 1000, "h": 1200, "x": 9999}))
    assert ("new", "h") in upgrades


@pytest.mark.parametrize(("price", "published"), [(8399, False), (8400, True), (12_000, True), (12_001, False)])
def test_the_same_for_longer_saves_up_to_a_third_a_month(price: int, published: bool) -> None:
    """70 % to 100 % of what a month costs now; never the other way round."""
    products = [*levels({"month": 1000}, months=1), *levels({"year": price}, months=12)]
    _, upgrades, _ = mine(baskets(*((6, [ref]) for ref in ("month", "year"))), products)
    assert set(upgrades) == ({("month", "year")} if published else set())


def test_what_was_bought_once_does_not_become_a_contract() -> None:
    products = [*levels({"once": 1000}), *levels({"monthly": 1100}, months=1)]
    assert mine(baskets((6, ["once"]), (6, ["monthly"])), products)[1] == {}


@pytest.mark.parametrize(("price", "published"), [(18_000, True), (18_001, False)])
def test_within_a_period_the_gap_counts(price: int, published: bool) -> None:
    _, upgrades, _ = mine(baskets((6, "y"), (6, "Y")), levels({"y": 12_000, "Y": price}, months=12))
    assert set(upgrades) == ({("y", "Y")} if published else set())


def test_a_free_plan_has_an_upgrade_within_the_floor() -> None:
    products = levels({"f": 0, "b": 499}, months=1)
    history = baskets((6, "f"), (6, "b"))
    assert mine(history, products)[1] == {}
    assert set(mine(history, products, chosen(gap_floor=499))[1]) == {("f", "b")}


def test_at_most_eight_upgrades_those_within_the_gap_first() -> None:
    prices = {"l": 1000, **{f"in{i}": 1101 + i for i in range(7)}, **{f"out{i}": 1400 + i for i in range(3)}}
    counted = {"l": 20, **{f"in{i}": 5 + i for i in range(7)}, **{f"out{i}": 50 + i for i in range(3)}}
    lines = [bought(f"{ref}-{i}", ref) for ref, count in counted.items() for i in range(count)]
    _, upgrades, _ = mine(lines, levels(prices))
    assert {consequent for antecedent, consequent in upgrades if antecedent == "l"} == {
        *(f"in{i}" for i in range(7)),
        "out2",
    }


# --- a run: progress, memory, what it leaves behind ---------------------------------------------------------------


def test_progress_is_told_with_growing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "EVERY", 10)
    told: list[tuple[str, int, int]] = []
    with Mining(HISTORY, FOUR, chosen(), lambda *what: told.append(what)):
        pass
    assert told == [
        ("Reading orders", 10, 0), ("Reading orders", 20, 0), ("Reading orders", 30, 0), ("Reading orders", 30, 30),
        ("Reading products", 4, 4),
        ("Mining baskets", 0, 4), ("Mining complements", 1, 4), ("Mining upgrades", 2, 4), ("Mining seasonal", 3, 4),
        ("Mining done", 4, 4),
    ]  # fmt: skip


@pytest.mark.parametrize("memory", ["nonsense", "", "0", "many GB", "'; DROP TABLE items; --", "99999999999999GB"])
def test_a_nonsense_amount_of_memory_names_the_setting(memory: str) -> None:
    with pytest.raises(LearnError, match="UPSELL_LEARN_MEMORY"):
        mine(HISTORY, FOUR, chosen(memory=memory))


@pytest.mark.parametrize("memory", ["1KB", "0GB"])
def test_too_little_memory_names_the_setting(memory: str) -> None:
    with pytest.raises(LearnError, match="UPSELL_LEARN_MEMORY"):
        mine(HISTORY, FOUR, chosen(memory=memory))


@pytest.mark.parametrize("memory", ["64MB", "1 GiB", "50%"])
def test_amounts_of_memory_that_duckdb_knows(memory: str) -> None:
    assert mine(HISTORY, FOUR, chosen(memory=memory))[2]["orders"] == 20


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go; a quote in its name must not end a statement."""
    folder = tmp_path / "it's temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_everything_temporary_goes_when_the_block_ends(temporary: Path) -> None:
    with Mining(HISTORY, FOUR, chosen(), silent) as mined:
        assert [path.name.startswith("upsell-learn-") for path in temporary.iterdir()] == [True]
        assert not list(temporary.rglob("*.csv")), "what was loaded is not kept twice"
        assert len(list(mined.affinities())) == 2
    assert list(temporary.iterdir()) == []


def test_everything_temporary_goes_when_the_store_fails_halfway(temporary: Path) -> None:
    def lines() -> Iterator[OrderLine]:
        yield from HISTORY
        assert list(temporary.iterdir())
        raise ConnectionError("the store's database went away")

    with pytest.raises(ConnectionError, match="went away"):
        mine(lines(), FOUR)
    assert list(temporary.iterdir()) == []


def test_everything_temporary_goes_when_the_block_fails(temporary: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Mining(HISTORY, FOUR, chosen(), silent):
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []


def test_everything_temporary_goes_when_a_parameter_is_wrong(temporary: Path) -> None:
    with pytest.raises(LearnError):
        mine(HISTORY, FOUR, chosen(memory="nonsense"))
    assert list(temporary.iterdir()) == []


def test_lines_are_streamed_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """When progress is told of 20 lines, no more than 20 were asked of the store."""
    monkeypatch.setattr(mining, "EVERY", 20)
    asked = 0

    def lines() -> Iterator[OrderLine]:
        nonlocal asked
        for line in HISTORY:
            asked += 1
            yield line

    told: list[tuple[int, int]] = []
    with Mining(lines(), FOUR, chosen(), lambda step, done, total: told.append((done, asked))):
        pass
    assert told[0] == (20, 20)


def test_the_stream_of_affinities_can_be_read_twice() -> None:
    with Mining(HISTORY, FOUR, chosen(), silent) as mined:
        assert sorted(map(str, mined.affinities())) == sorted(map(str, mined.affinities()))
        kinds = Counter(kind for kind, _, _ in mined.affinities())
    assert kinds == {Kind.COMPLEMENT: 2}


# --- what the demo's generator plants is what is learned ----------------------------------------------------------

# One consequent's share of the noise: the mean number of noise products over the number of consequents.
NOISE_SHARE = (NOISE[1] + 2 * NOISE[2]) / len({link.consequent for link in PLANTED})
#: Twice the price at once, 50 euros more: beyond any gap, in the demo too.
BEYOND = "ST-0212"
STEPS = [(need, place) for need in NEEDS for place in range(1, len(need.levels)) if need.levels[place] != BEYOND]


@pytest.fixture(scope="module")
def learned() -> tuple[Found, Found, dict[str, Any]]:
    """From the demo's own orders, with the price gap of the demo: its plans are 5 euros a month apart."""
    products = [
        Product(item.ref, item.title, item.price, "EUR", category=item.category, period_months=item.period_months)
        for item in CATALOGUE
    ]
    lines = (
        OrderLine(order.ref, line.product, line.quantity, line.unit_price, order.placed_at, order.customer)
        for order in past_orders()
        for line in order.lines
    )
    return mine(lines, products, Parameters(gap_floor=500))


def near(found: float, expected: float, trials: int) -> bool:
    """Within four standard deviations of a binomial share: one in 16,000 falls outside by chance."""
    return abs(found - expected) <= 4 * sqrt(expected * (1 - expected) / trials)


@pytest.mark.parametrize("link", PLANTED, ids=lambda link: f"{link.antecedent}-{link.consequent}")
def test_what_was_planted_is_what_is_learned(learned: tuple[Found, Found, dict[str, Any]], link: Planted) -> None:
    mined = [affinity for (antecedent, _), affinity in learned[0].items() if antecedent == link.antecedent]
    planted = {each.consequent for each in PLANTED if each.antecedent == link.antecedent}
    best = sorted(mined, key=lambda affinity: -affinity.weight)[: len(planted)]
    assert {affinity.consequent for affinity in best} == planted
    if link.months is None:
        found = next(affinity for affinity in best if affinity.consequent == link.consequent)
        expected = link.probability + (1 - link.probability) * NOISE_SHARE
        assert near(found.confidence, expected, found.base), (found.confidence, expected, found.base)
        assert found.lift > 2


@pytest.mark.parametrize(("need", "place"), STEPS, ids=[f"{need.levels[place]}" for need, place in STEPS])
def test_the_better_level_is_an_upgrade(learned: tuple[Found, Found, dict[str, Any]], need: Need, place: int) -> None:
    found = learned[1][need.levels[place - 1], need.levels[place]]
    category = BY_REF[need.levels[0]].category
    if [BY_REF[other.levels[0]].category for other in NEEDS].count(category) == 1:
        share = TRADE_UP**place * ((1 - TRADE_UP) if place < len(need.levels) - 1 else 1)
        assert near(found.confidence, share, found.base), (found.confidence, share, found.base)


def test_a_plan_changes_its_level_or_its_period(learned: tuple[Found, Found, dict[str, Any]]) -> None:
    plans = {pair for pair in learned[1] if BY_REF[pair[0]].category == "Streaming plans"}
    free, basic, premium, basic_year, premium_year = "ST-0000", "ST-0101", "ST-0201", "ST-0112", BEYOND
    assert plans >= {(free, basic), (basic, premium), (basic, basic_year), (premium, premium_year)}
    assert not plans & {(free, basic_year), (free, premium_year), (basic, premium_year), (premium, basic_year)}
    assert (basic_year, premium_year) not in plans


def test_nothing_leads_back_down_or_across(learned: tuple[Found, Found, dict[str, Any]]) -> None:
    assert learned[1]
    for low, high in learned[1]:
        assert BY_REF[low].category == BY_REF[high].category
        assert BY_REF[low].price < BY_REF[high].price


def test_every_order_of_the_demo_was_used(learned: tuple[Found, Found, dict[str, Any]]) -> None:
    figures = learned[2]
    assert (figures["orders"], figures["products"]) == (6000, len(CATALOGUE))
    assert (figures["dropped"], figures["unknown_product_lines"], figures["orders_too_big"]) == ({}, 0, 0)
