"""The defaults are the promised ones; a context cannot be changed by what looks at it."""

from __future__ import annotations

import pytest

from flask_upsell.core.context import Capability, Policy, Visitor

from .build import NOW, context, line


def test_a_plain_context_has_the_promised_defaults() -> None:
    plain = context(line("phone"))
    assert plain.policy == Policy(
        max_offers=2, max_upgrades=1, price_gap_percent=25, price_gap_floor=0, complement_times=4
    )
    assert plain.visitor == Visitor("", None, frozenset())
    assert plain.declined == plain.shown_elsewhere == frozenset()
    assert plain.capabilities == set(Capability)
    assert plain.now == NOW


def test_a_context_is_frozen() -> None:
    plain = context(line("phone"))
    with pytest.raises(AttributeError):
        plain.cart.lines[0].quantity = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        plain.declined = frozenset({"case"})  # type: ignore[misc]


def test_capabilities_are_written_as_settings_and_files_write_them() -> None:
    assert {each.value for each in Capability} == {"add", "replace", "remove", "line_price", "grant", "orders"}
