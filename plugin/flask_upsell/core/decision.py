"""Decide: look up (best first), judge, give places, quote. A decision is returned, never performed."""

from __future__ import annotations

from .book import Book
from .candidates import look_up
from .context import Context
from .eligibility import judge, worth
from .offer import Candidate, Code, Decision, Dropped, Kind, Offer, Reason, offer_id
from .pricing import quote
from .product import Product
from .ranking import Places


def decide(context: Context, book: Book, *, explain: bool = True) -> Decision:
    """The offers for this context, best first, and a trace with a code for each candidate that was dropped.

    Pure: the same context and book give the same decision. At most `policy.max_offers`, one offer a product.
    Candidates are judged from the best down until the places are full; the rest is outranked. Without `explain` it
    stops there: the same offers, but the trace ends early (a page has no use for it, and it takes most of the time).
    """
    in_cart = {line.product for line in context.cart.lines}
    in_cart.update([line.product for line in context.anchors])
    about = worth(context)
    declined, elsewhere, known = context.declined, context.shown_elsewhere, book.products
    places = Places(context.policy)
    trace: list[Dropped] = []
    for candidate in look_up(context, book):
        ref, trigger = candidate.ref, candidate.trigger.product
        if ref in in_cart:
            code: Code | None = Code.IN_CART
        elif ref in declined:
            code = Code.DECLINED
        elif ref in elsewhere:
            code = Code.SHOWN_ELSEWHERE
        elif not places.room(candidate.kind):
            code = Code.OUTRANKED
        else:
            product = known.get(ref)
            code = judge(candidate, product, known.get(trigger), context, about)
            if code is None and product is not None:
                code = places.place(candidate, product)
        if code is not None:
            trace.append(Dropped(candidate.kind, ref, trigger, code))
        if places.full and not explain:
            break
    offers = tuple([_offer(c, known[c.ref], known.get(c.trigger.product)) for c in places.chosen])
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
