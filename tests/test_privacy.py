"""Erasing, subscribing and tidying over a whole app: by a store's own button, the command line, the worker's job."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import delete, select, update

import flask_upsell
from flask_upsell import Capability, MemoryStore, Order, OrderLine, faults, jobs
from flask_upsell import Visitor as Who
from flask_upsell.adapters import audit_tables
from flask_upsell.adapters import tables as t
from flask_upsell.adapters.audit import SQLAudit
from flask_upsell.adapters.lesson_tables import recents
from flask_upsell.core.followup import Plan, State
from flask_upsell.core.offer import Kind
from flask_upsell.core.rule import Goal, Learned, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.till import Wanted
from flask_upsell.web.worker import _tell_settings
from tests.conftest import MakeApp, products
from tests.web.shop import parts_of

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Shop(MemoryStore):
    """Visitors are customers, whose carts have keys of their own; it can tell its orders."""

    whose = "wim@example.com"

    def __init__(self, **more: Any) -> None:
        super().__init__(products(), **more)

    def visitor(self) -> Who:
        return Who(self.visitor_key, self.whose)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def app(make_app: MakeApp, shop: Shop) -> Flask:
    return make_app(shop)


def run(app: Flask, *words: str, name: str = "upsell") -> Result:
    return app.test_cli_runner().invoke(args=[name, *words])


def live(app: Flask, shop: Shop) -> None:
    """A request, an acceptance, an order with a conversion, a mail to come, and a wish for none."""
    offers, diary = parts_of(app).offers, parts_of(app).diary
    shop.visitor_key = "cart-of-wim"
    with app.app_context():
        wanted = Wanted("o", Kind.COMPLEMENT, "cart", "p1", "Product 1", 1100, "EUR")
        assert offers.accept(wanted, "key").status == "done"
        shop.placed["1"] = Order("1", "EUR", tuple(shop.cart().lines), shop.whose)
        offers.record_order("1", shop.visitor_key)
        diary.plan(Plan("1", offers.pseudonym(shop.whose), "", NOW))
        diary.leave(offers.pseudonym(shop.whose), NOW)


def everything(app: Flask) -> str:
    found = []
    with parts_of(app).offers.ledger.engine.connect() as connection:  # type: ignore[attr-defined]
        for table in t.metadata.sorted_tables:
            found += [f"{table.name}: {tuple(row)}" for row in connection.execute(select(table))]
    return "\n".join(found)


# --- pseudonyms ----------------------------------------------------------------------------------------------------


def pseudonym(make: Callable[..., Flask], key: str = "wim", **config: Any) -> str:
    app = make(**config)
    with app.app_context():
        return parts_of(app).offers.pseudonym(key)


def test_pseudonyms_do_not_change_with_the_signing_keys(make_app: MakeApp) -> None:
    """Who unsubscribed stays so, and limits of a customer hold, whatever becomes of the keys.

    Planted bug that it shows: pseudonyms are keyed by a signing key.
    """
    before = pseudonym(make_app, UPSELL_KEYS=["1" * 32, "2" * 32])
    assert pseudonym(make_app, UPSELL_KEYS=["2" * 32]) == before
    assert pseudonym(make_app, UPSELL_KEYS=["3" * 32]) == before
    assert pseudonym(make_app, SECRET_KEY="another secret of the app") == before
    assert pseudonym(make_app, "bob") != before


def test_a_secret_of_the_stores_own_makes_them(make_app: MakeApp) -> None:
    mine = pseudonym(make_app, UPSELL_PSEUDONYM_KEY="k" * 32)
    assert mine == pseudonym(make_app, UPSELL_PSEUDONYM_KEY="k" * 32, UPSELL_KEYS=["3" * 32])
    assert mine != pseudonym(make_app)
    assert mine != pseudonym(make_app, UPSELL_PSEUDONYM_KEY="l" * 32)


def test_another_secret_is_a_new_start(make_app: MakeApp) -> None:
    """Crypto-erase: without the secret no row can be traced to anybody."""
    before = pseudonym(make_app)
    app = make_app()
    with parts_of(app).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(delete(audit_tables.secrets).where(audit_tables.secrets.c.name == "pseudonym"))
    after = pseudonym(make_app)
    assert after != before
    assert pseudonym(make_app) == after


# --- erasing -------------------------------------------------------------------------------------------------------


def test_a_store_erases_a_customer_by_one_call(app: Flask, shop: Shop) -> None:
    live(app, shop)
    with app.app_context():
        mine = [parts_of(app).offers.pseudonym(key) for key in ("wim@example.com", "cart-of-wim")]
        assert any(each in everything(app) for each in mine)
        removed = flask_upsell.erase("wim@example.com")
        assert (removed["upsell_acceptance"], removed["upsell_follow_up"], removed["upsell_request"]) == (1, 1, 1)
        assert mine[1] not in everything(app), "the cart was found by the order"
        assert parts_of(app).diary.barred(Plan("2", mine[0], "", NOW), NOW) is State.UNSUBSCRIBED
        assert not any(flask_upsell.erase("wim@example.com").values())
        assert not any(flask_upsell.erase("nobody", ["no cart"], forget_objection=True).values())
        assert flask_upsell.erase("") == {}


def test_orders_of_the_store_lead_to_what_a_customer_accepted(make_app: MakeApp) -> None:
    """Of an order without a mail, a perk and a limit nothing of ours says whose it is."""
    shop = Shop(orders=[OrderLine("1", "p1", 1, 1100, NOW, "wim@example.com"), OrderLine("2", "p1", 1, 1, NOW, "eve")])
    assert Capability.ORDERS in shop.capabilities
    app = make_app(shop)
    live(app, shop)
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(delete(t.follow_ups))
    with app.app_context():
        assert flask_upsell.erase("eve")["upsell_acceptance"] == 0
        assert flask_upsell.erase("wim@example.com")["upsell_acceptance"] == 1


def test_every_instance_of_an_app_is_erased_or_one(make_app: MakeApp, shop: Shop) -> None:
    app = make_app(shop)
    flask_upsell.Upsell(app, store=shop, name="b2b")
    for name in ("upsell", "upsell_b2b"):
        with app.app_context():
            parts_of(app, name).privacy.unsubscribe("wim@example.com")

    def erase(**given: Any) -> int:
        with app.app_context():
            return sum(flask_upsell.erase("wim@example.com", forget_objection=True, **given).values())

    assert erase(name="nowhere") == 0
    assert erase(name="b2b") == 1
    assert erase(name="") == 1
    assert erase() == 0
    parts_of(app, "upsell_b2b").close()


def test_when_the_store_cannot_tell_its_orders_nothing_is_erased(make_app: MakeApp) -> None:
    shop = Shop(orders=[OrderLine("1", "p1", 1, 1100, NOW, "wim@example.com")])
    app = make_app(shop)
    live(app, shop)

    def away(since: object = None) -> Any:
        raise OSError("the store is away")

    shop.orders = away  # type: ignore[method-assign]
    before = everything(app)
    with app.app_context(), pytest.raises(OSError, match="away"):
        flask_upsell.erase("wim@example.com")
    assert everything(app) == before


# --- the command line ----------------------------------------------------------------------------------------------


def test_erase_says_what_it_removed_of_each_table(app: Flask, shop: Shop) -> None:
    live(app, shop)
    done = run(app, "erase", "wim@example.com", "--by", "eve", "--why", "asked by mail")
    assert done.exit_code == 0, done.output
    assert "upsell_acceptance 1\n" in done.output
    assert done.output.endswith("4 rows in all.\n")
    assert run(app, "erase", "wim@example.com").output.endswith("\n0 rows in all.\n")
    assert run(app, "erase", "nobody").exit_code == 0
    done = run(app, "erase", "wim@example.com", "--forget-objection")
    assert "upsell_unsubscribed 1\n1 rows in all.\n" in done.output
    rows = [json.loads(line) for line in run(app, "audit", "--json", "--what", "erased").output.splitlines()]
    assert (rows[0]["who"], rows[0]["why"]) == ("eve", "asked by mail")
    assert rows[1]["who"].startswith("os:")
    assert "wim" not in json.dumps(rows)


def test_a_cart_is_erased_by_its_key(app: Flask, shop: Shop) -> None:
    live(app, shop)
    with parts_of(app).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        for table in (t.follow_ups, recents):
            connection.execute(delete(table))
    assert "upsell_acceptance 0\n" in run(app, "erase", "wim@example.com").output
    assert "upsell_acceptance 1\n" in run(app, "erase", "wim@example.com", "--visitor", "cart-of-wim").output


def test_who_unsubscribed_can_come_back(app: Flask, shop: Shop) -> None:
    live(app, shop)
    assert run(app, "unsubscribe", "wim@example.com").output == "That was known; nothing was changed.\n"
    assert run(app, "subscribe", "wim@example.com", "--by", "eve").output == "Mails are sent again.\n"
    assert run(app, "subscribe", "wim@example.com").output == "Nothing was said against mails; nothing was changed.\n"
    assert run(app, "unsubscribe", "wim@example.com").output == "No more mails are sent.\n"
    audit: SQLAudit = parts_of(app).audit
    assert [each.what for each in audit.history()] == ["unsubscribed", "subscribed", "unsubscribed"]
    assert "wim" not in str(audit.history())


def test_tidy_says_what_it_removed(app: Flask, shop: Shop) -> None:
    live(app, shop)
    parts_of(app).offers.clock = lambda: datetime.now(UTC) + timedelta(days=91)
    done = run(app, "tidy")
    assert done.exit_code == 0, done.output
    assert "upsell_acceptance 1\n" in done.output and "upsell_conversion 1\n" in done.output
    assert run(app, "tidy").output.endswith("\n0 rows in all.\n")


def test_rows_live_as_long_as_they_can_convert(make_app: MakeApp, shop: Shop) -> None:
    """KEEP_DAYS may be shorter than what counts as converted."""
    app = make_app(shop, UPSELL_KEEP_DAYS=1, UPSELL_ATTRIBUTION_SECONDS=5 * 86_400)
    live(app, shop)
    for days, gone in ((4, "0"), (6, "1")):
        later = datetime.now(UTC) + timedelta(days=days)
        parts_of(app).offers.clock = lambda later=later: later  # type: ignore[misc]
        assert f"upsell_acceptance {gone}\n" in run(app, "tidy").output


def test_the_workers_job_tidies_too(app: Flask, shop: Shop) -> None:
    live(app, shop)
    parts_of(app).offers.clock = lambda: datetime.now(UTC) + timedelta(days=91)
    with app.app_context():
        assert jobs.tidy("upsell") >= 2
        assert jobs.tidy("upsell") == 0


def test_goals_keep_what_they_count(app: Flask, shop: Shop) -> None:
    live(app, shop)
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(update(t.acceptances).values(rule="tea"))
    start, by = datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) + timedelta(days=300)
    goal = Goal(units=5, start=f"{start:%Y-%m-%d}", by=f"{by:%Y-%m-%d}")
    rules = RuleBook(rules=(Rule(name="tea", offer=Learned(), goal=goal),))
    parts_of(app).offers.rules.save(rules, NOW)
    parts_of(app).offers.clock = lambda: datetime.now(UTC) + timedelta(days=91)
    run(app, "tidy")
    assert parts_of(app).offers.sold(rules.rules) == {"tea": 1}


# --- the audit -----------------------------------------------------------------------------------------------------


def put(app: Flask, *names: str) -> None:
    parts_of(app).offers.rules.save(RuleBook(rules=tuple([Rule(name=name, offer=Learned()) for name in names])), NOW)


def test_the_audit_is_listed_in_the_stores_zone(make_app: MakeApp, shop: Shop) -> None:
    app = make_app(shop, UPSELL_ZONE="Asia/Tokyo")
    assert run(app, "audit").output == "Nothing is in the audit that fits.\n"
    put(app, "tea", "mug")
    assert run(app, "rules", "pause", "tea", "--by", "wim\x1b[31m", "--why", "sold out").exit_code == 0
    lines = run(app, "audit").output.splitlines()
    assert lines[0] == "1 2026-05-04 21:00:00 JST program: rule added tea"
    assert lines[2].endswith(" wim[31m: rule changed tea (sold out)")
    assert run(app, "audit", "--what", "rule added", "--last", "1").output == f"{lines[1]}\n"
    assert run(app, "audit", "--subject", "tea", "--since", "2026-05-05").output == f"{lines[2]}\n"
    assert run(app, "audit", "--since", "2026-05-04T21:00").output.splitlines() == lines
    assert run(app, "audit", "--who", "nobody", "--json").output == ""
    row = json.loads(run(app, "audit", "--json").output.splitlines()[2])
    assert (row["before"].get("status"), row["after"]["status"]) == (None, "paused")


def test_verify_says_how_many_rows_there_are_or_which_is_broken(app: Flask) -> None:
    assert run(app, "audit", "verify").output == "0 rows, all whole.\n"
    put(app, "tea", "mug", "bag")
    said = run(app, "audit", "verify")
    assert (said.exit_code, said.output.startswith("3 rows, all whole. Head: ")) == (0, True)
    head = said.output.split()[-1]
    assert run(app, "audit", "verify", "--head", head).exit_code == 0
    assert run(app, "audit", "verify", "--head", "0" * 64).exit_code == 1
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER upsell_audit_update")
        connection.execute(update(audit_tables.audit).where(audit_tables.audit.c.number == 2).values(who="nobody"))
    said = run(app, "audit", "verify")
    assert said.exit_code == 1
    assert "row 2 was changed" in said.output
    assert "1 rows before it are whole" in said.output


def test_commands_that_change_rules_say_who_did_it(app: Flask, tmp_path: Any) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - name: tea\n    offer: {products: p1}\n")
    assert "added" in run(app, "rules", "import", str(file), "--by", "wim", "--why", "spring").output
    run(app, "rules", "pause", "tea", "--by", "bob")
    run(app, "rules", "resume", "tea")
    run(app, "rules", "import", str(file), "--dry-run")
    audit: SQLAudit = parts_of(app).audit
    rows = audit.history()
    assert [(each.who, each.what, each.why) for each in rows[:2]] == [
        ("wim", "rule added", "spring"),
        ("bob", "rule changed", ""),
    ]
    assert len(rows) == 3
    assert rows[2].who.startswith("os:")


def test_a_worker_notes_its_settings_once(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        _tell_settings(parts_of(app))
    (row,) = parts_of(app).audit.history()
    assert (row.who, row.what) == ("worker", "settings")
    faults.seen.clear()
    parts_of(app).offers.ledger.engine.dispose()  # type: ignore[attr-defined]
    with parts_of(app).offers.ledger.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("DROP TABLE upsell_audit_head")
    _tell_settings(parts_of(app))
    assert faults.seen["audit"] == 1
    faults.seen.clear()
