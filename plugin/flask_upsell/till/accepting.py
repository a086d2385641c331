"""Accept and undo: what changes a shopper's cart, with the price read again each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import blake2b
from uuid import uuid4

import msgspec

from .. import faults
from ..core.claims import Acceptance, Click
from ..core.context import Cart
from ..core.offer import Kind
from ..core.ports import Done, Ledger, Refused, Store
from ..core.product import Product
from ..core.words import Sentence, say
from .clicks import Clicks, put_back, units_of
from .discounts import Discounts, normal_price
from .wanted import Outcome, Piece, Wanted, of_bundle

#: What is to be accepted, its product now, and what puts it into the cart.
Step = tuple[Acceptance, Product, Callable[[], Done | Refused]]


class Till:
    """Needs the store, the ledger, the clicks and, for prices under a rule, their discounts."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        discounts: Discounts,
        clicks: Clicks,
        clock: Callable[[], datetime],
    ) -> None:
        self.store, self.ledger, self.discounts = store, ledger, discounts
        self.clicks, self.clock = clicks, clock

    def accept(
        self, wanted: Wanted, key: str, variant: str | None = None, ticked: Sequence[int] | None = None
    ) -> Outcome:
        """Put the offer into the cart, once for a key however often it is sent. Price and stock are read again.

        `ticked`: which products of a bundle are wanted, by their places; None for all of them.
        """
        request = blake2b(msgspec.json.encode([wanted, variant, ticked]), digest_size=16).hexdigest()
        if ticked is not None:
            wanted = of_bundle(wanted, ticked)
        if wanted.kind is Kind.PROGRAMME:
            return Outcome("refused", say("To join {title}, please use its link.", title=wanted.title))
        click = Click(self.clicks.visitor(), key)
        refs = [piece.product for piece in wanted.pieces] or [wanted.product]
        known = {product.ref: product for product in self.store.products(refs)}
        cart = self.store.cart()
        intended, before = _intended(wanted, variant, known, cart), units_of(cart)
        answered = self.clicks.start(click, request, intended, cart)
        if answered is not None:
            return answered
        try:
            steps = self._judged(wanted, variant, known, intended)
        except Exception:
            self.ledger.forget(*click)
            raise
        if isinstance(steps, Outcome):  # nothing was done: the same button may be pressed again
            self.ledger.forget(*click)
            return steps
        try:
            outcome = self._perform(steps, click)
        except Exception:
            # What is not on record can neither be undone nor counted: the cart is put back before anybody is told.
            self.clicks.give_up(click, intended, before)
            raise
        if outcome.status not in ("done", "unsure"):
            self.clicks.give_up(click, intended, before)
        return outcome

    def _judged(
        self, wanted: Wanted, variant: str | None, known: Mapping[str, Product], intended: Sequence[Acceptance]
    ) -> list[Step] | Outcome:
        """What is to be done, or why not. The cart is read again: another click may have come before this one."""
        cart = self.store.cart()
        if wanted.kind is Kind.BUNDLE:
            return self._judged_bundle(wanted, known, intended, cart)
        live = known.get(wanted.product)
        if live is None:
            live = Product(wanted.product, wanted.title, wanted.unit_price, wanted.currency, hidden=True)
        if live.hidden:
            return Outcome("refused", say("{title} is not sold any more.", title=wanted.title), live=live)
        price, changed = _live_price(
            live, wanted, variant, lambda normal: self.discounts.price(normal, wanted, live, cart)
        )
        if changed:
            return changed
        if cart.currency != live.currency:
            return _foreign(live, cart)
        if wanted.line:
            return self._judged_upgrade(wanted, live, price, cart, intended[0])
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
        own = _own_price(price, live, variant)
        return [(intended[0], live, lambda: self.store.add(wanted.product, variant, 1, own))]

    def _judged_upgrade(
        self, wanted: Wanted, live: Product, price: int, cart: Cart, intended: Acceptance
    ) -> list[Step] | Outcome:
        line = next((line for line in cart.lines if line.ref == wanted.line and line.product == wanted.replaced), None)
        if line is None:
            return Outcome("refused", say("What this would have replaced is not in your cart any more."))
        if line.unit_price != wanted.replaces:
            return Outcome(
                "changed", say("The price of what is in your cart has changed. Please look again."), live=live
            )
        if not live.has(line.quantity):
            return Outcome("refused", say("There is not enough of {title} in stock.", title=live.title), live=live)
        now = msgspec.structs.replace(intended, quantity=line.quantity, replaced=line)
        own = _own_price(price, live, None)
        return [(now, live, lambda: self.store.replace(line.ref, wanted.product, None, line.quantity, own))]

    def _judged_bundle(
        self, wanted: Wanted, known: Mapping[str, Product], intended: Sequence[Acceptance], cart: Cart
    ) -> list[Step] | Outcome:
        """All of it or nothing: what was added before something is refused is taken out again."""
        if not wanted.pieces:
            return Outcome("refused", say("Please tick what you would like."))
        for piece in wanted.pieces:
            live = known.get(piece.product)
            if live is None or live.hidden:
                gone = live or Product(piece.product, piece.title, piece.unit_price, wanted.currency, hidden=True)
                return Outcome("refused", say("{title} is not sold any more.", title=piece.title), live=gone)
        every = [known[piece.product] for piece in wanted.pieces]
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
        return [
            (each, live, partial(self.store.add, live.ref, None, 1, _own_price(price, live, None)))
            for each, live, price in zip(intended, every, prices, strict=True)
        ]

    def _perform(self, steps: Sequence[Step], click: Click) -> Outcome:
        accepted = []
        for each, live, put in steps:
            done = put()
            if isinstance(done, Refused):
                return Outcome("refused", Sentence(done.reason), live=live)
            accepted.append(msgspec.structs.replace(each, line=done.line))
        # Adding may have started the visitor's cart, and with it the visitor's key.
        visitor = self.clicks.visitor()
        return self.clicks.record(click, [msgspec.structs.replace(each, visitor=visitor) for each in accepted])

    # --- undoing ---------------------------------------------------------------------------------------------------

    def undo(self, id: str) -> Outcome:
        """Put the cart back as it was before an acceptance: an upgraded line with its product, quantity and price."""
        visitor = self.clicks.visitor()
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
        done = put_back(self.store, line, accepted.replaced, accepted.quantity)
        if isinstance(done, Refused):
            return Outcome("refused", Sentence(done.reason))
        return Outcome("undone", say("Undone: {title}.", title=accepted.title), accepted)


def _intended(wanted: Wanted, variant: str | None, known: Mapping[str, Product], cart: Cart) -> list[Acceptance]:
    """What a click is to put into the cart, at the prices that were shown."""
    pieces = wanted.pieces
    if not pieces and wanted.kind is not Kind.BUNDLE:
        shown = wanted.variants.get(variant, wanted.unit_price) if variant else wanted.unit_price
        pieces = [Piece(wanted.product, wanted.title, shown)]
    replaced = next((line for line in cart.lines if line.ref == wanted.line), None) if wanted.line else None
    ids = [uuid4().hex for _ in pieces]
    intended = []
    for id, piece in zip(ids, pieces, strict=True):
        live = known.get(piece.product)
        normal = normal_price(live, variant) if live is not None else 0
        each = Acceptance(
            id=id,
            visitor="",
            placement=wanted.placement,
            kind=wanted.kind,
            offer=wanted.offer,
            product=piece.product,
            quantity=replaced.quantity if replaced is not None else 1,
            unit_price=piece.unit_price,
            currency=wanted.currency,
            title=live.title if live is not None else piece.title,
            variant=variant if wanted.kind is not Kind.BUNDLE and not wanted.line else None,
            replaced=replaced,
            rule=wanted.rule,
            normal=max(normal, piece.unit_price),
            bundle=ids[0] if wanted.kind is Kind.BUNDLE else "",
            beside=wanted.beside if wanted.kind is not Kind.BUNDLE else "",
        )
        intended.append(each)
    return intended


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
