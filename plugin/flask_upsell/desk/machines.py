"""Keys of machines for the API: each with a role, shown once, and revoked when it is not wanted any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from secrets import token_urlsafe

from ..adapters.machines import Machine as Machine
from ..adapters.machines import SQLMachines
from ..core.roles import Role
from ..core.words import objection
from ..errors import BadInput

#: What a key begins with, so that people and scanners of sources know what it is.
PREFIX = "upk_"
LONGEST_NAME = 80
#: What a machine's name begins with where a person's would stand.
ACTS_AS = "machine:"


class Machines:
    """One instance's."""

    def __init__(self, kept: SQLMachines, clock: Callable[[], datetime]) -> None:
        self._kept, self._clock = kept, clock

    def all(self) -> list[Machine]:
        """The last made first, revoked ones too."""
        return self._kept.all()

    def make(self, name: str, role: Role) -> tuple[Machine, str]:
        """A new key, and what it says: this once, for nothing here could tell it again. Raises BadInput for a name that
        is empty, too long or not printable, or that a key has which is not revoked."""
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadInput(
                "name",
                objection(
                    "{name} is no name: 1 to {longest_name} printable characters",
                    name=repr(name[:60]),
                    longest_name=LONGEST_NAME,
                ),
            )
        if any(each.name == name and each.revoked_at is None for each in self.all()):
            raise BadInput(
                "name", objection("a key is named {name} already; revoke it, or choose another name", name=repr(name))
            )
        key = PREFIX + token_urlsafe(32)
        return self._kept.make(name, role, hashed(key), self._clock()), key

    def revoke(self, id: str) -> Machine:
        """From now on it opens nothing. Raises BadInput when there is none with this id."""
        found = self._kept.revoke(id, self._clock())
        if found is None:
            raise BadInput("key", objection("no key has the id {id}", id=repr(id)))
        return found

    def of(self, key: str) -> Machine | None:
        """Whose key this is; None for what is none, or was revoked."""
        if not key.startswith(PREFIX) or not key.isascii():
            return None
        return self._kept.of(hashed(key), self._clock())


def hashed(key: str) -> str:
    """What is kept of a key. It is long and drawn by chance, so nobody finds it by trying, and no salt is needed."""
    return blake2b(key.encode(), digest_size=32, person=b"upsell machine").hexdigest()
