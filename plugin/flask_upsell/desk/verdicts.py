"""Suggestions: what learning found, with its evidence, and what was decided of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from ..adapters.audit import SQLAudit, actor
from ..adapters.pairs import Pair as Pair
from ..adapters.pairs import SQLPairs
from ..adapters.pairs import State as State
from ..adapters.verdicts import NEVER as NEVER
from ..adapters.verdicts import SQLVerdicts
from ..adapters.verdicts import Verdict as Verdict
from ..core.curation import sure as sure
from ..core.kind import Kind
from ..core.seasonal import SEASONAL
from ..core.words import objection
from ..errors import BadInput
from ..offers import Offers
from .options import Options

#: Pairs of one decision; characters of its reason.
MOST, LONGEST_REASON = 500, 500
#: Kind ("complement", "upgrade", "seasonal"), antecedent, consequent.
Key = tuple[str, str, str]
#: What the audit calls what goes live with the next book.
DECIDED = "verdict changed"


class Verdicts:
    """One instance's. What is decided holds from the next publishing on, which is asked for by itself; learning again
    does not undo it. Raises BadInput for what is no pair."""

    def __init__(self, kept: SQLVerdicts, learned: SQLPairs, options: Options, audit: SQLAudit, offers: Offers) -> None:
        self._kept, self._learned, self._options, self._audit, self._offers = kept, learned, options, audit, offers

    # --- deciding ----------------------------------------------------------------------------------------------------

    def approve(self, keys: Sequence[Key], why: str = "") -> datetime:
        """Offer these, however sure they are; returns the instant, by which `undo` knows this step."""
        if any(kind == SEASONAL for kind, _, _ in keys):
            raise BadInput("pairs", objection("begin a rule of what is seasonal"))
        return self._decide(keys, "approved", why)

    def begun(self, antecedent: str, consequent: str) -> datetime:
        """A rule was begun of what is seasonal."""
        return self._decide([(SEASONAL, antecedent, consequent)], "approved", "")

    def reject(self, keys: Sequence[Key], why: str = "") -> datetime:
        """Do not offer these, whatever is learned again."""
        return self._decide(keys, "rejected", why)

    def never(self, pairs: Sequence[tuple[str, str]], why: str = "") -> datetime:
        """Offer neither product of these pairs for the other, in no kind."""
        return self._decide([(NEVER, *pair) for pair in pairs], "rejected", why)

    def take_back(self, keys: Sequence[Key], why: str = "") -> datetime:
        """As if nobody had decided these; a pair that was "never" is taken back too."""
        every = [each for kind, one, other in keys for each in ((kind, one, other), (NEVER, one, other))]
        return self._decide(list(dict.fromkeys(every)), "", why)

    def undo(self, at: datetime) -> int:
        """Put back what was before the step of this instant, if this person took it; returns how many pairs."""
        decisions = []
        for each in self._audit.history(who=actor().who, what=DECIDED, since=at, most=10_000):
            now, was = _said(each.after), _said(each.before)
            said = was or now
            if each.at == at and said is not None:
                key = (said["kind"], said["antecedent"], said["consequent"])
                decisions.append((key, was["verdict"] if was else "", was["why"] if was else ""))
        done = self._kept.decide(decisions, self._offers.clock(), only=at) if decisions else 0
        if done:
            self._publish()
        return done

    def _decide(self, keys: Sequence[Key], verdict: str, why: str) -> datetime:
        if not keys:
            raise BadInput("pairs", objection("choose at least one"))
        if len(keys) > 2 * MOST:
            raise BadInput("pairs", objection("at most {most} at once", most=MOST))
        for kind, one, other in keys:
            if kind not in (*Kind, SEASONAL, NEVER) or kind in (Kind.BUNDLE, Kind.PROGRAMME):
                raise BadInput("pairs", objection("{kind} is not learned", kind=repr(kind)))
            if not one.strip() or not other.strip() or one == other or "\0" in one + other or _long(one, other):
                raise BadInput("pairs", objection("two different products"))
        at = self._offers.clock()
        reason = " ".join(why.replace("\0", "").split())[:LONGEST_REASON]
        self._kept.decide([(key, verdict, reason if verdict else "") for key in keys], at)
        self._publish()
        return at

    def _publish(self) -> None:
        self._offers.queue.enqueue("publish", patient=True)

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def least(self) -> int:
        """How sure (percent) what nobody decided must be, to go live by itself; 0: all does, 100: nothing."""
        return int(self._options.all()["auto_approve"])

    def pairs(
        self,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        products: Collection[str] | None = None,
        page: int = 1,
        most: int = 50,
    ) -> tuple[list[Pair], int]:
        """A page of what was learned and how many pairs there are in all; what is likely to bring in most first: the
        share of orders that take it, times its price. `products`: with one of these."""
        least = self.least
        learned = self._learned
        count = learned.count(least, state=state, kind=kind, products=products)
        offset = (max(1, page) - 1) * most
        if offset >= count:
            return [], count
        found = learned.page(least, state=state, kind=kind, products=products, offset=offset, limit=most, total=count)
        return found, count

    def waiting(self) -> int:
        """How many suggestions wait for somebody's decision."""
        least = self.least
        return self._learned.count(least, state=State.WAITING) if least else 0

    def decided(self, most: int = 500) -> list[Verdict]:
        """What was decided, the last first, whether it is still learned or not."""
        return self._kept.all(most)

    def unpublished(self) -> bool:
        """Whether something was decided, here or of products, that the live book does not know yet."""
        live = self._offers.shelf.published()
        last = [each.at for what in (DECIDED, "product changed") for each in self._audit.history(what=what, most=1)]
        return bool(last) and (live is None or live[1] < max(last))


def _said(text: str) -> dict[str, str] | None:
    return msgspec.json.decode(text, type=dict[str, str]) if text else None


def _long(*refs: str) -> bool:
    return any(len(ref) > 200 for ref in refs)
