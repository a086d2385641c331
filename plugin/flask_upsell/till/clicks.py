"""A click on an offer happens once, however often it is sent, and whatever is killed while it does.

What a click is to put into the cart is on record before the cart is touched. When the process is killed, the next click
of the visitor, or the next change of the cart, looks what came of it: what is in the cart becomes an acceptance, half a
bundle is taken out again, and of what is not there nothing remains.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from .. import faults
from ..core.claims import Acceptance, Claims, Click
from ..core.context import Capability, Cart, Line
from ..core.ports import Done, Refused, Store
from ..core.words import say
from .wanted import Outcome

#: How long a repeated click waits for the answer to the first one.
PATIENCE_SECONDS = 2.0
#: Whether it happened is not known yet; the visitor's next click or change of the cart finds out.
UNSURE = Outcome("unsure", say("Your first click is still being worked on. Please look into your cart."))


class Clicks:
    """Needs the store and the ledger."""

    def __init__(
        self, store: Store, ledger: Claims, pseudonym: Callable[[str], str], clock: Callable[[], datetime]
    ) -> None:
        self.store, self.ledger, self.pseudonym, self.clock = store, ledger, pseudonym, clock

    def visitor(self) -> str:
        """Whose click it is: a pseudonym, "" for somebody who has no cart yet."""
        key = self.store.visitor().key
        return self.pseudonym(key) if key else ""

    def start(self, click: Click, request: str, intended: Sequence[Acceptance], cart: Cart) -> Outcome | None:
        """None: this click is the one that is to be done. Else what came of the one before it."""
        before, twin = units_of(cart), False
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            started = self.ledger.start(*click, request, intended, before)
            if started.first and not twin:
                return None
            if started.first:  # the first one did nothing and gave the key back
                self.ledger.forget(*click)
                return Outcome("refused", say("That did not work. Please try again."))
            if started.answer is not None:
                return self.answered(started.answer)
            if self._resume(click.visitor, "" if started.busy else click.key):
                continue
            twin = not started.busy
            if time.monotonic() >= until:
                return UNSURE
            time.sleep(0.05)

    def answered(self, answer: Mapping[str, Any], *, repeated: bool = True) -> Outcome:
        return msgspec.structs.replace(msgspec.convert(answer, Outcome), repeated=repeated)

    def record(self, click: Click, accepted: Sequence[Acceptance]) -> Outcome:
        """What is in the cart by now is accepted, for good. Unless it is done, or nobody can say whether it is
        (`UNSURE`), it has to be given up."""
        outcome = done(accepted)
        try:
            if self.ledger.record_acceptances(accepted, self.clock(), click, msgspec.to_builtins(outcome)):
                return outcome
        except Exception:
            # The connection may have been cut after the commit.
            try:
                answer = self.ledger.answer(*click)
            except Exception as error:
                if not click.visitor:
                    # The click began the cart and is on record as nobody's: no later request of the visitor finds it.
                    raise
                # As if this process was killed here: what is in the cart and on record stays, and whoever can read the
                # ledger again ends it.
                faults.note("unsure", "nobody knows whether a click is on record: %s: %s", type(error).__name__, error)
                return UNSURE
            if answer is None:
                raise
            return self.answered(answer, repeated=False)
        # Or else this process was so slow that it was taken for dead, and somebody looked into the cart meanwhile.
        answer = self.ledger.answer(*click)
        if answer is not None:
            return self.answered(answer, repeated=False)
        return Outcome("refused", say("That did not work. Please try again."))

    def give_up(self, click: Click, intended: Sequence[Acceptance], before: Mapping[str, int]) -> None:
        """Take out of the cart what is there of a click, then forget it. When that fails it is done later."""
        cart = self.store.cart()
        for each in intended:
            line = there(each, cart, before)
            if line is not None:
                put_back(self.store, line, each.replaced, each.quantity)
        self.ledger.forget(*click)

    def resume(self, *, at_once: bool = False) -> None:
        """End what killed processes began in this visitor's cart; `at_once`: an order is waiting for that."""
        visitor = self.visitor()
        if visitor:
            self._resume(visitor, at_once=at_once)

    def _resume(self, visitor: str, key: str = "", *, at_once: bool = False) -> bool:
        """Whether there was anything."""
        every = self.ledger.abandoned(visitor, key, at_once=at_once)
        for left in every:
            cart = self.store.cart()
            lines = [there(each, cart, left.before) for each in left.intended]
            found = [
                msgspec.structs.replace(
                    each, visitor=visitor, line=line.ref, quantity=min(each.quantity, line.quantity)
                )
                for each, line in zip(left.intended, lines, strict=True)
                if line is not None
            ]
            if found and len(found) == len(left.intended):
                self.ledger.record_acceptances(found, self.clock(), left.click, msgspec.to_builtins(done(found)))
            else:
                self.give_up(left.click, left.intended, left.before)
        return bool(every)


def done(accepted: Sequence[Acceptance]) -> Outcome:
    """What is said of what was accepted with one click."""
    title = ", ".join(each.title for each in accepted)
    upgraded = say("Upgraded to {title}.", title=title)
    return Outcome("done", upgraded if accepted[0].replaced else say("Added: {title}.", title=title), accepted[0])


def units_of(cart: Cart) -> dict[str, int]:
    """Units in each line, by its reference."""
    return {line.ref: line.quantity for line in cart.lines}


def there(intended: Acceptance, cart: Cart, before: Mapping[str, int]) -> Line | None:
    """The line of the cart that a click put there: a new one, one with more units than before, or one upgraded."""
    for line in cart.lines:
        if (line.product, line.variant, line.unit_price) != (intended.product, intended.variant, intended.unit_price):
            continue
        if intended.replaced is not None:
            if line.ref == intended.replaced.ref:
                return line
        elif line.quantity > before.get(line.ref, 0):
            return line
    return None


def put_back(store: Store, line: Line, before: Line | None, quantity: int) -> Done | Refused:
    """Undo what accepting did to this line: `before` is what an upgrade replaced, `quantity` what was accepted."""
    can_price = Capability.LINE_PRICE in store.capabilities
    if before is None and line.quantity <= quantity:
        return store.remove(line.ref)
    if before is None:
        before = msgspec.structs.replace(line, quantity=line.quantity - quantity)
    price = before.unit_price if can_price else None
    return store.replace(line.ref, before.product, before.variant, before.quantity, price)
