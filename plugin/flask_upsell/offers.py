"""The one pipeline: suggest, accept, decline, undo, record an order, publish. Nothing else touches several ports.

What it is given may fail: it raises, and the edge in `web/` turns that into a page without offers.
"""

from __future__ import annotations

import time
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import msgspec

from . import faults
from .core.book import EMPTY, Book
from .core.candidates import MOST_LINES
from .core.context import Capability, Cart, Context, Line, Policy
from .core.decision import decide
from .core.kept import rebound, same
from .core.offer import Decision, Kind
from .core.ports import Acceptance, Done, Ledger, Queue, Refused, Shelf, Store, Tally
from .core.product import Product

#: How long a repeated click waits for the answer to the first one.
PATIENCE_SECONDS = 2.0
#: How many decisions a process keeps; one takes about 2 KB.
MOST_DECIDED = 2000
#: Bigger carts are rare and nobody has the same.
MOST_KEPT_LINES = 30


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What a shopper wants to accept or decline: the offer as it was shown. Prices in minor units of `currency`.

    `line` and `replaces` (its unit price, `replaced` its product) belong to upgrades of a cart line; `variants` has the
    price shown for each choice.
    """

    offer: str
    kind: Kind
    placement: str
    product: str
    title: str
    unit_price: int
    currency: str
    quantity: int = 1
    line: str = ""
    replaced: str = ""
    replaces: int = 0
    variants: dict[str, int] = {}


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. `status`: done, undone, declined, changed (ask again: `live` is the product now) or refused.

    `repeated`: it was done before, by an earlier request with the same key.
    """

    status: str
    text: str
    acceptance: Acceptance | None = None
    live: Product | None = None
    repeated: bool = False


class Offers:
    """One instance's pipeline. `clock` gives aware UTC instants."""

    def __init__(
        self,
        *,
        store: Store,
        shelf: Shelf,
        ledger: Ledger,
        tally: Tally,
        queue: Queue,
        policy: Policy,
        secret: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store, self.shelf, self.ledger, self.tally, self.queue = store, shelf, ledger, tally, queue
        self.policy, self.clock = policy, clock
        # Decisions from the version that is live, by all that they depend on: carts of one kind are many.
        self._decided: tuple[str, dict[object, tuple[Decision, tuple[Line, ...]]]] = ("", {})
        self._secret = blake2b(secret.encode(), digest_size=32).digest()

    # --- showing ---------------------------------------------------------------------------------------------------

    def suggest(
        self,
        placement: str,
        *,
        cart: object = None,
        products: Sequence[str] | None = None,
        declined: frozenset[str] = frozenset(),
        elsewhere: frozenset[str] = frozenset(),
        fresh: Mapping[str, Product] | None = None,
    ) -> Decision:
        """The offers for a placement. No SQL of ours; at most one round trip to Redis, none while the copy is warm.

        `cart`: what the page has loaded already. `products`: what the page is about instead of the cart (the product
        that is looked at, what was ordered). `fresh`: products known better than the book knows them.
        """
        store = self.store
        current = store.cart(cart)
        refs = (
            [line.product for line in current.lines[:MOST_LINES]] if products is None else list(products[:MOST_LINES])
        )
        if not refs or not self.policy.max_offers:
            return Decision(placement, "", (), ())
        book = self.shelf.read(refs)
        if book is EMPTY or not book.version:
            return Decision(placement, "", (), ())
        anchors = current.lines if products is None else _looked_at(products, current, book)
        able = store.capabilities
        elsewhere = elsewhere & _reached(refs, book) if elsewhere else elsewhere
        keep = not fresh and len(current.lines) <= MOST_KEPT_LINES
        key = same(placement, current, anchors, declined, elsewhere, able) if keep else None
        decided = self._decided
        if decided[0] != book.version:
            decided = self._decided = (book.version, {})
        known = decided[1].get(key) if keep else None
        if known is not None:
            return rebound(known, anchors)
        failures = faults.seen["redis_read"]
        if fresh:
            book = msgspec.structs.replace(book, products=ChainMap(dict(fresh), book.products))  # type: ignore[arg-type]
        decision = decide(
            Context(
                placement=placement,
                cart=current,
                anchors=anchors,
                now=self.clock(),
                visitor=store.visitor(),
                declined=declined,
                shown_elsewhere=elsewhere,
                capabilities=able,
                policy=self.policy,
            ),
            book,
            explain=False,
        )
        # What was decided without all of the book is not kept: Redis may be back in a moment.
        if keep and failures == faults.seen["redis_read"] and all(ref in book.affinities for ref in refs):
            if len(decided[1]) >= MOST_DECIDED:
                decided[1].clear()
            decided[1][key] = (decision, anchors)
        return decision

    # --- accepting -------------------------------------------------------------------------------------------------

    def accept(self, wanted: Wanted, key: str, variant: str | None = None) -> Outcome:
        """Put the offer into the cart, once for a key however often it is sent. Price and stock are read again."""
        visitor = self.pseudonym(self.store.visitor().key)
        request = blake2b(msgspec.json.encode([wanted, variant]), digest_size=16).hexdigest()
        started = self.ledger.start(visitor, key, request)
        if not started.first:
            return self._answered(visitor, key, request, started.answer)
        try:
            outcome = self._accept(wanted, variant)
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
                return Outcome("refused", "That did not work. Please try again.")
            answer = again.answer
        if answer is None:
            return Outcome("refused", "Your first click is still being worked on. Please look into your cart.")
        return msgspec.structs.replace(msgspec.convert(answer, Outcome), repeated=True)

    def _accept(self, wanted: Wanted, variant: str | None) -> Outcome:
        live = next(iter(self.store.products([wanted.product])), None)
        if live is None:
            live = Product(wanted.product, wanted.title, wanted.unit_price, wanted.currency, hidden=True)
        if live.hidden:
            return Outcome("refused", f"{wanted.title} is not sold any more.", live=live)
        price, changed = _live_price(live, wanted, variant)
        if changed:
            return changed
        cart = self.store.cart()
        if cart.currency != live.currency:
            return Outcome("refused", f"{live.title} is priced in {live.currency}, your cart is in {cart.currency}.")
        if wanted.line:
            return self._replace(wanted, live, price, cart)
        if any(line.product == wanted.product and line.variant == variant for line in cart.lines):
            return Outcome("refused", f"{live.title} is in your cart already.")
        if not live.has(1):
            return Outcome("refused", f"{live.title} is sold out.", live=live)
        done = self.store.add(wanted.product, variant, 1)
        if isinstance(done, Refused):
            return Outcome("refused", done.reason, live=live)
        return self._accepted(wanted, live, price, 1, done, variant=variant)

    def _replace(self, wanted: Wanted, live: Product, price: int, cart: Cart) -> Outcome:
        line = next((line for line in cart.lines if line.ref == wanted.line and line.product == wanted.replaced), None)
        if line is None:
            return Outcome("refused", "What this would have replaced is not in your cart any more.")
        if line.unit_price != wanted.replaces:
            return Outcome("changed", "The price of what is in your cart has changed. Please look again.", live=live)
        if not live.has(line.quantity):
            return Outcome("refused", f"There is not enough of {live.title} in stock.", live=live)
        done = self.store.replace(line.ref, wanted.product, None, line.quantity)
        if isinstance(done, Refused):
            return Outcome("refused", done.reason, live=live)
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
        )
        try:
            self.ledger.record_acceptance(acceptance, self.clock())
        except Exception:
            # What is not on record can neither be undone nor counted: the cart is put back before anybody is told.
            self._put_back(Line(done.line, wanted.product, quantity, price, variant), replaced, quantity)
            raise
        text = f"Upgraded to {live.title}." if replaced else f"Added: {live.title}."
        return Outcome("done", text, acceptance)

    # --- declining, undoing ----------------------------------------------------------------------------------------

    def decline(self, wanted: Wanted) -> Outcome:
        """Count a "No thanks"; the caller remembers it for the session."""
        self.ledger.record_decline(wanted.placement, wanted.kind, wanted.product, self.clock())
        return Outcome("declined", "All right, we will not suggest it again.")

    def undo(self, id: str) -> Outcome:
        """Put the cart back as it was before an acceptance: an upgraded line with its product, quantity and price."""
        accepted = self.ledger.acceptance(id, self.pseudonym(self.store.visitor().key))
        if accepted is None or not self.ledger.claim_undo(id):
            return Outcome("refused", "That was undone already, or ordered.")
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
            return Outcome("refused", f"{accepted.title} is not in your cart any more.", accepted)
        done = self._put_back(line, accepted.replaced, accepted.quantity)
        if isinstance(done, Refused):
            return Outcome("refused", done.reason)
        return Outcome("undone", f"Undone: {accepted.title}.", accepted)

    def _put_back(self, line: Line, before: Line | None, quantity: int) -> Done | Refused:
        """Undo what accepting did to this line: `before` is what an upgrade replaced, `quantity` what was accepted."""
        can_price = Capability.LINE_PRICE in self.store.capabilities
        if before is None and line.quantity <= quantity:
            return self.store.remove(line.ref)
        if before is None:
            before = msgspec.structs.replace(line, quantity=line.quantity - quantity)
        price = before.unit_price if can_price else None
        return self.store.replace(line.ref, before.product, before.variant, before.quantity, price)

    # --- orders and products ---------------------------------------------------------------------------------------

    def record_order(self, ref: str, visitor_key: str, connection: object = None) -> int:
        """Write the conversions of an order that is being placed; returns how many."""
        # Behind a savepoint: on PostgreSQL a failed statement would spoil the order's own transaction.
        nested = getattr(connection, "begin_nested", nullcontext)
        with nested():
            order = self.store.order(ref, connection)
        if order is None:
            raise LookupError(
                f"order {ref!r}: the store does not know it; send order_placed after its lines are written "
                "(flushed), with the connection of its transaction"
            )
        return self.ledger.record_order(order, self.pseudonym(visitor_key), self.clock(), connection)

    def amend(self, refs: Iterable[str]) -> None:
        """Bring these products in the live book up to date; those that the store no longer has are hidden."""
        every = list(dict.fromkeys(refs))
        for start in range(0, len(every), MOST_LINES):
            wanted = every[start : start + MOST_LINES]
            found = {product.ref: product for product in self.store.products(wanted)}
            known = self.shelf.read(wanted).products
            gone = [
                msgspec.structs.replace(known[ref], hidden=True)
                for ref in wanted
                if ref not in found and known.get(ref) is not None
            ]
            self.shelf.amend([*found.values(), *gone])

    def publish(self) -> str:
        """Put up a new book from the catalogue as it is and the affinities in the ledger; returns its version."""
        return self.shelf.publish(self.store.catalogue(), self.ledger.affinities())

    def fold(self) -> int:
        """Fold what happened into the counts: the outbox, and what was shown. Safe to repeat; returns rows folded."""
        folded = self.ledger.fold()
        while batch := self.tally.take():
            name, shown = batch
            self.ledger.add_shown(name, shown)
            self.tally.drop(name)
            folded += 1
        return folded

    def pseudonym(self, visitor_key: str) -> str:
        """A visitor's key as the ledger keeps it: the same for the same visitor, and of no use to anybody else."""
        return blake2b(visitor_key.encode(), key=self._secret, digest_size=16).hexdigest()


def _reached(refs: Sequence[str], book: Book) -> frozenset[str]:
    """All that these products lead to."""
    leads = [book.leads_to(ref) for ref in refs]
    return frozenset([affinity.consequent for each in leads for affinity in (*each.upgrades, *each.complements)])


def _looked_at(products: Sequence[str], cart: Cart, book: Book) -> tuple[Line, ...]:
    """Lines for what a page is about: the cart's own line where there is one, so that an upgrade can replace it."""
    lines = {line.product: line for line in cart.lines}
    anchors = []
    for ref in products[:MOST_LINES]:
        product = book.products.get(ref)
        if ref in lines:
            anchors.append(lines[ref])
        elif product is not None:
            anchors.append(Line("", ref, 1, product.price))
    return tuple(anchors)


def _live_price(live: Product, wanted: Wanted, variant: str | None) -> tuple[int, Outcome | None]:
    """The price to charge now, or the outcome that asks again."""
    shown, price = wanted.unit_price, live.price
    if live.variants or variant:
        chosen = live.variant(variant or "")
        if chosen is None:
            return 0, Outcome("refused", f"Please choose which {live.title} you would like.", live=live)
        if chosen.stock is not None and chosen.stock < 1:
            return 0, Outcome("refused", f"{live.title} ({chosen.title}) is sold out.", live=live)
        shown, price = wanted.variants.get(chosen.ref, -1), chosen.price
    if price != shown:
        return price, Outcome("changed", f"The price of {live.title} has changed. Please look again.", live=live)
    return price, None
