"""A process whose children shop or fold without end, and are killed at random. `test_kills` starts it.

Lines in: "web" or "fold", each for another child. Lines out, as JSON: {"child": its process id}, and what a shopper of
a child would know: {"began": the cart}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from uuid import uuid4

from sqlalchemy import insert

from tests.faults.small_store import CartLine, Shop


def say(**what: object) -> None:
    """In one piece: several processes say something at once, and one may be killed while it does."""
    os.write(1, f"{json.dumps(what)}\n".encode())


def shop(url: str) -> None:
    while True:
        visitor = uuid4().hex[:12]
        this = Shop(url, "product", visitor=visitor)
        with this.engine.begin() as connection:
            connection.execute(insert(CartLine).values(cart=visitor, sku="tea", quantity=1, price=1000))
        wanted = this.wanted()
        say(began=visitor)
        this.accept(wanted, f"key-{visitor}")
        this.order(visitor)
        this.close()


def fold(url: str) -> None:
    this = Shop(url, "product", visitor="nobody")
    while True:
        this.ledger.fold()
        time.sleep(0.02)


def main() -> None:
    url = sys.argv[1]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for row in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                {"web": shop, "fold": fold}[row.strip()](url)
            finally:
                os._exit(1)  # its database was killed
        say(child=pid)


if __name__ == "__main__":
    main()
