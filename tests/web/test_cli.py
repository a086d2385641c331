"""`flask upsell …` with click's runner, on the real Valkey and an SQLite."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from redis import Redis

from flask_upsell import Capability, FollowUp, Line, MemoryStore, Order, OrderLine, Product, Upsell, followup, release
from flask_upsell.core.ports import Want
from flask_upsell.core.rule import Limits
from tests.conftest import SECRET, MakeApp
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore, Visitor, add_pages, parts_of

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def orders(times: int = 20) -> list[OrderLine]:
    """Laptops with bags, lonely things alone; one line of a product that is not sold any more, one return."""
    lines = []
    for number in range(times):
        at = NOON + timedelta(minutes=number)
        lines += [OrderLine(f"a{number}", ref, 1, 100, at) for ref in ("laptop", "bag")]
        lines += [OrderLine(f"b{number}", "lonely", 1, 100, at), OrderLine(f"c{number}", "plus", 1, 100, at)]
    return [*lines, OrderLine("d", "gone", 1, 100, NOON), OrderLine("e", "bag", -1, 100, NOON)]


def run(app: Flask, *words: str, name: str = "upsell") -> Result:
    return app.test_cli_runner().invoke(args=[name, *words])


@pytest.fixture
def learner(make_app: MakeApp) -> Flask:
    return make_app(MemoryStore(GOODS, orders=orders()))


def test_the_tables_are_made_and_making_them_again_changes_nothing(tmp_path: Path, redis_url: str) -> None:
    app = Flask("fresh")
    app.config.update(
        SECRET_KEY=SECRET, UPSELL_DATABASE_URL=f"sqlite:///{tmp_path / 'x.db'}", UPSELL_REDIS_URL=redis_url
    )
    Upsell(app, store=MemoryStore())
    assert not (tmp_path / "x.db").exists()
    for _ in range(2):
        result = run(app, "db", "upgrade")
        assert (result.exit_code, result.output) == (0, "The ledger's tables are up to date.\n")
    with app.app_context():
        parts_of(app).offers.ledger.ping()


def test_learning_here_says_what_was_learned_and_publishes(learner: Flask) -> None:
    result = run(learner, "learn", "--here")
    assert result.exit_code == 0, result.output
    assert "Learned from 60 orders" in result.output
    assert "2 complements" in result.output
    assert "Live: version 1" in result.output
    assert "1: lines of products that are not in the catalogue" in result.output
    assert "1: returns and zero quantities" in result.output
    assert "Reading orders" in result.output
    book = parts_of(learner).offers.shelf.read(["laptop"])
    assert [lead.consequent for lead in book.leads_to("laptop").complements] == ["bag"]
    assert (book.leads_to("laptop").complements[0].together, book.leads_to("laptop").complements[0].base) == (20, 20)


@pytest.mark.parametrize(
    ("goods", "past"), [(GOODS, []), (GOODS[:1], orders()), ((), []), ((), orders()), (GOODS, orders(1))]
)
def test_learning_from_next_to_nothing_teaches_nothing_and_is_no_error(
    make_app: MakeApp, goods: Sequence[Product], past: list[OrderLine]
) -> None:
    result = run(make_app(MemoryStore(goods, orders=past)), "learn", "--here")
    assert result.exit_code == 0, result.output
    assert "0 complements, 0 upgrades" in result.output


def test_a_store_without_orders_is_told_what_to_do(make_app: MakeApp) -> None:
    app = make_app(MemoryStore(GOODS, capabilities=frozenset(Capability) - {Capability.ORDERS}))
    result = run(app, "learn", "--here")
    assert result.exit_code == 1
    assert "name its order and order_line columns" in result.output
    assert "Traceback" not in result.output
    assert "failed: LearnError" in run(app, "status").output


def test_learning_without_a_worker_is_not_waited_for(learner: Flask) -> None:
    result = run(learner, "learn")
    assert result.exit_code == 1
    assert "no worker is running" in result.output
    assert "--here" in result.output


def test_learning_can_be_asked_for_only(learner: Flask, redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    client.zadd("upsell:{jobs}:workers", {"one": time.time() + 15})
    result = run(learner, "learn", "--no-wait")
    assert (result.exit_code, client.llen("rq:queue:upsell")) == (0, 1)
    assert "queued" in result.output
    assert "queued: Waiting for a worker" in run(learner, "status").output
    client.close()


def test_publishing_again_after_a_flush(learner: Flask, redis_url: str) -> None:
    run(learner, "learn", "--here")
    client = Redis.from_url(redis_url)
    client.flushall()
    client.close()
    result = run(learner, "publish")
    assert result.exit_code == 0
    assert result.output.startswith("Live: version 1")
    assert parts_of(learner).offers.shelf.read(["laptop"]).leads_to("laptop").complements


def test_publishing_without_redis_says_so(tmp_path: Path) -> None:
    app = Flask("alone")
    app.config.update(
        SECRET_KEY=SECRET,
        UPSELL_DATABASE_URL=f"sqlite:///{tmp_path / 'x.db'}",
        UPSELL_REDIS_URL=f"unix://{tmp_path}/nobody.sock",
    )
    Upsell(app, store=MemoryStore(GOODS))
    assert run(app, "db", "upgrade").exit_code == 0
    result = run(app, "publish")
    assert result.exit_code == 1
    assert "not published" in result.output


def test_the_report_of_nothing(app: Flask) -> None:
    assert run(app, "report").output == "Nothing was shown yet.\n"
    assert run(app, "report", "--json").output == ""


def test_the_report_counts_what_shoppers_did(serve: Serve, store: SessionStore) -> None:
    app = serve(store, UPSELL_MAX_OFFERS=3)
    visitor = Visitor(app).put("laptop")
    visitor.press("accept", "bag")
    visitor.send(visitor.see().undo)
    visitor.press("accept", "card")
    visitor.press("decline", "plus")
    assert visitor.client.post("/order").status_code == 200
    parts_of(app).offers.tally.flush()
    rows = [json.loads(line) for line in run(app, "report", "--json").output.splitlines()]
    found = {(row["placement"], row["kind"], row["product"]): row for row in rows}
    bag, card, plus = (found["cart", kind, ref] for kind, ref in
                       (("complement", "bag"), ("complement", "card"), ("upgrade", "plus")))  # fmt: skip
    assert (bag["accepted"], bag["undone"], bag["converted"]) == (1, 1, 0)
    assert (card["accepted"], card["converted"], card["revenue"]) == (1, 1, {"EUR": 2290})
    assert (plus["declined"], plus["accepted"]) == (1, 0)
    assert min(bag["shown"], card["shown"], plus["shown"]) >= 2
    table = run(app, "report").output
    assert "€22.90" in table
    assert [line.split()[:3] for line in table.splitlines()[1:]] == [
        ["cart", "complement", "bag"], ["cart", "complement", "card"], ["cart", "complement", "socks"],
        ["cart", "upgrade", "plus"]]  # fmt: skip


def test_the_report_without_redis_still_has_the_ledgers_counts(
    app: Flask, shopper: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopper.press("accept", "bag")

    def gone() -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(parts_of(app).offers.tally, "take", gone)
    result = run(app, "report", "--json")
    assert result.exit_code == 0
    assert "is not in here: ConnectionError" in result.output
    assert '"accepted": 1' in result.output


def test_the_status_is_json_and_a_sentence(app: Flask) -> None:
    result = run(app, "status")
    assert result.exit_code == 0
    body, _, sentence = result.output.rpartition("Learning: ")
    assert json.loads(body)["missing"] == ["worker"]
    assert sentence == "never run; try flask upsell learn\n"


@pytest.mark.parametrize("words", [("status",), ("report",), ("report", "--json"), ("learn", "--here"), ("publish",)])
def test_without_tables_each_command_says_what_to_do(tmp_path: Path, redis_url: str, words: tuple[str, ...]) -> None:
    app = Flask("unprepared")
    app.config.update(
        SECRET_KEY=SECRET, UPSELL_DATABASE_URL=f"sqlite:///{tmp_path / 'x.db'}", UPSELL_REDIS_URL=redis_url
    )
    Upsell(app, store=MemoryStore(GOODS, orders=orders()))
    result = run(app, *words)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)[:200]
    assert "flask upsell db upgrade" in result.output


@pytest.fixture
def writer(serve: Serve, store: SessionStore) -> tuple[Flask, list[FollowUp]]:
    """A store that writes mails, with three orders that are due: of a customer, again of her, and of one whose order
    leads to nothing."""
    sent: list[FollowUp] = []
    app = serve(store, UPSELL_FOLLOW_UP=sent.append, UPSELL_SITE_URL="https://shop.example")
    offers = parts_of(app).offers
    clock, offers.clock = offers.clock, lambda: datetime.now(UTC) - timedelta(days=8)
    for number, (customer, ref) in enumerate((("ada", "laptop"), ("ada", "laptop"), ("b\x1b[31mob", "lonely"))):
        store.placed[f"o{number}"] = Order(f"o{number}", "EUR", (Line("1", ref, 1, 64900),), customer)
        offers.record_order(f"o{number}", "visitor", None, "de")
    offers.clock = clock
    return app, sent


def test_a_dry_run_says_who_would_get_what(writer: tuple[Flask, list[FollowUp]]) -> None:
    app, sent = writer
    for _ in range(2):
        result = run(app, "follow-up", "--dry-run")
        assert result.exit_code == 0, result.output
        assert result.output == (
            "order o0, customer ada (de): Canvas bag; Memory card\n"
            "order o1, customer ada (de): no mail, the customer got one in the last 30 days\n"
            "order o2, customer b[31mob (de): no mail, there is nothing to offer\n"
            "1 of 3 would get a mail.\n"
        )
    assert sent == []
    assert "Follow-ups: 3 due\n" in run(app, "status").output


def test_the_command_writes_to_all_that_are_due(
    writer: tuple[Flask, list[FollowUp]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, sent = writer
    monkeypatch.setattr(followup, "BATCH", 1)
    assert parts_of(app).follow_ups is not None
    result = run(app, "follow-up")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "1 of 3 got a mail."
    assert [(mail.customer, mail.order) for mail in sent] == [("ada", "o0")]
    assert run(app, "follow-up").output == "0 of 0 got a mail.\n"
    assert "Follow-ups: 1 no_offer, 1 recent, 1 sent\n" in run(app, "status").output


def test_a_mail_that_is_not_taken_is_told_and_no_error(writer: tuple[Flask, list[FollowUp]]) -> None:
    app, sent = writer

    def refuse(_: FollowUp) -> None:
        raise ConnectionError("the mail server is gone")

    letters = parts_of(app).follow_ups
    assert letters is not None
    letters._send = refuse
    result = run(app, "follow-up")
    assert result.exit_code == 0
    assert "order o0, customer ada (de): no mail, it has to wait, and is tried again\n" in result.output
    assert "order o1, customer ada (de): no mail, it has to wait, and is tried again\n" in result.output
    assert sent == []


@pytest.mark.parametrize("words", [("follow-up",), ("follow-up", "--dry-run")])
def test_while_nobody_is_written_to_the_command_says_so(app: Flask, words: tuple[str, ...]) -> None:
    result = run(app, *words)
    assert result.exit_code == 1
    assert "nobody is written to: UPSELL_FOLLOW_UP is not set" in result.output
    assert "Follow-ups" not in run(app, "status").output


def test_a_cancelled_order_is_released_by_command_and_by_function(app: Flask) -> None:
    """Once, whoever asks first."""
    limits = parts_of(app).offers.limits
    wants = [
        Want(id, "tea", Limits(total=5), "ada", date(2026, 5, 4), 100, "EUR", order)
        for id, order in (("a1", "1001"), ("a2", "1001"), ("a3", "1002"))
    ]
    assert limits.grant(wants) == []
    assert run(app, "release", "1001").output == "Order 1001: 2 uses given back.\n"
    assert run(app, "release", "1001").output == "Order 1001: 0 uses given back.\n"
    with app.app_context():
        assert (release("1001"), release("1002"), release("1002"), limits.used("tea")) == (0, 1, 0, {"total": 0})
    assert parts_of(app).offers.ledger.waiting() == 2, "the fold looks whether there is room again"


def test_a_second_instance_has_commands_of_its_own(make_app: MakeApp) -> None:
    app = make_app(MemoryStore(GOODS, orders=orders()))
    other = MemoryStore(GOODS[:1])
    Upsell(app, store=other, name="b2b")
    add_pages(app, other, "upsell_b2b")
    assert "0 complements" in run(app, "learn", "--here", name="upsell_b2b").output
    assert "2 complements" in run(app, "learn", "--here").output
    assert "1 complements" not in run(app, "--help", name="upsell_b2b").output
