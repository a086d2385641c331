"""Whether this shopper agreed that history is used, and that the session remembers more than it must."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from .. import faults


class Consent:
    """One instance's. `ask` is the setting CONSENT; None says that no shopper ever agreed."""

    def __init__(self, identifier: str, ask: Callable[[], bool | None] | None) -> None:
        self._ask = ask
        self._key = f"flask_upsell.consent.{identifier}"

    def given(self, around: Mapping[str, Any]) -> bool:
        """Asked once a request (`around`: its environment, empty without one); only True is yes.

        Global Privacy Control is a no, whatever was agreed to. So is an answer that the store cannot give.
        """
        if self._ask is None or not around or around.get("HTTP_SEC_GPC", "").strip() == "1":
            return False
        known: bool | None = around.get(self._key)
        if known is None:
            known = self._asked(self._ask)
            if isinstance(around, MutableMapping):
                around[self._key] = known
        return known

    @staticmethod
    def _asked(ask: Callable[[], bool | None]) -> bool:
        try:
            return ask() is True
        except Exception as error:
            faults.note("consent", "the store does not say whether the shopper agreed: %s", type(error).__name__)
            return False
