"""A real worker process on a real Valkey: it learns, folds, amends, says that it lives, and ends with its people."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest
from rq import Callback, Queue, Worker

from flask_upsell import FollowUp, faults
from flask_upsell.adapters.audit import SQLAudit
from flask_upsell.adapters.clients import worker_client
from flask_upsell.adapters.linted import SQLLinted
from flask_upsell.adapters.queue import HEARTBEAT_SECONDS
from flask_upsell.adapters.tables import follow_ups
from flask_upsell.core.book import SCHEMA
from flask_upsell.core.offer import Kind
from flask_upsell.core.ports import Acceptance, Progress
from flask_upsell.core.rule import Products, Rule, Schedule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk.linting import MOST_AT_ONCE
from flask_upsell.jobs import Parts, run_learning
from flask_upsell.offers import Offers
from flask_upsell.web.worker import alive
from tests.conftest import migrate
from tests.faults.backends import own_valkey

APP = '''
"""A shop whose price and whose luck are files beside it."""
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from flask import Flask
from flask_upsell import Line, MemoryStore, Order, Product, Upsell
from flask_upsell.core.ports import OrderLine

HERE = Path(__file__).parent
URL = (HERE / "url").read_text()


class Shop(MemoryStore):
    def products(self, refs):
        price = int((HERE / "price").read_text())
        known = ("bag", "laptop", "pen")
        return [Product(ref, ref.title(), price, "EUR", url=f"/product/{ref}") for ref in refs if ref in known]

    def catalogue(self):
        return iter(self.products(["bag", "laptop", "pen"]))

    def orders(self, since=None):
        if (HERE / "broken").exists():
            raise ConnectionError("the orders are gone")
        for number in range(50):
            for ref in ("bag", "laptop") if number < 20 else ("pen",):
                yield OrderLine(str(number), ref, 1, 1000, datetime(2026, 5, 4, tzinfo=UTC))

    def order(self, ref, connection=None):
        return Order(ref, "EUR", (Line("1", "laptop", 1, 1000),), ref.partition(" of ")[2])


def send(mail):
    """The mail server is a file; while there is another one beside it, it takes none."""
    if (HERE / "refused").exists():
        raise ConnectionError("the mail server is gone")
    with (HERE / "mails").open("ab") as file:
        file.write(msgspec.json.encode(mail) + b"\\n")


def create_app():
    app = Flask(__name__)
    app.config.update(SECRET_KEY="5f0c1d7be8a24936d1f6c07e9b3a8452ce71f09d46b83a25170be9c48d62fa3b")
    app.config.update(UPSELL_REDIS_URL=URL,
                      UPSELL_DATABASE_URL=f"sqlite:///{HERE / 'upsell.db'}", UPSELL_BOOK_SECONDS=0.0,
                      UPSELL_REDIS_SECONDS=1.0, UPSELL_FOLLOW_UP=send, UPSELL_SITE_URL="https://shop.example")
    Upsell(app, store=Shop())
    return app
'''
Start = Callable[..., "subprocess.Popen[bytes]"]


def until(true: Callable[[], object], seconds: float = 120) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())


def children(pid: int) -> list[int]:
    """Ids of the processes that this one started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def offers(redis_url: str, tmp_path: Path) -> Iterator[Offers]:
    """The shop as the web process of it sees it."""
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "url").write_text(redis_url)
    (tmp_path / "price").write_text("1000")
    parts = parts_of_shop(tmp_path)
    engine = parts.offers.ledger.engine  # type: ignore[attr-defined]
    migrate(engine)
    yield parts.offers
    engine.dispose()


@cache
def parts_of_shop(folder: Path) -> Parts:
    spec = importlib.util.spec_from_file_location("worker_shop", folder / "shop.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts: Parts = module.create_app().extensions["upsell"]
    return parts


@pytest.fixture
def start(offers: Offers, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts `flask upsell worker` and waits until it can be seen."""
    started: list[subprocess.Popen[bytes]] = []

    def go(*more: str, waits: bool = True) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flask", "--app", str(tmp_path / "shop.py"), "upsell", "worker", *more]
        process = subprocess.Popen(command, cwd=tmp_path)
        started.append(process)
        if not waits:
            return process
        client = worker_client(redis_url)
        assert until(lambda: offers.queue.worker_seen() and Worker.count(connection=client)), "no worker came up"
        client.close()
        return process

    yield go
    for process in started:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                for child in children(process.pid):
                    os.kill(child, signal.SIGKILL)
                process.kill()
                process.wait()


def test_a_book_of_yesterday_is_published_again(start: Start, offers: Offers, redis_url: str) -> None:
    """Prices that nobody sees for two days are not known any more."""
    version = offers.publish()
    client = worker_client(redis_url)
    key = f"upsell:{{book}}:{SCHEMA}:v{version.partition('.')[0]}"
    at = datetime.now(UTC) - timedelta(hours=21)
    client.hset(key, "meta", msgspec.json.encode({"published_at": at.isoformat(), "fields": 3, "schema": SCHEMA}))
    client.close()
    assert offers.shelf.published() == (version, at)
    start()
    assert until(lambda: offers.shelf.published() != (version, at))
    published = offers.shelf.published()
    assert published is not None and published[1] > at + timedelta(hours=20)


def test_a_worker_learns_amends_and_survives_learning_that_fails(start: Start, offers: Offers, tmp_path: Path) -> None:
    start()
    seen: list[Progress] = []

    def ended(run: str) -> bool:
        now = offers.ledger.last_progress("learn")
        if now is None or now.id != run:
            return False
        seen.append(now)
        return now.state in ("done", "failed")

    offers.ledger.progress("run1", "learn", "queued", "Waiting for a worker", 0, 0, {})
    assert offers.queue.enqueue("learn", "run1")
    assert until(lambda: ended("run1"))
    run = offers.ledger.last_progress("learn")
    assert run is not None and run.state == "done", run
    assert seen[0].state in ("queued", "running")
    assert (run.figures["orders"], run.figures["lines"], run.figures["complements"]) == (50, 70, 2)
    book = offers.shelf.read(["laptop"])
    assert book.version == run.figures["version"]
    assert (book.leads_to("laptop").complements[0].together, book.products["bag"].price) == (20, 1000)

    (tmp_path / "price").write_text("1234")
    assert offers.queue.enqueue("amend", "bag")
    assert until(lambda: offers.shelf.read(["laptop"]).products["bag"].price == 1234)
    amended = offers.shelf.read(["laptop"]).version
    assert offers.prices is not None
    recorded = [(row.price, row.source.value) for row in offers.prices.history(["bag"])["bag"]]
    assert recorded == [(1000, "published"), (1234, "changed")]

    (tmp_path / "broken").touch()
    assert offers.queue.enqueue("learn", "run2")
    assert until(lambda: ended("run2"))
    failed = seen[-1]  # as it was seen then: RQ tries again at once, and the state is "running" once more
    assert (failed.state, failed.step) == ("failed", f"ConnectionError: {faults.LEFT_OUT}")
    assert offers.shelf.read(["laptop"]).version == amended
    assert offers.queue.worker_seen()


def test_a_worker_publishes_when_there_is_no_book_that_its_version_reads(
    start: Start, offers: Offers, tmp_path: Path, redis_url: str
) -> None:
    """So it is after an update of the book's schema, and when Redis was emptied. Jobs of a newer version are parked."""
    run_learning(parts_of_shop(tmp_path), "run1")
    client = worker_client(redis_url)
    client.flushall()
    assert offers.shelf.published() is None
    assert offers.queue.enqueue("of_a_newer_version", "x")
    start()
    assert until(lambda: offers.shelf.published() is not None)
    assert until(lambda: client.zcard("rq:failed:upsell") == 1)
    client.close()


def test_a_worker_folds_what_nobody_asked_it_to_fold(start: Start, offers: Offers) -> None:
    """And removes what is too old, and notes its settings."""
    old = Acceptance("old", "v", "cart", Kind.COMPLEMENT, "o", "bag", 1, 1, "EUR")
    offers.ledger.record_acceptances([old], offers.clock() - timedelta(days=91))
    offers.fold()
    start()
    assert until(lambda: offers.ledger.acceptance("old", "v") is None, 20)
    audit = SQLAudit(offers.ledger.engine, "upsell")  # type: ignore[attr-defined]
    assert [each.what for each in audit.history()] == ["settings"]
    offers.ledger.record_decline("cart", "complement", "bag", offers.clock())
    offers.tally.add([("cart", "complement", "bag")])
    offers.tally.flush()
    assert until(lambda: [(c.shown, c.declined) for c in offers.ledger.counts()] == [(1, 1)], 8)
    assert offers.ledger.waiting() == 0


def test_an_order_is_in_the_book_in_a_moment(
    start: Start, offers: Offers, tmp_path: Path, redis_url: str, figure: Callable[[str, object, str], None]
) -> None:
    """From the order to the counts that pages read, by a process of RQ's; also when nobody asks the worker to, since
    Redis was away just then. Planted bug that it shows: the sweep looks at the outbox only."""
    run_learning(parts_of_shop(tmp_path), "run1")
    start()

    def base() -> int:
        return offers.shelf.read(["laptop"]).leads_to("laptop").complements[0].base

    def idle() -> bool:
        return not queue.count and not queue.started_job_registry.count

    client = worker_client(redis_url)
    queue = Queue("upsell", connection=client, serializer="json")
    assert until(idle) and base() == 20
    begun = time.monotonic()
    offers.record_order("1 of ada", "visitor")
    offers.queue.enqueue("fold")
    assert until(lambda: base() == 21)
    figure("from an order to its counts in the book", f"{time.monotonic() - begun:.1f} s", "5 s")
    assert until(idle)
    offers.record_order("2 of ada", "visitor")
    offers.ledger.fold()
    assert until(lambda: base() == 22, 20)
    client.close()


def test_a_worker_looks_through_many_rules_after_each_change(start: Start, offers: Offers) -> None:
    """Whoever changes them, and whether anybody looks at a page. Planted bug that it shows: it asks once only."""
    kept = SQLLinted(offers.ledger.engine, "upsell")  # type: ignore[attr-defined]
    rules = [Rule(name=f"rule {n}", offer=Products(refs=(f"p{n}",)), priority=-n) for n in range(MOST_AT_ONCE)]
    over = Rule(name="over", offer=Products(refs=("bag",)), schedule=Schedule(end="2020-01-01T00:00"))

    def found() -> tuple[int, list[str]] | None:
        last = kept.last()
        return (last.revision, [each.rule for each in last.findings]) if last is not None else None

    offers.rules.save(RuleBook(rules=(*rules, over)), offers.clock())
    start()
    assert until(lambda: found() == (1, ["over"]), 20)
    offers.rules.save(RuleBook(rules=(*rules, msgspec.structs.replace(over, name="past"))), offers.clock())
    assert until(lambda: found() == (2, ["past"]), 20)


@pytest.mark.parametrize("how", ["gone", "hangs"])
def test_a_worker_folds_by_itself_without_redis(start: Start, offers: Offers, tmp_path: Path, how: str) -> None:
    """Planted bug that it shows: a sweep that asks Redis first, whether it may look."""
    with own_valkey() as server:
        (tmp_path / "url").write_text(server.url)
        worker = start(waits=False)
        client = server.client()
        assert until(lambda: client.zcard("upsell:{jobs}:workers"))
        client.close()
        server.kill() if how == "gone" else server.hang()
        offers.ledger.record_decline("cart", "complement", "bag", offers.clock())
        assert until(lambda: [c.declined for c in offers.ledger.counts()] == [1])
        assert worker.poll() is None
        worker.kill()
        worker.wait()


def test_a_worker_folds_by_itself_while_its_child_has_a_long_job(start: Start, offers: Offers) -> None:
    """Planted bug that it shows: `_fold_here` left out."""
    worker = start()
    (child,) = children(worker.pid)
    os.kill(child, signal.SIGSTOP)
    offers.ledger.record_decline("cart", "complement", "bag", offers.clock())
    try:
        assert until(lambda: [c.declined for c in offers.ledger.counts()] == [1])
    finally:
        os.kill(child, signal.SIGCONT)


def ordered(offers: Offers, number: str, customer: str, days: int = 8) -> None:
    """An order of a laptop, so many days ago."""
    clock, offers.clock = offers.clock, lambda: datetime.now(UTC) - timedelta(days=days)
    offers.record_order(f"{number} of {customer}", "visitor", None, "de-AT")
    offers.clock = clock


def mails(folder: Path) -> list[FollowUp]:
    """What the shop sent."""
    file = folder / "mails"
    return [msgspec.json.decode(row, type=FollowUp) for row in file.read_bytes().splitlines()] if file.exists() else []


def test_a_worker_follows_up_orders_that_nobody_asked_it_to(start: Start, offers: Offers, tmp_path: Path) -> None:
    """From the order to what the store's function is handed, in a process of RQ's. Beside a second worker, once."""
    run_learning(parts_of_shop(tmp_path), "first")
    ordered(offers, "1", "ada")
    ordered(offers, "2", "ada")
    ordered(offers, "3", "bob")
    ordered(offers, "4", "eve", days=6)
    start()
    start()
    assert until(lambda: len(mails(tmp_path)) == 2)
    assert offers.diary is not None
    # A mail is there before it is on record.
    assert until(lambda: offers.diary is not None and offers.diary.states() == {"due": 1, "recent": 1, "sent": 2})
    first, second = sorted(mails(tmp_path), key=lambda mail: mail.order)
    assert (first.customer, first.order, first.language) == ("ada", "1 of ada", "de-AT")
    assert (second.customer, second.order) == ("bob", "3 of bob")
    assert first.subject == "Passt gut zu „Laptop“"
    assert "* Bag\n  €\xa010,00\n  https://shop.example/product/bag\n" in first.text
    assert 'href="https://shop.example/product/bag"' in first.html
    assert first.headers["List-Unsubscribe"] == f"<{first.unsubscribe}>"


def test_a_worker_asks_again_when_a_mail_is_not_taken(start: Start, offers: Offers, tmp_path: Path) -> None:
    run_learning(parts_of_shop(tmp_path), "first")
    (tmp_path / "refused").touch()
    ordered(offers, "1", "ada")
    start()
    assert offers.diary is not None
    diary, later = offers.diary, offers.clock() + timedelta(hours=2)
    assert until(lambda: diary.states() == {"due": 1} and [plan.tries for plan in diary.due(later, 1)] == [1])
    assert mails(tmp_path) == []
    (tmp_path / "refused").unlink()
    with parts_of_shop(tmp_path).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(follow_ups.update().values(next_at=offers.clock()))  # an hour has passed
    assert offers.queue.enqueue("follow_up")
    assert until(lambda: len(mails(tmp_path)) == 1)
    assert until(lambda: diary.states() == {"sent": 1})


def test_a_worker_that_is_asked_to_stop_says_goodbye(start: Start, offers: Offers) -> None:
    worker = start()
    (child,) = children(worker.pid)
    worker.terminate()
    assert worker.wait(60) == 0
    assert gone(child)
    assert not offers.queue.worker_seen()


def test_a_child_ends_when_its_parent_was_killed(start: Start, offers: Offers) -> None:
    """Red without the thread `_end_with`: the child would work on, unseen, for ever."""
    worker = start()
    (child,) = children(worker.pid)
    assert offers.queue.worker_seen()
    worker.kill()
    worker.wait()
    killed_at = time.time()
    try:
        assert until(lambda: gone(child))
    finally:
        if not gone(child):
            os.kill(child, signal.SIGKILL)
    client = offers.queue._web  # type: ignore[attr-defined]
    (until_then,) = [score for _, score in client.zrange("upsell:{jobs}:workers", 0, -1, withscores=True)]
    assert until_then <= killed_at + HEARTBEAT_SECONDS, "the heartbeat goes by itself"


def test_a_worker_ends_with_its_child(start: Start, offers: Offers) -> None:
    worker = start()
    (child,) = children(worker.pid)
    os.kill(child, signal.SIGKILL)
    assert worker.wait(60) != 0
    assert not offers.queue.worker_seen()


def test_a_worker_ends_with_the_process_it_was_told_to_end_with(start: Start, offers: Offers) -> None:
    other = subprocess.Popen(["sleep", "600"])
    worker = start("--exit-with", str(other.pid))
    (child,) = children(worker.pid)
    assert worker.poll() is None
    other.kill()
    other.wait()
    worker.wait(60)
    assert gone(child)
    assert not offers.queue.worker_seen()


BOMB = """
from pathlib import Path

Path(__file__).with_name("imported").touch()


def go(*_, **__):
    Path(__file__).with_name("called").touch()


class Pickled:
    def __reduce__(self):
        return go, ()
"""


def test_whoever_writes_into_redis_runs_nothing(
    start: Start, offers: Offers, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that are pickled, that name any function, that bring callbacks, and that are no jobs; then one of ours.

    Planted bugs that it shows: RQ's own worker with its default serializer; our worker with RQ's own class of jobs.
    """
    (tmp_path / "bomb.py").write_text(BOMB)
    monkeypatch.syspath_prepend(str(tmp_path))
    bomb = importlib.import_module("bomb")
    pickled = pickle.dumps(bomb.Pickled())
    client = worker_client(redis_url)
    unsafe, json = (Queue("upsell", connection=client, serializer=each) for each in (None, "json"))
    unsafe.enqueue("bomb.go")
    unsafe.enqueue("flask_upsell.jobs.fold", bomb.Pickled())
    json.enqueue("bomb.go")
    json.enqueue("os.system", f"touch {tmp_path / 'called'}")
    json.enqueue("subprocess.check_call", ["touch", str(tmp_path / "called")])
    json.enqueue("flask_upsell.jobs.parts.__globals__.clear", "upsell")
    every = {"on_success": Callback("bomb.go"), "on_failure": Callback("bomb.go"), "on_stopped": Callback("bomb.go")}
    json.enqueue("flask_upsell.jobs.fold", "upsell", **every)
    json.enqueue("flask_upsell.jobs.fold", "nobody", **every)
    json.enqueue("flask_upsell.jobs.fold", "upsell", app="bomb")
    poison: list[dict[str, str | bytes]] = [
        {"data": pickled}, {"data": b"\xff"}, {"data": b""}, {"data": b"[]"}, {"data": b'["bomb.go",null,[],{}]'},
        {"data": b'["go","bomb",[],{}]'}, {"data": b'[7,null,[],{}]'}, {"data": b"[" * 100_000},
        {"data": b'["flask_upsell.jobs.fold",null,["upsell"],{}]', "meta": pickled, "result": pickled},
        {"data": b'["flask_upsell.jobs.fold",null,[7],{}]'}, {"data": b"x" * 5_000_000},
        {"created_at": b"\xff"}, {"created_at": "yesterday"}, {"timeout": "x"}, {"status": "x"}, {"retries_left": "x"},
        {"origin": b"\xff"}, {"dependency_ids": "x"}, {"enqueue_at_front": "x"}, {"webhooks": pickled},
    ]  # fmt: skip
    for number, fields in enumerate(poison):
        name = f"rq:job:poison-{number}"
        for field, value in {"created_at": "2026-01-01T00:00:00.000000Z", "origin": "upsell", **fields}.items():
            client.hset(name, field, value)
        client.rpush("rq:queue:upsell", f"poison-{number}")
    client.rpush("rq:job:a-list", "x")
    client.rpush("rq:queue:upsell", "nowhere", "a-list", b"\xff\xfe", "")
    for file in ("imported", "called"):
        (tmp_path / file).unlink(missing_ok=True)
    start()
    offers.ledger.record_decline("cart", Kind.UPGRADE, "bag", datetime.now(UTC))
    assert offers.queue.enqueue("fold")
    assert until(lambda: not client.llen("rq:queue:upsell") and not offers.ledger.waiting())
    time.sleep(0.5)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name in ("imported", "called")) == []
    client.close()


def test_alive_is_about_processes_that_exist() -> None:
    other = subprocess.Popen(["sleep", "600"])
    assert alive(other.pid) and alive(os.getpid()) and alive(1)
    other.kill()
    other.wait()
    assert not alive(other.pid)
