"""What every shelf keeps: one suite, run by `test_book.py` against each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest
from msgspec.structs import replace

from flask_upsell.core.affinity import NONE, Affinities, Affinity, Turn
from flask_upsell.core.book import Book
from flask_upsell.core.lessons import Forgotten
from flask_upsell.core.ports import Shelf
from flask_upsell.core.prices import Past, Spell
from flask_upsell.core.product import Product, Variant
from flask_upsell.core.rule import Goal, Nothing, Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.taste import Bought, Habits, Learned, Model, Weights

STRANGE = (
    "", " ", "a b", "{book}", "}{", "p:a", "a:", "upsell:{book}:1:current", "\0", "\n\r", '"\\', "'; --", "*", "😀ß字",
    "\x7f", "🏳️‍🌈", "x" * 5000, "-1", "nil", "%s", "<script>",
)  # fmt: skip
REFS = ("a", "b", "c", "d", "e")


def product(ref: str, title: str = "A title", **more: object) -> Product:
    """A product of 10.00 EUR."""
    return Product(ref, title, 1000, "EUR", **more)  # type: ignore[arg-type]


def leads(*refs: str, weight: float = 1.0) -> Affinities:
    """Complements."""
    return Affinities(complements=tuple(Affinity(ref, weight, 5, 10, 6, 100) for ref in refs))


def numbered(number: int) -> tuple[list[Product], list[tuple[str, Affinities]]]:
    """A whole version in which everything carries its number; each product leads to the next ones."""
    products = [product(ref, str(number)) for ref in REFS]
    return products, [(ref, leads(*REFS, weight=float(number))) for ref in REFS]


def numbers_in(book: Book, refs: Iterable[str]) -> set[int]:
    """The numbers of all that a decision about these products would look at; more than one: versions are mixed.

    None: three new versions in a row came in between, and the reader has an older copy that does not know them.
    """
    found: set[int] = set()
    for ref in refs:
        for affinity in book.leads_to(ref).complements:
            found.add(int(affinity.weight))
            found.add(int(book.products[affinity.consequent].title))
        if (fact := book.products.get(ref)) is not None:
            found.add(int(fact.title))
    return found


def learned(number: int = 1) -> Learned:
    """A model with all that it can have, two customers to ask and two shoppers with past orders."""
    plain = Weights((0, 1), (0.5, -1.0), (1.0, 2.0), (float(number), 0.25))
    full = replace(plain, pairs=(0.1, 0.2, 0.3), page=((1.0, 2.0),) * 3, page_mean=(0.0,) * 3, page_spread=(1.0,) * 3)
    past = ((1_790_000_000, ("a", "b")), (1_780_000_000, ("c",)))
    return Learned(
        Model(full, plain, 100 * number, 300, (("a", 90), ("größe", 3)), (7, 5)),
        iter([("0", Bought((("b", 3, 12), ("c", 1, 4)))), ("1", Bought())]),
        iter([("ann", Habits(past, {"a": 9, "b": 2, "c": 4}, bytes(range(120, 136)), (("c", 0.5),)))]),
    )


def rules(*names: str) -> RuleBook:
    return RuleBook(rules=tuple(Rule(name=name, offer=Products(refs=("a",))) for name in names))


class Readers:
    """Threads that read until the block ends; what they saw that is no single version is in `mixed`."""

    def __init__(self, shelf: Shelf, count: int = 2) -> None:
        self._shelf, self._stop = shelf, threading.Event()
        self.mixed: list[object] = []
        self.seen: set[int] = set()
        self.reads = 0
        self._threads = [threading.Thread(target=self._read, args=(i,)) for i in range(count)]

    def _read(self, start: int) -> None:
        pairs = cycle([REFS[i : i + 2] for i in range(4)][start:] or [REFS])
        try:
            while not self._stop.is_set():
                refs = next(pairs)
                book = self._shelf.read(refs)
                numbers = numbers_in(book, refs)
                self.reads += 1
                self.seen |= numbers
                if len(numbers) > 1:
                    self.mixed.append((book.version, numbers))
        except BaseException as error:
            self.mixed.append(error)

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


class ShelfContract:
    """Subclasses give a fixture `shelf`, empty, that trusts its copy for no time."""

    times = 1000

    def test_it_is_switched_off_and_on_for_every_reader(self, shelf: Shelf) -> None:
        shelf.publish(*numbered(1))
        shelf.read(["a"])
        assert shelf.off is False
        for off in (True, True, False, True):
            shelf.switch(off)
            shelf.read(["a"])
            assert shelf.off is off
        shelf.publish(*numbered(2))
        shelf.amend([product("a", "2")])
        shelf.publish_rules(rules("one"), "UTC", frozenset())
        shelf.read(["a"])
        assert shelf.off is True, "for later versions too"

    def test_a_job_reads_the_same(self, shelf: Shelf) -> None:
        shelf.publish(*numbered(1), learned())
        book, again = shelf.read(REFS), shelf.patient().read(REFS)
        assert again.version == book.version and shelf.patient() is shelf.patient()
        assert [again.products[ref] for ref in REFS] == [book.products[ref] for ref in REFS]
        shelf.publish(*numbered(2))
        assert shelf.patient().read(REFS).version == shelf.read(REFS).version

    def test_what_products_lead_to_is_replaced_in_the_version_that_was_looked_at(self, shelf: Shelf) -> None:
        """Planted bugs that it shows: whatever is live is changed; what changes nothing makes all read it again."""
        assert shelf.edition() is None and shelf.relate("1.0", {"a": leads("b")}) is False
        before = datetime.now(UTC)
        shelf.publish(*numbered(1), learned())
        first = shelf.edition()
        assert first is not None and first.learning == "" and before <= first.began_at <= datetime.now(UTC)
        assert shelf.relate(first.version, {"a": leads("b", weight=7.0), "e": NONE})
        second = shelf.edition()
        assert second is not None and second.version != first.version and second.name == first.name
        book = shelf.read(["a", "b", "e"])
        assert book.version == second.version
        assert (book.leads_to("a"), book.leads_to("e")) == (leads("b", weight=7.0), NONE)
        assert book.leads_to("b") == leads(*REFS, weight=1.0) and book.products["a"].title == "1"
        assert not shelf.relate(first.version, {"a": NONE})
        assert shelf.relate(second.version, {"a": leads("b", weight=7.0)})
        assert shelf.edition() == second and shelf.read(["a"]).leads_to("a") == leads("b", weight=7.0)

    def test_shoppers_habits_are_replaced_with_them(self, shelf: Shelf) -> None:
        """Planted bug that it shows: what changes of habits alone is not written."""
        shelf.publish(*numbered(1), learned())
        first, own = shelf.edition(), Habits(((1_790_000_001, ("c",)),), {"c": 4})
        assert first is not None and shelf.relate(first.version, {}, {"ann": own, "bob": own})
        second, book = shelf.edition(), shelf.read(["a"])
        assert second is not None and book.version == second.version != first.version
        assert (book.habits["ann"], book.habits["bob"]) == (own, own)
        assert book.leads_to("a") == leads(*REFS, weight=1.0)
        assert shelf.relate(second.version, {}, {"ann": own}) and shelf.edition() == second

    def test_who_is_forgotten_is_in_no_book_any_more(self, shelf: Shelf) -> None:
        """At once, and by no number of another learning. Planted bug that it shows: the revision stays."""
        about = [("a", replace(leads("b"), buyers=((0, 0.5), (1, 0.25))))]
        for learning in ("x", "y"):
            shelf.publish([product("a")], about, replace(learned(), learning=learning))
            before = shelf.read(["a"])
            assert before.habits["ann"].baskets and before.crowd["0"].items
            shelf.forget(Forgotten("x", ("ann", "bob"), {0: ("a", "gone")}))
            book, same = shelf.read(["a"]), learning == "x"
            assert book.version != before.version and book.habits.get("ann") is None
            assert (book.crowd.get("0") is None) is same and book.crowd.get("1") is not None
            assert book.leads_to("a").buyers == (((1, 0.25),) if same else ((0, 0.5), (1, 0.25)))
            assert [each.consequent for each in book.leads_to("a").complements] == ["b"]

    def test_an_empty_shelf_has_nobody_to_forget(self, shelf: Shelf) -> None:
        shelf.forget(Forgotten("x", ("ann",), {0: ("a",)}))
        assert shelf.read(["a"]).version == ""

    def test_an_empty_shelf_has_an_empty_book(self, shelf: Shelf) -> None:
        book = shelf.read(["a"])
        assert (book.version, book.products.get("a"), book.leads_to("a")) == ("", None, Affinities())
        assert shelf.published() is None

    def test_what_is_published_is_read_with_the_products_that_it_leads_to(self, shelf: Shelf) -> None:
        rich = product(
            "b",
            "B <b>",
            url="/b",
            image="/b.svg",
            category="C",
            stock=3,
            hidden=True,
            variants=(Variant("s", "S", 1, 2), Variant("l", "L", 3)),
            attributes={"Größe": "10"},
            period_months=12,
        )
        turns = {"c": Turn(-0.5, 1.25, bytes(range(120, 136)))}
        up = Affinities((Affinity("c", 0.5, 1, 2, 3, 4),), leads("b").complements, turns=turns)
        version = shelf.publish([product("a"), rich, product("c")], [("a", up)])
        book = shelf.read(["a"])
        assert book.version == version
        assert book.leads_to("a") == up
        assert {ref: book.products[ref] for ref in ("a", "b", "c")} == {
            "a": product("a"),
            "b": rich,
            "c": product("c"),
        }

    def test_it_says_which_version_is_live_and_since_when(self, shelf: Shelf) -> None:
        shelf.publish_rules(RuleBook(), "UTC", frozenset())
        before = datetime.now(UTC)
        version = shelf.publish([product("a")], [])
        published = shelf.published()
        assert published is not None and published[0] == version
        assert before - timedelta(seconds=1) <= published[1] <= datetime.now(UTC) + timedelta(seconds=1)

    def test_a_new_version_replaces_the_old_one_wholly(self, shelf: Shelf) -> None:
        first = shelf.publish([product("a", "old"), product("b")], [("a", leads("b"))])
        assert shelf.read(["a"]).products["a"].title == "old"
        assert shelf.publish([product("a", "new")], []) != first
        book = shelf.read(["a"])
        assert (book.products["a"].title, book.leads_to("a")) == ("new", Affinities())
        assert shelf.read(["b"]).products.get("b") is None

    def test_an_empty_book_can_be_live(self, shelf: Shelf) -> None:
        shelf.publish([product("a")], [("a", leads("a"))])
        shelf.read(["a"])
        version = shelf.publish([], [])
        book = shelf.read(["a"])
        assert (book.version, book.products.get("a"), book.leads_to("a")) == (version, None, Affinities())

    def test_a_book_already_in_hand_stays_as_it_was(self, shelf: Shelf) -> None:
        shelf.publish(*numbered(1))
        book = shelf.read(REFS)
        shelf.publish(*numbered(2))
        assert numbers_in(shelf.read(REFS), REFS) == {2}
        assert numbers_in(book, REFS) == {1}

    def test_amending_changes_these_products_and_nothing_else(self, shelf: Shelf) -> None:
        shelf.publish_rules(RuleBook(), "UTC", frozenset())
        shelf.publish([product("a"), product("b")], [("a", leads("b"))])
        before = shelf.read(["a"]).version
        shelf.amend([product("b", "changed"), product("z", "new")])
        book = shelf.read(["a", "z"])
        assert book.version != before and shelf.published() is not None
        assert (book.products["a"].title, book.products["b"].title) == ("A title", "changed")
        assert (book.products["z"].title, book.leads_to("a")) == ("new", leads("b"))

    def test_amending_nothing_or_an_empty_shelf_publishes_nothing(self, shelf: Shelf) -> None:
        shelf.amend([product("a")])
        assert shelf.published() is None
        shelf.publish_rules(RuleBook(), "UTC", frozenset())
        version = shelf.publish([product("a")], [])
        shelf.amend([])
        published = shelf.published()
        assert published is not None and published[0] == version

    def test_amended_products_are_gone_with_the_next_version(self, shelf: Shelf) -> None:
        shelf.publish([product("a")], [])
        shelf.amend([product("b")])
        shelf.publish([product("a")], [])
        assert shelf.read(["b"]).products.get("b") is None

    def test_a_catalogue_that_raises_leaves_the_live_version(self, shelf: Shelf) -> None:
        def broken() -> Iterator[Product]:
            yield product("a", "new")
            raise RuntimeError("the store's database is gone")

        shelf.publish([product("a", "old")], [])
        with pytest.raises(RuntimeError):
            shelf.publish(broken(), [])
        assert shelf.read(["a"]).products["a"].title == "old"

    @pytest.mark.parametrize("ref", STRANGE, ids=lambda ref: ascii(ref[:20]))
    def test_references_may_hold_any_character(self, shelf: Shelf, ref: str) -> None:
        shelf.publish([product("a"), product(ref, "strange")], [("a", leads(ref)), (ref, leads("a"))])
        assert shelf.read(["a"]).products[ref].title == "strange"
        assert shelf.read([ref]).leads_to(ref) == leads("a")

    def test_thousands_of_references_at_once(self, shelf: Shelf) -> None:
        refs = [f"r{i}" for i in range(9_000)]
        shelf.publish((product(ref) for ref in refs), [])
        book = shelf.read(refs)
        assert [ref for ref in refs if book.products.get(ref) is None] == []

    def test_a_reader_never_sees_a_mix_while_versions_are_published(self, shelf: Shelf) -> None:
        """Red when a version's fields are written into the hash of the live one."""
        shelf.publish(*numbered(1))
        with Readers(shelf) as readers:
            for number in range(2, self.times + 2):
                shelf.publish(*numbered(number))
        assert readers.mixed[:3] == []
        assert readers.reads > 20 and len(readers.seen) > 1
        assert numbers_in(shelf.read(REFS), REFS) == {self.times + 1}

    def test_a_reader_never_sees_a_mix_while_products_are_amended(self, shelf: Shelf) -> None:
        """Red when `amend` leaves the revision as it is."""

        def titles(book: Book) -> set[str]:
            return {fact.title for ref in REFS if (fact := book.products.get(ref)) is not None}

        shelf.publish(*numbered(1))
        mixed: list[set[str]] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                found = titles(shelf.read(REFS))
                if len(found) > 1:
                    mixed.append(found)

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(2, self.times // 4):
            shelf.amend([product(ref, str(number)) for ref in REFS])
        done.set()
        reader.join()
        assert mixed == []
        assert titles(shelf.read(REFS)) == {str(self.times // 4 - 1)}

    # --- how what was learned is weighed ----------------------------------------------------------------------------

    def test_what_was_learned_is_read_as_it_was_published(self, shelf: Shelf) -> None:
        told = learned()
        shelf.publish([product("a")], [("a", replace(leads("b"), buyers=((0, 1.5), (1, -0.25))))], told)
        book = shelf.read(["a"])
        assert book.model == told.model
        assert book.leads_to("a").buyers == ((0, 1.5), (1, -0.25))
        book.ask_ahead(["0", "1", "2"])
        assert [book.crowd.get(number) for number in ("0", "1", "2")] == [
            Bought((("b", 3, 12), ("c", 1, 4))),
            Bought(),
            None,
        ]
        ann = book.habits["ann"]
        assert ann.baskets == ((1_790_000_000, ("a", "b")), (1_780_000_000, ("c",)))
        assert (ann.orders, ann.taste) == ({"a": 9, "b": 2, "c": 4}, bytes(range(120, 136)))
        assert book.habits.get("bob") is None

    def test_each_version_has_its_own_model(self, shelf: Shelf) -> None:
        for number in (1, 2):
            shelf.publish([product("a")], [], learned(number))
            found = shelf.read(["a"]).model
            assert found is not None and found.orders == 100 * number
        in_hand = shelf.read(["a"])
        shelf.publish([product("a")], [])
        book = shelf.read(["a"])
        assert (book.model, book.crowd.get("0"), book.habits.get("ann")) == (None, None, None)
        assert in_hand.model is not None, "a book in hand keeps what it has"

    def test_the_model_outlives_changed_products_rules_and_the_switch(self, shelf: Shelf) -> None:
        told = learned().model
        shelf.publish([product("a")], [], learned())
        shelf.amend([product("a", "changed")])
        assert shelf.read(["a"]).model == told
        shelf.publish_rules(rules("one"), "UTC", frozenset())
        assert shelf.read(["a", "b"]).model == told
        shelf.switch(True)
        book = shelf.read(["a"])
        assert (book.model, book.products["a"].title) == (told, "changed")
        assert book.habits.get("ann") is not None

    # --- rules: with versions of their own --------------------------------------------------------------------------

    def test_published_rules_are_read_with_the_book(self, shelf: Shelf) -> None:
        shelf.publish([product("a")], [])
        assert len(shelf.read(["a"]).rules) == 0
        version = shelf.publish_rules(rules("one", "two"), "Europe/Rome", frozenset({"two"}))
        found = shelf.read(["a"]).rules
        assert (found.version, found.zone, found.spent, len(found)) == (version, "Europe/Rome", frozenset({"two"}), 2)
        assert found.get("one") is not None and found.get("two") is None

    def test_what_was_sold_is_published_with_the_rules(self, shelf: Shelf) -> None:
        shelf.publish([product("a")], [])
        goal = Goal(units=10, start="2026-01-01", by="2026-12-31")
        book = RuleBook(rules=(Rule(name="goal", offer=Nothing(), goal=goal),))
        for sold in (9, 10, 0):
            shelf.publish_rules(book, "UTC", frozenset(), {"goal": sold})
            found = shelf.read(["a"]).rules
            assert found.sold == {"goal": sold}
            assert (found.get("goal") is None) is (sold == 10), "a rule rests when its goal is met"
        shelf.publish_rules(book, "UTC", frozenset())
        assert shelf.read(["a"]).rules.sold == {}

    def test_when_rules_were_changed_is_published_with_them(self, shelf: Shelf) -> None:
        shelf.publish([product("a")], [])
        changed = {"one": datetime(2027, 2, 10, 12, tzinfo=UTC)}
        shelf.publish_rules(rules("one", "two"), "UTC", frozenset(), {}, changed)
        assert shelf.read(["a"]).rules.changed == changed

    def test_what_is_known_of_prices_is_published_with_the_product(self, shelf: Shelf) -> None:
        past = Past(10, 20, (Spell(900, 10, 15), Spell(800, 15, 20, "sale")))
        shelf.publish([replace(product("a"), past=past)], [])
        assert shelf.read(["a"]).products["a"].past == past

    def test_rules_outlive_the_catalogue_and_may_come_before_it(self, shelf: Shelf) -> None:
        version = shelf.publish_rules(rules("one"), "UTC", frozenset())
        shelf.publish([product("a", "1")], [])
        assert shelf.read(["a"]).rules.version == version
        shelf.publish([product("a", "2")], [])
        shelf.amend([product("a", "3")])
        book = shelf.read(["a"])
        assert (book.products["a"].title, book.rules.version) == ("3", version)

    def test_other_rules_leave_the_catalogue_as_it_is(self, shelf: Shelf) -> None:
        version = shelf.publish([product("a")], [("a", leads("a"))])
        shelf.publish_rules(rules("one"), "UTC", frozenset())
        shelf.publish_rules(rules("two"), "UTC", frozenset())
        book = shelf.read(["a"])
        assert (book.version, book.leads_to("a")) == (version, leads("a"))
        assert book.rules.get("two") is not None and book.rules.get("one") is None

    def test_a_book_in_hand_keeps_its_rules(self, shelf: Shelf) -> None:
        shelf.publish([product("a")], [])
        shelf.publish_rules(rules("one"), "UTC", frozenset())
        book = shelf.read(["a"])
        shelf.publish_rules(rules("two"), "UTC", frozenset())
        assert shelf.read(["a"]).rules.get("two") is not None
        assert book.rules.get("one") is not None and book.rules.get("two") is None

    def test_lists_have_the_most_bought_first_children_included_hidden_left_out(self, shelf: Shelf) -> None:
        goods = [
            product("a", category="Garden/Grills"), product("b", category="Garden", tags=("new",)),
            product("c", category="Garden/Grills", tags=("new",)), product("d", category="Garden", hidden=True),
        ]  # fmt: skip
        bought = {"a": 3, "b": 1, "c": 9}
        known = tuple(Affinity(ref, 1.0, 1, 1, orders, 100) for ref, orders in bought.items())
        shelf.publish(goods, [("a", Affinities(complements=known))])
        lists = shelf.read(["a"]).lists
        found = {key: lists.get(key) for key in ("c:Garden", "c:Garden/Grills", "t:new", "c:Nowhere")}
        assert found == {
            "c:Garden": ("c", "a", "b"), "c:Garden/Grills": ("c", "a"), "t:new": ("c", "b"), "c:Nowhere": None,
        }  # fmt: skip
