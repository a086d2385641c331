"""What a store says of its cart, its orders and its products, and what is done about it: in the order's own
transaction, or when the store's work is done.

Nothing that is raised in here reaches the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, after_this_request, g, has_request_context, request

from . import faults, signals
from .adapters.deadline import within
from .core.words import Sentence
from .jobs import Parts
from .web.consent import Consent
from .web.edge import Edge, harmless
from .web.memory import Memory
from .web.spans import span
from .web.view import Notice


class Listener:
    """Hears the signals that one app sends to one instance. The app holds it: signals of the process hold nothing, so
    an app that is dropped is gone."""

    def __init__(self, app: Flask, parts: Parts, edge: Edge) -> None:
        self._app, self._parts, self._edge = app, parts, edge
        self._offers, self._identifier = parts.offers, parts.identifier
        self._consent = Consent(parts.identifier, parts.settings.consent)
        self._later = f"_{parts.identifier}_later"
        self._hears: list[Callable[..., None]] = []

    def listen(self) -> None:
        """From now on, as long as the app lives."""
        edge, app = self._edge, self._app
        for reason, signal, hear in (
            ("order_placed", signals.order_placed, self._ordered),
            ("order_cancelled", signals.order_cancelled, self._cancelled),
            ("product_changed", signals.product_changed, self._products_changed),
            ("cart_changed", signals.cart_changed, self._cart_changed),
            ("cart_changed", signals.checkout_started, self._cart_changed),
        ):
            self._hears.append(edge.serves(reason, None)(hear))
            signal.connect(self._hears[-1], sender=app)
        app.teardown_appcontext(edge.serves("afterwards", None)(self._do_later))

    # --- orders ----------------------------------------------------------------------------------------------------

    def _ordered(self, _: Flask, order: str, connection: object = None, **__: Any) -> None:
        with faults.about(self._identifier), span("upsell.order", self._identifier):
            visitor = self._offers.store.visitor()
            # An order without a request is placed by no shopper, who could be asked.
            consent = self._consent.given(request.environ) if has_request_context() else None
            whose = visitor.key, visitor.language or "", consent
            if self._shares(connection):
                if self._offers.record_order(order, visitor.key, connection, *whose[1:], later=self._afterwards):
                    # What is not there any more by then was rolled back with the order.
                    g.setdefault(self._later, []).append(lambda: self._tell_perks(order))
                if has_request_context():
                    self._thank(order)
            else:
                # In another database than ours, or unknown: after the store's commit, so that nobody waits for a lock.
                self._afterwards(lambda: self._record_and_tell(order, *whose))
            if has_request_context():
                Memory(self._identifier).forget_last()
            self._afterwards(lambda: self._offers.queue.enqueue_once("fold"))

    def _record_and_tell(self, order: str, visitor: str, language: str, consent: bool | None) -> None:
        if self._offers.record_order(order, visitor, None, language, consent):
            self._tell_perks(order)

    def _tell_perks(self, order: str) -> None:
        for promise in self._offers.ledger.promised(order) if signals.perk_granted.receivers else ():
            signals.perk_granted.send(self._app, promise=promise)

    def _thank(self, order: str) -> None:
        """When the view has committed or rolled back, and before the session goes into its cookie."""

        @harmless("thanks", None)
        def thank() -> None:
            Memory(self._identifier).thank(tell(self._parts, said) for said in self._offers.thanks(order))

        @after_this_request
        def thanked(response: Response) -> Response:
            thank()
            return response

    def _cancelled(self, _: Flask, order: str, connection: object = None, **__: Any) -> None:
        if self._shares(connection):
            self._offers.release(order, connection)
        else:
            self._afterwards(lambda: self._offers.release(order))
        self._afterwards(lambda: self._offers.queue.enqueue_once("fold"))

    # --- products and carts ----------------------------------------------------------------------------------------

    def _products_changed(self, _: Flask, products: list[str] | tuple[str, ...], **__: Any) -> None:
        self._afterwards(lambda: self._offers.queue.enqueue("amend", *map(str, products)))

    def _cart_changed(self, _: Flask, **__: Any) -> None:
        self._offers.tally.flush()
        settle_after(self._parts)

    # --- when -------------------------------------------------------------------------------------------------------

    def _shares(self, connection: object) -> bool:
        return connection is not None and self._offers.ledger.shares(connection)

    def _afterwards(self, act: Callable[[], object]) -> None:
        """Do it when the request is over and the store has committed; at once where there is no request."""
        if has_request_context():
            g.setdefault(self._later, []).append(act)
        else:
            act()

    def _do_later(self, _: BaseException | None = None) -> None:
        for act in g.pop(self._later, []):
            harmless("afterwards", None)(act)()


def settle_after(parts: Parts, refused: Mapping[str, Sentence] | None = None) -> None:
    """Settle when the view is done, and has committed or rolled back, while it is still known whose request it is.
    `refused`: see `Discounts.settle`."""

    @harmless("settle", None)
    def settle() -> None:
        with within(parts.settings.hook_seconds, parts.settings.database_seconds):
            said = parts.offers.settle(refused)
        if said and has_request_context():
            Memory(parts.identifier).say("cart", Notice(" ".join(tell(parts, each) for each in said), "sorry"))

    if not has_request_context():
        settle()
        return

    @after_this_request
    def settled(response: Response) -> Response:
        settle()
        return response


def tell(parts: Parts, said: Sentence) -> str:
    """A sentence in the language of whoever is there."""
    told: str = parts.languages.speech(parts.offers.store.visitor().language).tell(said)
    return told
