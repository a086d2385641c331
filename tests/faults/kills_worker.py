"""A process whose children are web processes with their shoppers, or workers, and are killed at random. `test_kills`
starts it: `tests.faults.kills_worker DATABASE REDIS`.

Lines in: "web" or "worker", each for another child. Lines out, as JSON: {"child": its process id}, and of its children
{"acts": the process} before a click or an order, with what a shopper of theirs would know: {"began": the cart}, and
{"offered": the cart} where the offer was seen.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import time
from uuid import uuid4

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from flask_upsell.web.worker import work
from tests.faults.sql_shop import Shopper, parts_of, sql_shop

#: Where it says something; what RQ prints goes elsewhere.
TOLD = os.dup(1)
os.dup2(2, 1)


def say(**what: object) -> None:
    """In one piece: several processes say something at once, and one may be killed while it does."""
    os.write(TOLD, f"{json.dumps(what)}\n".encode())


def shop(app: Flask) -> None:
    """One shopper after the other: one in four undoes and accepts again, one in four cancels in the end."""
    chance = random.Random()
    while True:
        visitor = uuid4().hex[:12]
        try:
            shopper = Shopper(app, visitor, "tea")
            say(began=visitor)
            if shopper.see().cards:
                say(offered=visitor)
            say(acts=os.getpid())
            if shopper.accept() and chance.random() < 0.25:
                shopper.undo()
                shopper.accept()
            say(acts=os.getpid())
            if shopper.order() == 200 and chance.random() < 0.25:
                shopper.cancel()
        except (AssertionError, SQLAlchemyError):  # a page without database; who saw it comes again later
            time.sleep(0.05)


def run_jobs(app: Flask) -> None:
    """As `flask upsell worker` does."""
    with app.app_context():
        work(app, parts_of(app), exit_with=os.getppid())


class Brief(logging.Formatter):
    """One line each: when, who, what; where it was raised stands in the tests of each fault."""

    def formatException(self, ei: object) -> str:
        return ""


def main() -> None:
    told = logging.StreamHandler()
    told.setFormatter(Brief("%(asctime)s %(process)d %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[told])
    logging.getLogger("sql_shop").disabled = True  # pages without database
    # Children are forked from an app that is loaded, as by a server that preloads it.
    app = sql_shop(sys.argv[1], sys.argv[2])
    for row in sys.stdin:
        pid = os.fork()
        if not pid:
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                {"web": shop, "worker": run_jobs}[row.strip()](app)
            finally:
                os._exit(1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
        say(child=pid)


if __name__ == "__main__":
    main()
