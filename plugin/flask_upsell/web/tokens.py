"""Signed tokens: what a browser or mail may hold of ours. One purpose, one visitor, old after a while; keys rotate."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

import msgspec
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner
from itsdangerous.signer import SigningAlgorithm

from ..errors import TokenError

T = TypeVar("T")
PURPOSES = ("offer", "answer", "undo", "unsubscribe")
#: What is not old after `seconds`: a mail may be opened in years, and whoever wants no more of them must be heard.
LASTING = {"unsubscribe"}


class _MAC(SigningAlgorithm):
    """Keyed BLAKE2b (RFC 7693): OpenSSL's HMAC looks its hash up anew for each signature, which takes longer than the
    signature. What each key begins with is worked out once."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._begun = {key: blake2b(key=key, digest_size=32) for key in keys}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        hash = self._begun[key].copy()
        hash.update(value)
        return hash.digest()


class Tokens:
    """`keys` oldest first; the last one signs, all are accepted. `seconds` is how long most tokens are good for."""

    def __init__(self, keys: tuple[str, ...], identifier: str, seconds: int) -> None:
        self._seconds = seconds
        self._signers = {}
        for purpose in PURPOSES:
            # A key of its own for each purpose, derived once instead of at each signature.
            own = [_derived(key, f"{identifier}.{purpose}") for key in keys]
            self._signers[purpose] = TimestampSigner(own, key_derivation="none", algorithm=_MAC(own))

    def sign(self, purpose: str, visitor: str, value: object) -> str:
        """A token for this value, good for this visitor (by its key) and purpose only."""
        # The visitor is signed too, but need not be told: whoever reads the token knows whose it must be.
        whose = _whose(visitor)
        signed = self._signers[purpose].sign(whose + urlsafe_b64encode(msgspec.json.encode(value)))
        return signed[len(whose) :].decode()

    def read(self, purpose: str, visitor: str, token: str, kind: type[T]) -> T:
        """The value, or TokenError: forged, of another visitor or purpose, or (`expired`) too old."""
        whose = _whose(visitor)
        try:
            age = None if purpose in LASTING else self._seconds
            raw = self._signers[purpose].unsign(whose + token.encode(), max_age=age)
            return msgspec.json.decode(urlsafe_b64decode(raw[len(whose) :]), type=kind)
        except SignatureExpired:
            raise TokenError("this token is too old", expired=True) from None
        except (BadSignature, ValueError, UnicodeError, msgspec.DecodeError):
            raise TokenError("this token was not made here, or for somebody else") from None


def _whose(visitor: str) -> bytes:
    """A visitor in letters that a token may have, and of one length: no key can look like another and a value."""
    return f"{blake2b(visitor.encode(), digest_size=16).hexdigest() if visitor else ''}.".encode()


def _derived(key: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose."""
    whole = blake2b(key.encode(), digest_size=64).digest()
    return blake2b(purpose.encode(), key=whole, digest_size=32).digest()
