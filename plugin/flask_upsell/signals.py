"""The signals between a store and this extension (blinker). The sender is always the Flask app object.

A store sends the first five; a receiver of ours never raises into the store. A store may listen to the last four.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: The store sends it after lines were added, changed or removed.
cart_changed = _signals.signal("upsell-cart-changed")

#: The store sends it when a shopper opens the checkout.
checkout_started = _signals.signal("upsell-checkout-started")

#: The store sends it with `order` (the order's reference) when an order is placed. With `connection` (the SQLAlchemy
#: connection of the order's own transaction, before its commit) the conversion lives or dies with the order.
order_placed = _signals.signal("upsell-order-placed")

#: The store sends it with `order` when an order is cancelled of which nothing was shipped: what its discounts had used
#: of limits and budgets is given back, once. With `connection` this comes or goes with the cancelling.
order_cancelled = _signals.signal("upsell-order-cancelled")

#: The store sends it with `products` (references) after price, stock, title or visibility changed.
product_changed = _signals.signal("upsell-product-changed")

#: Sent after offers were rendered, with `decision` (core.offer.Decision).
offers_shown = _signals.signal("upsell-offers-shown")

#: Sent after an offer went into the cart, with `acceptance` (core.ports.Acceptance).
offer_accepted = _signals.signal("upsell-offer-accepted")

#: Sent after an order that earned a perk was placed and committed, with `promise` (core.ports.Promise): the store books
#: points, or makes the code good.
perk_granted = _signals.signal("upsell-perk-granted")

#: Sent after "No thanks", with `product`, `kind` and `placement`.
offer_declined = _signals.signal("upsell-offer-declined")
