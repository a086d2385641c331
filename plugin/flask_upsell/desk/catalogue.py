"""Looking things up: products, categories, tags and brands of the published catalogue, and parts of the rulebook."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ..adapters.catalogue import Facet as Facet
from ..adapters.catalogue import Found as Found
from ..adapters.catalogue import SQLCatalogue
from ..core.spelling import fits, folded, typed
from ..core.words import objection
from ..errors import BadInput
from ..offers import Offers

#: What can be picked.
KINDS = ("product", "category", "tag", "brand", "season", "ladder", "rule")


class Choice(msgspec.Struct, frozen=True):
    """Something to pick: what is written (`value`), what it is called. Of a product `product` is all that is known; of
    a category, tag or brand `count` is how many products have it."""

    value: str
    title: str
    product: Found | None = None
    count: int | None = None


class Catalogue:
    """One instance's, as it was published last. Texts are matched by the beginnings of words, without case and
    accents."""

    def __init__(self, kept: SQLCatalogue, offers: Offers) -> None:
        self._kept, self._offers = kept, offers

    def search(self, text: str, limit: int = 20) -> list[Found]:
        """Products, the best first."""
        return self._kept.search(text[:200], limit)

    def named(self, refs: Collection[str]) -> dict[str, Found]:
        """Those of these references that were published."""
        return self._kept.named(refs)

    def after(self, ref: str = "", limit: int = 50, category: str = "") -> list[Found]:
        """All products by their references, from behind this one."""
        return self._kept.after(ref, limit, category)

    @property
    def filled(self) -> bool:
        """Whether a catalogue was published at all."""
        return self._kept.filled()

    def categories(self, text: str = "", limit: int = 20) -> list[Facet]:
        """Categories with what they lie within ("Garden/Grills", "Garden"): those that most products have first."""
        return self._facets("category", text, limit)

    def tags(self, text: str = "", limit: int = 20) -> list[Facet]:
        return self._facets("tag", text, limit)

    def brands(self, text: str = "", limit: int = 20) -> list[Facet]:
        return self._facets("brand", text, limit)

    def _facets(self, kind: str, text: str, limit: int) -> list[Facet]:
        wanted, phrase = typed(text[:200]), folded(text.strip())
        found = [each for each in self._kept.facets(kind) if fits(wanted, each.name)]
        found.sort(key=lambda each: (folded(each.name) != phrase, -each.products, each.name))
        return found[:limit]

    def choices(self, what: str, text: str, limit: int = 20) -> list[Choice]:
        """What of a kind (one of KINDS) fits a text. Raises BadInput for another kind."""
        if what == "product":
            return [Choice(each.ref, each.title, each) for each in self.search(text, limit)]
        if what in ("category", "tag", "brand"):
            return [Choice(each.name, each.name, count=each.products) for each in self._facets(what, text, limit)]
        if what not in KINDS:
            raise BadInput(
                "what",
                objection("{what} cannot be picked; there are: {known}", what=repr(what), known=", ".join(KINDS)),
            )
        book, wanted = self._offers.rules.load(), typed(text[:200])
        if what == "ladder":
            names = [(name, name) for name in book.ladders]
        else:
            parts = book.rules if what == "rule" else book.seasons
            names = [(each.name, getattr(each, "label", "") or each.name) for each in parts]
        return [Choice(name, title) for name, title in names if fits(wanted, name, title)][:limit]

    def titles(self, what: str, values: Collection[str]) -> dict[str, Choice]:
        """What is known of chosen values."""
        if what != "product":
            return {value: Choice(value, value) for value in values}
        return {ref: Choice(ref, each.title, each) for ref, each in self.named(values).items()}
