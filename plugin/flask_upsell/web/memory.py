"""What the store's session remembers of a shopper for us, in its own cookie and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import has_request_context, request, session

from .. import faults
from .view import Notice

#: What a session remembers at most of what was declined.
MOST_DECLINED = 50
#: … and in characters: the store's session is one cookie of 4 KB, which is not ours to fill.
MOST_REMEMBERED = 800
NO_REQUEST: Mapping[str, Any] = MappingProxyType({})


def environ() -> Mapping[str, Any]:
    """The request's environment; empty without a request."""
    return request.environ if has_request_context() else NO_REQUEST


class Memory:
    """What the store's session cookie remembers for us: declined products, the last acceptance, what to say next."""

    def __init__(self, identifier: str, around: Mapping[str, Any] | None = None) -> None:
        """`around`: the request's environment, where the caller has it already."""
        self._key = identifier
        # Without a cookie there is no session yet: looking into it would only make Flask save it.
        kept = session.get(identifier) if "HTTP_COOKIE" in (environ() if around is None else around) else None
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}

    @property
    def declined(self) -> frozenset[str]:
        return frozenset(self._kept.get("no", ()))

    @property
    def has_notice(self) -> bool:
        return "last" in self._kept

    @property
    def last(self) -> dict[str, str] | None:
        return self._kept.get("last")

    def take_said(self, placement: str) -> dict[str, str] | None:
        said: dict[str, str] | None = self._kept.get("said")
        if said is None or said["placement"] != placement:
            return None
        del self._kept["said"]
        self._save()
        return said

    def say(self, placement: str, notice: Notice, look: str = "") -> None:
        """For the next page (no JavaScript): a notice, and a product that the book may not know well yet."""
        self._kept["said"] = {"placement": placement, "text": notice.text[:160], "tone": notice.tone, "look": look}
        self._save()

    def decline(self, product: str) -> None:
        kept = [*(p for p in self._kept.get("no", ()) if p != product), product][-MOST_DECLINED:]
        while len(kept) > 1 and sum(map(len, kept)) > MOST_REMEMBERED:
            del kept[0]
        self._kept["no"] = kept
        self._save()

    def accept(self, id: str, text: str, line: str, product: str, placement: str) -> None:
        self._kept["last"] = {"id": id, "text": text[:160], "line": line, "product": product, "placement": placement}
        self._save()

    def forget_last(self) -> None:
        if self._kept.pop("last", None) is not None:
            self._save()

    def _save(self) -> None:
        try:
            session[self._key] = self._kept
        except RuntimeError as error:  # a store without a secret key has no session
            faults.note("no_session", "nothing can be remembered for this visitor: %s", error)
