"""What the store's session remembers of a shopper for us, in its own cookie and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from flask import has_request_context, request, session

from .. import faults
from .view import Notice

#: What a session remembers at most of what was declined.
MOST_DECLINED = 50
#: … and in characters: the store's session is one cookie of 4 KB, which is not ours to fill.
MOST_REMEMBERED = 800
#: How many products and questions a session remembers to have shown; a product takes 4 characters.
MOST_SEEN, MOST_ASKED = 60, 6
#: What a notice and a thank-you may take of it; a letter beyond ASCII takes six characters there.
MOST_TEXT, MOST_THANKS = 160, 300
#: Marks a request in which something was remembered: it has a session then, whatever cookie came with it.
REMEMBERED = "flask_upsell.remembered"
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
        around = environ() if around is None else around
        self._has_session = "HTTP_COOKIE" in around or REMEMBERED in around
        kept = session.get(identifier) if self._has_session else None
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}

    @property
    def declined(self) -> frozenset[str]:
        return frozenset(self._kept.get("no", ()))

    @property
    def asked(self) -> frozenset[str]:
        """Questions that were answered or skipped."""
        return frozenset(self._kept.get("asked", ()))

    @property
    def answers(self) -> frozenset[tuple[str, str]]:
        return frozenset([(question, answer) for question, answer in self._kept.get("asked", {}).items() if answer])

    @property
    def seen(self) -> frozenset[str]:
        """Marks (core.context.mark) of what was offered."""
        marks = self._kept.get("seen", "")
        return frozenset([marks[at : at + 4] for at in range(0, len(marks), 4)])

    @property
    def thanks(self) -> tuple[str, ...]:
        """What the last order earned."""
        return tuple(self._kept.get("thanks", ()))

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
        self._kept["said"] = {
            "placement": placement,
            "text": _cut(notice.text, MOST_TEXT),
            "tone": notice.tone,
            "look": look,
        }
        self._save()

    def decline(self, product: str) -> None:
        kept = [*(p for p in self._kept.get("no", ()) if p != product), product][-MOST_DECLINED:]
        while len(kept) > 1 and sum(map(len, kept)) > MOST_REMEMBERED:
            del kept[0]
        self._kept["no"] = kept
        self._save()

    def accept(self, id: str, text: str, line: str, product: str, placement: str) -> None:
        self._kept["last"] = {
            "id": id,
            "text": _cut(text, MOST_TEXT),
            "line": line,
            "product": product,
            "placement": placement,
        }
        self._save()

    def answer(self, question: str, answer: str) -> None:
        """Remember an answer, or "" for a question that was skipped: in this session, and nowhere else."""
        before = [(asked, said) for asked, said in self._kept.get("asked", {}).items() if asked != question]
        self._kept["asked"] = dict([*before[1 - MOST_ASKED :], (question, answer)])
        self._save()

    def keep_what_must(self) -> None:
        """Forget what is remembered only by consent: what was offered. A "no", an answer and the last acceptance are
        what the shopper did, and are honoured without."""
        if self._kept.pop("seen", None) is not None:
            self._save()
            if not self._kept:
                session.pop(self._key, None)

    def show(self, marks: Iterable[str]) -> None:
        """Remember what is offered, where there is a session already: none is begun for this."""
        if not self._has_session:
            return
        seen = self.seen
        new = [mark for mark in marks if mark not in seen]
        if new:
            self._kept["seen"] = "".join([self._kept.get("seen", ""), *new])[-4 * MOST_SEEN :]
            self._save()

    def thank(self, sentences: Iterable[str]) -> None:
        """What an order earned, for the confirmation page; instead of what an earlier one did."""
        said = [_cut(sentence, MOST_THANKS) for sentence in sentences][:3]
        if said or "thanks" in self._kept:
            self._kept["thanks"] = said
            self._save()

    def forget_last(self) -> None:
        if self._kept.pop("last", None) is not None:
            self._save()

    def _save(self) -> None:
        try:
            session[self._key] = self._kept
            request.environ[REMEMBERED] = self._has_session = True
        except RuntimeError as error:  # a store without a secret key has no session
            faults.note("no_session", "nothing can be remembered for this visitor: %s", error)


def _cut(text: str, room: int) -> str:
    """As much of a text as takes so many characters in a cookie."""
    for place, letter in enumerate(text):
        room -= 1 if letter.isascii() else 6 if letter <= "\uffff" else 12
        if room < 0:
            return text[:place]
    return text
