"""Signed tokens: what a browser may hold of ours. One purpose, one visitor, old after a while; keys rotate."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import TypeVar

import msgspec
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner
from itsdangerous.signer import SigningAlgorithm

from ..errors import TokenError

T = TypeVar("T")


class _MAC(SigningAlgorithm):
    """Keyed BLAKE2b (RFC 7693): OpenSSL's HMAC looks its hash up anew for each signature, which takes longer than the
    signature."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return blake2b(value, key=key, digest_size=32).digest()


class Tokens:
    """`keys` oldest first; the last one signs, all are accepted. `seconds` is how long a token is good for."""

    def __init__(self, keys: tuple[str, ...], identifier: str, seconds: int) -> None:
        self._seconds = seconds
        self._signers = {
            # A key of its own for each purpose, derived once instead of at each signature.
            purpose: TimestampSigner(
                [_derived(key, f"{identifier}.{purpose}") for key in keys],
                key_derivation="none",
                algorithm=_MAC(),
            )
            for purpose in ("offer", "undo")
        }

    def sign(self, purpose: str, visitor: str, value: object) -> str:
        """A token for this value, good for this visitor and purpose only."""
        raw = urlsafe_b64encode(msgspec.json.encode([visitor, value]))
        return self._signers[purpose].sign(raw).decode()

    def read(self, purpose: str, visitor: str, token: str, kind: type[T]) -> T:
        """The value, or TokenError: forged, foreign, of another purpose, or (`expired`) too old."""
        try:
            raw = self._signers[purpose].unsign(token.encode(), max_age=self._seconds)
            whose, value = msgspec.json.decode(urlsafe_b64decode(raw), type=tuple[str, kind])  # type: ignore[valid-type]
        except SignatureExpired:
            raise TokenError("this token is too old", expired=True) from None
        except (BadSignature, ValueError, UnicodeError, msgspec.DecodeError):
            raise TokenError("this token was not made here") from None
        if whose != visitor:
            raise TokenError("this token was made for somebody else")
        return value


def _derived(key: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose."""
    whole = blake2b(key.encode(), digest_size=64).digest()
    return blake2b(purpose.encode(), key=whole, digest_size=32).digest()
