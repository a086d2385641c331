"""Properties are checked with the same examples on every machine, and may take their time on a busy one. Each has a
long form, of twenty times as many examples."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

for name, most in (("short", 30), ("long", 600)):
    settings.register_profile(
        name, deadline=None, derandomize=True, max_examples=most, suppress_health_check=[HealthCheck.too_slow]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Before the tests are read: what one asks for beside is a multiple of it."""
    settings.load_profile("long" if config.getoption("--long") else "short")


def pytest_itemcollected(item: pytest.Item) -> None:
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        item.add_marker("soak")
