"""Follow-ups over the ports in memory: who is written to, of what, and what becomes of it when something fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from flask_upsell import FollowUp, MemoryStore, Order, Product, faults
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.diary import SQLDiary
from flask_upsell.adapters.ledger import SQLLedger
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.memory import MemoryQueue, MemoryShelf, MemorySwitch, MemoryTally, memory_ledger
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import EMPTY, Book
from flask_upsell.core.context import Capability, Line, Policy
from flask_upsell.core.followup import LEASE, MOST_TRIES, Plan, State
from flask_upsell.core.offer import Decision
from flask_upsell.core.rule import Discount, Nothing, Off, Products, Question, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.followup import AGAIN, BATCH, LATER, TOO_LATE, FollowUps
from flask_upsell.offers import Offers

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
LAPTOP = Product("laptop", "Laptop", 100_000, "EUR", category="Laptops", url="/p/laptop")
BETTER = Product("better", "Better laptop", 110_000, "EUR", category="Laptops", url="/p/better")
BAG = Product("bag", "Bag", 2_000, "EUR", category="Bags", url="/p/bag")
CARD = Product("card", "Card", 1_500, "EUR", category="Cards", url="/p/card")
CAP = Product("cap", "Cap", 900, "EUR", category="Caps", url="/p/cap")
GOODS = (LAPTOP, BETTER, BAG, CARD, CAP)


class Shop(MemoryStore):
    """Its orders may be out of reach for a while; `asked` holds what products were asked for."""

    broken: Exception | None = None

    def __init__(self, goods: Sequence[Product] = GOODS, **more: Any) -> None:
        super().__init__(goods, **more)
        self.asked: list[list[str]] = []

    def order(self, ref: str, connection: object = None) -> Order | None:
        if self.broken is not None:
            raise self.broken
        return super().order(ref, connection)

    def products(self, refs: Sequence[str]) -> list[Product]:
        self.asked.append(list(refs))
        return super().products(refs)


class Post:
    """A store with follow-ups; what was written and sent."""

    def __init__(self, store: Shop | None = None, **policy: Any) -> None:
        self.store = store or Shop()
        self.shelf, self.queue = MemoryShelf(), MemoryQueue()
        self.ledger: SQLLedger = memory_ledger()
        self.diary = SQLDiary(self.ledger.engine, "upsell")
        self.now = NOW
        self.offers = Offers(
            store=self.store,
            shelf=self.shelf,
            ledger=self.ledger,
            tally=MemoryTally(),
            queue=self.queue,
            rules=SQLRules(self.ledger.engine, "upsell"),
            limits=SQLLimits(self.ledger.engine, "upsell"),
            switch=MemorySwitch(),
            policy=Policy(**policy),
            secret="a secret of the tests, long enough to sign with",
            diary=self.diary,
            clock=lambda: self.now,
        )
        self.letters = FollowUps(self.offers, self.diary, self.write, self.send)
        self.written: list[tuple[Plan, tuple[str, ...], Decision]] = []
        self.sent: list[str] = []
        self.refuses: Exception | None = None
        leads = tuple(
            Affinity(ref, weight, 38, 100, 40, 412) for ref, weight in (("bag", 5.0), ("card", 4.0), ("cap", 3.0))
        )
        upgrade = Affinity("better", 9.0, 40, 80, 40, 100)
        self.shelf.publish(self.store.catalogue(), [("laptop", Affinities((upgrade,), leads))])

    def write(self, plan: Plan, order: Order, bought: Sequence[str], decision: Decision) -> FollowUp:
        self.written.append((plan, tuple(bought), decision))
        return FollowUp(order.customer or "", order.ref, plan.language, "", "", "", "", {})

    def send(self, mail: FollowUp) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.sent.append(mail.order)

    def rule(self, *rules: Rule) -> None:
        self.offers.rules.save(RuleBook(rules=rules), NOW)
        self.offers.publish_rules()

    def change(self, ref: str, **changed: Any) -> None:
        """In the store; the book does not know it yet."""
        self.store.shelf[ref] = msgspec.structs.replace(self.store.shelf[ref], **changed)

    def order(self, *lines: str | Line, ref: str = "1001", customer: str | None = "ada", language: str = "de") -> None:
        """Placed, and recorded."""
        made = [each if isinstance(each, Line) else Line("7", each, 1, 100_000) for each in lines or ("laptop",)]
        self.store.placed[ref] = Order(ref, "EUR", tuple(made), customer)
        self.offers.record_order(ref, "visitor", None, language)

    def run(self, after: timedelta = WEEK) -> dict[str, State]:
        """What became of what is due by then, by order."""
        self.now += after
        followed = [self.letters.follow(plan) for plan in self.letters.due()]
        return {each.order: each.state for each in followed if each is not None}

    @property
    def offered(self) -> list[str]:
        return [offer.product.ref for offer in self.written[-1][2].offers]


@pytest.fixture
def post() -> Iterator[Post]:
    faults.seen.clear()
    made = Post()
    yield made
    made.ledger.engine.dispose()
    faults.seen.clear()


# --- who and when ----------------------------------------------------------------------------------------------------


def test_a_week_after_the_order_its_customer_is_written_to_once(post: Post) -> None:
    post.order()
    assert post.run(WEEK - timedelta(seconds=1)) == {}
    assert not post.letters.waiting()
    assert post.run(timedelta(seconds=1)) == {"1001": State.SENT}
    assert post.sent == ["1001"]
    assert post.run(timedelta(days=60)) == {}
    ((plan, bought, decision),) = post.written
    assert (plan.order, plan.language, plan.customer) == ("1001", "de", post.offers.pseudonym("ada"))
    assert (bought, decision.placement) == (("Laptop",), "mail")
    assert not faults.seen


def test_guests_are_not_even_planned(post: Post) -> None:
    post.order(customer=None)
    post.order(ref="1002", customer="")
    assert post.diary.states() == {}


def test_an_order_that_is_sent_twice_is_followed_up_once(post: Post) -> None:
    post.order()
    post.order()
    assert post.run() == {"1001": State.SENT}


def test_a_customer_gets_one_in_thirty_days(post: Post) -> None:
    for ref in ("1", "2"):
        post.order(ref=ref)
    post.order(ref="3", customer="bob")
    assert post.run() == {"1": State.SENT, "2": State.RECENT, "3": State.SENT}
    post.now += timedelta(days=22)
    post.order(ref="4")
    assert post.run() == {"4": State.RECENT}, "29 days after the first"
    post.order(ref="5")
    assert post.run() == {"5": State.SENT}


def test_who_unsubscribed_gets_none(post: Post) -> None:
    post.order()
    post.diary.leave(post.offers.pseudonym("ada"), NOW)
    assert post.run() == {"1001": State.UNSUBSCRIBED}
    assert (post.sent, post.written) == ([], [])


def test_who_unsubscribes_while_it_is_written_gets_none(post: Post) -> None:
    post.order()
    write = post.letters._write

    def leaving(*given: Any) -> FollowUp:
        post.diary.leave(post.offers.pseudonym("ada"), NOW)
        return write(*given)

    post.letters._write = leaving
    assert post.run() == {"1001": State.UNSUBSCRIBED}
    assert post.sent == []


@pytest.mark.parametrize(
    "now",
    [
        None,
        Order("1001", "EUR", ()),
        Order("1001", "EUR", (Line("1", "laptop", 1, 1000),)),
        Order("1001", "EUR", (Line("1", "laptop", 1, 1000),), "bob"),
        Order("1001", "EUR", (Line("1", "laptop", 1, 1000), Line("2", "laptop", -1, 1000)), "ada"),
    ],
    ids=["unknown", "empty", "nobody's", "another's", "returned"],
)
def test_an_order_that_is_no_more_is_not_followed_up(post: Post, now: Order | None) -> None:
    post.order()
    del post.store.placed["1001"]
    if now is not None:
        post.store.placed["1001"] = now
    assert post.run() == {"1001": State.NO_ORDER}
    assert post.sent == []
    assert not faults.seen


def test_nobody_is_written_to_weeks_too_late(post: Post) -> None:
    """Workers were off, or the setting was."""
    post.order()
    post.order(ref="1002", customer="bob")
    post.now += TOO_LATE
    assert post.letters.follow(post.letters.due()[0]) is not None
    assert post.sent == ["1001"]
    assert post.run(WEEK + timedelta(seconds=1)) == {"1002": State.LATE}


def test_a_run_takes_a_batch(post: Post) -> None:
    for number in range(BATCH + 1):
        post.order(ref=f"{number:04}", customer=f"c{number}")
    assert len(post.run()) == BATCH
    assert post.letters.waiting()
    assert post.run(timedelta()) == {f"{BATCH:04}": State.SENT}
    assert not post.letters.waiting()


# --- what goes with it -----------------------------------------------------------------------------------------------


def test_complements_of_what_was_bought_are_offered_and_no_upgrades(post: Post) -> None:
    post.order()
    post.run()
    assert post.offered == ["bag", "card"]
    (first, _) = post.written[0][2].offers
    assert (first.reason.together, first.reason.base, first.reason.about) == (38, 100, "Laptop")


def test_what_was_bought_or_returned_is_not_offered(post: Post) -> None:
    post.order("laptop", "bag", Line("8", "card", 1, 1500), Line("9", "card", -1, 1500))
    post.run()
    assert (post.offered, post.written[0][1]) == (["cap"], ("Laptop", "Bag"))


def test_what_was_returned_leads_to_nothing(post: Post) -> None:
    post.order("cap", "laptop", Line("9", "laptop", -1, 100_000))
    assert post.run() == {"1001": State.NO_OFFER}
    assert post.sent == []


def test_without_an_offer_there_is_no_mail(post: Post) -> None:
    post.order("cap")
    assert post.run() == {"1001": State.NO_OFFER}
    assert post.run(timedelta(days=1)) == {}


def test_the_policy_says_how_many() -> None:
    for most, expected in ((0, []), (1, ["bag"]), (3, ["bag", "card", "cap"])):
        post = Post(max_offers=most, max_session=1)
        post.order()
        assert post.run() == {"1001": State.SENT if most else State.NO_OFFER}
        assert (post.offered if most else []) == expected, "and no session has a part in it"
        post.ledger.engine.dispose()


def test_what_is_offered_is_as_the_store_has_it_now(post: Post) -> None:
    """Shown red with the book's own products: the mail tells last week's price, and offers what is sold out."""
    post.order()
    post.change("bag", price=2_222)
    post.change("card", stock=0)
    post.change("cap", hidden=True)
    post.run()
    ((bag),) = post.written[0][2].offers
    assert (bag.product.ref, bag.product.price, bag.quote.unit_price) == ("bag", 2_222, 2_222)


def test_what_the_store_has_no_more_is_not_offered(post: Post) -> None:
    post.order()
    del post.store.shelf["bag"]
    post.change("card", currency="USD")
    post.run()
    assert post.offered == ["cap"]


def test_a_product_that_is_sold_no_more_was_bought_all_the_same(post: Post) -> None:
    post.order("laptop", "gone")
    del post.store.shelf["laptop"]
    post.run()
    assert (post.offered, post.written[0][1]) == (["bag", "card"], ())


def test_the_store_is_asked_in_few_rounds(post: Post) -> None:
    post.order()
    post.store.asked.clear()
    post.run()
    assert post.store.asked == [["laptop"], ["bag", "card"]]


@pytest.mark.parametrize(("paid", "offered"), [(1_000, ["cap"]), (0, ["bag", "card"])])
def test_a_complement_costs_no_more_than_what_was_bought(post: Post, paid: int, offered: list[str]) -> None:
    """A store that does not tell what was paid has the product's price."""
    post.order(Line("1", "laptop", 1, paid))
    post.run()
    assert post.offered == offered


def test_a_store_that_cannot_add_may_still_write(post: Post) -> None:
    """In a mail nothing is added: it leads to the product's page."""
    post.store._capabilities = frozenset({Capability.ORDERS})
    post.order()
    post.run()
    assert post.offered == ["bag", "card"]


def test_rules_choose_at_the_stores_price_and_may_stop_it(post: Post) -> None:
    off = Discount(off=Off.PERCENT, percent=1000)
    asking = Question(words={"en": "?"}, answers={"a": {"en": "A"}, "b": {"en": "B"}})
    post.rule(Rule(name="caps", placements=("mail",), offer=Products(refs=("cap",)), discount=off, ask=asking))
    post.order()
    post.run()
    assert post.offered == ["cap", "bag"]
    (cap, _) = post.written[0][2].offers
    assert (cap.quote.unit_price, cap.quote.off, cap.quote.normal) == (900, 0, None)
    post.rule(Rule(name="none", placements=("mail",), offer=Nothing()))
    post.order(ref="1002", customer="bob")
    assert post.run() == {"1002": State.NO_OFFER}


def test_the_customer_and_his_language_are_all_that_is_known_of_him(post: Post) -> None:
    """His history is not used, whatever the store would tell."""
    post.store.facts = {"groups": frozenset({"staff"}), "country": "AT", "orders": 7, "bought": frozenset({"bag"})}
    conditions: dict[str, dict[str, Any]] = {
        "signed": {"signed_in": {"is": True}},
        "german": {"language": {"is": ["de"]}},
        "staff": {"group": {"is": ["staff"]}},
        "austria": {"country": {"is": ["AT"]}},
        "old": {"order_count": {"min": 1}},
        "again": {"has_bought": {"product": ["bag"]}},
    }
    post.rule(*(Rule(name=name, audience=tree, offer=Products(refs=("cap",))) for name, tree in conditions.items()))
    post.order(language="de-AT")
    post.run()
    assert post.offered == ["cap", "bag"]
    assert {offer.rule for offer in post.written[0][2].offers} == {"signed", ""}
    post.rule(Rule(name="german", audience=conditions["german"], offer=Products(refs=("cap",))))
    for ref, customer, language in (("2", "bob", "de-AT"), ("3", "eve", "fr"), ("4", "kim", "")):
        post.order(ref=ref, customer=customer, language=language)
        post.run()
        assert post.offered[0] == ("cap" if language == "de-AT" else "bag")


def test_another_currency_is_not_mixed_in(post: Post) -> None:
    post.store.placed["1001"] = Order("1001", "USD", (Line("1", "laptop", 1, 100_000),), "ada")
    post.offers.record_order("1001", "visitor")
    assert post.run() == {"1001": State.NO_OFFER}


# --- what fails ------------------------------------------------------------------------------------------------------


def test_a_mail_that_is_not_taken_is_tried_three_times(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.order()
    post.refuses = ConnectionError("the mail server is gone")
    assert post.run() == {"1001": State.DUE}
    for number, wait in enumerate(AGAIN, start=2):
        assert post.run(wait - timedelta(seconds=1)) == {}
        assert post.run(timedelta(seconds=1)) == {"1001": State.DUE if number < MOST_TRIES else State.FAILED}
    assert post.run(timedelta(days=2)) == {}
    assert (len(post.written), post.sent, faults.seen["follow_up"]) == (MOST_TRIES, [], MOST_TRIES)
    messages = [record.getMessage() for record in caplog.records]
    assert "order 1001, try 1 of 3: ConnectionError" in messages[0] and "mail server" not in messages[0]
    assert "it failed 3 times" in messages[-1]


def test_a_mail_that_is_taken_later_is_sent_once(post: Post) -> None:
    post.order()
    post.refuses = ConnectionError("not now")
    post.run()
    post.refuses = None
    assert post.run(AGAIN[0]) == {"1001": State.SENT}
    assert post.run(timedelta(days=2)) == {}
    assert post.sent == ["1001"]


def broken_store(post: Post) -> None:
    post.store.broken = ConnectionError("the orders are gone")


def broken_template(post: Post) -> None:
    def write(*_: object) -> FollowUp:
        raise ValueError("no such template")

    post.letters._write = write


@pytest.mark.parametrize("breaks", [broken_store, broken_template])
def test_what_fails_before_it_is_sent_is_tried_three_times(post: Post, breaks: Callable[[Post], None]) -> None:
    post.order()
    breaks(post)
    states = [post.run(wait)["1001"] for wait in (WEEK, *AGAIN)]
    assert states == [State.DUE, State.DUE, State.FAILED]
    assert (post.sent, faults.seen["follow_up"]) == ([], 3)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_worker_that_is_ended_while_it_sends_does_not_send_again(post: Post, error: type[BaseException]) -> None:
    """Shown red with `except BaseException`: it is tried again, and the customer may get it twice."""
    post.order()

    def ended(_: FollowUp) -> None:
        raise error

    post.letters._send = ended
    with pytest.raises(error):
        post.run()
    post.letters._send = post.send
    assert post.run(LEASE - timedelta(seconds=1)) == {}
    assert post.letters.waiting() is False
    post.now += timedelta(seconds=1)
    assert post.letters.waiting()
    assert post.run(timedelta()) == {}
    assert (post.sent, post.diary.states()) == ([], {"unclear": 1})
    assert faults.seen["follow_up"] == 1, "and it is told"


def test_what_cannot_be_noted_as_sent_is_not_sent_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away in the worst moment. Shown red with `finish` inside the `try`: it is due again."""
    post.order()

    def gone(*_: object) -> None:
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(post.diary, "finish", gone)
    with pytest.raises(ConnectionError):
        post.run()
    monkeypatch.undo()
    assert post.run(LEASE) == {}
    assert (post.sent, post.diary.states()) == (["1001"], {"unclear": 1})


def test_what_another_worker_has_is_left_to_it(post: Post) -> None:
    post.order()
    post.now += WEEK
    (plan,) = post.letters.due()
    assert post.diary.claim(plan, post.now) is not None
    assert post.letters.follow(plan) is None
    assert post.written == []


def test_who_took_too_long_finds_that_another_worker_has_it(post: Post) -> None:
    """Shown red when what `begin` says is not heeded: both send."""
    post.order()
    write = post.letters._write

    def slow(*given: Any) -> FollowUp:
        post.now += LEASE
        post.letters._write = write
        assert post.run(timedelta()) == {"1001": State.SENT}
        return write(*given)

    post.letters._write = slow
    assert post.run() == {}
    assert post.sent == ["1001"]


def test_a_function_that_hangs_for_hours_and_fails_is_not_asked_again(post: Post) -> None:
    post.order()

    def hangs(_: FollowUp) -> None:
        post.now += LEASE
        raise TimeoutError("the job took too long")

    post.letters._send = hangs
    assert post.run() == {"1001": State.UNCLEAR}
    assert post.run(timedelta(days=2)) == {}


class Unreadable(MemoryShelf):
    """A Redis that is gone (no book), or goes away while the book is read."""

    gone, failing = False, False

    def read(self, refs: Sequence[str]) -> Book:
        if self.gone:
            return EMPTY
        book = super().read(refs)
        if self.failing:
            faults.note("redis_read", "products of the book cannot be read")
            return msgspec.structs.replace(book, affinities=dict[str, Affinities]())
        return book


@pytest.mark.parametrize("how", ["gone", "failing"])
def test_while_the_book_cannot_be_read_it_waits(post: Post, how: str) -> None:
    """Shown red without it: "nothing to offer", and the customer never hears of it."""
    shelf = Unreadable()
    shelf.__dict__.update(vars(post.shelf))
    post.offers.shelf = shelf
    post.order()
    post.now += WEEK
    setattr(shelf, how, True)

    for _ in range(5):
        assert post.run(LATER) == {"1001": State.DUE}
    setattr(shelf, how, False)
    assert post.run(LATER) == {"1001": State.SENT}, "none of that was a try"
    setattr(shelf, how, True)
    post.order(ref="1002", customer="bob")
    assert post.run(WEEK + TOO_LATE) == {"1002": State.DUE}
    assert post.run(LATER) == {"1002": State.LATE}, "it does not wait for ever"


def test_a_diary_that_is_not_there_costs_the_mail_and_nothing_else(post: Post) -> None:
    """Tables that were not migrated yet. Shown red without the `except` of `_plan_follow_up`."""
    t.follow_ups.drop(post.ledger.engine)
    post.store.placed["1001"] = Order("1001", "EUR", (Line("1", "laptop", 1, 1000),), "ada")
    assert post.offers.record_order("1001", "visitor") == 0
    assert post.ledger.waiting() == 1, "the order's own row"
    assert faults.seen["follow_up"] == 1


# --- a preview -------------------------------------------------------------------------------------------------------


def test_a_preview_tells_and_changes_nothing(post: Post) -> None:
    post.order(language="de-AT")
    post.order(ref="1002")
    post.order("cap", ref="1003", customer="bob")
    post.order(ref="1004", customer="eve")
    post.diary.leave(post.offers.pseudonym("eve"), NOW)
    assert list(post.letters.preview()) == [], "nothing is due yet"
    post.now += WEEK
    before = post.diary.states(), post.letters.due()
    found = list(post.letters.preview())
    assert [(each.order, each.state) for each in found] == [
        ("1001", State.SENT),
        ("1002", State.RECENT),
        ("1003", State.NO_OFFER),
        ("1004", State.UNSUBSCRIBED),
    ]
    assert (found[0].customer, found[0].language, found[0].titles) == ("ada", "de-AT", ("Bag", "Card"))
    assert (post.diary.states(), post.letters.due()) == before
    assert (post.sent, post.written) == ([], [])
    assert post.run(timedelta()) == {each.order: each.state for each in found}


def test_a_preview_leaves_what_workers_left_behind(post: Post) -> None:
    post.order()
    post.now += WEEK
    mine = post.diary.claim(post.letters.due()[0], post.now)
    assert mine is not None and post.diary.begin(mine, post.now) is State.SENDING
    post.now += LEASE
    assert list(post.letters.preview()) == []
    assert post.diary.states() == {"sending": 1}


def test_old_pseudonyms_are_not_written_to(post: Post) -> None:
    """The oldest key was dropped: whether this customer unsubscribed cannot be known by the old name, and the order's
    row has no other."""
    post.order()
    with post.ledger.engine.begin() as connection:
        connection.execute(update(t.follow_ups).values(customer="a name by another key"))
    assert post.run() == {"1001": State.NO_ORDER}
