"""Asking for background work: JSON, texts, safe to repeat; never an error for a page."""

from __future__ import annotations

import ast
import contextlib
import inspect
import socket
import time
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from flask_upsell import faults, jobs
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import web_client
from flask_upsell.adapters.memory import MemoryQueue
from flask_upsell.adapters.queue import ASKED_SECONDS, JOBS, OurJob, RQQueue
from flask_upsell.core.ports import Queue as Port


def rq_queue(url: str, breaker: Breaker | None = None, seconds: float = 30) -> RQQueue:
    return RQQueue(web_client(url, seconds), breaker or Breaker(), name="q", identifier="upsell_b2b")


def test_a_job_is_named_texts_in_json_and_is_tried_again(redis_url: str) -> None:
    id = rq_queue(redis_url).enqueue("amend", "a", 'b "😀"')
    client = Redis.from_url(redis_url)
    (job,) = Queue("q", connection=client, serializer=JSONSerializer).jobs
    assert job.id == id
    assert job.func_name == "flask_upsell.jobs.amend"
    assert list(job.args) == ["upsell_b2b", "a", 'b "😀"']
    assert (job.retries_left, job.kwargs) == (3, {})
    client.close()


@pytest.mark.parametrize("fixture", ["memory", "redis"])
def test_no_worker_is_seen_where_none_is(fixture: str, redis_url: str) -> None:
    queue: Port = MemoryQueue() if fixture == "memory" else rq_queue(redis_url)
    assert queue.worker_seen() is False
    assert queue.enqueue("fold") not in (None, "")


@pytest.mark.parametrize("fixture", ["memory", "redis"])
def test_what_is_asked_for_once_waits_once_and_may_be_asked_for_again_when_it_begins(
    fixture: str, redis_url: str
) -> None:
    """A thousand orders a minute would keep all other jobs waiting. Planted bug that it shows: never begun."""
    queue: Port = MemoryQueue() if fixture == "memory" else rq_queue(redis_url)
    for _ in range(3):
        queue.enqueue_once("fold")
    assert queue.depth() == 1
    queue.begin("fold")
    depth = queue.depth()
    queue.enqueue_once("fold")
    assert queue.depth() == depth + 1


def test_what_was_asked_for_once_and_was_lost_is_asked_for_again(redis_url: str) -> None:
    queue = rq_queue(redis_url)
    queue.enqueue_once("fold")
    client = Redis.from_url(redis_url)
    assert 0 < client.ttl("upsell_b2b:{jobs}:asked:fold") <= ASKED_SECONDS
    client.delete("upsell_b2b:{jobs}:asked:fold")
    queue.enqueue_once("fold")
    assert queue.depth() == 2
    client.close()


def test_without_redis_asking_once_is_counted_and_soon_free() -> None:
    breaker = Breaker()
    queue = rq_queue("unix:///nowhere.sock", breaker)
    before = faults.seen["redis_queue"]
    for _ in range(10):
        queue.enqueue_once("fold")
        queue.begin("fold")
    assert faults.seen["redis_queue"] == before + 3
    assert breaker.open


def test_a_heartbeat_is_a_worker(redis_url: str) -> None:
    queue = rq_queue(redis_url)
    client = Redis.from_url(redis_url)
    queue.beat(client, "one")
    queue.beat(client, "two")
    assert queue.worker_seen() is True
    assert rq_queue(redis_url).worker_seen() is True
    queue.end(client, "one")
    assert queue.worker_seen() is True, "the one that ends takes no other's heartbeat along"
    client.zadd(queue.heartbeat, {"two": time.time() - 0.01})
    assert queue.worker_seen() is False, "two was not heard of for too long"
    client.close()


def test_without_redis_asking_is_none_counted_and_soon_free() -> None:
    breaker = Breaker()
    queue = rq_queue("unix:///nowhere.sock", breaker)
    before = faults.seen["redis_queue"]
    assert [queue.enqueue("fold") for _ in range(10)] == [None] * 10
    assert faults.seen["redis_queue"] == before + 3
    assert breaker.open


def test_a_redis_that_hangs_costs_a_few_timeouts() -> None:
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(50)
        queue = rq_queue(f"redis://127.0.0.1:{hole.getsockname()[1]}/0", seconds=0.02)
        assert queue.enqueue("fold") is None
        hole.setblocking(False)
        asked = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                hole.accept()[0].close()
                asked += 1
        assert 1 <= asked <= 3, "redis-py's own patience is more"


def test_the_queue_in_memory_remembers_what_was_asked() -> None:
    queue = MemoryQueue()
    assert queue.enqueue("amend", "a", "b") != queue.enqueue("fold")
    assert queue.jobs == [("amend", ("a", "b")), ("fold", ())]


@pytest.mark.parametrize("fixture", ["memory", "redis"])
def test_the_depth_is_how_many_jobs_wait(fixture: str, redis_url: str) -> None:
    queue: Port = MemoryQueue() if fixture == "memory" else rq_queue(redis_url)
    assert queue.depth() == 0
    queue.enqueue("fold")
    queue.enqueue("amend", "a")
    assert queue.depth() == 2


def test_every_job_of_ours_may_be_asked_for_and_nothing_else() -> None:
    """Whatever is enqueued anywhere is a function of `jobs` that begins with the instance's name."""
    functions = {
        name for name, found in vars(jobs).items()
        if inspect.isfunction(found) and found.__module__ == jobs.__name__ and name in JOBS
        and next(iter(inspect.signature(found).parameters)) == "identifier"
    }  # fmt: skip
    assert functions == JOBS
    asked = set()
    for path in Path(jobs.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("enqueue", "enqueue_once")
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    asked.add(first.value)
                else:
                    assert path.name == "queue.py", f"{path}:{node.lineno}: name the job as a text"
    assert asked and asked <= JOBS


def test_a_job_tells_nobody(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ sends what a job made to the address that the job names.

    Planted bug that it shows: `send_webhooks` is RQ's own.
    """
    client = Redis.from_url(redis_url)
    asked: list[object] = []
    monkeypatch.setattr(Webhook, "send", lambda *given, **more: asked.append(given))
    for kind, heard in ((Job, 1), (OurJob, 0)):
        asked.clear()
        job = kind("one", connection=client, serializer="json")
        job.restore(
            {
                b"data": b'["flask_upsell.jobs.fold",null,["upsell"],{}]',
                b"created_at": b"2026-01-01T00:00:00.000000Z",
                b"webhooks": b'[{"url":"http://evil.example/","job_status":"finished"}]',
            }
        )
        job.send_webhooks("finished")
        assert len(asked) == heard
    client.close()
