"""The live rules as a list: looked through without reading them all, and put into another order."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta

import msgspec

from ..adapters.rulelist import SQLRuleList
from ..core.rule import Rule
from ..core.rulebook import Changes, RuleBook
from ..core.words import objection, reason
from ..errors import BadInput, RuleError, StaleError
from ..offers import Offers

#: How far back "what it earned" goes.
EARNED = timedelta(days=30)
#: How a rule is moved.
WAYS = ("up", "down", "before", "after")
#: The texts of a rule's JSON; keys have a colon after them.
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')


class Seasonal(msgspec.Struct, frozen=True):
    """Of a schedule only this."""

    seasons: tuple[str, ...] = ()


class Head(msgspec.Struct, frozen=True):
    """What a rule is found by; the rest of it is not read."""

    name: str
    label: str = ""
    status: str = "active"
    priority: int = 0
    placements: tuple[str, ...] = ()
    schedule: Seasonal = Seasonal()


class Row(msgspec.Struct, frozen=True):
    """A rule in the list, still JSON. `place`: in the order in which rules are tried, from 1."""

    head: Head
    body: str
    place: int

    def read(self) -> Rule:
        try:
            return _read_rule(self.body)
        except (ValueError, RecursionError) as error:
            raise RuleError(
                objection("rule {name} cannot be read: {error}", name=repr(self.head.name), error=reason(error)),
                rule=self.head.name,
            ) from error


class Wanted(msgspec.Struct, frozen=True):
    """What is looked for; "" is anything."""

    text: str = ""
    status: str = ""
    label: str = ""
    season: str = ""
    placement: str = ""

    def meets(self, row: Row) -> bool:
        head = row.head
        return (
            (not self.status or head.status == self.status)
            and (not self.season or self.season in head.schedule.seasons)
            and (not self.placement or not head.placements or self.placement in head.placements)
            and (not self.label or self.label.casefold() in head.label.casefold())
            and (not self.text or said(row.body, self.text))
        )


def said(body: str, text: str) -> bool:
    """Whether all words of `text` are in what a rule's JSON says."""
    folded = body.casefold()
    words = text.casefold().split()
    # The whole first: keys are in it too, but what is not even there needs no second look.
    if not all(word in folded for word in words):
        return False
    values = "\n".join(text for text, key in _STRINGS.findall(folded) if not key)
    return all(word in values for word in words)


_read_head = msgspec.json.Decoder(Head).decode
_read_rule = msgspec.json.Decoder(Rule).decode


class RuleList:
    """One instance's."""

    def __init__(self, kept: SQLRuleList, offers: Offers) -> None:
        self._kept, self._offers = kept, offers
        #: The rows of a revision: who types asks for them with each letter.
        self._rows: tuple[int, list[Row]] = (-1, [])

    def rows(self) -> list[Row]:
        """All live rules in the order in which they are tried."""
        revision = self._offers.rules.revision()
        known, rows = self._rows
        if known != revision:
            found = [(_read_head(body), body) for body in self._kept.bodies()]
            found.sort(key=lambda each: -each[0].priority)
            rows = [Row(head, body, place) for place, (head, body) in enumerate(found, start=1)]
            # Read after its number: at worst they are newer, and read again.
            self._rows = (revision, rows)
        return rows

    def earned(self, names: Collection[str]) -> dict[str, dict[str, int]]:
        """In the last 30 days: name -> currency -> minor units."""
        return self._kept.earned(names, self._offers.clock() - EARNED)

    def move(self, name: str, way: str, revision: int, target: str = "") -> Changes:
        """Change the order, and publish it. `way`: "up" or "down" by one place (past the last of its priority it gets
        that of its neighbour), or "before" or "after" another rule, whose priority it gets.

        Raises BadInput for rules that are not there, StaleError when the book is not that of `revision` any more.
        """
        rules, at = self._offers.rules, self._offers.clock()
        book = rules.load()
        moved = ordered(book, name, way, target)
        try:
            changes = rules.save(moved, at, expected=revision)
        except RuleError as error:
            if error.stale:
                raise StaleError(str(error)) from error
            raise
        self._offers.publish_rules()
        return changes


def ordered(book: RuleBook, name: str, way: str, target: str = "") -> RuleBook:
    """The book with a rule at another place. See `RuleList.move`."""
    tried = sorted(book.rules, key=lambda rule: -rule.priority)
    names = [rule.name for rule in tried]
    for each in (name, *([target] if way in ("before", "after") else [])):
        if each not in names:
            raise BadInput("rule", objection("no rule is named {each}", each=repr(each)))
    here = names.index(name)
    if way in ("up", "down"):
        there = here + (-1 if way == "up" else 1)
        if not 0 <= there < len(tried):
            return book
        beside = tried[there]
        among = beside.priority == tried[here].priority
        way = ("before" if among else "after") if way == "up" else ("after" if among else "before")
    elif way in ("before", "after"):
        beside = tried[names.index(target)]
    else:
        raise BadInput("way", objection("{way} is none of {known}", way=repr(way), known=", ".join(WAYS)))
    if beside.name == name:
        return book
    mine = msgspec.structs.replace(tried[here], priority=beside.priority)
    rest = [rule for rule in book.rules if rule.name != name]
    at = next(place for place, rule in enumerate(rest) if rule.name == beside.name) + (way == "after")
    return msgspec.structs.replace(book, rules=(*rest[:at], mine, *rest[at:]))
