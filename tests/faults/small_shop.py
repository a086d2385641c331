"""A shop of one visitor with a laptop in the cart, in a process of its own: `tests.faults.small_shop …`.

Its arguments are those of `shop`, which is the same shop here; it prints its port.
"""

from __future__ import annotations

import sys

from flask import Flask
from werkzeug.serving import make_server

from flask_upsell import Line, MemoryStore, Upsell
from tests.conftest import SECRET
from tests.patience import wait_for_redis
from tests.web.shop import GOODS, add_pages


def shop(redis: str, database: str, seconds: float) -> Flask:
    store = MemoryStore(GOODS, urls={"cart": "/cart"})
    store.carts["visitor"] = [Line("1", "laptop", 1, 64900)]
    app = Flask("small_shop")
    app.config.update(
        SECRET_KEY=SECRET,
        UPSELL_REDIS_URL=redis,
        UPSELL_DATABASE_URL=database,
        UPSELL_REDIS_SECONDS=seconds,
        UPSELL_SLOW_SECONDS=0,
    )
    Upsell(app, store=store)
    if seconds >= 1:
        wait_for_redis(app)
    add_pages(app, store)
    return app


def main() -> None:
    server = make_server("127.0.0.1", 0, shop(sys.argv[1], sys.argv[2], float(sys.argv[3])), threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
