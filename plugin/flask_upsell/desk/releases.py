"""What goes live, and what was live before: drafts are published, books are brought back, all is switched off and on.

What is risky takes two: whoever puts it live must be none of those who wrote it. A book of before that is riskier than
what is live is no exception, or one person could write a discount, let it be approved, and bring it back at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from .. import faults
from ..adapters.audit import acting, actor
from ..adapters.reach import SQLReach
from ..adapters.revisions import Revision as Revision
from ..adapters.revisions import SQLRevisions
from ..core.named import sources
from ..core.product import Product
from ..core.roles import Person, Role
from ..core.rule import Ladder, Learned, Relative, Rule, Second, Status
from ..core.rulebook import Changes, RuleBook
from ..core.sources import MOST_LISTED
from ..core.words import objection
from ..errors import BadInput, RiskError, RuleError, StaleError
from ..offers import Offers
from .drafts import Draft, Drafts, Part, merged
from .options import Options
from .risks import Reach, Risk, judge

#: Whoever publishes begins anew when somebody else was faster with something else, so often.
ATTEMPTS = 3
#: A process's copy of the rules may be so old.
GRACE = timedelta(seconds=5)
#: More products than anybody names in rules are not looked up one by one.
MOST_LOOKED_UP = 2000


class Clash(msgspec.Struct, frozen=True):
    """A part that was changed live after its draft was begun: `before`, how it was then, and `now` (None: not there).
    `known`: whether what was live then is still kept."""

    draft: Draft
    before: Part
    now: Part
    known: bool = True


class Live(msgspec.Struct, frozen=True):
    """What is live. `revision` 0: nothing was ever saved; `last`: who saved it, None when that is not kept. `version`
    and `at`: the book in Redis, and since when it is there; None when there is none."""

    revision: int
    last: Revision | None
    version: str | None = None
    at: datetime | None = None


class Releases:
    """One instance's."""

    def __init__(
        self, offers: Offers, drafts: Drafts, options: Options, revisions: SQLRevisions, catalogue: SQLReach
    ) -> None:
        self._offers, self._drafts, self._options = offers, drafts, options
        self._revisions, self._catalogue = revisions, catalogue
        self._put_at: datetime | None = None

    # --- looking -----------------------------------------------------------------------------------------------------

    def live(self) -> Live:
        """Raises what Redis raises when it does not answer."""
        revision = self._offers.rules.revision()
        last = next((each for each in self._revisions.all() if each.revision == revision), None)
        published = self._offers.shelf.published()
        return Live(revision, last, *(published or ()))

    def all(self) -> list[Revision]:
        """The last one first."""
        return self._revisions.all()

    def book(self, revision: int) -> RuleBook:
        """As this revision left it. Raises BadInput for one that is not kept."""
        found = self._revisions.book(revision) if revision else RuleBook()
        if found is None:
            raise BadInput("revision", objection("revision {revision} is not kept (any more)", revision=revision))
        return found

    def risks(self, before: RuleBook, after: RuleBook) -> list[Risk]:
        """What is risky in `after` where `before` is live."""
        options = self._options.all()
        return judge(before, after, self.reach, options["risky_percent"], options["risky_products"])

    def clashes(self, drafts: Iterable[Draft]) -> list[Clash]:
        """Those whose live part was changed after they were begun."""
        now, revision = self._offers.rules.load(), self._offers.rules.revision()
        return self._clashes(drafts, now, revision)

    # --- putting live ------------------------------------------------------------------------------------------------

    def publish(self, changes: Sequence[tuple[Draft, Part]], by: Person, why: str = "") -> Changes:
        """Put drafts live, all or none, each with the part that it becomes; they are gone then.

        Raises RiskError (`.risks`) when it is risky and `by` is one of those who wrote them; StaleError when a draft
        was saved meanwhile (`.current`: it), or its live part was changed (`.current`: a list of Clash); BadInput for
        what does not fit together. BookError: it is saved, and waits for `put_live`. A draft without an id was never
        kept: a change that is made and put live in one.
        """
        _may(by)
        if not changes:
            raise BadInput("drafts", objection("choose at least one"))
        for _ in range(ATTEMPTS):
            for draft, _part in changes:
                self._unchanged(draft)
            revision = self._offers.rules.revision()
            before = self._offers.rules.load()
            clashes = self._clashes([draft for draft, _ in changes], before, revision)
            if clashes:
                names = ", ".join(repr(each.draft.origin) for each in clashes)
                raise StaleError(
                    objection("somebody has changed {names} live after the draft was begun", names=names),
                    current=clashes,
                )
            after = merged(before, changes)
            _fits(before, after)
            writers = list(dict.fromkeys(who for draft, _ in changes for who in (draft.author, *draft.writers)))
            self._second_person(self.risks(before, after), writers, by)
            done = self._save(after, revision, by, why, writers)
            if done is not None:
                for draft, _ in changes:
                    # What was typed after that is a draft of its own, which is told what is live now.
                    self._drafts.drop(draft.id, draft.version)
                self._offers.publish_rules()
                return done
        raise StaleError(objection("others are publishing just now; try again"))

    def turn(self, names: Sequence[str], status: Status, by: Person, why: str = "") -> Changes:
        """Give live rules another status, at once. Raises as `publish` does, and BadInput for one that is not there:
        who asks for it is who writes it, so what is risky to resume takes somebody else."""
        now, revision = self._offers.clock(), self._offers.rules.revision()
        rules = {rule.name: rule for rule in self._offers.rules.load().rules}
        changes: list[tuple[Draft, Part]] = []
        for name in names:
            if name not in rules:
                raise BadInput("rule", objection("no rule is named {name} any more", name=repr(name)))
            # Nobody's draft is touched: what somebody is writing of it goes on.
            draft = Draft("", "rule", name, revision, "put", "open", {}, "", by.name, by.name, 0, now, now)
            changes.append((draft, msgspec.structs.replace(rules[name], status=status)))
        return self.publish(changes, by, why)

    def rollback(self, revision: int, by: Person, why: str = "") -> Changes:
        """Make the book of a revision live again, as a new revision. Raises as `publish` does: of a book that is
        riskier than what is live, `by` must have written none of the rules that make it so. What nobody knows any more
        who wrote it stands in nobody's way."""
        _may(by)
        after = self.book(revision)
        for _ in range(ATTEMPTS):
            expected = self._offers.rules.revision()
            risks = self.risks(self._offers.rules.load(), after)
            writers = self._writers(revision, {f"rule {risk.rule}" for risk in risks})
            self._second_person(risks, writers, by)
            done = self._save(after, expected, by, why, sorted({*writers, by.name}))
            if done is not None:
                self._offers.publish_rules()
                return done
        raise StaleError(objection("others are publishing just now; try again"))

    def behind(self) -> bool:
        """Whether shoppers see other rules than those that were saved last: Redis was away, or lost them."""
        times = [at for at in (self._offers.rules.changed_at(), self._put_at) if at is not None]
        if times and self._offers.clock() - max(times) < GRACE:
            return False
        return self._offers.shelf.read(()).rules.book != self._offers.rules.load()

    def put_live(self) -> None:
        """What was saved last, once more. Raises BookError."""
        self._offers.publish_rules()
        self._put_at = self._offers.clock()

    def switch(self, on: bool, by: Person, why: str = "") -> None:
        """The kill switch. BookError: Redis does not answer; processes see it within five seconds all the same."""
        _may(by)
        with acting(by.name, why):
            if on:
                self._offers.switch_on()
            else:
                self._offers.switch_off(by.name, why)

    def _save(self, book: RuleBook, expected: int, by: Person, why: str, writers: Sequence[str]) -> Changes | None:
        """None when somebody else was faster."""
        with acting(by.name, why or actor().why):
            try:
                return self._offers.rules.save(book, self._offers.clock(), expected, writers)
            except RuleError as error:
                if not error.stale:
                    raise
                return None

    def _unchanged(self, draft: Draft) -> None:
        if not draft.id:  # it was never kept: a change that is made and put live in one
            return
        now = self._drafts.get(draft.id)
        if now.version != draft.version:
            raise StaleError(
                objection("{writer} has saved the draft of {name} meanwhile", writer=now.writer, name=repr(now.name)),
                current=now,
            )

    def _second_person(self, risks: Sequence[Risk], writers: Iterable[str], by: Person) -> None:
        if risks and by.name in writers:
            raise RiskError(
                objection("this is risky, so somebody who did not write it has to put it live"), list(risks)
            )

    def _writers(self, revision: int, parts: set[str]) -> list[str]:
        """Who wrote these parts as they were in a revision, or wrote them before."""
        found = [
            who
            for each in self._revisions.all()
            if each.revision <= revision and parts & {*each.changes.added, *each.changes.changed}
            for who in each.writers
        ]
        return sorted(set(found))

    def _clashes(self, drafts: Iterable[Draft], now: RuleBook, revision: int) -> list[Clash]:
        found = []
        for draft in drafts:
            if not draft.origin or draft.base == revision:
                continue
            then = self._revisions.book(draft.base) if draft.base else RuleBook()
            before, here = None if then is None else _part(then, draft), _part(now, draft)
            if then is None or before != here:
                found.append(Clash(draft, before, here, then is not None))
        return found

    # --- what rules can offer ----------------------------------------------------------------------------------------

    def reach(self, rule: Rule, book: RuleBook) -> Reach:
        """The products that a rule of a book can offer."""
        if isinstance(rule.offer, Learned | Relative | Second):
            return Reach((), None)
        if isinstance(rule.offer, Ladder):
            refs = list(book.ladders.get(rule.offer.name, ())[1:])
            return Reach(self._products(refs), len(refs))
        refs, more = [], 0
        lists = self._offers.shelf.read(()).lists
        for what, name in sources(rule):
            if what == "product":
                refs.append(name)
                continue
            listed = lists.get(f"{what[0]}:{name}", ())
            refs += listed
            counted = self._catalogue.within(name) if what == "category" else 0
            if not counted and len(listed) >= MOST_LISTED:
                return Reach(self._products(refs), None)
            more += max(counted - len(listed), 0)
        refs = list(dict.fromkeys(refs))
        return Reach(self._products(refs), len(refs) + more)

    def _products(self, refs: Sequence[str]) -> tuple[Product, ...]:
        """As the store has them now; where it does not answer, as they were published."""
        asked = refs[:MOST_LOOKED_UP]
        try:
            found = {product.ref: product for product in self._offers.store.products(asked)} if asked else {}
        except Exception as error:  # a store may raise anything
            faults.note("risks", "the store does not answer: %s: %s", type(error).__name__, error, error=error)
            published = self._offers.shelf.read(()).products
            found = {ref: published[ref] for ref in asked if published.get(ref) is not None}
        return tuple(found[ref] for ref in asked if ref in found)


def _may(by: Person) -> None:
    if not by.role.may(Role.APPROVER):
        raise BadInput("role", objection("{name} may not put anything live: it takes an approver", name=by.name))


def _part(book: RuleBook, draft: Draft) -> Part:
    """The part that a draft changes, in a book."""
    if draft.kind == "ladder":
        return book.ladders.get(draft.origin)
    parts: tuple[Rule, ...] | tuple[object, ...] = book.rules if draft.kind == "rule" else book.seasons
    return next((each for each in parts if each.name == draft.origin), None)  # type: ignore[attr-defined, return-value]


def _fits(before: RuleBook, after: RuleBook) -> None:
    """What rules name must be there, unless it was missing before already. Raises BadInput."""
    was = {missing for rule in before.rules for missing in _missing(rule, before)}
    for rule in after.rules:
        for what, name in _missing(rule, after):
            if (what, name) not in was:
                told = objection(
                    "the rule {name} names the ladder {missing}, which would not be there",
                    name=repr(rule.name),
                    missing=repr(name),
                )
                if what == "season":
                    told = objection(
                        "the rule {name} names the season {missing}, which would not be there",
                        name=repr(rule.name),
                        missing=repr(name),
                    )
                raise BadInput(what, told)


def _missing(rule: Rule, book: RuleBook) -> list[tuple[str, str]]:
    seasons = {season.name for season in book.seasons}
    found = [("season", name) for name in rule.schedule.seasons if name not in seasons]
    if isinstance(rule.offer, Ladder) and rule.offer.name not in book.ladders:
        found.append(("ladder", rule.offer.name))
    return found
