"""What publishing asks of the desk's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Engine

from .. import faults
from ..core.affinity import Affinities
from ..core.curation import AUTO_APPROVE, NO_NOTE, Note, noted
from ..core.product import Product
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

    def shown(self, leads: Iterable[tuple[str, Affinities]]) -> Iterator[tuple[str, Affinities]]:
        least = self.options.load().get("auto_approve", AUTO_APPROVE)
        verdicts = self.verdicts.load(least if isinstance(least, int) else AUTO_APPROVE)
        # What is only excluded may still be a reason for others.
        sensitive, never = self.notes.sensitive(), self.notes.kept_out()
        for antecedent, found in leads:
            shown = verdicts.shown(antecedent, found, sensitive, never)
            if shown.complements or shown.upgrades:
                yield antecedent, shown


def _said(product: Product | None) -> Note:
    return Note(product.excluded, product.sensitive, product.fits) if product is not None else NO_NOTE
