"""`flask upsell off` in real processes: how soon none of them shows an offer any more, with Redis and without."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flask_upsell.core.switch import Off
from flask_upsell.jobs import Parts
from tests.conftest import ROOT, migrate
from tests.faults.backends import Server
from tests.faults.small_shop import shop
from tests.web.markup import slots
from tests.web.shop import parts_of, publish

Figure = Callable[[str, object, str], None]
OURS = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(params=["there", "hangs"])
def redis(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def patience(redis: str) -> float:
    """Seconds that a page waits for Redis: a busy machine is no outage."""
    return 1.0 if redis == "there" else 0.2


@pytest.fixture
def here(server: Server, tmp_path: Path, patience: float) -> Iterator[Parts]:
    """This process of the shop."""
    made = parts_of(app := shop(server.url, f"sqlite:///{tmp_path / 'ledger.db'}", patience))
    migrate(made.offers.ledger.engine)  # type: ignore[attr-defined]
    publish(app)
    yield made
    made.close()


@pytest.fixture
def ports(server: Server, here: Parts, patience: float) -> Iterator[list[int]]:
    """Three more, each of which shows offers."""
    command = [sys.executable, "-m", "tests.faults.small_shop", server.url, here.settings.database_url, str(patience)]
    with ExitStack() as until_then:
        found = []
        for _ in range(3):
            started = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=OURS
            )
            process = until_then.enter_context(started)
            until_then.callback(process.kill)
            assert process.stdout is not None
            found.append(int(process.stdout.readline()))
        for port in found:
            seconds_until(lambda port=port: bool(shown(port)))  # type: ignore[misc]
        yield found


def shown(port: int) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/cart")
        answer = connection.getresponse()
        assert answer.status == 200
        return [product for slot in slots(answer.read().decode()) for product in slot.products]
    finally:
        connection.close()


def seconds_until(holds: Callable[[], bool]) -> float:
    """How long it took to become true."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started <= 120, "it did not come true"
        time.sleep(0.02)
    return time.monotonic() - started


def test_off_ends_the_offers_of_every_process(
    server: Server, here: Parts, ports: list[int], redis: str, figure: Figure
) -> None:
    """Planted bugs that it shows: `_take` does not read the field (there), `_is_off` believes what Redis said last
    (hangs)."""
    offers = here.offers
    if redis == "hangs":
        server.hang()
        # All of them notice, and ask SQL for the first time before it is off.
        until = time.monotonic() + 1
        while time.monotonic() < until:
            assert all(shown(port) for port in ports)
        # The command says so when Redis does not answer, which takes a while; the switch is off first.
        offers.switch.set(Off(datetime.now(UTC), "ada"))
    else:
        offers.switch_off("ada", "the prices are wrong")
    started = time.monotonic()
    for port in ports:
        seconds_until(lambda port=port: not shown(port))  # type: ignore[misc]
    figure(f"seconds until off, Redis {redis}", f"{time.monotonic() - started:.2f}", "5" if redis == "hangs" else "1")
    if redis == "hangs":
        server.go_on()
        # It still has the old word; the worker tells it the new one.
        offers.keep_switch()
        time.sleep(1)
        assert not any(shown(port) for port in ports)
    offers.switch_on()
    for port in ports:
        seconds_until(lambda port=port: bool(shown(port)))  # type: ignore[misc]
