"""An app with the API, persons of each role who ask from the store's own pages, and machines with keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_upsell import Role
from tests.web.admin.conftest import HERE, by_header
from tests.web.conftest import Serve
from tests.web.shop import GOODS, SessionStore, parts_of

PREFIX = "/upsell/api/v1"


class Caller:
    """A person who is signed in with a role, or (`key`) a machine."""

    def __init__(self, app: Flask, role: str = "owner", name: str = "", key: str = "") -> None:
        self.client = app.test_client()
        self.headers = {"X-Person": f"{name or role}:{role}"} if role else {}
        if key:
            self.headers = {"Authorization": f"Bearer {key}"}

    def form(self) -> str:
        found: str = self.get("/me").json["form"]  # type: ignore[index]
        return found

    def ask(self, method: str, path: str, json: Any = None, **headers: str) -> TestResponse:
        given = {**self.headers, **headers}
        if method != "GET" and "X-Person" in given:
            given = {**HERE, "X-Upsell-CSRF": self.form(), **given}
        more = {"json": json} if json is not None else {}
        return self.client.open(PREFIX + path, method=method, headers=given, **more)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(PREFIX + path, headers={**self.headers, **headers})

    def post(self, path: str, json: Any = None, **headers: str) -> TestResponse:
        return self.ask("POST", path, {} if json is None else json, **headers)

    def put(self, path: str, json: Any, **headers: str) -> TestResponse:
        return self.ask("PUT", path, json, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.ask("DELETE", path, **headers)


MakeCaller = Callable[..., Caller]


@pytest.fixture
def app(serve: Serve) -> Flask:
    return serve(SessionStore(GOODS, urls={"cart": "/cart"}), UPSELL_ADMIN_USER=by_header)


@pytest.fixture
def caller(app: Flask) -> MakeCaller:
    """Makes persons by their role."""
    return lambda role="owner", name="": Caller(app, role, name)


@pytest.fixture
def machine(app: Flask) -> MakeCaller:
    """Makes machines by their role."""

    def make(role: str = "owner", name: str = "till") -> Caller:
        _, key = parts_of(app).desk.machines.make(name, Role(role))
        return Caller(app, key=key)

    return make
