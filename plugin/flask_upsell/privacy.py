"""What is kept of people, how long, and how it ends: for a store's erase button, commands and the worker."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from .core.context import Capability
from .core.followup import Diary
from .offers import Offers


class People(Protocol):
    """What the ledger holds of people, who are pseudonyms there."""

    def erase(
        self, who: Iterable[str], orders: Iterable[str], at: datetime, *, forget_objection: bool = False
    ) -> dict[str, int]:
        """Remove or anonymise their rows, in one transaction; returns rows by table."""


class Retention(Protocol):
    """How long the ledger keeps rows."""

    def tidy(
        self, at: datetime, keep: timedelta, rules: Collection[str], goals: Mapping[str, datetime]
    ) -> dict[str, int]:
        """Remove what is older than it is kept; returns rows by table."""


class Privacy:
    """One instance's. `keep`: how long single events are."""

    def __init__(self, offers: Offers, people: People, retention: Retention, diary: Diary, keep: timedelta) -> None:
        self.offers, self.diary = offers, diary
        self._people, self._retention, self._keep = people, retention, keep

    def erase(self, customer: str, visitors: Iterable[str] = (), *, forget_objection: bool = False) -> dict[str, int]:
        """Remove or anonymise all that is kept of a customer; returns how many rows of each table, all 0 when there was
        nothing. `visitors`: keys of his carts (`Visitor.key`) that are known; those that led to an order are found.

        What was learned of him is gone from the live book too. Reads the store's orders to find his; raises what the
        store or the ledger raises. Safe to repeat.
        """
        keys = [key for key in dict.fromkeys([customer, *visitors]) if key]
        if not keys:
            return {}
        store, orders = self.offers.store, set()
        if Capability.ORDERS in store.capabilities:
            orders = {line.order for line in store.orders() if line.customer == customer}
        pseudonyms = [self.offers.pseudonym(key) for key in keys]
        done = self._people.erase(pseudonyms, orders, self.offers.clock(), forget_objection=forget_objection)
        return {**done, "upsell_lesson": self.offers.publishing.forget(pseudonyms)}

    def subscribe(self, customer: str) -> bool:
        """Mails may be sent again to a customer who did not want them; False when he never said so."""
        return self.diary.join(self.offers.pseudonym(customer), self.offers.clock())

    def unsubscribe(self, customer: str) -> bool:
        """No more mails for a customer; False when that was known."""
        return self.diary.leave(self.offers.pseudonym(customer), self.offers.clock())

    def tidy(self) -> dict[str, int]:
        """Remove what is older than it is kept; returns how many rows of each table."""
        rules = self.offers.rules.load().rules
        goals = self.offers.goal_starts(rules)
        return self._retention.tidy(self.offers.clock(), self._keep, {rule.name for rule in rules}, goals)
