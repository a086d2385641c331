"""Files in, for pages and programs alike: read, looked at, and then done as it was looked at."""

from __future__ import annotations

from datetime import UTC

from ...core.roles import Person, Role
from ...core.words import say
from ...desk import Desk
from ...desk.imports import HOWS, Plan, Upload
from ...desk.orderfile import read_orders
from ...desk.pairfile import read_pairs
from ...desk.tablefile import Unreadable, Wrong
from ...errors import BadInput, StaleError
from ..yamltext import LARGEST_FILE
from .bookfile import BookRead, Made, plan_book, read_book

KINDS = ("rules", "pairs", "orders")
#: How Americans write dates, where the file does not show it: by the store's zone.
AMERICAN = ("America/", "US/")
TOO_LONG = say("This file is larger than {most} MB. Split it into parts.")
EMPTY = say("There is no order in it, only the first row. Choose another file.")


class Incoming:
    """Of one instance. `zone`: the store's, IANA."""

    def __init__(self, desk: Desk, zone: str) -> None:
        self._desk, self._imports, self._zone = desk, desk.imports, zone

    def read(self, what: str, content: bytes, replace: bool = False) -> tuple[object, list[Wrong], int]:
        """(what was read, what is wrong, how much is). `replace`: what a file of rules does not have is to go. Raises
        Unreadable."""
        if what == "rules":
            if len(content) > LARGEST_FILE:
                raise Unreadable(say(TOO_LONG.words, most=LARGEST_FILE // 1_000_000))
            kept, _, wrong = read_book(content, self._desk.offers.rules.load(), replace)
            return kept, wrong, len(wrong)
        if what == "pairs":
            pairs, wrong = read_pairs(content)
            return pairs, wrong, len(wrong)
        orders, wrong = read_orders(
            content,
            currency=self._imports.currency,
            zone=self._zone,
            now=self._desk.offers.clock().astimezone(UTC),
            pseudonym=self._desk.offers.pseudonym,
            american=self._zone.startswith(AMERICAN),
        )
        if not wrong and not orders.lines:
            raise Unreadable(EMPTY)
        return orders, wrong, orders.wrong

    def planned(self, upload: Upload) -> tuple[Plan, list[Wrong]]:
        """What an upload would change now, and what stands in the way."""
        if upload.what != "rules":
            return self._imports.plan(upload), []
        plan, _, wrong = self._rules(upload)
        return plan, wrong

    def _rules(self, upload: Upload) -> tuple[Plan, list[Made], list[Wrong]]:
        rules, kept = self._desk.offers.rules, self._imports.read(upload, BookRead)
        revision, before = rules.revision(), rules.load()
        _, book, wrong = read_book(kept.text.encode(), before, kept.replace)
        if wrong:
            return Plan(dict.fromkeys(HOWS, 0), [], ""), [], wrong
        return plan_book(before, book, kept.replace, revision, self._desk.drafts.all())

    def put(self, upload: Upload, seal: str, by: Person) -> tuple[int, str]:
        """Do what was looked at (`seal`: its plan's), all or nothing: rules become drafts. Returns how many things were
        changed, and the run of a worker that imports orders, "" when none has to.

        Raises StaleError when it would do something else now; BadInput for orders, which are learned from, by somebody
        who is no approver.
        """
        if upload.what == "orders":
            if not by.role.may(needed(upload.what)):
                raise BadInput("role", f"{by.name} may not import orders: it takes an approver")
            plan = self._imports.plan(upload)
            return plan.changing, self._imports.put_orders(upload, seal)
        if upload.what == "pairs":
            return self._imports.put_pairs(upload, seal).changing, ""
        plan, made, wrong = self._rules(upload)
        if wrong or plan.seal != seal:
            raise StaleError("something was changed since you looked at this", current=plan)
        self._imports.put_drafts(upload, made, self._desk.offers.rules.revision())
        return len(made), ""


def needed(what: str) -> Role:
    """Who may import a file of this kind."""
    return Role.APPROVER if what == "orders" else Role.EDITOR


def told(wrong: Wrong) -> str:
    """Where it is, and what: "line 3: discount.percent: …"."""
    where = [f"line {wrong.line}"] * (wrong.line > 0) + [wrong.column] * bool(wrong.column)
    return ": ".join([*where, str(wrong.told)])
