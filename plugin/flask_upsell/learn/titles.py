"""Kinds of products that have no category, found from their titles and prices. Nothing of it is ever shown.

Words are weighed by how seldom they are (TF-IDF). Where other products have categories, a product gets the one whose
titles are like its own, on the average of them, and clearly more so than any other's; that was right more often than
a vote of the nearest titles. Where there are none, kinds are words that tell the price: "shirt" does, "blue" does not.
A kind is divided by further words where they tell more. All is the same whenever titles and prices are the same.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: A kind that no store's category is named like (U+001F); its number follows.
FOUND = "\x1f"
#: A word after a number ("500 g"), in a product's words.
AFTER = "#"
#: Of a title so many characters are read, and so many words kept.
CHARACTERS, WORDS = 400, 20
WORD = re.compile(r"[^\W_]+")
#: Scripts without spaces between words: two neighbours are a word.
UNSPACED = re.compile("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+)")
#: A word of more than a quarter of the titles joins everything.
COMMON = 0.25
#: Categories say what kinds there are when a fifth of the products have one.
ENOUGH = 0.2
#: A category is described by so many words, and a word leads to so many categories.
DESCRIBED, LED = 20, 200
#: How like a category's titles one's own must be, and how much more than any other's.
LIKE, CLEARLY = 0.2, 1.3
#: The fewest products of a word that is a kind, and those of a part of one.
FEWEST, PART = 3, 4
#: A kind's word tells the price (log-likelihood): more than its own average and spread take. A part's word does so
#: surely, and is not used everywhere ("organic", "pro": of all kinds the dearer ones), or is hardly used elsewhere.
TELLING, SURELY, HERE, OWN = 2.0, 4.0, 0.05, 0.3
#: Prices of a few products are taken to be as spread as all are: as much as so many more products.
SHRUNK = 3.0
#: Pairs of words and categories that are looked at together.
AT_ONCE = 2_000_000


def wording(title: str, brand: str | None = None) -> str:
    """The words of a title that may tell its kind, with spaces between: neither numbers nor the brand's."""
    own = set(_words(brand)) if brand else set()
    found, number = dict[str, str](), False
    for word in _words(title):
        if any(map(str.isdigit, word)):
            number = not any(map(str.isalpha, word))
            continue
        if len(word) > 1 and word not in own:
            found.setdefault(word, AFTER + word if number else word)
        number = False
        if len(found) == WORDS:
            break
    return " ".join(found.values())


def _words(text: str) -> Iterator[str]:
    text = text[:CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join([each for each in text if not unicodedata.category(each).startswith("M")])
    for word in WORD.findall(text.casefold()):
        if word.isascii():
            yield word
            continue
        for place, piece in enumerate(UNSPACED.split(word)):
            if place % 2 and len(piece) > 1:
                yield from (piece[at : at + 2] for at in range(len(piece) - 1))
            elif piece:
                yield piece


class Titles:
    """Of each product the numbers of its words, without those that follow numbers more often than not ("g", "pack")."""

    def __init__(self, wordings: Iterable[str | None]) -> None:
        import numpy as np

        numbers, flat, after, ends = dict[str, int](), array("i"), array("b"), array("q", [0])
        for each in wordings:
            for word in (each or "").split():
                counted = word.startswith(AFTER)
                flat.append(numbers.setdefault(word.removeprefix(AFTER), len(numbers)))
                after.append(counted)
            ends.append(len(flat))
        words, size = np.array(flat, dtype=np.int64), len(numbers)
        measured = np.bincount(words, weights=np.array(after), minlength=size)
        kept = measured[words] * 2 <= np.bincount(words, minlength=size)[words] if size else np.zeros(0, dtype=bool)
        self.words: Ints = words[kept]
        self.ends: Ints = np.concatenate([[0], np.cumsum(kept)])[np.array(ends)]
        self.size, self.products = size, len(ends) - 1
        self.used: Ints = np.bincount(self.words, minlength=size)

    def of(self, products: Ints) -> tuple[Ints, Ints]:
        """(places in `products`, words), one for each word of each of them."""
        import numpy as np

        lengths = self.ends[products + 1] - self.ends[products]
        return np.repeat(np.arange(len(products)), lengths), self.words[_spans(self.ends[products], lengths)]


def supposed(titles: Titles, categories: Sequence[str | None], prices: Sequence[int]) -> list[str | None]:
    """A kind for each product without a category, None where there is none: before orders are asked."""
    import numpy as np

    found: list[str | None] = [None] * titles.products
    open_ = np.array([each is None for each in categories], dtype=bool)
    if not open_.any() or not titles.size:
        return found
    if (~open_).sum() >= ENOUGH * titles.products:
        names = sorted({each for each in categories if each is not None})
        numbers = {name: number for number, name in enumerate(names)}
        given = np.array([-1 if each is None else numbers[each] for each in categories], dtype=np.int64)
        for product, number in _nearest(titles, given, len(names)):
            found[product] = names[number]
    else:
        for kind in _divided(titles, np.flatnonzero(open_), np.log(np.maximum(np.array(prices, dtype=float), 1))):
            for product in kind.tolist():
                found[product] = f"{FOUND}{kind[0]}"
    return found


# --- by the categories of others -------------------------------------------------------------------------------------


def _nearest(titles: Titles, given: Ints, number: int) -> Iterator[tuple[int, int]]:
    """(product, category) of those that are clearly like one."""
    import numpy as np

    rarity = np.log(1 + titles.products / np.maximum(titles.used, 1))
    rarity[titles.used > max(COMMON * titles.products, FEWEST)] = 0
    category, word, weight = _described(titles, given, number, rarity)
    # By words, the strongest first.
    order = np.lexsort((category, -weight, word))
    category, word, weight = category[order], word[order], weight[order]
    begins = np.searchsorted(word, np.arange(titles.size))
    lengths = np.minimum(np.searchsorted(word, np.arange(titles.size), "right") - begins, LED)
    asked = np.flatnonzero(given < 0)
    step = max(1, AT_ONCE // (WORDS * LED))
    for start in range(0, len(asked), step):
        some = asked[start : start + step]
        place, words = titles.of(some)
        share = _shares(place, rarity[words], len(some))
        times, at = lengths[words], _spans(begins[words], lengths[words])
        keys, where = np.unique(np.repeat(place, times) * number + category[at], return_inverse=True)
        like = np.round(np.bincount(where, np.repeat(share, times) * weight[at], len(keys)), 6)
        row, kind = keys // number, keys % number
        best = np.lexsort((kind, -like, row))
        row, kind, like = row[best], kind[best], like[best]
        first = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.zeros(0, dtype=np.int64)
        second = np.zeros(len(first))
        more = np.flatnonzero(np.r_[first[1:], len(row)] - first > 1)
        second[more] = like[first[more] + 1]
        sure = first[(like[first] >= LIKE) & (like[first] >= CLEARLY * second)]
        yield from zip(some[row[sure]].tolist(), kind[sure].tolist(), strict=True)


def _described(titles: Titles, given: Ints, number: int, rarity: Floats) -> tuple[Ints, Ints, Floats]:
    """(category, word, weight): the words that describe each category most, weighed to a length of one."""
    import numpy as np

    known = np.flatnonzero(given >= 0)
    place, words = titles.of(known)
    share = _shares(place, rarity[words], len(known))
    keys, where = np.unique(given[known][place] * titles.size + words, return_inverse=True)
    weight = np.bincount(where, share, len(keys))
    category, word = keys // titles.size, keys % titles.size
    order = np.lexsort((word, -np.round(weight, 6), category))
    category, word, weight = category[order], word[order], weight[order]
    first = np.arange(len(category)) - np.searchsorted(category, category) < DESCRIBED
    category, word, weight = category[first], word[first], weight[first]
    return category, word, _shares(category, weight, number)


def _shares(place: Ints, weights: Floats, number: int) -> Floats:
    """The weights of each place, to a length of one."""
    import numpy as np

    length = np.sqrt(np.bincount(place, weights * weights, number))
    return weights / np.maximum(length, 1e-12)[place]


# --- by words that tell the price ------------------------------------------------------------------------------------


def _divided(titles: Titles, products: Ints, prices: Floats) -> Iterator[Ints]:
    """The products of each kind, in their order; a product is of one kind or none."""
    import numpy as np

    usual = max(COMMON * len(products), FEWEST)
    used = np.bincount(titles.of(products)[1], minlength=titles.size)
    some = [part for part, word in _by_word(titles, products, prices, None, FEWEST, usual) if word >= 0]
    while some:
        kind = some.pop()
        rest = [kind]
        if len(kind) >= 2 * PART:
            parts = [each for each, word in _by_word(titles, kind, prices, used, PART, len(kind) - 1) if word >= 0]
            large = [each for each in parts if len(each) >= PART]
            left = np.setdiff1d(kind, np.concatenate(large)) if large else kind
            if large and len(large[0]) < len(kind):
                some += large
                rest = [left]
        yield from (each for each in rest if len(each) > 1)


def _by_word(
    titles: Titles, products: Ints, prices: Floats, used: Ints | None, fewest: int, most: float
) -> Iterator[tuple[Ints, int]]:
    """(products, word): each has the word that tells most of its price; -1 where there is none. `used`, for parts
    of a kind: how often each word is used at all."""
    import numpy as np

    place, words = titles.of(products)
    price = prices[products] - prices[products].mean()
    spread = float(np.square(price).mean())
    names, where, times = np.unique(words, return_inverse=True, return_counts=True)
    total = np.bincount(where, price[place], len(names))
    squares = np.bincount(where, np.square(price)[place], len(names))
    # The likelihood of prices that are a word's own against those of all, with as much doubt as there are few.
    inner = (np.maximum(squares - total * total / np.maximum(times, 1), 0) + SHRUNK * spread) / (times + SHRUNK)
    tells = times / 2 * np.log(max(spread, 1e-12) / np.maximum(inner, 1e-12)) if spread > 1e-9 else times * 0.0
    if used is None:
        can, score = tells >= TELLING, tells
    else:
        share = times / np.maximum(used[names], 1)
        can, score = (share >= OWN) | ((share >= HERE) & (tells >= SURELY)), np.maximum(tells, 0) + times / 1000
    can &= (times >= fewest) & (times <= most)
    score = np.where(can, np.round(score, 6), -1.0)
    best = np.full(len(products), -1, dtype=np.int64)
    order = np.lexsort((names[where], -score[where], place))
    first = order[np.flatnonzero(np.r_[True, place[order][1:] != place[order][:-1]])] if len(order) else order
    first = first[can[where[first]]]
    best[place[first]] = names[where[first]]
    by = np.argsort(best, kind="stable")
    edges = np.flatnonzero(np.r_[True, best[by][1:] != best[by][:-1]]) if len(by) else by
    for part in np.split(by, edges[1:]):
        if len(part):
            yield products[part], int(best[part[0]])


def _spans(begins: Ints, lengths: Ints) -> Ints:
    """begins[0], begins[0] + 1, … lengths[0] of them, then those of the next."""
    import numpy as np

    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - ends + lengths, lengths)
