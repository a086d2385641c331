"""All that is known of one product."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from ..adapters.catalogue import Found
from ..core.curation import Note
from ..core.named import named
from ..core.ports import Count
from ..core.prices import Seen, joined, lowest_now
from ..core.product import Product
from ..core.rule import Ladder, Rule
from ..offers import Offers
from .catalogue import Catalogue
from .notes import Notes
from .verdicts import Pair, Verdicts

#: How far back prices are shown.
SHOWN = timedelta(days=180)
#: Pairs in each direction.
MOST_PAIRS = 40


class Named(msgspec.Struct, frozen=True):
    """A rule that names the product; `how`: "product", or the "category" or "tag" by which it does."""

    rule: Rule
    how: str
    by: str


class About(msgspec.Struct, frozen=True):
    """`product`: as the store tells it now, None when it does not; `published`: as it was published last. `prices`: the
    store's own and what was paid, oldest first; `lowest`: of the last 30 days, None when that is not known. `leads`:
    what is offered with it, `led`: what it is offered with. `ladders`: (name, steps)."""

    ref: str
    product: Product | None
    published: Found | None
    note: Note
    prices: tuple[Seen, ...]
    lowest: int | None
    leads: tuple[Pair, ...]
    led: tuple[Pair, ...]
    rules: tuple[Named, ...]
    ladders: tuple[tuple[str, tuple[str, ...]], ...]
    counts: tuple[Count, ...]

    @property
    def title(self) -> str:
        return self.product.title if self.product else self.published.title if self.published else self.ref

    @property
    def currency(self) -> str:
        return self.product.currency if self.product else self.published.currency if self.published else ""


class Products:
    """One instance's."""

    def __init__(self, offers: Offers, catalogue: Catalogue, notes: Notes, verdicts: Verdicts) -> None:
        self._offers, self._catalogue, self._notes, self._verdicts = offers, catalogue, notes, verdicts

    def about(self, ref: str) -> About | None:
        """None when neither the store nor anything in here knows it. Raises what the store or the ledger raises."""
        offers = self._offers
        product = next((each for each in offers.store.products([ref]) if each.ref == ref), None)
        published = self._catalogue.named([ref]).get(ref)
        note = self._notes.of(ref)
        pairs, _ = self._verdicts.pairs(products=[ref], most=10 * MOST_PAIRS)
        if product is None and published is None and not pairs and note == Note():
            return None
        now = offers.clock()
        rows = offers.prices.history([ref], now - SHOWN).get(ref, []) if offers.prices is not None else []
        currency = product.currency if product else published.currency if published else ""
        book = offers.rules.load()
        known = product if product is not None or published is None else _as_product(published)
        return About(
            ref,
            product,
            published,
            note,
            tuple(joined(each for each in rows if each.currency == currency and not each.variant)),
            lowest_now(rows, currency, now),
            tuple([each for each in pairs if each.antecedent == ref][:MOST_PAIRS]),
            tuple([each for each in pairs if each.consequent == ref][:MOST_PAIRS]),
            tuple([each for rule in book.rules for each in _names(rule, ref, known, book.ladders)]),
            tuple([(name, steps) for name, steps in book.ladders.items() if ref in steps]),
            tuple(offers.ledger.counts(ref)),
        )


def _names(rule: Rule, ref: str, product: Product | None, ladders: dict[str, tuple[str, ...]]) -> list[Named]:
    """How a rule names it; each way once."""
    category, tags = (product.category or "", product.tags) if product is not None else ("", ())
    found = []
    for what, name in named(rule):
        lies_within = what == "category" and (category == name or category.startswith(name + "/"))
        if (what == "product" and name == ref) or lies_within or (what == "tag" and name in tags):
            found.append(Named(rule, what, name))
    if isinstance(rule.offer, Ladder) and ref in ladders.get(rule.offer.name, ()):
        found.append(Named(rule, "ladder", rule.offer.name))
    return found


def _as_product(found: Found) -> Product:
    return Product(found.ref, found.title, found.price, found.currency, category=found.category or None)
