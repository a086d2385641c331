"""How many clicks of a visitor, and of an address, are taken in a minute; and what the rest of them are answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from flask import Response, request
from markupsafe import escape

from ..core.ports import Rates
from ..core.words import say
from ..settings import Settings

#: A process takes so much of an address's limit before it asks what others took: few addresses ever read that often.
FREE_SHARE = 20
#: So many addresses are known to a process.
MOST_ADDRESSES = 10_000
#: So often in a minute a key that opens nothing is looked up, and any such keys of one address.
WRONG_KEYS = 20
TOO_MANY = say("Too many clicks. Please wait a moment.")


class Pace:
    """Asks the counts for the request at hand. The names that are counted say nothing of the address or visitor."""

    def __init__(self, settings: Settings, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._rates, self._clock = settings, rates, clock
        # Of the signing key and not the secret of pseudonyms, which SQL has: a page must not wait for SQL.
        self._key = blake2b(settings.keys[-1].encode(), person=b"upsell.rate").digest()
        self._minute, self._read = 0, Counter[str]()

    def of_clicks(self, visitor: str, *, surely: bool) -> int:
        """Seconds to wait before this click, 0 to take it. `surely`: also while Redis is away; may raise then."""
        found = {}
        # All visitors without a cart have the same key; they are known by their address only.
        if visitor and self._settings.rate_visitor:
            found[self._name(f"visitor {visitor}")] = self._settings.rate_visitor
        if (here := network()) and self._settings.rate_address:
            found[self._name(f"address {here}")] = self._settings.rate_address
        return self._rates.take(found, surely=surely)

    def of_keys(self, key: str) -> int:
        """The same after a key of a machine that opened nothing: by the key, and by the address that sent it."""
        found = {self._name(f"key {key}"): WRONG_KEYS}
        if here := network():
            found[self._name(f"keys of {here}")] = WRONG_KEYS
        return self._rates.take(found, surely=True)

    def of_readings(self) -> int:
        """The same for a placement that is asked for again. Each process takes a twentieth of the limit on top of it:
        an address that reads as people do costs no round trip."""
        limit = self._settings.rate_readings
        if not limit or not (here := network()):
            return 0
        minute = int(self._clock() // 60)
        if minute != self._minute or len(self._read) >= MOST_ADDRESSES:
            self._minute, self._read = minute, Counter()
        self._read[here] += 1
        if self._read[here] <= limit // FREE_SHARE:
            return 0
        return self._rates.take({self._name(f"reading {here}"): limit})

    def _name(self, subject: str) -> str:
        return blake2b(subject.encode(), key=self._key, digest_size=16).hexdigest()


def network() -> str:
    """Where the request came from: an IPv4 address, or the network of an IPv6 one, of which a household has one.

    "" for an address that is not public. It is that of a proxy in front of the app, hence of all shoppers together; a
    store behind one tells it to Flask by werkzeug's ProxyFix. Headers are not looked at: anybody can write them.
    """
    return _network(request.remote_addr or "")


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:  # a Unix socket has none
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if not found.is_global:
        return ""
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def too_many(seconds: int, said: str = "", back: str = "") -> Response:
    """The answer to one click too many. Our script sends the form again as a browser does, which then goes `back` at
    once to the page where the slot says why."""
    body = ""
    if back:
        body = (
            f'<!doctype html><meta charset=utf-8><meta http-equiv=refresh content="0;url={escape(back)}">'
            f'<title>{escape(said)}</title><p><a href="{escape(back)}">{escape(said)}</a></p>'
        )
    return Response(body, 429, {"Retry-After": str(seconds)}, mimetype="text/html")
