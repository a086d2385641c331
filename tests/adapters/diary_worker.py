"""A process that follows up all that is due, beside others that do the same. `test_diary` starts four.

Lines in: a job as JSON, then "go". Lines out: "ready", then as JSON the orders that it sent.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime

from flask_upsell.adapters.diary import SQLDiary
from flask_upsell.adapters.ledger import make_engine
from flask_upsell.core.followup import State
from tests.patience import wait_for_locks


def send_all(diary: SQLDiary, at: datetime, number: int, count: int) -> list[str]:
    """Every process begins with another order, so that they meet at the orders of one customer."""
    sent = []
    while plans := diary.due(at, 1000):
        for plan in plans[number * len(plans) // count :] + plans[: number * len(plans) // count]:
            mine = diary.claim(plan, at)
            if mine is not None and diary.begin(mine, at) is State.SENDING:
                sent.append(mine.order)
                diary.finish(mine, at)
    return sent


def main() -> None:
    for row in sys.stdin:
        job = json.loads(row)
        engine = wait_for_locks(make_engine(job["url"]))
        diary = SQLDiary(engine, "upsell")
        at = datetime.fromisoformat(job["at"])
        diary.waiting(at)
        print("ready", flush=True)
        if sys.stdin.readline().strip() == "and die":
            _die(diary, at, job["stage"])
        print(json.dumps(send_all(diary, at, job["number"], job["count"])), flush=True)
        engine.dispose()


def _die(diary: SQLDiary, at: datetime, stage: str) -> None:
    """Be killed in the middle of it."""
    plan = diary.claim(diary.due(at, 1)[0], at)
    assert plan is not None
    if stage == "sending":
        assert diary.begin(plan, at) is State.SENDING
    os.kill(os.getpid(), 9)


if __name__ == "__main__":
    main()
