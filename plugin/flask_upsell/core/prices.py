"""The prices that a product had, and which of them a reduction may be measured by.

A "was" price is the lowest of the 30 days before the reduction began, and of the time since: never more than what could
be paid. It is known only if the store's price was seen through all of that time. Anything else is no price: `None`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

import msgspec

#: How long before a reduction its "was" price is looked for.
WINDOW = timedelta(days=30)
#: A price that was not seen again for longer is not known any more: publish at least once a day.
UNSEEN = timedelta(days=2)
#: What has been reduced for longer is not reduced: it costs that.
LONGEST = timedelta(days=90)
#: How far back a book has to know prices.
LOOK_BACK = LONGEST + WINDOW
#: How long prices are kept after they were last seen.
KEEP = timedelta(days=400)
TICK = timedelta(microseconds=1)
LONGEST_REF = 200


class Source(StrEnum):
    """How a price came to be known: the store said that a product changed, the book was published, it was ordered."""

    CHANGED = "changed"
    PUBLISHED = "published"
    ORDERED = "ordered"


class Price(msgspec.Struct, frozen=True, gc=False):
    """One unit's price in minor units of `currency`; `variant` is "" for the product itself."""

    product: str
    variant: str
    currency: str
    price: int


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A price and when it was first and last seen (UTC). `rule`: whose offer it was, "" for the store's own price.

    What was ordered is known of that moment only; the other sources follow the store's own price.
    """

    product: str
    variant: str
    currency: str
    price: int
    since: datetime
    until: datetime
    source: Source
    rule: str = ""

    @property
    def own(self) -> bool:
        return self.source is not Source.ORDERED


class Prices(Protocol):
    """Where prices are kept. One row for each change: a price that is seen again has its row prolonged."""

    def see(self, prices: Iterable[Price], at: datetime, source: Source) -> int:
        """Record the store's own prices as they are; returns how many are new or changed."""

    def order(self, seen: Sequence[Seen], connection: object = None) -> None:
        """Record what was paid, inside the order's transaction if that is given: one row a day for each price."""

    def add(self, seen: Iterable[Seen]) -> None:
        """Write rows as they are: what a store knows of the time before."""

    def history(self, products: Collection[str], since: datetime | None = None) -> dict[str, list[Seen]]:
        """The rows of these products, oldest first, those that ended before `since` left out; unknown ones lack."""

    def tidy(self, before: datetime) -> int:
        """Forget what was last seen before an instant, except each product's last price; returns how many rows."""


class Spell(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A price with the time in which it held, Unix seconds."""

    price: int
    since: int
    until: int
    rule: str = ""


class Past(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product's prices in its currency, as the book knows them: without a gap from `known` until `seen` (Unix
    seconds)."""

    known: int
    seen: int
    spells: tuple[Spell, ...]


def recordable(price: Price | Seen) -> bool:
    """Whether a ledger can hold it; what a store invents beside that is nothing to measure by."""
    try:
        price.product.encode()
        price.variant.encode()
    except UnicodeEncodeError:
        return False
    fits = 0 < len(price.product) <= LONGEST_REF and len(price.variant) <= LONGEST_REF
    return fits and "\0" not in price.product + price.variant and len(price.currency) == 3 and 0 <= price.price < 2**63


def joined(rows: Iterable[Seen]) -> list[Seen]:
    """One row for each change, oldest first: of one variant, currency, price and rule, without a gap between them."""
    found: list[Seen] = []
    last: dict[tuple[object, ...], int] = {}
    for row in sorted(rows, key=lambda row: (row.since, row.until)):
        track = (row.product, row.variant, row.currency, row.price, row.rule) if not row.own else (
            row.product, row.variant, row.currency
        )  # fmt: skip
        at = last.get(track)
        before = found[at] if at is not None else None
        if at is not None and before is not None and before.price == row.price and row.since <= before.until + UNSEEN:
            found[at] = msgspec.structs.replace(before, until=max(before.until, row.until))
        else:
            last[track] = len(found)
            found.append(row)
    return found


def past(rows: Sequence[Seen], currency: str) -> Past | None:
    """What the book says of one product's prices; None when its own price was never seen in this currency."""
    every = joined(row for row in rows if row.currency == currency)
    own = [row for row in every if row.own and not row.variant]
    if not own:
        return None
    known, seen = own[0].since, own[0].until
    for row in own[1:]:
        known = known if row.since <= seen + UNSEEN else row.since
        seen = max(seen, row.until)
    spells = (Spell(row.price, _second(row.since), _second(until, up=True), row.rule) for row, until in _held(every))
    return Past(_second(known, up=True), _second(seen), tuple(spells))


def _held(rows: Sequence[Seen]) -> Iterator[tuple[Seen, datetime]]:
    """Rows and until when their price may have held: until the next one was seen, if that was soon."""
    tracks: dict[str, list[Seen]] = {}
    for row in rows:
        if row.own:
            tracks.setdefault(row.variant, []).append(row)
        else:
            yield row, row.until
    for track in tracks.values():
        for row, following in pairwise(track):
            yield row, max(row.until, min(following.since, row.until + UNSEEN))
        yield track[-1], track[-1].until


def _second(moment: datetime, up: bool = False) -> int:
    """Unix seconds, rounded so that nothing seems to be known for longer, or gone sooner, than it is."""
    exact = (moment.astimezone(UTC) - _EPOCH) / timedelta(seconds=1)
    return int(-(-exact // 1)) if up else int(exact // 1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def known_until(known: Past) -> datetime:
    """From when on nothing can be said, unless the price is seen again."""
    return datetime.fromtimestamp(known.seen, UTC) + UNSEEN


def lowest(known: Past | None, began: datetime, now: datetime, rules: Collection[str] = ()) -> int | None:
    """The lowest price from 30 days before a reduction began until now, but for the reduction itself: what offers of
    its `rules` cost since then. None when the price is not known for all of that time."""
    if known is None or not began <= now < known_until(known) or now - began > LONGEST:
        return None
    first, start, end = _second(began - WINDOW), _second(began), _second(now, up=True)
    if first < known.known:
        return None
    held = [
        spell.price
        for spell in known.spells
        if spell.until >= first and (spell.since < start if spell.rule in rules else spell.since <= end)
    ]
    return min(held, default=None)


def lowest_now(rows: Sequence[Seen], currency: str, now: datetime) -> int | None:
    """The lowest price of the last 30 days, all that was paid included."""
    return lowest(past(rows, currency), now, now)


def differing(lines: Iterable[Price], own: Mapping[tuple[str, str], int]) -> list[Price]:
    """What was paid less than the store's own price, as far as that is known."""
    return [line for line in lines if line.price < own.get((line.product, line.variant), 2**63)]
