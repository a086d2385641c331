"""The samples in `config/` run a store: gunicorn preloaded and forked, granian, systemd units, logs as JSON."""

from __future__ import annotations

import configparser
import http.client
import json
import logging
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from flask_upsell import faults
from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.migrate import upgrade
from tests.adapters.redises import free_ports
from tests.web.shop import BOOK, GOODS
from tests.web.test_metrics import parsed

CONFIG = Path(__file__).parents[1] / "config"
BIN = Path(sys.executable).parent
SHOP = '''
"""A store that reads its book before it is forked, as a curious one may."""
import os
from pathlib import Path

from flask import Flask, jsonify
from flask_upsell import Upsell
from tests.conftest import SECRET
from tests.patience import wait_for_redis
from tests.web.shop import GOODS, SessionStore, add_pages

HERE = Path(__file__).parent


def create_app():
    app, store = Flask(__name__), SessionStore(GOODS, urls={"cart": "/cart"})
    app.config.update(SECRET_KEY=SECRET,
                      UPSELL_REDIS_URL=(HERE / "url").read_text(), UPSELL_SLOW_SECONDS=0,
                      UPSELL_DATABASE_URL=f"sqlite:///{HERE / 'upsell.db'}", UPSELL_BOOK_SECONDS=0.0)
    Upsell(app, store=store)
    wait_for_redis(app)
    add_pages(app, store)
    parts = app.extensions["upsell"]
    shelf = parts.offers.shelf

    def connections():
        """Ids of our two kinds of connections, as Valkey counts them."""
        return [int(shelf._reader.ask("CLIENT", "ID")), int(shelf._patient.client_id())]

    first = connections()

    @app.get("/who")
    def who():
        return jsonify(pid=os.getpid(), parent=first, mine=connections())

    return app
'''


@pytest.fixture
def folder(tmp_path: Path, redis_url: str) -> Path:
    (tmp_path / "served_shop.py").write_text(SHOP)
    (tmp_path / "url").write_text(redis_url)
    client = Redis.from_url(redis_url)
    RedisShelf(client, client, Breaker()).publish(GOODS, BOOK.items())
    client.close()
    engine = make_engine(f"sqlite:///{tmp_path / 'upsell.db'}")
    upgrade(engine)
    engine.dispose()
    return tmp_path


def get(port: int, path: str) -> tuple[int, str]:
    """Each on a connection of its own, so that any worker may take it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def served(folder: Path, port: int, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    packages = os.pathsep.join([str(folder), str(CONFIG.parent), str(Path(faults.__file__).parents[1])])
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PATH": path, "PYTHONPATH": packages, **environment}
    )
    try:
        until = time.monotonic() + 120
        while True:
            try:
                get(port, "/")
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < until, "the server did not start"
                time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def two_workers(port: int) -> dict[int, Any]:
    """What each of the two says of itself. One of them may come up late, and who is idle need not be the one that
    answers: several ask at once."""
    found: dict[int, Any] = {}
    until = time.monotonic() + 180

    def ask(_: int) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = json.loads(get(port, "/who")[1])
        except (OSError, http.client.HTTPException):  # it was killed just now
            return None
        return told

    with ThreadPoolExecutor(8) as askers:
        while time.monotonic() < until:
            found |= {told["pid"]: told for told in askers.map(ask, range(8)) if told is not None}
            if len(found) == 2:
                return found
            time.sleep(0.05)
    raise AssertionError("only one worker ever answered")


def show_and_compare(port: int) -> None:
    """Pages from whichever worker; then every answer of /metrics is about both of them."""
    shown = 40
    for _ in range(shown):
        status, page = get(port, "/product/laptop")
        assert status == 200 and "data-upsell-product" in page
    for _ in range(6):
        found = parsed(get(port, "/upsell/metrics")[1])
        assert found["upsell_decisions_total{outcome=offers,placement=product}"] == shown
        assert found["upsell_render_seconds_count{placement=product}"] == shown
        assert found["upsell_breaker_open{backend=redis}"] == 0
        assert found["upsell_redis_up"] == found["upsell_database_up"] == 1


def test_gunicorn_preloaded_with_two_workers(folder: Path) -> None:
    """Planted bugs that it shows: without the look at the process id, in `Direct` and redis-py's pool, forks read each
    other's answers; without PROMETHEUS_MULTIPROC_DIR a scrape is about one worker."""
    (port,) = free_ports(1)
    sample = str(CONFIG / "gunicorn.conf.py")
    where = {"BIND": f"127.0.0.1:{port}", "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    with served(folder, port, str(BIN / "gunicorn"), "-c", sample, "served_shop:create_app()", **where) as master:
        one, other = two_workers(port).values()
        assert one["parent"] == other["parent"], "it was preloaded"
        ids = [*one["parent"], *one["mine"], *other["mine"]]
        assert len(set(ids)) == len(ids), f"a connection has two processes: {ids}"
        show_and_compare(port)

        # A worker that dies takes no count along, and another one comes.
        os.kill(one["pid"], signal.SIGKILL)
        again = two_workers(port)
        assert one["pid"] not in again
        found = parsed(get(port, "/upsell/metrics")[1])
        assert found["upsell_decisions_total{outcome=offers,placement=product}"] == 40
        assert master.poll() is None


def test_granian_with_two_workers(folder: Path) -> None:
    (port,) = free_ports(1)
    where = {"PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    with served(folder, port, str(CONFIG / "granian.sh"), "served_shop:create_app", **where):
        one, other = two_workers(port).values()
        assert set(one["mine"]).isdisjoint(other["mine"])
        show_and_compare(port)


# --- systemd ----------------------------------------------------------------------------------------------------------

UNITS = ["upsell-web.service", "upsell-worker.service"]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_restarts_and_is_locked_in(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(CONFIG / name)
    service = unit["Service"]
    assert service["Restart"] == "always" and service["User"] not in ("", "root")
    locked = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes", "CapabilityBoundingSet": ""}
    assert locked.items() <= dict(service).items()
    assert unit["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_a_unit_as_it_is(name: str, tmp_path: Path) -> None:
    """Where systemd is; elsewhere the test above has read it."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        assert not Path("/run/systemd/system").exists()
        return
    text = (CONFIG / name).read_text()
    # The store of the sample is not on this machine; its programs are.
    (tmp_path / name).write_text(text.replace("/srv/shop/.venv/bin/", f"{BIN}/"))
    found = subprocess.run([analyze, "verify", tmp_path / name], capture_output=True, text=True, check=False)
    assert (found.returncode, name in found.stderr) == (0, False), found.stderr


def test_the_unit_of_the_worker_starts_a_worker(folder: Path) -> None:
    """Its own command, word for word, with this store in place of the sample's."""
    text = (CONFIG / "upsell-worker.service").read_text()
    command = next(line for line in text.splitlines() if line.startswith("ExecStart=")).removeprefix("ExecStart=")
    words = command.replace("/srv/shop/.venv/bin/", f"{BIN}/").replace("shop:create_app", "served_shop:create_app")
    packages = os.pathsep.join([str(folder), str(CONFIG.parent), str(Path(faults.__file__).parents[1])])
    process = subprocess.Popen(words.split(), cwd=folder, env={**os.environ, "PYTHONPATH": packages})
    client = Redis.from_url((folder / "url").read_text())
    try:
        wait_for(lambda: client.zcard("upsell:{jobs}:workers") == 1)
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert client.zcard("upsell:{jobs}:workers") == 0, "it said goodbye"
    client.close()


def wait_for(true: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


# --- logs -------------------------------------------------------------------------------------------------------------


def test_log_records_are_lines_of_json_with_our_fields() -> None:
    sample = runpy.run_path(str(CONFIG / "logs.py"))
    heard: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(self.format(record))

    listener = Listener()
    listener.setFormatter(sample["LOGS"]["formatters"]["json"]["()"]())
    log = logging.getLogger("flask_upsell")
    log.addHandler(listener)
    try:
        with faults.about("upsell_b2b", "cart"):
            faults.decided("c0ffee")
            faults.note("render", "%s\nof two lines", "a message", error=ValueError("why"))
        faults.note("render", "outside")
    finally:
        log.removeHandler(listener)
    inside, outside = map(json.loads, heard)
    kept = {name: inside[name] for name in sample["FIELDS"]}
    assert kept == {
        "upsell_reason": "render",
        "upsell_instance": "upsell_b2b",
        "upsell_placement": "cart",
        "upsell_decision": "c0ffee",
    }
    assert inside["message"].startswith("render: a message\nof two lines") and "ValueError" in inside["traceback"]
    assert Counter(outside.keys() & set(sample["FIELDS"])) == Counter(["upsell_reason"])
    assert faults.seen["render"] == 2
    faults.seen.clear()
