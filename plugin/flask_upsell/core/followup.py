"""Follow-ups: what is kept of an order whose customer may be written to, where it is kept, and what a mail is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from .context import Capability, Cart, Context, Line
from .kind import Placement

#: A customer gets one mail in this time, however much is ordered.
REST = timedelta(days=30)
#: After so many tries an order is not followed up any more.
MOST_TRIES = 3
#: A worker that was not heard of for so long has ended, or is too late.
LEASE = timedelta(hours=1)


class State(StrEnum):
    """How far a follow-up is. It is taken (CLAIMED), then sent (SENDING); all after that are ends."""

    DUE = "due"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    NO_OFFER = "no_offer"
    NO_ORDER = "no_order"
    UNSUBSCRIBED = "unsubscribed"
    RECENT = "recent"
    LATE = "late"
    FAILED = "failed"
    UNCLEAR = "unclear"

    @property
    def sentence(self) -> str:
        return SENTENCES[self]


SENTENCES = {
    State.DUE: "it has to wait, and is tried again",
    State.CLAIMED: "a worker has it",
    State.SENDING: "it is being sent",
    State.SENT: "it was sent",
    State.NO_OFFER: "there is nothing to offer",
    State.NO_ORDER: "the order was returned, or is not this customer's any more",
    State.UNSUBSCRIBED: "the customer wants no such mails",
    State.RECENT: "the customer got one in the last 30 days",
    State.LATE: "it should have been sent two weeks ago",
    State.FAILED: f"it failed {MOST_TRIES} times",
    State.UNCLEAR: "its worker ended while it was being sent: it may have gone out, and is not sent again",
}


class Plan(msgspec.Struct, frozen=True):
    """An order whose customer (a pseudonym) may be written to from `due` (UTC) on. `language`: BCP 47, what the store
    told when it was ordered, "" when it did not. `tries`: how often it was claimed; `claim` is the mark of who did."""

    order: str
    customer: str
    language: str
    due: datetime
    tries: int = 0
    claim: str = ""


class FollowUp(msgspec.Struct, frozen=True):
    """A mail to send: what the function of the setting FOLLOW_UP gets. It runs in a worker, in an app context without a
    request; it sends and returns, or returns without sending. When it raises, it is asked again later, 3 times in all.

    `customer` is the store's own key, `order` the order's reference. `language`: BCP 47, as the store told it when it
    was ordered, "" when it did not. `subject` has no line breaks; `html` is a whole document, `text` says the same.
    `unsubscribe` is an absolute URL, which is in both. `headers`: List-Unsubscribe and, on https,
    List-Unsubscribe-Post (RFC 8058); a DKIM signature has to cover them.
    """

    customer: str
    order: str
    language: str
    subject: str
    html: str
    text: str
    unsubscribe: str
    headers: dict[str, str]


class Diary(Protocol):
    """What is due when, what became of it, and who wants none. Times are aware instants."""

    def plan(self, plan: Plan, connection: object = None) -> bool:
        """Write it, once for an order, in the order's transaction; False when it was there."""

    def due(self, at: datetime, most: int) -> list[Plan]:
        """What may be claimed, the oldest first."""

    def waiting(self, at: datetime) -> bool:
        """Whether there is anything due, or left behind by a worker that has ended."""

    def tidy(self, at: datetime) -> dict[str, State]:
        """What workers that have ended left behind, by order: what was being sent then is UNCLEAR, what was claimed for
        the last time FAILED. Forgets what ended long ago."""

    def claim(self, plan: Plan, at: datetime) -> Plan | None:
        """Take what `due` told; None when somebody else did."""

    def barred(self, plan: Plan, at: datetime) -> State | None:
        """UNSUBSCRIBED or RECENT when this customer gets none; else None."""

    def begin(self, plan: Plan, at: datetime) -> State:
        """SENDING, and from here on nobody sends it again unless `fail` is told. Else why it is not to be sent; CLAIMED
        when somebody else has it by now."""

    def finish(self, plan: Plan, at: datetime) -> None:
        """It was sent."""

    def close(self, plan: Plan, state: State) -> None:
        """It is not to be sent, for this reason."""

    def postpone(self, plan: Plan, until: datetime) -> None:
        """Nothing was tried; it is due again then."""

    def fail(self, plan: Plan, at: datetime, again: datetime | None) -> State:
        """It was tried and did not work; due again then, or never. Returns what it is now."""

    def leave(self, customer: str, at: datetime) -> bool:
        """This customer (a pseudonym) wants none any more; safe to repeat. Whether that is new."""

    def join(self, customer: str, at: datetime) -> bool:
        """This customer (a pseudonym) wants them again; False when nothing was said against them."""

    def states(self) -> Mapping[str, int]:
        """How many there are of each state."""


def as_mail(context: Context) -> Context:
    """The same for a mail: there is no cart and no session, and nothing to press. It leads to a product's page, where
    there is the store's own price."""
    return msgspec.structs.replace(
        context,
        placement=Placement.MAIL,
        cart=Cart(context.cart.currency),
        anchors=tuple([msgspec.structs.replace(line, ref="") for line in context.anchors]),
        capabilities=frozenset({Capability.ADD}),
        policy=msgspec.structs.replace(context.policy, max_session=0),
    )


def bought(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines of an order less what was returned (lines of a negative quantity).

    What was returned as a whole stays, with quantity 0: nothing goes with it, and it is not offered again.
    """
    returned: Counter[str] = Counter()
    for line in lines:
        if line.quantity < 0:
            returned[line.product] -= line.quantity
    kept = []
    for line in lines:
        if line.quantity > 0:
            back = min(returned[line.product], line.quantity)
            returned[line.product] -= back
            kept.append(msgspec.structs.replace(line, quantity=line.quantity - back))
    return tuple(kept)
