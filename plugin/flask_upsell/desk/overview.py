"""What the desk says at first sight: results, what is live, what comes, what needs attention, how to begin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from .. import faults
from ..adapters.days import SQLDays
from ..adapters.reach import SQLReach
from ..core.context import Capability
from ..core.rule import Rule, Schedule, Status
from ..core.rulebook import RuleBook
from ..core.season import Timetable
from ..core.words import Sentence, say
from ..errors import RuleError
from ..offers import Offers
from .drafts import Drafts
from .linting import Linting

DAYS = 30
AHEAD = timedelta(days=7)
#: An older book has prices of the day before yesterday.
OLD_BOOK = timedelta(hours=26)
#: What happened is counted within seconds; after so long something is wrong.
LATE = timedelta(minutes=5)


class Figures(msgspec.Struct, frozen=True):
    """Results of the last 30 days in the store's zone, the last one today. `earned`: by currency, in minor units,
    what there is most of first."""

    days: list[date]
    shown: list[int]
    accepted: list[int]
    orders: list[int]
    earned: dict[str, list[int]]


class Coming(msgspec.Struct, frozen=True):
    """A rule or season (`kind`) that begins or ends at an instant (UTC)."""

    at: datetime
    kind: str
    name: str
    begins: bool


class Today(msgspec.Struct, frozen=True):
    """Rules and names of seasons that hold now, and what begins or ends within seven days."""

    rules: list[Rule]
    seasons: list[str]
    coming: list[Coming]


class Need(msgspec.Struct, frozen=True):
    """Something to look at. `where`: the endpoint that helps. `grave`: shoppers see less, or nothing. `act`: the
    endpoint of a button that ends it."""

    sentence: Sentence
    where: str
    grave: bool = False
    act: str = ""


class State(StrEnum):
    DONE = "done"
    RUNNING = "running"
    OPEN = "open"


class Start(msgspec.Struct, frozen=True):
    """The steps to a first offer on a page: import, learn, approve, see."""

    imported: State
    learned: State
    approved: State
    seen: State


class Overview:
    """One instance's."""

    def __init__(self, offers: Offers, days: SQLDays, drafts: Drafts, known: SQLReach, linting: Linting) -> None:
        self._offers, self._days, self._drafts, self._known = offers, days, drafts, known
        self._linting = linting
        self._zone = ZoneInfo(offers.zone)

    def figures(self, rule: str | None = None) -> Figures:
        """Of all that was offered, or of one rule's: then `orders` are units that were ordered."""
        today = self._now().astimezone(self._zone).date()
        days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
        place = {day: at for at, day in enumerate(days)}
        shown, accepted = [0] * DAYS, [0] * DAYS
        ordered = [0] * DAYS
        earned: dict[str, list[int]] = {}
        for row in self._days.since(days[0], rule):
            if row.day not in place:
                continue
            at = place[row.day]
            shown[at] += row.shown
            accepted[at] += row.accepted
            ordered[at] += row.converted
            if row.revenue:
                earned.setdefault(row.currency, [0] * DAYS)[at] += row.revenue
        most_first = dict(sorted(earned.items(), key=lambda each: -sum(each[1])))
        orders = ordered if rule is not None else list(self._days.orders(days[0], DAYS).values())
        return Figures(days, shown, accepted, orders, most_first)

    def today(self, book: RuleBook) -> Today:
        now = self._now()
        seasons = {season.name: season for season in book.seasons}
        active = [rule for rule in book.rules if rule.status is Status.ACTIVE]
        rules, coming = [], list[Coming]()
        # Of thousands of rules most have the schedule of many others.
        holds = cache(lambda schedule: self._holds(schedule, book, now))
        edges = cache(lambda schedule: list(self._edges(schedule, book, now)))
        for rule in sorted(active, key=lambda each: -each.priority):
            if rule.schedule == Schedule():
                rules.append(rule)
                continue
            if holds(rule.schedule):
                rules.append(rule)
            schedule = msgspec.structs.replace(rule.schedule, hours=(), weekdays=())
            if schedule != Schedule():
                coming += [Coming(at, "rule", rule.name, begins) for at, begins in edges(schedule)]
        here = []
        for name in seasons:
            schedule = Schedule(seasons=(name,))
            if holds(schedule):
                here.append(name)
            coming += [Coming(at, "season", name, begins) for at, begins in edges(schedule)]
        return Today(rules, here, sorted(coming, key=lambda each: (each.at, each.kind != "season", each.name)))

    def needs(self, suggestions: int = 0) -> list[Need]:
        """What somebody should look at, the gravest first. `suggestions`: how many wait for a verdict."""
        return sorted(self._needs(suggestions), key=lambda need: not need.grave)

    def start(self) -> Start | None:
        """How far a shop that has shown nothing yet has come; None for one that shows offers."""
        if any(row.shown for row in self._days.since(self._now().date() - timedelta(days=DAYS))):
            return None
        last = self._offers.ledger.last_progress("learn")
        learned = State.OPEN
        if last is not None:
            learned = {"done": State.DONE, "queued": State.RUNNING, "running": State.RUNNING}.get(
                last.state, State.OPEN
            )
        imported = State.DONE if learned is State.DONE or self._has_orders() else State.OPEN
        book = self._offers.rules.load()
        live = any(rule.status is Status.ACTIVE for rule in book.rules) or self._known.approved()
        return Start(imported, learned, State.DONE if live else State.OPEN, State.OPEN)

    def learn(self, *, anyway: bool = False) -> bool:
        """Ask for learning; whether a worker will hear of it. `anyway`: though what is learned be far worse."""
        run = uuid4().hex
        self._offers.ledger.progress(run, "learn", "queued", "Waiting for a worker", 0, 0, {})
        if self._offers.queue.enqueue("learn", run, *(["anyway"] if anyway else []), patient=True) is not None:
            return True
        self._offers.ledger.progress(run, "learn", "failed", "Redis takes no jobs", 0, 0, {})
        return False

    # --- what needs attention ----------------------------------------------------------------------------------------

    def _needs(self, suggestions: int) -> Iterator[Need]:
        off = self._offers.switch.state()
        if off is not None:
            said = say("All offers are switched off by {who}: {why}", who=off.by or "?", why=off.why or "-")
            yield Need(said, "publish", grave=True)
        yield from self._runs()
        yield from self._refused()
        waiting = sum(draft.state == "review" for draft in self._drafts.all())
        if waiting:
            words = say("One draft waits for review.", "{n} drafts wait for review.", n=waiting)
            yield Need(words, "publish")
        if suggestions:
            words = say("One suggestion waits for a verdict.", "{n} suggestions wait for a verdict.", n=suggestions)
            yield Need(words, "suggestions")
        linted = self._linting.told()
        if not linted.current:
            yield Need(say("A worker is looking through the rules, as they are many and were changed."), "rules")
        found = len(linted.findings)
        if found:
            words = say(
                "One thing in the rules was probably not meant.",
                "{n} things in the rules were probably not meant.",
                n=found,
            )
            yield Need(words, "rules")

    def _refused(self) -> Iterator[Need]:
        """Why the last learning is not live."""
        last = self._offers.ledger.last_progress("learn")
        for wrong in last.figures.get("refused", ()) if last is not None else ():
            now, before = wrong["now"], wrong["last"]
            if wrong["what"] == "coverage":
                said = say(
                    "The last learning is not live: it leads on from {now} products, the one before from {before}. Are "
                    "all orders there?",
                    now=now,
                    before=before,
                )
            else:
                said = say(
                    "The last learning is not live: it foresees {now} % of what was bought, the one before {before} %. "
                    "Are all orders there?",
                    now=round(100 * now, 1),
                    before=round(100 * before, 1),
                )
            yield Need(said, "files", grave=True, act="home_learn_anyway")

    def _runs(self) -> Iterator[Need]:
        """What is wrong with what works in the background."""
        try:
            published = self._offers.shelf.published()
            seen = self._offers.queue.worker_seen()
        except Exception as error:
            faults.note("overview", "Redis does not answer: %s: %s", type(error).__name__, error, error=error)
            yield Need(say("Redis does not answer: nothing new goes live until it does."), "publish", grave=True)
            return
        if not seen:
            yield Need(say("No worker was seen: start one with “flask upsell worker”."), "help", grave=True)
        if published is None:
            yield Need(say("No book is published, so no offer is shown: learn first."), "publish", grave=True)
        elif self._now() - published[1] > OLD_BOOK:
            hours = int((self._now() - published[1]).total_seconds() // 3600)
            yield Need(say("The book is {n} hours old: prices in it may be of another day.", n=hours), "publish")
        oldest = self._offers.ledger.oldest()
        if oldest is not None and self._now() - oldest > LATE:
            late = int((self._now() - oldest).total_seconds() // 60)
            yield Need(say("Results are counted {n} minutes late: a worker counts them.", n=late), "help")

    # --- schedules ---------------------------------------------------------------------------------------------------

    def _holds(self, schedule: Schedule, book: RuleBook, now: datetime) -> bool:
        found = self._state(schedule, book, now)
        return found is not None and found[0]

    def _edges(self, schedule: Schedule, book: RuleBook, now: datetime) -> Iterator[tuple[datetime, bool]]:
        """(instant, whether it begins to hold then) within the next days."""
        at = now
        while (found := self._state(schedule, book, at)) is not None and at < found[1] <= now + AHEAD:
            yield found[1], not found[0]
            at = found[1]

    def _state(self, schedule: Schedule, book: RuleBook, at: datetime) -> tuple[bool, datetime] | None:
        """Whether it holds, and until when; None for one that cannot be used, of which the linter tells."""
        seasons = {season.name: season for season in book.seasons}
        try:
            return Timetable(schedule, seasons, self._offers.zone).state(at, None)
        except RuleError:
            return None

    def _has_orders(self) -> bool:
        store = self._offers.store
        if Capability.ORDERS not in store.capabilities:
            return False
        try:
            return next(iter(store.orders()), None) is not None
        except Exception as error:  # a store may raise anything
            faults.note(
                "overview", "the store's orders cannot be read: %s: %s", type(error).__name__, error, error=error
            )
            return False

    def _now(self) -> datetime:
        return self._offers.clock().astimezone(UTC)
