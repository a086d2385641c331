"""A process whose children end at each step of a journey, in turn; then it looks what became of cart and ledger.

A step is the moment before or after a call of a method of the pipeline, the ledger, the limits or the store, or of a
statement or commit of theirs: they are counted while the journey runs once undisturbed. Line in: a job as JSON. Line
out: as JSON how many steps there are, how many were tried, and what was wrong after which.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

from sqlalchemy import Connection, Engine

from flask_upsell.adapters.claims import Claims
from flask_upsell.adapters.counts import Counts
from flask_upsell.adapters.ledger import SQLLedger, make_engine
from flask_upsell.adapters.limits import SQLLimits
from flask_upsell.adapters.stores.sqlalchemy import SQLAlchemyStore
from flask_upsell.offers import Offers
from flask_upsell.till import Clicks, Discounts, Till
from tests.faults.small_store import Shop
from tests.patience import wait_for_locks

TRACED = (Claims, Counts, SQLLedger, SQLLimits, SQLAlchemyStore, Offers, Clicks, Discounts, Till)
KILLED = 9
#: Counts steps; ends the process at the one that `at` names.
steps, at = 0, -1


#: An engine for each database: children that are forked have what it compiled, and no connection of it.
engines: dict[str, Engine] = {}


def open_shop(job: dict[str, Any]) -> Shop:
    engine = engines.setdefault(job["url"], wait_for_locks(make_engine(job["url"])))
    return Shop(job["url"], job["kind"], engine=engine)


def step() -> None:
    global steps
    if steps == at:
        os._exit(KILLED)
    steps += 1


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        step()
        try:
            return function(*args, **kwargs)
        finally:
            step()

    return run


def trace() -> None:
    for kind in TRACED:
        for name, function in list(vars(kind).items()):
            if isinstance(function, FunctionType) and name != "__init__":
                setattr(kind, name, traced(function))
    for name in ("execute", "_commit_impl"):
        setattr(Connection, name, traced(getattr(Connection, name)))


def journey(job: dict[str, Any], shop: Shop, given: Any) -> None:
    if job["journey"] == "order":
        shop.order()
    elif job["journey"] == "undo":
        shop.undo(given["id"])
    else:
        shop.accept(given, "k1")


def begin(job: dict[str, Any]) -> Any:
    """The cart before the journey, and what the shopper's page holds."""
    shop = open_shop(job)
    shop.begin("tea")
    wanted = shop.wanted()
    given: Any = wanted
    if job["journey"] in ("order", "undo"):
        outcome = shop.accept(wanted, "k0")
        assert outcome.acceptance is not None, outcome
        given = {"id": outcome.acceptance.id}
    shop.close()
    return given


def child(job: dict[str, Any], given: Any, end: int) -> int:
    """Run the journey in a process of its own that ends at this step; what it ended with."""
    global steps, at
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        shop = open_shop(job)
        steps, at = 0, end
        journey(job, shop, given)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def count_steps(job: dict[str, Any]) -> int:
    global steps
    given = begin(job)
    there, here = os.pipe()
    pid = os.fork()
    if not pid:
        shop = open_shop(job)
        steps = 0
        journey(job, shop, given)
        os.write(here, str(steps).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    counted = int(os.read(there, 20))
    os.close(there)
    os.close(here)
    return counted


#: What the shopper has when all went well: (product, quantity, unit price).
DONE = {
    "product": [("cup", 1, 1800), ("tea", 1, 1000)],
    "upgrade": [("pot", 1, 1080)],
    "bundle": [("cup", 1, 1800), ("jar", 1, 1080), ("tea", 1, 1000)],
    "second": [("tea", 1, 900), ("tea", 1, 1000)],
}


def check(job: dict[str, Any], given: Any, then: str) -> list[str]:
    """What is wrong, after the shopper did what shoppers do: press again, reload and press, or just order."""
    shop, wrong = open_shop(job), []
    done, pieces = DONE[job["kind"]], 2 if job["kind"] == "bundle" else 1
    try:
        if job["journey"] == "undo" and then != "order":
            shop.wait()
            shop.undo(given["id"])
            if shop.cart() != [("tea", 1, 1000)]:
                wrong.append(f"the cart is {shop.cart()}")
            counted = shop.counted()
            if (counted["accepted"], counted["undone"]) != (pieces, pieces):
                wrong.append(f"counted: {counted}")
            return wrong
        if job["journey"] == "accept" and then != "order":
            shop.wait()
            if then == "reload":
                shop.offers.settle()
                now = [offer for offer in shop.offers.suggest("cart").offers if offer.rule == "tea"]
                if now or shop.cart() != sorted(done):
                    shop.accept(given, "k2")
            else:
                shop.accept(given, "k1")
            if sorted(shop.cart()) != sorted(done):
                wrong.append(f"the cart is {shop.cart()}")
            if (accepted := shop.figures().get("accepted")) != pieces or shop.figures().get("intended"):
                wrong.append(f"accepted: {accepted}, in all {shop.figures()}")
            if shop.counted()["accepted"] != pieces:
                wrong.append(f"counted: {shop.counted()}")
        refused = shop.order()
        if refused and then == "order":  # half a bundle is no bundle: it is gone when the shopper presses again
            refused = shop.order()
        if refused:
            wrong.append(f"not granted: {refused}")
        cheap = [line for line in shop.ordered() if (line[0], line[2]) not in
                 {("tea", 1000), ("cup", 2000), ("jar", 1200), ("pot", 1200)}]  # fmt: skip
        figures = shop.figures()
        uses = 1 if cheap else 0
        if len(cheap) not in (0, pieces) and then != "order":
            wrong.append(f"ordered {shop.ordered()}")
        if (figures["redemptions"], figures["used"]) != (uses, uses):
            wrong.append(f"{uses} discounts were ordered: {figures}")
        # What is left of half a bundle costs its normal price by then; it was accepted, and it is ordered.
        offered = cheap + [line for line in shop.ordered() if line[0] != "tea" and line not in cheap]
        if figures["conversions"] != len(offered) or shop.counted()["converted"] != len(offered):
            wrong.append(f"{len(offered)} offers were ordered: {figures}, counted {shop.counted()}")
        return wrong
    except Exception as error:
        return [*wrong, "".join(traceback.format_exception(error))[-1500:]]
    finally:
        shop.close()


def main() -> None:
    trace()
    for row in sys.stdin:
        job = json.loads(row)
        total, tried, wrong = count_steps(job), 0, []
        every = range(total) if not job["most"] else range(job.get("first", 0), total, max(1, total // job["most"]))
        for end in every:
            for then in job["then"] if not job["most"] else [job["then"][end % len(job["then"])]]:
                given = begin(job)
                ended = child(job, given, end)
                tried += 1
                found = check(job, given, then) if ended == KILLED else [f"it ended with {ended}"]
                wrong += [f"killed at step {end}, then {then}: {each}" for each in found]
        print(json.dumps({"steps": total, "tried": tried, "wrong": wrong[:10], "in all": len(wrong)}), flush=True)


if __name__ == "__main__":
    main()
