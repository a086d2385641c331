"""Help: what the words mean, and the options."""

from __future__ import annotations

from .office import Admin, Answer


def add(admin: Admin) -> None:
    @admin.page("/help")
    def help() -> Answer:
        return admin.show("help")
