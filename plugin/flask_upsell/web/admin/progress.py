"""How a run of the worker stands, as pages say it."""

from __future__ import annotations

from redis.exceptions import RedisError

from ...core.words import say
from ...desk.runs import Run
from .office import Admin, Answer

STATES = {
    "queued": (say("waiting"), "busy"),
    "running": (say("running"), "busy"),
    "done": (say("done"), "good"),
    "failed": (say("failed"), "bad"),
    "cancelled": (say("cancelled"), "calm"),
    "broken": (say("broken off"), "bad"),
}


def waits(admin: Admin, run: Run) -> bool:
    """Whether nobody is there to do it."""
    if run.state != "queued":
        return False
    try:
        return not admin.desk.offers.queue.worker_seen()
    except (RedisError, OSError):
        return True


def cancelled(admin: Admin, done: bool, endpoint: str, **values: str) -> Answer:
    """To that page, which says whether there was something to cancel."""
    said = say("Cancelled.") if done else say("It was over already.")
    return admin.go(endpoint, said, "done" if done else "sorry", **values)
