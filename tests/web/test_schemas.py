"""What a browser may send when it accepts."""

from __future__ import annotations

import pytest

from flask_upsell.errors import BadInput
from flask_upsell.web.schemas import read_accept

KEY = "abcdefghijklmnop"


def test_a_key_and_perhaps_a_variant() -> None:
    assert read_accept({"key": KEY}) == (KEY, None)
    assert read_accept({"key": KEY, "variant": ""}) == (KEY, None)
    assert read_accept({"key": KEY, "variant": "l"}) == (KEY, "l")


def test_every_other_field_is_left_out() -> None:
    more = {"price": "1", "cart": "other", "line": "7", "next": "//evil.example", "quantity": "NaN", "csrf_token": "x"}
    assert read_accept({"key": KEY, **more}) == (KEY, None)


@pytest.mark.parametrize(
    "key", ["", "short", "a" * 15, "a" * 65, KEY + "\n", KEY + "\0", "ä" * 16, "<b>" * 8, "' OR 1=1 --   ", "a b" * 8]
)
def test_a_bad_key_is_named(key: str) -> None:
    """Shown red with `$` for `\\Z`."""
    with pytest.raises(BadInput) as caught:
        read_accept({"key": key})
    assert caught.value.field == "key"


def test_a_missing_key_is_named() -> None:
    with pytest.raises(BadInput, match="key"):
        read_accept({})


def test_a_variant_of_any_length_is_not_taken() -> None:
    assert read_accept({"key": KEY, "variant": "v" * 200}) == (KEY, "v" * 200)
    with pytest.raises(BadInput, match="variant"):
        read_accept({"key": KEY, "variant": "v" * 201})
