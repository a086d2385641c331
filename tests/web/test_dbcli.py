"""`flask upsell db …` and `flask upsell uninstall`: asks before anything is lost, and leaves nothing of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from redis import Redis
from rq import Queue
from sqlalchemy import Engine, create_engine, inspect, text

from flask_upsell import MemoryStore, Upsell
from flask_upsell.adapters.clients import worker_client
from flask_upsell.adapters.migrate import VERSION_TABLE, current
from tests.conftest import SECRET
from tests.web.shop import GOODS, Visitor, add_pages, parts_of, publish
from tests.web.shop import SessionStore as Store


def run(app: Flask, *words: str, name: str = "upsell", answer: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=[name, *words], input=answer)


@pytest.fixture
def shop(redis_url: str, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A store in a database that has a table of its own, with offers shown, accepted and jobs queued."""
    app, store = Flask("shop", root_path=str(tmp_path)), Store(GOODS, urls={"cart": "/cart"})
    app.config.update(
        SECRET_KEY=SECRET, UPSELL_REDIS_URL=redis_url, UPSELL_DATABASE_URL=database_url, UPSELL_REDIS_SECONDS=1.0
    )
    Upsell(app, store=store)
    add_pages(app, store)
    with engine_of(app).begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS goods"))
        connection.execute(text("CREATE TABLE goods (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO goods VALUES (1)"))
    assert run(app, "db", "upgrade").exit_code == 0
    publish(app)
    Visitor(app).put("laptop").press("accept", "bag")
    offers = parts_of(app).offers
    offers.tally.flush()
    offers.queue.enqueue("fold")
    yield app
    with engine_of(app).begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS goods"))
    parts_of(app).close()


def engine_of(app: Flask) -> Engine:
    engine: Engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    return engine


def tables(app: Flask) -> set[str]:
    """Names of ours that are there. Asked on a connection that knows nothing from before."""
    engine = create_engine(engine_of(app).url)
    try:
        return {name for name in inspect(engine).get_table_names() if name.startswith("upsell_")}
    finally:
        engine.dispose()


def keys(url: str) -> set[str]:
    client = Redis.from_url(url)
    found = {key.decode() for key in client.scan_iter(count=1000)}
    client.close()
    return found


# --- db ---------------------------------------------------------------------------------------------------------------


def test_the_current_revision_is_told(shop: Flask) -> None:
    newest = current(engine_of(shop))[1]
    result = run(shop, "db", "current")
    assert (result.exit_code, result.output) == (0, f"{newest} (this version needs {newest})\n")
    assert run(shop, "db", "downgrade", "0001", "--yes").exit_code == 0
    result = run(shop, "db", "current")
    assert (result.exit_code, result.output) == (1, f"0001 (this version needs {newest})\n")
    assert run(shop, "db", "upgrade").exit_code == 0
    assert run(shop, "db", "current").exit_code == 0


def test_a_downgrade_asks_before_anything_is_lost(shop: Flask) -> None:
    before = tables(shop)
    result = run(shop, "db", "downgrade", "base", answer="n\n")
    assert result.exit_code == 1 and tables(shop) == before
    assert "0001: The ledger" in result.output and "1 in upsell_acceptance" in result.output
    result = run(shop, "db", "downgrade", "base", answer="y\n")
    assert result.exit_code == 0 and tables(shop) == set()
    assert run(shop, "db", "current").output.startswith("no tables")
    assert "nothing to take back" in run(shop, "db", "downgrade", "--yes").output


def test_a_downgrade_without_a_revision_is_one_step(shop: Flask) -> None:
    newest = current(engine_of(shop))[1]
    result = run(shop, "db", "downgrade", "--yes")
    assert result.exit_code == 0, result.output
    assert f"at {int(newest) - 1:04}" in result.output


def test_a_downgrade_to_what_there_is_not_says_what_there_is(shop: Flask) -> None:
    result = run(shop, "db", "downgrade", "0999", "--yes")
    assert result.exit_code == 1 and "0001" in result.output and "base" in result.output


def test_a_database_of_a_newer_version_is_said(shop: Flask) -> None:
    with engine_of(shop).begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    assert run(shop, "db", "current").exit_code == 1
    result = run(shop, "db", "downgrade", "base", "--yes")
    assert result.exit_code == 1 and "newer version" in result.output


# --- uninstall --------------------------------------------------------------------------------------------------------


def test_uninstalling_leaves_no_table_and_no_key(shop: Flask, redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    client.set("somebody:else", "1")
    client.close()
    result = run(shop, "uninstall", "--dry-run")
    assert result.exit_code == 0 and "dry run" in result.output
    assert tables(shop) and len(keys(redis_url)) > 5
    assert run(shop, "uninstall", answer="n\n").exit_code == 1
    assert tables(shop) and len(keys(redis_url)) > 5
    result = run(shop, "uninstall", "--yes")
    assert result.exit_code == 0, result.output
    assert "upsell_acceptance: 1 row\n" in result.output and "Keys removed" in result.output
    assert tables(shop) == set()
    assert keys(redis_url) == {"somebody:else"}
    with engine_of(shop).connect() as connection:
        assert list(connection.execute(text("SELECT id FROM goods")).scalars()) == [1]
    again = run(shop, "uninstall", "--yes")
    assert again.exit_code == 0 and "no tables of ours" in again.output


def test_jobs_of_the_store_in_the_same_queue_stay(shop: Flask, redis_url: str) -> None:
    """Planted bug that it shows: the queue's keys deleted whole."""
    client = worker_client(redis_url, "jobs")
    own = Queue("upsell", connection=client, serializer="json").enqueue("shop.jobs.mail", "ada")
    assert run(shop, "uninstall", "--yes").exit_code == 0
    assert Queue("upsell", connection=client, serializer="json").job_ids == [own.id]
    assert own.get_status()
    assert not [key for key in keys(redis_url) if key.startswith("upsell:")]
    client.close()


def test_while_redis_is_down_tables_go_and_what_remains_is_told(shop: Flask, tmp_path: Path) -> None:
    gone = Flask("gone")
    gone.config.update(shop.config, UPSELL_REDIS_URL=f"unix://{tmp_path}/nobody.sock")
    Upsell(gone, store=MemoryStore())
    result = run(gone, "uninstall", "--yes")
    assert result.exit_code == 1
    assert "What remains: upsell:{…}" in result.output and "Tables removed" in result.output
    assert tables(shop) == set()
    parts_of(gone).close()


def test_while_the_database_is_down_keys_go_and_what_remains_is_told(
    shop: Flask, redis_url: str, tmp_path: Path
) -> None:
    gone = Flask("gone")
    gone.config.update(shop.config, UPSELL_DATABASE_URL=f"sqlite:///{tmp_path}/none/none.db")
    Upsell(gone, store=MemoryStore())
    result = run(gone, "uninstall", "--yes")
    assert result.exit_code == 1 and "What remains: the tables" in result.output
    assert keys(redis_url) == set()
    parts_of(gone).close()


def test_a_running_worker_is_stopped_first(shop: Flask, redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    client.zadd("upsell:{jobs}:workers", {"one": time.time() + 60})
    result = run(shop, "uninstall", "--yes")
    assert result.exit_code == 1 and "worker is running" in result.output
    assert tables(shop)
    client.close()


def test_another_instance_keeps_its_rows_and_keys(shop: Flask, redis_url: str) -> None:
    """Planted bug that it shows: tables dropped that another Upsell of the database still uses."""
    both = Flask("both")
    both.config.update(shop.config)
    for name in ("", "b2b"):
        Upsell(both, store=MemoryStore(), name=name)
    publish(both, name="upsell_b2b")
    with engine_of(shop).begin() as connection:
        connection.execute(
            text("INSERT INTO upsell_rulebook (instance, revision) VALUES ('upsell_b2b', 3), ('upsell', 4)")
        )
    result = run(both, "uninstall", "--yes")
    assert result.exit_code == 0 and "used by upsell_b2b too" in result.output, result.output
    with engine_of(shop).connect() as connection:
        assert connection.execute(text("SELECT instance, revision FROM upsell_rulebook")).all() == [("upsell_b2b", 3)]
        assert connection.execute(text("SELECT count(*) FROM upsell_acceptance")).scalar_one() == 0
    left = keys(redis_url)
    assert left and all(key.startswith("upsell_b2b:") for key in left)
    assert run(both, "uninstall", "--yes", name="upsell_b2b").exit_code == 0
    assert (tables(shop), keys(redis_url)) == (set(), set())
    for name in ("upsell", "upsell_b2b"):
        parts_of(both, name).close()


def test_a_table_that_this_version_does_not_know_is_left_and_told(shop: Flask) -> None:
    with engine_of(shop).begin() as connection:
        connection.execute(text("CREATE TABLE upsell_of_somebody (id INTEGER PRIMARY KEY)"))
    result = run(shop, "uninstall", "--yes")
    assert "Left alone" in result.output and "upsell_of_somebody" in result.output
    assert tables(shop) == {"upsell_of_somebody"}
    with engine_of(shop).begin() as connection:
        connection.execute(text("DROP TABLE upsell_of_somebody"))
