"""A shop on a Valkey of its own, which tests hang, kill and fill."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_upsell import Line, MemoryStore, Upsell, faults
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.settings import BY_NAME
from tests.conftest import SECRET, migrate
from tests.faults.backends import Server, own_valkey
from tests.patience import wait_for_redis
from tests.web.shop import GOODS, add_pages, parts_of

MakeShop = Callable[..., Flask]
#: A page waits for Redis no longer than it does by default.
DEFAULT: float = BY_NAME["REDIS_SECONDS"].default
HASTY = {"UPSELL_REDIS_SECONDS": DEFAULT}


def hurry(app: Flask) -> None:
    """Its pages wait no longer than they do by default."""
    wait_for_redis(app, DEFAULT)


class Watched(Breaker):
    """A breaker that counts its `resets`: answers after failures. It allows as many failures again after each."""

    resets = 0

    @property
    def _failed(self) -> int:
        return int(self.__dict__["_failed"])

    @_failed.setter
    def _failed(self, times: int) -> None:
        self.resets += not times and self._failed > 0
        self.__dict__["_failed"] = times


def watched(app: Flask) -> Watched:
    """The breaker of this shop, from now on counting."""
    breaker = parts_of(app).breakers["redis"]
    breaker.__class__ = Watched
    assert isinstance(breaker, Watched)
    return breaker


@pytest.fixture
def fast_folder() -> Iterator[Path]:
    """In memory where there is such a folder: processes are killed here, the power is not."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="upsell-steps-", dir=memory if memory.is_dir() else None))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def server() -> Iterator[Server]:
    with own_valkey() as made:
        yield made


@pytest.fixture(autouse=True)
def no_faults_yet() -> Iterator[None]:
    faults.seen.clear()
    yield
    faults.seen.clear()


@pytest.fixture
def make_shop(server: Server, tmp_path: Path) -> Iterator[MakeShop]:
    """Processes of one shop: apps that share Valkey and database, each with its own copy of the book.

    Config by keyword. A Valkey that answers is waited for, however busy the machine is; `HASTY` is for one that hangs:
    as long as it works, such a shop may be told to `wait_for_redis`, and `hurry` back.
    """
    made: list[Flask] = []

    def make(**config: Any) -> Flask:
        store = MemoryStore(GOODS, urls={"cart": "/cart"})
        store.carts["visitor"] = [Line("first", "laptop", 1, 64900)]
        app = Flask(f"shop{len(made)}", root_path=str(tmp_path))
        app.config.update(
            SECRET_KEY=SECRET,
            UPSELL_REDIS_URL=server.url,
            UPSELL_DATABASE_URL=f"sqlite:///{tmp_path / 'ledger.db'}",
            # Every page asks Redis: the worst case.
            UPSELL_BOOK_SECONDS=0.0,
            UPSELL_REDIS_SECONDS=1.0,
            UPSELL_SLOW_SECONDS=0,
            UPSELL_CONSENT=lambda: True,
            UPSELL_RATE_VISITOR=0,
        )
        app.config.update(config)
        Upsell(app, store=store)
        add_pages(app, store)
        migrate(parts_of(app).offers.ledger.engine)  # type: ignore[attr-defined]
        made.append(app)
        return app

    yield make
    for app in made:
        parts_of(app).close()
