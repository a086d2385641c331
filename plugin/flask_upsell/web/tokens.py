"""Signed tokens: what a browser may hold of ours. One purpose, one visitor, old after a while; keys rotate."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TypeVar

import msgspec
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

from ..errors import TokenError

T = TypeVar("T")


class Tokens:
    """`keys` oldest first; the last one signs, all are accepted. `seconds` is how long a token is good for."""

    def __init__(self, keys: tuple[str, ...], identifier: str, seconds: int) -> None:
        self._seconds = seconds
        self._signers = {
            purpose: TimestampSigner(list(keys), salt=f"{identifier}.{purpose}", digest_method=sha256)
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
