"""What is likely bought next: everything that a page and a shopper's past say of a product, added up to one score.

Each signal is the logarithm of a share, and the score that of a conditional logit whose weights are learned
(`learn.fit`). The same code scores in the shop and while learning, so what is served is what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import nlargest
from itertools import accumulate
from math import exp, log, sqrt
from operator import mul

import msgspec

from .affinity import Affinities

DAY = 86_400
#: Half-lives (days) of how often a shopper buys something, and of what an order of theirs says about this one.
RECENT, SIMILAR = 60.0, 180.0
#: What keeps logarithms finite: the smallest share worth telling apart from none.
LEAST = 0.003
#: How many customers who buy alike are asked. Two must agree on a product: nobody's own habits are told.
ASKED, AGREE = 60, 2
#: At most so much is the word of one customer, and so sharply do they differ.
ONE_VOICE, SHARPNESS = 1 / 3, 0.6
#: The logarithm of the smallest share of what is said that is told from none.
FAINT = -60.0
#: So many orders of a shopper are looked at, the last ones.
KEPT = 80
#: Lines of the whole shop that are added to a customer's own.
CROWD = 100.0

SIGNALS = ("popular", "cart", "pairs", "alike", "lately", "similar", "new", "ago", "often", "due", "drawn")
#: What is said of the rhythm ("ago", "often", "due") of a product that a shopper never bought: as of one bought long
#: ago, and it is not due. And how due one is that was bought once.
NEVER, ONCE = (4.5, -1.0, 2.0), 1.0
#: The weight towards a product that is worth telling from none, of all that a shopper bought.
DRAWN = 0.01
#: How large the cart is, how much of it the shopper bought before, and how many orders of theirs are known.
PAGE = ("size", "familiar", "orders")
#: Candidates that are looked at, of each kind.
MOST = 60
#: What is further from the usual (in spreads) than this is taken for that far: nothing was learned out there.
FAR = 3.0
#: One candidate's signals, in the order of SIGNALS.
Signals = tuple[float, ...]


class Weights(msgspec.Struct, frozen=True, dict=True):
    """A logit of second order: of the signals in `uses`, centred by `mean` and divided by `spread`, each one, each two
    multiplied (`pairs`: the first with itself, with the second, …), and each one multiplied with what is known of the
    whole page (`page`, centred too: a row for each of PAGE).
    """

    uses: tuple[int, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    single: tuple[float, ...]
    pairs: tuple[float, ...] = ()
    page: tuple[tuple[float, ...], ...] = ()
    page_mean: tuple[float, ...] = ()
    page_spread: tuple[float, ...] = ()

    @cached_property
    def _scaling(self) -> list[tuple[int, float, float]]:
        return list(zip(self.uses, self.mean, self.spread, strict=True))

    @cached_property
    def _products(self) -> list[tuple[int, int, float]]:
        number = len(self.uses)
        places = [(one, other) for one in range(number) for other in range(one, number)]
        return [(one, other, weight) for (one, other), weight in zip(places, self.pairs, strict=False) if weight]

    def scored(self, found: Sequence[tuple[str, Signals]], page: Sequence[float]) -> list[tuple[float, str]]:
        """(score, product), the best first. Ties by reference, so that a decision never flickers."""
        if self.pairs:
            scores = self._second_order(found, page)
        else:
            first = [
                (use, weight / size) for use, weight, size in zip(self.uses, self.single, self.spread, strict=True)
            ]
            scores = [(-sum([weight * each[use] for use, weight in first]), ref) for ref, each in found]
        scores.sort()
        return [(-score, ref) for score, ref in scores]

    def _second_order(self, found: Sequence[tuple[str, Signals]], page: Sequence[float]) -> list[tuple[float, str]]:
        """(minus the score, product), in any order."""
        single, most, least = list(self.single), FAR, -FAR
        for row, value, mean, size in zip(self.page, page, self.page_mean, self.page_spread, strict=True):
            far = min(max((value - mean) / size, least), most)
            single = [weight + far * more for weight, more in zip(single, row, strict=True)]
        products, scaling, scores = self._products, self._scaling, list[tuple[float, str]]()
        for ref, each in found:
            z = [
                value if least < (value := (each[use] - mean) / size) < most else most if value > 0 else least
                for use, mean, size in scaling
            ]
            score = sum(map(mul, single, z)) + sum([weight * z[one] * z[other] for one, other, weight in products])
            scores.append((-score, ref))
        return scores


class Model(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """Weights of the signals, for shoppers whose past orders are `known` and for others; these are used for everybody
    where it is not `personal`: too few past orders were there to learn from.

    `orders` and `lines` of the history it was learned from; `popular`: the most bought products with their orders.
    `crowd`: for each customer who may be asked, how many lines they bought.
    """

    known: Weights
    unknown: Weights
    orders: int
    lines: int
    popular: tuple[tuple[str, int], ...] = ()
    crowd: tuple[int, ...] = ()
    strict: bool = False  # only what a product of the cart leads to is offered
    personal: bool = True

    @cached_property
    def apart(self) -> tuple[tuple[float, float], ...]:
        """For each of the crowd: what each product that they never bought says of them, and how much they buy."""
        whole = sum(self.crowd) + 1
        return tuple([(log(CROWD / (lines + CROWD)), log((lines + 1) / whole)) for lines in self.crowd])


class Bought(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What one of the crowd bought: (product, how often, orders of it altogether), the most telling first."""

    items: tuple[tuple[str, int, int], ...] = ()


class Habits(msgspec.Struct, frozen=True, dict=True, omit_defaults=True):
    """A shopper's past orders, the newest first: (Unix time, products); `orders`: how many orders each product is in,
    of all shoppers; `taste`: which way what they own points (core.leaning), if that is known; `drawn`: what all these
    orders speak for most, and how much, the first most (learn.drawn)."""

    baskets: tuple[tuple[int, tuple[str, ...]], ...] = ()
    orders: dict[str, int] = {}
    taste: bytes = b""
    drawn: tuple[tuple[str, float], ...] = ()

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """In which of the baskets each product is."""
        found: dict[str, list[int]] = {}
        for place, (_, refs) in enumerate(self.baskets):
            for ref in refs:
                found.setdefault(ref, []).append(place)
        return found

    @cached_property
    def _faded(self) -> tuple[float, dict[str, float]]:
        """What the orders weigh together and each product, as of the newest one."""
        whole, each = 0.0, dict.fromkeys(self.places, 0.0)
        newest = self.baskets[0][0] if self.baskets else 0
        for at, refs in self.baskets:
            weight = 0.5 ** ((newest - at) / DAY / RECENT)
            whole += weight
            for ref in refs:
                each[ref] += weight
        return whole, each

    @cached_property
    def _sizes(self) -> dict[int, float]:
        """How much each basket tells, as far as that was asked for."""
        return {}

    def telling(self, ref: str, orders: int) -> float:
        """How much a product tells: little when everybody buys it."""
        return max(0.1, log(orders / (self.orders.get(ref, 0) + 1)))

    def lately(self, now: float) -> dict[str, float]:
        """For each product the share of these orders with it, of which older ones count less."""
        if not self.baskets:
            return {}
        whole, each = self._faded
        age = 0.5 ** (max(0.0, now - self.baskets[0][0]) / DAY / RECENT)
        return {ref: weight * age / (whole * age + 1) for ref, weight in each.items()}

    def rhythm(self, ref: str, now: float) -> tuple[float, float, float]:
        """Logarithms for one product: how many orders ago it was bought last, how often, and how long ago that is,
        beside the time between two purchases."""
        places = self.places.get(ref)
        if places is None:
            return NEVER
        last, times = self.baskets[places[0]][0], len(places)
        due = ONCE
        if times > 1:
            between = (last - self.baskets[places[-1]][0]) / DAY / (times - 1)
            due = log(max(0.0, now - last) / DAY + 1) - log(between + 1)
        return log(places[0] + 1), log(times), due

    @cached_property
    def pull(self) -> tuple[dict[str, float], float]:
        """How much a product of `drawn` is spoken for, and what any other may be at most: half of the last one."""
        return dict(self.drawn), self.drawn[-1][1] / 2 if self.drawn else 0.0

    def similar(self, told: Mapping[str, float], now: float, orders: int) -> dict[str, float]:
        """For each product the share of those orders with it that look like this cart: how much each product of it
        tells is in `told`."""
        overlaps: dict[int, float] = {}
        for ref, much in told.items():
            for place in self.places.get(ref, ()):
                overlaps[place] = overlaps.get(place, 0.0) + much**2
        length = sqrt(sum([each**2 for each in told.values()])) or 1.0
        whole, found = 0.3, dict[str, float]()
        for place, overlap in overlaps.items():
            at, refs = self.baskets[place]
            size = self._sizes.get(place)
            if size is None:
                size = self._sizes[place] = sqrt(sum([self.telling(ref, orders) ** 2 for ref in refs])) or 1.0
            weight = (overlap / size / length) ** 3 * 0.5 ** (max(0.0, now - at) / DAY / SIMILAR)
            whole += weight
            for ref in refs:
                found[ref] = found.get(ref, 0.0) + weight
        return {ref: weight / whole for ref, weight in found.items()}


NOTHING = Habits()
NOBODYS: Mapping[str, Habits] = {}


class Learned(msgspec.Struct, frozen=True):
    """What is published beside the pairs: how they are weighed, and whose orders say more.

    `crowd` by number, `habits` by a customer's pseudonym; both may be streams.
    """

    model: Model
    crowd: Iterable[tuple[str, Bought]] = ()
    habits: Iterable[tuple[str, Habits]] = ()
    learning: str = ""  # which one, where it is kept (core.lessons)


def signals(
    cart: Mapping[str, Affinities],
    model: Model,
    crowd: Mapping[str, Bought],
    habits: Habits = NOTHING,
    now: float = 0.0,
) -> Iterator[tuple[str, Signals]]:
    """Each candidate with its signals. `cart`: what each of its products leads to; `crowd`: the customers whom `voices`
    names; `now` in Unix time."""
    refs = sorted(cart)
    weights, shares, orders = dict[str, float](), dict[str, float](), dict(model.popular)
    told: dict[str, float] = {}
    for ref in refs:
        leads = cart[ref]
        for to, weight, share, bought in leads.links:
            if to in weights:
                weights[to] += weight
                shares[to] += share
            else:
                weights[to], shares[to], orders[to] = weight, share, bought
        told[ref] = max(0.1, log(model.orders / (leads.base + 1)))
    found, rest = dict[str, float](), 0.0
    lately, similar = dict[str, float](), dict[str, float]()
    if habits.baskets:
        orders.update(habits.orders)
        lately, similar = habits.lately(now), habits.similar(told, now, model.orders)
    else:
        found, rest = _agreed(voices(cart, model), model, crowd, orders)
    chosen = {ref for ref, _ in model.popular}
    for some, most in ((weights, MOST), (shares, MOST // 2), (lately, MOST), (similar, MOST // 2), (found, MOST)):
        chosen.update(some if len(some) <= most else nlargest(most, some, key=some.__getitem__))
    number, thin = len(refs) or 1, LEAST / 10
    drawn, faint = habits.pull
    for ref in chosen:
        if ref in cart:
            continue
        bought, own = orders[ref], lately.get(ref)
        ago, often, due = NEVER if own is None else habits.rhythm(ref, now)
        yield (
            ref,
            (
                log(bought + 1),
                log(max(weights.get(ref, 0.0), 0.0) + LEAST),
                log(shares.get(ref, 0.0) / number + thin),
                log(found.get(ref, 0.0) + rest * (bought + 0.5) / model.lines + 1e-8) if rest else 0.0,
                log((own or 0.0) + LEAST),
                log(similar.get(ref, 0.0) + LEAST),
                1.0 if own is None else 0.0,
                ago,
                often,
                due,
                log(drawn.get(ref, faint) + DRAWN) if drawn else 0.0,
            ),
        )


def page(cart: Mapping[str, Affinities], habits: Habits = NOTHING) -> tuple[float, float, float]:
    """What is known of the page as a whole: see PAGE."""
    before = habits.places
    return (
        log(len(cart) + 1),
        sum([ref in before for ref in cart]) / (len(cart) or 1),
        log(len(habits.baskets) + 1),
    )


def voices(cart: Mapping[str, Affinities], model: Model) -> list[tuple[int, float]]:
    """The customers whose orders look most like this cart, with how much each is asked: together 1, less when they are
    too few for that."""
    likely: dict[int, float] = {}
    for ref in sorted(cart):
        for who, weight in cart[ref].buyers:
            likely[who] = likely.get(who, 0.0) + weight
    if not likely:
        return []
    apart, number = model.apart, len(cart)
    ranked = nlargest(
        ASKED, [(SHARPNESS * (weight + number * apart[who][0]) + apart[who][1], who) for who, weight in likely.items()]
    )
    # Whoever is asked says something, however little.
    parts = [exp(max(each - ranked[0][0], FAINT)) for each, _ in ranked]
    # From the loudest down: what is taken off one of them is said by those who come after.
    asked, left = list[tuple[int, float]](), 1.0
    for (_, who), part, rest in zip(ranked, parts, list(accumulate(reversed(parts)))[::-1], strict=True):
        asked.append((who, min(part / rest * left, ONE_VOICE)))
        left -= asked[-1][1]
    return asked


def _agreed(
    asked: Sequence[tuple[int, float]], model: Model, crowd: Mapping[str, Bought], orders: dict[str, int]
) -> tuple[dict[str, float], float]:
    """What those asked buy, of which at least two of them do: its share of their lines. Also what the shop adds."""
    once, agreed = dict[str, float](), dict[str, float]()
    rest = (1 - sum([part for _, part in asked])) * CROWD / (CROWD + 1)
    for who, part in asked:
        each = part / (model.crowd[who] + CROWD)
        rest += each * CROWD
        bought = crowd.get(str(who))
        for ref, times, altogether in bought.items if bought is not None else ():
            if ref in agreed:
                agreed[ref] += each * times
            elif ref in once:
                agreed[ref] = once[ref] + each * times
                orders.setdefault(ref, altogether)
            else:
                once[ref] = each * times
    return agreed, rest
