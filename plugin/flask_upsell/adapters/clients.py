"""The two Redis clients: one that a page can afford, one that a worker can rely on."""

from __future__ import annotations

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry


def web_client(url: str, seconds: float) -> Redis:
    """Fails within `seconds` a socket operation and never tries again: redis-py's defaults hold a page for a minute.

    RESP2 without client names, because each extra command of a handshake may wait for the timeout once more.
    """
    return Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        protocol=2,
        driver_info=None,
        health_check_interval=0,
    )


def worker_client(url: str) -> Redis:
    """Waits and tries again: a job has time."""
    return Redis.from_url(
        url, socket_timeout=30, socket_connect_timeout=5, retry=Retry(ExponentialWithJitterBackoff(base=0.1, cap=2), 5)
    )
