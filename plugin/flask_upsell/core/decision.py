"""Decide: look up (best first), judge, quote, give places. A decision is returned, never performed."""

from __future__ import annotations

from collections import Counter

from .book import Book
from .candidates import look_up
from .conditions import Scene
from .context import Context
from .eligibility import judge, worth
from .offer import Candidate, Code, Decision, Dropped, Kind, Offer, Quote, Reason, offer_id
from .pricing import quote
from .product import Product
from .ranking import Places
from .rule import Copy, Rule


def decide(context: Context, book: Book, *, explain: bool = True) -> Decision:
    """The offers for this context, upgrades first, and a trace with a code for each candidate that was dropped.

    Pure: the same context and book give the same decision. At most `policy.max_offers`, one offer a product.
    Candidates are judged from the best down until the places are full; the rest is outranked. Without `explain` it
    stops there: the same offers, but the trace ends early and rules have no verdicts (a page has no use for them).
    """
    scene = Scene(context, book.products)
    in_cart = {line.product for line in context.cart.lines}
    in_cart.update([line.product for line in context.anchors])
    about = worth(context)
    places = Places(context.policy, len(context.shown_elsewhere))
    quotes: dict[int, Quote] = {}
    trace: list[Dropped] = []
    for candidate in look_up(scene, book):
        code = _ruled_out(candidate, context, in_cart) or places.no_room(candidate)
        if code is None:
            found = _judged(candidate, book, context, about, places)
            if isinstance(found, Quote):
                quotes[id(candidate)] = found
            else:
                code = found
        if code is not None:
            rule = candidate.rule.name if candidate.rule is not None else ""
            trace.append(Dropped(candidate.kind, candidate.ref, candidate.trigger.product, code, rule))
        if places.full and not explain:
            break
    known, language = book.products, context.visitor.language
    offers = [_offer(c, quotes[id(c)], known[c.ref], known.get(c.trigger.product), language) for c in places.chosen]
    offers.sort(key=_upgrades_first)
    filled = Counter(offer.rule for offer in offers)
    verdicts = tuple(book.rules.explain(scene, filled)) if explain else ()
    return Decision(context.placement, book.version, tuple(offers), tuple(trace), verdicts, scene.until)


def _ruled_out(candidate: Candidate, context: Context, in_cart: set[str]) -> Code | None:
    """What needs no look at the product."""
    ref = candidate.ref
    if ref in in_cart:
        return Code.IN_CART
    if ref in context.declined:
        return Code.DECLINED
    return Code.SHOWN_ELSEWHERE if ref in context.shown_elsewhere else None


def _judged(candidate: Candidate, book: Book, context: Context, about: int, places: Places) -> Quote | Code:
    product = book.products.get(candidate.ref)
    code = judge(candidate, product, book.products.get(candidate.trigger.product), context, about)
    if code is not None or product is None:
        return code or Code.UNKNOWN_PRODUCT
    priced = quote(candidate, product, context)
    if isinstance(priced, Code):
        return priced
    return places.place(candidate, product) or priced


def _upgrades_first(offer: Offer) -> bool:
    return offer.kind is not Kind.UPGRADE


def _offer(candidate: Candidate, quoted: Quote, product: Product, base: Product | None, language: str | None) -> Offer:
    line, evidence, rule = candidate.trigger, candidate.affinity, candidate.rule
    about = base.title if base is not None else line.product
    if candidate.kind is Kind.UPGRADE and evidence is not None:
        about = product.category or about
    together, base_orders = (evidence.together, evidence.base) if evidence is not None else (0, 0)
    return Offer(
        id=offer_id(candidate.kind, line.product, candidate.ref),
        kind=candidate.kind,
        product=product,
        quote=quoted,
        reason=Reason(candidate.kind, together, base_orders, about),
        trigger=line,
        base=base,
        score=candidate.score,
        rule=rule.name if rule is not None else "",
        copy=_copy(rule, language) if rule is not None else None,
    )


def _copy(rule: Rule, language: str | None) -> Copy | None:
    """The rule's words in the shopper's language, else in its parent (zh-Hant-TW: zh-Hant, zh), else the first ones."""
    words = {written.replace("_", "-").lower(): copy for written, copy in rule.copy.items()}
    spoken = (language or "").replace("_", "-").lower()
    while spoken:
        if spoken in words:
            return words[spoken]
        spoken = spoken.rpartition("-")[0]
    return next(iter(words.values()), None)
