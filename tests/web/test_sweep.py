"""What a worker's parent looks for, in this process. The worker itself: test_worker.py."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from flask_upsell.web.sweep import Sweep
from tests.conftest import MakeApp
from tests.faults.backends import own_valkey
from tests.web.shop import parts_of

#: Seconds: more than all that a sweep may wait for, and less than a client of jobs waits.
LATE = 25.0


def test_a_redis_that_hangs_in_the_midst_of_it_holds_it_up_for_a_moment(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in SQL is folded all the same. Planted bug that it shows: the switch is kept by the client of jobs, which
    tries for minutes."""
    with own_valkey() as server:
        app = make_app(UPSELL_REDIS_URL=server.url)
        here = parts_of(app)
        sweep, state = Sweep(here, "me"), here.offers.switch.state
        here.offers.ledger.record_decline("cart", "complement", "bag", here.offers.clock())

        def hangs() -> Any:
            server.hang()
            return state()

        monkeypatch.setattr(here.offers.switch, "state", hangs)

        def look() -> None:
            with app.app_context():
                sweep()

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(LATE)
        late = thread.is_alive()
        server.go_on()
        thread.join()
        assert not late
        assert [each.declined for each in here.offers.ledger.counts()] == [1]
        sweep.end()
