"""Discounts of accepted offers: what they come to now, whether they still hold in the cart, and whether an order gets
them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from ..core.book import Book
from ..core.conditions import Scene
from ..core.context import Cart, Context, Line, Policy
from ..core.discount import together
from ..core.offer import Code, Placement, RuleCode
from ..core.ports import Acceptance, Allowances, Done, Ledger, Refusal, Refused, Rules, Shelf, Store, Want
from ..core.pricing import not_given, reduced
from ..core.product import Product
from ..core.rule import Off, Orphan, Rule, Second
from ..core.rules import RuleSet
from ..core.words import Sentence, say
from .wanted import Wanted

#: More than any line has: no bound.
MOST_UNITS = 2**31
#: Between an acceptance's id and the number of its second rule.
BESIDE = "."
#: Why a discount does not stand any more.
ENDED, ALONE = say("the offer has ended"), say("what it went with is not in the cart")
BROKEN = say("not all of what it was offered with is in the cart")
IN_PART, MORE = say("not all of what belongs together is ordered"), say("more is ordered than it was offered for")


class Discounts:
    """Needs the store, the ledger with its limits, and the rules: those that are live, or as they are kept in SQL."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        ledger: Ledger,
        limits: Allowances,
        rules: Rules,
        policy: Policy,
        zone: str,
        pseudonym: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self.store, self.shelf, self.ledger, self.limits, self.rules = store, shelf, ledger, limits, rules
        self.policy, self.zone = policy, zone
        self.pseudonym, self.clock = pseudonym, clock

    def price(self, normal: int, wanted: Wanted, live: Product, cart: Cart) -> int:
        """What one unit costs now: the store's price, less what the rule takes off if it still holds."""
        rule = self._given(wanted.rule, wanted, cart) if wanted.rule else None
        also = self._given(wanted.beside, wanted, cart) if wanted.beside else None
        if rule is None or (wanted.beside and also is None):
            return normal
        price = reduced(rule, live, normal, wanted.quantity, also)
        return normal if isinstance(price, Code) else price

    def prices(self, wanted: Wanted, live: Sequence[Product], cart: Cart) -> list[int]:
        """What the products of a bundle cost now, all of them taken."""
        normal = [product.price for product in live]
        rule = self._given(wanted.rule, wanted, cart) if wanted.rule else None
        if rule is None or rule.discount is None:
            return normal
        reduced = together(rule.discount, normal, cart.currency, [product.cost for product in live])
        return normal if isinstance(reduced, Code) else reduced

    def _given(self, name: str, wanted: Wanted, cart: Cart) -> Rule | None:
        """A rule of an offer, if it still holds and its discount may be given."""
        book = self.shelf.read([*[line.product for line in cart.lines], wanted.trigger])
        working = book.rules.get(name)
        if working is None:
            return None
        # What a page was about that is no cart (a product, an order) was judged when it was shown, and is signed.
        about_cart = wanted.placement not in (Placement.PRODUCT, Placement.CONFIRMATION)
        anchors = cart.lines if about_cart else (Line("", wanted.trigger, 1, 0),)
        context = self._context(wanted.placement, cart, anchors)
        against = working.against(Scene(context, book.products))
        if against is RuleCode.CONDITIONS and not about_cart:
            against = None
        if against is not None or not_given(working.rule, context) is not None:
            return None
        return working.rule

    def settle(self, refused: Mapping[str, Sentence] | None = None) -> list[Sentence]:
        """Reprice or drop discounted lines whose rule does not hold any more: what triggered it left the cart, or the
        season is over. `refused`: acceptances whose discount was not granted, and why. Returns sentences."""
        accepted = self._discounted()
        if not accepted:
            return []
        cart = self.store.cart()
        there = {(line.ref, line.product) for line in cart.lines}
        broken = {each.bundle for each in accepted if (each.line, each.product) not in there} - {""}
        book = self.shelf.read([line.product for line in cart.lines])
        if not book.rules.version:  # without the rules nobody can tell, but of what was refused
            accepted = [each for each in accepted if (each.bundle or each.id) in (refused or {})]
        said = []
        bundled = {each.line: each.bundle for each in accepted if each.bundle}
        for each in accepted:
            line = next((line for line in cart.lines if line.ref == each.line and line.product == each.product), None)
            if line is None or line.unit_price != each.unit_price:
                continue
            why = (refused or {}).get(each.bundle or each.id)
            # What an offer brought does not trigger it.
            own = each.bundle or None
            others = [one for one in cart.lines if one is not line and bundled.get(one.ref, "") != own]
            for name in (each.rule, each.beside):
                why = why or (self._orphaned(name, each, others, cart, book) if name else None)
            if not why and each.bundle in broken:
                why = BROKEN
            if why:
                working = book.rules.get(each.rule)
                discount = working.rule.discount if working is not None else None
                drop = discount is not None and discount.orphan is Orphan.DROP and not each.replaced and not refused
                done = self.store.remove(line.ref) if drop else self._reprice(line, each)
                if isinstance(done, Done):
                    out = say("{title} was taken out: {why}.", title=each.title, why=why)
                    normal = say("{title} is at its normal price: {why}.", title=each.title, why=why)
                    said.append(out if drop else normal)
            elif line.quantity > (most := self._most(each, book)):
                said.append(self._split(line, most, each))
        return said

    def _most(self, accepted: Acceptance, book: Book) -> int:
        """How many units of an accepted offer may have its price."""
        rules = [working.rule for name in (accepted.rule, accepted.beside) if (working := book.rules.get(name))]
        bounded = accepted.bundle or any(_counts_units(rule) for rule in rules)
        return accepted.quantity if bounded else MOST_UNITS

    def _split(self, line: Line, most: int, accepted: Acceptance) -> Sentence:
        """Leave so many units at the discounted price; the others become a line of their own, or else all lose it."""
        rest = self.store.add(line.product, line.variant, line.quantity - most)
        kept = isinstance(rest, Done) and self.store.replace(
            line.ref, line.product, line.variant, most, line.unit_price
        )
        if not isinstance(kept, Done):
            if isinstance(rest, Done):
                self.store.remove(rest.line)
            self._reprice(line, accepted)
            return say("{title} is at its normal price: it was offered for {n} only.", title=accepted.title, n=most)
        return say("{title} is offered for {n}; the others are at their normal price.", title=accepted.title, n=most)

    def _discounted(self, *, unsure: bool = False) -> list[Acceptance]:
        """What this visitor accepted at a discount, and all of a bundle in which something was. See Claims.accepted."""
        visitor = self.store.visitor()
        accepted = self.ledger.accepted(self.pseudonym(visitor.key), unsure=unsure) if visitor.key else []
        bundles = {each.bundle for each in accepted if each.off} - {""}
        return [each for each in accepted if each.off or each.bundle in bundles]

    def _reprice(self, line: Line, accepted: Acceptance) -> Done | Refused:
        found = next(iter(self.store.products([line.product])), None)
        normal = accepted.normal if found is None else normal_price(found, line.variant)
        return self.store.replace(line.ref, line.product, line.variant, line.quantity, normal)

    def _orphaned(
        self, rule: str, accepted: Acceptance, others: Sequence[Line], cart: Cart, book: Book
    ) -> Sentence | None:
        """Why a rule of an accepted offer does not hold for the other lines of the cart; None when it does."""
        working = book.rules.get(rule)
        if working is None:
            return ENDED
        # What an upgrade replaced is what triggered it.
        before = [accepted.replaced] if accepted.replaced else []
        rest = (*others, *before)
        if accepted.placement in (Placement.PRODUCT, Placement.CONFIRMATION):
            country = self.store.visitor().country
            against = None if working.timetable.state(self.clock(), country)[0] else RuleCode.OUT_OF_SEASON
        else:
            against = working.against(Scene(self._context(accepted.placement, cart, rest), book.products))
        if isinstance(working.rule.offer, Second) and all(one.product != accepted.product for one in others):
            return ALONE
        if against is None:
            return None
        return ENDED if against is RuleCode.OUT_OF_SEASON else ALONE

    def grant(self, order: str, connection: object = None) -> list[Refusal]:
        """Count the discounts of an order that is being placed, in its transaction. Those that are not granted come
        back: with any of them the order must not be placed as it is."""
        # What a killed process put into the cart is in the order like all else, and is counted.
        accepted = self._discounted(unsure=True)
        placed = self.store.order(order, connection) if accepted else None
        # The shopper may have changed how many since: what is counted is what is ordered.
        ordered = Counter[tuple[str, int]]()
        for line in placed.lines if placed is not None else ():
            ordered[line.product, line.unit_price] += line.quantity
        units = _portions(ordered, accepted)
        asked: dict[str, list[Acceptance]] = {}
        for each in accepted:
            asked.setdefault(each.bundle or each.id, []).append(each)
        # Of what is in the order at its discounted price; a bundle is one, and stands while any of its discounts does.
        asked = {id: every for id, every in asked.items() if any(each.off > 0 and units[each.id] for each in every)}
        if not asked:
            return []
        visitor, book = self.store.visitor(), self.shelf.read([each.product for each in accepted])
        if not book.rules.version:  # Redis is away, or was emptied: what was offered is given all the same
            book = msgspec.structs.replace(book, rules=RuleSet(self.rules.load(), self.zone))
        today = self.clock().astimezone(ZoneInfo(self.zone)).date()
        customer = self.pseudonym(visitor.customer or visitor.key)
        wants, refusals = [], []
        for id, every in asked.items():
            first = every[0]
            why = self._not_as_offered(every, ordered, units, book)
            if why is not None:
                refusals.append(Refusal(id, first.rule, "", why))
                continue
            off = sum((each.normal - each.unit_price) * units[each.id] for each in every)
            # Of two rules on a line each counts all that is taken off: a budget is never overshot.
            for number, name in enumerate(filter(None, (first.rule, first.beside))):
                working = book.rules.get(name)
                if working is not None:
                    own = f"{id}{BESIDE}{number}" if number else id
                    wants.append(Want(own, name, working.rule.limits, customer, today, off, first.currency, order))
        refused = self.limits.grant(wants, connection)
        # Known by what was accepted, whichever of its two rules refused it.
        return refusals + [msgspec.structs.replace(each, id=each.id.partition(BESIDE)[0]) for each in refused]

    def _not_as_offered(
        self, every: Sequence[Acceptance], ordered: Counter[tuple[str, int]], units: Mapping[str, int], book: Book
    ) -> Sentence | None:
        """Why what is ordered is not what was accepted; None when it is."""
        first = every[0]
        rules = [book.rules.get(name) for name in (first.rule, first.beside) if name]
        if None in rules:
            return ENDED
        if not all((each.product, each.unit_price) in ordered for each in every):
            return IN_PART
        if any(units[each.id] > self._most(each, book) for each in every if each.off):
            return MORE
        bought = sum(number for (product, _), number in ordered.items() if product == first.product)
        if bought <= first.quantity and any(each and isinstance(each.rule.offer, Second) for each in rules):
            return ALONE
        return None

    def _context(self, placement: str, cart: Cart, anchors: tuple[Line, ...]) -> Context:
        return Context(
            placement, cart, anchors, self.clock(), self.store.visitor(),
            capabilities=self.store.capabilities, policy=self.policy,
        )  # fmt: skip


def _counts_units(rule: Rule) -> bool:
    """Whether a discount is for so many units only: a gift is one gift, however many are put into the cart later."""
    discount = rule.discount
    if discount is None:
        return False
    capped = discount.most_units is not None or bool(discount.most)
    return capped or discount.off is Off.GIFT or isinstance(rule.offer, Second)


def normal_price(live: Product, variant: str | None) -> int:
    """The store's own price."""
    chosen = live.variant(variant) if variant else None
    return live.price if chosen is None else chosen.price


def _portions(ordered: Mapping[tuple[str, int], int], accepted: Sequence[Acceptance]) -> dict[str, int]:
    """By acceptance, how many units of an order are its own. The last ones come first: what was taken out of the cart
    and accepted again, or put there twice by a click whose process was killed, was ordered once."""
    left, portions = Counter(ordered), dict[str, int]()
    for each in reversed(accepted):
        key = each.product, each.unit_price
        portions[each.id] = min(each.quantity, left[key])
        left[key] -= portions[each.id]
    # The shopper may have put more of it into the cart.
    for each in reversed(accepted):
        key = each.product, each.unit_price
        portions[each.id] += left.pop(key, 0)
    return portions
