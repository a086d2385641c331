"""Signed tokens: what a browser or mail may hold of ours. One purpose, one visitor, old after a while; keys rotate.

They are also what guards forms against other sites, where the store has no CSRF field of its own: another site's page
can send a form but not read one of ours, and what it has of its own visits is bound to its own cart. (Visitors without
a cart share theirs, so `origin.from_here` then wants the browser's word on where the form stood.)

A token is bound to the visitor's key, which a store keeps for one cart (`core.context.Visitor`), and not to what is in
that cart: in a second tab it may have changed meanwhile, and most offers still hold. What an offer needs of the cart
(the line that is replaced, with its product and price; what a discount was given for) is in the token and asked again
of the cart as it is. The key itself is signed, not its pseudonym: that takes a secret which SQL keeps.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

import msgspec
from itsdangerous import BadData, BadSignature, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode, want_bytes
from itsdangerous.signer import SigningAlgorithm

from ..errors import TokenError

T = TypeVar("T")
PURPOSES = ("offer", "answer", "undo", "unsubscribe", "desk")
#: What is not old after `seconds`: a mail may be opened in years, and whoever wants no more of them must be heard.
LASTING = {"unsubscribe"}
#: How far (seconds) the clocks of a store's machines may differ.
SKEW_SECONDS = 30


class _MAC(SigningAlgorithm):
    """Keyed BLAKE2b (RFC 7693): OpenSSL's HMAC looks its hash up anew for each signature, which takes longer than the
    signature. What each key begins with is worked out once."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._begun = {key: blake2b(key=key, digest_size=32) for key in keys}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        hash = self._begun[key].copy()
        hash.update(value)
        return hash.digest()


class _Signer(TimestampSigner):
    """Takes a signature as it was written only: base64 has several ways to write one, and skips what is no letter."""

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        try:
            same = base64_encode(base64_decode(sig)) == want_bytes(sig)
        except BadData:
            return False
        return same and super().verify_signature(value, sig)


class Tokens:
    """`keys` oldest first; the last one signs, all are accepted. `seconds` is how long most tokens are good for."""

    def __init__(self, keys: tuple[str, ...], identifier: str, seconds: int) -> None:
        self._seconds = seconds
        self._signers = {}
        for purpose in PURPOSES:
            # A key of its own for each purpose, derived once instead of at each signature.
            own = [_derived(key, f"{identifier}.{purpose}") for key in keys]
            self._signers[purpose] = _Signer(own, key_derivation="none", algorithm=_MAC(own))

    def sign(self, purpose: str, visitor: str, value: object) -> str:
        """A token for this value, good for this visitor (the store's key) and purpose only."""
        # The visitor is signed too, but need not be told: whoever reads the token knows whose it must be.
        whose = _whose(visitor)
        signed = self._signers[purpose].sign(whose + urlsafe_b64encode(msgspec.json.encode(value)))
        return signed[len(whose) :].decode()

    def read(self, purpose: str, visitor: str, token: str, kind: type[T]) -> T:
        """The value, or TokenError: forged, of another visitor or purpose, or (`expired`) too old or not made yet."""
        whose, signer = _whose(visitor), self._signers[purpose]
        try:
            raw, made = signer.unsign(whose + token.encode(), return_timestamp=True)
            value = msgspec.json.decode(urlsafe_b64decode(raw[len(whose) :]), type=kind)
        except (BadSignature, ValueError, UnicodeError, msgspec.DecodeError):
            raise TokenError("this token was not made here, or for somebody else") from None
        age = signer.get_timestamp() - int(made.timestamp())
        if age < -SKEW_SECONDS or (age > self._seconds and purpose not in LASTING):
            raise TokenError("this token is too old" if age > 0 else "this token is of a time to come", expired=True)
        return value

    @staticmethod
    def peek(token: str, kind: type[T]) -> T | None:
        """What a token says, whoever made it and for whom: enough to know where its form stood, never to act on it."""
        try:
            return msgspec.json.decode(urlsafe_b64decode(token.partition(".")[0]), type=kind)
        except (ValueError, msgspec.DecodeError):
            return None


def _whose(visitor: str) -> bytes:
    """Of one length, so that no visitor's key is the beginning of another's token."""
    return blake2b(visitor.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest().encode() + b"."


def _derived(key: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose."""
    whole = blake2b(key.encode(), digest_size=64).digest()
    return blake2b(purpose.encode(), key=whole, digest_size=32).digest()
