"""What signs: the app's SECRET_KEY, or UPSELL_KEYS; and whether it is a secret that somebody could guess."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log2, sqrt
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from .errors import SettingsError

log = logging.getLogger("flask_upsell")
#: Settings with weak keys that this process was told of already.
_told_of: set[str] = set()

#: What a signing key must be worth: as many tries as there are keys of so many bits.
LEAST_BITS = 256
#: So many standard deviations from what chance gives on average are no chance.
FAR_FROM_CHANCE = 7
MAKE_ONE = "make one with python -c 'import secrets; print(secrets.token_hex(32))'"
#: Keys of manuals and images, which people copy; and words that stand where a key ought to be.
KNOWN = {
    known.lower()
    for known in (
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's manual, now and before
        '_5#y2L"F4Q8z\n\xec]/',
        "A0Zr98j/3yX R~XHH!jmN]LWX/,?RT",
        'fd{H\xe5<\x95\xf9\xe3\x96.5\xd1\x01O<!\xd5\xa2\xa0\x9fR"\xa1\xa8',
        "5791628bb0b13ce0c676dfde280ba245",  # a well-known course
        "\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h",  # Superset (CVE-2023-27524)
        "thisISaSECRET_1234",
        "TEST_NON_DEV_SECRET",
    )
}
PLACEHOLDERS = (
    "changeme", "changethis", "replaceme", "replacethis", "yoursecret", "yourkey", "yourown", "secretkey", "mysecret",
    "supersecret", "topsecret", "insecure", "placeholder", "toguess", "neverguess", "password", "qwerty", "passphrase",
    "example", "keepthissecret", "donotuse",
)  # fmt: skip
_ALPHABETS = (
    set(digits),
    set(digits + "abcdef"),
    set(digits + "ABCDEF"),
    set(ascii_lowercase),
    set(ascii_uppercase),
    set(digits + ascii_lowercase),
    set(digits + ascii_uppercase),
    set(digits + ascii_lowercase + ascii_uppercase + "+/_-="),
    {chr(code) for code in range(32, 127)},
    {chr(code) for code in range(256)},
)


def signing_keys(config: Mapping[str, Any], given: Sequence[str] | None, name: str) -> tuple[str, ...]:
    """All keys that are accepted, oldest first: those `given` by the setting `name`, or else the app's.

    Raises SettingsError for none, and for a weak one; one that is no longer signed with would still open the door.
    While DEBUG or TESTING is set a weak one is only logged, once.
    """
    found: list[tuple[str, str | bytes]] = [(name, key) for key in given or ()]
    if given is None:
        secret = config.get("SECRET_KEY")
        if not secret:
            raise SettingsError(
                name, f"there is nothing to sign offers with. Set the app's SECRET_KEY, or {name}; {MAKE_ONE}"
            )
        older = config.get("SECRET_KEY_FALLBACKS") or []
        found = [*(("SECRET_KEY_FALLBACKS", key) for key in reversed(older)), ("SECRET_KEY", secret)]
    for where, key in found:
        wrong = weakness(key)
        if wrong is None:
            continue
        said = f"this key {wrong}, and who guesses it can sign offers; {MAKE_ONE}"
        if not (config.get("DEBUG") or config.get("TESTING")):
            instead = "" if where == name else f", here or as {name}, which needs no change of {where}"
            raise SettingsError(where, said + instead)
        if where not in _told_of:
            _told_of.add(where)
            log.warning("%s: %s. Without DEBUG or TESTING the app will not start", where, said,
                        extra={"upsell_reason": "weak_key"})  # fmt: skip
    return tuple(key.decode("latin-1") if isinstance(key, bytes) else str(key) for _, key in found)


def weakness(secret: str | bytes) -> str | None:
    """What is wrong with a signing key, as the rest of a sentence that does not repeat it; None for a good one.

    Nobody can tell chance by its looks. But what was drawn by chance has as many different characters as chance would
    give it, and no piece twice; what has not was typed by a person, or copied.
    """
    text = secret.decode("latin-1") if isinstance(secret, bytes) else secret
    plain = "".join(letter for letter in text.lower() if letter.isalnum())
    if text.lower() in KNOWN:
        return "is one from a manual, which everybody knows"
    if any(word in plain for word in PLACEHOLDERS):
        return "holds words that stand where a key ought to be"
    words = "".join([letter if letter not in " -_.,'" else " " for letter in text]).split(" ")
    spoken = sum([len(word) for word in words if word.isalpha() and word[1:].islower()])
    if 12 * (len(words) - 1) > len(text) and 20 * (len(words) - 1 + spoken) > 17 * len(text):
        return "is made of words"
    # Base64 is written with "+/" or "-_", and ends in "=": 64 characters all the same.
    letters = min((len(alphabet) for alphabet in _ALPHABETS if alphabet.issuperset(text)), default=256)
    letters = 64 if letters == 67 else letters
    bits = int(len(text) * log2(letters))
    if bits < LEAST_BITS:
        return f"is worth {bits} bits at most, of {LEAST_BITS} that are needed"
    by_chance = letters * (1 - (1 - 1 / letters) ** len(text))
    pieces = {text[place : place + 3] for place in range(len(text) - 2)}
    steps = sum(abs(ord(one) - ord(other)) <= 1 for one, other in pairwise(text))
    # Of ten digits more than a quarter of the neighbours are that near by chance: as many as no chance gives.
    near, pairs = (3 * letters - 2) / letters**2, len(text) - 1
    most = max(len(text) / 2, near * pairs + FAR_FROM_CHANCE * sqrt(near * (1 - near) * pairs))
    if 2 * len(set(text)) < by_chance or 10 * len(pieces) < 7 * (len(text) - 2) or steps > most:
        return "repeats itself or counts on, so it was not drawn by chance"
    return None
