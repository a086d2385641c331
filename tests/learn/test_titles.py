"""Kinds found from titles: three shops by hand, whatever language, and titles that are none."""

from __future__ import annotations

import math
import random
import tracemalloc
from collections import Counter
from collections.abc import Sequence

import pytest

from flask_upsell.learn.titles import FOUND, WORDS, Titles, supposed, wording
from tests.learn.shops import SHOPS


def shop(name: str, spread: float = 0.35) -> tuple[list[str], list[str], list[int]]:
    """(titles, kinds, prices): each kind has its own price, from which its products differ by about a third."""
    titles, kinds, prices = list[str](), list[str](), list[int]()
    for kind, some in SHOPS[name].items():
        usual = random.Random(kind).gauss(8, 0.9)
        for place, title in enumerate(some):
            titles.append(title)
            kinds.append(kind)
            prices.append(int(math.exp(usual + random.Random(f"{kind}{place}").gauss(0, spread))))
    return titles, kinds, prices


def found(titles: Sequence[str], categories: Sequence[str | None], prices: Sequence[int]) -> list[str | None]:
    return supposed(Titles([wording(title) for title in titles]), categories, prices)


def measured(kinds: Sequence[str | None], true: Sequence[str]) -> tuple[float, float, float]:
    """(placed, precision, recall) of pairs of products that are taken for one kind."""
    both = Counter((one, other) for one, other in zip(kinds, true, strict=True) if one is not None)

    def pairs(counts: Counter[str] | Counter[tuple[str, str]]) -> int:
        return sum(count * (count - 1) // 2 for count in counts.values())

    right = pairs(both)
    taken = pairs(Counter([kind for kind in kinds if kind is not None]))
    placed = sum(kind is not None for kind in kinds) / len(kinds)
    return placed, right / max(1, taken), right / pairs(Counter(true))


@pytest.mark.parametrize("name", SHOPS)
def test_kinds_of_a_shop_without_categories(name: str) -> None:
    titles, true, prices = shop(name)
    kinds = found(titles, [None] * len(titles), prices)
    placed, precision, recall = measured(kinds, true)
    assert placed >= 0.85 <= recall and precision >= 0.95
    assert all(kind is None or kind.startswith(FOUND) for kind in kinds)
    assert min(Counter([kind for kind in kinds if kind is not None]).values()) > 1


@pytest.mark.parametrize("name", SHOPS)
def test_where_others_have_categories_theirs_are_taken(name: str) -> None:
    titles, true, prices = shop(name)
    given = [None if place % 3 == 0 else kind for place, kind in enumerate(true)]
    kinds = found(titles, given, prices)
    asked = [place for place, kind in enumerate(given) if kind is None]
    placed = [place for place in asked if kinds[place] is not None]
    assert all(kinds[place] is None for place in range(len(titles)) if place not in asked)
    assert len(placed) >= 0.5 * len(asked)
    assert sum(kinds[place] == true[place] for place in placed) >= 0.85 * len(placed)


def test_prices_that_say_nothing_make_no_kinds() -> None:
    titles, _, _ = shop("fashion")
    assert found(titles, [None] * len(titles), [1000] * len(titles)) == [None] * len(titles)


def test_the_same_whatever_was_before() -> None:
    titles, _, prices = shop("grocery")
    first = found(titles, [None] * len(titles), prices)
    assert first == found(titles, [None] * len(titles), prices)
    # Another order of the catalogue gives other names to the same kinds.
    order = random.Random(1).sample(range(len(titles)), len(titles))
    other = found([titles[at] for at in order], [None] * len(titles), [prices[at] for at in order])
    groups = {frozenset(at for at in range(len(titles)) if first[at] == kind) for kind in set(first) - {None}}
    again = {frozenset(order[at] for at in range(len(titles)) if other[at] == kind) for kind in set(other) - {None}}
    assert groups == again


def test_what_is_dearer_of_all_kinds_divides_none_of_them() -> None:
    """Planted bug that it shows: any word that tells the price divides, so that "organic" is never a step up."""
    dice, titles, true, prices = random.Random(2), list[str](), list[str](), list[int]()
    for number in range(1200):
        kind, dear = f"thing{chr(97 + number % 40 // 8)}{chr(97 + number % 8)}", dice.random() < 0.3
        titles.append(f"Organic {kind}" if dear else kind)
        true.append(kind)
        prices.append(int(math.exp(5 + number % 40 / 8 + (0.4 if dear else 0) + dice.gauss(0, 0.1))))
    assert measured(found(titles, [None] * 1200, prices), true) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Nova X1 Case / 2 Pack, 500 ml", "nova case #pack #ml"),
        ("Pack of 2 pack, 2 pack", "pack of"),
        ("CAFFÈ Macinato", "caffe macinato"),
        ("Straße", "strasse"),
        ("緑茶ティーバッグ", "緑茶 茶テ ティ ィー ーハ ハッ ック"),
        ("חולצה לבנה", "חולצה לבנה"),
        ("หูฟัง", "หฟ ฟง"),
        ("हिन्दी चाय", "हनद चय"),
        ("", ""), ("x", ""), ("🦊🦊", ""), ("12345 67", ""), ("---", ""), ("\ud800", ""), ("a b c", ""),
    ],
)  # fmt: skip
def test_words_of_any_title(title: str, words: str) -> None:
    assert wording(title) == words


def test_long_titles_are_read_at_their_beginning_and_brands_not_at_all() -> None:
    assert len(wording(" ".join(f"word{chr(97 + at % 26)}{chr(97 + at // 26)}" for at in range(600))).split()) == WORDS
    assert len(wording("y" * 10_000)) <= 400
    assert wording("Rook denim shirt", "ROOK") == "denim shirt"


def test_odd_titles_are_of_no_kind_and_disturb_nobody() -> None:
    titles, true, prices = shop("electronics")
    odd = ["", "x", "🦊" * 50, "1234", "y" * 10_000, "عربي", "—"]
    alone = found(titles, [None] * len(titles), prices)
    kinds = found([*titles, *odd], [None] * (len(titles) + len(odd)), [*prices, *[1000] * len(odd)])
    assert kinds[len(titles) :] == [None] * len(odd)
    assert measured(kinds[: len(titles)], true)[1] >= 0.95 <= measured(alone, true)[1]
    assert found(odd, [None] * len(odd), [0] * len(odd)) == [None] * len(odd)
    assert found(odd, ["Tea"] * 3 + [None] * 4, [0] * len(odd)) == [None] * len(odd)
    assert found([], [], []) == []


def test_a_word_of_every_title_joins_nothing() -> None:
    titles = [f"The thing number {each}" for each in range(50)]
    assert found(titles, [None] * 50, [1000 + each for each in range(50)]) == [None] * 50


def test_memory_is_bounded() -> None:
    """A thousand bytes a product at most, however often words are used."""
    dice = random.Random(5)
    names = ["".join(dice.choices("abcdefgh", k=5)) for _ in range(2000)]
    words = [" ".join(names[int(2000 * dice.random() ** 3)] for _ in range(6)) for _ in range(6000)]
    given = [f"c{dice.randrange(300)}" if dice.random() < 0.5 else None for _ in words]
    prices = [dice.randrange(100, 10_000) for _ in words]
    for categories in (given, [None] * len(words)):
        tracemalloc.start()
        supposed(Titles(words), categories, prices)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # What is looked at together takes the same whatever the number of products.
        assert peak < 6000 * 1000 + 150 * 2**20
