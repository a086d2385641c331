"""What publishing asks of the desk's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import Engine

from .. import faults
from ..core.affinity import NONE, Affinities
from ..core.curation import AUTO_APPROVE, NO_NOTE, Note, noted
from ..core.lessons import Lead
from ..core.product import Product
from ..core.taste import Bought, Habits, Learned
from .assortment import SQLAssortment
from .audit import SQLAudit
from .catalogue import SQLCatalogue
from .notes import SQLNotes
from .options import SQLOptions
from .verdicts import SQLVerdicts


class SQLCuration:
    """See core.curation.Curation."""

    def __init__(self, engine: Engine, instance: str, audit: SQLAudit) -> None:
        self.search = SQLCatalogue(engine, instance)
        self.notes, self.verdicts = SQLNotes(engine, instance, audit), SQLVerdicts(engine, instance, audit)
        self.options = SQLOptions(engine, instance, audit)
        self.assortment = SQLAssortment(engine, instance, audit)

    def catalogue(self, products: Iterable[Product]) -> Iterator[Product]:
        imported = {product.ref: product for product in self.assortment.all()}
        for product in products:
            imported.pop(product.ref, None)
            yield product
        yield from imported.values()

    def published(self, products: Iterable[Product]) -> Iterator[Product]:
        notes = self.notes.all()
        for product in self.search.kept(products):
            yield noted(product, notes.get(product.ref, NO_NOTE))

    def changed(self, products: Sequence[Product], live: Mapping[str, Product]) -> list[Product]:
        try:
            self.search.change(products)
        except Exception as error:
            faults.note("search", "the search is not up to date: %s: %s", type(error).__name__, error)
        try:
            notes = self.notes.of([product.ref for product in products])
        except Exception as error:  # what was said before holds
            faults.note("notes", "what is said of products is not known: %s: %s", type(error).__name__, error)
            notes = {ref: _said(live.get(ref)) for ref in [product.ref for product in products]}
        return [noted(product, notes.get(product.ref, NO_NOTE)) for product in products]

    def shown(self, leads: Iterable[tuple[str, Lead]]) -> Iterator[tuple[str, Affinities]]:
        verdicts = self.verdicts.load(self._least())
        # What is only excluded may still be a reason for others.
        sensitive, never = self.notes.sensitive(), self.notes.kept_out()
        waiting = set(verdicts.said)
        for antecedent, found in leads:
            waiting.discard(antecedent)
            shown = verdicts.shown(antecedent, found, sensitive, never)
            if shown != NONE:
                yield antecedent, shown
        for antecedent in sorted(waiting):
            shown = verdicts.shown(antecedent, Lead(NONE), sensitive, never)
            if shown != NONE:
                yield antecedent, shown

    def fit(self, learned: Learned) -> Learned:
        sensitive, out = self.notes.sensitive(), self.notes.kept_out()
        model = learned.model
        popular = tuple([each for each in model.popular if each[0] not in out])
        model = msgspec.structs.replace(model, popular=popular, strict=model.strict or self._least() > 0)
        crowd, habits = learned.crowd, learned.habits
        if sensitive:
            crowd = ((number, _bought_without(each, sensitive)) for number, each in crowd)
            habits = ((name, _habits_without(each, sensitive)) for name, each in habits)
        return Learned(model, crowd, habits, learned.learning)

    def _least(self) -> int:
        least = self.options.load().get("auto_approve", AUTO_APPROVE)
        return least if isinstance(least, int) else AUTO_APPROVE


def _bought_without(bought: Bought, refs: frozenset[str]) -> Bought:
    return Bought(tuple([each for each in bought.items if each[0] not in refs]))


def _habits_without(habits: Habits, refs: frozenset[str]) -> Habits:
    left = [(at, tuple([ref for ref in basket if ref not in refs])) for at, basket in habits.baskets]
    orders = {ref: orders for ref, orders in habits.orders.items() if ref not in refs}
    # What all orders say together cannot be told apart into what it was made of.
    if len(orders) < len(habits.orders):
        return Habits(tuple([each for each in left if each[1]]), orders)
    return msgspec.structs.replace(habits, drawn=tuple([each for each in habits.drawn if each[0] not in refs]))


def _said(product: Product | None) -> Note:
    return Note(product.excluded, product.sensitive, product.fits) if product is not None else NO_NOTE
