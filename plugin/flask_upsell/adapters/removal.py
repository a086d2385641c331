"""Taking all of it out again: tables, or one instance's rows, and keys in Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from sqlalchemy import Engine, delete, inspect

from .clients import worker_client
from .found import TAGS
from .migrate import VERSION_TABLE, instances, rows
from .schema import metadata

#: Jobs of RQ that are ours.
JOBS = "flask_upsell.jobs."
REGISTRIES = ("failed", "finished", "started", "deferred", "scheduled", "canceled")


class Found(msgspec.Struct, frozen=True):
    """What there is of us. `tables`: their rows, {} when others use them too; `others`: those other instances, whose
    rows stay; `strange`: tables with our prefix that this version does not know."""

    tables: dict[str, int]
    others: tuple[str, ...]
    strange: tuple[str, ...]


def tables_of(engine: Engine, instance: str) -> Found:
    names = set(inspect(engine).get_table_names())
    ours = rows(engine)
    if VERSION_TABLE in names:
        ours[VERSION_TABLE] = 1
    with engine.connect() as connection:
        others = instances(connection) - {instance}
    strange = sorted(name for name in names if name.startswith("upsell_") and name not in ours)
    return Found(ours, tuple(sorted(others)), tuple(strange))


def drop_tables(engine: Engine, instance: str, found: Found) -> None:
    """All of them in one transaction; only this instance's rows while there are others."""
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in found.tables:
                continue
            if not found.others:
                table.drop(connection)
            elif "instance" in table.c:
                connection.execute(delete(table).where(table.c.instance == instance))
        if not found.others:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {VERSION_TABLE}")


class Keys:
    """An instance's keys in Redis, and its jobs. Raises what redis-py raises."""

    def __init__(self, identifier: str, redis_url: str, queue_url: str, queue: str) -> None:
        self._identifier, self._queue = identifier, queue
        self._places = [(tag, worker_client(queue_url if tag == "jobs" else redis_url, tag)) for tag in TAGS]
        # A key that another tag has is found too where all are on one server.
        self._jobs = self._places[-1][1]

    def all(self) -> list[str]:
        """Their names, sorted."""
        found = {key for _, client in self._places for key in self._own(client)}
        return sorted(found | {f"rq:job:{job.id}" for job, _ in self._ours()})

    def remove(self) -> int:
        """Remove them; returns how many keys there were."""
        removed = len(self.all())
        for job, registries in self._ours():
            for registry in registries:
                self._jobs.zrem(registry, job.id)
            job.delete()
        queue = Queue(self._queue, connection=self._jobs, serializer="json")
        if not self._waiting(queue):  # nobody else's job is in it
            self._jobs.srem("rq:queues", queue.key)
            marks = [f"rq:{mark}:{self._queue}" for mark in ("clean_registries", "workers", "wip")]
            self._jobs.delete(queue.key, f"{queue.key}:intermediate", *marks)
        for _, client in self._places:
            for key in self._own(client):
                client.unlink(key)
        return removed

    def close(self) -> None:
        for _, client in self._places:
            client.close()

    def _own(self, client: Redis) -> Iterator[str]:
        for key in client.scan_iter(match=self._identifier + ":{*", count=1000):
            yield key.decode()

    def _ours(self) -> Iterator[tuple[Job, list[str]]]:
        """Our jobs, wherever they wait or ended, and where; a queue may hold a store's own jobs too."""
        queue = Queue(self._queue, connection=self._jobs, serializer="json")
        for id, registries in self._waiting(queue).items():
            try:
                job = Job.fetch(id, connection=self._jobs, serializer="json")
                ours = str(job.func_name).startswith(JOBS) and list(job.args)[:1] == [self._identifier]
            except NoSuchJobError:  # it expired, its place in a registry did not yet
                continue
            if ours:
                yield job, registries

    def _waiting(self, queue: Queue) -> dict[str, list[str]]:
        """Job -> keys of the registries that it is in."""
        places: dict[str, list[str]] = {id: [] for id in queue.job_ids}
        for name in REGISTRIES:
            registry: Any = getattr(queue, f"{name}_job_registry")
            for id in registry.get_job_ids(cleanup=False):
                places.setdefault(id, []).append(registry.key)
        return places
