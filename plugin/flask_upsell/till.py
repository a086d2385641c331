"""The till: accept and undo. What changes a shopper's cart, with the price read again each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from . import faults
from .core.book import Book
from .core.conditions import Scene
from .core.context import Capability, Cart, Context, Line, Policy
from .core.offer import Code, Kind, Placement, RuleCode
from .core.ports import Acceptance, Allowances, Done, Ledger, Refusal, Refused, Shelf, Store, Want
from .core.pricing import not_given, reduced
from .core.product import Product
from .core.rule import Orphan

#: How long a repeated click waits for the answer to the first one.
PATIENCE_SECONDS = 2.0


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What a shopper wants to accept or decline: the offer as it was shown. Prices in minor units of `currency`.

    `line` and `replaces` (its unit price, `replaced` its product) belong to upgrades of a cart line; `variants` has the
    price shown for each choice. `rule` brought it, for the product `trigger`.
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
    rule: str = ""
    trigger: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. `status`: done, undone, declined, changed (ask again: `live` is the product now) or refused.

    `repeated`: it was done before, by an earlier request with the same key.
    """

    status: str
    text: str
    acceptance: Acceptance | None = None
    live: Product | None = None
    repeated: bool = False


class Till:
    """Needs the store, the ledger and, for prices under a rule, the rules that are live."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        ledger: Ledger,
        limits: Allowances,
        policy: Policy,
        zone: str,
        pseudonym: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self.store, self.shelf, self.ledger, self.limits, self.policy = store, shelf, ledger, limits, policy
        self.zone = zone
        self.pseudonym, self.clock = pseudonym, clock

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
        cart = self.store.cart()
        price, changed = _live_price(live, wanted, variant, lambda normal: self._price(normal, wanted, live, cart))
        if changed:
            return changed
        if cart.currency != live.currency:
            return Outcome("refused", f"{live.title} is priced in {live.currency}, your cart is in {cart.currency}.")
        if wanted.line:
            return self._replace(wanted, live, price, cart)
        if any(line.product == wanted.product and line.variant == variant for line in cart.lines):
            return Outcome("refused", f"{live.title} is in your cart already.")
        if not live.has(1):
            return Outcome("refused", f"{live.title} is sold out.", live=live)
        done = self.store.add(wanted.product, variant, 1, _own_price(price, live, variant))
        if isinstance(done, Refused):
            return Outcome("refused", done.reason, live=live)
        return self._accepted(wanted, live, price, 1, done, variant=variant)

    # --- discounts in the cart and in an order -----------------------------------------------------------------------

    def settle(self, refused: Mapping[str, str] | None = None) -> list[str]:
        """Reprice or drop discounted lines whose rule does not hold any more: what triggered it left the cart, or the
        season is over. `refused`: acceptances whose discount was not granted, and why. Returns sentences."""
        accepted = self._discounted()
        if not accepted:
            return []
        cart = self.store.cart()
        book = self.shelf.read([line.product for line in cart.lines])
        if not book.version:
            return []  # without the rules nobody can tell
        said = []
        for each in accepted:
            line = next((line for line in cart.lines if line.ref == each.line and line.product == each.product), None)
            if line is None or line.unit_price != each.unit_price:
                continue
            why = (refused or {}).get(each.id) or self._orphaned(each, line, cart, book)
            if why:
                working = book.rules.get(each.rule)
                discount = working.rule.discount if working is not None else None
                drop = discount is not None and discount.orphan is Orphan.DROP and not each.replaced and not refused
                done = self.store.remove(line.ref) if drop else self._reprice(line, each)
                if isinstance(done, Done):
                    said.append(f"{each.title} {'was taken out' if drop else 'is at its normal price'}: {why}.")
        return said

    def _discounted(self) -> list[Acceptance]:
        """What this visitor accepted at a discount."""
        visitor = self.store.visitor()
        accepted = self.ledger.accepted(self.pseudonym(visitor.key)) if visitor.key else []
        return [each for each in accepted if each.off]

    def _reprice(self, line: Line, accepted: Acceptance) -> Done | Refused:
        found = next(iter(self.store.products([line.product])), None)
        normal = accepted.normal if found is None else _normal(found, line.variant)
        return self.store.replace(line.ref, line.product, line.variant, line.quantity, normal)

    def _orphaned(self, accepted: Acceptance, line: Line, cart: Cart, book: Book) -> str:
        """Why the rule of an accepted offer does not hold for the rest of the cart; "" when it does."""
        working = book.rules.get(accepted.rule)
        if working is None:
            return "the offer has ended"
        # What an upgrade replaced is what triggered it.
        before = [accepted.replaced] if accepted.replaced else []
        rest = (*[each for each in cart.lines if each is not line], *before)
        if accepted.placement in (Placement.PRODUCT, Placement.CONFIRMATION):
            country = self.store.visitor().country
            against = None if working.timetable.state(self.clock(), country)[0] else RuleCode.OUT_OF_SEASON
        else:
            against = working.against(Scene(self._context(accepted.placement, cart, rest), book.products))
        if against is None:
            return ""
        return "the offer has ended" if against is RuleCode.OUT_OF_SEASON else "what it went with is not in the cart"

    def grant(self, order: str, connection: object = None) -> list[Refusal]:
        """Count the discounts of an order that is being placed, in its transaction. Those that are not granted come
        back: with any of them the order must not be placed as it is."""
        accepted = self._discounted()
        placed = self.store.order(order, connection) if accepted else None
        # The shopper may have changed how many since: what is counted is what is ordered.
        ordered = (
            {(line.product, line.unit_price): line.quantity for line in placed.lines} if placed is not None else {}
        )
        accepted = [each for each in accepted if (each.product, each.unit_price) in ordered]
        if not accepted:
            return []
        visitor, rules = self.store.visitor(), self.shelf.read([each.product for each in accepted]).rules
        today = self.clock().astimezone(ZoneInfo(self.zone)).date()
        customer = self.pseudonym(visitor.customer or visitor.key)
        wants, refusals = [], []
        for each in accepted:
            working = rules.get(each.rule)
            if working is None:
                refusals.append(Refusal(each.id, each.rule, "", "the offer has ended"))
                continue
            off = (each.normal - each.unit_price) * ordered[each.product, each.unit_price]
            wants.append(Want(each.id, each.rule, working.rule.limits, customer, today, off, each.currency, order))
        return [*refusals, *self.limits.grant(wants, connection)]

    def _context(self, placement: str, cart: Cart, anchors: tuple[Line, ...]) -> Context:
        return Context(
            placement, cart, anchors, self.clock(), self.store.visitor(),
            capabilities=self.store.capabilities, policy=self.policy,
        )  # fmt: skip

    def _price(self, normal: int, wanted: Wanted, live: Product, cart: Cart) -> int:
        """What one unit costs now: the store's price, less what the rule takes off if it still holds."""
        if not wanted.rule:
            return normal
        book = self.shelf.read([*[line.product for line in cart.lines], wanted.trigger])
        working = book.rules.get(wanted.rule)
        if working is None:
            return normal
        # What a page was about that is no cart (a product, an order) was judged when it was shown, and is signed.
        about_cart = wanted.placement not in (Placement.PRODUCT, Placement.CONFIRMATION)
        anchors = cart.lines if about_cart else (Line("", wanted.trigger, 1, 0),)
        context = self._context(wanted.placement, cart, anchors)
        against = working.against(Scene(context, book.products))
        if against is RuleCode.CONDITIONS and not about_cart:
            against = None
        if against is not None or not_given(working.rule, context) is not None:
            return normal
        price = reduced(working.rule, live, normal, wanted.quantity)
        return normal if isinstance(price, Code) else price

    def _replace(self, wanted: Wanted, live: Product, price: int, cart: Cart) -> Outcome:
        line = next((line for line in cart.lines if line.ref == wanted.line and line.product == wanted.replaced), None)
        if line is None:
            return Outcome("refused", "What this would have replaced is not in your cart any more.")
        if line.unit_price != wanted.replaces:
            return Outcome("changed", "The price of what is in your cart has changed. Please look again.", live=live)
        if not live.has(line.quantity):
            return Outcome("refused", f"There is not enough of {live.title} in stock.", live=live)
        done = self.store.replace(line.ref, wanted.product, None, line.quantity, _own_price(price, live, None))
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
            rule=wanted.rule,
            normal=_normal(live, variant),
        )
        try:
            self.ledger.record_acceptance(acceptance, self.clock())
        except Exception:
            # What is not on record can neither be undone nor counted: the cart is put back before anybody is told.
            self._put_back(Line(done.line, wanted.product, quantity, price, variant), replaced, quantity)
            raise
        text = f"Upgraded to {live.title}." if replaced else f"Added: {live.title}."
        return Outcome("done", text, acceptance)

    # --- undoing ---------------------------------------------------------------------------------------------------

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


def _normal(live: Product, variant: str | None) -> int:
    """The store's own price."""
    chosen = live.variant(variant) if variant else None
    return live.price if chosen is None else chosen.price


def _own_price(price: int, live: Product, variant: str | None) -> int | None:
    """The price that the cart line must be given; None when it is the store's own."""
    return None if price == _normal(live, variant) else price


def _live_price(
    live: Product, wanted: Wanted, variant: str | None, now: Callable[[int], int]
) -> tuple[int, Outcome | None]:
    """The price to charge, or the outcome that asks again. `now`: the store's price, less what a rule takes off."""
    shown, normal = wanted.unit_price, live.price
    if live.variants or variant:
        chosen = live.variant(variant or "")
        if chosen is None:
            return 0, Outcome("refused", f"Please choose which {live.title} you would like.", live=live)
        if chosen.stock is not None and chosen.stock < 1:
            return 0, Outcome("refused", f"{live.title} ({chosen.title}) is sold out.", live=live)
        shown, normal = wanted.variants.get(chosen.ref, -1), chosen.price
    price = now(normal)
    if price != shown:
        return price, Outcome("changed", f"The price of {live.title} has changed. Please look again.", live=live)
    return price, None
