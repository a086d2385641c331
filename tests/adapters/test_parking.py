"""A job that only a newer version knows is parked by the older one's worker and done by the newer one's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job

from flask_upsell import faults
from flask_upsell.adapters.parking import KEEP_SECONDS, known, parker, unpark
from flask_upsell.adapters.queue import RQQueue
from flask_upsell.web.sweep import find_job
from tests.adapters.test_queue import rq_queue


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    made = Redis.from_url(redis_url)
    yield made
    made.close()


def work(client: Redis) -> None:
    """What waits now, by a worker of this version."""
    worker = SimpleWorker(["q"], connection=client, serializer="json", exception_handlers=[parker(find_job)])
    worker.work(burst=True, logging_level="ERROR")


def failed(client: Redis) -> list[Any]:
    queue = Queue("q", connection=client, serializer="json")
    return [
        Job.fetch(id, connection=client, serializer="json")
        for id in queue.failed_job_registry.get_job_ids(cleanup=False)
    ]


def newer(name: str) -> Any:
    """The jobs of a newer version."""

    def renumber(identifier: str, much: str) -> None: ...

    def fold(identifier: str, which: str = "") -> None: ...

    return {"renumber": renumber, "fold": fold}.get(name)


@pytest.mark.parametrize(("name", "args"), [("renumber", ["7"]), ("fold", ["only these"])])
def test_an_unknown_job_is_parked_and_taken_up(client: Redis, redis_url: str, name: str, args: list[str]) -> None:
    """Planted bugs that it shows: three tries and a day in the registry of failed jobs, as RQ has it; a parked job
    that is taken up by a worker that does not know it either."""
    id = rq_queue(redis_url).enqueue(name, *args)
    work(client)
    (job,) = failed(client)
    assert (job.id, list(job.args)) == (id, ["upsell_b2b", *args])
    assert client.ttl(f"rq:job:{id}") > KEEP_SECONDS - 600
    assert faults.seen["job_unknown"] >= 1
    assert unpark(client, "q", find_job) == 0, "it is of no use to its own version"
    assert [each.id for each in failed(client)] == [id]
    assert unpark(client, "q", newer) == 1
    assert Queue("q", connection=client, serializer="json").job_ids == [id]
    assert (failed(client), unpark(client, "q", newer)) == ([], 0)


def test_a_known_job_that_fails_is_not_parked(client: Redis, redis_url: str) -> None:
    queue: RQQueue = rq_queue(redis_url)
    id = queue.enqueue("fold")  # there is no app here: it raises
    for _ in range(5):
        work(client)
    (job,) = failed(client)
    assert (job.id, job.retries_left, job.get_meta()) == (id, 0, {})
    assert unpark(client, "q", newer) == 0


def test_jobs_of_others_are_nobody_we_know(client: Redis) -> None:
    queue = Queue("q", connection=client, serializer="json")
    assert not known(queue.enqueue("os.system", "true"), find_job)
    assert not known(queue.enqueue("flask_upsell.jobs.msgspec", "x"), find_job)
    assert not known(queue.enqueue("flask_upsell.jobs.fold", "upsell", "and", "more"), find_job)
    assert known(queue.enqueue("flask_upsell.jobs.amend", "upsell", "a", "b"), find_job)
    assert known(queue.enqueue("flask_upsell.jobs.fold", "upsell"), find_job)


def test_a_job_that_expired_meanwhile_is_no_matter(client: Redis, redis_url: str) -> None:
    id = rq_queue(redis_url).enqueue("renumber", "7")
    work(client)
    client.delete(f"rq:job:{id}")
    assert unpark(client, "q", newer) == 0
