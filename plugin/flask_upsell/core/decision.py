"""Decide: look up, rank, judge, quote. A decision is returned, never performed."""

from __future__ import annotations

from .book import Book
from .candidates import look_up
from .context import Context
from .eligibility import judge, worth
from .offer import Candidate, Code, Decision, Dropped, Kind, Offer, Reason, offer_id
from .pricing import quote
from .product import Product
from .ranking import Places, rank


def decide(context: Context, book: Book) -> Decision:
    """The offers for this context, best first, and a trace with a code for each candidate that was dropped.

    Pure: the same context and book give the same decision. At most `policy.max_offers`, one offer a product.
    Candidates are judged from the best down until the places are full; the rest is outranked.
    """
    in_cart = {line.product for line in context.cart.lines}
    in_cart.update(line.product for line in context.anchors)
    about = worth(context)
    places = Places(context.policy)
    trace: list[Dropped] = []
    for candidate in rank(look_up(context, book)):
        trigger = candidate.trigger.product
        if candidate.ref in in_cart:
            code: Code | None = Code.IN_CART
        elif candidate.ref in context.declined:
            code = Code.DECLINED
        elif candidate.ref in context.shown_elsewhere:
            code = Code.SHOWN_ELSEWHERE
        elif places.full:
            code = Code.OUTRANKED
        else:
            product = book.products.get(candidate.ref)
            code = judge(candidate, product, book.products.get(trigger), context, about)
            if code is None and product is not None:
                code = places.place(candidate, product)
        if code is not None:
            trace.append(Dropped(candidate.kind, candidate.ref, trigger, code))
    offers = tuple(_offer(c, book.products[c.ref], book.products.get(c.trigger.product)) for c in places.chosen)
    return Decision(context.placement, book.version, offers, tuple(trace))


def _offer(candidate: Candidate, product: Product, base: Product | None) -> Offer:
    line, evidence = candidate.trigger, candidate.affinity
    about = base.title if base is not None else line.product
    if candidate.kind is Kind.UPGRADE:
        about = product.category or about
    return Offer(
        id=offer_id(candidate.kind, line.product, candidate.ref),
        kind=candidate.kind,
        product=product,
        quote=quote(candidate.kind, product, line),
        reason=Reason(candidate.kind, evidence.together, evidence.base, about),
        trigger=line,
        base=base,
        score=candidate.score,
    )
