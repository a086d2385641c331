"""What signs is drawn by chance and worth 256 bits; what anybody could guess is told apart from it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable

import pytest

from flask_upsell.keys import KNOWN, PLACEHOLDERS, weakness

Amount = Callable[[int, int], int]
FLASKS_MANUAL = "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"

WEAK: list[str | bytes] = [
    "", b"", "dev", b"dev", "secret", "changeme", "change-me", "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET", "0", "test",
    FLASKS_MANUAL, FLASKS_MANUAL.upper(), b"_5#y2L\"F4Q8z\n\xec]/", '_5#y2L"F4Q8z\n\xec]/',
    "A0Zr98j/3yX R~XHH!jmN]LWX/,?RT", "you-will-never-guess", "hard to guess string", "thisISaSECRET_1234",
    "this is a very long text which somebody calls the secret key of the shop, and it is none",
    "k" * 40, "k" * 4000, "ab" * 200, "0123456789abcdef" * 8, "0123456789" * 20, bytes(range(256)), "\0" * 64,
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", b"\xff" * 64, "qwertyuiopasdfghjkl" * 5,
    "correct horse battery staple " * 3, "the quick brown fox jumps over the lazy dog and runs away from it",
    secrets.token_hex(16), secrets.token_urlsafe(24), secrets.token_hex(16) * 4, os.urandom(16), os.urandom(24),
    "4c4f9d3e-9b1b-4a3e-8c61-0f2a6c1d7e55",
]  # fmt: skip


@pytest.mark.parametrize("key", WEAK, ids=map(str, range(len(WEAK))))
def test_a_key_that_can_be_guessed_is_weak(key: str | bytes) -> None:
    """Planted bug that it shows: only the length is looked at."""
    wrong = weakness(key)
    assert wrong is not None
    text = key.decode("latin-1") if isinstance(key, bytes) else key
    assert len(text) < 8 or text not in wrong, "a refused secret is not repeated"


def test_every_known_key_and_placeholder_is_weak_however_long_it_is() -> None:
    for known in KNOWN:
        assert weakness(known) == "is one from a manual, which everybody knows"
        assert weakness(known.encode("latin-1")) is not None
    for words in PLACEHOLDERS:
        assert weakness(secrets.token_hex(32) + words.upper()) is not None


@pytest.mark.soak
def test_a_key_that_was_drawn_by_chance_is_good(amount: Amount) -> None:
    """As the manuals draw them; none is refused by bad luck. Planted bug that it shows: half of the neighbours near
    each other are too many also of digits, of which one key in 100,000 has that."""
    assert weakness("211277777689404002332161544444261532159871016815979777873348866575326659817455") is None
    draw: list[Callable[[], str | bytes]] = [
        secrets.token_hex,
        lambda: secrets.token_hex(32).upper(),
        lambda: secrets.token_urlsafe(32),
        lambda: os.urandom(32),
        lambda: "".join(secrets.choice("0123456789") for _ in range(78)),
        lambda: "".join(
            secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)") for _ in range(50)
        ),  # Django's
    ]
    assert weakness("ndly-9mkebgdecy2yed_2jhyf_g2fyo-krlglr@c%hic0_lhxs") is None, "gaps alone make no words"
    for _ in range(amount(1_000, 20_000)):
        for one in draw:
            key = one()
            assert weakness(key) is None, key
