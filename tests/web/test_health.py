"""`/upsell/healthz`: 200 when everything is there, else 503 and the names of what is missing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from flask_upsell import Upsell, faults
from tests.conftest import SECRET
from tests.web.conftest import Serve
from tests.web.shop import SessionStore, parts_of, publish


def health(app: Flask) -> tuple[int, dict[str, Any]]:
    answer = app.test_client().get("/upsell/healthz")
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer.status_code, answer.get_json()


@pytest.fixture
def worker(redis_url: str) -> None:
    """A sign of life, as the worker's process gives it."""
    client = Redis.from_url(redis_url)
    client.zadd("upsell:{jobs}:workers", {"one": time.time() + 15})
    client.close()


@pytest.mark.usefixtures("worker")
def test_everything_is_there(app: Flask) -> None:
    version = publish(app)
    status, report = health(app)
    assert status == 200
    assert (report["ok"], report["missing"]) == (True, [])
    assert (report["database"], report["redis"], report["worker"]) == ("ok", "ok", "ok")
    assert report["book"]["version"] == version
    assert 0 <= report["book"]["age_seconds"] < 60
    assert (report["outbox"], report["faults"]) == (0, {})


def test_a_missing_worker_is_named_with_what_to_do(app: Flask) -> None:
    status, report = health(app)
    assert (status, report["ok"], report["missing"]) == (503, False, ["worker"])
    assert "flask upsell worker" in report["worker"]


@pytest.mark.usefixtures("worker")
def test_a_database_without_our_tables_is_named_with_what_to_do(serve: Serve, store: SessionStore) -> None:
    app = serve(store)
    engine = parts_of(app).offers.ledger.engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE upsell_run")
    status, report = health(app)
    assert (status, report["missing"]) == (503, ["database"])
    assert "flask upsell db upgrade" in report["database"]


def test_everything_is_missing(tmp_path: Path) -> None:
    app = Flask("nothing")
    app.config.update(
        SECRET_KEY=SECRET,
        UPSELL_REDIS_URL=f"unix://{tmp_path}/nobody.sock",
        UPSELL_DATABASE_URL=f"sqlite:///{tmp_path}/none/none.db",
    )
    Upsell(app, store=SessionStore())
    status, report = health(app)
    assert (status, report["missing"]) == (503, ["database", "redis", "worker"])
    assert "not reachable" in report["redis"]


@pytest.mark.usefixtures("worker")
def test_no_book_is_said_and_is_no_fault(app: Flask, redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    client.delete("upsell:{book}:1:current")
    client.close()
    status, report = health(app)
    assert status == 200
    assert "flask upsell learn" in report["book"]
    version = publish(app)
    assert health(app)[1]["book"]["version"] == version


@pytest.mark.usefixtures("worker")
def test_what_went_wrong_lately_is_counted(app: Flask) -> None:
    faults.note("render", "something")
    assert health(app)[1]["faults"] == {"render": 1}
