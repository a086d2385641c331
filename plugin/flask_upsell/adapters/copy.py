"""A process's copy of the published book: decoded when it is looked at, fetched when it is missing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from .. import faults
from ..core.affinity import Affinities
from ..core.book import Book, decode_affinities, decode_bought, decode_habits, decode_list, decode_product
from ..core.product import Product
from ..core.rules import RuleSet
from ..core.taste import Bought, Habits, Model

T = TypeVar("T")


#: So many bytes of the book are kept, before a process begins anew; each entry counts for so many more.
MOST_COPIED, ENTRY = 64_000_000, 100
#: So many bytes of a kind are kept decoded, which takes about ten times as much memory; decoding what one product leads
#: to takes 60 microseconds. The whole crowd, of whom a visitor's decision asks sixty; and the habits of some shoppers.
DECODED, CROWD_DECODED, HABITS_DECODED = 4_000_000, 10_000_000, 1_000_000


class Raw(Mapping[str, T]):
    """Values by reference, decoded when they are looked at: of most carts a process knows the decision already, and of
    the others it looks at few products. `most` bytes of them stay decoded; `size`: how many bytes all are."""

    def __init__(self, mark: str, what: str, decode: Callable[[bytes], T], most: int = DECODED) -> None:
        self.mark, self._what, self._decode, self._most = mark, what, decode, most
        self.size = self._looked_at = 0
        self._known: dict[str, bytes | None] = {}
        self._decoded = OrderedDict[str, T]()

    def put(self, refs: Sequence[str], values: Sequence[bytes | None]) -> None:
        for ref, value in zip(refs, values, strict=True):
            if ref not in self._known:
                # Also what the book does not have: anybody may ask for anything.
                self.size += ENTRY + len(ref) + len(value or b"")
            self._known[ref] = value

    def has(self, ref: str) -> bool:
        """Whether it is known what the book says of this reference, though that be nothing."""
        return ref in self._known

    def __getitem__(self, ref: str) -> T:
        found = self._decoded.get(ref)
        if found is not None:
            return found
        value = self._known.get(ref)
        if value is None:
            raise KeyError(ref)
        try:
            found = self._decode(value)
        except (msgspec.DecodeError, ValueError) as error:
            faults.note("book_unreadable", "%s %r in the book is not readable: %s", self._what, ref, error)
            self._known[ref] = None
            raise KeyError(ref) from None
        self._decoded[ref] = found
        self._looked_at += len(value)
        while self._looked_at > self._most and len(self._decoded) > 1:
            # What is looked at often is back at once.
            oldest, _ = self._decoded.popitem(last=False)
            self._looked_at -= len(self._known[oldest] or b"")
        return found

    def __contains__(self, ref: object) -> bool:
        return ref in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._known))

    def __len__(self) -> int:
        return len(self._known)


class Fetched(Raw[T]):
    """Values of one version. One that did not come with a reading is fetched when it is asked for, together with all
    that are `expected`."""

    def __init__(self, version: str, fetch: Callable[[Fetched[T], list[str]], None], *of: Any) -> None:
        super().__init__(*of)
        self.version, self._fetch = version, fetch
        self._expected: dict[str, None] = {}

    def expect(self, first: Sequence[str], later: Sequence[str] = ()) -> None:
        """Bring `first` now; `later` when one of them is asked for, which seldom happens."""
        lacking = [ref for ref in dict.fromkeys(first) if ref not in self._known]
        if lacking:
            self._fetch(self, lacking)
        self._expected = dict.fromkeys([ref for ref in later if ref not in self._known])

    def __getitem__(self, ref: str) -> T:
        if ref not in self._known:
            self._expected.pop(ref, None)
            refs, self._expected = [ref, *self._expected], {}
            self._fetch(self, refs)
        return super().__getitem__(ref)


class Copy:
    """This process's copy of one version. It is in no circle: a page need not wait until a dropped one is collected.

    An amendment changes products, what they lead to, and habits: the model and the crowd, which take longest to read,
    are those of the `older` copy, as long as `members` says that nobody of the crowd was forgotten; "" says nothing.
    """

    def __init__(
        self,
        version: str,
        fetch: Callable[[Fetched[Any], list[str]], None],
        rules: RuleSet,
        older: Copy | None = None,
    ) -> None:
        self.facts: Fetched[Product] = Fetched(version, fetch, "p:", "product", decode_product)
        self.lists: Fetched[tuple[str, ...]] = Fetched(version, fetch, "l:", "the list", decode_list)
        self.leads: Raw[Affinities] = Raw("a:", "what leads on from", decode_affinities)
        self.crowd: Fetched[Bought] = (
            older.crowd
            if older is not None
            else Fetched(version, fetch, "g:", "what customers bought", decode_bought, CROWD_DECODED)
        )
        self.members: str = older.members if older is not None else ""
        self.habits: Fetched[Habits] = Fetched(
            version, fetch, "h:", "the past orders of", decode_habits, HABITS_DECODED
        )
        self.book: Book = Book(
            version,
            self.facts,
            self.leads,
            self.lists,
            rules,
            self.facts.expect,
            self.lists.expect,
            older.book.model if older is not None else None,
            self.crowd,
            self.habits,
            self.crowd.expect,
        )
        self.weighed = older is not None
        self.checked = self.certain = float("-inf")

    @property
    def size(self) -> int:
        """Bytes of the book that are in it."""
        return sum([part.size for part in (self.facts, self.lists, self.leads, self.crowd, self.habits)])

    def put_model(self, model: Model | None) -> None:
        self.book, self.weighed = msgspec.structs.replace(self.book, model=model), True

    def put_rules(self, rules: RuleSet) -> None:
        self.book = msgspec.structs.replace(self.book, rules=rules)
