"""Signed tokens: of one purpose, for one visitor, for a while; forged, foreign and old ones are refused."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from flask_upsell.errors import TokenError
from flask_upsell.web.shown import Shown
from flask_upsell.web.tokens import Tokens

KEY = "k" * 32


def tokens(*keys: str, seconds: int = 1800, identifier: str = "upsell") -> Tokens:
    return Tokens(keys or (KEY,), identifier, seconds)


def test_what_was_signed_is_read() -> None:
    value = ["an id", {"ü": "€", "n": 7}]
    made = tokens().sign("offer", "ada", value)
    assert tokens().read("offer", "ada", made, list[object]) == value
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.")


def test_a_token_with_any_byte_changed_is_refused() -> None:
    """Shown red with `unsign` replaced by splitting off the signature."""
    made = tokens().sign("offer", "ada", "value")
    for place in range(len(made)):
        for other in ("A", "_", ".", "\0", "é", chr(ord(made[place]) ^ 1)):
            forged = made[:place] + other + made[place + 1 :]
            if forged == made:
                continue
            try:
                read = tokens().read("offer", "ada", forged, str)
            except TokenError as error:
                assert not error.expired
            else:
                # The last sign of base64 has bits that say nothing: the signature is the same one.
                assert place == len(made) - 1
                assert read == "value"


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "\ud800", "\0", "x" * 100_000, "ä.ö.ü", "=.=.="])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError, match="not made here"):
        tokens().read("offer", "ada", text, str)


def test_every_shorter_or_longer_token_is_refused() -> None:
    made = tokens().sign("offer", "ada", "value")
    for forged in [*(made[:end] for end in range(len(made))), made + "A", "A" + made, made + made, made + ".x"]:
        with pytest.raises(TokenError):
            tokens().read("offer", "ada", forged, str)


def test_parts_of_two_tokens_make_no_third() -> None:
    one, two = (tokens().sign("offer", "ada", value).split(".") for value in ("one", "two"))
    for forged in ([one[0], *two[1:]], [two[0], *one[1:]]):
        with pytest.raises(TokenError, match="not made here"):
            tokens().read("offer", "ada", ".".join(forged), str)


def test_a_token_is_for_one_visitor_only() -> None:
    """Shown red without the comparison of `whose`."""
    made = tokens().sign("offer", "ada", "value")
    for other in ("", "bob", "ada ", "ADA"):
        with pytest.raises(TokenError, match="somebody else"):
            tokens().read("offer", other, made, str)


def test_a_token_is_for_one_purpose_and_one_instance_only() -> None:
    """Shown red with one salt for both purposes."""
    made = tokens().sign("offer", "ada", "value")
    with pytest.raises(TokenError, match="not made here"):
        tokens().read("undo", "ada", made, str)
    with pytest.raises(TokenError, match="not made here"):
        tokens(identifier="upsell_b2b").read("offer", "ada", made, str)


def test_an_old_token_says_that_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown red without `max_age`."""
    made = tokens(seconds=60).sign("offer", "ada", "value")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 59)
    assert tokens(seconds=60).read("offer", "ada", made, str) == "value"
    monkeypatch.setattr(time, "time", lambda: now + 62)
    with pytest.raises(TokenError) as caught:
        tokens(seconds=60).read("offer", "ada", made, str)
    assert caught.value.expired


def test_a_token_to_unsubscribe_does_not_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tokens(seconds=60).sign("unsubscribe", "", "pseudonym")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10 * 366 * 86_400)
    assert tokens(seconds=60).read("unsubscribe", "", made, str) == "pseudonym"
    with pytest.raises(TokenError):
        tokens(seconds=60).read("undo", "", made, str)


def test_a_forged_token_is_not_called_old(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tokens("another key, which is long enough!").sign("offer", "ada", "value")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10**6)
    with pytest.raises(TokenError) as caught:
        tokens().read("offer", "ada", made, str)
    assert not caught.value.expired


def test_keys_rotate() -> None:
    """The last key signs, every listed key is good, and a key that was taken off the list is not."""
    keys = ["first key " * 4, "second key " * 4, "third key " * 4]
    made = [tokens(*keys[: n + 1]).sign("offer", "ada", n) for n in range(3)]
    assert [tokens(*keys).read("offer", "ada", token, int) for token in made] == [0, 1, 2]
    for old, _new in pairwise(range(3)):
        with pytest.raises(TokenError):
            tokens(*keys[old + 1 :]).read("offer", "ada", made[old], int)


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, ["a", "b"], [[1, 2, 3], ["cart"]]])
def test_a_value_of_another_shape_is_refused(value: object) -> None:
    made = tokens().sign("offer", "ada", value)
    with pytest.raises(TokenError):
        tokens().read("offer", "ada", made, Shown)
