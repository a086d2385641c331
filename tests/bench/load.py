"""Load on a URL for a while: by wrk where it is installed, else by a client of our own in its own process.

Both keep `CONNECTIONS` connections open and send the next request of a connection when its answer is complete.
"""

from __future__ import annotations

import json
import re
import selectors
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

CONNECTIONS = 4
ROOT = Path(__file__).parents[2]
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Load(msgspec.Struct, frozen=True):
    """What came of it; times in microseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float


def client(wanted: str = "") -> str:
    """The client that is used: `wanted`, else wrk where it is installed, else python."""
    return wanted or ("wrk" if shutil.which("wrk") else "python")


def load(url: str, seconds: int, by: str) -> Load:
    """Raises RuntimeError when an answer was not a good one."""
    if by == "wrk":
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
    else:
        command = [sys.executable, "-m", __name__, url, str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return _read_wrk(done.stdout) if by == "wrk" else msgspec.json.decode(done.stdout, type=Load)


def _read_wrk(text: str) -> Load:
    def microseconds(percent: int) -> float:
        found = re.search(rf"^ +{percent}% +([\d.]+)(us|ms|s|m)$", text, re.MULTILINE)
        assert found, text
        return float(found[1]) * UNITS[found[2]]

    count = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec: +([\d.]+)", text)
    assert count and rate, text
    return Load(int(count[1]), float(rate[1]), microseconds(50), microseconds(99))


# --- our own client -------------------------------------------------------------------------------------------------


class _Connection:
    """One kept-alive connection with one request under way."""

    def __init__(self, host: str, port: int, request: bytes) -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._got = b""
        self._whole = 0
        self._sent = 0.0
        self.times: list[float] = []

    def send(self) -> None:
        self._got, self._whole, self._sent = b"", 0, time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> bool:
        """Take what is there; True when the answer is complete."""
        part = self.socket.recv(65536)
        if not part:
            raise RuntimeError("the server closed a connection")
        self._got += part
        if not self._whole:
            head = self._got.find(b"\r\n\r\n")
            if head < 0:
                return False
            length = LENGTH.search(self._got, 0, head + 2)
            if not self._got.startswith(b"HTTP/1.1 200") or not length:
                raise RuntimeError(f"not a good answer: {self._got[:200]!r}")
            self._whole = head + 4 + int(length[1])
        if len(self._got) < self._whole:
            return False
        self.times.append(time.perf_counter() - self._sent)
        return True


def run(url: str, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Send requests for so long, from this process."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    chosen = selectors.DefaultSelector()
    opened = [_Connection(host, port, request) for _ in range(connections)]
    started = time.perf_counter()
    for connection in opened:
        chosen.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send()
    while time.perf_counter() - started < seconds:
        for key, _ in chosen.select(1.0):
            if key.data.receive():
                key.data.send()
    took = time.perf_counter() - started
    for connection in opened:
        connection.socket.close()
    times = sorted(each for connection in opened for each in connection.times)
    if not times:
        raise RuntimeError(f"no answer from {url} in {seconds} s")
    return Load(len(times), len(times) / took, times[len(times) // 2] * 1e6, times[int(len(times) * 0.99)] * 1e6)


if __name__ == "__main__":
    print(json.dumps(msgspec.to_builtins(run(sys.argv[1], float(sys.argv[2])))))
