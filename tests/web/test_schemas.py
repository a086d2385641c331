"""What a browser may send when it accepts."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from flask_upsell.errors import BadInput
from flask_upsell.web.schemas import Accept, read_accept

KEY = "abcdefghijklmnop"


def read(*given: tuple[str, str]) -> Accept:
    return read_accept(MultiDict(given))


def test_a_key_and_perhaps_a_variant() -> None:
    assert read(("key", KEY)) == Accept(KEY, None, (), False)
    assert read(("key", KEY), ("variant", "")) == Accept(KEY, None, (), False)
    assert read(("key", KEY), ("variant", "l")) == Accept(KEY, "l", (), False)


def test_every_other_field_is_left_out() -> None:
    more = {"price": "1", "cart": "other", "line": "7", "next": "//evil.example", "quantity": "NaN", "csrf_token": "x"}
    assert read(("key", KEY), *more.items()) == Accept(KEY, None, (), False)


@pytest.mark.parametrize(
    "key", ["", "short", "a" * 15, "a" * 65, KEY + "\n", KEY + "\0", "ä" * 16, "<b>" * 8, "' OR 1=1 --   ", "a b" * 8]
)
def test_a_bad_key_is_named(key: str) -> None:
    """Shown red with `$` for `\\Z`."""
    with pytest.raises(BadInput) as caught:
        read(("key", key))
    assert caught.value.field == "key"


def test_a_missing_key_is_named() -> None:
    with pytest.raises(BadInput, match="key"):
        read()


def test_a_variant_of_any_length_is_not_taken() -> None:
    assert read(("key", KEY), ("variant", "v" * 200)).variant == "v" * 200
    with pytest.raises(BadInput, match="variant"):
        read(("key", KEY), ("variant", "v" * 201))


def test_what_is_ticked_and_agreed_to() -> None:
    ticked = read(("key", KEY), ("piece", "3"), ("piece", "0"), ("piece", "0"), ("agreed", "1"))
    assert ticked == Accept(KEY, None, (0, 3), True)


@pytest.mark.parametrize("piece", ["4", "-1", "x", "", "1.5", "9" * 400])
def test_places_that_no_bundle_has_are_named(piece: str) -> None:
    with pytest.raises(BadInput, match="piece"):
        read(("key", KEY), ("piece", piece))


def test_more_places_than_any_bundle_has_are_named() -> None:
    with pytest.raises(BadInput, match="piece"):
        read(("key", KEY), *[("piece", "1")] * 9)
