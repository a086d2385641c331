"""Processes that append to an audit at the same time; run as a program by tests.

    python -m tests.adapters.audit_worker DATABASE_URL TIMES NAME=WHAT ...

WHAT: "rows" appends to the audit, "rules" changes a rule, "die" ends at its last row before the commit, "secret" prints
a secret that the ledger does not have yet. Prints the exit code of each.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime

from flask_upsell.adapters.audit import Entry, SQLAudit, acting
from flask_upsell.adapters.dialects import start_writing
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.rulebook import SQLRules
from flask_upsell.adapters.secret import SQLSecret
from flask_upsell.core.rule import Learned, Rule, Status
from flask_upsell.core.rulebook import RuleBook
from tests.patience import wait_for_locks


def work(url: str, name: str, times: int, what: str) -> None:
    engine = wait_for_locks(make_engine(url))
    audit = SQLAudit(engine, "upsell")
    if what == "secret":
        os.write(1, f"{SQLSecret(engine, 'fresh')()}\n".encode())
        return
    for number in range(times):
        with acting(name):
            if what == "rules":
                SQLRules(engine, "upsell").set_status("shared", list(Status)[1 + number % 2], datetime.now(UTC))
                continue
            audit.ready()
            with engine.begin() as connection:
                start_writing(connection)
                audit.append(connection, Entry("tested", f"{name}-{number}"))
                if what == "die" and number == times - 1:
                    os._exit(9)
    engine.dispose()


def book(*names: str) -> RuleBook:
    return RuleBook(rules=tuple([Rule(name=name, offer=Learned()) for name in names]))


def main(url: str, times: int, *given: str) -> None:
    start, children = time.time() + 0.2, []
    for each in given:
        name, _, what = each.partition("=")
        child = os.fork()
        if not child:
            code = 1
            try:
                time.sleep(max(0.0, start - time.time()))  # all at once
                work(url, name, times, what)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    print(*[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
