"""The shop's own tables."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.exc import StatementError

from flask_upsell.demo.models import Order
from tests.demo.shopper import Sessions


def test_times_without_a_zone_are_refused(sessions: Sessions) -> None:
    with sessions() as session, pytest.raises(StatementError, match="has no time zone"):
        session.add(Order(number="1", placed_at=datetime(2026, 1, 1)))
        session.flush()
