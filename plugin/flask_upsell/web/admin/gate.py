"""Who may open which page of the admin, and whether a form came from one of them. Denied by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import g, request

from ... import faults
from ...core.roles import Person, Role
from ...core.words import Sentence, say
from ...errors import TokenError
from ..origin import from_here
from ..tokens import Tokens

#: How long (seconds) a form can be sent: a working day.
FORM_SECONDS = 12 * 3600
PURPOSE = "desk"

ROLES = {
    Role.VIEWER: say("viewer"),
    Role.EDITOR: say("editor"),
    Role.APPROVER: say("approver"),
    Role.OWNER: say("owner"),
}
NOBODY = say("Please sign in to your store as somebody who may work here.")
TOO_LITTLE = say("Your role, {role}, may not do this: it takes the role {needed}.")
ELSEWHERE = say("This form came from another site, so nothing was changed.")
OLD_FORM = say("This page had been open for very long. Nothing is lost: please press the button again.")


class Refusal(Exception):
    """Not let through. `told` is for the person; `again`: the same form, sent again, may be."""

    def __init__(self, status: int, told: Sentence, *, again: bool = False) -> None:
        super().__init__(told.words)
        self.status, self.told, self.again = status, told, again


class Gate:
    """`user` is the host's: who is signed in at this request, as a Person, or None. What it raises counts as nobody."""

    def __init__(self, identifier: str, keys: tuple[str, ...], user: Callable[[], Any]) -> None:
        self._tokens = Tokens(keys, f"{identifier}.{PURPOSE}", FORM_SECONDS)
        self._user, self._known = user, f"_{identifier}_person"

    @property
    def person(self) -> Person | None:
        """Asked of the host once a request."""
        if self._known not in g:
            setattr(g, self._known, self._asked())
        found: Person | None = getattr(g, self._known)
        return found

    @property
    def sign_in(self) -> str:
        """Where the host's function says that one signs in (its `sign_in()`, if it has one); "" for nowhere."""
        try:
            return str(self._user.sign_in() or "") if hasattr(self._user, "sign_in") else ""
        except Exception as error:
            faults.note("admin_user", "nobody can sign in: %s: %s", type(error).__name__, error, error=error)
            return ""

    def _asked(self) -> Person | None:
        try:
            found = self._user()
        except Exception as error:
            faults.note("admin_user", "nobody is let in: %s: %s", type(error).__name__, error, error=error)
            return None
        if found is None:
            return None
        if not isinstance(found, Person) or not found.name.strip() or not isinstance(found.role, Role):
            faults.note("admin_user", "nobody is let in: ADMIN_USER gave no Person with a name and a Role")
            return None
        return found

    def let_in(self, needed: Role) -> Person:
        """Who asks, when he may. Raises Refusal."""
        person = self.person
        if person is None:
            raise Refusal(403, NOBODY)
        if not person.role.may(needed):
            raise Refusal(403, say(TOO_LITTLE.words, role=ROLES[person.role], needed=ROLES[needed]))
        return person

    def check_form(self) -> None:
        """Whether this POST is a form of this person's own. Raises Refusal."""
        self.check(request.form.get("csrf", ""))

    def check(self, token: str) -> None:
        """Whether this request came from one of our pages, with a token of this person's own. Raises Refusal."""
        person = self.person
        if person is None:
            raise Refusal(403, NOBODY)
        if not from_here(anonymous=True):
            raise Refusal(403, ELSEWHERE)
        try:
            self._tokens.read(PURPOSE, person.name, token, str)
        except TokenError as error:
            raise Refusal(409 if error.expired else 403, OLD_FORM, again=True) from None

    def form_token(self) -> str:
        """What each of this person's forms has in its field `csrf`."""
        person = self.person
        return self._tokens.sign(PURPOSE, person.name, "") if person is not None else ""


class Said(msgspec.Struct, frozen=True):
    """A message at the top of the next page. `tone`: "done" or "sorry"."""

    text: str
    tone: str = "done"
