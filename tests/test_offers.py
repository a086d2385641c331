"""The one pipeline over the ports in memory: suggest, accept, undo, decline, order, amend; and a store that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flask_upsell import MemoryStore, Product
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.consents import SQLConsents
from flask_upsell.adapters.ledger import SQLLedger, make_engine
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.memory import MemoryQueue, MemoryShelf, MemorySwitch, MemoryTally, memory_ledger
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.context import Capability, Line, Policy, mark
from flask_upsell.core.offer import Kind
from flask_upsell.core.ports import Count, Order, Refused
from flask_upsell.core.product import Variant
from flask_upsell.core.rule import Goal, Perk, Products, Question, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.words import Sentence
from flask_upsell.errors import BadInput
from flask_upsell.offers import Offers
from flask_upsell.till import Outcome, Piece, Wanted

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LAPTOP = Product("laptop", "Laptop", 100_000, "EUR", category="Laptops", stock=10)
BETTER = Product("better", "Better laptop", 110_000, "EUR", category="Laptops", stock=10)
BAG = Product("bag", "Bag", 2_000, "EUR", category="Bags", stock=10)
SHIRT = Product(
    "shirt", "Shirt", 900, "EUR", category="Shirts", variants=(Variant("s", "S", 900, 0), Variant("l", "L", 1100, 5))
)


class Shop:
    """A store, its pipeline, and what it did."""

    def __init__(self, store: MemoryStore | None = None, **more: Any) -> None:
        self.store = store or MemoryStore([LAPTOP, BETTER, BAG, SHIRT])
        self.shelf, self.tally, self.queue = MemoryShelf(), MemoryTally(), MemoryQueue()
        self.switch = MemorySwitch()
        self.ledger: SQLLedger = memory_ledger()
        self.now = NOW
        self.offers = Offers(
            store=self.store,
            shelf=self.shelf,
            ledger=self.ledger,
            tally=self.tally,
            queue=self.queue,
            rules=SQLRules(self.ledger.engine, "upsell"),
            limits=SQLLimits(self.ledger.engine, "upsell"),
            switch=self.switch,
            policy=Policy(),
            secret="a secret of the tests, long enough to sign with",
            clock=lambda: self.now,
            **more,
        )

    def publish(self) -> None:
        leads = Affinities(
            upgrades=(Affinity("better", 0.5, 40, 80, 40, 100),), complements=(Affinity("bag", 0.4, 38, 100, 40, 412),)
        )
        self.shelf.publish(self.store.catalogue(), [("laptop", leads)])

    def change(self, ref: str, **changed: Any) -> None:
        self.store.shelf[ref] = msgspec.structs.replace(self.store.shelf[ref], **changed)

    def line(self) -> Line:
        (line,) = self.store.cart().lines
        return line

    def counted(self) -> list[tuple[str, str, int, int, int, int, int]]:
        self.offers.fold()
        return [
            (c.kind, c.product, c.accepted, c.declined, c.undone, c.converted, c.revenue) for c in self.ledger.counts()
        ]

    def nothing_recorded(self) -> bool:
        with self.ledger.engine.connect() as connection:
            return not any(
                connection.execute(table.select()).first() for table in (t.acceptances, t.outbox, t.requests)
            )


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    made.publish()
    yield made
    made.ledger.engine.dispose()


def wanted(product: Product = BAG, **more: Any) -> Wanted:
    """A complement as it was shown in the cart."""
    given: dict[str, Any] = {"offer": "o1", "kind": Kind.COMPLEMENT, "placement": "cart", "product": product.ref}
    given |= {"title": product.title, "unit_price": product.price, "currency": product.currency}
    given |= {"variants": {v.ref: v.price for v in product.variants}}
    return Wanted(**{**given, **more})


def better(line: Line, **more: Any) -> Wanted:
    """The upgrade of a line as it was shown."""
    return wanted(
        BETTER,
        **{"kind": Kind.UPGRADE, "line": line.ref, "replaced": line.product, "replaces": line.unit_price, **more},
    )


# --- suggesting ----------------------------------------------------------------------------------------------------


def test_a_cart_is_offered_what_goes_with_it(shop: Shop) -> None:
    shop.store.add("laptop", None, 2)
    decision = shop.offers.suggest("cart")
    assert [(o.kind, o.product.ref, o.quote.total) for o in decision.offers] == [
        (Kind.UPGRADE, "better", 20_000),
        (Kind.COMPLEMENT, "bag", 2_000),
    ]
    assert str(decision.offers[1].reason.sentence) == "Bought together in 38 of 100 orders with Laptop"
    assert decision.version == "1.0"


def test_nothing_is_suggested_without_a_cart_a_book_or_room(shop: Shop) -> None:
    assert shop.offers.suggest("cart").offers == ()
    shop.store.add("laptop", None, 1)
    shop.offers.policy = Policy(max_offers=0)
    assert shop.offers.suggest("cart").offers == ()
    empty = Shop(shop.store)
    assert empty.offers.suggest("cart").offers == ()
    empty.ledger.engine.dispose()


def test_a_page_about_a_product_is_offered_what_goes_with_that(shop: Shop) -> None:
    assert {o.product.ref for o in shop.offers.suggest("product", products=["laptop"]).offers} == {"better", "bag"}
    assert shop.offers.suggest("product", products=["unknown"]).offers == ()
    assert shop.offers.suggest("product", products=[]).offers == ()
    shop.store.add("laptop", None, 3)
    upgrade = shop.offers.suggest("product", products=["laptop"]).offers[0]
    assert (upgrade.trigger.ref, upgrade.quote.total) == ("1", 30_000)


def test_what_was_declined_or_is_shown_elsewhere_is_not_suggested(shop: Shop) -> None:
    shop.store.add("laptop", None, 1)
    declined = shop.offers.suggest("cart", declined=frozenset({"better"}))
    assert [o.product.ref for o in declined.offers] == ["bag"]
    elsewhere = shop.offers.suggest("cart", elsewhere=frozenset({"bag"}))
    assert [o.product.ref for o in elsewhere.offers] == ["better"]


@pytest.mark.parametrize(
    ("elsewhere", "kept"), [("bag", True), ("bag+better", True), ("made-up", False), ("bag+made-up", False)]
)
def test_decisions_beside_what_is_really_sold_are_kept(shop: Shop, elsewhere: str, kept: bool) -> None:
    """Anybody may send names. Shown red with all of them kept, and with a bundle taken for a made-up name."""
    shop.store.add("laptop", None, 1)
    numbers = {shop.offers.suggest("cart", elsewhere=frozenset({elsewhere})).number for _ in range(2)}
    assert (numbers != {0}) is kept


def test_a_fresh_product_is_known_better_than_the_book_knows_it(shop: Shop) -> None:
    shop.store.add("laptop", None, 1)
    fresh = {"bag": msgspec.structs.replace(BAG, price=1_500), "better": msgspec.structs.replace(BETTER, stock=0)}
    offers = shop.offers.suggest("cart", fresh=fresh).offers
    assert [(o.product.ref, o.quote.unit_price) for o in offers] == [("bag", 1_500)]


def test_a_store_that_cannot_replace_is_offered_no_upgrade() -> None:
    store = MemoryStore([LAPTOP, BETTER, BAG], capabilities=frozenset({Capability.ADD}))
    shop = Shop(store)
    shop.publish()
    store.add("laptop", None, 1)
    assert [o.product.ref for o in shop.offers.suggest("cart").offers] == ["bag"]
    shop.ledger.engine.dispose()


# --- accepting -----------------------------------------------------------------------------------------------------


def test_an_accepted_offer_is_in_the_cart_and_in_the_ledger(shop: Shop) -> None:
    outcome = shop.offers.accept(wanted(), "k1")
    assert (outcome.status, outcome.text) == ("done", "Added: Bag.")
    assert shop.line() == Line("1", "bag", 1, 2_000)
    accepted = outcome.acceptance
    assert accepted is not None and (accepted.product, accepted.unit_price, accepted.quantity) == ("bag", 2_000, 1)
    assert "visitor" not in accepted.visitor, "the ledger holds a pseudonym"
    assert shop.counted() == [("complement", "bag", 1, 0, 0, 0, 0)]


def test_the_same_key_is_accepted_once_and_answered_the_same(shop: Shop) -> None:
    first = shop.offers.accept(wanted(), "k1")
    again = shop.offers.accept(wanted(), "k1")
    assert again == msgspec.structs.replace(first, repeated=True)
    assert shop.line().quantity == 1
    assert shop.counted() == [("complement", "bag", 1, 0, 0, 0, 0)]


def test_the_same_key_with_another_offer_or_variant_is_bad_input(shop: Shop) -> None:
    shop.offers.accept(wanted(), "k1")
    with pytest.raises(BadInput, match="key"):
        shop.offers.accept(wanted(LAPTOP), "k1")
    with pytest.raises(BadInput, match="key"):
        shop.offers.accept(wanted(), "k1", variant="l")
    assert shop.line().product == "bag"


def test_ten_clicks_at_once_are_one_acceptance(shop: Shop, tmp_path: Path) -> None:
    """Red when `accept` does not heed that the key was claimed before."""
    engine = make_engine(f"sqlite:///{tmp_path / 'ledger.db'}")  # each thread needs a connection of its own
    t.metadata.create_all(engine)
    shop.offers.till.ledger = shop.offers.clicks.ledger = SQLLedger(engine, "upsell")
    barrier, outcomes = threading.Barrier(10), list[Outcome]()

    def click() -> None:
        barrier.wait()
        outcomes.append(shop.offers.accept(wanted(), "k1"))

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert len(outcomes) == 10
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert len({outcome.acceptance.id for outcome in outcomes if outcome.acceptance}) == 1
    assert shop.line().quantity == 1


def test_what_is_in_the_cart_already_is_not_added_again(shop: Shop) -> None:
    shop.store.add("bag", None, 1)
    assert shop.offers.accept(wanted(), "k1").status == "refused"
    assert shop.line().quantity == 1
    assert shop.nothing_recorded()


@pytest.mark.parametrize("price", [1, 1_999, 2_001])
def test_a_changed_price_is_shown_and_asked_again(shop: Shop, price: int) -> None:
    shop.change("bag", price=price)
    outcome = shop.offers.accept(wanted(), "k1")
    assert outcome.status == "changed" and outcome.live is not None and outcome.live.price == price
    assert shop.store.cart().lines == () and shop.nothing_recorded()
    assert shop.offers.accept(wanted(unit_price=price), "k1").status == "done", "the same button, asked again"
    assert shop.line().unit_price == price


@pytest.mark.parametrize(
    ("changed", "text"), [({"stock": 0}, "Bag is sold out."), ({"hidden": True}, "Bag is not sold any more.")]
)
def test_what_cannot_be_sold_is_refused_with_a_sentence(shop: Shop, changed: dict[str, Any], text: str) -> None:
    shop.change("bag", **changed)
    outcome = shop.offers.accept(wanted(), "k1")
    assert (outcome.status, outcome.text) == ("refused", text)
    assert shop.store.cart().lines == () and shop.nothing_recorded()


def test_what_vanished_is_refused_by_the_name_it_was_shown_with(shop: Shop) -> None:
    del shop.store.shelf["bag"]
    outcome = shop.offers.accept(wanted(), "k1")
    assert (outcome.status, outcome.text) == ("refused", "Bag is not sold any more.")
    assert outcome.live is not None and outcome.live.hidden, "so that it is not shown again at once"
    assert shop.nothing_recorded()


def test_another_currency_than_the_carts_is_refused(shop: Shop) -> None:
    shop.change("bag", currency="USD")
    outcome = shop.offers.accept(wanted(), "k1")
    assert outcome.status == "refused" and "USD" in outcome.text and "EUR" in outcome.text
    assert shop.store.cart().lines == () and shop.nothing_recorded()


def test_a_variant_is_chosen_priced_and_checked(shop: Shop) -> None:
    assert shop.offers.accept(wanted(SHIRT), "k1").text == "Please choose which Shirt you would like."
    assert shop.offers.accept(wanted(SHIRT), "k2", "xxl").status == "refused"
    assert shop.offers.accept(wanted(SHIRT), "k3", "s").text == "Shirt (S) is sold out."
    assert shop.nothing_recorded()
    assert shop.offers.accept(wanted(SHIRT, variants={"l": 1_000}), "k4", "l").status == "changed"
    outcome = shop.offers.accept(wanted(SHIRT), "k5", "l")
    assert outcome.status == "done" and outcome.acceptance is not None
    assert (outcome.acceptance.variant, outcome.acceptance.unit_price) == ("l", 1_100)
    assert shop.line() == Line("1", "shirt", 1, 1_100, "l")
    assert shop.offers.accept(wanted(SHIRT), "k6", "l").status == "refused"


def test_a_variant_of_a_product_without_variants_is_refused(shop: Shop) -> None:
    assert shop.offers.accept(wanted(), "k1", "xxl").status == "refused"
    assert shop.store.cart().lines == ()


# --- upgrading and undoing -----------------------------------------------------------------------------------------


def test_an_upgrade_replaces_its_line_and_keeps_the_quantity(shop: Shop) -> None:
    shop.store.add("laptop", None, 3)
    outcome = shop.offers.accept(better(shop.line()), "k1")
    assert (outcome.status, outcome.text) == ("done", "Upgraded to Better laptop.")
    assert shop.line() == Line("1", "better", 3, 110_000)


def test_undoing_an_upgrade_restores_the_line_exactly() -> None:
    base = Product("base", "Base", 1, "EUR", variants=(Variant("red", "Red", 100_000, 9),))
    shop = Shop(MemoryStore([base, BETTER]))
    shop.store.add("base", "red", 3, 95_000)
    before = shop.line()
    outcome = shop.offers.accept(better(before), "k1")
    assert outcome.acceptance is not None and outcome.acceptance.replaced == before
    assert shop.line().product == "better"
    undone = shop.offers.undo(outcome.acceptance.id)
    assert (undone.status, undone.text) == ("undone", "Undone: Better laptop.")
    assert shop.line() == before == Line("1", "base", 3, 95_000, "red")
    assert shop.counted() == [("upgrade", "better", 1, 0, 1, 0, 0)]
    shop.ledger.engine.dispose()


def test_undoing_an_upgrade_after_its_quantity_changed_restores_the_line_as_it_was(shop: Shop) -> None:
    shop.store.add("laptop", None, 1)
    before = shop.line()
    outcome = shop.offers.accept(better(before), "k1")
    shop.store.replace("1", "better", None, 5)
    assert outcome.acceptance is not None
    assert shop.offers.undo(outcome.acceptance.id).status == "undone"
    assert shop.line() == before


def test_undoing_what_was_added_takes_only_that_out(shop: Shop) -> None:
    outcome = shop.offers.accept(wanted(), "k1")
    assert outcome.acceptance is not None
    assert shop.offers.undo(outcome.acceptance.id).status == "undone"
    assert shop.store.cart().lines == ()
    again = shop.offers.accept(wanted(), "k2")
    assert again.acceptance is not None
    shop.store.replace(again.acceptance.line, "bag", None, 4)
    assert shop.offers.undo(again.acceptance.id).status == "undone"
    assert shop.line().quantity == 3


def test_undoing_twice_undoes_once(shop: Shop) -> None:
    outcome = shop.offers.accept(wanted(), "k1")
    assert outcome.acceptance is not None
    shop.offers.undo(outcome.acceptance.id)
    shop.store.add("bag", None, 1)
    assert shop.offers.undo(outcome.acceptance.id).status == "refused"
    assert shop.line().product == "bag"
    assert shop.counted() == [("complement", "bag", 1, 0, 1, 0, 0)]


def test_undoing_what_is_gone_from_the_cart_changes_nothing_else(shop: Shop) -> None:
    outcome = shop.offers.accept(wanted(), "k1")
    assert outcome.acceptance is not None
    shop.store.remove(outcome.acceptance.line)
    shop.store.add("laptop", None, 1)
    assert shop.offers.undo(outcome.acceptance.id).status == "refused"
    assert shop.line().product == "laptop"


def test_another_visitor_cannot_undo_it(shop: Shop) -> None:
    outcome = shop.offers.accept(wanted(), "k1")
    assert outcome.acceptance is not None
    shop.store.visitor_key = "mallory"
    assert shop.offers.undo(outcome.acceptance.id).status == "refused"
    assert shop.offers.undo("unknown").status == "refused"
    shop.store.visitor_key = "visitor"
    assert shop.line().product == "bag"
    assert shop.offers.undo(outcome.acceptance.id).status == "undone"


def test_a_store_that_gives_no_price_to_a_line_takes_its_own_when_undone() -> None:
    capabilities = frozenset(Capability) - {Capability.LINE_PRICE}
    shop = Shop(MemoryStore([LAPTOP, BETTER], capabilities=capabilities))
    shop.store.add("laptop", None, 1)
    outcome = shop.offers.accept(better(shop.line()), "k1")
    shop.change("laptop", price=99_000)
    assert outcome.acceptance is not None
    assert shop.offers.undo(outcome.acceptance.id).status == "undone"
    assert shop.line() == Line("1", "laptop", 1, 99_000)
    shop.ledger.engine.dispose()


def test_an_upgrade_of_a_line_that_is_gone_or_changed_is_refused(shop: Shop) -> None:
    shop.store.add("laptop", None, 1)
    line = shop.line()
    shop.store.replace("1", "bag", None, 1)
    assert shop.offers.accept(better(line), "k1").status == "refused"
    assert shop.line().product == "bag"
    shop.store.replace("1", "laptop", None, 1, 99_000)
    assert shop.offers.accept(better(line), "k2").status == "changed"
    shop.store.replace("1", "laptop", None, 1)
    shop.change("better", stock=0)
    assert shop.offers.accept(better(line), "k3").status == "refused"
    assert shop.line() == line and shop.nothing_recorded()


# --- declining, ordering -------------------------------------------------------------------------------------------


def test_a_decline_is_counted_and_touches_no_cart(shop: Shop) -> None:
    assert shop.offers.decline(wanted()).status == "declined"
    assert shop.store.cart().lines == ()
    assert shop.counted() == [("complement", "bag", 0, 1, 0, 0, 0)]


def test_an_ordered_offer_is_a_conversion_once(shop: Shop) -> None:
    shop.offers.accept(wanted(), "k1")
    shop.store.place_order("1001", NOW)
    assert [shop.offers.record_order("1001", "visitor") for _ in range(3)] == [1, 0, 0]
    shop.offers.fold()
    assert shop.ledger.counts() == [
        Count("cart", "complement", "bag", accepted=1),
        Count("cart", "complement", "bag", converted=1, revenue=2_000, currency="EUR"),
    ]


def test_an_order_of_somebody_else_or_too_late_is_no_conversion(shop: Shop) -> None:
    shop.offers.accept(wanted(), "k1")
    shop.store.place_order("1001", NOW)
    shop.store.place_order("1002", NOW)
    assert shop.offers.record_order("1001", "mallory") == 0
    shop.now = NOW + timedelta(days=8)
    assert shop.offers.record_order("1002", "visitor") == 0


def test_an_order_that_the_store_does_not_know_is_named(shop: Shop) -> None:
    with pytest.raises(LookupError, match="'1001'"):
        shop.offers.record_order("1001", "visitor")
    assert shop.ledger.waiting() == 0


def test_whoever_takes_consent_back_is_forgotten_when_the_order_is_committed(shop: Shop) -> None:
    """Planted bug that it shows: the job is asked for at once, and finds the consent of before."""
    shop.offers.consents = SQLConsents(shop.ledger.engine, "upsell")
    forget = ("forget", (shop.offers.pseudonym("ann"),))
    committed = list[Callable[[], object]]()
    for ref, consent in (("1", True), ("2", None), ("3", False), ("4", False)):
        shop.store.placed[ref] = Order(ref, "EUR", (Line("1", "bag", 1, 5900),), customer="ann")
        shop.offers.record_order(ref, "ada", consent=consent, later=committed.append)
        assert len(committed) == (ref in "34"), "once, for who had agreed before"
        assert forget not in shop.queue.jobs
    for act in committed:
        act()
    assert shop.queue.jobs.count(forget) == 1


def test_what_was_shown_is_folded_with_the_rest_and_once(shop: Shop) -> None:
    shop.tally.add([("cart", "complement", "bag")] * 3)
    shop.offers.decline(wanted())
    assert [shop.offers.fold(), shop.offers.fold()] == [2, 0]
    assert shop.ledger.counts() == [Count("cart", "complement", "bag", shown=3, declined=1)]


# --- the book ------------------------------------------------------------------------------------------------------


def test_amending_brings_changed_products_up_to_date(shop: Shop) -> None:
    shop.store.add("laptop", None, 1)
    shop.change("bag", price=2_500)
    shop.change("better", stock=0)
    shop.offers.amend(["bag", "better", "bag"])
    assert [(o.product.ref, o.quote.unit_price) for o in shop.offers.suggest("cart").offers] == [("bag", 2_500)]


def test_amending_hides_what_the_store_no_longer_has(shop: Shop) -> None:
    shop.store.add("laptop", None, 1)
    del shop.store.shelf["bag"]
    shop.offers.amend(["bag", "never-was"])
    assert [o.product.ref for o in shop.offers.suggest("cart").offers] == ["better"]
    assert shop.shelf.read(["bag"]).products["bag"].hidden


def test_publishing_puts_up_the_catalogue_and_what_was_learned(shop: Shop) -> None:
    shop.ledger.save_affinities([(Kind.COMPLEMENT, "bag", Affinity("laptop", 1, 5, 5, 5, 9))])
    assert shop.offers.publish() == "2.0"
    book = shop.shelf.read(["bag"])
    assert (set(book.products), book.leads_to("bag").complements[0].consequent) == (set(shop.store.shelf), "laptop")
    assert book.leads_to("laptop") == Affinities()


def test_a_book_goes_live_with_its_rules_and_not_before_them(shop: Shop) -> None:
    """A process that dies in between, after Redis was emptied, would leave a book that nobody misses anything in.
    Planted bug that it shows: the rules put up after the catalogue."""
    ruled(shop, bag_rule())
    rules_then = list[str]()

    class Emptied(MemoryShelf):
        def publish(self, *args: Any, **more: Any) -> str:
            rules_then.append(self.read(()).rules.version)
            return super().publish(*args, **more)

    shop.offers.shelf = shop.offers.publishing._shelf = Emptied()
    shop.offers.publish()
    assert all(rules_then)
    assert shop.offers.shelf.read(()).rules.get("bags") is not None


# --- rules: what was said, seen, promised and sold --------------------------------------------------------------------

ASK = Question(words={"en": "For whom?", "de": "Für wen?"}, answers={"me": {"en": "For me"}, "gift": {"en": "A gift"}})
CODE = Perk(code="NEXT10", words={"en": "Your code: {code}", "de": "Dein Code: {code}"})


def ruled(shop: Shop, *rules: Rule) -> None:
    shop.offers.rules.save(RuleBook(rules=rules), shop.now)
    shop.offers.publish_rules()


def bag_rule(name: str = "bags", **more: Any) -> Rule:
    return Rule(**{"name": name, "offer": Products(refs=("bag",)), "stop": True, **more})


def sell(shop: Shop, number: int, rule: str = "bags", quantity: int = 1, **order: Any) -> int:
    """A bag that was offered by a rule, accepted and ordered; how many conversions that is."""
    shop.store.empty_cart()
    shop.offers.accept(wanted(rule=rule), f"k{number}")
    line = shop.line()
    shop.store.replace(line.ref, "bag", None, quantity)
    shop.store.placed[str(number)] = Order(str(number), "EUR", shop.store.cart().lines, **order)
    return shop.offers.record_order(str(number), shop.store.visitor_key)


def test_a_question_is_asked_until_it_was_answered_or_skipped(shop: Shop) -> None:
    ruled(shop, Rule(name="who", ask=ASK), bag_rule(audience={"answer": {"question": "who", "is": ["me"]}}))
    shop.store.add("laptop", None, 1)
    suggest = shop.offers.suggest
    asked = suggest("cart")
    assert asked.question is not None
    assert (asked.question.words, asked.question.answers) == ("For whom?", (("me", "For me"), ("gift", "A gift")))
    assert [offer.ref for offer in asked.offers] == ["better", "bag"]
    for answer, offered in (("me", ["bag"]), ("gift", ["better", "bag"])):
        told = suggest("cart", asked=frozenset(["who"]), answers=frozenset([("who", answer)]))
        assert told.question is None
        assert [offer.ref for offer in told.offers] == offered
    assert suggest("cart", asked=frozenset(["who"])).question is None
    assert suggest("cart", asked=frozenset(["another"])).question is not None
    shop.store.facts["language"] = "de-AT"
    german = suggest("cart").question
    assert german is not None and german.words == "Für wen?"


def test_a_session_that_has_seen_enough_is_offered_what_it_has_seen(shop: Shop) -> None:
    shop.offers.policy = Policy(max_session=2)
    shop.store.add("laptop", None, 1)

    def offered(*seen: str) -> list[str]:
        return [offer.ref for offer in shop.offers.suggest("cart", seen=frozenset(map(mark, seen))).offers]

    assert offered() == ["better", "bag"]
    assert offered("x") == ["better"]
    assert offered("x", "bag") == ["bag"]
    assert offered("x", "y") == []
    assert offered("better", "bag") == ["better", "bag"]


def test_declining_a_bundle_is_counted_for_each_of_its_products(shop: Shop) -> None:
    pieces = [Piece("bag", "Bag", 2_000), Piece("mouse", "Mouse", 1_500)]
    shop.offers.decline(wanted(kind=Kind.BUNDLE, pieces=pieces, unit_price=3_500))
    shop.offers.decline(wanted(kind=Kind.PROGRAMME))
    assert shop.counted() == [
        ("bundle", "bag", 0, 1, 0, 0, 0),
        ("bundle", "mouse", 0, 1, 0, 0, 0),
        ("programme", "bag", 0, 1, 0, 0, 0),
    ]


def test_an_order_earns_what_the_rules_of_its_offers_give(shop: Shop) -> None:
    ruled(shop, bag_rule(perk=CODE), bag_rule("gifts", perk=Perk(gift="mouse")), bag_rule("plain"))
    for number, rule in enumerate(("bags", "plain", "gone", "")):
        assert sell(shop, number, rule) == 1
    assert list(map(str, shop.offers.thanks("0"))) == ["Your code: NEXT10"]
    assert [shop.offers.thanks(str(number)) for number in range(1, 4)] == [[], [], []]
    shop.store.facts["language"] = "de"
    assert list(map(str, shop.offers.thanks("0"))) == ["Dein Code: NEXT10"]
    assert shop.offers.record_order("0", "visitor") == 0, "sent again"
    assert len(shop.ledger.promised("0")) == 1


@pytest.mark.parametrize(
    ("visitor", "order", "whose"),
    [(None, "olga", "olga"), ("vera", None, "vera"), ("vera", "olga", "olga"), (None, None, "visitor")],
)
def test_a_perk_is_the_customers_who_ordered(shop: Shop, visitor: str | None, order: str | None, whose: str) -> None:
    """The order's customer, else the visitor's, else whoever has the cart. Shown red with the visitor's key for all."""
    ruled(shop, bag_rule(perk=Perk(gift="mouse")))
    shop.store.customer = visitor
    sell(shop, 1, customer=order)
    for customer in ("olga", "vera", "visitor", "", "somebody"):
        assert shop.offers.perks(customer) == (frozenset(["bags"]) if customer == whose else frozenset())
    with shop.ledger.engine.connect() as connection:
        assert whose not in str(connection.execute(t.promises.select()).all()), "the ledger holds a pseudonym"


def test_only_gifts_are_for_the_next_time(shop: Shop) -> None:
    ruled(shop, bag_rule(perk=CODE), bag_rule("points", perk=Perk(points=50)), bag_rule("gift", perk=Perk(gift="mug")))
    for number, rule in enumerate(("bags", "points", "gift")):
        sell(shop, number, rule, customer="olga")
    assert shop.offers.perks("olga") == {"gift"}


def test_a_gift_that_was_promised_can_be_offered_the_next_time(shop: Shop) -> None:
    ruled(shop, bag_rule(perk=Perk(gift="mouse")), bag_rule("due", audience={"perk": {"is": ["bags"]}}, priority=1))
    sell(shop, 1, customer="olga")
    shop.store.empty_cart()
    shop.store.add("laptop", None, 1)
    assert shop.offers.suggest("cart").offers[0].rule == "bags"
    shop.store.facts["perks"] = shop.offers.perks("olga")
    assert shop.offers.suggest("cart").offers[0].rule == "due"


GOAL = Goal(units=40, start="2026-05-01", by="2026-05-31")


def test_what_is_sold_towards_a_goal_counts_from_its_first_day_in_the_stores_zone() -> None:
    """Shown red with UTC for the day: an hour and a half of it are then missing."""
    shop = Shop(zone="Europe/Rome")
    shop.publish()
    ruled(shop, bag_rule(goal=GOAL), bag_rule("plain"))
    for number, at in enumerate((datetime(2026, 4, 30, 21, 59, tzinfo=UTC), datetime(2026, 4, 30, 22, 1, tzinfo=UTC))):
        shop.now = at
        sell(shop, number, quantity=1)
        sell(shop, number + 10, "plain")
    assert shop.offers.sold(shop.offers.rules.load().rules) == {"bags": 1}
    assert shop.offers.sold([]) == {}
    assert shop.shelf.read(()).rules.sold == {"bags": 0}, "as it was published"
    shop.offers.publish_rules()
    assert shop.shelf.read(()).rules.sold == {"bags": 1}
    shop.ledger.engine.dispose()


def test_rules_are_published_again_when_a_goal_came_nearer_by_a_twentieth(shop: Shop) -> None:
    """Two of forty are a twentieth. Shown red with `_came_nearer` always false, and always true."""
    ruled(shop, bag_rule(goal=GOAL))
    known = []
    for number in range(5):
        sell(shop, number)
        shop.offers.fold()
        live = shop.shelf.read(()).rules
        known.append((live.version, live.sold["bags"]))
    assert known == [("1", 0), ("2", 2), ("2", 2), ("3", 4), ("3", 4)]


def test_rules_are_published_again_when_a_goal_is_met_however_little_was_lacking(shop: Shop) -> None:
    goal = Goal(units=100, start="2026-05-01", by="2026-05-31")
    ruled(shop, bag_rule(goal=goal))
    shop.store.add("laptop", None, 1)
    shop.shelf.publish_rules(shop.offers.rules.load(), "UTC", frozenset(), {"bags": 99})
    assert [offer.rule for offer in shop.offers.suggest("cart").offers] == ["bags"]

    def all_of_it(since: Any) -> dict[str, int]:
        return dict.fromkeys(since, 100)

    shop.ledger.sold = all_of_it  # type: ignore[method-assign]
    shop.offers.decline(wanted())
    shop.offers.fold()
    assert shop.shelf.read(()).rules.sold == {"bags": 100}
    assert [offer.rule for offer in shop.offers.suggest("cart").offers] == ["", ""], "the rule rests"


# --- a store that fails --------------------------------------------------------------------------------------------


class Broken(MemoryStore):
    """Raises in the methods that are named."""

    breaks: Sequence[str] = ()

    def __getattribute__(self, name: str) -> Any:
        if name in object.__getattribute__(self, "breaks"):

            def fail(*_: object, **__: object) -> Any:
                raise ConnectionError(f"{name}: the store's database is gone")

            return fail
        return super().__getattribute__(name)


@pytest.mark.parametrize("method", ["visitor", "products", "cart", "add"])
def test_a_store_that_raises_while_accepting_gets_its_key_back_and_nothing_is_recorded(method: str) -> None:
    store = Broken([LAPTOP, BETTER, BAG])
    shop = Shop(store)
    store.breaks = [method]
    with pytest.raises(ConnectionError, match=method):
        shop.offers.accept(wanted(), "k1")
    store.breaks = ()
    assert store.cart().lines == () and shop.nothing_recorded()
    assert shop.offers.accept(wanted(), "k1").status == "done"
    shop.ledger.engine.dispose()


def test_a_store_that_raises_while_replacing_gets_its_key_back_and_nothing_is_recorded() -> None:
    store = Broken([LAPTOP, BETTER, BAG])
    shop = Shop(store)
    store.add("laptop", None, 1)
    line = shop.line()
    store.breaks = ["replace"]
    with pytest.raises(ConnectionError):
        shop.offers.accept(better(line), "k1")
    store.breaks = ()
    assert shop.line() == line and shop.nothing_recorded()
    done = shop.offers.accept(better(line), "k1")
    assert done.acceptance is not None
    for method in ("visitor", "cart", "replace"):
        store.breaks = [method]
        with pytest.raises(ConnectionError):
            shop.offers.undo(done.acceptance.id)
    store.breaks = ()
    assert shop.offers.undo(done.acceptance.id).status == "undone"
    assert shop.line() == line
    shop.ledger.engine.dispose()


def test_a_store_that_refuses_says_why_and_nothing_is_recorded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.store.add("laptop", None, 1)
    line = shop.line()
    for method in ("add", "replace", "remove"):
        monkeypatch.setattr(shop.store, method, lambda *_: Refused("Not today."))
    assert shop.offers.accept(wanted(), "k1").text == "Not today."
    assert shop.offers.accept(better(line), "k2").text == "Not today."
    assert shop.line() == line and shop.nothing_recorded()
    monkeypatch.undo()
    done = shop.offers.accept(wanted(), "k1")
    assert done.acceptance is not None
    monkeypatch.setattr(shop.store, "remove", lambda *_: Refused("Not today."))
    assert shop.offers.undo(done.acceptance.id) == Outcome("refused", Sentence("Not today."))
    monkeypatch.undo()
    assert shop.offers.undo(done.acceptance.id).status == "undone", "a refused undo can be tried again"


@pytest.mark.parametrize("method", ["order", "catalogue", "products"])
def test_a_store_that_raises_in_the_background_changes_nothing(method: str) -> None:
    store = Broken([LAPTOP, BETTER, BAG])
    shop = Shop(store)
    shop.publish()
    shop.offers.accept(wanted(), "k1")
    store.place_order("1001", NOW)
    store.breaks = [method]
    acts: dict[str, Callable[[], object]] = {
        "order": lambda: shop.offers.record_order("1001", "visitor"),
        "catalogue": shop.offers.publish,
        "products": lambda: shop.offers.amend(["bag"]),
    }
    with pytest.raises(ConnectionError, match=method):
        acts[method]()
    store.breaks = ()
    assert shop.shelf.read(["bag"]).version == "1.0"
    assert shop.offers.record_order("1001", "visitor") == 1
    shop.ledger.engine.dispose()


# --- pseudonyms ----------------------------------------------------------------------------------------------------


def test_a_pseudonym_is_stable_and_depends_on_visitor_and_secret(shop: Shop) -> None:
    pseudonym = shop.offers.pseudonym
    assert pseudonym("ada") == pseudonym("ada") != pseudonym("bob")
    assert len(pseudonym("x" * 10_000)) == len(pseudonym("")) == 32
    other = Offers(
        store=shop.store,
        shelf=shop.shelf,
        ledger=shop.ledger,
        tally=shop.tally,
        queue=shop.queue,
        rules=shop.offers.rules,
        limits=shop.offers.limits,
        switch=shop.switch,
        policy=Policy(),
        secret="another secret of the tests, also long enough",
    )
    assert other.pseudonym("ada") != pseudonym("ada")
