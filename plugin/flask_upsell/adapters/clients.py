"""The two Redis clients: one that a page can afford, one that a worker can rely on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError
from redis.retry import Retry

from ..addresses import read_address
from .deadline import budget
from .found import open_client


class InTime:
    """A socket whose answers must be whole in time. A timeout of the socket's own holds for each piece of an answer:
    one that comes byte by byte would never be late."""

    def __init__(self, socket: Any, seconds: float) -> None:
        self._socket, self._seconds = socket, seconds
        self._until, self._asking = 0.0, False

    def sendall(self, data: bytes) -> None:
        if not self._asking:
            self._until, self._asking = time.monotonic() + self._seconds, True
        self._wait(self._socket.sendall, data)

    def recv_into(self, *given: Any) -> Any:
        self._asking = False
        return self._wait(self._socket.recv_into, *given)

    def recv(self, *given: Any) -> Any:
        if len(given) > 1:  # with flags it only looks whether the server has hung up
            return self._socket.recv(*given)
        self._asking = False
        return self._wait(self._socket.recv, *given)

    def _wait(self, act: Callable[..., Any], *given: Any) -> Any:
        started, page = time.monotonic(), budget()
        left = self._until - started if page is None else min(self._until - started, page.left)
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        self._socket.settimeout(left)
        try:
            return act(*given)
        finally:
            if page is not None:
                page.left -= time.monotonic() - started

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class _Bounded:
    """What connects and then answers in time; redis-py asks a connection for its socket here."""

    def _connect(self) -> InTime:
        made: Any = super()
        return InTime(made._connect(), self.socket_timeout)  # type: ignore[attr-defined]


class _TCP(_Bounded, Connection):
    pass


class _Unix(_Bounded, UnixDomainSocketConnection):
    pass


class _TLS(_Bounded, SSLConnection):
    pass


SCHEMES = {"unix": _Unix, "rediss": _TLS}


def web_client(url: str, seconds: float, tag: str = "book") -> Redis:
    """Fails within `seconds` a command and never tries again: redis-py's defaults hold a page for a minute. What
    `deadline.within` leaves is shorter still.

    `tag`: the hash tag of the keys that it is for, which matters on a cluster.
    RESP2 without client names, because each extra command of a handshake may wait for the timeout once more.
    """
    return open_client(
        url,
        tag,
        connection_class=SCHEMES.get(read_address(url).url.partition(":")[0], _TCP),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        protocol=2,
        driver_info=None,
        health_check_interval=0,
    )


def worker_client(url: str, tag: str = "book") -> Redis:
    """Waits and tries again: a job has time. `tag`: as above."""
    retry = Retry(ExponentialWithJitterBackoff(base=0.1, cap=2), 5)
    return open_client(url, tag, socket_timeout=30, socket_connect_timeout=5, retry=retry)


class Direct:
    """One command at a time, on connections that are kept beside the client's pool: what the client's methods and the
    pool add takes as long as the round trip. For threads and forks alike."""

    def __init__(self, client: Redis) -> None:
        self._pool = client.connection_pool
        self._idle: list[Any] = []
        self._process = os.getpid()

    def ask(self, *command: str) -> Any:
        """The answer, undecoded. Raises what redis-py raises."""
        if self._process != os.getpid():
            # A socket that two processes read from is of use to neither.
            self._idle, self._process = [], os.getpid()
        try:
            connection, used = self._idle.pop(), True
        except IndexError:
            connection, used = self._pool.make_connection(), False
        try:
            try:
                connection.send_command(*command)
                return connection.read_response()
            except Disconnected:
                if not used:
                    raise
                # Closed by the server while nobody used it.
                connection.disconnect()
                connection.send_command(*command)
                return connection.read_response()
        except ResponseError:
            raise
        except BaseException:
            # An answer may still be under way, which the next one must not take for its own.
            connection.disconnect()
            raise
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().disconnect()
