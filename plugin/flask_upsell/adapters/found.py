"""Connections that first ask where their server is: the master that sentinels know, or the node of a cluster that has
our keys.

All keys of one hash tag live on one node, so a plain client whose connections lead there is all that a cluster needs:
transactions and scripts work as anywhere, nothing is tried twice, and no page waits for a map of the whole cluster. A
server that says that it is not the right one any more is left, and the next connection asks again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.crc import key_slot
from redis.exceptions import AskError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TookTooLong
from redis.retry import Retry

from ..addresses import CLUSTER, ONE, Address, read_address

#: The hash tags of our keys. On a cluster each may live on another node.
TAGS = ("book", "tally", "jobs")
#: What a connection that asks for the place has in common with the one that goes there.
SHARED = ("socket_timeout", "socket_connect_timeout")


def open_client(url: str, tag: str = "", **options: Any) -> Redis:
    """A client for what is at this URL; on a cluster for the keys with this hash tag. Opens no connection."""
    address = read_address(url)
    if address.kind == ONE:
        return Redis.from_url(url, **options)
    tls = address.url.startswith("rediss:")
    base = options.pop("connection_class", SSLConnection if tls else Connection)
    return Redis.from_url(address.url, connection_class=_found(base), finder=Finder(address, tag), **options)


class Finder:
    """Where the server is now. `tag` is the hash tag of the keys, for a cluster."""

    def __init__(self, address: Address, tag: str) -> None:
        if address.kind == CLUSTER and not tag:
            raise ValueError("a client of a cluster needs the hash tag of its keys")
        self._address, self._slot = address, key_slot(tag.encode())
        self._hosts = list(address.hosts)

    def find(self, base: type[Connection], options: dict[str, Any]) -> tuple[str, int]:
        """(host, port). Who refuses costs nothing, and the next one is asked; who is silent costs the timeout, and is
        asked last the next time. Raises what redis-py raises."""
        error: Exception = Disconnected("nobody was asked")
        for host, port in self._hosts.copy():
            try:
                place = self._ask(base, host, port, options)
            except (RedisError, OSError) as failed:
                error = failed
                self._last(host, port)
                if isinstance(failed, TookTooLong | TimeoutError):
                    break
            else:
                if place is not None:
                    return place
                error = Disconnected(f"{host}:{port} does not know where {self._wanted} is")
                self._last(host, port)
        raise error

    @property
    def _wanted(self) -> str:
        return self._address.service or f"slot {self._slot}"

    def _last(self, host: str, port: int) -> None:
        # A new list, for other threads go through the old one.
        self._hosts = [each for each in self._hosts if each != (host, port)] + [(host, port)]

    def _ask(self, base: type[Connection], host: str, port: int, options: dict[str, Any]) -> tuple[str, int] | None:
        asking: Any = base(host=host, port=port, protocol=2, retry=Retry(NoBackoff(), 0), **options)
        try:
            if self._address.kind == CLUSTER:
                asking.send_command("CLUSTER", "SLOTS")
                return self._node(host, asking.read_response())
            asking.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._address.service)
            found = asking.read_response()
            return (_text(found[0]), int(found[1])) if found else None
        finally:
            asking.disconnect()

    def _node(self, asked: str, ranges: list[Any]) -> tuple[str, int] | None:
        place = None
        hosts = self._hosts.copy()
        for first, last, *nodes in ranges:
            # A node that does not know its own name is where it was asked.
            known = [(_text(node[0]) or asked, int(node[1])) for node in nodes]
            hosts += known
            if first <= self._slot <= last:
                place = known[0]
        self._hosts = list(dict.fromkeys(hosts))
        return place

    @property
    def guard(self) -> tuple[str | None, str | None]:
        return self._address.guard

    @property
    def is_cluster(self) -> bool:
        return self._address.kind == CLUSTER


@cache
def _found(base: type[Connection]) -> type[Connection]:
    """This kind of connection, to a place that is looked for each time."""

    class Found(base):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, finder: Finder, **options: Any) -> None:
            super().__init__(*args, **options)
            self._finder = finder
            self._asking = {name: options.get(name) for name in SHARED}
            self._asking |= {name: value for name, value in options.items() if name.startswith("ssl_")}
            user, password = (options.get("username"), options.get("password")) if finder.is_cluster else finder.guard
            self._asking |= {"username": user, "password": password, "driver_info": None}

        def _connect(self) -> Any:
            self.host, self.port = self._finder.find(base, self._asking)
            return super()._connect()

        def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                return super().read_response(*args, **options)
            except (AskError, ReadOnlyError) as error:  # MOVED is an AskError
                self.disconnect()
                raise Disconnected(f"{self.host}:{self.port} is not the right server any more: {error}") from error

    return Found


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
