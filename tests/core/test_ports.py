"""What is kept of an accepted offer knows its saving."""

from __future__ import annotations

import pytest

from flask_upsell.core.kind import Kind
from flask_upsell.core.ports import Acceptance


@pytest.mark.parametrize(("normal", "price", "off"), [(0, 900, 0), (1000, 900, 300), (1000, 0, 3000), (900, 1000, 0)])
def test_what_was_taken_off_is_off_all_units(normal: int, price: int, off: int) -> None:
    assert Acceptance("1", "v", "cart", Kind.COMPLEMENT, "o", "pen", 3, price, "EUR", normal=normal).off == off
