"""The first page: what is live today and what needs attention."""

from __future__ import annotations

from .office import Admin, Answer


def add(admin: Admin) -> None:
    @admin.page("/")
    def home() -> Answer:
        return admin.show("home")
