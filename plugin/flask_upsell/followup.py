"""Follow-ups: some days after an order its customer is told what goes with it. Nobody is, unless a store sends mails.

Who is written to, and when: `core.followup` and its Diary. What a mail looks like: `web.mail`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from . import faults
from .core.context import MOST_LINES, Cart, Context, Line, Visitor
from .core.decision import decide
from .core.followup import MOST_TRIES, Diary, FollowUp, Plan, State, as_mail, bought
from .core.offer import Decision, Placement
from .core.ports import Order
from .core.product import Product
from .offers import Offers

#: How many follow-ups one run takes on.
BATCH = 100
#: How many a preview tells of.
MOST_PREVIEWED = 10_000
#: What could not be decided now, for want of the book, waits so long.
LATER = timedelta(minutes=10)
#: How long after each failure it is tried again.
AGAIN = (timedelta(hours=1), timedelta(days=1))
#: Nobody wants to hear that late of what he bought: workers were off, or the setting was.
TOO_LATE = timedelta(days=14)


class Followed(msgspec.Struct, frozen=True):
    """What became of a follow-up, or would (`State.SENT`). `customer` is the store's own key, "" where it is not known;
    `titles` are those of the offers."""

    order: str
    state: State
    customer: str = ""
    language: str = ""
    titles: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True):
    """Whether a follow-up is to be sent (State.SENDING), or why not; then the order, the titles of what was bought, and
    the decision."""

    state: State
    order: Order = Order("", "", ())
    bought: tuple[str, ...] = ()
    decision: Decision = Decision("", "", (), ())


class FollowUps:
    """One instance's. `write` makes a mail of an order, the titles of what was bought and the decision; `send` is the
    store's own."""

    def __init__(
        self,
        offers: Offers,
        diary: Diary,
        write: Callable[[Plan, Order, Sequence[str], Decision], FollowUp],
        send: Callable[[FollowUp], object],
    ) -> None:
        self.offers, self.diary, self._write, self._send = offers, diary, write, send

    def waiting(self) -> bool:
        """Whether there is something to do."""
        return self.diary.waiting(self.offers.clock())

    def due(self, most: int = BATCH) -> list[Plan]:
        """What is due; what workers that have ended left behind is put in order first."""
        now = self.offers.clock()
        for order, state in self.diary.tidy(now).items():
            faults.note("follow_up", "order %s is not followed up: %s", order, state.sentence)
        # While everything is switched off, mails wait.
        return [] if self.offers.switch.state() is not None else self.diary.due(now, most)

    def preview(self) -> Iterator[Followed]:
        """What would become of all that is due, as far as it can be told; changes nothing."""
        written: set[str] = set()
        for plan in self.diary.due(self.offers.clock(), MOST_PREVIEWED):
            found = self._look(plan)
            state = found.state
            if state is State.SENDING:
                # Of several orders of a customer the first is followed up.
                state = State.RECENT if plan.customer in written else State.SENT
                written.add(plan.customer)
            yield _followed(plan, state, found)

    def follow(self, plan: Plan) -> Followed | None:
        """Write to the customer, if he is to be written to; None when another worker does.

        At most once: when a worker ends after it has begun to send, nobody sends it again. An error before that, or one
        that the store's function raises, is noted, and it is tried again later.
        """
        mine = self.diary.claim(plan, self.offers.clock())
        if mine is None:
            return None
        try:
            found = self._look(mine)
            mail = None
            if found.state is State.SENDING:
                mail = self._write(mine, found.order, found.bought, found.decision)
        except Exception as error:
            return _followed(mine, self._failed(mine, error))
        if mail is None:
            if found.state is State.DUE:
                self.diary.postpone(mine, self.offers.clock() + LATER)
            else:
                self.diary.close(mine, found.state)
            return _followed(mine, found.state, found)
        state = self.diary.begin(mine, self.offers.clock())
        if state is State.CLAIMED:  # by another one: this one took too long
            return None
        if state is State.SENDING:
            try:
                self._send(mail)
            except Exception as error:
                return _followed(mine, self._failed(mine, error), found)
            self.diary.finish(mine, self.offers.clock())
            state = State.SENT
        return _followed(mine, state, found)

    def _failed(self, plan: Plan, error: Exception) -> State:
        now = self.offers.clock()
        state = self.diary.fail(plan, now, None if plan.tries >= MOST_TRIES else now + AGAIN[plan.tries - 1])
        faults.note(
            "follow_up",
            "order %s, try %d of %d: %s: %s; %s",
            plan.order,
            plan.tries,
            MOST_TRIES,
            type(error).__name__,
            error,
            state.sentence,
            error=error,
        )
        return state

    # --- what goes with it -----------------------------------------------------------------------------------------

    def _look(self, plan: Plan) -> Found:
        now = self.offers.clock()
        if now - plan.due > TOO_LATE:
            return Found(State.LATE)
        barred = self.diary.barred(plan, now)
        if barred is not None:
            return Found(barred)
        order = self.offers.store.order(plan.order)
        # Whoever the order belongs to now, only who ordered it and did not unsubscribe is written to.
        if order is None or not order.customer or self.offers.pseudonym(order.customer) != plan.customer:
            return Found(State.NO_ORDER)
        lines = bought(order.lines)[:MOST_LINES]
        if not any(line.quantity for line in lines):
            return Found(State.NO_ORDER, order)
        return self._decide(order, lines, plan.language or None, now)

    def _decide(self, order: Order, lines: Sequence[Line], language: str | None, now: datetime) -> Found:
        """From what was ordered alone. What is offered is as the store has it now, and not as the book knew it."""
        offers, store = self.offers, self.offers.store
        refs = list(dict.fromkeys(line.product for line in lines))
        failures = faults.seen["redis_read"]
        book = offers.shelf.read(refs)
        if not book.version:  # nothing was published yet, or Redis is gone
            return Found(State.DUE, order)
        live = {product.ref: product for product in store.products(refs)}
        anchors = [_priced(line, live.get(line.product)) for line in lines]
        visitor = Visitor("", order.customer, language=language)
        cart = Cart(order.currency)
        context = as_mail(Context(Placement.MAIL, cart, tuple(anchors), now, visitor, policy=offers.policy))
        known = msgspec.structs.replace(book, products=ChainMap(live, book.products))  # type: ignore[arg-type]
        while True:
            # Each round knows more products as they are now; when the offers are all among them, they stand.
            decision = decide(context, known, explain=False)
            unknown = [offer.product for offer in decision.offers if offer.product.ref not in live]
            if not unknown:
                break
            found = {product.ref: product for product in store.products([product.ref for product in unknown])}
            for product in unknown:
                live[product.ref] = found.get(product.ref) or msgspec.structs.replace(product, hidden=True)
        if faults.seen["redis_read"] != failures:  # not all of the book could be read
            return Found(State.DUE, order)
        titles = [live[line.product].title for line in anchors if line.quantity and line.product in live]
        state = State.SENDING if decision.offers else State.NO_OFFER
        return Found(state, order, tuple(dict.fromkeys(titles)), decision)


def _priced(line: Line, product: Product | None) -> Line:
    """With the product's price, where a store does not say what was paid."""
    if line.unit_price or product is None:
        return line
    return msgspec.structs.replace(line, unit_price=product.price)


def _followed(plan: Plan, state: State, found: Found | None = None) -> Followed:
    if found is None:
        return Followed(plan.order, state)
    titles = tuple([offer.product.title for offer in found.decision.offers])
    return Followed(plan.order, state, found.order.customer or "", plan.language, titles)
