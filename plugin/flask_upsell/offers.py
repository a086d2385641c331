"""The one pipeline: suggest, accept, decline, undo, record an order, publish. Nothing else touches several ports.

What it is given may fail: it raises, and the edge in `web/` turns that into a page without offers.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from . import faults
from .core.book import EMPTY, Book
from .core.context import MOST_LINES, Cart, Context, Line, Policy, forgotten
from .core.curation import Curation
from .core.decision import decide
from .core.followup import Diary, Plan
from .core.goal import Course
from .core.kept import Kept, rebound, same
from .core.lessons import Consents, Lessons
from .core.offer import Decision
from .core.perks import thanks
from .core.ports import Allowances, Ledger, Order, Queue, Rules, Shelf, Store, Tally
from .core.prices import Prices
from .core.product import Product
from .core.rule import Rule, Status
from .core.switch import Off, Switch
from .core.words import Sentence, say
from .errors import BookError, OrderError
from .fresh import Fresh
from .publishing import Publishing
from .till import DECLINED, Clicks, Discounts, Outcome, PriceRecord, Pseudonyms, Till, Wanted

SWITCHED_OFF = Outcome("refused", say("Suggestions are switched off just now. Your cart is as it was."))
#: What is kept of a visitor's language: what may be one (BCP 47), and nothing else that a store may write there.
LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}\Z")
#: How many decisions a process keeps; one takes about 2 KB.
MOST_DECIDED = 2000
#: Bigger carts are rare and nobody has the same.
MOST_KEPT_LINES = 30


class Offers:
    """One instance's pipeline. `clock` gives aware UTC instants. With a `diary`, customers are written to
    `follow_up_after` their order. Without `prices` no reduction says what it is measured by; without `curation` all
    that was learned is offered; without `lessons` only pairs with evidence are published, and without `consents`
    nobody's past orders. `secret` makes pseudonyms; a function is asked for it when the first one is made."""

    def __init__(
        self,
        *,
        store: Store,
        shelf: Shelf,
        ledger: Ledger,
        tally: Tally,
        queue: Queue,
        rules: Rules,
        limits: Allowances,
        switch: Switch,
        policy: Policy,
        secret: str | Callable[[], str],
        zone: str = "UTC",
        diary: Diary | None = None,
        prices: Prices | None = None,
        curation: Curation | None = None,
        lessons: Lessons | None = None,
        fresh: Fresh | None = None,
        consents: Consents | None = None,
        follow_up_after: timedelta = timedelta(days=7),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store, self.shelf, self.ledger, self.tally, self.queue = store, shelf, ledger, tally, queue
        self.rules, self.limits, self.switch, self.zone = rules, limits, switch, zone
        self.policy, self.clock, self.curation = policy, clock, curation
        self.lessons, self.consents = lessons, consents
        self.diary, self._follow_up_after, self.prices = diary, follow_up_after, prices
        # Decisions from the version that is live, by all that they depend on: carts of one kind are many.
        self._decided: tuple[tuple[str, str], dict[object, Kept]] = (("", ""), {})
        self._numbers = count(1)
        self.pseudonym = Pseudonyms(secret)
        self.publishing = Publishing(shelf, ledger, queue, curation, lessons, fresh)
        self.discounts = Discounts(
            store, shelf, ledger, limits, rules, policy, zone, self.pseudonym, lambda: self.clock()
        )
        self.clicks = Clicks(store, ledger, self.pseudonym, lambda: self.clock())
        self.record = PriceRecord(prices, store, ledger, self.pseudonym, lambda: self.clock())
        self.till = Till(store, ledger, self.discounts, self.clicks, lambda: self.clock())

    # --- showing ---------------------------------------------------------------------------------------------------

    def suggest(
        self,
        placement: str,
        *,
        cart: object = None,
        products: Sequence[str] | None = None,
        declined: frozenset[str] = frozenset(),
        elsewhere: frozenset[str] = frozenset(),
        source: str = "",
        answers: frozenset[tuple[str, str]] = frozenset(),
        asked: frozenset[str] = frozenset(),
        seen: frozenset[str] = frozenset(),
        fresh: Mapping[str, Product] | None = None,
        consent: bool = True,
    ) -> Decision:
        """The offers for a placement. No SQL of ours, and no round trip to Redis while the copy is warm; one reads the
        book again, others bring what a new decision looks at.

        `cart`: what the page has loaded already. `products`: what the page is about instead of the cart (the product
        that is looked at, what was ordered). `fresh`: products known better than the book knows them. `declined` to
        `seen`, and `consent`: see Context.
        """
        store = self.store
        current = store.cart(cart)
        refs = (
            [line.product for line in current.lines[:MOST_LINES]] if products is None else list(products[:MOST_LINES])
        )
        if not refs or not self.policy.max_offers:
            return Decision(placement, "", (), ())
        book = self.shelf.read(refs)
        if book is EMPTY or not book.version or self.off:
            return Decision(placement, "", (), ())
        anchors = current.lines if products is None else _looked_at(products, current, book)
        visitor = store.visitor() if consent else forgotten(store.visitor())
        weighed = book.model is not None
        known_as = self.pseudonym.at_hand(visitor.customer) if weighed and consent and visitor.customer else ""
        context = Context(
            placement=placement,
            cart=current,
            anchors=anchors,
            now=self.clock(),
            visitor=visitor,
            declined=declined,
            shown_elsewhere=elsewhere,
            capabilities=store.capabilities,
            policy=self.policy,
            source=(visitor.source or source) if consent else "",
            answers=answers,
            asked=asked,
            seen=seen,
            consent=consent,
            known_as=known_as or "",
        )
        # Anybody may send any names of what is shown elsewhere: decisions about made-up ones are not kept.
        made_up = any(part not in book.products for ref in elsewhere for part in ref.split("+"))
        key = None
        if not fresh and not made_up and len(current.lines) <= MOST_KEPT_LINES and known_as is not None:
            key = same(context, book.rules, weighed)
        versions = (book.version, book.rules.version)
        decided = self._decided
        if decided[0] != versions:
            decided = self._decided = (versions, {})
        known = decided[1].get(key) if key is not None else None
        if known is not None and known.holds(context.now):
            return rebound(known, anchors)
        failures = faults.seen["redis_read"]
        if fresh:
            book = msgspec.structs.replace(book, products=ChainMap(dict(fresh), book.products))  # type: ignore[arg-type]
        decision = decide(context, book, explain=False)
        # What was decided without all of the book is not kept: Redis may be back in a moment.
        if key is not None and failures == faults.seen["redis_read"] and all(ref in book.affinities for ref in refs):
            if len(decided[1]) >= MOST_DECIDED:
                decided[1].clear()
            decision = msgspec.structs.replace(decision, number=next(self._numbers))
            decided[1][key] = Kept(decision, anchors, context.now)
        return decision

    # --- the cart --------------------------------------------------------------------------------------------------

    def accept(
        self, wanted: Wanted, key: str, variant: str | None = None, ticked: Sequence[int] | None = None
    ) -> Outcome:
        """See `Till.accept`. While everything is switched off nothing is accepted; what was can still be undone."""
        self.shelf.read(())
        if self.off:
            return SWITCHED_OFF
        return self.till.accept(wanted, key, variant, ticked)

    def undo(self, id: str) -> Outcome:
        """See `Till.undo`."""
        return self.till.undo(id)

    def decline(self, wanted: Wanted) -> Outcome:
        """Count a "No thanks"; the caller remembers it for the session."""
        for product in [piece.product for piece in wanted.pieces] or [wanted.product, *wanted.also]:
            self.ledger.record_decline(wanted.placement, wanted.kind, product, self.clock(), wanted.rule)
        return DECLINED

    def settle(self, refused: Mapping[str, Sentence] | None = None) -> list[Sentence]:
        """After the cart was changed: end what killed processes began in it, then see `Discounts.settle`."""
        try:
            # Half a bundle that was refused must not be refused again and again.
            self.clicks.resume(at_once=bool(refused))
        except Exception as error:  # it is tried again with the next change
            faults.note("resume", "what was left of a click is not ended: %s: %s", type(error).__name__, error)
        return self.discounts.settle(refused)

    # --- the kill switch -------------------------------------------------------------------------------------------

    @property
    def off(self) -> bool:
        """As Redis said with the last reading; while it says nothing, as SQL did some seconds ago."""
        off = self.shelf.off
        return self.switch.lately() if off is None else off

    def switch_off(self, by: str, why: str) -> None:
        """In all processes: within a second, or within five while Redis does not answer. BookError says that it does
        not: the switch is off all the same."""
        self.switch.set(Off(self.clock(), by, why))
        self.shelf.switch(True)

    def switch_on(self) -> None:
        """See `switch_off`."""
        self.switch.set(None)
        self.shelf.switch(False)

    def keep_switch(self) -> None:
        """Tell Redis again what SQL says: it may have been away, or have lost it. Raises BookError."""
        self.shelf.switch(self.switch.state() is not None)

    # --- orders and products ---------------------------------------------------------------------------------------

    def record_order(
        self,
        ref: str,
        visitor_key: str,
        connection: object = None,
        language: str = "",
        consent: bool | None = None,
        later: Callable[[Callable[[], object]], object] = lambda act: act(),
    ) -> int:
        """Write the conversions of an order that is being placed, and when its customer may be written to (in this
        `language`, BCP 47); returns how many conversions. `consent`: whether the customer agrees that past orders are
        used; None: nobody was asked, and what was said before holds. `later` does what must wait for the commit."""
        # Behind a savepoint: on PostgreSQL a failed statement would spoil the order's own transaction.
        nested = getattr(connection, "begin_nested", nullcontext)
        with nested():
            order = self.store.order(ref, connection)
        if order is None:
            raise OrderError(
                f"order {ref!r}: the store does not know it; send order_placed after its lines are written "
                "(flushed), with the connection of its transaction"
            )
        book = self.shelf.read([line.product for line in order.lines[:MOST_LINES]])
        rules = book.rules.book.rules
        self.record.paid(order, visitor_key, book, connection)
        customer = order.customer or self.store.visitor().customer or visitor_key
        written = self.ledger.record_order(
            order,
            self.pseudonym(visitor_key),
            self.clock(),
            connection,
            customer=self.pseudonym(customer) if customer else "",
            perks={rule.name: rule.perk for rule in rules if rule.perk is not None},
        )
        self._plan_follow_up(order, language, connection)
        self._note_consent(order, consent, connection, later)
        return written

    def release(self, ref: str, connection: object = None) -> int:
        """Give back what a cancelled order was granted, once; returns how many uses. Rules that were used up are shown
        again with the next fold."""
        released = self.limits.release(self.limits.granted(ref, connection), connection)
        if released:
            self.ledger.record_release(ref, self.clock(), connection)
        self.publishing.look_again(ref, connection)
        return released

    def _note_consent(self, order: Order, given: bool | None, connection: object, later: Callable[..., object]) -> None:
        """Of customers with an account. What goes wrong costs their habits, not the order nor its conversions."""
        customer = order.customer or self.store.visitor().customer
        if self.consents is None or given is None or not customer:
            return
        try:
            known_as = self.pseudonym(customer)
            if self.consents.note(known_as, given, self.clock(), connection):
                later(lambda: self.queue.enqueue("forget", known_as))
        except Exception as error:
            faults.note("consents", "consent with order %s is not kept: %s", order.ref, type(error).__name__)

    def _plan_follow_up(self, order: Order, language: str, connection: object) -> None:
        """Guests are not written to. What goes wrong costs the mail, not the order nor its conversions."""
        if self.diary is None or not order.customer:
            return
        due = self.clock() + self._follow_up_after
        try:
            known = language if LANGUAGE.match(language) else ""
            self.diary.plan(Plan(order.ref, self.pseudonym(order.customer), known, due), connection)
        except Exception as error:
            faults.note("follow_up", "order %s is not followed up: %s: %s", order.ref, type(error).__name__, error)

    def thanks(self, order: str) -> list[Sentence]:
        """What an order earned; the merchant's own words are in the shopper's language already."""
        language = self.store.visitor().language
        return [thanks(promise.perk, language) for promise in self.ledger.promised(order)]

    def perks(self, customer: str) -> frozenset[str]:
        """Names of the rules that promised this customer (the store's own key) a gift for the next time."""
        promises = self.ledger.promises(self.pseudonym(customer))
        return frozenset([promise.rule for promise in promises if promise.perk.gift is not None])

    def amend(self, refs: Iterable[str]) -> None:
        """Bring these products in the live book up to date; those that the store no longer has are hidden."""
        every = list(dict.fromkeys(refs))
        for start in range(0, len(every), MOST_LINES):
            wanted = every[start : start + MOST_LINES]
            found = {product.ref: product for product in self.store.products(wanted)}
            known = self.shelf.patient().read(wanted).products
            gone = [
                msgspec.structs.replace(known[ref], hidden=True)
                for ref in wanted
                if ref not in found and known.get(ref) is not None
            ]
            every_one = [*self.record.changed(list(found.values())), *gone]
            self.shelf.amend(self.curation.changed(every_one, known) if self.curation is not None else every_one)

    def catalogue(self) -> Iterator[Product]:
        """Every product, hidden ones included: the store's, and those that were imported from files; a stream."""
        found = self.store.catalogue()
        return self.curation.catalogue(found) if self.curation is not None else found

    def publish(self) -> str:
        """Put up a new book from the catalogue as it is and the affinities in the ledger; returns its version."""
        with suppress(BookError):  # what keeps the switch from Redis keeps the book from it too, and that is told
            self.keep_switch()
        # First, or a book would be live without them: discounts would be taken out of carts, and nobody miss them.
        self.publish_rules()
        version = self.publishing.publish(lambda: self.record.published(self.catalogue()))
        self.record.tidy()
        return version

    def publish_rules(self) -> str:
        """Put up the rules as they are in the ledger; returns their version."""
        book = self.rules.load()
        spent, changed = frozenset(self.limits.exhausted(book.rules)), self.rules.changed()
        reducing = {rule.name for rule in book.rules if rule.discount is not None}
        return self.shelf.publish_rules(
            book, self.zone, spent, self.sold(book.rules), {name: changed[name] for name in reducing & changed.keys()}
        )

    def set_rule(self, name: str, status: Status) -> str:
        """Pause a rule, resume or end it, and publish; returns the version. Raises BadInput for an unknown name."""
        self.rules.set_status(name, status, self.clock())
        return self.publish_rules()

    def sold(self, rules: Sequence[Rule]) -> dict[str, int]:
        """Units that were ordered through those of the rules that have a goal, since its start."""
        started = self.goal_starts(rules)
        return self.ledger.sold(started) if started else {}

    def goal_starts(self, rules: Sequence[Rule]) -> dict[str, datetime]:
        """Since when the rules that have a goal count what is sold."""
        with_goal = [(rule, rule.goal) for rule in rules if rule.goal is not None]
        return {rule.name: Course(goal, rule.schedule.zone or self.zone, 0).start for rule, goal in with_goal}

    def fold(self) -> int:
        """Fold what happened: outbox and what was shown into the counts, orders into the book. Safe to repeat."""
        folded = self.ledger.fold()
        while batch := self.tally.take():
            name, shown = batch
            self.ledger.add_shown(name, shown, self.clock())
            self.tally.drop(name)
            folded += 1
        if folded:
            self._keep_current()
        return folded + self.publishing.fold()

    def _keep_current(self) -> None:
        """Publish the rules again when a limit was reached, or there is room again, or a goal has come nearer."""
        book = self.rules.load()
        live = self.shelf.read(()).rules  # asked, not remembered: a job runs in a process of its own
        if self.limits.exhausted(book.rules) != live.spent or self._came_nearer(book.rules, live.sold):
            self.publish_rules()

    def _came_nearer(self, rules: Sequence[Rule], before: Mapping[str, int]) -> bool:
        """Whether a rule sold a twentieth of its goal more (or less) than its processes know, or all of it."""
        units = {rule.name: rule.goal.units for rule in rules if rule.goal is not None}
        for name, sold in self.sold(rules).items():
            known = before.get(name, 0)
            if abs(sold - known) * 20 >= units[name] or (sold >= units[name]) != (known >= units[name]):
                return True
        return False


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
