"""How long an app's pages wait for Redis, changed while it runs.

A Redis that works may be late on a busy machine, later than any setting allows: tests that are not about that wait.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, event

from flask_upsell import extension
from flask_upsell.adapters.clients import web_client
from flask_upsell.jobs import Parts
from flask_upsell.web.edge import Edge

#: Seconds: nothing but a hang takes longer.
PATIENT = 30.0


def wait_for_redis(app: Flask, seconds: float = PATIENT) -> None:
    """From now on pages of this app, and its probe, wait so long for an answer; twice as long for all of a page."""
    for name, here in app.extensions.items():
        if not isinstance(here, Parts):
            continue
        offers: Any = here.offers
        widget: Any = app.jinja_env.globals[name]
        widget.edge._wait = 2 * seconds
        offers.shelf._reader.close()
        clients = (offers.tally._web, offers.queue._web, offers.queue._patient, offers.shelf._patient)
        for pool in {offers.shelf._reader._pool, *(client.connection_pool for client in clients)}:
            pool.connection_kwargs |= {"socket_timeout": seconds, "socket_connect_timeout": seconds}
            pool.disconnect(inuse_connections=False)
            for kept in {*pool._available_connections, *pool._in_use_connections}:
                kept.socket_timeout = kept.socket_connect_timeout = seconds


def wait_everywhere(patch: pytest.MonkeyPatch) -> None:
    """An app of this process whose UPSELL_REDIS_SECONDS is the longest that may be set, 1, waits still longer; so do
    commands."""

    def client(url: str, seconds: float, tag: str = "book") -> Redis:
        return web_client(url, PATIENT if seconds >= 1 else seconds, tag)

    def edge(wait: float, slow: float, **more: Any) -> Edge:
        return Edge(2 * PATIENT if wait >= 2 else wait, slow, **more)

    patch.setattr(extension, "web_client", client)
    patch.setattr(extension, "Edge", edge)


def wait_for_locks(engine: Engine) -> Engine:
    """Of an SQLite file that many processes write into: 5 seconds are not long for the last of them."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=60000").close())
    return engine
