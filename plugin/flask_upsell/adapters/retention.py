"""How long rows are kept. What is older goes, some rows at a time: no order waits for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, Table, and_, delete, exists, func, not_, or_, select, tuple_, update

from . import desk_tables as d
from . import tables as t
from .desk_tables import uploads
from .dialects import start_writing
from .diary import KEEP as KEEP_FOLLOW_UPS
from .diary import OPEN
from .lesson_tables import recents

#: How long an idempotency key is kept, and what was to be accepted with it.
KEEP_REQUESTS = timedelta(hours=72)
#: How long an event is kept after it was counted.
KEEP_EVENTS = timedelta(days=30)
#: How long what was read of a file waits to be imported.
KEEP_UPLOADS = timedelta(days=1)
AT_ONCE = 1000
#: Whose acceptances of long ago are: those that a goal still counts.
NOBODY = "past"


class SQLRetention:
    """One instance's."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self.engine = engine
        self._instance = instance

    def tidy(
        self, at: datetime, keep: timedelta, rules: Collection[str], goals: Mapping[str, datetime]
    ) -> dict[str, int]:
        """Remove what is older than it is kept; returns rows by table. Safe to repeat, and to be killed.

        `keep`: how long single events are. `rules`: names of all there are, since limits and promises stand as long as
        their rule does; `goals`: since when those that have a goal count what is sold.
        """
        old = at - keep
        a, c, r, p, f = t.acceptances.c, t.conversions.c, t.redemptions.c, t.promises.c, t.follow_ups.c
        counted = [and_(a.rule == rule, c.ordered_at >= since) for rule, since in goals.items()]
        its_own = and_(a.instance == c.instance, a.id == c.acceptance)
        for_a_goal = exists().where(its_own, or_(*counted)) if counted else None
        converted = exists().where(and_(c.instance == a.instance, c.acceptance == a.id))
        # A discounted line may be in a cart for as long as the store keeps it: without its row nobody would count it.
        in_a_cart = and_(
            a.state.in_(("accepted", "undoing")), a.rule != "", or_(a.normal > a.unit_price, a.bundle != "")
        )
        intended = and_(a.state == "intended", a.claimed_at < at - KEEP_REQUESTS)
        live = r.rule.in_(sorted(rules))
        late = t.redemptions.alias()
        still = exists().where(late.c.instance == r.instance, late.c.rule == r.rule, late.c.granted_at >= old)
        last = select(func.max(t.runs.c.started_at)).where(t.runs.c.instance == self._instance).group_by(t.runs.c.job)
        done = {
            "upsell_request": self._delete(t.requests, t.requests.c.created_at < at - KEEP_REQUESTS),
            "upsell_api_request": self._delete(d.api_requests, d.api_requests.c.created_at < at - KEEP_REQUESTS),
            "upsell_outbox": self._delete(t.outbox, t.outbox.c.folded_at < at - KEEP_EVENTS),
            "upsell_batch": self._delete(t.batches, t.batches.c.folded_at < at - KEEP_EVENTS),
            "upsell_conversion": self._delete(
                t.conversions, c.ordered_at < old, *([] if for_a_goal is None else [not_(for_a_goal)])
            ),
            "upsell_acceptance": self._delete(
                t.acceptances, or_(intended, and_(a.accepted_at < old, not_(converted), not_(in_a_cart)))
            ),
            "upsell_redemption": self._delete(
                t.redemptions, or_(r.released_at < old, and_(r.granted_at < old, not_(live), not_(still)))
            ),
            "upsell_promise": self._delete(t.promises, p.promised_at < old, p.rule.not_in(sorted(rules))),
            "upsell_follow_up": self._delete(t.follow_ups, f.state.not_in(OPEN), f.next_at < at - KEEP_FOLLOW_UPS),
            "upsell_run": self._delete(t.runs, t.runs.c.started_at < old, t.runs.c.started_at.not_in(last)),
        }
        done["upsell_recent"] = self._delete(recents, recents.c.at < at - KEEP_EVENTS)
        done["upsell_upload"] = self._delete(uploads, uploads.c.at < at - KEEP_UPLOADS)
        n = t.allowances.c
        none_left = not_(exists().where(r.instance == n.instance, r.rule == n.rule))
        past_day = and_(n.scope.startswith("day:"), n.scope < f"day:{old:%Y-%m-%d}")
        unused = and_(n.rule.not_in(sorted(rules)), none_left)
        done["upsell_allowance"] = self._delete(t.allowances, or_(past_day, unused))
        with self.engine.begin() as connection:
            start_writing(connection)
            past = (a.instance == self._instance, a.accepted_at < old, converted, a.visitor != NOBODY)
            values = update(t.acceptances).where(*past).values(visitor=NOBODY, line="")
            done["upsell_acceptance"] += connection.execute(values).rowcount
        return done

    def _delete(self, table: Table, *which: ColumnElement[bool]) -> int:
        key = list(table.primary_key.columns)
        batch = select(*key).where(table.c.instance == self._instance, *which).limit(AT_ONCE)
        gone = 0
        while True:
            with self.engine.begin() as connection:
                start_writing(connection)
                rows: int = connection.execute(delete(table).where(tuple_(*key).in_(batch))).rowcount
            gone += rows
            if rows < AT_ONCE:
                return gone
