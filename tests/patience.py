"""How long an app's pages wait for Redis, changed while it runs.

A Redis that works may be late on a busy machine, later than any setting allows: tests that are not about that wait.
"""

from __future__ import annotations

from typing import Any

from flask import Flask

from flask_upsell.jobs import Parts

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
            for kept in pool._available_connections:
                kept.socket_timeout = kept.socket_connect_timeout = seconds
