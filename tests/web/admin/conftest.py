"""An app with an admin, and persons of each role who fill in its forms as a browser does."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

from flask_upsell import Person, Role
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore

HERE = {"Sec-Fetch-Site": "same-origin"}


def by_header() -> Person | None:
    """The tests' own sign-in."""
    name, _, role = request.headers.get("X-Person", "").partition(":")
    return Person(name, Role(role)) if name else None


class Clerk:
    """Somebody who is signed in with a role."""

    def __init__(self, app: Flask, role: str = "owner", name: str = "") -> None:
        self.client = app.test_client()
        self.headers = {"X-Person": f"{name or role}:{role}"} if role else {}

    def get(self, path: str, **more: str) -> TestResponse:
        return self.client.get(f"/upsell/admin{path}", headers={**self.headers, **more})

    def token(self) -> str:
        """What the forms of this person's pages have."""
        found = re.search(r'name="csrf" value="([^"]*)"', self.get("/help").text)
        assert found is not None
        return unescape(found[1])

    def post(self, path: str, token: str | None = None, part: bool = False, **fields: Any) -> TestResponse:
        """Press a button: with a token of this person's own when none is given. `part`: as htmx does."""
        given = {"csrf": self.token() if token is None else token, **fields}
        headers = {**self.headers, **HERE, **({"HX-Request": "true"} if part else {})}
        return self.client.post(f"/upsell/admin{path}", data=given, headers=headers)


MakeClerk = Callable[..., Clerk]


@pytest.fixture
def app(serve: Serve) -> Flask:
    return serve(SessionStore(GOODS, urls={"cart": "/cart"}), UPSELL_ADMIN_USER=by_header)


@pytest.fixture
def clerk(app: Flask) -> MakeClerk:
    """Makes persons by their role."""
    return lambda role="owner", name="": Clerk(app, role, name)
