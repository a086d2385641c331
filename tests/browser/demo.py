"""The real demo as a subprocess on a free port, and its end without anything left behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from flask_upsell.demo import embedded

OPENER = build_opener(ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """`flask-upsell demo --port … --folder …`, running."""

    def __init__(self, base: Path, *options: str, port: int = 0) -> None:
        self.base, self.port = base, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = base.with_suffix(".log").open("ab")
        command = [
            sys.executable,
            "-m",
            "tests.browser.run_demo",
            "demo",
            "--port",
            str(self.port),
            "--folder",
            str(base),
        ]
        root = Path(__file__).parents[2]
        # A shell that runs the tests in the background lets its children ignore Ctrl-C; a person's terminal does not.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen([*command, *options], stdout=self._log, stderr=self._log, cwd=root)
        signal.signal(signal.SIGINT, before)

    @property
    def said(self) -> str:
        return self.base.with_suffix(".log").read_text()

    @property
    def folder(self) -> Path:
        """Where the one data set of this demo lives."""
        (found,) = (path for path in self.base.iterdir() if path.is_dir())
        return found

    def get(self, path: str) -> str:
        with OPENER.open(self.url + path, timeout=60) as answer:
            return str(answer.read().decode())

    def wait(self, seconds: float = 180) -> float:
        """Until /healthz is 200; returns how many seconds that took."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if self.process.poll() is not None:
                raise AssertionError(f"the demo ended with {self.process.returncode}: {self.said[-2000:]}")
            with contextlib.suppress(URLError, OSError):
                self.get("/healthz")
                return time.monotonic() - started
            time.sleep(0.1)
        raise AssertionError(f"the demo is not ready after {seconds} s: {self.said[-2000:]}")

    def flask(self, *words: str) -> str:
        """A command of `flask upsell`, in the demo's folder."""
        command = [sys.executable, "-m", "flask", "--app", f"flask_upsell.demo.app:create_app({str(self.folder)!r})"]
        done = subprocess.run([*command, "upsell", *words], capture_output=True, text=True, check=True, timeout=180)
        return done.stdout

    def python(self, text: str) -> Any:
        """Run this beside the demo; what it prints last, from JSON."""
        root = Path(__file__).parents[2]
        command = [sys.executable, "-c", text]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def report(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.flask("report", "--json").splitlines()]

    def kill(self) -> None:
        """kill -9 of the web process alone."""
        self.process.kill()
        self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if not self._log.closed:
            self._log.close()
        for folder in self.base.iterdir() if self.base.exists() else ():
            end_valkey(folder)


def valkey_pid(folder: Path) -> int | None:
    """The process of the Valkey of this folder; None when none answers."""
    once = Retry(NoBackoff(), 0)
    client = Redis(unix_socket_path=str(embedded.socket_path(folder)), socket_timeout=10, retry=once)
    try:
        info: Any = client.info("server")
        return int(info["process_id"])
    except (RedisError, OSError):
        return None
    finally:
        client.close()


def end_valkey(folder: Path) -> None:
    """Whatever happened, no server and no socket stays behind."""
    pid = valkey_pid(folder)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(embedded.socket_path(folder).parent, ignore_errors=True)


@contextlib.contextmanager
def running(base: Path, *options: str) -> Iterator[Demo]:
    demo = Demo(base, *options)
    try:
        demo.wait()
        yield demo
    finally:
        demo.close()
