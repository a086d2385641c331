"""Accept and undo: what changes a shopper's cart, with the price read again each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import msgspec

from .. import faults
from ..core.context import Capability, Cart, Line
from ..core.offer import Kind
from ..core.ports import Acceptance, Done, Ledger, Refused, Store
from ..core.product import Product
from ..core.words import Sentence, say
from .discounts import Discounts, normal_price
from .wanted import Outcome, Wanted, of_bundle

#: How long a repeated click waits for the answer to the first one.
PATIENCE_SECONDS = 2.0


class Till:
    """Needs the store, the ledger and, for prices under a rule, their discounts."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        discounts: Discounts,
        pseudonym: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self.store, self.ledger, self.discounts = store, ledger, discounts
        self.pseudonym, self.clock = pseudonym, clock

    def accept(
        self, wanted: Wanted, key: str, variant: str | None = None, ticked: Sequence[int] | None = None
    ) -> Outcome:
        """Put the offer into the cart, once for a key however often it is sent. Price and stock are read again.

        `ticked`: which products of a bundle are wanted, by their places; None for all of them.
        """
        visitor = self.pseudonym(self.store.visitor().key)
        request = blake2b(msgspec.json.encode([wanted, variant, ticked]), digest_size=16).hexdigest()
        started = self.ledger.start(visitor, key, request)
        if not started.first:
            return self._answered(visitor, key, request, started.answer)
        try:
            outcome = self._accept(wanted if ticked is None else of_bundle(wanted, ticked), variant)
        except Exception:
            self.ledger.forget(visitor, key)
            raise
        if outcome.status == "done":
            try:
                self.ledger.finish(visitor, key, msgspec.to_builtins(outcome))
            except Exception as error:  # it is done and on record; only a repeated click will not be told so
                faults.note("finish", "the answer to an accepted offer is not kept: %s", error)
        else:  # nothing was done: the same button may be pressed again
            self.ledger.forget(visitor, key)
        return outcome

    def _answered(self, visitor: str, key: str, request: str, answer: dict[str, Any] | None) -> Outcome:
        until = time.monotonic() + PATIENCE_SECONDS
        while answer is None and time.monotonic() < until:
            time.sleep(0.05)
            again = self.ledger.start(visitor, key, request)
            if again.first:  # the first one did nothing and gave the key back
                self.ledger.forget(visitor, key)
                return Outcome("refused", say("That did not work. Please try again."))
            answer = again.answer
        if answer is None:
            return Outcome("refused", say("Your first click is still being worked on. Please look into your cart."))
        return msgspec.structs.replace(msgspec.convert(answer, Outcome), repeated=True)

    def _accept(self, wanted: Wanted, variant: str | None) -> Outcome:
        if wanted.kind is Kind.PROGRAMME:
            return Outcome("refused", say("To join {title}, please use its link.", title=wanted.title))
        if wanted.kind is Kind.BUNDLE:
            return self._accept_bundle(wanted)
        live = next(iter(self.store.products([wanted.product])), None)
        if live is None:
            live = Product(wanted.product, wanted.title, wanted.unit_price, wanted.currency, hidden=True)
        if live.hidden:
            return Outcome("refused", say("{title} is not sold any more.", title=wanted.title), live=live)
        cart = self.store.cart()
        price, changed = _live_price(
            live, wanted, variant, lambda normal: self.discounts.price(normal, wanted, live, cart)
        )
        if changed:
            return changed
        if cart.currency != live.currency:
            return _foreign(live, cart)
        if wanted.line:
            return self._replace(wanted, live, price, cart)
        if wanted.again:
            if cart.units(wanted.product) != 1:
                return Outcome(
                    "refused",
                    say("This is for a second {title}, beside one in your cart.", title=live.title),
                    live=live,
                )
        elif any(line.product == wanted.product and line.variant == variant for line in cart.lines):
            return Outcome("refused", say("{title} is in your cart already.", title=live.title))
        if not live.has(2 if wanted.again else 1):
            return Outcome("refused", say("{title} is sold out.", title=live.title), live=live)
        done = self.store.add(wanted.product, variant, 1, _own_price(price, live, variant))
        if isinstance(done, Refused):
            return Outcome("refused", Sentence(done.reason), live=live)
        return self._accepted(wanted, live, price, 1, done, variant=variant)

    def _replace(self, wanted: Wanted, live: Product, price: int, cart: Cart) -> Outcome:
        line = next((line for line in cart.lines if line.ref == wanted.line and line.product == wanted.replaced), None)
        if line is None:
            return Outcome("refused", say("What this would have replaced is not in your cart any more."))
        if line.unit_price != wanted.replaces:
            return Outcome(
                "changed", say("The price of what is in your cart has changed. Please look again."), live=live
            )
        if not live.has(line.quantity):
            return Outcome("refused", say("There is not enough of {title} in stock.", title=live.title), live=live)
        done = self.store.replace(line.ref, wanted.product, None, line.quantity, _own_price(price, live, None))
        if isinstance(done, Refused):
            return Outcome("refused", Sentence(done.reason), live=live)
        return self._accepted(wanted, live, price, line.quantity, done, replaced=line)

    def _accepted(
        self,
        wanted: Wanted,
        live: Product,
        price: int,
        quantity: int,
        done: Done,
        *,
        variant: str | None = None,
        replaced: Line | None = None,
    ) -> Outcome:
        # Adding may have started the visitor's cart, and with it the visitor's key.
        acceptance = Acceptance(
            id=uuid4().hex,
            visitor=self.pseudonym(self.store.visitor().key),
            placement=wanted.placement,
            kind=wanted.kind,
            offer=wanted.offer,
            product=wanted.product,
            quantity=quantity,
            unit_price=price,
            currency=live.currency,
            title=live.title,
            variant=variant,
            line=done.line,
            replaced=replaced,
            rule=wanted.rule,
            normal=normal_price(live, variant),
            beside=wanted.beside,
        )
        try:
            self.ledger.record_acceptances([acceptance], self.clock())
        except Exception:
            # What is not on record can neither be undone nor counted: the cart is put back before anybody is told.
            self._put_back(Line(done.line, wanted.product, quantity, price, variant), replaced, quantity)
            raise
        upgraded = say("Upgraded to {title}.", title=live.title)
        return Outcome("done", upgraded if replaced else say("Added: {title}.", title=live.title), acceptance)

    # --- bundles ---------------------------------------------------------------------------------------------------

    def _accept_bundle(self, wanted: Wanted) -> Outcome:
        """All of it or nothing: what was added before something is refused is taken out again."""
        if not wanted.pieces:
            return Outcome("refused", say("Please tick what you would like."))
        known = {product.ref: product for product in self.store.products([piece.product for piece in wanted.pieces])}
        for piece in wanted.pieces:
            live = known.get(piece.product)
            if live is None or live.hidden:
                gone = live or Product(piece.product, piece.title, piece.unit_price, wanted.currency, hidden=True)
                return Outcome("refused", say("{title} is not sold any more.", title=piece.title), live=gone)
        cart, every = self.store.cart(), [known[piece.product] for piece in wanted.pieces]
        in_cart = {line.product for line in cart.lines}
        for live in every:
            if live.currency != cart.currency:
                return _foreign(live, cart)
            if live.ref in in_cart:
                return Outcome("refused", say("{title} is in your cart already.", title=live.title))
            if live.variants:
                return Outcome(
                    "refused", say("Please choose which {title} you would like.", title=live.title), live=live
                )
            if not live.has(1):
                return Outcome("refused", say("{title} is sold out.", title=live.title), live=live)
        prices = self.discounts.prices(wanted, every, cart)
        for live, price, piece in zip(every, prices, wanted.pieces, strict=True):
            if price != piece.unit_price:
                return Outcome(
                    "changed", say("The price of {title} has changed. Please look again.", title=live.title), live=live
                )
        return self._add_all(wanted, every, prices)

    def _add_all(self, wanted: Wanted, every: Sequence[Product], prices: Sequence[int]) -> Outcome:
        added: list[Line] = []
        try:
            for live, price in zip(every, prices, strict=True):
                done = self.store.add(live.ref, None, 1, _own_price(price, live, None))
                if isinstance(done, Refused):
                    self._take_out(added)
                    return Outcome("refused", Sentence(done.reason), live=live)
                added.append(Line(done.line, live.ref, 1, price))
            ids = [uuid4().hex for _ in added]
            visitor = self.pseudonym(self.store.visitor().key)
            accepted = [
                Acceptance(
                    id, visitor, wanted.placement, wanted.kind, wanted.offer, line.product, 1, line.unit_price,
                    live.currency, live.title, None, line.ref, None, wanted.rule, live.price, ids[0],
                )
                for id, line, live in zip(ids, added, every, strict=True)
            ]  # fmt: skip
            self.ledger.record_acceptances(accepted, self.clock())
        except Exception:
            self._take_out(added)
            raise
        return Outcome("done", say("Added: {title}.", title=", ".join(live.title for live in every)), accepted[0])

    def _take_out(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self._put_back(line, None, line.quantity)

    # --- undoing ---------------------------------------------------------------------------------------------------

    def undo(self, id: str) -> Outcome:
        """Put the cart back as it was before an acceptance: an upgraded line with its product, quantity and price."""
        visitor = self.pseudonym(self.store.visitor().key)
        accepted = self.ledger.acceptance(id, visitor)
        # Of a bundle that was undone in part, the first may be gone already.
        every = self.ledger.bundle(id, visitor) if accepted is None or accepted.bundle else []
        return self._undo_bundle(every) if every else self._undo_one(id, accepted)

    def _undo_bundle(self, every: Sequence[Acceptance]) -> Outcome:
        outcomes = [self._undo_one(each.id, each) for each in every]
        undone = [each for each, outcome in zip(every, outcomes, strict=True) if outcome.status == "undone"]
        if not undone:
            return outcomes[0]
        return Outcome("undone", say("Undone: {title}.", title=", ".join(each.title for each in undone)), undone[0])

    def _undo_one(self, id: str, accepted: Acceptance | None) -> Outcome:
        if accepted is None or not self.ledger.claim_undo(id):
            return Outcome("refused", say("That was undone already, or ordered."))
        try:
            outcome = self._undo(accepted)
        except Exception:
            self.ledger.release_undo(id)
            raise
        if outcome.status == "undone" or outcome.acceptance is not None:
            try:
                self.ledger.record_undo(id, self.clock())
            except Exception as error:  # the cart is put back; only the counts do not know
                faults.note("undo", "an undone offer is not recorded: %s", error)
        else:
            self.ledger.release_undo(id)
        return outcome

    def _undo(self, accepted: Acceptance) -> Outcome:
        for line in self.store.cart().lines:
            if line.ref == accepted.line and line.product == accepted.product:
                break
        else:  # taken out meanwhile: there is nothing left to undo
            return Outcome("refused", say("{title} is not in your cart any more.", title=accepted.title), accepted)
        done = self._put_back(line, accepted.replaced, accepted.quantity)
        if isinstance(done, Refused):
            return Outcome("refused", Sentence(done.reason))
        return Outcome("undone", say("Undone: {title}.", title=accepted.title), accepted)

    def _put_back(self, line: Line, before: Line | None, quantity: int) -> Done | Refused:
        """Undo what accepting did to this line: `before` is what an upgrade replaced, `quantity` what was accepted."""
        can_price = Capability.LINE_PRICE in self.store.capabilities
        if before is None and line.quantity <= quantity:
            return self.store.remove(line.ref)
        if before is None:
            before = msgspec.structs.replace(line, quantity=line.quantity - quantity)
        price = before.unit_price if can_price else None
        return self.store.replace(line.ref, before.product, before.variant, before.quantity, price)


def _foreign(live: Product, cart: Cart) -> Outcome:
    return Outcome(
        "refused",
        say(
            "{title} is priced in {currency}, your cart is in {yours}.",
            title=live.title,
            currency=live.currency,
            yours=cart.currency,
        ),
    )


def _own_price(price: int, live: Product, variant: str | None) -> int | None:
    """The price that the cart line must be given; None when it is the store's own."""
    return None if price == normal_price(live, variant) else price


def _live_price(
    live: Product, wanted: Wanted, variant: str | None, now: Callable[[int], int]
) -> tuple[int, Outcome | None]:
    """The price to charge, or the outcome that asks again. `now`: the store's price, less what a rule takes off."""
    shown, normal = wanted.unit_price, live.price
    if live.variants or variant:
        chosen = live.variant(variant or "")
        if chosen is None:
            return 0, Outcome(
                "refused", say("Please choose which {title} you would like.", title=live.title), live=live
            )
        if chosen.stock is not None and chosen.stock < 1:
            return 0, Outcome(
                "refused", say("{title} ({choice}) is sold out.", title=live.title, choice=chosen.title), live=live
            )
        shown, normal = wanted.variants.get(chosen.ref, -1), chosen.price
    price = now(normal)
    if price != shown:
        return price, Outcome(
            "changed", say("The price of {title} has changed. Please look again.", title=live.title), live=live
        )
    return price, None
