"""Whose something is, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from threading import Thread

from .. import faults


class Pseudonyms:
    """Called with a visitor's or a customer's key: the same for the same one, and of no use to anybody else.

    `secret` makes them; a function is asked for it when the first one is made, and may read the ledger for it, so
    whoever only shows something asks `at_hand`.
    """

    def __init__(self, secret: str | Callable[[], str]) -> None:
        self._secret, self._key = secret, b""
        self._reading: Thread | None = None

    def __call__(self, key: str) -> str:
        if not self._key:
            secret = self._secret if isinstance(self._secret, str) else self._secret()
            self._key = blake2b(secret.encode(), digest_size=32).digest()
        return blake2b(key.encode(), key=self._key, digest_size=16).hexdigest()

    def at_hand(self, key: str) -> str | None:
        """The same for a page, which does not wait for the ledger: None while the secret is being read."""
        if self._key or isinstance(self._secret, str):
            return self(key)
        if self._reading is None or not self._reading.is_alive():
            self._reading = Thread(target=self._read, name="upsell-secret", daemon=True)
            self._reading.start()
        return None

    def _read(self) -> None:
        try:
            self("")
        except Exception as error:  # offers come from the cart alone until it can be read
            faults.note("secret", "past orders are not used: the ledger does not answer: %s", type(error).__name__)
