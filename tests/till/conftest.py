"""A shop for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.till.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.ledger.engine.dispose()
