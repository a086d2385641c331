"""Files in, for pages and programs alike: read, looked at, and then done as it was looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

import msgspec

from ...core.roles import Person, Role
from ...core.words import objection, say
from ...desk import Desk
from ...desk.imports import HOWS, Plan, Upload
from ...desk.ladderfile import LaddersRead, read_ladders
from ...desk.orderfile import read_orders
from ...desk.pairfile import read_pairs
from ...desk.productfile import read_products
from ...desk.tablefile import Listed, Unreadable, Wrong, decoded
from ...errors import BadInput, StaleError
from . import plainfile
from .bookfile import BookRead, Made, plan_book, plan_ladders, read_book

KINDS = ("rules", "ladders", "pairs", "products", "orders")
#: Of them what becomes drafts; what is learned from or published at once, which takes an approver.
DRAFTED, GRAVE = ("rules", "ladders"), ("products", "orders")
#: How Americans write dates, where the file does not show it: by the store's zone.
AMERICAN = ("America/", "US/")
NO_LADDER = say("There is no ladder in it, only the first row. Choose another file.")
NO_PRODUCT = say("There is no product in it, only the first row. Choose another file.")
NO_ORDER = say("There is no order in it, only the first row. Choose another file.")


class Incoming:
    """Of one instance. `zone`: the store's, IANA."""

    def __init__(self, desk: Desk, zone: str) -> None:
        self._desk, self._imports, self._zone = desk, desk.imports, zone

    def read(self, what: str, content: bytes, replace: bool = False) -> tuple[object, list[Wrong], int]:
        """(what was read, what is wrong, how much is). `replace`: what a file of rules, ladders or products does not
        have is to go. Raises Unreadable."""
        if what == "rules":
            kept, _, wrong = read_book(content, self._desk.offers.rules.load(), replace)
            return kept, wrong, len(wrong)
        if what == "ladders":
            ladders, wrong = read_ladders(_rows(content, plainfile.ladders), replace)
            if not wrong and not ladders.ladders:
                raise Unreadable(NO_LADDER)
            return ladders, wrong, len(wrong)
        if what == "products":
            goods, wrong = read_products(content, currency=self._imports.currency, zone=self._zone, replace=replace)
            if not wrong and not goods.products:
                raise Unreadable(NO_PRODUCT)
            return goods, wrong, goods.wrong
        if what == "pairs":
            pairs, wrong = read_pairs(_rows(content, plainfile.pairs))
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
            raise Unreadable(NO_ORDER)
        return orders, wrong, orders.wrong

    def planned(self, upload: Upload) -> tuple[Plan, list[Wrong]]:
        """What an upload would change now, and what stands in the way."""
        if upload.what == "products":
            return self._desk.assortment.plan(upload), []
        if upload.what not in DRAFTED:
            return self._imports.plan(upload), []
        plan, _, wrong = self._rules(upload)
        return plan, wrong

    def _rules(self, upload: Upload) -> tuple[Plan, list[Made], list[Wrong]]:
        """Of rules, or of ladders alone."""
        rules = self._desk.offers.rules
        revision, before = rules.revision(), rules.load()
        if upload.what == "ladders":
            ladders = self._imports.read(upload, LaddersRead)
            plan, made, wrong = plan_ladders(before, ladders, revision, self._desk.drafts.all())
            unknown, count = self._imports.unknown(ladders.products)
            return msgspec.structs.replace(plan, unknown=unknown, unknown_count=count), made, wrong
        kept = self._imports.read(upload, BookRead)
        _, book, wrong = read_book(kept.text.encode(), before, kept.replace)
        if wrong:
            return Plan(dict.fromkeys(HOWS, 0), [], ""), [], wrong
        return plan_book(before, book, kept, revision, self._desk.drafts.all())

    def put(self, upload: Upload, seal: str, by: Person) -> tuple[int, str]:
        """Do what was looked at (`seal`: its plan's), all or nothing: rules and ladders become drafts. Returns how many
        things were changed, and the run of a worker that imports orders, "" when none has to.

        Raises StaleError when it would do something else now; BadInput for orders, which are learned from, and
        products, which are published, by somebody who is no approver.
        """
        if not by.role.may(needed(upload.what)):
            raise BadInput(
                "role",
                objection(
                    "{name} may not import {what}: it takes an {what_}",
                    name=by.name,
                    what=upload.what,
                    what_=needed(upload.what),
                ),
            )
        if upload.what == "products":
            return self._desk.assortment.put(upload, seal).changing, ""
        if upload.what == "orders":
            plan = self._imports.plan(upload)
            return plan.changing, self._imports.put_orders(upload, seal)
        if upload.what == "pairs":
            return self._imports.put_pairs(upload, seal).changing, ""
        plan, made, wrong = self._rules(upload)
        if wrong or plan.seal != seal:
            raise StaleError(objection("something was changed since you looked at this"), current=plan)
        self._imports.put_drafts(upload, made, self._desk.offers.rules.revision())
        return len(made), ""


def _rows(content: bytes, read: Callable[[str], Listed]) -> bytes | Listed:
    """A table as it is, or the rows of YAML. Raises Unreadable."""
    text, notes = decoded(content)
    if not plainfile.begins_yaml(text):
        return content
    found = read(text)
    found.notes += notes
    return found


def needed(what: str) -> Role:
    """Who may import a file of this kind."""
    return Role.APPROVER if what in GRAVE else Role.EDITOR


def told(wrong: Wrong) -> str:
    """Where it is, and what: "line 3: discount.percent: …"."""
    where = [f"line {wrong.line}"] * (wrong.line > 0) + [wrong.column] * bool(wrong.column)
    return ": ".join([*where, str(wrong.told)])
