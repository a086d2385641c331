"""A process's copy of the published book: decoded when it is looked at, fetched when it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from .. import faults
from ..core.affinity import Affinities
from ..core.book import Book, decode_affinities, decode_bought, decode_habits, decode_list, decode_product
from ..core.product import Product
from ..core.rules import RuleSet
from ..core.taste import Bought, Habits, Model

T = TypeVar("T")


class Raw(Mapping[str, T]):
    """Values by reference, decoded when they are first looked at: of most carts a process knows the decision already,
    and of the others it looks at few products."""

    def __init__(self, mark: str, what: str, decode: Callable[[bytes], T]) -> None:
        self.mark, self._what, self._decode = mark, what, decode
        self._known: dict[str, T | bytes | None] = {}

    def put(self, refs: Iterable[str], values: Iterable[bytes | None]) -> None:
        self._known.update(zip(refs, values, strict=True))

    def has(self, ref: str) -> bool:
        """Whether it is known what the book says of this reference, though that be nothing."""
        return ref in self._known

    def __getitem__(self, ref: str) -> T:
        value = self._known.get(ref)
        if isinstance(value, bytes):
            try:
                value = self._decode(value)
            except (msgspec.DecodeError, ValueError) as error:
                faults.note("book_unreadable", "%s %r in the book is not readable: %s", self._what, ref, error)
                value = None
            self._known[ref] = value
        if value is None:
            raise KeyError(ref)
        return value

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
    """This process's copy of one version. It is in no circle: a page need not wait until a dropped one is collected."""

    def __init__(self, version: str, fetch: Callable[[Fetched[Any], list[str]], None], rules: RuleSet) -> None:
        self.facts: Fetched[Product] = Fetched(version, fetch, "p:", "product", decode_product)
        self.lists: Fetched[tuple[str, ...]] = Fetched(version, fetch, "l:", "the list", decode_list)
        self.leads: Raw[Affinities] = Raw("a:", "what leads on from", decode_affinities)
        self.crowd: Fetched[Bought] = Fetched(version, fetch, "g:", "what customers bought", decode_bought)
        self.habits: Fetched[Habits] = Fetched(version, fetch, "h:", "the past orders of", decode_habits)
        self.book = Book(
            version,
            self.facts,
            self.leads,
            self.lists,
            rules,
            self.facts.expect,
            self.lists.expect,
            None,
            self.crowd,
            self.habits,
            self.crowd.expect,
        )
        self.weighed = False
        self.checked = self.certain = float("-inf")

    def put_model(self, model: Model | None) -> None:
        self.book, self.weighed = msgspec.structs.replace(self.book, model=model), True

    def put_rules(self, rules: RuleSet) -> None:
        self.book = msgspec.structs.replace(self.book, rules=rules)
