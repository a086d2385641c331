"""What publishing asks of the desk's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Engine

from .. import faults
from ..core.affinity import Affinities
from ..core.product import Product
from .catalogue import SQLCatalogue


class SQLCuration:
    """See core.curation.Curation."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.catalogue = SQLCatalogue(engine, instance)

    def published(self, products: Iterable[Product]) -> Iterator[Product]:
        yield from self.catalogue.kept(products)

    def changed(self, products: Sequence[Product], live: Mapping[str, Product]) -> list[Product]:
        try:
            self.catalogue.change(products)
        except Exception as error:
            faults.note("search", "the search is not up to date: %s: %s", type(error).__name__, error)
        return list(products)

    def shown(self, leads: Iterable[tuple[str, Affinities]]) -> Iterator[tuple[str, Affinities]]:
        yield from leads
