"""Signed tokens: of one purpose, for one visitor, for a while; forged, foreign and old ones are refused."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random

import pytest

from flask_upsell.errors import TokenError
from flask_upsell.web.shown import Page, Shown
from flask_upsell.web.tokens import PURPOSES, SKEW_SECONDS, Tokens

KEY = "k" * 32


def tokens(*keys: str, seconds: int = 1800, identifier: str = "upsell") -> Tokens:
    return Tokens(keys or (KEY,), identifier, seconds)


def test_what_was_signed_is_read() -> None:
    value = ["an id", {"ü": "€", "n": 7}]
    made = tokens().sign("offer", "ada", value)
    assert tokens().read("offer", "ada", made, list[object]) == value
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.")


def taken(forged: str, purpose: str = "offer", visitor: str = "ada") -> bool:
    """Whether this is read as a token."""
    try:
        tokens().read(purpose, visitor, forged, object)
    except TokenError as error:
        assert not error.expired
        return False
    return True


def mutations(made: str) -> Iterator[str]:
    """Every bit and byte of a token changed, and other ways of writing it that lenient readers take for the same."""
    for place, letter in enumerate(made):
        for bit in range(7):
            yield made[:place] + chr(ord(letter) ^ 1 << bit) + made[place + 1 :]
        for other in "A_-=.~!\0\n é":
            yield made[:place] + other + made[place + 1 :]
            yield made[:place] + other + made[place:]
        yield made[:place] + made[place + 1 :]
        yield made[:place]
        yield made[place:]
        yield made[:place] + made[place:].swapcase()
        if letter in "-_":
            yield made[:place] + {"-": "+", "_": "/"}[letter] + made[place + 1 :]
    yield from (made + more for more in ("=", "==", "A", ".", "\n", " ", "\0", "~0", ".A", made, "." + made))
    yield from (more + made for more in ("=", "A", ".", " ", "\ufeff", "ada.", "\0"))
    payload, stamp, signature = made.split(".")
    raw = urlsafe_b64decode(payload)
    for said in (raw + b" ", b" " + raw, raw.upper(), raw.replace(b"1", b"2"), b"[" + raw + b"]", b"null", b""):
        yield f"{urlsafe_b64encode(said).decode()}.{stamp}.{signature}"
    yield f"{payload.rstrip('=')}.{stamp}.{signature}"
    yield f"{payload}==.{stamp}.{signature}"
    yield f"{payload}.{stamp}.{signature}="
    yield f"{payload}.{stamp}.{urlsafe_b64encode(urlsafe_b64decode(signature + '=') + bytes(1)).decode()}"
    # The last letter of 32 bytes in base64 has two bits that say nothing.
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        yield made[:-1] + letter
    for later in range(1, 40):
        yield f"{payload}.{urlsafe_b64encode((int(time.time()) + later).to_bytes(4)).decode().rstrip('=')}.{signature}"


@pytest.mark.soak
def test_no_mutation_of_a_token_is_taken(
    amount: Callable[[int, int], int], figure: Callable[[str, object, str], None]
) -> None:
    """Tokens as pages hold them: of an offer with levels, a question, a way back.

    Planted bugs that it shows: `unsign` replaced by splitting off the signature; a signature decoded before it is
    compared, as itsdangerous does (its last letter may be another one, and what is no letter is skipped).
    """
    chance, tried, accepted = Random(5), 0, 0
    while tried < amount(10_000, 200_000):
        purpose = PURPOSES[tried % 3]
        visitor = chance.randbytes(chance.randrange(12)).hex()
        made = tokens().sign(purpose, visitor, [chance.randbytes(chance.randrange(1, 90)).hex(), tried])
        assert taken(made, purpose, visitor)
        forged = [*mutations(made), *("".join(chance.sample(made, len(made))) for _ in range(20))]
        for one in forged:
            if one != made:
                tried += 1
                accepted += taken(one, purpose, visitor)
    assert accepted == 0
    figure("mutations of tokens accepted", f"{accepted} of {tried:,}", "0 of 100,000")


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
    for other in ("", "bob", "ada ", "ADA", "ad", "ada.", "ada.a", tokens().sign("offer", "ada", "value")):
        with pytest.raises(TokenError, match="somebody else"):
            tokens().read("offer", other, made, str)


def test_a_token_is_for_one_purpose_and_one_instance_only() -> None:
    """Shown red with one salt for both purposes."""
    made = tokens().sign("offer", "ada", "value")
    with pytest.raises(TokenError, match="not made here"):
        tokens().read("undo", "ada", made, str)
    with pytest.raises(TokenError, match="not made here"):
        tokens(identifier="upsell_b2b").read("offer", "ada", made, str)


@pytest.mark.parametrize(
    ("later", "good"),
    [(0, True), (60, True), (61, False), (10**6, False), (-SKEW_SECONDS, True), (-SKEW_SECONDS - 1, False)],
)
def test_a_token_is_good_for_its_time_to_the_second(monkeypatch: pytest.MonkeyPatch, later: int, good: bool) -> None:
    """A clock may be a little behind that of the machine that made it.

    Planted bugs that it shows: no `max_age`; a token from the future is taken.
    """
    now = int(time.time())
    monkeypatch.setattr(time, "time", lambda: now + 0.5)
    made = tokens(seconds=60).sign("offer", "ada", "value")
    monkeypatch.setattr(time, "time", lambda: now + later + 0.999)
    if good:
        assert tokens(seconds=60).read("offer", "ada", made, str) == "value"
        return
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


@pytest.mark.parametrize("token", ["", ".", "é.1.2", "bm8.1.2", "W10=.1.2", "a.b.c", "\ud800.1", "WzEsMl0=.1.2"])
def test_peeking_at_what_is_no_token_tells_nothing(token: str) -> None:
    assert Tokens.peek(token, tuple[str, Page]) is None
