"""The till's half of the ledger: clicks that are worked on, acceptances, and what a killed process left of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import msgspec

from .context import Line
from .kind import Kind


class Acceptance(msgspec.Struct, frozen=True):
    """An offer that a shopper accepted. Prices in minor units of `currency`; `line` is the cart line that holds it.

    `replaced` is the line as it was before an upgrade. `rule` brought the offer; `normal` is the store's own price of
    one unit, from which the rule (and one `beside` it) took `off`. `bundle`: the id of the first acceptance of the same
    bundle.
    """

    id: str
    visitor: str
    placement: str
    kind: Kind
    offer: str
    product: str
    quantity: int
    unit_price: int
    currency: str
    title: str = ""
    variant: str | None = None
    line: str = ""
    replaced: Line | None = None
    rule: str = ""
    normal: int = 0
    bundle: str = ""
    beside: str = ""

    @property
    def off(self) -> int:
        """What was taken off, all units together."""
        return max(0, self.normal - self.unit_price) * self.quantity if self.normal else 0


class Started(msgspec.Struct, frozen=True):
    """What a key claims: `first` when nobody used it yet, else the stored `answer` (None: not done yet). `busy`: not
    this one, but another click of the visitor is being worked on."""

    first: bool
    answer: dict[str, Any] | None = None
    busy: bool = False


class Click(NamedTuple):
    """A request that changes a cart: whose (a pseudonym; "" for who has no cart yet), and its idempotency key."""

    visitor: str
    key: str


class Left(msgspec.Struct, frozen=True):
    """A click that its process did not end, what it was about to put into the cart, and what was there `before`."""

    click: Click
    intended: list[Acceptance]
    before: dict[str, int]


NOTHING: Mapping[str, int] = MappingProxyType({})


class Claims(Protocol):
    """What is about to be put into a cart is on record before it is: so it can be found when the process is killed.

    Who claimed a click or an undo has it for a lease (30 seconds); then it may be taken over.
    """

    def start(
        self,
        visitor: str,
        key: str,
        request: str,
        intended: Sequence[Acceptance] = (),
        before: Mapping[str, int] = NOTHING,
    ) -> Started:
        """Claim a click for a request (its hash), and write what it is to put into the cart, which has so many units
        in each line (by reference) `before`. A visitor has one such click at a time. Raises BadInput when the key came
        with another request."""

    def answer(self, visitor: str, key: str) -> dict[str, Any] | None:
        """The stored answer of a click."""

    def forget(self, visitor: str, key: str) -> None:
        """Give a claimed click back: nothing was done with it."""

    def abandoned(self, visitor: str, key: str = "", *, at_once: bool = False) -> list[Left]:
        """Claim what killed processes left of this visitor's clicks (of one without a cart: of this key). `at_once`:
        whatever is left of their leases."""

    def record_acceptances(
        self,
        acceptances: Sequence[Acceptance],
        at: datetime,
        click: Click | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> bool:
        """Write what was accepted with one click, and its answer: all of it or nothing. False, and nothing, when
        the click was taken over meanwhile."""

    def acceptance(self, id: str, visitor: str) -> Acceptance | None:
        """An acceptance of this visitor that is not undone."""

    def bundle(self, id: str, visitor: str) -> list[Acceptance]:
        """The acceptances of a bundle of this visitor that are neither undone nor ordered."""

    def accepted(self, visitor: str, *, unsure: bool = False) -> list[Acceptance]:
        """What this visitor accepted under a rule and neither undid nor ordered, oldest first. `unsure`: before that,
        also what is just being accepted or undone, by a process that may be killed by now."""

    def claim_undo(self, id: str) -> bool:
        """Claim an acceptance for undoing; False when somebody else has, or it is undone or ordered."""

    def release_undo(self, id: str) -> None:
        """Give a claimed acceptance back: nothing was undone."""

    def record_undo(self, id: str, at: datetime) -> bool:
        """Mark as undone; False when it was so already."""
