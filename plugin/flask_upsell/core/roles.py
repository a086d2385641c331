"""Who works at the desk, and what each may do there."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """Each may do what those before it may. A viewer looks; an editor writes drafts and judges suggestions; an approver
    puts them live, takes them back and switches everything off; an owner sets options and gives keys to machines."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OWNER = "owner"

    def may(self, needed: Role) -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


class Person(msgspec.Struct, frozen=True):
    """One who is signed in at the store. `name` is what the audit calls him, the same each time (a login, an address);
    `language` BCP 47, "" for that of his browser."""

    name: str
    role: Role
    language: str = ""
