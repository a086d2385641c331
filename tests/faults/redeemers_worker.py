"""A process of shoppers who all want what there is too little of, each on another way to it. `test_redeemers` starts
several.

Line in: a job as JSON. Then it says "ready", and with the next line it begins. Line out: as JSON what was wrong. Then
another job may come.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from flask import Flask

from tests.faults.sql_shop import ALONE, INSIDE, Shopper, close_shop, parts_of, sql_shop

#: Shoppers of one process that are there at once.
AT_ONCE = 6
#: Ways to a discount, beside those of a set: "whole", "half" (so much is ticked) and "broken" (a piece is taken out
#: again). All of them end with one that is wanted, but `NEVER`.
PATHS = ("script", "plain", "tabs", "undone", "alone", "foreign", "fails", "gives back", "cancels", "sent twice")
PAUSED = "paused"
NEVER = {"fails", "half", "broken", PAUSED}


class Redeemer:
    """One shopper: `limit` is what there is too little of. Of the shops "apart" has another database than the ledger's,
    and in "alone" an order can ask without its connection."""

    def __init__(self, shops: Mapping[str, Flask], number: int, path: str, limit: str, customer: str) -> None:
        self.path, self.limit, self.customer, self.cart = path, limit, customer, f"cart-{number}"
        self._app = shops[{"foreign": "apart", "alone": "alone", "gives back": "alone"}.get(path, "shop")]
        self._how = ALONE if path in ("alone", "gives back") else INSIDE
        self._shopper = self._come(self.cart)

    def _come(self, cart: str) -> Shopper:
        return Shopper(self._app, cart, f"tea-{self.limit}", customer=self.customer)

    def accept(self) -> None:
        """Until it is in the cart."""
        this = self._shopper
        if self.path == "tabs":
            self._accept_in_tabs()
        elif self.path == "half":
            assert this.accept(tick=1)
        else:
            assert this.accept(script=self.path != "plain")
        if self.path == "undone":
            this.undo()
            assert this.accept()
        elif self.path == "broken":
            this.take("jar")

    def _accept_in_tabs(self) -> None:
        """With a key each, at once."""
        tabs = [self._shopper, Shopper(self._app, self.cart, customer=self.customer)]
        forms = [tab.see().cards[0].forms["accept"] for tab in tabs]
        assert forms[0].fields["key"] != forms[1].fields["key"]
        threads = [threading.Thread(target=tab.send, args=(form,)) for tab, form in zip(tabs, forms, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def order(self) -> None:
        if self.path in ("fails", "gives back"):
            # The store's own failure, or else there was nothing left.
            failed = self._shopper.order(how=self._how, fails="yes")
            assert failed in (503, 409), failed
            if self.path == "fails":
                return
        granted = self._place(self._shopper)
        if self.path == "cancels" and granted:
            assert self._shopper.cancel() == 200
            again = self._come(f"{self.cart}-again")
            again.accept()
            self._place(again)
        elif self.path == "sent twice":
            assert self._shopper.order(how=self._how) == 200

    def _place(self, shopper: Shopper) -> bool:
        """Whether as it was offered; else it is ordered for what it costs without the offer."""
        status = shopper.order(how=self._how)
        if status == 409:
            again = shopper.order(how=self._how)
            assert again == 200, again
        else:
            assert status == 200, status
        return status == 200


def main() -> None:
    for row in sys.stdin:
        run_job(json.loads(row))


def run_job(job: dict[str, Any]) -> None:
    shops = {name: sql_shop(job[name], job["redis"], job["shop"]) for name in ("shop", "apart", "alone")}
    for each in shops.values():
        # Midnight does not come while they order.
        now = datetime.fromisoformat(job["now"])
        parts_of(each).offers.clock = lambda now=now: now  # type: ignore[misc]
    redeemers = [Redeemer(shops, **each) for each in job["redeemers"]]
    wrong: list[str] = []

    def run(redeemer: Redeemer, *steps: Callable[[Redeemer], None]) -> None:
        try:
            for step in steps:
                step(redeemer)
        except Exception as error:
            wrong.append(f"{redeemer.path}, {redeemer.limit}: " + "".join(traceback.format_exception(error))[-900:])

    def run_all(these: list[Redeemer], *steps: Callable[[Redeemer], Any]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda each: run(each, *steps), these))

    early = [each for each in redeemers if each.path == PAUSED]
    run_all(early, Redeemer.accept)
    print("ready", flush=True)
    sys.stdin.readline()
    run_all([each for each in redeemers if each not in early], Redeemer.accept, Redeemer.order)
    run_all(early, Redeemer.order)
    print(json.dumps(wrong), flush=True)
    for each in shops.values():
        close_shop(each)


if __name__ == "__main__":
    main()
