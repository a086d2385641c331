"""Decide: look up (best first), judge, quote, give places. A decision is returned, never performed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import msgspec

from .book import Book
from .candidates import learned_in, look_up
from .conditions import Scene
from .context import Context, mark
from .discount import best, pair_combines
from .eligibility import fits_mail, judge, too_dear, worth
from .offer import (
    Asked,
    Candidate,
    Code,
    Decision,
    Dropped,
    Item,
    Kind,
    Offer,
    Placement,
    Progress,
    Quote,
    Reason,
    offer_id,
)
from .prices import LONGEST, TICK, known_until, lowest
from .pricing import quote, quote_bundle
from .product import Product
from .ranking import Places
from .rule import Gap, Ladder, Programme, Rule
from .sources import above, brings, progress
from .words import spoken

#: What one offer costs, and the products of a bundle.
Priced = tuple[Quote, tuple[Item, ...]]


def decide(context: Context, book: Book, *, explain: bool = True) -> Decision:
    """The offers for this context, upgrades first, and a trace with a code for each candidate that was dropped.

    Pure: the same context and book give the same decision. At most `policy.max_offers`, one offer a product.
    Candidates are judged from the best down until the places are full; the rest is outranked. Without `explain` it
    stops there: the same offers, but the trace ends early and rules have no verdicts (a page has no use for them).
    """
    scene = Scene(context, book.products)
    places = Places(context.policy, len(context.shown_elsewhere))
    judged = _Judge(scene, book, places)
    trace: list[Dropped] = []
    for candidate in look_up(scene, book):
        code = judged.against(candidate)
        if code is not None:
            trace.append(_dropped(candidate, code))
        if places.full and not explain:
            break
    chosen = [judged.cheaper(candidate, trace) for candidate in list(places.chosen)]
    language = context.visitor.language
    offers = [_offer(candidate, judged, trace, language) for candidate in chosen]
    offers.sort(key=_upgrades_first)
    verdicts = tuple(book.rules.explain(scene, _filled(offers))) if explain else ()
    return Decision(
        context.placement,
        book.version,
        tuple(offers),
        tuple(trace),
        verdicts,
        scene.until,
        _question(scene, language) if scene.applying else None,
        reached=_reached(scene) if scene.applying else None,
    )


def _filled(offers: Sequence[Offer]) -> Counter[str]:
    """How many offers came of each rule."""
    return Counter(name for offer in offers for name in (offer.rule, offer.beside))


class _Judge:
    """Judges candidates one by one, and remembers what those that got a place cost."""

    def __init__(self, scene: Scene, book: Book, places: Places) -> None:
        context = scene.context
        self.scene, self.context, self.book, self.places = scene, context, book, places
        self.in_cart = {line.product for line in context.cart.lines}
        self.in_cart.update([line.product for line in context.anchors])
        self.about, self.room = worth(context), context.room
        # A bundle is named by all its products.
        self.elsewhere = {part for ref in context.shown_elsewhere for part in (ref, *ref.split("+"))}
        self.new: set[str] = set()
        self.priced: dict[int, Priced] = {}

    def against(self, candidate: Candidate) -> Code | None:
        """Why it is not offered; None when it got a place."""
        code = self._ruled_out(candidate) or self.places.no_room(candidate)
        if code is not None:
            return code
        base = self.book.products.get(candidate.trigger.product)
        if candidate.kind is Kind.PROGRAMME:
            if base is not None and base.sensitive:
                return Code.SENSITIVE
            return self._place(candidate, (Quote(self.context.cart.currency, 0, 1), ()), None)
        parts = candidate.parts or (candidate.ref,)
        products = [self.book.products.get(ref) for ref in parts]
        for product in products:
            code = judge(candidate, product, base, self.context, self.about)
            if code is not None:
                return code
        known = [product for product in products if product is not None]
        found = self._quoted(candidate, known)
        return found if isinstance(found, Code) else self._place(candidate, found, known[0].category)

    def _ruled_out(self, candidate: Candidate) -> Code | None:
        """What needs no look at the product."""
        context = self.context
        if context.placement == Placement.MAIL and not fits_mail(candidate):
            return Code.NOT_IN_MAIL
        for ref in candidate.parts or (candidate.ref,):
            if ref in self.in_cart and not candidate.again:
                return Code.IN_CART
            if ref in context.declined:
                return Code.DECLINED
            if ref in self.elsewhere:
                return Code.SHOWN_ELSEWHERE
        if candidate.parts and candidate.ref in context.declined:
            return Code.DECLINED
        if self.room is not None and len(self.new) >= self.room and mark(candidate.ref) not in context.seen:
            return Code.SESSION_FULL
        return None

    def _quoted(self, candidate: Candidate, products: Sequence[Product]) -> Priced | Code:
        if not candidate.parts:
            found = quote(candidate, products[0], self.context)
            return found if isinstance(found, Code) else (found, ())
        if any(product.variants for product in products):
            return Code.NEEDS_VARIANT
        any_price = candidate.rule is not None and candidate.rule.any_price
        if not any_price and too_dear(sum(each.price for each in products), self.about, self.context.policy):
            return Code.TOO_DEAR
        all_of = quote_bundle(candidate, products, self.context)
        if isinstance(all_of, Code):
            return all_of
        return all_of[-1], tuple([Item(*each) for each in zip(products, all_of[:-1], strict=True)])

    def _place(self, candidate: Candidate, priced: Priced, category: str | None) -> Code | None:
        code = self.places.place(candidate, category)
        if code is None:
            self.priced[id(candidate)] = priced
            if self.room is not None and mark(candidate.ref) not in self.context.seen:
                self.new.add(candidate.ref)
        return code

    def cheaper(self, candidate: Candidate, trace: list[Dropped]) -> Candidate:
        """The same offer by the rule that takes most off: of several the shopper gets the best, or two that combine."""
        if len(self.scene.applying) < 2 or candidate.kind not in (Kind.COMPLEMENT, Kind.UPGRADE):
            return candidate
        mine, product, learn = candidate.rule, self.book.products[candidate.ref], learned_in(self.book)
        now = self.priced[id(candidate)][0]
        options = [] if mine is None else [(mine, now)]
        for working, matched in self.scene.applying:
            rule = working.rule
            # Not how many offers it fills already: what else is shown is no reason for another price.
            if rule.discount is None or rule is mine:
                continue
            if brings(working, matched, candidate, self.scene, self.book, learn):
                found = self._by(candidate, product, rule)
                if found is not None:
                    options.append((rule, found))
        better = best(options)
        if better is None:
            return candidate
        rule, quoted = better if mine is None or _saves_more(better[1], now) else options[0]
        also: Rule | None = None
        for one, other in combinations([each for each, _ in options if each.discount is not None], 2):
            both = self._by(candidate, product, one, other) if pair_combines(one, other) else None
            if both is not None and _saves_more(both, quoted):
                # The rule that brought it comes before those that take it over, so it stays the first of the two.
                rule, also, quoted = one, other, both
        if rule is mine and also is None:
            return candidate
        # What they brought themselves was dropped for want of a place, which it has now.
        winners, trigger = {each.name for each in (rule, also) if each is not None}, candidate.trigger.product
        trace[:] = [each for each in trace if not _is_of(each, winners, candidate, trigger)]
        if mine is not None and rule is not mine:
            trace.append(_dropped(candidate, Code.BETTER_PRICE))
        changed = msgspec.structs.replace(candidate, rule=rule, beside=also)
        self.priced[id(changed)] = (quoted, ())
        self.places.chosen[self.places.chosen.index(candidate)] = changed
        return changed

    def levels(self, candidate: Candidate, trace: list[Dropped]) -> tuple[Item, ...]:
        """The further steps of a ladder that can be offered beside this one."""
        rule, line = candidate.rule, candidate.trigger
        if rule is None or not isinstance(rule.offer, Ladder) or not rule.offer.compare or candidate.beside is not None:
            return ()
        further, base = above(rule.offer, line, self.book), self.book.products.get(line.product)
        found = []
        for ref in further[further.index(candidate.ref) + 1 :]:
            step, product = msgspec.structs.replace(candidate, ref=ref), self.book.products.get(ref)
            taken = self._ruled_out(step) or any(ref in (each.parts or (each.ref,)) for each in self.places.chosen)
            if taken or product is None or judge(step, product, base, self.context, self.about) is not None:
                continue
            quoted = quote(step, product, self.context)
            if isinstance(quoted, Quote):
                found.append(Item(product, self.told(step, product, quoted)))
                trace[:] = [each for each in trace if not _is_of(each, {rule.name}, step, line.product)]
        return tuple(found)

    def told(self, candidate: Candidate, product: Product, quoted: Quote) -> Quote:
        """The quote with what the product cost before its reduction, if that is known and was more."""
        if quoted.normal is None or not quoted.unit_price:
            return quoted
        was = self.before(candidate, product, quoted.normal)
        return msgspec.structs.replace(quoted, was=was) if was is not None and was > quoted.unit_price else quoted

    def told_bundle(self, candidate: Candidate, quoted: Quote, items: Sequence[Item]) -> Quote:
        """The same of a bundle: what its products cost by themselves, if that is known of each."""
        if quoted.normal is None:
            return quoted
        every = [self.before(candidate, each.product, each.product.price) for each in items]
        was = sum([each for each in every if each is not None])
        known = None not in every and was > quoted.unit_price
        return msgspec.structs.replace(quoted, was=was) if known else quoted

    def before(self, candidate: Candidate, product: Product, normal: int) -> int | None:
        """The lowest price that a reduction may be measured by, no more than the store's price now."""
        rules = [rule for rule in (candidate.rule, candidate.beside) if rule is not None]
        now, names, known = self.context.now, {rule.name for rule in rules}, product.past
        found = normal
        for rule in rules:
            began = self.book.rules.began(rule, now, self.context.visitor.country) if known is not None else None
            low = lowest(known, began, now, names) if began is not None else None
            if known is None or began is None or low is None:
                return None
            found = min(found, low)
            self.scene.hold(min(known_until(known), began + LONGEST + TICK))
        return found

    def _by(self, candidate: Candidate, product: Product, rule: Rule, also: Rule | None = None) -> Quote | None:
        """What the offer costs by other rules; None when that is no less."""
        changed = msgspec.structs.replace(candidate, rule=rule, beside=also)
        base = self.book.products.get(candidate.trigger.product)
        if judge(changed, product, base, self.context, self.about) is not None:
            return None
        found = quote(changed, product, self.context)
        return found if isinstance(found, Quote) and (found.off or found.free_shipping) else None


def _is_of(dropped: Dropped, rules: set[str], candidate: Candidate, trigger: str) -> bool:
    """Whether it is the same offer by one of these rules; an upgrade of another line is another one."""
    same = dropped.product == candidate.ref and dropped.kind is candidate.kind and dropped.rule in rules
    return same and (candidate.kind is not Kind.UPGRADE or dropped.trigger == trigger)


def _saves_more(one: Quote, other: Quote) -> bool:
    return (one.off, one.free_shipping) > (other.off, other.free_shipping)


def _dropped(candidate: Candidate, code: Code) -> Dropped:
    rule = candidate.rule.name if candidate.rule is not None else ""
    return Dropped(candidate.kind, candidate.ref, candidate.trigger.product, code, rule)


def _upgrades_first(offer: Offer) -> bool:
    return offer.kind is not Kind.UPGRADE


def _offer(candidate: Candidate, judged: _Judge, trace: list[Dropped], language: str | None) -> Offer:
    known, rule, line, evidence = judged.book.products, candidate.rule, candidate.trigger, candidate.affinity
    quoted, items = judged.priced[id(candidate)]
    base, terms = known.get(line.product), ""
    if rule is not None and isinstance(rule.offer, Programme):
        product, terms = _programme(candidate.ref, rule.offer, quoted.currency, language)
    else:
        product = items[0].product if items else known[candidate.ref]
    quoted = judged.told_bundle(candidate, quoted, items) if items else judged.told(candidate, product, quoted)
    about = base.title if base is not None else line.product
    if candidate.kind is Kind.UPGRADE and evidence is not None and evidence.base:
        # Learning may take products for one kind by their titles: then there is no category to name.
        about = (product.category or "") if base is None or base.category == product.category else ""
    together, base_orders = (evidence.together, evidence.base) if evidence is not None else (0, 0)
    return Offer(
        id=offer_id(candidate.kind, line.product, candidate.ref),
        kind=candidate.kind,
        product=product,
        quote=quoted,
        reason=Reason(candidate.kind, together, base_orders, about, candidate.again, candidate.basis),
        trigger=line,
        base=base,
        score=candidate.score,
        rule=rule.name if rule is not None else "",
        copy=spoken(rule.copy, language) if rule is not None else None,
        items=items,
        terms=terms,
        beside=candidate.beside.name if candidate.beside is not None else "",
        levels=judged.levels(candidate, trace),
        progress=_progress(rule, judged.context),
    )


def _programme(ref: str, source: Programme, currency: str, language: str | None) -> tuple[Product, str]:
    """What a rule says of a programme, as a product that costs nothing; and what follows."""
    title, terms = spoken(source.title, language) or "", spoken(source.terms, language) or ""
    return Product(ref, title, 0, currency, url=source.url, image=source.image), terms


def _progress(rule: Rule | None, context: Context) -> Progress | None:
    return progress(rule.offer, context.cart) if rule is not None and isinstance(rule.offer, Gap) else None


def _reached(scene: Scene) -> Progress | None:
    """The first threshold of a rule that applies, if the cart has reached it."""
    for working, _ in scene.applying:
        near = _progress(working.rule, scene.context)
        if near is not None:
            return near if not near.missing else None
    return None


def _question(scene: Scene, language: str | None) -> Asked | None:
    """The first question of a rule that applies, if it was neither answered nor skipped in this session."""
    for working, _ in scene.applying:
        rule: Rule = working.rule
        if rule.ask is not None and rule.name not in scene.context.asked:
            answers = [(key, spoken(words, language) or key) for key, words in rule.ask.answers.items()]
            return Asked(rule.name, spoken(rule.ask.words, language) or "", tuple(answers))
    return None
