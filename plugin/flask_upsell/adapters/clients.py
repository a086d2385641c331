"""The two Redis clients: one that a page can afford, one that a worker can rely on."""

from __future__ import annotations

import os
from typing import Any

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError
from redis.retry import Retry

from .found import open_client


def web_client(url: str, seconds: float, tag: str = "book") -> Redis:
    """Fails within `seconds` a socket operation and never tries again: redis-py's defaults hold a page for a minute.

    `tag`: the hash tag of the keys that it is for, which matters on a cluster.
    RESP2 without client names, because each extra command of a handshake may wait for the timeout once more.
    """
    return open_client(
        url,
        tag,
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
