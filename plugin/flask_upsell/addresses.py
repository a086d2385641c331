"""URLs of Redis: one server, a master that sentinels know, or a cluster.

    redis://USER:PASSWORD@HOST:6379/0   rediss://…  (TLS)   unix:///run/valkey.sock
    redis+sentinel://USER:PASSWORD@HOST:26379,HOST/SERVICE/0   also sentinel://…, rediss+sentinel://…
    redis+cluster://USER:PASSWORD@HOST:6379,HOST   also rediss+cluster://…

User and password are Redis's own; sentinels that want some have them in ?sentinel_username=…&sentinel_password=….
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

ONE, SENTINEL, CLUSTER = "one", "sentinel", "cluster"
#: Scheme -> (what is there, the scheme that redis-py speaks to it).
SCHEMES = {
    "redis": (ONE, "redis"),
    "rediss": (ONE, "rediss"),
    "unix": (ONE, "unix"),
    "sentinel": (SENTINEL, "redis"),
    "redis+sentinel": (SENTINEL, "redis"),
    "rediss+sentinel": (SENTINEL, "rediss"),
    "redis+cluster": (CLUSTER, "redis"),
    "rediss+cluster": (CLUSTER, "rediss"),
}
PORTS = {SENTINEL: 26379, CLUSTER: 6379}
_PARTS = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:(?P<who>[^@/?#]*)@)?(?P<hosts>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?\Z"
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?\Z")


class Address(NamedTuple):
    """`url` is what redis-py understands; of sentinels and clusters it holds all but the place.

    `hosts`: whom to ask for the place. `guard`: user and password of the sentinels.
    """

    kind: str
    url: str
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    guard: tuple[str | None, str | None] = (None, None)


def read_address(url: str) -> Address:
    """ValueError says what is wrong with it; it names no password."""
    found = _PARTS.match(url)
    if found is None or found["scheme"] not in SCHEMES:
        raise ValueError(f"a URL begins with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    kind, scheme = SCHEMES[found["scheme"]]
    if kind == ONE:
        return Address(kind, url)
    hosts = tuple([_host(each, PORTS[kind]) for each in found["hosts"].split(",")])
    path = (found["path"] or "").strip("/").split("/")
    options = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    guard = (options.pop("sentinel_username", None), options.pop("sentinel_password", None))
    service, database = "", path[0]
    if kind == SENTINEL:
        service, database = path[0], path[1] if len(path) > 1 else ""
        if not service:
            raise ValueError(
                "after the sentinels comes the name of the service: redis+sentinel://HOST:26379/mymaster/0"
            )
    if len(path) > (2 if kind == SENTINEL else 1) or (database and not database.isdecimal()):
        raise ValueError("after that comes the number of a database, and nothing else")
    if kind == CLUSTER and database not in ("", "0"):
        raise ValueError("a cluster has no other database than 0")
    who = f"{found['who']}@" if found["who"] else ""
    query = f"?{urlencode(options, quote_via=quote)}" if options else ""
    return Address(
        kind, f"{scheme}://{who}{found['hosts'].split(',')[0]}/{database or 0}{query}", hosts, service, guard
    )


def _host(text: str, port: int) -> tuple[str, int]:
    found = _HOST.match(text)
    if found is None or int(found["port"] or 1) not in range(1, 65536):
        raise ValueError("hosts are written HOST:PORT,HOST:PORT")
    return found["host"].strip("[]"), int(found["port"] or port)


def wrong_url(value: Any) -> str | None:
    """None when it can be used, or what to write instead."""
    wrong = f", not {type(value).__name__}"
    if isinstance(value, str):
        try:
            read_address(value)
            return None
        except ValueError as error:  # the URL itself may hold a password
            wrong = f": {error}"
    return (
        "write a URL such as 'redis://127.0.0.1:6379/0', 'unix:///run/valkey.sock', "
        f"'redis+sentinel://one:26379,two:26379/mymaster/0' or 'redis+cluster://one:6379,two:6379'{wrong}"
    )


def wrong_queue_url(value: Any) -> str | None:
    """The same for the queue's own URL, which may be None."""
    if value is None:
        return None
    if isinstance(value, str) and value.partition("://")[0].endswith("+cluster"):
        return "write the URL of a Redis that is no cluster: RQ's keys cannot live on several nodes"
    return wrong_url(value)
