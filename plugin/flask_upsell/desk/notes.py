"""What the merchant says of products: out of all offers, sensitive, what must be the same in the line it is for."""

from __future__ import annotations

from collections.abc import Sequence

from .. import faults
from ..adapters.notes import SQLNotes
from ..core.curation import NO_NOTE as NO_NOTE
from ..core.curation import Note as Note
from ..core.words import objection
from ..errors import BadInput
from ..offers import Offers

MOST_ATTRIBUTES, LONGEST_ATTRIBUTE = 10, 100


class Notes:
    """One instance's. The product itself is live at once; what was learned of it follows with the next publishing,
    which is asked for by itself."""

    def __init__(self, kept: SQLNotes, offers: Offers) -> None:
        self._kept, self._offers = kept, offers

    def of(self, ref: str) -> Note:
        return self._kept.of([ref]).get(ref, NO_NOTE)

    def all(self) -> dict[str, Note]:
        """By reference; products of which nothing is said are left out."""
        return self._kept.all()

    def set(self, ref: str, *, excluded: bool, sensitive: bool, fits: Sequence[str] = ()) -> Note:
        """Say this of a product; returns what was said before. Raises BadInput with the field."""
        names = tuple(dict.fromkeys([" ".join(each.split()) for each in fits if each.strip()]))
        if len(names) > MOST_ATTRIBUTES:
            raise BadInput("fits", objection("at most {most_attributes} attributes", most_attributes=MOST_ATTRIBUTES))
        for name in names:
            if len(name) > LONGEST_ATTRIBUTE or "\0" in name:
                raise BadInput(
                    "fits",
                    objection(
                        "an attribute's name has at most {longest_attribute} characters",
                        longest_attribute=LONGEST_ATTRIBUTE,
                    ),
                )
        if not ref.strip() or len(ref) > 200 or "\0" in ref:
            raise BadInput("product", objection("this reference is none of a product"))
        note = Note(excluded, sensitive, names)
        before = self._kept.set(ref, note, self._offers.clock())
        if before != note:
            try:
                self._offers.amend([ref])
            except Exception as error:  # what the publishing brings
                faults.note("notes", "a product is not amended yet: %s: %s", type(error).__name__, error)
            self._offers.queue.enqueue("publish", patient=True)
        return before
